package account_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
)

// dump is an account with one of everything; the text of AWS's policy is left out.
const dump = `{
 "UserDetailList": [{"Path": "/staff/", "UserName": "ann", "UserId": "AIDAEXAMPLE", "Arn": "arn:aws:iam::111122223333:user/staff/ann",
   "CreateDate": "2026-01-02T03:04:05+00:00", "GroupList": ["dev"], "Tags": [{"Key": "team", "Value": "red"}],
   "UserPolicyList": [{"PolicyName": "in", "PolicyDocument": %7B}],
   "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/fence"}}],
 "GroupDetailList": [{"GroupName": "dev", "Arn": "arn:aws:iam::111122223333:group/dev",
   "AttachedManagedPolicies": [{"PolicyName": "ReadOnlyAccess", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]}],
 "RoleDetailList": [{"Path": "/", "RoleName": "app", "RoleId": "AROAEXAMPLE", "Arn": "arn:aws:iam::111122223333:role/app",
   "Tags": [{"Key": "team", "Value": "blue"}],
   "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]},
   "InstanceProfileList": [{"Arn": "arn:aws:iam::111122223333:instance-profile/app"}],
   "RoleLastUsed": {"LastUsedDate": "2026-02-02 03:04:05+00:00", "Region": "eu-west-3"}}],
 "Policies": [{"PolicyName": "fence", "Arn": "arn:aws:iam::111122223333:policy/fence", "DefaultVersionId": "v2", "PolicyVersionList": [
   {"VersionId": "v1", "Document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}},
   {"VersionId": "v2", "IsDefaultVersion": true, "Document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}}]}]
}`

const inline = `"%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3AGetObject%22%2C%22Resource%22%3A%22%2A%22%7D%7D"`

