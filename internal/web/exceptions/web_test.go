package exceptions_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	area "github.com/rootkeep/rootkeep/internal/web/exceptions"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// site is a server with the area and the people of exceptionstest, who are signed in
// under their names in small letters.
type site struct {
	*webtest.Server
	*exceptionstest.World
	t testing.TB
}

func start(t testing.TB) *site {
	t.Helper()
	w := &exceptionstest.World{Store: webtest.Store(t)}
	w.At(time.Now())
	w.Open(t, approval.Site{RPID: "localhost", Origin: "http://localhost"})
	a, err := area.Area(area.Config{Store: w.Store, Desk: w.Desk, Now: w.Now, Controls: exceptionstest.Controls()})
	if err != nil {
		t.Fatal(err)
	}
	b, err := approvals.Area(approvals.Config{Store: w.Store, Desk: w.Desk.Desk, Now: w.Now, Faces: []approvals.Face{area.Face()}})
	if err != nil {
		t.Fatal(err)
	}
	actors := webtest.Everyone(time.Now())
	for name, p := range map[string]*exceptionstest.Person{"ann": w.Ann, "bob": w.Bob, "cid": w.Cid, "dan": w.Dan, "eve": w.Eve, "fay": w.Fay} {
		actors[name] = p.Actor
	}
	s := &site{webtest.Serve(t, w.Store, actors, a, b), w, t}
	w.Desk.Site = approval.SiteOf(s.URL)
	return s
}

// ask is a form that asks for an exception.
func (s *site) ask(control string) url.Values {
	w := s.Wanted(control)
	return url.Values{"account": {string(w.Account)}, "control": {control}, "owner": {w.Owner}, "reason": {"the key\r\narrives  in December"}, "until": {w.Until.Format(time.DateOnly)}}
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

// signed takes a person through the API: statement, key, decision.
func (s *site) signed(name string, p *exceptionstest.Person, id, decision string) webtest.Answer {
	s.t.Helper()
	got := s.JSON(name, "POST", "/api/v1/approvals/"+id+"/statements", `{"decision":"`+decision+`"}`)
	if got.Status != http.StatusCreated {
		return got
	}
	issued := decode[client.ApprovalStatement](s.t, got)
	statement, err := approval.ParseStatement([]byte(issued.Statement))
	if err != nil || statement.Challenge().String() != issued.SHA256 {
		s.t.Fatalf("got the statement %s with the hash %s, %v", issued.Statement, issued.SHA256, err)
	}
	return s.JSON(name, "POST", "/api/v1/approvals/"+id+"/decisions", s.signature(p, statement))
}

func (s *site) signature(p *exceptionstest.Person, statement *approval.Statement) string {
	s.t.Helper()
	body, err := json.Marshal(client.ApprovalSignature{Nonce: statement.Nonce, Credential: p.Sign(s.t, statement, s.Desk.Site)})
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body)
}

// signing is where a request is signed, whose page is at the path.
func signing(path string) string { return strings.Replace(path, "/exceptions/", "/approvals/", 1) }

// read asks for a statement and gives the page that shows it.
func (s *site) read(name, path, decision string) webtest.Answer {
	s.t.Helper()
	got := s.Form(name, signing(path)+"/statement", url.Values{"decision": {decision}})
	s.want(got, 303)
	return s.Get(name, got.Header.Get("Location"))
}

func TestPagesOfTheWholePath(t *testing.T) {
	s := start(t)
	s.want(s.Get("ann", "/exceptions"), 200, "Nobody has asked for an exception")
	s.want(s.Get("ann", "/exceptions/new"), 200, "RT-01 Root user has MFA (critical)", "Go on")
	s.want(s.Get("ann", "/exceptions/new?account=111122223333&control=RT-01"), 200, "2 of Approvers of the account", "Bob (PE-", "Cid (PE-", "Dan (PE-", "Ask for it")
	got := s.Form("ann", "/exceptions/new", s.ask("RT-01"))
	s.want(got, 303)
	path := got.Header.Get("Location")
	id := strings.TrimPrefix(path, "/exceptions/")
	s.want(s.Get("ann", path), 200, "accept failure of RT-01 until", "the key arrives in December", "requested", "0 of 2", "Could sign now", "Withdraw", "Nobody has signed")
	s.want(s.Get("bob", path), 200, "You can decide this", "Read and approve")
	s.want(s.Get("bob", signing(path)+"/statement"), 303)
	s.want(s.read("bob", path, "approve"), 200, "Exactly these bytes", "Approve with your security key", `userVerification&#34;:&#34;required`, "/asset/approve-", "Ann (PE-")
	s.want(s.signed("bob", s.Bob, id, "approve"), 200, `"state":"requested"`)
	got = s.Get("bob", path)
	s.want(got, 200, "1 of 2", "approved")
	if strings.Contains(got.Body, "You can decide this") {
		t.Error("bob, who has signed, is offered to sign again")
	}
	s.want(s.signed("cid", s.Cid, id, "approve"), 200, `"state":"approved"`)
	s.want(s.Get("ann", path), 200, "approved", "2 of 2", "exception.requested", "exception.approved", "exception.granted", "/receipt\"")
	s.want(s.Get("ann", "/exceptions?state=approved"), 200, id)
	s.want(s.Get("ann", "/exceptions?state=denied"), 200, "No exception fits the filter")
	file := s.Get("auditor", signing(path)+"/signatures/1/"+s.Bob.ID)
	s.want(file, 200)
	record, err := approval.ReadRecord(strings.NewReader(file.Body))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := record.Check(); err != nil || c.Statement.Approver != s.Bob.ID || record.Site != s.Desk.Site {
		t.Errorf("the downloaded approval: got %+v, %v, want one of Bob", c, err)
	}
}

