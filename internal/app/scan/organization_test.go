package scan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
)

// company is a simulated organization that is scanned.
type company struct {
	*simtest.Organization
}

// newCompany makes one whose accounts have two Regions, or with ROOTKEEP_LONG=1 all.
func newCompany(t *testing.T, accounts int) *company {
	t.Helper()
	regions := []string{"us-east-1", "eu-west-1"}
	if long() {
		regions = nil
	}
	return &company{simtest.Start(t, accounts, simtest.In(regions...))}
}

func long() bool { return os.Getenv("ROOTKEEP_LONG") == "1" }

// config reads one account at a time, so that a scan that ends early has some of them.
func (c *company) config(save string) Config {
	return Config{
		AWS: &AWSConfig{}, Save: save, Version: "test", Now: time.Now(),
		Organization: &OrganizationConfig{Entry: awsread.Entry{Role: simtest.Role, Calls: 4}, ResumeWithin: time.Hour},
	}
}

func (c *company) calls() int {
	n := 0
	for _, r := range c.Requests() {
		n += r.Calls
	}
	return n
}

// timeless is a document without what no two scans have in common: times, and the
// sessions of the scan with what CloudTrail has of them.
func timeless(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return still(v)
}

// moment is a time inside a sentence.
var moment = regexp.MustCompile(`\d{4}-\d{2}-\d{2}T[0-9:.]+Z`)

func still(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			switch {
			case slices.Contains([]string{"scan", "sessions", "activity"}, k):
				v[k] = "any" // one that was interrupted has more sessions, and they more traces
			case k == "detail" && strings.HasPrefix(fmt.Sprint(v["control"]), "RT-"):
				v[k] = "any"
			case k == "detail":
				v[k] = moment.ReplaceAllString(fmt.Sprint(v[k]), "time")
			default:
				v[k] = still(v[k])
			}
		}
	case []any:
		for i := range v {
			v[i] = still(v[i])
		}
	case string:
		if _, err := time.Parse(time.RFC3339, v); err == nil {
			return "time"
		}
	}
	return v
}

// saved are the files of a folder and the report, timeless.
func saved(t *testing.T, dir string, a *assessment.Assessment) map[string]any {
	t.Helper()
	out := map[string]any{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "sessions.jsonl" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = timeless(t, text)
	}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	out["report"] = timeless(t, text)
	return out
}

// one is an organization of which one account cannot be entered.
func one(t *testing.T) *company {
	c := newCompany(t, 4)
	delete(c.Account(c.Plan.Accounts[3].ID).Roles, simtest.Role)
	return c
}

// However often and wherever a scan is interrupted, it comes to the same, and no
// account that was read is read again.
func TestAnInterruptedScanComesToTheSame(t *testing.T) {
	c := one(t)
	whole := filepath.Join(t.TempDir(), "whole")
	a, err := Run(t.Context(), c.config(whole))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Accounts) != 3 || len(a.Problems) != 1 || !strings.Contains(a.Problems[0].Reason, "cannot be entered") {
		t.Fatalf("uninterrupted: got %d accounts and %v", len(a.Accounts), a.Problems)
	}
	total, want := c.calls(), saved(t, whole, a)
	for _, after := range moments(total) {
		t.Run(fmt.Sprintf("interrupted after %d calls", after), func(t *testing.T) {
			c, dir := one(t), filepath.Join(t.TempDir(), "scan")
			// After the last calls there may be nothing left to interrupt.
			if _, err := c.interrupted(t, dir, after); !errors.Is(err, context.Canceled) && (err != nil || after < total-10) {
				t.Fatalf("got %v, want context.Canceled", err)
			} else if err == nil {
				return
			}
			a, err := c.interrupted(t, dir, total+1)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, saved(t, dir, a)); diff != "" {
				t.Errorf("(-uninterrupted +interrupted):\n%s", diff)
			}
		})
	}
}

// moments are after how many of all calls a scan is interrupted: a few, or with
// ROOTKEEP_LONG=1 every seventh.
func moments(total int) []int {
	if !long() {
		return []int{1, total / 2, total - 8, total - 1}
	}
	var out []int
	for n := 1; n < total; n += 7 {
		out = append(out, n)
	}
	return out
}

// interrupted scans, and interrupts after so many calls.
func (c *company) interrupted(t *testing.T, dir string, after int) (*assessment.Assessment, error) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	config := c.config(dir)
	before := map[string]bool{}
	for _, a := range c.Plan.Accounts {
		_, err := os.Stat(filepath.Join(dir, string(a.ID)+".json"))
		before[string(a.ID)] = err == nil
	}
	config.Organization.Entry.Progress = func(p Progress) {
		if p.Calls >= after {
			cancel()
		}
	}
	read := c.counts("GetAccountAuthorizationDetails")
	a, err := Run(ctx, config)
	for account, n := range c.counts("GetAccountAuthorizationDetails") {
		if before[account] && n > read[account] {
			t.Errorf("account %s was done, and was read again", account)
		}
	}
	return a, err
}

