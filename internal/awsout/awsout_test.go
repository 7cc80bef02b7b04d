package awsout_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsout"
	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/report/asff"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
)

const account = "111111111111"

// world is a simulated account that uses Security Hub in eu-west-1.
type world struct {
	*cloud.Cloud
	t     *testing.T
	admin cloud.Caller
	// before, if set, may answer a request in place of the simulator.
	before func(http.ResponseWriter, []byte) bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c, err := awssim.New(cloud.Config{Clock: time.Now, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.AddAccount(account, "alone", "alone@example.com", c.Now())
	if err != nil {
		t.Fatal(err)
	}
	u := &cloud.User{Holder: cloud.Holder{
		Name: "admin", Path: "/", ID: c.UniqueID("AIDA"), ARN: a.IAM("user/admin"), Created: c.Now(), Inline: map[string]string{},
		Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"},
	}}
	a.Users["admin"] = u
	w := &world{Cloud: c, t: t, admin: cloud.UserCaller(a, u)}
	u.Keys = []*cloud.AccessKey{c.NewKey(w.admin, c.Now())}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if w.before == nil || !w.before(rw, body) {
			c.ServeHTTP(rw, r)
		}
	}))
	t.Cleanup(server.Close)
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": u.Keys[0].ID, "AWS_SECRET_ACCESS_KEY": u.Keys[0].Secret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	w.call("EnableSecurityHub", nil)
	c.ResetRequests()
	return w
}

func (w *world) call(operation string, parameters map[string]any) map[string]any {
	w.t.Helper()
	out, err := w.Invoke(cloud.Invocation{Caller: w.admin, Region: "eu-west-1", Service: "securityhub", Operation: operation, Parameters: parameters})
	if err != nil {
		w.t.Fatalf("%s: %v", operation, err)
	}
	return out
}

// held lists the findings that Security Hub has, as "resource status state".
func (w *world) held() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for token := ""; ; {
		page := w.call("GetFindings", map[string]any{"NextToken": token, "MaxResults": 100})
		text, err := json.Marshal(page)
		if err != nil {
			w.t.Fatal(err)
		}
		var list struct {
			Findings []struct {
				RecordState string
				Compliance  struct{ Status string }
				Severity    struct{ Label string }
				Resources   []struct{ Id string }
			}
			NextToken string
		}
		if err := json.Unmarshal(text, &list); err != nil {
			w.t.Fatal(err)
		}
		for _, f := range list.Findings {
			out[f.Resources[0].Id] = f.Compliance.Status + " " + f.RecordState + " " + f.Severity.Label
		}
		if token = list.NextToken; token == "" {
			return out
		}
	}
}

