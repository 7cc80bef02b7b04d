package sigma

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// reader walks the YAML of one file and collects its problems, so that an author
// sees all of them at once.
type reader struct {
	file     string
	offset   int // lines before the document being read
	problems []error
	omitted  int
}

func (r *reader) err() error {
	if r.omitted > 0 {
		r.problems = append(r.problems, &Error{r.file, 1, 1, fmt.Sprintf("%d more problems are not shown", r.omitted)})
	}
	return errors.Join(r.problems...)
}

// failAt takes a position within the document.
func (r *reader) failAt(line, column int, format string, args ...any) {
	if len(r.problems) == maxProblems {
		r.omitted++
		return
	}
	r.problems = append(r.problems, &Error{r.file, r.offset + line, column, fmt.Sprintf(format, args...)})
}

func (r *reader) fail(at ast.Node, format string, args ...any) {
	line, column := position(at)
	r.failAt(line, column, format, args...)
}

func (r *reader) line(at ast.Node) int {
	line, _ := position(at)
	return r.offset + line
}

// position of a mapping is its first key: its own token is a colon.
func position(n ast.Node) (line, column int) {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line, t.Position.Column
	}
	return 1, 1
}

// entry is one key of a mapping.
type entry struct {
	name  string
	key   ast.Node
	value ast.Node
}

// mapping reads a map of at least one entry; what names it in the error.
func (r *reader) mapping(n ast.Node, what string) ([]entry, bool) {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	}
	if len(pairs) == 0 {
		if yamlType(n) == "a map" {
			r.fail(n, "%s is empty", what)
		} else {
			r.fail(n, "%s must be a map, not %s", what, yamlType(n))
		}
		return nil, false
	}
	out := make([]entry, len(pairs))
	for i, p := range pairs {
		name, ok := scalarOf(p.Key)
		if !ok || name.kind == nullScalar {
			r.fail(p.Key, "a key must be text")
			return nil, false
		}
		out[i] = entry{name.text, p.Key, p.Value}
	}
	return out, true
}

// text reads a string of at most limit characters (0: any).
func (r *reader) text(e entry, limit int) string {
	s, ok := scalarOf(e.value)
	switch {
	case !ok || s.kind != textScalar:
		r.fail(e.value, "%s must be text, not %s", e.name, yamlType(e.value))
		return ""
	case limit > 0 && len([]rune(s.text)) > limit:
		r.fail(e.value, "%s is longer than %d characters", e.name, limit)
	}
	return s.text
}

// oneOf reads one of a few words.
func (r *reader) oneOf(e entry, words ...string) string {
	s := r.text(e, 0)
	if s != "" && !slices.Contains(words, s) {
		r.fail(e.value, "%s %q: want one of %s", e.name, s, strings.Join(words, ", "))
	}
	return s
}

// texts reads a list of different strings of at least shortest characters.
func (r *reader) texts(e entry, shortest int) []string {
	list, ok := e.value.(*ast.SequenceNode)
	if !ok {
		r.fail(e.value, "%s must be a list, not %s", e.name, yamlType(e.value))
		return nil
	}
	var out []string
	for _, n := range list.Values {
		s, ok := scalarOf(n)
		switch {
		case !ok || s.kind != textScalar:
			r.fail(n, "%s holds %s; want text", e.name, yamlType(n))
		case len([]rune(s.text)) < shortest:
			r.fail(n, "%s: %q is shorter than %d characters", e.name, s.text, shortest)
		case slices.Contains(out, s.text):
			r.fail(n, "%s holds %q twice", e.name, s.text)
		default:
			out = append(out, s.text)
		}
	}
	return out
}

func (r *reader) boolean(e entry) bool {
	b, ok := e.value.(*ast.BoolNode)
	if !ok {
		r.fail(e.value, "%s must be true or false, not %s", e.name, yamlType(e.value))
		return false
	}
	return b.Value
}

func (r *reader) number(e entry) float64 {
	s, ok := scalarOf(e.value)
	if !ok || s.kind != numberScalar {
		r.fail(e.value, "%s must be a number, not %s", e.name, yamlType(e.value))
		return 0
	}
	return s.number
}

// scalarKind is the YAML type of a value in a rule.
type scalarKind uint8

const (
	nullScalar scalarKind = iota
	boolScalar
	numberScalar
	textScalar
)

// scalar is one value of a rule.
type scalar struct {
	kind   scalarKind
	text   string  // the token of a number, true or false
	number float64 // of a numberScalar
}

func scalarOf(n ast.Node) (scalar, bool) {
	switch n := n.(type) {
	case *ast.NullNode:
		return scalar{}, true
	case *ast.BoolNode:
		return scalar{kind: boolScalar, text: fmt.Sprint(n.Value)}, true
	case *ast.IntegerNode:
		return integer(n), true
	case *ast.FloatNode:
		return scalar{numberScalar, n.GetToken().Value, n.Value}, true
	case *ast.StringNode:
		return scalar{kind: textScalar, text: n.Value}, true
	case *ast.LiteralNode:
		return scalar{kind: textScalar, text: n.Value.Value}, true
	case *ast.InfinityNode, *ast.NanNode:
		return scalar{kind: textScalar, text: n.GetToken().Value}, true
	}
	return scalar{}, false
}

// integer keeps the text of a decimal integer, leading zeros too: 012345670123
// is an account ID. Other notations become decimal.
func integer(n *ast.IntegerNode) scalar {
	s := scalar{kind: numberScalar, text: n.GetToken().Value}
	if strings.Trim(s.text, "-0123456789") != "" {
		s.text = fmt.Sprint(n.Value)
	}
	switch v := n.Value.(type) {
	case int64:
		s.number = float64(v)
	case uint64:
		s.number = float64(v)
	}
	return s
}

// yamlType names what a node is, for error texts.
func yamlType(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a map"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "null"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode:
		return "a number"
	}
	return "text"
}
