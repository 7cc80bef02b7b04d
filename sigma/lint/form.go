package lint

import (
	"strings"

	"github.com/rootkeep/rootkeep/sigma/pattern"
	"github.com/rootkeep/rootkeep/sigma/value"
)

// form is what one value of an item accepts, as far as the linter can compare
// it with another.
type form struct {
	kind  kind
	text  string // folded; of exact, prefix, suffix and infix
	cased bool
}

type kind uint8

const (
	opaque  kind = iota // nothing is known
	null                // absent or null
	present             // the field exists
	exact
	prefix
	suffix
	infix
	anything // every text
)

// forms are what a literal accepts without its negation; one is enough. Nil
// means that nothing is known.
func (l literal) forms() []form {
	m := &l.item.Modifiers
	if m.FieldRef || m.Expand {
		return nil
	}
	values := l.item.Values
	if l.value != anyValue {
		values = values[l.value : l.value+1]
	}
	var out []form
	for _, v := range values {
		out = append(out, formOf(m, v))
	}
	return out
}

func formOf(m *value.Modifiers, v value.Scalar) form {
	switch {
	case m.Op == value.Exists:
		return form{kind: present}
	case v.Kind == value.NullScalar:
		return form{kind: null}
	case m.Op == value.Equal && v.Kind == value.NumberScalar:
		return form{} // 1 and 1.0 are the same number
	}
	tests, err := m.Tests(v, v.Text)
	if err != nil || len(tests) != 1 {
		return form{}
	}
	test, ok := tests[0].(value.StringTest)
	if !ok || test.Fold()&pattern.FoldDash != 0 {
		return form{}
	}
	shape, text := test.Shape()
	kinds := map[pattern.Shape]kind{
		pattern.Equal: exact, pattern.Prefix: prefix, pattern.Suffix: suffix, pattern.Infix: infix, pattern.Anything: anything,
	}
	return form{kinds[shape], text, test.Fold()&pattern.FoldCase == 0}
}

// covers says for certain that whatever b accepts, a accepts as well.
func (a form) covers(b form) bool {
	switch {
	case a.kind == opaque || b.kind == opaque:
		return false
	case a.kind == present:
		return b.kind != null
	case a.kind == null || b.kind == null || b.kind == present:
		return a.kind == b.kind
	case a.kind == anything:
		return true
	case b.kind == anything || a.cased && !b.cased:
		return false
	}
	text := b.text
	if !a.cased {
		text = fold(text)
	}
	switch a.kind {
	case exact:
		return b.kind == exact && text == a.text
	case prefix:
		return (b.kind == exact || b.kind == prefix) && strings.HasPrefix(text, a.text)
	case suffix:
		return (b.kind == exact || b.kind == suffix) && strings.HasSuffix(text, a.text)
	}
	return strings.Contains(text, a.text) // infix
}

// excludes says for certain that no single value is accepted by both.
func (a form) excludes(b form) bool {
	if a.kind > b.kind {
		a, b = b, a
	}
	if a.kind == null {
		return b.kind >= exact
	}
	if a.kind < exact || b.kind > suffix {
		return a.kind == exact && b.kind == infix && !strings.Contains(fold(a.text), fold(b.text))
	}
	x, y := a.text, b.text
	if !a.cased || !b.cased {
		x, y = fold(x), fold(y)
	}
	switch {
	case a.kind == exact && b.kind == exact:
		return x != y
	case a.kind == exact && b.kind == prefix:
		return !strings.HasPrefix(x, y)
	case a.kind == exact && b.kind == suffix:
		return !strings.HasSuffix(x, y)
	case a.kind == prefix && b.kind == prefix:
		return !strings.HasPrefix(x, y) && !strings.HasPrefix(y, x)
	case a.kind == suffix && b.kind == suffix:
		return !strings.HasSuffix(x, y) && !strings.HasSuffix(y, x)
	}
	return false
}

func fold(s string) string { return string(pattern.AppendFold(nil, []byte(s), pattern.FoldCase)) }

// contradicts says for certain that two literals of a branch cannot both hold.
func (l literal) contradicts(m literal) bool {
	if l.item.Field != m.item.Field {
		return false
	}
	if l.negated {
		l, m = m, l
	}
	switch {
	case l.negated: // both are
		return false
	case m.negated:
		return l.same(m) || coversAll(m.forms(), l.forms())
	}
	return shapeOf(l.item.Field) == single && excludesAll(l.forms(), m.forms())
}

// same says that two literals ask the same, apart from negation.
func (l literal) same(m literal) bool {
	if l.item.Key != m.item.Key || l.value != m.value && len(l.item.Values) > 1 || len(l.item.Values) != len(m.item.Values) {
		return false
	}
	for i, v := range l.item.Values {
		if v != m.item.Values[i] {
			return false
		}
	}
	return true
}

func coversAll(as, bs []form) bool {
	for _, b := range bs {
		found := false
		for _, a := range as {
			found = found || a.covers(b)
		}
		if !found {
			return false
		}
	}
	return len(bs) > 0
}

func excludesAll(as, bs []form) bool {
	for _, a := range as {
		for _, b := range bs {
			if !a.excludes(b) {
				return false
			}
		}
	}
	return len(as) > 0 && len(bs) > 0
}
