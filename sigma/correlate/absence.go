package correlate

import (
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma"
)

// activity is the state of a group for absence: when it was active, as intervals
// with no silence inside. A mark inside one cannot make or end a silence, so the
// intervals are all there is to know.
type activity struct {
	width     int64      // shortest silence, seconds
	steady    int64      // shortest activity whose end is missed, seconds
	intervals []interval // ascending, at least width apart
	proofs    proofs     // the first event of each quarter
	tidy      int        // proofs after the last prune
}

// interval goes from one mark to another, which may be the same.
type interval struct{ from, to int64 }

func newActivity(spec *sigma.Correlation) *activity {
	width := seconds(spec.Timespan)
	return &activity{width: width, steady: int64(spec.Steady / time.Second), proofs: newProofs(width, 1)}
}

func (a *activity) add(s sighting) {
	a.proofs.offer(s.t, 0, s.from)
	a.cover(interval{s.t, s.t})
	a.pruneIfDoubled()
}

// cover adds an interval of activity, joining those that come to lie less than
// width apart.
func (a *activity) cover(n interval) {
	lo := sort.Search(len(a.intervals), func(i int) bool { return a.intervals[i].to > n.from-a.width })
	hi := lo
	for hi < len(a.intervals) && a.intervals[hi].from < n.to+a.width {
		n.from = min(n.from, a.intervals[hi].from)
		n.to = max(n.to, a.intervals[hi].to)
		hi++
	}
	a.intervals = slices.Replace(a.intervals, lo, hi, n)
}

func (a *activity) merge(other state) {
	o := other.(*activity)
	for _, i := range o.intervals {
		a.cover(i)
	}
	a.proofs.merge(o.proofs)
	a.pruneIfDoubled()
}

func (a *activity) pruneIfDoubled() {
	if len(a.proofs.kept) >= 2*a.tidy+16 {
		a.prune()
	}
}

// prune keeps the evidence next to silences. Two intervals never share a quarter,
// so that the proof in the quarter of an end belongs to its interval.
func (a *activity) prune() {
	edges := map[int64]bool{}
	for _, i := range a.intervals {
		edges[a.proofs.quarterOf(i.from)] = true
		edges[a.proofs.quarterOf(i.to)] = true
	}
	maps.DeleteFunc(a.proofs.kept, func(s slot, _ []proof) bool { return !edges[s.quarter] })
	a.tidy = len(a.proofs.kept)
}

func (a *activity) settle(s span, silence int64) []Firing {
	firings := a.preview(s, silence)
	over := 0 // intervals followed by another one up to s.until
	for over+1 < len(a.intervals) && a.intervals[over].to+a.width <= silence && a.intervals[over+1].from <= s.until {
		over++
	}
	a.intervals = slices.Delete(a.intervals, 0, over)
	a.prune()
	return firings
}

// preview is what settle would return, which changes nothing.
func (a *activity) preview(s span, silence int64) []Firing {
	var firings []Firing
	for i, active := range a.intervals {
		if active.to+a.width > silence {
			break
		}
		if active.to-active.from < a.steady {
			continue
		}
		resumed := i+1 < len(a.intervals) && a.intervals[i+1].from <= s.until
		begins := active.to+a.width > s.after
		ends := resumed && a.intervals[i+1].from > s.after
		if begins || ends {
			firings = append(firings, a.firing(i, resumed, silence))
		}
	}
	return firings
}

// firing is the silence after the i-th interval.
func (a *activity) firing(i int, resumed bool, silence int64) Firing {
	last := a.intervals[i].to
	f := Firing{Start: last, Crossed: last + a.width, End: silence, Count: 1}
	f.Events = a.evidence(last)
	if resumed {
		f.End = a.intervals[i+1].from
		f.Count = 2
		f.Events = append(f.Events, a.evidence(f.End)...)
	}
	f.Value = float64(f.End - f.Start)
	return f
}

func (a *activity) evidence(t int64) []*rootkeep.Event {
	var events []*rootkeep.Event
	for _, one := range a.proofs.kept[slot{a.proofs.quarterOf(t), 0}] {
		events = append(events, one.event)
	}
	return events
}

// idle never holds: the silence of a group that was active is what is looked for.
func (a *activity) idle() bool { return false }
