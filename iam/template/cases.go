package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/cases"
	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// Case is one line of a template's table: a request and what must come of it.
type Case struct {
	Name string `yaml:"name"`
	// Set replaces sample values of parameters.
	Set       map[string]Values `yaml:"set"`
	Principal string            `yaml:"principal"` // empty: the setting's
	Action    Values            `yaml:"action"`    // each of them is asked
	Resource  string            `yaml:"resource"`
	Account   string            `yaml:"account"` // that owns the resource; empty: the setting's
	// Context is complete but for what follows from the principal, unless Partial; an
	// empty list is a key that is absent.
	Context map[string]Values `yaml:"context"`
	Partial bool              `yaml:"partial"`
	Beside  []string          `yaml:"beside"` // other policies; none written: the setting's
	Want    string            `yaml:"want"`
}

// Setting is what the cases of a file have in common. Without Beside the policies are
// those that a policy of the type needs to show anything.
type Setting struct {
	Principal string   `yaml:"principal"`
	Account   string   `yaml:"account"`
	Beside    []string `yaml:"beside"`
}

// companions are the policies that may stand beside the template's in a case. ACCOUNT
// is the account of the resource.
var companions = map[string]struct {
	layer iam.Layer
	text  string
}{
	"identity-all":     {iam.Identity, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`},
	"scp-all":          {iam.SCP, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`},
	"resource-all":     {iam.Resource, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`},
	"resource-account": {iam.Resource, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"ACCOUNT"},"Action":"*","Resource":"*"}]}`},
}

func companionNames() []string { return slices.Sorted(maps.Keys(companions)) }

func outcomes() []string {
	return []string{iam.Allowed.String(), iam.ExplicitlyDenied.String(), iam.ImplicitlyDenied.String(), iam.Conditional.String()}
}

// besideOf are the companions without which a policy of the type shows nothing.
func besideOf(typ lint.Type) []string {
	switch typ {
	case lint.SCP:
		return []string{"identity-all", "scp-all"}
	case lint.RCP:
		return []string{"identity-all", "resource-all"}
	case lint.Boundary, lint.Trust:
		return []string{"identity-all"}
	}
	return nil
}

func (c *Case) beside(t *Template) []string {
	switch {
	case c.Beside != nil:
		return c.Beside
	case t.Setting.Beside != nil:
		return t.Setting.Beside
	}
	return besideOf(t.Type)
}

// Caller is the principal of the case.
func (c *Case) Caller(t *Template) string {
	if c.Principal != "" {
		return c.Principal
	}
	return t.Setting.Principal
}

func (c *Case) parameters(t *Template) map[string]Values {
	out := t.Samples()
	maps.Copy(out, c.Set)
	return out
}

// Result is one request of a case as it went.
type Result struct {
	Template string `json:"template"`
	File     string `json:"file"`
	Case     string `json:"case"`
	Action   string `json:"action"`
	Want     string `json:"want"`
	Got      string `json:"got"`
	Err      string `json:"error,omitempty"`
	OK       bool   `json:"ok"`
}

// RunCases runs the table.
func (t *Template) RunCases() []Result { return t.runAs(t.Type) }

// RunTwin runs the table on the form for the management account; nil without one.
func (t *Template) RunTwin() []Result {
	if t.Type != lint.SCP || t.NoTwin != "" {
		return nil
	}
	return t.runAs(lint.Boundary)
}

func (t *Template) runAs(typ lint.Type) []Result {
	var out []Result
	for i := range t.Cases {
		c := &t.Cases[i]
		_, doc, err := t.render(typ, c.parameters(t))
		for _, action := range c.Action {
			r := Result{Template: t.ID, File: t.File, Case: c.Name, Action: action, Want: c.Want}
			if err == nil {
				r.Got, err = t.decide(c, action, typ, doc)
			}
			if err != nil {
				r.Err = err.Error()
			}
			r.OK = r.Got == r.Want
			out = append(out, r)
		}
	}
	return out
}

// decide answers one request; a nil document is a policy that is not attached.
func (t *Template) decide(c *Case, action string, typ lint.Type, doc *policy.Document) (string, error) {
	complete := !c.Partial
	q := cases.Case{ContextComplete: &complete, Request: cases.Request{
		Action: action, Resource: c.Resource, ResourceAccount: c.Account, Principal: c.Caller(t), Context: map[string]cases.Values{},
	}}
	if q.Request.ResourceAccount == "" {
		q.Request.ResourceAccount = t.Setting.Account
	}
	for key, values := range c.Context {
		q.Request.Context[key] = cases.Values(values)
	}
	if err := q.Request.FillContext(); err != nil {
		return "", err
	}
	for _, name := range c.beside(t) {
		if layer := companions[name].layer; typ == t.Type || layer != iam.SCP {
			text := strings.ReplaceAll(companions[name].text, "ACCOUNT", q.Request.ResourceAccount)
			attach(&q, layer, cases.Policy{Name: name, Policy: json.RawMessage(text)})
		}
	}
	if doc != nil {
		attach(&q, layerOf(typ), cases.Policy{Name: t.ID, Policy: doc.Compact()})
	}
	answer, err := q.Answer(cases.Options{})
	return answer.Decision, err
}

