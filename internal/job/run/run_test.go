package run_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/job/run"
)

// memory is a Keeper of one test: the rules of leases and nothing else.
type memory struct {
	mu   sync.Mutex
	jobs []*job.Job
	down error // what every call gives while it is not nil
}

func (m *memory) Claim(_ context.Context, owner string, kinds []string, lease time.Duration) (*job.Job, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, j := range m.jobs {
		due := j.State == job.Waiting && !j.RunAt.After(time.Now()) || j.State == job.Running && j.Lease.Before(time.Now())
		if m.down == nil && due && slices.Contains(kinds, j.Kind) {
			j.State, j.Owner, j.Lease, j.Attempt = job.Running, owner, time.Now().Add(lease), j.Attempt+1
			copied := *j
			return &copied, nil
		}
	}
	return nil, m.down
}

func (m *memory) held(j *job.Job) (*job.Job, error) {
	if m.down != nil {
		return nil, m.down
	}
	for _, kept := range m.jobs {
		if kept.ID == j.ID && kept.Owner == j.Owner && kept.Attempt == j.Attempt && kept.State == job.Running {
			return kept, nil
		}
	}
	return nil, job.ErrLost
}

func (m *memory) Extend(_ context.Context, j *job.Job, lease time.Duration, progress string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept, err := m.held(j)
	if err == nil {
		kept.Lease, kept.Progress = time.Now().Add(lease), progress
	}
	return err
}

func (m *memory) Finish(_ context.Context, j *job.Job, o job.Outcome) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept, err := m.held(j)
	if err == nil {
		kept.State, kept.RunAt, kept.Error = o.State, o.RunAt, o.Error
		if o.Kept {
			kept.Attempt--
		}
	}
	return err
}

func (m *memory) Tick(context.Context) error { return nil }

func (m *memory) set(change func(*memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

func (m *memory) get(i int) job.Job {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *m.jobs[i]
}

// waiting makes jobs of the kind "work".
func waiting(n int) *memory {
	m := &memory{}
	for i := range n {
		m.jobs = append(m.jobs, &job.Job{ID: string(rune('a' + i)), Kind: "work", State: job.Waiting})
	}
	return m
}

// start runs jobs until stop is called, which waits for the end.
func start(t *testing.T, m *memory, owner string, k job.Kind) (stop func()) {
	t.Helper()
	k.Name = "work"
	r, err := run.New(run.Config{Keeper: m, Kinds: []job.Kind{k}, Owner: owner, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Run(ctx)
	}()
	return func() { cancel(); <-done }
}

func TestAJobIsTriedAgainUntilItIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, tries := waiting(1), 0
		stop := start(t, m, "one", job.Kind{Attempts: 3, Handler: job.HandlerFunc(func(context.Context, *job.Job, func(string)) error {
			if tries++; tries == 2 {
				panic("oh")
			}
			return errors.New("no " + strings.Repeat("x", 5000))
		})})
		time.Sleep(2 * time.Hour)
		stop()
		if j := m.get(0); tries != 3 || j.State != job.Dead || len(j.Error) > 2100 {
			t.Errorf("got %d tries, state %s, %d bytes of error", tries, j.State, len(j.Error))
		}
	})
}

func TestAJobThatIsPutOff(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		tries int // within two minutes
		dead  bool
	}{
		{"one that was not tried is put off as often as it takes", job.Postpone("another goes first", 2*time.Second), 60, false},
		{"one that was left alone for a while is tried as often as it may", job.After(errors.New("busy"), 50*time.Second), 3, true},
		{"a pause that is shorter than ours", job.After(errors.New("busy"), time.Second), 3, true},
		{"one that no attempt mends", job.Permanent(job.After(errors.New("no"), time.Second)), 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, tries := waiting(1), 0
				var last time.Time
				stop := start(t, m, "one", job.Kind{Attempts: 3, Handler: job.HandlerFunc(func(context.Context, *job.Job, func(string)) error {
					pause, _ := job.Pause(test.err)
					if tries++; tries > 1 && time.Since(last) < pause {
						t.Errorf("got a pause of %s, want %s", time.Since(last), pause)
					}
					last = time.Now()
					return test.err
				})})
				time.Sleep(2 * time.Minute)
				stop()
				if j := m.get(0); tries < test.tries-1 || tries > test.tries+1 || (j.State == job.Dead) != test.dead {
					t.Errorf("got %d tries, state %s, want %d, dead %v", tries, j.State, test.tries, test.dead)
				}
			})
		})
	}
}

func TestAPermanentErrorIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, tries := waiting(1), 0
		stop := start(t, m, "one", job.Kind{Handler: job.HandlerFunc(func(context.Context, *job.Job, func(string)) error {
			tries++
			return job.Permanent(errors.New("no such folder"))
		})})
		time.Sleep(2 * time.Hour)
		stop()
		if j := m.get(0); tries != 1 || j.State != job.Dead {
			t.Errorf("got %d tries, state %s", tries, j.State)
		}
	})
}

func TestALongJobKeepsItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, begun := waiting(1), 0
		h := job.HandlerFunc(func(ctx context.Context, _ *job.Job, report func(string)) error {
			begun++
			report("half")
			time.Sleep(time.Hour)
			return ctx.Err()
		})
		first, second := start(t, m, "one", job.Kind{Handler: h}), start(t, m, "two", job.Kind{Handler: h})
		time.Sleep(2 * time.Hour)
		first()
		second()
		if j := m.get(0); begun != 1 || j.State != job.Done || j.Progress != "half" {
			t.Errorf("got %d begun, %+v", begun, j)
		}
	})
}

func TestAServerThatCannotReachTheStoreStopsItsWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := waiting(1)
		var cause error
		var after time.Duration
		begun := time.Now()
		stop := start(t, m, "one", job.Kind{Handler: job.HandlerFunc(func(ctx context.Context, _ *job.Job, _ func(string)) error {
			<-ctx.Done()
			cause, after = context.Cause(ctx), time.Since(begun)
			return ctx.Err()
		})})
		time.Sleep(time.Second)
		m.set(func(m *memory) { m.down = errors.New("gone") })
		time.Sleep(3 * time.Minute)
		stop()
		if !errors.Is(cause, job.ErrLost) || after > 90*time.Second {
			t.Errorf("got %v after %v, want the lease lost about when it ends", cause, after)
		}
	})
}

func TestAnotherServerTakesUpWhatADeadOneLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := waiting(1)
		m.jobs[0].State, m.jobs[0].Owner, m.jobs[0].Attempt, m.jobs[0].Lease = job.Running, "killed", 1, time.Now().Add(time.Minute)
		var attempt int
		stop := start(t, m, "two", job.Kind{Handler: job.HandlerFunc(func(_ context.Context, j *job.Job, _ func(string)) error {
			attempt = j.Attempt
			return nil
		})})
		time.Sleep(2 * time.Minute)
		stop()
		if j := m.get(0); attempt != 2 || j.State != job.Done {
			t.Errorf("got attempt %d, state %s", attempt, j.State)
		}
	})
}

func TestAServerThatStopsGivesItsJobsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := waiting(1)
		stop := start(t, m, "one", job.Kind{Handler: job.HandlerFunc(func(ctx context.Context, _ *job.Job, _ func(string)) error {
			<-ctx.Done()
			return ctx.Err()
		})})
		time.Sleep(time.Second)
		stop()
		if j := m.get(0); j.State != job.Waiting || j.Attempt != 0 || j.Error != "" {
			t.Errorf("got %+v, want it to wait as if nothing had been", j)
		}
	})
}

func TestNoMoreOfAKindRunThanMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := waiting(9)
		var mu sync.Mutex
		now, most := 0, 0
		stop := start(t, m, "one", job.Kind{Together: 3, Handler: job.HandlerFunc(func(context.Context, *job.Job, func(string)) error {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Minute)
			mu.Lock()
			now--
			mu.Unlock()
			return nil
		})})
		begun := time.Now()
		for time.Since(begun) < time.Hour && m.get(8).State != job.Done {
			time.Sleep(time.Second)
		}
		if took := time.Since(begun); most != 3 || took > 4*time.Minute {
			t.Errorf("got %d at once, all done after %v; want 3, three minutes", most, took)
		}
		stop()
	})
}

func TestAJobThatEndsItsServersIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := waiting(1)
		const attempts = 3
		m.jobs[0].State, m.jobs[0].Owner, m.jobs[0].Lease, m.jobs[0].Error = job.Running, "killed", time.Now().Add(-time.Second), "disk full"
		m.jobs[0].Attempt = 2 * attempts // begun, and never ended
		begun := 0
		stop := start(t, m, "two", job.Kind{Attempts: attempts, Handler: job.HandlerFunc(func(context.Context, *job.Job, func(string)) error {
			begun++
			return nil
		})})
		time.Sleep(time.Minute)
		stop()
		if j := m.get(0); begun != 0 || j.State != job.Dead || !strings.Contains(j.Error, "begun 6 times") || !strings.Contains(j.Error, "disk full") {
			t.Errorf("got %d begun, %+v, want it dead, and why", begun, j)
		}
	})
}

func TestAStoreThatIsSilentDoesNotKeepWorkGoing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &silent{memory: waiting(1)}
		var after time.Duration
		begun := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		r, err := run.New(run.Config{Keeper: m, Owner: "one", Now: time.Now, Kinds: []job.Kind{{Name: m.jobs[0].Kind, Handler: job.HandlerFunc(func(ctx context.Context, _ *job.Job, _ func(string)) error {
			<-ctx.Done()
			if after == 0 { // the lease ends, and it is claimed anew
				after = time.Since(begun)
			}
			return ctx.Err()
		})}}})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		all.Go(func() { r.Run(ctx) })
		time.Sleep(10 * time.Minute)
		cancel()
		all.Wait()
		if after > time.Minute+time.Second {
			t.Errorf("the work ended after %v, want no later than the lease of a minute", after)
		}
	})
}

// silent is a store that takes a request to renew a lease and never answers.
type silent struct{ *memory }

func (s *silent) Extend(ctx context.Context, _ *job.Job, _ time.Duration, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}
