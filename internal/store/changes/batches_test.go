package changes_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

const elsewhere = "999988887777" // where Eve and Fay are at home

func (w *world) batches(t *testing.T, by *exceptionstest.Person, f changes.BatchFilter) []*changes.Listed {
	t.Helper()
	f.Limit = 10
	var out []*changes.Listed
	w.View(t, func(ctx context.Context, r *store.Reader) (err error) {
		out, err = w.desk.ListBatches(ctx, r, by.Actor, f, w.Now())
		return err
	})
	return out
}

func (w *world) next(t *testing.T, batch string) (next *changes.Change, err error) {
	t.Helper()
	w.View(t, func(ctx context.Context, r *store.Reader) error {
		next, err = w.desk.Next(ctx, r, w.Ann.Actor, batch, w.Now())
		return nil
	})
	return next, err
}

func TestListsOfBatches(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first, list := w.batch(t, 2)
		w.At(w.Now().Add(time.Second)) // IDs of one moment are in no order
		second, _ := w.batch(t, 1)
		canary, err := w.begin(t, list[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := w.batches(t, w.Ann, changes.BatchFilter{}); len(got) != 2 || got[0].ID != second.ID || got[1].Stands() != "applying" || len(got[1].Members) != 2 || !got[1].Members[0].Canary {
			t.Fatalf("got %+v, want both, the newest first", got)
		}
		if _, err := w.finish(t, canary, change.Outcome{State: change.Stopped, Why: "AccessDenied"}); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name string
			by   *exceptionstest.Person
			f    changes.BatchFilter
			want []string
		}{
			{"all", w.Ann, changes.BatchFilter{}, []string{second.ID, first.ID}},
			{"those that halted", w.Dan, changes.BatchFilter{Halted: true}, []string{first.ID}},
			{"the next page", w.Ann, changes.BatchFilter{Before: second.ID}, []string{first.ID}},
			{"of another planner", w.Ann, changes.BatchFilter{By: w.Bob.ID}, nil},
			{"that undo another", w.Ann, changes.BatchFilter{Undoes: first.ID}, nil},
			{"who reads elsewhere sees none", w.Fay, changes.BatchFilter{}, nil},
		} {
			got := w.batches(t, tt.by, tt.f)
			same := len(got) == len(tt.want)
			for i := range got {
				same = same && got[i].ID == tt.want[i]
			}
			if !same {
				t.Errorf("%s: got %d batches, want %v", tt.name, len(got), tt.want)
			}
		}
		halted := w.batches(t, w.Ann, changes.BatchFilter{Halted: true})[0]
		if halted.Stands() != "halted" || halted.Halted != canary.ID || halted.Members[0].Why != "AccessDenied" || halted.Members[1].State != changes.Approved {
			t.Errorf("got %+v, want it halted at the canary, with why", halted)
		}
	})
}

// TestWhatABatchHaltedAtOutOfSight shows who may read one of two accounts half of a batch:
// that it halted, and not where.
func TestWhatABatchHaltedAtOutOfSight(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var b *changes.Batch
		var list []*changes.Change
		err := w.Change(t, func(ctx context.Context, tx *store.Tx) (err error) {
			b, list, err = w.desk.PlanBatch(ctx, tx, w.Ann.Actor, changes.Batch{About: "two accounts"}, []changes.Placed{
				{Plan: w.plan(), Canary: true}, {Plan: w.plan(func(p *change.Plan) { p.Account, p.Resources = elsewhere, []string{"x"} })},
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.sign(t, w.request(t, list[0]), w.Bob)
		c, err := w.begin(t, w.read(t, list[0].ID))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.finish(t, c, change.Outcome{State: change.Stopped}); err != nil {
			t.Fatal(err)
		}
		got := w.batches(t, w.Fay, changes.BatchFilter{})
		if len(got) != 1 || got[0].Halted != "" || !got[0].Unseen || got[0].Stands() != "halted" || len(got[0].Members) != 1 || got[0].Members[0].Account != elsewhere {
			t.Errorf("got %+v, want her account's change alone, and that it halted", got)
		}
		w.View(t, func(ctx context.Context, r *store.Reader) error {
			if read, seen, err := w.desk.GetBatch(ctx, r, w.Fay.Actor, b.ID, w.Now()); err != nil || read.Halted != "" || !read.Unseen || len(seen) != 1 {
				t.Errorf("got %+v, %v, %v", read, seen, err)
			}
			return nil
		})
		w.sign(t, w.request(t, list[1]), w.Bob)
		w.View(t, func(ctx context.Context, r *store.Reader) error {
			_, err := w.desk.Next(ctx, r, w.Fay.Actor, b.ID, w.Now())
			if !errors.Is(err, changes.ErrHalted) || strings.Contains(err.Error(), list[0].ID) {
				t.Errorf("what is next: got %v, want ErrHalted without the other change", err)
			}
			return nil
		})
		err = w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			_, err := w.desk.Release(ctx, tx, w.Fay.Actor, b.ID)
			return err
		})
		if !errors.Is(err, approvals.ErrNotAllowed) {
			t.Errorf("released: got %v, want ErrNotAllowed", err)
		}
	})
}

// TestWhatOfABatchIsNext goes on with the change that the batch halted at, and without it
// once the batch is released.
func TestWhatOfABatchIsNext(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, list := w.batch(t, 3)
		want := func(when, id string) {
			t.Helper()
			if c, err := w.next(t, b.ID); err != nil || c == nil || c.ID != id {
				t.Errorf("%s: got %+v, %v, want %s", when, c, err, id)
			}
		}
		run := func(c *changes.Change, o change.Outcome) {
			t.Helper()
			c, err := w.begin(t, c)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.next(t, b.ID); !errors.Is(err, changes.ErrState) {
				t.Errorf("while %s is applied: got %v, want ErrState", c.ID, err)
			}
			if _, err := w.finish(t, c, o); err != nil {
				t.Fatal(err)
			}
		}
		want("at first", list[0].ID)
		run(list[0], change.Outcome{State: change.Applied})
		want("after the canary", list[1].ID)
		run(list[1], change.Outcome{State: change.Stopped, Why: "throttled"})
		want("once the second stopped", list[1].ID)
		err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			_, err := w.desk.Release(ctx, tx, w.Ann.Actor, b.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		want("once it was released", list[2].ID)
		run(list[2], change.Outcome{State: change.Applied})
		if c, err := w.next(t, b.ID); err != nil || c != nil {
			t.Errorf("in the end: got %+v, %v, want nothing left", c, err)
		}
	})
}

// TestACanaryThatWasUndone keeps the others of its batch from being applied.
func TestACanaryThatWasUndone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, list := w.batch(t, 2)
		canary, err := w.begin(t, list[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.finish(t, canary, change.Outcome{State: change.Applied}); err != nil {
			t.Fatal(err)
		}
		u, err := w.begin(t, w.approved(t, func(p *change.Plan) { p.Undoes, p.Resources = canary.ID, []string{"a"} }))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.finish(t, u, change.Outcome{State: change.Applied}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.next(t, b.ID); !errors.Is(err, changes.ErrHalted) {
			t.Errorf("got %v, want ErrHalted", err)
		}
	})
}
