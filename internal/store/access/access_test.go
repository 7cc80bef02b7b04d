package access_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	model "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

func TestARequestGoesTheWholePath(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := w.requested(t)
		w.sign(t, x.ID, w.Bob)
		if x = w.read(t, x.ID); x.State != access.Requested {
			t.Fatalf("after one approval of two: got %s, want requested", x.State)
		}
		w.sign(t, x.ID, w.Cid)
		if x = w.read(t, x.ID); x.State != access.Approved || x.Override || x.Granted.IsZero() {
			t.Fatalf("after two: got %+v, want approved", x)
		}
		_, err := w.open(t, x)
		is(t, "open before the checklist is answered", err, access.ErrUnanswered)
		w.answer(t, x.ID, "alone", "an office of one")
		x, err = w.open(t, x)
		if err != nil || x.State != access.Open || x.Due.Sub(x.Opened) != 15*time.Minute {
			t.Fatalf("open: got %+v, %v, want a session of 15 minutes", x, err)
		}
		w.later(2 * time.Minute)
		if c := w.arrive(t, event("e1", time.Minute, "signin.amazonaws.com", "ConsoleLogin"), event("e2", 2*time.Minute, "account.amazonaws.com", "CloseAccount")); len(c.Events) != 2 || len(c.Cases) != 0 {
			t.Errorf("events of the session: got %+v, want two verdicts and no case", c)
		}
		w.later(3 * time.Minute)
		_, err = w.close(t, w.read(t, x.ID), w.Ann)
		is(t, "close before the checklist is answered", err, access.ErrUnanswered)
		w.answer(t, x.ID, "signed-out", "")
		x, err = w.close(t, w.read(t, x.ID), w.gus)
		if err != nil || x.State != access.Closing || x.Over.IsZero() || !x.Overrun.IsZero() {
			t.Fatalf("close: got %+v, %v, want closing", x, err)
		}
		_, err = w.confirm(t, x, w.Ann)
		is(t, "confirm while events may still arrive", err, access.ErrPending)
		w.later(time.Hour)
		w.settle(t)
		x, err = w.confirm(t, w.read(t, x.ID), w.Ann)
		if err != nil || x.State != access.Closed || x.Outcome != reconcile.Used || len(x.Activity) != 64 {
			t.Fatalf("confirm: got %+v, %v, want closed, and used", x, err)
		}
		want := []string{"root.requested", "root.approved", "root.approved", "root.granted", "root.answered", "root.opened", "root.answered", "root.sealed", "root.confirmed"}
		if diff := cmp.Diff(want, w.entries(t, x.ID)); diff != "" {
			t.Errorf("entries of the ledger (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"approved"}, w.told); diff != "" {
			t.Errorf("what changes were told (-want +got):\n%s", diff)
		}
	})
}

func (w *world) settle(t testing.TB) {
	t.Helper()
	if err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		_, err := access.Settle(ctx, tx)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestWhatCannotBeAskedFor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		two := w.Person(t, "Ida", people.Custodian, "account:999988887777")
		for _, tt := range []struct {
			name string
			by   *exceptionstest.Person
			with func(*model.Request)
			want error
		}{
			{"who asks keeps the credential", w.Ann, func(r *model.Request) { r.Custodian = w.Ann.ID }, access.ErrCustodian},
			{"a custodian whom nobody knows", w.Ann, func(r *model.Request) { r.Custodian = "PE-NOBODY" }, access.ErrCustodian},
			{"a custodian without the role", w.Ann, func(r *model.Request) { r.Custodian = w.Bob.ID }, access.ErrCustodian},
			{"a custodian of another account", w.Ann, func(r *model.Request) { r.Custodian = two.ID }, access.ErrCustodian},
			{"a window that is over", w.Ann, func(r *model.Request) { r.From, r.Until = r.From.Add(-3*time.Hour), r.Until.Add(-3*time.Hour) }, approvals.ErrInvalid},
			{"a window in two months", w.Ann, func(r *model.Request) { r.From, r.Until = r.From.AddDate(0, 2, 0), r.Until.AddDate(0, 2, 0) }, approvals.ErrInvalid},
			{"another account than that of the approval", w.Ann, func(r *model.Request) { r.Accounts = []rootkeep.AccountID{"999988887777"} }, approvals.ErrInvalid},
			{"by an approver", w.Bob, func(*model.Request) {}, approvals.ErrNotAllowed},
		} {
			t.Run(tt.name, func(t *testing.T) {
				_, err := w.submit(t, tt.by, access.Wanted{Account: account, Asked: w.signIn(tt.with)})
				is(t, "submit", err, tt.want)
			})
		}
	})
}

func TestTheCustodianApprovesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		grant(t, w, w.gus, people.Approver)
		x := w.requested(t)
		if _, err := w.Issue(t, w.gus, x.ID, approval.Approve); !errors.Is(err, approval.ErrMayNot) || !strings.Contains(err.Error(), "takes part") {
			t.Errorf("the custodian, who is an approver too: got %v, want ErrMayNot", err)
		}
		w.View(t, func(ctx context.Context, r *store.Reader) error {
			could, err := w.desk.Could(ctx, r, x.Matter)
			if got := approvals.IDs(could); slices.Contains(got, w.gus.ID) || len(got) != 3 {
				t.Errorf("who could approve: got %v, want Bob, Cid and Dan", got)
			}
			return err
		})
		// Without Bob and Dan, the custodian would be the second approver.
		w.RevokeKey(t, w.Bob.ID)
		w.RevokeKey(t, w.Dan.ID)
		var short *approval.Shortage
		if _, err := w.submit(t, w.hal, access.Wanted{Account: account, Asked: w.signIn(tomorrow)}); !errors.As(err, &short) {
			t.Errorf("with one approver and the custodian: got %v, want a Shortage", err)
		}
		// Whoever is made custodian by an edit after having signed does not count either.
		other := w.Person(t, "Ida", people.Custodian, people.Everywhere)
		grant(t, w, other, people.Approver)
		if _, err := w.Decide(t, other, x.ID, approval.Approve); err != nil {
			t.Fatal(err)
		}
		_, err := w.do(t, func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
			return w.desk.Edit(ctx, tx, w.Ann.Actor, x.ID, w.read(t, x.ID).Revision, w.signIn(func(r *model.Request) { r.Custodian = other.ID }))
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Issue(t, other, x.ID, approval.Approve); !errors.Is(err, approval.ErrMayNot) {
			t.Errorf("the new custodian: got %v, want ErrMayNot", err)
		}
	})
}

func grant(t testing.TB, w *world, p *exceptionstest.Person, role people.Role) {
	t.Helper()
	if err := w.Change(t, func(ctx context.Context, tx *store.Tx) error { return grantIn(ctx, tx, p.ID, role) }); err != nil {
		t.Fatal(err)
	}
	p.Grants = append(p.Grants, people.Grant{Role: role, Scope: people.Everywhere})
}

func TestACustodianWhoLeavesStopsTheSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := w.approved(t)
		w.answer(t, x.ID, "alone", "")
		w.suspend(t, w.gus)
		_, err := w.open(t, x)
		is(t, "open", err, access.ErrCustodian)
		if err == nil || !strings.Contains(err.Error(), "suspended") || !strings.Contains(err.Error(), "withdraw it and ask anew with another custodian") {
			t.Errorf("got %v, want an error that says why, and what to do", err)
		}
	})
}

