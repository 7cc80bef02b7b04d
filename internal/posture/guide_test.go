package posture_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

// with is a complete account whose user ann carries a document, beside a user bob and
// roles that are administrator.
func with(d facts.Document) *facts.Snapshot {
	s := account()
	f := &s.Facts
	admin := "arn:aws:iam::aws:policy/AdministratorAccess"
	f.Policies = []facts.Policy{
		{ARN: own + "policy/p", Attachments: 1, Document: d, Versions: []facts.Document{}},
		{ARN: admin, AWS: true, Attachments: 2, Document: documentOf("AdministratorAccess", statementOf(`"*"`, "*")), Versions: []facts.Document{}},
	}
	f.Users = []facts.User{
		{ARN: own + "user/ann", Name: "ann", HasPassword: true, MFAEnabled: true, AttachedPolicies: []string{own + "policy/p"}, Groups: []string{"own"}},
		{ARN: own + "user/bob", Name: "bob", HasPassword: true, AttachedPolicies: []string{admin}},
	}
	f.Groups = []facts.Group{{ARN: own + "group/own", Name: "own"}, {ARN: own + "group/admins", Name: "admins", AttachedPolicies: []string{admin}}}
	services := `"ec2.amazonaws.com","lambda.amazonaws.com","cloudformation.amazonaws.com","glue.amazonaws.com","codebuild.amazonaws.com","sagemaker.amazonaws.com"`
	f.Roles = []facts.Role{
		{ARN: own + "role/service", Name: "service", Path: "/", Trust: trustOf(`{"Service":[`+services+`]}`, ""), AttachedPolicies: []string{admin}, Profiles: []string{own + "instance-profile/service"}},
		{ARN: own + "role/admin", Name: "admin", Path: "/", Trust: trustOf(`{"AWS":"arn:aws:iam::111122223333:root"}`, ""), AttachedPolicies: []string{admin}},
	}
	return s
}

// statusOf is what a control says of one resource.
func statusOf(t *testing.T, s *facts.Snapshot, control, resource string) rootkeep.Finding {
	t.Helper()
	f, ok := statuses(s, shipped(t))[key{control, resource}]
	if !ok {
		t.Fatalf("%s says nothing of %s", control, resource)
	}
	return f
}

