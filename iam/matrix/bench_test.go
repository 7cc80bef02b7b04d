package matrix

import (
	"runtime"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/tools/iambench/large"
)

func thousand(b *testing.B) *Matrix {
	b.Helper()
	a, err := account.Read(strings.NewReader(large.Details(1000)))
	if err != nil {
		b.Fatal(err)
	}
	m, err := New(Input{Account: a, Guardrails: large.Guardrails(), Context: map[string][]string{"aws:RequestedRegion": {"eu-west-3"}}})
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// BenchmarkMatrix asks 1,000 principals about every known action on one resource.
// What each policy covers is worked out before.
func BenchmarkMatrix(b *testing.B) {
	m := thousand(b)
	sweep := func() {
		for _, c := range m.callers {
			if _, err := m.On(c, "arn:aws:s3:::bucket-7/a"); err != nil {
				b.Fatal(err)
			}
		}
	}
	sweep()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.ReportAllocs()
	for b.Loop() {
		sweep()
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/1e6, "MB/matrix")
	b.ReportMetric(float64(after.HeapInuse)/1e6, "MB-heap")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(m.callers)*m.catalog.Len()), "ns/decision")
}

// BenchmarkMatrixAnyResource asks them about every action on any resource.
func BenchmarkMatrixAnyResource(b *testing.B) {
	m := thousand(b)
	b.ReportAllocs()
	for b.Loop() {
		for _, c := range m.callers {
			if _, err := m.Reach(c, Query{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkWhoCan asks which of 1,000 principals may do one thing to one resource.
func BenchmarkWhoCan(b *testing.B) {
	m := thousand(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.WhoCan([]string{"s3:GetObject"}, "arn:aws:s3:::bucket-7/a"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadAccount reads and compiles the details of 5,000 principals.
func BenchmarkReadAccount(b *testing.B) {
	text := large.Details(5000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		a, err := account.Read(strings.NewReader(text))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := New(Input{Account: a}); err != nil {
			b.Fatal(err)
		}
	}
}
