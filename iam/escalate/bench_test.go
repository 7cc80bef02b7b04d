package escalate_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/iam/escalate"
	"github.com/rootkeep/rootkeep/tools/iambench/large"
)

func BenchmarkEscalate(b *testing.B) {
	a, err := large.Company(1000)
	if err != nil {
		b.Fatal(err)
	}
	o := escalate.Options{Techniques: shipped(b), Now: caseTime}
	b.ReportAllocs()
	for b.Loop() {
		r, err := escalate.Search(a, o)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(r.Paths)), "paths")
		b.ReportMetric(float64(len(r.Administrators)), "administrators")
	}
}
