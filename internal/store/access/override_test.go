package access_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	model "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
	caseof "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

const reason = "The account is being emptied, and nobody answers."

// bare is a request without a checklist.
func bare(r *model.Request) { r.Checklist = []model.Item{} }

func (w *world) review(t testing.TB, by *exceptionstest.Person, o *access.Override) (*access.Override, error) {
	t.Helper()
	var out *access.Override
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) (err error) {
		out, err = w.desk.Review(ctx, tx, by.Actor, o.Request, o.Revision, access.Justified, "The account was saved by it.")
		return err
	})
	return out, err
}

func (w *world) caseOf(t testing.TB, f incident.Filter) *incident.Case {
	t.Helper()
	var c *incident.Case
	w.View(t, func(ctx context.Context, r *store.Reader) error {
		f.Limit = 10
		list, err := incident.List(ctx, r, everything, f)
		if err != nil || len(list) != 1 {
			t.Fatalf("cases: got %d, %v, want one", len(list), err)
		}
		c, err = incident.Read(ctx, r, list[0].ID)
		return err
	})
	return c
}

func TestAnOverrideIsLoud(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := w.requested(t, bare)
		o, err := w.override(t, w.Ann, x.ID, reason)
		if err != nil || o.State != access.Granted || !o.Due.Equal(w.Now().Add(24*time.Hour)) {
			t.Fatalf("override: got %+v, %v, want granted, with a review within a day", o, err)
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values([]string{w.Bob.ID, w.Cid.ID, w.Dan.ID})), o.Skipped); diff != "" {
			t.Errorf("who was skipped (-want +got):\n%s", diff)
		}
		x = w.read(t, x.ID)
		if x.State != access.Approved || !x.Override || x.Ends.Sub(x.Begins) != time.Hour || x.Matter.State != approval.Overridden {
			t.Errorf("got %+v, want approved by override, for an hour", x)
		}
		if _, err := w.Issue(t, w.Bob, x.ID, approval.Approve); !errors.Is(err, approval.ErrFinal) {
			t.Errorf("approve what was overridden: got %v, want ErrFinal", err)
		}
		c := w.caseOf(t, incident.Filter{Request: x.ID})
		if c.State != caseof.Open || c.Title != "Root without approvals: "+x.ID {
			t.Errorf("case: got %+v, want one that is open", c)
		}
		w.later(time.Minute)
		if x, err = w.open(t, x); err != nil {
			t.Fatal(err)
		}
		for _, by := range []*exceptionstest.Person{w.Ann, w.gus, w.Eve} {
			if _, err := w.review(t, by, o); err == nil {
				t.Errorf("%s reviewed it, who took part or approves elsewhere", by.Name)
			}
		}
		w.closeCase(t, w.Bob, c, caseof.ErrState) // nobody has it, and it is not reviewed
		_, err = w.review(t, w.Dan, o)
		is(t, "a review of what is not over", err, access.ErrState)
		w.later(time.Hour)
		if o, err = w.review(t, w.Dan, o); err != nil || o.State != access.Reviewed || o.Reviewer != w.Dan.ID {
			t.Fatalf("review: got %+v, %v, want one by Dan", o, err)
		}
		_, err = w.review(t, w.Bob, o)
		is(t, "review it again", err, access.ErrState)
		want := []string{"root.requested", "root.overridden", "root.opened", "root.reviewed"}
		if diff := cmp.Diff(want, w.entries(t, x.ID)); diff != "" {
			t.Errorf("entries of the ledger (-want +got):\n%s", diff)
		}
	})
}

func TestWhoHadApprovedDoesNotReviewTheOverride(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := w.requested(t, bare)
		w.sign(t, x.ID, w.Bob)
		o, err := w.override(t, w.Ann, x.ID, reason)
		if err != nil {
			t.Fatal(err)
		}
		w.later(2 * time.Hour)
		_, err = w.review(t, w.Bob, o)
		is(t, "a review by who had approved it", err, approvals.ErrNotAllowed)
		if _, err := w.review(t, w.Cid, o); err != nil {
			t.Errorf("a review by who took no part: %v", err)
		}
	})
}

