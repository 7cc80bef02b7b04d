package iam_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/iam"
)

// Section 2.6: the points on which the documentation and another evaluator differ.
// The answers are the documentation's.
func TestProbes(t *testing.T) {
	user := map[string][]string{"aws:username": {"ann"}}
	home := "arn:aws:s3:::data/ann/x"
	mine := allow("s3:*", "arn:aws:s3:::data/${aws:username}/*")
	ask(t, []question{
		{name: "probe 1: version 2008-10-17, variable is literal", resource: home, context: user, identity: `@{"Version":"2008-10-17","Statement":` + mine + `}`, want: iam.ImplicitlyDenied},
		{name: "probe 2: version missing, variable is literal", resource: home, context: user, identity: `@{"Statement":` + mine + `}`, want: iam.ImplicitlyDenied},
		{name: "probe 3: root user of the account without a policy", caller: rootARN, want: iam.Allowed},
		{name: "probe 4: session named by the resource policy, session policy silent", caller: session, session: other, bucket: allow("s3:*", "*", to(session)), want: iam.Allowed},
		// The safer of two readings; the other is tested with iam.Literal.
		{name: "probe 5: ForAnyValue with IfExists, key absent, in a Deny", identity: every + "," + deny("s3:*", "*", `"Condition":{"ForAnyValue:StringEqualsIfExists":{"aws:TagKeys":"x"}}`), want: iam.ExplicitlyDenied},
		{name: "probe 6: Deny with StringNotEquals against an unresolved variable", context: map[string][]string{"aws:PrincipalTag/team": {"red"}},
			identity: every + "," + deny("s3:*", "*", `"Condition":{"StringNotEquals":{"aws:PrincipalTag/team":"${aws:ResourceTag/team}"}}`), want: iam.ExplicitlyDenied},
		{name: "probe 7: Deny with NotResource and an unresolved variable", resource: home, identity: every + `,{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::data/${aws:username}/*"}`, want: iam.ExplicitlyDenied},
		{name: "probe 8: ForAllValues:Null is always true", identity: allow("s3:*", "*", `"Condition":{"ForAllValues:Null":{"aws:username":"true"}}`), context: user, want: iam.Allowed},
		{name: "probe 9: ForAnyValue:Null is always false", identity: allow("s3:*", "*", `"Condition":{"ForAnyValue:Null":{"aws:username":"false"}}`), context: user, want: iam.ImplicitlyDenied},
		{name: "probe 10: Deny with NotPrincipal that names the role alone, caller is its session", caller: session, identity: every,
			bucket: `{"Effect":"Deny","NotPrincipal":{"AWS":"` + roleApp + `"},"Action":"*","Resource":"*"}`, want: iam.ExplicitlyDenied},
	})
}

