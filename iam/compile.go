package iam

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/pattern"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// Policy is a policy made ready for evaluation. It does not depend on where it is
// attached, so one Policy serves every principal that carries it. It is immutable.
type Policy struct {
	Name     string
	Document *policy.Document

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

// String is policy, statement number and Sid.
func (r Ref) String() string {
	if r.Policy == nil {
		return ""
	}
	s := fmt.Sprintf("%s statement %d", r.Policy.Name, r.Index)
	if sid := r.Sid(); sid != "" {
		s += " (" + sid + ")"
	}
	return s
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
	actions    []actionPattern

	resourceMode mode
	resources    []resourcePattern

	principalMode mode
	principals    []principalPattern

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

// Unread stands for a policy that exists but could not be read. It may allow or deny
// anything, so what it takes part in is never certain: decisions become conditional
// unless other policies settle them.
func Unread(name string, layer Layer) *Policy {
	who := ""
	if layer == Resource || layer == RCP || layer == Endpoint {
		who = `"Principal":"*",`
	}
	rest := who + `"Action":"*","Resource":"*"}`
	p, err := Parse(name, []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+rest+`,{"Effect":"Deny",`+rest+`]}`))
	if err != nil {
		panic("iam: " + err.Error()) // the text above is a policy; a test compiles it
	}
	for i := range p.statements {
		p.statements[i].tests = []condition.Test{condition.Unread(name)}
	}
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
	for _, text := range either(src.Action, src.NotAction).Values() {
		s.actions = append(s.actions, newActionPattern(text))
	}
	s.resourceMode = modeOf(src.Resource != nil, src.NotResource != nil)
	for _, text := range either(src.Resource, src.NotResource).Values() {
		s.resources = append(s.resources, newResourcePattern(text, doc.HasVariables()))
	}
	s.principalMode = modeOf(src.Principal != nil, src.NotPrincipal != nil)
	element := src.Principal
	if s.principalMode == not {
		element = src.NotPrincipal
	}
	s.principals = newPrincipalPatterns(element)
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

func either(a, b *policy.Texts) *policy.Texts {
	if a != nil {
		return a
	}
	return b
}

// actionPattern is one value of Action, in lower case, split at its colon.
type actionPattern struct {
	text    string
	service namePattern
	name    namePattern
	all     bool // stars only: every action
	never   bool // no colon: no action has this name
}

func newActionPattern(text string) actionPattern {
	p := actionPattern{text: lowerASCII(text), all: text != "" && strings.Trim(text, "*") == ""}
	service, name, ok := strings.Cut(p.text, ":")
	p.never = !ok && !p.all
	p.service, p.name = newNamePattern(service), newNamePattern(name)
	return p
}

// match compares with an action in lower case. Service and name are compared apart,
// so a pattern without a colon matches only if it is stars.
func (p *actionPattern) match(t *target) bool {
	if p.all || p.never || t.colon < 0 {
		return p.all
	}
	return p.service.match(t.service()) && p.name.match(t.name())
}

// namePattern is text with * and ?. Most are a name, or a prefix and a star.
type namePattern struct {
	text    string
	literal bool
	prefix  bool // text holds what stands before the only star
}

func newNamePattern(text string) namePattern {
	head, tail, star := strings.Cut(text, "*")
	switch {
	case !strings.ContainsAny(text, "*?"):
		return namePattern{text: text, literal: true}
	case star && tail == "" && !strings.Contains(head, "?"):
		return namePattern{text: head, prefix: true}
	}
	return namePattern{text: text}
}

func (p *namePattern) match(s []byte) bool {
	switch {
	case p.literal:
		return p.text == string(s)
	case p.prefix:
		return len(s) >= len(p.text) && string(s[:len(p.text)]) == p.text
	}
	return globBytes(p.text, s)
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// globBytes matches * and ?. On a mismatch it goes back to the last star only, which
// is enough: what an earlier star could take, the last one can.
func globBytes(p string, s []byte) bool {
	star, back := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, back = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			back++
			i, j = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(p[i:], "*") == ""
}

// resourcePattern is one value of Resource.
type resourcePattern struct {
	text  string
	all   bool                // stars only
	head  string              // all up to the fifth colon, if it has no wildcard
	fixed *[5]pattern.Pattern // else the first five parts
	rest  pattern.Pattern     // after the fifth colon; may hold variables
	whole pattern.Pattern     // the same text without regard to colons
}

// newResourcePattern splits at the first five colons. An ARN with fewer parts stands
// for any value in those that are missing (IAM User Guide, "IAM ARNs").
func newResourcePattern(text string, variables bool) resourcePattern {
	if text != "" && strings.Trim(text, "*") == "" {
		return resourcePattern{text: text, all: true}
	}
	p := resourcePattern{text: text}
	parts, complete := condition.SplitARN(text)
	rest := parts[5]
	if head := text[:len(text)-len(rest)]; complete && !strings.ContainsAny(head, "*?") {
		p.head = head
	} else {
		p.whole = pattern.Parse(text, pattern.Syntax{Wildcards: true, Variables: variables})
		p.fixed = fixedParts(text)
		if !complete {
			rest = "*"
		}
	}
	p.rest = pattern.Parse(rest, pattern.Syntax{Wildcards: true, Variables: variables})
	return p
}

func fixedParts(text string) *[5]pattern.Pattern {
	var out [5]pattern.Pattern
	parts := strings.SplitN(text, ":", 6)
	for i := range out {
		part := "*"
		if i < len(parts) {
			part = parts[i]
		}
		out[i] = pattern.Parse(part, pattern.Syntax{Wildcards: true})
	}
	return &out
}

// match compares with the request's resource. Broad is the reading in which a star
// may run over a colon; AWS documents both readings.
func (p *resourcePattern) match(t *target, broad bool) (match, resolved Truth) {
	switch {
	case p.all:
		return True, True
	case !t.isARN:
		return False, True
	case p.fixed == nil:
		if !strings.HasPrefix(t.Resource, p.head) {
			return False, True
		}
		return condition.MatchPattern(&p.rest, t.parts[5], &t.context)
	}
	if broad {
		if m, _ := condition.MatchPattern(&p.whole, t.Resource, &t.context); m == True {
			return True, True
		}
	}
	for i := range p.fixed {
		if !p.fixed[i].Match(t.parts[i]) {
			return False, True
		}
	}
	return condition.MatchPattern(&p.rest, t.parts[5], &t.context)
}
