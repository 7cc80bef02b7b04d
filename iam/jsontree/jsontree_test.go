package jsontree_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/iam/jsontree"
)

// plain turns a tree into what encoding/json would give.
func plain(v *jsontree.Value) any {
	switch v.Kind {
	case jsontree.Null:
		return nil
	case jsontree.Bool:
		return v.Text == "true"
	case jsontree.Number:
		return json.Number(v.Text)
	case jsontree.String:
		return v.Text
	case jsontree.List:
		out := []any{}
		for i := range v.Kids {
			out = append(out, plain(&v.Kids[i]))
		}
		return out
	}
	out := map[string]any{}
	for i := range v.Kids {
		out[v.Kids[i].Key] = plain(&v.Kids[i])
	}
	return out
}

func TestTree(t *testing.T) {
	src := []byte("\ufeff{ \"a\": [1, -2.5e+3, true, false, null, \"x\\u00e9\\ud83d\\ude00\"],\n\t\"b\": {}, \"c\": [] , \"\": 0}")
	v, err := jsontree.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(src[3:]))
	d.UseNumber()
	var want any
	if err := d.Decode(&want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, plain(&v)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b, ok := v.Member("b")
	if !ok {
		t.Fatal("member b: got none, want one")
	}
	line, column := jsontree.NewLines(src).Position(int(b.KeySpan.Start))
	if line != 2 || column != 2 {
		t.Errorf("place of b: got %d:%d, want 2:2", line, column)
	}
	if got := string(src[b.KeySpan.Start:b.KeySpan.End]); got != `"b"` {
		t.Errorf("span of b: got %s, want \"b\"", got)
	}
}

func TestDuplicates(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"no duplicates", `{"a":1,"b":2,"A":3}`, 0},
		{"one in a small object", `{"a":1,"b":2,"a":3}`, 1},
		{"two in a large object", `{"a":1,"b":2,"c":3,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"a":1,"a":2}`, 2},
		{"written with an escape", `{"a":1,"\u0061":2}`, 1},
	} {
		v, err := jsontree.Parse([]byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(v.Duplicates()); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

func FuzzTree(f *testing.F) {
	f.Add([]byte(`{"a":[1,-0.5e3,true,null,"\u00e9\ud83d\ude00\n"],"b":{}}`))
	f.Add([]byte("\ufeff[]"))
	f.Add([]byte(`[01]`))
	f.Fuzz(func(t *testing.T, src []byte) {
		v, err := jsontree.Parse(src)
		text := bytes.TrimPrefix(src, []byte("\ufeff"))
		if err != nil {
			// What encoding/json accepts beside it: text that is not UTF-8, surrogate
			// halves, great depth.
			if json.Valid(text) && utf8.Valid(text) && !bytes.Contains(text, []byte(`\u`)) && bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) < jsontree.MaxDepth {
				t.Fatalf("refused JSON: %v\n%q", err, src)
			}
			return
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatalf("accepted what is not JSON: %v\n%q", err, src)
		}
		if diff := cmp.Diff(want, plain(&v)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// In a long line, columns are those of counting from its start.
func TestColumnsOfLongLines(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("äb€𝄞", 20000), "\ufeff" + strings.Repeat("aé", 30000), "one\n" + strings.Repeat("x", 70000) + "\n" + strings.Repeat("ü", 40000) + "\n",
	} {
		lines := jsontree.NewLines([]byte(text))
		line, column := 1, 1
		for i, r := range text {
			if r == '\ufeff' {
				continue
			}
			if i%997 < 4 {
				if l, c := lines.Position(i); l != line || c != column {
					t.Fatalf("offset %d: got %d:%d, want %d:%d", i, l, c, line, column)
				}
			}
			if column++; r == '\n' {
				line, column = line+1, 1
			}
		}
		if l, c := lines.Position(len(text)); l != line || c != column {
			t.Errorf("end: got %d:%d, want %d:%d", l, c, line, column)
		}
	}
}
