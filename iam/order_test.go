package iam_test

import (
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam"
)

// Section 2.1 of the specification: the decision order within one account.
func TestDecisionOrder(t *testing.T) {
	ask(t, []question{
		{name: "no policy is an implicit deny", want: iam.ImplicitlyDenied, by: "identity"},
		{name: "an identity Allow is enough in one account", identity: every, want: iam.Allowed, by: "identity"},
		{name: "a Deny in the identity policy wins", identity: every + "," + deny("s3:*", "*", `"Sid":"No"`), want: iam.ExplicitlyDenied, by: "identity", statement: "No"},
		{name: "a Deny in the boundary wins", identity: every, boundary: every + "," + deny("s3:*", "*"), want: iam.ExplicitlyDenied, by: "boundary"},
		{name: "a Deny in the session policy wins", caller: session, identity: every, session: every + "," + deny("s3:*", "*"), want: iam.ExplicitlyDenied, by: "session"},
		{name: "a Deny in the resource policy wins", identity: every, bucket: deny("s3:*", "*", everyone), want: iam.ExplicitlyDenied, by: "resource"},
		{name: "a Deny in an SCP wins", identity: every, scps: []string{every, every + "," + deny("s3:*", "*", `"Sid":"Guard"`)}, want: iam.ExplicitlyDenied, by: "scp", statement: "Guard"},
		{name: "a Deny in an RCP wins", identity: every, rcps: []string{deny("s3:*", "*", everyone)}, want: iam.ExplicitlyDenied, by: "rcp"},
		{name: "a Deny in the endpoint policy wins", identity: every, endpoint: open + "," + deny("s3:*", "*", everyone), want: iam.ExplicitlyDenied, by: "endpoint"},
		{name: "every layer with a Deny is named", identity: every + "," + deny("*", "*"), scps: []string{every + "," + deny("*", "*")}, want: iam.ExplicitlyDenied, by: "scp, identity"},
		{name: "a Deny wins over a direct grant", bucket: open + "," + deny("s3:*", "*", to(ann)), want: iam.ExplicitlyDenied, by: "resource"},
		{name: "every SCP level must allow", identity: every, scps: []string{every, other, every}, want: iam.ImplicitlyDenied, by: "scp"},
		{name: "every SCP level allows", identity: every, scps: []string{every, every, every}, want: iam.Allowed},
		{name: "an empty SCP level denies", identity: every, scps: []string{every, ""}, want: iam.ImplicitlyDenied, by: "scp"},
		{name: "an SCP grants nothing", scps: []string{every}, want: iam.ImplicitlyDenied, by: "identity"},
		{name: "an SCP Allow with a condition is honoured", identity: every, scps: []string{allow("*", "*", `"Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-3"}}`)}, want: iam.ImplicitlyDenied, by: "scp"},
		{name: "an SCP Allow with NotAction is honoured", identity: every, scps: []string{`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`}, want: iam.Allowed},
		{name: "an SCP Allow with a resource is honoured", identity: every, scps: []string{allow("*", "arn:aws:s3:::other/*")}, want: iam.ImplicitlyDenied, by: "scp"},
		{name: "an SCP may have a wildcard anywhere in the action", identity: every, scps: []string{allow("s3:*Object", "*")}, want: iam.Allowed},
		{name: "SCPs limit a direct grant of the resource policy", bucket: allow("*", "*", to(ann)), scps: []string{other}, want: iam.ImplicitlyDenied, by: "scp"},
		{name: "SCPs do not apply to the management account", identity: every, scps: []string{other + "," + deny("*", "*")}, facts: iam.Facts{ManagementAccount: own}, want: iam.Allowed},
		{name: "SCPs apply to a member's root user", caller: rootARN, scps: []string{every + "," + deny("*", "*")}, want: iam.ExplicitlyDenied, by: "scp"},
		{name: "SCPs do not apply to service-linked roles", caller: "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", identity: every, scps: []string{other}, want: iam.Allowed},
		{name: "a service-linked role's session is known by its path", caller: "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/s", identity: every, scps: []string{other},
			context: map[string][]string{"aws:PrincipalArn": {"arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"}}, want: iam.Allowed},
		{name: "a name alone makes no service-linked role", caller: "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/s", identity: every, scps: []string{other}, want: iam.ImplicitlyDenied, by: "scp"},
		{name: "SCPs do not apply to service principals", caller: "cloudtrail.amazonaws.com", bucket: allow("s3:*", "*", `"Principal":{"Service":"cloudtrail.amazonaws.com"}`), scps: []string{other}, want: iam.Allowed, by: "resource"},
		{name: "RCPs apply to service principals", caller: "cloudtrail.amazonaws.com", bucket: allow("s3:*", "*", `"Principal":{"Service":"cloudtrail.amazonaws.com"}`), rcps: []string{deny("s3:*", "*", everyone)}, want: iam.ExplicitlyDenied, by: "rcp"},
		{name: "RCPs apply to root", caller: rootARN, rcps: []string{deny("s3:*", "*", everyone)}, want: iam.ExplicitlyDenied, by: "rcp"},
		{name: "RCPs apply to unsigned requests", caller: "*", bucket: open, rcps: []string{deny("s3:*", "*", everyone)}, want: iam.ExplicitlyDenied, by: "rcp"},
		{name: "RCPs do not protect the management account", identity: every, rcps: []string{deny("s3:*", "*", everyone)}, facts: iam.Facts{ManagementAccount: own}, want: iam.Allowed},
		{name: "RCPs do not protect keys that AWS manages", action: "kms:Decrypt", resource: "arn:aws:kms:eu-west-3:111122223333:key/k", bucket: allow("*", "*", to(ann)), rcps: []string{deny("kms:*", "*", everyone)}, facts: iam.Facts{AWSManagedKey: true}, want: iam.Allowed},
		{name: "the full-access RCP is always attached", identity: every, rcps: []string{"", ""}, want: iam.Allowed},
		{name: "an Allow in an RCP limits nothing", identity: every, rcps: []string{allow("ec2:*", "*", everyone)}, want: iam.Allowed},
		{name: "a silent boundary limits the identity policy", identity: every, boundary: other, want: iam.ImplicitlyDenied, by: "boundary"},
		{name: "a silent session policy limits the identity policy", caller: session, identity: every, session: other, want: iam.ImplicitlyDenied, by: "session"},
		{name: "a boundary grants nothing", boundary: every, want: iam.ImplicitlyDenied, by: "identity"},
		{name: "a silent endpoint policy denies", identity: every, endpoint: allow("ec2:*", "*", everyone), want: iam.ImplicitlyDenied, by: "endpoint"},
	})
}

