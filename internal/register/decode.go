package register

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep/internal/rule"
)

// oneOrMore are texts of which a single one needs no list.
type oneOrMore []string

// decoder fills Go values from YAML nodes, by the names that encoding/json uses for
// them. Nothing is converted: an account number without quotation marks is a number,
// and is refused where a text is wanted. Every mistake is an error with its place.
type decoder struct {
	file     string
	problems []error
}

func (d *decoder) refuse(at ast.Node, format string, args ...any) {
	e := &rule.Error{File: d.file, Msg: fmt.Sprintf(format, args...)}
	if t := at.GetToken(); t != nil && t.Position != nil {
		e.Line, e.Column = t.Position.Line, t.Position.Column
	}
	d.problems = append(d.problems, e)
}

func (d *decoder) fill(into reflect.Value, n ast.Node) {
	switch v := into.Addr().Interface().(type) {
	case *time.Time:
		if t, ok := d.moment(n); ok {
			*v = t
		}
		return
	case *oneOrMore:
		if _, list := n.(*ast.SequenceNode); !list {
			*v = []string{d.text(n)}
			return
		}
	case *ast.Node:
		*v = n
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		d.whole(into, n)
	case reflect.Slice:
		d.list(into, n)
	case reflect.String:
		into.SetString(d.text(n))
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			into.SetBool(b.Value)
			return
		}
		d.refuse(n, "want true or false")
	case reflect.Int:
		i, err := strconv.Atoi(n.String())
		if _, number := n.(*ast.IntegerNode); !number || err != nil || i < 0 {
			d.refuse(n, "want a whole number of 0 or more")
			return
		}
		into.SetInt(int64(i))
	default:
		d.refuse(n, "a value of type %s is not read from a register", into.Type())
	}
}

func (d *decoder) text(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.IntegerNode:
		d.refuse(n, "want a text, and without quotation marks this is a number; hint: \"%s\"", n.GetToken().Value)
	default:
		d.refuse(n, "want a text")
	}
	return ""
}

// moment reads a day, which begins at midnight UTC, or an RFC 3339 time.
func (d *decoder) moment(n ast.Node) (time.Time, bool) {
	s, ok := n.(*ast.StringNode)
	if ok {
		for _, layout := range []string{time.DateOnly, time.RFC3339} {
			if t, err := time.Parse(layout, s.Value); err == nil {
				return t.UTC(), true
			}
		}
	}
	d.refuse(n, "want a day such as 2026-11-20, or a time such as 2026-11-20T10:00:00Z")
	return time.Time{}, false
}

func (d *decoder) list(into reflect.Value, n ast.Node) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		d.refuse(n, "want a list")
		return
	}
	out := reflect.MakeSlice(into.Type(), len(s.Values), len(s.Values))
	for i, item := range s.Values {
		d.fill(out.Index(i), item)
	}
	into.Set(out)
}

// whole is an object that has every key: of a fact, what is left out is not known, and
// must not be read as zero.
func (d *decoder) whole(into reflect.Value, n ast.Node) {
	before := len(d.problems)
	given := d.object(into, n)
	if len(d.problems) > before {
		return
	}
	for name := range fieldsOf(into.Type()) {
		if !given[name] {
			d.refuse(n, "no %s: want all of %s", name, names(fieldsOf(into.Type())))
			return
		}
	}
}

// object fills a struct and says which keys were given.
func (d *decoder) object(into reflect.Value, n ast.Node) map[string]bool {
	fields, given := fieldsOf(into.Type()), map[string]bool{}
	for _, m := range d.members(n) {
		if i, ok := fields[m.key]; ok {
			d.fill(into.Field(i), m.value)
			given[m.key] = true
			continue
		}
		d.refuse(m.at, "unknown key %q: want one of %s", m.key, names(fields))
	}
	return given
}

type member struct {
	key   string
	at    ast.Node
	value ast.Node
}

// members are the keys and values of a mapping.
func (d *decoder) members(n ast.Node) []member {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		d.refuse(n, "want keys and values")
	}
	var out []member
	for _, v := range values {
		key, ok := v.Key.(*ast.StringNode)
		if !ok {
			d.refuse(v, "want a word as key")
			continue
		}
		out = append(out, member{key.Value, key, v.Value})
	}
	return out
}

// fieldsOf are the fields of a struct by their names in JSON.
func fieldsOf(t reflect.Type) map[string]int {
	out := map[string]int{}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			out[name] = i
		}
	}
	return out
}

func names(fields map[string]int) string {
	out := make([]string, 0, len(fields))
	for name := range fields {
		out = append(out, name)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
