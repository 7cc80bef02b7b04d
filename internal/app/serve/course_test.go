package serve

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/demo"
	"github.com/rootkeep/rootkeep/internal/app/rootuse"
	"github.com/rootkeep/rootkeep/internal/app/serve/staff"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
)

// course is a use of root from the request to the verdicts of its events, on a simulated
// organization whose trail a server watches.
type course struct {
	*guarded
	t       *testing.T
	world   *demo.World
	staff   *staff.Staff
	use     demo.Use
	request string
}

func begin(t *testing.T) *course {
	t.Helper()
	world, err := demo.New(1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	aws := httptest.NewServer(simtest.In("us-east-1")(world))
	t.Cleanup(aws.Close)
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": aws.URL, "AWS_ACCESS_KEY_ID": world.Administrator.ID, "AWS_SECRET_ACCESS_KEY": world.Administrator.Secret, "AWS_SESSION_TOKEN": "",
		"AWS_REGION": "us-east-1", "AWS_PROFILE": "", "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	c := &course{guarded: guardAt(t, world.Now), t: t, world: world, use: demo.Use{Task: "delete-root-credentials", Kind: access.Use, Account: world.Account("app-1")}}
	if c.staff, err = c.hire(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *course) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// until looks again and again, because jobs and sources work beside the test.
func (c *course) until(what string, is func() bool) {
	c.t.Helper()
	look, limit := time.NewTicker(50*time.Millisecond), time.NewTimer(time.Minute)
	defer look.Stop()
	defer limit.Stop()
	for !is() {
		select {
		case <-look.C:
		case <-limit.C:
			c.t.Fatalf("%s: not within a minute", what)
		}
	}
}

// ask plans the change and asks for the root session that applies it.
func (c *course) ask() access.Change {
	c.t.Helper()
	request := id(access.Prefix, c.now())
	planned, err := rootuse.Planner{Engine: c.engine}.PlanFor(c.t.Context(), c.staff.Ada.Actor, request, c.use.Account, access.DeleteAll, map[string]any{"unused_for": "0s"})
	c.must(err)
	asked, err := c.staff.Tasks.Find(c.use.Task).Prepare(access.Ask{
		Holder: access.Member, Accounts: []rootkeep.AccountID{c.use.Account}, Changes: []access.Change{planned}, Justification: "Members have no root credentials.",
	}, c.now())
	c.must(err)
	c.request = request
	c.must(c.staff.Submit(c.t.Context(), c.use.Task, request, c.use.Account, asked))
	return planned
}

// TestAUseOfRootIsExplainedAndAnIntruderIsACase goes through a request on the path Assumed,
// with a stranger's sign-in beside it.
func TestAUseOfRootIsExplainedAndAnIntruderIsACase(t *testing.T) {
	c := begin(t)
	ada := c.staff.Ada
	planned := c.ask()
	request := c.request
	err := c.store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := c.root.Issue(ctx, tx, ada.Actor, request, approval.Approve)
		return err
	})
	if err == nil {
		t.Error("got a statement for who asked, want none: nobody approves what they ask for")
	}
	if _, err := c.engine.Apply(t.Context(), ada.Actor, planned.ID, planned.Plan.String()); err == nil {
		t.Error("got a change that is applied without approvals")
	}
	c.must(c.staff.Approve(t.Context(), c.staff.Bruno, request))
	c.must(c.staff.Approve(t.Context(), c.staff.Chiara, request))
	c.must(c.staff.Open(t.Context(), c.use))
	_, err = c.engine.Apply(t.Context(), ada.Actor, planned.ID, planned.Plan.String())
	c.must(err)
	c.until("the change is applied", func() bool { return c.changed(planned.ID) == changes.Applied })
	c.must(c.staff.Close(t.Context(), c.use))
	c.must(c.world.Deliver(c.folder))
	c.until("its events arrive", func() bool { return len(c.of(request)) >= 3 })
	for _, e := range c.of(request) {
		if e.Verdict != rootkeep.Explained {
			t.Errorf("got %s for %s %s: %s", e.Verdict, e.Source, e.Name, e.Why)
		}
	}

	c.must(c.world.Intrude("app-1"))
	c.must(c.world.Deliver(c.folder))
	arrived := time.Now()
	told := c.wait(t, "root-unexplained")
	t.Logf("the stranger's sign-in is a case, and told, %v after its file arrived", told.at.Sub(arrived).Round(time.Millisecond))
	list, events := c.seen(t)
	for _, x := range list { // one of the sign-in, and one of calls that name no session
		if x.Account != c.use.Account || x.Severity != rootkeep.Critical || x.Request != "" {
			t.Errorf("got case %s of %s, %s, for %q: %s; want the stranger's alone, critical", x.ID, x.Account, x.Severity, x.Request, x.Title)
		}
	}
	if len(list) == 0 {
		t.Error("got no case of the stranger's sign-in")
	}
	if !slices.ContainsFunc(events, func(e *rootlog.Event) bool {
		return e.Name == "ConsoleLogin" && e.Verdict == rootkeep.Unexplained && e.Request == ""
	}) {
		t.Error("got no sign-in that nothing covers")
	}
	c.must(c.world.Deliver(c.folder))
	c.must(c.world.Deliver(c.folder)) // a quarter of an hour after the session
	c.must(c.staff.Confirm(t.Context(), c.use))
}

// changed is the state of a change.
func (c *course) changed(id string) changes.State {
	c.t.Helper()
	var state changes.State
	c.must(c.store.View(c.t.Context(), func(ctx context.Context, r *store.Reader) error {
		x, err := c.changes.Get(ctx, r, c.staff.Ada.Actor, id, c.now())
		if err == nil {
			state = x.State
		}
		return err
	}))
	return state
}

// of are the events of a request.
func (c *course) of(request string) (list []*rootlog.Event) {
	c.t.Helper()
	c.must(c.store.View(c.t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		list, _, err = rootlog.OfRequest(ctx, r, request, 50)
		return err
	}))
	return list
}
