package watch

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/ledger"
)

const (
	parcelsAtOnce = 256         // in one change of the store
	eventsAtOnce  = 4 * atOnce  // and in those of them that follow the first
	commitTime    = time.Minute // of one change
)

// parcel is what a delivery, or a part of a large one, brings to the store.
type parcel struct {
	source  *source // nil: time has something to do
	mark    []byte
	events  []reconcile.Event // of root users, or about them
	records []detector.Record // that matter to detections
	found   []alert.Sighting  // by other services
	size    int               // of records, bytes
	bad     *skipped

	err  error
	turn chan bool // true: lead the next change; false: err has what became of the parcel
}

// empty says that there is only a mark to keep.
func (s *parcel) empty() bool {
	return s.source != nil && len(s.events) == 0 && len(s.records) == 0 && len(s.found) == 0 && (s.bad == nil || s.bad.quiet)
}

func (s *parcel) weight() int { return len(s.events) + len(s.records) + len(s.found) }

func (s *parcel) add(r detector.Record) {
	s.records, s.size = append(s.records, r), s.size+len(r.Raw)
}

// full says that the parcel is as much as one change should hold.
func (s *parcel) full() bool {
	return len(s.events) >= atOnce || len(s.records) >= atOnce || s.size >= bytesAtOnce
}

// counter is where parcels of several sources wait to be kept in one change of the store:
// what comes while one is made is in the next.
type counter struct {
	mu      sync.Mutex
	waiting []*parcel
	busy    bool
}

// next takes out what one change keeps: no more than it does in its time.
func (c *counter) next() []*parcel {
	n, events := 0, 0
	for n < min(len(c.waiting), parcelsAtOnce) && (n == 0 || events+c.waiting[n].weight() <= eventsAtOnce) {
		events += c.waiting[n].weight()
		n++
	}
	batch := c.waiting[:n:n]
	c.waiting = c.waiting[n:]
	return batch
}

// commit keeps a parcel, together with those of other sources that wait.
func (w *Watcher) commit(ctx context.Context, s *parcel) error {
	if err := w.publish(ctx, s); err != nil {
		return err
	}
	s.turn = make(chan bool, 1)
	c := &w.counter
	c.mu.Lock()
	c.waiting = append(c.waiting, s)
	leads := !c.busy
	c.busy = true
	c.mu.Unlock()
	if !leads && !<-s.turn {
		return s.err
	}
	c.mu.Lock()
	batch := c.next() // s is the first of them
	c.mu.Unlock()
	// The others' parcels must not fail because this one's source is left.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer stop()
	w.keep(ctx, batch)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy = len(c.waiting) > 0; c.busy {
		c.waiting[0].turn <- true
	}
	for _, other := range batch[1:] {
		other.turn <- false
	}
	return s.err
}

// keep keeps parcels in one change; if that fails, each in one of its own, so that what
// one of them has stops no other. A record that the detections cannot read stops not even
// the rest of its parcel.
func (w *Watcher) keep(ctx context.Context, batch []*parcel) {
	err := w.change(ctx, batch)
	if err == nil {
		return
	}
	for _, s := range batch {
		if len(batch) > 1 {
			err = w.change(ctx, []*parcel{s})
		}
		if bad, ok := errors.AsType[*detector.Unreadable](err); ok {
			s.leave(w.config.Now(), cloudtrail.NotJSON, bad)
			err = w.change(ctx, []*parcel{s})
		}
		if err != nil {
			s.err = err
		}
	}
}

// leave takes records out that detections cannot take, and names the first.
func (s *parcel) leave(now time.Time, why cloudtrail.ProblemKind, bad *detector.Unreadable) {
	problem := cloudtrail.Problem{Kind: why, Detail: bad.Error()}
	if s.bad == nil {
		s.bad = s.source.skip(now, s.records[bad.At[0]].Object, []cloudtrail.Problem{problem})
	} else {
		s.bad.Problems = append(s.bad.Problems, shown(problem))
	}
	for _, i := range slices.Backward(bad.At) {
		s.records = slices.Delete(s.records, i, i+1)
	}
}

