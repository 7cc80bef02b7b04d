package watch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/app/share"
	detects "github.com/rootkeep/rootkeep/internal/detect/live"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/stream/flow"
)

// publish has what matters to detections travel to the processes that have its groups, before
// anything of the parcels is kept: should this process end in between, it comes once more, and
// is known. Of several parcels more goes together.
func (w *Watcher) publish(ctx context.Context, batch []*parcel) error {
	if w.part != nil {
		return nil
	}
	var out []flow.Message
	for _, s := range batch {
		w.leaveLarge(s)
		for i := range s.records {
			out = append(out, s.records[i].Messages(w.config.Flow.Partitions())...)
		}
	}
	if len(out) == 0 {
		return nil
	}
	ctx, stop := wanted(ctx, batch)
	defer stop()
	if err := w.config.Flow.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish %d records: %w", len(out), err)
	}
	for _, s := range batch {
		s.records, s.size = nil, 0
	}
	return nil
}

// wanted ends when nobody waits for any of the parcels any more, such as when the server stops
// while the broker does not answer.
func wanted(ctx context.Context, batch []*parcel) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(ctx)
	go func() {
		defer stop()
		for _, s := range batch {
			select {
			case <-s.gone:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, stop
}

// leaveLarge takes records out that are too large to travel.
func (w *Watcher) leaveLarge(s *parcel) {
	large := &detector.Unreadable{}
	for i := range s.records {
		if n := len(s.records[i].Raw); n > detector.MaxRecord {
			large.At, large.Err = append(large.At, i), fmt.Errorf("%d bytes, at most %d travel to detections", n, detector.MaxRecord)
		}
	}
	if len(large.At) > 0 {
		s.leave(w.config.Now(), cloudtrail.OversizedRecord, large)
	}
}

// Work is the work that processes share, by the name of its leases.
const Work = "detections"

// spread detects in this process's share of the flow until the context ends.
func (w *Watcher) spread(ctx context.Context) {
	var ticking sync.WaitGroup
	defer ticking.Wait()
	parts := &portions{Watcher: w, has: map[int]*portion{}, joint: &joint{Watcher: w}}
	ticking.Go(func() { parts.tick(ctx) })
	err := share.Run(ctx, share.Config{
		Store: w.config.Store, Work: Work, Parts: w.config.Flow.Partitions(), Owner: w.config.Owner, Log: w.config.Log, Do: parts.do,
	})
	if err != nil && ctx.Err() == nil {
		w.config.Log.Error("share the detections", "error", err)
	}
}

// portions are those that this process has.
type portions struct {
	*Watcher
	joint *joint
	tide  tide // of tick alone

	mu  sync.Mutex // guards has
	has map[int]*portion
}

// portion is a part of the detections.
type portion struct {
	*Watcher
	hold  *share.Part
	joint *joint

	mu       sync.Mutex // one change at a time
	part     *detector.Part
	complete detects.Reach
	doubt    bool // the last change failed: it may be under way
}

func (all *portions) do(ctx context.Context, held *share.Part) error {
	p := &portion{Watcher: all.Watcher, hold: held, joint: all.joint, part: all.config.Detector.Part(held.Number, all.config.Flow.Partitions())}
	all.mu.Lock()
	all.has[held.Number] = p
	all.mu.Unlock()
	defer func() {
		all.mu.Lock()
		defer all.mu.Unlock()
		if all.has[held.Number] == p {
			delete(all.has, held.Number)
		}
	}()
	return all.config.Flow.Consume(ctx, held.Number, p.take)
}

// take detects in a batch of the flow.
func (p *portion) take(ctx context.Context, batch []flow.Message) error {
	var records []detector.Record
	var of []string // IDs of their messages
	bad := &flow.Poison{}
	for _, m := range batch {
		r, err := detector.ReadMessage(m.Data)
		if err != nil {
			bad.IDs, bad.Err = append(bad.IDs, m.ID), errors.Join(bad.Err, fmt.Errorf("message %s: %w", m.ID, err))
			continue
		}
		records, of = append(records, r), append(of, m.ID)
	}
	if len(bad.IDs) > 0 {
		return bad
	}
	err := p.change(ctx, records)
	if unreadable, ok := errors.AsType[*detector.Unreadable](err); ok {
		bad.Err = unreadable
		for _, i := range unreadable.At {
			bad.IDs = append(bad.IDs, of[i])
		}
		return bad
	}
	return err
}

func (p *portion) change(ctx context.Context, records []detector.Record) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doubt {
		if err := p.settle(ctx); err != nil {
			return err
		}
	}
	p.doubt = true
	taken, err := p.look(ctx, records)
	if err != nil {
		return err
	}
	if taken.Plain() {
		err = p.joint.keep(ctx, p.hold, taken)
	} else {
		err = p.keep(ctx, taken)
	}
	if err != nil {
		return err
	}
	p.doubt = false
	p.part.Kept(taken)
	p.tell(nil, &outcome{taken: taken})
	return nil
}

// settle waits until no change of the portion is under way any more: each holds its lease.
func (p *portion) settle(ctx context.Context) error { return p.config.Store.Touch(ctx, p.hold.Hold) }

// look detects while other portions do. What it reads nobody changes before that is kept: only
// who has the portion does, and keeping it fails if that is another by then.
func (p *portion) look(ctx context.Context, records []detector.Record) (taken *detector.Taken, err error) {
	err = p.config.Store.Glance(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		taken, err = p.part.Look(ctx, r, p.config.Store.Now(), records, p.complete)
		return err
	})
	return taken, err
}

