package iam

import (
	"math/bits"
	"slices"
	"sync"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam/action"
	"github.com/rootkeep/rootkeep/iam/condition"
)

// Actions is a list of actions that can be decided at once; see Sweep. What the
// statements of a Policy cover is worked out once and kept for as long as the list.
type Actions struct {
	*action.Table
	ruled   [len(ruledServices)]action.Mask
	mu      sync.Mutex
	covered map[*Policy][]action.Mask // by statement; guarded by mu
	rooms   sync.Pool                 // *room
}

// NewActions numbers actions, each service:Name. A name without a colon is left out.
func NewActions(names []string) *Actions {
	a := &Actions{Table: action.NewTable(names), covered: map[*Policy][]action.Mask{}}
	for i, service := range ruledServices {
		a.ruled[i] = a.Cover([]action.Pattern{action.Parse(service + ":*")}, false)
	}
	return a
}

// Words is how many words hold a bit for every action.
func (a *Actions) Words() int { return (a.Len() + 63) / 64 }

func (a *Actions) covers(p *Policy) []action.Mask {
	a.mu.Lock()
	defer a.mu.Unlock()
	masks, there := a.covered[p]
	if !there {
		masks = make([]action.Mask, len(p.statements))
		for i := range p.statements {
			masks[i] = p.statements[i].cover(a.Table)
		}
		a.covered[p] = masks
	}
	return masks
}

// Answers are what a Sweep says of many actions: two bits for each, by its number.
type Answers struct {
	Allowed  []uint64 // certainly allowed
	Possible []uint64 // allowed or conditional
}

// NewAnswers has room for every action; none is allowed.
func (a *Actions) NewAnswers() *Answers {
	return &Answers{Allowed: make([]uint64, a.Words()), Possible: make([]uint64, a.Words())}
}

// Of is True for an allowed action, False for a denied one, Unknown for one that is
// allowed only if some condition holds.
func (x *Answers) Of(i int) Truth {
	bit := uint64(1) << (i % 64)
	switch {
	case x.Allowed[i/64]&bit != 0:
		return True
	case x.Possible[i/64]&bit != 0:
		return Unknown
	}
	return False
}

// Sweep decides a request of one caller for many actions at once and gives what
// Decide gives for each of them. It is immutable.
type Sweep struct {
	set     *Set
	actions *Actions
	span    action.Span
	request Request
	rows    []row
}

// row is a statement with what it comes to if its Action and Resource match.
type row struct {
	*statement
	block int
	cover action.Mask
	sums[Truth]
}

// Sweep prepares a Set for a request's Principal, Context and Facts, and for the
// actions of a span.
func (s *Set) Sweep(a *Actions, span action.Span, r *Request) *Sweep {
	w := &Sweep{set: s, actions: a, span: span, request: *r}
	w.request.Action, w.request.Resource, w.request.ResourceAccount = "", "", ""
	t := target{Request: &w.request, context: r.Context}
	t.fill(s)
	w.rows = w.judged(&t)
	return w
}

// judged works out what does not hang on action and resource. Statements that cannot
// match are left out.
func (w *Sweep) judged(t *target) []row {
	var out []row
	from, to := w.span.Words()
	for i := range w.set.blocks {
		b := &w.set.blocks[i]
		for _, p := range b.policies {
			masks := w.actions.covers(p)
			for k := range p.statements {
				r := row{statement: &p.statements[k], block: i, cover: masks[k].Within(from, to)}
				if len(r.cover) == 0 {
					continue
				}
				m := r.conditions(&t.context)
				if r.denies {
					r.deny = w.set.denial(t, r.statement, m)
				} else if m != False {
					r.allow = w.set.grant(t, r.statement, b.layer, m, &r.named)
				}
				if r.deny != False || r.allow != False {
					out = append(out, r)
				}
			}
		}
	}
	return out
}

// Decide answers for every action of a span, as Set.Decide does for a request with
// that action, resource and owner. The span must lie in that of the Sweep. The words
// that hold it are written: others' bits in the first and the last word are right as
// well.
func (w *Sweep) Decide(resource string, owner rootkeep.AccountID, span action.Span, out *Answers) {
	r := w.request
	r.Resource, r.ResourceAccount = resource, owner
	t := target{Request: &r, context: r.Context}
	t.fill(w.set)
	rows := w.rows
	if t.Facts.BucketABACOff && t.bucket() {
		rows = w.judged(&t) // conditions see another context
	}
	from, to := span.Words()
	all := w.actions.room(w.set, from, to)
	defer w.actions.rooms.Put(all)
	for i := range rows {
		all.enter(&t, &rows[i])
	}
	for at := from; at < to; at++ {
		v := all.judge(&t, at)
		out.Allowed[at], out.Possible[at] = v.Yes, v.Maybe
	}
	for i, service := range ruledServices {
		if t.mayRule(service) {
			for _, word := range w.actions.ruled[i].Within(from, to) {
				w.ruled(&t, all, word, out)
			}
		}
	}
}

