package resource

import (
	"testing"

	"github.com/rootkeep/rootkeep/iam/condition"
)

func TestMatch(t *testing.T) {
	c := condition.PartialContext(map[string][]string{"aws:username": {"ann"}, "aws:PrincipalTag/none": nil})
	for _, x := range []struct {
		name, pattern, resource string
		broad                   bool
		want, resolved          condition.Truth
	}{
		{"stars alone cover what is no ARN", "**", "*", false, condition.True, condition.True},
		{"another pattern does not", "arn:*", "*", false, condition.False, condition.True},
		{"a star in the last part crosses slashes and colons", "arn:aws:s3:::logs/*", "arn:aws:s3:::logs/a/b:c", false, condition.True, condition.True},
		{"case counts", "arn:aws:s3:::Logs", "arn:aws:s3:::logs", false, condition.False, condition.True},
		{"a star in an earlier part stays in it", "arn:aws:iam:*role/x", "arn:aws:iam::111122223333:role/x", false, condition.False, condition.True},
		{"unless read broadly", "arn:aws:iam:*role/x", "arn:aws:iam::111122223333:role/x", true, condition.True, condition.True},
		{"missing parts stand for any", "arn:aws:sqs", "arn:aws:sqs:eu-west-3:111122223333:q", false, condition.True, condition.True},
		{"a known variable", "arn:aws:s3:::home/${aws:username}", "arn:aws:s3:::home/ann", false, condition.True, condition.True},
		{"a variable that is absent", "arn:aws:s3:::home/${aws:PrincipalTag/none}", "arn:aws:s3:::home/ann", false, condition.False, condition.False},
		{"a variable that is not known", "arn:aws:s3:::home/${aws:userid}", "arn:aws:s3:::home/ann", false, condition.Unknown, condition.Unknown},
	} {
		t.Run(x.name, func(t *testing.T) {
			p, arn := Parse(x.pattern, true), Split(x.resource)
			match, resolved := p.Match(&arn, &c, x.broad)
			if match != x.want || resolved != x.resolved {
				t.Errorf("got %v, resolved %v; want %v, %v", match, resolved, x.want, x.resolved)
			}
		})
	}
}
