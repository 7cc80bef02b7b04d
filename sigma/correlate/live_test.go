package correlate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/sigma"
)

func TestAnEpisodeThatGoesOnFeedsTheOuterCorrelationOnce(t *testing.T) {
	inner := spec(sigma.EventCount, time.Minute, 1, gte(1))
	outer := spec(sigma.EventCount, time.Hour, 1, gte(2))
	outer.Inputs[0] = sigma.Input{Rule: -1, Correlation: 0, Group: []int{0}}
	c := newCorrelator(1, []*sigma.Correlation{inner, outer})
	var got []string
	for i, now := range []int64{0, 30, 60, 200} {
		at(now).feed(c, i)
		got = append(got, summaries(c.Flush(now))...)
	}
	want := []string{
		"g 0..0 at 0, 1 events, value 1",
		"g 0..30 at 0, 2 events, value 2",
		"g 0..60 at 0, 3 events, value 2",
		"g 200..200 at 200, 1 events, value 1",
		"g 0..200 at 200, 2 events, value 2", // the outer one
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("firings (-want +got):\n%s", diff)
	}
}

func TestLiveUse(t *testing.T) {
	s := spec(sigma.EventCount, time.Minute, 1, gte(3))
	s.Steps = []float64{4}
	c := newCorrelator(1, []*sigma.Correlation{s})
	step := func(until int64, want []string, events ...seen) {
		t.Helper()
		for i, e := range events {
			e.feed(c, i)
		}
		if diff := cmp.Diff(want, summaries(c.Flush(until))); diff != "" {
			t.Fatalf("Flush(%d) (-want +got):\n%s", until, diff)
		}
	}
	step(10, nil, at(1), at(2))
	step(20, []string{"g 1..11 at 11, 3 events, value 3, step 0"}, at(11), at(25))
	step(30, []string{"g 1..25 at 11, 4 events, value 4, step 25"})
	step(40, nil)
	step(40, nil, at(40), at(39))
	if got, want := c.Late(), 2; got != want {
		t.Errorf("late events: got %d, want %d", got, want)
	}
	step(200, nil)
	if got := len(c.correlations[0].groups); got != 0 {
		t.Errorf("groups kept after a quiet timespan: got %d, want 0", got)
	}
	step(300, []string{"g 250..250 at 250, 3 events, value 3, step 0"}, at(250), at(250), at(250))
}

func TestLiveSilence(t *testing.T) {
	c := newCorrelator(1, []*sigma.Correlation{spec(sigma.Absence, time.Minute, 1, sigma.Range{})})
	at(0).feed(c, 0)
	for _, tc := range []struct {
		name  string
		until int64
		event *seen
		want  []string
	}{
		{"not yet silent for a minute", 59, nil, nil},
		{"silent for a minute without any event", 60, nil, []string{"g 0..60 at 60, 1 events, value 60"}},
		{"still silent is nothing new", 90, nil, nil},
		{"active again", 120, &seen{at: 100, rules: []int32{0}, group: "g"}, []string{"g 0..100 at 60, 2 events, value 100"}},
		{"the next silence", 160, nil, []string{"g 100..160 at 160, 1 events, value 60"}},
	} {
		if tc.event != nil {
			tc.event.feed(c, 1)
		}
		if diff := cmp.Diff(tc.want, summaries(c.Flush(tc.until))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestLiveEvidenceGrowsWithTheEpisode(t *testing.T) {
	c := newCorrelator(1, []*sigma.Correlation{spec(sigma.EventCount, time.Minute, 1, gte(2))})
	var got []string
	for i := range 6 {
		// Forty seconds apart: the first event has left the window, and its evidence
		// the state, when the third one comes.
		at(int64(i)*40).feed(c, i+1)
		for _, f := range c.Flush(int64(i)*40 + 30) {
			got = append(got, ids(f))
		}
	}
	want := []string{"1 2", "1 2 3", "1 2 3 4", "1 2 3 4 5", "1 2 3 4 5 6"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events shown (-want +got):\n%s", diff)
	}
	for _, g := range c.correlations[0].groups {
		if got := len(g.state.(*window).proofs.kept); got > 2 {
			t.Errorf("quarters with evidence kept: got %d, want at most 2 within a timespan", got)
		}
	}
}
