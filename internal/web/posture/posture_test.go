package posture_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/people"
	catalogue "github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
	"github.com/rootkeep/rootkeep/internal/posture/score"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web/posture"
	"github.com/rootkeep/rootkeep/internal/web/posture/asked"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

const (
	alpha = rootkeep.AccountID("111111111111")
	beta  = rootkeep.AccountID("222222222222")

	hostile = `<script>alert(1)</script>"'&` + "\u202e\x1b[31m=cmd"
)

var today = time.Now().UTC().Truncate(time.Second)

// shipped are the controls and frameworks that come with rootkeep, loaded once.
var shipped = sync.OnceValue(func() posture.Config {
	bases, err := rule.LoadBases(content.Files, "events")
	if err != nil {
		panic(err)
	}
	controls, problems := catalogue.Load(bases, rule.Source{FS: content.Files, Dir: "controls"})
	frameworks, more := framework.Load(nil, rule.Source{FS: content.Files, Dir: "frameworks"})
	resolved, unresolved := framework.Resolve(frameworks)
	card, err := score.Load(content.Files, "scorecards/guide.yaml")
	if err = errors.Join(errors.Join(problems...), errors.Join(more...), errors.Join(unresolved...), err); err != nil {
		panic(err)
	}
	return posture.Config{
		Controls: controls, Frameworks: resolved, Card: card, Version: "test", Now: func() time.Time { return today }, ScanKind: "scan", JudgeKind: "judge-scan",
		CheckScan: func(settings []byte) error {
			if strings.Contains(string(settings), "bad") {
				return errors.New("settings of a scan: bad")
			}
			return nil
		},
	}
})

func serve(t *testing.T) *webtest.Server {
	t.Helper()
	return serveWith(t, func(*posture.Config) {})
}

func serveWith(t *testing.T, change func(*posture.Config)) *webtest.Server {
	t.Helper()
	s := webtest.Store(t)
	c := shipped()
	c.Store, c.Ask = s, "/exceptions/new"
	change(&c)
	area, err := posture.Area(c)
	if err != nil {
		t.Fatal(err)
	}
	actors := webtest.Everyone(today)
	for name, g := range map[string]people.Grant{
		"viewer-of-alpha": {Role: people.Viewer, Scope: "account:" + people.Scope(alpha)}, "viewer-of-a-unit": {Role: people.Viewer, Scope: "ou:ou-abcd-11111111"},
		"responder-of-alpha": {Role: people.Responder, Scope: "account:" + people.Scope(alpha)}, "viewer-of-another": {Role: people.Viewer, Scope: "account:333333333333"},
	} {
		actors[name] = webtest.Person(name, today, g)
	}
	return webtest.Serve(t, s, actors, area)
}

// account makes the facts of an account of one user, whose name is hostile.
func account(id rootkeep.AccountID, taken time.Time) *facts.Snapshot {
	s := &facts.Snapshot{Format: facts.Format, Account: id, Taken: taken, Origins: []facts.Origin{}, Gaps: []facts.Gap{}}
	s.Facts.Account.Alias = "alias-of-" + string(id) + hostile
	s.Facts.Organization.SCPs = []facts.PolicyLevel{{Target: "r-abcd"}, {Target: "ou-abcd-" + string(id[:8])}, {Target: string(id)}}
	s.Facts.Root.HasPassword = true
	s.Facts.Users = []facts.User{{ARN: user(id), Name: hostile, HasPassword: true}}
	s.Observe("iam:GetAccountSummary", taken, "", "root.has_password", "root.mfa_enabled", "root.has_access_keys", "root.has_certificates")
	s.Observe("iam:GetCredentialReport", taken, "report.csv", "users")
	s.Observe("organizations:ListPolicies", taken, "", "organization.scps")
	s.Gaps = append(s.Gaps, facts.Gap{Path: "trails", Permission: "cloudtrail:DescribeTrails", Reason: "cloudtrail:DescribeTrails denied " + hostile})
	return s
}

func user(id rootkeep.AccountID) string {
	return "arn:aws:iam::" + string(id) + ":user/secret-of-" + string(id) + hostile
}

