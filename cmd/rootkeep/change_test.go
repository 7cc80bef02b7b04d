package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/app/alter/altertest"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/changes"
	"github.com/rootkeep/rootkeep/internal/web/changes/subject"
	"github.com/rootkeep/rootkeep/internal/web/exceptions"
	"github.com/rootkeep/rootkeep/internal/web/proposals"
	"github.com/rootkeep/rootkeep/internal/web/signin"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// changeServer starts a server with the people and the accounts of altertest, who sign in
// with passes; the commands find it in the environment.
func changeServer(t *testing.T) *altertest.World {
	t.Helper()
	s := webtest.Store(t)
	var w *altertest.World
	webtest.ForCommands(t, s, time.Now, func(address *url.URL, _ *signin.SignIn) []web.Area {
		w = altertest.Open(t, s, approval.SiteOf(address))
		area, err := changes.Area(changes.Config{Store: s, Desk: w.Desk, Engine: w.Engine, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		requests, err := approvals.Area(approvals.Config{Store: s, Desk: w.World.Desk.Desk, Now: time.Now, Faces: []approvals.Face{subject.Face(), exceptions.Face()}})
		if err != nil {
			t.Fatal(err)
		}
		controls, problems, err := scan.LoadControls(nil)
		if err = errors.Join(append(problems, err)...); err != nil {
			t.Fatal(err)
		}
		proposed, err := proposals.Area(proposals.Config{Store: s, Controls: controls, Kinds: w.Engine.Kinds()})
		if err != nil {
			t.Fatal(err)
		}
		return []web.Area{area, requests, proposed}
	})
	return w
}

var changeID = regexp.MustCompile(`CH-[0-9A-Z]+`)

// planned runs a command line that plans, and gives the ID and the hash of the plan.
func planned(t *testing.T, args ...string) (id, hash, out string) {
	t.Helper()
	out, _ = runs(t, 0, append([]string{"change"}, args...)...)
	return changeID.FindString(out), regexp.MustCompile(`(?m)^  [0-9a-f]{64}$`).FindString(out)[2:], out
}

// TestChangeCommands leads a change from its plan to its undo.
func TestChangeCommands(t *testing.T) {
	w := changeServer(t)
	as(t, w.World, w.Ann)
	id, hash, out := planned(t, "plan", "password-policy", "--account", "111111111111", "--set", "minimum_length=16")
	contains(t, out, id+"  planned  password-policy in 111111111111\n", "class identity, risk low", "minimum_length = 16\n", "MAY BREAK\n", "CALLS, IN THIS ORDER\n  1. iam:UpdateAccountPasswordPolicy in us-east-1 of 111111111111\n",
		"STATE BEFORE\n  policy = null\n", "UNDO, LAST FIRST\n  iam:DeleteAccountPasswordPolicy", "NEXT\n  rootkeep change request "+id+" --plan-sha256 "+hash+"\n")
	_, errs := runs(t, 1, "change", "request", id, "--plan-sha256", strings.Repeat("0", 64))
	contains(t, errs, "the plan of change "+id+" has the SHA-256 "+hash)
	out, _ = runs(t, 0, "change", "request", id, "--plan-sha256", hash)
	contains(t, out, id+" is requested", "/approvals/"+id)
	_, errs = runs(t, 1, "change", "apply", id, "--plan-sha256", hash)
	contains(t, errs, id+" is requested, and not begun")
	w.Approve(t, id, w.Bob)
	out, _ = runs(t, 0, "change", "status", id)
	contains(t, out, "approved", "approve by "+w.Bob.ID, "rootkeep change apply "+id)
	out, _ = runs(t, 0, "change", "status", "--state", "approved", "--kind", "password-policy")
	contains(t, out, id, "approved", "111111111111")
	out, _ = runs(t, 0, "change", "approve", id, "--no-browser")
	contains(t, out, "/approvals/"+id)
	old(t, w)
	_, errs = runs(t, 1, "change", "apply", id, "--plan-sha256", hash)
	contains(t, errs, "make a new pass")
	as(t, w.World, w.Ann)
	_, errs = runs(t, 1, "change", "apply", id, "--plan-sha256", strings.Repeat("0", 64))
	contains(t, errs, "this is not the plan that was approved")
	out, _ = runs(t, 0, "change", "apply", id, "--plan-sha256", hash, "--wait")
	contains(t, out, id+" is applied\n")
	out, _ = runs(t, 0, "change", "status", id, "--output", "json")
	var detail client.AccountChangeDetail
	if err := json.Unmarshal([]byte(out), &detail); err != nil || detail.State != "applied" || len(detail.Made) != 1 || !strings.Contains(out, `"schema": "rootkeep/change-detail/1"`) {
		t.Errorf("got %+v, %v from JSON, want it applied in one call", detail, err)
	}
	_, errs = runs(t, 1, "change", "plan", "password-policy", "--account", "111111111111", "--set", "minimum_length=16")
	contains(t, errs, "there is nothing to change")
	undo, _, out := planned(t, "undo", id, "--request")
	contains(t, out, undo+"  requested", "undoes "+id, "needs 1 of", "rootkeep change approve "+undo)
	out, _ = runs(t, 0, "change", "withdraw", undo)
	contains(t, out, undo+" is withdrawn")
	_, errs = runs(t, 1, "change", "give-up", id)
	contains(t, errs, "is applied, and not given up")
}

// old gives the environment a pass of Ann's whose key was touched an hour ago.
func old(t *testing.T, w *altertest.World) {
	t.Helper()
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		_, secret, err := persons.IssuePass(ctx, tx, w.Ann.ID, time.Now().Add(-time.Hour))
		t.Setenv("ROOTKEEP_TOKEN", secret.Reveal())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAFinalChangeSaysSoFirst plans what cannot be undone, and what is refused.
func TestAFinalChangeSaysSoFirst(t *testing.T) {
	w := changeServer(t)
	as(t, w.World, w.Ann)
	id, hash, out := planned(t, "plan", altertest.FinalKind, "--account", "222222222222", "--set", "name=house", "--set", "owners=jane,tom", "--set", "keep=30d", "--request")
	if i := strings.Index(out, "\nCANNOT BE UNDONE\n  Whoever joins the group"); i < 0 || i != strings.Index(out, "\n\n")+1 {
		t.Errorf("got a card that does not begin with what cannot be undone\n%s", out)
	}
	contains(t, out, "keep = 2592000\n", `owners = ["jane","tom"]`+"\n")
	w.Approve(t, id, w.Bob, w.Gus)
	runs(t, 0, "change", "apply", id, "--plan-sha256", hash, "--wait")
	_, errs := runs(t, 1, "change", "undo", id)
	contains(t, errs, "it cannot be undone")
	_, errs = runs(t, 1, "change", "plan", altertest.FinalKind, "--account", "222222222222", "--set", "name=taken", "--set", "loud=yes")
	contains(t, errs, "nobody may be told of taken", "the name is taken; hint: choose another one")
	as(t, w.World, w.Bob)
	_, errs = runs(t, 1, "change", "plan", "password-policy", "--account", "222222222222")
	contains(t, errs, "this needs the permission request", "pass of a person")
}

// TestChangeBatchCommands applies a batch, the canary first.
func TestChangeBatchCommands(t *testing.T) {
	w := changeServer(t)
	as(t, w.World, w.Ann)
	out, _ := runs(t, 0, "change", "batch", "plan", "password-policy", "--accounts", "111111111111,222222222222", "--canary", "222222222222")
	batch := regexp.MustCompile(`CB-[0-9A-Z]+`).FindString(out)
	ids := changeID.FindAllString(out, -1)
	if len(ids) != 2 || !strings.Contains(out, ids[0]+"  planned     222222222222  password-policy") {
		t.Fatalf("got the changes %v, want the canary first\n%s", ids, out)
	}
	contains(t, out, "next: rootkeep change batch request "+batch)
	runs(t, 0, "change", "batch", "request", batch)
	for _, id := range ids {
		w.Approve(t, id, w.Bob)
	}
	_, errs := runs(t, 1, "change", "batch", "release", batch)
	contains(t, errs, "has not halted")
	runs(t, 0, "change", "batch", "apply", batch)
	for _, id := range ids {
		w.Ended(t, id)
	}
	out, _ = runs(t, 0, "change", "batch", "list")
	contains(t, out, batch+"  ended ", "  2 applied  password-policy\n")
	out, _ = runs(t, 0, "change", "batch", "list", "--by", w.Ann.ID, "--output", "json")
	contains(t, out, `"schema": "rootkeep/change-batch-list/1"`, `"stands": "ended"`, `"canary": true`)
	out, _ = runs(t, 0, "change", "batch", "list", "--halted")
	contains(t, out, "no batch; hint: ")
	_, errs = runs(t, 1, "change", "batch", "apply", batch)
	contains(t, errs, "nothing of batch "+batch+" is left to be applied")
	out, _ = runs(t, 0, "change", "batch", "show", batch, "--output", "json")
	contains(t, out, `"schema": "rootkeep/change-batch/1"`)
	if n := strings.Count(out, `"state": "applied"`); n != 2 {
		t.Errorf("got %d changes applied, want both\n%s", n, out)
	}
}

// TestABatchIsUndoneOnTheCommandLine halts a batch, goes on with it, and undoes it.
func TestABatchIsUndoneOnTheCommandLine(t *testing.T) {
	w := changeServer(t)
	as(t, w.World, w.Ann)
	out, _ := runs(t, 0, "change", "batch", "plan", "password-policy", "--accounts", "222222222222,111111111111")
	batch, ids := regexp.MustCompile(`CB-[0-9A-Z]+`).FindString(out), changeID.FindAllString(out, -1)
	runs(t, 0, "change", "batch", "request", batch)
	w.Approve(t, ids[1], w.Bob)
	out, _ = runs(t, 0, "change", "batch", "show", batch)
	contains(t, out, "in the way: batch "+batch+" waits for change "+ids[0]+", which is requested")
	w.Approve(t, ids[0], w.Bob)
	w.Sim.Cloud.AddFault(cloud.Fault{Kind: cloud.Deny, Writes: true})
	runs(t, 0, "change", "batch", "apply", batch)
	w.Begun(t, ids[0])
	w.Settled(t, ids[0])
	w.Sim.Cloud.ClearFaults()
	out, _ = runs(t, 0, "change", "batch", "list", "--halted")
	contains(t, out, batch+"  halted ", "1 approved, 1 stopped", "  halted at "+ids[0]+" in 222222222222, a canary, stopped: call 1 of 1, iam:UpdateAccountPasswordPolicy", "AccessDenied")
	out, _ = runs(t, 0, "change", "batch", "show", batch)
	contains(t, out, "halted at "+ids[0], "next: rootkeep change batch apply "+batch, "next: rootkeep change batch release "+batch)
	runs(t, 0, "change", "batch", "apply", batch)
	for _, id := range ids[:2] {
		w.Ended(t, id)
	}
	_, errs := runs(t, 64, "change", "batch", "undo", batch, "--without", "CB-1")
	contains(t, errs, "want its ID, such as CH-")
	out, _ = runs(t, 0, "change", "batch", "undo", batch, "--without", ids[0])
	undo := changeID.FindString(out)
	contains(t, out, "undoes "+batch, undo+"  planned     111111111111", "undoes "+ids[1])
	if strings.Contains(out, ids[0]) {
		t.Errorf("got an undo of what was left out\n%s", out)
	}
	out, _ = runs(t, 0, "change", "batch", "status", batch) // as it was called before
	contains(t, out, "to be undone by CB-")
}

// TestReplanOnTheCommandLine plans anew what was asked for, and what the account's drift
// refused.
func TestReplanOnTheCommandLine(t *testing.T) {
	w := changeServer(t)
	as(t, w.World, w.Ann)
	first, firstHash, _ := planned(t, "plan", "password-policy", "--account", "111111111111", "--request")
	second, _, _ := planned(t, "plan", "password-policy", "--account", "111111111111", "--set", "minimum_length=20", "--request")
	_, _, out := planned(t, "replan", second)
	contains(t, out, second+"  requested")
	_, hash, _ := planned(t, "status", second)
	for _, id := range []string{first, second} {
		w.Approve(t, id, w.Bob)
	}
	runs(t, 0, "change", "apply", first, "--plan-sha256", firstHash, "--wait")
	_, errs := runs(t, 1, "change", "apply", second, "--plan-sha256", hash, "--wait")
	contains(t, errs, second+" is refused")
	out, _ = runs(t, 0, "change", "status", second)
	contains(t, out, "NEXT\n  rootkeep change replan "+second)
	next, _, out := planned(t, "replan", second, "--request")
	if next == second {
		t.Errorf("got %s again, want another change in its place\n%s", next, out)
	}
	contains(t, out, next+"  requested", "minimum_length = 20\n")
	out, _ = runs(t, 0, "change", "status", second)
	contains(t, out, "NEXT\n  rootkeep change status "+next)
	_, errs = runs(t, 1, "change", "replan", second)
	contains(t, errs, "was planned again as "+next)
}

// TestAnUndoInPartOnTheCommandLine undoes what can be undone of a change.
func TestAnUndoInPartOnTheCommandLine(t *testing.T) {
	w := changeServer(t)
	as(t, w.World, w.Ann)
	id, hash, _ := planned(t, "plan", altertest.HalfKind, "--account", "111111111111", "--request")
	w.Approve(t, id, w.Bob, w.Gus)
	runs(t, 0, "change", "apply", id, "--plan-sha256", hash, "--wait")
	undo, hash, _ := planned(t, "undo", id, "--request")
	w.Approve(t, undo, w.Bob, w.Gus)
	_, errs := runs(t, 1, "change", "apply", undo, "--plan-sha256", hash, "--wait")
	contains(t, errs, "change "+undo+" is partial")
	out, _ := runs(t, 0, "change", "status", id)
	contains(t, out, id+"  partial", "calls undone: 2; not undone: call 1, iam:CreateGroup", "2. iam:CreateGroup in us-east-1 of 111111111111, undone by "+undo, "of 111111111111, not undone\n", "a person does it by hand")
}

// TestKindsOfAServer asks the server for its kinds, among which are some of its own.
func TestKindsOfAServer(t *testing.T) {
	w := changeServer(t)
	as(t, w.World, w.Dan)
	server := os.Getenv("ROOTKEEP_SERVER")
	out, _ := runs(t, 0, "change", "list")
	contains(t, out, altertest.FinalKind, "kinds of change of "+server+"\n")
	out, _ = runs(t, 0, "change", "list", "--output", "json", "--fixes", "pw-08")
	contains(t, out, `"asked": "`+server+`"`, `"schema": "rootkeep/changes/1"`, altertest.FinalKind)
	out, _ = runs(t, 0, "change", "show", altertest.FinalKind)
	contains(t, out, "Make a group of users\n", "ASKED\n  "+server+"\n")
	_, errs := runs(t, 64, "change", "show", "no-such")
	contains(t, errs, "does not exist on "+server)
	out, _ = runs(t, 0, "change", "list", "--local")
	contains(t, out, "kinds of change of this program\n")
	_, errs = runs(t, 64, "change", "show", altertest.FinalKind, "--local")
	contains(t, errs, "hint: rootkeep change list")
	_, errs = runs(t, 64, "change", "list", "--local", "--server", server)
	contains(t, errs, "does not go with --local")
}

// scanned keeps a scan of an account that found no password policy.
func scanned(t *testing.T, s *store.Store, id string, account rootkeep.AccountID) {
	t.Helper()
	snapshot := &facts.Snapshot{Format: facts.Format, Account: account, Taken: time.Now(), Origins: []facts.Origin{}, Gaps: []facts.Gap{}}
	found := []rootkeep.Finding{{Control: "PW-08", Title: "Password policy", Severity: rootkeep.Medium, Status: rootkeep.Fail, Account: account, Resource: "arn:aws:iam::" + string(account) + ":root"}}
	p, err := posture.Prepare(posture.Account{Name: "a", Snapshot: snapshot, Findings: found, Controls: []string{"PW-08"}})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := posture.Start(ctx, tx, posture.Begin{ID: id, Source: posture.Imported, Actor: "PE-1", Version: "test", State: posture.Judging}); err != nil {
			return err
		}
		if err := posture.Take(ctx, tx, id, p); err != nil {
			return err
		}
		_, err := posture.Finish(ctx, tx, posture.End{ID: id, Actor: "PE-1", Controls: []string{"PW-08"}, Version: "test"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestProposalsOfAServer has the server propose what mends a scan that it keeps, and plans
// that.
func TestProposalsOfAServer(t *testing.T) {
	w := changeServer(t)
	scanned(t, w.Store, "SC-1", "222222222222")
	as(t, w.World, w.Ann)
	server := os.Getenv("ROOTKEEP_SERVER")
	for _, args := range [][]string{{"--scan", "SC-1"}, {"--account", "222222222222"}} {
		out, _ := runs(t, 0, append([]string{"change", "propose"}, args...)...)
		contains(t, out, "222222222222, scanned ", "SC-1 of "+server+"\n", "rootkeep change plan password-policy --account 222222222222\n")
	}
	out, _ := runs(t, 0, "change", "propose", "--account", "222222222222", "--output", "json")
	contains(t, out, `"schema": "rootkeep/change-proposals/1"`, `"asked": "`+server+`"`, `"severity": "medium"`, `"scan": "SC-1"`, `"exit_codes": []`)
	_, errs := runs(t, 1, "change", "propose", "--scan", "SC-9")
	contains(t, errs, "keeps no scan of SC-9 that you may read")
	planned(t, "plan", "password-policy", "--account", "222222222222")
	as(t, w.World, w.Fay)
	_, errs = runs(t, 1, "change", "propose", "--account", "222222222222")
	contains(t, errs, "keeps no scan of account 222222222222 that you may read")
}

// TestDocumentedChangeCommands runs the commands of docs/changes.md in their order, each of
// which has to do what it is asked for.
func TestDocumentedChangeCommands(t *testing.T) {
	document, err := os.ReadFile("../../docs/changes.md")
	if err != nil {
		t.Fatal(err)
	}
	w := changeServer(t)
	as(t, w.World, w.Ann)
	known := map[string]string{}
	blocks, ran := 0, 0
	for _, b := range fencedBlocks(string(document)) {
		if b.language != "sh" || b.path != "on-a-server" {
			continue
		}
		blocks++
		for line := range strings.Lines(b.text) {
			args := strings.Fields(os.Expand(strings.TrimSpace(line), func(name string) string { return known[name] }))
			out, _ := runs(t, 0, args[1:]...)
			ran++
			switch strings.Join(args[1:3], " ") {
			case "change plan":
				known["CH"], known["HASH"] = changeID.FindString(out), regexp.MustCompile(`[0-9a-f]{64}`).FindString(out)
			case "change approve":
				w.Approve(t, known["CH"], w.Bob)
			case "change batch":
				if known["CB"] != "" {
					continue
				}
				known["CB"] = regexp.MustCompile(`CB-[0-9A-Z]+`).FindString(out)
			}
		}
	}
	if blocks != 2 || ran != 11 {
		t.Errorf("got %d commands in %d blocks, want eleven in two", ran, blocks)
	}
}
