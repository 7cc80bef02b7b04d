package snapshot_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/diff"
	"github.com/rootkeep/rootkeep/iam/diff/snapshot"
)

type object = map[string]any
type list = []any

func document(statements ...any) object {
	return object{"Version": "2012-10-17", "Statement": statements}
}

func allow(actions ...any) object {
	return object{"Effect": "Allow", "Action": actions, "Resource": "*"}
}

// dump is an account with one of everything.
func dump() object {
	trust := func(who object) object {
		return document(object{"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"})
	}
	return object{
		"UserDetailList": list{
			object{"UserName": "ann", "UserId": "AIDA1", "Path": "/", "Arn": "arn:aws:iam::111122223333:user/ann", "GroupList": list{"dev"},
				"UserPolicyList": list{object{"PolicyName": "in", "PolicyDocument": document(allow("sqs:SendMessage"))}}},
			object{"UserName": "bob", "UserId": "AIDA2", "Path": "/", "Arn": "arn:aws:iam::111122223333:user/bob", "GroupList": list{"dev"}},
			object{"UserName": "eve", "UserId": "AIDA3", "Path": "/", "Arn": "arn:aws:iam::111122223333:user/eve",
				"AttachedManagedPolicies": list{object{"PolicyName": "gone", "PolicyArn": "arn:aws:iam::aws:policy/gone"}}},
		},
		"GroupDetailList": list{object{"GroupName": "dev", "Arn": "arn:aws:iam::111122223333:group/dev",
			"AttachedManagedPolicies": list{object{"PolicyName": "read", "PolicyArn": "arn:aws:iam::111122223333:policy/read"}}}},
		"RoleDetailList": list{object{"RoleName": "app", "RoleId": "AROA1", "Path": "/", "Arn": "arn:aws:iam::111122223333:role/app",
			"AssumeRolePolicyDocument": trust(object{"Service": "ec2.amazonaws.com"}), "Tags": list{object{"Key": "team", "Value": "red"}},
			"RolePolicyList": list{object{"PolicyName": "tag", "PolicyDocument": document(object{"Effect": "Allow", "Action": "sqs:PurgeQueue", "Resource": "*",
				"Condition": object{"StringEquals": object{"aws:PrincipalTag/team": "blue"}}})}}}},
		"Policies": list{object{"PolicyName": "read", "Arn": "arn:aws:iam::111122223333:policy/read", "DefaultVersionId": "v1",
			"PolicyVersionList": list{object{"VersionId": "v1", "IsDefaultVersion": true, "Document": document(allow("s3:GetObject"))}}}},
	}
}

