package correlate

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

func TestEvidence(t *testing.T) {
	count := spec(sigma.EventCount, 40*time.Second, 1, gte(2))
	temporal := spec(sigma.Temporal, 40*time.Second, 2, sigma.Range{})
	ordered := spec(sigma.TemporalOrdered, 40*time.Second, 3, sigma.Range{})
	fresh := spec(sigma.NewValue, 40*time.Second, 1, sigma.Range{})
	silent := spec(sigma.Absence, 40*time.Second, 1, sigma.Range{})
	for _, tc := range []struct {
		name   string
		spec   *sigma.Correlation
		events []seen // event n has ID n, from 1
		want   string
	}{
		{"all events when there are few", count, []seen{at(3), at(1), at(2)}, "2 3 1"},
		{"the earliest ten when there are many", count, times(30, 1, 1), "1 2 3 4 5 6 7 8 9 10"},
		{"a tie is decided by the event ID", count, times(12, 1, 0), "1 2 3 4 5 6 7 8 9 10"},
		{"a rare rule is shown among a frequent one", temporal, append(times(30, 1, 1), at(35, 1)), "1 2 3 4 5 6 7 8 9 31"},
		{"an event of two rules is shown once", temporal, []seen{at(1, 0, 1)}, "1"},
		{"one event of each rule in its order", ordered, concat([]seen{at(1, 0), at(2, 2)}, times(20, 3, 1), []seen{at(30, 1), at(31, 2)}), "1 2 3 4 5 6 7 8 23 24"},
		{"a new value shows its first event", fresh, []seen{at(0).with("a"), at(50).with("b"), at(50).with("b"), at(60).with("b")}, "2"},
		{"a silence shows an event of the last quarter before it and the first after it", silent,
			concat(times(300, 0, 9), times(300, 10_000, 9)), "300 301"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCorrelator(3, []*sigma.Correlation{tc.spec})
			for i, e := range slices.Backward(tc.events) {
				e.feed(c, i+1)
			}
			firings := c.Flush(math.MaxInt64)
			if len(firings) != 1 {
				t.Fatalf("firings: got %d, want 1", len(firings))
			}
			if got := ids(firings[0]); got != tc.want {
				t.Errorf("events: got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestEvidenceIsBuiltOnceAndOnlyIfKept(t *testing.T) {
	count := spec(sigma.EventCount, time.Hour, 1, gte(100))
	c := newCorrelator(2, []*sigma.Correlation{count, count})
	built := 0
	for i := range 100 {
		c.Observe(at(0).view(), []int32{0}, int64(i), party.Who{}, func() *rootkeep.Event { built++; return &rootkeep.Event{} })
	}
	c.Observe(at(0).view(), []int32{1}, 5, party.Who{}, func() *rootkeep.Event { built++; return nil })
	if built != maxEvents {
		t.Errorf("evidence built: got %d, want %d", built, maxEvents)
	}
}
