package kinds_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/internal/app/kinds"
)

// BenchmarkLoad is what a start of the server costs for the kinds that come with it.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := kinds.Load(nil, false); err != nil {
			b.Fatal(err)
		}
	}
}