// Section 2.5: how tests of one Condition element join, and where variables count.
func TestConditionElements(t *testing.T) {
	both := func(condition string) string { return allow("s3:*", "*", `"Condition":`+condition) }
	red := map[string][]string{"aws:PrincipalTag/team": {"red"}, "aws:SecureTransport": {"true"}, "aws:MultiFactorAuthAge": {"10"}, "aws:SourceIp": {"192.0.2.1"}, "aws:CurrentTime": {"2026-11-26T00:00:00Z"}}
	ask(t, []question{
		{name: "operators are joined by and", context: red, identity: both(`{"StringEquals":{"aws:PrincipalTag/team":"red"},"Bool":{"aws:SecureTransport":"false"}}`), want: iam.ImplicitlyDenied},
		{name: "keys of an operator are joined by and", context: red, identity: both(`{"StringEquals":{"aws:PrincipalTag/team":"red","aws:PrincipalTag/other":"x"}}`), want: iam.ImplicitlyDenied},
		{name: "values of a key are joined by or", context: red, identity: both(`{"StringEquals":{"aws:PrincipalTag/team":["blue","red"]}}`), want: iam.Allowed},
		{name: "values of a negated operator are joined by nor", context: red, identity: both(`{"StringNotEquals":{"aws:PrincipalTag/team":["blue","red"]}}`), want: iam.ImplicitlyDenied},
		{name: "a condition key has no case, nor has the key of a tag", context: red, identity: both(`{"StringEquals":{"AWS:principaltag/TEAM":"red"}}`), want: iam.Allowed},
		{name: "the same operator and key in two statements are two ways", context: red, identity: both(`{"StringEquals":{"aws:PrincipalTag/team":"blue"}}`) + "," + both(`{"StringEquals":{"aws:PrincipalTag/team":"red"}}`), want: iam.Allowed},
		{name: "a number takes no variable", context: red, identity: both(`{"NumericEquals":{"aws:MultiFactorAuthAge":"${aws:MultiFactorAuthAge}"}}`), want: iam.ImplicitlyDenied},
		{name: "a date takes no variable", context: red, identity: both(`{"DateEquals":{"aws:CurrentTime":"${aws:CurrentTime}"}}`), want: iam.ImplicitlyDenied},
		{name: "an address takes no variable", context: red, identity: both(`{"IpAddress":{"aws:SourceIp":"${aws:SourceIp}"}}`), want: iam.ImplicitlyDenied},
		{name: "bytes take no variable", context: red, identity: both(`{"BinaryEquals":{"aws:PrincipalTag/team":"${aws:PrincipalTag/team}"}}`), want: iam.ImplicitlyDenied},
		{name: "an exponent makes no number", context: map[string][]string{"s3:max-keys": {"10"}}, identity: both(`{"NumericLessThan":{"s3:max-keys":"1e2"}}`), want: iam.ImplicitlyDenied},
	})
}

// Sections 2.1 and 2.3: what the other tables leave.
func TestOrganizationAndOwners(t *testing.T) {
	bucket := "arn:aws:s3:::logs"
	ask(t, []question{
		{name: "an SCP Allow with NotResource is honoured", identity: every, scps: []string{`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::logs/*"}`}, want: iam.ImplicitlyDenied, by: "scp"},
		{name: "SCPs apply to a delegated administrator like to any member", identity: every, scps: []string{other}, facts: iam.Facts{ManagementAccount: foreign}, want: iam.ImplicitlyDenied, by: "scp"},
		{name: "a level between others must allow as well", identity: every, scps: []string{every, other, every}, want: iam.ImplicitlyDenied, by: "scp"},
		{name: "RCPs apply to callers of other accounts", owner: foreign, identity: every, bucket: open, rcps: []string{deny("s3:*", "*", everyone)}, want: iam.ExplicitlyDenied, by: "rcp"},
		{name: "RCPs do not limit service-linked roles", caller: "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", identity: every, rcps: []string{deny("s3:*", "*", everyone)}, want: iam.Allowed},
		{name: "an RCP for a service that RCPs do not reach still denies", action: "ec2:StartInstances", resource: "arn:aws:ec2:eu-west-3:111122223333:instance/i-1", identity: every, rcps: []string{deny("ec2:*", "*", everyone)}, want: iam.ExplicitlyDenied, by: "rcp"},
		{name: "root reads the bucket policy despite its Deny", caller: rootARN, action: "s3:GetBucketPolicy", resource: bucket, bucket: deny("s3:*", "*", everyone), want: iam.Allowed},
		{name: "root deletes the bucket policy despite its Deny", caller: rootARN, action: "s3:DeleteBucketPolicy", resource: bucket, bucket: deny("s3:*", "*", everyone), want: iam.Allowed},
		{name: "a session of sts:AssumeRoot clears the queue policy despite its Deny", caller: rootARN, action: "sqs:SetQueueAttributes", resource: "arn:aws:sqs:eu-west-3:111122223333:jobs", bucket: deny("sqs:*", "*", everyone), context: map[string][]string{"aws:AssumedRoot": {"true"}}, want: iam.Allowed},
		{name: "it does not read the queue despite its Deny", caller: rootARN, action: "sqs:ReceiveMessage", resource: "arn:aws:sqs:eu-west-3:111122223333:jobs", bucket: deny("sqs:*", "*", everyone), context: map[string][]string{"aws:AssumedRoot": {"true"}}, want: iam.ExplicitlyDenied, by: "resource"},
		{name: "a plain root user does not clear it", caller: rootARN, action: "sqs:SetQueueAttributes", resource: "arn:aws:sqs:eu-west-3:111122223333:jobs", bucket: deny("sqs:*", "*", everyone), want: iam.ExplicitlyDenied, by: "resource"},
		{name: "root of another account does not", caller: "arn:aws:iam::444455556666:root", action: "s3:DeleteBucketPolicy", resource: bucket, bucket: open + "," + deny("s3:*", "*", everyone), want: iam.ExplicitlyDenied, by: "resource"},
		{name: "root does not pass a Deny at another call", caller: rootARN, action: "s3:PutBucketAcl", resource: bucket, bucket: deny("s3:*", "*", everyone), want: iam.ExplicitlyDenied, by: "resource"},
		{name: "a session of sts:AssumeRoot needs its task policy for each call", caller: rootARN, action: "s3:PutObject", session: allow("s3:DeleteBucketPolicy", "*"), context: map[string][]string{"aws:AssumedRoot": {"true"}}, want: iam.ImplicitlyDenied, by: "session"},
		{name: "another service has no role across accounts without a resource policy", owner: foreign, action: "ec2:StartInstances", resource: "arn:aws:ec2:eu-west-3:444455556666:instance/i-1", identity: every, want: iam.ImplicitlyDenied, by: "resource"},
		{name: "the alias of a customer can be changed", action: "kms:UpdateAlias", resource: "arn:aws:kms:eu-west-3:111122223333:alias/mine", identity: every, want: iam.Allowed},
		{name: "a policy of the account can be changed", action: "iam:CreatePolicyVersion", resource: "arn:aws:iam::111122223333:policy/mine", identity: every, want: iam.Allowed},
		{name: "a reserved role can be read", action: "iam:GetRole", resource: "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/R", identity: every, want: iam.Allowed},
		{name: "what AWS owns does not yield to root either", caller: rootARN, action: "iam:DeleteRole", resource: "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/R", want: iam.ImplicitlyDenied, by: "service"},
	})
}

