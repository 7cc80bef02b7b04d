package policy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam/jsontree"
)

// Parse reads one policy. The error is a *Error when AWS would refuse the text;
// unless it is not JSON at all, the document comes back beside the error, with
// everything that could be read, so that a linter can go on. Parse takes time and
// memory in proportion to the text.
func Parse(src []byte) (*Document, error) {
	root, err := jsontree.Parse(src)
	if err != nil {
		return nil, syntaxError(src, err)
	}
	return FromTree(src, &root)
}

// FromTree reads a policy that is a part of a larger JSON text, such as a template
// or an account dump; positions count from the start of that text.
func FromTree(src []byte, root *jsontree.Value) (*Document, error) {
	p := parser{doc: &Document{lines: jsontree.NewLines(src), Span: root.Span}}
	p.document(root)
	if len(p.doc.Problems) > 0 {
		return p.doc, &Error{p.doc.Problems}
	}
	return p.doc, nil
}

func syntaxError(src []byte, err error) error {
	var e *jsontree.Error
	if !errors.As(err, &e) {
		return err
	}
	line, column := jsontree.NewLines(src).Position(e.Offset)
	span := Span{Start: int32(e.Offset), End: int32(e.Offset)}
	return &Error{[]Problem{{span, line, column, "JSON_SYNTAX_ERROR", e.Want}}}
}

type parser struct{ doc *Document }

func (p *parser) problem(at Span, code, format string, args ...any) {
	line, column := p.doc.Position(at.Start)
	p.doc.Problems = append(p.doc.Problems, Problem{at, line, column, code, fmt.Sprintf(format, args...)})
}

// members reports duplicates of an object and whether it is one.
func (p *parser) members(v *jsontree.Value, what string) bool {
	if v.Kind != jsontree.Object {
		p.problem(v.Span, "DATA_TYPE_MISMATCH", "%s is %s, want an object", what, v.Kind)
		return false
	}
	for _, d := range v.Duplicates() {
		p.problem(d.KeySpan, "JSON_SYNTAX_ERROR", "%s has the key %q twice", what, d.Key)
	}
	return true
}

func (p *parser) document(v *jsontree.Value) {
	if !p.members(v, "policy") {
		return
	}
	found := false
	for i := range v.Kids {
		m := &v.Kids[i]
		switch m.Key {
		case "Version":
			p.doc.Version = p.text(m, "Version")
			if m.Kind == jsontree.String && m.Text != Version2008 && m.Text != Version2012 {
				p.problem(m.Span, "INVALID_VERSION", "Version is %q, want %q or %q", m.Text, Version2012, Version2008)
			}
		case "Id":
			p.doc.ID = p.text(m, "Id")
		case "Statement":
			found = true
			p.statements(m)
		default:
			p.problem(m.KeySpan, "INVALID_POLICY_ELEMENT", "%q is no element of a policy", m.Key)
			p.stray(m)
		}
	}
	if !found || len(p.doc.Statements) == 0 {
		p.problem(v.Span, "MISSING_STATEMENT", "policy has no statement")
	}
}

func (p *parser) statements(v *jsontree.Value) {
	switch v.Kind {
	case jsontree.Object:
		p.doc.SingleStatement = true
		p.statement(v)
	case jsontree.List:
		p.doc.Statements = make([]Statement, 0, len(v.Kids))
		for i := range v.Kids {
			if v.Kids[i].Kind != jsontree.Object {
				p.problem(v.Kids[i].Span, "DATA_TYPE_MISMATCH", "statement is %s, want an object", v.Kids[i].Kind)
				continue
			}
			p.statement(&v.Kids[i])
		}
	default:
		p.problem(v.Span, "DATA_TYPE_MISMATCH", "Statement is %s, want an object or a list of objects", v.Kind)
	}
}

func (p *parser) statement(v *jsontree.Value) {
	p.members(v, "statement")
	s := Statement{Span: v.Span}
	for i := range v.Kids {
		m := &v.Kids[i]
		if !p.element(&s, m) {
			p.problem(m.KeySpan, "INVALID_POLICY_ELEMENT", "%q is no element of a statement", m.Key)
		}
	}
	p.together(&s)
	p.doc.Statements = append(p.doc.Statements, s)
}

// stray keeps an element of a statement that stands in the policy.
func (p *parser) stray(m *jsontree.Value) {
	s := p.doc.Stray
	if s == nil {
		s = &Statement{Span: Span{Start: m.KeySpan.Start}}
	}
	if p.element(s, m) {
		s.End = m.End
		p.doc.Stray = s
	}
}

