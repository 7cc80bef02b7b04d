package diff_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/diff"
)

func parse(t testing.TB, statements string) *iam.Policy {
	t.Helper()
	p, err := iam.Parse("p.json", []byte(`{"Version":"2012-10-17","Statement":[`+statements+`]}`))
	if err != nil {
		t.Fatalf("%v\n%s", err, statements)
	}
	return p
}

func compare(t testing.TB, kind diff.Kind, old, new string) *diff.Report {
	t.Helper()
	r, err := diff.Compare(diff.Side{Kind: kind, Policies: []*iam.Policy{parse(t, old)}}, diff.Side{Kind: kind, Policies: []*iam.Policy{parse(t, new)}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// show is a report without most of its actions.
func show(r *diff.Report) string {
	for _, list := range [][]diff.Change{r.New.Changes, r.New.Open, r.Lost.Changes, r.Lost.Open} {
		for i := range list {
			list[i].Actions = list[i].Actions[:min(3, len(list[i].Actions))]
		}
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// allow and deny write statements; rest is further JSON members.
func allow(action, resource string, rest ...string) string {
	return statement("Allow", action, resource, rest...)
}
func deny(action, resource string, rest ...string) string {
	return statement("Deny", action, resource, rest...)
}

func statement(effect, action, resource string, rest ...string) string {
	s := fmt.Sprintf(`{"Effect":%q,"Action":%s`, effect, list(action))
	if resource != "" {
		s += `,"Resource":` + list(resource)
	}
	return s + strings.Join(append([]string{""}, rest...), ",") + "}"
}

func list(values string) string {
	parts := strings.Split(values, " ")
	text, _ := json.Marshal(parts)
	if len(parts) == 1 {
		text, _ = json.Marshal(parts[0])
	}
	return string(text)
}

func when(operator, key, values string) string {
	return fmt.Sprintf(`"Condition":{%q:{%q:%s}}`, operator, key, list(values))
}

func who(kind, values string) string { return fmt.Sprintf(`"Principal":{%q:%s}`, kind, list(values)) }

const everyone = `"Principal":"*"`

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name       string
		kind       diff.Kind // identity if empty
		old, new   string
		gain, loss diff.Answer
	}{
		{"the same policy", "", allow("s3:*", "*"), allow("s3:*", "*"), diff.No, diff.No},
		{"an action more", "", allow("s3:GetObject", "*"), allow("s3:GetObject s3:PutObject", "*"), diff.Yes, diff.No},
		{"a wildcard in its names", "", allow("s3:GetObject", "*"), allow("s3:Get*", "*"), diff.Yes, diff.No},
		{"stars written otherwise", "", allow("s3:**", "*"), allow("S3:*", "**"), diff.No, diff.No},
		{"a statement split", "", allow("s3:GetObject s3:PutObject", "arn:aws:s3:::a/* arn:aws:s3:::b/*"),
			strings.Join([]string{allow("s3:GetObject", "arn:aws:s3:::a/* arn:aws:s3:::b/*"), allow("s3:PutObject", "arn:aws:s3:::b/*"), allow("s3:PutObject", "arn:aws:s3:::a/*")}, ","), diff.No, diff.No},
		{"a resource within another", "", allow("s3:GetObject", "arn:aws:s3:::a/*"), allow("s3:GetObject", "arn:aws:s3:::a/* arn:aws:s3:::a/b/*"), diff.No, diff.No},
		{"a wider resource", "", allow("s3:GetObject", "arn:aws:s3:::a/b/*"), allow("s3:GetObject", "arn:aws:s3:::a/*"), diff.Yes, diff.No},
		{"patterns that cover one together", "", allow("s3:GetObject", "arn:aws:s3:::a/*"), allow("s3:GetObject", "arn:aws:s3:::a/?* arn:aws:s3:::a/"), diff.No, diff.No},
		{"a condition dropped", "", allow("s3:*", "*", when("Bool", "aws:SecureTransport", "true")), allow("s3:*", "*"), diff.Yes, diff.No},
		{"a deny dropped", "", allow("s3:*", "*") + "," + deny("s3:PutObject", "*"), allow("s3:*", "*"), diff.Yes, diff.No},
		{"a deny that stopped nothing", "", allow("s3:GetObject", "*") + "," + deny("s3:PutObject", "*"), allow("s3:GetObject", "*"), diff.No, diff.No},
		{"NotAction for a Deny", "", allow("*", "*") + "," + deny("iam:*", "*"), `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, diff.No, diff.No},
		{"NotResource for a Deny", "", allow("s3:GetObject", "*") + "," + deny("s3:GetObject", "arn:aws:s3:::a/*"), `{"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::a/*"}`, diff.No, diff.No},
		{"fewer values", "", allow("ec2:*", "*", when("StringEquals", "aws:RequestedRegion", "a b")), allow("ec2:*", "*", when("StringEquals", "aws:RequestedRegion", "b")), diff.No, diff.Yes},
		{"StringEquals within StringLike", "", allow("ec2:*", "*", when("StringLike", "aws:RequestedRegion", "eu-*")), allow("ec2:*", "*", when("StringEquals", "aws:RequestedRegion", "eu-west-3")), diff.No, diff.Yes},
		{"a narrower range", "", allow("ec2:*", "*", when("IpAddress", "aws:SourceIp", "10.0.0.0/8")), allow("ec2:*", "*", when("IpAddress", "aws:SourceIp", "10.1.0.0/16 10.2.0.1")), diff.No, diff.Yes},
		{"two halves of a range", "", allow("ec2:*", "*", when("IpAddress", "aws:SourceIp", "10.0.0.0/8")), allow("ec2:*", "*", when("IpAddress", "aws:SourceIp", "10.0.0.0/9 10.128.0.0/9")), diff.No, diff.No},
		{"numbers in order", "", allow("ec2:*", "*", when("NumericLessThan", "aws:MultiFactorAuthAge", "3600")), allow("ec2:*", "*", when("NumericLessThanEquals", "aws:MultiFactorAuthAge", "3600")), diff.Yes, diff.No},
		{"dates in order", "", allow("ec2:*", "*", when("DateLessThan", "aws:CurrentTime", "2026-12-01")), allow("ec2:*", "*", when("DateLessThan", "aws:CurrentTime", "2026-11-01T00:00:00Z")), diff.No, diff.Yes},
		{"IfExists lets an absent key pass", "", allow("ec2:*", "*", when("Bool", "aws:MultiFactorAuthPresent", "true")), allow("ec2:*", "*", when("BoolIfExists", "aws:MultiFactorAuthPresent", "true")), diff.Yes, diff.No},
		{"IfExists with Null is as without", "", allow("ec2:*", "*", when("StringEquals", "aws:x", "a")),
			allow("ec2:*", "*", `"Condition":{"StringEqualsIfExists":{"aws:x":"a"},"Null":{"aws:x":"false"}}`), diff.No, diff.No},
		{"ForAllValues lets an absent key pass", "", allow("ec2:*", "*", when("ForAnyValue:StringEquals", "aws:TagKeys", "a")), allow("ec2:*", "*", when("ForAllValues:StringEquals", "aws:TagKeys", "a")), diff.Yes, diff.Yes},
		{"the same variable", "", allow("s3:*", "arn:aws:s3:::b/${aws:username}/*"), allow("s3:GetObject", "arn:aws:s3:::b/${aws:username}/* arn:aws:s3:::b/${aws:username}/x"), diff.Unknown, diff.Yes},
		{"a variable within a star", "", allow("s3:GetObject", "arn:aws:s3:::b/*"), allow("s3:GetObject", "arn:aws:s3:::b/${aws:username}/*"), diff.No, diff.Yes},
		{"another variable", "", allow("s3:GetObject", "arn:aws:s3:::b/${aws:userid}/*"), allow("s3:GetObject", "arn:aws:s3:::b/${aws:username}/*"), diff.Yes, diff.Yes},
		{"a condition with a variable dropped", "", allow("ec2:StartInstances", "*", when("StringEquals", "aws:ResourceTag/owner", "${aws:username}")), allow("ec2:StartInstances", "*"), diff.Yes, diff.No},
		{"an action without a resource type, on a resource", "", allow("ec2:DescribeInstances", "arn:aws:ec2:*:*:instance/a"), allow("ec2:DescribeInstances", "arn:aws:ec2:*:*:instance/b"), diff.Unknown, diff.Unknown},
		{"an action without a resource type", "", allow("ec2:DescribeInstances", "arn:aws:ec2:*:*:instance/a"), allow("ec2:DescribeInstances", "*"), diff.Yes, diff.No},
		{"a resource that the action does not take", "", allow("s3:GetObject", "arn:aws:s3:::a/*"), allow("s3:GetObject", "arn:aws:s3:::a/* arn:aws:sqs:eu-west-3:111122223333:q"), diff.Unknown, diff.No},
		{"a name that the table does not have", "", allow("s3:GetObject", "*"), allow("s3:GetObject newservice:Do*", "*"), diff.Yes, diff.No},
		{"a boundary", diff.Boundary, allow("s3:*", "*"), allow("s3:* sqs:*", "*"), diff.Yes, diff.No},
		{"a service control policy", diff.SCP, allow("*", "*") + "," + deny("cloudtrail:StopLogging", "*"), allow("*", "*"), diff.Yes, diff.No},
		{"a resource control policy", diff.RCP, deny("s3:*", "*", everyone, when("Bool", "aws:SecureTransport", "false")), deny("s3:PutObject", "*", everyone, when("Bool", "aws:SecureTransport", "false")), diff.Yes, diff.No},
		{"a resource policy for another account", diff.Resource, allow("s3:GetObject", "arn:aws:s3:::a/*", who("AWS", "111122223333")), allow("s3:GetObject", "arn:aws:s3:::a/*", who("AWS", "111122223333 222233334444")), diff.Yes, diff.No},
		{"a role of an account that was named", diff.Resource, allow("s3:GetObject", "arn:aws:s3:::a/*", who("AWS", "111122223333")), allow("s3:GetObject", "arn:aws:s3:::a/*", who("AWS", "111122223333 arn:aws:iam::111122223333:role/app")), diff.No, diff.No},
		{"everyone", diff.Resource, allow("s3:GetObject", "arn:aws:s3:::a/*", who("AWS", "111122223333")), allow("s3:GetObject", "arn:aws:s3:::a/*", everyone), diff.Yes, diff.No},
		{"everyone of one account is not shown to be more", diff.Resource, allow("s3:GetObject", "arn:aws:s3:::a/*", who("AWS", "111122223333")), allow("s3:GetObject", "arn:aws:s3:::a/*", everyone, when("StringEquals", "aws:PrincipalAccount", "111122223333")), diff.Unknown, diff.Unknown},
		{"a service in a trust policy", diff.Trust, allow("sts:AssumeRole", "", who("Service", "ec2.amazonaws.com")), allow("sts:AssumeRole", "", who("Service", "ec2.amazonaws.com lambda.amazonaws.com")), diff.Yes, diff.No},
		{"a trust condition dropped", diff.Trust, allow("sts:AssumeRole", "", who("AWS", "222233334444"), when("StringEquals", "sts:ExternalId", "s")), allow("sts:AssumeRole", "", who("AWS", "222233334444")), diff.Yes, diff.No},
		{"a canonical user is not told apart", diff.Resource, allow("s3:GetObject", "arn:aws:s3:::a/*", who("AWS", "111122223333")), allow("s3:GetObject", "arn:aws:s3:::a/*", who("CanonicalUser", "abc")), diff.Unknown, diff.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			kind := c.kind
			if kind == "" {
				kind = diff.Identity
			}
			r := compare(t, kind, c.old, c.new)
			if r.New.Answer != c.gain || r.Lost.Answer != c.loss {
				t.Errorf("got new %s, lost %s; want new %s, lost %s\n%s", r.New.Answer, r.Lost.Answer, c.gain, c.loss, show(r))
			}
		})
	}
}

func TestManyPrincipals(t *testing.T) {
	accounts := func(n int) string {
		return many(n, " ", func(i int) string { return fmt.Sprintf("%012d", 200_000_000_000+i) })
	}
	on := func(principals string) string {
		return allow("s3:GetObject", "arn:aws:s3:::a/*", who("AWS", principals))
	}
	for _, c := range []struct {
		name     string
		old, new string
		gain     diff.Answer
		callers  []string
	}{
		{"a hundred accounts in one statement or two", on(accounts(100)), on(accounts(60)) + "," + on(accounts(100)), diff.No, nil},
		{"two of a hundred are new", on(accounts(98)), on(accounts(100)), diff.Yes, []string{"account 200000000098", "account 200000000099"}},
		{"more than can be told apart", on(accounts(700)), on(accounts(699)), diff.Unknown, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := compare(t, diff.Resource, c.old, c.new)
			if r.New.Answer != c.gain {
				t.Errorf("new access: got %s, want %s\n%s", r.New.Answer, c.gain, show(r))
			}
			if len(r.New.Changes) > 0 && !slices.Equal(r.New.Changes[0].Principals, c.callers) {
				t.Errorf("callers: got %q, want %q", r.New.Changes[0].Principals, c.callers)
			}
		})
	}
}

func TestGranted(t *testing.T) {
	for _, c := range []struct {
		name     string
		kind     diff.Kind
		policy   string
		actions  string
		resource string
		want     diff.Answer
	}{
		{"an action that is there", diff.Identity, allow("s3:*", "*"), "s3:PutObject", "", diff.Yes},
		{"an action that is not", diff.Identity, allow("s3:Get*", "*"), "s3:PutObject sqs:*", "", diff.No},
		{"on another resource", diff.Identity, allow("s3:*", "arn:aws:s3:::a/*"), "s3:PutObject", "arn:aws:s3:::b/*", diff.No},
		{"on a resource within", diff.Identity, allow("s3:*", "arn:aws:s3:::a/*"), "s3:PutObject", "arn:aws:s3:::a/b/c", diff.Yes},
		{"under a condition", diff.Identity, allow("s3:*", "*", when("Bool", "aws:SecureTransport", "true")), "s3:*", "", diff.Yes},
		{"under a condition that cannot hold", diff.Identity, allow("s3:*", "*", `"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"Null":{"aws:MultiFactorAuthPresent":"true"}}`), "s3:*", "", diff.No},
		{"denied", diff.Identity, allow("*", "*") + "," + deny("iam:*", "*"), "iam:PassRole", "", diff.No},
		{"to somebody", diff.Resource, allow("s3:GetObject", "*", who("AWS", "111122223333")), "s3:*", "", diff.Yes},
		{"to nobody", diff.Resource, deny("s3:GetObject", "*", everyone), "s3:*", "", diff.No},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := diff.Granted(diff.Side{Kind: c.kind, Policies: []*iam.Policy{parse(t, c.policy)}}, strings.Fields(c.actions), c.resource)
			if err != nil {
				t.Fatal(err)
			}
			if got.Answer != c.want {
				t.Errorf("got %s, want %s: %+v", got.Answer, c.want, got)
			}
		})
	}
	if _, err := diff.Granted(diff.Side{Kind: diff.Identity}, []string{"nonsense"}, ""); err == nil {
		t.Error("an action without a service: got no error, want one")
	}
}

func TestUnreadPoliciesProveNothing(t *testing.T) {
	readable := parse(t, allow("s3:GetObject", "*"))
	side := func(p ...*iam.Policy) diff.Side { return diff.Side{Kind: diff.Identity, Policies: p} }
	for _, c := range []struct {
		name     string
		old, new diff.Side
		gain     diff.Answer
	}{
		{"in the new", side(readable), side(readable, iam.Unread("x", iam.Identity)), diff.Unknown},
		{"in the old", side(iam.Unread("x", iam.Identity)), side(readable), diff.Unknown},
		{"in both", side(iam.Unread("x", iam.Identity)), side(iam.Unread("x", iam.Identity)), diff.Unknown},
	} {
		r, err := diff.Compare(c.old, c.new)
		if err != nil {
			t.Fatal(err)
		}
		if r.New.Answer != c.gain {
			t.Errorf("%s: got %s, want %s\n%s", c.name, r.New.Answer, c.gain, show(r))
		}
	}
}

func TestADenyThatIsGoneIsTold(t *testing.T) {
	r := compare(t, diff.Identity, allow("s3:GetObject", "*")+","+deny("iam:*", "*"), allow("s3:GetObject", "*")+","+deny("iam:*", "arn:aws:iam::*:user/*"))
	if r.New.Answer != diff.No || r.Lifted.Answer != diff.Yes {
		t.Errorf("got new %s, lifted %s; want no and yes\n%s", r.New.Answer, r.Lifted.Answer, show(r))
	}
	r = compare(t, diff.SCP, deny("iam:*", "*"), deny("iam:*", "arn:aws:iam::*:user/*"))
	if !r.Assumed || r.New.Answer != diff.Yes {
		t.Errorf("service control policies that only deny: got new %s, full access assumed %v; want yes and true", r.New.Answer, r.Assumed)
	}
}
