package sigma

import (
	"slices"

	"github.com/rootkeep/rootkeep/sigma/pattern"
	"github.com/rootkeep/rootkeep/sigma/value"
)

// predicate is a compiled item: a yes-or-no question about the values of one
// field. Equal items of different rules share one.
type predicate struct {
	field   int
	slot    int // position among the askValues predicates of its field
	kind    question
	not     bool // neq: the answer is turned round
	present bool // askPresent: the answer for a field that exists

	// askValues: each group needs a value for which one of its tests holds. Without
	// all there is one group. A null in it is kept apart: it is about the kind of
	// the value, not its text.
	groups [][]value.Test
	null   bool

	// askRef: the field is compared with these fields, with all of them or any.
	refs []int
	all  bool
	op   value.Operator
	fold pattern.Fold
}

type question uint8

const (
	askValues  question = iota
	askPresent          // exists
	askRef              // fieldref
)

// compile builds the predicate of an item but for its field numbers. Missing are
// the placeholders without values. A nil predicate means that the missing ones
// leave nothing to decide by.
func (it *item) compile(placeholders map[string][]string) (*predicate, []string, error) {
	p := &predicate{not: it.mods.Not}
	switch {
	case it.mods.Op == value.Exists:
		p.kind = askPresent
		p.present = it.values[0].Text == "true"
		return p, nil, nil
	case it.mods.FieldRef:
		p.kind = askRef
		p.all, p.op, p.fold = it.mods.All, it.mods.Op, it.mods.Fold()
		return p, nil, it.checkRefs()
	}
	var missing []string
	groups := [][]value.Test{}
	for _, v := range it.values {
		if v.Kind == value.NullScalar {
			p.null = true
			continue
		}
		texts := []string{v.Text}
		if it.mods.Expand {
			var lacking []string
			var err error
			texts, lacking, err = value.Expand(v.Text, placeholders)
			if err != nil {
				return nil, nil, err
			}
			missing = append(missing, lacking...)
		}
		for _, text := range texts {
			tests, err := it.mods.Tests(v, text)
			if err != nil {
				return nil, nil, err
			}
			groups = append(groups, tests)
		}
	}
	undecided := len(groups) == 0 && !p.null || it.mods.All
	if len(missing) > 0 && undecided {
		return nil, missing, nil
	}
	if !it.mods.All {
		groups = [][]value.Test{slices.Concat(groups...)}
	}
	for _, g := range groups {
		slices.SortStableFunc(g, func(a, b value.Test) int { return a.Cost() - b.Cost() })
	}
	p.groups = groups
	return p, missing, nil
}

// checkRefs: a reference names a field; Compile turns it into a number.
func (it *item) checkRefs() error {
	for _, v := range it.values {
		if err := validPath(v.Text); err != nil {
			return err
		}
	}
	return nil
}
