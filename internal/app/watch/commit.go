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
	"github.com/rootkeep/rootkeep/internal/stream/live"
	"github.com/rootkeep/rootkeep/ledger"
)

const (
	parcelsAtOnce = 256         // in one change of the store
	eventsAtOnce  = 4 * atOnce  // and in those of them that follow the first
	commitTime    = time.Minute // of one change

	// While a change is made nothing else is written, notices and their jobs among it: one that
	// took long is followed by smaller ones.
	longChange  = 400 * time.Millisecond
	shortChange = 100 * time.Millisecond
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
	patient bool           // it is of an object that gives way to others
	brings  rootlog.Totals // what it counts
	covers  bool           // its mark is behind all that it counts
	late    rootlog.Totals // what was counted of it while it was kept

	line    *line // that it stands in; nil: somebody waits for it
	counted int   // its weight when it came into the line
	bytes   int   // and its size

	gone <-chan struct{} // closed when nobody waits for it any more; it is kept all the same
	err  error
	done chan struct{} // closed when err has what became of the parcel
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
	less    int // events that the next change has less than eventsAtOnce
}

// took notes how long a change took. A small one says nothing of a large one.
func (c *counter) took(d time.Duration, weight int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch most := eventsAtOnce - c.less; {
	case d > longChange:
		c.less = eventsAtOnce - max(most/2, atOnce)
	case d < shortChange && 2*weight >= most:
		c.less = eventsAtOnce - min(2*most, eventsAtOnce)
	}
}

// turn is the next batch; while it is not empty, somebody serves.
func (c *counter) turn() []*parcel {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch := c.next()
	c.busy = len(batch) > 0
	return batch
}

// next takes out what one change keeps: no more than it does in its time.
func (c *counter) next() []*parcel {
	n, events := 0, 0
	for n < min(len(c.waiting), parcelsAtOnce) && (n == 0 || events+c.waiting[n].weight() <= eventsAtOnce-c.less) {
		events += c.waiting[n].weight()
		n++
	}
	batch := c.waiting[:n:n]
	c.waiting = c.waiting[n:]
	return batch
}

// commit keeps a parcel, together with those of other sources that wait.
func (w *Watcher) commit(ctx context.Context, s *parcel) error {
	w.enqueue(ctx, s)
	<-s.done
	return s.err
}

// follows keeps a parcel of a source that is read on meanwhile, or by its end says why one
// before it was not kept. While there is no room for it, what waits behind its delivery is
// looked into.
func (w *Watcher) follows(ctx context.Context, s *parcel, d *live.Delivery) error {
	l := s.source.line
	if l == nil {
		return w.commit(ctx, s)
	}
	if err := l.add(ctx, s, s.source.Health().Complete, func() bool {
		s.source.holdUp()
		return w.ahead(ctx, s.source, d)
	}); err != nil {
		return err
	}
	w.enqueue(ctx, s)
	return nil
}

func (w *Watcher) enqueue(ctx context.Context, s *parcel) {
	s.gone, s.done = ctx.Done(), make(chan struct{})
	c := &w.counter
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, s)
	if !c.busy {
		c.busy = true
		// The others' parcels must not fail because this one's source is left.
		go w.serve(context.WithoutCancel(ctx))
	}
}

// serve makes changes until no parcel waits.
func (w *Watcher) serve(ctx context.Context) {
	for batch := w.counter.turn(); len(batch) > 0; {
		w.keepWithin(ctx, batch)
		next := w.counter.turn() // before anybody hears: when the last one does, nobody serves
		for _, s := range batch {
			if s.line != nil {
				s.line.left(s)
			}
			close(s.done)
		}
		batch = next
	}
}

func (w *Watcher) keepWithin(ctx context.Context, batch []*parcel) {
	batch = slices.DeleteFunc(slices.Clone(batch), (*parcel).lost)
	weight := 0
	for _, s := range batch {
		weight += s.weight()
	}
	if err := w.publish(ctx, batch); err != nil {
		for _, s := range batch {
			if len(s.records) > 0 {
				s.fail(err)
			}
		}
		batch = slices.DeleteFunc(batch, (*parcel).lost)
	}
	ctx, stop := context.WithTimeout(ctx, commitTime)
	defer stop()
	begun := time.Now()
	w.keep(ctx, batch)
	w.counter.took(time.Since(begun), weight)
}

// fail says that a parcel is not kept, and so none behind it in its line.
func (s *parcel) fail(err error) {
	if s.err = err; err != nil && s.line != nil {
		s.line.fail(err)
	}
}

// lost says that a parcel stands behind one that was not kept.
func (s *parcel) lost() bool {
	if s.line != nil {
		s.err = s.line.failed()
	}
	return s.err != nil
}

