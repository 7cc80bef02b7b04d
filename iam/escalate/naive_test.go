package escalate

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
	"github.com/rootkeep/rootkeep/iam/escalate/witness"
)

// The naive search is the truth for the fast one: it knows nine techniques, goes
// over everything, and asks iam.Evaluate about each pair
// with all policies of both sides.

// node is a principal with what happened to it.
type node struct {
	arn              string
	granted, unbound bool
	joined           string // names of groups, sorted
}

type naive struct {
	t              *testing.T
	account        *account.Account
	all            *iam.Policy
	administrators map[node]Certainty
}

// hop is one way on from a node.
type hop struct {
	certainty Certainty
	to        node
	steps     int
}

func (n *naive) who(arn string) *account.Identity {
	i, ok := n.account.Find(arn)
	if !ok {
		n.t.Fatalf("no %s", arn)
	}
	return i
}

func (n *naive) policies(x node) iam.Policies {
	p := n.who(x.arn).Policies(account.Guardrails{})
	if x.granted {
		p.Identity = append(p.Identity, n.all)
	}
	if x.unbound {
		p.Boundary = nil
	}
	for _, g := range n.account.Groups {
		if slices.Contains(strings.Fields(x.joined), g.Name) {
			p.Identity = append(p.Identity, groupPolicies(g)...)
		}
	}
	return p
}

func (n *naive) may(x node, action, resource string, trust *iam.Policy, context ...string) Certainty {
	who := n.who(x.arn)
	p := n.policies(x)
	if trust != nil {
		p.Resource = []*iam.Policy{trust}
	}
	ctx := who.Context(account.Guardrails{}, nil)
	for i := 0; i < len(context); i += 2 {
		ctx = ctx.With(context[i], context[i+1])
	}
	d, err := iam.Evaluate(&iam.Request{Action: action, Resource: resource, ResourceAccount: "111122223333", Principal: who.Principal, Context: ctx}, p)
	if err != nil {
		n.t.Fatal(err)
	}
	return map[iam.Outcome]Certainty{iam.Allowed: Certain, iam.Conditional: Conditional, iam.ImplicitlyDenied: None, iam.ExplicitlyDenied: None}[d.Outcome]
}

func (n *naive) administrator(x node) Certainty {
	if c, ok := n.administrators[x]; ok {
		return c
	}
	c := Certain
	for _, p := range probes {
		resource := strings.NewReplacer("$account", "111122223333", "$partition", "aws", ":*:", ":us-east-1:").Replace(p.resource)
		c = max(c, n.may(x, p.action, witness.Fill(resource), nil))
	}
	n.administrators[x] = c
	return c
}

