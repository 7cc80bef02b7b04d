package condition_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/internal/lot"
)

// TestEveryKeyIsFound holds the fast look-up of a test to the plain one.
func TestEveryKeyIsFound(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
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

func TestAClosedPrefixIsKnown(t *testing.T) {
	c := condition.PartialContext(map[string][]string{"aws:PrincipalTag/team": {"red"}}).Close("aws:PrincipalTag/").With("aws:SourceIp", "192.0.2.1")
	for key, want := range map[string]condition.Truth{
		"aws:principaltag/team": condition.True, "aws:principaltag/other": condition.False, "aws:sourceip": condition.True, "aws:sourcevpc": condition.Unknown,
	} {
		if _, got := c.Values(key); got != want {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
	if got := c.HasPrefix("aws:principaltag/x"); got != condition.False {
		t.Errorf("keys below a closed prefix: got %v, want False", got)
	}
}