// Section 2.1, the table of what limits a grant of the resource policy.
func TestResourcePolicyDelegation(t *testing.T) {
	names := func(p string) string { return allow("s3:*", "*", to(p)) }
	ask(t, []question{
		{name: "a user by its ARN needs no identity Allow", bucket: names(ann), want: iam.Allowed, by: "resource"},
		{name: "a user by its ARN is not limited by the boundary", bucket: names(ann), boundary: other, want: iam.Allowed},
		{name: "a role by its ARN needs no identity Allow", caller: session, bucket: names(roleApp), want: iam.Allowed},
		{name: "a role by its ARN is limited by the boundary", caller: session, bucket: names(roleApp), boundary: other, want: iam.ImplicitlyDenied, by: "boundary"},
		{name: "a role by its ARN is limited by the session policy", caller: session, bucket: names(roleApp), session: other, want: iam.ImplicitlyDenied, by: "session"},
		{name: "a session by its ARN needs no identity Allow", caller: session, bucket: names(session), want: iam.Allowed},
		{name: "a session by its ARN is not limited by the boundary", caller: session, bucket: names(session), boundary: other, want: iam.Allowed},
		{name: "a session by its ARN is not limited by the session policy", caller: session, bucket: names(session), session: other, want: iam.Allowed},
		{name: "a federated user by its ARN needs nothing else", caller: fed, bucket: names(fed), boundary: other, session: other, want: iam.Allowed},
		{name: "the user behind a federated one is named", caller: fed, issuer: ann, bucket: names(ann), want: iam.Allowed},
		{name: "the user behind a federated one is limited by the boundary", caller: fed, issuer: ann, bucket: names(ann), boundary: other, want: iam.ImplicitlyDenied, by: "boundary"},
		{name: "the user behind a federated one is limited by the session policy", caller: fed, issuer: ann, bucket: names(ann), session: other, want: iam.ImplicitlyDenied, by: "session"},
		{name: "the account delegates to identity policies that are silent", bucket: names(own), want: iam.ImplicitlyDenied, by: "identity"},
		{name: "the root ARN delegates to identity policies", bucket: names(rootARN), want: iam.ImplicitlyDenied, by: "identity"},
		{name: "the account delegates to identity policies that allow", bucket: names(own), identity: every, want: iam.Allowed, by: "identity"},
		{name: "the account delegates within the boundary", bucket: names(own), identity: every, boundary: other, want: iam.ImplicitlyDenied, by: "boundary"},
		{name: "everyone of the same account needs no identity Allow", bucket: open, want: iam.Allowed, by: "resource"},
		{name: "everyone is not limited by the boundary", bucket: open, boundary: other, want: iam.Allowed},
		{name: "everyone is limited by the session policy, the safer answer", caller: session, bucket: open, session: other, want: iam.ImplicitlyDenied, by: "session"},
		{name: "AWS star is everyone", bucket: names("*"), want: iam.Allowed},
		{name: "another user is not named", bucket: names("arn:aws:iam::111122223333:user/bob"), want: iam.ImplicitlyDenied},
		{name: "another session is not named", caller: session, bucket: names("arn:aws:sts::111122223333:assumed-role/app/s2"), want: iam.ImplicitlyDenied},
		{name: "a principal with a wildcard names nobody", bucket: names("arn:aws:iam::111122223333:user/*"), want: iam.ImplicitlyDenied},
		{name: "a role with a path is known by its name", caller: session, bucket: names("arn:aws:iam::111122223333:role/team/app"), want: iam.Allowed},
		{name: "a role with another path is known by aws:PrincipalArn", caller: session, bucket: names("arn:aws:iam::111122223333:role/team/app"), context: map[string][]string{"aws:PrincipalArn": {roleApp}}, want: iam.ImplicitlyDenied},
		{name: "a unique ID names a user", bucket: names("AIDAEXAMPLE"), context: map[string][]string{"aws:userid": {"AIDAEXAMPLE"}}, want: iam.Allowed},
		{name: "a unique ID names a role's sessions", caller: session, bucket: names("AROAEXAMPLE"), context: map[string][]string{"aws:userid": {"AROAEXAMPLE:s1"}}, want: iam.Allowed},
		{name: "a unique ID of another role does not", caller: session, bucket: names("AROAEXAMPLE"), context: map[string][]string{"aws:userid": {"AROAOTHER:s1"}}, want: iam.ImplicitlyDenied},
		{name: "a role as caller leaves its session open", caller: roleApp, bucket: names(session), want: iam.Conditional, by: "resource"},
	})
}

