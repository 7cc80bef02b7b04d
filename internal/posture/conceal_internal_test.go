package posture

import (
	"regexp"
	"strings"
	"testing"

	"cel.dev/cel-go/common/types"
	"pgregory.net/rapid"
)

// A naive matcher is the truth.
func TestWildEqualsARegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[ab]{0,8}`).Draw(t, "text")
		quoted := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
		if got, want := wild(pattern, text), regexp.MustCompile(`^`+quoted+`$`).MatchString(text); got != want {
			t.Fatalf("wild(%q, %q): got %t, want %t", pattern, text, got, want)
		}
	})
}

func TestManyStarsTakeNoTime(t *testing.T) {
	if wild(strings.Repeat("*a", 2000)+"b", strings.Repeat("a", 20000)) {
		t.Error("got a match, want none")
	}
}

func TestConcealsOfNoFilterIsAnError(t *testing.T) {
	if got := conceals(types.String("x"), types.String("y")); !types.IsError(got) {
		t.Errorf("got %v, want an error", got)
	}
}
