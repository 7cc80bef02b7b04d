package sigma

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// detection is the parsed detection section of a rule or the filter section of
// a filter.
type detection struct {
	searches   []search
	conditions []*condition // or-ed
}

// search is one search identifier: alternatives of which each is a map whose
// items must all hold.
type search struct {
	name         string
	alternatives [][]*item
}

// item is one key of such a map: a field, its modifiers and its values.
type item struct {
	key    string // as written
	line   int
	field  string
	mods   modifiers
	values []scalar
}

// detection reads the section; e names it.
func (r *reader) detection(e entry) detection {
	var d detection
	keys, ok := r.mapping(e.value, e.name)
	if !ok {
		return d
	}
	d.searches = r.searches(keys, "condition")
	d.conditions = r.conditions(keys, d.searches, e)
	return d
}

// searches reads the search identifiers; skip are the keys that are none.
func (r *reader) searches(keys []entry, skip ...string) []search {
	var out []search
next:
	for _, k := range keys {
		for _, s := range skip {
			if k.name == s {
				continue next
			}
		}
		out = append(out, search{k.name, r.alternatives(k)})
	}
	return out
}

func (r *reader) alternatives(k entry) [][]*item {
	list, ok := k.value.(*ast.SequenceNode)
	if !ok {
		if yamlType(k.value) != "a map" {
			r.keyword(k.value, k.name)
			return nil
		}
		return [][]*item{r.items(k.value, k.name)}
	}
	if len(list.Values) == 0 {
		r.fail(k.value, "%s is empty", k.name)
	}
	var out [][]*item
	for _, n := range list.Values {
		if yamlType(n) != "a map" {
			r.keyword(n, k.name)
			continue
		}
		out = append(out, r.items(n, k.name))
	}
	return out
}

// keyword refuses a search without a field: the matcher sees chosen fields of a
// record, never its whole text.
func (r *reader) keyword(n ast.Node, name string) {
	r.fail(n, "%s: a keyword search is unsupported for CloudTrail; hint: name a field, as in requestParameters|contains: word", name)
}

func (r *reader) items(n ast.Node, name string) []*item {
	keys, ok := r.mapping(n, name)
	if !ok {
		return nil
	}
	var out []*item
	for _, k := range keys {
		before := len(r.problems)
		it := r.item(k, name)
		if len(r.problems) > before || r.omitted > 0 {
			continue
		}
		// Values are checked here, where the position is known, and built again by
		// Compile, when the placeholders are known.
		if _, _, err := it.compile(nil); err != nil {
			r.fail(k.value, "%s: %v", k.name, err)
			continue
		}
		out = append(out, it)
	}
	return out
}

func (r *reader) item(k entry, name string) *item {
	field, rest, _ := strings.Cut(k.name, "|")
	it := &item{key: k.name, line: r.line(k.key), field: field}
	if field == "" {
		r.keyword(k.key, name)
		return it
	}
	if err := validPath(field); err != nil {
		r.fail(k.key, "%v", err)
	}
	if rest != "" || strings.Contains(k.name, "|") {
		mods, err := parseModifiers(strings.Split(rest, "|"))
		if err != nil {
			r.fail(k.key, "%s: %v", k.name, err)
		}
		it.mods = mods
	}
	it.values = r.values(k)
	if err := it.checkValues(yamlType(k.value) == "a list"); err != nil {
		r.fail(k.value, "%s: %v", k.name, err)
	}
	return it
}

func (r *reader) values(k entry) []scalar {
	nodes := []ast.Node{k.value}
	if list, ok := k.value.(*ast.SequenceNode); ok {
		nodes = list.Values
		if len(nodes) == 0 {
			r.fail(k.value, "%s: the list of values is empty", k.name)
		}
	}
	var out []scalar
	for _, n := range nodes {
		s, ok := scalarOf(n)
		if !ok {
			r.fail(n, "%s: a value must be text, a number, true, false or null, not %s", k.name, yamlType(n))
			continue
		}
		out = append(out, s)
	}
	return out
}
