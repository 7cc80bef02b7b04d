package iam

import (
	"fmt"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam/action"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/policy"
	"github.com/rootkeep/rootkeep/iam/principal"
	"github.com/rootkeep/rootkeep/iam/resource"
)

// Policy is a policy made ready for evaluation. It does not depend on where it is
// attached, so one Policy serves every principal that carries it. It is immutable.
type Policy struct {
	Name     string
	Document *policy.Document
	// Unread says that the text is not known; see the function Unread.
	Unread bool

	statements []statement
}

// Statements is how many statements the policy has.
func (p *Policy) Statements() int { return len(p.statements) }

// MayAllow says whether some Allow of the policy covers the action, whatever its
// resource and conditions.
func (p *Policy) MayAllow(action string) bool {
	var t target
	t.setAction(action)
	for i := range p.statements {
		if s := &p.statements[i]; !s.denies && s.action(&t) {
			return true
		}
	}
	return false
}

// MayName says whether some Allow of the policy, which must be one of a resource, may
// name the caller, whatever its action and conditions.
func (p *Policy) MayName(caller *Principal, c *Context) bool {
	for i := range p.statements {
		s := &p.statements[i]
		for _, named := range s.names(caller, c) {
			if !s.denies && named != False {
				return true
			}
		}
	}
	return false
}

// Ref names one statement of one policy. The zero Ref names none.
type Ref struct {
	Policy *Policy
	Index  int // from 0, in source order
}

// Sid is the statement's Sid, "" if it has none.
func (r Ref) Sid() string {
	if r.Policy == nil {
		return ""
	}
	return r.Policy.Document.Statements[r.Index].Sid.Value
}

// Line is where the statement starts in its source, from 1; 0 for the zero Ref.
func (r Ref) Line() int {
	if r.Policy == nil {
		return 0
	}
	line, _ := r.Policy.Document.Position(r.Policy.Document.Statements[r.Index].Start)
	return line
}

// String is policy, statement number and Sid, on one line.
func (r Ref) String() string {
	if r.Policy == nil {
		return ""
	}
	s := fmt.Sprintf("%s statement %d", r.Policy.Name, r.Index)
	if sid := r.Sid(); sid != "" {
		s += " (" + sid + ")"
	}
	return condition.OneLine(s)
}

// mode says whether a statement has an element, or its Not form.
type mode uint8

const (
	missing mode = iota
	plain
	not
)

type statement struct {
	policy  *Policy
	index   int
	denies  bool
	literal bool

	actionMode mode
	actions    []action.Pattern

	resourceMode mode
	resources    []resource.Pattern

	principalMode mode
	principals    []principal.Pattern

	tests []condition.Test
}

// Parse reads and compiles a policy. Name is what decisions and explanations call
// it. The error is a *policy.Error when the text is no policy.
func Parse(name string, src []byte) (*Policy, error) {
	doc, err := policy.Parse(src)
	if err != nil {
		return nil, err
	}
	return Compile(name, doc)
}

// Named is the policy under another name: it shares all that was compiled.
func (p *Policy) Named(name string) *Policy {
	out := &Policy{Name: name, Document: p.Document, Unread: p.Unread, statements: slices.Clone(p.statements)}
	for i := range out.statements {
		out.statements[i].policy = out
	}
	return out
}

// Fits says why the policy cannot be in a layer, as NewSet does; nil if it can.
func (p *Policy) Fits(l Layer) error { return fits(p, l) }

// Unread stands for a policy that exists but could not be read. It may allow or deny
// anything, so what it takes part in is never certain: decisions become conditional
// unless other policies settle them.
func Unread(name string, layer Layer) *Policy {
	if layer == Resource || layer == RCP || layer == Endpoint {
		return unread(name, `"Principal":"*",`)
	}
	return unread(name, "")
}

// UnreadFor stands for a resource's policy that could not be read and of which it is
// taken for granted that it names nobody of the account but the account itself, as
// AWS's default key policy does: it may hand the decision to the account, or deny.
func UnreadFor(name string, account rootkeep.AccountID) *Policy {
	return unread(name, fmt.Sprintf(`"Principal":{"AWS":%q},`, string(account)))
}

