// Package plan turns techniques into what is asked of the evaluator: permissions are
// gathered by the resource that they share, and parted into those that are the same for
// every target and those that depend on it.
package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/escalate/technique"
)

// Call is one action with what it brings.
type Call struct {
	Action  string
	Number  int // among the actions of all plans
	Context map[string]string
	Refers  bool // some value of context depends on the target
}

// refers says whether a text depends on the target.
func refers(text string) bool {
	for _, name := range technique.Names {
		if name != "$actor" && strings.Contains(text, name) {
			return true
		}
	}
	return false
}

// Need is what must be allowed on one resource.
type Need struct {
	On    string // "*", a name such as $target, or an ARN with * for what the actor chooses
	Calls []Call
	// Same numbers the needs that ask the same of what they are on, from 0; -1 for those
	// whose answer depends on more.
	Same int
}

// bound says whether the resource, or what a call brings, depends on the target.
func (n *Need) bound() bool {
	for i := range n.Calls {
		if n.Calls[i].Refers {
			return true
		}
	}
	return refers(n.On)
}

// Global says whether the service has one endpoint for all Regions.
func (n *Need) Global() bool {
	action := n.Calls[0].Action
	return strings.HasPrefix(action, "iam:") || strings.HasPrefix(action, "organizations:")
}

// signature is the same for needs that ask the same of what they are on; "" for those
// whose answer depends on more than that.
func (n *Need) signature() string {
	if !strings.HasPrefix(n.On, "$") {
		return ""
	}
	var b strings.Builder
	b.WriteString(n.On + "\n")
	for i := range n.Calls {
		c := &n.Calls[i]
		if c.Refers {
			return ""
		}
		b.WriteString(c.Action)
		for _, key := range slices.Sorted(maps.Keys(c.Context)) {
			b.WriteString("\x00" + key + "\x00" + c.Context[key])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Plan is a technique with one choice of its alternatives.
type Plan struct {
	*technique.Technique
	Number int    // in the order of Compile
	Fixed  []Need // the same for every target
	Bound  []Need
	Asks   Bits // actions that the actor's own policies must allow
	// Others: it is used on another principal. Becomes: the actor goes on as that.
	Others, Becomes bool

	weight int
}

// Compile turns techniques into plans, the simplest first: of two ways that are as good, the
// one that asks for less is told. Actions are numbered over all of them.
func Compile(ts []*technique.Technique, actions *Actions) []*Plan {
	var out []*Plan
	for _, t := range ts {
		for _, chosen := range t.Choices() {
			p := &Plan{Technique: t, Others: t.Target.Other(), weight: len(chosen)}
			p.Becomes = t.Effect == technique.Become
			if p.Others || t.Effect == technique.Join || t.Effect == technique.Retag {
				p.weight++ // what one does to oneself is simpler, and needs nobody
			}
			for _, n := range needs(chosen, actions) {
				for i := range n.Calls {
					p.Asks.Set(n.Calls[i].Number)
				}
				if n.bound() {
					p.Bound = append(p.Bound, n)
				} else {
					p.Fixed = append(p.Fixed, n)
				}
			}
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b *Plan) int { return cmp.Or(cmp.Compare(a.weight, b.weight), cmp.Compare(a.ID, b.ID)) })
	seen := map[string]int{}
	for i, p := range out {
		p.Number = i
		for k := range p.Bound {
			p.Bound[k].Same = -1
			key := p.Bound[k].signature()
			if key == "" {
				continue
			}
			if _, ok := seen[key]; !ok {
				seen[key] = len(seen)
			}
			p.Bound[k].Same = seen[key]
		}
	}
	return out
}

// needs gathers what is asked of the same resource.
func needs(ps []technique.Permission, actions *Actions) []Need {
	var out []Need
	for _, p := range ps {
		for _, on := range p.Resources() {
			c := Call{Action: p.Action, Number: actions.Number(p.Action), Context: p.Context}
			for _, value := range p.Context {
				c.Refers = c.Refers || refers(value)
			}
			i := slices.IndexFunc(out, func(n Need) bool { return n.On == on })
			if i < 0 {
				out = append(out, Need{On: on})
				i = len(out) - 1
			}
			out[i].Calls = append(out[i].Calls, c)
		}
	}
	return out
}

// Actions gives each action a number. The zero value is ready.
type Actions struct {
	numbers map[string]int // by name in lower case
	names   []string
}

// Names are the actions by number.
func (n *Actions) Names() []string { return n.names }

// Number is the number of an action, a new one if it has none.
func (n *Actions) Number(action string) int {
	if n.numbers == nil {
		n.numbers = map[string]int{}
	}
	key := strings.ToLower(action)
	i, ok := n.numbers[key]
	if !ok {
		i = len(n.names)
		n.numbers[key] = i
		n.names = append(n.names, action)
	}
	return i
}

// Bits is a set of action numbers.
type Bits []uint64

// Set adds a number.
func (b *Bits) Set(i int) {
	for len(*b) <= i/64 {
		*b = append(*b, 0)
	}
	(*b)[i/64] |= 1 << (i % 64)
}

// Has says whether a number is in the set.
func (b Bits) Has(i int) bool { return i/64 < len(b) && b[i/64]&(1<<(i%64)) != 0 }

// Within says whether every number of b is in c.
func (b Bits) Within(c Bits) bool {
	for i, w := range b {
		if i < len(c) {
			w &^= c[i]
		}
		if w != 0 {
			return false
		}
	}
	return true
}

// Add adds the numbers of c.
func (b *Bits) Add(c Bits) {
	for len(*b) < len(c) {
		*b = append(*b, 0)
	}
	for i, w := range c {
		(*b)[i] |= w
	}
}
