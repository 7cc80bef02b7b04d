package form

import (
	"testing"

	"github.com/rootkeep/rootkeep/iam/condition"
)

func TestWrong(t *testing.T) {
	for _, c := range []struct{ name, key, text, want string }{
		{"a VPC", "aws:sourcevpc", "vpc-12345678", ""},
		{"an endpoint where a VPC belongs", "aws:sourcevpc", "vpce-12345678", "INVALID_VPC_FORMAT"},
		{"a service", "aws:calledvia", "glue.amazonaws.com", ""},
		{"a service in China", "iam:passedtoservice", "ec2.amazonaws.com.cn", ""},
		{"a part of a service", "aws:calledvia", "x.glue.amazonaws.com", "INVALID_SERVICE_PRINCIPAL_FORMAT"},
		{"a part of a service, of a key that takes it", "iam:awsservicename", "x.dynamodb.amazonaws.com", ""},
		{"a service with its Region", "kms:viaservice", "s3.eu-west-1.amazonaws.com", ""},
		{"a service without its Region", "kms:viaservice", "s3.amazonaws.com", "INVALID_SERVICE_PRINCIPAL_FORMAT"},
		{"a Region", "aws:requestedregion", "eu-west-1", ""},
		{"no Region", "aws:requestedregion", "eu-west", "INVALID_REGION"},
		{"a key of any form", "s3:prefix", "x", ""},
	} {
		if got, _ := Wrong(c.key, c.text); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestDate(t *testing.T) {
	for text, want := range map[string]bool{
		"2026-11-22": true, "2026-11-22T10:00:00Z": true, "2026-11-22T10:00:00+01:00": true, "2026-11": true, "2026": true,
		"2026-13-01": false, "22.11.2026": false, "": false, "2026-11-22 10:00": false,
	} {
		if _, ok := Date(text); ok != want {
			t.Errorf("Date(%q): got %v, want %v", text, ok, want)
		}
	}
}

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		text          string
		ok, isPrivate bool
	}{
		{"10.1.0.0/16", true, true}, {"8.0.0.0/6", true, false}, {"fd00::1", true, true}, {"8.8.8.8", true, false}, {"8.8.8.8/33", false, false}, {"x", false, false},
	} {
		p, ok := Range(c.text)
		if ok != c.ok || ok && Inside(p, PrivateRanges()) != c.isPrivate {
			t.Errorf("%s: got %v, want %v and private %v", c.text, ok, c.ok, c.isPrivate)
		}
	}
}

func TestOpenSubject(t *testing.T) {
	for _, c := range []struct {
		text   string
		branch bool
		want   bool
	}{
		{"repo:acme/*", false, true},
		{"repo:acme/*", true, true},
		{"repo:acme/infra:*", false, true},
		{"repo:acme/infra:*", true, false},
		{"repo:acme/infra:ref:refs/heads/*", false, true},
		{"repo:acme/infra:environment:prod*", false, false},
	} {
		if got := OpenSubject(c.text, c.branch); got != c.want {
			t.Errorf("%s, branch named %v: got %v, want %v", c.text, c.branch, got, c.want)
		}
	}
}

func TestVariables(t *testing.T) {
	if got, want := WithoutVariables("a${aws:username}*b${x"), "a*bx"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	body, after, closed := VariableBody("a, 'x}y'}z")
	if body != "a, 'x}y'" || after != "z" || !closed {
		t.Errorf("got %q %q %v, want the default with its brace", body, after, closed)
	}
	for text, want := range map[string]bool{"${aws:PrincipalAccount}": true, "${aws:PrincipalTag/x}": false, "x-${aws:PrincipalAccount}": false} {
		if got := OwnVariable(text); got != want {
			t.Errorf("OwnVariable(%q): got %v, want %v", text, got, want)
		}
	}
}

func TestExclude(t *testing.T) {
	test := func(operator, key string, values ...string) Test {
		op, ok := condition.ParseOperator(operator)
		if !ok {
			t.Fatalf("%s is no operator", operator)
		}
		return Test{key, op, values}
	}
	for _, c := range []struct {
		name string
		a, b Test
		want bool
	}{
		{"an age without MFA", test("Bool", "aws:MultiFactorAuthPresent", "false"), test("NumericLessThan", "aws:MultiFactorAuthAge", "3600"), true},
		{"an age with MFA", test("Bool", "aws:MultiFactorAuthPresent", "true"), test("NumericLessThan", "aws:MultiFactorAuthAge", "3600"), false},
		{"an age that may be absent", test("Bool", "aws:MultiFactorAuthPresent", "false"), test("NumericLessThanIfExists", "aws:MultiFactorAuthAge", "3600"), false},
		{"absent and of a value", test("StringEquals", "aws:SourceVpc", "vpc-1"), test("Null", "aws:sourcevpc", "true"), true},
		{"absent and not of a value", test("StringNotEquals", "aws:SourceVpc", "vpc-1"), test("Null", "aws:SourceVpc", "true"), false},
		{"a window that ends before it begins", test("DateGreaterThan", "aws:CurrentTime", "2030-01-01"), test("DateLessThan", "aws:CurrentTime", "2029-01-01"), true},
		{"a window", test("DateGreaterThan", "aws:CurrentTime", "2029-01-01"), test("DateLessThan", "aws:CurrentTime", "2030-01-01"), false},
		{"the same value and not", test("StringEquals", "aws:PrincipalOrgID", "o-1"), test("StringNotEquals", "aws:PrincipalOrgID", "o-1", "o-2"), true},
		{"one of two and not the other", test("StringEquals", "aws:PrincipalOrgID", "o-1", "o-3"), test("StringNotEquals", "aws:PrincipalOrgID", "o-1"), false},
	} {
		if got := Exclude(c.a, c.b); (got != "") != c.want {
			t.Errorf("%s: got %q, want a reason: %v", c.name, got, c.want)
		}
		if got := Exclude(c.b, c.a); (got != "") != c.want {
			t.Errorf("%s, the other way round: got %q, want a reason: %v", c.name, got, c.want)
		}
	}
}
