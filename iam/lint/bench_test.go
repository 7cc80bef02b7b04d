package lint

import (
	"os"
	"path/filepath"
	"testing"
)

// Linting every policy that AWS manages must take at most 2 s. The corpus has 247 of
// them; 1,600 is six and a half times as many.
func BenchmarkManagedPolicies(b *testing.B) {
	files, _ := filepath.Glob(corpus + "/policies/*.json")
	if len(files) == 0 {
		b.Skip("skipped: ../shared/corpora/access-analyzer is not there")
	}
	var texts [][]byte
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		texts = append(texts, text)
	}
	for len(texts) < 1600 {
		texts = append(texts, texts[:min(len(texts), 1600-len(texts))]...)
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, text := range texts {
			Source(text, Options{Type: Identity, Now: caseNow()})
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/1600-policies")
}
