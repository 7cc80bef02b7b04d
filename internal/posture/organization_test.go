package posture_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

const allowAll = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// member is a member account, all facts read, with SCPs at the organization's root.
func member(texts ...string) *facts.Snapshot {
	s := account()
	s.Facts.Organization.Member = true
	s.Facts.Regions = []facts.Region{{Name: "us-east-1"}, {Name: "eu-west-1"}, {Name: "ap-south-1"}}
	s.Facts.Decided.ApprovedRegions = []string{"us-east-1", "eu-west-1"}
	level := facts.PolicyLevel{Target: "r-root"}
	for i, text := range texts {
		level.Policies = append(level.Policies, facts.Document{Name: fmt.Sprint("p", i), Text: text})
	}
	s.Facts.Organization.SCPs = []facts.PolicyLevel{level}
	return s
}

// What a control tells to do must be what makes it pass, and nothing less may.
func TestThePolicyOfAFixMakesItsControlPass(t *testing.T) {
	controls := shipped(t)
	for _, id := range []string{"RT-19", "RT-20", "OR-03", "OR-04", "OR-05"} {
		t.Run(id, func(t *testing.T) {
			c := controls[slices.IndexFunc(controls, func(c *posture.Control) bool { return c.ID == id })]
			_, policy, found := strings.Cut(c.Fix.CLI, "--content")
			if policy = strings.Trim(strings.TrimSpace(policy), "'"); !found || policy == "" {
				t.Fatalf("fix.cli has no policy: %s", c.Fix.CLI)
			}
			for _, k := range []struct {
				name  string
				texts []string
				want  rootkeep.Status
			}{
				{"as AWS begins", []string{allowAll}, rootkeep.Fail},
				{"with the policy", []string{allowAll, policy}, rootkeep.Pass},
				{"with half the policy", []string{allowAll, policy[:len(policy)/2]}, rootkeep.Unknown},
			} {
				f := posture.Evaluate(member(k.texts...), []*posture.Control{c}, posture.Setting{Now: now})[0]
				if f.Status != k.want {
					t.Errorf("%s: got %s, %s %v; want %s", k.name, f.Status, f.Detail, f.Missing, k.want)
				}
			}
		})
	}
}

func TestWhatNobodyCanDecideSaysWhy(t *testing.T) {
	s := member(allowAll, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"organizations:LeaveOrganization","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}}}`)
	for _, f := range posture.Evaluate(s, shipped(t), posture.Setting{Now: now}) {
		if f.Control == "OR-05" && (f.Status != rootkeep.Unknown || len(f.Missing) != 1 || !strings.Contains(f.Missing[0], "hangs on") || !strings.Contains(strings.ToLower(f.Missing[0]), "aws:currenttime")) {
			t.Errorf("got %s %v, want unknown and the key that decides", f.Status, f.Missing)
		}
	}
	s.Account = ""
	for _, f := range posture.Evaluate(s, shipped(t), posture.Setting{Now: now}) {
		if f.Control == "OR-05" && (f.Status != rootkeep.Unknown || !strings.Contains(strings.Join(f.Missing, " "), "account")) {
			t.Errorf("an account without a number: got %s %v, want unknown", f.Status, f.Missing)
		}
	}
}

func TestAManagementAccountRaisesTheSeverity(t *testing.T) {
	for _, c := range []struct {
		name       string
		management bool
		gaps       []facts.Gap
		want       rootkeep.Severity
	}{
		{"a member", false, nil, rootkeep.High},
		{"the management account", true, nil, rootkeep.Critical},
		{"an account of which that is not known", true, []facts.Gap{{Path: "organization.management", Reason: "lost"}}, rootkeep.High},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := account()
			s.Facts.Organization.Management = c.management
			s.Gaps = c.gaps
			for _, f := range posture.Evaluate(s, shipped(t), posture.Setting{Now: now}) {
				if f.Control == "RT-03" && f.Severity != c.want {
					t.Errorf("got %s, want %s", f.Severity, c.want)
				}
				if f.Control == "RT-01" && f.Severity != rootkeep.Critical {
					t.Errorf("RT-01: got %s, want critical everywhere", f.Severity)
				}
			}
		})
	}
}

