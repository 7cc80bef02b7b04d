package root_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	model "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/app/roottask"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/exceptions"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
	"github.com/rootkeep/rootkeep/internal/web/incidents"
	"github.com/rootkeep/rootkeep/internal/web/root"
	"github.com/rootkeep/rootkeep/internal/web/root/subject"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

const account = exceptionstest.Account

// site is a server with the areas, and the people of exceptionstest: Ann asks, Bob, Cid and
// Dan approve, Gus keeps the credential.
type site struct {
	*webtest.Server
	*exceptionstest.World
	desk    *access.Desk
	gus     *exceptionstest.Person
	planned []string // what the engine was asked to plan
	t       testing.TB
}

// Kinds and PlanFor are those of root.Engine.
func (s *site) Kinds() []*change.Kind { return nil }

func (s *site) PlanFor(_ context.Context, _ people.Actor, request string, at rootkeep.AccountID, kind string, _ map[string]any) (model.Change, error) {
	s.planned = append(s.planned, string(at)+" "+kind+" for "+request)
	if strings.HasPrefix(string(at), "9") {
		return model.Change{}, change.ErrNothing
	}
	return model.Change{Account: at, ID: "CH-1" + string(at), Plan: approval.Sum([]byte(at))}, nil
}

func start(t testing.TB) *site {
	t.Helper()
	w := &exceptionstest.World{}
	w.At(time.Now())
	o := storetest.Options(t)
	o.Now = w.Now
	w.Store = storetest.Open(t, storetest.SQLite(t), o)
	w.Open(t, approval.Site{RPID: "localhost", Origin: "http://localhost"})
	w.Desk.Kinds = append(w.Desk.Kinds, access.Kinds(nil)...)
	s := &site{World: w, t: t, gus: w.Person(t, "Gus", people.Custodian, people.Everywhere)}
	tasks, err := roottask.Load()
	if err := errors.Join(append(tasks.Problems, err)...); err != nil {
		t.Fatal(err)
	}
	if s.desk, err = access.New(access.Desk{Desk: w.Desk.Desk}); err != nil {
		t.Fatal(err)
	}
	cases, err := incident.New(incident.Desk{Place: w.Desk.Place, Ready: access.Unreviewed})
	if err != nil {
		t.Fatal(err)
	}
	a, err := root.Area(root.Config{Store: w.Store, Desk: s.desk, Tasks: tasks.Tasks, Engine: s, Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	b, err := approvals.Area(approvals.Config{Store: w.Store, Desk: w.Desk.Desk, Now: w.Now, Faces: append(subject.Faces(), exceptions.Face())})
	if err != nil {
		t.Fatal(err)
	}
	c, err := incidents.Area(incidents.Config{Store: w.Store, Desk: cases, Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	actors := webtest.Everyone(time.Now())
	for name, p := range map[string]*exceptionstest.Person{"ann": w.Ann, "bob": w.Bob, "cid": w.Cid, "dan": w.Dan, "eve": w.Eve, "fay": w.Fay, "gus": s.gus} {
		p.Verified = time.Now()
		actors[name] = p.Actor
	}
	s.Server = webtest.Serve(t, w.Store, actors, a, b, c)
	w.Desk.Site = approval.SiteOf(s.URL)
	return s
}

// want holds an answer to a status and to words that its body has.
func (s *site) want(got webtest.Answer, status int, words ...string) {
	s.t.Helper()
	if got.Status != status {
		s.t.Fatalf("got %d, want %d\n%s", got.Status, status, got.Body)
	}
	for _, w := range words {
		if !strings.Contains(got.Body, w) {
			s.t.Errorf("got a body without %q\n%s", w, got.Body)
		}
	}
}

func decode[T any](t testing.TB, got webtest.Answer) T {
	t.Helper()
	var out T
	if err := json.Unmarshal([]byte(got.Body), &out); err != nil {
		t.Fatalf("%v\n%s", err, got.Body)
	}
	return out
}

func (s *site) askJSON(edit ...func(*client.RootAsk)) string {
	a := client.RootAsk{
		Task: "close-account", Accounts: []string{string(account)}, Holder: "standalone", Justification: "The account is not needed any more.",
		Networks: []string{"198.51.100.0/24"}, Custodian: s.gus.ID,
	}
	for _, f := range edit {
		f(&a)
	}
	text, err := json.Marshal(a)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *site) requested(edit ...func(*client.RootAsk)) string {
	s.t.Helper()
	got := s.JSON("ann", "POST", "/api/v1/root/requests", s.askJSON(edit...))
	s.want(got, 201)
	return decode[client.RootRequest](s.t, got).ID
}

func (s *site) approved() string {
	s.t.Helper()
	id := s.requested()
	for _, p := range []*exceptionstest.Person{s.Bob, s.Cid} {
		if _, err := s.Decide(s.t, p, id, approval.Approve); err != nil {
			s.t.Fatal(err)
		}
	}
	return id
}

func (s *site) get(name, id string) client.RootRequestDetail {
	s.t.Helper()
	got := s.Server.Get(name, "/api/v1/root/requests/"+id)
	s.want(got, 200)
	return decode[client.RootRequestDetail](s.t, got)
}

// act sends an act with the newest version.
func (s *site) act(name, id, verb, body string) webtest.Answer {
	s.t.Helper()
	return s.JSON(name, "POST", "/api/v1/root/requests/"+id+"/"+verb, body, "If-Match", s.Server.Get("ann", "/api/v1/root/requests/"+id).Header.Get("ETag"))
}

// answer answers all items of a side of the session.
func (s *site) answer(name, id string, items []client.RootItem) {
	s.t.Helper()
	for _, i := range items {
		body, err := json.Marshal(client.RootItemAnswer{Item: i.ID})
		if err != nil {
			s.t.Fatal(err)
		}
		s.want(s.JSON(name, "POST", "/api/v1/root/requests/"+id+"/answers", string(body)), 200)
	}
}

func (s *site) opened() string {
	s.t.Helper()
	id := s.approved()
	s.answer("ann", id, s.get("ann", id).Before)
	s.want(s.act("ann", id, "opening", `{"device":"arn:aws:iam::111122223333:mfa/root"}`), 200, `"state":"open"`)
	return id
}

// arrive has a source deliver what root did, and judges it.
func (s *site) arrive(events ...reconcile.Event) {
	s.t.Helper()
	err := s.Change(s.t, func(ctx context.Context, tx *store.Tx) error {
		touched, err := rootlog.Arrive(ctx, tx, "folder", []byte("mark"), events)
		if err == nil {
			_, err = access.Judge(ctx, tx, touched)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// event is something that root of the account did now.
func (s *site) event(id, source, name, address string) reconcile.Event {
	e := reconcile.Event{}
	e.ID, e.Time, e.Kind, e.Account, e.Of, e.Region = id, s.Now().Truncate(time.Second), rootkeep.RootCall, account, account, "us-east-1"
	e.Source, e.Name, e.Address, e.Principal, e.Raw, e.Created = source, name, address, "root", []byte(`{"eventID":"`+id+`"}`), e.Time
	if name == "ConsoleLogin" {
		e.Kind, e.Device, e.MFA, e.Created = rootkeep.RootSignIn, "arn:aws:iam::111122223333:mfa/root", "yes", time.Time{}
	}
	return e
}

// later moves the clock on.
func (s *site) later(d time.Duration) { s.At(s.Now().Add(d)) }

// TestTheWholeWay takes a sign-in from the request to the confirmed record.
func TestTheWholeWay(t *testing.T) {
	s := start(t)
	id := s.approved()
	if got := s.get("ann", id); got.State != "approved" || len(got.Before) == 0 || len(got.After) == 0 || strings.Join(got.May, " ") != "withdraw answer" {
		t.Errorf("got %s, may %v, want it approved and its items to be answered", got.State, got.May)
	}
	s.want(s.act("ann", id, "opening", `{}`), 409, "items-unanswered")
	s.answer("gus", id, s.get("ann", id).Before)
	s.want(s.act("bob", id, "opening", `{}`), 403)
	s.want(s.act("ann", id, "opening", `{"device":"arn:aws:iam::111122223333:mfa/root"}`), 200, `"state":"open"`)
	s.later(time.Minute)
	s.arrive(s.event("e1", "signin.amazonaws.com", "ConsoleLogin", "198.51.100.7"), s.event("e2", "account.amazonaws.com", "CloseAccount", "198.51.100.7"))
	page := s.Server.Get("ann", "/root/"+id)
	s.want(page, 200, "Root is in use", "data-until", "CloseAccount of account.amazonaws.com", ">explained<")
	s.want(s.act("ann", id, "closing", ""), 409, "items-unanswered")
	s.answer("ann", id, s.get("ann", id).After)
	s.want(s.Server.Get("ann", "/root/"+id), 200, "Close and re-seal")
	s.want(s.act("gus", id, "closing", ""), 200, `"state":"closing"`)
	record := s.get("ann", id).Record
	if record == nil || record.Confirmed || approval.Sum([]byte(record.Text)).String() != record.SHA256 {
		t.Fatalf("got the record %+v, want one with its SHA-256 that is to be confirmed", record)
	}
	s.want(s.act("ann", id, "confirmation", `{"record_sha256":"`+record.SHA256+`"}`), 409, "events-may-come")
	s.later(17 * time.Minute)
	s.want(s.act("ann", id, "confirmation", `{"record_sha256":"`+strings.Repeat("0", 64)+`"}`), 409)
	if err := s.Change(t, func(ctx context.Context, tx *store.Tx) error { _, err := access.Settle(ctx, tx); return err }); err != nil {
		t.Fatal(err)
	}
	record = s.get("ann", id).Record
	s.want(s.act("bob", id, "confirmation", `{"record_sha256":"`+record.SHA256+`"}`), 403)
	s.want(s.Server.Get("ann", "/root/"+id), 200, "Confirm the record", record.SHA256)
	s.want(s.act("ann", id, "confirmation", `{"record_sha256":"`+record.SHA256+`"}`), 200, `"state":"closed"`)
	if got := s.get("ann", id); got.State != "closed" || len(got.Events) != 2 || got.Events[0].Verdict != "EXPLAINED" || !got.Record.Confirmed || len(got.Cases) != 0 {
		t.Errorf("got %s with %+v and cases %v, want it closed, with two events that are explained", got.State, got.Events, got.Cases)
	}
}

// TestRootIsTalkedOutOf has tasks that need no root end before anything is asked for.
func TestRootIsTalkedOutOf(t *testing.T) {
	s := start(t)
	s.want(s.Server.Get("ann", "/root/new"), 200, "What do you want to do?")
	page := s.Server.Get("ann", "/root/new?task=close-account&account=111122223333&holder=member")
	s.want(page, 200, "You do not need root for this", "organizations:CloseAccount")
	if strings.Contains(page.Body, "justification") {
		t.Error("the form of a request is offered although root is not needed")
	}
	s.want(s.JSON("ann", "POST", "/api/v1/root/requests", s.askJSON(func(a *client.RootAsk) { a.Holder = "member" })), 422, "root-not-needed", "organizations:CloseAccount")
	s.want(s.Server.Get("ann", "/root/new?task=close-account&account=111122223333&holder=standalone"), 200, "Who could approve now", "Bob", "Gus", "Ask for root")
	s.want(s.Server.Get("ann", "/root/tasks"), 200, "no root needed", "never as root")
	got := decode[client.RootOutlook](t, s.Server.Get("ann", "/api/v1/root/tasks/close-account?holder=standalone&account=111122223333"))
	if got.Policy != "root-use" || len(got.Could) != 3 || len(got.Custodians) != 1 || got.Short != "" {
		t.Errorf("got %+v, want the policy, three approvers and one custodian", got)
	}
}

// TestWhatIsRefused holds every way of asking and acting to its answer.
func TestWhatIsRefused(t *testing.T) {
	s := start(t)
	id := s.requested()
	api := "/api/v1/root/requests"
	with := func(f func(*client.RootAsk)) webtest.Answer { return s.JSON("ann", "POST", api, s.askJSON(f)) }
	tests := []struct {
		name   string
		got    func() webtest.Answer
		status int
		words  string
	}{
		{"a task that there is not", func() webtest.Answer { return with(func(a *client.RootAsk) { a.Task = "rule-the-world" }) }, 422, "there is no task"},
		{"a sign-in from nowhere", func() webtest.Answer { return with(func(a *client.RootAsk) { a.Networks = nil }) }, 422, "cannot-be-asked"},
		{"who asks keeps the credential", func() webtest.Answer { return with(func(a *client.RootAsk) { a.Custodian = s.Ann.ID }) }, 422, "cannot-hold"},
		{"a custodian who holds nothing", func() webtest.Answer { return with(func(a *client.RootAsk) { a.Custodian = s.Bob.ID }) }, 422, "cannot-hold"},
		{"a second sign-in at the time", func() webtest.Answer { return with(func(*client.RootAsk) {}) }, 409, "root-overlap"},
		{"a machine asks", func() webtest.Answer { return s.JSON("operator", "POST", api, s.askJSON()) }, 403, ""},
		{"a viewer asks", func() webtest.Answer { return s.JSON("fay", "POST", api, s.askJSON()) }, 403, ""},
		{"who asked approves", func() webtest.Answer {
			return s.JSON("ann", "POST", "/api/v1/approvals/"+id+"/statements", `{"decision":"approve"}`)
		}, 403, ""},
		{"the custodian approves", func() webtest.Answer {
			return s.JSON("gus", "POST", "/api/v1/approvals/"+id+"/statements", `{"decision":"approve"}`)
		}, 403, ""},
		{"opening what nobody approved", func() webtest.Answer { return s.act("ann", id, "opening", `{}`) }, 409, "root-not-now"},
		{"opening without the version", func() webtest.Answer { return s.JSON("ann", "POST", api+"/"+id+"/opening", `{}`) }, 428, "version-needed"},
		{"answering for others", func() webtest.Answer { return s.JSON("bob", "POST", api+"/"+id+"/answers", `{"item":"alone"}`) }, 403, ""},
		{"an item that there is not", func() webtest.Answer { return s.JSON("ann", "POST", api+"/"+id+"/answers", `{"item":"tea"}`) }, 422, "not on the checklist"},
		{"somebody else overrides", func() webtest.Answer {
			return s.JSON("eve", "POST", api+"/"+id+"/override-statements", `{"reason":"because"}`)
		}, 403, ""},
		{"a filter that is none", func() webtest.Answer { return s.Server.Get("ann", "/root?state=lost") }, 422, ""},
		{"a cursor that is none", func() webtest.Answer { return s.Server.Get("ann", "/api/v1/root/events?cursor=x") }, 422, "not a place"},
		{"a claim about no day", func() webtest.Answer {
			return s.Server.Get("ann", "/api/v1/root/claim?from=2026-01-02T00:00:00Z&until=2026-01-02T09:00:00Z")
		}, 422, "one whole day"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.got()
			if got.Status != tt.status || !strings.Contains(got.Body, tt.words) {
				t.Errorf("got %d %s, want %d and %q", got.Status, got.Body, tt.status, tt.words)
			}
		})
	}
	if got := s.get("ann", id); got.State != "requested" || got.Revision != 1 {
		t.Errorf("got %s of revision %d after all that, want it untouched", got.State, got.Revision)
	}
}

// TestWhatIsOutOfSightIsNotTold holds every way to requests, events and cases of another
// account to one answer: whether they are there is not told.
func TestWhatIsOutOfSightIsNotTold(t *testing.T) {
	s := start(t)
	id := s.requested()
	s.arrive(s.event("e1", "iam.amazonaws.com", "CreateAccessKey", "203.0.113.9"))
	found := decode[client.Page[client.RootEvent]](t, s.Server.Get("ann", "/api/v1/root/events"))
	cases := decode[client.Page[client.Incident]](t, s.Server.Get("ann", "/api/v1/incidents"))
	if len(found.Items) != 1 || len(cases.Items) != 1 {
		t.Fatalf("got %d events and %d cases, want one of each", len(found.Items), len(cases.Items))
	}
	for _, path := range []string{
		"/root/" + id, "/api/v1/root/requests/" + id, "/root-events/" + found.Items[0].Key, "/api/v1/root/events/" + found.Items[0].Key,
		"/incidents/" + cases.Items[0].ID, "/api/v1/incidents/" + cases.Items[0].ID, "/root/RR-0", "/incidents/CS-0", "/root-events/RU-0", "/root-overrides/" + id,
	} {
		if got := s.Server.Get("fay", path); got.Status != http.StatusNotFound || strings.Contains(got.Body, string(account)) {
			t.Errorf("%s: got %d, want 404\n%.300s", path, got.Status, got.Body)
		}
	}
	for _, path := range []string{"/api/v1/root/requests", "/api/v1/root/events", "/api/v1/incidents"} {
		if got := decode[client.Page[json.RawMessage]](t, s.Server.Get("fay", path)); len(got.Items) != 0 {
			t.Errorf("%s: got %d items, want none", path, len(got.Items))
		}
	}
	for _, verb := range []string{"withdrawal", "closing"} {
		if got := s.JSON("fay", "POST", "/api/v1/root/requests/"+id+"/"+verb, "", "If-Match", `"1"`); got.Status != 404 && got.Status != 403 {
			t.Errorf("%s: got %d, want 404 or 403", verb, got.Status)
		}
	}
	s.want(s.JSON("fay", "POST", "/api/v1/root/requests/"+id+"/answers", `{"item":"alone"}`), 404)
}

// TestAnOverrideIsSignedAndReviewed goes on without approvals, is refused a quiet end, and
// is reviewed by somebody else.
func TestAnOverrideIsSignedAndReviewed(t *testing.T) {
	s := start(t)
	id := s.requested()
	s.want(s.Server.Get("ann", "/root/"+id+"/override"), 200, "Who is not waited for", "Bob", "Dan")
	s.want(s.Form("ann", "/root/"+id+"/override", url.Values{"reason": {"The bill grows by the minute."}}), 422, "have read who")
	s.want(s.Form("ann", "/root/"+id+"/override", url.Values{"reason": {"The bill grows by the minute."}, "read": {"yes"}}), 303)
	s.want(s.Server.Get("ann", "/root/"+id+"/override/statement"), 200, "data-wait", "The bill grows by the minute.")
	got := s.JSON("ann", "POST", "/api/v1/root/requests/"+id+"/override-statements", `{"reason":"The bill grows by the minute."}`)
	s.want(got, 201, s.Bob.ID)
	issued := decode[client.RootOverrideStatement](t, got)
	statement, err := approval.ParseStatement([]byte(issued.Statement))
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(client.ApprovalSignature{Nonce: statement.Nonce, Credential: s.Ann.Sign(t, statement, s.Desk.Site)})
	if err != nil {
		t.Fatal(err)
	}
	s.want(s.JSON("ann", "POST", "/api/v1/root/requests/"+id+"/override", string(body)), 200, `"override":true`, `"state":"approved"`)
	s.want(s.JSON("ann", "POST", "/api/v1/root/requests/"+id+"/override", string(body)), 403, "signature-refused")
	detail := s.get("bob", id)
	if detail.Overridden == nil || len(detail.Overridden.Skipped) != 3 || len(detail.Cases) != 1 {
		t.Fatalf("got %+v and cases %v, want three who were skipped and one case", detail.Overridden, detail.Cases)
	}
	review := `{"revision":2,"verdict":"justified","review":"The bill did grow."}`
	s.want(s.JSON("ann", "POST", "/api/v1/root/requests/"+id+"/review", review), 403)
	got = s.Server.Get("bob", "/root/"+id)
	s.want(got, 200, "nobody has reviewed it yet")
	s.want(s.JSON("bob", "POST", "/api/v1/root/requests/"+id+"/review", review), 409, "its session is not over")
	s.later(access.OverrideWindow + time.Minute)
	s.want(s.Server.Get("bob", "/root/"+id), 200, "nobody has reviewed it yet", "Review it")
	path := "/api/v1/incidents/" + detail.Cases[0]
	tag := func() string { return s.Server.Get("bob", path).Header.Get("ETag") }
	s.want(s.JSON("bob", "PUT", path+"/owner", `{"owner":"`+s.Bob.ID+`"}`, "If-Match", tag()), 200)
	s.want(s.JSON("bob", "POST", path+"/closing", `{"text":"Nothing to see."}`, "If-Match", tag()), 409, "case-not-now")
	revision := s.get("bob", id).Overridden.Revision
	s.want(s.Form("bob", "/root/"+id+"/review", url.Values{"revision": {fmt.Sprint(revision)}, "verdict": {"justified"}, "review": {"The bill did grow."}}), 303)
	s.want(s.JSON("bob", "POST", path+"/closing", `{"text":"It was justified."}`, "If-Match", tag()), 200, `"state":"closed"`)
}

// TestChangesArePlannedForTheRequest asks for a task that changes do, over two accounts.
func TestChangesArePlannedForTheRequest(t *testing.T) {
	s := start(t)
	ask := func(accounts ...string) string {
		return s.askJSON(func(a *client.RootAsk) {
			a.Task, a.Holder, a.Accounts, a.Networks, a.Custodian, a.Decided = "delete-root-credentials", "member", accounts, nil, "", "111111111111"
		})
	}
	got := s.JSON("ann", "POST", "/api/v1/root/requests", ask("333333333333", "222222222222"))
	s.want(got, 201, `"path":"assumed"`, `"CH-1222222222222"`, `"CH-1333333333333"`)
	id := decode[client.RootRequest](t, got).ID
	if want := "222222222222 root-credentials-delete for " + id; len(s.planned) != 2 || s.planned[0] != want {
		t.Errorf("got %q, want %q first", s.planned, want)
	}
	s.want(s.Server.Get("bob", "/root/"+id), 200, "2 accounts", "/changes/CH-1222222222222")
	s.want(s.JSON("ann", "POST", "/api/v1/root/requests", ask("999999999999", "222222222222")), 409, "root-change-failed", "999999999999")
}

// TestACaseShowsItsAlerts has detections find something in a use that a case tells of: whoever
// comes to the page of the case by its notice reads what to do.
func TestACaseShowsItsAlerts(t *testing.T) {
	s := start(t)
	e := s.event("e1", "signin.amazonaws.com", "ConsoleLogin", "192.0.2.7")
	s.arrive(e)
	k, err := alerts.New(alert.Default(), func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	found := rootkeep.Alert{
		ID: "AL-1", Title: "Root <b>signed in</b>", Level: rootkeep.Critical, Kind: "group", Account: e.Account, Actor: rootkeep.Actor{Type: "Root"}, First: e.Time, Last: e.Time, Count: 1,
		Rules: []rootkeep.RuleHit{{Name: "root-signin", Level: rootkeep.Critical, Guidance: "Change the root password."}}, Events: []rootkeep.Event{{ID: e.ID, Account: e.Account}},
	}
	err = s.Change(t, func(ctx context.Context, tx *store.Tx) error {
		_, err := k.Apply(ctx, tx, tx.Now(), []alert.Sighting{{Key: "1", Alert: found}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	item := decode[client.Page[client.Incident]](t, s.Server.Get("ann", "/api/v1/incidents")).Items[0].ID
	s.want(s.Server.Get("ann", "/incidents/"+item), 200, "Alerts of the same use", `href="/alerts/AL-1"`, "Root &lt;b&gt;signed in", "Change the root password.")
}

// TestHostileTexts has what people and AWS write try to become markup.
func TestHostileTexts(t *testing.T) {
	s := start(t)
	evil := `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	id := s.requested(func(a *client.RootAsk) { a.Justification, a.Ticket = evil, evil })
	e := s.event("e1", "iam.amazonaws.com", evil, evil)
	e.ID, e.Error, e.Device, e.Raw = evil, evil, evil, []byte(evil)
	s.arrive(e)
	key := decode[client.Page[client.RootEvent]](t, s.Server.Get("ann", "/api/v1/root/events")).Items[0].Key
	item := decode[client.Page[client.Incident]](t, s.Server.Get("ann", "/api/v1/incidents")).Items[0].ID
	for _, path := range []string{
		"/root", "/root/" + id, "/root/" + id + "/edit", "/root/" + id + "/override", "/root-events", "/root-events/" + key, "/incidents", "/incidents/" + item,
		"/root/new?task=" + url.QueryEscape(evil), "/root/new?task=close-account&holder=standalone&account=" + url.QueryEscape(evil), "/root-events?event=" + url.QueryEscape(evil),
	} {
		page := s.Server.Get("ann", path)
		if page.Status >= 500 || strings.Contains(page.Body, "<script>alert") || strings.Contains(page.Body, "<img src=x") {
			t.Errorf("%s: got %d and a page with markup of others", path, page.Status)
		}
	}
}

// TestAnEditVoidsApprovals changes a request through the form.
func TestAWindowThatIsOverBeforeTheRequestIsApproved(t *testing.T) {
	s := start(t)
	id := s.requested()
	x := s.get("ann", id)
	if !x.Expires.Equal(x.Until) {
		t.Errorf("got a request that can be approved until %s, want the end of its window, %s", x.Expires, x.Until)
	}
	s.want(s.Server.Get("ann", "/root/"+id), 200, "Can be approved for")
	s.later(x.Until.Sub(s.Now()))
	s.want(s.Server.Get("ann", "/root/"+id), 200, "Its window was over before it was approved.", "edits or withdraws it")
	got := s.Server.Get("bob", "/root/"+id)
	s.want(got, 200)
	if strings.Contains(got.Body, "Can be approved for") {
		t.Error("got a countdown behind the window, want none")
	}
}

func TestAddressesDoNotBreak(t *testing.T) {
	s := start(t)
	long := strings.Repeat("a", 2000)
	s.arrive(s.event("e-1", "iam.amazonaws.com", "ListUsers", "203.0.113.66"), s.event("e-2", "iam.amazonaws.com", "ListRoles", long))
	got := s.Server.Get("ann", "/root-events")
	s.want(got, 200, `<span class="whole">203.0.113.66</span>`)
	if strings.Contains(got.Body, `<span class="whole">aaa`) {
		t.Error("got letters without end on one line, want them to break")
	}
}

func TestAnEditVoidsApprovals(t *testing.T) {
	s := start(t)
	id := s.requested()
	if _, err := s.Decide(t, s.Bob, id, approval.Approve); err != nil {
		t.Fatal(err)
	}
	s.want(s.Server.Get("ann", "/root/"+id+"/edit"), 200, "The account is not needed any more.", "198.51.100.0/24")
	form := url.Values{"revision": {fmt.Sprint(s.get("ann", id).Revision)}, "holder": {"standalone"}, "justification": {"Nobody  uses it."}, "networks": {"198.51.100.0/25"}, "custodian": {s.gus.ID}, "account": {"999988887777"}}
	s.want(s.Form("ann", "/root/"+id+"/edit", form), 303)
	s.want(s.Form("ann", "/root/"+id+"/edit", form), 409)
	got := s.get("ann", id)
	if got.Justification != "Nobody uses it." || got.Networks[0] != netip.MustParsePrefix("198.51.100.0/25").String() || got.Accounts[0] != string(account) || len(got.Needs[0].By) != 0 {
		t.Errorf("got %+v, want the new texts, the old account and no approval", got.RootRequest)
	}
	s.want(s.Server.Get("bob", "/root/"+id), 200, "Edit 1", "Nobody uses it.", ">void<")
}
