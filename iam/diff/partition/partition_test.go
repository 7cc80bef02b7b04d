package partition

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/iam/pattern"
	"github.com/rootkeep/rootkeep/internal/lot"
)

func glob(s string) Pattern { return ParseGlob(s) }

func tokens(s string) []pattern.Token { return parse(s) }

func TestEveryClassHasOneText(t *testing.T) {
	for _, c := range []struct {
		name     string
		patterns []Pattern
		want     []string // for each class, which patterns cover it, as digits
	}{
		{"one star", []Pattern{glob("*")}, []string{"0"}},
		{"a prefix", []Pattern{glob("a*")}, []string{"", "0"}},
		{"a prefix within a prefix", []Pattern{glob("a*"), glob("ab*")}, []string{"", "0", "01"}},
		{"prefix and suffix cross", []Pattern{glob("a*"), glob("*b")}, []string{"", "0", "01", "1"}},
		{"two ways to write one pattern", []Pattern{glob("a**"), glob("a*")}, []string{"", "01"}},
		{"a question mark is one character", []Pattern{glob("?"), glob("*")}, []string{"01", "1"}},
		{"case does not count", []Pattern{Fold("Ab"), glob("ab")}, []string{"", "0", "01"}},
		{"a star stays in its part", []Pattern{ARN(tokens("a:*:c:d:e:f")), glob("a:*:c:d:e:f")}, []string{"", "01", "1"}},
		{"missing parts stand for any value", []Pattern{ShortARN(tokens("a:b")), ARN(tokens("a:b:*:*:*:*"))}, []string{"", "01"}},
		{"two that are not told apart", []Pattern{Union(glob("a*"), glob("*b")), glob("ab")}, []string{"", "0", "01"}},
		{"nothing", []Pattern{{}, ARN(tokens("a:b"))}, []string{""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cells, ok := Split(c.patterns, glob("?*"), 100)
			if !ok {
				t.Fatal("got too many classes")
			}
			got := map[string]bool{}
			for _, cell := range cells {
				key := ""
				for i, in := range cell.In {
					if in != c.patterns[i].Match(cell.Text) {
						t.Errorf("%q by pattern %d: got %v, want what Match says", cell.Text, i, in)
					}
					if in {
						key += string(rune('0' + i))
					}
				}
				if got[key] {
					t.Errorf("class %q: got two texts, want one", key)
				}
				got[key] = true
			}
			for _, key := range c.want {
				if !got[key] {
					t.Errorf("class %q: got none", key)
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("got %d classes %v, want %v", len(got), got, c.want)
			}
		})
	}
}

// TestNoTextIsOutsideTheClasses draws patterns and texts over a small alphabet: each
// text must be covered like the text of some class.
func TestNoTextIsOutsideTheClasses(t *testing.T) {
	part := rapid.StringOfN(rapid.SampledFrom([]rune("ab*?:")), 0, 5, -1)
	lot.Check(t, func(t *rapid.T) {
		var ps []Pattern
		for i, s := range rapid.SliceOfN(part, 1, 4).Draw(t, "patterns") {
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				ps = append(ps, ShortARN(tokens(s)))
			case 1:
				ps = append(ps, Fold(s))
			default:
				ps = append(ps, glob(s))
			}
			plain := pattern.Parse(s, pattern.Syntax{Wildcards: true})
			text := rapid.StringOfN(rapid.SampledFrom([]rune("ab:c")), 0, 6, -1).Draw(t, "text")
			if p := glob(s); p.Match(text) != plain.Match(text) {
				t.Fatalf("%q covers %q: got %v, want %v", s, text, p.Match(text), plain.Match(text))
			}
			if i > 0 && rapid.IntRange(0, 3).Draw(t, "joined") == 0 {
				ps[i] = Union(ps[i-1], ps[i])
			}
		}
		cells, ok := Split(ps, glob("*"), 1000)
		if !ok {
			t.Fatal("too many classes for four short patterns")
		}
		text := rapid.StringOfN(rapid.SampledFrom([]rune("abAcq:")), 0, 8, -1).Draw(t, "any text")
		for _, cell := range cells {
			same := true
			for i, p := range ps {
				same = same && p.Match(text) == cell.In[i]
			}
			if same {
				return
			}
		}
		t.Fatalf("%q: got no class that is covered like it", text)
	})
}

func TestHostilePatternsEnd(t *testing.T) {
	for name, s := range map[string]string{
		"stars and question marks": "*a" + strings.Repeat("?", 200),
		"many stars":               strings.Repeat("*a", 2000) + "*b",
		"one long text":            strings.Repeat("a", 100_000),
	} {
		start := time.Now()
		Split([]Pattern{glob(s), glob(s + "x"), glob("*b" + strings.Repeat("?", 100))}, glob("*"), 1000)
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("%s: took %v, want seconds", name, took)
		}
	}
}
