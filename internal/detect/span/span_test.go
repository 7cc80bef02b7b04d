package span

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/lot"
)

// Runs are what is left when sorted times are cut wherever the gap is longer than
// Gap, whatever order they came in and however they were merged.
func TestSpansAgreeWithSortingAndCutting(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(0, 40*Gap/4), 1, 30).Draw(t, "times")
		workers := make([]Spans, rapid.IntRange(1, 3).Draw(t, "workers"))
		for _, at := range times {
			w := &workers[rapid.IntRange(0, len(workers)-1).Draw(t, "worker")]
			w.At(at, at).Names.Add(1, 1)
		}
		for i := range workers[1:] {
			workers[0].Merge(&workers[i+1])
		}
		slices.Sort(times)
		var want [][3]int64
		for _, at := range times {
			if n := len(want); n > 0 && at-want[n-1][1] <= Gap {
				want[n-1][1] = at
				want[n-1][2]++
				continue
			}
			want = append(want, [3]int64{at, at, 1})
		}
		var got [][3]int64
		for _, r := range workers[0].Runs {
			got = append(got, [3]int64{r.First, r.Last, int64(r.Names.Total())})
		}
		if !slices.Equal(got, want) {
			t.Fatalf("runs: got %v, want %v", got, want)
		}
	})
}