func TestWhoSeesAndDoesWhat(t *testing.T) {
	s := start(t)
	id := s.Submit(t, "RT-01").ID
	path, api := "/exceptions/"+id, "/api/v1/exceptions/"+id
	tests := []struct {
		name   string
		got    func() webtest.Answer
		status int
		words  string
	}{
		{"somebody who reads elsewhere sees no exception here", func() webtest.Answer { return s.Get("fay", path) }, 404, ""},
		{"nor by the API", func() webtest.Answer { return s.Get("fay", api) }, 404, ""},
		{"nor in a list", func() webtest.Answer { return s.Get("fay", "/api/v1/exceptions") }, 200, `"items":[]`},
		{"a viewer asks for nothing", func() webtest.Answer { return s.Form("viewer", "/exceptions/new", s.ask("RT-01")) }, 403, ""},
		{"an approver of another account cannot sign", func() webtest.Answer { return s.signed("eve", s.Eve, id, "approve") }, 404, ""},
		{"the requester has no permission to sign", func() webtest.Answer { return s.signed("ann", s.Ann, id, "approve") }, 403, ""},
		{"somebody else does not withdraw it", func() webtest.Answer {
			return s.JSON("responder", "POST", api+"/withdrawal", "", "If-Match", `"1"`)
		}, 403, "only who made it"},
		{"a viewer takes no evidence away", func() webtest.Answer { return s.Get("viewer", signing(api)+"/signatures") }, 403, ""},
		{"nobody signed in neither", func() webtest.Answer { return s.Get("", signing(api)+"/signatures") }, 401, ""},
		{"an edit without If-Match is refused", func() webtest.Answer { return s.JSON("ann", "PUT", api, s.askJSON("RT-01")) }, 428, "version-needed"},
		{"an edit of another version too", func() webtest.Answer { return s.JSON("ann", "PUT", api, s.askJSON("RT-01"), "If-Match", `"9"`) }, 412, "version-changed"},
		{"an unknown field is refused", func() webtest.Answer { return s.JSON("ann", "POST", "/api/v1/exceptions", `{"approved":true}`) }, 422, ""},
		{"a decision that is none", func() webtest.Answer {
			return s.JSON("bob", "POST", signing(api)+"/statements", `{"decision":"maybe"}`)
		}, 422, ""},
		{"a form with a decision that is none", func() webtest.Answer {
			return s.Form("bob", signing(path)+"/statement", url.Values{"decision": {"maybe"}})
		}, 422, ""},
		{"a control that does not exist", func() webtest.Answer { return s.JSON("ann", "POST", "/api/v1/exceptions", s.askJSON("XX-01")) }, 422, "there is no control"},
		{"a machine asks for nothing", func() webtest.Answer { return s.JSON("operator", "POST", "/api/v1/exceptions", s.askJSON("RT-01")) }, 403, "not allowed"},
		{"a form from another site", func() webtest.Answer {
			return s.Do("ann", "POST", "/exceptions/new", s.ask("RT-01").Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
		}, 403, ""},
		{"a filter with an account that is none", func() webtest.Answer { return s.Get("ann", "/exceptions?account=12") }, 422, ""},
		{"a statement that nobody asked for", func() webtest.Answer { return s.Get("bob", signing(api)+"/statement") }, 404, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.got()
			if got.Status != tt.status || !strings.Contains(got.Body, tt.words) {
				t.Errorf("got %d %s, want %d and %q", got.Status, got.Body, tt.status, tt.words)
			}
		})
	}
	if x := s.Read(t, id); x.State != approval.Requested || x.Revision != 1 {
		t.Errorf("got %s of revision %d after all that, want it untouched", x.State, x.Revision)
	}
}

func (s *site) askJSON(control string) string {
	w := s.Wanted(control)
	body, err := json.Marshal(client.ExceptionAsk{Account: string(w.Account), Control: control, Owner: w.Owner, Reason: w.Reason, Until: w.Until})
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body)
}