// Section 2.2: both sides must allow.
func TestAcrossAccounts(t *testing.T) {
	names := func(p string) string { return allow("s3:*", "*", to(p)) }
	ask(t, []question{
		{name: "identity alone is not enough", owner: foreign, identity: every, want: iam.ImplicitlyDenied, by: "resource"},
		{name: "the resource policy alone is not enough", owner: foreign, bucket: names(ann), want: iam.ImplicitlyDenied, by: "identity"},
		{name: "neither side allows", owner: foreign, want: iam.ImplicitlyDenied, by: "resource, identity"},
		{name: "both sides allow by user", owner: foreign, identity: every, bucket: names(ann), want: iam.Allowed, by: "resource, identity"},
		{name: "both sides allow by account", owner: foreign, identity: every, bucket: names(own), want: iam.Allowed},
		{name: "both sides allow by role", owner: foreign, caller: session, identity: every, bucket: names(roleApp), want: iam.Allowed},
		{name: "both sides allow by session", owner: foreign, caller: session, identity: every, bucket: names(session), want: iam.Allowed},
		{name: "both sides allow by everyone", owner: foreign, identity: every, bucket: open, want: iam.Allowed},
		{name: "a direct grant is no shortcut past the boundary", owner: foreign, identity: every, bucket: names(ann), boundary: other, want: iam.ImplicitlyDenied, by: "boundary"},
		{name: "a session by its ARN is limited by the session policy", owner: foreign, caller: session, identity: every, bucket: names(session), session: other, want: iam.ImplicitlyDenied, by: "session"},
		{name: "SCPs of the caller's organization limit", owner: foreign, identity: every, bucket: names(ann), scps: []string{other}, want: iam.ImplicitlyDenied, by: "scp"},
		{name: "RCPs of the resource's organization limit", owner: foreign, identity: every, bucket: names(ann), rcps: []string{deny("s3:*", "*", everyone)}, want: iam.ExplicitlyDenied, by: "rcp"},
		{name: "the owner's own account is not named", owner: foreign, identity: every, bucket: names(foreign), want: iam.ImplicitlyDenied, by: "resource"},
		{name: "the account in the ARN owns the resource", owner: "-", action: "sqs:SendMessage", resource: "arn:aws:sqs:eu-west-3:444455556666:q", identity: every, want: iam.ImplicitlyDenied, by: "resource"},
		{name: "an unknown owner makes the answer conditional", owner: "-", identity: every, want: iam.Conditional, by: "resource"},
		{name: "an unknown owner does not matter if both readings agree", owner: "-", identity: every, bucket: names(ann), want: iam.Allowed},
		{name: "an unknown owner does not turn a deny about", owner: "-", identity: deny("*", "*"), want: iam.ExplicitlyDenied},
		{name: "the star resource is the caller's own", owner: "-", action: "ec2:DescribeInstances", resource: "*", identity: every, want: iam.Allowed},
		{name: "root of another account needs to be named", caller: rootARN, owner: foreign, want: iam.ImplicitlyDenied, by: "resource"},
		{name: "root of another account is named by its account", caller: rootARN, owner: foreign, bucket: names(own), want: iam.Allowed},
		{name: "the same account in another partition is another account", caller: "arn:aws-cn:iam::111122223333:user/ann", owner: foreign, identity: every, bucket: names(rootARN), want: iam.ImplicitlyDenied},
	})
}

