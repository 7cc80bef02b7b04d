package correlate

import (
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

// episode is a firing in the making.
type episode struct {
	start, crossed, end int64
	count               int
	value               float64
	steps               []int64
	chosen              chosen
	sample              []*rootkeep.Event
	shown               int64 // events were chosen up to here
	held                []int64
	of                  party.Tally
}

// sweep moves a window over sorted marks and judges the condition at each second
// of s. Marks at or before s.after only fill the window: they were judged before.
// It returns the episodes that began or went on, and the one still open.
func sweep(spec *sigma.Correlation, marks []mark, parties *party.Table, s span, open *episode) (touched []*episode, still *episode) {
	j := newJudge(spec)
	agg := newAggregate(spec, j.lowest, marks)
	inside, lo := 0, 0 // events in the window; its first mark
	if open != nil {
		open.held = nil // fed when they were settled
	}
	for hi := 0; hi < len(marks) && marks[hi].t <= s.until; {
		now := firstSecond(marks[hi:])
		t := now[0].t
		for marks[lo].t <= t-j.width {
			agg.remove(marks[lo])
			inside -= int(marks[lo].n)
			lo++
		}
		added := 0
		for _, m := range now {
			agg.add(m)
			added += int(m.n)
		}
		inside += added
		hi += len(now)
		if t <= s.after {
			continue
		}
		x := agg.value(now)
		switch {
		case !j.holds(x):
			open = nil
			continue
		case open == nil || t-open.end >= j.width:
			open = j.begin(marks[lo:hi], parties, inside, x)
			touched = append(touched, open)
		default:
			open.count += added
			open.tally(now, parties)
			if len(touched) == 0 {
				touched = append(touched, open) // it began before s
			}
		}
		j.extend(open, t, x)
	}
	return touched, open
}

// firstSecond is the marks at the front that share the first one's time.
func firstSecond(marks []mark) []mark {
	n := 1
	for n < len(marks) && marks[n].t == marks[0].t {
		n++
	}
	return marks[:n]
}

// judge knows when a correlation's condition holds.
type judge struct {
	spec      *sigma.Correlation
	width     int64
	condition sigma.Range
	lowest    bool // only upper bounds: the low values are the telling ones
}

func newJudge(spec *sigma.Correlation) judge {
	c := spec.Condition
	if spec.Type.Temporal() && c == (sigma.Range{}) {
		all := float64(len(spec.Inputs))
		c.GTE = &all
	}
	upper := c.LT != nil || c.LTE != nil
	lower := c.GT != nil || c.GTE != nil || c.EQ != nil
	return judge{spec, seconds(spec.Timespan), c, upper && !lower}
}

func (j *judge) holds(x float64) bool {
	c := &j.condition
	return (c.GT == nil || x > *c.GT) &&
		(c.GTE == nil || x >= *c.GTE) &&
		(c.LT == nil || x < *c.LT) &&
		(c.LTE == nil || x <= *c.LTE) &&
		(c.EQ == nil || x == *c.EQ) &&
		(c.NEQ == nil || x != *c.NEQ)
}

// begin opens an episode at the last of the marks in the window, which hold that
// many events. A sequence begins with the first rule, not with what came before.
func (j *judge) begin(marks []mark, parties *party.Table, events int, x float64) *episode {
	crossed := marks[len(marks)-1].t
	if j.spec.Type == sigma.TemporalOrdered {
		first := slices.IndexFunc(marks, func(m mark) bool { return m.key == ruleKey(0) })
		first = max(first, 0) // a condition such as "lt 2" holds without the first rule
		for _, m := range marks[:first] {
			events -= int(m.n)
		}
		marks = marks[first:]
	}
	e := &episode{
		start:   marks[0].t,
		crossed: crossed,
		count:   events,
		value:   x,
		steps:   make([]int64, len(j.spec.Steps)),
		shown:   marks[0].t - 1,
	}
	e.tally(marks, parties)
	return e
}

// tally counts whom marks of the episode are of.
func (e *episode) tally(marks []mark, parties *party.Table) {
	for _, m := range marks {
		e.of.Add(parties.Party(m.who), int(m.n), m.failed)
	}
}

func (j *judge) extend(e *episode, t int64, x float64) {
	e.end = t
	if j.spec.InTemporal {
		e.held = append(e.held, t)
	}
	if j.lowest {
		e.value = min(e.value, x)
	} else {
		e.value = max(e.value, x)
	}
	for i, step := range j.spec.Steps {
		if e.steps[i] == 0 && x >= step {
			e.steps[i] = t
		}
	}
}
