package posture

import (
	"strings"
	"testing"

	"cel.dev/cel-go/common/types"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/lot"
)

// naive tries every way; it is the truth.
func naive(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return naive(pattern[1:], text) || text != "" && naive(pattern, text[1:])
	}
	return text != "" && (pattern[0] == '?' || pattern[0] == text[0]) && naive(pattern[1:], text[1:])
}

func TestWildEqualsTheNaiveMatcher(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab.\\(*?]{0,8}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[ab.\\(\n]{0,8}`).Draw(t, "text")
		if got, err := wild(pattern, text); err != nil || got != naive(pattern, text) {
			t.Fatalf("wild(%q, %q): got %t, %v, want %t", pattern, text, got, err, naive(pattern, text))
		}
	})
}

func TestManyStarsEnd(t *testing.T) {
	if ok, err := wild(strings.Repeat("*a", 500)+"b", strings.Repeat("a", 2000)); ok || err != nil {
		t.Errorf("got %t, %v, want no match", ok, err)
	}
	if _, err := wild("\xff*", "a"); err == nil {
		t.Error("bytes that are no text: got no error")
	}
}

func TestConcealsOfNoFilterIsAnError(t *testing.T) {
	if got := conceals(types.String("x"), types.String("y")); !types.IsError(got) {
		t.Errorf("got %v, want an error", got)
	}
}