func read(t testing.TB, d object) *account.Account {
	t.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	a, err := account.Read(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func item(d object, key string, i int) object { return d[key].(list)[i].(object) }

// told is a report in a few words: for each principal that changed the answers about
// new and lost access, of new callers, and why.
func told(r *snapshot.Report) []string {
	out := []string{}
	for _, p := range r.Principals {
		trust := "-"
		if p.Trust != nil {
			trust = string(p.Trust.New.Answer)
		}
		name := p.ARN[strings.LastIndexByte(p.ARN, ':')+1:]
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s %s", name, p.Event, p.New.Answer, p.Lost.Answer, trust, strings.Join(p.Why, "; "))))
	}
	return out
}

const eve = "user/eve unread unknown unknown -" // her policy is not in the dump

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(object)
		want   []string
	}{
		{"nothing", func(object) {}, []string{eve}},
		{"an inline policy gains an action", func(d object) {
			item(d, "UserDetailList", 0)["UserPolicyList"] = list{object{"PolicyName": "in", "PolicyDocument": document(allow("sqs:SendMessage", "sqs:DeleteQueue"))}}
		}, []string{"user/ann changed yes no - inline policy in of user ann changed", eve}},
		{"a policy is written otherwise", func(d object) {
			item(d, "UserDetailList", 0)["UserPolicyList"] = list{object{"PolicyName": "in", "PolicyDocument": document(allow("SQS:SendMessage", "sqs:SendMessage"))}}
		}, []string{eve, "user/ann changed no no - inline policy in of user ann changed"}},
		{"a managed policy of a group", func(d object) {
			item(d, "Policies", 0)["PolicyVersionList"] = list{object{"VersionId": "v2", "IsDefaultVersion": true, "Document": document(allow("s3:PutObject"))}}
		}, []string{
			"user/ann changed yes yes - policy arn:aws:iam::111122223333:policy/read of group dev changed",
			"user/bob changed yes yes - policy arn:aws:iam::111122223333:policy/read of group dev changed", eve,
		}},
		{"a group is left", func(d object) { item(d, "UserDetailList", 1)["GroupList"] = list{} },
			[]string{eve, "user/bob changed no yes - policy arn:aws:iam::111122223333:policy/read of group dev removed; left group dev"}},
		{"a boundary is set", func(d object) {
			item(d, "UserDetailList", 1)["PermissionsBoundary"] = object{"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/read"}
			item(d, "UserDetailList", 0)["PermissionsBoundary"] = object{"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/read"}
		}, []string{eve, "user/ann changed no yes - boundary arn:aws:iam::111122223333:policy/read set", "user/bob changed no no - boundary arn:aws:iam::111122223333:policy/read set"}},
		{"a role trusts another account", func(d object) {
			r := item(d, "RoleDetailList", 0)
			r["AssumeRolePolicyDocument"] = document(object{"Effect": "Allow", "Principal": object{"Service": "ec2.amazonaws.com", "AWS": "444455556666"}, "Action": "sts:AssumeRole"})
		}, []string{"role/app changed no no yes trust policy changed", eve}},
		{"a tag that grants", func(d object) { item(d, "RoleDetailList", 0)["Tags"] = list{object{"Key": "team", "Value": "blue"}} },
			[]string{"role/app changed yes no - tags changed", eve}},
		{"a user is added", func(d object) {
			d["UserDetailList"] = append(d["UserDetailList"].(list), object{"UserName": "new", "UserId": "AIDA9", "Path": "/", "Arn": "arn:aws:iam::111122223333:user/new",
				"UserPolicyList": list{object{"PolicyName": "p", "PolicyDocument": document(allow("*"))}}})
		}, []string{"user/new added yes no - inline policy p of user new added", eve}},
		{"a role is removed", func(d object) { d["RoleDetailList"] = list{} },
			[]string{eve, "role/app removed no no no inline policy tag of role app removed"}}, // it did not have the tag that grants
		{"a principal of whom not all was read changes", func(d object) {
			item(d, "UserDetailList", 2)["UserPolicyList"] = list{object{"PolicyName": "p", "PolicyDocument": document(allow("sqs:*"))}}
		}, []string{"user/eve changed unknown unknown - inline policy p of user eve added"}},
		{"a user is made again", func(d object) { item(d, "UserDetailList", 1)["UserId"] = "AIDA8" },
			[]string{eve, "user/bob changed no no - deleted and created again: its unique ID is another"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			after := dump()
			c.change(after)
			r, err := snapshot.Compare(read(t, dump()), read(t, after))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, told(r)); diff != "" {
				t.Errorf("principals (-want +got):\n%s", diff)
			}
		})
	}
}

func TestThingsAndAccounts(t *testing.T) {
	after := dump()
	item(after, "Policies", 0)["PolicyVersionList"] = list{object{"VersionId": "v2", "IsDefaultVersion": true, "Document": document(allow("s3:PutObject"))}}
	after["GroupDetailList"] = append(after["GroupDetailList"].(list), object{"GroupName": "ops", "Arn": "arn:aws:iam::111122223333:group/ops"})
	r, err := snapshot.Compare(read(t, dump()), read(t, after))
	if err != nil {
		t.Fatal(err)
	}
	if want := []snapshot.Thing{{ARN: "arn:aws:iam::111122223333:group/dev", Event: snapshot.Changed}, {ARN: "arn:aws:iam::111122223333:group/ops", Event: snapshot.Added}}; !slices.Equal(r.Groups, want) {
		t.Errorf("groups: got %v, want %v", r.Groups, want)
	}
	want := []snapshot.Thing{{ARN: "arn:aws:iam::111122223333:policy/read", Event: snapshot.Changed}, {ARN: "arn:aws:iam::aws:policy/gone", Event: snapshot.Unread}}
	if !slices.Equal(r.Policies, want) {
		t.Errorf("policies: got %v, want %v", r.Policies, want)
	}
	if len(r.Problems) != 2 || !strings.Contains(r.Problems[0], "old: arn:aws:iam::aws:policy/gone") {
		t.Errorf("problems: got %q, want one of each dump", r.Problems)
	}
	text, _ := json.Marshal(dump())
	other := strings.ReplaceAll(string(text), "111122223333", "444455556666")
	foreign, err := account.Read(strings.NewReader(other))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.Compare(read(t, dump()), foreign); err == nil {
		t.Error("two accounts: got no error, want one")
	}
}

