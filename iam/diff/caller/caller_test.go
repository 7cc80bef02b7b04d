package caller_test

import (
	"slices"
	"testing"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/diff/caller"
)

func TestOfHasThoseNamedAndStrangers(t *testing.T) {
	p, err := iam.Parse("p", []byte(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":{
 "AWS":["222233334444","arn:aws-cn:iam::111122223333:role/path/app","arn:aws:iam::111122223333:user/ann","AIDAEXAMPLE","arn:aws:iam::111122223333:user/*"],"Service":"sns.amazonaws.com"},
 "Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/ops/*"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	ref := iam.Ref{Policy: p}
	list, complete := caller.Of([]caller.Statement{{Principal: p.Document.Statements[0].Principal, Tests: ref.Tests()}})
	if !complete {
		t.Error("got an incomplete list, want all callers of six names")
	}
	var arns []string
	for _, c := range list {
		if slices.Contains(arns, c.ARN) {
			t.Errorf("%s: got it twice", c.ARN)
		}
		arns = append(arns, c.ARN)
	}
	for _, want := range []string{
		"arn:aws:iam::222233334444:root", "arn:aws:iam::222233334444:user/someone", "arn:aws-cn:iam::222233334444:user/someone",
		"arn:aws-cn:sts::111122223333:assumed-role/app/session", "arn:aws:iam::111122223333:user/ann", "arn:aws:sts::111122223333:federated-user/of-ann",
		"arn:aws:iam::444455556666:user/someone", "sns.amazonaws.com", "other.amazonaws.com", "*", "arn:aws:iam::444455556666:user/aidaexample",
		"arn:aws:sts::999999999999:assumed-role/x/session",
	} {
		i := slices.Index(arns, want)
		if i < 0 {
			t.Errorf("%s: got none in %q", want, arns)
			continue
		}
		switch c := list[i]; want {
		case "arn:aws-cn:sts::111122223333:assumed-role/app/session":
			if got := c.Keys["aws:principalarn"]; !slices.Equal(got, []string{"arn:aws-cn:iam::111122223333:role/path/app"}) {
				t.Errorf("%s: got aws:PrincipalArn %q, want the role with its path", want, got)
			}
		case "arn:aws:iam::444455556666:user/someone":
			if c.Stands != "any account" {
				t.Errorf("%s: got %q, want any account", want, c.Stands)
			}
		case "arn:aws:sts::111122223333:federated-user/of-ann":
			if c.Issuer != "arn:aws:iam::111122223333:user/ann" {
				t.Errorf("%s: got issuer %q, want ann", want, c.Issuer)
			}
		}
	}
}
