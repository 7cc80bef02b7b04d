package lint

import (
	"slices"
	"testing"
)

// The samples of a well-known kind of guide. What is wrong with each must be said.
func TestSamplesThatPeoplePaste(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{
			"MFA enforcement that never denies anything",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"},"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}}]}`,
			[]string{"RK_UNSATISFIABLE_CONDITION", "RK_DENY_MISSES_LONG_TERM_KEYS", "RK_DENY_BLOCKS_MFA_ENROLMENT"},
		},
		{
			"a security administrator that is an administrator",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:*","cloudtrail:*"],"Resource":"*"},{"Effect":"Deny","Action":["iam:DeleteRole","iam:DetachRolePolicy"],"Resource":"arn:aws:iam::*:role/SecurityAdmin*"}]}`,
			[]string{"RK_ADMINISTRATOR", "RK_SELF_PROTECTION_GAP", "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE"},
		},
		{
			"a power user who needs no PassRole",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:*","s3:*","rds:*","lambda:*","cloudformation:*"],"Resource":"*"},{"Effect":"Deny","Action":["iam:CreateUser","iam:DeleteUser","organizations:*"],"Resource":"*"}]}`,
			[]string{"RK_EXISTING_ROLES"},
		},
		{
			"network and time limits with documentation ranges and a date that has passed",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","198.51.100.0/24"]},"DateGreaterThan":{"aws:CurrentTime":"2024-01-01T00:00:00Z"}}}]}`,
			[]string{"RK_DOCUMENTATION_ADDRESS", "RK_DATE_PASSED", "RK_SOURCE_IP_ALLOW"},
		},
		{
			"trust in a placeholder account with a guessable external id",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::TRUSTED-ACCOUNT-ID:role/CrossAccountRole"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"unique-external-identifier"}}}]}`,
			[]string{"INVALID_PRINCIPAL_FORMAT", "RK_EXTERNAL_ID_GUESSABLE"},
		},
		{
			"a condition without a statement",
			`{"Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24"]}}}`,
			[]string{"INVALID_POLICY_ELEMENT", "MISSING_STATEMENT"},
		},
	} {
		findings, _ := Source([]byte(c.src), Options{Now: caseNow()})
		for _, want := range c.want {
			if !slices.Contains(codesOf(findings), want) {
				t.Errorf("%s: got %v, want %s among them", c.name, codesOf(findings), want)
			}
		}
	}
}
