package folder_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/stream/live"
)

// slow takes deliveries; an object whose text is of letters x takes as many turns more.
type slow struct {
	taker
	order  []string // as things came, turns too
	closed int
	during func(name string, turn int) // in each turn of a large object
	inputs func(context.Context, live.Delivery)
}

func (k *slow) take(ctx context.Context, d live.Delivery) error {
	if k.inputs != nil {
		k.inputs(ctx, d)
	}
	before := len(k.got)
	if err := k.taker.take(ctx, d); err != nil {
		return err
	}
	if d.Input.Open == nil { // it is given up, or a mark alone
		return nil
	}
	name, text, _ := strings.Cut(k.got[before], ": ")
	turns := strings.Count(text, "x")
	if turns == 0 {
		k.order = append(k.order, name)
		return nil
	}
	k.got = k.got[:before]
	return k.turn(name, text, 1, turns)
}

func (k *slow) turn(name, text string, n, of int) error {
	k.order = append(k.order, fmt.Sprintf("%s %d", name, n))
	if k.during != nil {
		k.during(name, n)
	}
	return &live.Unfinished{
		Next: func(_ context.Context, mark []byte) error {
			if n < of {
				return k.turn(name, text, n+1, of)
			}
			k.order, k.got, k.mark = append(k.order, name), append(k.got, name+": "+text), mark
			return nil
		},
		Close: func() { k.closed++ },
	}
}

func (f tree) remove(name string) {
	f.t.Helper()
	if err := os.Remove(filepath.Join(f.path, name)); err != nil {
		f.t.Fatal(err)
	}
}

// before says that one thing came before another.
func (k *slow) before(t *testing.T, first, then string) {
	t.Helper()
	a, b := slices.Index(k.order, first), slices.Index(k.order, then)
	if a < 0 || b < 0 || a > b {
		t.Errorf("got %q at %d and %q at %d of %q, want them in this order", first, a, then, b, k.order[max(0, len(k.order)-40):])
	}
}

func TestASmallObjectWaitsForNoLargeOne(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		f.at("large.json", strings.Repeat("x", 400), time.Now().Add(-time.Hour))
		s, k := f.source(0), &slow{}
		var before, after time.Time
		k.during = func(_ string, turn int) {
			if turn == 10 {
				f.at("small.json", "1", time.Now())
			}
			if turn == 390 {
				before = s.Health().Complete
			}
			time.Sleep(100 * time.Millisecond)
		}
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
		defer stop()
		_ = s.Run(ctx, nil, k.take)
		after = s.Health().Complete
		k.before(t, "large.json 10", "small.json")
		k.before(t, "small.json", "large.json 60")
		k.before(t, "small.json", "large.json")
		if !before.IsZero() || after.IsZero() {
			t.Errorf("complete up to %v while a large object was open and %v in the end, want never and some time", before, after)
		}
		if len(k.got) != 2 || k.closed != 0 {
			t.Errorf("got %d objects and %d left, want each once, to its end", len(k.got), k.closed)
		}
		again := &slow{taker: taker{mark: k.mark}}
		_ = run(t, f.source(0), &again.taker, time.Minute)
		if len(again.got) != 0 {
			t.Errorf("got %q again, want nothing", again.order)
		}
	})
}

// More come while a large object is open than a mark tells one by one: it is still known not to
// be delivered, by a process that goes on from the mark.
func TestALargeObjectIsNotLostBehindManySmallOnes(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		const small = 1500
		f.at("large.json", strings.Repeat("x", 5000), time.Now().Add(-time.Hour))
		for i := range small {
			f.at(fmt.Sprintf("s%04d.json", i), "1", time.Now().Add(-time.Minute))
		}
		k := &slow{}
		k.during = func(string, int) { time.Sleep(10 * time.Millisecond) }
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		if err := f.source(0).Run(ctx, nil, k.take); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if len(k.got) != small || k.closed != 1 {
			t.Fatalf("got %d objects, %d left, want all small ones, and the large one left open", len(k.got), k.closed)
		}
		again := &slow{taker: taker{mark: k.mark}}
		ctx, stop = context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		_ = f.source(0).Run(ctx, k.mark, again.take)
		if len(again.got) != 1 || !strings.HasPrefix(again.got[0], "large.json") {
			t.Errorf("got %d objects from the mark, the last %q, want the large one alone", len(again.got), again.order[len(again.order)-1])
		}
		if len(again.mark) == 0 || again.mark[0] != 1 {
			t.Errorf("got a mark of version %v, want that of marks without open objects", again.mark[:1])
		}
		third := &slow{}
		ctx, stop = context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		_ = f.source(0).Run(ctx, again.mark, third.take)
		if len(third.got) != 0 {
			t.Errorf("got %q in the end, want nothing", third.order)
		}
	})
}

