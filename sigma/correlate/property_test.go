package correlate

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/sigma"
)

var kinds = []sigma.CorrelationType{
	sigma.EventCount, sigma.ValueCount, sigma.Temporal, sigma.TemporalOrdered, sigma.ValueSum,
	sigma.ValueAvg, sigma.ValuePercentile, sigma.NewValue, sigma.Absence,
}

func drawSpec(t *rapid.T) *sigma.Correlation {
	kind := rapid.SampledFrom(kinds).Draw(t, "type")
	s := spec(kind, time.Duration(rapid.IntRange(1, 12).Draw(t, "timespan"))*time.Second, rapid.IntRange(1, 3).Draw(t, "rules"), sigma.Range{})
	limit := func(name string) *float64 { return bound(float64(rapid.IntRange(1, 6).Draw(t, name))) }
	switch rapid.SampledFrom([]string{"all", "gte", "gte", "gte", "lte", "between", "eq", "neq"}).Draw(t, "condition") {
	case "all":
		if kind != sigma.Temporal && kind != sigma.TemporalOrdered {
			s.Condition.GTE = limit("gte")
		}
	case "gte":
		s.Condition.GTE = limit("gte")
	case "lte":
		s.Condition.LTE = limit("lte")
	case "between":
		s.Condition.GTE, s.Condition.LTE = limit("gte"), limit("lte")
	case "eq":
		s.Condition.EQ = limit("eq")
	case "neq":
		s.Condition.NEQ = limit("neq")
	}
	if kind == sigma.ValuePercentile {
		s.Percentile = rapid.SampledFrom([]float64{0, 1, 25, 50, 90, 100}).Draw(t, "percentile")
	}
	if kind == sigma.Absence {
		s.Steady = time.Duration(rapid.SampledFrom([]int{0, 0, 5, 20}).Draw(t, "steady")) * time.Second
	}
	if rapid.Bool().Draw(t, "steps") {
		s.Steps = []float64{float64(rapid.IntRange(2, 8).Draw(t, "step"))}
	}
	return s
}

func drawEvents(t *rapid.T) []seen {
	// A long and a short stretch of time make sparse and dense marks.
	last := rapid.SampledFrom([]int64{15, 60, 300}).Draw(t, "last")
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) seen {
		return seen{
			at:     rapid.Int64Range(1, last).Draw(t, "at"),
			rules:  rapid.SampledFrom([][]int32{{0}, {0}, {1}, {2}, {0, 1}, {1, 2}, {}}).Draw(t, "rules"),
			group:  rapid.SampledFrom([]string{"a", "a", "a", "b", "", "-"}).Draw(t, "group"),
			of:     rapid.SampledFrom([]string{"a x", "a x", "a x", "a y", "b x"}).Draw(t, "of"),
			failed: rapid.Bool().Draw(t, "failed"),
			values: rapid.SliceOfN(rapid.SampledFrom([]string{"0", "1", "2", "3", "x"}), 0, 2).Draw(t, "values"),
		}
	}), 0, 60).Draw(t, "events")
}

// compareOutcome leaves out what naive does not choose: of more than ten events
// those that are shown.
var compareOutcome = cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Firing{}, "Events", "Sample")}

func TestWorkersInAnyOrderAgreeWithNaive(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		s, events := drawSpec(t), drawEvents(t)
		order := rapid.Permutation(indices(len(events))).Draw(t, "order")
		workers := make([]*Correlator, rapid.IntRange(1, 4).Draw(t, "workers"))
		for i := range workers {
			workers[i] = newCorrelator(3, []*sigma.Correlation{s})
		}
		for _, i := range order {
			events[i].feed(workers[rapid.IntRange(0, len(workers)-1).Draw(t, "worker")], i)
		}
		for _, w := range workers[1:] {
			workers[0].Merge(w)
		}
		alone := newCorrelator(3, []*sigma.Correlation{s})
		for i, e := range events {
			e.feed(alone, i)
		}
		got, want := workers[0].Flush(math.MaxInt64), naive(s, events)
		if diff := cmp.Diff(alone.Flush(math.MaxInt64), got); diff != "" {
			t.Fatalf("firings with evidence (-one worker +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, got, compareOutcome); diff != "" {
			t.Fatalf("firings (-naive +got):\n%s", diff)
		}
		for i := range got {
			checkEvents(t, s, got[i], want[i])
		}
	})
}

func indices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// checkEvents holds the evidence to what Firing promises.
func checkEvents(t *rapid.T, s *sigma.Correlation, got, want Firing) {
	if s.Type == sigma.Absence {
		if len(got.Events) != got.Count {
			t.Fatalf("events of a silence: got %d, want %d", len(got.Events), got.Count)
		}
		return
	}
	if len(got.Events) == 0 || len(got.Events) > maxEvents || !slices.IsSortedFunc(got.Events, compareEvents) {
		t.Fatalf("events: got %d, want 1 to 10, sorted", len(got.Events))
	}
	if len(want.Events) <= maxEvents {
		if diff := cmp.Diff(want.Events, got.Events); diff != "" {
			t.Fatalf("events (-naive +got):\n%s", diff)
		}
		return
	}
	for _, e := range got.Events {
		if !slices.ContainsFunc(want.Events, func(w *rootkeep.Event) bool { return w.ID == e.ID }) {
			t.Fatalf("event %s is not of the episode", e.ID)
		}
	}
}