// Whatever becomes of the controls that RT-26 holds, it is their sum.
func TestAControlThatHoldsOthersIsTheirSum(t *testing.T) {
	controls := shipped(t)
	i := slices.IndexFunc(controls, func(c *posture.Control) bool { return c.ID == "RT-26" })
	for n := range 1 << 6 {
		s := account()
		s.Facts.Organization.Management = true
		r := &s.Facts.Root
		r.HasPassword, r.MFAEnabled, r.VirtualMFA, r.HasCertificates = n&1 != 0, n&2 != 0, n&4 != 0, n&8 != 0
		r.Devices = []facts.Device{{Kind: "fido"}, {Kind: "fido"}}
		if n&16 != 0 {
			s.Gaps = append(s.Gaps, facts.Gap{Path: "root.virtual_mfa", Permission: "iam:ListVirtualMFADevices", Reason: "lost"})
		}
		if n&32 != 0 {
			s.Gaps = append(s.Gaps, facts.Gap{Path: "root.access_keys", Permission: "iam:GetCredentialReport", Reason: "lost"})
		}
		count := map[rootkeep.Status]int{}
		for _, f := range posture.Evaluate(s, controls, posture.Setting{Now: now}) {
			if slices.Contains(controls[i].Holds, f.Control) {
				count[f.Status]++
			}
		}
		want := rootkeep.NotApplicable
		for _, status := range []rootkeep.Status{rootkeep.Pass, rootkeep.Unknown, rootkeep.Fail} {
			if count[status] > 0 {
				want = status
			}
		}
		got := posture.Evaluate(s, controls[i:i+1], posture.Setting{Now: now})[0]
		if got.Status != want || (got.Status == rootkeep.Unknown) != (len(got.Missing) > 0) {
			t.Errorf("%06b: got %s %v, want %s of %v", n, got.Status, got.Missing, want, count)
		}
	}
}

func TestABrokenRaiseOrHoldIsNamed(t *testing.T) {
	const held = `id: mine
name: mine
kind: control
title: Mine
severity: high
why: Because.
%s
fix: {console: Do it.}
cases:
  - {name: a, want: pass}
  - {name: b, want: fail}
`
	for _, c := range []struct{ name, text, want string }{
		{"a control that is not there", "holds: [RT-99]", `holds "RT-99"`},
		{"itself", "holds: [mine]", `holds "mine"`},
		{"pass and holds", "holds: [mine]\npass: 'true'", "want pass or watch or holds"},
		{"holds of each", "holds: [mine]\neach: users", "takes no each"},
		{"a raise that lowers", "pass: 'true'\nraise: {when: 'true', severity: low}", "above high"},
		{"a raise without when", "pass: 'true'\nraise: {severity: critical}", "raise: want when"},
		{"a misspelt fact in when", "pass: 'true'\nraise: {when: facts.organization.manager, severity: critical}", "mine/mine.yaml:8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			controls, problems := load("mine.yaml", fmt.Sprintf(held, c.text))
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want) || len(controls) != 0 {
				t.Errorf("got %d controls and %v, want an error with %q", len(controls), problems, c.want)
			}
		})
	}
}

// Where the guide that people follow errs, the controls say what is so.
func TestControlsSayWhatTheGuideGetsWrong(t *testing.T) {
	controls := shipped(t)
	for _, c := range []struct{ name, id, says, never string }{
		{"E6: only root deletes its key, no rule does", "RT-05", "Only root itself can delete its key", "aws iam delete-access-key"},
		{"E6: of a member a root session does", "RT-06", "IAMDeleteRootUserCredentials", "automatic"},
		{"E9: AWS issues no backup codes", "RT-25", "AWS issues no backup codes", "generate backup"},
		{"E12: a member's root user can be left without credentials", "RT-12", "aws iam delete-login-profile", "cannot be disabled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := controls[slices.IndexFunc(controls, func(k *posture.Control) bool { return k.ID == c.id })]
			text := strings.Join([]string{k.Why, k.Fix.Console, k.Fix.CLI}, "\n")
			if !strings.Contains(text, c.says) || strings.Contains(text, c.never) {
				t.Errorf("%s: got %q, want %q and not %q", c.id, text, c.says, c.never)
			}
		})
	}
}

// The corpus is an account that nobody here made; it must not take long, and what it
// lacks must not pass.
func TestGrantsOfACorpusAccount(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "corpora", "authorization-details", "example.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Skip("skipped: ../shared/corpora/authorization-details is not there")
	}
	s := intakeOf(t, text)
	s.Facts.Organization.Member, s.Facts.Organization.Management = true, true
	s.Observe("case", now, "", "organization")
	for _, f := range posture.Evaluate(s, shipped(t), posture.Setting{Now: now}) {
		if f.Control == "RT-18" && f.Status == rootkeep.Pass {
			t.Errorf("got %s %s, want no pass: administrators may assume root", f.Status, f.Detail)
		}
	}
}
