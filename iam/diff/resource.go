package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/diff/partition"
	"github.com/rootkeep/rootkeep/iam/pattern"
)

// resourceAtom is one value of Resource or NotResource.
type resourceAtom struct {
	all      bool
	patterns []int // that cover it; for a free one those without which it cannot
	bounded  bool  // patterns is such a bound
	free     int   // dimension, 0: none
}

// addResources notes how the statement names resources.
func (sp *space) addResources(st *stmt) {
	list, excludes := st.src.Resource, false
	if list == nil {
		list, excludes = st.src.NotResource, true
	}
	for _, text := range list.Values() {
		sp.atoms[st] = append(sp.atoms[st], sp.resourceAtom(st, text, excludes))
	}
}

// resourceAtom reads one value as the evaluator does: a star of the first five parts
// stays in its part, unless that would make a Deny reach less, or an exception of an
// Allow.
func (sp *space) resourceAtom(st *stmt, text string, excludes bool) resourceAtom {
	if text != "" && strings.Trim(text, "*") == "" {
		return resourceAtom{all: true}
	}
	if sp.star {
		return resourceAtom{}
	}
	c := sp.context(st.side)
	parts, complete := condition.SplitARN(text)
	rest := parts[5]
	head := text[:len(text)-len(rest)]
	if !complete {
		head, rest = text, ""
	}
	before := pattern.Parse(head, pattern.Syntax{Wildcards: true})
	after := pattern.Parse(rest, pattern.Syntax{Wildcards: true, Variables: st.variables})
	tail, known := substitute(after.Tokens(), c)
	var wide []pattern.Token
	wideKnown := iam.False
	if st.denies != excludes && (!complete || strings.ContainsAny(head, "*?")) {
		whole := pattern.Parse(text, pattern.Syntax{Wildcards: true, Variables: st.variables})
		wide, wideKnown = substitute(whole.Tokens(), c)
	}
	var atom resourceAtom
	if known == iam.Unknown || wideKnown == iam.Unknown {
		id := fmt.Sprintf("R %v %v %s %s", st.denies, excludes, sp.tag(st), text)
		atom.free, atom.bounded = sp.freeDim(id, "the policy variables of resource "+text), true
	}
	if excludes && !st.denies && known != iam.True {
		// An exception whose variable has no value excepts all.
		tail, known = []pattern.Token{{Kind: pattern.Star}}, iam.True
	}
	if known != iam.False {
		atom.add(sp, partition.ShortARN(slices.Concat(before.Tokens(), hull(tail))), fmt.Sprintf("arn %s %v", head, hull(tail)))
	}
	if wideKnown != iam.False {
		atom.add(sp, partition.Glob(hull(wide)), fmt.Sprintf("glob %v", hull(wide)))
	}
	return atom
}

// tag sets what is known on one side apart from the other's.
func (sp *space) tag(st *stmt) string {
	if len(st.side.known.Keys()) == 0 {
		return ""
	}
	return st.side.name
}

func (a *resourceAtom) add(sp *space, p partition.Pattern, key string) {
	i, ok := sp.index[key]
	if !ok {
		i = len(sp.patterns)
		sp.index[key] = i
		sp.patterns = append(sp.patterns, p)
	}
	a.patterns = append(a.patterns, i)
}

// anyResource is every ARN that a request may be about.
const anyResource = "arn:?*:?*:*:*:?*"

// maxResourceCells bounds the classes of resources.
const maxResourceCells = 768

// divideResources makes the first dimension.
func (sp *space) divideResources() {
	d := &sp.dims[resourceDim]
	if sp.star {
		d.size, d.texts = 1, []string{"*"}
		return
	}
	for _, t := range sp.types {
		sp.fits = append(sp.fits, partition.ParseARN(t))
	}
	all := append(slices.Clone(sp.patterns), sp.fits...)
	cells, ok := partition.Split(all, partition.ParseARN(anyResource), maxResourceCells)
	sp.cost += cellCost * len(cells)
	if !ok {
		sp.cost += failedCost
	}
	if !ok && sp.proof {
		// Too many classes: every value is free then.
		d.size, d.texts = 1, []string{""}
		sp.undivided = "too many resource patterns to compare"
		for _, st := range sp.statements {
			for i := range sp.atoms[st] {
				a := &sp.atoms[st][i]
				if a.bounded = false; !a.all && a.free == 0 {
					a.free = sp.freeDim(fmt.Sprintf("R %v", a.patterns), sp.undivided)
				}
			}
		}
		return
	}
	for _, c := range cells {
		d.texts = append(d.texts, c.Text)
		sp.in = append(sp.in, c.In)
	}
	d.texts = append(d.texts, "*")
	sp.in = append(sp.in, make([]bool, len(all)))
	d.size = len(d.texts)
	sp.boundFree()
}

// boundFree excludes that a variable's value makes a pattern cover more than a star
// in its place would.
func (sp *space) boundFree() {
	for _, st := range sp.statements {
		for _, a := range sp.atoms[st] {
			if a.free != 0 && a.bounded {
				outside := mask(nil).without(sp.covered(a), sp.dims[resourceDim].size)
				sp.impossible = append(sp.impossible, box{}.with(resourceDim, outside).with(a.free, yes()))
			}
		}
	}
}

// covered are the resources that the patterns of an atom cover.
func (sp *space) covered(a resourceAtom) mask {
	m := newMask(sp.dims[resourceDim].size)
	for cell, in := range sp.in {
		for _, p := range a.patterns {
			if in[p] {
				m.set(cell)
			}
		}
	}
	return m
}

// resourceBoxes keep the resources that the statement is about.
func (sp *space) resourceBoxes(st *stmt, base box) []box {
	atoms := sp.atoms[st]
	switch excludes := st.src.NotResource != nil; {
	case st.src.Resource == nil && !excludes:
		return []box{base}
	case excludes && len(atoms) == 0 && !st.denies:
		return nil // AWS: an empty list does nothing; an Allow takes that reading
	case excludes:
		for _, a := range atoms {
			switch {
			case a.all:
				return nil
			case a.free != 0:
				base = base.with(a.free, no())
			case len(sp.in) > 0:
				base = base.with(resourceDim, mask(nil).without(sp.covered(a), sp.dims[resourceDim].size))
			}
		}
		if base.at(resourceDim).empty() {
			return nil
		}
		return []box{base}
	}
	var out []box
	exact := newMask(sp.dims[resourceDim].size)
	for _, a := range atoms {
		switch {
		case a.all:
			return []box{base}
		case a.free != 0 && a.bounded:
			out = append(out, base.with(resourceDim, sp.covered(a)).with(a.free, yes()))
		case a.free != 0:
			out = append(out, base.with(a.free, yes()))
		default:
			for i, w := range sp.covered(a) {
				exact[i] |= w
			}
		}
	}
	if !exact.empty() {
		out = append(out, base.with(resourceDim, exact))
	}
	return slices.DeleteFunc(out, func(b box) bool { return b.at(resourceDim).empty() })
}

// misfits are the requests on resources that the action does not take.
func (sp *space) misfits() []box {
	if sp.star || len(sp.types) == 0 {
		return nil
	}
	m := newMask(sp.dims[resourceDim].size)
	for cell, in := range sp.in {
		if !slices.Contains(in[len(sp.patterns):], true) {
			m.set(cell)
		}
	}
	if star := len(sp.in) - 1; sp.optional && m.has(star) {
		m[star/64] &^= 1 << (star % 64)
	}
	if m.empty() {
		return nil
	}
	return []box{box{}.with(resourceDim, m)}
}
