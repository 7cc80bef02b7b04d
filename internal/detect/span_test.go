package detect

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Runs are what is left when sorted times are cut wherever the gap is longer than
// groupGap, whatever order they came in and however they were merged.
func TestSpansAgreeWithSortingAndCutting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(0, 40*groupGap/4), 1, 30).Draw(t, "times")
		workers := make([]spans, rapid.IntRange(1, 3).Draw(t, "workers"))
		for _, at := range times {
			w := &workers[rapid.IntRange(0, len(workers)-1).Draw(t, "worker")]
			w.at(at, at).names.Add(1, 1)
		}
		for i := range workers[1:] {
			workers[0].merge(&workers[i+1])
		}
		slices.Sort(times)
		var want [][3]int64
		for _, at := range times {
			if n := len(want); n > 0 && at-want[n-1][1] <= groupGap {
				want[n-1][1] = at
				want[n-1][2]++
				continue
			}
			want = append(want, [3]int64{at, at, 1})
		}
		var got [][3]int64
		for _, r := range workers[0].runs {
			got = append(got, [3]int64{r.first, r.last, int64(r.names.Total())})
		}
		if !slices.Equal(got, want) {
			t.Fatalf("runs: got %v, want %v", got, want)
		}
	})
}
