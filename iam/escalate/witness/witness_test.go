package witness_test

import (
	"slices"
	"testing"

	"github.com/rootkeep/rootkeep/iam/escalate/witness"
)

func TestWitnessesFitFormAndPattern(t *testing.T) {
	const function = "arn:aws:lambda:*:111122223333:function:*"
	for _, c := range []struct {
		name, form, pattern string
		want                string // beside the one that no policy writes; "" for none
	}{
		{"a prefix", function, "arn:aws:lambda:eu-west-3:111122223333:function:team-*", "arn:aws:lambda:eu-west-3:111122223333:function:team-rk0example"},
		{"a whole name", function, "arn:aws:lambda:*:*:function:fixed", "arn:aws:lambda:us-east-1:111122223333:function:fixed"},
		{"one character", function, "arn:aws:lambda:*:111122223333:function:a?c", "arn:aws:lambda:us-east-1:111122223333:function:axc"},
		{"the user's name", function, "arn:aws:lambda:*:111122223333:function:${aws:username}-*", "arn:aws:lambda:us-east-1:111122223333:function:ann-rk0example"},
		{"another variable names nothing", function, "arn:aws:lambda:*:111122223333:function:${aws:PrincipalTag/team}-*", ""},
		{"another account", function, "arn:aws:lambda:*:444455556666:function:*", ""},
		{"another service", function, "arn:aws:ec2:*:111122223333:instance/*", ""},
		{"no ARN", function, "function:*", ""},
		{"what AWS owns", "arn:aws:ssm:*:*:document/*", "arn:aws:ssm:*::document/AWS-RunShellScript", "arn:aws:ssm:us-east-1::document/AWS-RunShellScript"},
		{"a definite resource has no other", "arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:user/*", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := witness.Of(c.form, []string{c.pattern}, "ann")
			var got []string
			for i := range list[1:] {
				got = append(got, list[1+i].In("us-east-1"))
			}
			var want []string
			if c.want != "" {
				want = []string{c.want}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestWitnessesAreBounded(t *testing.T) {
	var patterns []string
	for i := range 1000 {
		patterns = append(patterns, "arn:aws:s3:::b"+string(rune('a'+i%26))+string(rune('a'+i/26))+"*")
	}
	if got := len(witness.Of("arn:aws:s3:::*", patterns, "")); got != witness.Max {
		t.Errorf("got %d, want %d", got, witness.Max)
	}
}
