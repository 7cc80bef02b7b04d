package yamldoc

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep/sigma/value"
)

// Reader walks the YAML of one file and collects its problems, so that an author
// sees all of them at once.
type Reader struct {
	file     string
	offset   int // lines before the document being read
	tokens   int // read so far
	problems []error
	omitted  int
}

// Problems is the number of problems so far.
func (r *Reader) Problems() int { return len(r.problems) + r.omitted }

func (r *Reader) err() error {
	if r.omitted > 0 {
		r.problems = append(r.problems, &Error{r.file, 1, 1, fmt.Sprintf("%d more problems are not shown", r.omitted)})
	}
	return errors.Join(r.problems...)
}

// failAt takes a position within the document.
func (r *Reader) failAt(line, column int, format string, args ...any) {
	if len(r.problems) == maxProblems {
		r.omitted++
		return
	}
	r.problems = append(r.problems, &Error{r.file, r.offset + line, column, fmt.Sprintf(format, args...)})
}

// Fail reports a problem at the place of a node.
func (r *Reader) Fail(at ast.Node, format string, args ...any) {
	line, column := position(at)
	r.failAt(line, column, format, args...)
}

// Line is the line of a node in the file, from 1.
func (r *Reader) Line(at ast.Node) int {
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

// Entry is one key of a mapping.
type Entry struct {
	Name  string
	Key   ast.Node
	Value ast.Node
}

// Mapping reads a map of at least one entry; what names it in the error.
func (r *Reader) Mapping(n ast.Node, what string) ([]Entry, bool) {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	}
	if len(pairs) == 0 {
		if TypeOf(n) == "a map" {
			r.Fail(n, "%s is empty", what)
		} else {
			r.Fail(n, "%s must be a map, not %s", what, TypeOf(n))
		}
		return nil, false
	}
	out := make([]Entry, len(pairs))
	for i, p := range pairs {
		name, ok := Scalar(p.Key)
		if !ok || name.Kind == value.NullScalar {
			r.Fail(p.Key, "a key must be text")
			return nil, false
		}
		out[i] = Entry{name.Text, p.Key, p.Value}
	}
	return out, true
}

// Require reports the names that no entry has. There is at least one entry.
func (r *Reader) Require(entries []Entry, names ...string) {
	for _, name := range names {
		if !slices.ContainsFunc(entries, func(e Entry) bool { return e.Name == name }) {
			r.Fail(entries[0].Key, "%s is missing", name)
		}
	}
}

// Form reads a string that matches a pattern; want names it in the error.
func (r *Reader) Form(e Entry, form *regexp.Regexp, want string) string {
	before := r.Problems()
	s := r.Text(e, 0)
	if r.Problems() == before && !form.MatchString(s) {
		r.Fail(e.Value, "%s %q: want %s", e.Name, s, want)
	}
	return s
}

// Text reads a string of at most limit characters (0: any).
func (r *Reader) Text(e Entry, limit int) string {
	s, ok := Scalar(e.Value)
	switch {
	case !ok || s.Kind != value.TextScalar:
		r.Fail(e.Value, "%s must be text, not %s", e.Name, TypeOf(e.Value))
		return ""
	case limit > 0 && len([]rune(s.Text)) > limit:
		r.Fail(e.Value, "%s is longer than %d characters", e.Name, limit)
	}
	return s.Text
}

// OneOf reads one of a few words.
func (r *Reader) OneOf(e Entry, words ...string) string {
	before := r.Problems()
	s := r.Text(e, 0)
	if r.Problems() == before && !slices.Contains(words, s) {
		r.Fail(e.Value, "%s %q: want one of %s", e.Name, s, strings.Join(words, ", "))
	}
	return s
}

// Texts reads a list of different strings of at least shortest characters.
func (r *Reader) Texts(e Entry, shortest int) []string {
	list, ok := e.Value.(*ast.SequenceNode)
	if !ok {
		r.Fail(e.Value, "%s must be a list, not %s", e.Name, TypeOf(e.Value))
		return nil
	}
	var out []string
	for _, n := range list.Values {
		s, ok := Scalar(n)
		switch {
		case !ok || s.Kind != value.TextScalar:
			r.Fail(n, "%s holds %s; want text", e.Name, TypeOf(n))
		case len([]rune(s.Text)) < shortest:
			r.Fail(n, "%s: %q is shorter than %d characters", e.Name, s.Text, shortest)
		case slices.Contains(out, s.Text):
			r.Fail(n, "%s holds %q twice", e.Name, s.Text)
		default:
			out = append(out, s.Text)
		}
	}
	return out
}

// Boolean reads true or false.
func (r *Reader) Boolean(e Entry) bool {
	b, ok := e.Value.(*ast.BoolNode)
	if !ok {
		r.Fail(e.Value, "%s must be true or false, not %s", e.Name, TypeOf(e.Value))
		return false
	}
	return b.Value
}

// Number reads a number.
func (r *Reader) Number(e Entry) float64 {
	s, ok := Scalar(e.Value)
	if !ok || s.Kind != value.NumberScalar {
		r.Fail(e.Value, "%s must be a number, not %s", e.Name, TypeOf(e.Value))
		return 0
	}
	return s.Number
}

// Scalar reads a scalar; false for a map or a list.
func Scalar(n ast.Node) (value.Scalar, bool) {
	switch n := n.(type) {
	case *ast.NullNode:
		return value.Scalar{}, true
	case *ast.BoolNode:
		return value.Scalar{Kind: value.BoolScalar, Text: fmt.Sprint(n.Value)}, true
	case *ast.IntegerNode:
		return integer(n), true
	case *ast.FloatNode:
		return value.Scalar{Kind: value.NumberScalar, Text: n.GetToken().Value, Number: n.Value}, true
	case *ast.StringNode:
		return value.Scalar{Kind: value.TextScalar, Text: n.Value}, true
	case *ast.LiteralNode:
		return value.Scalar{Kind: value.TextScalar, Text: n.Value.Value}, true
	case *ast.InfinityNode, *ast.NanNode:
		return value.Scalar{Kind: value.TextScalar, Text: n.GetToken().Value}, true
	}
	return value.Scalar{}, false
}

// integer keeps the text of a decimal integer, leading zeros too: 012345670123
// is an account ID. Other notations become decimal.
func integer(n *ast.IntegerNode) value.Scalar {
	s := value.Scalar{Kind: value.NumberScalar, Text: n.GetToken().Value}
	if strings.Trim(s.Text, "-0123456789") != "" {
		s.Text = fmt.Sprint(n.Value)
	}
	switch v := n.Value.(type) {
	case int64:
		s.Number = float64(v)
	case uint64:
		s.Number = float64(v)
	}
	return s
}

// TypeOf names what a node is, for error texts.
func TypeOf(n ast.Node) string {
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
