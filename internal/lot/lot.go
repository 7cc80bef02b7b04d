// Package lot checks properties with cases that are drawn by lot: the same in every run, so that
// none fails for a case that another change had no luck to meet. ROOTKEEP_SEED names other
// cases, and 0 new ones each time, as make test-long does.
package lot

import (
	"cmp"
	"flag"
	"os"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

const usualSeed = "1"

// seeded sets the seed of all properties of a test program, unless its flag did.
var seeded = sync.OnceValue(func() error {
	if f := flag.Lookup("rapid.seed"); f.Value.String() == f.DefValue {
		return f.Value.Set(cmp.Or(os.Getenv("ROOTKEEP_SEED"), usualSeed))
	}
	return nil
})

// Check is rapid.Check of the cases of the seed.
func Check(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	if err := seeded(); err != nil {
		t.Fatalf("ROOTKEEP_SEED: %v", err)
	}
	rapid.Check(t, property)
}