// found are findings of several statuses, with hostile text.
func found(id rootkeep.AccountID) []rootkeep.Finding {
	root := "arn:aws:iam::" + string(id) + ":root"
	return []rootkeep.Finding{
		{Control: "RT-01", Title: "Root user has MFA", Severity: rootkeep.Critical, Status: rootkeep.Fail, Account: id, Resource: root, Detail: "no device " + hostile},
		{Control: "RT-05", Title: "Root has no access key", Severity: rootkeep.Critical, Status: rootkeep.Excepted, Account: id, Resource: root,
			Exception: &rootkeep.Exception{Owner: "Ada " + hostile, Reason: "agreed " + hostile, Until: today.AddDate(0, 1, 0)}},
		{Control: "US-01", Title: "Users have MFA", Severity: rootkeep.High, Status: rootkeep.Fail, Account: id, Region: "us-east-1", Resource: user(id)},
		{Control: "CT-01", Title: "A trail records", Severity: rootkeep.High, Status: rootkeep.Unknown, Account: id, Resource: root, Missing: []string{"trails: denied " + hostile}, Permissions: []string{"cloudtrail:DescribeTrails"}},
		{Control: "GONE-1", Title: "A control of yesterday", Severity: rootkeep.Low, Status: rootkeep.Pass, Account: id, Resource: root},
	}
}

