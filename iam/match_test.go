package iam_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/iam"
)

// Section 2.4: actions.
func TestActions(t *testing.T) {
	not := func(action string) string {
		return fmt.Sprintf(`{"Effect":"Allow","NotAction":%q,"Resource":"*"}`, action)
	}
	ask(t, []question{
		{name: "the name as written", identity: allow("s3:GetObject", "*"), want: iam.Allowed},
		{name: "case does not count", identity: allow("S3:getobject", "*"), want: iam.Allowed},
		{name: "case of the request does not count", action: "S3:GETOBJECT", identity: allow("s3:GetObject", "*"), want: iam.Allowed},
		{name: "a star at the end", identity: allow("s3:Get*", "*"), want: iam.Allowed},
		{name: "a star in the middle", identity: allow("s3:G*t", "*"), want: iam.Allowed},
		{name: "a star for the service", identity: allow("*:GetObject", "*"), want: iam.Allowed},
		{name: "a part of the service", identity: allow("s*:Get*", "*"), want: iam.Allowed},
		{name: "star colon star", identity: allow("*:*", "*"), want: iam.Allowed},
		{name: "several stars", identity: allow("**", "*"), want: iam.Allowed},
		{name: "a question mark is one character", identity: allow("s3:?etObject", "*"), want: iam.Allowed},
		{name: "a question mark is not none", identity: allow("s3:?GetObject", "*"), want: iam.ImplicitlyDenied},
		{name: "a prefix is not enough", identity: allow("s3:Get", "*"), want: iam.ImplicitlyDenied},
		{name: "another service", identity: allow("s3express:GetObject", "*"), want: iam.ImplicitlyDenied},
		{name: "a space never matches", identity: allow(" s3:GetObject", "*"), want: iam.ImplicitlyDenied},
		{name: "a comma never matches", identity: allow("s3:GetObject,s3:PutObject", "*"), want: iam.ImplicitlyDenied},
		{name: "a star does not stand for the colon", identity: allow("s3*", "*"), want: iam.ImplicitlyDenied},
		{name: "no action at all", identity: `{"Effect":"Allow","Action":[],"Resource":"*"}`, want: iam.ImplicitlyDenied},
		{name: "one of a list", identity: `{"Effect":"Allow","Action":["s3:PutObject","s3:GetObject"],"Resource":"*"}`, want: iam.Allowed},
		{name: "NotAction leaves out", identity: not("s3:Get*"), want: iam.ImplicitlyDenied},
		{name: "NotAction of another service covers", identity: not("iam:*"), want: iam.Allowed},
		{name: "NotAction of another name covers", identity: not("s3:PutObject"), want: iam.Allowed},
		{name: "NotAction with a space always covers", identity: not("s3:GetObject "), want: iam.Allowed},
		{name: "NotAction star covers nothing", identity: not("*"), want: iam.ImplicitlyDenied},
		{name: "an empty NotAction allows nothing", identity: `{"Effect":"Allow","NotAction":[],"Resource":"*"}`, want: iam.ImplicitlyDenied},
		{name: "an empty NotAction denies all", identity: every + `,{"Effect":"Deny","NotAction":[],"Resource":"*"}`, want: iam.ExplicitlyDenied},
		{name: "an action longer than its buffer", action: "s3:" + strings.Repeat("Get", 100), identity: allow("s3:Get*", "*"), want: iam.Allowed},
	})
}

