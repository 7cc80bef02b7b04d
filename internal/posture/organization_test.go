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

// BenchmarkOrganization judges a management account with 77 users, 723 roles, 9 groups
// and 63 policies by what asks the evaluator.
func BenchmarkOrganization(b *testing.B) {
	s := member(allowAll)
	s.Facts.Organization.Management, s.Facts.Users = true, nil
	for i := range 63 {
		text := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","ec2:Describe*","sts:Assume*"],"Resource":"arn:aws:s3:::bucket-%d/*"}]}`, i)
		s.Facts.Policies = append(s.Facts.Policies, facts.Policy{ARN: fmt.Sprintf("arn:aws:iam::111122223333:policy/p%d", i), Document: facts.Document{Text: text}})
	}
	for i := range 9 {
		s.Facts.Groups = append(s.Facts.Groups, facts.Group{Name: fmt.Sprint("g", i), AttachedPolicies: []string{s.Facts.Policies[i].ARN}})
	}
	for i := range 77 {
		s.Facts.Users = append(s.Facts.Users, facts.User{ARN: fmt.Sprintf("arn:aws:iam::111122223333:user/u%d", i), Groups: []string{fmt.Sprint("g", i%9)}})
	}
	for i := range 723 {
		inline := facts.Document{Name: "in", Text: fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::own-%d/*"}}`, i)}
		s.Facts.Roles = append(s.Facts.Roles, facts.Role{
			ARN: fmt.Sprintf("arn:aws:iam::111122223333:role/r%d", i), AttachedPolicies: []string{s.Facts.Policies[i%63].ARN}, InlinePolicies: []facts.Document{inline},
		})
	}
	controls := slices.DeleteFunc(shipped(b), func(c *posture.Control) bool { return c.ID != "RT-18" })
	for b.Loop() {
		posture.Evaluate(s, controls, posture.Setting{Now: now})
	}
}

// What a function makes of facts that are not known must be as unknown as they are.
func TestFunctionsKnowWhatTheyDoNotKnow(t *testing.T) {
	lost := func(path string) []facts.Gap { return []facts.Gap{{Path: path, Permission: "iam:X", Reason: "lost"}} }
	const grants = "iam.loose_assume_root(facts.organization.scps).size() == 0"
	const leaving = "open_actions(facts.organization.scps, account, 'role', ['organizations:LeaveOrganization'], ['us-east-1']).size() == 0"
	for _, c := range []struct {
		name, pass string
		gaps       []facts.Gap
		want       rootkeep.Status
		missing    string
	}{
		{"the fact is known", "known_or(facts.root.mfa_enabled, facts.attested.group_mailbox)", nil, rootkeep.Pass, ""},
		{"the other is known alone", "known_or(facts.root.virtual_mfa, facts.root.mfa_enabled)", lost("root.virtual_mfa"), rootkeep.Pass, ""},
		{"a fact that is false counts before the other", "known_or(facts.root.virtual_mfa, facts.root.mfa_enabled)", nil, rootkeep.Fail, ""},
		{"neither is known", "known_or(facts.root.virtual_mfa, facts.root.has_certificates)", slices.Concat(lost("root.virtual_mfa"), lost("root.has_certificates")), rootkeep.Unknown, "root.has_certificates: lost; root.virtual_mfa: lost"},
		{"undecided", "undecided('nobody knows')", nil, rootkeep.Unknown, "nobody knows"},
		{"undecided beside what decides", "undecided('nobody knows') || facts.root.mfa_enabled", nil, rootkeep.Pass, ""},
		{"the length of a list that is not known", "facts.users.size() == 3", lost("users.arn"), rootkeep.Unknown, "users.arn: lost"},
		{"the length of a list of which a field is not known", "facts.users.size() == 3", lost("users.tags"), rootkeep.Pass, ""},
		{"grants of nobody", grants, nil, rootkeep.Pass, ""},
		{"grants without the users' groups", grants, lost("users.groups"), rootkeep.Unknown, "users.groups: lost"},
		{"grants without the text of policies", grants, lost("policies.document"), rootkeep.Unknown, "policies.document: lost"},
		{"grants without one role's policies", grants, []facts.Gap{{Path: "roles.inline_policies", Resource: "arn:aws:iam::111122223333:role/r", Reason: "lost"}}, rootkeep.Unknown, "roles.inline_policies: lost"},
		{"grants without what they do not rest on", grants, lost("users.tags"), rootkeep.Pass, ""},
		{"SCPs that are not known", leaving, lost("organization.scps"), rootkeep.Unknown, "organization.scps: lost"},
		{"a caller of no kind", "open_actions(facts.organization.scps, account, 'boss', ['s3:GetObject'], ['us-east-1']).size() == 0", nil, rootkeep.Unknown, `caller "boss": want root, assumed-root or role`},
		{"the home of two Regions of a partition", "home_regions(['eu-west-3', 'us-east-2']) == ['us-east-1']", nil, rootkeep.Pass, ""},
		{"the homes of the other partitions", "home_regions(['us-gov-east-1', 'cn-northwest-1']) == ['us-gov-west-1', 'cn-north-1']", nil, rootkeep.Pass, ""},
		{"the home of no Region", "home_regions([]) == []", nil, rootkeep.Unknown, "no Region tells which partition the account is in"},
		{"the home of Regions that are not known", "home_regions(facts.regions.map(r, r.name)) == []", lost("regions.name"), rootkeep.Unknown, "regions.name: lost"},
		{"few of none", "few([]) == 'none'", nil, rootkeep.Pass, ""},
		{"few of five", "few(['a', 'b', 'c', 'd', 'e']) == 'a, b, c, d, e'", nil, rootkeep.Pass, ""},
		{"few of seven", "few(['a', 'b', 'c', 'd', 'e', 'f', 'g']) == 'a, b, c, d, e and 2 more'", nil, rootkeep.Pass, ""},
		{"a call that failed is denied", "denied == ['iam:X']", lost("users.tags"), rootkeep.Pass, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			controls, problems := load("mine.yaml", fmt.Sprintf(good, `pass: "`+c.pass+`"`))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			s := member(allowAll, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"organizations:*","Resource":"*"}}`)
			s.Facts.Roles = []facts.Role{{ARN: "arn:aws:iam::111122223333:role/r", Name: "r"}}
			s.Gaps = c.gaps
			got := posture.Evaluate(s, controls, posture.Setting{Now: now})[0]
			if got.Status != c.want || strings.Join(got.Missing, "; ") != c.missing {
				t.Errorf("got %s %q, want %s %q", got.Status, got.Missing, c.want, c.missing)
			}
		})
	}
}
