// Package correlate runs Sigma correlations over event time. Matches of base
// rules go in, in any order and from any number of workers; firings come out.
//
// # Windows and episodes
//
// A match that feeds a correlation is a mark: a second, and what the correlation
// counts. At time t the window holds the marks of its group in (t-timespan, t]:
// of five marks whose last comes exactly one timespan after the first, four are
// in the window. The condition is judged at marks only, once for each second
// that has any, with all marks of that second inside. So "lt 3" says nothing
// about the time when nothing happens; absence does.
//
// An episode begins at a mark where the condition holds and goes on while it
// holds at each following mark. It ends before a mark where the condition fails,
// and before one that comes a timespan or more after the mark before it: the two
// windows share nothing. One episode is one Firing.
//
// # Types
//
//   - event_count counts events. An event that matches several rules of the
//     correlation is one mark.
//   - value_count counts distinct values, or distinct tuples of several fields. With
//     Needs it counts nothing in a window without a match of one of those rules.
//   - temporal counts distinct rules; without a condition all must have matched.
//   - temporal_ordered counts how many of the rules, from the first one on, have
//     matched in the order they are listed. Rules that match in the same second
//     are in order whatever the order of the records.
//   - value_sum and value_avg add up numbers exactly, so that the order of adding
//     cannot move a result across its bound.
//   - value_percentile with a rank P compares the nearest-rank percentile: of the
//     n numbers in the window, the ceil(P/100*n)-th smallest. The specification
//     names no rank, and its sample bounds a text by a percentage; so without a
//     rank (0) the type compares how much of the window the value of a mark makes
//     up, in percent: "lte 1" holds at a value that is at most 1% of all.
//   - new_value fires once for a value (or tuple) whose first sighting in its
//     group is later than the group's first mark plus the timespan.
//   - absence fires when a group that was active gives no mark for a timespan or
//     longer; with Steady only if it had been active that long, without such a pause.
//
// # Chains
//
// What a correlation fires is a mark of those that refer to it, at the second in which
// its condition began to hold. For temporal and temporal_ordered every second with a
// mark in which it holds is one: failures that have gone on for days still come before a
// success.
//
// A group-by field that is absent or null groups under "". A counted value that
// is absent, null, or no number where a number is needed, gives no mark; nor does
// a tuple with an absent member. Each element of an array is a value of its own;
// a tuple and a group take the first element.
//
// # Memory
//
// Nothing is capped silently. A group costs about 600 bytes and its key; then a
// window 32 bytes for each second and value with a mark (values are kept as
// digests, and the marks whose value is implied by their neighbours shrink to one
// per second); and at most ten events of evidence for each rule and quarter of a
// timespan. Buffers grow to twice that before they are compacted.
// new_value keeps at most 4,096 values a group and reports the groups with more.
package correlate

