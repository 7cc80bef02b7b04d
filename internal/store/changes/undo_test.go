package changes_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/changes"
)

func TestUndo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		undo := func(c *changes.Change) func(*change.Plan) {
			return func(p *change.Plan) { p.Undoes = c.ID }
		}
		for _, tt := range []struct {
			name        string
			of          change.State // that the change ended in
			undo        change.State // that its undo ends in
			want, wants changes.State
			held        int
		}{
			{"of an applied one", change.Applied, change.Applied, changes.Undone, changes.Applied, 0},
			{"of an unverified one", change.Unverified, change.Applied, changes.Undone, changes.Applied, 0},
			{"of a stopped one, whose resources it takes over", change.Stopped, change.Applied, changes.Undone, changes.Applied, 0},
			{"that is refused leaves it where it was", change.Applied, change.Drifted, changes.Applied, changes.Refused, 0},
			{"that is refused gives a stopped one its resources back", change.Stopped, change.Drifted, changes.Stopped, changes.Refused, 1},
			{"that is not verified", change.Applied, change.Unverified, changes.Unverified, changes.Unverified, 0},
			{"that leaves what cannot be undone", change.Applied, change.Partial, changes.Partial, changes.Partial, 0},
			{"that stops", change.Applied, change.Stopped, changes.Undoing, changes.Stopped, 1},
		} {
			t.Run(tt.name, func(t *testing.T) {
				resource := func(p *change.Plan) { p.Resources = []string{tt.name[:1] + strings.ReplaceAll(tt.name, " ", "-")} }
				c := w.ended(t, tt.of, resource)
				u := w.approved(t, resource, undo(c))
				u, err := w.begin(t, u)
				if err != nil || w.read(t, c.ID).State != changes.Undoing {
					t.Fatalf("got %s, %v, want it undoing", w.read(t, c.ID).State, err)
				}
				for n := range map[change.State]int{change.Drifted: 0, change.Stopped: 1, change.Applied: 2, change.Unverified: 2, change.Partial: 2}[tt.undo] {
					if err := w.made(t, u, n); err != nil {
						t.Fatal(err)
					}
				}
				if u, err = w.finish(t, u, change.Outcome{State: tt.undo, Why: "why"}); err != nil || u.State != tt.wants {
					t.Fatalf("the undo: got %+v, %v, want %s", u, err, tt.wants)
				}
				if got := w.read(t, c.ID); got.State != tt.want {
					t.Errorf("got %s, want %s", got.State, tt.want)
				}
				held := 0
				for _, by := range w.locks(t) {
					if by == c.ID || by == u.ID {
						held++
					}
				}
				if held != tt.held {
					t.Errorf("got %d resources held, want %d", held, tt.held)
				}
				entries := w.Entries(t, c.ID)
				if last := entries[len(entries)-1]; (last == "change.undone") != (tt.want == changes.Undone) {
					t.Errorf("got entries %v", entries)
				}
			})
		}
	})
}

func TestWhatIsNotUndone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		plan := func(with ...func(*change.Plan)) error {
			_, err := w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
				return w.desk.Plan(ctx, tx, w.Ann.Actor, w.plan(with...))
			})
			return err
		}
		applied, running := w.ended(t, change.Applied), w.begun(t, public)
		of := func(id string) func(*change.Plan) { return func(p *change.Plan) { p.Undoes = id } }
		for _, tt := range []struct {
			name string
			got  error
			want error
		}{
			{"a change that does not exist", plan(of("CH-1")), store.ErrNotFound},
			{"a change that is being applied", plan(of(running.ID)), changes.ErrState},
			{"with a plan of another kind", plan(of(applied.ID), func(p *change.Plan) { p.Kind = "other" }), approvals.ErrInvalid},
		} {
			if !errors.Is(tt.got, tt.want) {
				t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
			}
		}
		first, second := w.approved(t, of(applied.ID)), w.approved(t, of(applied.ID))
		if _, err := w.begin(t, first); err != nil {
			t.Fatal(err)
		}
		if _, err := w.begin(t, second); !errors.Is(err, changes.ErrState) {
			t.Errorf("a second undo: got %v, want ErrState", err)
		}
	})
}

// half is a plan of two calls, of which the first cannot be undone; both and back are of
// two that can, and of their undo.
func half(p *change.Plan) {
	both(p)
	p.Calls[0].Undo, p.Calls[0].Final, p.Final = nil, "AWS keeps no older one", []string{"AWS keeps no older one"}
}

func both(p *change.Plan) {
	for i := range p.Calls {
		p.Calls[i].Undo = []change.Call{p.Calls[i].Call}
	}
}

func back(of string, calls ...int) func(*change.Plan) {
	return func(p *change.Plan) {
		p.Undoes, p.Calls = of, p.Calls[:len(calls)]
		for i, n := range calls {
			p.Calls[i].Back = n
		}
	}
}

