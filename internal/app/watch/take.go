package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/rootevent"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

const (
	atOnce       = 500         // events in one change of the store
	bytesAtOnce  = 4 << 20     // of records
	markEvery    = time.Second // marks of objects without events
	tries        = 3           // of an object whose reading fails, as by a disk
	mostStumbles = 1000        // objects that are counted
	mostPerHour  = 100         // entries of skipped objects of one source
	mostHollow   = 100_000     // records of one object that are no events
	longestCause = 400         // characters
)

// hand is what one goroutine reads objects with.
type hand struct {
	sieve  *detector.Sieve
	intake *cloudtrail.Reader // of records that the sieve has read
	plain  *cloudtrail.Reader // tells records apart and no more
}

func (w *Watcher) newHand() any {
	return &hand{
		sieve: w.config.Detector.Sieve(), intake: cloudtrail.NewReader(w.fields, cloudtrail.Options{}),
		plain: cloudtrail.NewReader(w.none, cloudtrail.Options{}),
	}
}

// take reads one delivery and keeps its events, and the mark with the last of them, at once
// or, of a source with a line, in its turn. An error has the delivery come again, with all
// that was not kept before it; an *Unfinished has it go on when others have had their turn.
func (w *Watcher) take(ctx context.Context, s *source, d live.Delivery) error {
	if d.Input.Open == nil {
		r := &reading{Watcher: w, source: s, delivery: d, part: &parcel{source: s, found: d.Sightings}}
		return r.end(ctx, d.Mark)
	}
	return w.begin(ctx, s, d).turn(ctx, d.Mark)
}

// end keeps the last of a delivery, and its mark.
func (r *reading) end(ctx context.Context, mark []byte) error {
	if r.err != nil {
		return r.err
	}
	s, d, stats := r.source, &r.delivery, &r.stats
	if errors.Is(stats.Err, errHollow) {
		stats.Problems = append(stats.Problems, cloudtrail.Problem{Kind: cloudtrail.NotALog, Detail: errHollow.Error()})
	} else if stats.Err != nil {
		return stats.Err
	}
	problems := slices.DeleteFunc(slices.Clone(stats.Problems), func(p cloudtrail.Problem) bool { return p.Notice() || p.Kind == cloudtrail.Vanished })
	if d.Lost != "" {
		problems = []cloudtrail.Problem{{Kind: cloudtrail.ReadError, Detail: d.Lost}}
	} else if err := s.again(d.Input.Name, problems); err != nil {
		return err
	}
	now := r.config.Now()
	var brought rootlog.Totals
	if d.Input.Open != nil {
		brought = objectTotals(stats, problems)
	}
	r.part.mark = mark
	if r.part.bad = s.skip(now, d.Input.Name, problems); r.part.bad != nil {
		brought.Unreadable++
	}
	s.count(brought)
	// A delivery without an object asks whether the store takes anything.
	if !r.part.empty() || r.part.bad != nil || d.Input.Open == nil || s.keepsMark(now) {
		s.load(r.part)
		if err := r.follows(ctx, r.part, d); err != nil {
			s.unload(r.part, brought)
			return err
		}
	}
	if d.Input.Open == nil && s.line != nil && (!d.Turns || d.Lost != "") {
		if err := s.line.wait(); err != nil {
			return err
		}
	}
	if mark != nil {
		s.mark = mark // of a source that shares its deliveries there is none
	}
	return nil
}

// errHollow ends the reading of an object in which others would wait for nothing: a few bytes
// of a gzip member make millions of records.
var errHollow = fmt.Errorf("more than %d of its records, and more than half of them, have no eventName; the rest is not read", mostHollow)

// hollow counts the records of an object that are no events.
type hollow struct{ records, none int }

func (h *hollow) add(raw []byte) error {
	h.records++
	if !bytes.Contains(raw, []byte(`"eventName"`)) {
		h.none++
	}
	if h.none > mostHollow && h.none > h.records/2 {
		return errHollow
	}
	return nil
}

// read reads an object into parts, and keeps those that are full: what they hold may come
// again, as the mark is not kept before the object was read. An object at which rootkeep
// itself fails is one that cannot be read: it must not end the server, again at each start.
// After each turn others are let read; false of that has the object left.
func (r *reading) read(ctx context.Context, others func() bool) (stats cloudtrail.Stats, err error) {
	h, keeping := r.hands.Get().(*hand), false
	defer func() {
		if keeping {
			return // what others wait for is half done
		}
		if cause := recover(); cause != nil {
			stats.Problems = append(stats.Problems, cloudtrail.Problem{Kind: cloudtrail.ReadError, Detail: fmt.Sprintf("rootkeep failed here: %v", cause)})
			return // the hand is of no use any more
		}
		r.hands.Put(h)
	}()
	var none hollow
	return h.sieve.Read(ctx, r.delivery.Input, func(rec *cloudtrail.Record, matters *detector.Record) error {
		if err := none.add(rec.Raw); err != nil {
			return err
		}
		if matters != nil {
			matters.Raw = bytes.Clone(matters.Raw)
			r.part.add(*matters)
		}
		if e, ok := r.about(h, rec.Raw); ok && !r.source.early.kept(r.delivery.Input.Name, e.Raw) {
			r.part.events = append(r.part.events, e)
		}
		over := r.took(rec.Raw)
		if r.part.full() {
			over, keeping = true, true
			if err := r.piece(ctx); err != nil {
				keeping = false
				return err
			}
			keeping = false
		}
		if over && !others() {
			return errLeft
		}
		return nil
	})
}

// piece keeps what was read, with the mark that the source has by now.
func (r *reading) piece(ctx context.Context) error {
	full := r.part
	full.mark, full.patient = r.source.mark, r.later
	r.part = &parcel{source: full.source}
	r.source.load(full)
	err := r.follows(ctx, full, &r.delivery)
	if err != nil {
		r.source.unload(full, rootlog.Totals{})
	}
	return err
}

// about is the event that a record tells, if it has to do with a root user.
func (w *Watcher) about(h *hand, raw []byte) (e reconcile.Event, ok bool) {
	if !rootevent.Mentions(raw) {
		return e, false
	}
	rec, err := h.intake.One(raw)
	if err != nil {
		return e, false
	}
	return w.intake.Event(rec)
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
	out := &skipped{Schema: "rootkeep/source-skipped/1", Source: s.Name(), Object: shownName(name), Problems: []string{}}
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

// shownName is the name of an object as people see it.
func shownName(name string) string { return text.Visible(name, longestCause) }

func shown(p cloudtrail.Problem) string {
	return text.Visible(fmt.Sprintf("%s at %d: %s", p.Kind, p.Offset, p.Detail), longestCause)
}
