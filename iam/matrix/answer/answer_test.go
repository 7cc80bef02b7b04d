package answer_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/matrix"
	"github.com/rootkeep/rootkeep/iam/matrix/answer"
)

const details = `{"UserDetailList": [
 {"UserName": "ann", "Arn": "arn:aws:iam::111122223333:user/staff/ann", "UserPolicyList": [{"PolicyName": "a\nallowed", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
   {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject", "s3:DeleteObject"], "Resource": "arn:aws:s3:::logs/*"},
   {"Effect": "Allow", "Action": "sqs:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}]}}]},
 {"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob"},
 {"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/x/bob"}],
"RoleDetailList": [{"RoleName": "admin", "Arn": "arn:aws:iam::111122223333:role/admin", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
   {"Effect": "Allow", "Principal": {"AWS": ["444455556666", "arn:aws:iam::111122223333:user/bob"], "Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
   {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a"}}},
   {"Effect": "Allow", "Principal": {"Federated": "accounts.google.com"}, "Action": "sts:AssumeRoleWithWebIdentity"}]},
   "RolePolicyList": [{"PolicyName": "all", "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}}]}]}`

func build(t *testing.T) (*matrix.Matrix, matrix.Input) {
	t.Helper()
	a, err := account.Read(strings.NewReader(details))
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := iam.Parse("bucket", []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::open/*"},
	 {"Effect":"Allow","Principal":{"CanonicalUser":"79a59d"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::open/*"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	in := matrix.Input{Account: a, Resources: map[string][]*iam.Policy{"arn:aws:s3:::open": {bucket}}}
	m, err := matrix.New(in)
	if err != nil {
		t.Fatal(err)
	}
	return m, in
}

// clean marks what went through it.
func clean(s string) string { return strings.ReplaceAll(s, "\n", "<line>") }

func TestWhoCan(t *testing.T) {
	m, in := build(t)
	for _, c := range []struct {
		name, action, resource string
		want                   []string // principal, answer
	}{
		{"an object", "s3:GetObject", "arn:aws:s3:::logs/a", []string{"root allowed", "user/staff/ann allowed", "role/admin allowed"}},
		{"a public object is for the account and for everybody", "s3:GetObject", "arn:aws:s3:::open/a",
			[]string{"root allowed", "user/bob allowed", "user/staff/ann allowed", "user/x/bob allowed", "role/admin allowed",
				"anyone without credentials allowed outside", "any principal of another account conditional outside"}},
		{"a canonical user may be anybody", "s3:PutObject", "arn:aws:s3:::open/a", []string{"root allowed", "role/admin allowed", "canonical user 79a59d conditional outside"}},
		{"a trust policy names callers from outside", "sts:AssumeRole", "arn:aws:iam::111122223333:role/admin", []string{
			"user/bob allowed", "user/staff/ann conditional", "user/x/bob conditional", "role/admin conditional",
			"444455556666 conditional outside", "ec2.amazonaws.com allowed outside", "any principal of another account conditional outside"}},
		{"a web identity", "sts:AssumeRoleWithWebIdentity", "arn:aws:iam::111122223333:role/admin", []string{"accounts.google.com allowed outside"}},
		{"an action newer than the table is decided", "s3:NewThing", "arn:aws:s3:::logs/a", []string{"root allowed", "role/admin allowed"}},
		{"any resource", "s3:DeleteObject", "", []string{"root allowed", "user/staff/ann allowed", "role/admin allowed"}},
		{"a pattern of resources", "s3:DeleteObject", "arn:aws:s3:::data/*", []string{"root allowed", "role/admin allowed"}},
		{"outsiders on any resource", "s3:PutObject", "", []string{"root allowed", "role/admin allowed", "canonical user 79a59d conditional outside"}},
		{"outsiders outside a pattern are left out", "s3:PutObject", "arn:aws:s3:::data/*", []string{"root allowed", "role/admin allowed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := answer.AskWhoCan(m, in, []string{c.action}, c.resource)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, h := range d.Actions[0].Holders {
				s := h.Principal[strings.LastIndex(h.Principal, ":")+1:] + " " + h.Decision.String()
				if h.Outside {
					s += " outside"
				}
				if len(h.Basis) == 0 {
					t.Errorf("%s: no basis", s)
				}
				got = append(got, s)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			a := d.Actions[0]
			if sum := a.Allowed + a.Conditional + a.Denied; sum != len(m.Callers()) {
				t.Errorf("counts: got %d, want %d together", sum, len(m.Callers()))
			}
		})
	}
}

func TestWhoCanRefuses(t *testing.T) {
	m, in := build(t)
	for _, c := range []struct{ name, action, resource, want string }{
		{"a name that is no action", "GetObject", "*", "no known action has such a name"},
		{"a pattern without an action", "s3:Frobnicate*", "*", "no known action has such a name"},
		{"an action that does not work on the resource", "s3:ListBucket", "arn:aws:s3:::logs/a", "s3:ListBucket does not work on arn:aws:s3:::logs/a (but on: accesspoint, bucket)"},
		{"an action without a resource", "s3:ListAllMyBuckets", "arn:aws:s3:::logs", "it has no resource: ask with *"},
		{"a newer action on any resource", "s3:NewThing", "", "not in the table of"},
		{"too many actions", "*", "", "want at most 2000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := answer.AskWhoCan(m, in, []string{c.action}, c.resource); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestGuard(t *testing.T) {
	m, in := build(t)
	ask := func(action, resource string) *answer.WhoCan {
		d, err := answer.AskWhoCan(m, in, []string{action}, resource)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		name     string
		d        *answer.WhoCan
		possible bool
		except   []string
		want     bool
	}{
		{"somebody", ask("iam:CreateUser", ""), false, nil, true},
		{"only those who are excepted, and root", ask("iam:CreateUser", ""), true, []string{"role/admin"}, false},
		{"by pattern", ask("iam:CreateUser", ""), true, []string{"arn:aws:iam::*:role/a*"}, false},
		{"a condition does not count as allowed", ask("sqs:SendMessage", ""), false, []string{"role/admin"}, false},
		{"a condition counts as possible", ask("sqs:SendMessage", ""), true, []string{"role/admin"}, true},
		{"an outsider counts", ask("s3:GetObject", "arn:aws:s3:::open/a"), false, []string{"user/*", "role/*"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.d.Found(c.possible, c.except); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestTextIsCleaned(t *testing.T) {
	m, in := build(t)
	d, err := answer.AskWhoCan(m, in, []string{"s3:GetObject"}, "arn:aws:s3:::logs/a")
	if err != nil {
		t.Fatal(err)
	}
	text := d.Text(clean)
	if !strings.Contains(text, "identity: a<line>allowed of user ann statement 0 (Read)") {
		t.Errorf("got %s, want the policy's name on one line", text)
	}
}

// Those of other accounts are no part of the counts of the account; the head of the
// answer must not say that there is nobody.
func TestWhoCanCountsOutsiders(t *testing.T) {
	m, in := build(t)
	d, err := answer.AskWhoCan(m, in, []string{"sts:AssumeRoleWithWebIdentity"}, "arn:aws:iam::111122223333:role/admin")
	if err != nil {
		t.Fatal(err)
	}
	want := "sts:AssumeRoleWithWebIdentity (Write) on arn:aws:iam::111122223333:role/admin: 0 allowed, 0 conditional, 5 denied, 1 outside\n"
	if text := d.Text(clean); !strings.HasPrefix(text, want) {
		t.Errorf("got %s, want %s", text, want)
	}
	if got := d.Actions[0].Outside; got != 1 {
		t.Errorf("got %d outside, want 1", got)
	}
}

func TestCanOnOneResourceDoesNotSayEveryResource(t *testing.T) {
	m, in := build(t)
	c, err := answer.Find(m, "user/ann")
	if err != nil {
		t.Fatal(err)
	}
	d, err := answer.AskCan(m, in, c, answer.Question{Names: []string{"s3:GetObject"}, Resource: "arn:aws:s3:::logs/a"})
	if err != nil {
		t.Fatal(err)
	}
	if text := d.Text(clean); !strings.Contains(text, "s3 (Amazon S3)\n  on arn:aws:s3:::logs/a\n    Read: GetObject\n") {
		t.Errorf("got\n%s\nwant the action on the resource that was asked about", text)
	}
}

func TestWhoCanOnAPatternDoesNotSayEveryResource(t *testing.T) {
	m, in := build(t)
	d, err := answer.AskWhoCan(m, in, []string{"s3:DeleteObject"}, "arn:aws:s3:::data/*")
	if err != nil {
		t.Fatal(err)
	}
	if text, want := d.Text(clean), "role/admin  identity: all of role admin statement 0\n"; !strings.Contains(text, want) {
		t.Errorf("got\n%s\nwant in it %s", text, want)
	}
}

func TestCan(t *testing.T) {
	m, in := build(t)
	c, err := answer.Find(m, "user/ann")
	if err != nil {
		t.Fatal(err)
	}
	d, err := answer.AskCan(m, in, c, answer.Question{Names: []string{"s3:*", "sqs:*"}})
	if err != nil {
		t.Fatal(err)
	}
	text := d.Text(clean)
	for _, want := range []string{
		": 2 of 200 actions allowed, 20 conditional;",
		"s3 (Amazon S3)\n  on arn:aws:s3:::logs/*\n    Write: DeleteObject\n  on arn:aws:s3:::logs/*; on arn:aws:s3:::open/*\n    Read: GetObject\n",
		"sqs (Amazon SQS)\n  on arn:aws:sqs:*:111122223333:* only if Bool aws:SecureTransport [true]\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got\n%s\nwant in it %q", text, want)
		}
	}
	for _, r := range d.Actions {
		if len(r.Basis) == 0 || r.Basis[0].Statement == nil {
			t.Errorf("%s: no statement", r.Action)
		}
	}
}

func TestFind(t *testing.T) {
	m, _ := build(t)
	for _, c := range []struct{ name, text, want string }{
		{"an ARN", "arn:aws:iam::111122223333:user/staff/ann", "arn:aws:iam::111122223333:user/staff/ann"},
		{"a name without its path", "user/ann", "arn:aws:iam::111122223333:user/staff/ann"},
		{"a name with its path", "user/staff/ann", "arn:aws:iam::111122223333:user/staff/ann"},
		{"root", "root", "arn:aws:iam::111122223333:root"},
		{"a role", "role/admin", "arn:aws:iam::111122223333:role/admin"},
		{"a mistyped name", "role/admni", "did you mean role/admin?"},
		{"a name without its kind", "admin", "did you mean role/admin?"},
		{"another name", "user/quite-another-name", "give an ARN, user/NAME or role/NAME"},
		{"a name that two have", "user/bob", "2 principals have this name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if p, err := answer.Find(m, c.text); err != nil {
				got = err.Error()
			} else {
				got = p.Principal.ARN
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// The three forms of the whole matrix say the same.
func TestAllForms(t *testing.T) {
	m, in := build(t)
	q := answer.Question{Names: []string{"s3:*Object", "sqs:SendMessage"}}
	var asCSV, asJSON bytes.Buffer
	if err := answer.WriteAllCSV(&asCSV, m, q, clean); err != nil {
		t.Fatal(err)
	}
	if err := answer.WriteAllJSON(&asJSON, answer.NewHead("rootkeep/iam-can-all/1", in), m, q); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&asCSV).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Schema     string
		Principals []answer.Row
	}
	if err := json.Unmarshal(asJSON.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	var want [][]string
	want = append(want, rows[0])
	for _, r := range doc.Principals {
		for _, a := range r.Allowed {
			want = append(want, []string{r.Principal, r.Kind, a, "allowed"})
		}
		for _, a := range r.Conditional {
			want = append(want, []string{r.Principal, r.Kind, a, "conditional"})
		}
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("(-JSON +CSV):\n%s", diff)
	}
	ann := "arn:aws:iam::111122223333:user/staff/ann"
	for _, row := range [][]string{{ann, "user", "s3:GetObject", "allowed"}, {ann, "user", "sqs:SendMessage", "conditional"}} {
		if !slices.ContainsFunc(rows, func(r []string) bool { return slices.Equal(r, row) }) {
			t.Errorf("got no row %v", row)
		}
	}
}

func TestCellsAreCleaned(t *testing.T) {
	a, err := account.Read(strings.NewReader(strings.ReplaceAll(details, "user/x/bob", `user/x\n=bob`)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := matrix.New(matrix.Input{Account: a})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := answer.WriteAllCSV(&out, m, answer.Question{Names: []string{"sts:GetCallerIdentity"}}, clean); err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:iam::111122223333:user/x<line>=bob,user,sts:GetCallerIdentity,allowed\n"; !strings.Contains(out.String(), want) {
		t.Errorf("got %s, want a row %s", out.String(), want)
	}
}
