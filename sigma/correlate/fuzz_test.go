package correlate

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
