// Package text writes what people read: hostile strings made visible, and counts,
// sizes and times in one house form. It knows nothing of hunts.
package text

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxMarks is how many combining marks may sit on one character. Vietnamese and
// Hebrew need two; more of them paint over the neighbouring lines.
const maxMarks = 2

// Visible makes hostile text safe to read: control characters, ESC sequences,
// bidirectional overrides, zero-width and other invisible characters, stacked
// combining marks and invalid UTF-8 are written as \x1b or \u202e. A text that
// would take more than limit runes is cut, and what is left out is Counted; a
// limit of 0 or less is none. The exact text is in the JSON output.
func Visible(s string, limit int) string {
	if plain(s) && (limit <= 0 || len(s) <= limit) {
		return s
	}
	var b strings.Builder
	marks, runes := maxMarks, 0 // a mark without a base before it is not let through
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		piece := s[i : i+size]
		switch {
		case r == utf8.RuneError && size == 1:
			piece = fmt.Sprintf(`\x%02x`, s[i])
			marks = maxMarks
		case unicode.In(r, unicode.Mn, unicode.Me) && marks >= maxMarks, !Shown(r):
			piece = escaped(r)
			marks = maxMarks
		case unicode.In(r, unicode.Mn, unicode.Me):
			marks++
		default:
			marks = 0
		}
		runes += utf8.RuneCountInString(piece)
		if limit > 0 && runes > limit {
			fmt.Fprintf(&b, "...(%d more bytes)", len(s)-i)
			break
		}
		b.WriteString(piece)
		i += size
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Shown says whether a reader sees r, in its place and in reading order.
// unicode.IsPrint leaves out controls, format characters (all bidirectional and
// most zero-width ones), separators other than the space, and private use; the
// tables add letters and marks that are defined as invisible.
func Shown(r rune) bool {
	const brailleBlank = '\u2800'
	return unicode.IsPrint(r) && r != brailleBlank &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func escaped(r rune) string {
	switch {
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	default:
		return fmt.Sprintf(`\U%08x`, r)
	}
}

// Inert replaces every character of JSON text that Shown refuses by its \u
// escape. encoding/json does so for controls below 0x20 only; the rest occurs
// inside strings alone, so the value stays the same.
func Inert(src []byte) []byte {
	var out []byte
	from := 0
	for i := 0; i < len(src); {
		if src[i] < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(src[i:])
		if !Shown(r) {
			out = append(out, src[from:i]...)
			for _, unit := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
			from = i + n
		}
		i += n
	}
	if out == nil {
		return src
	}
	return append(out, src[from:]...)
}

// Cell makes a text safe in a cell of a CSV file. It disarms formulas (OWASP, "CSV Injection"): spreadsheets evaluate what
// follows = + - @, a tab or a line end, and the wide forms of the signs in some
// locales. Where the list separator is a semicolon, Excel splits there as well,
// so each piece is disarmed. The check comes before controls are made visible.
func Cell(s string) string {
	const formulaStarts = "=+-@\t\r\n＝＋－＠"
	pieces := strings.Split(s, ";")
	for i, p := range pieces {
		armed := strings.IndexAny(strings.TrimLeft(p, " "), formulaStarts) == 0
		pieces[i] = Visible(p, 0)
		if armed {
			pieces[i] = "'" + pieces[i]
		}
	}
	return strings.Join(pieces, ";")
}
