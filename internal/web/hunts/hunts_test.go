package hunts_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/web"
	inboxes "github.com/rootkeep/rootkeep/internal/web/alerts"
	"github.com/rootkeep/rootkeep/internal/web/home"
	"github.com/rootkeep/rootkeep/internal/web/hunts"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

const (
	one = rootkeep.AccountID("111122223333")
	two = rootkeep.AccountID("444455556666")
)

var today = time.Now().UTC().Truncate(24 * time.Hour)

// now is the clock of the machine, which does not go beyond today.
func now() time.Time {
	if at := time.Now(); at.Before(today.AddDate(0, 0, 1)) {
		return at
	}
	return today.AddDate(0, 0, 1).Add(-time.Millisecond)
}

func at(hours float64) time.Time {
	return today.AddDate(0, 0, -2).Add(time.Duration(hours * float64(time.Hour)))
}

// actors are one for each role, and some whose roles hold in one account.
func actors() webtest.Actors {
	all := webtest.Everyone(time.Now())
	of := func(role people.Role, account rootkeep.AccountID) people.Grant {
		return people.Grant{Role: role, Scope: people.Scope("account:" + string(account))}
	}
	all["viewer of one"] = webtest.Person("one", time.Now(), of(people.Viewer, one))
	all["responder of one"] = webtest.Person("responder-one", time.Now(), of(people.Responder, one))
	all["sees both, acts in one"] = webtest.Person("both", time.Now(), of(people.Responder, one), of(people.Viewer, two))
	return all
}

func use(id string, kind rootkeep.RootKind, name string, account rootkeep.AccountID, when time.Time) rootkeep.RootUse {
	return rootkeep.RootUse{
		Time: when, ID: id, Kind: kind, Account: account, Region: "us-east-1", Source: "signin.amazonaws.com", Name: name, Failed: kind == rootkeep.RootFailedSignIn,
		Address: "203.0.113.9", Country: "DE", MFA: "no", Principal: "root of " + string(account), Agent: "Mozilla/5.0 (X11; Linux x86_64)", Raw: []byte(`{"eventID":"` + id + `","eventName":"` + name + `"}`),
	}
}

