package correlate

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma"
)

// BenchmarkObserve feeds events in order of time, 50 a second, to 1,000 groups
// with 20 values each.
func BenchmarkObserve(b *testing.B) {
	views := make([]*rootkeep.View, 20_000)
	for i := range views {
		views[i] = at(0).in(fmt.Sprint("principal ", i*7%1000)).with(fmt.Sprint(i % 20)).view()
	}
	evidence := func() *rootkeep.Event { return new(rootkeep.Event) }
	run := func(name string, kind sigma.CorrelationType, matched []int32) {
		b.Run(name, func(b *testing.B) {
			c := newCorrelator(2, []*sigma.Correlation{spec(kind, 5*time.Minute, 1, gte(5))})
			b.ReportAllocs()
			for i := range b.N {
				c.Observe(views[i%len(views)], matched, int64(i/50), seen{of: "a x"}.who(), evidence)
			}
		})
	}
	run("nothing matched", sigma.EventCount, nil)
	run("fed to nothing", sigma.EventCount, []int32{1})
	for _, kind := range kinds {
		run(string(kind), kind, []int32{0})
	}
}

// BenchmarkFlush settles 200,000 events of 1,000 groups.
func BenchmarkFlush(b *testing.B) {
	for _, kind := range kinds[:7] { // those with windows
		b.Run(string(kind), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				c := newCorrelator(1, []*sigma.Correlation{spec(kind, 5*time.Minute, 1, gte(5))})
				for i := range 200_000 {
					at(int64(i/50)).in(fmt.Sprint(i*7%1000)).with(fmt.Sprint(i%20)).feed(c, i)
				}
				b.StartTimer()
				c.Flush(math.MaxInt64)
			}
		})
	}
}
