package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	model "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/app/roottask"
	"github.com/rootkeep/rootkeep/internal/app/rootuse"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	changeface "github.com/rootkeep/rootkeep/internal/web/changes/subject"
	"github.com/rootkeep/rootkeep/internal/web/exceptions"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
	"github.com/rootkeep/rootkeep/internal/web/incidents"
	"github.com/rootkeep/rootkeep/internal/web/root"
	"github.com/rootkeep/rootkeep/internal/web/root/ask"
	"github.com/rootkeep/rootkeep/internal/web/root/subject"
	"github.com/rootkeep/rootkeep/internal/web/signin"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// rootWorld is a server on which root is asked for, with a clock of its own: Ann asks, Bob,
// Cid and Dan approve, Gus keeps the credential, Rex responds.
type rootWorld struct {
	*exceptionstest.World
	t        *testing.T
	root     *access.Desk
	changes  *changes.Desk
	engine   ask.Engine
	holder   func(context.Context, *store.Reader, rootkeep.AccountID) (ask.Holding, error)
	more     []web.Area
	gus, rex *exceptionstest.Person
}

// noPlans is an engine of a server whose changes these tests leave out.
type noPlans struct{}

func (noPlans) Kinds() []*change.Kind { return nil }
func (noPlans) PlanFor(context.Context, people.Actor, string, rootkeep.AccountID, string, map[string]any) (model.Change, error) {
	return model.Change{}, errors.New("no plan is made here")
}

func rootServer(t *testing.T) *rootWorld {
	t.Helper()
	return rootServerOn(t, func(w *rootWorld) { w.engine = noPlans{} })
}

// rootServerOn is rootServer with an engine, which build sets.
func rootServerOn(t *testing.T, build func(*rootWorld)) *rootWorld {
	t.Helper()
	w := &rootWorld{World: &exceptionstest.World{}, t: t}
	w.At(time.Now().Truncate(time.Second))
	o := storetest.Options(t)
	o.Now = w.Now
	w.Store = storetest.Open(t, storetest.SQLite(t), o)
	webtest.ForCommands(t, w.Store, w.Now, func(address *url.URL, _ *signin.SignIn) []web.Area {
		var err error
		w.Open(t, approval.SiteOf(address))
		w.Desk.Kinds = append(append(w.Desk.Kinds, access.Kinds(rootuse.Follow)...), changes.Kind(0))
		w.gus = w.Person(t, "Gus", people.Custodian, people.Everywhere)
		w.rex = w.Person(t, "Rex", people.Responder, people.Everywhere)
		w.root, err = access.New(access.Desk{Desk: w.Desk.Desk, Changed: rootuse.Follow, Asked: changes.Asked})
		if err != nil {
			t.Fatal(err)
		}
		w.changes, err = changes.New(changes.Desk{Desk: w.Desk.Desk, Stands: w.root.Stands, Overridden: w.root.Overridden})
		if err != nil {
			t.Fatal(err)
		}
		build(w)
		return w.areas()
	})
	return w
}

func (w *rootWorld) areas() []web.Area {
	w.t.Helper()
	tasks, err := roottask.Load()
	if err != nil {
		w.t.Fatal(err)
	}
	cases, err := incident.New(incident.Desk{Place: w.Desk.Place, Ready: access.Unreviewed})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []web.Area
	for _, make := range []func() (web.Area, error){
		func() (web.Area, error) {
			return root.Area(root.Config{Store: w.Store, Desk: w.root, Tasks: tasks.Tasks, Engine: w.engine, Holder: w.holder, Now: w.Now})
		},
		func() (web.Area, error) {
			return incidents.Area(incidents.Config{Store: w.Store, Desk: cases, Now: w.Now})
		},
		func() (web.Area, error) {
			return approvals.Area(approvals.Config{Store: w.Store, Desk: w.Desk.Desk, Now: w.Now, Faces: append(subject.Faces(), exceptions.Face(), changeface.Face())})
		},
	} {
		a, err := make()
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, a)
	}
	return append(out, w.more...)
}

