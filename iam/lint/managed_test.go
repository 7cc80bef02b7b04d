package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam/lint/known"
)

// suspects are the errors and security warnings on AWS's own managed policies, by
// code, with why each is right although AWS publishes the policy.
var suspects = map[string]string{
	"INVALID_ACTION":                                      "the name is not in AWS's reference of that day: services in preview, permissions of consoles",
	"INVALID_SERVICE":                                     "a condition key of a service that AWS has closed (DeepRacer)",
	"INVALID_SERVICE_IN_ACTION":                           "services that AWS has closed, renamed or never documented",
	"INVALID_SERVICE_CONDITION_KEY":                       "AWS reports the same",
	"INVALID_SERVICE_PRINCIPAL_FORMAT":                    "aws:CalledVia with a name of two parts; AWS reports the same of application-signals.cloudwatch",
	"MISSING_QUALIFIER":                                   "events:detail-type has several values; AWS reports the same of two policies",
	"DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE": "AWS reports the same",
	"FORALLVALUES_WITH_SINGLE_VALUED_KEY":                 "codestar-connections:ProviderAction has one value",
	"PASS_ROLE_WITH_STAR_IN_RESOURCE":                     "AWS's page on its checks names these policies",
	"PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE":          "AWS's page on its checks names these policies",
	"STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS":        "the key holds an ARN; AWS reports the same of S3UnlockBucketPolicy",
	"RK_DENY_LIST_INCOMPLETE":                             "the first quarantine policy leaves these open; AWS has closed them in its later versions",
	"RK_EVIDENCE_REMOVABLE":                               "they delete log groups, flow logs or objects of any bucket, which they need or not",
	"RK_ADMINISTRATOR":                                    "administrators by intent",
	"RK_EXISTING_ROLES":                                   "they run what the caller gives them with roles that are there",
}

// AWS publishes some 1,600 managed policies and lints them itself: an error on one is
// suspicious. Each code that fires has been judged; another one is a false alarm
// until somebody has.
func TestManagedPoliciesRaiseNoUnjudgedAlarm(t *testing.T) {
	counts := map[string]int{}
	for name, text := range managedPolicies(t) {
		findings, _ := Source(text, Options{Type: Identity, Now: caseNow()})
		for _, f := range findings {
			if f.Severity < SecurityWarning {
				continue
			}
			if counts[f.Code]++; suspects[f.Code] == "" {
				t.Errorf("%s: got %s %s, want it judged", name, f.Code, f.Message)
			}
		}
	}
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%4d %s: %s", counts[code], code, suspects[code])
	}
}

// sized is a policy of exactly n characters.
func sized(t *testing.T, n int, statement string) []byte {
	t.Helper()
	text := `{"Version":"2012-10-17","Statement":[`
	for i := 0; ; i++ {
		more := fmt.Sprintf(statement, i, "")
		if i > 0 {
			more = "," + more
		}
		if room := n - len(text) - len(more) - len("]}"); room < len(more)+10 {
			text += strings.Replace(more, "PAD", "PAD"+strings.Repeat("x", room), 1) + "]}"
			break
		}
		text += more
	}
	if len(text) != n {
		t.Fatalf("got a policy of %d characters, want %d", len(text), n)
	}
	return []byte(text)
}

func TestQuotasAreExact(t *testing.T) {
	const identity = `{"Sid":"S%d","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::bPAD%s/*"}`
	const guardrail = `{"Sid":"S%d","Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::bPAD%s/*"}`
	const shared = `{"Sid":"S%d","Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bPAD%s/*"}`
	const trust = `{"Sid":"S%d","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::210987654321:role/PAD%s"},"Action":"sts:AssumeRole"}`
	for _, tt := range []struct {
		code      string
		o         Options
		quota     int
		statement string
	}{
		{"POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", Options{Type: Identity}, known.IdentityQuota, identity},
		{"RK_MANAGED_POLICY_SIZE", Options{Type: Identity, Managed: true}, known.ManagedQuota, identity},
		{"POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA", Options{Type: Resource}, known.ResourceQuota, shared},
		{"POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA", Options{Type: Trust}, known.TrustQuota, trust},
		{"POLICY_SIZE_EXCEEDS_SCP_QUOTA", Options{Type: SCP}, known.SCPQuota, guardrail},
		{"RK_SCP_SIZE", Options{Type: SCP}, known.OldSCPQuota, guardrail},
		{"POLICY_SIZE_EXCEEDS_RCP_QUOTA", Options{Type: RCP}, known.RCPQuota, shared},
	} {
		tt.o.Now = caseNow()
		for _, over := range []int{0, 1} {
			text := sized(t, tt.quota+over, tt.statement)
			// White space between elements does not count.
			text = []byte(strings.ReplaceAll(string(text), `"Effect":`, "\n\t\"Effect\" : "))
			findings, _ := Source(text, tt.o)
			if got := slices.Contains(codesOf(findings), tt.code); got != (over > 0) {
				t.Errorf("%s: %d characters over the quota: got fired %v", tt.code, over, got)
			}
		}
	}
}