// change keeps marks and events of the parcels whose source this server still has, judges
// what they touch, and tells of objects that were skipped.
func (w *Watcher) change(ctx context.Context, batch []*parcel) error {
	begin := w.config.Store.Touch
	for _, s := range batch {
		if !s.empty() { // of marks alone the ledger has nothing to tell
			begin = w.config.Store.Update
		}
	}
	var kept outcome
	err := begin(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		kept, err = w.enter(ctx, tx, batch)
		return err
	})
	if err != nil {
		return err
	}
	if kept.taken != nil {
		w.part.Kept(kept.taken)
	}
	for _, s := range kept.elsewhere { // not before: a change that took too long may run on
		s.err = errElsewhere
	}
	w.tell(batch, &kept)
	return nil
}

// outcome is what a change came to.
type outcome struct {
	root      access.Changes
	taken     *detector.Taken // nil: nothing was to detect
	elsewhere []*parcel       // another server has their sources now
}

func (w *Watcher) enter(ctx context.Context, tx *store.Tx, batch []*parcel) (outcome, error) {
	var out outcome
	touched := rootlog.Touched{}
	var records []detector.Record
	detects := false
	for _, s := range batch {
		err := w.arrive(ctx, tx, s, touched)
		if errors.Is(err, errElsewhere) {
			out.elsewhere = append(out.elsewhere, s)
			continue
		}
		if err != nil {
			return out, err
		}
		records = append(records, s.records...)
		detects = detects || s.source == nil || len(s.records) > 0
	}
	if len(touched) > 0 {
		changed, err := w.config.Judge(ctx, tx, touched)
		if err != nil {
			return out, err
		}
		out.root = *changed
	}
	var err error
	if detects {
		out.taken, err = w.part.Take(ctx, tx, records, w.complete())
	}
	return out, err
}

// arrive keeps one parcel, or nothing of it: errElsewhere is a source that another server has.
func (w *Watcher) arrive(ctx context.Context, tx *store.Tx, s *parcel, touched rootlog.Touched) error {
	if err := w.mayKeep(ctx, tx, s); err != nil || s.source == nil {
		return err
	}
	about, err := rootlog.Arrive(ctx, tx, s.source.Name(), s.mark, s.events)
	if err != nil {
		return err
	}
	for account, span := range about {
		touched.Add(account, span.First)
		touched.Add(account, span.Last)
	}
	if len(s.found) > 0 {
		if err := w.config.Alerts.Apply(ctx, tx, tx.Now(), s.found); err != nil {
			return err
		}
	}
	return s.bad.record(tx)
}

func (w *Watcher) mayKeep(ctx context.Context, tx *store.Tx, s *parcel) error {
	if s.source == nil {
		return w.holdNamed(ctx, tx, detections)
	}
	return w.hold(ctx, tx, s.source)
}

// tell logs what was kept, and has people told of it.
func (w *Watcher) tell(batch []*parcel, kept *outcome) {
	wake := len(kept.root.Cases) > 0
	for _, s := range batch {
		wake = wake || len(s.found) > 0
		if s.bad != nil && s.err == nil {
			w.config.Log.Warn("an object cannot be read, and is skipped", "source", s.source.Name(), "object", s.bad.Object, "problem", s.bad.Problems[0])
		}
	}
	for _, e := range kept.root.Events {
		w.config.Log.Info("root", "account", e.Account, "event", e.ID, "name", e.Name, "verdict", e.Verdict, "rule", e.Rule)
	}
	if kept.taken != nil {
		for _, a := range kept.taken.Told.Alerts {
			w.config.Log.Info("alert", "alert", a.ID, "act", a.Act, "level", a.Found.Level, "account", a.Found.Account, "rule", alert.Rule(&a.Found), "count", a.Found.Count)
			wake = true
		}
	}
	if wake {
		w.config.Outbox.Wake()
	}
}

func (b *skipped) record(tx *store.Tx) error {
	if b == nil || b.quiet {
		return nil
	}
	payload, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return tx.Record("source.skipped", b.Source, people.SystemActor.ID, ledger.NewPayload("object.json", payload))
}