// element reads one element of a statement; false if there is none of the name.
func (p *parser) element(s *Statement, m *jsontree.Value) bool {
	switch m.Key {
	case "Sid":
		s.Sid = p.text(m, "Sid")
	case "Effect":
		s.Effect = p.text(m, "Effect")
		if m.Kind == jsontree.String && m.Text != Allow && m.Text != Deny {
			p.problem(m.Span, "INVALID_EFFECT", "Effect is %q, want \"Allow\" or \"Deny\"", m.Text)
		}
	case "Principal":
		s.Principal = p.principal(m)
	case "NotPrincipal":
		s.NotPrincipal = p.principal(m)
	case "Action":
		s.Action = p.strings(m)
	case "NotAction":
		s.NotAction = p.strings(m)
	case "Resource":
		s.Resource = p.strings(m)
	case "NotResource":
		s.NotResource = p.strings(m)
	case "Condition":
		s.Condition = p.condition(m)
	default:
		return false
	}
	return true
}

// together checks which elements must and must not meet.
func (p *parser) together(s *Statement) {
	if !s.Effect.Present() {
		p.problem(s.Span, "MISSING_EFFECT", "statement has no Effect")
	}
	switch {
	case s.Action == nil && s.NotAction == nil:
		p.problem(s.Span, "MISSING_ACTION", "statement has neither Action nor NotAction")
	case s.Action != nil && s.NotAction != nil:
		p.problem(s.NotAction.Span, "UNSUPPORTED_ELEMENT_COMBINATION", "statement has both Action and NotAction")
	}
	if s.Resource != nil && s.NotResource != nil {
		p.problem(s.NotResource.Span, "UNSUPPORTED_ELEMENT_COMBINATION", "statement has both Resource and NotResource")
	}
	if s.Principal != nil && s.NotPrincipal != nil {
		p.problem(s.NotPrincipal.Span, "UNSUPPORTED_ELEMENT_COMBINATION", "statement has both Principal and NotPrincipal")
	}
}

func (p *parser) text(v *jsontree.Value, what string) Text {
	if v.Kind != jsontree.String {
		p.problem(v.Span, "DATA_TYPE_MISMATCH", "%s is %s, want a string", what, v.Kind)
		return Text{}
	}
	return Text{v.Span, v.Text, v.Kind}
}

// strings reads one string or a list of them.
func (p *parser) strings(v *jsontree.Value) *Texts {
	t := p.texts(v, v.Key)
	for _, item := range t.Items {
		if item.Kind != jsontree.String {
			p.problem(item.Span, "DATA_TYPE_MISMATCH", "%s holds %s, want a string", v.Key, item.Kind)
		}
	}
	return &t
}

// texts reads one scalar or a list of them.
func (p *parser) texts(v *jsontree.Value, what string) Texts {
	t := Texts{Span: v.Span, Single: true}
	items := []jsontree.Value{*v}
	if v.Kind == jsontree.List {
		t.Single, items = false, v.Kids
		t.Items = make([]Text, 0, len(items))
	}
	for i := range items {
		switch item := &items[i]; item.Kind {
		case jsontree.String, jsontree.Number, jsontree.Bool:
			t.Items = append(t.Items, Text{item.Span, item.Text, item.Kind})
		default:
			p.problem(item.Span, "DATA_TYPE_MISMATCH", "%s holds %s, want a string", what, item.Kind)
		}
	}
	return t
}

func (p *parser) principal(v *jsontree.Value) *Principal {
	out := &Principal{Span: v.Span}
	if v.Kind == jsontree.String {
		if out.Anyone = v.Text == "*"; !out.Anyone {
			p.problem(v.Span, "INVALID_PRINCIPAL_FORMAT", "%s is %q, want \"*\" or an object", v.Key, v.Text)
		}
		return out
	}
	if !p.members(v, v.Key) {
		return out
	}
	for i := range v.Kids {
		m := &v.Kids[i]
		switch m.Key {
		case PrincipalAWS, PrincipalService, PrincipalFederated, PrincipalCanonical:
		default:
			p.problem(m.KeySpan, "INVALID_PRINCIPAL_KEY", "%q is no type of principal, want AWS, Service, Federated or CanonicalUser", m.Key)
			continue
		}
		out.Entries = append(out.Entries, PrincipalEntry{Text{m.KeySpan, m.Key, jsontree.String}, *p.strings(m)})
	}
	return out
}

func (p *parser) condition(v *jsontree.Value) *Condition {
	out := &Condition{Span: v.Span}
	if !p.members(v, "Condition") {
		return out
	}
	for i := range v.Kids {
		m := &v.Kids[i]
		b := ConditionBlock{Operator: Text{m.KeySpan, m.Key, jsontree.String}, Span: m.Span}
		if !p.members(m, m.Key) {
			continue
		}
		seen := map[string]string{}
		for j := range m.Kids {
			k := &m.Kids[j]
			lower := strings.ToLower(k.Key)
			if first, ok := seen[lower]; ok && first != k.Key {
				p.problem(k.KeySpan, "DUPLICATE_KEYS_WITH_DIFFERENT_CASE", "condition key %q repeats %q: case does not tell keys apart", k.Key, first)
			}
			seen[lower] = k.Key
			b.Keys = append(b.Keys, ConditionKey{Text{k.KeySpan, k.Key, jsontree.String}, p.texts(k, k.Key)})
		}
		out.Blocks = append(out.Blocks, b)
	}
	return out
}
