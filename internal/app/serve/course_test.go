package serve

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/app/demo"
	"github.com/rootkeep/rootkeep/internal/app/demo/cast"
	"github.com/rootkeep/rootkeep/internal/app/proof"
	"github.com/rootkeep/rootkeep/internal/app/rootuse"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	webchanges "github.com/rootkeep/rootkeep/internal/web/changes"
)

// course is a use of root from the request to the verdicts of its events, on a simulated
// organization whose trail a server watches.
type course struct {
	*guarded
	t     *testing.T
	world *demo.World
	story *cast.Root
	use   demo.Use
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
	s, err := cast.Hire(t.Context(), c.stage())
	if err != nil {
		t.Fatal(err)
	}
	if c.story, err = cast.NewRoot(s); err != nil {
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
	look, limit := time.NewTicker(50*time.Millisecond), time.NewTimer(3*time.Minute)
	defer look.Stop()
	defer limit.Stop()
	for !is() {
		select {
		case <-look.C:
		case <-limit.C:
			c.t.Fatalf("%s: not within three minutes", what)
		}
	}
}

// ask plans the change and asks for the root session that applies it.
func (c *course) ask() access.Change {
	c.t.Helper()
	request := id(access.Prefix, c.now())
	planned, err := rootuse.Planner{Engine: c.engine}.PlanFor(c.t.Context(), c.story.Ada.Actor, request, c.use.Account, access.DeleteAll, map[string]any{"unused_for": "0s"})
	c.must(err)
	asked, err := c.story.Task(c.use.Task).Prepare(access.Ask{
		Holder: access.Member, Accounts: []rootkeep.AccountID{c.use.Account}, Changes: []access.Change{planned}, Justification: "Members have no root credentials.",
	}, c.now())
	c.must(err)
	c.must(c.store.Update(c.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := c.root.Submit(ctx, tx, c.story.Ada.Actor, stored.Wanted{ID: request, Account: c.use.Account, Asked: asked})
		return err
	}))
	c.story.IDs[c.use.Task] = request
	return planned
}

// TestAUseOfRootIsExplainedAndAnIntruderIsACase goes through a request on the path Assumed,
// with a stranger's sign-in beside it.
func TestAUseOfRootIsExplainedAndAnIntruderIsACase(t *testing.T) {
	c := begin(t)
	ada := c.story.Ada
	planned := c.ask()
	request := c.story.IDs[c.use.Task]
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
	c.must(c.story.Approve(t.Context(), c.story.Bruno, request))
	c.must(c.story.Approve(t.Context(), c.story.Chiara, request))
	c.must(c.story.Open(t.Context(), c.use))
	_, err = c.engine.Apply(t.Context(), ada.Actor, planned.ID, planned.Plan.String())
	c.must(err)
	c.until("the change is applied", func() bool { return c.changed(planned.ID) == changes.Applied })
	c.must(c.story.Close(t.Context(), c.use))
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
	c.must(c.story.Confirm(t.Context(), c.use))
}

// proven exports the evidence of the two days from the beginning of the course on and
// checks it as rootkeep verify does.
func (c *course) proven(from time.Time) *evidence.Report {
	c.t.Helper()
	var out bytes.Buffer
	done, err := proof.Evidence(c.t.Context(), c.store, proof.Export{Keys: c.keys.Verifier, From: from, To: from.AddDate(0, 0, 2), Root: true}, &out)
	c.must(err)
	if !done.Root.Whole() {
		c.t.Errorf("the export lacks something: %+v", done.Root)
	}
	r := proof.CheckBundle(c.t.Context(), bytes.NewReader(out.Bytes()), int64(out.Len()), c.keys.Verifier, evidence.Trust{})
	p := r.RootUsers
	if r.State != evidence.Proven || p == nil || p.State != evidence.Proven || p.Approvers != evidence.Proven || p.Ledger != evidence.Proven {
		var text bytes.Buffer
		c.must(r.WriteText(&text))
		c.t.Fatalf("the evidence is not proven:\n%s", text.String())
	}
	if p.Records != len(p.Verdicts) || p.Hashed != p.Records || p.Apart != 0 {
		c.t.Errorf("got %d records, %d with their hash, of %d verdicts; %d not judged again", p.Records, p.Hashed, len(p.Verdicts), p.Apart)
	}
	return r
}

// applies has Ada ask for a planned change and two approvers sign it, and applies it.
func (c *course) applies(planned *changes.Change) {
	c.t.Helper()
	ada := c.story.Ada.Actor
	c.must(c.store.Update(c.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := c.changes.Request(ctx, tx, ada, planned.ID, planned.Hash)
		return err
	}))
	for _, by := range []*cast.Member{c.story.Bruno, c.story.Chiara} {
		c.must(c.story.Approve(c.t.Context(), by, planned.ID))
	}
	_, err := c.engine.Apply(c.t.Context(), ada, planned.ID, planned.Hash)
	c.must(err)
	c.until(planned.ID+" is applied", func() bool {
		s := c.changed(planned.ID)
		return s == changes.Applied || s == changes.Partial
	})
}

