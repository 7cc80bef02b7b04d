package pace_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rootkeep/rootkeep/internal/awsread/pace"
)

var errThrottled = errors.New("rate exceeded")

func throttled(err error) bool { return errors.Is(err, errThrottled) }

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func ten(string) float64 { return 10 }

// spend makes calls one after the other and says how long they took.
func spend(t *testing.T, l *pace.Limiter, k pace.Kind, calls int, answer error) time.Duration {
	t.Helper()
	started := time.Now()
	for range calls {
		if err := l.Do(t.Context(), k, func() error { return answer }, throttled); !errors.Is(err, answer) {
			t.Fatal(err)
		}
	}
	return time.Since(started)
}

func TestBudgets(t *testing.T) {
	k := pace.Kind{Account: "1", Region: "eu-west-1", Call: "logs:DescribeMetricFilters"}
	for _, c := range []struct {
		name string
		run  func(*testing.T, *pace.Limiter) time.Duration
		want time.Duration
	}{
		{"ten calls go at once", func(t *testing.T, l *pace.Limiter) time.Duration { return spend(t, l, k, 10, nil) }, 0},
		{"further ones wait for the ceiling", func(t *testing.T, l *pace.Limiter) time.Duration { return spend(t, l, k, 60, nil) }, 5 * time.Second},
		{"what is saved up is bounded", func(t *testing.T, l *pace.Limiter) time.Duration {
			spend(t, l, k, 1, nil)
			time.Sleep(time.Hour)
			return spend(t, l, k, 30, nil)
		}, 2 * time.Second},
		{"another Region has a budget of its own", func(t *testing.T, l *pace.Limiter) time.Duration {
			spend(t, l, k, 10, nil)
			other := k
			other.Region = "eu-west-2"
			return spend(t, l, other, 10, nil)
		}, 0},
		{"a service that throttles once a second gets half, then a quarter", func(t *testing.T, l *pace.Limiter) time.Duration {
			spend(t, l, k, 1, errThrottled) // 10 a second -> 5
			time.Sleep(time.Second)
			spend(t, l, k, 1, errThrottled) // -> 2.5
			return spend(t, l, k, 1, nil)   // 200 ms after the one before, then the pause is 400 ms
		}, 200 * time.Millisecond},
		{"a budget that is forgotten is new", func(t *testing.T, l *pace.Limiter) time.Duration {
			spend(t, l, k, 10, nil)
			l.Forget("1")
			return spend(t, l, k, 10, nil)
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := c.run(t, pace.New(4, ten, sleep)); got.Round(time.Millisecond) != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
			})
		})
	}
}

// However often a service throttles, calls go on, and after it stops they are as fast
// as before.
func TestTheRateComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, k := pace.New(4, ten, sleep), pace.Kind{Call: "x"}
		spend(t, l, k, 40, errThrottled)
		if got := spend(t, l, k, 2, errThrottled); got > 4*time.Second+time.Millisecond {
			t.Errorf("at the lowest rate: two calls took %s, want at most 4s", got)
		}
		spend(t, l, k, 40, nil)
		if got := spend(t, l, k, 20, nil); got > 2*time.Second {
			t.Errorf("after it stopped: 20 calls took %s, want 2s at most", got)
		}
	})
}

func TestNoMoreThanTheSlotsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pace.New(3, func(string) float64 { return 1000 }, sleep)
		var mu sync.Mutex
		var wg sync.WaitGroup
		running, most := 0, 0
		for range 20 {
			wg.Go(func() {
				err := l.Do(t.Context(), pace.Kind{}, func() error {
					mu.Lock()
					running++
					most = max(most, running)
					mu.Unlock()
					time.Sleep(time.Second)
					mu.Lock()
					running--
					mu.Unlock()
					return nil
				}, throttled)
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if most != 3 {
			t.Errorf("at once: got %d, want 3", most)
		}
	})
}

func TestWhoWaitsIsReleasedByTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, k := pace.New(1, ten, sleep), pace.Kind{Call: "x"}
		spend(t, l, k, 10, nil)
		ctx, cancel := context.WithCancel(t.Context())
		started := time.Now()
		time.AfterFunc(time.Millisecond, cancel)
		err := l.Do(ctx, k, func() error { t.Error("the call was made"); return nil }, throttled)
		if !errors.Is(err, context.Canceled) || time.Since(started) > 2*time.Millisecond {
			t.Errorf("got %v after %s, want that the context ended", err, time.Since(started))
		}
	})
}
