package lot

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestCasesAreTheSameInEveryRun(t *testing.T) {
	t.Setenv("ROOTKEEP_SEED", usualSeed) // make test-long asks for new cases
	draw := func() (out []int) {
		Check(t, func(t *rapid.T) { out = append(out, rapid.Int().Draw(t, "n")) })
		return out
	}
	if first, again := draw(), draw(); len(first) == 0 || !slices.Equal(first, again) {
		t.Errorf("got %v, then %v", first, again)
	}
}