// keep keeps parcels in one change; if that fails, each in one of its own, so that what
// one of them has stops no other but those behind it in its line. A record that the
// detections cannot read stops not even the rest of its parcel.
func (w *Watcher) keep(ctx context.Context, batch []*parcel) {
	if len(batch) == 0 {
		return
	}
	err := w.change(ctx, batch)
	for _, s := range batch {
		if err != nil {
			w.keepAlone(ctx, s, err, len(batch) == 1)
		}
		s.fail(s.err)
	}
}

// keepAlone keeps a parcel of a change that failed. tried says that the change was its own.
func (w *Watcher) keepAlone(ctx context.Context, s *parcel, err error, tried bool) {
	if s.lost() {
		return
	}
	if !tried {
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

// leave takes records out that detections cannot take, and names the first.
func (s *parcel) leave(now time.Time, why cloudtrail.ProblemKind, bad *detector.Unreadable) {
	problem := cloudtrail.Problem{Kind: why, Detail: bad.Error()}
	if s.bad == nil {
		s.bad = s.source.skip(now, s.records[bad.At[0]].Object, []cloudtrail.Problem{problem})
		s.also(rootlog.Totals{Unreadable: 1})
	} else {
		s.bad.Problems = append(s.bad.Problems, shown(problem))
	}
	s.also(rootlog.Totals{Undecodable: int64(len(bad.At))})
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
	for _, these := range bySource(batch) {
		err := w.arrive(ctx, tx, these, touched)
		if errors.Is(err, errElsewhere) {
			out.elsewhere = append(out.elsewhere, these...)
			continue
		}
		if err != nil {
			return out, err
		}
		for _, s := range these {
			records = append(records, s.records...)
			detects = detects || s.source == nil || len(s.records) > 0
		}
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
		if out.taken, err = w.part.Take(ctx, tx, records, w.complete()); err == nil {
			err = countLate(ctx, tx, out.taken.Late)
		}
	}
	return out, err
}

// countLate counts records that came too late for windows.
func countLate(ctx context.Context, tx *store.Tx, late int) error {
	return rootlog.AddTotals(ctx, tx, Detections, rootlog.Totals{Late: int64(late)})
}

// bySource puts the parcels of each source together, in their order.
func bySource(batch []*parcel) [][]*parcel {
	var out [][]*parcel
	at := map[*source]int{}
	for _, s := range batch {
		i, known := at[s.source]
		if !known {
			i, at[s.source] = len(out), len(out)
			out = append(out, nil)
		}
		out[i] = append(out[i], s)
	}
	return out
}

// arrive keeps the parcels of one source, or nothing of them: errElsewhere is a source that
// another server has.
func (w *Watcher) arrive(ctx context.Context, tx *store.Tx, these []*parcel, touched rootlog.Touched) error {
	last := these[len(these)-1]
	if err := w.mayKeep(ctx, tx, last); err != nil || last.source == nil {
		return err
	}
	var events []reconcile.Event
	var brought rootlog.Totals
	for _, s := range these {
		events, brought = append(events, s.events...), brought.Plus(s.brings)
	}
	about, err := rootlog.ArriveTogether(ctx, tx, last.source.Name(), len(these), last.mark, events)
	if err != nil {
		return err
	}
	if err := rootlog.AddTotals(ctx, tx, last.source.Name(), brought); err != nil {
		return err
	}
	for account, span := range about {
		touched.Add(account, span.First)
		touched.Add(account, span.Last)
	}
	for _, s := range these {
		if len(s.found) > 0 {
			if err := w.config.Alerts.Apply(ctx, tx, tx.Clock(), s.found); err != nil {
				return err
			}
		}
		if err := s.bad.record(tx); err != nil {
			return err
		}
	}
	return nil
}

func (w *Watcher) mayKeep(ctx context.Context, tx *store.Tx, s *parcel) error {
	if s.source == nil {
		return w.holdNamed(ctx, tx, Detections)
	}
	return w.hold(ctx, tx, s.source)
}

// tell logs what was kept, and has people told of it.
func (w *Watcher) tell(batch []*parcel, kept *outcome) {
	wake := len(kept.root.Cases) > 0
	for _, s := range batch {
		if s.source != nil && s.err == nil {
			s.source.keptOne()
		}
		wake = wake || len(s.found) > 0
		if s.bad != nil && s.err == nil {
			w.config.Log.Warn("an object cannot be read, and is skipped", "source", s.source.Name(), "object", s.bad.Object, "problem", s.bad.Problems[0])
		}
	}
	for _, e := range kept.root.Events {
		w.config.Log.Info("root", "account", e.Account, "event", e.ID, "name", e.Name, "verdict", e.Verdict, "rule", e.Rule)
	}
	if kept.taken != nil {
		w.matches.add(kept.taken.Volume)
		if n := kept.taken.Late; n > 0 {
			w.config.Log.Warn("records that a detection matched came too late for windows", "records", n)
		}
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