func TestFewLargeObjectsAreOpenAtOnce(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		const large = 9
		for i := range large {
			f.at(fmt.Sprintf("l%d.json", i), strings.Repeat("x", 20), time.Now().Add(-time.Hour))
		}
		f.at("small.json", "1", time.Now().Add(-time.Minute))
		k, open, most := &slow{}, map[string]bool{}, 0
		k.during = func(name string, turn int) {
			if turn > 1 {
				open[name] = true
			}
			for done := range open {
				if slices.Contains(k.order, done) {
					delete(open, done)
				}
			}
			most = max(most, len(open))
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		_ = f.source(0).Run(ctx, nil, k.take)
		if len(k.got) != large+1 || most != 4 || k.closed == 0 {
			t.Errorf("got %d objects, %d open at once and %d closed, want all of %d, 4 and some", len(k.got), most, k.closed, large+1)
		}
		for i := range large {
			k.before(t, "small.json", fmt.Sprintf("l%d.json", i))
		}
		if n := strings.Count(strings.Join(k.got, "\n"), "small.json"); n != 1 {
			t.Errorf("got the small object %d times", n)
		}
	})
}

func TestALargeObjectThatVanishesIsForgotten(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		for i := range 6 {
			f.at(fmt.Sprintf("l%d.json", i), strings.Repeat("x", 50), time.Now().Add(-time.Hour+time.Duration(i)*time.Second))
		}
		s, k := f.source(0), &slow{}
		k.during = func(name string, turn int) {
			if name == "l0.json" && turn == 3 {
				f.remove("l5.json")
			}
			time.Sleep(100 * time.Millisecond)
		}
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
		defer stop()
		_ = s.Run(ctx, nil, k.take)
		if len(k.got) != 5 || s.Health().Complete.IsZero() {
			t.Errorf("got %d objects, complete up to %v, want five and no end of waiting for the sixth", len(k.got), s.Health().Complete)
		}
	})
}

func TestWhatWaitsIsGivenAheadOnce(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		for i := range 3 {
			f.at(fmt.Sprintf("w%d.json", i), "1", time.Now().Add(-time.Hour+time.Duration(i)*time.Second))
		}
		var got []string
		k, first := &slow{}, true
		k.inputs = func(ctx context.Context, d live.Delivery) {
			if !first {
				return
			}
			first = false
			f.at("new.json", "1", time.Now().Add(-time.Minute))
			time.Sleep(2 * time.Second)
			for in, ok := d.Ahead(ctx); ok; in, ok = d.Ahead(ctx) {
				r, err := in.Open()
				if err != nil {
					t.Fatal(err)
				}
				_ = r.Close()
				got = append(got, in.Name)
			}
			time.Sleep(2 * time.Second)
			if in, ok := d.Ahead(ctx); ok {
				t.Errorf("got %q again", in.Name)
			}
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		_ = f.source(0).Run(ctx, nil, k.take)
		slices.Sort(got)
		if diff := cmp.Diff([]string{"new.json", "w0.json", "w1.json", "w2.json"}, got); diff != "" {
			t.Errorf("ahead, that which is being read among it (-want +got):\n%s", diff)
		}
		if len(k.got) != 4 {
			t.Errorf("got %q, want each delivered in its turn all the same", k.got)
		}
	})
}

// Large objects that wait are read, though midnight passes and the day that they lie in is
// looked at no more for what is new.
func TestLargeObjectsAreReadBeyondTheirDay(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		time.Sleep(24*time.Hour - 30*time.Second)
		for i := range 8 {
			f.at(fmt.Sprintf("AWSLogs/111122223333/CloudTrail/us-east-1/1999/12/31/l%d.json", i), strings.Repeat("x", 500), time.Now().Add(-time.Hour+time.Duration(i)*time.Second))
		}
		k := &slow{during: func(string, int) { time.Sleep(100 * time.Millisecond) }}
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		_ = f.source(1).Run(ctx, nil, k.take)
		if len(k.got) != 8 || len(k.lost) != 0 {
			t.Errorf("got %d of %d, and %v lost", len(k.got), 8, k.lost)
		}
	})
}

// However often a server begins anew with large objects that it cannot come to the end of, its
// mark is one that it knows.
func TestAMarkHasNoMoreOpenThanItKnows(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		f.at("future.json", "1", time.Now().Add(1000*time.Hour)) // a fault: nothing is known to be gone
		round := func(name string, mark []byte, large, gone int) []byte {
			for i := range large {
				f.at(fmt.Sprintf("%s-l%02d.json", name, i), strings.Repeat("x", 3000), time.Now().Add(-time.Hour))
			}
			for i := range 1500 {
				f.at(fmt.Sprintf("%s-s%04d.json", name, i), "1", time.Now().Add(-time.Minute))
			}
			k := &slow{taker: taker{mark: mark}, during: func(string, int) { time.Sleep(10 * time.Millisecond) }}
			ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
			defer stop()
			if err := f.source(0).Run(ctx, mark, k.take); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("round %s: got %v, want it to go on until its time is over", name, err)
			}
			for i := range gone {
				f.remove(fmt.Sprintf("%s-l%02d.json", name, large-1-i))
			}
			return k.mark
		}
		mark := round("a", nil, 64, 40)
		time.Sleep(time.Hour)
		mark = round("b", mark, 40, 0)
		round("c", mark, 0, 0)
	})
}
