// Package safe makes texts of others fit for the places that notices are shown in: what
// goes in may be hostile, what comes out can name nobody, link nowhere and format nothing
// there. Control characters, terminal sequences and bidirectional overrides are written as
// \x1b or \u202e everywhere.
package safe

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/rootkeep/rootkeep/internal/report/text"
)

// more ends a text that was cut.
const more = "..."

// Cut shortens a text to so many runes, the last of which say that it was cut. It never
// splits a character.
func Cut(s string, runes int) string { return fit(s, runes, func(r rune) string { return string(r) }) }

// Line is one line: a line end in it is written as \x0a.
func Line(s string, runes int) string { return Cut(text.Visible(short(s, runes), 0), runes) }

// Lines keeps the line ends of a text, as \n, and makes each line visible.
func Lines(s string, runes int) string {
	var b strings.Builder
	for line := range strings.Lines(short(s, runes)) {
		bare := strings.TrimRight(line, "\r\n")
		b.WriteString(text.Visible(bare, 0))
		if strings.HasSuffix(line, "\n") {
			b.WriteByte('\n')
		}
	}
	return Cut(b.String(), runes)
}

// Slack is a text in Slack's mrkdwn. Nothing in it is a link, a mention or a date: those
// begin with <. The words that call a whole channel are taken apart.
//
// Source: Slack developer docs, "Formatting message text", section "Escaping text".
func Slack(s string, runes int) string {
	return fit(apart(s), runes, func(r rune) string {
		switch r {
		case '&':
			return "&amp;"
		case '<':
			return "&lt;"
		case '>':
			return "&gt;"
		}
		return string(r)
	})
}

// SlackLink is a link that people click, for an address of ours; "" for none, and for what
// is no address.
func SlackLink(address, words string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return "<" + strings.NewReplacer("|", "%7C", ">", "%3E", "<", "%3C", "&", "&amp;").Replace(u.String()) + "|" + Slack(words, text.Short) + ">"
}

// Markdown is a text in the Markdown of adaptive cards and of chats like it: what formats,
// links or mentions is written with a backslash before it, and <at> is no tag.
//
// Source: Microsoft Learn, "Text formatting in Adaptive Cards".
func Markdown(s string, runes int) string {
	return fit(apart(s), runes, func(r rune) string {
		switch r {
		case '<':
			return "&lt;"
		case '>':
			return "&gt;"
		case '&':
			return "&amp;"
		}
		if strings.ContainsRune("\\`*_{}[]()#+-.!|~:", r) {
			return "\\" + string(r)
		}
		return string(r)
	})
}

// Segment is a text as one segment of an address.
func Segment(s string) string {
	escaped := url.PathEscape(strings.ToValidUTF8(s, "\ufffd"))
	if strings.Trim(escaped, ".") == "" { // "..", which would lead up
		return strings.ReplaceAll(escaped, ".", "%2E")
	}
	return escaped
}

// ASCII is a text as headers carry it: what is not printable ASCII is a question mark.
func ASCII(s string, runes int) string {
	return fit(s, runes, func(r rune) string {
		if r < ' ' || r > '~' {
			return "?"
		}
		return string(r)
	})
}

// apart takes words apart that call everybody.
func apart(s string) string {
	const gap = "@\u2060" // word joiner: no width, and no word of a channel
	return strings.NewReplacer("@here", gap+"here", "@channel", gap+"channel", "@everyone", gap+"everyone").Replace(s)
}

// short is a text no longer than what is looked at of it, so that a text of many megabytes
// costs no more than one of that length; the rest is cut later, and said so.
func short(s string, runes int) string {
	most := runes*utf8.UTFMax + utf8.UTFMax
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// fit writes a text piece by piece as long as the pieces fit.
func fit(s string, runes int, piece func(rune) string) string {
	var b strings.Builder
	n, safe := 0, 0 // runes written, and bytes up to which there is room for the end
	for _, r := range s {
		p := piece(r)
		n += utf8.RuneCountInString(p)
		if n > runes {
			return b.String()[:safe] + more[:min(len(more), max(runes, 0))]
		}
		b.WriteString(p)
		if n <= runes-len(more) {
			safe = b.Len()
		}
	}
	return b.String()
}
