package access_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	model "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

// judged has events arrive that are compared with so many requests at most.
func (w *world) judged(t testing.TB, most int, events ...reconcile.Event) {
	t.Helper()
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		touched, err := rootlog.Arrive(ctx, tx, "folder", nil, events)
		if err != nil {
			return err
		}
		for a := range touched {
			if _, err := access.JudgeWith(ctx, tx, a, touched[a], 100, most); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// One account with very many requests keeps no event from being judged. Requests that
// somebody opened are compared first.
func TestVeryManyRequestsKeepNoEventFromBeingJudged(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i := range 4 {
			w.approved(t, func(r *model.Request) {
				r.From, r.Until = r.From.Add(time.Duration(i+1)*3*time.Hour), r.Until.Add(time.Duration(i+1)*3*time.Hour)
			})
		}
		x := w.opened(t)
		w.later(5 * time.Minute)
		w.judged(t, 2, event("use", 2*time.Minute, "account.amazonaws.com", "CloseAccount"), event("more", 2*time.Minute, "iam.amazonaws.com", "CreateAccessKey"))
		if got := w.verdict(t, "use"); got.Verdict != rootkeep.Explained || got.Request != x.ID {
			t.Errorf("the use: got %s for %q: %s; want it explained by the open request", got.Verdict, got.Request, got.Why)
		}
		if got := w.verdict(t, "more"); got.Verdict != rootkeep.OutOfScope || got.Rule != "too-many" || !strings.Contains(got.Why, "more requests") || !strings.Contains(got.Why, "does not need") {
			t.Errorf("the other call: got %s by %s: %s; want it said that not all requests were compared", got.Verdict, got.Rule, got.Why)
		}
		w.arrive(t, event("later", 3*time.Minute, "iam.amazonaws.com", "CreateAccessKey"))
		for _, id := range []string{"more", "later"} {
			if got := w.verdict(t, id); got.Verdict != rootkeep.OutOfScope || got.Rule != reconcile.BySignIn {
				t.Errorf("%s, once all are compared: got %s by %s, want OUT_OF_SCOPE by its request", id, got.Verdict, got.Rule)
			}
		}
	})
}

// Requests for other accounts are known by their names and keys, however many there are.
func TestRequestsOfOtherAccountsAreKnownByNameAndKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const management = rootkeep.AccountID("999988887777")
		x := w.approved(t, assumed(account))
		start := exceptionstest.Start
		if err := w.record(t, func(ctx context.Context, tx *store.Tx) (rootlog.Touched, error) {
			return rootlog.RecordSession(ctx, tx, rootlog.Session{AccessKey: "ASIAGIVEN", Account: account, Name: x.ID, Policy: "IAMDeleteRootUserCredentials", Start: start, End: start.Add(15 * time.Minute)})
		}); err != nil {
			t.Fatal(err)
		}
		governs := event("governs", time.Minute, "organizations.amazonaws.com", "LeaveOrganization")
		governs.Kind, governs.Account, governs.Of, governs.AccessKey = rootkeep.RootGovernance, management, management, "ASIAGIVEN"
		elsewhere := asks("elsewhere", x.ID, "ASIAOTHER")
		elsewhere.Of, elsewhere.Target = management, string(management)
		w.later(5 * time.Minute)
		w.judged(t, 1, governs, elsewhere)
		if got := w.verdict(t, "governs"); got.Verdict != rootkeep.OutOfScope || got.Request != x.ID {
			t.Errorf("with the key of a request: got %s for %q: %s; want OUT_OF_SCOPE of it", got.Verdict, got.Request, got.Why)
		}
		if got := w.verdict(t, "elsewhere"); got.Verdict != rootkeep.Unexplained || !strings.Contains(got.Why, "not for account") {
			t.Errorf("with the name of a request: got %s: %s; want it said that the request is for another account", got.Verdict, got.Why)
		}
	})
}