func record(t *testing.T, s *store.Store, id string, snapshot *facts.Snapshot, list []rootkeep.Finding) {
	t.Helper()
	var controls []string
	for _, f := range list {
		controls = append(controls, f.Control)
	}
	p, err := kept.Prepare(kept.Account{Name: "name-of-" + string(snapshot.Account) + hostile, Snapshot: snapshot, Findings: list, Controls: controls, Card: shipped().Card, Placed: true})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := kept.Start(ctx, tx, kept.Begin{ID: id, Source: kept.Imported, Actor: "PE-1", Version: "test", State: kept.Judging}); err != nil {
			return err
		}
		if err := kept.Take(ctx, tx, id, p); err != nil {
			return err
		}
		_, err := kept.Finish(ctx, tx, kept.End{ID: id, Actor: "PE-1", Controls: controls, Version: "test"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// history records scans of two accounts over three weeks.
func history(t *testing.T, s *store.Store) {
	t.Helper()
	for n, days := range []int{21, 14, 7, 0} {
		at := today.AddDate(0, 0, -days).Add(-time.Hour)
		list := found(alpha)
		if n > 0 {
			list = list[:4] // the pass is not judged any more
		}
		if n%2 == 1 {
			list[2].Status = rootkeep.Pass
		}
		record(t, s, fmt.Sprintf("SC-A%d", n), account(alpha, at), list)
		record(t, s, fmt.Sprintf("SC-B%d", n), account(beta, at), found(beta))
	}
}

// paths are all pages and all of the API that can be read.
func paths() []string {
	a, b := found(alpha), found(beta)
	out := []string{
		"/posture", "/posture?q=secret", "/posture/" + string(alpha), "/posture/" + string(beta), "/findings", "/findings?status=fail&severity=critical", "/findings?q=secret&sort=resource",
		"/findings?root=yes", "/findings?stale=yes", "/findings?unit=ou-abcd-22222222", "/findings?framework=cis-aws-7.0&clause=2.5", "/findings?account=" + string(beta), "/findings/download?format=csv",
		"/findings/download?format=json", "/controls", "/controls/RT-01", "/controls/US-01", "/controls/GONE-1", "/frameworks", "/frameworks/cis-aws-7.0", "/scans", "/scans/SC-A3", "/scans/SC-B3", "/scans/SC-A3?since=SC-A1",
	}
	for _, f := range append(a, b...) {
		out = append(out, "/findings/"+f.ID())
	}
	var api []string
	for _, p := range out {
		if !strings.Contains(p, "download") && !strings.Contains(p, "since=") && !strings.HasPrefix(p, "/posture") {
			api = append(api, "/api/v1"+p)
		}
	}
	return append(append(out, api...), "/api/v1/accounts", "/api/v1/accounts/"+string(alpha), "/api/v1/accounts/"+string(beta), "/api/v1/accounts?unread=yes")
}

func TestEveryPageIsThereAndHarmless(t *testing.T) {
	s := serve(t)
	history(t, s.Store)
	for _, path := range paths() {
		got := s.Get("viewer", path)
		if got.Status != 200 {
			t.Errorf("%s: got %d, want 200: %.300s", path, got.Status, got.Body)
		}
		html := strings.HasPrefix(got.Header.Get("Content-Type"), "text/html")
		if strings.Contains(got.Body, "\x1b") || html && (strings.Contains(got.Body, "<script>alert") || strings.ContainsRune(got.Body, '\u202e')) {
			t.Errorf("%s: hostile text came through", path)
		}
	}
}

// Whoever may read one account learns nothing of another, not even a number.
func TestAViewerOfOneAccountLearnsNothingOfAnother(t *testing.T) {
	s := serve(t)
	history(t, s.Store)
	alone := serve(t) // a server that has the one account alone
	for n := range 4 {
		list := found(alpha)
		if n > 0 {
			list = list[:4]
		}
		if n%2 == 1 {
			list[2].Status = rootkeep.Pass
		}
		record(t, alone.Store, fmt.Sprintf("SC-A%d", n), account(alpha, today.AddDate(0, 0, -7*(3-n)).Add(-time.Hour)), list)
	}
	for _, actor := range []string{"viewer-of-alpha", "viewer-of-a-unit"} {
		for _, path := range paths() {
			got, want := s.Get(actor, path), alone.Get(actor, path)
			if strings.Contains(strings.ReplaceAll(got.Body, path[strings.LastIndex(path, "/"):], ""), "secret-of-"+string(beta)) {
				t.Errorf("%s: %s reads of the other account", path, actor)
			}
			if got.Status != want.Status || timeless(got.Body) != timeless(want.Body) {
				t.Errorf("%s: %s gets %d, and %d where the other account is not there:\n%s", path, actor, got.Status, want.Status, firstDifference(timeless(got.Body), timeless(want.Body)))
			}
		}
	}
	for _, actor := range []string{"viewer-of-another", "nobody"} {
		for _, path := range paths() {
			if got := s.Get(actor, path); strings.Contains(got.Body, "secret-of-") || strings.Contains(got.Body, "name-of-") {
				t.Errorf("%s: %s reads of accounts that they may not", path, actor)
			}
		}
	}
}

// timeless is a body without what differs between two servers: request IDs, when scans
// were taken in, and digests.
func timeless(body string) string {
	var out []string
	for line := range strings.SplitSeq(strings.NewReplacer("<", "\n<", ",", "\n").Replace(body), "\n") {
		if !strings.Contains(line, "<time") && !strings.Contains(line, "equest") && !strings.Contains(line, "ended") && !strings.Contains(line, "began") && !strings.Contains(line, "<option") && !strings.Contains(line, `"next"`) && !strings.Contains(line, "<code>") && !strings.Contains(line, "<button") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "got  " + x[i] + "\nwant " + y[i]
		}
	}
	return "one is longer"
}

func TestADownloadIsTheListOfThePage(t *testing.T) {
	s := serve(t)
	history(t, s.Store)
	got := s.Get("viewer", "/findings/download?format=csv&status=fail")
	lines, err := csv.NewReader(strings.NewReader(got.Body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 4 || !strings.Contains(got.Header.Get("Content-Disposition"), `filename="findings.csv"`) {
		t.Errorf("got %d lines as %q, want a head and three failures", len(lines), got.Header.Get("Content-Disposition"))
	}
	for _, line := range lines {
		for _, cell := range line {
			if strings.HasPrefix(cell, "=") {
				t.Errorf("got a cell that a spreadsheet takes for a formula: %q", cell)
			}
		}
	}
	var list struct {
		Schema   string
		Findings []client.Finding
	}
	if err := json.Unmarshal([]byte(s.Get("viewer", "/findings/download?format=json&account="+string(beta)).Body), &list); err != nil {
		t.Fatal(err)
	}
	if list.Schema != "rootkeep/findings/1" || len(list.Findings) != 5 {
		t.Errorf("got %d findings of schema %q, want 5", len(list.Findings), list.Schema)
	}
	if empty := s.Get("viewer", "/findings/download?format=json&account=444444444444"); json.Unmarshal([]byte(empty.Body), &list) != nil || len(list.Findings) != 0 {
		t.Errorf("an empty list: got %s", empty.Body)
	}
}

func TestBadFiltersAreNamed(t *testing.T) {
	s := serve(t)
	for _, query := range []string{
		"status=maybe", "severity=worst", "account=1", "sort=random", "framework=none", "cursor=x", "account=" + strings.Repeat("111111111111,", 201), "q=" + strings.Repeat("x", 201),
	} {
		for _, path := range []string{"/findings?", "/api/v1/findings?"} {
			if got := s.Get("viewer", path+query); got.Status != 422 {
				t.Errorf("%s%.40s: got %d, want 422", path, query, got.Status)
			}
		}
	}
	if got := s.Get("viewer", "/findings/download?format=xml"); got.Status != 422 {
		t.Errorf("format xml: got %d, want 422", got.Status)
	}
	for _, path := range []string{"/findings/FI-0", "/posture/444444444444", "/controls/XX-99", "/frameworks/none", "/scans/SC-0", "/posture/x%00", "/findings/%ff"} {
		if got := s.Get("viewer", path); got.Status != 404 && got.Status != 400 {
			t.Errorf("%s: got %d, want 404", path, got.Status)
		}
	}
}

func TestTheApiPages(t *testing.T) {
	s := serve(t)
	history(t, s.Store)
	seen := map[string]bool{}
	for path := "/api/v1/findings?limit=3"; path != ""; {
		var p client.Page[client.Finding]
		got := s.Get("viewer", path)
		if err := json.Unmarshal([]byte(got.Body), &p); err != nil || got.Status != 200 {
			t.Fatalf("%s: got %d and %v", path, got.Status, err)
		}
		for _, f := range p.Items {
			if seen[f.ID] {
				t.Errorf("finding %s twice", f.ID)
			}
			seen[f.ID] = true
		}
		path = ""
		if p.Next != "" {
			path = "/api/v1/findings?limit=3&cursor=" + url.QueryEscape(p.Next)
		}
	}
	if len(seen) != 10 {
		t.Errorf("got %d findings over all pages, want 10", len(seen))
	}
	var d client.FindingDetail
	fail := found(alpha)[0]
	if err := json.Unmarshal([]byte(s.Get("viewer", "/api/v1/findings/"+fail.ID()).Body), &d); err != nil {
		t.Fatal(err)
	}
	told := map[string]client.Fact{}
	for _, f := range d.Facts {
		told[f.Path] = f
	}
	if mfa := told["root.mfa_enabled"]; mfa.Call != "iam:GetAccountSummary" || len(mfa.Values) != 1 || mfa.Values[0].JSON != "false" || !mfa.At.Equal(today.Add(-time.Hour)) {
		t.Errorf("the fact behind the failure: got %+v, want false told by iam:GetAccountSummary", mfa)
	}
	if d.Why == "" || d.Fix.Console == "" || len(d.History) != 1 || d.History[0].Kind != "opened" {
		t.Errorf("got why %q, fix %q and %d changes, want all of it and one opening", d.Why, d.Fix.Console, len(d.History))
	}
}

func TestAnExceptionIsAskedForFromTheFinding(t *testing.T) {
	s := serve(t)
	history(t, s.Store)
	list := found(alpha)
	link := "/exceptions/new?account=111111111111&amp;control=RT-01&amp;region=&amp;resource=" + url.QueryEscape(list[0].Resource)
	for _, c := range []struct {
		actor string
		of    rootkeep.Finding
		want  bool
	}{
		{"requester", list[0], true}, {"responder-of-alpha", list[0], true}, {"viewer", list[0], false}, {"requester", list[1], false},
	} {
		if got := s.Get(c.actor, "/findings/"+c.of.ID()); strings.Contains(got.Body, link) != c.want {
			t.Errorf("%s at a finding that is %s: got a link %v, want %v", c.actor, c.of.Status, !c.want, c.want)
		}
	}
}

func TestAChangeIsPlannedFromTheFinding(t *testing.T) {
	list := found(alpha)
	var control string
	s := serveWith(t, func(c *posture.Config) {
		c.Mend = "/changes/new"
		controls := slices.Clone(c.Controls)
		for i, k := range controls {
			if k.ID == list[0].Control { // the shipped one says that a person does it
				mended := *k
				mended.Fix.Change, control = "root-mfa-guide", k.ID
				controls[i] = &mended
			}
		}
		c.Controls = controls
	})
	if control == "" {
		t.Fatalf("%s is no control any more", list[0].Control)
	}
	history(t, s.Store)
	link := "/changes/new?account=111111111111&amp;kind=root-mfa-guide&amp;region=&amp;resource=" + url.QueryEscape(list[0].Resource)
	for _, c := range []struct {
		actor string
		of    rootkeep.Finding
		want  bool
	}{
		{"requester", list[0], true}, {"responder-of-alpha", list[0], true}, {"viewer", list[0], false}, {"requester", list[1], false}, {"responder-of-alpha", found(beta)[0], false},
	} {
		got := s.Get(c.actor, "/findings/"+c.of.ID())
		if strings.Contains(got.Body, link) != c.want || !c.want && strings.Contains(got.Body, "/changes/new?") {
			t.Errorf("%s at a finding of %s that is %s: got a link %v, want %v", c.actor, c.of.Account, c.of.Status, !c.want, c.want)
		}
	}
}

func TestAnOpenRequestIsShownInPlaceOfTheLink(t *testing.T) {
	list := found(alpha)
	s := serveWith(t, func(c *posture.Config) {
		c.Requested = func(context.Context, *store.Reader, people.Actor, rootkeep.AccountID) ([]asked.Request, error) {
			return []asked.Request{
				{ID: "EX-1", Path: "/exceptions/EX-1", Account: alpha, Control: "RT-01"},
				{ID: "EX-2", Path: "/exceptions/EX-2", Account: alpha, Control: "US-01"},
				{ID: "EX-3", Path: "/exceptions/EX-3", Account: beta, Control: "US-01", Region: "eu-west-1"},
				{ID: "EX-4", Path: "/exceptions/EX-4", Account: alpha, Control: "RT-05"},
			}, nil
		}
		c.Approval = func(string, rootkeep.Severity) (string, error) { return "2 of <b>keepers", nil }
	})
	history(t, s.Store)
	for _, c := range []struct {
		name             string
		of               rootkeep.Finding
		request, ask     bool
		approval, stakes bool
	}{
		{"a failure that somebody asks to accept", list[0], true, false, true, true},
		{"one accepted already", list[1], false, false, false, false},
		{"one in another Region and one in another account are asked for", found(beta)[2], false, true, true, false},
		{"one that is not known", list[3], false, false, false, false},
	} {
		got := s.Get("requester", "/findings/"+c.of.ID()).Body
		for what, x := range map[string]struct {
			words string
			want  bool
		}{
			"a request": {"/exceptions/EX-", c.request}, "a link to the form": {"/exceptions/new?", c.ask}, "the approval": {"approval by 2 of &lt;b&gt;keepers", c.approval},
			"what is at stake": {"keys needed: a control of the root user", c.stakes},
		} {
			if strings.Contains(got, x.words) != x.want {
				t.Errorf("%s: got %s: %v, want %v", c.name, what, !x.want, x.want)
			}
		}
	}
	for _, path := range []string{"/findings?account=" + string(alpha), "/posture/" + string(alpha), "/controls/RT-01", "/findings"} {
		if got := s.Get("requester", path); got.Status != 200 || !strings.Contains(got.Body, `<a href="/exceptions/EX-1">exception asked for</a>`) {
			t.Errorf("%s: got %d, want the open request in the list", path, got.Status)
		}
	}
	got := s.Get("requester", "/findings").Body
	if !strings.Contains(got, "/exceptions/new?account=222222222222&amp;control=US-01") || strings.Contains(got, "/exceptions/new?account=111111111111&amp;control=RT-01") {
		t.Error("the list: want a form for what nobody asked for, and none for what somebody did")
	}
	if got := s.Get("viewer", "/findings").Body; strings.Contains(got, "/exceptions/new?") {
		t.Error("a viewer: got a link to a form that is refused")
	}
}

func TestSendingAScan(t *testing.T) {
	s := serve(t)
	begin := func(actor string) client.Scan {
		t.Helper()
		var scan client.Scan
		got := s.JSON(actor, "POST", "/api/v1/sent-scans", "")
		if got.Status == 200 || got.Status == 201 {
			if err := json.Unmarshal([]byte(got.Body), &scan); err != nil {
				t.Fatal(err)
			}
		}
		return scan
	}
	body := func(id rootkeep.AccountID) string {
		text, err := json.Marshal(account(id, today.Add(-time.Hour)))
		if err != nil {
			t.Fatal(err)
		}
		return `{"name": "n", "snapshot": ` + string(text) + `, "counts": [[0,0,0,0,0],[0,0,0,0,1],[0,0,0,0,0],[0,0,0,0,0],[0,0,0,0,0]]}`
	}
	if got := s.JSON("viewer", "POST", "/api/v1/sent-scans", ""); got.Status != 403 {
		t.Errorf("a viewer begins: got %d, want 403", got.Status)
	}
	scan := begin("responder-of-alpha")
	of := "/api/v1/sent-scans/" + scan.ID
	for _, c := range []struct {
		name, actor, method, path, body string
		want                            int
	}{
		{"an account of one's own", "responder-of-alpha", "PUT", of + "/accounts/111111111111", body(alpha), 204},
		{"again", "responder-of-alpha", "PUT", of + "/accounts/111111111111", body(alpha), 204},
		{"an account of somebody else", "responder-of-alpha", "PUT", of + "/accounts/222222222222", body(beta), 403},
		{"another account than it says", "responder-of-alpha", "PUT", of + "/accounts/111111111111", body(beta), 422},
		{"to the scan of somebody else", "admin", "PUT", of + "/accounts/111111111111", body(alpha), 404},
		{"no number", "responder-of-alpha", "PUT", of + "/accounts/alpha", body(alpha), 422},
		{"no snapshot", "responder-of-alpha", "PUT", of + "/accounts/111111111111", `{"snapshot": {}}`, 422},
		{"an unknown member", "responder-of-alpha", "PUT", of + "/accounts/111111111111", `{"snapshots": {}}`, 422},
		{"no JSON", "responder-of-alpha", "PUT", of + "/accounts/111111111111", `<xml>`, 422},
		{"without the permission", "viewer", "PUT", of + "/accounts/111111111111", body(alpha), 403},
		{"an account that could not be read, of somebody else", "responder-of-alpha", "POST", of + "/complete", `{"missed": [{"id": "222222222222", "problem": "denied"}]}`, 403},
		{"the end, by somebody else", "admin", "POST", of + "/complete", `{}`, 404},
		{"the end", "responder-of-alpha", "POST", of + "/complete", `{}`, 202},
		{"after the end", "responder-of-alpha", "PUT", of + "/accounts/111111111111", body(alpha), 409},
		{"the end twice", "responder-of-alpha", "POST", of + "/complete", `{}`, 409},
	} {
		if got := s.JSON(c.actor, c.method, c.path, c.body); got.Status != c.want {
			t.Errorf("%s: got %d, want %d: %.200s", c.name, got.Status, c.want, got.Body)
		}
	}
	err := s.Store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		var n int
		if err := r.Row(ctx, `SELECT COUNT(*) FROM job WHERE kind = 'judge-scan' AND key = $1`, scan.ID).Scan(&n); err != nil {
			return err
		}
		if n != 1 {
			t.Errorf("got %d jobs that judge what was sent, want 1", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Get("responder-of-alpha", "/api/v1/scans/"+scan.ID); got.Status != 200 || !strings.Contains(got.Body, "judging") {
		t.Errorf("its sender looks: got %d %s, want the scan that is judged", got.Status, got.Body)
	}
}

func TestStartingAScan(t *testing.T) {
	s := serve(t)
	for _, c := range []struct {
		actor, settings string
		want            int
	}{
		{"viewer", `{}`, 403}, {"responder-of-alpha", `{}`, 403}, {"responder", `{"organization": true}`, 303}, {"responder", "", 303}, {"responder", `{"bad": 1}`, 422},
	} {
		if got := s.Form(c.actor, "/scans", url.Values{"settings": {c.settings}}); got.Status != c.want {
			t.Errorf("%s with %q: got %d, want %d", c.actor, c.settings, got.Status, c.want)
		}
	}
	if got := s.JSON("responder", "POST", "/api/v1/scans", `{"settings": {"organization": true}}`); got.Status != 202 || !strings.Contains(got.Body, `"kind":"scan"`) {
		t.Errorf("by the API: got %d %s, want a job", got.Status, got.Body)
	}
}

func TestThePagesInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes long")
	}
	if _, err := os.Stat("/usr/bin/chromium"); err != nil && os.Getenv("CI") == "" {
		t.Log("no /usr/bin/chromium; another one may be found")
	}
	s := serve(t)
	b := s.Browser(t)
	b.Photograph("responder", "posture-empty", "/posture")
	history(t, s.Store)
	list := found(alpha)
	b.Photograph("viewer", "posture", "/posture")
	b.Photograph("viewer", "posture-account", "/posture/"+string(alpha))
	b.Photograph("viewer", "findings", "/findings")
	b.Photograph("viewer", "finding-failed", "/findings/"+list[0].ID())
	b.Photograph("viewer", "finding-excepted", "/findings/"+list[1].ID())
	b.Photograph("viewer", "finding-unknown", "/findings/"+list[3].ID())
	b.Photograph("viewer", "controls", "/controls")
	b.Photograph("viewer", "control", "/controls/RT-01")
	b.Photograph("viewer", "frameworks", "/frameworks")
	b.Photograph("viewer", "framework", "/frameworks/cis-aws-7.0")
	b.Photograph("responder", "scans", "/scans")
	b.Photograph("viewer", "scan", "/scans/SC-A3")
}
