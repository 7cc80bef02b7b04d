package correlate

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

// naive is the reference: the definitions of the package comment, each mark
// compared with each other, for correlations of the form that spec makes.
func naive(s *sigma.Correlation, events []seen) []Firing {
	groups := map[string][]naiveMark{}
	latest := int64(math.MinInt64)
	for id, e := range events {
		latest = max(latest, e.at)
		g := e.group
		if g == "-" {
			g = ""
		}
		groups[g] = append(groups[g], naiveMarks(s, e, id)...)
	}
	var all []Firing
	for g, marks := range groups {
		if len(marks) == 0 {
			continue
		}
		for _, f := range naiveGroup(s, marks, latest) {
			f.Group = []string{g}
			all = append(all, f)
		}
	}
	slices.SortFunc(all, compareFirings)
	return all
}

type naiveMark struct {
	t      int64
	event  *rootkeep.Event
	rule   int
	text   string
	number float64
	n      int
	who    party.Who
}

func naiveMarks(s *sigma.Correlation, e seen, id int) []naiveMark {
	var rules []int
	for _, r := range e.rules {
		if int(r) < len(s.Inputs) {
			rules = append(rules, int(r))
		}
	}
	if len(rules) == 0 {
		return nil
	}
	m := naiveMark{t: e.at, event: e.event(id), n: 1, who: e.who()}
	var marks []naiveMark
	switch s.Type {
	case sigma.Temporal, sigma.TemporalOrdered:
		for _, m.rule = range rules {
			marks = append(marks, m)
			m.n = 0
		}
		return marks
	case sigma.EventCount, sigma.Absence:
		return []naiveMark{m}
	}
	m.rule = rules[0]
	for _, v := range e.values {
		numeric := s.Type == sigma.ValueSum || s.Type == sigma.ValueAvg || s.Percentile > 0
		x, err := strconv.ParseFloat(v, 64)
		if v == "-" || numeric && err != nil {
			continue
		}
		m.text, m.number = v, x
		marks = append(marks, m)
		if s.Type == sigma.ValueCount {
			m.n = 0
		}
	}
	return marks
}

func naiveGroup(s *sigma.Correlation, marks []naiveMark, latest int64) []Firing {
	slices.SortStableFunc(marks, func(a, b naiveMark) int { return cmp.Compare(a.t, b.t) })
	switch s.Type {
	case sigma.NewValue:
		return naiveNew(s, marks)
	case sigma.Absence:
		return naiveAbsence(s, marks, latest)
	}
	var firings []Firing
	var open *Firing
	previous := int64(math.MinInt64)
	for _, t := range naiveSeconds(marks) {
		in := naiveWithin(marks, t-seconds(s.Timespan)+1, t)
		x := naiveValue(s, in, t)
		if open != nil && t-previous >= seconds(s.Timespan) {
			open = nil
		}
		previous = t
		if !naiveHolds(s, x) {
			open = nil
			continue
		}
		if open == nil {
			firings = append(firings, Firing{Start: naiveStart(s, in), Crossed: t, Value: x, Steps: make([]int64, len(s.Steps))})
			open = &firings[len(firings)-1]
		}
		open.End = t
		if s.InTemporal {
			open.Held = append(open.Held, t)
		}
		if c := s.Condition; c.LTE != nil && c.GTE == nil {
			open.Value = min(open.Value, x)
		} else {
			open.Value = max(open.Value, x)
		}
		for i, step := range s.Steps {
			if open.Steps[i] == 0 && x >= step {
				open.Steps[i] = t
			}
		}
	}
	for i := range firings {
		f := &firings[i]
		for _, m := range naiveWithin(marks, f.Start, f.End) {
			f.Count += m.n
			f.Of.Add(m.who.Party, m.n, m.who.Failed)
			if !slices.ContainsFunc(f.Events, func(e *rootkeep.Event) bool { return e.ID == m.event.ID }) {
				f.Events = append(f.Events, m.event)
			}
		}
		slices.SortFunc(f.Events, compareEvents)
	}
	return firings
}

