package awssim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/sigv4/sigv4test"
)

// clock is a time that a test sets.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) add(d time.Duration) { c.now = c.now.Add(d) }

func keyOf(k *cloud.AccessKey) sigv4test.Key { return sigv4test.Key{ID: k.ID, Secret: k.Secret} }

// ask makes a signed call of the query protocol.
func ask(c http.Handler, key sigv4test.Key, service, region string, at time.Time, form url.Values) *httptest.ResponseRecorder {
	body := []byte(form.Encode())
	r := httptest.NewRequest(http.MethodPost, "http://localhost/", bytes.NewReader(body))
	key.Sign(r, body, region, service, at)
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

func action(name string, more ...string) url.Values {
	form := url.Values{"Action": {name}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// between is the text of an XML answer between two tags.
func between(t *testing.T, w *httptest.ResponseRecorder, tag string) string {
	t.Helper()
	_, rest, ok := strings.Cut(w.Body.String(), "<"+tag+">")
	text, _, closed := strings.Cut(rest, "</"+tag+">")
	if !ok || !closed {
		t.Fatalf("no %s in %d %s", tag, w.Code, w.Body)
	}
	return text
}

func TestFaultsHappenAsTheRuleSays(t *testing.T) {
	time := newClock()
	for _, c := range []struct {
		name  string
		fault cloud.Fault
		want  []string // error code of each call of ListUsers, "" for an answer
	}{
		{"every call is denied", cloud.Fault{Kind: cloud.Deny}, []string{"AccessDenied", "AccessDenied"}},
		{"two are throttled after one", cloud.Fault{Kind: cloud.Throttle, Skip: 1, Times: 2, Service: "iam", Operation: "ListUsers"}, []string{"", "Throttling", "Throttling", ""}},
		{"one fails", cloud.Fault{Kind: cloud.Broken, Times: 1, Account: "111111111111", Region: "us-east-1"}, []string{"InternalFailure", ""}},
		{"another operation does not fit", cloud.Fault{Kind: cloud.Deny, Operation: "ListRoles"}, []string{"", ""}},
		{"another account does not fit", cloud.Fault{Kind: cloud.Deny, Account: "222222222222"}, []string{""}},
		{"another region does not fit", cloud.Fault{Kind: cloud.Deny, Region: "eu-west-1"}, []string{""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim := newCompany(t, cloud.Config{Clock: time.Now})
			sim.AddFault(c.fault)
			for i, want := range c.want {
				w := ask(sim, keyOf(sim.admins["management"]), "iam", "us-east-1", time.Now(), action("ListUsers"))
				got := ""
				if w.Code != http.StatusOK {
					got = between(t, w, "Code")
				}
				if got != want {
					t.Errorf("call %d: got %q, want %q", i, got, want)
				}
			}
			counted := sim.Requests()
			if len(counted) != 1 || counted[0].Calls != len(c.want) || counted[0].Count != (cloud.Count{Service: "iam", Operation: "ListUsers", Account: "111111111111", Region: "us-east-1"}) {
				t.Errorf("counted %+v, want %d calls of ListUsers", counted, len(c.want))
			}
			sim.ClearFaults()
			sim.ResetRequests()
			if w := ask(sim, keyOf(sim.admins["management"]), "iam", "us-east-1", time.Now(), action("ListUsers")); w.Code != http.StatusOK || len(sim.Requests()) != 1 {
				t.Errorf("without rules: got %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestSlowAnswersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newCompany(t, cloud.Config{Clock: time.Now})
		sim.AddFault(cloud.Fault{Kind: cloud.Slow, Delay: 3 * time.Second})
		begin := time.Now()
		if w := ask(sim, keyOf(sim.admins["member"]), "iam", "us-east-1", begin, action("ListUsers")); w.Code != http.StatusOK {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
		if got := time.Since(begin); got != 3*time.Second {
			t.Errorf("the answer came after %s, want 3s", got)
		}
	})
}

func TestACutConnectionEndsInTheAnswer(t *testing.T) {
	sim := newCompany(t, cloud.Config{Clock: time.Now})
	sim.AddFault(cloud.Fault{Kind: cloud.Cut, Times: 1})
	server := httptest.NewServer(sim)
	defer server.Close()
	for i, cut := range []bool{true, false} {
		body := []byte(action("ListUsers").Encode())
		r, err := http.NewRequest(http.MethodPost, server.URL+"/", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = strings.TrimPrefix(server.URL, "http://")
		keyOf(sim.admins["member"]).Sign(r, body, "us-east-1", "iam", time.Now())
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			_, err = new(bytes.Buffer).ReadFrom(answer.Body)
			answer.Body.Close()
		}
		if (err != nil) != cut {
			t.Errorf("call %d: got %v, want a cut: %v", i, err, cut)
		}
	}
}

func TestAWrongTokenIsRefused(t *testing.T) {
	time := newClock()
	sim := newCompany(t, cloud.Config{Clock: time.Now})
	key := keyOf(sim.admins["member"])
	for _, name := range []string{"a", "b"} {
		if w := ask(sim, key, "iam", "us-east-1", time.Now(), action("CreateUser", "UserName", name)); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
	}
	page := func(marker string) *httptest.ResponseRecorder {
		form := action("ListUsers", "MaxItems", "1")
		if marker != "" {
			form.Set("Marker", marker)
		}
		return ask(sim, key, "iam", "us-east-1", time.Now(), form)
	}
	good := between(t, page(""), "Marker")
	if got := between(t, page(good), "UserName"); got != "admin" && got != "b" {
		t.Errorf("second page: got %s", got)
	}
	sim.AddFault(cloud.Fault{Kind: cloud.WrongToken, Times: 1})
	if w := page(between(t, page(""), "Marker")); w.Code != http.StatusBadRequest || between(t, w, "Code") != "InvalidInput" {
		t.Errorf("a wrong token: got %d %s", w.Code, w.Body)
	}
}

// A credential report stays the same for four hours, also when what it reports changes.
func TestTheCredentialReportAges(t *testing.T) {
	time := newClock()
	sim := newCompany(t, cloud.Config{Clock: time.Now})
	key := keyOf(sim.admins["member"])
	call := func(name string, more ...string) *httptest.ResponseRecorder {
		return ask(sim, key, "iam", "us-east-1", time.Now(), action(name, more...))
	}
	report := func() string {
		for range 3 {
			call("GenerateCredentialReport")
		}
		return between(t, call("GetCredentialReport"), "Content")
	}
	before := report()
	if w := call("CreateUser", "UserName", "new"); w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	time.add(4*hour - 1)
	if report() != before {
		t.Error("the report changes before four hours")
	}
	time.add(1)
	if w := call("GetCredentialReport"); between(t, w, "Code") != "ReportExpired" {
		t.Errorf("after four hours: got %s", w.Body)
	}
	if report() == before {
		t.Error("the new report is the old one")
	}
}

const hour = time.Hour

// A session of root is limited to its task and ends on time; its calls are recorded in
// the member's account, under the key that the record of AssumeRoot shows.
func TestARootSessionIsShortAndNarrow(t *testing.T) {
	time := newClock()
	sim := newCompany(t, cloud.Config{Clock: time.Now})
	o := sim.Organization
	o.ServiceAccess["iam.amazonaws.com"], o.RootCredentials = time.Now(), true
	w := ask(sim, keyOf(sim.admins["management"]), "sts", "eu-west-1", time.Now(), action("AssumeRoot", "TargetPrincipal", "333333333333",
		"TaskPolicyArn.arn", "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials", "DurationSeconds", "900"))
	root := sigv4test.Key{ID: between(t, w, "AccessKeyId"), Secret: between(t, w, "SecretAccessKey"), Token: between(t, w, "SessionToken")}
	if got := ask(sim, root, "iam", "us-east-1", time.Now(), action("ListMFADevices")); got.Code != http.StatusOK {
		t.Errorf("the devices of root: got %d %s", got.Code, got.Body)
	}
	if got := ask(sim, root, "iam", "us-east-1", time.Now(), action("GetMFADevice", "SerialNumber", "x")); between(t, got, "Code") != "AccessDenied" {
		t.Errorf("what is not in the task: got %s", got.Body)
	}
	time.add(15 * 60 * 1e9)
	if got := ask(sim, root, "iam", "us-east-1", time.Now(), action("ListMFADevices")); between(t, got, "Code") != "ExpiredToken" {
		t.Errorf("after 15 minutes: got %s", got.Body)
	}
	asked, done := sim.management.Events("eu-west-1"), sim.member.Events("us-east-1")
	if len(asked) != 1 || len(done) != 2 || !strings.Contains(string(asked[0].JSON), root.ID) || done[0].AccessKey != root.ID {
		t.Fatalf("got %d records at management and %d at the member, want 1 and 2 with the key %s", len(asked), len(done), root.ID)
	}
	var record struct {
		UserIdentity struct {
			Type           string
			SessionContext struct {
				AssumedRoot string
				Attributes  map[string]string
			}
		}
	}
	if err := json.Unmarshal(done[0].JSON, &record); err != nil {
		t.Fatal(err)
	}
	if u := record.UserIdentity; u.Type != "Root" || u.SessionContext.AssumedRoot != "true" || u.SessionContext.Attributes["mfaAuthenticated"] != "false" {
		t.Errorf("record of the session: %s", done[0].JSON)
	}
}

// Turning the features off, or the delegate away, does not end a session that was
// issued; the next one is refused.
func TestAssumeRootNeedsEachOfItsConditions(t *testing.T) {
	time := newClock()
	ready := func(c *company) {
		o := c.Organization
		o.ServiceAccess["iam.amazonaws.com"], o.RootCredentials = time.Now(), true
	}
	for _, c := range []struct {
		name   string
		change func(*company)
		target string
		want   string
	}{
		{"all is ready", func(*company) {}, "333333333333", ""},
		{"by the ARN of root", func(*company) {}, "arn:aws:iam::333333333333:root", ""},
		{"trusted access is off", func(c *company) { clear(c.Organization.ServiceAccess) }, "333333333333", "trusted access"},
		{"the feature is off", func(c *company) { c.Organization.RootCredentials = false }, "333333333333", "RootCredentialsManagement"},
		{"the target is closed", func(c *company) { c.member.Status = "SUSPENDED" }, "333333333333", "no active member account"},
		{"the target is not in the organization", func(c *company) { c.member.Parent = "" }, "333333333333", "no active member account"},
		{"the target is the management account", func(*company) {}, "111111111111", "management account"},
		{"the caller may not", func(c *company) { c.management.Users["admin"].Attached = nil }, "333333333333", "no identity-based policy allows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim := newCompany(t, cloud.Config{Clock: time.Now})
			ready(sim)
			c.change(sim)
			w := ask(sim, keyOf(sim.admins["management"]), "sts", "us-east-1", time.Now(), action("AssumeRoot", "TargetPrincipal", c.target,
				"TaskPolicyArn.arn", "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"))
			if got := w.Body.String(); (w.Code == http.StatusOK) != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %d %s, want %q", w.Code, got, c.want)
			}
		})
	}
	sim := newCompany(t, cloud.Config{Clock: time.Now})
	ready(sim)
	root := sim.member.Root.Keys[0]
	if w := ask(sim, keyOf(root), "sts", "us-east-1", time.Now(), action("AssumeRoot", "TargetPrincipal", "333333333333", "TaskPolicyArn.arn", "x")); !strings.Contains(w.Body.String(), "only users and roles") {
		t.Errorf("root asks: got %s", w.Body)
	}
}

// Every operation needs a permission that AWS has, or one that is newer than the table.
func TestActionsArePermissionsOfAWS(t *testing.T) {
	sim, err := awssim.New(cloud.Config{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range sim.Services() {
		for _, o := range s.Operations {
			n++
			prefix, name, _ := strings.Cut(o.Action, ":")
			if _, ok := metadata.FindAction(prefix, name); !ok {
				t.Errorf("%s %s: %s is no permission of AWS", s.Name, o.Name, o.Action)
			}
		}
	}
	if n < 400 {
		t.Errorf("%d operations, want at least 400", n)
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	time := newClock()
	sim := newCompany(t, cloud.Config{Clock: time.Now})
	var group sync.WaitGroup
	failed := make(chan error, 64)
	for i := range 32 {
		group.Go(func() {
			w := ask(sim, keyOf(sim.admins["member"]), "iam", "us-east-1", time.now, action("CreateUser", "UserName", fmt.Sprintf("user-%d", i)))
			if w.Code != http.StatusOK {
				failed <- errors.New(w.Body.String())
			}
		})
	}
	group.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	if got := len(sim.member.Users); got != 33 {
		t.Errorf("got %d users, want 33", got)
	}
}

// Whatever a stranger sends is answered, and never with a panic.
func FuzzServe(f *testing.F) {
	f.Add("POST", "/", "", "Action=ListUsers")
	f.Add("GET", "/bucket?policy", "", "")
	f.Add("POST", "/service/GraniteServiceVersion20100801/operation/DescribeAlarms", "AmazonSQS.ListQueues", "\xbf\xff")
	f.Fuzz(func(t *testing.T, method, target, amz, body string) {
		sim := newCompany(t, cloud.Config{Clock: newClock().Now})
		u, err := url.ParseRequestURI("http://localhost" + target)
		if err != nil || strings.ContainsAny(method, " \r\n\t") || method == "" {
			return
		}
		for _, service := range []string{"", "iam", "s3", "monitoring", "sqs", "guardduty", "ec2"} {
			r := httptest.NewRequest(http.MethodGet, "http://localhost/", strings.NewReader(body))
			r.Method, r.URL = method, u
			if amz != "" {
				r.Header.Set("X-Amz-Target", amz)
			}
			if service != "" {
				keyOf(sim.admins["member"]).Sign(r, []byte(body), "us-east-1", service, sim.Now())
			}
			w := httptest.NewRecorder()
			sim.ServeHTTP(w, r)
			if w.Code < 200 || w.Code == http.StatusInternalServerError {
				t.Errorf("%s %s of %s: got %d %s", method, target, service, w.Code, w.Body)
			}
		}
	})
}
