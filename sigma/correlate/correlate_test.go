package correlate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

// Fields of the views in these tests.
const (
	fieldGroup = iota
	fieldValue
	fieldOther
	fieldCount
)

// seen is one event of a test: fields that hold "-" are absent.
type seen struct {
	at     int64
	rules  []int32
	group  string
	values []string
	other  string
	of     string // account and principal, in one
	failed bool
}

func at(t int64, rules ...int32) seen {
	if rules == nil {
		rules = []int32{0}
	}
	return seen{at: t, rules: rules, group: "g"}
}

func (s seen) in(group string) seen       { s.group = group; return s }
func (s seen) with(values ...string) seen { s.values = values; return s }
func (s seen) and(other string) seen      { s.other = other; return s }

func (s seen) view() *rootkeep.View {
	v := rootkeep.NewView(fieldCount, 0)
	add := func(field int, text string) {
		if text != "-" {
			v.Add(field, rootkeep.Value{Kind: rootkeep.String, Text: []byte(text)})
		}
	}
	add(fieldGroup, s.group)
	for _, x := range s.values {
		add(fieldValue, x)
	}
	add(fieldOther, s.other)
	return v
}

func (s seen) event(id int) *rootkeep.Event {
	return &rootkeep.Event{ID: fmt.Sprintf("%06d", id), Time: time.Unix(s.at, 0).UTC()}
}

func (s seen) who() party.Who {
	account, _, _ := strings.Cut(s.of, " ")
	return party.Who{Party: party.Of([]byte(account), []byte(s.of)), Failed: s.failed}
}

func (s seen) feed(c *Correlator, id int) {
	c.Observe(s.view(), s.rules, s.at, s.who(), func() *rootkeep.Event { return s.event(id) })
}

// spec makes a correlation of base rules 0 to rules-1, grouped by fieldGroup.
func spec(kind sigma.CorrelationType, timespan time.Duration, rules int, condition sigma.Range) *sigma.Correlation {
	s := &sigma.Correlation{Type: kind, Timespan: timespan, Condition: condition, GroupBy: []string{"group"}}
	for i := range rules {
		s.Inputs = append(s.Inputs, sigma.Input{Rule: i, Correlation: -1, Group: []int{fieldGroup}, Fields: []int{fieldValue}})
	}
	return s
}

func bound(x float64) *float64 { return &x }

func gte(x float64) sigma.Range { return sigma.Range{GTE: &x} }

// summary is one line for a firing, easier to read in a table than the struct.
func summary(f Firing) string {
	s := fmt.Sprintf("%s %d..%d at %d, %d events, value %g", strings.Join(f.Group, "+"), f.Start, f.End, f.Crossed, f.Count, f.Value)
	if f.NewValue != "" {
		s += ", new " + f.NewValue
	}
	for _, step := range f.Steps {
		s += ", step " + strconv.FormatInt(step, 10)
	}
	return s
}

func summaries(firings []Firing) []string {
	var lines []string
	for _, f := range firings {
		lines = append(lines, summary(f))
	}
	return lines
}

func times(n int, from, every int64) []seen {
	var all []seen
	for i := range n {
		all = append(all, at(from+int64(i)*every))
	}
	return all
}