// A policy of megabytes on one line is explained in time proportional to its size:
// the line of each statement, and the condition that thousands of them make.
func TestExplanationsStayLinear(t *testing.T) {
	var many strings.Builder
	for i := range 30000 {
		fmt.Fprintf(&many, `,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/%d":"x"}}}`, i)
	}
	set, r := question{partial: true, identity: every + many.String()}.build(t)
	start := time.Now()
	x := set.Explain(r, iam.Matching)
	if x.Outcome != iam.Conditional || !strings.Contains(x.String(), "aws:RequestTag/29999") {
		t.Errorf("got %v, want conditional on every tag", x.Outcome)
	}
	if took := time.Since(start); took > 2*time.Minute {
		t.Errorf("took %v, want far less", took)
	}
}

// Every line of the table in docs/iam-semantics.md names tests that exist.
func TestSemanticsAreCovered(t *testing.T) {
	table, err := os.ReadFile("../docs/iam-semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, pattern := range []string{"*_test.go", "condition/*_test.go", "cases/*_test.go", "lint/testdata/codes/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: got %d files, %v", pattern, len(files), err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			tests.WriteString(filepath.Base(f) + "\n" + string(text))
		}
	}
	rows := 0
	for line := range strings.Lines(string(table)) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 || strings.HasPrefix(cells[1], "--") || strings.Contains(cells[2], " tests ") {
			continue
		}
		rows++
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[2], -1) {
			if !strings.Contains(tests.String(), m[1]) {
				t.Errorf("%s: got no test %q", strings.TrimSpace(cells[1]), m[1])
			}
		}
		if !strings.Contains(cells[2], "`") {
			t.Errorf("%s: got no test, want one", strings.TrimSpace(cells[1]))
		}
	}
	if rows < 60 {
		t.Errorf("got %d rows, want the whole of the semantics", rows)
	}
}
