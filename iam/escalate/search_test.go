package escalate_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
)

type (
	person  = technique.Person
	persons = map[string]person
	text    = map[string]any
)

// searched builds the account of a case and searches it with every shipped technique.
func searched(t *testing.T, c technique.Case, o escalate.Options) *escalate.Report {
	t.Helper()
	dump, err := c.Account(nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := account.Read(bytes.NewReader(dump))
	if err != nil {
		t.Fatal(err)
	}
	return searchedIn(t, a, c, o)
}

func searchedIn(t *testing.T, a *account.Account, c technique.Case, o escalate.Options) *escalate.Report {
	t.Helper()
	if scp, err := c.Guardrail(); err != nil {
		t.Fatal(err)
	} else if scp != nil {
		p, err := iam.Parse("scp", scp)
		if err != nil {
			t.Fatal(err)
		}
		o.Guardrails.SCPs = [][]*iam.Policy{{p}}
	}
	if o.Techniques == nil {
		o.Techniques = shipped(t)
	}
	r, err := escalate.Search(a, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// verdict is what a report says of the principal named actor.
func verdict(r *escalate.Report) string {
	for _, s := range r.Administrators {
		if strings.HasSuffix(s.Principal, "/actor") {
			return "administrator " + s.Certainty.String()
		}
	}
	for _, p := range r.Paths {
		if strings.HasSuffix(p.From, "/actor") {
			var ids []string
			for _, s := range p.Steps {
				ids = append(ids, s.ID)
			}
			return p.Certainty.String() + " " + strings.Join(ids, ", ")
		}
	}
	return "no path"
}

func allow(actions, resource string, more ...text) text {
	s := text{"Effect": "Allow", "Action": strings.Fields(actions), "Resource": resource}
	for _, m := range more {
		for k, v := range m {
			s[k] = v
		}
	}
	return s
}

func when(operator, key, value string) text {
	return text{"Condition": text{operator: text{key: value}}}
}

func one(p person) persons { return persons{"actor": p} }

func does(list ...text) person { return person{Statements: list} }

func TestSearchJudgesWithAllThatIsKnown(t *testing.T) {
	everything := allow("*", "*")
	const users, roles = "arn:aws:iam::111122223333:user/", "arn:aws:iam::111122223333:role/"
	boss := persons{"boss": {Administrator: true, Trusts: []string{"lambda.amazonaws.com"}}}
	for _, c := range []struct {
		name string
		technique.Case
		want string
	}{
		{"a Region that an SCP leaves open is used", technique.Case{Users: one(does(allow("iam:PassRole lambda:CreateFunction lambda:InvokeFunction", "*"))), Roles: boss,
			SCP: []text{everything, {"Effect": "Deny", "NotAction": []string{"iam:*", "sts:*"}, "Resource": "*", "Condition": text{"StringNotEquals": text{"aws:RequestedRegion": "eu-west-3"}}}}},
			"certain lambda-create-function-invoke"},
		{"what an SCP denies to everybody does not count against an administrator", technique.Case{Users: one(person{Administrator: true}),
			SCP: []text{everything, {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}}}, "administrator certain"},
		{"what an SCP leaves to some does", technique.Case{Users: persons{"actor": {Administrator: true}, "root": {Administrator: true}},
			SCP: []text{everything, {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*", "Condition": text{"ArnNotEquals": text{"aws:PrincipalArn": users + "root"}}}}},
			"certain iam-delete-and-create-access-key"},
		{"a new principal is limited by SCPs too", technique.Case{Users: persons{"actor": does(allow("iam:CreateRole iam:AttachRolePolicy", "*")), "root": {Administrator: true}},
			SCP: []text{everything, {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*", "Condition": text{"ArnNotEquals": text{"aws:PrincipalArn": users + "root"}}}}},
			"certain iam-create-role, iam-delete-and-create-access-key"},
		{"an SCP that denies everything leaves no administrator", technique.Case{Users: one(person{Administrator: true}), SCP: []text{{"Effect": "Deny", "Action": "*", "Resource": "*"}}}, "no path"},
		{"a tag of the target is known", technique.Case{Users: one(does(allow("iam:UpdateAssumeRolePolicy", "*", when("StringEquals", "iam:ResourceTag/team", "red")))),
			Roles: persons{"boss": {Administrator: true, Tags: map[string]string{"team": "red"}}}}, "certain iam-update-assume-role-policy"},
		{"another tag of the target is known too", technique.Case{Users: one(does(allow("iam:UpdateAssumeRolePolicy", "*", when("StringEquals", "iam:ResourceTag/team", "red")))),
			Roles: persons{"boss": {Administrator: true, Tags: map[string]string{"team": "blue"}}}}, "no path"},
		{"the boundary of the target is known", technique.Case{Users: one(does(allow("iam:PutUserPolicy", "*", when("StringEquals", "iam:PermissionsBoundary", "arn:aws:iam::111122223333:policy/fence"))))}, "no path"},
		{"an attached boundary is a limit even where it is asked for", technique.Case{Users: one(person{Boundary: "fence", Statements: []text{allow("iam:*", "*", when("StringEquals", "iam:PermissionsBoundary", "arn:aws:iam::111122223333:policy/fence"))}}),
			Policies: map[string][]person{"fence": {does(allow("iam:PutUserPolicy", "*"))}}}, "no path"},
		{"removing the boundary, then a policy of one's own", technique.Case{Users: one(person{Boundary: "fence", Allow: []string{"iam:DeleteUserPermissionsBoundary", "iam:PutUserPolicy"}}),
			Policies: map[string][]person{"fence": {does(allow("iam:DeleteUserPermissionsBoundary", "*"))}}}, "certain iam-delete-user-permissions-boundary, iam-put-user-policy"},
		{"over a user, a role and a function", technique.Case{
			Users: persons{"actor": does(allow("iam:CreateAccessKey iam:DeleteAccessKey", users+"next")), "next": does(allow("sts:AssumeRole", roles+"deploy"))},
			Roles: persons{"deploy": {Trusts: []string{"111122223333"}, Statements: []text{allow("iam:PassRole lambda:CreateFunction lambda:InvokeFunction", "*")}}, "boss": boss["boss"]}},
			"certain iam-delete-and-create-access-key, sts-assume-role, lambda-create-function-invoke"},
		{"a certain way is better than a shorter possible one", technique.Case{
			Users: persons{"actor": does(allow("iam:CreateAccessKey", users+"boss"), allow("sts:AssumeRole", roles+"deploy")), "boss": {Administrator: true}},
			Roles: persons{"deploy": {Trusts: []string{"111122223333"}, Statements: []text{allow("iam:PutRolePolicy", "*")}}}},
			"certain sts-assume-role, iam-put-role-policy"},
		{"with a long-term key a Deny on old sessions does not hold", technique.Case{Users: one(does(allow("iam:PutUserPolicy", "*", when("Null", "aws:TokenIssueTime", "true"))))}, "certain iam-put-user-policy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := verdict(searched(t, c.Case, escalate.Options{Now: caseTime})); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestAnUnreadPolicyIsNeverNothing(t *testing.T) {
	dump := func(inline string) string {
		return `{"UserDetailList": [{"UserName": "actor", "Arn": "arn:aws:iam::111122223333:user/actor", "UserPolicyList": [` + inline + `],
			"AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/NotInTheDump"}]}]}`
	}
	for _, c := range []struct{ name, inline, want string }{
		{"it may be an administrator's", "", "administrator unknown"},
		{"it may deny what another allows", `{"PolicyName": "p", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}}`, "administrator unknown"},
		{"what another denies is denied", `{"PolicyName": "p", "PolicyDocument": {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}}`, "no path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := account.Read(strings.NewReader(dump(c.inline)))
			if err != nil {
				t.Fatal(err)
			}
			if got := verdict(searchedIn(t, a, technique.Case{}, escalate.Options{})); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestALongPathIsLeftOut(t *testing.T) {
	c := technique.Case{Users: one(person{}), Roles: persons{
		"a": {Trusts: []string{"user/actor"}}, "b": {Trusts: []string{"role/a"}}, "boss": {Trusts: []string{"role/b"}, Administrator: true},
	}}
	if got := verdict(searched(t, c, escalate.Options{MaxSteps: 2})); got != "no path" {
		t.Errorf("two steps at most: got %s, want no path", got)
	}
	r := searched(t, c, escalate.Options{MaxSteps: 3})
	if got, want := verdict(r), "certain sts-assume-role, sts-assume-role, sts-assume-role"; got != want {
		t.Fatalf("three steps at most: got %s, want %s", got, want)
	}
	p := r.Paths[slices.IndexFunc(r.Paths, func(p escalate.Path) bool { return strings.HasSuffix(p.From, "/actor") })]
	if p.Steps[0].Note != "" || p.Steps[1].Note == "" {
		t.Errorf("got notes %q and %q, want role chaining from the second step on", p.Steps[0].Note, p.Steps[1].Note)
	}
	if by := p.Steps[0].Uses[0].Statement; !strings.HasPrefix(by, "trust policy of role a") {
		t.Errorf("got allowed by %q, want the trust policy", by)
	}
}

func TestServiceLinkedRolesTakeNoPart(t *testing.T) {
	a, err := account.Read(strings.NewReader(`{"UserDetailList": [{"UserName": "actor", "Arn": "arn:aws:iam::111122223333:user/actor",
		"UserPolicyList": [{"PolicyName": "p", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}}]}],
		"RoleDetailList": [{"RoleName": "x", "Path": "/aws-service-role/x.amazonaws.com/", "Arn": "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/x",
		"AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}},
		"RolePolicyList": [{"PolicyName": "p", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r := searchedIn(t, a, technique.Case{}, escalate.Options{})
	if verdict(r) != "no path" || len(r.Administrators) != 0 || len(r.Unused) != 1 {
		t.Errorf("got %s, %d administrators, %d unused; want no path, 0, 1", verdict(r), len(r.Administrators), len(r.Unused))
	}
}

func TestOtherFirstStepsAreTold(t *testing.T) {
	r := searched(t, technique.Case{Users: one(does(allow("iam:PutUserPolicy iam:AttachUserPolicy iam:PassRole cloudformation:CreateStack", "*"))),
		Roles: persons{"boss": {Administrator: true, Trusts: []string{"cloudformation.amazonaws.com"}}}}, escalate.Options{})
	want := []string{"cloudformation-create-stack", "iam-put-user-policy"}
	if len(r.Paths) != 1 || r.Paths[0].Steps[0].ID != "iam-attach-user-policy" || !slices.Equal(r.Paths[0].Others, want) {
		t.Errorf("got %s and %v, want iam-attach-user-policy and %v", verdict(r), r.Paths[0].Others, want)
	}
}

func TestKeepNamesPrincipals(t *testing.T) {
	c := technique.Case{Users: persons{"actor": {}, "factor": {}}, Roles: persons{"actor2": {}}}
	r := searched(t, c, escalate.Options{})
	if err := r.Keep([]string{"actor"}); err != nil || !slices.Equal(r.Unreachable, []string{"arn:aws:iam::111122223333:user/actor"}) {
		t.Errorf("got %v and %v, want the one user", r.Unreachable, err)
	}
	if err := r.Keep([]string{"user/nobody"}); err == nil {
		t.Error("got no error, want one about user/nobody")
	}
}
