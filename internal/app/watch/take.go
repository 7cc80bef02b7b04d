package watch

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

const (
	atOnce       = 500         // events in one change of the store
	bytesAtOnce  = 4 << 20     // of records
	markEvery    = time.Second // marks of objects without events
	tries        = 3           // of an object whose reading fails, as by a disk
	mostStumbles = 1000        // objects that are counted
	mostPerHour  = 100         // entries of skipped objects of one source
	longestCause = 400         // characters
)

// hand is what one goroutine reads objects with.
type hand struct {
	sieve  *detector.Sieve
	intake *cloudtrail.Reader // of records that the sieve has read
}

func (w *Watcher) newHand() any {
	return &hand{sieve: w.config.Detector.Sieve(), intake: cloudtrail.NewReader(w.fields, cloudtrail.Options{})}
}

// take reads one delivery and keeps its events, and the mark with the last of them. An
// error has the delivery come again.
func (w *Watcher) take(ctx context.Context, s *source, d live.Delivery) error {
	part := &parcel{source: s, mark: s.mark, found: d.Sightings}
	var stats cloudtrail.Stats
	if d.Input.Open != nil {
		var err error
		if stats, err = w.read(ctx, d.Input, &part); err != nil {
			return err
		}
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
	part.mark, part.bad = d.Mark, s.skip(now, d.Input.Name, problems)
	// A delivery without an object asks whether the store takes anything.
	if !part.empty() || part.bad != nil || d.Input.Open == nil || s.keepsMark(now) {
		if err := w.commit(ctx, part); err != nil {
			return err
		}
	}
	if d.Mark != nil {
		s.mark = d.Mark // of a source that shares its deliveries there is none
	}
	return nil
}

// read reads an object into parts, and keeps those that are full: what they hold may come
// again, as the mark is not kept before the object was read. An object at which rootkeep
// itself fails is one that cannot be read: it must not end the server, again at each start.
func (w *Watcher) read(ctx context.Context, in cloudtrail.Input, part **parcel) (stats cloudtrail.Stats, err error) {
	h, keeping := w.hands.Get().(*hand), false
	defer func() {
		if keeping {
			return // what others wait for is half done
		}
		if cause := recover(); cause != nil {
			stats.Problems = append(stats.Problems, cloudtrail.Problem{Kind: cloudtrail.ReadError, Detail: fmt.Sprintf("rootkeep failed here: %v", cause)})
			return // the hand is of no use any more
		}
		w.hands.Put(h)
	}()
	return h.sieve.Read(ctx, in, func(rec *cloudtrail.Record, r *detector.Record) error {
		if r != nil {
			r.Raw = bytes.Clone(r.Raw)
			(*part).add(*r)
		}
		if own, err := h.intake.One(rec.Raw); err == nil {
			if e, ok := w.intake.Event(own); ok {
				(*part).events = append((*part).events, e)
			}
		}
		if !(*part).full() {
			return nil
		}
		full := *part
		*part = &parcel{source: full.source, mark: full.mark}
		keeping = true
		err := w.commit(ctx, full)
		keeping = false
		return err
	})
}

// keepsMark says that it is time to keep the mark of objects without events: should the
// server end before, they are read once more.
func (s *source) keepsMark(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.kept) < markEvery {
		return false
	}
	s.kept = now
	return true
}

// again says that an object is to be tried again: a disk, or a network, may read it the
// next time. After some tries it is skipped as one that is damaged.
func (s *source) again(name string, problems []cloudtrail.Problem) error {
	at := slices.IndexFunc(problems, func(p cloudtrail.Problem) bool { return p.Kind == cloudtrail.ReadError })
	s.mu.Lock()
	defer s.mu.Unlock()
	if at < 0 || s.stumbles[name]+1 >= tries {
		delete(s.stumbles, name)
		return nil
	}
	if len(s.stumbles) >= mostStumbles {
		clear(s.stumbles)
	}
	s.stumbles[name]++
	return fmt.Errorf("object %q: %s", name, problems[at].Detail)
}

// skipped is what the ledger tells of an object that could not be read, or not to its end.
type skipped struct {
	Schema   string   `json:"schema"`
	Source   string   `json:"source"`
	Object   string   `json:"object"`
	Problems []string `json:"problems"`

	quiet bool // one too many within an hour for the ledger: somebody may leave thousands
}

// skip notes an object that could not be read, or not to its end: its name and why. Nil is
// none.
func (s *source) skip(now time.Time, name string, problems []cloudtrail.Problem) *skipped {
	if len(problems) == 0 {
		return nil
	}
	out := &skipped{Schema: "rootkeep/source-skipped/1", Source: s.Name(), Object: text.Visible(name, longestCause), Problems: []string{}}
	for _, p := range problems {
		out.Problems = append(out.Problems, shown(p))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skipped++
	s.skippedAt = now
	s.last = out.Object + ": " + out.Problems[0]
	s.entries = slices.DeleteFunc(s.entries, func(at time.Time) bool { return now.Sub(at) >= time.Hour })
	if out.quiet = len(s.entries) >= mostPerHour; !out.quiet {
		s.entries = append(s.entries, now)
	}
	return out
}

func shown(p cloudtrail.Problem) string {
	return text.Visible(fmt.Sprintf("%s at %d: %s", p.Kind, p.Offset, p.Detail), longestCause)
}
