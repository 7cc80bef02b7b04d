package matrix_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/matrix"
	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/internal/lot"
)

const (
	own     = "111122223333"
	foreign = "444455556666"
)

type object = map[string]any

// doc is a policy of statements, each a JSON object.
func doc(statements ...string) json.RawMessage {
	return json.RawMessage(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`)
}

func parse(t testing.TB, name string, statements ...string) *iam.Policy {
	t.Helper()
	p, err := iam.Parse(name, doc(statements...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// people is an account whose users and roles carry one inline policy each; a name
// with a colon is role:name, and its trust policy names the account.
func people(t testing.TB, policies map[string]json.RawMessage) *account.Account {
	t.Helper()
	users, roles := []object{}, []object{}
	for name, p := range policies {
		if role, ok := strings.CutPrefix(name, "role:"); ok {
			roles = append(roles, object{"Arn": "arn:aws:iam::" + own + ":role/" + role, "RoleName": role, "RolePolicyList": []object{{"PolicyName": "p", "PolicyDocument": p}},
				"AssumeRolePolicyDocument": doc(`{"Effect":"Allow","Principal":{"AWS":"` + own + `"},"Action":"sts:AssumeRole"}`)})
			continue
		}
		users = append(users, object{"Arn": "arn:aws:iam::" + own + ":user/" + name, "UserName": name, "UserPolicyList": []object{{"PolicyName": "p", "PolicyDocument": p}}})
	}
	text, err := json.Marshal(object{"UserDetailList": users, "RoleDetailList": roles})
	if err != nil {
		t.Fatal(err)
	}
	a, err := account.Read(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Problems) > 0 {
		t.Fatal(a.Problems)
	}
	return a
}

// first keeps what matrices of one account share.
var first = sync.OnceValues(func() (*matrix.Matrix, error) {
	return matrix.New(matrix.Input{Account: &account.Account{ID: own}})
})

func build(t testing.TB, in matrix.Input) *matrix.Matrix {
	t.Helper()
	m, err := first()
	if err != nil {
		t.Fatal(err)
	}
	m, err = m.With(in)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func caller(t testing.TB, m *matrix.Matrix, name string) *matrix.Caller {
	t.Helper()
	for _, c := range m.Callers() {
		if strings.HasSuffix(c.Principal.ARN, name) {
			return c
		}
	}
	t.Fatalf("no caller %s", name)
	return nil
}

// reach is what Where says of an action, in one line.
func reach(t testing.TB, m *matrix.Matrix, name, action string, q matrix.Query) string {
	t.Helper()
	q.Where = true
	x, err := m.Reach(caller(t, m, name), q)
	if err != nil {
		t.Fatal(err)
	}
	i, ok := m.Actions().Find(action)
	if !ok {
		t.Fatalf("no action %s", action)
	}
	w := x.Where(i)
	out := []string{x.Of(i).String()}
	if w.Everywhere {
		out = append(out, "everywhere")
	} else if len(w.On) > 0 {
		on := "on"
		for _, p := range w.On {
			on += " " + p.Resource
		}
		out = append(out, on)
	}
	if len(w.Except) > 0 {
		out = append(out, "except "+strings.Join(w.Except, " "))
	}
	for _, c := range w.If {
		out = append(out, fmt.Sprintf("on %s if %s", c.Resource, c.OnlyIf))
	}
	return strings.Join(out, "; ")
}

func TestReach(t *testing.T) {
	const (
		readLogs = `{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::logs/*"}`
		all      = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	)
	noSecrets := `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::logs/secret/*"}`
	for _, c := range []struct {
		name     string
		policy   []string
		scp      []string
		resource map[string]string
		action   string
		query    matrix.Query
		want     string
	}{
		{name: "an action without a resource type", policy: []string{all}, action: "s3:ListAllMyBuckets", want: "true; everywhere"},
		{name: "a resource pattern never covers an action without a resource type", policy: []string{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::*"}`}, action: "s3:ListAllMyBuckets", want: "false"},
		{name: "a pattern is named", policy: []string{readLogs}, action: "s3:GetObject", want: "true; on arn:aws:s3:::logs/*"},
		{name: "a pattern for objects covers no bucket", policy: []string{`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::logs/*"}`}, action: "s3:ListBucket", want: "false"},
		{name: "a pattern may cover buckets and objects", policy: []string{`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::logs*"}`}, action: "s3:GetObject", want: "true; on arn:aws:s3:::logs*/*"},
		{name: "a Deny inside a pattern is an exception", policy: []string{readLogs, noSecrets}, action: "s3:GetObject", want: "true; on arn:aws:s3:::logs/*; except arn:aws:s3:::logs/secret/*"},
		{name: "a Deny beside a pattern is not", policy: []string{readLogs, `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::other/*"}`}, action: "s3:GetObject", want: "true; on arn:aws:s3:::logs/*"},
		{name: "a Deny of all but one pattern leaves what both cover", policy: []string{`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::a*"}`,
			`{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::*-b"}`}, action: "s3:ListBucket", want: "true; on arn:aws:s3:::a*-b"},
		{name: "an SCP and a policy leave what both cover", policy: []string{`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::a*"}`},
			scp: []string{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::*-b"}`}, action: "s3:ListBucket", want: "true; on arn:aws:s3:::a*-b"},
		{name: "a condition is told", policy: []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`},
			action: "s3:DeleteBucket", want: "unknown; on arn:aws:s3:::* if Bool aws:SecureTransport [true]"},
		{name: "a key without its policy is conditional", policy: []string{all}, action: "kms:Decrypt",
			want: "unknown; on arn:aws:kms:*:111122223333:key/* if not (the policy of the key, which could not be read, denies it) and the policy of the key, which could not be read, allows it"},
		{name: "a key without its policy names nobody", policy: []string{readLogs}, action: "kms:Decrypt", want: "false"},
		{name: "one key without its policy may name anybody", policy: []string{readLogs}, action: "kms:Decrypt", query: matrix.Query{Within: "arn:aws:kms:eu-west-3:" + own + ":key/k"},
			want: "unknown; on arn:aws:kms:eu-west-3:111122223333:key/k if not (the policy of the resource, which could not be read, denies it) and the policy of the resource, which could not be read, allows it"},
		{name: "a given resource policy counts", policy: []string{`{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`},
			resource: map[string]string{"arn:aws:s3:::logs": `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/ann"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::logs/*"}`},
			action:   "s3:GetObject", want: "true; on arn:aws:s3:::logs/*"},
		{name: "roles are asked one by one", policy: []string{all}, action: "sts:AssumeRole", want: "true; everywhere"},
		{name: "a call that needs two types needs both", policy: []string{`{"Effect":"Allow","Action":"ec2:AttachVolume","Resource":"arn:aws:ec2:*:*:volume/*"}`}, action: "ec2:AttachVolume", want: "false; on arn:aws:ec2:*:111122223333:volume/*"},
		{name: "within a pattern", policy: []string{all}, action: "s3:GetObject", query: matrix.Query{Within: "arn:aws:s3:::x/*"}, want: "true; everywhere"},
		{name: "outside a pattern", policy: []string{readLogs}, action: "s3:GetObject", query: matrix.Query{Within: "arn:aws:s3:::x/*"}, want: "false"},
		{name: "on one object", policy: []string{readLogs}, action: "s3:GetObject", query: matrix.Query{Within: "arn:aws:s3:::logs/a"}, want: "true; everywhere"},
		{name: "a bucket's action is not about an object", policy: []string{all}, action: "s3:ListBucket", query: matrix.Query{Within: "arn:aws:s3:::logs/a"}, want: "false"},
		{name: "on a resource of another account", policy: []string{all}, action: "sqs:SendMessage", query: matrix.Query{Within: "arn:aws:sqs:eu-west-3:" + foreign + ":q"},
			want: "unknown; on arn:aws:sqs:eu-west-3:444455556666:q if not (the policy of the resource, which could not be read, denies it) and the policy of the resource, which could not be read, allows it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := matrix.Input{Account: people(t, map[string]json.RawMessage{"ann": doc(c.policy...), "role:app": doc(all)}), Resources: map[string][]*iam.Policy{}}
			if c.scp != nil {
				in.Guardrails.SCPs = [][]*iam.Policy{{parse(t, "scp", c.scp...)}}
			}
			for arn, st := range c.resource {
				in.Resources[arn] = []*iam.Policy{parse(t, arn, st)}
			}
			if got := reach(t, build(t, in), "user/ann", c.action, c.query); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// draw makes policies about few names, so that patterns meet.
type draw struct{ *rapid.T }

func (d draw) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(d.T, label)
}

func (d draw) statement(principal string) string {
	resources := rapid.SliceOfN(rapid.SampledFrom([]string{
		"*", "arn:aws:s3:::logs", "arn:aws:s3:::logs/*", "arn:aws:s3:::logs*", "arn:aws:s3:::*/secret", "arn:aws:s3:::logs/secret", "arn:aws:s3:::*",
		"arn:aws:sqs:*:*:jobs", "arn:aws:sqs:eu-west-3:*:*", "arn:aws:*:eu-west-3:*:*", "arn:aws:iam::*:role/*", "arn:aws:iam::" + own + ":role/app", "arn:aws:s3:::${aws:username}/*",
	}), 1, 2).Draw(d.T, "resources")
	list, err := json.Marshal(resources)
	if err != nil {
		d.Fatal(err)
	}
	s := fmt.Sprintf(`{"Effect":%q,"Action":%q,%q:%s%s`, d.pick("effect", "Allow", "Allow", "Deny"), d.pick("action", "*", "s3:*", "s3:GetObject", "sqs:*", "sts:*", "iam:*"),
		d.pick("element", "Resource", "Resource", "Resource", "NotResource"), list, principal)
	return s + d.pick("condition", "", "", "", `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`, `,"Condition":{"StringEquals":{"aws:username":"ann"}}`) + "}"
}

func (d draw) policy(label, principal string) *iam.Policy {
	list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return draw{t}.statement(principal) }), 1, 4).Draw(d.T, label)
	p, err := iam.Parse(label, doc(list...))
	if err != nil {
		d.Fatal(err)
	}
	return p
}

// names are resources to try, by kind of resource.
var names = map[string][]string{
	"s3:ListBucket":   {"arn:aws:s3:::logs", "arn:aws:s3:::logs2", "arn:aws:s3:::ann", "arn:aws:s3:::other"},
	"s3:GetObject":    {"arn:aws:s3:::logs/a", "arn:aws:s3:::logs/secret", "arn:aws:s3:::logs2/secret", "arn:aws:s3:::ann/a", "arn:aws:s3:::ann/secret", "arn:aws:s3:::x/y", "arn:aws:s3:::x/secret"},
	"sqs:SendMessage": {"arn:aws:sqs:eu-west-3:" + own + ":jobs", "arn:aws:sqs:eu-west-1:" + own + ":jobs", "arn:aws:sqs:eu-west-3:" + own + ":x", "arn:aws:sqs:eu-west-1:" + own + ":x"},
	"iam:PassRole":    {"arn:aws:iam::" + own + ":role/app", "arn:aws:iam::" + own + ":role/x"},
	"sts:AssumeRole":  {"arn:aws:iam::" + own + ":role/app"},
}

// What is allowed on some resource that was tried is allowed by Reach, what is denied
// by Reach is denied on all of them, and each is decided as the narrowest class that
// holds it.
func TestReachMissesNothing(t *testing.T) {
	a := people(t, map[string]json.RawMessage{"ann": doc(`{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`), "role:app": doc(`{"Effect":"Deny","Action":"ec2:*","Resource":"*"}`)})
	lot.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		for _, i := range a.Identities() {
			i.Inline = []*iam.Policy{d.policy("identity", "")}
		}
		in := matrix.Input{Account: a, Resources: map[string][]*iam.Policy{}}
		if rapid.Bool().Draw(rt, "scp") {
			in.Guardrails.SCPs = [][]*iam.Policy{{d.policy("scp", "")}}
		}
		if rapid.Bool().Draw(rt, "bucket") {
			in.Resources["arn:aws:s3:::logs"] = []*iam.Policy{d.policy("bucket", `,"Principal":`+d.pick("principal", `"*"`, `{"AWS":"`+own+`"}`, `{"AWS":"arn:aws:iam::`+own+`:user/ann"}`))}
		}
		m, err := build(t, in), error(nil)
		found := map[string]*matrix.Reach{}
		for _, c := range m.Callers() {
			if found[c.Principal.ARN], err = m.Reach(c, matrix.Query{Services: []string{"s3", "sqs", "iam", "sts"}, Where: true}); err != nil {
				rt.Fatal(err)
			}
		}
		for action, resources := range names {
			i, _ := m.Actions().Find(action)
			for _, resource := range resources {
				h, err := m.WhoCan([]string{action}, resource)
				if err != nil {
					rt.Fatal(err)
				}
				granted := map[string]iam.Truth{}
				for _, g := range h.Grants {
					granted[g.Caller] = truthOf(g.Decision.Outcome)
				}
				for who, x := range found {
					if granted[who] > x.Of(i) {
						rt.Fatalf("%s %s on %s: got %v, on any resource %v", who, action, resource, granted[who], x.Of(i))
					}
					if says := x.Says(i, resource); says != granted[who] {
						rt.Fatalf("%s %s on %s: got %v, its class says %v: %+v", who, action, resource, granted[who], says, x.Where(i))
					}
				}
			}
		}
	})
}

func truthOf(o iam.Outcome) iam.Truth {
	switch o {
	case iam.Allowed:
		return iam.True
	case iam.Conditional:
		return iam.Unknown
	}
	return iam.False
}

// corpus is an account that nobody here made.
func corpus(t testing.TB) *account.Account {
	t.Helper()
	f, err := os.Open("../../../shared/corpora/authorization-details/example.json")
	if err != nil {
		t.Skip("skipped: ../shared/corpora/authorization-details is not there")
	}
	defer f.Close()
	a, err := account.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// On one resource, every answer about every caller of the corpus is Decide's.
func TestCorpusIsDecided(t *testing.T) {
	m := build(t, matrix.Input{Account: corpus(t)})
	for _, resource := range []string{"arn:aws:s3:::logs/a", "arn:aws:iam::200611803367:user/x", "arn:aws:kms:eu-west-3:200611803367:key/k", "*"} {
		var actions []string
		for _, service := range []string{"s3", "iam", "kms", "ec2", "sts"} {
			for _, a := range metadata.Actions(service) {
				actions = append(actions, a.String())
			}
		}
		h, err := m.WhoCan(actions, resource)
		if err != nil {
			t.Fatal(err)
		}
		asked := len(actions) - len(h.Elsewhere)
		if want := asked * len(m.Callers()); len(h.Grants)+h.Denied != want || len(h.Grants) == 0 {
			t.Errorf("%s: got %d grants and %d denied, want %d together", resource, len(h.Grants), h.Denied, want)
		}
		granted := map[string]iam.Outcome{}
		for _, g := range h.Grants {
			granted[g.Caller+" "+g.Action] = g.Decision.Outcome
		}
		for _, i := range corpus(t).Identities() {
			p := i.Policies(account.Guardrails{})
			if strings.Contains(resource, ":kms:") {
				p.Resource = []*iam.Policy{iam.Unread("key", iam.Resource)}
			}
			set, err := iam.NewSet(p)
			if err != nil {
				t.Fatal(err)
			}
			r := iam.Request{Resource: resource, ResourceAccount: "200611803367", Principal: i.Principal, Context: i.Context(account.Guardrails{}, nil)}
			for _, r.Action = range actions {
				if slices.Contains(h.Elsewhere, r.Action) {
					continue
				}
				if got, want := granted[i.Principal.ARN+" "+r.Action], set.Decide(&r).Outcome; truthOf(got) != truthOf(want) {
					t.Fatalf("%s %s on %s: got %v, want %v", i.Principal.ARN, r.Action, resource, got, want)
				}
			}
		}
	}
}

func TestTheProbeOccursNowhere(t *testing.T) {
	for _, c := range []struct{ name, resource, want string }{
		{"usually", "arn:aws:s3:::logs", "zq0q"},
		{"where it is taken", "arn:aws:s3:::zq0q*zq1qzq2", "zq3q"},
		{"whatever is written to take it", "arn:aws:s3:::" + strings.Repeat("zq", 100000), "zq0q"},
		{"a number that is none", "arn:aws:s3:::zq99999999999999999999q", "zq0q"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := doc(`{"Effect":"Allow","Action":"*","Resource":"` + c.resource + `"}`)
			if got := build(t, matrix.Input{Account: people(t, map[string]json.RawMessage{"ann": p})}).Probe(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// A policy with very many patterns is answered in bounded time, and what is not
// found out is not denied.
func TestManyPatterns(t *testing.T) {
	var list []string
	for i := range 3000 {
		list = append(list, fmt.Sprintf(`"arn:aws:s3:::*%d*"`, i))
	}
	p := doc(`{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::logs/*",`+strings.Join(list, ",")+`]}`, `{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}`)
	m := build(t, matrix.Input{Account: people(t, map[string]json.RawMessage{"ann": p})})
	x, err := m.Reach(caller(t, m, "user/ann"), matrix.Query{Services: []string{"s3"}})
	if err != nil {
		t.Fatal(err)
	}
	if i, _ := m.Actions().Find("s3:GetObject"); x.Of(i) != iam.Unknown {
		t.Errorf("got %v, want unknown: not every class was tried", x.Of(i))
	}
}
