// Package value decides about one value of a record: whether it is equal to,
// contains, lies in, is above what a rule says. Modifiers, as a rule writes them
// behind a field name, and a Scalar of the rule make Tests; a Subject is the
// value under test (Sigma Rules Specification, "Value Modifiers").
package value

import (
	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma/pattern"
)

// ScalarKind is the YAML type of a value in a rule.
type ScalarKind uint8

// The kinds of scalars.
const (
	NullScalar ScalarKind = iota
	BoolScalar
	NumberScalar
	TextScalar
)

// Scalar is one value of a rule.
type Scalar struct {
	Kind   ScalarKind
	Text   string  // a number as written, true or false, "" of null
	Number float64 // of a NumberScalar
}

// Subject is one value under test, with the forms of it that tests ask for.
type Subject struct {
	text   []byte                // decoded; of an object its plain text
	plain  []byte                // buffer of that
	folded [pattern.Folds][]byte // by folding, where have is set
	have   [pattern.Folds]bool
}

// Read takes the next value, which must have a text: neither absent nor null.
func (s *Subject) Read(v rootkeep.Value) {
	s.text = v.Text
	if v.Kind == rootkeep.Object {
		s.plain = pattern.AppendPlain(s.plain[:0], v.Text)
		s.text = s.plain
	}
	s.have = [pattern.Folds]bool{}
}

// Form is the value folded, computed once for all tests that want it.
func (s *Subject) Form(f pattern.Fold) []byte {
	if f == 0 {
		return s.text
	}
	if !s.have[f] {
		s.folded[f] = pattern.AppendFold(s.folded[f][:0], s.text, f)
		s.have[f] = true
	}
	return s.folded[f]
}

// Test decides about one value.
type Test interface {
	Holds(s *Subject) bool
	Cost() int // relative, to ask cheap tests first
}
