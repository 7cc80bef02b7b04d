package pattern

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/lot"
)

func matchText(p *Pattern, text string) bool {
	return p.Match(AppendFold(nil, []byte(text), p.Fold()))
}

func TestMatch(t *testing.T) {
	tests := []struct {
		name    string
		pattern string
		text    string
		want    bool
	}{
		{"text equals itself in any case", "Root", "rOOT", true},
		{"the whole value must match", "root", "root1", false},
		{"nothing equals nothing", "", "", true},
		{"* at the end is a prefix", "adm_*", "ADM_joe", true},
		{"* at the start is a suffix", "*.exe", "a.EXE", true},
		{"* on both sides is anywhere", "*mid*", "amidst", true},
		{"* matches nothing too", "a*b", "ab", true},
		{"an end cannot overlap a start", "ab*ba", "aba", false},
		{"middles are found in order", "a*b*c*d", "a-c-b-c-d", true},
		{"middles out of order do not match", "a*b*c*d", "a-c-b-d", false},
		{"? is one character", "a?c", "abc", true},
		{"? is not none", "a?c", "ac", false},
		{"? is one character of several bytes", "a?c", "a€c", true},
		{"?? is not one character of several bytes", "*??", "€", false},
		{"* and ? together want at least one", "?*", "", false},
		{"an escaped * is a character", `a\*`, "a*", true},
		{"an escaped * is nothing else", `a\*`, "ab", false},
		{"an escaped backslash before *", `a\\*`, `a\b`, true},
		{"three backslashes before *", `a\\\*`, `a\*`, true},
		{"a single backslash is plain", `c:\x`, `C:\X`, true},
		{"two backslashes are one", `c:\\x`, `c:\x`, true},
		{"four backslashes are two", `c:\\\\x`, `c:\\x`, true},
		{"letters beyond ASCII have a case", "MÜNCHEN", "münchen", true},
		{"a late match is found", "*aab", "aaab", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := matchText(Compile(Parse(tt.pattern), FoldCase), tt.text); got != tt.want {
				t.Errorf("%q on %q: got %v, want %v", tt.pattern, tt.text, got, tt.want)
			}
		})
	}
}