func TestAnApprovalHoldsOnlyWithItsKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := w.requested(t)
		w.sign(t, x.ID, w.Bob)
		w.RevokeKey(t, w.Bob.ID)
		w.sign(t, x.ID, w.Cid)
		if x = w.read(t, x.ID); x.State != access.Requested {
			t.Errorf("a key that was revoked before the decision: got %s, want requested", x.State)
		}
		w.sign(t, x.ID, w.Dan)
		x = w.read(t, x.ID)
		w.answer(t, x.ID, "alone", "")
		w.later(time.Minute)
		w.RevokeKey(t, w.Dan.ID) // after it: what was decided stands
		if _, err := w.open(t, x); err != nil {
			t.Errorf("a key that was revoked after the decision: got %v, want an open session", err)
		}
	})
}

func TestSignInsDoNotOverlap(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first := w.requested(t)
		for _, tt := range []struct {
			name string
			with func(*model.Request)
			want error
		}{
			{"the same hours", func(*model.Request) {}, access.ErrOverlap},
			{"a drill in the same hours", func(r *model.Request) { r.Kind = model.Drill }, access.ErrOverlap},
			{"from the moment at which the other ends", func(r *model.Request) { r.From, r.Until = first.Ends, first.Ends.Add(time.Hour) }, nil},
			{"sessions of sts:AssumeRoot, which carry an ID", assumed(account), nil},
		} {
			t.Run(tt.name, func(t *testing.T) {
				x, err := w.submit(t, w.hal, access.Wanted{Account: account, Asked: w.signIn(tt.with)})
				is(t, "submit", err, tt.want)
				if err == nil {
					w.withdraw(t, w.hal, x)
				}
			})
		}
		w.withdraw(t, w.Ann, first)
		if _, err := w.submit(t, w.hal, access.Wanted{Account: account, Asked: w.signIn()}); err != nil {
			t.Errorf("once the other is withdrawn: got %v, want a request", err)
		}
	})
}

func (w *world) withdraw(t testing.TB, by *exceptionstest.Person, x *access.Request) *access.Request {
	t.Helper()
	return w.must(t, func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
		return w.desk.Withdraw(ctx, tx, by.Actor, x.ID, x.Revision)
	})
}

func TestARequestOverManyAccountsNeedsApproversOfAll(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const other = rootkeep.AccountID("222233334444")
		wanted := access.Wanted{Account: "999988887777", Asked: w.signIn(assumed(account, other))}
		var short *approval.Shortage
		w.RevokeKey(t, w.Cid.ID) // Bob is left who may everywhere; Dan may in one of them
		if _, err := w.submit(t, w.Ann, wanted); !errors.As(err, &short) {
			t.Errorf("with one approver of all accounts: got %v, want a Shortage", err)
		}
		ida := w.Person(t, "Ida", people.Approver, people.Everywhere)
		x, err := w.submit(t, w.Ann, wanted)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Issue(t, w.Dan, x.ID, approval.Approve); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an approver of one account: got %v, want ErrNotFound: it is about accounts that Dan does not read", err)
		}
		w.sign(t, x.ID, w.Bob, ida)
		x, err = w.open(t, w.read(t, x.ID))
		if err != nil || !x.Due.Equal(x.Ends) {
			t.Errorf("open: got %+v, %v, want a session until the window ends", x, err)
		}
		w.View(t, func(ctx context.Context, r *store.Reader) error {
			for who, want := range map[*exceptionstest.Person]int{w.Bob: 1, w.Dan: 0, w.Fay: 0} {
				list, err := w.desk.List(ctx, r, who.Actor, access.Filter{Account: other, Limit: 10}, w.Now())
				if err != nil || len(list) != want {
					t.Errorf("list of %s: got %d, %v, want %d", who.Name, len(list), err, want)
				}
			}
			return nil
		})
	})
}

