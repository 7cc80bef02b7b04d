package report

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// labelWidth holds the longest field label and the indentation before it.
const labelWidth = 12

// levelStyle uses the sixteen colours that the reader's own theme defines, so
// that they are legible on any background.
func levelStyle(s rootkeep.Severity) lipgloss.Style {
	colors := [...]string{"8", "4", "6", "3", "1"}
	return lipgloss.NewStyle().Foreground(lipgloss.Color(colors[min(s, rootkeep.Critical)])).Bold(s >= rootkeep.High)
}

// Paint colours words by a severity, for a terminal.
func Paint(s rootkeep.Severity, words string) string { return levelStyle(s).Render(words) }

func (t *screen) paint(style lipgloss.Style, words string) string {
	if !t.color || words == "" {
		return words
	}
	return style.Render(words)
}

func (t *screen) heading(words string) {
	fmt.Fprintln(t.out)
	t.paragraph(lipgloss.NewStyle().Bold(true), words)
}

func (t *screen) paragraph(style lipgloss.Style, words string) {
	for _, line := range wrap(words, t.width) {
		fmt.Fprintln(t.out, t.paint(style, line))
	}
}

// item is a tag, a title and a mark at the right edge when it fits.
func (t *screen) item(style lipgloss.Style, tag, title, mark string) {
	const tagWidth = 13 // INFORMATIONAL
	indent := 2 + tagWidth + 1
	lines := wrap(title, t.width-indent)
	mark = text.Visible(mark, 0)
	first := lines[0]
	gap := t.width - indent - lipgloss.Width(first) - lipgloss.Width(mark)
	fmt.Fprintf(t.out, "  %s%s %s", t.paint(style, tag), strings.Repeat(" ", max(tagWidth-len(tag), 0)), t.paint(lipgloss.NewStyle().Bold(true), first))
	if gap >= 2 {
		fmt.Fprintf(t.out, "%s%s", strings.Repeat(" ", gap), t.paint(lipgloss.NewStyle().Faint(true), mark))
	}
	fmt.Fprintln(t.out)
	for _, line := range lines[1:] {
		fmt.Fprintf(t.out, "%s%s\n", strings.Repeat(" ", indent), t.paint(lipgloss.NewStyle().Bold(true), line))
	}
	if gap < 2 {
		for _, line := range wrap(mark, t.width-indent) {
			fmt.Fprintf(t.out, "%s%s\n", strings.Repeat(" ", indent), line)
		}
	}
}

// field writes a label and its words; a field without words is left out.
func (t *screen) field(label, words string) {
	t.painted(label, words, lipgloss.NewStyle())
}

func (t *screen) painted(label, words string, style lipgloss.Style) {
	if words == "" {
		return
	}
	lead := "    " + label + strings.Repeat(" ", labelWidth-4-len(label))
	for i, line := range wrap(words, t.width-labelWidth) {
		if i > 0 {
			lead = strings.Repeat(" ", labelWidth)
		}
		fmt.Fprintf(t.out, "%s%s\n", lead, t.paint(style, line))
	}
}

// origins writes one address a line; the responder compares them with a list.
func (t *screen) origins(list []rootkeep.Address) {
	const most = 4
	for i, a := range list[:min(len(list), most)] {
		label := "from"
		if i > 0 {
			label = ""
		}
		words := origin(a)
		if a.Count > 0 && len(list) > 1 {
			words += ", " + text.Counted(a.Count, "event")
		}
		t.field(label, words)
	}
	if n := len(list) - most; n > 0 {
		t.field("", fmt.Sprintf("and %s more", text.Grouped(n)))
	}
}

func (t *screen) hanging(indent, words string, style lipgloss.Style) {
	for i, line := range wrap(words, t.width-len(indent)-2) {
		lead := indent
		if i > 0 {
			lead += "  "
		}
		fmt.Fprintf(t.out, "%s%s\n", lead, t.paint(style, line))
	}
}

// wrap breaks words into lines of at most width columns, at spaces where it can.
// There is always at least one line. All that reaches the screen passes here, so
// hostile text is made visible here, whether its caller did so or not.
func wrap(words string, width int) []string {
	width = max(width, 10)
	var lines []string
	line, used := "", 0
	for _, word := range strings.Fields(text.Visible(words, 0)) {
		for _, piece := range chop(word, width) {
			n := lipgloss.Width(piece)
			switch {
			case used == 0:
				line, used = piece, n
			case used+1+n <= width:
				line, used = line+" "+piece, used+1+n
			default:
				lines = append(lines, line)
				line, used = piece, n
			}
		}
	}
	return append(lines, line)
}

// chop cuts a word that is wider than a line.
func chop(word string, width int) []string {
	if lipgloss.Width(word) <= width {
		return []string{word}
	}
	var out []string
	piece, used := "", 0
	for _, r := range word {
		n := lipgloss.Width(string(r))
		if used+n > width {
			out = append(out, piece)
			piece, used = "", 0
		}
		piece += string(r)
		used += n
	}
	return append(out, piece)
}