// hub opens Security Hub; pauses are not waited for.
func (w *world) hub(region string) *awsout.Hub {
	w.t.Helper()
	h, err := awsout.Open(context.Background(), awsout.Config{Region: region, Sleep: func(context.Context, time.Duration) error { return nil }})
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func (w *world) send(h *awsout.Hub, list []asff.Finding) *assessment.Imported {
	w.t.Helper()
	out, err := h.Import(context.Background(), list)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// scan makes findings of one control with these statuses.
func scan(t *testing.T, id rootkeep.AccountID, statuses ...rootkeep.Status) []asff.Finding {
	t.Helper()
	var list []rootkeep.Finding
	for i, s := range statuses {
		list = append(list, rootkeep.Finding{Control: "A-1", Title: "T", Severity: rootkeep.High, Status: s, Account: id, Resource: fmt.Sprint("r", i)})
	}
	a := assessment.New("v", time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), nil)
	a.Add(&facts.Snapshot{Account: id}, list)
	out, err := asff.Of(a, "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatIsResolvedIsArchived(t *testing.T) {
	w := newWorld(t)
	h := w.hub("eu-west-1")
	w.send(h, scan(t, account, rootkeep.Fail, rootkeep.Fail, rootkeep.Unknown))
	got := w.send(h, scan(t, account, rootkeep.Pass, rootkeep.Fail, rootkeep.NotApplicable))
	if diff := cmp.Diff(&assessment.Imported{Region: "eu-west-1", Active: 1, Archived: 2, Failed: []assessment.NotImported{}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := map[string]string{"r0": "PASSED ARCHIVED INFORMATIONAL", "r1": "FAILED ACTIVE HIGH", "r2": "NOT_AVAILABLE ARCHIVED INFORMATIONAL"}
	if diff := cmp.Diff(want, w.held()); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
}

func TestAHundredFindingsGoInOneCall(t *testing.T) {
	w := newWorld(t)
	got := w.send(w.hub("eu-west-1"), scan(t, account, make([]rootkeep.Status, 250)...))
	if got.Active != 250 || len(w.held()) != 250 {
		t.Errorf("got %+v and %d held, want 250", got, len(w.held()))
	}
	calls := map[string]int{}
	for _, r := range w.Requests() {
		if r.Operation != "GetFindings" { // the test's own
			calls[r.Service+":"+r.Operation] += r.Calls
		}
	}
	if diff := cmp.Diff(map[string]int{"securityhub:BatchImportFindings": 3}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestWhatIsNotTakenIsReported(t *testing.T) {
	w := newWorld(t)
	list := append(scan(t, account, rootkeep.Fail, rootkeep.Fail), scan(t, "222222222222", make([]rootkeep.Status, 150)...)...)
	list[1].Title = strings.Repeat("x", 300)
	got := w.send(w.hub("eu-west-1"), list)
	want := &assessment.Imported{Region: "eu-west-1", Active: 1, Failed: []assessment.NotImported{
		{ID: list[1].ID, Account: account, Code: "InvalidInput", Reason: "Finding does not adhere to Amazon Finding Format. data.Title should have 1 to 256 characters", Findings: 1},
		{Account: "222222222222", Code: "InvalidInput", Reason: "AwsAccountId is not the account that imports", Findings: 150},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	lines := strings.Join(got.Lines(), "\n")
	if !strings.Contains(lines, "not imported: 150 findings of account 222222222222: InvalidInput: AwsAccountId") || !strings.Contains(lines, "not imported: "+list[1].ID+" of account") {
		t.Errorf("got lines\n%s", lines)
	}
}

func TestARefusedCallIsToldOnce(t *testing.T) {
	for _, c := range []struct {
		name, region string
		fault        bool
		want         string
	}{
		{"Security Hub is off in the Region", "eu-west-3", false, "hint: enable Security Hub in this account and Region"},
		{"the permission is missing", "eu-west-1", true, "hint: allow securityhub:BatchImportFindings"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if c.fault {
				w.AddFault(cloud.Fault{Kind: cloud.Deny, Service: "securityhub", Operation: "BatchImportFindings"})
			}
			got := w.send(w.hub(c.region), scan(t, account, make([]rootkeep.Status, 250)...))
			if got.Active != 0 || len(got.Failed) != 1 || got.Failed[0].Findings != 250 || !strings.Contains(got.Failed[0].Reason, c.want) {
				t.Errorf("got %+v, want one failure of 250 findings with %q", got, c.want)
			}
		})
	}
}

// Security Hub may fail at a single finding of a call; that one is tried again.
func TestAFindingThatFailedIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name     string
		failures int
		active   int
		failed   int
	}{{"once", 1, 2, 0}, {"twice", 2, 2, 0}, {"always", 100, 1, 1}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			list := scan(t, account, rootkeep.Fail, rootkeep.Fail)
			calls := 0
			w.before = func(rw http.ResponseWriter, body []byte) bool {
				if !bytes.Contains(body, []byte(list[1].ID)) {
					return false
				}
				if calls++; calls > c.failures {
					return false
				}
				n := bytes.Count(body, []byte(`"SchemaVersion"`))
				fmt.Fprintf(rw, `{"FailedCount": 1, "SuccessCount": %d, "FailedFindings": [{"Id": %q, "ErrorCode": "InternalFailure", "ErrorMessage": "try again"}]}`, n-1, list[1].ID)
				return true
			}
			got := w.send(w.hub("eu-west-1"), list)
			if got.Active != c.active || len(got.Failed) != c.failed {
				t.Errorf("got %+v, want %d imported and %d failed", got, c.active, c.failed)
			}
		})
	}
}

func TestThrottlingIsWaitedOut(t *testing.T) {
	w := newWorld(t)
	w.AddFault(cloud.Fault{Kind: cloud.Throttle, Service: "securityhub", Operation: "BatchImportFindings", Times: 2})
	if got := w.send(w.hub("eu-west-1"), scan(t, account, rootkeep.Fail)); got.Active != 1 {
		t.Errorf("got %+v, want one imported", got)
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	newWorld(t)
	if _, err := awsout.Open(context.Background(), awsout.Config{}); err == nil || !strings.Contains(err.Error(), "hint: --region") {
		t.Errorf("got %v, want a hint about the Region", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if _, err := awsout.Open(context.Background(), awsout.Config{Region: "eu-west-1"}); err == nil || !strings.Contains(err.Error(), "no AWS credentials") {
		t.Errorf("got %v, want no credentials", err)
	}
}

func TestNothingThatAHelperPrintsIsRepeated(t *testing.T) {
	newWorld(t)
	profile := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(profile, []byte("[profile helped]\ncredential_process = echo TOPSECRET\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", profile)
	_, err := awsout.Open(context.Background(), awsout.Config{Profile: "helped", Region: "eu-west-1"})
	if err == nil || strings.Contains(err.Error(), "TOPSECRET") || !strings.HasSuffix(err.Error(), "; hint: run it by hand") {
		t.Errorf("got %v, want that the helper gave no credentials, without what it printed", err)
	}
}

func TestAnInterruptedImportSaysSo(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := w.hub("eu-west-1").Import(ctx, scan(t, account, rootkeep.Fail)); err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("got %v, want it canceled", err)
	}
}
