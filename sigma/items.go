package sigma

import (
	"github.com/rootkeep/rootkeep/sigma/condition"
	"github.com/rootkeep/rootkeep/sigma/value"
)

// Logic is the condition of a rule as a tree over the items of its searches, for
// those who judge the rule instead of matching records with it.
type Logic struct {
	Op   LogicOp
	Item *Item    // of LogicItem
	Of   []*Logic // of the others; one of LogicNot
}

// LogicOp is what a Logic does with its operands.
type LogicOp uint8

// The operations.
const (
	LogicItem LogicOp = iota
	LogicAnd
	LogicOr
	LogicNot
)

// Item is one key of a search: a field, its modifiers and its values. A search
// that the condition names twice has the same items both times.
type Item struct {
	Search    string // search identifier
	Line      int    // in the rule's file, from 1
	Key       string // field and modifiers as written
	Field     string
	Modifiers value.Modifiers
	Values    []value.Scalar
}

// Logic is the condition of a rule, without the filters that apply to it.
func (s *Set) Logic(rule int) *Logic {
	d := s.rules[rule].detection
	searches := make([]*Logic, len(d.searches))
	for i, search := range d.searches {
		searches[i] = search.logic()
	}
	var conditions []*Logic
	for _, c := range d.conditions {
		conditions = append(conditions, conditionLogic(c, searches))
	}
	return &Logic{Op: LogicOr, Of: conditions}
}

func (s *search) logic() *Logic {
	alternatives := &Logic{Op: LogicOr}
	for _, alt := range s.alternatives {
		all := &Logic{Op: LogicAnd}
		for _, it := range alt {
			all.Of = append(all.Of, &Logic{Item: &Item{s.name, it.line, it.key, it.field, it.mods, it.values}})
		}
		alternatives.Of = append(alternatives.Of, all)
	}
	return alternatives
}

func conditionLogic(c *condition.Expr, searches []*Logic) *Logic {
	if c.Op == condition.Search {
		return searches[c.Search]
	}
	out := &Logic{Op: map[condition.Op]LogicOp{condition.And: LogicAnd, condition.Or: LogicOr, condition.Not: LogicNot}[c.Op]}
	for _, o := range c.Operands {
		out.Of = append(out.Of, conditionLogic(o, searches))
	}
	return out
}

// UnusedSearches are the search identifiers that no condition of a rule names.
func (s *Set) UnusedSearches(rule int) []string {
	d := s.rules[rule].detection
	used := make([]bool, len(d.searches))
	for _, c := range d.conditions {
		markUsed(c, used)
	}
	var out []string
	for i, search := range d.searches {
		if !used[i] {
			out = append(out, search.name)
		}
	}
	return out
}

func markUsed(c *condition.Expr, used []bool) {
	if c.Op == condition.Search {
		used[c.Search] = true
	}
	for _, o := range c.Operands {
		markUsed(o, used)
	}
}
