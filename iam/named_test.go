package iam_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/iam"
)

func TestAPolicyUnderAnotherName(t *testing.T) {
	first, err := iam.Parse("first", []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},
		{"Sid":"No","Effect":"Deny","Action":"s3:PutObject","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	second := first.Named("second")
	who, err := iam.ParsePrincipal("arn:aws:iam::111122223333:role/r")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		policy *iam.Policy
		want   string
	}{{"its own name", first, "first statement 1 (No)"}, {"the other name", second, "second statement 1 (No)"}} {
		set, err := iam.NewSet(iam.Policies{Identity: []*iam.Policy{c.policy}})
		if err != nil {
			t.Fatal(err)
		}
		d := set.Decide(&iam.Request{Action: "s3:PutObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: who.Account, Principal: who, Context: iam.NewContext(map[string][]string{"aws:SecureTransport": {"false"}})})
		if d.Outcome != iam.ExplicitlyDenied || d.Statement.String() != c.want || d.Statement.Policy != c.policy {
			t.Errorf("%s: got %v by %s, want explicitly_denied by %s", c.name, d.Outcome, d.Statement, c.want)
		}
	}
}

func TestWhereAPolicyFits(t *testing.T) {
	trust, err := iam.Parse("trust", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := trust.Fits(iam.Resource); err != nil {
		t.Errorf("as a resource's policy: got %v, want none", err)
	}
	_, want := iam.NewSet(iam.Policies{Identity: []*iam.Policy{trust}})
	if err := trust.Fits(iam.Identity); err == nil || want == nil || err.Error() != want.Error() {
		t.Errorf("as an identity policy: got %v, want %v", err, want)
	}
}
