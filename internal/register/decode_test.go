package register

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml/parser"

	"github.com/rootkeep/rootkeep/internal/facts"
)

// Facts may be of every type that this reads; a new one would fail here first.
func TestEveryFactOfTheRegisterHasAForm(t *testing.T) {
	for _, of := range []reflect.Type{reflect.TypeFor[facts.Attested](), reflect.TypeFor[facts.Decided]()} {
		for i := range of.NumField() {
			f := of.Field(i)
			text, ok := form(f.Type)
			if !ok {
				t.Errorf("%s: a register has no form for %s", f.Name, f.Type)
				continue
			}
			doc, err := parser.ParseBytes([]byte(text), 0)
			if err != nil {
				t.Fatal(err)
			}
			d := decoder{file: "f"}
			if d.fill(reflect.New(f.Type).Elem(), doc.Docs[0].Body); len(d.problems) > 0 {
				t.Errorf("%s: %s: %v", f.Name, text, d.problems)
			}
		}
	}
}

// form writes a value of a type.
func form(t reflect.Type) (string, bool) {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "2026-11-20", true
	case t.Kind() == reflect.Bool:
		return "true", true
	case t.Kind() == reflect.Int:
		return "7", true
	case t.Kind() == reflect.String:
		return "text", true
	case t.Kind() == reflect.Slice:
		inner, ok := form(t.Elem())
		return "[" + inner + "]", ok
	case t.Kind() == reflect.Struct:
		var parts []string
		for name, i := range fieldsOf(t) {
			inner, ok := form(t.Field(i).Type)
			if !ok {
				return "", false
			}
			parts = append(parts, name+": "+inner)
		}
		return "{" + strings.Join(parts, ", ") + "}", true
	}
	return "", false
}

func TestObjectsInFactsAreWhole(t *testing.T) {
	type test struct {
		Device string    `json:"device"`
		Tested time.Time `json:"tested"`
	}
	for _, c := range []struct{ name, text, want string }{
		{"all keys", "[{device: key, tested: 2026-11-01}]", "[{key 2026-11-01 00:00:00 +0000 UTC}] []"},
		{"a key is left out", "- device: key\n", "f:1:9: no tested: want all of device, tested"},
		{"a key too many", "[{device: key, tested: 2026-11-01, by: me}]", `unknown key "by"`},
		{"a text for a list", "key", "want a list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, err := parser.ParseBytes([]byte(c.text), 0)
			if err != nil {
				t.Fatal(err)
			}
			d := decoder{file: "f"}
			var v []test
			d.fill(reflect.ValueOf(&v).Elem(), doc.Docs[0].Body)
			if got := fmt.Sprint(v, d.problems); !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %q", got, c.want)
			}
		})
	}
}