// A policy that could not be read may say anything: it never makes an answer certain.
// A statement that hands over to the account stands beside one that grants: it is the
// second that decides.
func TestTheStatementThatGrantsIsNamed(t *testing.T) {
	handsOver := allow("s3:*", "*", to(rootARN), `"Sid":"HandsOver"`)
	org := `"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}`
	ask(t, []question{
		{name: "everyone after the account", bucket: handsOver + "," + allow("s3:*", "*", everyone, `"Sid":"Grants"`), want: iam.Allowed, by: "resource", statement: "Grants"},
		{name: "everyone before the account", bucket: allow("s3:*", "*", everyone, `"Sid":"Grants"`) + "," + handsOver, want: iam.Allowed, by: "resource", statement: "Grants"},
		{name: "the caller after the account", bucket: handsOver + "," + allow("s3:*", "*", to(ann), `"Sid":"Grants"`), want: iam.Allowed, by: "resource", statement: "Grants"},
		{name: "the account alone leaves it to the identity policy", identity: every, bucket: handsOver, want: iam.Allowed, by: "identity"},
		{name: "everyone under a condition after the account", partial: true, bucket: handsOver + "," + allow("s3:*", "*", everyone, org, `"Sid":"Grants"`), want: iam.Conditional, by: "resource", statement: "Grants"},
		{name: "a session under a condition beside its role, which the boundary limits", caller: session, partial: true, boundary: other,
			bucket: allow("s3:*", "*", to(roleApp)) + "," + allow("s3:*", "*", to(session), org), want: iam.Conditional, by: "resource"},
	})
}