func TestFlushesInBetweenAgreeWithNaive(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		s, events := drawSpec(t), drawEvents(t)
		c := newCorrelator(3, []*sigma.Correlation{s})
		latest := int64(0)
		for _, e := range events {
			latest = max(latest, e.at)
		}
		// A watermark never passes the latest event, so that a silence at the end
		// reaches as far for both.
		flushes := rapid.SliceOfN(rapid.Int64Range(0, latest), 0, 6).Draw(t, "flushes")
		slices.Sort(flushes)
		rest := rapid.Permutation(indices(len(events))).Draw(t, "order")
		outcome := map[string]Firing{}
		flush := func(until int64) {
			rest = slices.DeleteFunc(rest, func(i int) bool {
				due := events[i].at <= until || rapid.IntRange(0, 3).Draw(t, "early") == 0
				if due {
					events[i].feed(c, i)
				}
				return due
			})
			for _, f := range c.Flush(until) {
				if f.Crossed > until || f.End > until && until < math.MaxInt64 {
					t.Fatalf("Flush(%d) tells the future: %+v", until, f)
				}
				outcome[fmt.Sprint(f.Group, f.Crossed, f.NewValue)] = f
			}
		}
		for _, until := range append(flushes, math.MaxInt64) {
			flush(until)
		}
		var got []Firing
		for _, f := range outcome {
			got = append(got, f)
		}
		slices.SortFunc(got, compareFirings)
		want := naive(s, events)
		if s.Type == sigma.Absence {
			forgetOngoingEnds(got)
			forgetOngoingEnds(want)
		}
		if diff := cmp.Diff(want, got, compareOutcome); diff != "" {
			t.Fatalf("firings (-naive +got):\n%s", diff)
		}
		if got := c.Late(); got != 0 {
			t.Fatalf("late events: got %d, want 0", got)
		}
	})
}

// forgetOngoingEnds clears how far a silence reached that nothing ended: it is
// told when it crosses, not again as it goes on.
func forgetOngoingEnds(firings []Firing) {
	for i := range firings {
		if firings[i].Count == 1 {
			firings[i].End, firings[i].Value = 0, 0
		}
	}
}

func TestChainsAgreeWithNaive(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		inner, events := drawSpec(t), drawEvents(t)
		outer, chain := drawOuter(t, inner)
		c := newCorrelator(3, []*sigma.Correlation{inner, outer})
		for i, e := range events {
			e.feed(c, i)
		}
		var marks []seen
		want := naive(inner, events)
		for _, f := range want {
			for t := range f.moments(outer) {
				marks = append(marks, at(t, chain).in(f.Group[0]))
			}
		}
		for _, e := range events {
			if len(outer.Inputs) == 2 && slices.Contains(e.rules, 0) {
				marks = append(marks, at(e.at, 1-chain).in(e.group))
			}
		}
		for _, f := range naive(outer, marks) {
			f.Correlation = 1
			want = append(want, f)
		}
		slices.SortFunc(want, compareFirings)
		got := c.Flush(math.MaxInt64)
		forgetGrownEvidence(got)
		forgetGrownEvidence(want)
		if diff := cmp.Diff(want, got, compareOutcome); diff != "" {
			t.Fatalf("firings (-naive +got):\n%s", diff)
		}
	})
}

// drawOuter draws a correlation that refers to the inner one, as the input chain, and
// if it is temporal to base rule 0.
func drawOuter(t *rapid.T, inner *sigma.Correlation) (outer *sigma.Correlation, chain int32) {
	kind := rapid.SampledFrom([]sigma.CorrelationType{sigma.EventCount, sigma.Temporal, sigma.TemporalOrdered}).Draw(t, "outer type")
	timespan := time.Duration(rapid.IntRange(1, 100).Draw(t, "outer timespan")) * time.Second
	if kind == sigma.EventCount {
		outer = spec(kind, timespan, 1, gte(float64(rapid.IntRange(1, 3).Draw(t, "outer gte"))))
	} else {
		inner.InTemporal = true
		chain = rapid.Int32Range(0, 1).Draw(t, "chain")
		outer = spec(kind, timespan, 2, sigma.Range{})
		outer.Inputs[1-chain].Rule = 0
	}
	outer.Inputs[chain] = sigma.Input{Rule: -1, Correlation: 0, Group: []int{0}}
	return outer, chain
}

func TestThinningKeepsTheCountOfDistinctValues(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		w := rapid.Int64Range(1, 10).Draw(t, "width")
		draw := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) mark {
			return mark{t: rapid.Int64Range(0, 40).Draw(t, "t"), key: ruleKey(rapid.IntRange(0, 2).Draw(t, "key")), n: 1}
		}), 0, 60)
		before, later := draw.Draw(t, "marks"), draw.Draw(t, "later")
		thinned := fold(slices.Clone(before))
		thin(thinned, w)
		for now := int64(0); now < 60; now++ {
			want := distinctWithin(slices.Concat(before, later), now-w+1, now)
			if got := distinctWithin(slices.Concat(thinned, later), now-w+1, now); got != want {
				t.Fatalf("distinct values at %d: got %d, want %d", now, got, want)
			}
		}
	})
}

func distinctWithin(marks []mark, from, to int64) int {
	in := map[key]bool{}
	for _, m := range marks {
		if !m.bare && m.t >= from && m.t <= to {
			in[m.key] = true
		}
	}
	return len(in)
}

func TestThinningBoundsTheMarksOfAValue(t *testing.T) {
	c := newCorrelator(1, []*sigma.Correlation{spec(sigma.ValueCount, time.Hour, 1, gte(1000))})
	const minutes = 24 * 60
	for i := range minutes {
		for value := range 50 {
			at(int64(i)*60).with(fmt.Sprint(value)).feed(c, i)
		}
	}
	for _, g := range c.correlations[0].groups {
		w := g.state.(*window)
		w.compact()
		// One bare mark for each minute, two marks a timespan for each value.
		if got, most := len(w.marks), minutes+50*2*25; got > most {
			t.Errorf("marks kept of %d: got %d, want at most %d", 50*minutes, got, most)
		}
	}
}