// The policies of a guide that people follow by hand, each with what it gets wrong.
func TestTheGuidesPolicies(t *testing.T) {
	const ann, policy = own + "user/ann", own + "policy/p"
	mfa := facts.Document{Name: "p", Text: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"},"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}}]}`}
	security := facts.Document{Name: "p", Text: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:*","cloudtrail:*","config:*","guardduty:*","securityhub:*","access-analyzer:*"],"Resource":"*"},
		{"Effect":"Deny","Action":["iam:DeleteRole","iam:DetachRolePolicy"],"Resource":"arn:aws:iam::*:role/SecurityAdmin*"}]}`}
	power := facts.Document{Name: "p", Text: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:*","s3:*","rds:*","lambda:*","cloudformation:*"],"Resource":"*"},
		{"Effect":"Deny","Action":["iam:CreateUser","iam:DeleteUser","iam:CreateRole","iam:DeleteRole","organizations:*","account:*"],"Resource":"*"}]}`}
	fragment := facts.Document{Name: "p", Text: `{"Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24"]},"DateGreaterThan":{"aws:CurrentTime":"2024-01-01T00:00:00Z"}}}`}
	for _, c := range []struct {
		name              string
		document          facts.Document
		control, resource string
		want              rootkeep.Status
		says              string
	}{
		{"E1: the MFA policy never denies", mfa, "PO-28", policy, rootkeep.Fail, "RK_MFA_AGE_INVERTED"},
		{"E18: the security administrator gives itself everything", security, "PO-07", ann, rootkeep.Fail, "can become administrator"},
		{"E18: the security administrator stops the trail", security, "PO-08", policy, rootkeep.Fail, "cloudtrail:StopLogging"},
		{"E18: the security administrator is privileged and needs a key", security, "IU-03", ann, rootkeep.Fail, ""},
		{"E19: the power user has whole services", power, "PO-05", policy, rootkeep.Fail, "s3"},
		{"E19: the power user may change stacks and functions that run as others", power, "PO-07", ann, rootkeep.Unknown, "if a stack has the role"},
		{"E20: a condition without a statement is no policy", fragment, "PO-05", policy, rootkeep.Unknown, "cannot be judged"},
		{"E20: and does not pass as one that allows nothing", fragment, "PO-01", policy, rootkeep.Unknown, "cannot be judged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := statusOf(t, with(c.document), c.control, c.resource)
			if text := f.Detail + strings.Join(f.Missing, " "); f.Status != c.want || !strings.Contains(text, c.says) {
				t.Errorf("got %s, %q, want %s with %q", f.Status, text, c.want, c.says)
			}
		})
	}
}

// E21: between accounts of one organization an external ID protects nothing; a vendor
// must use one. E22: keys are judged by the class that the register gives them.
func TestTheGuidesTrustAndRotation(t *testing.T) {
	s := with(documentOf("p", statementOf(`"s3:GetObject"`, "*")))
	f := &s.Facts
	f.Organization = facts.Organization{Member: true, ID: "o-abcd123456"}
	f.Decided.KnownAccounts = []string{"999988887777"}
	f.Decided.KeyRotation = []facts.RotationClass{{Class: "pipelines", Users: []string{"ann"}, Days: 7}}
	f.Users[0].AccessKeys = []facts.AccessKey{{Active: true, Created: now.AddDate(0, 0, -8)}}
	id := `{"StringEquals":{"sts:ExternalId":"7f3c2a9e"}}`
	for name, trust := range map[string]facts.Document{
		"own-id":  trustOf(`{"AWS":"arn:aws:iam::444455556666:root"}`, id),
		"own-org": trustOf(`{"AWS":"arn:aws:iam::444455556666:root"}`, `{"StringEquals":{"aws:PrincipalOrgID":"o-abcd123456"}}`),
		"vendor":  trustOf(`{"AWS":"arn:aws:iam::999988887777:root"}`, ""),
		"good":    trustOf(`{"AWS":"arn:aws:iam::999988887777:root"}`, id),
	} {
		f.Roles = append(f.Roles, facts.Role{ARN: own + "role/" + name, Name: name, Path: "/", Trust: trust})
	}
	for _, c := range []struct {
		control, resource string
		want              rootkeep.Status
	}{
		{"PO-17", "role/own-id", rootkeep.Fail}, {"PO-16", "role/own-id", rootkeep.NotApplicable}, {"PO-15", "role/own-id", rootkeep.Fail},
		{"PO-17", "role/own-org", rootkeep.Pass}, {"PO-15", "role/own-org", rootkeep.Pass},
		{"PO-16", "role/vendor", rootkeep.Fail}, {"PO-17", "role/vendor", rootkeep.NotApplicable}, {"PO-15", "role/vendor", rootkeep.Pass},
		{"PO-16", "role/good", rootkeep.Pass},
		{"IU-09", "user/ann", rootkeep.Fail},
	} {
		if got := statusOf(t, s, c.control, own+c.resource); got.Status != c.want {
			t.Errorf("%s of %s: got %s %v, want %s", c.control, c.resource, got.Status, got.Missing, c.want)
		}
	}
}

// The combinations of permissions that Prowler's check of privilege escalation names. It
// looks at the policy alone; what needs a thing of which no fact tells is unknown here.
func TestCombinationsThatProwlerNames(t *testing.T) {
	for _, c := range []struct {
		name string
		want rootkeep.Status
	}{
		{"iam:*", rootkeep.Fail},
		{"iam:Put*", rootkeep.Fail},
		{"iam:CreatePolicyVersion", rootkeep.Fail},
		{"iam:SetDefaultPolicyVersion", rootkeep.Pass}, // no policy has a second version
		{"iam:CreateAccessKey", rootkeep.Unknown},      // bob may have two keys
		{"iam:CreateLoginProfile", rootkeep.Unknown},   // bob may have a password
		{"iam:UpdateLoginProfile", rootkeep.Unknown},
		{"iam:AttachUserPolicy", rootkeep.Fail},
		{"iam:AttachGroupPolicy", rootkeep.Fail},
		{"iam:PutUserPolicy", rootkeep.Fail},
		{"iam:PutGroupPolicy", rootkeep.Fail},
		{"iam:AddUserToGroup", rootkeep.Fail},
		{"sts:AssumeRole", rootkeep.Fail},
		{"iam:UpdateAssumeRolePolicy sts:AssumeRole", rootkeep.Fail},
		{"iam:PassRole ec2:RunInstances", rootkeep.Fail},
		{"iam:PassRole lambda:CreateFunction lambda:InvokeFunction", rootkeep.Fail},
		{"iam:PassRole cloudformation:CreateStack cloudformation:DescribeStacks", rootkeep.Fail},
		{"iam:PassRole glue:CreateDevEndpoint glue:GetDevEndpoint", rootkeep.Fail},
		{"glue:UpdateDevEndpoint", rootkeep.Unknown},
		{"lambda:UpdateFunctionCode", rootkeep.Unknown},
		{"iam:PassRole", rootkeep.Pass},
		{"ec2:RunInstances", rootkeep.Pass},
	} {
		t.Run(c.name, func(t *testing.T) {
			actions := `"` + strings.Join(strings.Fields(c.name), `","`) + `"`
			f := statusOf(t, with(documentOf("p", statementOf(actions, "*"))), "PO-07", own+"user/ann")
			if f.Status != c.want {
				t.Errorf("got %s, want %s: %s %v", f.Status, c.want, f.Detail, f.Missing)
			}
		})
	}
}

// A text that AWS would never store must neither stop the judgement nor pass.
func TestHostilePolicies(t *testing.T) {
	for name, text := range map[string]string{
		"deeply nested":      strings.Repeat(`{"Statement":`, 500) + strings.Repeat("}", 500),
		"half a text":        `{"Version":"2012-10-17","Statement":[{"Effect":"Allow"`,
		"longer than any":    `{"Statement":[` + strings.Repeat(" ", 200<<10) + `]}`,
		"control characters": "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"\x00\x1b[31m\",\"Resource\":\"*\"}]}",
		"nothing":            "",
	} {
		t.Run(name, func(t *testing.T) {
			s := with(facts.Document{Name: "p\n\x1b[31m", Text: text})
			for k, f := range statuses(s, policyControls(t)) {
				if k.resource == own+"policy/p" && f.Status == rootkeep.Pass && k.control != "PO-04" {
					t.Errorf("%s passes", k.control)
				}
			}
		})
	}
}

// Many policies with many names in one account stay within bounds.
func TestALongListOfStatementsIsJudged(t *testing.T) {
	var statements []string
	for i := range 2000 {
		statements = append(statements, statementOf(fmt.Sprintf(`"s3:Get*%d"`, i), "*"))
	}
	d := documentOf("p", statements...)
	if got := statusOf(t, with(d), "PO-09", own+"policy/p"); got.Status == rootkeep.Fail {
		t.Errorf("got %s", got.Status)
	}
	posture.Evaluate(with(d), policyControls(t), posture.Setting{Now: now})
}
