package posture_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/intake"
	"github.com/rootkeep/rootkeep/internal/posture"
)

const corpora = "../../../shared/corpora/"

// policyControls are those that this file judges.
func policyControls(tb testing.TB) []*posture.Control {
	tb.Helper()
	return slices.DeleteFunc(shipped(tb), func(c *posture.Control) bool { return !strings.HasPrefix(c.ID, "PO-") })
}

// count says how often each control came to each status.
func count(found []rootkeep.Finding) map[string]map[string]int {
	out := map[string]map[string]int{}
	for _, f := range found {
		if out[f.Control] == nil {
			out[f.Control] = map[string]int{}
		}
		out[f.Control][f.Status.String()]++
	}
	return out
}

// An account that nobody here made: salesforce/cloudsplaining's example, whose
// principals are named for what they show. privesc and fn ones escalate, fp ones do not.
func TestAnAccountOfOthers(t *testing.T) {
	text, err := os.ReadFile(corpora + "authorization-details/example.json")
	if err != nil {
		t.Skip("skipped: ../shared/corpora/authorization-details is not there")
	}
	in := intake.New(now)
	if err := in.Add(bytes.NewReader(text), "example.json", now); err != nil {
		t.Fatal(err)
	}
	found := posture.Evaluate(in.Snapshot(), shipped(t), posture.Setting{Now: now})
	got := map[string]map[string]int{}
	for id, c := range count(found) {
		if strings.HasPrefix(id, "PO-") {
			got[id] = c
		}
	}
	if diff := cmp.Diff(wantOfOthers, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	byName := map[string]rootkeep.Status{}
	for _, f := range found {
		if f.Control == "PO-07" {
			byName[f.Resource[strings.LastIndexByte(f.Resource, ':')+1:]] = f.Status
		}
	}
	judged := 0
	for name, status := range byName {
		_, base, _ := strings.Cut(name, "/")
		escalates := strings.HasPrefix(base, "privesc") || strings.HasPrefix(base, "fn")
		if !escalates && !strings.HasPrefix(base, "fp") || noWay[name] != "" {
			continue
		}
		judged++
		if status == rootkeep.NotApplicable {
			status = rootkeep.Fail // administrator already, the end of a path
		}
		if escalates == (status == rootkeep.Pass) {
			t.Errorf("%s: got %s", name, status)
		}
	}
	if judged != 75 {
		t.Errorf("principals that say what they are: got %d, want 75", judged)
	}
	for name := range noWay {
		if byName[name] != rootkeep.Pass {
			t.Errorf("%s: got %s, want pass", name, byName[name])
		}
	}
}

// noWay are principals whose name says that they escalate, and that cannot: each with why.
var noWay = map[string]string{
	"user/privesc-AssumeRole-start-user":                 "has no policy, and the first role of the chain trusts somebody else",
	"role/privesc-permissive-role-trust":                 "has no policy; others may assume it",
	"user/privesc2-SetExistingDefaultPolicyVersion-user": "no policy has a second version",
	"role/privesc2-SetExistingDefaultPolicyVersion-role": "no policy has a second version",
	"role/privesc7-AttachUserPolicy-role":                "changes users, and becomes none",
	"role/privesc10-PutUserPolicy-role":                  "changes users, and becomes none",
	"user/privesc9-AttachRolePolicy-user":                "changes roles, and none trusts it",
	"user/privesc12-PutRolePolicy-user":                  "changes roles, and none trusts it",
	"role/privesc8-AttachGroupPolicy-role":               "a role is in no group",
	"role/privesc11-PutGroupPolicy-role":                 "a role is in no group",
	"role/privesc13-AddUserToGroup-role":                 "a role joins no group",
}

// wantOfOthers was looked through one by one: of what fails, fp2-allow-all is a boundary
// that allows everything, fn4 allows NotAction s3, and the seventeen of PO-09 and PO-19 are roles of
// Systems Manager Quick Setup.
var wantOfOthers = map[string]map[string]int{
	"PO-01": {"fail": 3, "not-applicable": 39, "pass": 42},
	"PO-02": {"fail": 1, "not-applicable": 70, "pass": 13},
	"PO-03": {"not-applicable": 104, "pass": 23},
	"PO-04": {"fail": 1, "not-applicable": 38, "pass": 45},
	"PO-05": {"fail": 2, "not-applicable": 145, "pass": 64},
	"PO-06": {"fail": 1, "not-applicable": 145, "pass": 65},
	"PO-07": {"fail": 40, "not-applicable": 16, "pass": 39, "unknown": 27},
	"PO-08": {"fail": 1, "not-applicable": 145, "pass": 65},
	"PO-09": {"fail": 17, "not-applicable": 145, "pass": 49},
	"PO-10": {"fail": 2, "not-applicable": 145, "pass": 64},
	"PO-11": {"fail": 1, "not-applicable": 145, "pass": 65},
	"PO-12": {"pass": 127},
	"PO-13": {"fail": 5, "not-applicable": 10, "pass": 63},
	"PO-14": {"fail": 1, "pass": 4},
	"PO-15": {"not-applicable": 76, "unknown": 2},
	"PO-16": {"not-applicable": 76, "unknown": 2},
	"PO-17": {"not-applicable": 76, "unknown": 2},
	"PO-18": {"not-applicable": 8, "pass": 70},
	"PO-19": {"fail": 20, "not-applicable": 58},
	"PO-28": {"not-applicable": 211},
}

// AWS's managed policies, judged as if a customer had written them. One of them,
// AWSMcpServiceActionsFullAccess, allows everything under a condition that no fact tells.
func TestPoliciesOfAWS(t *testing.T) {
	names, err := filepath.Glob(corpora + "access-analyzer/policies/*.json")
	if err != nil || len(names) == 0 {
		t.Skip("skipped: ../shared/corpora/access-analyzer is not there")
	}
	s := account()
	s.Facts.Users, s.Facts.Policies = nil, nil
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		arn := own + "policy/" + strings.TrimSuffix(filepath.Base(name), ".json")
		s.Facts.Policies = append(s.Facts.Policies, facts.Policy{ARN: arn, Attachments: 1, Document: facts.Document{Name: arn, Text: string(text)}})
	}
	found := posture.Evaluate(s, policyControls(t), posture.Setting{Now: now})
	got := count(found)
	for id, want := range map[string]map[string]int{
		"PO-01": {"fail": 1, "pass": 245, "unknown": 1},
		"PO-05": {"fail": 62, "not-applicable": 1, "pass": 184},
		"PO-06": {"fail": 2, "not-applicable": 1, "pass": 244},
		"PO-08": {"fail": 3, "not-applicable": 1, "pass": 242, "unknown": 1},
		"PO-09": {"fail": 2, "not-applicable": 1, "pass": 243, "unknown": 1},
		"PO-10": {"fail": 4, "not-applicable": 1, "pass": 241, "unknown": 1},
		"PO-11": {"fail": 5, "not-applicable": 1, "pass": 240, "unknown": 1},
		"PO-28": {"not-applicable": 247},
	} {
		if diff := cmp.Diff(want, got[id]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
	for _, f := range found {
		switch name := f.Resource[strings.LastIndexByte(f.Resource, '/')+1:]; {
		case f.Control == "PO-01" && (f.Status == rootkeep.Fail) != (name == "AdministratorAccess"):
			t.Errorf("%s: PO-01 is %s", name, f.Status)
		case f.Status == rootkeep.Unknown && name != "AWSMcpServiceActionsFullAccess":
			t.Errorf("%s: %s is unknown: %v", name, f.Control, f.Missing)
		}
	}
}
