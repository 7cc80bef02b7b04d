// Package sheet writes self-contained HTML pages: constants as markup, and text from
// logs and AWS, which is made visible and escaped. A page has no script, loads nothing,
// is light and dark, legible from 360 px up, and printable.
package sheet

import (
	"bufio"
	_ "embed"
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Markup is HTML that is written as it is. Only constants become Markup without
// a conversion, so text from a log cannot get into a page unescaped by mistake.
// (html/template would keep every exported method alive in the binary.)
type Markup string

// Sheet writes HTML. Errors stay in the writer until Flush.
type Sheet struct{ *bufio.Writer }

// stylesheet is sheet.css. It is never written to.
//
//go:embed sheet.css
var stylesheet string

// policy forbids everything but the style in the page itself: should escaping
// fail one day, the browser still runs and loads nothing.
const policy Markup = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'`

// Head begins a page with its title. more is style beside the sheet's own.
func (p Sheet) Head(title string, more Markup) {
	p.Raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
		`<meta http-equiv="Content-Security-Policy" content="`, policy, "\">\n",
		`<meta name="viewport" content="width=device-width, initial-scale=1">`+"\n",
		`<meta name="color-scheme" content="light dark">`+"\n",
		`<meta name="referrer" content="no-referrer">`+"\n",
		`<meta name="robots" content="noindex">`+"\n",
		// Without an icon a browser asks the server for one.
		`<link rel="icon" href="data:,">`+"\n")
	p.El("title", "", title)
	p.Raw("\n<style>\n", Markup(stylesheet), more, "</style>\n</head>\n<body>\n")
}

// Entry is a line of the navigation, with a count if there is one.
type Entry struct {
	ID, Name Markup
	N        int
}

// Masthead opens the sheet: what it is, when it was made, and where its sections are.
func (p Sheet) Masthead(kind string, made time.Time, entries []Entry) {
	p.Raw(`<a class="skip" href="#main">Skip to the report</a>`+"\n", `<div class="sheet">`+"\n", `<header class="rail"><p class="mark">rootkeep</p>`)
	p.El("p", "kind", kind)
	p.El("p", "made", made.UTC().Format("2006-01-02 15:04")+" UTC")
	p.Raw(`<nav aria-label="Sections"><ul>`)
	for _, e := range entries {
		p.Raw(`<li><a href="#`, e.ID, `">`, e.Name)
		if e.N > 0 {
			p.El("span", "n", text.Grouped(e.N))
		}
		p.Raw("</a></li>")
	}
	p.Raw("</ul></nav></header>\n")
}

// Section opens a section with a heading and a count beside it.
func (p Sheet) Section(id, title Markup, n int) {
	p.Raw(`<section id="`, id, `"><h2>`, title)
	if n > 0 {
		p.El("span", "n", text.Grouped(n))
	}
	p.Raw("</h2>")
}

// pageText is the most runes of one text that a page shows.
const pageText = 2000

// Raw writes markup.
func (p Sheet) Raw(parts ...Markup) {
	for _, m := range parts {
		p.WriteString(string(m))
	}
}

// Text writes s for a reader: visible, then escaped.
func (p Sheet) Text(s string) {
	p.WriteString(html.EscapeString(text.Visible(s, pageText)))
}

// El writes an element with a class and text in it; an empty class is left out.
func (p Sheet) El(tag, class Markup, text string) {
	p.Open(tag, class)
	p.Text(text)
	p.Raw("</", tag, ">")
}

// Open opens an element with a class; an empty one is left out.
func (p Sheet) Open(tag, class Markup) {
	p.Raw("<", tag)
	if class != "" {
		p.Raw(` class="`, class, `"`)
	}
	p.Raw(">")
}

// Attr writes an attribute with a space before it.
func (p Sheet) Attr(name Markup, value string) {
	p.Raw(" ", name, `="`)
	p.Text(value)
	p.Raw(`"`)
}

// Row writes a term and its description; without a description neither.
func (p Sheet) Row(term Markup, description string) {
	if description == "" {
		return
	}
	p.Raw("<dt>", term, "</dt>")
	p.El("dd", "", description)
}

// TD writes a cell with the name of its column, which style shows where columns
// do not fit side by side. Smaller text under it is left out when empty.
func (p Sheet) TD(column, class Markup, words, under string) {
	p.Raw("<td")
	if class != "" {
		p.Raw(` class="`, class, `"`)
	}
	p.Raw(` data-column="`, column, `">`)
	p.Text(words)
	if under != "" {
		p.El("span", "sub", under)
	}
	p.Raw("</td>")
}

// Level is the class that carries a severity's colour.
func Level(s rootkeep.Severity) Markup {
	return [...]Markup{"l-informational", "l-low", "l-medium", "l-high", "l-critical"}[min(s, rootkeep.Critical)]
}

// Number formats coordinates and counts, which need no escaping.
func Number[T int | int64 | float64](n T) Markup {
	if f, ok := any(n).(float64); ok {
		return Markup(strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0"))
	}
	return Markup(fmt.Sprint(n))
}