// hops applies every technique to every target.
func (n *naive) hops(x node) []hop {
	var out []hop
	add := func(c Certainty, to node) {
		if c != None && to != x {
			out = append(out, hop{c, to, 1})
		}
	}
	// become adds a way to be another, and to be it with a policy attached first.
	become := func(c Certainty, to node, attach string) {
		add(c, to)
		first := n.may(x, attach, to.arn, nil, "iam:PolicyARN", "arn:aws:iam::aws:policy/AdministratorAccess")
		if to.granted = true; c != None && first != None {
			out = append(out, hop{max(c, first), to, 2})
		}
	}
	me := n.who(x.arn)
	user := me.Principal.Kind == iam.User
	granted, unbound := x, x
	granted.granted, unbound.unbound = true, true
	if user {
		add(n.may(x, "iam:AttachUserPolicy", x.arn, nil, "iam:PolicyARN", "arn:aws:iam::aws:policy/AdministratorAccess"), granted)
		if me.Boundary != nil {
			add(n.may(x, "iam:DeleteUserPermissionsBoundary", x.arn, nil), unbound)
		}
		for _, g := range n.account.Groups {
			joined := x
			names := strings.Fields(x.joined)
			if !slices.Contains(me.Groups, g) && !slices.Contains(names, g.Name) {
				names = append(names, g.Name)
				slices.Sort(names)
				joined.joined = strings.Join(names, " ")
				add(n.may(x, "iam:AddUserToGroup", g.ARN, nil), joined)
			}
		}
	}
	trustsAll, _ := iam.Parse("new", []byte(trustsAll))
	for _, i := range n.account.Identities() {
		to := node{arn: i.Principal.ARN}
		switch {
		case to.arn == x.arn:
		case i.Principal.Kind == iam.User:
			become(max(Possible, n.may(x, "iam:CreateAccessKey", to.arn, nil)), to, "iam:AttachUserPolicy")
		default:
			become(n.may(x, "sts:AssumeRole", to.arn, i.Trust), to, "iam:AttachRolePolicy")
			become(max(n.may(x, "iam:UpdateAssumeRolePolicy", to.arn, nil), n.may(x, "sts:AssumeRole", to.arn, trustsAll)), to, "iam:AttachRolePolicy")
			d, _ := iam.Evaluate(&iam.Request{Action: "sts:AssumeRole", Resource: to.arn, Principal: iam.Principal{Kind: iam.AWSService, ARN: "lambda.amazonaws.com"}}, iam.Policies{Resource: []*iam.Policy{i.Trust}})
			if d.Allowed() {
				const function = "arn:aws:lambda:us-east-1:111122223333:function:rk0example"
				become(max(n.may(x, "iam:PassRole", to.arn, nil, "iam:PassedToService", "lambda.amazonaws.com"),
					n.may(x, "lambda:CreateFunction", function, nil), n.may(x, "lambda:InvokeFunction", function, nil)), to, "iam:AttachRolePolicy")
			}
		}
	}
	return out
}

// standing is how certainly, and in how many steps, a node comes to be administrator.
type standing struct {
	certainty Certainty
	steps     int
}

// solve finds the best path of every node that the principals can turn into: for each
// certainty in turn, again and again the node that is nearest to one that has its path.
func (n *naive) solve() map[node]standing {
	hops := map[node][]hop{}
	var nodes []node
	var visit func(node)
	visit = func(x node) {
		if _, seen := hops[x]; seen {
			return
		}
		hops[x] = n.hops(x)
		nodes = append(nodes, x)
		for _, h := range hops[x] {
			visit(h.to)
		}
	}
	for _, i := range n.account.Identities() {
		visit(node{arn: i.Principal.ARN})
	}
	out := map[node]standing{}
	for c := Certain; c < None; c++ {
		for _, x := range nodes {
			if _, done := out[x]; !done && n.administrator(x) <= c {
				out[x] = standing{c, 0}
			}
		}
		for {
			var nearest node
			best := 11
			for _, x := range nodes {
				if _, done := out[x]; done {
					continue
				}
				for _, h := range hops[x] {
					to, done := out[h.to]
					if n.administrator(h.to) <= c {
						to, done = standing{c, 0}, true
					}
					if done && h.certainty <= c && to.steps+h.steps < best {
						nearest, best = x, to.steps+h.steps
					}
				}
			}
			if best > 10 {
				break
			}
			out[nearest] = standing{c, best}
		}
	}
	return out
}

