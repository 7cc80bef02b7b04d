// Package jsontree reads JSON into a tree that remembers where every key and
// value stood. Bytes go in; a Value comes out, or an Error with its offset. It
// exists because findings about a policy must name line and column, and because
// AWS refuses duplicate keys, which encoding/json drops silently.
package jsontree

import (
	"bytes"
	"fmt"
	"sort"
	"unicode/utf8"
)

// Bounds on hostile input. A policy needs six levels; a template that embeds
// policies needs a few dozen.
const (
	MaxDepth  = 100     // nesting of objects and lists
	MaxValues = 1 << 20 // values in one document
)

// Kind is what a JSON value is.
type Kind uint8

// Kinds of value.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Object
)

// String names the kind as a sentence about a document would.
func (k Kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "a list", "an object"}[k]
}

// Span is a range of bytes in the source, End exclusive.
type Span struct{ Start, End int32 }

// Value is one JSON value. Text holds the decoded string, or the literal of a
// number or boolean as it was written. Kids holds the items of a list or the
// members of an object in source order; a member carries its Key.
type Value struct {
	Span
	KeySpan Span
	Key     string
	Text    string
	Kids    []Value
	Kind    Kind
}

// Member finds the first member of an object by its exact key.
func (v *Value) Member(key string) (*Value, bool) {
	if v.Kind != Object {
		return nil, false
	}
	for i := range v.Kids {
		if v.Kids[i].Key == key {
			return &v.Kids[i], true
		}
	}
	return nil, false
}

// Duplicates lists the members of an object whose key an earlier member has.
func (v *Value) Duplicates() []*Value {
	if v.Kind != Object || len(v.Kids) < 2 {
		return nil
	}
	var out []*Value
	if len(v.Kids) <= 8 {
		for i := range v.Kids {
			for j := range v.Kids[:i] {
				if v.Kids[i].Key == v.Kids[j].Key {
					out = append(out, &v.Kids[i])
					break
				}
			}
		}
		return out
	}
	seen := make(map[string]bool, len(v.Kids))
	for i := range v.Kids {
		if k := v.Kids[i].Key; seen[k] {
			out = append(out, &v.Kids[i])
		} else {
			seen[k] = true
		}
	}
	return out
}

// Error says what was expected at a byte offset.
type Error struct {
	Offset int
	Want   string
}

// Error prints offset and expectation.
func (e *Error) Error() string { return fmt.Sprintf("offset %d: %s", e.Offset, e.Want) }

// Parse reads exactly one JSON value (RFC 8259) and surrounding white space. A
// UTF-8 byte order mark is passed over. Invalid UTF-8, lone surrogates, depth
// over MaxDepth and more than MaxValues values are errors of type *Error. The texts of
// the tree are parts of one copy of src.
func Parse(src []byte) (Value, error) {
	p := parser{src: string(src), open: make([]Value, 0, 16)} // a policy seldom needs more
	switch {
	case bytes.HasPrefix(src, []byte{0xEF, 0xBB, 0xBF}):
		p.at = 3
	case bytes.HasPrefix(src, []byte{0xFF, 0xFE}), bytes.HasPrefix(src, []byte{0xFE, 0xFF}):
		return Value{}, &Error{0, "UTF-16 text, want UTF-8"}
	}
	if len(src) > 1<<30 {
		return Value{}, &Error{0, "more than 1 GiB"}
	}
	p.space()
	v, err := p.value(0)
	if err != nil {
		return Value{}, err
	}
	p.space()
	if p.at < len(src) {
		return Value{}, p.fail("text after the end of the document")
	}
	return v, nil
}

// Lines turns offsets into lines and columns.
type Lines struct {
	src    []byte
	starts []int32
	marks  []int32 // characters before each markEvery bytes, of a large source
}

// markEvery is how far apart marks are, in bytes. Without them, a place in a line of
// megabytes would cost the whole line.
const markEvery = 1 << 12

// NewLines indexes the line starts of src, which must not change afterwards.
func NewLines(src []byte) Lines {
	l := Lines{src: src, starts: []int32{0}}
	for at := 0; ; {
		i := bytes.IndexByte(src[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
		l.starts = append(l.starts, int32(at))
	}
	if len(src) > 4*markEvery {
		for at, n := 0, 0; at < len(src); at += markEvery {
			l.marks = append(l.marks, int32(n))
			n += characters(src[at:min(at+markEvery, len(src))])
		}
	}
	return l
}

// characters counts the first bytes of characters.
func characters(b []byte) (n int) {
	for _, c := range b {
		if c&0xC0 != 0x80 {
			n++
		}
	}
	return n
}

// before is how many characters of a source with marks stand before an offset.
func (l Lines) before(offset int) int {
	k := min(offset/markEvery, len(l.marks)-1)
	return int(l.marks[k]) + characters(l.src[k*markEvery:offset])
}

// Position is the line and the column of an offset, both from 1; the column
// counts characters. An offset outside the source is moved to its nearest end.
func (l Lines) Position(offset int) (line, column int) {
	offset = max(0, min(offset, len(l.src)))
	i := sort.Search(len(l.starts), func(i int) bool { return int(l.starts[i]) > offset }) - 1
	if i < 0 {
		return 1, offset + 1
	}
	start := int(l.starts[i])
	if i == 0 && bytes.HasPrefix(l.src[:offset], []byte{0xEF, 0xBB, 0xBF}) {
		start = 3
	}
	if l.marks == nil || offset-start < markEvery {
		return i + 1, utf8.RuneCount(l.src[start:offset]) + 1
	}
	return i + 1, l.before(offset) - l.before(start) + 1
}