// keep keeps what people are told of.
func (p *portion) keep(ctx context.Context, taken *detector.Taken) error {
	return p.config.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := p.hold.Hold(ctx, tx); err != nil {
			return err
		}
		if err := p.part.Keep(ctx, tx, taken); err != nil {
			return err
		}
		return countLate(ctx, tx, taken.Late)
	})
}

// tide is how far the flow is handled while it never ebbs.
type tide struct {
	handled detects.Reach // all that was read up to then is
	until   detects.Reach // all that was read up to then is once the message of this number is
	last    uint64
}

// rise takes in up to when all was read, and what waits in the flow since: what came later
// does not count.
func (t *tide) rise(until detects.Reach, w *flow.Waiting) {
	if w.First > w.Last {
		t.handled, t.until, t.last = until, until, w.Last
	} else if w.First > t.last {
		t.handled, t.until, t.last = t.until, until, w.Last
	}
}

// tick notes up to when all was read and handled, and sees to what is due.
func (all *portions) tick(ctx context.Context) {
	for pause(ctx, tickEvery) == nil {
		if err := all.due(ctx); err != nil && ctx.Err() == nil {
			all.config.Log.Error("see to what is due of detections", "error", err)
		}
	}
}

func (all *portions) due(ctx context.Context) error {
	var until detects.Reach
	err := all.config.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		until, err = all.completed(ctx, r)
		return err
	})
	if err != nil {
		return err
	}
	waits, err := all.config.Flow.Waiting(ctx) // asked for afterwards, it counts all that was published up to then
	if err != nil {
		return err
	}
	all.tide.rise(until, waits)
	all.mu.Lock()
	has := maps.Clone(all.has)
	all.mu.Unlock()
	var failed []error
	for n, p := range has {
		complete := all.tide.handled
		if waits.Partitions[n] == 0 {
			complete = until
		}
		if err := p.completeUntil(ctx, complete); err != nil {
			failed = append(failed, fmt.Errorf("part %d: %w", n, err))
		}
	}
	return errors.Join(failed...)
}

func (p *portion) completeUntil(ctx context.Context, until detects.Reach) error {
	p.mu.Lock()
	p.complete = until
	p.mu.Unlock()
	var due bool
	err := p.config.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		due, err = p.part.Due(ctx, r, until.Whole)
		return err
	})
	if err != nil || !due {
		return err
	}
	return p.change(ctx, nil)
}