// randomCase draws a small account in which much hangs together.
func randomCase(r *rand.Rand) *technique.Case {
	names := []string{"a", "b", "c", "d"}
	actions := []string{"iam:AttachUserPolicy", "iam:AttachRolePolicy", "iam:CreateAccessKey", "sts:AssumeRole", "iam:UpdateAssumeRolePolicy", "iam:PassRole", "lambda:*", "iam:AddUserToGroup",
		"iam:DeleteUserPermissionsBoundary", "s3:*", "iam:*", "*"}
	resources := []string{"*", "*", "arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/*", "arn:aws:iam::111122223333:user/*", "arn:aws:iam::111122223333:user/b"}
	statement := func() map[string]any {
		s := map[string]any{"Effect": "Allow", "Action": actions[r.IntN(len(actions))], "Resource": resources[r.IntN(len(resources))]}
		if r.IntN(6) == 0 {
			s["Effect"] = "Deny"
		}
		if r.IntN(5) == 0 {
			s["Condition"] = map[string]any{"Bool": map[string]any{"aws:MultiFactorAuthPresent": "true"}}
		}
		return s
	}
	person := func() technique.Person {
		p := technique.Person{Administrator: r.IntN(6) == 0}
		for range r.IntN(4) {
			p.Statements = append(p.Statements, statement())
		}
		if r.IntN(4) == 0 {
			p.Boundary = "fence"
		}
		return p
	}
	c := &technique.Case{Name: "random", Users: map[string]technique.Person{}, Roles: map[string]technique.Person{}, Groups: map[string]technique.Person{"g": person(), "h": person()},
		Policies: map[string][]technique.Person{"fence": {{Statements: []map[string]any{statement(), statement()}}}}}
	for name, g := range c.Groups {
		g.Boundary = ""
		c.Groups[name] = g
	}
	trusts := []string{"lambda.amazonaws.com", "ec2.amazonaws.com", "111122223333", "user/a", "user/b", "role/a", "role/b", "*"}
	for _, name := range names {
		u := person()
		if r.IntN(3) == 0 {
			u.Groups = []string{[]string{"g", "h"}[r.IntN(2)]}
		}
		c.Users[name] = u
		role := person()
		for range 1 + r.IntN(2) {
			role.Trusts = append(role.Trusts, trusts[r.IntN(len(trusts))])
		}
		c.Roles[name] = role
	}
	return c
}

func TestSearchIsTheNaiveSearch(t *testing.T) {
	known := []string{"iam-attach-user-policy", "iam-create-access-key", "sts-assume-role", "iam-update-assume-role-policy", "lambda-create-function-invoke",
		"iam-add-user-to-group", "iam-delete-user-permissions-boundary", "iam-attach-policy-to-another-user", "iam-attach-policy-to-another-role"}
	ts := slices.DeleteFunc(load(t), func(x *technique.Technique) bool { return !slices.Contains(known, x.ID) })
	all, err := iam.Parse("all", []byte(allowAll))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for seed := range uint64(60) {
		c := randomCase(rand.New(rand.NewPCG(seed, 1)))
		text, err := c.Account(nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := account.Read(strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		r, err := Search(a, Options{Techniques: ts})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, s := range r.Administrators {
			got[s.Principal] = fmt.Sprint(s.Certainty, " in 0")
		}
		for _, p := range r.Paths {
			got[p.From] = fmt.Sprint(p.Certainty, " in ", len(p.Steps))
		}
		n := &naive{t, a, all, map[node]Certainty{}}
		solved := n.solve()
		for _, i := range a.Identities() {
			want := ""
			if s, ok := solved[node{arn: i.Principal.ARN}]; ok {
				want = fmt.Sprint(s.certainty, " in ", s.steps)
			}
			seen[want]++
			if got[i.Principal.ARN] != want {
				pretty, _ := json.MarshalIndent(c, "", " ")
				t.Fatalf("seed %d: %s: got %q, want %q in\n%s", seed, i.Principal.ARN, got[i.Principal.ARN], want, pretty)
			}
		}
	}
	t.Log(seen)
	for _, want := range []string{"certain in 0", "certain in 1", "certain in 2", "conditional in 1", "possible in 1", ""} {
		if seen[want] == 0 {
			t.Errorf("no principal came to %q: the accounts show too little", want)
		}
	}
}

func load(t testing.TB) []*technique.Technique {
	t.Helper()
	ts, err := technique.Load(technique.Source{FS: content.Files, Dir: "escalations"})
	if err != nil {
		t.Fatal(err)
	}
	return ts
}