// TestEveryGainIsReal runs the examples of a changed account by package iam alone.
func TestEveryGainIsReal(t *testing.T) {
	text, err := os.ReadFile("../../../../shared/corpora/authorization-details/example.json")
	if err != nil {
		t.Skip("skipped: ../shared/corpora/authorization-details is absent")
	}
	var before, after object
	for _, d := range []*object{&before, &after} {
		if err := json.Unmarshal(text, d); err != nil {
			t.Fatal(err)
		}
	}
	users := after["UserDetailList"].(list)
	for i, u := range users {
		if i%5 == 0 {
			u := u.(object)
			old, _ := u["UserPolicyList"].(list)
			u["UserPolicyList"] = append(old, object{"PolicyName": "more", "PolicyDocument": document(allow("sqs:DeleteQueue", "iam:PassRole", "kms:Decrypt"))})
		}
	}
	old, new := read(t, before), read(t, after)
	r, err := snapshot.Compare(old, new)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, p := range r.Principals {
		for _, ch := range p.New.Changes {
			e := ch.Example
			for _, side := range []struct {
				account *account.Account
				want    bool
			}{{old, false}, {new, true}} {
				who, ok := side.account.Find(p.ARN)
				if !ok {
					t.Fatalf("%s: not in the dump", p.ARN)
				}
				policies := who.Policies(account.Guardrails{})
				account, err := iam.Parse("account", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"`+string(side.account.ID)+`"},"Action":"*","Resource":"*"}}`))
				if err != nil {
					t.Fatal(err)
				}
				policies.Resource = []*iam.Policy{account}
				d, err := iam.Evaluate(&iam.Request{Action: e.Action, Resource: e.Resource, ResourceAccount: side.account.ID, Principal: who.Principal, Context: iam.NewContext(e.Context)}, policies)
				if err != nil {
					t.Fatal(err)
				}
				if d.Allowed() != side.want {
					t.Errorf("%s: %s on %s: got %v, want allowed %v", p.ARN, e.Action, e.Resource, d.Outcome, side.want)
				}
				checked++
			}
		}
		if p.New.Answer == diff.No {
			t.Logf("%s may already do all of it", p.ARN)
		}
	}
	if len(r.Principals) < 5 || checked < 10 {
		t.Errorf("got %d principals that changed and %d checks, want 5 and 10 or more", len(r.Principals), checked)
	}
}

func BenchmarkDiffAccounts(b *testing.B) {
	account := func(changed int) *account.Account {
		d := dump()
		users := list{}
		for i := range 1000 {
			action := "sqs:SendMessage"
			if i < changed {
				action = "sqs:*"
			}
			users = append(users, object{"UserName": fmt.Sprint("u", i), "UserId": fmt.Sprint("AIDA", i), "Path": "/", "Arn": fmt.Sprint("arn:aws:iam::111122223333:user/u", i), "GroupList": list{"dev"},
				"UserPolicyList": list{object{"PolicyName": "in", "PolicyDocument": document(allow(action), object{"Effect": "Allow", "Action": "s3:*", "Resource": fmt.Sprintf("arn:aws:s3:::b%d/*", i)})}}})
		}
		d["UserDetailList"] = users
		return read(b, d)
	}
	old, new := account(0), account(10)
	b.ReportAllocs()
	for b.Loop() {
		r, err := snapshot.Compare(old, new)
		if err != nil {
			b.Fatal(err)
		}
		if len(r.Principals) != 10 || r.Principals[9].New.Answer != diff.Yes {
			b.Fatalf("got %d principals, want 10 with new access", len(r.Principals))
		}
	}
}
