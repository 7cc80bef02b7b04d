package pattern_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/iam/pattern"
	"github.com/rootkeep/rootkeep/internal/lot"
)

var both = pattern.Syntax{Wildcards: true, Variables: true}

func TestTokens(t *testing.T) {
	lit := func(s string) pattern.Token { return pattern.Token{Kind: pattern.Literal, Text: s} }
	star, any := pattern.Token{Kind: pattern.Star}, pattern.Token{Kind: pattern.Any}
	variable := func(k string) pattern.Token { return pattern.Token{Kind: pattern.Variable, Text: k} }
	for _, c := range []struct {
		name, text string
		syntax     pattern.Syntax
		want       []pattern.Token
	}{
		{"text", "abc", both, []pattern.Token{lit("abc")}},
		{"wildcards", "a*b?", both, []pattern.Token{lit("a"), star, lit("b"), any}},
		{"wildcards that are text", "a*?", pattern.Syntax{Variables: true}, []pattern.Token{lit("a*?")}},
		{"a variable", "x${aws:UserName}y", both, []pattern.Token{lit("x"), variable("aws:username"), lit("y")}},
		{"a variable that is text", "${aws:username}", pattern.Syntax{Wildcards: true}, []pattern.Token{lit("${aws:username}")}},
		{"a default", "${a, 'b c'}", both, []pattern.Token{{Kind: pattern.Variable, Text: "a", Default: "b c", HasDefault: true}}},
		{"an empty default", "${a, ''}", both, []pattern.Token{{Kind: pattern.Variable, Text: "a", HasDefault: true}}},
		{"a default with a brace", "${a, '}'}", both, []pattern.Token{{Kind: pattern.Variable, Text: "a", Default: "}", HasDefault: true}}},
		{"a default without quotes stays unresolved", "${a, b}", both, []pattern.Token{variable("a, b")}},
		{"special characters", "${*}${?}${$}", both, []pattern.Token{lit("*?$")}},
		{"an open brace", "${a", both, []pattern.Token{lit("${a")}},
		{"a dollar alone", "a$b", both, []pattern.Token{lit("a$b")}},
		{"nothing", "", both, nil},
	} {
		p := pattern.Parse(c.text, c.syntax)
		if diff := cmp.Diff(c.want, p.Tokens()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// naive is the truth: a regular expression.
func naive(p, s string) bool {
	var b strings.Builder
	for _, r := range p {
		switch r {
		case '*':
			b.WriteString("(?s:.*)")
		case '?':
			b.WriteString("(?s:.)")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile("^(?:" + b.String() + ")$").MatchString(s)
}

func TestMatchEqualsARegularExpression(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		p := rapid.StringOfN(rapid.SampledFrom([]rune("ab*?é")), 0, 12, -1).Draw(t, "pattern")
		s := rapid.StringOfN(rapid.SampledFrom([]rune("abé\n")), 0, 14, -1).Draw(t, "text")
		compiled := pattern.Parse(p, both)
		if got, want := compiled.Match(s), naive(p, s); got != want {
			t.Fatalf("%q against %q: got %v, want %v", p, s, got, want)
		}
	})
}

func TestLongTextsEqualARegularExpression(t *testing.T) {
	long := strings.Repeat("ab", 3000)
	for _, c := range []struct{ name, pattern, text string }{
		{"a run at the start", "*a?a*", long},
		{"a run at the end", "*" + strings.Repeat("?b", 40) + "x*", long + "x"},
		{"a run that is not there", "*" + strings.Repeat("a?", 100) + "c*", long},
		{"runs after each other", "*a?é*" + strings.Repeat("?", 70) + "b*é", long + "aéé" + long + "é"},
		{"a run of two words", "*" + strings.Repeat("ab?b", 50) + "z*", long + "z"},
	} {
		p := pattern.Parse(c.pattern, both)
		if got, want := p.Match(c.text), naive(c.pattern, c.text); got != want {
			t.Errorf("%s: got %v, want %v", c.name, got, want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "aXXbYc")
	f.Add("*a*a*a*b", "aaaaaaaaaaaa")
	f.Add("${a, 'b'}*", "x")
	f.Fuzz(func(t *testing.T, p, s string) {
		compiled := pattern.Parse(p, both)
		got := compiled.Match(s)
		if len(p) < 50 && len(s) < 100 && !strings.Contains(p, "$") && utf8.ValidString(p) && utf8.ValidString(s) {
			if want := naive(p, s); got != want {
				t.Fatalf("%q against %q: got %v, want %v", p, s, got, want)
			}
		}
	})
}
