package condition_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/iam/condition"
)

// TestEveryKeyIsFound holds the fast look-up of a test to the plain one.
func TestEveryKeyIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := map[string][]string{}
		for i := range rapid.IntRange(0, 100).Draw(t, "keys") {
			key := fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"aws:K", "k", "", "s3:Tag/"}).Draw(t, "prefix"), i%rapid.IntRange(1, 100).Draw(t, "spread"))
			values[key] = rapid.SliceOfN(rapid.Just("x"), 0, 2).Draw(t, "values")
		}
		if rapid.Bool().Draw(t, "nameless") {
			values[""] = []string{"x"}
		}
		c := condition.NewContext(values)
		if rapid.Bool().Draw(t, "partial") {
			c = condition.PartialContext(values)
		}
		if rapid.Bool().Draw(t, "with") {
			c = c.With("added", "x")
		}
		for _, key := range append(c.Keys(), "absent", "") {
			test, err := condition.NewTest("Null", strings.ToUpper(key), []string{"false"}, condition.Meaning{})
			if err != nil {
				t.Fatal(err)
			}
			_, want := c.Values(key)
			if got := test.Eval(&c); got != want {
				t.Fatalf("key %q is there: got %v, want %v", key, got, want)
			}
		}
	})
}
