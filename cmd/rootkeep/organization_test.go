package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
)

// counting calls met with the number of each request.
func counting(met func(n int64)) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		var n atomic.Int64
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			met(n.Add(1))
			h.ServeHTTP(w, r)
		})
	}
}

// findings are those of a report, in which only times may differ.
func findings(t *testing.T, report []byte) []rootkeep.Finding {
	t.Helper()
	var a assessment.Assessment
	if err := json.Unmarshal(report, &a); err != nil {
		t.Fatalf("%v in %s", err, report)
	}
	return a.Findings
}

// A process that is killed leaves a folder from which another goes on, and what that
// one finds is what an uninterrupted one finds.
func TestAKilledScanIsTakenUp(t *testing.T) {
	dir := t.TempDir()
	scan := func(save string) []string {
		return []string{"scan", "--aws", "--organization", "--role", "RootkeepReadOnly", "--parallel", "8", "--output", "json", "--save", filepath.Join(dir, save)}
	}
	simtest.Start(t, 5, nil)
	whole, err := exec.Command("rootkeep", scan("whole")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	// CloudTrail shows the sessions of one scan to the next, so that one has a world of
	// its own.
	var victim atomic.Pointer[os.Process]
	var killed atomic.Int64
	accounts := func() ([]string, error) { return filepath.Glob(filepath.Join(dir, "killed", "1*.json")) }
	c := simtest.Start(t, 5, counting(func(int64) {
		if done, _ := accounts(); len(done) == 0 {
			return
		}
		if p := victim.Load(); p != nil {
			if err := p.Kill(); err == nil { // SIGKILL: nothing of it runs any more
				killed.Add(1)
			}
		}
	}))
	plan := c.Plan
	cmd := exec.Command("rootkeep", scan("killed")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	victim.Store(cmd.Process)
	if err := cmd.Wait(); err == nil || killed.Load() == 0 {
		t.Fatalf("the scan was not killed: %v", err)
	}
	victim.Store(nil)
	done, err := accounts()
	if err != nil || len(done) == 0 || len(done) == len(plan.Accounts) {
		t.Fatalf("accounts that were done: got %v, %v, want some", done, err)
	}
	c.ResetRequests()
	resumed, err := exec.Command("rootkeep", scan("killed")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(findings(t, whole), findings(t, resumed), cmpopts.IgnoreFields(rootkeep.Finding{}, "Detail")); diff != "" {
		t.Errorf("(-whole +resumed):\n%s", diff)
	}
	for _, r := range c.Requests() {
		if slices.ContainsFunc(done, func(path string) bool { return strings.HasPrefix(filepath.Base(path), r.Account) }) && r.Account != string(plan.Accounts[0].ID) {
			t.Errorf("%s of account %s, which was done", r.Operation, r.Account)
		}
	}
}

func TestScanReadsAnOrganization(t *testing.T) {
	c := simtest.Start(t, 6, nil)
	plan := c.Plan
	lost, closed := plan.Accounts[4], plan.Accounts[5]
	delete(c.Account(lost.ID).Roles, simtest.Role)
	c.Account(closed.ID).Status = "SUSPENDED"
	saved := filepath.Join(t.TempDir(), "scan")
	notScanned := "not scanned: account " + string(closed.ID) + " (app-3): its state is SUSPENDED"
	for _, step := range []struct {
		name, args string
		code       int
		want       []string
	}{
		{"one role of five is not there", "scan --aws --organization --role RootkeepReadOnly --save " + saved, 5, []string{
			"Scan of 4 accounts: ", "not read: account " + string(lost.ID) + " (app-2): role arn:aws:iam::" + string(lost.ID) + ":role/RootkeepReadOnly cannot be entered: sts:AssumeRole denied; hint: ", notScanned,
		}},
		{"the folder is judged again", "scan --snapshot " + saved, 5, []string{"Scan of 4 accounts: ", "cannot be entered", notScanned}},
		{"only some", "scan --aws --organization --role RootkeepReadOnly --accounts " + string(plan.Accounts[1].ID) + "," + string(plan.Accounts[2].ID), 0, []string{"Scan of 2 accounts: "}},
		{"a finding", "scan --snapshot " + saved + " --fail-on high", 2, []string{"Scan of 4 accounts: "}},
		{"other parameters", "scan --aws --organization --role other --save " + saved, 5, []string{"other parameters (--role RootkeepReadOnly); hint: "}},
		{"too old", "scan --aws --organization --role RootkeepReadOnly --resume-within 1ns --save " + saved, 5, []string{"hint: --resume-within "}},
		{"a folder without a scan", "scan --snapshot " + t.TempDir(), 5, []string{"holds no scan of an organization; hint: "}},
	} {
		t.Run(step.name, func(t *testing.T) {
			var out bytes.Buffer
			if code := run(context.Background(), strings.Fields(step.args), strings.NewReader(""), &out, &out); code != step.code {
				t.Errorf("exit code: got %d, want %d\n%s", code, step.code, &out)
			}
			for _, want := range step.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s", want, &out)
				}
			}
		})
	}
	t.Run("what was denied in one account is named with it", func(t *testing.T) {
		c.AddFault(cloud.Fault{Kind: cloud.Deny, Service: "iam", Operation: "GetAccountPasswordPolicy", Account: string(plan.Accounts[3].ID)})
		defer c.ClearFaults()
		var out bytes.Buffer
		args := "scan --aws --organization --role RootkeepReadOnly --accounts " + string(plan.Accounts[1].ID) + "," + string(plan.Accounts[3].ID)
		if code := run(context.Background(), strings.Fields(args), strings.NewReader(""), &out, &out); code != 5 {
			t.Errorf("exit code: got %d, want 5", code)
		}
		if want := "not read: AWS account " + string(plan.Accounts[3].ID) + " (app-1): iam:GetAccountPasswordPolicy denied"; !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, &out)
		}
	})
	t.Run("no Region", func(t *testing.T) {
		t.Setenv("AWS_REGION", "")
		var out bytes.Buffer
		if code := run(context.Background(), []string{"scan", "--aws", "--organization"}, strings.NewReader(""), &out, &out); code != 5 || !strings.Contains(out.String(), "no AWS Region is set; hint: --region") {
			t.Errorf("exit code %d and\n%s", code, &out)
		}
	})
	t.Run("a snapshot of a newer version", func(t *testing.T) {
		path := filepath.Join(saved, string(plan.Accounts[1].ID)+".json")
		if err := os.WriteFile(path, []byte(`{"format": 99}`), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		code := run(context.Background(), []string{"scan", "--snapshot", saved}, strings.NewReader(""), &out, &out)
		if want := "snapshot of format 99, this program reads up to 1; hint: "; code != 5 || !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "Scan of 3 accounts: ") {
			t.Errorf("exit code %d, no %q in:\n%s", code, want, &out)
		}
	})
}