// Section 2.4: resources.
func TestResources(t *testing.T) {
	not := func(effect, resource string) string {
		return fmt.Sprintf(`{"Effect":%q,"Action":"*","NotResource":%q}`, effect, resource)
	}
	user := map[string][]string{"aws:username": {"ann"}}
	home := "arn:aws:s3:::data/ann/x"
	ask(t, []question{
		{name: "the ARN as written", identity: allow("s3:*", object), want: iam.Allowed},
		{name: "case counts", identity: allow("s3:*", "arn:aws:s3:::Logs/a"), want: iam.ImplicitlyDenied},
		{name: "a star takes slashes", resource: "arn:aws:s3:::logs/a/b/c", identity: allow("s3:*", "arn:aws:s3:::logs/*"), want: iam.Allowed},
		{name: "a star takes colons after the fifth", action: "sns:Publish", resource: "arn:aws:sns:eu-west-3:111122223333:a:b", identity: allow("sns:*", "arn:aws:sns:*:*:a*"), want: iam.Allowed},
		{name: "an Allow's star stays in its part", identity: allow("s3:*", "arn:*:logs/a"), want: iam.ImplicitlyDenied},
		{name: "a Deny's star may cross", identity: every + "," + deny("s3:*", "arn:*:logs/a"), want: iam.ExplicitlyDenied},
		{name: "a star in the Region", action: "sqs:SendMessage", resource: "arn:aws:sqs:eu-west-3:111122223333:q", identity: allow("sqs:*", "arn:aws:sqs:*:111122223333:q"), want: iam.Allowed},
		{name: "an incomplete ARN is filled with stars", identity: allow("s3:*", "arn:aws:s3"), want: iam.Allowed},
		{name: "an incomplete ARN of another service", identity: allow("s3:*", "arn:aws:sqs"), want: iam.ImplicitlyDenied},
		{name: "a wildcard-only action is matched by a star", action: "ec2:DescribeInstances", resource: "*", identity: allow("ec2:*", "*"), want: iam.Allowed},
		{name: "a wildcard-only action is not matched by an ARN", action: "ec2:DescribeInstances", resource: "*", identity: allow("ec2:*", "arn:aws:ec2:*:*:*"), want: iam.ImplicitlyDenied},
		{name: "a Deny with an ARN never hits a wildcard-only action", action: "ec2:DescribeInstances", resource: "*", identity: every + "," + deny("ec2:*", "arn:aws:ec2:*:*:instance/i-1"), want: iam.Allowed},
		{name: "NotResource leaves out", identity: not("Allow", object), want: iam.ImplicitlyDenied},
		{name: "NotResource covers the rest", identity: not("Allow", "arn:aws:s3:::other/*"), want: iam.Allowed},
		{name: "a Deny with NotResource spares", identity: every + "," + not("Deny", "arn:aws:s3:::logs/*"), want: iam.Allowed},
		{name: "a Deny with NotResource hits the rest", identity: every + "," + not("Deny", "arn:aws:s3:::other/*"), want: iam.ExplicitlyDenied},
		{name: "an empty Resource covers nothing", identity: `{"Effect":"Allow","Action":"*","Resource":[]}`, want: iam.ImplicitlyDenied},
		{name: "a variable in the resource part", resource: home, context: user, identity: allow("s3:*", "arn:aws:s3:::data/${aws:username}/*"), want: iam.Allowed},
		{name: "the name of a variable has no case", resource: home, context: user, identity: allow("s3:*", "arn:aws:s3:::data/${AWS:UserName}/*"), want: iam.Allowed},
		{name: "a variable for another value", resource: home, context: map[string][]string{"aws:username": {"bob"}}, identity: allow("s3:*", "arn:aws:s3:::data/${aws:username}/*"), want: iam.ImplicitlyDenied},
		{name: "a variable's value is literal", resource: home, context: map[string][]string{"aws:username": {"*"}}, identity: allow("s3:*", "arn:aws:s3:::data/${aws:username}/*"), want: iam.ImplicitlyDenied},
		{name: "a variable without a value matches nothing", resource: home, identity: allow("s3:*", "arn:aws:s3:::data/${aws:username}/*"), want: iam.ImplicitlyDenied},
		{name: "a variable with two values matches nothing", resource: home, context: map[string][]string{"aws:username": {"ann", "bob"}}, identity: allow("s3:*", "arn:aws:s3:::data/${aws:username}/*"), want: iam.ImplicitlyDenied},
		{name: "a variable's default", resource: home, identity: allow("s3:*", "arn:aws:s3:::data/${aws:username, 'ann'}/*"), want: iam.Allowed},
		{name: "a default is for absent keys only", resource: home, context: map[string][]string{"aws:username": {"bob"}}, identity: allow("s3:*", "arn:aws:s3:::data/${aws:username, 'ann'}/*"), want: iam.ImplicitlyDenied},
		{name: "a variable before the fifth colon is text", action: "sqs:SendMessage", resource: "arn:aws:sqs:eu-west-3:111122223333:q", context: map[string][]string{"aws:PrincipalAccount": {own}}, identity: allow("sqs:*", "arn:aws:sqs:*:${aws:PrincipalAccount}:q"), want: iam.ImplicitlyDenied},
		{name: "a star written as a variable is a star character", resource: "arn:aws:s3:::data/*", identity: allow("s3:*", "arn:aws:s3:::data/${*}"), want: iam.Allowed},
		{name: "a star written as a variable is no wildcard", resource: home, identity: allow("s3:*", "arn:aws:s3:::data/${*}"), want: iam.ImplicitlyDenied},
		{name: "version 2008 has no variables", resource: home, context: user, identity: `@{"Version":"2008-10-17","Statement":` + allow("s3:*", "arn:aws:s3:::data/${aws:username}/*") + `}`, want: iam.ImplicitlyDenied},
		{name: "no version has no variables", resource: home, context: user, identity: `@{"Statement":` + allow("s3:*", "arn:aws:s3:::data/${aws:username}/*") + `}`, want: iam.ImplicitlyDenied},
		{name: "version 2008 takes the text literally", resource: "arn:aws:s3:::data/${aws:username}/x", identity: `@{"Version":"2008-10-17","Statement":` + allow("s3:*", "arn:aws:s3:::data/${aws:username}/*") + `}`, want: iam.Allowed},
		{name: "a Deny with an unresolved NotResource hits", resource: home, identity: every + "," + not("Deny", "arn:aws:s3:::data/${aws:username}/*"), want: iam.ExplicitlyDenied},
		{name: "an Allow with an unresolved NotResource covers nothing", identity: not("Allow", "arn:aws:s3:::data/${aws:username}/*"), want: iam.ImplicitlyDenied},
		{name: "an unknown variable makes the answer conditional", resource: home, partial: true, identity: allow("s3:*", "arn:aws:s3:::data/${aws:username}/*"), want: iam.Conditional, by: "identity"},
	})
}

