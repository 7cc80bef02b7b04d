package correlate

import (
	"cmp"
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep"
)

const (
	maxEvents = 10  // that a firing shows
	maxSample = 100 // that it is described by
)

// proofs keeps a sample of events as evidence: the earliest few of each rule in
// each quarter of a timespan. What is kept is a function of the set of events,
// whatever order they come in. The quarter of a crossing lies in its window as
// far as the crossing, so every firing has evidence.
type proofs struct {
	kept  map[slot][]proof // sorted, at most limit each
	width int64            // of a quarter, seconds
	limit int
}

type slot struct {
	quarter int64
	input   int
}

type proof struct {
	t     int64 // of the mark
	event *rootkeep.Event
}

func newProofs(timespan int64, limit int) proofs {
	return proofs{map[slot][]proof{}, max(1, timespan/4), limit}
}

// quarterOf numbers the aligned quarters of time. Times are above -farthest.
func (p proofs) quarterOf(t int64) int64 { return (t + farthest) / p.width }

// offer keeps the evidence of a mark at t if it is among the earliest. It asks
// for the evidence only then, except in a tie, which the event ID decides.
func (p proofs) offer(t int64, input int, from origin) {
	s := slot{p.quarterOf(t), input}
	if full := p.kept[s]; len(full) == p.limit && full[p.limit-1].t < t {
		return
	}
	for _, e := range from.events() {
		p.insert(s, proof{t, e})
	}
}

func (p proofs) insert(s slot, one proof) {
	kept := p.kept[s]
	i, _ := slices.BinarySearchFunc(kept, one, compareProofs)
	if i == p.limit {
		return
	}
	kept = slices.Insert(kept, i, one)
	p.kept[s] = kept[:min(len(kept), p.limit)]
}

func compareProofs(a, b proof) int {
	return cmp.Or(cmp.Compare(a.t, b.t), compareEvents(a.event, b.event))
}

func compareEvents(a, b *rootkeep.Event) int {
	return cmp.Or(
		a.Time.Compare(b.Time),
		cmp.Compare(a.ID, b.ID),
		cmp.Compare(a.Account, b.Account),
		cmp.Compare(a.File, b.File),
		cmp.Compare(a.Offset, b.Offset),
	)
}

func (p proofs) merge(other proofs) {
	for s, kept := range other.kept {
		for _, one := range kept {
			p.insert(s, one)
		}
	}
}

// drop forgets what lies wholly at or before t.
func (p proofs) drop(t int64) {
	if t < -farthest {
		return
	}
	first := p.quarterOf(t + 1)
	maps.DeleteFunc(p.kept, func(s slot, _ []proof) bool { return s.quarter < first })
}

// choice says which events a firing is to show.
type choice struct {
	from, to int64 // marks, inclusive
	through  int64 // one of each rule is looked for up to here
	inputs   int
	ordered  bool // one of each rule, in the order of the rules
	limit    int
}

// choose picks the earliest event of each rule, then the earliest of the others,
// and returns them earliest first.
func (p proofs) choose(c choice) []*rootkeep.Event {
	found := p.candidates(c)
	var chosen []*rootkeep.Event
	take := func(e *rootkeep.Event) {
		// One event can prove two rules, or two inner firings.
		if len(chosen) < c.limit && !shows(chosen, e) {
			chosen = append(chosen, e)
		}
	}
	after := c.from
	for input := range found {
		for _, one := range found[input] {
			if one.t >= after {
				take(one.event)
				if c.ordered {
					after = one.t
				}
				break
			}
		}
	}
	rest := slices.Concat(found...)
	slices.SortFunc(rest, compareProofs)
	for _, one := range rest {
		take(one.event)
	}
	slices.SortFunc(chosen, compareEvents)
	return chosen
}

// shows says that an event is among others. State that was kept apart has a copy.
func shows(events []*rootkeep.Event, e *rootkeep.Event) bool {
	return slices.ContainsFunc(events, func(o *rootkeep.Event) bool { return o == e || compareEvents(o, e) == 0 })
}

// candidates lists kept proofs by input, each sorted, from the first quarter to
// the first one at which there is enough to choose from.
func (p proofs) candidates(c choice) [][]proof {
	found := make([][]proof, c.inputs)
	total, enough := 0, c.limit*c.inputs // an event may be there for each input
	for q := p.quarterOf(c.from); q <= p.quarterOf(c.to); q++ {
		if q > p.quarterOf(c.through) && total >= enough {
			break
		}
		for input := range found {
			for _, one := range p.kept[slot{q, input}] {
				if one.t >= c.from && one.t <= c.to {
					found[input] = append(found[input], one)
					total++
				}
			}
		}
	}
	return found
}

// sample returns what is kept of an episode, earliest first, each event once.
func (p proofs) sample(from, to int64, inputs, limit int) []*rootkeep.Event {
	var found []proof
	for q := p.quarterOf(from); q <= p.quarterOf(to) && len(found) < limit*inputs; q++ {
		for input := range inputs {
			found = append(found, p.kept[slot{q, input}]...)
		}
	}
	slices.SortFunc(found, compareProofs)
	var out []*rootkeep.Event
	for _, one := range found {
		if one.t >= from && one.t <= to && len(out) < limit && !shows(out, one.event) {
			out = append(out, one.event)
		}
	}
	return out
}
