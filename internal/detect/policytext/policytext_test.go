package policytext

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func allow(action, resource string) string {
	return `{"Statement":{"Effect":"Allow","Action":` + action + `,"Resource":` + resource + `}}`
}

func TestJudge(t *testing.T) {
	trust := func(principal string) string {
		return `{"Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}]}`
	}
	tests := []struct {
		name, rule, document string
		bad, readable        bool
	}{
		{"everything everywhere is administrator", "admin-policy", allow(`"*"`, `"*"`), true, true},
		{"all of IAM is administrator", "admin-policy", allow(`["s3:Get*","iam:*"]`, `["*"]`), true, true},
		{"a star with a question mark is a star", "admin-policy", allow(`"?*"`, `"?*"`), true, true},
		{"all ARNs is everywhere", "admin-policy", allow(`"*"`, `"arn*"`), true, true},
		{"all users is everywhere", "admin-policy", allow(`"iam:*"`, `["arn:aws:iam::*:user/*","arn:aws:iam::*:role/*"]`), true, true},
		{"NotAction allows the rest", "admin-policy", `{"Statement":{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}}`, true, true},
		{"one service is not administrator", "admin-policy", allow(`"s3:*"`, `"*"`), false, true},
		{"deny is not a grant", "admin-policy", `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, false, true},
		{"one named role is not everywhere", "admin-policy", allow(`"iam:*"`, `"arn:aws:iam::111122223333:role/mine"`), false, true},
		{"policies of anybody are an escalation", "broad-policy", allow(`"iam:*Policy"`, `"*"`), true, true},
		{"a question mark hides nothing", "broad-policy", allow(`"iam:Pu?UserPolicy"`, `"*"`), true, true},
		{"updating any function is an escalation", "broad-policy", allow(`"lambda:Update*"`, `"*"`), true, true},
		{"updating functions of a name is not", "broad-policy", allow(`"lambda:Update*"`, `"arn:aws:lambda:*:*:function:mine:*"`), false, true},
		{"reading IAM is not", "broad-policy", allow(`["iam:Get*","iam:List*"]`, `"*"`), false, true},
		{"everybody is an outsider", "external-trust", trust(`"*"`), true, true},
		{"another account is an outsider", "external-trust", trust(`{"AWS":"arn:aws:iam::999999999999:root"}`), true, true},
		{"a star in a list is an outsider", "external-trust", trust(`{"AWS":["arn:aws:iam::111122223333:root","*"]}`), true, true},
		{"the own account is not", "external-trust", trust(`{"AWS":["111122223333","arn:aws:iam::111122223333:role/x"]}`), false, true},
		{"a service is not", "external-trust", trust(`{"Service":"ec2.amazonaws.com"}`), false, true},
		{"an own identity provider is not", "external-trust", trust(`{"Federated":"arn:aws:iam::111122223333:saml-provider/x"}`), false, true},
		{"a public identity provider is", "external-trust", trust(`{"Federated":"accounts.google.com"}`), true, true},
		{"everybody but one is an outsider", "external-trust", `{"Statement":{"Effect":"Allow","NotPrincipal":{"AWS":"1"},"Action":"*"}}`, true, true},
		{"an encoded document is read", "admin-policy", "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%7D", true, true},
		{"what cannot be read is bad", "admin-policy", `{"Statement":`, true, false},
		{"no statement cannot be read", "admin-policy", `{}`, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad, readable := Judge(tt.rule, []byte(tt.document), "111122223333")
			if bad != tt.bad || readable != tt.readable {
				t.Errorf("got bad %v, readable %v, want %v, %v", bad, readable, tt.bad, tt.readable)
			}
		})
	}
}

// A plain text meets a pattern exactly when the pattern matches it.
func TestMeetAgreesWithRegexp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[ab]{0,8}`).Draw(t, "text")
		re := regexp.MustCompile("^" + strings.NewReplacer("*", ".*", "?", ".").Replace(pattern) + "$")
		if got, want := meet(pattern, text), re.MatchString(text); got != want {
			t.Errorf("meet(%q, %q): got %v, want %v", pattern, text, got, want)
		}
		if meet(pattern, text) != meet(text, pattern) {
			t.Errorf("meet(%q, %q) depends on the order", pattern, text)
		}
	})
}

func FuzzJudge(f *testing.F) {
	f.Add([]byte(allow(`"*"`, `"*"`)))
	f.Add([]byte(`{"Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]}}]}`))
	f.Add([]byte("%7B"))
	f.Fuzz(func(t *testing.T, document []byte) {
		for rule := range rules {
			if bad, readable := Judge(rule, document, "111122223333"); !readable && !bad {
				t.Errorf("%s: an unreadable document passes", rule)
			}
		}
	})
}
