package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// TerminalWidth is the width of w if it is a terminal.
func TerminalWidth(w io.Writer) (int, bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return width, err == nil && width > 0
}

// ProgressLine draws on one line and clears it at the end.
func ProgressLine(w io.Writer, width int) (func(report.Progress), func()) {
	draw := func(p report.Progress) { fmt.Fprintf(w, "\r%s\x1b[K", report.ProgressLine(p, width-1)) }
	return draw, func() { fmt.Fprint(w, "\r\x1b[K") }
}

// CallsLine draws how many calls are done of those planned, and clears it at the end.
func CallsLine(w io.Writer, width int) (func(done, planned int), func()) {
	draw := func(done, planned int) {
		line := fmt.Sprintf("%d of %d calls to AWS", done, planned)
		fmt.Fprintf(w, "\r%s\x1b[K", line[:min(len(line), max(width-1, 0))])
	}
	return draw, func() { fmt.Fprint(w, "\r\x1b[K") }
}

// AccountsLine draws how many accounts are read and about how long the others take,
// and clears the line at the end.
func AccountsLine(w io.Writer, width int) (func(done, accounts, calls int, part float64), func()) {
	started := time.Now()
	var drawn time.Time
	draw := func(done, accounts, calls int, part float64) {
		now := time.Now()
		if now.Sub(drawn) < drawPause && done < accounts {
			return
		}
		drawn = now
		line := fmt.Sprintf("%d of %d accounts, %s calls to AWS%s", done, accounts, text.Grouped(calls), remaining(now.Sub(started), part))
		fmt.Fprintf(w, "\r%s\x1b[K", line[:min(len(line), max(width-1, 0))])
	}
	return draw, func() { fmt.Fprint(w, "\r\x1b[K") }
}

// drawPause is between two drawings of a line that changes a thousand times a second.
const drawPause = 100 * time.Millisecond

// remaining estimates how long the rest takes from how long a part took; "" while that
// would be a guess.
func remaining(took time.Duration, part float64) string {
	if part < 0.02 || part >= 1 {
		return ""
	}
	left := time.Duration(float64(took) * (1 - part) / part)
	switch {
	case left > 2*time.Hour:
		return fmt.Sprintf(", about %.0f h left", left.Hours())
	case left > 2*time.Minute:
		return fmt.Sprintf(", about %.0f min left", left.Minutes())
	}
	return fmt.Sprintf(", about %.0f s left", left.Seconds())
}

// Visible makes hostile text harmless on a terminal.
func Visible(s string) string { return text.Visible(s, 2000) }

// WriteJSON writes a document, indented, for programs and for people who look at it.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(&Inert{To: w})
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Inert passes JSON on in which characters that a terminal obeys, or that turn text
// around, are written as escapes.
type Inert struct {
	To   io.Writer
	part []byte // of a character that a Write ended in; JSON ends in none
}

// Write is of io.Writer.
func (w *Inert) Write(b []byte) (int, error) {
	whole := append(w.part, b...)
	end := len(whole)
	for i := end - 1; i >= 0 && i > end-utf8.UTFMax; i-- {
		if utf8.RuneStart(whole[i]) {
			if !utf8.FullRune(whole[i:]) {
				end = i
			}
			break
		}
	}
	w.part = append([]byte(nil), whole[end:]...)
	if _, err := w.To.Write(text.Inert(whole[:end])); err != nil {
		return 0, err
	}
	return len(b), nil
}

// PrintVisible prints text of which each line is made harmless on a terminal.
func PrintVisible(w io.Writer, text string) error {
	for line := range strings.Lines(text) {
		if _, err := fmt.Fprintln(w, Visible(strings.TrimRight(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}