// story is a hunt over two accounts, with words in what a log controls.
func story(word string) client.HuntUpload {
	alert := func(id string, account rootkeep.AccountID, level rootkeep.Severity, title string) rootkeep.Alert {
		e := rootkeep.Event{Time: at(3), ID: "e1" + word, Name: "ConsoleLogin" + word, Source: "signin.amazonaws.com", Account: account, Region: "us-east-1",
			Actor: rootkeep.Actor{Type: "Root", Principal: "root of " + string(account)}, Address: "203.0.113.9", File: "logs/1.json.gz", Offset: 77, ErrorCode: "Failed" + word}
		later := e
		later.Time, later.Name, later.ErrorCode = at(3.4), "CreateAccessKey", ""
		return rootkeep.Alert{
			ID: id, Level: level, Title: title + word, Kind: "session", State: "open", Account: account, Actor: rootkeep.Actor{Principal: "root of " + string(account) + word, Type: "Root"},
			Tactic: "persistence" + word, Techniques: []rootkeep.Technique{{ID: "T1078.004" + word, Version: "18"}}, First: at(3), Last: at(4), Count: 12, Attempts: 1,
			Rules:   []rootkeep.RuleHit{{ID: "1", Name: "root-signin", Title: "Root console sign-in" + word, Level: level, Count: 2, Author: "rootkeep" + word, Guidance: "Call the custodian" + word}},
			Actions: []rootkeep.Count{{Text: "signin:ConsoleLogin" + word, Count: 2}}, Regions: []rootkeep.Region{"us-east-1"}, Notes: []string{"approval not checked" + word},
			Addresses: []rootkeep.Address{{Text: "203.0.113.9" + word, Country: "DE", Network: "Example" + word, Count: 3}}, Agents: []string{"Mozilla/5.0" + word}, Events: []rootkeep.Event{e, later}, EventsOmitted: 10,
		}
	}
	h := &report.Hunt{
		Version: "0.1" + word, Started: at(40), Finished: at(41), Inputs: []string{"./AWSLogs"}, First: at(0), Last: at(30),
		Rules:    report.Rules{Single: 71, Correlations: 14},
		Seen:     []report.Seen{{Account: one, Region: "us-east-1", Events: 120_000, First: at(0), Last: at(30)}, {Account: one, Region: "eu-west-1", Events: 3, First: at(1), Last: at(2)}, {Account: two, Region: "us-east-1", Events: 700, First: at(5), Last: at(20)}},
		Alerts:   []rootkeep.Alert{alert("AL-0G2NS9A1Y0V04", one, rootkeep.Critical, "Root console sign-in without MFA"), alert("AL-1", two, rootkeep.High, "Trail stopped"), alert("AL-2", one, rootkeep.Low, "Console sign-in from a new network")},
		Problems: []report.Problem{{File: "logs/2.json.gz" + word, Kind: "truncated", Detail: "gzip stream ends early" + word}},
		Notices:  []string{"no geography" + word},
	}
	h.Totals.Events = 120_703
	h.Derive()
	text, err := json.Marshal(struct {
		Schema string `json:"schema"`
		*report.Hunt
	}{report.Schema, h})
	if err != nil {
		panic(err)
	}
	asked := use("e5"+word, rootkeep.RootAssumed, "AssumeRoot", one, at(3.3))
	asked.Principal = "arn:aws:iam::" + string(one) + ":role/Broker" + word
	up := client.HuntUpload{
		Schema: client.HuntUploadSchema, Hunt: text,
		RootUses: []rootkeep.RootUse{use("e0", rootkeep.RootFailedSignIn, "ConsoleLogin", one, at(2.9)), use("e1"+word, rootkeep.RootSignIn, "ConsoleLogin"+word, one, at(3)), use("e2", rootkeep.RootCall, "CreateAccessKey", one, at(3.2)), asked,
			use("e6", rootkeep.AssumedRootCall, "GetUser", one, at(3.5)), use("e3", rootkeep.RootKeyCall, "StopLogging", one, at(9)), use("e4", rootkeep.RootSignIn, "ConsoleLogin", two, at(10))},
		Proven: []client.ProvenHours{{Account: one, From: at(0), To: at(20)}},
	}
	for i := range 200 {
		s := rootkeep.SignIn{Time: at(float64(i) / 5), ID: fmt.Sprint(i), Account: one, Failed: i%3 == 0, Root: i%30 == 0, Country: []string{"DE", "US", "BR", "", "SG", "(relay)"}[i%6], Address: "203.0.113.9", Principal: "arn:aws:iam::111122223333:user/ops"}
		up.SignIns = append(up.SignIns, s)
	}
	if word != "" {
		up.SignIns[0].Country = word
		for i := range up.RootUses {
			u := &up.RootUses[i]
			u.Address, u.Agent, u.Country, u.Error, u.AccessKey, u.Target = u.Address+word, u.Agent+word, word, word, word, word
			u.Raw, _ = json.Marshal(map[string]string{"userAgent": word})
		}
	}
	return up
}

