package wire

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// kind is what a node holds.
type kind uint8

const (
	nothing kind = iota
	text
	integer
	float
	boolean
	moment
	blob
	list
	object // a struct: its fields are elements in XML
	table  // a map: its entries are pairs in XML
)

// Node is a value on its way out, in the order of its struct.
type Node struct {
	kind    kind
	text    string
	integer int64
	float   float64
	boolean bool
	time    time.Time
	format  TimeFormat
	blob    []byte
	list    []Node
	fields  []field
}

type field struct {
	name, item         string
	flat, attr, secret bool
	value              Node
}

// Marshal turns the body of a struct into a Node; members that travel elsewhere are
// left out.
func Marshal(v any, s Style) Node {
	return node(reflect.ValueOf(v), s, s.Time, inBody)
}

// Everything is like Marshal with the members that travel elsewhere as well: what a
// call was about, for its record.
func Everything(v any, s Style) Node {
	return node(reflect.ValueOf(v), s, s.Time, inURI)
}

var (
	timeType    = reflect.TypeFor[time.Time]()
	encodedType = reflect.TypeFor[Encoded]()
)

// node converts a value. only is inBody for the body alone, else everything.
func node(v reflect.Value, s Style, f TimeFormat, only place) Node {
	if !v.IsValid() {
		return Node{}
	}
	switch v.Type() {
	case timeType:
		return Node{kind: moment, time: v.Interface().(time.Time), format: f}
	case encodedType:
		return Node{kind: text, text: v.Interface().(Encoded).escape()}
	}
	switch v.Kind() {
	case reflect.String:
		return Node{kind: text, text: v.String()}
	case reflect.Bool:
		return Node{kind: boolean, boolean: v.Bool()}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Node{kind: integer, integer: v.Int()}
	case reflect.Float32, reflect.Float64:
		return Node{kind: float, float: v.Float()}
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return Node{}
		}
		return node(v.Elem(), s, f, only)
	case reflect.Slice:
		return sliceNode(v, s, f)
	case reflect.Map:
		return mapNode(v, s, f)
	case reflect.Struct:
		return structNode(v, s, only)
	}
	panic(fmt.Sprintf("wire: a %s cannot travel", v.Type()))
}

func sliceNode(v reflect.Value, s Style, f TimeFormat) Node {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return Node{kind: blob, blob: v.Bytes()}
	}
	out := Node{kind: list, list: make([]Node, 0, v.Len())}
	for i := range v.Len() {
		out.list = append(out.list, node(v.Index(i), s, f, inBody))
	}
	return out
}

func mapNode(v reflect.Value, s Style, f TimeFormat) Node {
	out := Node{kind: table}
	values := map[string]reflect.Value{}
	for _, k := range v.MapKeys() {
		values[k.String()] = v.MapIndex(k)
	}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		out.fields = append(out.fields, field{name: k, value: node(values[k], s, f, inBody)})
	}
	return out
}

func structNode(v reflect.Value, s Style, only place) Node {
	out := Node{kind: object}
	for _, m := range members(v.Type(), s) {
		if m.place != inBody && (only == inBody || m.place == inStatus) {
			continue
		}
		value := v.FieldByIndex(m.index)
		if absent(value, m.omit) {
			continue
		}
		n := node(value, s, m.format.or(s.Time), inBody)
		if n.kind == nothing {
			continue
		}
		out.fields = append(out.fields, field{m.name, m.item, m.flat, m.attr, m.secret, n})
	}
	return out
}

// absent says whether a member is left out: AWS shows empty lists, zeros and false,
// but neither empty text nor what is not set.
func absent(v reflect.Value, omit bool) bool {
	switch v.Kind() {
	case reflect.String, reflect.Pointer, reflect.Interface, reflect.Map:
		return v.IsZero()
	case reflect.Struct:
		return v.Type() == timeType && v.IsZero()
	case reflect.Slice:
		return v.Len() == 0 && (omit || v.Type().Elem().Kind() == reflect.Uint8)
	}
	return omit && v.IsZero()
}

// Empty says whether nothing would be written.
func (n Node) Empty() bool { return n.kind == nothing || n.kind == object && len(n.fields) == 0 }

// Recorded is the node as CloudTrail writes it: names in lower case, secrets, empty
// lists and blobs left out.
func (n Node) Recorded() Node {
	switch n.kind {
	case list:
		out := Node{kind: list}
		for _, e := range n.list {
			out.list = append(out.list, e.Recorded())
		}
		return out
	case object, table:
		out := Node{kind: n.kind}
		for _, f := range n.fields {
			if f.secret || f.value.kind == blob || f.value.kind == list && len(f.value.list) == 0 {
				continue
			}
			name := f.name
			if n.kind == object {
				name = LowerFirst(f.name)
			}
			out.fields = append(out.fields, field{name: name, value: f.value.Recorded()})
		}
		return out
	}
	return n
}
