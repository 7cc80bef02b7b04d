package correlate

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/internal/wire"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

// keeper keeps the groups of an inner and an outer correlation as rows, as a caller
// would that restarts after each event.
type keeper struct {
	t     *rapid.T
	specs []*sigma.Correlation
	press *Correlator
	rows  map[[2]string][]byte
	final map[string]Firing
}

func newKeeper(t *rapid.T, specs []*sigma.Correlation) *keeper {
	return &keeper{t, specs, newCorrelator(3, specs), map[[2]string][]byte{}, map[string]Firing{}}
}

func (k *keeper) load(number int, key string) *Group {
	row, ok := k.rows[[2]string{fmt.Sprint(number), key}]
	if !ok {
		return newGroup(k.specs[number], number, key)
	}
	r := wire.NewReader(row, 2)
	g, altered := readGroup(k.specs[number], number, r)
	if err := r.Close(); err != nil || altered {
		k.t.Fatalf("read a row of %d bytes: %v, altered %t", len(row), err, altered)
	}
	return g
}

func (k *keeper) save(g *Group) {
	w := wire.NewWriter(2)
	g.Write(w)
	k.rows[[2]string{fmt.Sprint(g.number), g.key}] = w.Bytes()
}

// observe takes an event and returns what has fired in the groups it touches.
func (k *keeper) observe(e seen, id int, silence int64) {
	e.feed(k.press, id)
	k.press.Take(func(touched *Group) {
		g := k.load(touched.number, touched.key)
		g.Merge(touched)
		k.evaluate(g, silence)
		k.save(g)
	})
}

func (k *keeper) evaluate(g *Group, silence int64) []Firing {
	firings := g.Preview(silence)
	for outer, spec := range k.specs {
		for input, in := range spec.Inputs {
			if in.Correlation != g.number {
				continue
			}
			to := k.load(outer, Through(spec, input, g.key))
			to.Chain(input, g, firings)
			k.save(to)
		}
	}
	return firings
}

// settle keeps what is told of settled time, and makes it final.
func (k *keeper) settle(until, silence int64) {
	for number := range k.specs {
		for id := range k.rows {
			if id[0] != fmt.Sprint(number) {
				continue
			}
			g := k.load(number, id[1])
			for _, f := range k.evaluate(g, silence) {
				if f.Crossed <= until {
					k.final[fmt.Sprint(f.Correlation, f.Group, f.Crossed, f.NewValue)] = f
				}
			}
			g.Settle(until)
			if spent := g.Spent(); spent <= until {
				delete(k.rows, id)
				continue
			}
			k.save(g)
		}
	}
}

func (k *keeper) told() []Firing {
	var all []Firing
	for _, f := range k.final {
		all = append(all, f)
	}
	slices.SortFunc(all, compareFirings)
	return all
}

func TestGroupsInRowsAgreeWithOneFlush(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		inner, events := drawSpec(t), drawEvents(t)
		specs := []*sigma.Correlation{inner}
		if rapid.Bool().Draw(t, "chained") {
			outer, _ := drawOuter(t, inner)
			specs = append(specs, outer)
		}
		batch, k := newCorrelator(3, specs), newKeeper(t, specs)
		latest := int64(0)
		for i, e := range events {
			e.feed(batch, i)
			latest = max(latest, e.at)
		}
		settles := rapid.SliceOfN(rapid.Int64Range(0, latest), 0, 4).Draw(t, "settled")
		slices.Sort(settles)
		rest := rapid.Permutation(indices(len(events))).Draw(t, "order")
		for _, until := range append(settles, math.MaxInt64) {
			silence := min(until, latest)
			rest = slices.DeleteFunc(rest, func(i int) bool {
				due := events[i].at <= until || rapid.IntRange(0, 3).Draw(t, "early") == 0
				if due {
					k.observe(events[i], i, min(silence, until))
				}
				return due
			})
			k.settle(min(until, farthest), silence)
		}
		got, want := k.told(), batch.Flush(math.MaxInt64)
		if inner.Type == sigma.Absence {
			forgetOngoingEnds(got)
			forgetOngoingEnds(want)
		}
		for i := range want {
			want[i].Held = nil // what was settled is not told again
		}
		for i := range got {
			got[i].Held = nil
		}
		forgetGrownEvidence(got)
		forgetGrownEvidence(want)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("firings (-one flush +rows):\n%s", diff)
		}
	})
}

// forgetGrownEvidence clears the events of an outer correlation, and whom they are of: what
// an inner episode shows when it crosses is kept, and may grow after that was settled.
func forgetGrownEvidence(firings []Firing) {
	for i := range firings {
		if firings[i].Correlation > 0 {
			firings[i].Events, firings[i].Sample, firings[i].Of = nil, nil, party.Tally{}
		}
	}
}
