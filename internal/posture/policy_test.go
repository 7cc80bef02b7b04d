package posture_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

// judge gives the finding of an expression over one queue with a policy.
func judge(t *testing.T, expression, policy string) rootkeep.Finding {
	t.Helper()
	controls, problems := load("mine.yaml", fmt.Sprintf(good, "each: queues\npass: >-\n  "+expression))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s := account()
	s.Facts.Queues = []facts.Queue{{ARN: "arn:aws:sqs:eu-west-3:111122223333:q", Policy: policy}}
	return posture.Evaluate(s, controls, posture.Setting{Now: now})[0]
}

func TestPoliciesAreEvaluatedNotSearched(t *testing.T) {
	const (
		deny = `decide(queue.policy, '*', 's3:GetObject', 'arn:aws:s3:::b/o', {'aws:SecureTransport': 'false'}) == 'explicitly_denied'`
		sent = `decide(queue.policy, 'cloudtrail.amazonaws.com', 's3:PutObject', 'arn:aws:s3:::b/o', {'aws:SourceArn': 'arn:aws:cloudtrail:eu-west-3:111122223333:trail/t'}) == 'allowed'`
		open = `open_to_all(queue.policy)`
		more = `beyond(queue.policy, ['sqs:ListQueues'], ['sts:AssumeRoot sts:TaskPolicyArn audit']).size() == 0`

		enter = `beyond(queue.policy, [], ['sts:AssumeRole sts:SourceIdentity SC-* arn:aws:iam::*:role/r']).size() == 0`
	)
	policy := func(statement string) string { return `{"Version": "2012-10-17", "Statement": [` + statement + `]}` }
	for _, c := range []struct {
		name, expression, policy string
		want                     rootkeep.Status
	}{
		{"a deny in the case that AWS also takes", deny, policy(`{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "S3:get*", "Resource": "*", "Condition": {"Bool": {"AWS:securetransport": ["false"]}}}`), rootkeep.Pass},
		{"the words of a deny in an allow", deny, policy(`{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}`), rootkeep.Fail},
		{"a deny of another bucket", deny, policy(`{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::c/*"}`), rootkeep.Fail},
		{"no policy", deny, "", rootkeep.Fail},
		{"a service that is let in", sent, policy(`{"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"}`), rootkeep.Pass},
		{"a service that is let in for another trail", sent, policy(`{"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*",
			"Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:cloudtrail:eu-west-3:444455556666:trail/t"}}}`), rootkeep.Fail},
		{"text that is no policy", deny, "deny", rootkeep.Unknown},
		{"open", open, policy(`{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}`), rootkeep.Pass},
		{"open to an account", open, policy(`{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sqs:*", "Resource": "*"}`), rootkeep.Fail},
		{"open, no policy", open, "", rootkeep.Fail},
		{"open, no policy's text", open, "[", rootkeep.Unknown},
		{"the given action in another case", more, policy(`{"Effect": "Allow", "Action": "SQS:listqueues", "Resource": "*"}`), rootkeep.Pass},
		{"a wildcard", more, policy(`{"Effect": "Allow", "Action": "sqs:List*", "Resource": "*"}`), rootkeep.Fail},
		{"what NotAction leaves", more, policy(`{"Effect": "Allow", "NotAction": "sqs:*", "Resource": "*"}`), rootkeep.Fail},
		{"a deny of more", more, policy(`{"Effect": "Deny", "Action": "*", "Resource": "*"}`), rootkeep.Pass},
		{"a tied action with its tie", more, policy(`{"Effect": "Allow", "Action": "sts:AssumeRoot", "Resource": "*", "Condition": {"StringEquals": {"STS:TaskPolicyArn": "audit"}}}`), rootkeep.Pass},
		{"a tied action with one value more", more, policy(`{"Effect": "Allow", "Action": "sts:AssumeRoot", "Resource": "*", "Condition": {"StringEquals": {"sts:TaskPolicyArn": ["audit", "delete"]}}}`), rootkeep.Fail},
		{"a tied action with a tie that an absent key undoes", more, policy(`{"Effect": "Allow", "Action": "sts:AssumeRoot", "Resource": "*", "Condition": {"StringEqualsIfExists": {"sts:TaskPolicyArn": "audit"}}}`), rootkeep.Fail},
		{"a tied action without its tie", more, policy(`{"Effect": "Allow", "Action": "sts:AssumeRoot", "Resource": "*"}`), rootkeep.Fail},
		{"a tied action on its resource, by a pattern", enter, policy(`{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/r", "Condition": {"StringLike": {"sts:SourceIdentity": "SC-*"}}}`), rootkeep.Pass},
		{"a tied action on one resource more", enter, policy(`{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ["arn:aws:iam::*:role/r", "arn:aws:iam::*:role/s"], "Condition": {"StringLike": {"sts:SourceIdentity": "SC-*"}}}`), rootkeep.Fail},
		{"a tied action on all but a resource", enter, policy(`{"Effect": "Allow", "Action": "sts:AssumeRole", "NotResource": "arn:aws:iam::*:role/r", "Condition": {"StringLike": {"sts:SourceIdentity": "SC-*"}}}`), rootkeep.Fail},
		{"a tied action by another pattern", enter, policy(`{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/r", "Condition": {"StringLike": {"sts:SourceIdentity": "*"}}}`), rootkeep.Fail},
		{"beyond, text that is no policy", more, "{", rootkeep.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := judge(t, c.expression, c.policy)
			if f.Status != c.want {
				t.Errorf("got %s %v, want %s", f.Status, f.Missing, c.want)
			}
			if c.want == rootkeep.Unknown && !strings.Contains(strings.Join(f.Missing, " "), "a policy that cannot be read") {
				t.Errorf("missing: got %v", f.Missing)
			}
		})
	}
}

func TestAPrincipalThatIsNoneIsUnknown(t *testing.T) {
	f := judge(t, `decide(queue.policy, 'nobody', 's3:GetObject', 'arn:aws:s3:::b/o', {'a': 'b'}) == 'allowed'`, "")
	if f.Status != rootkeep.Unknown || !strings.Contains(strings.Join(f.Missing, " "), `principal "nobody"`) {
		t.Errorf("got %s %v", f.Status, f.Missing)
	}
}
