package alter_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/app/alter"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/approval"
	awssession "github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	storejobs "github.com/rootkeep/rootkeep/internal/store/jobs"
	web "github.com/rootkeep/rootkeep/internal/web/changes"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

const account = rootkeep.AccountID("222222222222")

// world is a server's engine, its people and the organization that it changes.
type world struct {
	*exceptionstest.World
	t      *testing.T
	desk   *changes.Desk
	engine *alter.Engine
	aws    *kinds.World
	told   []session // the jobs of a test run one after the other
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	exceptionstest.Each(t, func(t *testing.T, of *exceptionstest.World) {
		w := &world{World: of, t: t}
		of.Desk.Kinds = append(of.Desk.Kinds, changes.Kind(0))
		var err error
		if w.desk, err = changes.New(changes.Desk{Desk: of.Desk.Desk}); err != nil {
			t.Fatal(err)
		}
		if w.aws, err = kinds.NewWorld(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.aws.Close)
		w.engine = w.server(w.aws.Keys["111111111111"].Secret)
		test(t, w)
	})
}

// server is an engine with the administrator's credentials, or wrong ones.
func (w *world) server(secret string) *alter.Engine {
	w.t.Helper()
	catalogue, err := kinds.Load(nil, false)
	if err != nil {
		w.t.Fatal(err)
	}
	e, err := alter.New(alter.Config{
		Store: w.Store, Desk: w.desk, Catalogue: catalogue, Now: w.Now, Sleep: func(ctx context.Context, d time.Duration) error {
			if d > 10*time.Second { // a lease: it is renewed while somebody works
				<-ctx.Done()
				return ctx.Err()
			}
			w.At(w.Now().Add(d))
			w.aws.Wait(d)
			return ctx.Err()
		},
		Recorded: func(_ context.Context, _ *store.Tx, name string, s facts.Session) error {
			w.told = append(w.told, session{name, s})
			return nil
		},
		AWS: awssession.Config{Region: "us-east-1", Now: w.Now, Elsewhere: &awssession.Elsewhere{URL: w.aws.URL, KeyID: w.aws.Keys["111111111111"].ID, Secret: secret}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *world) planned() *changes.Change {
	w.t.Helper()
	c, err := w.engine.Plan(w.t.Context(), w.Ann.Actor, web.Wanted{Kind: "password-policy", Account: account})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// approved asks for a change and has it approved.
func (w *world) approved(c *changes.Change) *changes.Change {
	w.t.Helper()
	err := w.Change(w.t, func(ctx context.Context, tx *store.Tx) error {
		_, err := w.desk.Request(ctx, tx, w.Ann.Actor, c.ID, c.Hash)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.Decide(w.t, w.Bob, c.ID, approval.Approve); err != nil {
		w.t.Fatal(err)
	}
	return w.read(c.ID)
}

func (w *world) read(id string) *changes.Change {
	w.t.Helper()
	var c *changes.Change
	w.View(w.t, func(ctx context.Context, r *store.Reader) (err error) {
		c, err = changes.Read(ctx, r, id, w.Now())
		return err
	})
	return c
}

func (w *world) apply(c *changes.Change) {
	w.t.Helper()
	if _, err := w.engine.Apply(w.t.Context(), w.Ann.Actor, c.ID, c.Hash); err != nil {
		w.t.Fatal(err)
	}
}

// work does the jobs that are due, as a server does, until there is none.
func (w *world) work(e *alter.Engine) {
	w.t.Helper()
	keeper := storejobs.Keeper{Store: w.Store}
	handlers := map[string]job.Handler{}
	var names []string
	for _, k := range e.Jobs() {
		handlers[k.Name], names = k.Handler, append(names, k.Name)
	}
	for {
		j, err := keeper.Claim(w.t.Context(), "server", names, time.Minute)
		if err != nil {
			w.t.Fatal(err)
		}
		if j == nil {
			return
		}
		outcome := job.Outcome{State: job.Done}
		if err := handlers[j.Kind].Handle(w.t.Context(), j, func(string) {}); err != nil {
			outcome = job.Outcome{State: job.Dead, Error: err.Error()}
		}
		if err := keeper.Finish(w.t.Context(), j, outcome); err != nil {
			w.t.Fatal(err)
		}
	}
}

// policy is the password policy of the account, nil if it has none.
func (w *world) policy() map[string]any {
	w.t.Helper()
	a := w.aws.Cloud.Account(account)
	out, err := w.aws.Cloud.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, a.Users["admin"]), Region: "us-east-1", Service: "iam", Operation: "GetAccountPasswordPolicy", Parameters: map[string]any{}})
	if err != nil {
		return nil
	}
	return out
}

func TestAChangeGoesTheWholeWay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.planned()
		if w.policy() != nil {
			t.Fatal("planning changed the account")
		}
		if _, err := w.engine.Apply(t.Context(), w.Ann.Actor, c.ID, c.Hash); err == nil {
			t.Fatal("applied without an approval")
		}
		c = w.approved(c)
		if _, err := w.engine.Apply(t.Context(), w.Ann.Actor, c.ID, strings.Repeat("0", 64)); !errors.Is(err, changes.ErrHash) {
			t.Fatalf("another hash: got %v", err)
		}
		w.apply(c)
		if w.policy() != nil {
			t.Fatal("changed before the job ran")
		}
		w.work(w.engine)
		if c = w.read(c.ID); c.State != changes.Applied || w.policy() == nil {
			t.Fatalf("got %s: %s, policy %v", c.State, c.Why, w.policy())
		}
		undo, err := w.engine.Undo(t.Context(), w.Ann.Actor, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		w.apply(w.approved(undo))
		w.work(w.engine)
		if u := w.read(undo.ID); u.State != changes.Applied || w.policy() != nil {
			t.Errorf("undo: got %s: %s, policy %v", u.State, u.Why, w.policy())
		}
		if c = w.read(c.ID); c.State != changes.Undone {
			t.Errorf("got %s, want it undone", c.State)
		}
		want := []string{"change.entered", "change.planned", "change.requested", "change.approved", "change.granted", "change.begun", "change.entered", "change.entered", "change.called", "change.applied", "change.undone"}
		if got := w.Entries(t, c.ID); !equal(got, want) {
			t.Errorf("got entries %v, want %v", got, want)
		}
	})
}

func equal(a, b []string) bool { return strings.Join(a, " ") == strings.Join(b, " ") }

// TestCredentialsThatEnd stops a change where the server's credentials are not good, and
// goes on with it once they are.
func TestCredentialsThatEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.approved(w.planned())
		w.apply(c)
		w.work(w.server("wrong"))
		if c = w.read(c.ID); c.State != changes.Stopped || c.Why == "" || w.policy() != nil {
			t.Fatalf("got %s: %s, policy %v", c.State, c.Why, w.policy())
		}
		w.apply(c)
		w.work(w.engine)
		if c = w.read(c.ID); c.State != changes.Applied {
			t.Errorf("gone on with: got %s: %s", c.State, c.Why)
		}
	})
}

