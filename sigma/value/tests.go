package value

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/rootkeep/rootkeep/sigma/pattern"
)

// Fold is the folding that string comparisons need.
func (m *Modifiers) Fold() pattern.Fold {
	var f pattern.Fold
	if !m.cased {
		f |= pattern.FoldCase
	}
	if m.dashes {
		f |= pattern.FoldDash
	}
	return f
}

// Tests builds the tests of one value of a rule, of which one must hold. Text is
// that of the value after placeholders.
func (m *Modifiers) Tests(v Scalar, text string) ([]Test, error) {
	switch {
	case m.timePart != "":
		return []Test{timeTest{m.timePart, m.Op, v.Number}}, nil
	case m.Op.ordering():
		return []Test{ordering{m.Op, v.Number, integer(v.Text)}}, nil
	case m.Op == Regex:
		re, err := m.regexp(text)
		return []Test{re}, err
	case m.Op == CIDR:
		p, err := parsePrefix(text)
		return []Test{cidrTest{p}}, err
	case m.Op == Equal && v.Kind == NumberScalar && !m.Expand && !m.cased:
		_, fraction, _ := parseNumber([]byte(text))
		return []Test{numberEqual{strings.ToLower(text), v.Number, fraction}}, nil
	}
	encoded, err := m.encodeAll(pattern.Parse(text))
	if err != nil {
		return nil, err
	}
	var out []Test
	for _, t := range encoded {
		switch m.Op {
		case Contains:
			t = t.Contains()
		case StartsWith:
			t = t.StartsWith()
		case EndsWith:
			t = t.EndsWith()
		}
		out = append(out, StringTest{pattern.Compile(t, m.Fold())})
	}
	return out, nil
}

// maxInstructions bounds the compiled size of a regular expression: a{1000} takes
// seven bytes in a rule and forty thousand in memory.
const maxInstructions = 2000

func (m *Modifiers) regexp(text string) (regexTest, error) {
	if m.regex != "" {
		text = "(?" + m.regex + ":" + text + ")"
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return regexTest{}, fmt.Errorf("%v; hint: Sigma 2.1 allows . ^ $ * + ? {n,m} [] () and |", err)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil || len(prog.Inst) > maxInstructions {
		return regexTest{}, fmt.Errorf("regular expression is too large; hint: lower the counts in {n,m}")
	}
	re, err := regexp.Compile(text)
	return regexTest{re, []byte(literal(tree))}, err
}

// literal is a text that everything contains that the expression matches, the
// longest that is easily seen; "" when none is.
func literal(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return string(re.Rune)
		}
	case syntax.OpCapture, syntax.OpPlus:
		return literal(re.Sub[0])
	case syntax.OpConcat:
		longest := ""
		for _, sub := range re.Sub {
			if l := literal(sub); len(l) > len(longest) {
				longest = l
			}
		}
		return longest
	}
	return ""
}

// StringTest matches a pattern.
type StringTest struct{ *pattern.Pattern }

// Holds says whether the whole value matches the pattern.
func (t StringTest) Holds(s *Subject) bool { return t.Match(s.Form(t.Fold())) }

// Cost is low for a pattern that one comparison decides.
func (t StringTest) Cost() int {
	switch shape, _ := t.Shape(); shape {
	case pattern.Equal, pattern.Prefix, pattern.Suffix, pattern.Anything:
		return 1
	case pattern.Infix:
		return 4
	}
	return 8
}

// regexTest searches a regular expression, first for a literal that it needs:
// that is fifty times as fast and nearly always answers no.
type regexTest struct {
	*regexp.Regexp
	literal []byte
}

func (t regexTest) Holds(s *Subject) bool {
	return bytes.Contains(s.text, t.literal) && t.Match(s.text)
}
func (t regexTest) Cost() int { return 50 }

// cidrTest holds for addresses in a network, never for other text.
type cidrTest struct{ netip.Prefix }

func (t cidrTest) Holds(s *Subject) bool {
	a, ok := parseAddr(s.text)
	return ok && t.Contains(a)
}

func (t cidrTest) Cost() int { return 5 }

// numberEqual holds for the same text, or for the same number written otherwise.
type numberEqual struct {
	text     string // lower case
	number   float64
	fraction bool // written with a point or exponent
}

func (t numberEqual) Holds(s *Subject) bool {
	if string(s.Form(pattern.FoldCase)) == t.text {
		return true
	}
	// Two integers that are written differently are different; comparing them as
	// floats would make account IDs beyond 2^53 equal.
	n, fraction, ok := parseNumber(s.text)
	return ok && (fraction || t.fraction) && n == t.number
}

func (t numberEqual) Cost() int { return 2 }

// ordering compares numerically; text that is no JSON number does not match.
type ordering struct {
	op    Operator
	bound float64
	whole []byte // the bound as JSON writes an integer, nil of any other
}

func (t ordering) Holds(s *Subject) bool {
	n, fraction, ok := parseNumber(s.text)
	if ok && !fraction && t.whole != nil {
		return t.op.compare(float64(compareIntegers(s.text, t.whole)), 0)
	}
	return ok && t.op.compare(n, t.bound)
}

func (t ordering) Cost() int { return 2 }

func (o Operator) compare(n, bound float64) bool {
	switch o {
	case LT:
		return n < bound
	case LTE:
		return n <= bound
	case GT:
		return n > bound
	case GTE:
		return n >= bound
	}
	return n == bound
}

// timeTest compares a part of a date such as 2026-11-22T10:00:00Z, as written:
// no zone is converted.
type timeTest struct {
	part  string
	op    Operator
	bound float64
}

func (t timeTest) Holds(s *Subject) bool {
	n, ok := timePart(s.text, t.part)
	return ok && t.op.compare(float64(n), t.bound)
}

func (t timeTest) Cost() int { return 3 }
