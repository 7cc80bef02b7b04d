package sigma

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep/sigma/condition"
	"github.com/rootkeep/rootkeep/sigma/value"
	"github.com/rootkeep/rootkeep/sigma/yamldoc"
)

// detection is the parsed detection section of a rule or the filter section of
// a filter.
type detection struct {
	searches   []search
	conditions []*condition.Expr // or-ed
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
	mods   value.Modifiers
	values []value.Scalar
}

// detection reads the section; e names it.
func (r *reader) detection(e yamldoc.Entry) detection {
	var d detection
	keys, ok := r.Mapping(e.Value, e.Name)
	if !ok {
		return d
	}
	d.searches = r.searches(keys, "condition")
	d.conditions = r.conditions(keys, d.searches, e)
	return d
}

// searches reads the search identifiers; skip are the keys that are none.
func (r *reader) searches(keys []yamldoc.Entry, skip ...string) []search {
	var out []search
	for _, k := range keys {
		if !slices.Contains(skip, k.Name) {
			out = append(out, search{k.Name, r.alternatives(k)})
		}
	}
	return out
}

func (r *reader) alternatives(k yamldoc.Entry) [][]*item {
	list, ok := k.Value.(*ast.SequenceNode)
	if !ok {
		if yamldoc.TypeOf(k.Value) != "a map" {
			r.keyword(k.Value, k.Name)
			return nil
		}
		return [][]*item{r.items(k.Value, k.Name)}
	}
	if len(list.Values) == 0 {
		r.Fail(k.Value, "%s is empty", k.Name)
	}
	var out [][]*item
	for _, n := range list.Values {
		if yamldoc.TypeOf(n) != "a map" {
			r.keyword(n, k.Name)
			continue
		}
		out = append(out, r.items(n, k.Name))
	}
	return out
}

// keyword refuses a search without a field: the matcher sees chosen fields of a
// record, never its whole text.
func (r *reader) keyword(n ast.Node, name string) {
	r.Fail(n, "%s: a keyword search is unsupported for CloudTrail; hint: name a field, as in requestParameters|contains: word", name)
}

func (r *reader) items(n ast.Node, name string) []*item {
	keys, ok := r.Mapping(n, name)
	if !ok {
		return nil
	}
	var out []*item
	for _, k := range keys {
		before := r.Problems()
		it := r.item(k, name)
		if r.Problems() > before {
			continue
		}
		// Values are checked here, where the position is known, and built again by
		// Compile, when the placeholders are known.
		if _, _, err := it.compile(nil); err != nil {
			r.Fail(k.Value, "%s: %v", k.Name, err)
			continue
		}
		out = append(out, it)
	}
	return out
}

func (r *reader) item(k yamldoc.Entry, name string) *item {
	field, chain, piped := strings.Cut(k.Name, "|")
	it := &item{key: k.Name, line: r.Line(k.Key), field: field}
	if field == "" {
		r.keyword(k.Key, name)
		return it
	}
	if err := validPath(field); err != nil {
		r.Fail(k.Key, "%v", err)
	}
	if piped {
		mods, err := value.ParseModifiers(strings.Split(chain, "|"))
		if err != nil {
			r.Fail(k.Key, "%s: %v", k.Name, err)
		}
		it.mods = mods
	}
	it.values = r.values(k)
	if err := it.mods.Check(it.values, yamldoc.TypeOf(k.Value) == "a list"); err != nil {
		r.Fail(k.Value, "%s: %v", k.Name, err)
	}
	return it
}

func (r *reader) values(k yamldoc.Entry) []value.Scalar {
	nodes := []ast.Node{k.Value}
	if list, ok := k.Value.(*ast.SequenceNode); ok {
		nodes = list.Values
		if len(nodes) == 0 {
			r.Fail(k.Value, "%s: the list of values is empty", k.Name)
		}
	}
	var out []value.Scalar
	for _, n := range nodes {
		s, ok := yamldoc.Scalar(n)
		if !ok {
			r.Fail(n, "%s: a value must be text, a number, true, false or null, not %s", k.Name, yamldoc.TypeOf(n))
			continue
		}
		out = append(out, s)
	}
	return out
}

// conditions reads the key condition: one expression or a list of them.
func (r *reader) conditions(keys []yamldoc.Entry, searches []search, section yamldoc.Entry) []*condition.Expr {
	var names []string
	for _, s := range searches {
		names = append(names, s.name)
	}
	for _, k := range keys {
		if k.Name != "condition" {
			continue
		}
		nodes := []ast.Node{k.Value}
		if list, ok := k.Value.(*ast.SequenceNode); ok {
			nodes = list.Values
			if len(nodes) == 0 {
				r.Fail(k.Value, "condition is an empty list")
			}
		}
		var out []*condition.Expr
		for _, n := range nodes {
			s, ok := yamldoc.Scalar(n)
			if !ok || s.Kind != value.TextScalar {
				r.Fail(n, "condition must be text, not %s", yamldoc.TypeOf(n))
				continue
			}
			c, err := condition.Parse(s.Text, names)
			if err != nil {
				r.Fail(n, "condition %q: %v", s.Text, err)
				continue
			}
			out = append(out, c)
		}
		return out
	}
	r.Fail(section.Key, "%s has no condition", section.Name)
	return nil
}

// validPath checks a dotted field path.
func validPath(path string) error {
	if path == "" || slices.Contains(strings.Split(path, "."), "") {
		return fmt.Errorf("field %q: want names separated by single dots", path)
	}
	return nil
}
