package lint

import (
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/value"
)

// literal is one item that must hold, or must not, for a branch to match.
type literal struct {
	item    *sigma.Item
	value   int // index in the values of an item with the modifier all; else anyValue
	negated bool
}

// anyValue: one of the values of the item is enough.
const anyValue = -1

// branch is one way for a rule to match: all its literals hold.
type branch []literal

// maxBranches bounds the branches of a rule that are judged.
const maxBranches = 4096

// expand multiplies a condition out into branches of which one must hold. It is
// false when there are too many.
func expand(l *sigma.Logic) ([]branch, bool) { return expandUnder(l, false) }

func expandUnder(l *sigma.Logic, negated bool) ([]branch, bool) {
	switch {
	case l.Op == sigma.LogicItem:
		return expandItem(l.Item, negated), true
	case l.Op == sigma.LogicNot:
		return expandUnder(l.Of[0], !negated)
	case (l.Op == sigma.LogicOr) != negated:
		var out []branch
		for _, o := range l.Of {
			more, ok := expandUnder(o, negated)
			out = append(out, more...)
			if !ok || len(out) > maxBranches {
				return nil, false
			}
		}
		return out, true
	}
	out := []branch{nil}
	for _, o := range l.Of {
		more, ok := expandUnder(o, negated)
		if !ok || len(out)*len(more) > maxBranches {
			return nil, false
		}
		out = product(out, more)
	}
	return out, true
}

func product(as, bs []branch) []branch {
	var out []branch
	for _, a := range as {
		for _, b := range bs {
			out = append(out, append(a[:len(a):len(a)], b...))
		}
	}
	return out
}

// expandItem takes the modifiers neq and all apart: all values must hold in one
// branch, or one of them must not, each in a branch of its own. An item that
// asks for absence is one that asks for presence, negated.
func expandItem(it *sigma.Item, negated bool) []branch {
	negated = negated != turns(it)
	if !it.Modifiers.All {
		return []branch{{{it, anyValue, negated}}}
	}
	var together branch
	var apart []branch
	for i := range it.Values {
		together = append(together, literal{it, i, negated})
		apart = append(apart, branch{{it, i, negated}})
	}
	if negated {
		return apart
	}
	return []branch{together}
}

// turns says that an item itself turns its question round.
func turns(it *sigma.Item) bool {
	return it.Modifiers.Not || it.Modifiers.Op == value.Exists && it.Values[0].Text == "false"
}

// usage is an item and whether the condition asks for it or for its opposite.
type usage struct {
	item          *sigma.Item
	asked, turned bool
}

// items lists the items of a condition once each, in their order.
func items(l *sigma.Logic) []*usage {
	var out []*usage
	seen := map[*sigma.Item]*usage{}
	var walk func(l *sigma.Logic, negated bool)
	walk = func(l *sigma.Logic, negated bool) {
		if l.Op == sigma.LogicItem {
			u := seen[l.Item]
			if u == nil {
				u = &usage{item: l.Item}
				seen[l.Item] = u
				out = append(out, u)
			}
			if negated != turns(l.Item) {
				u.turned = true
			} else {
				u.asked = true
			}
		}
		for _, o := range l.Of {
			walk(o, negated != (l.Op == sigma.LogicNot))
		}
	}
	walk(l, false)
	return out
}