// Section 2.5: NotPrincipal.
func TestNotPrincipal(t *testing.T) {
	spare := func(list string) string {
		return `{"Effect":"Deny","NotPrincipal":{"AWS":[` + list + `]},"Action":"*","Resource":"*"}`
	}
	q := func(s string) string { return `"` + s + `"` }
	ask(t, []question{
		{name: "a user with its account is exempt", identity: every, bucket: spare(q(ann) + "," + q(own)), want: iam.Allowed},
		{name: "a user without its account is denied", identity: every, bucket: spare(q(ann)), want: iam.ExplicitlyDenied},
		{name: "an account alone exempts nobody", identity: every, bucket: spare(q(own)), want: iam.ExplicitlyDenied},
		{name: "a session with role and account is exempt", caller: session, identity: every, bucket: spare(q(session) + "," + q(roleApp) + "," + q(rootARN)), want: iam.Allowed},
		{name: "a session without its own ARN is denied", caller: session, identity: every, bucket: spare(q(roleApp) + "," + q(rootARN)), want: iam.ExplicitlyDenied},
		{name: "a session without its role is denied", caller: session, identity: every, bucket: spare(q(session) + "," + q(rootARN)), want: iam.ExplicitlyDenied},
		{name: "a boundary makes it deny always", identity: every, boundary: every, bucket: spare(q(ann) + "," + q(own)), want: iam.ExplicitlyDenied},
		{name: "root is exempt by its account", caller: rootARN, bucket: spare(q(own)), want: iam.Allowed},
		{name: "another account is denied", owner: foreign, identity: every, bucket: open + "," + spare(q(foreign)), want: iam.ExplicitlyDenied},
		{name: "an unsigned caller is denied", caller: "*", bucket: open + "," + spare(q(own)), want: iam.ExplicitlyDenied},
		{name: "a service is exempt by its name", caller: "cloudtrail.amazonaws.com", bucket: open + `,{"Effect":"Deny","NotPrincipal":{"Service":"cloudtrail.amazonaws.com"},"Action":"*","Resource":"*"}`, want: iam.Allowed},
		{name: "NotPrincipal with Allow grants nothing", bucket: `{"Effect":"Allow","NotPrincipal":{"AWS":"` + foreign + `"},"Action":"*","Resource":"*"}`, want: iam.ImplicitlyDenied},
	})
}

