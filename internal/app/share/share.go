// Package share divides the parts of a work among the processes that do it: each has about
// as many as any other. One that joins gets its share within seconds; the parts of one that
// dies are taken over when their leases end, or at once by a process of the same machine.
package share

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/lease"
)

// Config says what is shared.
type Config struct {
	Store *store.Store
	Work  string // its name, the same in all processes
	Parts int    // how many it has, the same in all processes
	Owner string // name of this process, unlike any other's
	// Do works on a part until its context ends, which it does when the part is another's.
	// It is called again after it returned too early.
	Do    func(ctx context.Context, p *Part) error
	Lasts time.Duration // of a lease; 0 is 15 s
	Log   *slog.Logger  // nil is nobody
}

// Part is a part that this process has.
type Part struct {
	Number int
	lease  lease.Lease
	lasts  time.Duration
	stop   context.CancelFunc
}

// Hold belongs into every change that the work on the part keeps: if the part is another's
// by now, the change is not made.
func (p *Part) Hold(ctx context.Context, tx *store.Tx) error {
	return lease.Hold(ctx, tx, p.lease, p.lasts)
}

// HoldEach is Hold of several parts of one process, and says of each whether it has it still:
// of two of one number only the later one can.
func HoldEach(ctx context.Context, tx *store.Tx, parts []*Part) ([]bool, error) {
	out := make([]bool, len(parts))
	if len(parts) == 0 {
		return out, nil
	}
	fences := map[string]int64{}
	for _, p := range parts {
		fences[p.lease.Part] = max(fences[p.lease.Part], p.lease.Fence)
	}
	held, err := lease.HoldEach(ctx, tx, parts[0].lease.Work, parts[0].lease.Owner, fences, parts[0].lasts)
	for i, p := range parts {
		out[i] = p.lease.Fence == fences[p.lease.Part] && slices.Contains(held, p.lease.Part)
	}
	return out, err
}

// ErrLost says that another process may have a part by now.
var ErrLost = lease.ErrLost

const (
	usualLasts  = 15 * time.Second
	looks       = 5 // at who has what, while a lease lasts
	forgetAfter = time.Hour
	firstPause  = time.Second // before Do is called again
	mostPause   = 30 * time.Second
)