func naiveSeconds(marks []naiveMark) []int64 {
	var all []int64
	for _, m := range marks {
		all = append(all, m.t)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func naiveWithin(marks []naiveMark, from, to int64) []naiveMark {
	var in []naiveMark
	for _, m := range marks {
		if m.t >= from && m.t <= to {
			in = append(in, m)
		}
	}
	return in
}

func naiveStart(s *sigma.Correlation, in []naiveMark) int64 {
	if s.Type == sigma.TemporalOrdered {
		for _, m := range in {
			if m.rule == 0 {
				return m.t
			}
		}
	}
	return in[0].t
}

func naiveHolds(s *sigma.Correlation, x float64) bool {
	c := s.Condition
	if c == (sigma.Range{}) {
		return x >= float64(len(s.Inputs))
	}
	return (c.GTE == nil || x >= *c.GTE) && (c.LTE == nil || x <= *c.LTE) &&
		(c.EQ == nil || x == *c.EQ) && (c.NEQ == nil || x != *c.NEQ)
}

func naiveValue(s *sigma.Correlation, in []naiveMark, now int64) float64 {
	texts, rules := map[string]int{}, map[int]bool{}
	var numbers []float64
	events, total := 0, 0.0
	for _, m := range in {
		texts[m.text]++
		rules[m.rule] = true
		numbers = append(numbers, m.number)
		events += m.n
		total += m.number
	}
	switch {
	case s.Type == sigma.EventCount:
		return float64(events)
	case s.Type == sigma.ValueCount:
		return float64(len(texts))
	case s.Type == sigma.Temporal:
		return float64(len(rules))
	case s.Type == sigma.TemporalOrdered:
		n := 0
		for n < len(s.Inputs) && naiveSequence(in, 0, n, math.MinInt64) {
			n++
		}
		return float64(n)
	case s.Type == sigma.ValueSum:
		return total
	case s.Type == sigma.ValueAvg:
		return total / float64(len(numbers))
	case s.Percentile > 0:
		slices.Sort(numbers)
		return numbers[int(math.Ceil(s.Percentile*float64(len(numbers))/100))-1]
	}
	var shares []float64
	for _, m := range in {
		if m.t == now {
			shares = append(shares, 100*float64(texts[m.text])/float64(len(in)))
		}
	}
	if s.Condition.LTE != nil && s.Condition.GTE == nil {
		return slices.Min(shares)
	}
	return slices.Max(shares)
}

// naiveSequence tries every way to match the rules from first to last in order.
func naiveSequence(in []naiveMark, first, last int, after int64) bool {
	if first > last {
		return true
	}
	for _, m := range in {
		if m.rule == first && m.t >= after && naiveSequence(in, first+1, last, m.t) {
			return true
		}
	}
	return false
}

func naiveNew(s *sigma.Correlation, marks []naiveMark) []Firing {
	first := map[string]int64{}
	for _, m := range slices.Backward(marks) {
		first[m.text] = m.t
	}
	var firings []Firing
	for _, text := range slices.Sorted(maps.Keys(first)) {
		t := first[text]
		if t <= marks[0].t+seconds(s.Timespan) {
			continue
		}
		var events []*rootkeep.Event
		for _, m := range marks {
			if m.t == t && m.text == text {
				events = append(events, m.event)
			}
		}
		slices.SortFunc(events, compareEvents)
		firings = append(firings, Firing{Start: t, Crossed: t, End: t, Count: 1, NewValue: text, Steps: make([]int64, len(s.Steps)), Events: events[:1]})
	}
	return firings
}

func naiveAbsence(s *sigma.Correlation, marks []naiveMark, latest int64) []Firing {
	var firings []Firing
	times := naiveSeconds(marks)
	for i, t := range times {
		end, count := latest, 1
		if i+1 < len(times) {
			end, count = times[i+1], 2
		}
		steady := i // where the activity before the silence began
		for steady > 0 && times[steady]-times[steady-1] < seconds(s.Timespan) {
			steady--
		}
		if t-times[steady] < int64(s.Steady/time.Second) {
			continue
		}
		if w := seconds(s.Timespan); end-t >= w {
			firings = append(firings, Firing{Start: t, Crossed: t + w, End: end, Count: count, Value: float64(end - t), Steps: make([]int64, len(s.Steps))})
		}
	}
	return firings
}
