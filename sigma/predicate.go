package sigma

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/sigma/pattern"
)

// predicate is a compiled item: a yes-or-no question about the values of one
// field. Equal items of different rules share one.
type predicate struct {
	field   int
	slot    int // position among the askValues predicates of its field
	kind    question
	not     bool // neq: the answer is turned round
	present bool // askPresent: the answer for a field that exists

	// askValues: each group needs a value for which one of its tests holds. Without
	// all there is one group. A null in it is kept apart: it is about the kind of
	// the value, not its text.
	groups [][]test
	null   bool

	// askRef: the field is compared with these fields, with all of them or any.
	refs []int
	all  bool
	op   operator
	fold pattern.Fold
}

type question uint8

const (
	askValues  question = iota
	askPresent          // exists
	askRef              // fieldref
)

// maxExpansions bounds the values that the placeholders of one item make.
const maxExpansions = 100_000

// compile builds the predicate of an item but for its field numbers. Missing are
// the placeholders without values. A nil predicate means that the missing ones
// leave nothing to decide by.
func (it *item) compile(placeholders map[string][]string) (*predicate, []string, error) {
	p := &predicate{not: it.mods.not}
	switch {
	case it.mods.op == opExists:
		p.kind = askPresent
		p.present = it.values[0].text == "true"
		return p, nil, nil
	case it.mods.fieldRef:
		p.kind = askRef
		p.all, p.op, p.fold = it.mods.all, it.mods.op, it.mods.fold()
		return p, nil, it.checkRefs()
	}
	var missing []string
	groups := [][]test{}
	for _, v := range it.values {
		if v.kind == nullScalar {
			p.null = true
			continue
		}
		texts := []string{v.text}
		if it.mods.expand {
			var lacking []string
			var err error
			texts, lacking, err = expand(v.text, placeholders)
			if err != nil {
				return nil, nil, err
			}
			missing = append(missing, lacking...)
		}
		for _, text := range texts {
			tests, err := it.mods.tests(v, text)
			if err != nil {
				return nil, nil, err
			}
			groups = append(groups, tests)
		}
	}
	undecided := len(groups) == 0 && !p.null || it.mods.all
	if len(missing) > 0 && undecided {
		return nil, missing, nil
	}
	if !it.mods.all {
		groups = [][]test{slices.Concat(groups...)}
	}
	for _, g := range groups {
		slices.SortStableFunc(g, func(a, b test) int { return a.cost() - b.cost() })
	}
	p.groups = groups
	return p, missing, nil
}

// checkRefs: a reference names a field; Compile turns it into a number.
func (it *item) checkRefs() error {
	for _, v := range it.values {
		if err := validPath(v.text); err != nil {
			return err
		}
	}
	return nil
}

func (m *modifiers) fold() pattern.Fold {
	var f pattern.Fold
	if !m.cased {
		f |= pattern.FoldCase
	}
	if m.dashes {
		f |= pattern.FoldDash
	}
	return f
}

// tests builds the tests of one value; a value holds when one of them does.
// Text is that of the value after placeholders.
func (m *modifiers) tests(v scalar, text string) ([]test, error) {
	switch {
	case m.timePart != "":
		return []test{timeTest{m.timePart, m.op, v.number}}, nil
	case m.op.ordering():
		return []test{ordering{m.op, v.number}}, nil
	case m.op == opRegex:
		re, err := m.regexp(text)
		return []test{regexTest{re}}, err
	case m.op == opCIDR:
		p, err := parsePrefix(text)
		return []test{cidrTest{p}}, err
	case m.op == opEqual && v.kind == numberScalar && !m.expand && !m.cased:
		_, fraction, _ := parseNumber([]byte(text))
		return []test{numberEqual{strings.ToLower(text), v.number, fraction}}, nil
	}
	encoded, err := m.encodeAll(pattern.Parse(text))
	if err != nil {
		return nil, err
	}
	var out []test
	for _, t := range encoded {
		switch m.op {
		case opContains:
			t = t.Contains()
		case opStartsWith:
			t = t.StartsWith()
		case opEndsWith:
			t = t.EndsWith()
		}
		out = append(out, stringTest{pattern.Compile(t, m.fold())})
	}
	return out, nil
}

func (m *modifiers) regexp(text string) (*regexp.Regexp, error) {
	if m.regex != "" {
		text = "(?" + m.regex + ":" + text + ")"
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%v; hint: Sigma 2.1 allows . ^ $ * + ? {n,m} [] () and |", err)
	}
	return re, nil
}

// expand replaces the placeholders %name% of a value by all combinations of
// their values. A backslash makes a percent sign plain.
func expand(s string, values map[string][]string) (out, missing []string, err error) {
	out = []string{""}
	appendAll := func(tails []string) {
		var next []string
		for _, head := range out {
			for _, tail := range tails {
				next = append(next, head+tail)
			}
		}
		out = next
	}
	for s != "" {
		text, name, rest := cutPlaceholder(s)
		appendAll([]string{text})
		if name != "" {
			v := values[name]
			if len(v) == 0 {
				missing = append(missing, name)
			}
			if len(out)*len(v) > maxExpansions {
				return nil, nil, fmt.Errorf("placeholders make more than %d values", maxExpansions)
			}
			appendAll(v)
		}
		s = rest
	}
	return out, missing, nil
}

// cutPlaceholder splits s after its first placeholder; name is empty when it has
// none, and text is then all of s with \% resolved.
func cutPlaceholder(s string) (text, name, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			if s[i] != '%' {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		case s[i] == '%':
			name, rest, ok := strings.Cut(s[i+1:], "%")
			if ok && placeholderName(name) {
				return b.String(), name, rest
			}
			b.WriteByte('%')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), "", ""
}

func placeholderName(s string) bool {
	for _, c := range s {
		if c != '_' && c != '-' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != ""
}
