package kinds_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/internal/app/kinds"
)

// TestEveryCase runs the cases of every kind that comes with rootkeep.
func TestEveryCase(t *testing.T) {
	c, err := kinds.Load(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.Problems {
		t.Error(p)
	}
	for _, k := range c.Kinds {
		t.Run(k.ID, func(t *testing.T) {
			t.Parallel()
			for _, r := range kinds.Try(t.Context(), k) {
				if r.Err != "" {
					t.Errorf("%s: %s", r.Case, r.Err)
				}
			}
		})
	}
}
