package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/changes"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/changes/subject"
	"github.com/rootkeep/rootkeep/internal/web/exceptions"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
	"github.com/rootkeep/rootkeep/internal/web/signin"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// exceptionServer starts a server with the people of exceptionstest, who sign in with
// passes; the commands find it in the environment.
func exceptionServer(t *testing.T) *exceptionstest.World {
	t.Helper()
	w := &exceptionstest.World{Store: webtest.Store(t)}
	w.At(time.Now())
	webtest.ForCommands(t, w.Store, time.Now, func(address *url.URL, _ *signin.SignIn) []web.Area {
		w.Open(t, approval.SiteOf(address))
		w.Desk.Kinds = append(w.Desk.Kinds, stored.Kind(0))
		area, err := exceptions.Area(exceptions.Config{Store: w.Store, Desk: w.Desk, Now: time.Now, Controls: exceptionstest.Controls()})
		if err != nil {
			t.Fatal(err)
		}
		requests, err := approvals.Area(approvals.Config{Store: w.Store, Desk: w.Desk.Desk, Now: time.Now, Faces: []approvals.Face{exceptions.Face(), subject.Face()}})
		if err != nil {
			t.Fatal(err)
		}
		return []web.Area{area, requests}
	})
	return w
}

// as gives the environment the pass of a person.
func as(t *testing.T, w *exceptionstest.World, p *exceptionstest.Person) {
	t.Helper()
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		_, secret, err := persons.IssuePass(ctx, tx, p.ID, time.Now())
		t.Setenv("ROOTKEEP_TOKEN", secret.Reveal())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// runs runs a command line and wants its exit code.
func runs(t *testing.T, code int, args ...string) (out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	if got := run(t.Context(), args, strings.NewReader(""), &o, &e); got != code {
		t.Fatalf("rootkeep %s: got exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, o.String(), e.String())
	}
	return o.String(), e.String()
}

func contains(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("got no %q in\n%s", w, text)
		}
	}
}

func TestExceptionCommands(t *testing.T) {
	w := exceptionServer(t)
	as(t, w, w.Ann)
	until := time.Now().AddDate(0, 1, 0).Format(time.DateOnly)
	ask := []string{"exception", "request", "--account", "111122223333", "--control", "RT-01", "--owner", "jane@example.com", "--until", until, "--reason", "the key arrives"}
	out, _ := runs(t, 0, ask...)
	contains(t, out, "is asked for: http://localhost:", "Root user has MFA (critical)", "the key arrives", until)
	id := regexp.MustCompile(`EX-[0-9A-Z]+`).FindString(out)

	out, _ = runs(t, 0, "exception", "list", "--state", "requested")
	contains(t, out, id, "requested", "111122223333", "RT-01", "jane@example.com: the key arrives")
	out, _ = runs(t, 0, "exception", "list", "--state", "approved")
	contains(t, out, "no exception")
	out, _ = runs(t, 0, "approve", id, "--no-browser")
	contains(t, out, os.Getenv("ROOTKEEP_SERVER")+"/approvals/"+id+"\n")

	as(t, w, w.Bob)
	_, errs := runs(t, 1, "approve", id, "--print-statement")
	contains(t, errs, "no statement about "+id+" waits for the signature")
	s, err := w.Issue(t, w.Bob, id, approval.Approve)
	if err != nil {
		t.Fatal(err)
	}
	out, _ = runs(t, 0, "approve", id, "--print-statement")
	contains(t, out, string(s.Bytes())+"\n", s.Challenge().String(), "Approval of", "the key arrives")
	out, _ = runs(t, 0, "approve", id, "--print-statement", "--output", "json")
	contains(t, out, `"schema": "rootkeep/approval-print/1"`, s.Challenge().String())
	if _, err := w.Desk.Decide(t.Context(), w.Store, w.Bob.Actor, id, s.Nonce, w.Bob.Sign(t, s, w.Desk.Site)); err != nil {
		t.Fatal(err)
	}
	out, _ = runs(t, 0, "exception", "show", id)
	contains(t, out, id+"  requested", "Needs 2 of Approvers of the account (approvers): "+w.Bob.ID, "approved by "+w.Bob.ID)
	out, _ = runs(t, 0, "exception", "show", id, "--output", "json")
	var detail client.ExceptionDetail
	if err := json.Unmarshal([]byte(out), &detail); err != nil || detail.ID != id || len(detail.Approvals) != 1 {
		t.Errorf("got %+v, %v from JSON, want one approval", detail, err)
	}

	_, errs = runs(t, 1, "exception", "withdraw", id)
	contains(t, errs, "this needs the permission request", "pass of a person")
	as(t, w, w.Ann)
	out, _ = runs(t, 0, "exception", "withdraw", id)
	contains(t, out, id+" is withdrawn")
	_, errs = runs(t, 1, "exception", "withdraw", id)
	contains(t, errs, "withdrawn", "the request is decided")
	_, errs = runs(t, 1, append(ask, "--control", "XX-01")...)
	contains(t, errs, "there is no control", "rootkeep controls list")
}

