package lease_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/process"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/lease"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

const lasts = 10 * time.Second

// clocked runs a test on a store of each kind whose clock the test sets.
func clocked(t *testing.T, test func(t *testing.T, d desk)) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
		o := storetest.Options(t)
		o.Now = func() time.Time { return now }
		test(t, desk{t, storetest.Open(t, address, o), &now})
	})
}

type desk struct {
	t   *testing.T
	s   *store.Store
	now *time.Time
}

func (d desk) touch(change func(context.Context, *store.Tx) error) error {
	return d.s.Touch(d.t.Context(), change)
}

func (d desk) take(part, owner string) (l lease.Lease, taken bool) {
	d.t.Helper()
	if err := d.touch(func(ctx context.Context, tx *store.Tx) (err error) {
		l, taken, err = lease.Take(ctx, tx, "flow", part, owner, lasts)
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return l, taken
}

func (d desk) hold(l lease.Lease) error {
	return d.touch(func(ctx context.Context, tx *store.Tx) error { return lease.Hold(ctx, tx, l, lasts) })
}

func (d desk) list() (out []string) {
	d.t.Helper()
	if err := d.s.View(d.t.Context(), func(ctx context.Context, r *store.Reader) error {
		list, err := lease.List(ctx, r, "flow", *d.now)
		for _, l := range list {
			out = append(out, fmt.Sprintf("%s: %s %d", l.Part, l.Owner, l.Fence))
		}
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return out
}

func TestAPartHasOneOwnerAtATime(t *testing.T) {
	clocked(t, func(t *testing.T, d desk) {
		first, taken := d.take("7", "a")
		if _, also := d.take("7", "b"); !taken || also {
			t.Errorf("a has it: %v, b as well: %v", taken, also)
		}
		*d.now = d.now.Add(lasts - time.Second)
		if err := d.hold(first); err != nil {
			t.Error(err)
		}
		*d.now = d.now.Add(lasts - time.Second)
		if _, also := d.take("7", "b"); also {
			t.Error("b takes what a holds")
		}
		*d.now = d.now.Add(time.Second)
		second, taken := d.take("7", "b")
		if !taken || second.Fence <= first.Fence {
			t.Errorf("after the end of a's lease: got %+v, %v, want a larger fence than %d", second, taken, first.Fence)
		}
		if err := d.hold(first); !errors.Is(err, lease.ErrLost) {
			t.Errorf("a holds what b has: %v", err)
		}
		if diff := cmp.Diff([]string{"7: b 2"}, d.list()); diff != "" {
			t.Errorf("leases (-want +got):\n%s", diff)
		}
	})
}

func TestAnOwnerThatCameToItselfAgainIsFencedOff(t *testing.T) {
	clocked(t, func(t *testing.T, d desk) {
		first, _ := d.take("1", "a")
		*d.now = d.now.Add(2 * lasts)
		d.take("1", "b")
		*d.now = d.now.Add(2 * lasts)
		third, _ := d.take("1", "a") // the same process, for the second time
		if err := d.hold(first); !errors.Is(err, lease.ErrLost) {
			t.Errorf("what a began the first time goes on: %v", err)
		}
		if err := d.hold(third); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsGivenBackIsFreeAtOnce(t *testing.T) {
	clocked(t, func(t *testing.T, d desk) {
		l, _ := d.take("1", "a")
		d.take("2", "a")
		release := func(l lease.Lease) error {
			return d.touch(func(ctx context.Context, tx *store.Tx) error { return lease.Release(ctx, tx, l) })
		}
		if err := release(l); err != nil {
			t.Fatal(err)
		}
		// Not even with those that a holds all together.
		*d.now = d.now.Add(lasts - time.Second)
		if err := d.touch(func(ctx context.Context, tx *store.Tx) error { return lease.HoldAll(ctx, tx, "flow", "a", lasts) }); err != nil {
			t.Fatal(err)
		}
		*d.now = d.now.Add(lasts - time.Second)
		if diff := cmp.Diff([]string{"2: a 1"}, d.list()); diff != "" {
			t.Errorf("leases (-want +got):\n%s", diff)
		}
		if err := d.hold(l); !errors.Is(err, lease.ErrLost) {
			t.Errorf("a holds what it gave back: %v", err)
		}
		d.take("1", "b")
		if err := release(l); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"1: b 2", "2: a 1"}, d.list()); diff != "" {
			t.Errorf("leases after a gave back what is b's (-want +got):\n%s", diff)
		}
	})
}

func TestAClockThatRanAheadBlocksNothing(t *testing.T) {
	clocked(t, func(t *testing.T, d desk) {
		right := *d.now
		*d.now = right.AddDate(1, 0, 0)
		d.take("1", "a")
		*d.now = right
		if got := d.list(); len(got) != 0 {
			t.Errorf("got %v, want nothing of next year", got)
		}
		if _, taken := d.take("1", "b"); !taken {
			t.Error("a part of next year is not taken")
		}
	})
}

func TestForgotten(t *testing.T) {
	clocked(t, func(t *testing.T, d desk) {
		d.take("gone", "gone")
		*d.now = d.now.Add(time.Hour)
		d.take("here", "here")
		if err := d.touch(func(ctx context.Context, tx *store.Tx) error {
			return lease.Forget(ctx, tx, "flow", tx.Clock().Add(-time.Minute))
		}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"here: here 1"}, d.list()); diff != "" {
			t.Errorf("leases (-want +got):\n%s", diff)
		}
		if l, _ := d.take("gone", "again"); l.Fence != 1 {
			t.Errorf("fence %d of what was forgotten, want 1", l.Fence)
		}
	})
}

// earlier is the name of a process of this machine that is gone: this one's ID, when it stood
// for another process.
func earlier(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells which process is gone")
	}
	parts := strings.Split(process.Name(time.Now()), ".")
	if len(parts) < 3 {
		t.Fatalf("got the name %q, want one that tells the kernel and the start", process.Name(time.Now()))
	}
	parts[len(parts)-2] = "1"
	return strings.Join(parts, ".")
}

func TestWhatAProcessHadThatIsGoneIsAnothersAtOnce(t *testing.T) {
	clocked(t, func(t *testing.T, d desk) {
		gone, alive := earlier(t), process.Name(time.Now())
		lost, _ := d.take("1", gone)
		d.take("2", alive)
		if err := d.touch(func(ctx context.Context, tx *store.Tx) error { return lease.Bury(ctx, tx, "other work") }); err != nil {
			t.Fatal(err)
		}
		if _, taken := d.take("1", "b"); taken {
			t.Fatal("taken before anybody looked whether its owner is gone")
		}
		if err := d.touch(func(ctx context.Context, tx *store.Tx) error { return lease.Bury(ctx, tx, "flow") }); err != nil {
			t.Fatal(err)
		}
		l, taken := d.take("1", "b")
		if _, other := d.take("2", "b"); !taken || other || l.Fence != lost.Fence+1 {
			t.Errorf("got %+v, %v, and %v of one that runs; want the part alone, with the next fence", l, taken, other)
		}
		if err := d.hold(lost); !errors.Is(err, lease.ErrLost) {
			t.Errorf("got %v from the one that lost it, want that it is lost", err)
		}
	})
}

// A process that says that it lives locks all that it has, and a change some of that.
func TestHoldingAllWaitsForNoChange(t *testing.T) {
	clocked(t, func(t *testing.T, d desk) {
		first, _ := d.take("1", "a")
		d.take("2", "a")
		*d.now = d.now.Add(lasts - time.Second)
		err := d.s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := lease.Hold(ctx, tx, first, lasts); err != nil || !tx.Arrays() {
				return err
			}
			return d.touch(func(ctx context.Context, tx *store.Tx) error { return lease.HoldAll(ctx, tx, "flow", "a", lasts) })
		})
		if err != nil {
			t.Fatal(err)
		}
		if d.s.Kind() != "PostgreSQL" { // one change after the other
			return
		}
		*d.now = d.now.Add(lasts - time.Second)
		if diff := cmp.Diff([]string{"1: a 1", "2: a 1"}, d.list()); diff != "" {
			t.Errorf("leases (-want +got):\n%s", diff)
		}
	})
}