// whole applies every call of a change.
func (w *world) whole(t *testing.T, c *changes.Change) *changes.Change {
	t.Helper()
	p, err := c.Parsed()
	if err != nil {
		t.Fatal(err)
	}
	if c, err = w.begin(t, c); err != nil {
		t.Fatal(err)
	}
	for n := range p.Calls {
		if err := w.made(t, c, n); err != nil {
			t.Fatal(err)
		}
	}
	if c, err = w.finish(t, c, change.Outcome{State: p.End()}); err != nil {
		t.Fatal(err)
	}
	return c
}

// approvedByTwo is a change that two persons have approved.
func (w *world) approvedByTwo(t *testing.T, with ...func(*change.Plan)) *changes.Change {
	t.Helper()
	c := w.request(t, w.planned(t, with...))
	w.sign(t, c, w.Bob, w.Cid)
	return w.read(t, c.ID)
}

func (w *world) undoneCalls(t *testing.T, id string) map[int]string {
	t.Helper()
	var out map[int]string
	w.View(t, func(ctx context.Context, r *store.Reader) (err error) {
		out, err = changes.UndoneCalls(ctx, r, id)
		return err
	})
	return out
}

func TestAnUndoThatLeavesAPart(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.whole(t, w.approvedByTwo(t, half))
		leaves := func(p *change.Plan) { p.Final = []string{"AWS keeps no older one"} }
		u := w.whole(t, w.approvedByTwo(t, back(c.ID, 2), leaves))
		if u.State != changes.Partial || !u.Done() {
			t.Errorf("the undo: got %s, want partial", u.State)
		}
		c = w.read(t, c.ID)
		if want := "its undo " + u.ID + " is partial; calls undone: 2; not undone: call 1, iam:UpdateAccountPasswordPolicy in us-east-1 of " + string(account) + ": AWS keeps no older one"; c.State != changes.Partial || c.Why != want || c.Ended.IsZero() {
			t.Errorf("got %s, %q, want partial, %q", c.State, c.Why, want)
		}
		if got := w.undoneCalls(t, c.ID); !maps.Equal(got, map[int]string{1: u.ID}) {
			t.Errorf("got %v undone, want the second call", got)
		}
		if len(w.locks(t)) > 0 {
			t.Errorf("got %v held", w.locks(t))
		}
		if entries := w.Entries(t, c.ID); entries[len(entries)-1] != "change.partial" {
			t.Errorf("got entries %v, want change.partial last", entries)
		}
		if _, err := w.finish(t, w.begun(t, public), change.Outcome{State: change.Partial}); !errors.Is(err, store.ErrConflict) {
			t.Errorf("a change that undoes nothing: got %v, want ErrConflict", err)
		}
	})
}

// TestAnUndoThatIsGivenUp stops an undo after its first call, gives it up, and undoes the
// rest with another one.
func TestAnUndoThatIsGivenUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		giveUp := func(u *changes.Change) *changes.Change {
			t.Helper()
			return w.must(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
				return w.desk.GiveUp(ctx, tx, w.Ann.Actor, u.ID, u.Revision)
			})
		}
		stopped := func(u *changes.Change, calls int, doubt bool) *changes.Change {
			t.Helper()
			u, err := w.begin(t, u)
			if err != nil {
				t.Fatal(err)
			}
			for n := range calls {
				if err := w.made(t, u, n); err != nil {
					t.Fatal(err)
				}
			}
			if u, err = w.finish(t, u, change.Outcome{State: change.Stopped, Why: "AccessDenied", Doubt: doubt}); err != nil {
				t.Fatal(err)
			}
			return u
		}
		c := w.whole(t, w.approved(t, both))
		if giveUp(stopped(w.approved(t, back(c.ID, 2, 1)), 0, false)); w.read(t, c.ID).State != changes.Applied {
			t.Errorf("without a call: got %s, want applied as before", w.read(t, c.ID).State)
		}
		if giveUp(stopped(w.approved(t, back(c.ID, 2, 1)), 0, true)); w.read(t, c.ID).State != changes.Partial || !strings.Contains(w.read(t, c.ID).Why, "calls undone: none") {
			t.Errorf("in doubt: got %s: %s, want partial, and none undone for sure", w.read(t, c.ID).State, w.read(t, c.ID).Why)
		}
		first := giveUp(stopped(w.approved(t, back(c.ID, 2, 1)), 1, false))
		if got := w.read(t, c.ID); first.State != changes.Unverified || got.State != changes.Partial || !strings.Contains(got.Why, "calls undone: 2; not undone: call 1, ") || !got.Undoable() {
			t.Errorf("after a call: got %s and %s: %s", first.State, got.State, got.Why)
		}
		rest := w.whole(t, w.approved(t, back(c.ID, 1)))
		if got := w.read(t, c.ID); rest.State != changes.Applied || got.State != changes.Undone || got.Why != "" {
			t.Errorf("the rest: got %s and %s: %q, want it undone", rest.State, got.State, got.Why)
		}
		if got := w.undoneCalls(t, c.ID); !maps.Equal(got, map[int]string{0: rest.ID, 1: first.ID}) {
			t.Errorf("got %v, want each call by its undo", got)
		}
	})
}