import (
	"math"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

// Firing is one episode of one correlation in one group, one new value, or one
// silence. Correlation, Group, NewValue and Crossed identify it: in live use it
// is reported again when it has grown.
type Firing struct {
	Correlation int // number in Set.Correlations
	// Group holds the values of the correlation's group-by fields. A value over 256
	// bytes is cut there and ends in ~ and 32 hexadecimal digits of its SHA-256.
	Group []string
	// Start is the earliest mark in the window at Crossed (for temporal_ordered the
	// earliest of the first rule), or the last mark before a silence. Crossed is
	// when the condition began to hold, the first sighting of a new value, or the
	// moment when a silence had lasted a timespan. End is the last mark of the
	// episode, or the mark that ended a silence, or how far the log was read. Unix
	// seconds.
	Start, Crossed, End int64
	// Count is the number of events from Start to End, where each number counts if
	// the field of a value_sum, value_avg or value_percentile holds several. For an
	// absence it counts the events on either side of it.
	Count int
	// Value is the highest value that the condition compared, or the lowest if it
	// has only upper bounds; for an absence the seconds of silence.
	Value float64
	// NewValue is the value of a new_value, the members of a tuple joined by ", ".
	NewValue string
	// Steps says when Value reached each of Correlation.Steps, Unix seconds, 0 for
	// never.
	Steps []int64
	// Held are the seconds of the episode with a mark at which the condition held,
	// those that this Flush settled; nil unless a temporal correlation asks for them.
	Held []int64
	// Events are at most 10 events of the episode, earliest first: the earliest of
	// each rule, then the earliest ones. When a rule matched more than ten times
	// in a quarter of a timespan its later events there may be missing.
	Events []*rootkeep.Event
	// Sample are at most 100 events of the episode, earliest first: all of a short
	// one, the earliest ten of each rule in each quarter of a timespan of a long
	// one. It tells who and from where without claiming to tell all. Empty for
	// new_value and absence.
	Sample []*rootkeep.Event
	// Of says whom the Count events are of. Empty for new_value and absence: see Whose.
	Of party.Tally
}

// Saturation names a group with more distinct values than new_value keeps. Its
// 4,096 earliest values are exact; later ones do not fire.
type Saturation struct {
	Correlation int
	Group       []string
}

// Correlator holds the windows of all correlations of a set. It serves one
// goroutine; workers have one each and are merged.
type Correlator struct {
	correlations []*correlation // each after those that feed it, as the set has them
	byRule       [][]feed       // rule number -> what its matches feed
	byFiring     [][]feed       // correlation number -> what its firings feed

	record  record // the event of the current Observe
	serial  uint64 // of the event or firing that is being fed
	latest  int64  // latest time seen, of any event
	flushed int64
	late    int
}

// feed is one input of one correlation.
type feed struct {
	into  *correlation
	input int
}

// farthest bounds times, in seconds either side of 1970 (about 35,000 years), so
// that adding a timespan to one cannot overflow.
const farthest = 1 << 40

// New prepares the correlations of a compiled set.
func New(set *sigma.Set) *Correlator {
	return newCorrelator(len(set.Rules()), set.Correlations())
}

func newCorrelator(rules int, specs []*sigma.Correlation) *Correlator {
	c := &Correlator{
		byRule:   make([][]feed, rules),
		byFiring: make([][]feed, len(specs)),
		latest:   -farthest,
		flushed:  math.MinInt64,
	}
	for i, spec := range specs {
		c.correlations = append(c.correlations, newCorrelation(i, spec))
	}
	for _, into := range c.correlations {
		for i, in := range into.spec.Inputs {
			f := feed{into, i}
			switch {
			case in.Rule >= 0:
				c.byRule[in.Rule] = append(c.byRule[in.Rule], f)
			case in.Correlation >= 0:
				c.byFiring[in.Correlation] = append(c.byFiring[in.Correlation], f)
			}
		}
	}
	return c
}

// Observe takes one event: its fields, the numbers of the rules that it matched
// in ascending order, its time in Unix seconds, and whom it is of. It calls evidence, at most
// once, only if the event may be shown with a firing; evidence may return nil.
// Events without a match need not be given, but a silence at the end of a log
// is only seen as far as events are.
func (c *Correlator) Observe(v *rootkeep.View, matched []int32, t int64, who party.Who, evidence func() *rootkeep.Event) {
	t = min(max(t, -farthest), farthest)
	c.latest = max(c.latest, t)
	fed := false
	for _, rule := range matched {
		for _, f := range c.byRule[rule] {
			if !fed {
				if t <= c.flushed {
					c.late++
					return
				}
				fed = true
				c.serial++
				c.record = record{view: v, of: who, evidence: evidence}
			}
			f.into.observe(&c.record, f.input, t, c.serial)
		}
	}
	if fed {
		c.record = record{} // the view is the caller's again
	}
}

// Merge takes over the state of another worker's Correlator of the same set,
// which must not be used afterwards. Workers are merged before the first Flush;
// the order of merging does not change the outcome.
func (c *Correlator) Merge(other *Correlator) {
	for i, o := range other.correlations {
		c.correlations[i].merge(o)
	}
	c.latest = max(c.latest, other.latest)
}

// Flush settles everything up to until (Unix seconds, inclusive) and returns what
// fired, ordered by Crossed, correlation and group. math.MaxInt64 settles all
// there is, silences up to the latest event that was seen.
//
// In live use it is called again with a rising until, as the caller learns that
// no earlier event will come. An episode is then returned at the first Flush
// after it crossed, and again, grown, by each Flush that saw it go on. State that
// cannot matter any more is dropped, and an event at or before until that comes
// later is counted by Late and ignored.
func (c *Correlator) Flush(until int64) []Firing {
	silence := until // a group without marks is known to be silent up to here
	if until == math.MaxInt64 {
		silence = c.latest
	}
	until = min(until, farthest)
	if until <= c.flushed {
		return nil
	}
	var all []Firing
	for _, cor := range c.correlations {
		fired := cor.settle(span{c.flushed, until}, min(silence, until))
		for i := range fired {
			c.chain(&fired[i])
		}
		all = append(all, fired...)
	}
	c.flushed = until
	slices.SortFunc(all, compareFirings)
	return all
}

// chain feeds a firing to the correlations that ask for it, as far as it is new since
// the last Flush.
func (c *Correlator) chain(f *Firing) {
	for _, next := range c.byFiring[f.Correlation] {
		for t, events := range f.moments(next.into.spec) {
			if t > c.flushed {
				c.serial++
				next.into.observe(fired{f, events, f.who()}, next.input, t, c.serial)
			}
		}
	}
}

// Late is the number of events that fed a correlation but came after a Flush had
// settled their time.
func (c *Correlator) Late() int { return c.late }

// Learning is the number of new_value groups whose history is not longer than
// their learning time: nothing in them could have fired.
func (c *Correlator) Learning() int {
	n := 0
	for _, cor := range c.correlations {
		for _, g := range cor.groups {
			if b, ok := g.state.(*baseline); ok && b.learning() {
				n++
			}
		}
	}
	return n
}

// Saturated lists the new_value groups with more values than are kept, ordered by
// correlation and group.
func (c *Correlator) Saturated() []Saturation {
	var all []Saturation
	for _, cor := range c.correlations {
		for _, g := range cor.groups {
			if b, ok := g.state.(*baseline); ok && b.saturated() {
				all = append(all, Saturation{cor.number, g.values})
			}
		}
	}
	slices.SortFunc(all, func(a, b Saturation) int {
		if a.Correlation != b.Correlation {
			return a.Correlation - b.Correlation
		}
		return slices.Compare(a.Group, b.Group)
	})
	return all
}

// seconds is a timespan in whole seconds, rounded up: event times have no finer
// resolution, and a window of nothing would hold not even the mark it is judged
// at.
func seconds(d time.Duration) int64 {
	return min(max(1, int64((d+time.Second-1)/time.Second)), farthest)
}