func (c *company) counts(operation string) map[string]int {
	out := map[string]int{}
	for _, r := range c.Requests() {
		if r.Operation == operation {
			out[r.Account] += r.Calls
		}
	}
	return out
}

func TestAFolderIsJudgedAgain(t *testing.T) {
	c := newCompany(t, 4)
	dir := filepath.Join(t.TempDir(), "scan")
	fresh, err := Run(t.Context(), c.config(dir))
	if err != nil {
		t.Fatal(err)
	}
	c.ResetRequests()
	again, err := Run(t.Context(), Config{Snapshot: dir, Version: "test", Now: fresh.Judged})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fresh.Findings, again.Findings); diff != "" || c.calls() > 0 {
		t.Errorf("%d calls; (-scanned +judged again):\n%s", c.calls(), diff)
	}
	management := c.Plan.Accounts[0].ID
	judged := 0
	err = Config{Snapshot: dir}.accounts(t.Context(), again, func(s *facts.Snapshot, _ []assessment.Problem, peer peers) error {
		if judged++; peer(management) == nil || peer(management).Account != management {
			t.Errorf("%s does not see what the management account has", s.Account)
		}
		return nil
	})
	if err != nil || judged != 4 {
		t.Errorf("got %d accounts, %v", judged, err)
	}
	broken := string(c.Plan.Accounts[2].ID) + ".json"
	if err := os.WriteFile(filepath.Join(dir, broken), []byte(`{"format": 9}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, string(c.Plan.Accounts[3].ID)+".json")); err != nil {
		t.Fatal(err)
	}
	rest, err := Run(t.Context(), Config{Snapshot: dir, Now: fresh.Judged})
	if err != nil {
		t.Fatal(err)
	}
	if len(rest.Accounts) != 2 || len(rest.Problems) != 2 || !strings.Contains(rest.Problems[0].Reason, broken+": snapshot of format 9") || !strings.Contains(rest.Problems[1].Reason, "scan ended early") {
		t.Errorf("one snapshot of a newer version and one that is not there: got %d accounts, %v", len(rest.Accounts), rest.Problems)
	}
}

func TestAccountsThatAreNotScanned(t *testing.T) {
	c := newCompany(t, 5)
	id := func(i int) rootkeep.AccountID { return c.Plan.Accounts[i].ID }
	c.Account(id(4)).Status = "SUSPENDED"
	for _, tt := range []struct {
		name           string
		accounts, skip []rootkeep.AccountID
		scanned        int
		left           []string
		err            string
	}{
		{"a suspended account is named", nil, nil, 4, []string{"app-2: its state is SUSPENDED"}, ""},
		{"one that is skipped as well", nil, []rootkeep.AccountID{id(3)}, 3, []string{"app-1: skipped", "app-2: its state is SUSPENDED"}, ""},
		{"some are asked for", []rootkeep.AccountID{id(1), id(4)}, nil, 1, []string{"app-2: its state is SUSPENDED"}, ""},
		{"one that is not there", []rootkeep.AccountID{"999999999999"}, nil, 0, nil, "account 999999999999 is not in organization o-"},
		{"one to skip that is not there", nil, []rootkeep.AccountID{"999999999999"}, 0, nil, "hint: aws organizations list-accounts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := c.config("")
			config.Organization.Accounts, config.Organization.Skip = tt.accounts, tt.skip
			a, err := Run(t.Context(), config)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var left []string
			for _, l := range a.Left {
				left = append(left, l.Name+": "+l.Reason)
			}
			if len(a.Accounts) != tt.scanned || !slices.Equal(left, tt.left) || len(a.Problems) > 0 {
				t.Errorf("got %d accounts, left %v, problems %v; want %d and %v", len(a.Accounts), left, a.Problems, tt.scanned, tt.left)
			}
			var text bytes.Buffer
			if err := a.Text(&text, assessment.TextOptions{}); err != nil {
				t.Fatal(err)
			}
			for _, l := range a.Left {
				if want := fmt.Sprintf("not scanned: account %s (%s): %s", l.ID, l.Name, l.Reason); !strings.Contains(text.String(), want) {
					t.Errorf("no %q in the text", want)
				}
			}
		})
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "rootkeep-scan-*")); err != nil || len(left) > 0 {
		t.Errorf("temporary folders stay behind: %v, %v", left, err)
	}
}
