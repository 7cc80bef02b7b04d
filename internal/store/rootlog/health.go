package rootlog

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Health is how a live source stands: as a process says that reads it or, of HealthOf, as all
// of them say together. Fault, Busy and Latest may have text of files: hostile.
type Health struct {
	Source string    `json:"source"`
	Shared bool      `json:"shared,omitempty"` // several processes may read it at once
	Began  time.Time `json:"began,omitzero"`   // when the process began to read it
	Heard  time.Time `json:"heard"`            // the last answer of what is behind it; zero before the first
	Last   time.Time `json:"last"`             // when it last delivered something; zero before
	// Complete is up to when all that was there was delivered; zero before the first time.
	Complete time.Time `json:"complete"`
	// Behind is since when the source was read and Complete did not follow; zero while it does.
	Behind    time.Time     `json:"behind,omitzero"`
	Every     time.Duration `json:"every,omitempty"` // between two questions, nanoseconds
	Quiet     time.Duration `json:"quiet,omitempty"` // without a delivery, after which it is silent; 0 for never
	Delay     time.Duration `json:"delay"`           // how late events come by it at the most, nanoseconds
	Fault     string        `json:"fault,omitempty"`
	Gap       string        `json:"gap,omitempty"`     // what it cannot see by its nature
	Busy      string        `json:"busy,omitempty"`    // what takes long now: a large object, a rule that matches much
	Skipped   int           `json:"skipped,omitempty"` // objects that could not be read, since the process began
	SkippedAt time.Time     `json:"skipped_at,omitzero"`
	Latest    string        `json:"latest,omitempty"` // the last of them, and why
	Parcels   int64         `json:"parcels,omitempty"`
	Places    []Place       `json:"places,omitempty"` // how far it is in each account and Region
	Ended     time.Time     `json:"ended,omitzero"`   // when it was taken out of the settings
	Reason    string        `json:"reason,omitempty"` // why it ended

	Added     Totals    `json:"-"` // what the process kept since it last said how the source stands
	Noted     time.Time `json:"-"` // when it was kept
	Processes []Process `json:"-"` // that read it, of HealthOf
}

// Process is one that reads a source.
type Process struct {
	Name    string
	Noted   time.Time // when it last said how the source stands
	Parcels int64     // changes of the store that it made for the source, since it began
}

// Place is how far a source is in an account and Region. Both are as keys and envelopes name
// them.
type Place struct {
	Account rootkeep.AccountID `json:"account"`
	Region  string             `json:"region"`
	Last    time.Time          `json:"last"`    // of the latest object or event
	Arrived time.Time          `json:"arrived"` // when the source saw it
}

// Lag is how long after it happened, or was delivered, the latest one arrived.
func (p *Place) Lag() time.Duration { return p.Arrived.Sub(p.Last) }

// ProcessGone is how long after the others a process may have said nothing and still count:
// what it had received comes to others by then.
const ProcessGone = 10 * time.Minute

// LongestHold is how long detections wait for a source that is behind: then time goes on
// without it.
const LongestHold = 24 * time.Hour

// LeftBehind says that the source is behind for so long that detections wait for it no more.
func (h *Health) LeftBehind(now time.Time) bool {
	return !h.Behind.IsZero() && now.Sub(h.Behind) >= LongestHold
}

// SilentSince is since when the source does not answer, or brings nothing though it should;
// zero if it does.
func (h *Health) SilentSince(now time.Time) time.Time {
	if heard := later(h.Heard, h.Began); now.Sub(heard) >= Unheard+h.Every {
		return heard
	}
	if last := later(h.Last, h.Began); h.Quiet > 0 && now.Sub(last) >= h.Quiet {
		return last
	}
	return time.Time{}
}

// Unheard is how long what is behind a source may not answer, once it was to be asked again,
// before it is silent.
const Unheard = 10 * time.Minute

// longestName bounds the name of a process, bytes.
const longestName = 200