func TestTimeEndsSessionsAndRequests(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := w.opened(t)
		idle := w.approved(t, tomorrow)
		w.later(20 * time.Minute)
		if x = w.read(t, x.ID); x.State != access.Closing || !x.Over.Equal(x.Due) {
			t.Errorf("20 minutes after the session began: got %+v, want closing, over when it was due", x)
		}
		sweep := func(want int) {
			t.Helper()
			var late []*access.Request
			if err := w.Change(t, func(ctx context.Context, tx *store.Tx) (err error) {
				late, err = access.Overrun(ctx, tx)
				return err
			}); err != nil || len(late) != want {
				t.Fatalf("overrun: got %d, %v, want %d", len(late), err, want)
			}
		}
		sweep(1)
		sweep(0)
		w.answer(t, x.ID, "signed-out", "")
		if x, err := w.close(t, w.read(t, x.ID), w.Ann); err != nil || x.Overrun.IsZero() || !x.Over.Equal(x.Due) {
			t.Errorf("close: got %+v, %v, want one that remembers it was late", x, err)
		}
		w.later(48 * time.Hour)
		if idle = w.read(t, idle.ID); idle.State != access.Lapsed {
			t.Errorf("behind its window: got %s, want lapsed", idle.State)
		}
		var n int
		if err := w.Change(t, func(ctx context.Context, tx *store.Tx) (err error) { n, err = w.desk.Lapse(ctx, tx); return err }); err != nil || n != 1 {
			t.Errorf("lapse: got %d, %v, want 1", n, err)
		}
		if got := w.entries(t, idle.ID); got[len(got)-1] != "root.lapsed" {
			t.Errorf("got %v, want root.lapsed at the end", got)
		}
	})
}

// TestRowsAreNotBelieved has somebody with the database in hand say that a request is
// approved: nothing opens without the signatures themselves.
func TestRowsAreNotBelieved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := w.requested(t, func(r *model.Request) { r.Checklist = []model.Item{} })
		w.sign(t, x.ID, w.Bob)
		for _, statement := range []string{
			`UPDATE approval_request SET state = 'approved', decided = 1 WHERE id = $1`,
			`UPDATE root_request SET state = 'approved', granted = 1 WHERE id = $1`,
		} {
			if err := w.Change(t, func(ctx context.Context, tx *store.Tx) error { return tx.ExecOne(ctx, statement, x.ID) }); err != nil {
				t.Fatal(err)
			}
		}
		_, err := w.open(t, w.read(t, x.ID))
		is(t, "one signature of two", err, approvals.ErrUnproven)
		for _, statement := range []string{
			`UPDATE approval_request SET state = 'withdrawn', overridden = 1 WHERE id = $1`,
			`UPDATE root_request SET overridden = 1 WHERE id = $1`,
		} {
			if err := w.Change(t, func(ctx context.Context, tx *store.Tx) error { return tx.ExecOne(ctx, statement, x.ID) }); err != nil {
				t.Fatal(err)
			}
		}
		_, err = w.open(t, w.read(t, x.ID))
		is(t, "an override that nobody signed", err, approvals.ErrUnproven)
	})
}

func TestOnlyWhoTakesPartActs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := w.approved(t)
		_, err := w.do(t, func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
			return w.desk.Answer(ctx, tx, w.hal.Actor, x.ID, model.Answer{Item: "alone"})
		})
		is(t, "answer by somebody else", err, approvals.ErrNotAllowed)
		_, err = w.do(t, func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
			return w.desk.Answer(ctx, tx, w.Ann.Actor, x.ID, model.Answer{Item: "made-up"})
		})
		is(t, "answer to nothing", err, approvals.ErrInvalid)
		_, err = w.do(t, func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
			return w.desk.Answer(ctx, tx, w.Ann.Actor, x.ID, model.Answer{Item: "signed-out"})
		})
		is(t, "answer to what comes after the session, before it", err, access.ErrState)
		w.answer(t, x.ID, "alone", "")
		_, err = w.do(t, func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
			return w.desk.Open(ctx, tx, w.hal.Actor, x.ID, x.Revision, "")
		})
		is(t, "open by somebody else", err, approvals.ErrNotAllowed)
		if _, err := w.open(t, x); err != nil {
			t.Fatal(err)
		}
		_, err = w.open(t, x)
		is(t, "open twice", err, store.ErrConflict)
	})
}
