package watch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/stream/live"
	"github.com/rootkeep/rootkeep/ledger"
)

const (
	atOnce       = 500         // events in one change of the store
	markEvery    = time.Second // marks of objects without events
	tries        = 3           // of an object whose reading fails, as by a disk
	mostPerHour  = 100         // entries of skipped objects of one source
	longestCause = 400         // characters
)

// take reads one delivery and keeps its events, and the mark with the last of them. An
// error has the delivery come again.
func (w *Watcher) take(ctx context.Context, s *source, d live.Delivery) error {
	var events []reconcile.Event
	var stats cloudtrail.Stats
	if d.Input.Open != nil {
		stats = s.reader.Read(ctx, d.Input, func(rec *cloudtrail.Record) error {
			if e, ok := s.intake.Event(rec); ok {
				events = append(events, e)
			}
			if len(events) < atOnce {
				return nil
			}
			err := w.keep(ctx, s, s.mark, events, nil) // the object is not done: its mark is not kept yet
			events = nil
			return err
		})
		if stats.Err != nil {
			return stats.Err
		}
	}
	problems := slices.DeleteFunc(slices.Clone(stats.Problems), func(p cloudtrail.Problem) bool { return p.Notice() || p.Kind == cloudtrail.Vanished })
	if d.Lost != "" {
		problems = []cloudtrail.Problem{{Kind: cloudtrail.ReadError, Detail: d.Lost}}
	} else if err := s.again(d.Input.Name, problems); err != nil {
		return err
	}
	if err := w.keep(ctx, s, d.Mark, events, s.skip(w.config.Now(), d.Input.Name, problems)); err != nil {
		return err
	}
	s.mark = d.Mark
	return nil
}

// again says that an object is to be tried again: a disk, or a network, may read it the
// next time. After some tries it is skipped as one that is damaged.
func (s *source) again(name string, problems []cloudtrail.Problem) error {
	at := slices.IndexFunc(problems, func(p cloudtrail.Problem) bool { return p.Kind == cloudtrail.ReadError })
	if at < 0 {
		return nil
	}
	if s.stumble.name != name {
		s.stumble.name, s.stumble.times = name, 0
	}
	if s.stumble.times++; s.stumble.times >= tries {
		return nil
	}
	return fmt.Errorf("object %q: %s", name, problems[at].Detail)
}

// skipped is what the ledger tells of an object that could not be read, or not to its end.
type skipped struct {
	Schema   string   `json:"schema"`
	Source   string   `json:"source"`
	Object   string   `json:"object"`
	Problems []string `json:"problems"`
}

// skip notes an object that could not be read, or not to its end: its name and why, for
// the ledger. Nil is none, or one too many within an hour: somebody may leave thousands.
func (s *source) skip(now time.Time, name string, problems []cloudtrail.Problem) *skipped {
	if len(problems) == 0 {
		return nil
	}
	out := &skipped{Schema: "rootkeep/source-skipped/1", Source: s.Name(), Object: text.Visible(name, longestCause), Problems: []string{}}
	for _, p := range problems {
		out.Problems = append(out.Problems, text.Visible(fmt.Sprintf("%s at %d: %s", p.Kind, p.Offset, p.Detail), longestCause))
	}
	s.mu.Lock()
	s.skipped++
	s.skippedAt = now
	s.last = out.Object + ": " + out.Problems[0]
	s.mu.Unlock()
	s.entries = slices.DeleteFunc(s.entries, func(at time.Time) bool { return now.Sub(at) >= time.Hour })
	if len(s.entries) >= mostPerHour {
		return nil
	}
	s.entries = append(s.entries, now)
	return out
}

// keep keeps events and mark in one change, judges what they touch, and tells of an object
// that was skipped.
func (w *Watcher) keep(ctx context.Context, s *source, mark []byte, events []reconcile.Event, bad *skipped) error {
	now := w.config.Now()
	if len(events) == 0 && bad == nil {
		if now.Sub(s.kept) < markEvery {
			return nil // should the server end now, the object is read once more
		}
		s.kept = now
		return w.config.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
			if err := w.hold(ctx, tx, s); err != nil {
				return err
			}
			_, err := rootlog.Arrive(ctx, tx, s.Name(), mark, nil)
			return err
		})
	}
	var changed *access.Changes
	err := w.config.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := w.hold(ctx, tx, s); err != nil {
			return err
		}
		touched, err := rootlog.Arrive(ctx, tx, s.Name(), mark, events)
		if err != nil {
			return err
		}
		if changed, err = w.config.Judge(ctx, tx, touched); err != nil {
			return err
		}
		return bad.record(tx)
	})
	if err != nil {
		return err
	}
	s.kept = now
	if bad != nil {
		w.config.Log.Warn("an object cannot be read, and is skipped", "source", s.Name(), "object", bad.Object, "problem", bad.Problems[0])
	}
	for _, e := range changed.Events {
		w.config.Log.Info("root", "account", e.Account, "event", e.ID, "name", e.Name, "verdict", e.Verdict, "rule", e.Rule)
	}
	if len(changed.Cases) > 0 {
		w.config.Outbox.Wake()
	}
	return nil
}

func (b *skipped) record(tx *store.Tx) error {
	if b == nil {
		return nil
	}
	payload, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return tx.Record("source.skipped", b.Source, people.SystemActor.ID, ledger.NewPayload("object.json", payload))
}
