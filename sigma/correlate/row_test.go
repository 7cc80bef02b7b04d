package correlate

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/wire"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

// Rows of version 1 do not say whom events are of: of those that came then only the events
// that are shown say it, and none makes of one account several.
func TestARowOfBeforeDoesNotSayWhomEventsAreOf(t *testing.T) {
	s := spec(sigma.EventCount, time.Minute, 1, gte(2))
	event := &rootkeep.Event{Time: time.Unix(2, 0), ID: "e", Account: "a", Actor: rootkeep.Actor{Principal: "x"}}
	for _, test := range []struct {
		name string
		open *episode
		want party.Tally
	}{
		{"marks alone", nil, party.Tally{Accounts: []party.Count{{Account: "a", Events: 1}}, Failed: 1, Unknown: 3, Several: true}},
		{"an episode that is open", &episode{start: 1, crossed: 1, end: 1, count: 3, value: 3, sample: []*rootkeep.Event{event}, shown: 1},
			party.Tally{Accounts: []party.Count{{Account: "a", Events: 2}}, Failed: 1, Unknown: 2, Several: true}},
	} {
		w := wire.NewWriter(1)
		w.Text(string(appendText(nil, []byte("g"))))
		w.Fixed(Thresholds(s))
		settled := int64(-farthest)
		if test.open != nil {
			settled = 1
		}
		w.Int(settled)
		w.Len(1) // marks
		w.Int(1)
		w.Bool(false)
		w.Uint(3)
		w.Len(0) // proofs
		if w.Bool(test.open != nil); test.open != nil {
			writeOld(w, test.open)
		}
		w.Len(0) // chained
		r := wire.NewReader(w.Bytes(), 1, 2)
		g, altered := readGroup(s, 0, r)
		if err := r.Close(); err != nil || altered {
			t.Fatalf("%s: read: %v, altered %t", test.name, err, altered)
		}
		c := newCorrelator(1, []*sigma.Correlation{s})
		now := at(2)
		now.of, now.failed = "a x", true
		now.feed(c, 1)
		c.Take(func(o *Group) { g.Merge(o) })
		firings := g.Preview(10)
		if len(firings) != 1 {
			t.Fatalf("%s: firings: got %d, want 1", test.name, len(firings))
		}
		if diff := cmp.Diff(test.want, firings[0].Whose()); diff != "" {
			t.Errorf("%s: whose (-want +got):\n%s", test.name, diff)
		}
	}
}

// writeOld writes an episode as version 1 did.
func writeOld(w *wire.Writer, e *episode) {
	w.Int(e.start)
	w.Int(e.crossed)
	w.Int(e.end)
	w.Len(e.count)
	w.Float(e.value)
	w.Len(len(e.steps))
	e.chosen.write(w)
	writeEvents(w, e.sample)
	w.Int(e.shown)
}

// However many principals there are in a window, it is sorted anew for a few of them.
func TestManyPrincipalsAreCutFewTimes(t *testing.T) {
	c := newCorrelator(1, []*sigma.Correlation{spec(sigma.EventCount, time.Hour, 1, gte(1))})
	cuts, before := 0, 0
	for i := range 40_000 {
		e := at(int64(i / 20))
		e.of = fmt.Sprint("a ", i%4000)
		e.feed(c, i)
		for _, g := range c.correlations[0].groups {
			now := g.state.(*window).parties.Len()
			if now < before {
				cuts++
			}
			before = now
		}
	}
	if cuts < 1 || cuts > 8 {
		t.Errorf("cuts of the table: got %d, want 1 to 8", cuts)
	}
	firings := c.Flush(1 << 30)
	if len(firings) != 1 {
		t.Fatalf("firings: got %d, want 1", len(firings))
	}
	of := firings[0].Of
	if len(of.Accounts) != 1 || of.Accounts[0].Events != 40_000 || of.Omitted != 0 || of.Unknown != 0 || !of.Several {
		t.Errorf("got %+v; want 40000 events of one account and several principals", of)
	}
}
