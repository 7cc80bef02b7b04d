package lint

import (
	"slices"
	"strings"
	"testing"
)

// The samples of a well-known kind of guide, whole. What is wrong with each must be
// said, and the findings must name the template that has the right form.
func TestSamplesThatPeoplePaste(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []string
		templates []string
	}{
		{
			"MFA enforcement that never denies anything",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"},"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}}]}`,
			[]string{"RK_UNSATISFIABLE_CONDITION", "RK_DENY_MISSES_LONG_TERM_KEYS", "RK_DENY_BLOCKS_MFA_ENROLMENT", "RK_MFA_AGE_INVERTED"},
			[]string{"mfa-enforcement", "mfa-freshness"},
		},
		{
			"a security administrator that is an administrator",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:*","cloudtrail:*","config:*","guardduty:*","securityhub:*","access-analyzer:*"],"Resource":"*"},{"Effect":"Deny","Action":["iam:DeleteRole","iam:DetachRolePolicy"],"Resource":"arn:aws:iam::*:role/SecurityAdmin*"}]}`,
			[]string{"RK_ADMINISTRATOR", "RK_SELF_PROTECTION_GAP", "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE", "RK_EVIDENCE_REMOVABLE"},
			[]string{"security-administrator", "scp-protect-roles"},
		},
		{
			"a power user who needs no PassRole",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:*","s3:*","rds:*","lambda:*","cloudformation:*"],"Resource":"*"},{"Effect":"Deny","Action":["iam:CreateUser","iam:DeleteUser","iam:CreateRole","iam:DeleteRole","organizations:*","account:*"],"Resource":"*"}]}`,
			[]string{"RK_EXISTING_ROLES", "RK_EVIDENCE_REMOVABLE", "RK_DENY_LIST_INCOMPLETE"},
			[]string{"power-user", "developer-boundary"},
		},
		{
			"network and time limits with documentation ranges and a date that has passed",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","198.51.100.0/24"]},"DateGreaterThan":{"aws:CurrentTime":"2024-01-01T00:00:00Z"}}}]}`,
			[]string{"RK_DOCUMENTATION_ADDRESS", "RK_DATE_PASSED", "RK_SOURCE_IP_ALLOW"},
			[]string{"network-conditional-access", "dated-grant"},
		},
		{
			"trust in a placeholder account with a guessable external id",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::TRUSTED-ACCOUNT-ID:role/CrossAccountRole"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"unique-external-identifier"}}}]}`,
			[]string{"INVALID_PRINCIPAL_FORMAT", "RK_PLACEHOLDER_ACCOUNT", "RK_EXTERNAL_ID_GUESSABLE"},
			[]string{"trust-external-id", "trust-in-organization"},
		},
		{
			"a condition without a statement",
			`{"Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","198.51.100.0/24"]},"DateGreaterThan":{"aws:CurrentTime":"2024-01-01T00:00:00Z"}}}`,
			[]string{"INVALID_POLICY_ELEMENT", "MISSING_STATEMENT", "RK_ELEMENT_OUTSIDE_STATEMENT", "RK_DOCUMENTATION_ADDRESS", "RK_DATE_PASSED"},
			[]string{"network-conditional-access", "dated-grant"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			findings, _ := Source([]byte(c.src), Options{Now: caseNow()})
			for _, want := range c.want {
				if !slices.Contains(codesOf(findings), want) {
					t.Errorf("got %v, want %s among them", codesOf(findings), want)
				}
			}
			for _, want := range c.templates {
				named := func(f Finding) bool { return strings.Contains(f.Fix+" ", "rootkeep iam template show "+want) }
				if !slices.ContainsFunc(findings, named) {
					t.Errorf("no finding of %v names the template %s", codesOf(findings), want)
				}
			}
		})
	}
}