// TestAChangeOfTheOrganizationExplainsItself has a change be undone whose undo loosens what
// holds root: the call is explained by the change, and by its evidence again.
func TestAChangeOfTheOrganizationExplainsItself(t *testing.T) {
	c := begin(t)
	from, ada := c.now().Truncate(24*time.Hour), c.story.Ada.Actor
	planned, err := c.engine.Plan(t.Context(), ada, webchanges.Wanted{Kind: "policy-type-enable", Account: c.world.Account("management"), Parameters: map[string]any{"type": "RESOURCE_CONTROL_POLICY"}})
	c.must(err)
	c.applies(planned)
	undo, err := c.engine.Undo(t.Context(), ada, planned.ID)
	c.must(err)
	c.applies(undo)
	c.must(c.world.Deliver(c.folder))
	var done *rootlog.Event
	c.until("what it did arrives", func() bool {
		_, events := c.seen(t)
		at := slices.IndexFunc(events, func(e *rootlog.Event) bool { return e.Name == "DisablePolicyType" && e.Verdict != "" })
		if at >= 0 {
			done = events[at]
		}
		return done != nil
	})
	if done.Verdict != rootkeep.Explained || done.Request != undo.ID || done.Rule != reconcile.ByRecordedKey {
		t.Errorf("got %s by %s for %q: %s; want it explained by the undo", done.Verdict, done.Rule, done.Request, done.Why)
	}
	if list, _ := c.seen(t); len(list) != 0 {
		t.Errorf("got %d cases of what was approved, want none", len(list))
	}
	p := c.proven(from).RootUsers
	if len(p.Changes) != 1 || p.Changes[0].ID != undo.ID || len(p.Changes[0].Signatures) != 2 || p.Changes[0].Calls != 1 || p.Changes[0].Sessions == 0 {
		t.Errorf("got the changes %+v, want the undo alone, with its approvals", p.Changes)
	}
}

// TestARecoveryForASignIn has a password be allowed for a sign-in to a member that has none,
// under the request for that sign-in.
func TestARecoveryForASignIn(t *testing.T) {
	c := begin(t)
	c.use = demo.Use{Task: "tax-invoices", Kind: access.Use, Device: "arn:aws:iam::000000000000:mfa/root"}
	request := id(access.Prefix, c.now())
	var planned access.Change
	for _, name := range []string{"app-1", "app-2", "app-3", "app-4"} {
		c.use.Account = c.world.Account(name)
		var err error
		planned, err = rootuse.Planner{Engine: c.engine}.PlanFor(t.Context(), c.story.Ada.Actor, request, c.use.Account, access.RecoveryAllow, map[string]any{})
		if !errors.Is(err, change.ErrNothing) { // root of this one has a password
			c.must(err)
			break
		}
	}
	if planned.ID == "" {
		t.Fatal("every member's root has a password, want one that has none")
	}
	asked, err := c.story.Task(c.use.Task).Prepare(access.Ask{
		Holder: access.Member, Accounts: []rootkeep.AccountID{c.use.Account}, Changes: []access.Change{planned}, Custodian: c.story.Ines.ID, Justification: "The auditors want the invoices.",
		Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	}, c.now())
	c.must(err)
	if asked.Path != access.SignIn {
		t.Fatalf("got the path %s, want a sign-in", asked.Path)
	}
	c.must(c.store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := c.root.Submit(ctx, tx, c.story.Ada.Actor, stored.Wanted{ID: request, Account: c.use.Account, Asked: asked})
		return err
	}))
	c.story.IDs[c.use.Task] = request
	if _, err := c.engine.Apply(t.Context(), c.story.Ada.Actor, planned.ID, planned.Plan.String()); err == nil {
		t.Error("got a password without approvals")
	}
	c.must(c.story.Approve(t.Context(), c.story.Bruno, request))
	c.must(c.story.Approve(t.Context(), c.story.Chiara, request))
	if _, err := c.engine.Apply(t.Context(), c.story.Ada.Actor, planned.ID, planned.Plan.String()); err == nil {
		t.Error("got a password before the session was opened")
	}
	c.must(c.story.Open(t.Context(), c.use))
	_, err = c.engine.Apply(t.Context(), c.story.Ada.Actor, planned.ID, planned.Plan.String())
	c.must(err)
	c.until("the password is allowed", func() bool { return c.changed(planned.ID) == changes.Applied })
	c.must(c.world.Deliver(c.folder))
	c.until("its events arrive", func() bool {
		return slices.ContainsFunc(c.of(request), func(e *rootlog.Event) bool { return e.Name == "CreateLoginProfile" })
	})
	for _, e := range c.of(request) {
		if e.Verdict != rootkeep.Explained || e.Rule != reconcile.ByRecordedKey {
			t.Errorf("got %s by %s for %s %s: %s", e.Verdict, e.Rule, e.Source, e.Name, e.Why)
		}
	}
	if list, _ := c.seen(t); len(list) != 0 {
		t.Errorf("got %d cases of what was approved, want none: %s", len(list), list[0].Title)
	}
}

// changed is the state of a change.
func (c *course) changed(id string) changes.State {
	c.t.Helper()
	var state changes.State
	c.must(c.store.View(c.t.Context(), func(ctx context.Context, r *store.Reader) error {
		x, err := c.changes.Get(ctx, r, c.story.Ada.Actor, id, c.now())
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
