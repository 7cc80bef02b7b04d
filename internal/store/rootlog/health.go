package rootlog

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Health is how a live source stands, as the process says that reads it. Fault and Latest
// may have text of files: hostile.
type Health struct {
	Source string    `json:"source"`
	Heard  time.Time `json:"heard"` // the last answer of what is behind it; zero before the first
	Last   time.Time `json:"last"`  // when it last delivered something; zero before
	// Complete is up to when all that was there was delivered; zero before the first time.
	Complete time.Time     `json:"complete"`
	Delay    time.Duration `json:"delay"` // how late events come by it at the most, nanoseconds
	Fault    string        `json:"fault,omitempty"`
	Gap      string        `json:"gap,omitempty"`     // what it cannot see by its nature
	Skipped  int           `json:"skipped,omitempty"` // objects that could not be read, since the process began
	Latest   string        `json:"latest,omitempty"`  // the last of them, and why
	Places   []Place       `json:"places,omitempty"`  // how far it is in each account and Region
	Noted    time.Time     `json:"-"`                 // when it was kept
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

// KeepHealth keeps how sources stand, for other processes. It is for Store.Touch.
func KeepHealth(ctx context.Context, tx *store.Tx, all []Health) error {
	for _, h := range all {
		for _, text := range []*string{&h.Fault, &h.Gap, &h.Latest} {
			*text = store.Kept(*text, longText)
		}
		data, err := json.Marshal(h)
		if err != nil {
			return fmt.Errorf("keep how source %s stands: %w", h.Source, err)
		}
		_, err = tx.Exec(ctx, `INSERT INTO live_source (name, health, noted) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET health = excluded.health, noted = excluded.noted`, h.Source, data, store.Micros(tx.Now()))
		if err != nil {
			return fmt.Errorf("keep how source %s stands: %w", h.Source, err)
		}
	}
	return nil
}

// HealthOf lists how live sources stand, by name.
func HealthOf(ctx context.Context, r *store.Reader) ([]Health, error) {
	var out []Health
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var h Health
		var data []byte
		var noted int64
		if err := rows.Scan(&data, &noted); err != nil {
			return err
		}
		if err := json.Unmarshal(data, &h); err != nil {
			return err
		}
		h.Noted = store.Time(noted)
		out = append(out, h)
		return nil
	}, `SELECT health, noted FROM live_source ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("read how live sources stand: %w", err)
	}
	return out, nil
}