// Three-valued answers: what is not known never becomes allowed.
func TestUnknownContext(t *testing.T) {
	onlyMFA := `"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`
	ask(t, []question{
		{name: "an unknown key of an Allow", partial: true, identity: allow("s3:*", "*", onlyMFA), want: iam.Conditional, by: "identity"},
		{name: "an unknown key of a Deny", partial: true, identity: every + "," + deny("s3:*", "*", noMFA), want: iam.Conditional, by: "identity"},
		{name: "an unknown key of an SCP", partial: true, identity: every, scps: []string{every + "," + deny("s3:*", "*", noMFA)}, want: iam.Conditional, by: "scp"},
		{name: "an unknown key does not matter beside an Allow", partial: true, identity: every + "," + allow("s3:*", "*", onlyMFA), want: iam.Allowed},
		{name: "an unknown Deny does not matter without an Allow", partial: true, identity: deny("s3:*", "*", noMFA), want: iam.ImplicitlyDenied},
		{name: "an unknown Deny does not matter beside a certain one", partial: true, identity: every + "," + deny("s3:*", "*") + "," + deny("s3:*", "*", noMFA), want: iam.ExplicitlyDenied},
		{name: "a known key of a partial context counts", partial: true, context: map[string][]string{"aws:MultiFactorAuthPresent": {"true"}}, identity: allow("s3:*", "*", onlyMFA), want: iam.Allowed},
		{name: "a key known to be absent counts", partial: true, context: map[string][]string{"aws:MultiFactorAuthPresent": nil}, identity: allow("s3:*", "*", onlyMFA), want: iam.ImplicitlyDenied},
		{name: "IfExists does not save an unknown key", partial: true, identity: allow("s3:*", "*", `"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`), want: iam.Conditional},
		{name: "a negated operator does not save an unknown key", partial: true, identity: allow("s3:*", "*", `"Condition":{"StringNotEquals":{"aws:username":"x"}}`), want: iam.Conditional},
		{name: "ForAllValues does not save an unknown key", partial: true, identity: allow("s3:*", "*", `"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":"x"}}`), want: iam.Conditional},
		{name: "Null does not save an unknown key", partial: true, identity: allow("s3:*", "*", `"Condition":{"Null":{"aws:username":"true"}}`), want: iam.Conditional},
		{name: "the guide's MFA Deny lets an access key through", identity: every + "," + deny("*", "*", `"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"},"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`), want: iam.Allowed},
		{name: "the right MFA Deny does not", identity: every + "," + deny("*", "*", `"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`), want: iam.ExplicitlyDenied},
	})
}

