package glob

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/iam/pattern"
	"github.com/rootkeep/rootkeep/internal/lot"
)

// draw is a text of few letters and wildcards, so that patterns often meet.
func draw(t *rapid.T, name string) string { return rapid.StringMatching(`[ab*?]{0,6}`).Draw(t, name) }

func allTexts(longest int) []string {
	out := []string{""}
	for from := 0; len(out[len(out)-1]) < longest; {
		end := len(out)
		for _, s := range out[from:end] {
			out = append(out, s+"a", s+"b")
		}
		from = end
	}
	return out
}

func TestMeetsIsWhatTextsSay(t *testing.T) {
	texts := allTexts(9)
	lot.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		pa, pb := pattern.Parse(a, pattern.Syntax{Wildcards: true}), pattern.Parse(b, pattern.Syntax{Wildcards: true})
		want := slices.ContainsFunc(texts, func(s string) bool { return pa.Match(s) && pb.Match(s) })
		if got := Meets(a, b); got != want {
			t.Errorf("Meets(%q, %q): got %v, want %v", a, b, got, want)
		}
	})
}

// What covers says must hold for every text; it may miss a cover that only several
// letters of a small alphabet make.
func TestCoversIsSound(t *testing.T) {
	texts := allTexts(8)
	lot.Check(t, func(t *rapid.T) {
		a, b := draw(t, "wide"), draw(t, "narrow")
		list := Compile([]string{a, b}, false)
		if !list[0].Covers(&list[1]) {
			return
		}
		pa, pb := pattern.Parse(a, pattern.Syntax{Wildcards: true}), pattern.Parse(b, pattern.Syntax{Wildcards: true})
		for _, s := range texts {
			if pb.Match(s) && !pa.Match(s) {
				t.Fatalf("%q is said to cover %q, but not %q", a, b, s)
			}
		}
	})
}
