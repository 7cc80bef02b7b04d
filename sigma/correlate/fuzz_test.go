package correlate

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rootkeep/rootkeep/internal/wire"
	"github.com/rootkeep/rootkeep/sigma"
)

// FuzzFirings reads marks from bytes: the first four choose the correlation, then
// four make an event each. Two workers that share the events in reverse order
// must agree with naive.
func FuzzFirings(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 4 || len(data) > 400 {
			return
		}
		s, events := decodeSpec(data[:4]), decodeEvents(data[4:])
		a := newCorrelator(3, []*sigma.Correlation{s})
		b := newCorrelator(3, []*sigma.Correlation{s})
		for i := len(events) - 1; i >= 0; i-- {
			if i%3 == 0 {
				events[i].feed(a, i)
			} else {
				events[i].feed(b, i)
			}
		}
		b.Merge(a)
		if diff := cmp.Diff(naive(s, events), b.Flush(math.MaxInt64), compareOutcome); diff != "" {
			t.Errorf("firings of %+v (-naive +got):\n%s", s, diff)
		}
	})
}

func decodeSpec(b []byte) *sigma.Correlation {
	s := spec(kinds[int(b[0])%len(kinds)], time.Duration(1+b[1]%64)*time.Second, 1+int(b[2])%3, sigma.Range{})
	limit := float64(1 + b[3]>>2)
	switch b[3] & 3 {
	case 0:
		s.Condition.GTE = &limit
	case 1:
		s.Condition.LTE = &limit
	case 2:
		s.Condition.EQ = &limit
	case 3:
		s.Condition.NEQ = &limit
	}
	if b[2] >= 128 {
		s.Percentile = float64(b[2] - 127)
		if s.Type != sigma.ValuePercentile || s.Percentile > 100 {
			s.Percentile = 0
		}
	}
	return s
}

func decodeEvents(b []byte) []seen {
	var events []seen
	for ; len(b) >= 4; b = b[4:] {
		e := at(1+int64(b[0])+int64(b[1]&3)<<8, int32(b[1]>>2)%3).in(fmt.Sprint(b[2] & 3))
		for n := range int(b[2] >> 6) {
			e.of, e.failed = fmt.Sprint(b[0]&1, " ", b[0]&7), b[1]&1 == 0
			e.values = append(e.values, fmt.Sprint(int(b[3])-128+n))
		}
		events = append(events, e)
	}
	return events
}

// FuzzTexts holds the encoding of groups and values to its promise: different
// lists of texts encode differently, and short texts are kept as they are.
func FuzzTexts(f *testing.F) {
	f.Fuzz(func(t *testing.T, a1, a2, b1, b2 []byte) {
		a := appendText(appendText(nil, a1), a2)
		b := appendText(appendText(nil, b1), b2)
		same := string(a1) == string(b1) && string(a2) == string(b2)
		if got := string(a) == string(b); got != same {
			t.Errorf("%q %q and %q %q encode alike: got %v, want %v", a1, a2, b1, b2, got, same)
		}
		texts := decodeTexts(string(a))
		if len(texts) != 2 {
			t.Fatalf("texts decoded: got %d, want 2", len(texts))
		}
		if len(a1) <= longest && texts[0] != string(a1) {
			t.Errorf("first text: got %q, want %q", texts[0], a1)
		}
	})
}

// FuzzReadGroup reads hostile rows as groups of every type. What is read can be used,
// and is written as it was.
func FuzzReadGroup(f *testing.F) {
	var specs []*sigma.Correlation
	for _, kind := range kinds {
		s := spec(kind, time.Minute, 2, gte(2))
		s.Steps = []float64{3}
		outer := spec(kind, time.Hour, 1, gte(1))
		outer.Inputs[0] = sigma.Input{Rule: -1, Correlation: 0, Group: []int{0}, Fields: []int{0}}
		specs = append(specs, s, outer)
	}
	for number, s := range specs {
		c := newCorrelator(2, []*sigma.Correlation{specs[number&^1], s})
		for i := range 9 {
			at(int64(i*i), int32(i%2)).with(fmt.Sprint(i%4)).feed(c, i)
		}
		c.Take(func(g *Group) {
			g.Settle(20)
			if s.Inputs[0].Correlation >= 0 {
				outer := newGroup(s, number, g.key)
				outer.Chain(0, g, g.Preview(1000))
				g = outer
			}
			w := wire.NewWriter(2)
			g.Write(w)
			f.Add(uint8(number), w.Bytes())
		})
	}
	f.Fuzz(func(t *testing.T, number uint8, data []byte) {
		s := specs[int(number)%len(specs)]
		r := wire.NewReader(data, 1, 2)
		g, altered := readGroup(s, 0, r)
		if r.Close() != nil {
			return
		}
		w := wire.NewWriter(2)
		g.Write(w)
		again := wire.NewReader(w.Bytes(), 2)
		copied, _ := readGroup(s, 0, again)
		if err := again.Close(); err != nil {
			t.Fatalf("what was read and written is refused: %v", err)
		}
		if diff := cmp.Diff(g.Preview(farthest), copied.Preview(farthest), cmpopts.EquateEmpty(), cmpopts.EquateNaNs()); diff != "" && !altered {
			t.Fatalf("firings (-read +written and read):\n%s", diff)
		}
		g.Spent()
		g.Due(0)
		g.Settle(1 << 33)
		g.Preview(1 << 34)
	})
}