func body(t testing.TB, up client.HuntUpload) string {
	t.Helper()
	text, err := json.Marshal(up)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// inbox is the area of the alerts that hunts found.
func inbox(t testing.TB, s *store.Store) web.Area {
	t.Helper()
	k, err := alerts.New(alert.Default(), func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	area, err := inboxes.Area(inboxes.Config{Store: s, Desk: &alerts.Desk{Keeper: k}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return area
}

func serve(t testing.TB) *webtest.Server {
	t.Helper()
	s := webtest.Store(t)
	return webtest.Serve(t, s, actors(), home.Area(home.Config{Store: s, Now: now}), hunts.Area(hunts.Config{Store: s, Now: now}), inbox(t, s))
}

// send sends a hunt as somebody who may.
func send(t testing.TB, s *webtest.Server, up client.HuntUpload) client.HuntTaken {
	t.Helper()
	got := s.JSON("responder", "POST", "/api/v1/hunts", body(t, up))
	var taken client.HuntTaken
	if err := json.Unmarshal([]byte(got.Body), &taken); err != nil || got.Status != 201 {
		t.Fatalf("send a hunt: got %d %.300s, want 201", got.Status, got.Body)
	}
	return taken
}

// keyOf finds the key of a kept event by its ID.
func keyOf(t testing.TB, s *webtest.Server, event string) string {
	t.Helper()
	var list client.Page[client.KeptRootUse]
	got := s.Get("viewer", "/api/v1/root-uses?event="+url.QueryEscape(event))
	if err := json.Unmarshal([]byte(got.Body), &list); err != nil || len(list.Items) != 1 {
		t.Fatalf("event %q: got %.300s, want one", event, got.Body)
	}
	return list.Items[0].ID
}

func pages(t testing.TB, s *webtest.Server, hunt, event string) []string {
	return []string{"/", "/hunts", "/hunts/" + hunt, "/alerts", "/alerts?level=high&state=new&q=root", "/alerts/AL-0G2NS9A1Y0V04", "/root-uses", "/root-uses?used=yes&days=30&country=DE", "/root-uses/" + keyOf(t, s, event), "/sign-ins", "/sign-ins?days=7&account=111122223333"}
}

func TestEveryPageShowsWhatWasSent(t *testing.T) {
	s := serve(t)
	for _, path := range []string{"/", "/hunts", "/alerts", "/root-uses", "/sign-ins"} {
		if got := s.Get("viewer", path); got.Status != 200 {
			t.Errorf("%s before any hunt: got %d, want 200", path, got.Status)
		}
	}
	if got := s.Get("viewer", "/").Body; !strings.Contains(got, "not known") || !strings.Contains(got, "no hunt has been sent") {
		t.Error("home before any hunt: want it to say that nothing is known")
	}
	taken := send(t, s, story(""))
	wants := map[string]string{"/": "3 seen", "/hunts": taken.ID, "/alerts": "Root console sign-in without MFA", "/alerts/AL-0G2NS9A1Y0V04": "Call the custodian", "/root-uses": "key-call", "/sign-ins": "Not on the map"}
	for _, path := range pages(t, s, taken.ID, "e1") {
		got := s.Get("viewer", path)
		if got.Status != 200 || !strings.Contains(got.Body, wants[path]) {
			t.Errorf("%s: got %d, want 200 with %q", path, got.Status, wants[path])
		}
	}
	if again := send(t, s, story("")); !again.Known || again.ID != taken.ID {
		t.Errorf("sent again: got %+v, want %s, known", again, taken.ID)
	}
	if home := s.Get("viewer", "/").Body; !strings.Contains(home, "approval not checked") {
		t.Error("home: want it to say that approval was not checked")
	}
}

// poison is what an attacker who names a role or chooses a user agent would try.
const poison = `"><script>alert(1)</script><img src=x onerror=alert(2)>' onmouseover='alert(3)` + "\x1b[2J\u202egnp\u200b\u009b31m\U000e0041"

func TestHostileTextStaysText(t *testing.T) {
	s := serve(t)
	taken := send(t, s, story(poison))
	values := regexp.MustCompile(`(?s) value="[^"]*"|<textarea.*?</textarea>|data-copy="[^"]*"`) // there it stands as it is, escaped
	for _, path := range pages(t, s, taken.ID, "e1"+poison) {
		got := s.Get("viewer", path)
		if got.Status != 200 {
			t.Errorf("%s: got %d, want 200", path, got.Status)
		}
		text := values.ReplaceAllString(got.Body, "")
		for _, bad := range []string{"<script>alert", "<img src=x", "' onmouseover", "\x1b", "\u202e", "\u200b", "\u009b", "\U000e0041"} {
			if i := strings.Index(text, bad); i >= 0 {
				t.Errorf("%s: got %q in ...%q", path, bad, text[max(0, i-60):min(len(text), i+60)])
			}
		}
	}
}

func TestAViewerOfOneAccountLearnsNothingOfAnother(t *testing.T) {
	s := serve(t)
	taken := send(t, s, story(""))
	other := keyOf(t, s, "e4")
	for _, path := range append(pages(t, s, taken.ID, "e1"), "/alerts?account=444455556666", "/root-uses?account=444455556666", "/api/v1/hunts", "/api/v1/root-uses", "/api/v1/root-summary", "/api/v1/hunts/"+taken.ID) {
		got := s.Get("viewer of one", path)
		if got.Status != 200 {
			t.Errorf("%s: got %d, want 200", path, got.Status)
		}
		shown := strings.NewReplacer(`value="444455556666"`, "", "account=444455556666", "").Replace(got.Body) // what was asked for
		for _, secret := range []string{string(two), "Trail stopped", "120,703", "AL-1<", "logs/2.json.gz", "no geography"} {
			if strings.Contains(shown, secret) {
				t.Errorf("%s: got %q, want nothing of another account", path, secret)
			}
		}
	}
	for _, path := range []string{"/alerts/AL-1", "/root-uses/" + other, "/api/v1/root-uses/" + other, "/api/v1/hunts/" + taken.ID + "/report"} {
		if got := s.Get("viewer of one", path); got.Status != 404 {
			t.Errorf("%s: got %d, want 404", path, got.Status)
		}
	}
	var n client.RootSummary
	if err := json.Unmarshal([]byte(s.Get("viewer of one", "/api/v1/root-summary").Body), &n); err != nil || n.Sessions != 2 || n.Coverage.Accounts != 1 || n.Coverage.ProvenHours != 20 {
		t.Errorf("summary: got %+v, %v, want 2 sessions and 20 proven hours of 1 account", n, err)
	}
}

func TestWhoMaySend(t *testing.T) {
	s := serve(t)
	for _, c := range []struct {
		name, actor string
		change      func(*client.HuntUpload)
		want        int
	}{
		{"a viewer sends nothing", "viewer", nil, 403},
		{"nobody is asked who they are", "", nil, 401},
		{"who acts in one account sends nothing of two", "responder of one", nil, 403},
		{"a hunt of no schema", "responder", func(up *client.HuntUpload) { up.Schema = "x" }, 422},
		{"a report of no schema", "responder", func(up *client.HuntUpload) { up.Hunt = []byte(`{"schema":"rootkeep/hunt/2"}`) }, 422},
		{"a report that is no object", "responder", func(up *client.HuntUpload) { up.Hunt = []byte(`[]`) }, 422},
		{"hours that go backwards", "responder", func(up *client.HuntUpload) { up.Proven[0].To = at(-5) }, 422},
	} {
		up := story("")
		if c.change != nil {
			c.change(&up)
		}
		if got := s.JSON(c.actor, "POST", "/api/v1/hunts", body(t, up)); got.Status != c.want {
			t.Errorf("%s: got %d %.200s, want %d", c.name, got.Status, got.Body, c.want)
		}
	}
	if got := s.JSON("responder", "POST", "/api/v1/hunts", "{"); got.Status != 422 && got.Status != 400 {
		t.Errorf("half a body: got %d, want it refused", got.Status)
	}
}

func TestFiltersThatCannotBeAreRefused(t *testing.T) {
	s := serve(t)
	for _, path := range []string{"/alerts?level=worst", "/alerts?state=x", "/alerts?account=12", "/alerts?cursor=x", "/root-uses?kind=x", "/root-uses?days=8", "/root-uses?days=99999999999999999999", "/sign-ins?days=-1", "/alerts?q=" + strings.Repeat("x", 300), "/hunts?cursor=%00"} {
		if got := s.Get("viewer", path); got.Status != 422 {
			t.Errorf("%.60s: got %d, want 422", path, got.Status)
		}
	}
}

func TestAbsenceIsClaimedOnlyOfWhatIsProven(t *testing.T) {
	s := serve(t)
	quiet := story("")
	quiet.RootUses, quiet.SignIns = nil, nil
	send(t, s, quiet)
	if got := s.Get("viewer", "/").Body; !strings.Contains(got, "none seen") || !strings.Contains(got, "this is not proof of absence") {
		t.Error("home: want none seen, and that this proves nothing")
	}
	whole := quiet
	whole.Proven = nil
	for _, account := range []rootkeep.AccountID{one, two} {
		whole.Proven = append(whole.Proven, client.ProvenHours{Account: account, From: today.AddDate(0, 0, -90), To: today})
	}
	send(t, s, whole)
	if got := s.Get("viewer", "/").Body; strings.Contains(got, "none seen") || !strings.Contains(got, "proven: the logs are complete") || !strings.Contains(got, "100 %") {
		t.Error("home: want none, proven")
	}
	whole.Proven[1].To = today.Add(-time.Hour)
	again := serve(t)
	send(t, again, whole)
	if got := again.Get("viewer", "/").Body; !strings.Contains(got, "this is not proof of absence") || !strings.Contains(got, "99.9 %") {
		t.Error("home with one hour missing: want that this proves nothing")
	}
}

func TestPagesInABrowser(t *testing.T) {
	s := serve(t)
	b := s.Browser(t)
	b.Photograph("viewer", "home-empty", "/")
	taken := send(t, s, story(""))
	b.Photograph("responder", "home", "/")
	b.Photograph("viewer", "hunts", "/hunts")
	b.Photograph("viewer", "hunt", "/hunts/"+taken.ID)
	b.Photograph("viewer", "alerts", "/alerts")
	b.Photograph("responder", "alert", "/alerts/AL-0G2NS9A1Y0V04")
	b.Photograph("viewer", "root-uses", "/root-uses")
	b.Photograph("viewer", "root-use", "/root-uses/"+keyOf(t, s, "e1"))
	b.Photograph("viewer", "sign-ins", "/sign-ins")
	hostile := serve(t)
	send(t, hostile, story(poison))
	hb := hostile.Browser(t)
	hb.Photograph("viewer", "alerts-hostile", "/alerts")
	hb.Photograph("responder", "alert-hostile", "/alerts/AL-0G2NS9A1Y0V04")
	hb.Photograph("viewer", "root-use-hostile", "/root-uses/"+keyOf(t, hostile, "e1"+poison))
}
