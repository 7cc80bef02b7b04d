package report

import (
	"bufio"
	"fmt"
	"html"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// markup is HTML that is written as it is. Only constants become markup without
// a conversion, so text from a log cannot get into a page unescaped by mistake.
// (html/template would keep every exported method alive in the binary.)
type markup string

// page writes HTML. Errors stay in the writer until Flush.
type page struct{ *bufio.Writer }

// pageText is the most runes of one text that a page shows.
const pageText = 2000

func (p page) raw(parts ...markup) {
	for _, m := range parts {
		p.WriteString(string(m))
	}
}

// text writes s for a reader: visible, then escaped.
func (p page) text(s string) {
	p.WriteString(html.EscapeString(text.Visible(s, pageText)))
}

// el writes an element with a class and text in it; an empty class is left out.
func (p page) el(tag, class markup, text string) {
	p.open(tag, class)
	p.text(text)
	p.raw("</", tag, ">")
}

func (p page) open(tag, class markup) {
	p.raw("<", tag)
	if class != "" {
		p.raw(` class="`, class, `"`)
	}
	p.raw(">")
}

// attr writes an attribute with a space before it.
func (p page) attr(name markup, value string) {
	p.raw(" ", name, `="`)
	p.text(value)
	p.raw(`"`)
}

// row writes a term and its description; without a description neither.
func (p page) row(term markup, description string) {
	if description == "" {
		return
	}
	p.raw("<dt>", term, "</dt>")
	p.el("dd", "", description)
}

// td writes a cell with the name of its column, which style shows where columns
// do not fit side by side. Smaller text under it is left out when empty.
func (p page) td(column, class markup, words, under string) {
	p.raw("<td")
	if class != "" {
		p.raw(` class="`, class, `"`)
	}
	p.raw(` data-column="`, column, `">`)
	p.text(words)
	if under != "" {
		p.el("span", "sub", under)
	}
	p.raw("</td>")
}

// level is the class that carries a severity's colour.
func level(s rootkeep.Severity) markup {
	return [...]markup{"l-informational", "l-low", "l-medium", "l-high", "l-critical"}[min(s, rootkeep.Critical)]
}

// number formats coordinates and counts, which need no escaping.
func number[T int | int64 | float64](n T) markup {
	if f, ok := any(n).(float64); ok {
		return markup(strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0"))
	}
	return markup(fmt.Sprint(n))
}