// as gives the environment a new pass of a person.
func (w *rootWorld) as(p *exceptionstest.Person) {
	w.t.Helper()
	err := w.Change(w.t, func(ctx context.Context, tx *store.Tx) error {
		_, secret, err := persons.IssuePass(ctx, tx, p.ID, w.Now())
		w.t.Setenv("ROOTKEEP_TOKEN", secret.Reveal())
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *rootWorld) later(d time.Duration) { w.At(w.Now().Add(d)) }

// asks asks for a sign-in as Ann, and gives the ID of the request.
func (w *rootWorld) asks(more ...string) string {
	w.t.Helper()
	w.as(w.Ann)
	out, _ := runs(w.t, 0, append([]string{"root", "request", "--task", "activate-billing-access", "--account", "111122223333", "--holder", "management",
		"--network", "198.51.100.0/24", "--custodian", w.gus.ID, "--justification", "The finance role reads bills", "--ticket", "FIN-1"}, more...)...)
	id := regexp.MustCompile(`RR-[0-9A-Z]+`).FindString(out)
	if id == "" {
		w.t.Fatalf("got no ID in\n%s", out)
	}
	return id
}

func (w *rootWorld) approve(id string, by ...*exceptionstest.Person) {
	w.t.Helper()
	for _, p := range by {
		if _, err := w.Decide(w.t, p, id, approval.Approve); err != nil {
			w.t.Fatal(err)
		}
	}
}

// answers answers the items that wait on one side of the session.
func (w *rootWorld) answers(id string) {
	w.t.Helper()
	for range 50 {
		out, _ := runs(w.t, 0, "root", "show", id)
		_, item, found := strings.Cut(out, "Next: rootkeep root answer "+id+" ")
		if !found {
			return
		}
		item, _, _ = strings.Cut(strings.TrimRight(item, "\n"), ",")
		runs(w.t, 0, "root", "answer", id, item)
	}
	w.t.Fatal("the checklist does not end")
}

// happens has a source deliver an event of root.
func (w *rootWorld) happens(id, source, name, address string) *access.Changes {
	w.t.Helper()
	e := reconcile.Event{}
	e.ID, e.Time, e.Kind, e.Account, e.Of, e.Region = id, w.Now(), rootkeep.RootCall, exceptionstest.Account, exceptionstest.Account, "us-east-1"
	e.Source, e.Name, e.Address, e.Principal, e.Raw, e.Created = source, name, address, "root", []byte(`{"eventID":"`+id+`"}`), w.Now()
	if name == "ConsoleLogin" {
		e.Kind, e.MFA, e.Created = rootkeep.RootSignIn, "yes", time.Time{}
	}
	var c *access.Changes
	err := w.Change(w.t, func(ctx context.Context, tx *store.Tx) error {
		touched, err := rootlog.Arrive(ctx, tx, "trail", nil, []reconcile.Event{e})
		if err != nil {
			return err
		}
		c, err = access.Judge(ctx, tx, touched)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestARootRequestFromTheCommandLine(t *testing.T) {
	w := rootServer(t)
	w.as(w.Ann)
	out, _ := runs(t, 0, "root", "request", "--task", "change-contacts", "--account", "111122223333", "--holder", "management")
	contains(t, out, "You do not need root for this.", "Plan the change alternate-contact", "rootkeep change plan alternate-contact")
	out, _ = runs(t, 0, "root", "request", "--task", "activate-billing-access", "--account", "111122223333", "--holder", "management", "--dry-run")
	contains(t, out, "Approval by the policy root-use", "2 of ", "Could approve it: ", w.Bob.ID+" Bob", "Could be the custodian: "+w.gus.ID+" Gus", "billing-role-ready", "billingconsole.amazonaws.com UpdateIAMAccessPreference")
	out, _ = runs(t, 0, "root", "list")
	contains(t, out, "no request")
	_, errs := runs(t, 1, "root", "request", "--task", "activate-billing-access", "--account", "111122223333", "--holder", "management", "--justification", "x", "--network", "198.51.100.0/24", "--custodian", w.Ann.ID)
	contains(t, errs, "who asks for the credential does not keep it")

	id := w.asks()
	out, _ = runs(t, 0, "root", "show", id)
	contains(t, out, id+"  requested, ", "left to approve it", "activate-billing-access", "FIN-1", "nobody yet", "Next: rootkeep approve "+id)
	if _, err := w.Decide(t, w.Ann, id, approval.Approve); err == nil {
		t.Error("got an approval of who asked, want none")
	}
	w.approve(id, w.Bob, w.Cid)
	_, errs = runs(t, 1, "root", "open", id)
	contains(t, errs, "items of the checklist wait for an answer")
	out, _ = runs(t, 0, "root", "answer", id, "workstation", "--skip", "It is in repair")
	contains(t, out, id+" is approved")
	w.answers(id)
	out, _ = runs(t, 0, "root", "open", id)
	contains(t, out, id+" is open", "Next: rootkeep root answer "+id)
	w.happens("e-1", "signin.amazonaws.com", "ConsoleLogin", "198.51.100.7")
	w.happens("e-2", "billingconsole.amazonaws.com", "UpdateIAMAccessPreference", "198.51.100.7")
	out, _ = runs(t, 0, "root", "show", id)
	contains(t, out, id+"  open, ", "of the session left", "[-] workstation  skipped by "+w.Ann.ID+": It is in repair", "EXPLAINED", "111122223333  billingconsole UpdateIAMAccessPreference from 198.51.100.7")

	_, errs = runs(t, 64, "root", "close", id)
	contains(t, errs, "is final", "--yes")
	w.answers(id)
	w.later(5 * time.Minute)
	out, _ = runs(t, 0, "root", "close", id, "--yes")
	contains(t, out, id+" is closing", "Next: rootkeep root confirm "+id)
	confirmed(t, w, id)
}

// confirmed goes through the end of a request: the record is read, and confirmed.
func confirmed(t *testing.T, w *rootWorld, id string) {
	t.Helper()
	record := func() string {
		out, _ := runs(t, 0, "root", "show", id, "--output", "json")
		var x client.RootRequestDetail
		if err := json.Unmarshal([]byte(out), &x); err != nil || x.Record == nil {
			t.Fatalf("got %v, want a record in\n%s", err, out)
		}
		return x.Record.SHA256
	}
	_, errs := runs(t, 1, "root", "confirm", id, "--record-sha256", record(), "--yes")
	contains(t, errs, "events of the session may still arrive")
	_, errs = runs(t, 64, "root", "confirm", id, "--yes")
	contains(t, errs, "--record-sha256")
	w.later(20 * time.Minute)
	w.as(w.Ann)
	_, errs = runs(t, 1, "root", "confirm", id, "--record-sha256", strings.Repeat("0", 64), "--yes")
	contains(t, errs, "read it again")
	out, _ := runs(t, 0, "root", "confirm", id, "--record-sha256", record(), "--yes")
	contains(t, out, id+" is closed")
	out, _ = runs(t, 0, "root", "list", "--state", "closed")
	contains(t, out, id, "activate-billing-access", "USED")
}

func TestAnIntruderBecomesACase(t *testing.T) {
	w := rootServer(t)
	c := w.happens("e-9", "signin.amazonaws.com", "ConsoleLogin", "203.0.113.66")
	if len(c.Cases) != 1 {
		t.Fatalf("got cases %v, want one", c.Cases)
	}
	id := c.Cases[0]
	w.as(w.rex)
	out, _ := runs(t, 0, "incident", "list", "--state", "open")
	contains(t, out, id, "critical", "111122223333", "nobody", "Unexplained use of root of account 111122223333")
	w.later(24 * time.Hour) // a claim is about whole days
	w.as(w.rex)
	out, _ = runs(t, 3, "root", "claim")
	contains(t, out, "It cannot be said")
	_, errs := runs(t, 1, "incident", "close", id, "--reason", "the key was stolen", "--yes")
	contains(t, errs, "has no owner")
	out, _ = runs(t, 0, "incident", "assign", id, "--to", w.rex.ID)
	contains(t, out, "Owner     "+w.rex.ID)
	out, _ = runs(t, 0, "incident", "note", id, "--text", "it was not the owner")
	contains(t, out, "noted", ": it was not the owner")
	_, errs = runs(t, 64, "incident", "close", id, "--reason", "the password is changed")
	contains(t, errs, "--yes")
	out, _ = runs(t, 0, "incident", "close", id, "--reason", "the password is changed", "--yes")
	contains(t, out, id+"  closed", "Closed as the password is changed")
	out, _ = runs(t, 0, "incident", "show", id, "--output", "json")
	contains(t, out, `"schema": "rootkeep/incident-detail/1"`, `"verdict": "UNEXPLAINED"`)

	w.as(w.Fay)
	runs(t, 0, "incident", "list")
	_, errs = runs(t, 1, "incident", "show", id)
	contains(t, errs, "rootkeep: ")
}

func TestAnEditVoidsApprovals(t *testing.T) {
	w := rootServer(t)
	id := w.asks()
	w.approve(id, w.Bob)
	_, errs := runs(t, 64, "root", "edit", id)
	contains(t, errs, "nothing is changed")
	out, _ := runs(t, 0, "root", "edit", id, "--justification", "The finance role reads bills and costs", "--for", "2h")
	contains(t, out, "reads bills and costs", ", void", "nobody yet")
	out, _ = runs(t, 0, "root", "withdraw", id, "--yes")
	contains(t, out, id+" is withdrawn")
	_, errs = runs(t, 1, "root", "withdraw", id, "--yes")
	contains(t, errs, "withdrawn")
}

func TestAWindowThatIsOverBeforeTheRequestIsApproved(t *testing.T) {
	w := rootServer(t)
	id := w.asks("--for", "2h")
	out, _ := runs(t, 0, "root", "show", id)
	contains(t, out, id+"  requested, 2:0", " left to approve it", "Next: rootkeep approve "+id)
	w.later(2*time.Hour + time.Minute)
	w.as(w.Ann)
	out, _ = runs(t, 0, "root", "show", id)
	contains(t, out, id+"  requested, its window was over before it was approved", "Next: rootkeep root withdraw "+id)
	if _, err := w.Decide(t, w.Bob, id, approval.Approve); !errors.Is(err, approval.ErrFinal) {
		t.Errorf("got %v of an approval behind the window, want one of approval.ErrFinal", err)
	}
	runs(t, 0, "root", "withdraw", id, "--yes")
}

func TestTwoRequestsAtOneTime(t *testing.T) {
	w := rootServer(t)
	first := w.asks()
	_, errs := runs(t, 1, "root", "request", "--task", "activate-billing-access", "--account", "111122223333", "--holder", "management",
		"--network", "198.51.100.0/24", "--custodian", w.gus.ID, "--justification", "Once more")
	contains(t, errs, "somebody else signs in to this root user at that time", first, "another time")
	if out := w.asks("--from", w.Now().Add(5*time.Hour).Format(time.RFC3339)); out == first {
		t.Errorf("got %s again, want a request behind the first", out)
	}
}

func TestACustodianWhoLeaves(t *testing.T) {
	w := rootServer(t)
	id := w.asks()
	w.approve(id, w.Bob, w.Cid)
	w.answers(id)
	if err := w.Change(t, func(ctx context.Context, tx *store.Tx) error { return persons.Suspend(ctx, tx, "system", w.gus.ID) }); err != nil {
		t.Fatal(err)
	}
	_, errs := runs(t, 1, "root", "open", id)
	contains(t, errs, w.gus.ID+" cannot be the custodian", "the person is suspended", "withdraw it and ask anew")
}

func TestAnApproverWhoLosesTheKey(t *testing.T) {
	w := rootServer(t)
	id := w.asks()
	w.approve(id, w.Bob)
	w.RevokeKey(t, w.Bob.ID)
	w.approve(id, w.Cid)
	out, _ := runs(t, 0, "root", "show", id)
	contains(t, out, id+"  requested", "approved by "+w.Bob.ID, ", void")
	w.approve(id, w.Dan)
	out, _ = runs(t, 0, "root", "show", id)
	contains(t, out, id+"  approved")
}

func TestATrailThatStops(t *testing.T) {
	w := rootServer(t)
	w.as(w.Ann)
	out, _ := runs(t, 4, "root", "claim", "--output", "json")
	contains(t, out, `"claim": false`, `"exit_codes": [`)
	today := w.Now().UTC().Truncate(24 * time.Hour)
	proven := func(hours int) {
		t.Helper()
		err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			_, err := rootlog.Cover(ctx, tx, "system", []rootlog.Covered{{Account: exceptionstest.Account, Day: today.AddDate(0, 0, -1), Mask: 1<<hours - 1}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	day := []string{"root", "claim", "--from", today.Add(-24 * time.Hour).Format(time.DateOnly), "--to", today.Format(time.DateOnly)}
	proven(19)
	out, _ = runs(t, 4, day...)
	contains(t, out, "proven complete for 19 of 24 hours", "It cannot be said")
	proven(24)
	out, _ = runs(t, 0, day...)
	contains(t, out, "24 of 24 hours (100.0%)", "Root was not used without an explanation.")
}

func TestWatching(t *testing.T) {
	w := rootServer(t)
	w.as(w.Ann)
	w.happens("e-1", "iam.amazonaws.com", "ListUsers", "203.0.113.66")
	out, _ := runs(t, 3, "root", "watch", "--for", "2s", "--last", "5")
	contains(t, out, "UNEXPLAINED", "111122223333  iam ListUsers from 203.0.113.66")
	out, _ = runs(t, 3, "root", "watch", "--for", "2s", "--last", "5", "--output", "json")
	contains(t, out, `"schema":"rootkeep/root-watch/1"`, `"verdict":"UNEXPLAINED"`)
	id := w.asks("--from", w.Now().Add(time.Hour).Format(time.RFC3339))
	runs(t, 0, "root", "withdraw", id, "--yes")
	out, _ = runs(t, 0, "root", "watch", id) // ends by itself
	contains(t, out, id+" is withdrawn")
}

func TestOverrideAndReviewFromTheCommandLine(t *testing.T) {
	w := rootServer(t)
	id := w.asks()
	out, _ := runs(t, 0, "root", "override", id, "--reason", "The backups are locked", "--no-browser")
	contains(t, out, "Skipped, and told:", w.Bob.ID+" Bob", "SHA-256 of what your key signs", os.Getenv("ROOTKEEP_SERVER")+"/root/"+id+"/override")
	overrideAs(t, w, id)
	out, _ = runs(t, 0, "root", "show", id)
	contains(t, out, id+"  approved, without approvals", "Override by "+w.Ann.ID+", granted: The backups are locked", "Not waited for: ", "To be reviewed by somebody else by ")
	_, errs := runs(t, 1, "root", "review", id, "--justified", "--text", "mine")
	contains(t, errs, "rootkeep: ")
	w.as(w.Dan)
	_, errs = runs(t, 64, "root", "review", id, "--text", "which")
	contains(t, errs, "--justified and --not-justified")
	_, errs = runs(t, 1, "root", "review", id, "--justified", "--text", "Both approvers were on a flight")
	contains(t, errs, "its session is not over")
	w.At(w.Now().Add(model.OverrideWindow + time.Minute))
	w.as(w.Dan)
	out, _ = runs(t, 0, "root", "review", id, "--justified", "--text", "Both approvers were on a flight")
	contains(t, out, id+" is ")
	out, _ = runs(t, 0, "root", "show", id)
	contains(t, out, "Reviewed by "+w.Dan.ID+", justified: Both approvers were on a flight")
}

// overrideAs has Ann's key sign what waits for it.
func overrideAs(t *testing.T, w *rootWorld, id string) {
	t.Helper()
	var s *approval.Statement
	err := w.Store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		s, err = w.root.IssueOverride(ctx, tx, w.Ann.Actor, id, "The backups are locked")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := w.root.VerifyOverride(t.Context(), w.Store, w.Ann.Actor, id, s.Nonce, w.Ann.Sign(t, s, w.Desk.Site))
	if err != nil {
		t.Fatal(err)
	}
	err = w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		_, err := w.root.Override(ctx, tx, w.Ann.Actor, signed)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTheDocumentedSession runs the scripts of docs/root-cli.md, with approvals between.
func TestTheDocumentedSession(t *testing.T) {
	for _, tool := range []string{"bash", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the scripts do not run: %v", err)
		}
	}
	document, err := os.ReadFile("../../docs/root-cli.md")
	if err != nil {
		t.Fatal(err)
	}
	w := rootServer(t)
	w.as(w.Ann)
	script := func(name string, env ...string) string {
		t.Helper()
		_, rest, _ := strings.Cut(string(document), "```sh "+name+"\n")
		text, _, found := strings.Cut(rest, "```")
		if !found {
			t.Fatalf("docs/root-cli.md has no script %s", name)
		}
		c := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", text)
		c.Dir, c.Env = t.TempDir(), append(os.Environ(), env...)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	out := script("ask.sh", "CUSTODIAN="+w.gus.ID)
	contains(t, out, "Could approve it: ", " is asked for: ", "  requested  111122223333  use  activate-billing-access")
	id := regexp.MustCompile(`RR-[0-9A-Z]+`).FindString(out)
	w.approve(id, w.Bob, w.Cid)
	out = script("use.sh", "ID="+id)
	contains(t, out, id+" is open", id+" is closing", "Next: rootkeep root confirm "+id, "[-] endpoint-protection")
}

func TestRootCommandLinesThatAreWrong(t *testing.T) {
	t.Setenv("ROOTKEEP_SERVER", "")
	const server = "https://a.example"
	for name, args := range map[string][]string{
		"an ID that would lead elsewhere":    {"root", "show", "../people", "--server", server},
		"a case that would lead elsewhere":   {"incident", "show", "RR-1", "--server", server},
		"no server":                          {"root", "list"},
		"a request without a task":           {"root", "request", "--account", "111122223333"},
		"a holder that is none":              {"root", "request", "--task", "t", "--account", "111122223333", "--holder", "me"},
		"a window that is said twice":        {"root", "request", "--task", "t", "--account", "111122223333", "--holder", "member", "--for", "1h", "--until", "2026-12-01"},
		"a parameter without a value":        {"root", "request", "--task", "t", "--account", "111122223333", "--holder", "member", "--param", "x"},
		"an item skipped without a reason":   {"root", "answer", "RR-1", "item", "--skip", "", "--server", server},
		"a state that is none":               {"root", "list", "--state", "ready", "--server", server},
		"an override without a reason":       {"root", "override", "RR-1", "--server", server},
		"a review that says nothing":         {"root", "review", "RR-1", "--justified", "--server", server},
		"an output that is none":             {"root", "claim", "--output", "csv", "--server", server},
		"a case that is closed without why":  {"incident", "close", "CS-1", "--server", server},
		"a case that is given to nobody":     {"incident", "assign", "CS-1", "--server", server},
		"more events than are printed first": {"root", "watch", "--last", "1000", "--server", server},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ROOTKEEP_TOKEN", "rk_none")
			if _, errs := runs(t, 64, args...); !strings.Contains(errs, "rootkeep: ") {
				t.Errorf("got no reason on stderr: %q", errs)
			}
		})
	}
}
