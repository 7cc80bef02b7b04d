// Package run runs the jobs of a store on one server: it claims what is due, keeps the
// leases of what runs, and keeps what became of it.
package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/internal/job"
)

// Config says how a server runs jobs.
type Config struct {
	Keeper job.Keeper
	Kinds  []job.Kind
	Owner  string        // name of this server, unlike any other's
	Lease  time.Duration // 0 is a minute; renewed after a third of it
	Poll   time.Duration // between two looks for work; 0 is two seconds
	Now    func() time.Time
	Log    *slog.Logger
}

// Runner runs the jobs of a store.
type Runner struct {
	config Config
	kinds  map[string]job.Kind
	chance *rand.Rand
	wake   chan struct{}

	mu      sync.Mutex // guards running
	running map[string]int
}

// New makes a runner.
func New(c Config) (*Runner, error) {
	if c.Keeper == nil || c.Owner == "" || c.Now == nil {
		return nil, errors.New("job: keeper, owner and clock are required")
	}
	if c.Lease == 0 {
		c.Lease = time.Minute
	}
	if c.Poll == 0 {
		c.Poll = 2 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &Runner{config: c, kinds: map[string]job.Kind{}, running: map[string]int{}, wake: make(chan struct{}, 1),
		chance: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}
	for _, k := range c.Kinds {
		if k.Name == "" || k.Handler == nil {
			return nil, errors.New("job: a kind needs a name and a handler")
		}
		if _, twice := r.kinds[k.Name]; twice {
			return nil, fmt.Errorf("job: kind %s twice", k.Name)
		}
		r.kinds[k.Name] = k
	}
	return r, nil
}

// Wake makes the runner look for work now: something was asked for.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default: // it is awake
	}
}

// Run runs jobs until ctx ends, then tells the handlers to stop and waits for them.
func (r *Runner) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	poll := time.NewTicker(r.config.Poll)
	defer poll.Stop()
	for {
		r.look(ctx, &all)
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		case <-r.wake:
		}
	}
}

// look makes what the schedules ask for and starts every job that is due and has room.
func (r *Runner) look(ctx context.Context, all *sync.WaitGroup) {
	if err := r.config.Keeper.Tick(ctx); err != nil && ctx.Err() == nil {
		r.config.Log.Error("schedules", "error", err) // the next look tries again
	}
	for ctx.Err() == nil {
		kinds := r.room()
		if len(kinds) == 0 {
			return
		}
		j, err := r.config.Keeper.Claim(ctx, r.config.Owner, kinds, r.config.Lease)
		if err != nil {
			if ctx.Err() == nil {
				r.config.Log.Error("claim a job", "error", err)
			}
			return
		}
		if j == nil {
			return
		}
		r.count(j.Kind, +1)
		all.Go(func() {
			defer r.Wake() // there is room now
			defer r.count(j.Kind, -1)
			r.work(ctx, j)
		})
	}
}

// room lists the kinds of which one more may run.
func (r *Runner) room() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, k := range r.config.Kinds {
		if r.running[k.Name] < together(k) {
			out = append(out, k.Name)
		}
	}
	return out
}

func (r *Runner) count(kind string, by int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running[kind] += by
}

// work runs one attempt under its lease.
func (r *Runner) work(ctx context.Context, j *job.Job) {
	log := r.config.Log.With("job", j.ID, "kind", j.Kind, "attempt", j.Attempt)
	log.Info("job begins")
	leased, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	said := &line{text: j.Progress}
	var beating sync.WaitGroup
	beating.Go(func() { r.beat(leased, lost, j, said) })
	err := r.attempt(leased, j, said.set)
	isLost := errors.Is(context.Cause(leased), job.ErrLost)
	lost(nil)
	beating.Wait()
	if isLost {
		log.Warn("the lease was lost; another server has the job")
		return
	}
	// What came of it must be kept even while the server stops.
	ending, done := context.WithTimeout(context.WithoutCancel(ctx), r.config.Lease)
	defer done()
	out := judge(r.kinds[j.Kind], j, err, ctx.Err() != nil, r.config.Now(), r.chanceOf())
	j.Progress = said.get()
	if err := r.config.Keeper.Finish(ending, j, out); err != nil {
		log.Error("keep what became of the job; it is run again when its lease ends", "error", err)
		return
	}
	log.Info("job ends", "state", out.State, "error", out.Error)
}

// mostCut is how many times its attempts a job may begin: each beyond its attempts was
// cut off, and if it is the job that ends its server, it would for ever.
const mostCut = 2

func (r *Runner) attempt(ctx context.Context, j *job.Job, report func(string)) error {
	k := r.kinds[j.Kind]
	if begun := j.Attempt - 1; begun >= mostCut*attempts(k) {
		return job.Permanent(fmt.Errorf("it was begun %d times, and no server came to its end: they stopped, or lost its lease; last: %s", begun, cmp.Or(j.Error, "nothing")))
	}
	return guarded(ctx, k.Handler, j, report)
}

// chanceOf gives each judgement its own source: a rand.Rand is not for two at once.
func (r *Runner) chanceOf() *rand.Rand {
	r.mu.Lock()
	defer r.mu.Unlock()
	return rand.New(rand.NewPCG(r.chance.Uint64(), r.chance.Uint64()))
}

// beat renews the lease until ctx ends. When the lease is lost, or could not be renewed
// until it ran out, it ends the work.
func (r *Runner) beat(ctx context.Context, lost context.CancelCauseFunc, j *job.Job, said *line) {
	every := time.NewTicker(r.config.Lease / 3)
	defer every.Stop()
	renewed := time.Now() // by the monotonic clock, which nobody sets back
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		begun := time.Now()
		// A store that does not answer must not keep the work going beyond the lease.
		asking, stop := context.WithTimeout(ctx, r.config.Lease-begun.Sub(renewed))
		err := r.config.Keeper.Extend(asking, j, r.config.Lease, said.get())
		stop()
		switch {
		case err == nil:
			renewed = begun
		case errors.Is(err, job.ErrLost) || time.Since(renewed) >= r.config.Lease:
			lost(job.ErrLost)
			return
		case ctx.Err() == nil:
			r.config.Log.Warn("renew the lease of a job", "job", j.ID, "error", err)
		}
	}
}

// line is the progress of a job.
type line struct {
	mu   sync.Mutex // guards text
	text string
}

const longestLine = 300 // bytes kept

func (l *line) set(text string) {
	if len(text) > longestLine {
		text = text[:longestLine]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = text
}

func (l *line) get() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text
}