func (w *world) closeCase(t testing.TB, by *exceptionstest.Person, c *incident.Case, want error) {
	t.Helper()
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		_, err := w.cases.Close(ctx, tx, by.Actor, c.ID, c.Revision, "looked at")
		return err
	})
	is(t, "close the case", err, want)
}

func TestAnOverrideNeedsWhoAskedAndAReason(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := w.requested(t, bare)
		_, err := w.override(t, w.Bob, x.ID, reason)
		is(t, "by an approver", err, approval.ErrMayNot)
		_, err = w.override(t, w.Ann, x.ID, " ")
		is(t, "without a reason", err, approvals.ErrInvalid)
		s := w.statement(t, w.Ann, x.ID)
		signed, err := w.desk.VerifyOverride(t.Context(), w.Store, w.Ann.Actor, x.ID, s.Nonce, w.Ann.Sign(t, s, exceptionstest.Site))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.desk.Desk.Decide(t.Context(), w.Store, w.Ann.Actor, x.ID, s.Nonce, w.Ann.Sign(t, s, exceptionstest.Site)); !errors.Is(err, approval.ErrMayNot) {
			t.Errorf("an override that is sent as an approval: got %v, want ErrMayNot", err)
		}
		if _, err := w.do(t, func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
			return w.desk.Edit(ctx, tx, w.Ann.Actor, x.ID, x.Revision, w.signIn(bare, func(r *model.Request) { r.Session = 600 }))
		}); err != nil {
			t.Fatal(err)
		}
		_, err = w.take(t, w.Ann, signed)
		is(t, "what was signed before an edit", err, approvals.ErrSigned)
		w.later(3 * time.Hour)
		if _, err = w.override(t, w.Ann, x.ID, reason); err == nil {
			t.Error("a request whose window is over was overridden")
		}
	})
}

func (w *world) statement(t testing.TB, by *exceptionstest.Person, id string) *approval.Statement {
	t.Helper()
	var s *approval.Statement
	if err := w.Store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		s, err = w.desk.IssueOverride(ctx, tx, by.Actor, id, reason)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhereNobodyCouldApproveAnOverrideGetsThrough(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, p := range []*exceptionstest.Person{w.Bob, w.Cid, w.Dan} {
			w.RevokeKey(t, p.ID)
		}
		wanted := access.Wanted{Account: account, Asked: w.signIn(bare)}
		var short *approval.Shortage
		if _, err := w.submit(t, w.Ann, wanted); !errors.As(err, &short) {
			t.Fatalf("got %v, want a Shortage", err)
		}
		wanted.Urgent = true
		x, err := w.submit(t, w.Ann, wanted)
		if err != nil {
			t.Fatal(err)
		}
		if o, err := w.override(t, w.Ann, x.ID, reason); err != nil || o.State != access.Granted || len(o.Skipped) != 0 {
			t.Errorf("got %+v, %v, want granted, with nobody skipped", o, err)
		}
	})
}

func TestASecondOverrideNeedsASecondPerson(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first, err := w.override(t, w.Ann, w.requested(t, bare).ID, reason)
		if err != nil {
			t.Fatal(err)
		}
		wanted := access.Wanted{Account: account, Asked: w.signIn(bare), Urgent: true}
		next, err := w.submit(t, w.hal, wanted) // another person, the same account
		if err != nil {
			t.Fatal(err)
		}
		o, err := w.override(t, w.hal, next.ID, reason)
		if err != nil || o.State != access.Waiting || !strings.HasPrefix(o.Second, "RO-") {
			t.Fatalf("got %+v, %v, want one that waits for a second person", o, err)
		}
		if x := w.read(t, next.ID); x.State != access.Requested {
			t.Errorf("until then: got %s, want requested", x.State)
		}
		for _, p := range []*exceptionstest.Person{w.hal, w.gus, w.Ann} {
			if _, err := w.Issue(t, p, o.Second, approval.Approve); !errors.Is(err, approval.ErrMayNot) {
				t.Errorf("%s, who asked, keeps the credential or approves nothing: got %v, want ErrMayNot", p.Name, err)
			}
		}
		w.sign(t, o.Second, w.Bob)
		x := w.read(t, next.ID)
		if x.State != access.Approved || !x.Override {
			t.Fatalf("after the second person: got %+v, want approved by override", x)
		}
		if _, err := w.do(t, func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
			return w.desk.Open(ctx, tx, w.hal.Actor, x.ID, x.Revision, "")
		}); err != nil {
			t.Errorf("open: %v", err)
		}
		w.View(t, func(ctx context.Context, r *store.Reader) (err error) {
			o, err = w.desk.OverrideOf(ctx, r, w.hal.Actor, x.ID, w.Now())
			return err
		})
		_, err = w.review(t, w.Bob, o)
		is(t, "a review by who agreed to it", err, approvals.ErrNotAllowed)
		w.later(2 * time.Hour)
		for _, o := range []*access.Override{first, o} {
			if _, err := w.review(t, w.Dan, o); err != nil {
				t.Fatal(err)
			}
		}
		wanted.Asked = w.signIn(bare, tomorrow)
		third, err := w.submit(t, w.hal, wanted)
		if err != nil {
			t.Fatal(err)
		}
		if o, err := w.override(t, w.hal, third.ID, reason); err != nil || o.State != access.Granted {
			t.Errorf("once both are reviewed: got %+v, %v, want granted at once", o, err)
		}
	})
}

