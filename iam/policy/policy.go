// Package policy is the AWS IAM policy language: the bytes of a policy go in, a
// Document comes out that knows where every element stood. It accepts each form
// that AWS accepts (one object or a list of statements, one string or a list of
// them, policy versions 2008-10-17 and 2012-10-17, every principal type) and
// refuses what AWS refuses, naming AWS Access Analyzer's code where one exists.
//
// Source: IAM User Guide, "Grammar of the IAM JSON policy language" and "IAM JSON
// policy element reference".
package policy

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam/jsontree"
)

// Versions of the language. Policy variables exist only in Version2012; a policy
// without a Version element is Version2008.
const (
	Version2008 = "2008-10-17"
	Version2012 = "2012-10-17"
)

// Effects of a statement. The value is case-sensitive.
const (
	Allow = "Allow"
	Deny  = "Deny"
)

// Span is a range of bytes in the source.
type Span = jsontree.Span

// Text is one value with its place. Kind tells a number or boolean, which AWS
// accepts in conditions, from a string; Value is then the literal as written. The
// zero Text is an element that is not there: its span is empty.
type Text struct {
	Span
	Value string
	Kind  jsontree.Kind
}

// Present says whether the element is in the source.
func (t Text) Present() bool { return t.End > t.Start }

// Texts is one value or a list of them. Single says that it was written without
// brackets.
type Texts struct {
	Span
	Items  []Text
	Single bool
}

// Values are the values alone.
func (t *Texts) Values() []string {
	if t == nil {
		return nil
	}
	out := make([]string, len(t.Items))
	for i, item := range t.Items {
		out[i] = item.Value
	}
	return out
}

// Document is a parsed policy.
type Document struct {
	Span
	Version, ID     Text
	Statements      []Statement
	SingleStatement bool // Statement was one object, not a list
	// Stray holds elements of a statement that stand in the policy itself, where they
	// say nothing; nil if there are none. Each is also a Problem.
	Stray    *Statement
	Problems []Problem

	lines jsontree.Lines
}

// HasVariables says whether ${...} in this document is a policy variable.
func (d *Document) HasVariables() bool { return d.Version.Value == Version2012 }

// Position is the line and column of a byte offset, both from 1; the column counts
// characters.
func (d *Document) Position(offset int32) (line, column int) { return d.lines.Position(int(offset)) }

// Statement is one element of the list of statements. An element that is not there
// is nil or not Present.
type Statement struct {
	Span
	Sid, Effect             Text
	Principal, NotPrincipal *Principal
	Action, NotAction       *Texts
	Resource, NotResource   *Texts
	Condition               *Condition
}

// Denies says whether the statement's effect is Deny.
func (s *Statement) Denies() bool { return s.Effect.Value == Deny }

// Types of principal, the keys of a Principal element.
const (
	PrincipalAWS       = "AWS"
	PrincipalService   = "Service"
	PrincipalFederated = "Federated"
	PrincipalCanonical = "CanonicalUser"
)

// Principal is a Principal or NotPrincipal element: the text "*", or values by type.
type Principal struct {
	Span
	Anyone  bool // written as "*", not as an object
	Entries []PrincipalEntry
}

// PrincipalEntry is one type of principal with its values.
type PrincipalEntry struct {
	Type   Text
	Values Texts
}

// Condition is a Condition element.
type Condition struct {
	Span
	Blocks []ConditionBlock
}

// ConditionBlock is one operator with its keys.
type ConditionBlock struct {
	Operator Text
	Span     Span
	Keys     []ConditionKey
}

// ConditionKey is one context key with the values it is compared with.
type ConditionKey struct {
	Key    Text
	Values Texts
}

// Problem is a deviation from the grammar. Code is AWS Access Analyzer's where it
// has one ("IAM policy validation check reference"), JSON_SYNTAX_ERROR for text
// that is not JSON. Line and Column count from 1.
type Problem struct {
	Span
	Line, Column int
	Code         string
	Message      string
}

// String is line, column and message.
func (p Problem) String() string { return fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Message) }

// Error is what Parse returns for a document that AWS would refuse.
type Error struct{ Problems []Problem }

// Error prints the first problem and counts the others.
func (e *Error) Error() string {
	if len(e.Problems) == 0 {
		return "not a policy"
	}
	s := e.Problems[0].String()
	if n := len(e.Problems) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// Compact is the document as JSON without white space. Meaning is kept: a single
// value stays single, a number stays a number. It cannot fail.
func (d *Document) Compact() []byte {
	var w writer
	w.object(func() {
		w.text("Version", d.Version)
		w.text("Id", d.ID)
		w.key("Statement")
		if d.SingleStatement && len(d.Statements) == 1 {
			w.statement(&d.Statements[0])
			return
		}
		w.list(len(d.Statements), func(i int) { w.statement(&d.Statements[i]) })
	})
	return w.out
}

// MarshalJSON is Compact.
func (d *Document) MarshalJSON() ([]byte, error) { return d.Compact(), nil }

// IsVariable says whether text holds a policy variable in its syntax, ${...}.
func IsVariable(text string) bool {
	_, rest, ok := strings.Cut(text, "${")
	return ok && strings.Contains(rest, "}")
}
