// Package eventpattern is the pattern language of Amazon EventBridge rules: a pattern
// and an event go in; whether the rule takes the event comes out. The whole documented
// grammar is read: values, prefix, suffix, wildcard, equals-ignore-case, anything-but,
// numeric, cidr, exists and $or. Where AWS does not say what a pattern gives, the answer
// is Unknown.
//
// Source: Amazon EventBridge User Guide, "Event patterns" and "Comparison operators for
// use in event patterns".
package eventpattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/posture/filterpattern"
)

// Truth is a three-valued answer.
type Truth = filterpattern.Truth

const (
	no      = filterpattern.False
	unknown = filterpattern.Unknown
	yes     = filterpattern.True
)

func truth(b bool) Truth {
	if b {
		return yes
	}
	return no
}

// Pattern is a parsed pattern.
type Pattern struct{ root *object }

// object wants all its fields, and of each $or one alternative.
type object struct {
	fields []field
	or     []*object
}

// field wants a member of the event: an object again, or a value that one test takes.
type field struct {
	name  string
	inner *object // nil for a leaf
	tests []test
}

const (
	// maxPattern bounds a pattern, bytes: AWS's quota is 2,048 characters and can be raised.
	maxPattern = 16 << 10
	maxNesting = 100
)

// Parse reads a pattern. The error says what AWS would refuse, and where: the names of
// the members that lead there, joined by dots.
func Parse(text string) (*Pattern, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("event pattern: longer than %d KiB", maxPattern>>10)
	}
	v, err := Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("event pattern: %w", err)
	}
	members, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("event pattern: want a JSON object")
	}
	root, err := readObject(members, "", 0)
	if err != nil {
		return nil, fmt.Errorf("event pattern: %w", err)
	}
	return &Pattern{root}, nil
}

// Decode reads JSON as Match wants it: numbers keep their text.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("text after the end")
	}
	return v, nil
}

// readObject reads the members in the order of their names, so that of several errors
// the same one is told each time.
func readObject(members map[string]any, at string, depth int) (*object, error) {
	switch {
	case depth > maxNesting:
		return nil, fmt.Errorf("%s: more than %d objects within each other", at, maxNesting)
	case len(members) == 0:
		return nil, fmt.Errorf("%s: an empty object", place(at))
	}
	var out object
	for _, name := range slices.Sorted(maps.Keys(members)) {
		at := strings.TrimPrefix(at+"."+name, ".")
		list, isList := members[name].([]any)
		inner, isObject := members[name].(map[string]any)
		var err error
		f := field{name: name}
		switch {
		case isList && name == "$or" && alternatives(list):
			or := &object{}
			for _, item := range list {
				one, err := readObject(item.(map[string]any), at, depth+1)
				if err != nil {
					return nil, err
				}
				or.or = append(or.or, one)
			}
			// An object that holds nothing but alternatives wants one of them.
			out.fields = append(out.fields, field{name: name, inner: or})
			continue
		case isObject:
			f.inner, err = readObject(inner, at, depth+1)
		case isList:
			f.tests, err = readTests(list, at)
		default:
			err = fmt.Errorf("%s: want an object or a list", at)
		}
		if err != nil {
			return nil, err
		}
		out.fields = append(out.fields, f)
	}
	return &out, nil
}

// alternatives says whether $or means one of several patterns. Otherwise it is the name
// of a member like any other.
func alternatives(list []any) bool {
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			return false
		}
		for name, v := range m {
			_, isList := v.([]any)
			_, isObject := v.(map[string]any)
			if !isList && !isObject || operator(name) != nil {
				return false
			}
		}
	}
	return len(list) > 1
}

func place(at string) string {
	if at == "" {
		return "the pattern"
	}
	return at
}

// absent stands for a member that is not there.
type absent struct{}

// Match says whether the pattern takes an event, which Decode gave.
func (p *Pattern) Match(event any) Truth { return p.root.match(event) }

// match wants all fields of one object. Of a list of objects one has to have them all.
func (o *object) match(v any) Truth {
	if list, ok := v.([]any); ok {
		out := no
		for _, item := range list {
			out = max(out, o.match(item))
		}
		return out
	}
	members, _ := v.(map[string]any)
	out := yes
	for i := range o.fields {
		if out == no {
			break
		}
		out = min(out, o.fields[i].match(v, members))
	}
	return out
}

// match looks at one member of an object; in $or, at the object itself.
func (f *field) match(v any, members map[string]any) Truth {
	if f.inner != nil && f.inner.or != nil {
		out := no
		for _, one := range f.inner.or {
			out = max(out, one.match(v))
		}
		return out
	}
	member, ok := members[f.name]
	if !ok {
		member = absent{}
	}
	if f.inner != nil {
		return f.inner.match(member)
	}
	return f.leaf(member)
}

// leaf wants one test to take the value, or of a list one of its values.
func (f *field) leaf(v any) Truth {
	list, isList := v.([]any)
	out := no
	for _, t := range f.tests {
		if !isList {
			out = max(out, t(v))
			continue
		}
		for _, item := range list {
			out = max(out, t(item))
		}
		if len(list) == 0 {
			// AWS does not say whether a list without elements is there.
			out = max(out, min(unknown, max(t(absent{}), t(""))))
		}
	}
	return out
}