func concat(parts ...[]seen) []seen {
	var all []seen
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func TestFirings(t *testing.T) {
	fiveIn5 := spec(sigma.EventCount, 5*time.Minute, 1, gte(5))
	escalating := spec(sigma.EventCount, 5*time.Minute, 1, gte(5))
	escalating.Steps = []float64{10}
	twoRules := spec(sigma.EventCount, time.Minute, 2, gte(2))
	tuple := spec(sigma.ValueCount, time.Minute, 1, gte(3))
	tuple.Inputs[0].Fields = []int{fieldValue, fieldOther}
	needing := spec(sigma.ValueCount, time.Minute, 2, gte(2))
	needing.Needs, needing.Inputs[1].Needed = []string{"second"}, true
	ordered := spec(sigma.TemporalOrdered, time.Minute, 3, sigma.Range{})
	orderedSome := spec(sigma.TemporalOrdered, time.Minute, 3, gte(2))
	median := spec(sigma.ValuePercentile, time.Minute, 1, gte(50))
	median.Percentile = 50
	steady := spec(sigma.Absence, time.Minute, 1, sigma.Range{})
	steady.Steady = 100 * time.Second
	byTwo := spec(sigma.EventCount, time.Minute, 1, gte(2))
	byTwo.Inputs[0].Group = []int{fieldGroup, fieldOther}

	for _, tc := range []struct {
		name   string
		spec   *sigma.Correlation
		events []seen
		want   []string
	}{
		{"four failures stay quiet", fiveIn5, times(4, 0, 1), nil},
		{"five failures in 4:59 fire", fiveIn5, append(times(4, 0, 60), at(299)), []string{"g 0..299 at 299, 5 events, value 5"}},
		{"five failures whose last comes exactly 5:00 after the first stay quiet", fiveIn5, append(times(4, 0, 60), at(300)), nil},
		{"five failures in one second fire", fiveIn5, times(5, 7, 0), []string{"g 7..7 at 7, 5 events, value 5"}},
		{"order of arrival does not matter", fiveIn5, []seen{at(40), at(10), at(30), at(0), at(20)}, []string{"g 0..40 at 40, 5 events, value 5"}},
		{"failures of two groups do not add up", fiveIn5, append(times(4, 0, 1), at(5).in("h")), nil},
		{"ten failures are the second state of the same firing", escalating, times(12, 0, 10),
			[]string{"g 0..110 at 40, 12 events, value 12, step 90"}},
		{"nine failures do not escalate", escalating, times(9, 0, 10), []string{"g 0..80 at 40, 9 events, value 9, step 0"}},
		{"two bursts are two episodes", fiveIn5, concat(times(5, 0, 1), times(6, 1000, 1)),
			[]string{"g 0..4 at 4, 5 events, value 5", "g 1000..1005 at 1004, 6 events, value 6"}},
		{"overlapping windows are one episode", fiveIn5, times(9, 0, 70),
			[]string{"g 0..560 at 280, 9 events, value 5"}},
		{"a burst that goes quiet for less than a timespan but falls below the bound is over", fiveIn5,
			concat(times(5, 0, 1), []seen{at(301)}, times(5, 400, 1)),
			[]string{"g 0..4 at 4, 5 events, value 5", "g 301..404 at 403, 6 events, value 6"}},
		{"a timespan without marks ends an episode even if one mark is enough", spec(sigma.EventCount, time.Minute, 1, gte(1)),
			[]seen{at(0), at(59), at(119)},
			[]string{"g 0..59 at 0, 2 events, value 2", "g 119..119 at 119, 1 events, value 1"}},
		{"lt is judged at marks only", spec(sigma.EventCount, time.Minute, 1, sigma.Range{LT: bound(2)}), []seen{at(0), at(1), at(100)},
			[]string{"g 0..0 at 0, 1 events, value 1", "g 100..100 at 100, 1 events, value 1"}},
		{"a range has two sides", spec(sigma.EventCount, time.Minute, 1, sigma.Range{GT: bound(1), LTE: bound(2)}), times(3, 0, 1),
			[]string{"g 0..1 at 1, 2 events, value 2"}},
		{"neq", spec(sigma.EventCount, time.Minute, 1, sigma.Range{NEQ: bound(1)}), times(2, 0, 1), []string{"g 0..1 at 1, 2 events, value 2"}},
		{"an event that matches two rules is one event", twoRules, []seen{at(0, 0, 1)}, nil},
		{"events of two rules add up", twoRules, []seen{at(0, 0), at(1, 1)}, []string{"g 0..1 at 1, 2 events, value 2"}},
		{"an absent group field groups under the empty text", twoRules, []seen{at(0).in("-"), at(1).in("")}, []string{" 0..1 at 1, 2 events, value 2"}},
		{"group values are not joined ambiguously", byTwo, []seen{at(0).in("a").and("bc"), at(0).in("ab").and("c")}, nil},

		{"a value seen twice counts once", spec(sigma.ValueCount, time.Minute, 1, gte(2)), []seen{at(0).with("a"), at(1).with("a")}, nil},
		{"two values count", spec(sigma.ValueCount, time.Minute, 1, gte(2)), []seen{at(0).with("a"), at(1).with("a"), at(2).with("b")},
			[]string{"g 0..2 at 2, 3 events, value 2"}},
		{"each element of an array is a value of one event", spec(sigma.ValueCount, time.Minute, 1, gte(2)), []seen{at(0).with("a", "b")},
			[]string{"g 0..0 at 0, 1 events, value 2"}},
		{"an event without the field is no mark", spec(sigma.ValueCount, time.Minute, 1, gte(1)), []seen{at(0)}, nil},
		{"tuples differ in any member", tuple, []seen{at(0).with("a").and("x"), at(1).with("a").and("y"), at(2).with("b").and("x")},
			[]string{"g 0..2 at 2, 3 events, value 3"}},
		{"a tuple with an absent member is no mark", tuple, []seen{at(0).with("a").and("x"), at(1).with("a").and("y"), at(2).with("b").and("-")}, nil},

		{"values without the rule that is needed stay quiet", needing, []seen{at(0).with("a"), at(1).with("b")}, nil},
		{"the needed rule is no value of its own", needing, []seen{at(0, 1).with("a"), at(1, 0).with("a")}, nil},
		{"values before and after the needed rule count with it", needing,
			[]seen{at(0, 0).with("a"), at(0, 0).with("b"), at(10, 1).with("a"), at(20, 0).with("c")},
			[]string{"g 0..20 at 10, 4 events, value 3"}},
		{"the needed rule may be the second that an event matches", needing, []seen{at(0, 0).with("a"), at(1, 0, 1).with("b")},
			[]string{"g 0..1 at 1, 2 events, value 2"}},
		{"a needed rule that has left the window is missing", needing, []seen{at(0, 1).with("a"), at(60).with("a"), at(61).with("b")}, nil},

		{"all rules in any order", spec(sigma.Temporal, time.Minute, 3, sigma.Range{}), []seen{at(0, 2), at(1, 0), at(2, 1)},
			[]string{"g 0..2 at 2, 3 events, value 3"}},
		{"a rule that is missing stays quiet", spec(sigma.Temporal, time.Minute, 3, sigma.Range{}), []seen{at(0, 2), at(1, 0), at(2, 2)}, nil},
		{"two of three rules", spec(sigma.Temporal, time.Minute, 3, gte(2)), []seen{at(0, 2), at(1, 0)}, []string{"g 0..1 at 1, 2 events, value 2"}},
		{"one event can satisfy all rules", spec(sigma.Temporal, time.Minute, 2, sigma.Range{}), []seen{at(0, 0, 1)},
			[]string{"g 0..0 at 0, 1 events, value 2"}},
		{"rules in order", ordered, []seen{at(0, 0), at(1, 1), at(2, 2)}, []string{"g 0..2 at 2, 3 events, value 3"}},
		{"rules out of order stay quiet", ordered, []seen{at(0, 1), at(1, 0), at(2, 2)}, nil},
		{"a tie is in order whatever the order of the records", ordered, []seen{at(5, 2), at(5, 1), at(5, 0)}, []string{"g 5..5 at 5, 3 events, value 3"}},
		{"a sequence starts with its first rule", ordered, []seen{at(0, 1), at(1, 0), at(2, 1), at(3, 2)}, []string{"g 1..3 at 3, 3 events, value 3"}},
		{"a later start keeps the sequence in the window", ordered, []seen{at(0, 0), at(50, 0), at(55, 1), at(70, 2)},
			[]string{"g 50..70 at 70, 3 events, value 3"}},
		{"a sequence longer than the window stays quiet", ordered, []seen{at(0, 0), at(50, 1), at(60, 2)}, nil},
		{"the first two rules in order", orderedSome, []seen{at(0, 2), at(1, 0), at(2, 1)}, []string{"g 1..2 at 2, 2 events, value 2"}},

		{"a silence after steady activity", steady, []seen{at(0), at(50), at(100), at(170)}, []string{"g 100..170 at 160, 2 events, value 70"}},
		{"a silence after a short activity stays quiet", steady, []seen{at(0), at(50), at(120), at(300)}, nil},
		{"a small number survives a large one that comes and goes", spec(sigma.ValueSum, time.Minute, 1, sigma.Range{EQ: bound(3)}),
			[]seen{at(0).with("1e300"), at(30).with("1"), at(61).with("2")}, []string{"g 30..61 at 61, 2 events, value 3"}},
		{"a sum beyond the largest number stays a number", spec(sigma.ValueSum, time.Minute, 1, gte(1)),
			[]seen{at(0).with("1.7e308"), at(1).with("1.7e308")}, []string{"g 0..1 at 0, 2 events, value 1.7976931348623157e+308"}},
		{"a sum takes every number of an array", spec(sigma.ValueSum, time.Minute, 1, gte(3)), []seen{at(0).with("1", "x", "2")},
			[]string{"g 0..0 at 0, 2 events, value 3"}},
		{"no number is no mark", spec(sigma.ValueSum, time.Minute, 1, gte(0)),
			[]seen{at(0).with("Inf"), at(0).with("0x10"), at(0).with("NaN"), at(0).with("1e999"), at(0).with("")}, nil},
		{"an average", spec(sigma.ValueAvg, time.Minute, 1, gte(2)), []seen{at(0).with("1"), at(1).with("3"), at(2).with("1")},
			[]string{"g 0..1 at 1, 2 events, value 2"}},
		{"a median by nearest rank", median, []seen{at(0).with("10"), at(1).with("90"), at(2).with("50"), at(3).with("60")},
			[]string{"g 0..3 at 2, 4 events, value 50"}},
		{"a rare value without a rank", spec(sigma.ValuePercentile, time.Hour, 1, sigma.Range{LTE: bound(10)}),
			concat(withValue(times(9, 0, 1), "usual"), []seen{at(9).with("rare")}), []string{"g 0..9 at 9, 10 events, value 10"}},

		{"a value after the learning time is new once", spec(sigma.NewValue, time.Hour, 1, sigma.Range{}),
			[]seen{at(0).with("FR"), at(3600).with("DE"), at(3601).with("US"), at(3700).with("US"), at(9000).with("FR")},
			[]string{"g 3601..3601 at 3601, 1 events, value 0, new US"}},
		{"an earlier sighting that arrives late makes a value old", spec(sigma.NewValue, time.Hour, 1, sigma.Range{}),
			[]seen{at(5000).with("US"), at(0).with("FR"), at(100).with("US")}, nil},
		{"a silence of exactly the timespan fires", spec(sigma.Absence, time.Hour, 1, sigma.Range{}), []seen{at(0), at(100), at(3700), at(3800)},
			[]string{"g 100..3700 at 3700, 2 events, value 3600"}},
		{"a second less stays quiet", spec(sigma.Absence, time.Hour, 1, sigma.Range{}), []seen{at(0), at(3599), at(7198)}, nil},
		{"a group is silent up to the end of the log", spec(sigma.Absence, time.Hour, 1, sigma.Range{}), []seen{at(0), at(10), at(5000, 1)},
			[]string{"g 10..5000 at 3610, 1 events, value 4990"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCorrelator(3, []*sigma.Correlation{tc.spec})
			for i, e := range tc.events {
				e.feed(c, i)
			}
			got := summaries(c.Flush(math.MaxInt64))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("firings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNearestRank(t *testing.T) {
	for _, tc := range []struct {
		percentile float64
		n, want    int
	}{
		{50, 1, 1}, {50, 4, 2}, {50, 5, 3}, {100, 7, 7}, {0.1, 10, 1},
		{99.9, 1000, 999}, // 99.9/100*1000 is a little over 999
	} {
		if got := nearestRank(tc.percentile, tc.n); got != tc.want {
			t.Errorf("percentile %v of %d numbers: got rank %d, want %d", tc.percentile, tc.n, got, tc.want)
		}
	}
}

func withValue(events []seen, value string) []seen {
	for i := range events {
		events[i] = events[i].with(value)
	}
	return events
}

func TestFiringsFeedOuterCorrelations(t *testing.T) {
	inner := spec(sigma.EventCount, time.Minute, 1, gte(3))
	inner.GroupBy = []string{"other", "group"}
	inner.Inputs[0].Group = []int{fieldOther, fieldGroup}
	outer := spec(sigma.TemporalOrdered, time.Hour, 2, sigma.Range{})
	outer.Inputs[0] = sigma.Input{Rule: -1, Correlation: 0, Group: []int{1}}
	outer.Inputs[1].Rule = 1
	c := newCorrelator(2, []*sigma.Correlation{inner, outer})

	at(100, 1).feed(c, 0) // before the failures
	for i := range 3 {
		at(200+int64(i)).and("address").feed(c, 1+i)
	}
	at(202, 1).in("another").feed(c, 4)
	at(300, 1).feed(c, 5)
	got := c.Flush(math.MaxInt64)
	want := []string{"address+g 200..202 at 202, 3 events, value 3", "g 202..300 at 300, 2 events, value 2"}
	if diff := cmp.Diff(want, summaries(got)); diff != "" {
		t.Fatalf("firings (-want +got):\n%s", diff)
	}
	if got, want := ids(got[1]), "1 2 3 5"; got != want {
		t.Errorf("evidence of the outer firing: got %s, want %s", got, want)
	}
}

func ids(f Firing) string {
	var s []string
	for _, e := range f.Events {
		s = append(s, strings.TrimLeft(e.ID, "0"))
	}
	return strings.Join(s, " ")
}

func TestLearningAndSaturation(t *testing.T) {
	c := newCorrelator(1, []*sigma.Correlation{spec(sigma.NewValue, time.Hour, 1, sigma.Range{})})
	at(0).in("young").with("a").feed(c, 0)
	at(3600).in("young").with("b").feed(c, 1)
	at(0).in("old").with("a").feed(c, 2)
	at(3601).in("old").with("a").feed(c, 3)
	for i := range 3 * maxValues {
		// Latest first, so that what is kept has to be found among all.
		at(int64(3*maxValues-i)*2).in("many").with("value "+strconv.Itoa(3*maxValues-i)).feed(c, i)
	}
	firings := c.Flush(math.MaxInt64)
	if got, want := c.Learning(), 1; got != want {
		t.Errorf("groups still learning: got %d, want %d", got, want)
	}
	if diff := cmp.Diff([]Saturation{{0, []string{"many"}}}, c.Saturated()); diff != "" {
		t.Errorf("saturated (-want +got):\n%s", diff)
	}
	// Value i is first seen at 2i, the group at 2, so 1801 values are learned.
	if got, want := len(firings), maxValues-1801; got != want {
		t.Errorf("new values of the saturated group: got %d, want %d", got, want)
	}
	if got, want := firings[0].NewValue, "value 1802"; got != want {
		t.Errorf("first new value: got %s, want %s", got, want)
	}
}

func TestLongTexts(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	c := newCorrelator(1, []*sigma.Correlation{spec(sigma.EventCount, time.Minute, 1, gte(2))})
	for _, end := range []string{"a", "a", "b"} {
		at(0).in(long+end).feed(c, 0)
	}
	got := c.Flush(math.MaxInt64)
	if len(got) != 1 {
		t.Fatalf("firings: got %d, want 1: two long values that differ at their end are two groups", len(got))
	}
	if got, want := len(got[0].Group[0]), longest+1+2*digestSize; got != want {
		t.Errorf("stored text: got %d bytes, want %d", got, want)
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	var specs []*sigma.Correlation
	for _, kind := range []sigma.CorrelationType{sigma.EventCount, sigma.ValueCount, sigma.Temporal, sigma.TemporalOrdered, sigma.ValueSum, sigma.NewValue, sigma.Absence} {
		specs = append(specs, spec(kind, time.Hour, 1, gte(5)))
	}
	c := newCorrelator(2, specs)
	v := at(0).with("12").view()
	evidence, who := func() *rootkeep.Event { return nil }, seen{of: "a x"}.who()
	for _, tc := range []struct {
		name    string
		matched []int32
	}{
		{"no match", nil},
		{"a match that feeds nothing", []int32{1}},
		{"a match in an existing group and second", []int32{0}},
	} {
		c.Observe(v, tc.matched, 1, who, evidence)
		c.Observe(v, tc.matched, 2, who, evidence)
		if got := testing.AllocsPerRun(100, func() { c.Observe(v, tc.matched, 2, who, evidence) }); got != 0 {
			t.Errorf("%s: got %v allocations, want 0", tc.name, got)
		}
	}
}

func TestASequenceShowsWhatHeld(t *testing.T) {
	failures := spec(sigma.EventCount, 24*time.Hour, 1, gte(3))
	failures.InTemporal = true
	success := spec(sigma.TemporalOrdered, 24*time.Hour, 2, sigma.Range{})
	success.Inputs[0] = sigma.Input{Rule: -1, Correlation: 0, Group: []int{0}}
	c := newCorrelator(2, []*sigma.Correlation{failures, success})
	const hour = 3600
	for i, e := range append(times(50, 0, hour), at(50*hour, 1)) {
		e.feed(c, i)
	}
	for _, f := range c.Flush(math.MaxInt64) {
		if f.Correlation != 1 {
			continue
		}
		// Failures 27 to 49 are in the window of the success.
		if got, want := len(f.Sample), 24; got != want {
			t.Errorf("sample: got %d events, want %d", got, want)
		}
		if got, want := f.Events[0].ID, "000027"; got != want {
			t.Errorf("first event: got %s, want %s", got, want)
		}
	}
}

func TestWhatHoldsCountsInASequence(t *testing.T) {
	failures := spec(sigma.EventCount, 24*time.Hour, 1, gte(3))
	failures.InTemporal = true
	success := spec(sigma.TemporalOrdered, 24*time.Hour, 2, sigma.Range{})
	success.Inputs[0] = sigma.Input{Rule: -1, Correlation: 0, Group: []int{0}}
	const hour = 3600
	for _, tc := range []struct {
		name   string
		events []seen
		want   int
	}{
		{"failures that began days before the success", append(times(50, 0, hour), at(50*hour, 1)), 1},
		{"a success amid failures that go on", append(times(90, 0, hour), at(60*hour+1, 1)), 1},
		{"a success a day after the last failure", append(times(50, 0, hour), at(49*hour+24*hour, 1)), 0},
		{"too few failures", append(times(2, 0, hour), at(3*hour, 1)), 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, flush := range []int64{math.MaxInt64, hour} { // at once, hour by hour
				c := newCorrelator(2, []*sigma.Correlation{failures, success})
				found := map[int64]bool{}
				for _, e := range tc.events {
					e.feed(c, int(e.at))
				}
				for until := flush; ; until += flush {
					for _, f := range c.Flush(until) {
						if f.Correlation == 1 {
							found[f.Crossed] = true
						}
					}
					if until > 200*hour {
						break
					}
				}
				if got := len(found); got != tc.want {
					t.Errorf("sequences, settled every %d s: got %d, want %d", flush, got, tc.want)
				}
			}
		})
	}
}