// KeepHealth keeps how sources stand, as a process says. Of a source that is not shared it is
// the only one; of a shared one, others are forgotten that are gone. It is for Store.Touch.
func KeepHealth(ctx context.Context, tx *store.Tx, process string, all []Health) error {
	process = store.Kept(process, longestName)
	for _, h := range all {
		if err := keepHealth(ctx, tx, process, &h); err != nil {
			return fmt.Errorf("keep how source %s stands: %w", h.Source, err)
		}
	}
	return nil
}

func keepHealth(ctx context.Context, tx *store.Tx, process string, h *Health) error {
	for _, text := range []*string{&h.Fault, &h.Gap, &h.Busy, &h.Latest} {
		*text = store.Kept(*text, longText)
	}
	others := []int64{math.MaxInt64, math.MaxInt64} // all of them
	if h.Shared {
		others = []int64{store.Micros(tx.Now().Add(-ProcessGone)), store.Micros(tx.Now().Add(ProcessGone))} // a clock may have run ahead
	}
	_, err := tx.Exec(ctx, `DELETE FROM live_source_process WHERE name = $1 AND process <> $2 AND (process = '' OR noted <= $3 OR noted > $4)`, h.Source, process, others[0], others[1])
	if err == nil {
		err = putHealth(ctx, tx, process, h)
	}
	if err == nil {
		err = AddTotals(ctx, tx, h.Source, h.Added)
	}
	return err
}

func putHealth(ctx context.Context, tx *store.Tx, process string, h *Health) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO live_source_process (name, process, health, noted) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name, process) DO UPDATE SET health = excluded.health, noted = excluded.noted`, h.Source, process, data, store.Micros(tx.Now()))
	return err
}

// HealthOf lists how live sources stand, by name, each as all processes say that read it.
func HealthOf(ctx context.Context, r *store.Reader) ([]Health, error) {
	var out []Health
	var parts []Health // of the source at hand
	end := func() {
		if len(parts) > 0 {
			out, parts = append(out, joined(parts)), nil
		}
	}
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var h Health
		var data []byte
		var process string
		var noted int64
		if err := rows.Scan(&process, &data, &noted); err != nil {
			return err
		}
		if err := json.Unmarshal(data, &h); err != nil {
			return err
		}
		h.Noted = store.Time(noted)
		h.Processes = []Process{{process, h.Noted, h.Parcels}}
		if len(parts) > 0 && parts[0].Source != h.Source {
			end()
		}
		parts = append(parts, h)
		return nil
	}, `SELECT process, health, noted FROM live_source_process ORDER BY name, process`)
	if err != nil {
		return nil, fmt.Errorf("read how live sources stand: %w", err)
	}
	end()
	return out, nil
}

// LeaveHealth takes back what a process that stops in order said, where others read the source.
func LeaveHealth(ctx context.Context, tx *store.Tx, process string) error {
	_, err := tx.Exec(ctx, `DELETE FROM live_source_process WHERE process = $1 AND EXISTS
		(SELECT 1 FROM live_source_process other WHERE other.name = live_source_process.name AND other.process <> $1 AND other.process <> '')`, store.Kept(process, longestName))
	if err != nil {
		return fmt.Errorf("take back how live sources stand: %w", err)
	}
	return nil
}

// EndSource keeps that a source was taken out of the settings, and forgets how far it was. Its
// mark stays: should it come back, it goes on from there.
func EndSource(ctx context.Context, tx *store.Tx, h *Health, reason string) error {
	ended := Health{
		Source: h.Source, Heard: h.Heard, Last: h.Last, Complete: h.Complete, Delay: h.Delay, Skipped: h.Skipped, SkippedAt: h.SkippedAt, Latest: h.Latest,
		Ended: tx.Now(), Reason: reason,
	}
	_, err := tx.Exec(ctx, `DELETE FROM live_source_process WHERE name = $1`, h.Source)
	if err == nil {
		err = putHealth(ctx, tx, "", &ended)
	}
	if err != nil {
		return fmt.Errorf("end source %s: %w", h.Source, err)
	}
	return nil
}

// ForgetEnded forgets sources that ended before a moment.
func ForgetEnded(ctx context.Context, tx *store.Tx, before time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM live_source_process WHERE process = '' AND noted <= $1`, store.Micros(before)); err != nil {
		return fmt.Errorf("forget sources that ended: %w", err)
	}
	return nil
}
