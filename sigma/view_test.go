package sigma

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
)

// decode reads a record with its numbers as written.
func decode(t testing.TB, record string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(record))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("record %s: %v", record, err)
	}
	return v
}

// fill puts a decoded record into a view as a scanner would. Objects are
// indented, so that tests see that white space does not matter.
func fill(v *rootkeep.View, set *Set, record any) {
	v.Reset()
	for i, path := range set.Fields() {
		for _, val := range lookup(record, path) {
			v.Add(i, valueOf(val))
		}
	}
}

func valueOf(v any) rootkeep.Value {
	switch v := v.(type) {
	case nil:
		return rootkeep.Value{Kind: rootkeep.Null}
	case string:
		return rootkeep.Value{Kind: rootkeep.String, Text: []byte(v)}
	case bool:
		text, _ := textOf(v)
		return rootkeep.Value{Kind: rootkeep.Bool, Text: []byte(text)}
	case json.Number:
		return rootkeep.Value{Kind: rootkeep.Number, Text: []byte(v)}
	case []any:
		return rootkeep.Value{Kind: rootkeep.Array, Text: []byte("[]")}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " \t")
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return rootkeep.Value{Kind: rootkeep.Object, Text: b.Bytes()}
}

func newView(set *Set) *rootkeep.View {
	return rootkeep.NewView(len(set.Fields()), len(set.Derived()))
}
