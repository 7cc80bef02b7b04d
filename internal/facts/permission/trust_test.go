package permission_test

import (
	"slices"
	"testing"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/permission"
)

func TestTrust(t *testing.T) {
	trust := func(principal, condition string) string {
		if condition != "" {
			condition = `,"Condition":` + condition
		}
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"` + condition + `}]}`
	}
	const other = "444455556666"
	denied := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-own1234567"}}}]}`
	for _, c := range []struct {
		name, text         string
		outside            []string
		anyone, tied, bare iam.Truth
	}{
		{"its own account", trust(`{"AWS":"arn:aws:iam::111122223333:root"}`, ""), nil, iam.False, iam.True, iam.False},
		{"a service", trust(`{"Service":"ec2.amazonaws.com"}`, ""), nil, iam.False, iam.True, iam.False},
		{"an account by number", trust(`{"AWS":"444455556666"}`, ""), []string{other}, iam.False, iam.False, iam.True},
		{"a role", trust(`{"AWS":"arn:aws:iam::444455556666:role/x"}`, ""), []string{other}, iam.False, iam.False, iam.True},
		{"a principal that is gone", trust(`{"AWS":"AROAEXAMPLEEXAMPLE12"}`, ""), nil, iam.False, iam.True, iam.False},
		{"the own organization", trust(`{"AWS":"444455556666"}`, `{"StringEquals":{"aws:PrincipalOrgID":"o-own1234567"}}`), []string{other}, iam.False, iam.True, iam.False},
		{"another organization", trust(`{"AWS":"444455556666"}`, `{"StringEquals":{"aws:PrincipalOrgID":"o-other12345"}}`), []string{other}, iam.False, iam.False, iam.False},
		{"a Deny for all but the organization", denied, []string{other}, iam.False, iam.True, iam.False},
		{"any organization", trust(`{"AWS":"444455556666"}`, `{"StringLike":{"aws:PrincipalOrgID":"o-*"}}`), []string{other}, iam.False, iam.False, iam.True},
		{"roles of one name in the account", trust(`{"AWS":"444455556666"}`, `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::444455556666:role/x"}}`), []string{other}, iam.False, iam.False, iam.True},
		{"everyone", trust(`"*"`, ""), nil, iam.True, iam.True, iam.False},
		{"everyone of one account", trust(`{"AWS":"*"}`, `{"StringEquals":{"aws:PrincipalAccount":"444455556666"}}`), []string{other}, iam.False, iam.False, iam.True},
		{"everyone of one name", trust(`{"AWS":"*"}`, `{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/x"}}`), nil, iam.True, iam.True, iam.False},
		{"everyone with a tag that the caller chooses", trust(`{"AWS":"*"}`, `{"StringEquals":{"aws:PrincipalTag/team":"red"}}`), nil, iam.Unknown, iam.True, iam.False},
		{"an identity provider", trust(`{"Federated":"arn:aws:iam::444455556666:saml-provider/x"}`, ""), nil, iam.False, iam.True, iam.False},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := complete()
			s.Facts.Organization = facts.Organization{Member: true, ID: "o-own1234567"}
			s.Facts.Roles = []facts.Role{{ARN: own + "role/r", Name: "r", Trust: facts.Document{Text: c.text}}}
			a, r := permission.Of(s), &s.Facts.Roles[0]
			outside, answer := a.Outside(r)
			if !slices.Equal(outside, c.outside) || answer.Truth != iam.False {
				t.Errorf("outside: got %v %v, want %v", outside, answer, c.outside)
			}
			if got := a.Anyone(r); got.Truth != c.anyone {
				t.Errorf("anyone: got %v %q, want %v", got.Truth, got.Why, c.anyone)
			}
			if got := a.Tied(r, other); got.Truth != c.tied {
				t.Errorf("tied: got %v %q, want %v", got.Truth, got.Why, c.tied)
			}
			if got := a.Bare(r, other); got.Truth != c.bare {
				t.Errorf("bare: got %v %q, want %v", got.Truth, got.Why, c.bare)
			}
		})
	}
}
