package detect_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/rule"
)

func BenchmarkLoadShippedPack(b *testing.B) {
	for b.Loop() {
		if _, err := detect.Load([]rule.Source{{FS: content.Files, Dir: "detections"}}, detect.LoadOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
