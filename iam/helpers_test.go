package iam_test

import (
	"fmt"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/policy"
)

const (
	own     = "111122223333"
	foreign = "444455556666"
	ann     = "arn:aws:iam::111122223333:user/ann"
	session = "arn:aws:sts::111122223333:assumed-role/app/s1"
	roleApp = "arn:aws:iam::111122223333:role/app"
	fed     = "arn:aws:sts::111122223333:federated-user/fed"
	rootARN = "arn:aws:iam::111122223333:root"
	object  = "arn:aws:s3:::logs/a"
)

// question is one case: a request and the policies of each layer, as statements.
type question struct {
	name      string
	caller    string // ann if empty
	action    string // s3:GetObject if empty
	resource  string // object if empty
	owner     string // own if empty, "-" for not known
	context   map[string][]string
	partial   bool
	facts     iam.Facts
	issuer    string
	identity  string
	boundary  string
	session   string
	bucket    string // the resource's policy
	endpoint  string
	scps      []string // one statement list per level
	rcps      []string
	want      iam.Outcome
	by        string // layers, as Layers prints them; not compared if empty
	statement string // Sid of the statement that decided; not compared if empty
}

// allow and deny write statements; rest is further JSON members.
func allow(action, resource string, rest ...string) string {
	return statement("Allow", action, resource, rest...)
}
func deny(action, resource string, rest ...string) string {
	return statement("Deny", action, resource, rest...)
}

func statement(effect, action, resource string, rest ...string) string {
	s := fmt.Sprintf(`{"Effect":%q,"Action":%q,"Resource":%q`, effect, action, resource)
	for _, r := range rest {
		s += "," + r
	}
	return s + "}"
}

func to(principal string) string { return fmt.Sprintf(`"Principal":{"AWS":%q}`, principal) }

const (
	everyone = `"Principal":"*"`
	noMFA    = `"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`
	every    = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	other    = `{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`
	open     = `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`
)

func compile(t testing.TB, name, statements string) []*iam.Policy {
	t.Helper()
	if statements == "" {
		return nil
	}
	text := `{"Version":"2012-10-17","Statement":[` + statements + `]}`
	if statements[0] == '@' { // a whole policy
		text = statements[1:]
	}
	p, err := iam.Parse(name, []byte(text))
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	return []*iam.Policy{p}
}

func compileAs(t testing.TB, statements string, r iam.Reading) []*iam.Policy {
	t.Helper()
	doc, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + statements + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := iam.CompileAs("p", doc, r)
	if err != nil {
		t.Fatal(err)
	}
	return []*iam.Policy{p}
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func (q question) build(t testing.TB) (*iam.Set, *iam.Request) {
	t.Helper()
	levels := func(name string, texts []string) (out [][]*iam.Policy) {
		for i, text := range texts {
			out = append(out, compile(t, fmt.Sprintf("%s%d", name, i), text))
		}
		return out
	}
	set, err := iam.NewSet(iam.Policies{
		Identity: compile(t, "identity", q.identity), Boundary: compile(t, "boundary", q.boundary), Session: compile(t, "session", q.session),
		Resource: compile(t, "resource", q.bucket), Endpoint: compile(t, "endpoint", q.endpoint),
		SCPs: levels("scp", q.scps), RCPs: levels("rcp", q.rcps),
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := iam.ParsePrincipal(or(q.caller, ann))
	if err != nil {
		t.Fatal(err)
	}
	p.Issuer = q.issuer
	context := iam.NewContext(q.context)
	if q.partial {
		context = iam.PartialContext(q.context)
	}
	owner := or(q.owner, own)
	if owner == "-" {
		owner = ""
	}
	return set, &iam.Request{
		Action: or(q.action, "s3:GetObject"), Resource: or(q.resource, object), ResourceAccount: rootkeep.AccountID(owner),
		Principal: p, Context: context, Facts: q.facts,
	}
}

func ask(t *testing.T, questions []question) {
	t.Helper()
	seen := map[string]bool{}
	for _, q := range questions {
		if seen[q.name] {
			t.Fatalf("two cases are named %q", q.name)
		}
		seen[q.name] = true
		t.Run(q.name, func(t *testing.T) {
			set, r := q.build(t)
			d := set.Decide(r)
			x := set.Explain(r, iam.Matching)
			if d.Outcome != q.want {
				t.Fatalf("decision: got %v, want %v\n%s", d.Outcome, q.want, x)
			}
			if q.by != "" && d.By.String() != q.by {
				t.Errorf("by: got %q, want %q\n%s", d.By, q.by, x)
			}
			if got := d.Statement.Sid(); q.statement != "" && got != q.statement {
				t.Errorf("statement: got %q, want %q", got, q.statement)
			}
			agree(t, set, r, d, x)
		})
	}
}

// agree holds the explanation and the residual condition to the decision.
func agree(t *testing.T, set *iam.Set, r *iam.Request, d iam.Decision, x *iam.Explanation) {
	t.Helper()
	if x.Outcome != d.Outcome || x.By != d.By {
		t.Errorf("explanation: got %v by %v, want %v by %v", x.Outcome, x.By, d.Outcome, d.By)
	}
	e := set.Residual(r)
	if e.Always() != (d.Outcome == iam.Allowed) {
		t.Errorf("residual: got %v of a decision %v, want always exactly for allowed", e, d.Outcome)
	}
	if denied := d.Outcome == iam.ExplicitlyDenied || d.Outcome == iam.ImplicitlyDenied; e.Never() != denied {
		t.Errorf("residual: got %v of a decision %v, want never exactly for denied", e, d.Outcome)
	}
	if (x.Residual != nil) != (d.Outcome == iam.Conditional) {
		t.Errorf("residual in the explanation: got %v, want one exactly for conditional", x.Residual)
	}
	if d.By == 0 && d.Outcome != iam.Allowed {
		t.Errorf("by: got no layer of a decision %v, want one", d.Outcome)
	}
}