// layerOf is where a policy of the type takes part.
func layerOf(typ lint.Type) iam.Layer {
	switch typ {
	case lint.SCP:
		return iam.SCP
	case lint.RCP:
		return iam.RCP
	case lint.Boundary:
		return iam.Boundary
	case lint.Trust, lint.Resource:
		return iam.Resource
	}
	return iam.Identity
}

// attach adds a policy to a layer; those of one level stand together.
func attach(c *cases.Case, layer iam.Layer, p cases.Policy) {
	level := func(to *[][]cases.Policy) {
		if *to == nil {
			*to = [][]cases.Policy{nil}
		}
		(*to)[0] = append((*to)[0], p)
	}
	switch layer {
	case iam.SCP:
		level(&c.SCPs)
	case iam.RCP:
		level(&c.RCPs)
	case iam.Resource:
		c.Resource = append(c.Resource, p)
	case iam.Boundary:
		c.Boundary = append(c.Boundary, p)
	default:
		c.Identity = append(c.Identity, p)
	}
}

// Part is a statement, or one condition of it.
type Part struct {
	Statement string `json:"statement"` // Sid
	Condition string `json:"condition,omitempty"`
}

// String is Sid, or Sid and condition key.
func (p Part) String() string {
	if p.Condition == "" {
		return p.Statement
	}
	return fmt.Sprintf("%s, condition %s", p.Statement, p.Condition)
}

// Unproved lists the parts of the policy that could be lost without any case failing,
// but for those that the file names as untested. A sound table proves every part.
func (t *Template) Unproved() []Part {
	var out []Part
	sound := t.sound()
	for _, m := range t.mutants() {
		if !t.notices(&m, sound) && !slices.ContainsFunc(t.Untested, func(u Untested) bool { return Part{u.Statement, u.Condition} == m.Part }) {
			out = append(out, m.Part)
		}
	}
	return out
}

// mutant is a part by its place in the document.
type mutant struct {
	Part
	statement, block, key int // block -1: the whole statement
}

func (t *Template) mutants() []mutant {
	_, doc, err := t.render(t.Type, t.Samples())
	if err != nil {
		return nil
	}
	var out []mutant
	for i := range doc.Statements {
		s := &doc.Statements[i]
		out = append(out, mutant{Part{s.Sid.Value, ""}, i, -1, 0})
		if s.Condition == nil {
			continue
		}
		for j, b := range s.Condition.Blocks {
			for k := range b.Keys {
				out = append(out, mutant{Part{s.Sid.Value, b.Operator.Value + " " + b.Keys[k].Key.Value}, i, j, k})
			}
		}
	}
	return out
}

// question is one request of a case.
type question struct {
	*Case
	action string
}

// sound are the requests that come out as wanted: a case that fails anyway proves
// nothing.
func (t *Template) sound() []question {
	var out []question
	for i := range t.Cases {
		c := &t.Cases[i]
		for _, action := range c.Action {
			if _, doc, err := t.render(t.Type, c.parameters(t)); err == nil {
				if got, err := t.decide(c, action, t.Type, doc); err == nil && got == c.Want {
					out = append(out, question{c, action})
				}
			}
		}
	}
	return out
}

// notices says whether some request has another outcome without the part.
func (t *Template) notices(m *mutant, sound []question) bool {
	for _, q := range sound {
		_, doc, err := t.render(t.Type, q.parameters(t))
		if err != nil {
			return false
		}
		if got, err := t.decide(q.Case, q.action, t.Type, m.apply(doc)); err == nil && got != q.Want {
			return true
		}
	}
	return false
}

// apply takes the part out of a document that was rendered for one case; nil when
// nothing is left.
func (m *mutant) apply(doc *policy.Document) *policy.Document {
	if m.block < 0 {
		if len(doc.Statements) == 1 {
			return nil
		}
		doc.Statements = slices.Delete(doc.Statements, m.statement, m.statement+1)
		return doc
	}
	b := &doc.Statements[m.statement].Condition.Blocks[m.block]
	b.Keys = slices.Delete(b.Keys, m.key, m.key+1)
	return doc
}

// Lint judges the policy with sample values. It returns the findings that the file
// does not accept, and the accepted codes that the linter did not raise.
func (t *Template) Lint(now time.Time) (findings []lint.Finding, unraised []Accepted) {
	text, _, err := t.render(t.Type, t.Samples())
	if err != nil {
		return []lint.Finding{{Code: "JSON_SYNTAX_ERROR", Severity: lint.Error, Message: err.Error()}}, nil
	}
	raised := map[string]bool{}
	all, _ := lint.Source(text, lint.Options{Type: t.Type, Managed: true, Now: now})
	for _, f := range all {
		raised[f.Code] = true
		if !t.accepts(f.Code) {
			findings = append(findings, f)
		}
	}
	for _, a := range t.Accepts {
		if !raised[a.Code] {
			unraised = append(unraised, a)
		}
	}
	return findings, unraised
}
