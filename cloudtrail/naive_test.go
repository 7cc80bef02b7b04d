package cloudtrail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep"
)

// fieldValues lists the values of every field of a view in a form that a test
// can compare: kind and text.
func fieldValues(v *rootkeep.View, fields int) [][]string {
	out := make([][]string, fields)
	for n := range out {
		if first := v.At(n); first.Kind != rootkeep.Absent {
			out[n] = append(out[n], describe(first))
		}
		for i := 0; ; i++ {
			more, ok := v.More(n, i)
			if !ok {
				break
			}
			out[n] = append(out[n], describe(more))
		}
	}
	return out
}

func describe(v rootkeep.Value) string { return fmt.Sprintf("%d %s", v.Kind, v.Text) }

// naive is the truth that the scanner is held to: encoding/json decodes object
// by object, keeping order and repeated keys, and paths are looked up one by one.
func naive(raw []byte, paths []string) [][]string {
	out := make([][]string, len(paths))
	for n, path := range paths {
		naiveLookup(raw, strings.Split(path, "."), &out[n])
	}
	return out
}

func naiveLookup(raw []byte, path []string, out *[]string) {
	if len(path) == 0 {
		naiveLeaf(raw, out)
		return
	}
	switch raw[0] {
	case '[':
		for _, e := range naiveElements(raw) {
			if e[0] == '{' || e[0] == '[' {
				naiveLookup(e, path, out)
			}
		}
	case '{':
		for _, m := range naiveMembers(raw) {
			if m.name == path[0] {
				naiveLookup(m.value, path[1:], out)
			}
		}
	}
}

func naiveLeaf(raw []byte, out *[]string) {
	v := rootkeep.Value{Text: raw}
	switch raw[0] {
	case '[':
		elements := naiveElements(raw)
		for _, e := range elements {
			naiveLeaf(e, out)
		}
		if len(elements) > 0 {
			return
		}
		v.Kind = rootkeep.Array
	case '{':
		v.Kind = rootkeep.Object
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			panic(err)
		}
		v = rootkeep.Value{Kind: rootkeep.String, Text: []byte(s)}
	case 'n':
		v = rootkeep.Value{Kind: rootkeep.Null}
	case 't', 'f':
		v.Kind = rootkeep.Bool
	default:
		v.Kind = rootkeep.Number
	}
	*out = append(*out, describe(v))
}

func naiveElements(raw []byte) []json.RawMessage {
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		panic(err)
	}
	return elements
}

type naiveMember struct {
	name  string
	value json.RawMessage
}

func naiveMembers(raw []byte) []naiveMember {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		panic(err)
	}
	var members []naiveMember
	for d.More() {
		name, err := d.Token()
		if err != nil {
			panic(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			panic(err)
		}
		members = append(members, naiveMember{name.(string), value})
	}
	return members
}

// emptied returns the record with every object and array in which no field was
// asked for replaced by an empty one, or false when brackets or strings do not
// even pair up. It is the written form of the one thing that the scanner is
// lenient about; it only needs to be right for records that the scanner accepts.
func emptied(raw []byte, b *branch) ([]byte, bool) {
	e := emptier{in: raw}
	ok := e.value(b)
	return append(e.out, raw[e.at:]...), ok
}

type emptier struct {
	in  []byte
	at  int
	out []byte
}

func (e *emptier) peek() byte {
	if e.at < len(e.in) {
		return e.in[e.at]
	}
	return 0
}

// copySpaceAnd copies white space and commas, colons.
func (e *emptier) copyFiller() {
	for strings.IndexByte(" \t\r\n,:", e.peek()) >= 0 && e.at < len(e.in) {
		e.out = append(e.out, e.in[e.at])
		e.at++
	}
}

func (e *emptier) value(b *branch) bool {
	switch c := e.peek(); {
	case c == '"':
		_, ok := e.str()
		return ok
	case c != '{' && c != '[':
		start := e.at
		for e.at < len(e.in) && strings.IndexByte(" \t\r\n,:{}[]\"", e.in[e.at]) < 0 {
			e.at++
		}
		e.out = append(e.out, e.in[start:e.at]...)
		return e.at > start
	case b == nil || len(b.children) == 0 && (b.field < 0 || c == '{'):
		var t skimmer
		n, done := t.skim(e.in[e.at:])
		e.at += n
		e.out = append(e.out, c, c+2)
		return done
	case c == '[':
		return e.container(']', func() bool { return e.value(b) })
	}
	return e.container('}', func() bool {
		name, ok := e.str()
		if !ok {
			return false
		}
		e.copyFiller()
		return e.value(b.children[name])
	})
}

func (e *emptier) container(end byte, element func() bool) bool {
	e.out = append(e.out, e.in[e.at])
	e.at++
	for {
		e.copyFiller()
		if e.peek() == end {
			e.out = append(e.out, end)
			e.at++
			return true
		}
		if e.at == len(e.in) || !element() {
			return false
		}
	}
}

func (e *emptier) str() (string, bool) {
	if e.peek() != '"' {
		return "", false
	}
	var t skimmer
	n, done := t.skim(e.in[e.at:])
	raw := e.in[e.at : e.at+n]
	e.at += n
	e.out = append(e.out, raw...)
	var s string
	ok := json.Unmarshal(raw, &s) == nil
	return s, done && ok
}
