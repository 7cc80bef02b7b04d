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