// ruled answers again for the actions of one word that may have rules of their own.
func (w *Sweep) ruled(t *target, all *room, word action.Word, out *Answers) {
	var groups [2 * rules]struct {
		bits    uint64
		example int
	}
	at := word.At
	for left := word.Bits; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		t.about(w.actions.Name(64*at + i))
		key := 2 * int(t.rule)
		if t.survives(Resource) {
			key++
		}
		if t.alsoNeeds() != 0 {
			w.alone(t, 64*at+i, out)
			continue
		}
		groups[key].bits |= 1 << i
		groups[key].example = 64*at + i
	}
	for key := range groups {
		group := &groups[key]
		if key == 2*int(commonRule) || group.bits == 0 {
			continue
		}
		t.about(w.actions.Name(group.example))
		v := all.judge(t, at)
		out.Allowed[at] = out.Allowed[at]&^group.bits | v.Yes&group.bits
		out.Possible[at] = out.Possible[at]&^group.bits | v.Maybe&group.bits
	}
}

// alone answers for one action that is decided together with others.
func (w *Sweep) alone(t *target, i int, out *Answers) {
	r := *t.Request
	r.Action = w.actions.Name(i)
	bit := uint64(1) << (i % 64)
	out.Allowed[i/64] &^= bit
	out.Possible[i/64] &^= bit
	switch w.set.Decide(&r).Outcome {
	case Allowed:
		out.Allowed[i/64] |= bit
		out.Possible[i/64] |= bit
	case Conditional:
		out.Possible[i/64] |= bit
	}
}

// room holds what the blocks come to, for 64 actions a word.
type room struct {
	set      *Set
	from, to int
	cells    []cell                     // by word, then by block
	named    [][namings]condition.Lanes // by word, of the resource policy
}

// cell is what one block comes to for 64 actions.
type cell struct{ deny, allow condition.Lanes }

func (a *Actions) room(s *Set, from, to int) *room {
	r, _ := a.rooms.Get().(*room)
	if r == nil {
		r = &room{}
	}
	r.set, r.from, r.to = s, from, to
	r.cells, r.named = blank(r.cells, (to-from)*len(s.blocks)), r.named[:0]
	if s.has.Has(Resource) {
		r.named = blank(r.named, to-from)
	}
	return r
}

// blank is room for n zero values in the place of s.
func blank[T any](s []T, n int) []T {
	s = slices.Grow(s[:0], n)[:n]
	clear(s)
	return s
}

// enter adds a statement to its block.
func (r *room) enter(t *target, w *row) {
	words := w.cover.Within(r.from, r.to)
	if len(words) == 0 {
		return
	}
	m := w.resource(t)
	if m == False {
		return
	}
	deny, allow := m.And(w.deny), m.And(w.allow)
	names := r.set.blocks[w.block].layer == Resource
	for _, word := range words {
		at := word.At - r.from
		c := &r.cells[at*len(r.set.blocks)+w.block]
		c.deny = c.deny.Or(condition.LanesOf(deny, word.Bits))
		c.allow = c.allow.Or(condition.LanesOf(allow, word.Bits))
		if !names {
			continue
		}
		for how, n := range w.named {
			r.named[at][how] = r.named[at][how].Or(condition.LanesOf(m.And(n), word.Bits))
		}
	}
}

// judge applies the rule of a decision to the 64 actions of one word.
func (r *room) judge(t *target, at int) condition.Lanes {
	yes := condition.LanesOf(True, ^uint64(0))
	in := inputs[condition.Lanes]{yes: yes, scps: yes, endpoint: yes, boundary: yes, session: yes, same: condition.LanesOf(t.same, ^uint64(0))}
	cells := r.cells[(at-r.from)*len(r.set.blocks):]
	if len(r.named) > 0 {
		in.named = r.named[at-r.from]
	}
	for i := range r.set.blocks {
		in.add(t, r.set.blocks[i].layer, cells[i].deny, cells[i].allow)
	}
	return allowed(t, r.set, &in)
}
