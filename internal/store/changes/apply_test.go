package changes_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/changes"
)

// TestOneOfManyBegins has twenty begin at once: one change, then changes of one resource.
func TestOneOfManyBegins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const many = 20
		race := func(pick func(i int) *changes.Change) {
			t.Helper()
			var begun, refused atomic.Int64
			var all sync.WaitGroup
			for i := range many {
				c := pick(i)
				all.Go(func() {
					_, err := w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
						return w.desk.Begin(ctx, tx, w.Ann.Actor, c.ID, c.Hash, w.by("JO-1"))
					})
					var held *changes.Held
					switch {
					case err == nil:
						begun.Add(1)
					case errors.Is(err, changes.ErrState), errors.As(err, &held) && held.By != c.ID: // it has begun, or the other one has
						refused.Add(1)
					default:
						t.Errorf("got %v", err)
					}
				})
			}
			all.Wait()
			if begun.Load() != 1 || refused.Load() != many-1 {
				t.Errorf("of %d got %d that began and %d refused, want 1 and %d", many, begun.Load(), refused.Load(), many-1)
			}
		}
		one := w.approved(t)
		race(func(int) *changes.Change { return one })
		if got := w.Entries(t, one.ID); got[len(got)-1] != "change.begun" || got[len(got)-2] != "change.granted" {
			t.Errorf("got entries %v, want one change.begun", got)
		}
		both := []*changes.Change{w.approved(t, public), w.approved(t, public)}
		race(func(i int) *changes.Change { return both[i%2] })
	})
}

func TestTwoChangesOfOneResourceExcludeEachOther(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first, second, other := w.begun(t), w.approved(t), w.approved(t, public)
		var held *changes.Held
		if _, err := w.begin(t, second); !errors.As(err, &held) || held.By != first.ID || !strings.Contains(err.Error(), first.ID) {
			t.Fatalf("got %v, want an error that names %s", err, first.ID)
		}
		if got := w.read(t, second.ID); got.State != changes.Approved || got.Run != 0 {
			t.Errorf("got %s after it was refused, want it approved as before", got.State)
		}
		if _, err := w.begin(t, other); err != nil {
			t.Errorf("of another resource: got %v", err)
		}
		stopped, err := w.finish(t, first, change.Outcome{State: change.Stopped, Why: "throttled"})
		if err != nil || stopped.State != changes.Stopped || stopped.Why != "throttled" {
			t.Fatalf("got %+v, %v, want it stopped", stopped, err)
		}
		if _, err := w.begin(t, second); !errors.As(err, &held) {
			t.Errorf("while the first one is stopped: got %v, want Held", err)
		}
		given := w.must(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
			return w.desk.GiveUp(ctx, tx, w.Ann.Actor, stopped.ID, stopped.Revision)
		})
		if given.State != changes.Unverified || !strings.Contains(given.Why, "given up by "+w.Ann.ID) {
			t.Errorf("got %+v, want it unverified, with who gave it up", given)
		}
		if _, err := w.begin(t, second); err != nil {
			t.Errorf("once the first one was given up: got %v", err)
		}
	})
}

