package iam_test

import (
	"slices"
	"testing"

	"github.com/rootkeep/rootkeep/iam"
)

func TestCoveringListsStatementsByAction(t *testing.T) {
	p := compile(t, "p", allow("s3:Get*", object)+","+deny("*", "*", noMFA)+`,{"Effect":"Allow","NotAction":["s3:GetObject","iam:*"],"Resource":"*"}`+","+allow("S3:getobject", "*"))
	set, err := iam.NewSet(iam.Policies{Identity: p})
	if err != nil {
		t.Fatal(err)
	}
	for action, want := range map[string][]int{"s3:GetObject": {0, 1, 3}, "s3:GetBucketAcl": {0, 1, 2}, "iam:PassRole": {1}, "new:Thing": {1, 2}, "nonsense": {1}} {
		var got []int
		for _, ref := range set.Covering(action) {
			got = append(got, ref.Index)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got statements %v, want %v", action, got, want)
		}
	}
}

func TestNamesIsTheCallersPart(t *testing.T) {
	for _, c := range []struct {
		name, statement, caller string
		want                    iam.Truth
	}{
		{"no element", allow("s3:*", "*"), ann, iam.True},
		{"the user", allow("s3:*", "*", to(ann)), ann, iam.True},
		{"its account", allow("s3:*", "*", to(own)), ann, iam.True},
		{"another account", allow("s3:*", "*", to(foreign)), ann, iam.False},
		{"an Allow for all others", `{"Effect":"Allow","NotPrincipal":{"AWS":"` + foreign + `"},"Action":"*","Resource":"*"}`, ann, iam.False},
		{"a Deny for all others", `{"Effect":"Deny","NotPrincipal":{"AWS":"` + foreign + `"},"Action":"*","Resource":"*"}`, ann, iam.True},
		{"a Deny that exempts the chain", `{"Effect":"Deny","NotPrincipal":{"AWS":["` + own + `","` + ann + `"]},"Action":"*","Resource":"*"}`, ann, iam.False},
		{"a canonical user", `{"Effect":"Allow","Principal":{"CanonicalUser":"x"},"Action":"*","Resource":"*"}`, ann, iam.Unknown},
	} {
		p := compile(t, "p", c.statement)
		who, err := iam.ParsePrincipal(c.caller)
		if err != nil {
			t.Fatal(err)
		}
		none := iam.NewContext(nil)
		if got := (iam.Ref{Policy: p[0]}).Names(&who, &none); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
