package sigma

import (
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep/sigma/pattern"
	"github.com/rootkeep/rootkeep/sigma/value"
)

// index finds the rules that a record may match. Each rule is filed under a
// witness: conditions of which one at least must hold for the rule to match.
// Records whose values satisfy no witness of a rule never reach it.
type index struct {
	fields  []fieldIndex // of the fields that have witnesses
	always  []int32      // rules without a witness, ascending
	byField []int        // number of askValues predicates by field number
}

// fieldIndex maps the values of one field to the rules whose witness they are.
type fieldIndex struct {
	field  int
	equal  map[string][]int32 // by value in lower case
	infix  map[string][]int32 // by what the value in lower case contains
	others []watch

	// finder looks for the keys of infix, whose rules are in the order of found.
	finder *pattern.Finder
	found  [][]int32
}

// watch files rules under tests of which one must hold.
type watch struct {
	tests []value.Test
	rules []int32
}

// group is a witness: one of the tests of one group of a predicate, on some
// value of its field.
type group struct{ pred, group int }

func newIndex(s *Set) index {
	x := index{byField: make([]int, len(s.fields)+len(s.derived))}
	for i := range s.predicates {
		if p := &s.predicates[i]; p.kind == askValues {
			p.slot = x.byField[p.field]
			x.byField[p.field]++
		}
	}
	filed := map[group][]int32{}
	var order []group
	for i := range s.programs {
		prog := &s.programs[i]
		prog.rest = prog.root
		if prog.root.op == nodeFalse {
			continue
		}
		w, _ := s.witness(prog.root)
		if w == nil {
			x.always = append(x.always, int32(i))
		}
		prog.rest = s.rest(prog.root, w)
		for _, g := range w {
			if filed[g] == nil {
				order = append(order, g)
			}
			filed[g] = append(filed[g], int32(i))
		}
	}
	for _, g := range order {
		p := &s.predicates[g.pred]
		x.add(p.field, p.groups[g.group], filed[g])
	}
	for i := range x.fields {
		x.fields[i].buildFinder()
	}
	return x
}

// rest is what remains to ask of a rule that its witness led to: the root without
// a conjunct that is the witness itself.
func (s *Set) rest(root *node, w []group) *node {
	if len(w) != 1 || len(s.predicates[w[0].pred].groups) != 1 {
		return root
	}
	kids := []*node{root}
	if root.op == nodeAnd {
		kids = root.kids
	}
	var rest []*node
	for _, k := range kids {
		if k.op != nodeAsk || k.pred != w[0].pred {
			rest = append(rest, k)
		}
	}
	switch len(rest) {
	case 0:
		return &node{op: nodeTrue}
	case 1:
		return rest[0]
	}
	return &node{op: nodeAnd, kids: rest}
}

func (x *index) add(field int, tests []value.Test, rules []int32) {
	at := slices.IndexFunc(x.fields, func(f fieldIndex) bool { return f.field == field })
	if at < 0 {
		at = len(x.fields)
		x.fields = append(x.fields, fieldIndex{field: field, equal: map[string][]int32{}, infix: map[string][]int32{}})
	}
	f := &x.fields[at]
	for _, t := range tests {
		if literals, _ := f.literals(t); literals == nil {
			f.others = append(f.others, watch{tests, rules})
			return
		}
	}
	for _, t := range tests {
		literals, lit := f.literals(t)
		literals[lit] = append(literals[lit], rules...)
	}
}

// literals is the map that holds the rules of a test, and its key there; nil for
// a test that no literal describes.
func (f *fieldIndex) literals(t value.Test) (in map[string][]int32, key string) {
	s, ok := t.(value.StringTest)
	if !ok || s.Fold() != pattern.FoldCase {
		return nil, ""
	}
	switch shape, lit := s.Shape(); shape {
	case pattern.Equal:
		return f.equal, lit
	case pattern.Infix:
		return f.infix, lit
	}
	return nil, ""
}

func (f *fieldIndex) buildFinder() {
	keys := slices.Sorted(maps.Keys(f.infix))
	for _, k := range keys {
		f.found = append(f.found, f.infix[k])
	}
	f.finder = pattern.NewFinder(keys)
}

// appendRules appends the rules that a value is a witness for; a rule may come
// twice. Found is a buffer.
func (f *fieldIndex) appendRules(dst []int32, s *value.Subject, found *[]bool) []int32 {
	folded := s.Form(pattern.FoldCase)
	dst = append(dst, f.equal[string(folded)]...)
	if len(f.found) > 0 {
		*found = append((*found)[:0], make([]bool, len(f.found))...)
		f.finder.Find(folded, *found)
		for i, ok := range *found {
			if ok {
				dst = append(dst, f.found[i]...)
			}
		}
	}
	for _, w := range f.others {
		if holdsAny(w.tests, s) {
			dst = append(dst, w.rules...)
		}
	}
	return dst
}

// witness chooses conditions of which one must hold for n to hold, and rates
// them: the lower, the fewer records they let through. Nil: there are none.
func (s *Set) witness(n *node) (w []group, rating int) {
	switch n.op {
	case nodeAsk:
		return s.askWitness(n.pred)
	case nodeAnd:
		for _, k := range n.kids {
			kw, kr := s.witness(k)
			if kw != nil && (w == nil || kr < rating) {
				w, rating = kw, kr
			}
		}
		return w, rating
	case nodeOr:
		for _, k := range n.kids {
			kw, kr := s.witness(k)
			if kw == nil {
				return nil, 0
			}
			w = append(w[:len(w):len(w)], kw...)
			rating = max(rating, kr)
		}
		return w, rating
	}
	return nil, 0
}

func (s *Set) askWitness(pred int) (w []group, rating int) {
	p := &s.predicates[pred]
	if p.kind != askValues || p.not || p.null {
		return nil, 0
	}
	for i, tests := range p.groups {
		kind := 0
		for _, t := range tests {
			kind = max(kind, testRating(t))
		}
		if r := s.fieldRating(p.field) + kind; w == nil || r < rating {
			w, rating = []group{{pred, i}}, r
		}
	}
	return w, rating
}

// fieldRating orders fields by how well their values tell CloudTrail records
// apart, measured on a fleet's trail (event names best). A derived field comes
// last: using it computes it for every record.
func (s *Set) fieldRating(field int) int {
	if field >= len(s.fields) {
		return 500
	}
	switch s.fields[field] {
	case "eventName":
		return 0
	case "sourceIPAddress":
		return 20
	case "userAgent":
		return 22
	case "userIdentity.arn":
		return 24
	case "eventSource":
		return 30
	case "userIdentity.type":
		return 32
	}
	return 40
}

func testRating(t value.Test) int {
	s, ok := t.(value.StringTest)
	if !ok {
		return 15
	}
	switch shape, _ := s.Shape(); shape {
	case pattern.Equal:
		return 0
	case pattern.Prefix, pattern.Suffix:
		return 4
	case pattern.Infix:
		return 8
	case pattern.Anything:
		return 200
	}
	return 12
}
