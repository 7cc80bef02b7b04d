package changes_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/changes"
)

// TestApprovedChangesFollowTheirRequest withdraws a request that was approved: what has
// begun under it goes on, and nothing else begins.
func TestApprovedChangesFollowTheirRequest(t *testing.T) {
	rooted(t, func(t *testing.T, w *world) {
		begun, waiting := w.planned(t, asRoot("RR-1")), w.planned(t, asRoot("RR-1"))
		if err := w.submit(t, "RR-1", w.asks(begun, waiting)); err != nil {
			t.Fatal(err)
		}
		w.signRoot(t, "RR-1", w.Bob, w.Cid)
		w.At(w.Now().Add(90 * time.Minute))
		if _, err := w.begin(t, w.read(t, begun.ID)); err != nil {
			t.Fatal(err)
		}
		follow := func(to changes.State) error {
			return w.Change(t, func(ctx context.Context, tx *store.Tx) error { return changes.Follow(ctx, tx, "RR-1", to, time.Time{}) })
		}
		if err := follow(changes.Applied); !errors.Is(err, changes.ErrState) {
			t.Errorf("to a state that no request has: got %v", err)
		}
		if err := follow(changes.Withdrawn); err != nil {
			t.Fatal(err)
		}
		if a, b := w.read(t, begun.ID).State, w.read(t, waiting.ID).State; a != changes.Applying || b != changes.Withdrawn {
			t.Errorf("got %s and %s, want applying and withdrawn", a, b)
		}
	})
}

// TestARequestForRootThatDoesNotStand has the desk of requests say that one was closed.
func TestARequestForRootThatDoesNotStand(t *testing.T) {
	rooted(t, func(t *testing.T, w *world) {
		c := w.granted(t, "RR-1")
		w.desk.Stands = func(_ context.Context, _ *store.Reader, m *approvals.Matter, _ time.Time) error {
			return errors.New(m.ID + " was closed")
		}
		if _, err := w.begin(t, c); !errors.Is(err, changes.ErrUnapproved) || !strings.Contains(err.Error(), "RR-1 was closed") {
			t.Errorf("got %v", err)
		}
	})
}

func TestAStoppedChangeGoesOnWithinTheWindowOfItsRequest(t *testing.T) {
	rooted(t, func(t *testing.T, w *world) {
		c := w.granted(t, "RR-1")
		c, err := w.begin(t, c)
		if err != nil {
			t.Fatal(err)
		}
		stop := func() {
			w.must(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
				return changes.Finish(ctx, tx, c.ID, c.Run, change.Outcome{State: change.Stopped, Why: "denied"})
			})
		}
		resume := func() (*changes.Change, error) {
			return w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
				return w.desk.Resume(ctx, tx, w.Ann.Actor, c.ID, w.by("JO-2"))
			})
		}
		stop()
		if c, err = resume(); err != nil {
			t.Fatal(err)
		}
		stop()
		w.At(w.Now().Add(time.Hour))
		if _, err := resume(); !errors.Is(err, changes.ErrUnapproved) || !strings.Contains(err.Error(), "hint: give the change up") {
			t.Errorf("after the window: got %v", err)
		}
	})
}

// TestWhatASignInOpenedIsTakenAwayUnderItsRequest leads a sign-in of a member without a
// password through its three changes.
func TestWhatASignInOpenedIsTakenAwayUnderItsRequest(t *testing.T) {
	rooted(t, func(t *testing.T, w *world) {
		open := w.planned(t, asRoot("RR-1"), opens)
		r := w.asks(open)
		r.Path, r.Custodian, r.Networks = access.SignIn, w.Dan.ID, []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
		if err := w.submit(t, "RR-1", r); err != nil {
			t.Fatal(err)
		}
		w.signRoot(t, "RR-1", w.Bob, w.Cid)
		clean := func(with ...func(*change.Plan)) (*changes.Change, error) {
			return w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
				return w.desk.Plan(ctx, tx, w.Ann.Actor, w.plan(append([]func(*change.Plan){asRoot("RR-1")}, with...)...))
			})
		}
		if _, err := clean(); err == nil || !strings.Contains(err.Error(), "has not begun") {
			t.Errorf("before anything was opened: got %v", err)
		}
		w.At(w.Now().Add(90 * time.Minute))
		if _, err := w.begin(t, w.read(t, open.ID)); err != nil {
			t.Fatal(err)
		}
		for name, with := range map[string]func(*change.Plan){
			"another account": func(p *change.Plan) { p.Account = "444455556666"; p.Calls[0].Account = p.Account },
			"another kind":    opens,
		} {
			if _, err := clean(with); !errors.Is(err, approvals.ErrInvalid) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		w.At(w.Now().Add(10 * time.Hour)) // far behind the window
		closing, err := clean()
		if err != nil || closing.State != changes.Approved {
			t.Fatalf("closing: got %+v, %v", closing, err)
		}
		more, err := clean(func(p *change.Plan) {
			p.Calls[0].Operation, p.Calls[0].Root = "iam:CreateLoginProfile", "IAMCreateRootUserPassword"
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.begin(t, more); !errors.Is(err, changes.ErrUnapproved) || !strings.Contains(err.Error(), "takes nothing away") {
			t.Errorf("a closing that opens: got %v", err)
		}
		if _, err := w.begin(t, closing); err != nil {
			t.Errorf("closing: got %v", err)
		}
		late, err := clean()
		if err != nil {
			t.Fatal(err)
		}
		w.At(w.Now().Add(24 * time.Hour))
		w.exec(t, `UPDATE change SET expires = 0 WHERE id = $1`, late.ID)
		if _, err := w.begin(t, late); !errors.Is(err, changes.ErrUnapproved) {
			t.Errorf("days later: got %v", err)
		}
	})
}

// TestChangesUnderAnOverrideHoldToItsShortWindow has a request for root go without
// approvals.
func TestChangesUnderAnOverrideHoldToItsShortWindow(t *testing.T) {
	rooted(t, func(t *testing.T, w *world) {
		c := w.planned(t, asRoot("RR-1"))
		r := w.asks(c)
		r.Until = r.From.Add(3 * time.Hour)
		if err := w.submit(t, "RR-1", r); err != nil {
			t.Fatal(err)
		}
		w.exec(t, `UPDATE approval_request SET state = 'withdrawn', overridden = $1, decided = $1 WHERE id = 'RR-1'`, store.Micros(w.Now()))
		err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			return changes.Follow(ctx, tx, "RR-1", changes.Approved, r.Until)
		})
		if err != nil {
			t.Fatal(err)
		}
		refused := func(name, says string) {
			t.Helper()
			if _, err := w.begin(t, w.read(t, c.ID)); !errors.Is(err, changes.ErrUnapproved) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		w.At(r.From.Add(30 * time.Minute))
		refused("a desk that knows of no overrides", "went without approvals")
		fault := errors.New("nobody signed it")
		w.desk.Overridden = func(context.Context, *store.Reader, *approvals.Matter, time.Time) error { return fault }
		refused("an override that nobody signed", "nobody signed it")
		fault = nil
		w.At(r.From.Add(90 * time.Minute))
		refused("behind the window of an override", "the window of RR-1 ended")
		w.At(r.From.Add(30 * time.Minute))
		if _, err := w.begin(t, w.read(t, c.ID)); err != nil {
			t.Errorf("within it: got %v", err)
		}
	})
}