func TestUnreadPolicies(t *testing.T) {
	full := iam.Policies{Identity: compile(t, "full", every)}
	limited := iam.Policies{Identity: compile(t, "full", every), Boundary: compile(t, "fence", other)}
	denied := iam.Policies{Identity: compile(t, "full", every+","+deny("s3:*", "*"))}
	for _, c := range []struct {
		name     string
		policies iam.Policies
		layer    iam.Layer
		want     iam.Outcome
	}{
		{"alone it may allow", iam.Policies{}, iam.Identity, iam.Conditional},
		{"beside an Allow it may deny", full, iam.Identity, iam.Conditional},
		{"beside a Deny it changes nothing", denied, iam.Identity, iam.ExplicitlyDenied},
		{"behind a boundary that is silent it changes nothing", limited, iam.Identity, iam.ImplicitlyDenied},
		{"as a resource policy it may deny", full, iam.Resource, iam.Conditional},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := iam.Unread("lost", c.layer)
			if c.layer == iam.Resource {
				c.policies.Resource = append(c.policies.Resource, p)
			} else {
				c.policies.Identity = append(c.policies.Identity, p)
			}
			set, err := iam.NewSet(c.policies)
			if err != nil {
				t.Fatal(err)
			}
			caller, err := iam.ParsePrincipal(ann)
			if err != nil {
				t.Fatal(err)
			}
			r := &iam.Request{Action: "s3:GetObject", Resource: object, ResourceAccount: own, Principal: caller, Context: iam.NewContext(nil)}
			if got := set.Decide(r); got.Outcome != c.want {
				t.Errorf("got %v, want %v", got.Outcome, c.want)
			}
			if residual := set.Residual(r).String(); c.want == iam.Conditional && !strings.Contains(residual, "the policy lost, which could not be read") {
				t.Errorf("residual: got %s, want one that names the policy", residual)
			}
		})
	}
}

func TestUnreadForNamesTheAccountAlone(t *testing.T) {
	key, err := iam.NewSet(iam.Policies{Resource: []*iam.Policy{iam.UnreadFor("of the key", own)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, identity string
		want           iam.Outcome
	}{
		{"an identity Allow may be handed over", every, iam.Conditional},
		{"nobody is named", other, iam.ImplicitlyDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, r := question{identity: c.identity, action: "kms:Decrypt", resource: "arn:aws:kms:eu-west-3:" + own + ":key/k"}.build(t)
			both, err := iam.Join(set, key)
			if err != nil {
				t.Fatal(err)
			}
			if got := both.Decide(r); got.Outcome != c.want {
				t.Errorf("got %v, want %v", got.Outcome, c.want)
			}
		})
	}
}

func TestMayName(t *testing.T) {
	caller, err := iam.ParsePrincipal(ann)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, statement string
		want            bool
	}{
		{"by ARN", allow("*", "*", to(ann)), true},
		{"by account", allow("*", "*", to(own)), true},
		{"everyone", open, true},
		{"by a unique ID that is not known", allow("*", "*", to("AIDAEXAMPLE")), true},
		{"another", allow("*", "*", to(session)), false},
		{"in a Deny", deny("*", "*", to(ann)), false},
		{"NotPrincipal with Allow names nobody", allow("*", "*", `"NotPrincipal":{"AWS":"`+session+`"}`), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			context := iam.PartialContext(nil)
			if got := compile(t, "p", c.statement)[0].MayName(&caller, &context); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