// TestWhoeverLostTheLeaseWritesNothing takes a change over from a server that is gone.
func TestWhoeverLostTheLeaseWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		lost := w.begun(t)
		if err := w.made(t, lost, 0); err != nil {
			t.Fatal(err)
		}
		orphans := func() int {
			n := 0
			w.View(t, func(ctx context.Context, r *store.Reader) error {
				list, err := changes.Orphans(ctx, r, w.Now())
				n = len(list)
				return err
			})
			return n
		}
		take := func() (*changes.Change, error) {
			return w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
				return changes.Take(ctx, tx, lost.ID, w.by("JO-2"))
			})
		}
		extend := func(c *changes.Change, by time.Duration) error {
			return w.Store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return changes.Extend(ctx, tx, c.ID, c.Run, w.Now().Add(by))
			})
		}
		if _, err := take(); !errors.Is(err, changes.ErrLost) || orphans() != 0 {
			t.Errorf("while the lease holds: got %v and %d orphans, want ErrLost and none", err, orphans())
		}
		if err := extend(lost, 2*time.Minute); err != nil {
			t.Fatal(err)
		}
		w.At(w.Now().Add(90 * time.Second))
		if got := orphans(); got != 0 {
			t.Errorf("while the longer lease holds: got %d orphans, want none", got)
		}
		w.At(w.Now().Add(time.Minute))
		if got := orphans(); got != 1 {
			t.Errorf("once it has run out: got %d orphans, want 1", got)
		}
		next, err := take()
		if err != nil || next.Run != 2 || !next.Resumed() || next.Owner != "JO-2" {
			t.Fatalf("got %+v, %v, want the second run", next, err)
		}
		if err := w.made(t, lost, 1); !errors.Is(err, changes.ErrLost) {
			t.Errorf("a call of the first run: got %v, want ErrLost", err)
		}
		if _, err := w.finish(t, lost, change.Outcome{State: change.Applied}); !errors.Is(err, changes.ErrLost) {
			t.Errorf("the end of the first run: got %v, want ErrLost", err)
		}
		if err := extend(lost, time.Hour); !errors.Is(err, changes.ErrLost) {
			t.Errorf("its lease: got %v, want ErrLost", err)
		}
		if err := w.made(t, next, 0); !errors.Is(err, store.ErrConflict) {
			t.Errorf("the same call again: got %v, want ErrConflict", err)
		}
		if err := w.made(t, next, 1); err != nil {
			t.Errorf("the next call: got %v", err)
		}
		if err := w.made(t, next, 2); !errors.Is(err, store.ErrConflict) {
			t.Errorf("a call that the plan does not have: got %v, want ErrConflict", err)
		}
		if _, err := w.finish(t, next, change.Outcome{State: change.Drifted}); !errors.Is(err, store.ErrConflict) {
			t.Errorf("refused after two calls: got %v, want ErrConflict", err)
		}
		if _, err := w.finish(t, next, change.Outcome{State: change.Applied}); err != nil {
			t.Errorf("got %v", err)
		}
	})
}

func TestAStoppedChangeIsGoneOnWith(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.ended(t, change.Stopped)
		if !c.Doubt || c.Why != "AccessDenied: no" || len(w.locks(t)) != 1 {
			t.Fatalf("got %+v, want it stopped in doubt, holding its resource", c)
		}
		resume := func(c *changes.Change) (*changes.Change, error) {
			return w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
				return w.desk.Resume(ctx, tx, w.Ann.Actor, c.ID, w.by("JO-3"))
			})
		}
		w.At(w.Now().Add(48 * time.Hour)) // its approval was used in time
		c, err := resume(c)
		if err != nil || c.Run != 2 || c.State != changes.Applying {
			t.Fatalf("got %+v, %v, want the second run", c, err)
		}
		if _, err := resume(c); !errors.Is(err, changes.ErrState) {
			t.Errorf("twice: got %v, want ErrState", err)
		}
		if err := w.made(t, c, 1); err != nil {
			t.Fatal(err)
		}
		if c, err = w.finish(t, c, change.Outcome{State: change.Unverified, Why: "AWS shows another length"}); err != nil || c.State != changes.Unverified {
			t.Errorf("got %+v, %v, want it unverified", c, err)
		}
		got := strings.Join(w.Entries(t, c.ID), " ")
		if want := "change.begun change.called change.stopped change.resumed change.called change.unverified"; !strings.HasSuffix(got, want) {
			t.Errorf("got entries %s, want them to end in %s", got, want)
		}
	})
}

// TestAWSSaysWhatNoDatabaseTakes ends a change with a text that PostgreSQL refuses and
// that is longer than anybody reads.
func TestAWSSaysWhatNoDatabaseTakes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, err := w.finish(t, w.begun(t), change.Outcome{State: change.Stopped, Why: "no\x00\xff\x1b[2J" + strings.Repeat("é", 1<<20)})
		if err != nil {
			t.Fatal(err)
		}
		got := w.read(t, c.ID).Why
		if !strings.HasPrefix(got, "no\uFFFD\uFFFD\x1b[2Jé") || len(got) > 5<<10 || !utf8.ValidString(got) {
			t.Errorf("got %d bytes, %.40q", len(got), got)
		}
	})
}

// TestWhatStoppedForSureIsComparedAgain goes on with a change that AWS refused a call of:
// none was made that is not written down, unless its server died.
func TestWhatStoppedForSureIsComparedAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, doubt := range []bool{false, true} {
			c, err := w.finish(t, w.begun(t), change.Outcome{State: change.Stopped, Why: "AccessDenied", Doubt: doubt})
			if err != nil {
				t.Fatal(err)
			}
			c = w.must(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
				return w.desk.Resume(ctx, tx, w.Ann.Actor, c.ID, w.by("JO-1"))
			})
			if c.Resumed() != doubt || w.read(t, c.ID).Resumed() != doubt {
				t.Errorf("in doubt %t: resumed %t", doubt, c.Resumed())
			}
			if _, err := w.finish(t, c, change.Outcome{State: change.Applied}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
