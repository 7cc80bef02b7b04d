package correlate

import (
	"maps"
	"math"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/wire"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

// Group is one group of one correlation, for a caller that keeps groups apart from
// each other and from any Correlator: it merges what Take gave, looks at what fired so
// far with Preview, as often as it likes, and settles what no later event can change.
// Merging, previewing and settling a set of events in any order and in any portions
// leads to the firings that one Flush has, as far as every event comes before its time
// is settled.
type Group struct {
	spec    *sigma.Correlation
	number  int
	key     string // encoded values of group-by
	state   state
	settled int64
	chained []chained
}

// chained is the firing of an inner group, for as long as it is not settled.
type chained struct {
	input  int
	from   string // key of the inner group
	t      int64  // when it crossed, or held
	events []*rootkeep.Event
	of     party.Who
}

// living is what a state must be able to do to be kept by itself.
type living interface {
	// preview returns what settle would, and changes nothing that shows.
	preview(s span, silence int64) []Firing
	clone() state
	// spent is the earliest time that has to be settled for the state to be idle.
	spent() int64
	// due is the earliest time later than after at which settling brings a firing
	// without any further mark.
	due(after int64) int64
	// goesOn says that an episode which has been settled up to now may be told again.
	goesOn(start, crossed int64) bool
	write(w *wire.Writer)
	read(r *wire.Reader)
}

const never = math.MaxInt64

// NewGroup is a group of which nothing is known, of a correlation of a set, under a key
// that Take or Through gave. Time is settled up to settled.
func NewGroup(set *sigma.Set, number int, key string, settled int64) *Group {
	g := newGroup(set.Correlations()[number], number, key)
	g.settled = settled
	return g
}

func newGroup(spec *sigma.Correlation, number int, key string) *Group {
	return &Group{spec: spec, number: number, key: key, state: newState(spec), settled: math.MinInt64}
}

// Take hands over the groups that were observed since the last Take, and forgets them.
func (c *Correlator) Take(visit func(*Group)) {
	for _, cor := range c.correlations {
		if len(cor.groups) == 0 {
			continue
		}
		for k, g := range cor.groups {
			visit(&Group{spec: cor.spec, number: cor.number, key: k, state: g.state, settled: math.MinInt64})
		}
		clear(cor.groups)
		cor.last = nil
	}
}

// Key tells the group from others of its correlation.
func (g *Group) Key() string { return g.key }

// Correlation is the number of its correlation.
func (g *Group) Correlation() int { return g.number }

// Settled is up to where the group was settled.
func (g *Group) Settled() int64 { return g.settled }

// Merge adds the marks of other, which stays as it is.
func (g *Group) Merge(other *Group) { g.state.merge(other.state) }

// Through is the key of the group of an outer correlation that firings of an inner
// group with this key feed as the given input.
func Through(outer *sigma.Correlation, input int, inner string) string {
	values := decodeTexts(inner)
	var key []byte
	for _, i := range outer.Inputs[input].Group {
		key = appendText(key, []byte(values[i]))
	}
	return string(key)
}

// Chain replaces what an inner group has given as an input so far by the firings of
// its preview. It returns false if there was nothing and is nothing.
func (g *Group) Chain(input int, inner *Group, firings []Firing) bool {
	before := len(g.chained)
	g.chained = slices.DeleteFunc(g.chained, func(c chained) bool {
		return c.input == input && c.from == inner.key && c.t > inner.settled
	})
	changed := len(g.chained) < before
	for i := range firings {
		// What came before was counted when the time was settled.
		for t, events := range firings[i].moments(g.spec) {
			if t > inner.settled && t > g.settled {
				g.chained = append(g.chained, chained{input, inner.key, t, events, firings[i].who()})
				changed = true
			}
		}
	}
	return changed
}

// Preview is what fired later than what is settled, or may go on from there, by all
// marks that are known: it may still change. Silences are told up to silence.
func (g *Group) Preview(silence int64) []Firing {
	s := g.state
	if len(g.chained) > 0 {
		s = s.clone()
		for _, c := range g.chained {
			g.feed(s, c)
		}
	}
	firings := s.preview(span{g.settled, farthest}, silence)
	values := decodeTexts(g.key)
	for i := range firings {
		f := &firings[i]
		f.Correlation, f.Group = g.number, values
		if f.Steps == nil {
			f.Steps = make([]int64, len(g.spec.Steps))
		}
	}
	slices.SortFunc(firings, compareFirings)
	return firings
}

// feed counts the firing of an inner group in a state of the group.
func (g *Group) feed(s state, c chained) {
	to := newCorrelation(g.number, g.spec)
	to.groups[g.key] = &group{state: s}
	to.observe(fired{&Firing{Group: decodeTexts(c.from)}, c.events, c.of}, c.input, c.t, 1)
}

// Settle makes final what is there up to until: no earlier event will come, and what
// can matter to none later is dropped. Settling is for memory; Preview tells all that
// fires.
func (g *Group) Settle(until int64) {
	until = min(max(until, -farthest), farthest)
	if until <= g.settled {
		return
	}
	g.chained = slices.DeleteFunc(g.chained, func(c chained) bool {
		if c.t <= until {
			g.feed(g.state, c)
		}
		return c.t <= until
	})
	g.state.settle(span{g.settled, until}, until)
	g.settled = until
}

// Spent is the earliest time that has to be settled for the group not to be missed;
// math.MaxInt64 for one that is never forgotten.
func (g *Group) Spent() int64 {
	spent := g.state.spent()
	for _, c := range g.chained {
		spent = max(spent, c.t+seconds(g.spec.Timespan))
	}
	return spent
}

// Due is the earliest time later than after at which a silence has lasted long enough;
// math.MaxInt64 for none.
func (g *Group) Due(after int64) int64 { return g.state.due(after) }

// GoesOn says whether an episode that crossed in settled time may be told again.
func (g *Group) GoesOn(start, crossed int64) bool { return g.state.goesOn(start, crossed) }

// Saturated says that the group has more distinct values than new_value keeps.
func (g *Group) Saturated() bool {
	b, ok := g.state.(*baseline)
	return ok && b.saturated()
}

// Values are the values of group-by.
func (g *Group) Values() []string { return decodeTexts(g.key) }

// preview has the episode that was settled last even when it does not go on: marks
// that came since may have taken back that it did.
func (w *window) preview(s span, _ int64) []Firing {
	firings, _ := w.judge(s, w.open.clone())
	if w.open != nil && !slices.ContainsFunc(firings, func(f Firing) bool { return f.Crossed == w.open.crossed }) {
		firings = append(firings, w.firing(w.open.clone()))
	}
	return firings
}

func (e *episode) clone() *episode {
	if e == nil {
		return nil
	}
	c := *e
	c.steps, c.chosen, c.sample, c.of = slices.Clone(e.steps), e.chosen.clone(), slices.Clone(e.sample), e.of.Clone()
	return &c
}

func (w *window) clone() state {
	c := *w
	c.marks, c.parties, c.proofs, c.open = slices.Clone(w.marks), w.parties.Clone(), w.proofs.clone(), w.open.clone()
	return &c
}

func (p proofs) clone() proofs {
	kept := make(map[slot][]proof, len(p.kept))
	for s, list := range p.kept {
		kept[s] = slices.Clone(list)
	}
	p.kept = kept
	return p
}

func (w *window) spent() int64 {
	last := int64(math.MinInt64)
	for _, m := range w.marks {
		last = max(last, m.t+w.width)
	}
	return last
}

func (w *window) due(int64) int64 { return never }

func (w *window) goesOn(_, crossed int64) bool { return w.open != nil && w.open.crossed == crossed }

func (b *baseline) preview(s span, _ int64) []Firing {
	b.trim()
	var firings []Firing
	for value, v := range b.values {
		if !v.told && v.t <= s.until && v.t > b.first+b.learn {
			firings = append(firings, b.firing(value, v))
		}
	}
	return firings
}

func (b *baseline) clone() state {
	c := *b
	c.values = maps.Clone(b.values)
	for value, v := range c.values {
		copied := *v
		c.values[value] = &copied
	}
	return &c
}

func (b *baseline) spent() int64 { return never }

func (b *baseline) due(int64) int64 { return never }

func (b *baseline) goesOn(int64, int64) bool { return false }

func (a *activity) clone() state {
	c := *a
	c.intervals, c.proofs = slices.Clone(a.intervals), a.proofs.clone()
	return &c
}

func (a *activity) spent() int64 { return never }

func (a *activity) due(after int64) int64 {
	for _, i := range a.intervals {
		if silent := i.to + a.width; silent > after && i.to-i.from >= a.steady {
			return silent
		}
	}
	return never
}

func (a *activity) goesOn(start, _ int64) bool {
	return slices.ContainsFunc(a.intervals, func(i interval) bool { return i.to == start })
}