// Run does this process's share of the work until ctx ends, and gives its parts back then.
func Run(ctx context.Context, c Config) error {
	if c.Store == nil || c.Work == "" || c.Owner == "" || c.Do == nil || c.Parts <= 0 {
		return errors.New("share: store, work, owner, what to do and a number of parts are required")
	}
	c.Lasts = cmp.Or(c.Lasts, usualLasts)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	w := &worker{Config: c, parts: map[int]*Part{}}
	working, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		w.all.Wait()
		w.leave(ctx)
	}()
	tick := time.NewTicker(c.Lasts / looks)
	defer tick.Stop()
	looked := time.Now() // by the monotonic clock, which nobody sets back
	for {
		begun := time.Now()
		asking, cancel := context.WithTimeout(ctx, max(c.Lasts-begun.Sub(looked), c.Lasts/looks))
		err := w.look(asking, working)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			looked = begun
		default:
			c.Log.Error("look who does what", "work", c.Work, "error", err)
			if time.Since(looked) >= c.Lasts {
				w.lose() // others have the parts by now
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// worker is this process among those that share the work.
type worker struct {
	Config
	all   sync.WaitGroup
	mu    sync.Mutex    // guards what follows
	parts map[int]*Part // at work, or coming to an end
}

// processes is the work whose parts are the processes themselves.
func (w *worker) processes() string { return w.Work + "/processes" }

// look says that this process lives, sees who has what, and takes and leaves parts.
func (w *worker) look(ctx, working context.Context) error {
	var v view
	var has map[int]int64 // fences of this process's parts
	var taken []lease.Lease
	err := w.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		v, has, taken = view{owners: make([]string, w.Parts)}, map[int]int64{}, nil
		if err := w.live(ctx, tx, &v); err != nil {
			return err
		}
		list, err := lease.List(ctx, &tx.Reader, w.Work, tx.Clock())
		if err != nil {
			return err
		}
		for _, l := range list {
			n, err := strconv.Atoi(l.Part)
			if err != nil || n < 0 || n >= w.Parts {
				continue // of a time when there were more
			}
			if v.owners[n] = l.Owner; l.Owner == w.Owner {
				has[n] = l.Fence
			}
		}
		_, take := v.step(w.Owner)
		for _, n := range take {
			l, ok, err := lease.Take(ctx, tx, w.Work, strconv.Itoa(n), w.Owner, w.Lasts)
			if err != nil {
				return err
			}
			if ok {
				taken = append(taken, l)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	leave, _ := v.step(w.Owner)
	w.follow(working, has, leave, taken)
	return nil
}

// live says that this process and its leases live, and who else does.
func (w *worker) live(ctx context.Context, tx *store.Tx, v *view) error {
	for _, work := range []string{w.Work, w.processes()} {
		if err := lease.Bury(ctx, tx, work); err != nil {
			return err
		}
	}
	if err := lease.HoldAll(ctx, tx, w.Work, w.Owner, w.Lasts); err != nil {
		return err
	}
	if err := lease.HoldAll(ctx, tx, w.processes(), w.Owner, w.Lasts); err != nil {
		return err
	}
	if _, _, err := lease.Take(ctx, tx, w.processes(), w.Owner, w.Owner, w.Lasts); err != nil { // the first time
		return err
	}
	if err := lease.Forget(ctx, tx, w.processes(), tx.Clock().Add(-forgetAfter)); err != nil {
		return err
	}
	list, err := lease.List(ctx, &tx.Reader, w.processes(), tx.Clock())
	for _, l := range list {
		v.processes = append(v.processes, l.Owner)
	}
	slices.Sort(v.processes) // a database has an order of its own
	return err
}

// follow begins the work on what was taken, and ends that on what is lost or left.
func (w *worker) follow(ctx context.Context, has map[int]int64, leave []int, taken []lease.Lease) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n, p := range w.parts {
		if has[n] != p.lease.Fence || slices.Contains(leave, n) {
			p.stop()
		}
	}
	for _, l := range taken {
		n, _ := strconv.Atoi(l.Part) // written by look
		w.begin(ctx, n, l)
	}
	for n, fence := range has {
		if w.parts[n] == nil && !slices.Contains(leave, n) { // taken by a change whose end was not known
			w.begin(ctx, n, lease.Lease{Work: w.Work, Part: strconv.Itoa(n), Owner: w.Owner, Fence: fence})
		}
	}
}

func (w *worker) begin(ctx context.Context, n int, l lease.Lease) {
	if w.parts[n] != nil {
		return // an earlier lease of the part comes to its end; the next look begins this one
	}
	ctx, stop := context.WithCancel(ctx)
	p := &Part{Number: n, lease: l, lasts: w.Lasts, stop: stop}
	w.parts[n] = p
	w.all.Go(func() {
		w.do(ctx, p)
		w.end(ctx, p)
	})
}

// do works on a part until its context ends.
func (w *worker) do(ctx context.Context, p *Part) {
	for wait := firstPause; ctx.Err() == nil; wait = min(2*wait, mostPause) {
		err := w.guarded(ctx, p)
		if ctx.Err() != nil {
			return
		}
		w.Log.Error("work on a part, which begins again", "work", w.Work, "part", p.Number, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (w *worker) guarded(ctx context.Context, p *Part) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("rootkeep failed here: %v", cause)
		}
	}()
	return w.Do(ctx, p)
}

// end gives a part back, if it is not lost.
func (w *worker) end(ctx context.Context, p *Part) {
	p.stop()
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), w.Lasts)
	defer stop()
	err := w.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error { return lease.Release(ctx, tx, p.lease) })
	if err != nil {
		w.Log.Warn("give a part back; others have it when its lease ends", "work", w.Work, "part", p.Number, "error", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.parts, p.Number)
}

// lose ends the work on all parts.
func (w *worker) lose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.parts {
		p.stop()
	}
}

// leave tells the others that this process is gone.
func (w *worker) leave(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), w.Lasts)
	defer stop()
	err := w.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err := lease.List(ctx, &tx.Reader, w.processes(), tx.Clock())
		for _, l := range list {
			if l.Owner == w.Owner && err == nil {
				err = lease.Release(ctx, tx, l)
			}
		}
		return err
	})
	if err != nil {
		w.Log.Warn("say that this process ends; others see it when its lease ends", "work", w.Work, "error", err)
	}
}
