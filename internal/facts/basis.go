package facts

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Basis is a fact that a finding rests on: its value, who told it and when, or why it is
// not known.
type Basis struct {
	Path   string
	Call   string  // the AWS action that tells it, "attestation" or "decision"
	Values []Value // one, or of a list one for each element
	More   int     // elements that are left out
	Origin *Origin // nil if it is not known
	Gaps   []Gap   // why it is not known, or of which resources and Regions it is not
}

// Value is the value of a fact, of one element if it is of a list.
type Value struct {
	Of   string // the element's key, "" for no list
	Text string // JSON
}

// mostValues is how many elements of a list a Basis has.
const mostValues = 20

// Basis tells of a fact. Of a list it has the element that the resource names, or, if
// none is named so, all.
func (s *Snapshot) Basis(p Path, resource string) Basis {
	b := Basis{Path: p.Name, Call: p.Call}
	for _, g := range s.Gaps {
		if covers(g.Path, p.Name) && (g.Resource == "" || g.Resource == resource || !s.has(p, resource)) {
			b.Gaps = append(b.Gaps, g)
		}
	}
	o, known := s.Origin(p.Name)
	if !known {
		if g, lacks := s.lacks(p, map[string]bool{}); lacks && len(b.Gaps) == 0 {
			b.Gaps = append(b.Gaps, g)
		}
		return b
	}
	b.Origin = &o
	s.values(&b, resource)
	return b
}

// has says whether the resource is an element of the list that a fact is of.
func (s *Snapshot) has(p Path, resource string) bool {
	list, _, _ := s.list(p.Name)
	return list.IsValid() && slices.ContainsFunc(elements(list), func(e reflect.Value) bool { return e.Field(0).String() == resource })
}

// list finds the list that a fact is of, with the rest of the path.
func (s *Snapshot) list(path string) (list reflect.Value, rest string, ok bool) {
	branch, rest, _ := strings.Cut(path, ".")
	v, found := field(reflect.ValueOf(&s.Facts).Elem(), branch)
	return v, rest, found && v.Kind() == reflect.Slice
}

func elements(list reflect.Value) []reflect.Value {
	if list.Kind() != reflect.Slice {
		return nil
	}
	out := make([]reflect.Value, list.Len())
	for i := range out {
		out[i] = list.Index(i)
	}
	return out
}

func field(of reflect.Value, name string) (reflect.Value, bool) {
	for f := range of.Type().Fields() {
		if nameOf(f) == name {
			return of.FieldByIndex(f.Index), true
		}
	}
	return reflect.Value{}, false
}

func (s *Snapshot) values(b *Basis, resource string) {
	list, rest, ok := s.list(b.Path)
	if !ok {
		if v, found := walkTo(reflect.ValueOf(&s.Facts).Elem(), b.Path); found {
			b.Values = []Value{{Text: asJSON(v)}}
		}
		return
	}
	all := elements(list)
	named := slices.DeleteFunc(slices.Clone(all), func(e reflect.Value) bool { return e.Field(0).String() != resource })
	if len(named) > 0 {
		all = named
	}
	for i, e := range all {
		if i == mostValues {
			b.More = len(all) - i
			return
		}
		if v, found := walkTo(e, rest); found {
			b.Values = append(b.Values, Value{Of: e.Field(0).String(), Text: asJSON(v)})
		}
	}
}

// walkTo follows a path of names in JSON.
func walkTo(v reflect.Value, path string) (reflect.Value, bool) {
	for name := range strings.SplitSeq(path, ".") {
		if v.Kind() != reflect.Struct {
			return v, false
		}
		var found bool
		if v, found = field(v, name); !found {
			return v, false
		}
	}
	return v, true
}

func asJSON(v reflect.Value) string {
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return fmt.Sprintf("(cannot be shown: %v)", err)
	}
	return string(text)
}