// TestAServerThatDies leaves a change in the middle; another server takes it up once the
// lease of the first has run out, and not before.
func TestAServerThatDies(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.approved(w.planned())
		w.apply(c)
		err := w.Store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error { // a server starts, and is never heard of again
			return changes.Start(ctx, tx, c.ID, 1, changes.Hold{Owner: "dead", Lease: tx.Now().Add(time.Minute)})
		})
		if err != nil {
			t.Fatal(err)
		}
		w.work(w.engine)
		w.recover()
		if c = w.read(c.ID); c.State != changes.Applying || w.policy() != nil {
			t.Fatalf("within the lease: got %s, policy %v", c.State, w.policy())
		}
		w.At(w.Now().Add(2 * time.Minute))
		w.recover()
		w.work(w.engine)
		if c = w.read(c.ID); c.State != changes.Applied || c.Run != 2 {
			t.Errorf("got %s: %s, run %d, want it applied by the second", c.State, c.Why, c.Run)
		}
	})
}

// TestAServerThatDiesInACallIsNotForgotten has a server die after its call, and the next
// one be without credentials: that the call may have been made is still known to the third.
func TestAServerThatDiesInACallIsNotForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.approved(w.planned())
		w.apply(c)
		err := w.Store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return changes.Start(ctx, tx, c.ID, 1, changes.Hold{Owner: "dead", Lease: tx.Now().Add(time.Minute)})
		})
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.Parsed()
		if err != nil {
			t.Fatal(err)
		}
		a := w.aws.Cloud.Account(account)
		if _, err := w.aws.Cloud.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, a.Users["admin"]), Region: "us-east-1", Service: "iam", Operation: "UpdateAccountPasswordPolicy", Parameters: p.Calls[0].With}); err != nil {
			t.Fatal(err)
		}
		w.At(w.Now().Add(2 * time.Minute))
		err = w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			_, _, err := storejobs.Add(ctx, tx, job.Job{Kind: alter.RecoverKind})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.work(w.server("wrong"))
		if c = w.read(c.ID); c.State != changes.Stopped || !c.Doubt {
			t.Fatalf("without credentials: got %s, doubt %t, want it stopped in doubt", c.State, c.Doubt)
		}
		w.apply(c)
		w.work(w.engine)
		if c = w.read(c.ID); c.State != changes.Applied {
			t.Errorf("got %s: %s, want it applied, and not refused for what it did itself", c.State, c.Why)
		}
	})
}

func (w *world) recover() {
	w.t.Helper()
	err := w.Change(w.t, func(ctx context.Context, tx *store.Tx) error {
		_, _, err := storejobs.Add(ctx, tx, job.Job{Kind: alter.RecoverKind})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.work(w.engine)
}

func TestADriftedAccountIsNotChanged(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.approved(w.planned())
		a := w.aws.Cloud.Account(account)
		if _, err := w.aws.Cloud.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, a.Users["admin"]), Region: "us-east-1", Service: "iam", Operation: "UpdateAccountPasswordPolicy", Parameters: map[string]any{"MinimumPasswordLength": 9}}); err != nil {
			t.Fatal(err)
		}
		w.apply(c)
		w.work(w.engine)
		if c = w.read(c.ID); c.State != changes.Refused || !strings.Contains(c.Why, "has changed since") {
			t.Errorf("got %s: %s, want it refused", c.State, c.Why)
		}
	})
}