// TestApproveTakesAChange prints what is signed of a request of another kind.
func TestApproveTakesAChange(t *testing.T) {
	w := exceptionServer(t)
	desk, err := stored.New(stored.Desk{Desk: w.Desk.Desk})
	if err != nil {
		t.Fatal(err)
	}
	var c *stored.Change
	err = w.Change(t, func(ctx context.Context, tx *store.Tx) (err error) {
		c, err = desk.Plan(ctx, tx, w.Ann.Actor, &change.Plan{
			Account: exceptionstest.Account, Breaks: "x\x1b[2J\nSHA-256", Class: "identity", Created: tx.Now().Truncate(time.Second), Diff: []change.Difference{}, Final: []string{},
			Calls: []change.Planned{{Call: change.Call{Operation: "iam:UpdateAccountPasswordPolicy", Account: exceptionstest.Account, Region: "us-east-1", With: map[string]any{}}, Step: "set"}},
			ID:    "CH-1", Kind: "password-policy", KindHash: "0", Parameters: map[string]any{}, Partition: "aws", Prior: map[string]any{}, Region: "us-east-1",
			Resources: []string{"x"}, Risk: "low", Schema: change.PlanSchema, Title: "Password policy", Wants: map[string]any{},
		})
		if err != nil {
			return err
		}
		c, err = desk.Request(ctx, tx, w.Ann.Actor, c.ID, c.Hash)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Issue(t, w.Bob, c.ID, approval.Approve)
	if err != nil {
		t.Fatal(err)
	}
	as(t, w, w.Bob)
	out, _ := runs(t, 0, "approve", c.ID, "--print-statement")
	contains(t, out, "Action     change password-policy", "Policy     change-identity, version 1: 1 of approvers", `"operation": "iam:UpdateAccountPasswordPolicy"`, "SHA-256 of the subject\n"+c.Hash, s.Challenge().String())
	if strings.Contains(out, "\x1b") {
		t.Errorf("got what a terminal obeys: %q", out)
	}
	out, _ = runs(t, 0, "approve", c.ID, "--print-statement", "--output", "json")
	var printed struct{ Documents map[string]string }
	if err := json.Unmarshal([]byte(out), &printed); err != nil || printed.Documents["subject"] != string(c.Plan) {
		t.Errorf("got %v and another subject than the plan, %v", printed, err)
	}
}

func TestExceptionCommandLinesThatAreWrong(t *testing.T) {
	t.Setenv("ROOTKEEP_SERVER", "")
	for name, args := range map[string][]string{
		"an ID that would lead elsewhere": {"approve", "../people", "--no-browser", "--server", "https://a.example"},
		"no server":                       {"approve", "EX-1", "--no-browser"},
		"a server without encryption":     {"approve", "EX-1", "--no-browser", "--server", "http://a.example"},
		"a request without a reason":      {"exception", "request", "--account", "111122223333"},
		"an output that is none":          {"exception", "show", "EX-1", "--output", "xml"},
		"two things at once":              {"approve", "EX-1", "--no-browser", "--print-statement"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, errs := runs(t, 64, args...); !strings.Contains(errs, "rootkeep: ") {
				t.Errorf("got no reason on stderr: %q", errs)
			}
		})
	}
}

// savedApproval writes an approval of Bob's into a file.
func savedApproval(t *testing.T) (path string, record *approval.Record) {
	t.Helper()
	w := &exceptionstest.World{Store: webtest.Store(t)}
	w.At(time.Now())
	w.Open(t, exceptionstest.Site)
	x := w.Submit(t, "PW-08")
	s, err := w.Issue(t, w.Bob, x.ID, approval.Approve)
	if err != nil {
		t.Fatal(err)
	}
	assertion := w.Bob.Sign(t, s, w.Desk.Site)
	if _, err := w.Desk.Decide(t.Context(), w.Store, w.Bob.Actor, x.ID, s.Nonce, assertion); err != nil {
		t.Fatal(err)
	}
	record = w.Record(t, x.ID)
	text, err := record.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "approval.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, record
}

func TestApproveVerify(t *testing.T) {
	path, record := savedApproval(t)
	out, _ := runs(t, 0, "approve", "verify", path)
	contains(t, out, path+": holds", "Decision   approve", "https://root.example.com, as the file says; --url compares it", "as the file says; --key compares it", "accept failure of PW-08", "1 of approvers", "the key arrives in December")
	out, _ = runs(t, 0, "approve", "verify", path, "--url", "https://root.example.com", "--key", record.Key.Fingerprint().String())
	contains(t, out, "https://root.example.com, as asked for", "Key        "+record.Key.Fingerprint().String()+", as asked for")
	out, _ = runs(t, 4, "approve", "verify", path, "--url", "https://other.example.com")
	contains(t, out, "does not hold: signed on https://root.example.com, not on https://other.example.com")
	out, _ = runs(t, 4, "approve", "verify", path, "--key", strings.Repeat("0", 64))
	contains(t, out, "does not hold: signed with the key")

	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	forged := filepath.Join(t.TempDir(), "forged.json")
	if err := os.WriteFile(forged, bytes.Replace(text, []byte("the key arrives"), []byte("the keys arrive"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ = runs(t, 4, "approve", "verify", forged, "--output", "json")
	contains(t, out, `"holds": false`, `"why": "request EX-`, "the subject is not the one", `"exit_codes": [`)
	_, errs := runs(t, 1, "approve", "verify", filepath.Join(t.TempDir(), "none.json"))
	contains(t, errs, "no such file")
	_, errs = runs(t, 1, "approve", "verify", os.Args[0])
	contains(t, errs, "approval: ")
}

// TestAnApprovalIsCheckedByHand runs the commands of docs/approvals.md on a saved
// approval: whoever does not trust this program can do without it.
func TestAnApprovalIsCheckedByHand(t *testing.T) {
	for _, tool := range []string{"bash", "openssl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("an approval is not checked by hand: %v", err)
		}
	}
	document, err := os.ReadFile("../../docs/approvals.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(document), "```sh by-hand.sh\n")
	script, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("docs/approvals.md has no script by-hand.sh")
	}
	path, record := savedApproval(t)
	by := func(path string) (string, error) {
		c := exec.CommandContext(t.Context(), "bash", "-c", script)
		c.Dir, c.Env = t.TempDir(), append(os.Environ(), "FILE="+path)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := by(path)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	contains(t, out, approval.Sum([]byte(record.Statement)).String(), "Verified OK", "user present, user verified", record.Site.Origin)
	if n := strings.Count(out, ": same"); n != 5 {
		t.Errorf("got %d comparisons that came out the same, want 5\n%s", n, out)
	}
	record.Statement = strings.Replace(record.Statement, `"approve"`, `"deny"`, 1)
	text, err := record.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	forged := filepath.Join(t.TempDir(), "forged.json")
	if err := os.WriteFile(forged, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := by(forged); err == nil {
		t.Errorf("a decision that was turned round passes by hand:\n%s", out)
	}
}