func unread(name, who string) *Policy {
	rest := who + `"Action":"*","Resource":"*"}`
	p, err := Parse(name, []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+rest+`,{"Effect":"Deny",`+rest+`]}`))
	if err != nil {
		panic("iam: " + err.Error()) // the text above is a policy; a test compiles it
	}
	for i := range p.statements {
		s := &p.statements[i]
		s.tests = []condition.Test{condition.Unread(name, condition.Meaning{Denies: s.denies})}
	}
	p.Unread = true
	return p
}

// Readable says whether the policy has a text: it is not one that Unread made.
func (p *Policy) Readable() bool {
	return len(p.statements) == 0 || len(p.statements[0].tests) == 0 || p.statements[0].tests[0].Leaf().Unread == ""
}

// Reading says which answer is given where AWS's documentation is thin; see
// docs/iam-differences.md.
type Reading uint8

// Readings. Literal differs from Safer in three points: ForAnyValue with IfExists
// holds for an absent key, an Allow's NotResource with an unresolved variable
// excludes nothing, and a silent session policy does not limit what Principal "*"
// grants within one account.
const (
	Safer   Reading = iota // an Allow covers less, a Deny more
	Literal                // the pages at their word
)

// Compile makes a document ready for evaluation, in the safer reading. The document
// must be one that policy.Parse returned without an error; it must not change
// afterwards. The error is a *policy.Error.
func Compile(name string, doc *policy.Document) (*Policy, error) { return CompileAs(name, doc, Safer) }

// CompileAs is Compile in a reading of choice.
func CompileAs(name string, doc *policy.Document, reading Reading) (*Policy, error) {
	p := &Policy{Name: name, Document: doc, statements: make([]statement, len(doc.Statements))}
	for i := range doc.Statements {
		s := &p.statements[i]
		s.policy, s.index, s.literal = p, i, reading == Literal
		if err := s.compile(&doc.Statements[i], doc); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (s *statement) compile(src *policy.Statement, doc *policy.Document) error {
	s.denies = src.Denies()
	s.actionMode = modeOf(src.Action != nil, src.NotAction != nil)
	texts := either(src.Action, src.NotAction)
	s.actions = make([]action.Pattern, len(texts))
	for i := range texts {
		s.actions[i] = action.Parse(texts[i].Value)
	}
	s.resourceMode = modeOf(src.Resource != nil, src.NotResource != nil)
	texts = either(src.Resource, src.NotResource)
	s.resources = make([]resource.Pattern, len(texts))
	for i := range texts {
		s.resources[i] = resource.Parse(texts[i].Value, doc.HasVariables())
	}
	s.principalMode = modeOf(src.Principal != nil, src.NotPrincipal != nil)
	element := src.Principal
	if s.principalMode == not {
		element = src.NotPrincipal
	}
	s.principals = principal.Patterns(element)
	if src.Condition == nil {
		return nil
	}
	meaning := condition.Meaning{Variables: doc.HasVariables(), Denies: s.denies, Literal: s.literal}
	for _, block := range src.Condition.Blocks {
		for i := range block.Keys {
			key := &block.Keys[i]
			test, err := condition.NewTest(block.Operator.Value, key.Key.Value, key.Values.Values(), meaning)
			if err != nil {
				line, column := doc.Position(block.Operator.Start)
				return &policy.Error{Problems: []policy.Problem{{
					Span: block.Operator.Span, Line: line, Column: column, Code: "INVALID_CONDITION_OPERATOR", Message: err.Error(),
				}}}
			}
			s.tests = append(s.tests, test)
		}
	}
	return nil
}

func modeOf(has, hasNot bool) mode {
	switch {
	case has:
		return plain
	case hasNot:
		return not
	}
	return missing
}

func either(a, b *policy.Texts) []policy.Text {
	if a == nil {
		a = b
	}
	if a == nil {
		return nil
	}
	return a.Items
}