// TestARequestOutOfSightIsNotTold holds every way to a request by its ID to one answer for
// who may ask in another account only: pages and API alike.
func TestARequestOutOfSightIsNotTold(t *testing.T) {
	s := start(t)
	hal := s.Person(t, "Hal", people.Requester, "account:999988887777").Actor
	actors := webtest.Actors{"hal": hal}
	a, err := area.Area(area.Config{Store: s.World.Store, Desk: s.Desk, Now: s.Now})
	if err != nil {
		t.Fatal(err)
	}
	b, err := approvals.Area(approvals.Config{Store: s.World.Store, Desk: s.Desk.Desk, Now: s.Now, Faces: []approvals.Face{area.Face()}})
	if err != nil {
		t.Fatal(err)
	}
	server := webtest.Serve(t, s.World.Store, actors, a, b)
	x := s.Submit(t, "PW-08")
	elsewhere := s.ask("PW-08")
	elsewhere.Set("account", "999988887777")
	for _, id := range []string{x.ID, "EX-1KB2Z7Q0MX7F3A"} { // one that is there, one that is not
		for name, got := range map[string]webtest.Answer{
			"page": server.Get("hal", "/exceptions/"+id), "form": server.Get("hal", "/exceptions/"+id+"/edit"),
			"edit":            server.Form("hal", "/exceptions/"+id+"/edit", merge(s.ask("PW-08"), "revision", "1")),
			"edit, elsewhere": server.Form("hal", "/exceptions/"+id+"/edit", merge(elsewhere, "revision", "1")),
			"withdraw":        server.Form("hal", "/exceptions/"+id+"/withdraw", url.Values{"revision": {"1"}}),
			"withdraw, API":   server.JSON("hal", "POST", "/api/v1/exceptions/"+id+"/withdrawal", "", "If-Match", `"1"`),
			"API":             server.Get("hal", "/api/v1/exceptions/"+id), "statement, API": server.Get("hal", "/api/v1/approvals/"+id+"/statement"),
			"request": server.Get("hal", "/approvals/"+id), "request, API": server.Get("hal", "/api/v1/approvals/"+id),
		} {
			if got.Status != http.StatusNotFound || strings.Contains(got.Body, "PW-08") {
				t.Errorf("%s of %s: got %d, want 404\n%.300s", name, id, got.Status, got.Body)
			}
		}
	}
}

// merge adds a value to a form.
func merge(form url.Values, name, value string) url.Values {
	form.Set(name, value)
	return form
}

func TestEditsThroughTheAPI(t *testing.T) {
	s := start(t)
	got := s.JSON("ann", "POST", "/api/v1/exceptions", s.askJSON("RT-01"), "Idempotency-Key", "one")
	s.want(got, 201)
	again := s.JSON("ann", "POST", "/api/v1/exceptions", s.askJSON("RT-01"), "Idempotency-Key", "one")
	x := decode[client.Exception](t, got)
	if second := decode[client.Exception](t, again); second.ID != x.ID {
		t.Errorf("the same Idempotency-Key: got %s and %s, want one request", x.ID, second.ID)
	}
	s.want(s.signed("bob", s.Bob, x.ID, "approve"), 200)
	read := s.Get("ann", "/api/v1/exceptions/"+x.ID)
	edited := strings.Replace(s.askJSON("RT-01"), "the key arrives", "both keys arrive", 1)
	s.want(s.JSON("ann", "PUT", "/api/v1/exceptions/"+x.ID, edited, "If-Match", got.Header.Get("ETag")), 412)
	s.want(s.JSON("ann", "PUT", "/api/v1/exceptions/"+x.ID, edited, "If-Match", read.Header.Get("ETag")), 200, `"version":2`)
	detail := decode[client.ExceptionDetail](t, s.Get("ann", "/api/v1/exceptions/"+x.ID))
	if len(detail.Approvals) != 1 || detail.Approvals[0].Version != 1 || len(detail.Needs[0].By) != 0 {
		t.Errorf("after the edit: got %+v and %+v, want Bob's signature kept and void", detail.Approvals, detail.Needs)
	}
	s.want(s.Get("ann", "/exceptions/"+x.ID), 200, "Edit 1", "the key arrives in December", "both keys arrive in December", ">void<")
	s.want(s.read("cid", "/exceptions/"+x.ID, "approve"), 200, "What changed since it was asked for", "both keys arrive in December")
}