func read(t *testing.T, text string) *account.Account {
	t.Helper()
	a, err := account.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func decide(t *testing.T, i *account.Identity, action string) iam.Decision {
	t.Helper()
	d, err := iam.Evaluate(&iam.Request{
		Action: action, Resource: "*", ResourceAccount: "111122223333", Principal: i.Principal, Context: i.Context(account.Guardrails{}, nil),
	}, i.Policies(account.Guardrails{}))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestReadJoinsTheParts(t *testing.T) {
	a := read(t, strings.Replace(dump, "%7B", inline, 1))
	if a.ID != "111122223333" || len(a.Users) != 1 || len(a.Roles) != 1 || len(a.Groups) != 1 || len(a.Policies) != 2 {
		t.Fatalf("got account %s with %d users, %d roles, %d groups, %d policies", a.ID, len(a.Users), len(a.Roles), len(a.Groups), len(a.Policies))
	}
	ann, app := a.Users[0], a.Roles[0]
	if got := ann.Created.Format("2006-01-02"); got != "2026-01-02" {
		t.Errorf("created: got %s", got)
	}
	if got := app.LastUsed.Format("2006-01-02"); got != "2026-02-02" {
		t.Errorf("last used: got %s", got)
	}
	if !slices.Equal(app.Profiles, []string{"arn:aws:iam::111122223333:instance-profile/app"}) {
		t.Errorf("profiles: got %v", app.Profiles)
	}
	if got := len(ann.Boundary.Versions); got != 2 {
		t.Errorf("versions of the boundary: got %d, want 2", got)
	}
}

func TestAnswersRestOnWhatWasRead(t *testing.T) {
	a := read(t, strings.Replace(dump, "%7B", inline, 1))
	ann, app := a.Users[0], a.Roles[0]
	for _, c := range []struct {
		name   string
		who    *account.Identity
		action string
		want   iam.Outcome
	}{
		{"an Allow beside an unread policy is conditional: that may deny", ann, "s3:GetObject", iam.Conditional},
		{"no Allow beside an unread policy is conditional: that may allow", ann, "s3:PutObject", iam.Conditional},
		{"what the boundary does not allow is denied whatever is unread", ann, "ec2:RunInstances", iam.ImplicitlyDenied},
		{"a role without policies is denied", app, "s3:GetObject", iam.ImplicitlyDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := decide(t, c.who, c.action); got.Outcome != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if len(a.Problems) != 1 || !strings.Contains(a.Problems[0].String(), "policy/ReadOnlyAccess") {
		t.Errorf("problems: got %v, want one about ReadOnlyAccess", a.Problems)
	}
}

func TestContextKnowsWhatTheDumpSays(t *testing.T) {
	a := read(t, strings.Replace(dump, "%7B", inline, 1))
	session := read(t, strings.Replace(strings.Replace(dump, "%7B", inline, 1), `"Action": "sts:AssumeRole"`, `"Action": ["sts:AssumeRole", "sts:TagSession"]`, 1)).Roles[0]
	for _, c := range []struct {
		name, key string
		who       *account.Identity
		want      iam.Truth
	}{
		{"a tag of the user is there", "aws:principaltag/team", a.Users[0], iam.True},
		{"a tag that the user does not have is absent", "aws:principaltag/other", a.Users[0], iam.False},
		{"a tag of a role that takes no session tags is there", "aws:principaltag/team", a.Roles[0], iam.True},
		{"a role that takes session tags may have any", "aws:principaltag/team", session, iam.Unknown},
		{"MFA is not known", "aws:multifactorauthpresent", a.Users[0], iam.Unknown},
		{"a role has no user name", "aws:username", a.Roles[0], iam.False},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := c.who.Context(account.Guardrails{}, nil)
			if _, got := ctx.Values(c.key); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestReadRefusesWhatIsNoDump(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"an empty file", "", "unexpected EOF"},
		{"a list", "[]", "want an object"},
		{"another object", `{"Users": []}`, "none of UserDetailList"},
		{"half a file", `{"UserDetailList": [{"Arn": "arn`, "unexpected EOF"},
		{"a wrong type", `{"UserDetailList": {}}`, "want a list"},
		{"no ARN", `{"UserDetailList": [{"UserName": "a"}]}`, "principal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := account.Read(strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestABrokenPolicyIsAProblem(t *testing.T) {
	a := read(t, strings.Replace(dump, "%7B", `{"Statement": [{"Effect": "Allow"}]}`, 1))
	if len(a.Problems) != 2 || !strings.Contains(a.Problems[1].String(), "in of user ann: not a policy") {
		t.Errorf("got %v, want a second problem that names the policy", a.Problems)
	}
	if got := decide(t, a.Users[0], "s3:GetObject"); got.Outcome != iam.Conditional {
		t.Errorf("got %v, want conditional", got)
	}
}

// Two dumps written into one: a group is of its own account, whatever its name.
func TestGroupsOfTwoAccountsWithOneName(t *testing.T) {
	const full = `[{"PolicyName": "all", "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}}]`
	a := read(t, `{"UserDetailList": [{"Arn": "arn:aws:iam::111122223333:user/a", "GroupList": ["dev"]}, {"Arn": "arn:aws:iam::444455556666:user/b", "GroupList": ["dev"]}],
		"GroupDetailList": [{"GroupName": "dev", "Arn": "arn:aws:iam::111122223333:group/dev"}, {"GroupName": "dev", "Arn": "arn:aws:iam::444455556666:group/dev", "GroupPolicyList": `+full+`}]}`)
	if len(a.Groups) != 2 {
		t.Errorf("got %d groups, want 2", len(a.Groups))
	}
	for i, want := range []int{0, 1} {
		if got := len(a.Users[i].Grants()); got != want {
			t.Errorf("%s: got %d policies, want %d", a.Users[i].Principal.ARN, got, want)
		}
	}
}

func TestForeignPrincipalsAreAProblem(t *testing.T) {
	a := read(t, `{"UserDetailList": [{"Arn": "arn:aws:iam::444455556666:user/x"}, {"Arn": "arn:aws:iam::111122223333:user/a"}, {"Arn": "arn:aws:iam::111122223333:user/b"}]}`)
	if a.ID != "111122223333" || len(a.Problems) != 1 || a.Problems[0].Where != "444455556666" {
		t.Errorf("got account %s with problems %v, want 111122223333 and the other account named", a.ID, a.Problems)
	}
}

// A dump of an account that nobody here made.
func TestCorpus(t *testing.T) {
	f, err := os.Open("../../../shared/corpora/authorization-details/example.json")
	if err != nil {
		t.Skip("skipped: ../shared/corpora/authorization-details is not there")
	}
	defer f.Close()
	a, err := account.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Users) != 44 || len(a.Roles) != 78 || len(a.Policies) < 84 {
		t.Errorf("got %d users, %d roles, %d policies; want 44, 78, at least 84", len(a.Users), len(a.Roles), len(a.Policies))
	}
	t.Log(a.Problems)
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(strings.Replace(dump, "%7B", inline, 1)))
	f.Add([]byte(`{"Policies": [{"Arn": "x", "PolicyVersionList": [{"IsDefaultVersion": true, "Document": "%"}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := account.Read(strings.NewReader(string(text)))
		if err != nil {
			return
		}
		for _, i := range a.Identities() {
			if _, err := iam.NewSet(i.Policies(account.Guardrails{})); err != nil {
				t.Errorf("policies of %s: %v", i.Principal.ARN, err)
			}
		}
	})
}