func TestAnEditVoidsAnOverrideThatWaits(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if _, err := w.override(t, w.Ann, w.requested(t, bare).ID, reason); err != nil {
			t.Fatal(err)
		}
		x, err := w.submit(t, w.Ann, access.Wanted{Account: account, Asked: w.signIn(bare, tomorrow)})
		if err != nil {
			t.Fatal(err)
		}
		o, err := w.override(t, w.Ann, x.ID, reason)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.do(t, func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
			return w.desk.Edit(ctx, tx, w.Ann.Actor, x.ID, x.Revision, w.signIn(bare, tomorrow, func(r *model.Request) { r.Session = 7200 }))
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Decide(t, w.Bob, o.Second, approval.Approve); !errors.Is(err, approval.ErrStale) {
			t.Errorf("agree to what was asked before the edit: got %v, want ErrStale", err)
		}
		again, err := w.override(t, w.Ann, x.ID, reason)
		if err != nil || again.State != access.Waiting || again.Second == o.Second {
			t.Fatalf("override it as it is now: got %+v, %v, want another request to a second person", again, err)
		}
		if _, err := w.Decide(t, w.Bob, o.Second, approval.Deny); err != nil {
			t.Fatal(err)
		}
		w.sign(t, again.Second, w.Bob)
		if x = w.read(t, x.ID); x.State != access.Approved || !x.Override {
			t.Errorf("agreed to, after the request of before the edit was denied: got %s, want approved by override", x.State)
		}
	})
}

func TestTheReviewOfWhatLiesAheadIsDueAfterIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := w.requested(t, bare, tomorrow)
		o, err := w.override(t, w.Ann, x.ID, reason)
		if want := x.Begins.Add(24 * time.Hour); err != nil || !o.Due.Equal(want) {
			t.Fatalf("got %+v, %v, want a review due %s", o, err, want)
		}
		_, err = w.review(t, w.Dan, o)
		is(t, "a review before the window", err, access.ErrState)
		w.At(x.Begins.Add(time.Hour)) // nobody opened it
		if _, err = w.review(t, w.Dan, o); err != nil {
			t.Errorf("a review behind the window: %v", err)
		}
	})
}

func TestALateReviewIsSeenOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o, err := w.override(t, w.Ann, w.requested(t, bare).ID, reason)
		if err != nil {
			t.Fatal(err)
		}
		late := func(want int) {
			t.Helper()
			var got []*access.Override
			if err := w.Change(t, func(ctx context.Context, tx *store.Tx) (err error) {
				got, err = access.LateReviews(ctx, tx)
				return err
			}); err != nil || len(got) != want {
				t.Errorf("late reviews: got %d, %v, want %d", len(got), err, want)
			}
		}
		late(0)
		w.later(25 * time.Hour)
		late(1)
		late(0)
		o.Revision++
		if _, err := w.review(t, w.Dan, o); err != nil {
			t.Errorf("a late review: %v", err)
		}
	})
}
