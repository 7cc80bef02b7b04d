package changes_test

import (
	"context"
	"errors"
	"testing"

	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

// batch plans changes of resources of their own, the first of them a canary, and has them
// approved.
func (w *world) batch(t *testing.T, n int) (*changes.Batch, []*changes.Change) {
	t.Helper()
	var b *changes.Batch
	var list []*changes.Change
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) (err error) {
		var plans []changes.Placed
		for i := range n {
			plans = append(plans, changes.Placed{Plan: w.plan(func(p *change.Plan) { p.Resources = []string{string(rune('a' + i))} }), Canary: i == 0})
		}
		b, list, err = w.desk.PlanBatch(ctx, tx, w.Ann.Actor, changes.Batch{About: "password policies"}, plans)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range list {
		w.sign(t, w.request(t, c), w.Bob)
		list[i] = w.read(t, c.ID)
	}
	return b, list
}

func TestABatchHaltsAtWhatIsNotApplied(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, list := w.batch(t, 3)
		if _, err := w.begin(t, list[1]); !errors.Is(err, changes.ErrHalted) {
			t.Fatalf("before the canary: got %v, want ErrHalted", err)
		}
		canary, err := w.begin(t, list[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.begin(t, list[1]); !errors.Is(err, changes.ErrHalted) {
			t.Errorf("while the canary is applied: got %v, want ErrHalted", err)
		}
		if _, err := w.finish(t, canary, change.Outcome{State: change.Stopped}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.begin(t, list[1]); !errors.Is(err, changes.ErrHalted) {
			t.Errorf("once the canary has stopped: got %v, want ErrHalted", err)
		}
		canary = w.must(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
			return w.desk.Resume(ctx, tx, w.Ann.Actor, canary.ID, w.by("JO-1"))
		})
		if _, err := w.finish(t, canary, change.Outcome{State: change.Applied}); err != nil {
			t.Fatal(err)
		}
		second, err := w.begin(t, list[1])
		if err != nil {
			t.Fatalf("once the canary is applied: got %v", err)
		}
		if _, err := w.begin(t, list[2]); !errors.Is(err, changes.ErrHalted) {
			t.Errorf("while another one is applied: got %v, want ErrHalted", err)
		}
		if _, err := w.finish(t, second, change.Outcome{State: change.Drifted}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.begin(t, list[2]); !errors.Is(err, changes.ErrHalted) {
			t.Errorf("once another one was refused: got %v, want ErrHalted", err)
		}
		release := func(by *exceptionstest.Person) error {
			return w.Change(t, func(ctx context.Context, tx *store.Tx) error {
				_, err := w.desk.Release(ctx, tx, by.Actor, b.ID)
				return err
			})
		}
		if err := release(w.Bob); !errors.Is(err, approvals.ErrNotAllowed) {
			t.Errorf("an approver releases it: got %v, want ErrNotAllowed", err)
		}
		if err := release(w.Ann); err != nil {
			t.Fatal(err)
		}
		if _, err := w.begin(t, list[2]); err != nil {
			t.Errorf("once it was released: got %v", err)
		}
		w.View(t, func(ctx context.Context, r *store.Reader) error {
			if _, seen, err := w.desk.GetBatch(ctx, r, w.Dan.Actor, b.ID, w.Now()); err != nil || len(seen) != 3 || seen[2].Place != 3 {
				t.Errorf("got %v, %v, want its three changes in order", seen, err)
			}
			if _, _, err := w.desk.GetBatch(ctx, r, w.Fay.Actor, b.ID, w.Now()); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("who reads elsewhere: got %v, want ErrNotFound", err)
			}
			return nil
		})
	})
}

func TestWhatIsNoBatch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		try := func(about string, plans ...changes.Placed) error {
			return w.Change(t, func(ctx context.Context, tx *store.Tx) error {
				_, _, err := w.desk.PlanBatch(ctx, tx, w.Ann.Actor, changes.Batch{About: about}, plans)
				return err
			})
		}
		for name, err := range map[string]error{
			"without a change": try("x"), "without a word": try(" ", changes.Placed{Plan: w.plan()}),
			"several without a canary": try("x", changes.Placed{Plan: w.plan()}, changes.Placed{Plan: w.plan()}),
		} {
			if !errors.Is(err, approvals.ErrInvalid) {
				t.Errorf("%s: got %v, want ErrInvalid", name, err)
			}
		}
		w.View(t, func(ctx context.Context, r *store.Reader) error {
			if left, err := store.Texts(ctx, r, `SELECT id FROM change`); err != nil || len(left) != 0 {
				t.Errorf("got %v, %v left of batches that were refused, want nothing", left, err)
			}
			return nil
		})
	})
}
