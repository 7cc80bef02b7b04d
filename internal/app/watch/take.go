package watch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/stream/live"
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
			err := w.commit(ctx, &share{source: s, mark: s.mark, events: events}) // the object is not done: its mark is not kept yet
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
	now := w.config.Now()
	done := &share{source: s, mark: d.Mark, events: events, bad: s.skip(now, d.Input.Name, problems)}
	if !done.empty() || now.Sub(s.kept) >= markEvery { // should the server end before, the object is read once more
		if err := w.commit(ctx, done); err != nil {
			return err
		}
		s.kept = now
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
