package safe_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/internal/notify/safe"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

func TestHostileTexts(t *testing.T) {
	for _, test := range []struct{ name, given, line, slack, markdown string }{
		{"plain", "Root signed in", "Root signed in", "Root signed in", "Root signed in"},
		{"a mention of all", "<!channel> @here @everyone", "<!channel> @here @everyone", "&lt;!channel&gt; @\u2060here @\u2060everyone", `&lt;\!channel&gt; @` + "\u2060" + `here @` + "\u2060everyone"},
		{"a mention of one", "<@U123> <at>Eve</at>", "<@U123> <at>Eve</at>", "&lt;@U123&gt; &lt;at&gt;Eve&lt;/at&gt;", "&lt;@U123&gt; &lt;at&gt;Eve&lt;/at&gt;"},
		{"a link", "<https://e.example|click>", "<https://e.example|click>", "&lt;https://e.example|click&gt;", `&lt;https\://e\.example\|click&gt;`},
		{"a link of Markdown", "[click](https://e.example)", "[click](https://e.example)", "[click](https://e.example)", `\[click\]\(https\://e\.example\)`},
		{"what is escaped already", "&lt;!channel&gt;", "&lt;!channel&gt;", "&amp;lt;!channel&amp;gt;", `&amp;lt;\!channel&amp;gt;`},
		{"a terminal sequence", "a\x1b[31mb", `a\x1b[31mb`, "a\x1b[31mb", "a\x1b\\[31mb"},
		{"line ends", "a\r\nBcc: b", `a\x0d\x0aBcc: b`, "a\r\nBcc: b", "a\r\nBcc\\: b"},
		{"a bidirectional override", "a\u202eb", `a\u202eb`, "a\u202eb", "a\u202eb"},
		{"no text", "", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for what, got := range map[string][2]string{
				"line": {safe.Line(test.given, 200), test.line}, "slack": {safe.Slack(test.given, 200), test.slack}, "markdown": {safe.Markdown(test.given, 200), test.markdown},
			} {
				if got[0] != got[1] {
					t.Errorf("%s: got %q, want %q", what, got[0], got[1])
				}
			}
		})
	}
}

// What comes out is bounded, is text, and has nothing left that its place would act on.
func TestWhatComesOutIsSafe(t *testing.T) {
	pieces := rapid.SampledFrom([]string{"<!channel>", "<@U1>", "&", "<", ">", "@here", "@channel", "[a](b)", "*", "`", "\x1b[2J", "\u202e", "\r\n", "\n", "\x00", "\xff", "é", "日本", "\U0001f600", "word ", "\\"})
	lot.Check(t, func(t *rapid.T) {
		given := strings.Join(rapid.SliceOfN(pieces, 0, 60).Draw(t, "given"), "")
		limit := rapid.IntRange(1, 120).Draw(t, "limit")
		for name, got := range map[string]string{
			"line": safe.Line(given, limit), "lines": safe.Lines(given, limit), "slack": safe.Slack(safe.Lines(given, 1000), limit),
			"markdown": safe.Markdown(safe.Lines(given, 1000), limit), "ascii": safe.ASCII(given, limit), "cut": safe.Cut(given, limit),
		} {
			if n := utf8.RuneCountInString(got); n > limit {
				t.Errorf("%s: got %d characters, want at most %d", name, n, limit)
			}
			if name != "cut" && strings.ContainsFunc(got, func(r rune) bool { return r != '\n' && r != '\u2060' && !text.Shown(r) }) {
				t.Errorf("%s: got %q, which has what nobody sees", name, got)
			}
			if name == "line" && strings.Contains(got, "\n") {
				t.Errorf("line: got %q, of more than one line", got)
			}
		}
		if got := safe.Slack(given, limit); strings.ContainsAny(got, "<>") || strings.Contains(strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(got), "&") {
			t.Errorf("slack: got %q, with a part of an entity or a link", got)
		}
		if u, err := url.Parse("https://api.example.com/v2/" + safe.Segment(given) + "/close"); err != nil || u.Host != "api.example.com" || strings.Count(u.EscapedPath(), "/") != 3 || u.RawQuery != "" {
			t.Errorf("segment: got %v, %v, want one segment", u, err)
		}
	})
}

func TestALongTextIsCut(t *testing.T) {
	long := strings.Repeat("<日\x1b", 1<<20)
	for name, got := range map[string]string{"line": safe.Line(long, 300), "lines": safe.Lines(long, 300), "slack": safe.Slack(safe.Lines(long, 300), 300), "markdown": safe.Markdown(long, 300)} {
		if n := utf8.RuneCountInString(got); n > 300 || !strings.HasSuffix(got, "...") {
			t.Errorf("%s: got %d characters that end in %q, want 300 that say they were cut", name, n, got[max(len(got)-9, 0):])
		}
	}
}

func TestLinksOfSlack(t *testing.T) {
	for _, test := range []struct{ name, given, want string }{
		{"an address", "https://rootkeep.example.com/alerts/AL-1?a=b&c=d", "<https://rootkeep.example.com/alerts/AL-1?a=b&amp;c=d|Open>"},
		{"one that ends the link", "https://rootkeep.example.com/a|b>c", "<https://rootkeep.example.com/a%7Cb%3Ec|Open>"},
		{"nothing", "", ""}, {"no address", "!channel", ""}, {"a script", "javascript:alert(1)", ""},
	} {
		if got := safe.SlackLink(test.given, "Open"); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