// expression is the pattern as a regular expression, built character by
// character and not from the parts.
func expression(pattern string) string {
	var b strings.Builder
	b.WriteString(`(?is)\A`)
	escaped := false
	for i, c := range pattern {
		special := i+1 < len(pattern) && strings.ContainsRune(`\*?`, rune(pattern[i+1]))
		switch {
		case !escaped && c == '\\' && special:
			escaped = true
			continue
		case !escaped && c == '*':
			b.WriteString(".*")
		case !escaped && c == '?':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
		escaped = false
	}
	b.WriteString(`\z`)
	return b.String()
}

func TestMatchAgreesWithRegularExpressions(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]string{"a", "B", "b", "é", "*", "?", `\`, `\*`, "**"})
		p := strings.Join(rapid.SliceOfN(alphabet, 0, 8).Draw(t, "pattern"), "")
		text := strings.Join(rapid.SliceOfN(alphabet, 0, 10).Draw(t, "text"), "")
		want := regexp.MustCompile(expression(p)).MatchString(text)
		if got := matchText(Compile(Parse(p), FoldCase), text); got != want {
			t.Fatalf("%q on %q: got %v, want %v", p, text, got, want)
		}
	})
}

func TestFoldAgreesWithTheStandardLibrary(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		if got, want := string(AppendFold(nil, []byte(s), FoldCase)), strings.ToLower(s); got != want {
			t.Fatalf("fold of %q: got %q, want %q", s, got, want)
		}
		ascii := rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "ascii")
		if got, want := string(AppendFold(nil, []byte(ascii), FoldCase)), strings.ToLower(ascii); got != want {
			t.Fatalf("fold of %q: got %q, want %q", ascii, got, want)
		}
	})
}

func TestFoldKeepsBytesThatAreNoText(t *testing.T) {
	in := "A\xff\x80Z/\xe2"
	if got, want := string(AppendFold(nil, []byte(in), FoldCase|FoldDash)), "a\xff\x80z-\xe2"; got != want {
		t.Errorf("fold: got %q, want %q", got, want)
	}
}

func TestAppendPlain(t *testing.T) {
	tests := []struct {
		name string
		json string
		want string
	}{
		{"white space between tokens goes", "{ \"a\" :\n[1,\t2 ]\r}", `{"a":[1,2]}`},
		{"white space in strings stays", `{"a b":" c "}`, `{"a b":" c "}`},
		{"quotes are decoded", `{"p":"{\"Action\":\"s3:*\"}"}`, `{"p":"{"Action":"s3:*"}"}`},
		{"an escaped quote does not end a string", `["\" ",  1]`, `["" ",1]`},
		{"control characters are decoded", `"\b\f\n\r\t\/\\"`, "\"\b\f\n\r\t/\\\""},
		{"a code point is decoded", `"\u00e9\u20AC"`, `"é€"`},
		{"a surrogate pair is one character", `"\ud83d\ude00"`, `"😀"`},
		{"half a pair is the replacement character", `"\ud83d\u0041\ud83d"`, "\"\ufffdA\ufffd\""},
		{"text that ends in an escape is copied", `"a\`, `"a\`},
		{"an unknown escape is its character", `"\q\u12"`, `"qu12"`},
		{"long strings are copied", `"` + strings.Repeat("abc ", 20) + `"`, `"` + strings.Repeat("abc ", 20) + `"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(AppendPlain(nil, []byte(tt.json))); got != tt.want {
				t.Errorf("plain of %s: got %q, want %q", tt.json, got, tt.want)
			}
		})
	}
}

func TestFinderFindsWhatContainsFinds(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[abc\x00é]{1,5}`)
		literals := rapid.SliceOfDistinct(word, func(s string) string { return s }).Draw(t, "literals")
		text := rapid.StringMatching(`[abcd\x00é]{0,40}`).Draw(t, "text")
		got, want := make([]bool, len(literals)), make([]bool, len(literals))
		NewFinder(literals).Find([]byte(text), got)
		for i, lit := range literals {
			want[i] = strings.Contains(text, lit)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q in %q: got %v, want %v", literals, text, got, want)
		}
	})
}

func TestEncodings(t *testing.T) {
	text := Parse("cmd")
	tests := []struct {
		name string
		got  Text
		want string
	}{
		{"UTF-16 with the low byte first", text.EncodeUTF16(LittleEndian), "c\x00m\x00d\x00"},
		{"UTF-16 with the high byte first", text.EncodeUTF16(BigEndian), "\x00c\x00m\x00d"},
		{"UTF-16 with a mark", text.EncodeUTF16(MarkedLittleEndian), "\xff\xfec\x00m\x00d\x00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := tt.got.plain(); got != tt.want || err != nil {
				t.Errorf("got %q %v, want %q", got, err, tt.want)
			}
		})
	}
	offsets, err := Parse("foobar").EncodeBase64Offset()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"Zm9vYmFy", "Zvb2Jhc", "mb29iYX"} {
		if got, _ := offsets[i].plain(); got != want {
			t.Errorf("base64 at offset %d: got %q, want %q", i, got, want)
		}
	}
	if _, err := Parse("a*").EncodeBase64(); err == nil {
		t.Error("base64 of a wildcard: got no error, want one")
	}
	if _, err := Parse("a?").EncodeBase64Offset(); err == nil {
		t.Error("base64 offset of a wildcard: got no error, want one")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "aXbYc")
	f.Add(`\\*\?`, `\\?`)
	f.Fuzz(func(t *testing.T, pattern, text string) {
		for _, fold := range []Fold{0, FoldCase, FoldDash, FoldCase | FoldDash} {
			p := Compile(Parse(pattern), fold)
			folded := AppendFold(nil, []byte(text), fold)
			got := p.Match(folded)
			if anywhere := Compile(Parse(pattern).Contains(), fold); got && !anywhere.Match(folded) {
				t.Errorf("%q on %q: got a match of all and none of a part, want both", pattern, text)
			}
		}
		AppendPlain(nil, []byte(text))
	})
}
