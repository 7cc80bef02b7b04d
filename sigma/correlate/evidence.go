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
	i, found := slices.BinarySearchFunc(kept, one, compareProofs)
	if found || i == p.limit {
		return // an event may make several marks
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

// chosen are the events that a firing shows. It is added to as time is settled, and
// comes to the same as one choice at the end.
type chosen struct {
	firsts []*rootkeep.Event // the earliest of each rule, nil for none so far
	after  int64             // where ordered rules have come to
	rest   []*rootkeep.Event // the earliest, by their marks
	found  int               // proofs that were chosen from
	enough bool
}

// add looks through the proofs of a choice; shown is the last mark of the choice before.
func (k *chosen) add(p proofs, c choice, shown int64) {
	found := k.candidates(p, c, shown)
	for len(k.firsts) < c.inputs {
		k.firsts = append(k.firsts, nil)
	}
	k.after = max(k.after, c.from)
	if !c.ordered {
		k.after = c.from
	}
	for input := range found {
		for _, one := range found[input] {
			if k.firsts[input] != nil {
				break
			}
			if one.t >= k.after {
				k.firsts[input] = one.event
				if c.ordered {
					k.after = one.t
				}
			}
		}
	}
	rest := slices.Concat(found...)
	slices.SortFunc(rest, compareProofs)
	for _, one := range rest {
		k.rest = show(k.rest, one.event, c.limit)
	}
}

// show adds an event unless it is there, up to a limit. One event can prove two rules,
// or two inner firings.
func show(events []*rootkeep.Event, e *rootkeep.Event, limit int) []*rootkeep.Event {
	if len(events) < limit && !shows(events, e) {
		events = append(events, e)
	}
	return events
}

// events are the earliest of each rule, then the earliest of the others, at most limit,
// earliest first.
func (k *chosen) events(limit int) []*rootkeep.Event {
	var all []*rootkeep.Event
	for _, e := range slices.Concat(k.firsts, k.rest) {
		if e != nil {
			all = show(all, e, limit)
		}
	}
	slices.SortFunc(all, compareEvents)
	return all
}

func (k chosen) clone() chosen {
	k.firsts, k.rest = slices.Clone(k.firsts), slices.Clone(k.rest)
	return k
}

// shows says that an event is among others. State that was kept apart has a copy.
func shows(events []*rootkeep.Event, e *rootkeep.Event) bool {
	return slices.ContainsFunc(events, func(o *rootkeep.Event) bool { return o == e || compareEvents(o, e) == 0 })
}

// candidates lists kept proofs by input, each sorted, from the first quarter to
// the first one at which there is enough to choose from.
func (k *chosen) candidates(p proofs, c choice, shown int64) [][]proof {
	found := make([][]proof, c.inputs)
	for q := p.quarterOf(c.from); q <= p.quarterOf(c.to); q++ {
		begun := q == p.quarterOf(shown) // a part of it was chosen from
		// An event may be there for each input.
		if k.enough = k.enough || !begun && q > p.quarterOf(c.through) && k.found >= c.limit*c.inputs; k.enough {
			break
		}
		for input := range found {
			for _, one := range p.kept[slot{q, input}] {
				if one.t >= c.from && one.t <= c.to {
					found[input] = append(found[input], one)
					k.found++
				}
			}
		}
	}
	return found
}

// sample adds what is kept of an episode to a sample of its earlier marks, earliest
// first, each event once.
func (p proofs) sample(out []*rootkeep.Event, from, to int64, inputs, limit int) []*rootkeep.Event {
	var found []proof
	for q := p.quarterOf(from); q <= p.quarterOf(to) && len(found) < (limit-len(out))*inputs; q++ {
		for input := range inputs {
			found = append(found, p.kept[slot{q, input}]...)
		}
	}
	slices.SortFunc(found, compareProofs)
	for _, one := range found {
		if one.t >= from && one.t <= to && len(out) < limit && !shows(out, one.event) {
			out = append(out, one.event)
		}
	}
	return out
}