// A session that AWS refused to rootkeep explains who asked for it, and nobody else.
func TestARefusalThatIsRecordedExplainsWhoAsked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := w.approved(t, assumed(account))
		refused, other := asks("refused", x.ID, ""), asks("other", x.ID, "")
		w.later(5 * time.Minute)
		if err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			x, err := access.Read(ctx, &tx.Reader, x.ID, tx.Now())
			if err == nil {
				_, err = w.desk.Open(ctx, tx, w.Ann.Actor, x.ID, x.Revision, "")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		at := w.Now()
		refused.Time, other.Time = at, at.Add(20*time.Second)
		w.later(time.Minute)
		w.arrive(t, refused, other)
		if got := w.verdict(t, "refused"); got.Verdict != rootkeep.Unexplained {
			t.Fatalf("before it is recorded: got %s, want UNEXPLAINED", got.Verdict)
		}
		if err := w.record(t, func(ctx context.Context, tx *store.Tx) (rootlog.Touched, error) {
			return rootlog.RecordSession(ctx, tx, rootlog.Session{Account: account, Name: x.ID, Policy: "IAMAuditRootUserCredentials", Start: at, End: at})
		}); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]rootkeep.Verdict{"refused": rootkeep.Explained, "other": rootkeep.Unexplained} {
			if got := w.verdict(t, id); got.Verdict != want {
				t.Errorf("%s: got %s by %s (%s), want %s", id, got.Verdict, got.Rule, got.Why, want)
			}
		}
		err := w.record(t, func(ctx context.Context, tx *store.Tx) (rootlog.Touched, error) {
			return rootlog.RecordSession(ctx, tx, rootlog.Session{Account: account, Name: "CH-1", Policy: "IAMAuditRootUserCredentials", Start: at, End: at})
		})
		if err == nil || !strings.Contains(err.Error(), "access key is missing") {
			t.Errorf("a refusal of a change: got %v, want it refused", err)
		}
	})
}

// What became of requests is said once their time, and the delay of events behind it, is
// over: of each once.
func TestWhatBecameOfRequestsIsSaidOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		settle := func() (n int) {
			t.Helper()
			if err := w.Change(t, func(ctx context.Context, tx *store.Tx) (err error) {
				n, err = access.Settle(ctx, tx)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return n
		}
		given := w.approved(t)
		w.later(time.Minute)
		given = w.withdraw(t, w.Ann, given)
		waits := w.approved(t)
		next := w.approved(t, tomorrow)
		w.requested(t, func(r *model.Request) { r.From, r.Until = r.From.Add(3*time.Hour), r.Until.Add(3*time.Hour) }) // nobody approves it
		w.At(given.Ended.Add(reconcile.Delay + 30*time.Second))
		if n := settle(); n != 0 {
			t.Errorf("before the withdrawn one is over: got %d, want none", n)
		}
		w.At(given.Ended.Add(reconcile.Delay + 2*time.Minute))
		if n := settle(); n != 1 || w.read(t, given.ID).Outcome != reconcile.NoCoverage {
			t.Errorf("after it: got %d, %s; want the withdrawn one, without coverage", n, w.read(t, given.ID).Outcome)
		}
		w.At(waits.Ends.Add(reconcile.Delay + 2*time.Minute))
		if n := settle(); n != 1 || w.read(t, waits.ID).Outcome != reconcile.NoCoverage {
			t.Errorf("after the window: got %d, %s; want the one that nobody opened", n, w.read(t, waits.ID).Outcome)
		}
		before := w.Entries(t, waits.ID)
		if n := settle(); n != 0 || w.read(t, next.ID).Outcome != reconcile.Pending {
			t.Errorf("again: got %d, and tomorrow's %s; want nothing, and that it is to come", n, w.read(t, next.ID).Outcome)
		}
		if diff := cmp.Diff(before, w.Entries(t, waits.ID)); diff != "" {
			t.Errorf("entries, once all is said (-want +got):\n%s", diff)
		}
	})
}
