package sigma

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/sigma/condition"
)

// program is one compiled rule.
type program struct {
	root     *node
	rest     *node         // what the witness leaves open
	searches []boundSearch // for Explain: the rule's, then those of its filters
}

// node is an expression over predicates.
type node struct {
	op   nodeOp
	pred int // of nodeAsk
	kids []*node
}

type nodeOp uint8

const (
	nodeAsk nodeOp = iota
	nodeAnd
	nodeOr
	nodeNot
	nodeFalse
	nodeTrue
)

// boundSearch is a search identifier with its items bound to predicates.
type boundSearch struct {
	name         string
	alternatives [][]boundItem
}

// boundItem is an item; pred is -1 when placeholders without values leave it
// undecided.
type boundItem struct {
	item *item
	pred int
}

// builder compiles the detections that make up one rule.
type builder struct {
	*compiler
	header   *Header
	searches []boundSearch
	warned   []string // placeholders
	failed   bool
}

// detection compiles one detection section; prefix goes before the names of its
// searches.
func (b *builder) detection(d *detection, prefix string) *node {
	first := len(b.searches)
	for _, s := range d.searches {
		bound := boundSearch{name: prefix + s.name}
		for _, alt := range s.alternatives {
			var items []boundItem
			for _, it := range alt {
				items = append(items, boundItem{it, b.bind(it)})
			}
			bound.alternatives = append(bound.alternatives, items)
		}
		b.searches = append(b.searches, bound)
	}
	searches := b.searches[first:]
	var alternatives []*node
	for _, c := range d.conditions {
		alternatives = append(alternatives, b.condition(c, searches, positive))
	}
	return b.combine(nodeOr, alternatives)
}

// polarity says whether a node under an even or odd number of negations.
type polarity bool

const (
	positive polarity = true
	negative polarity = false
)

func (b *builder) condition(c *condition.Expr, searches []boundSearch, p polarity) *node {
	var kids []*node
	for _, o := range c.Operands {
		under := p
		if c.Op == condition.Not {
			under = !p
		}
		kids = append(kids, b.condition(o, searches, under))
	}
	switch c.Op {
	case condition.And:
		return b.combine(nodeAnd, kids)
	case condition.Or:
		return b.combine(nodeOr, kids)
	case condition.Not:
		return negate(kids[0])
	}
	return b.search(searches[c.Search], p)
}

func (b *builder) search(s boundSearch, p polarity) *node {
	var alternatives []*node
	for _, alt := range s.alternatives {
		var items []*node
		for _, it := range alt {
			n := &node{op: nodeAsk, pred: it.pred}
			if it.pred < 0 {
				n = undecided(p)
			}
			items = append(items, n)
		}
		alternatives = append(alternatives, b.combine(nodeAnd, items))
	}
	return b.combine(nodeOr, alternatives)
}

// undecided stands for an item whose placeholders have no values. A rule must
// not match because of what is unknown, so the item takes the value that keeps
// it from matching: false, or true under not.
func undecided(p polarity) *node {
	if p == positive {
		return &node{op: nodeFalse}
	}
	return &node{op: nodeTrue}
}

// bind returns the number of the item's predicate, shared with equal items.
func (b *builder) bind(it *item) int {
	p, missing, err := it.compile(b.options.Placeholders)
	if err != nil {
		b.problem(b.header, it.line, SeverityError, "%s: %v", it.key, err)
		b.failed = true
		return -1
	}
	for _, name := range missing {
		if !slices.Contains(b.warned, name) {
			b.warned = append(b.warned, name)
			b.problem(b.header, it.line, SeverityWarning, "placeholder %%%s%% has no values, so it matches nothing", name)
		}
	}
	if p == nil {
		return -1
	}
	key := it.identity()
	if n, ok := b.shared[key]; ok {
		return n
	}
	p.field = b.set.numbers[it.field]
	for _, v := range it.values {
		if it.mods.FieldRef {
			p.refs = append(p.refs, b.set.numbers[v.Text])
		}
	}
	n := len(b.set.predicates)
	b.set.predicates = append(b.set.predicates, *p)
	b.shared[key] = n
	return n
}

// identity is equal for items that ask the same.
func (it *item) identity() string {
	var s strings.Builder
	s.WriteString(it.key)
	for _, v := range it.values {
		fmt.Fprintf(&s, "\n%d%q", v.Kind, v.Text)
	}
	return s.String()
}

// combine joins nodes by and or or, dropping constants and putting what is cheap
// to ask first.
func (b *builder) combine(op nodeOp, kids []*node) *node {
	neutral, absorbing := nodeTrue, nodeFalse
	if op == nodeOr {
		neutral, absorbing = nodeFalse, nodeTrue
	}
	var kept []*node
	for _, k := range kids {
		switch k.op {
		case absorbing:
			return k
		case neutral:
		case op:
			kept = append(kept, k.kids...)
		default:
			kept = append(kept, k)
		}
	}
	switch len(kept) {
	case 0:
		return &node{op: neutral}
	case 1:
		return kept[0]
	}
	slices.SortStableFunc(kept, func(x, y *node) int { return b.cost(x) - b.cost(y) })
	return &node{op: op, kids: kept}
}

func negate(n *node) *node {
	switch n.op {
	case nodeTrue:
		return &node{op: nodeFalse}
	case nodeFalse:
		return &node{op: nodeTrue}
	case nodeNot:
		return n.kids[0]
	}
	return &node{op: nodeNot, kids: []*node{n}}
}

func (b *builder) cost(n *node) int {
	if n.op == nodeAsk {
		return b.set.predicates[n.pred].cost()
	}
	sum := 0
	for _, k := range n.kids {
		sum += b.cost(k)
	}
	return sum
}

func (p *predicate) cost() int {
	sum := 0
	for _, g := range p.groups {
		for _, t := range g {
			sum += t.Cost()
		}
	}
	return sum
}
