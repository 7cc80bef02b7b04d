// Package chart draws: numbers go in, a figure of HTML and SVG comes out, with the rows
// of a table for whoever would rather read than look.
//
// A figure has no script, no style attribute and no colour of its own: classes and
// attributes only, which CSS colours for light, dark, print and forced colours (see CSS).
// Drawings stretch to the width that they get, so words stand beside them in HTML, where
// they stay legible on a telephone. Every text is hostile: it is made visible and
// escaped. The number of marks is bounded, and what was left out or put together is said
// in the description. The same values give the same bytes.
package chart

import (
	"bufio"
	_ "embed"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/sheet"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// CSS is the style of all charts. It takes the colours of the page it is on, where that
// names them: --ink, --soft, --line, --card and those of the severities.
//
//go:embed chart.css
var CSS string

// Markup is HTML that may be written as it is.
type Markup = sheet.Markup

// Chart is a drawing and the same in rows.
type Chart interface {
	HTML() Markup
	Table() Table
}

// Table is a chart in words. Its cells are hostile text like any other.
type Table struct {
	Columns []string
	Rows    [][]string
}

// Tone is what a mark looks like: a class of the style.
type Tone uint8

// The tones: of severities, of states, of series that mean nothing by themselves, and
// five steps of a shade.
const (
	Plain Tone = iota
	Informational
	Low
	Medium
	High
	Critical
	Good
	Bad
	Unknown
	Accent
	first // of the series
	second
	third
	fourth
	fifth
	sixth
	shade1
	shade2
	shade3
	shade4
	shade5
	tones
)

var toneClasses = [tones]Markup{
	"chart-plain", "l-informational", "l-low", "l-medium", "l-high", "l-critical", "chart-good", "chart-bad", "chart-unknown", "chart-accent",
	"chart-1", "chart-2", "chart-3", "chart-4", "chart-5", "chart-6", "chart-h1", "chart-h2", "chart-h3", "chart-h4", "chart-h5",
}

func (t Tone) class() Markup { return toneClasses[min(t, tones-1)] }

// Series is the tone of the i-th of several series, from 0; they repeat after six.
func Series(i int) Tone { return first + Tone(uint(i)%6) }

// Level is the tone of a severity.
func Level(s rootkeep.Severity) Tone { return Informational + Tone(min(s, rootkeep.Critical)) }

// Shade is one of five steps of the logarithm of a value up to the most: counts of events
// differ by powers of ten. Plain is nothing, Unknown no number.
func Shade(value, most float64) Tone {
	switch {
	case math.IsNaN(value):
		return Unknown
	case value <= 0:
		return Plain
	case value >= most:
		return shade5
	}
	return shade1 + Tone(4*math.Log1p(value)/math.Log1p(most))
}

// Described is a chart with its table folded beneath it.
func Described(c Chart) Markup {
	return c.HTML() + render(func(p writer) {
		p.Raw(`<details class="chart-data"><summary>As a table</summary>`)
		p.table(c.Table())
		p.Raw("</details>")
	})
}

// mostRows is how many rows of a table are written.
const mostRows = 500

func (p writer) table(t Table) {
	p.Raw(`<div class="chart-scroll" role="region" aria-label="Numbers of the chart" tabindex="0"><table><thead><tr>`)
	for _, c := range t.Columns {
		p.Raw(`<th scope="col">`)
		p.Text(c)
		p.Raw("</th>")
	}
	p.Raw("</tr></thead><tbody>")
	for _, row := range t.Rows[:min(len(t.Rows), mostRows)] {
		p.Raw("<tr>")
		for i, cell := range row {
			if i == 0 {
				p.Raw(`<th scope="row">`)
				p.Text(cell)
				p.Raw("</th>")
				continue
			}
			p.El("td", "", cell)
		}
		p.Raw("</tr>")
	}
	p.Raw("</tbody></table></div>")
	if n := len(t.Rows) - mostRows; n > 0 {
		p.El("p", "chart-fine", text.Counted(n, "row")+" more are not shown.")
	}
}

// writer writes one figure.
type writer struct{ sheet.Sheet }

func render(draw func(writer)) Markup {
	var b strings.Builder
	p := writer{sheet.Sheet{Writer: bufio.NewWriter(&b)}}
	draw(p)
	p.Flush() // a strings.Builder takes everything
	return Markup(b.String())
}

// figure is the frame of a drawing: what it shows, and a note if there is one.
func figure(title, note string, draw func(writer)) Markup {
	return render(func(p writer) {
		p.Raw(`<figure class="chart"><figcaption>`)
		p.El("b", "", title)
		if note != "" {
			p.Raw(" ")
			p.El("span", "", note)
		}
		p.Raw("</figcaption>")
		draw(p)
		p.Raw("</figure>")
	})
}

// ratio says what a drawing does with the room it gets.
type ratio Markup

const (
	keepRatio ratio = ""
	stretch   ratio = ` preserveAspectRatio="none"`
)

// svg opens a drawing. Its title is its name for a screen reader.
func (p writer) svg(class Markup, width, height float64, r ratio, title, desc string) {
	p.Raw(`<svg class="`, class, `" viewBox="0 0 `, sheet.Number(width), " ", sheet.Number(height), `"`, Markup(r), ` role="img"`)
	p.Attr("aria-label", title)
	p.Raw(">")
	p.El("title", "", title)
	p.El("desc", "", desc)
}

func (p writer) rect(tone Tone, x, y, width, height float64) {
	p.Raw(`<rect class="`, tone.class(), `" x="`, sheet.Number(x), `" y="`, sheet.Number(y), `" width="`, sheet.Number(width), `" height="`, sheet.Number(height), `"/>`)
}

// key is one line of a legend.
type key struct {
	tone       Tone
	name, more string
}

// legend names the tones, so that colour is not all that tells them apart.
func (p writer) legend(keys []key) {
	p.Raw(`<ul class="chart-legend">`)
	for _, k := range keys {
		p.Raw(`<li class="`, k.tone.class(), `">`)
		p.Text(k.name)
		if k.more != "" {
			p.Raw(" ")
			p.El("b", "", k.more)
		}
		p.Raw("</li>")
	}
	p.Raw("</ul>")
}

// axis writes words below a drawing, evenly from its left to its right edge. A screen
// reader has them from the table.
func (p writer) axis(words []string) {
	p.Raw(`<div class="chart-axis" aria-hidden="true">`)
	for _, w := range words {
		p.El("span", "", w)
	}
	p.Raw("</div>")
}

// Times are five points in time from one to the other, in words, for an axis.
func Times(from, to time.Time) []string {
	layout := time.DateOnly
	if to.Sub(from) < 5*24*time.Hour {
		layout = "01-02 15:04"
	}
	var out []string
	for i := range 5 {
		at := from.Add(to.Sub(from) / 4 * time.Duration(i))
		out = append(out, at.UTC().Format(layout))
	}
	return out
}

// share is where a time lies between two others, from 0 to 1.
func share(at, from, to time.Time) float64 {
	if !from.Before(to) {
		return 0
	}
	return min(max(float64(at.Sub(from))/float64(to.Sub(from)), 0), 1)
}

// omitted says below a drawing what it leaves out or puts together.
func (p writer) omitted(what []string) {
	if len(what) > 0 {
		p.El("p", "chart-fine", strings.Join(what, "; ")+".")
	}
}

// sentences puts what a drawing shows before what it leaves out.
func sentences(shown string, omitted []string) string {
	return strings.Join(append([]string{shown}, omitted...), ". ") + "."
}

// number writes a value with its unit: 1,204, 12.5 %.
func number(v float64, unit string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "unknown"
	}
	s := fmt.Sprintf("%.1f", v)
	if whole := math.Round(v); math.Abs(v-whole) < 0.05 && math.Abs(whole) < 1<<53 {
		s = text.Grouped(int64(whole))
	}
	if unit != "" {
		s += " " + unit
	}
	return s
}