func TestResidualNamesWhatIsNotKnown(t *testing.T) {
	q := question{
		partial: true, bucket: allow("s3:*", "*", to(session)), caller: roleApp,
		identity: allow("s3:*", "*", `"Condition":{"StringEquals":{"aws:RequestedRegion":["eu-west-3"]},"Bool":{"aws:SecureTransport":"true"}}`),
		scps:     []string{every + "," + deny("*", "*", noMFA)},
	}
	set, r := q.build(t)
	got := set.Residual(r).String()
	want := "not (Bool aws:MultiFactorAuthPresent [false]) and ((StringEquals aws:RequestedRegion [eu-west-3] and Bool aws:SecureTransport [true]) or the caller is one of [" + session + "])"
	if got != want {
		t.Errorf("residual: got %s\nwant %s", got, want)
	}
}

func TestHostileGlobsStayLinear(t *testing.T) {
	long := strings.Repeat("a", 200_000)
	for _, pattern := range []string{strings.Repeat("*a", 500) + "*b", strings.Repeat("*a", 500) + "b", strings.Repeat("a*", 500) + "?b", "*" + strings.Repeat("a?", 1000) + "b*"} {
		q := question{
			resource: "arn:aws:s3:::" + long, context: map[string][]string{"aws:username": {long}},
			identity: allow("s3:*", "arn:aws:s3:::"+pattern) + "," + allow("*", "*", fmt.Sprintf(`"Condition":{"StringLike":{"aws:username":%q}}`, pattern)),
		}
		set, r := q.build(t)
		start := time.Now()
		set.Decide(r)
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("%.20s...: took %v, want far less", pattern, took)
		}
	}
}

func TestPoliciesThatDoNotFitTheirLayer(t *testing.T) {
	for _, c := range []struct {
		name string
		p    iam.Policies
		want string
	}{
		{"an identity policy with a Principal", iam.Policies{Identity: compile(t, "p", open)}, "policy p: 1:38: statement 0: a policy of layer identity takes no Principal"},
		{"an identity policy without a Resource", iam.Policies{Identity: compile(t, "p", `{"Effect":"Allow","Action":"*"}`)}, "policy p: 1:38: statement 0: a policy of layer identity needs a Resource"},
		{"a bucket policy without a Principal", iam.Policies{Resource: compile(t, "p", every)}, "policy p: 1:38: statement 0: a policy of layer resource needs a Principal"},
		{"more levels than an organization has", iam.Policies{SCPs: make([][]*iam.Policy, 30)}, "iam: 30 layers and levels, want at most 24"},
	} {
		_, err := iam.NewSet(c.p)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

func TestLiteralReading(t *testing.T) {
	unresolved := `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::data/${aws:username}/*"}`
	vague := allow("*", "*", `"Condition":{"ForAnyValue:StringEqualsIfExists":{"aws:TagKeys":"x"}}`)
	for _, c := range []struct {
		name     string
		policies func(iam.Reading) iam.Policies
	}{
		{"ForAnyValue with IfExists", func(r iam.Reading) iam.Policies { return iam.Policies{Identity: compileAs(t, vague, r)} }},
		{"an unresolved NotResource", func(r iam.Reading) iam.Policies { return iam.Policies{Identity: compileAs(t, unresolved, r)} }},
		{"everyone and a silent session policy", func(r iam.Reading) iam.Policies {
			return iam.Policies{Resource: compileAs(t, open, r), Session: compileAs(t, other, r)}
		}},
	} {
		caller, err := iam.ParsePrincipal(session)
		if err != nil {
			t.Fatal(err)
		}
		r := iam.Request{Action: "s3:GetObject", Resource: object, ResourceAccount: own, Principal: caller, Context: iam.NewContext(nil)}
		for reading, want := range map[iam.Reading]iam.Outcome{iam.Safer: iam.ImplicitlyDenied, iam.Literal: iam.Allowed} {
			got, err := iam.Evaluate(&r, c.policies(reading))
			if err != nil || got.Outcome != want {
				t.Errorf("%s in reading %d: got %v %v, want %v", c.name, reading, got.Outcome, err, want)
			}
		}
	}
}