// TestAnAccountThatIsLeft stops a change of an account whose roles cannot be entered any
// more, such as one that left the organization, and says so; nothing is lost.
func TestAnAccountThatIsLeft(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.approved(w.planned())
		a := w.aws.Cloud.Account(account)
		left := a.Roles
		w.aws.Cloud.Do(func() { a.Roles = map[string]*cloud.Role{} })
		if _, err := w.engine.Plan(t.Context(), w.Ann.Actor, web.Wanted{Kind: "password-policy", Account: account}); err == nil || !strings.Contains(err.Error(), "RootkeepPlan cannot be entered") {
			t.Errorf("plan: got %v", err)
		}
		w.apply(c)
		w.work(w.engine)
		if c = w.read(c.ID); c.State != changes.Stopped || !strings.Contains(c.Why, "cannot be entered") || w.policy() != nil {
			t.Fatalf("got %s: %s", c.State, c.Why)
		}
		w.aws.Cloud.Do(func() { a.Roles = left })
		w.apply(c)
		w.work(w.engine)
		if c = w.read(c.ID); c.State != changes.Applied {
			t.Errorf("once it is back: got %s: %s", c.State, c.Why)
		}
	})
}

func TestWhoPlansNothingReadsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.aws.Cloud.ResetRequests()
		if _, err := w.engine.Plan(t.Context(), w.Fay.Actor, web.Wanted{Kind: "password-policy", Account: account}); err == nil {
			t.Error("a viewer of another account planned")
		}
		if n := len(w.aws.Cloud.Requests()); n > 0 {
			t.Errorf("%d operations were called for who may not plan", n)
		}
	})
}

func TestABatchGoesInItsOrder(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		list := []web.Wanted{{Kind: "password-policy", Account: account}, {Kind: "password-policy", Account: "111111111111"}}
		b, of, err := w.engine.PlanBatch(t.Context(), w.Ann.Actor, "passwords everywhere", list, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range of {
			w.approved(c)
		}
		if _, err := w.engine.ApplyBatch(t.Context(), w.Ann.Actor, b.ID); err != nil {
			t.Fatal(err)
		}
		w.work(w.engine)
		for _, c := range of {
			if c = w.read(c.ID); c.State != changes.Applied {
				t.Errorf("%s: got %s: %s", c.Account, c.State, c.Why)
			}
		}
		if _, _, err := w.engine.PlanBatch(t.Context(), w.Ann.Actor, "again", list, 1); !errors.Is(err, change.ErrNothing) {
			t.Errorf("planned again: got %v", err)
		}
	})
}

// TestAnotherVersionOfAKindAppliesNothing updates the server between the approval and the
// calls: what was not begun is left as it is, what was begun stops, and says why.
func TestAnotherVersionOfAKindAppliesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		text, err := content.Files.ReadFile("changes/password-policy.yaml")
		if err != nil {
			t.Fatal(err)
		}
		var problems []error
		other := w.server(w.aws.Keys["111111111111"].Secret)
		files := fstest.MapFS{"password-policy.yaml": {Data: append([]byte("# another version\n"), text...)}}
		other.Catalogue = &kinds.Catalogue{}
		if other.Catalogue.Kinds, problems = change.Load(kinds.Known, rule.Source{FS: files, Dir: ".", Name: "d"}); len(problems) > 0 {
			t.Fatal(problems)
		}
		c := w.approved(w.planned())
		if _, err := other.Apply(t.Context(), w.Ann.Actor, c.ID, c.Hash); err == nil || !strings.Contains(err.Error(), "another version") {
			t.Errorf("applied: got %v", err)
		}
		if got := w.read(c.ID); got.State != changes.Approved {
			t.Errorf("got %s, want it approved as before", got.State)
		}
		w.apply(c)
		w.work(other)
		if got := w.read(c.ID); got.State != changes.Stopped || !strings.Contains(got.Why, "another version") || got.Doubt || w.policy() != nil {
			t.Errorf("got %s: %s, doubt %t", got.State, got.Why, got.Doubt)
		}
	})
}

// TestWhatOthersDidWhileItStoodStill has somebody change the account while a change that
// made no call is stopped: going on does not overwrite that.
func TestWhatOthersDidWhileItStoodStill(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.approved(w.planned())
		w.apply(c)
		w.work(w.server("wrong"))
		a := w.aws.Cloud.Account(account)
		if _, err := w.aws.Cloud.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, a.Users["admin"]), Region: "us-east-1", Service: "iam", Operation: "UpdateAccountPasswordPolicy", Parameters: map[string]any{"MinimumPasswordLength": 9}}); err != nil {
			t.Fatal(err)
		}
		w.apply(w.read(c.ID))
		w.work(w.engine)
		if c = w.read(c.ID); c.State != changes.Refused || !strings.Contains(c.Why, "has changed since") {
			t.Errorf("got %s: %s, want it refused", c.State, c.Why)
		}
	})
}
