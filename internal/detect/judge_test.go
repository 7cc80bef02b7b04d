package detect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/detect"
)

func TestAlertsSayWhatAPolicyAllows(t *testing.T) {
	pack, bases := shipped(t)
	const document = "requestParameters.policyDocument"
	tests := []struct {
		name, base string
		document   any
		want       string
	}{
		{"the statement and its Sid", "put-user-policy", `{"Statement":[{"Sid":"Read","Effect":"Allow","Action":"s3:Get*","Resource":"*"},{"Sid":"Ops","Effect":"Allow","Action":"*","Resource":"*"}]}`,
			"inline-policy-administrator: statement 1 (Ops) allows changes on any resource in"},
		{"the condition", "put-user-policy", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}}`,
			"only if Bool aws:MultiFactorAuthPresent [true]"},
		{"the outsider", "update-assume-role-policy", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole"}}`,
			"role-trust-opened: statement 0 allows sts:AssumeRole to account 444455556666"},
		{"that it could not be read", "put-user-policy", "HIDDEN_DUE_TO_SECURITY_REASONS", "taken as bad"},
		{"that there was none", "put-user-policy", "", "taken as bad: it is empty"},
		{"the worst of several documents", "put-user-policy", []any{`{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`},
			"inline-policy-administrator: statement 0 allows changes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := one(t, pack, detect.Options{}, event(t, bases, tt.base, 0, map[string]any{document: tt.document}))
			var notes []string
			for _, a := range res.Alerts {
				notes = append(notes, a.Notes...)
			}
			if !slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, tt.want) }) {
				t.Errorf("notes: got %q, want one with %q", notes, tt.want)
			}
		})
	}
}

func TestPoliciesOfOtherPartitions(t *testing.T) {
	pack, bases := shipped(t)
	gov := map[string]any{
		"awsRegion": "us-gov-west-1", "requestParameters.policyDocument": `{"Statement":{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws-us-gov:iam::111122223333:role/*"}}`,
	}
	trust := map[string]any{
		"awsRegion": "us-gov-west-1", "requestParameters.policyDocument": `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws-us-gov:iam::444455556666:root"},"Action":"sts:AssumeRole"}}`,
	}
	for name, set := range map[string]map[string]any{"put-role-policy": gov, "update-assume-role-policy": trust} {
		for _, arn := range []any{"arn:aws-us-gov:iam::111122223333:user/alice", ""} {
			set["userIdentity.arn"] = arn
			if res := one(t, pack, detect.Options{}, event(t, bases, name, 0, set)); len(res.Alerts) == 0 {
				t.Errorf("%s by %q: got no alert, want one", name, arn)
			}
		}
	}
}

func TestNotesAreBounded(t *testing.T) {
	pack, bases := shipped(t)
	var records []map[string]any
	for i := range 200 {
		text := fmt.Sprintf(`{"Statement":{"Sid":"S%d","Effect":"Allow","Action":"*","Resource":"*"}}`, i)
		records = append(records, event(t, bases, "put-user-policy", 0, map[string]any{"requestParameters.policyDocument": text, "eventID": fmt.Sprintf("00000000-0000-4000-8000-%012d", i)}))
	}
	want := one(t, pack, detect.Options{}, records...)
	if n := len(want.Alerts[0].Notes); n > 60 || !slices.Contains(want.Alerts[0].Notes, "more than 50 different notes: further ones are left out") {
		t.Errorf("got %d notes of 200 documents, want some 50 and a word about the rest: %q", n, want.Alerts[0].Notes)
	}
	slices.Reverse(records)
	if got := one(t, pack, detect.Options{}, records...); !slices.Equal(got.Alerts[0].Notes, want.Alerts[0].Notes) {
		t.Errorf("notes depend on the order of records: got %q, want %q", got.Alerts[0].Notes, want.Alerts[0].Notes)
	}
}