// TestWhatIsSignedTwiceOrLate sends signatures again, late, and about something else.
func TestWhatIsSignedTwiceOrLate(t *testing.T) {
	s := start(t)
	first, second := s.Submit(t, "RT-01").ID, s.Submit(t, "RT-01").ID
	issue := func(id string) *approval.Statement {
		got := s.JSON("bob", "POST", "/api/v1/approvals/"+id+"/statements", `{"decision":"approve"}`)
		s.want(got, 201)
		statement, err := approval.ParseStatement([]byte(decode[client.ApprovalStatement](t, got).Statement))
		if err != nil {
			t.Fatal(err)
		}
		return statement
	}
	statement := issue(first)
	if own := decode[client.ApprovalStatement](t, s.Get("bob", "/api/v1/approvals/"+first+"/statement")); own.Statement != string(statement.Bytes()) {
		t.Errorf("got the statement %s from another machine, want %s", own.Statement, statement.Bytes())
	}
	body := s.signature(s.Bob, statement)
	issue(second)
	s.want(s.JSON("bob", "POST", "/api/v1/approvals/"+second+"/decisions", body), 403, "signature-refused")
	s.want(s.JSON("cid", "POST", "/api/v1/approvals/"+first+"/decisions", body), 403, "signature-refused")
	s.want(s.JSON("bob", "POST", "/api/v1/approvals/"+first+"/decisions", body), 200)
	s.want(s.JSON("bob", "POST", "/api/v1/approvals/"+first+"/decisions", body), 409, "decided")
	late := issue(second)
	s.At(s.Now().Add(approval.SignWithin + time.Second)) // a statement ends at a whole second
	s.want(s.Get("bob", "/approvals/"+second+"/statement"), 303)
	s.want(s.JSON("bob", "POST", "/api/v1/approvals/"+first+"/decisions", s.signature(s.Bob, late)), 409)
}

func TestNobodyCouldApprove(t *testing.T) {
	s := start(t)
	for _, p := range []*exceptionstest.Person{s.Bob, s.Cid} {
		s.RevokeKey(t, p.ID)
	}
	page := s.Get("ann", "/exceptions/new?account=111122223333&control=RT-01")
	s.want(page, 200, "Nobody could approve this", "has 1 of the 2 approvers", "grant the role approver")
	if strings.Contains(page.Body, "Ask for it") {
		t.Error("the form is offered although nobody could approve")
	}
	s.want(s.Form("ann", "/exceptions/new", s.ask("RT-01")), 422, "has 1 of the 2 approvers")
	s.want(s.JSON("ann", "POST", "/api/v1/exceptions", s.askJSON("RT-01")), 422, "nobody-could-approve")
}

// TestHostileText has names and texts of an exception try to become markup.
func TestHostileText(t *testing.T) {
	s := start(t)
	evil := s.Person(t, `<script>alert(1)</script>`, people.Approver, people.Everywhere)
	form := s.ask("PW-08")
	form.Set("owner", `"><img src=x onerror=alert(1)>`)
	form.Set("reason", `</code><script>alert(2)</script>`)
	form.Set("resource", `javascript:alert(3)//'"<b>`)
	got := s.Form("ann", "/exceptions/new", form)
	s.want(got, 303)
	path := got.Header.Get("Location")
	for _, at := range []string{path, path + "/edit", "/exceptions", "/exceptions/new?account=111122223333&control=" + url.QueryEscape(`"><script>`), "/exceptions?control=" + url.QueryEscape(`"><script>x</script>`)} {
		page := s.Get("ann", at)
		for _, bad := range []string{"<script>alert", "<img src=x", "<b>", `href="javascript`, "<script>x"} {
			if strings.Contains(page.Body, bad) {
				t.Errorf("%s: got a page with %s", at, bad)
			}
		}
	}
	if evil.ID == "" {
		t.Fatal("no approver with a hostile name")
	}
	form.Set("reason", "turned \u202e round")
	s.want(s.Form("ann", "/exceptions/new", form), 422, "cannot be seen")
}

// TestStatementIsShownToTheByte holds the page to the text that the module hashes.
func TestStatementIsShownToTheByte(t *testing.T) {
	s := start(t)
	id := s.Submit(t, "RT-01").ID
	page := s.read("bob", "/exceptions/"+id, "deny")
	s.want(page, 200, "Deny with your security key")
	issued := decode[client.ApprovalStatement](t, s.Get("bob", "/api/v1/approvals/"+id+"/statement"))
	_, rest, _ := strings.Cut(page.Body, "data-statement")
	_, rest, _ = strings.Cut(rest, "<code>")
	shown, _, _ := strings.Cut(rest, "</code>")
	shown = strings.NewReplacer("&#34;", `"`, "&quot;", `"`, "&amp;", "&").Replace(shown)
	if shown != issued.Statement || !strings.Contains(page.Body, issued.SHA256) {
		t.Errorf("got %s on the page, want %s", shown, issued.Statement)
	}
	if bytes.ContainsAny([]byte(issued.Statement), "\n\t<>&") {
		t.Errorf("got a statement that HTML would change: %s", issued.Statement)
	}
}
