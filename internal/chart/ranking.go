package chart

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/report/sheet"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Ranking is a list of things with a bar for each, the highest first.
type Ranking struct {
	Title, Note string
	Unit        string // what is counted, singular: sign-in
	Most        int    // things shown, the rest is put together; 0: 10
	Things      []Thing
}

// Thing is one line of a ranking.
type Thing struct {
	Label string
	Path  string // of a page of this server that tells more, from its root; "" for none
	N     int64
	Tone  Tone // Plain: that of an accent
}

// HTML draws the list.
func (r Ranking) HTML() Markup {
	things, rest := r.ranked()
	return figure(r.Title, r.Note, func(p writer) {
		if len(things) == 0 {
			p.El("p", "chart-fine", "None.")
			return
		}
		most := float64(max(things[0].N, 1))
		p.Raw(`<ol class="chart-ranking">`)
		for _, t := range things {
			p.thing(t, r.Unit, most)
		}
		p.Raw("</ol>")
		if rest.N > 0 {
			p.El("p", "chart-fine", rest.Label+": "+text.Counted(rest.N, r.Unit))
		}
	})
}

func (p writer) thing(t Thing, unit string, most float64) {
	p.Raw("<li>")
	if local(t.Path) {
		p.Raw("<a")
		p.Attr("href", t.Path)
		p.Raw(">")
		p.Text(text.Visible(t.Label, text.Line))
		p.Raw("</a>")
	} else {
		p.El("span", "", text.Visible(t.Label, text.Line))
	}
	p.El("b", "", text.Grouped(t.N))
	tone := t.Tone
	if tone == Plain {
		tone = Accent
	}
	p.svg("chart-length", plotWidth, 10, stretch, text.Visible(t.Label, text.Line), text.Counted(t.N, unit))
	p.rect(tone, 0, 0, max(plotWidth*float64(t.N)/most, 4), 10)
	p.Raw("</svg></li>")
}

// local says whether a path leads to a page of this server: with two slashes, or with a
// backslash that a browser takes for one, it would lead elsewhere.
func local(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.ContainsAny(path, "\\\t\r\n")
}

// ranked are the things to show, and the others as one.
func (r Ranking) ranked() (things []Thing, rest Thing) {
	most := r.Most
	if most <= 0 {
		most = 10
	}
	things = slices.DeleteFunc(slices.Clone(r.Things), func(t Thing) bool { return t.N <= 0 })
	slices.SortStableFunc(things, func(a, b Thing) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Label, b.Label)) })
	if n := len(things) - most; n > 0 {
		for _, t := range things[most:] {
			rest.N += t.N
		}
		rest.Label = text.Counted(n, "other")
		things = things[:most]
	}
	return things, rest
}

// Table lists all things, the highest first.
func (r Ranking) Table() Table {
	t := Table{Columns: []string{"Name", "Count"}}
	all := r
	all.Most = max(len(r.Things), 1)
	things, _ := all.ranked()
	for _, thing := range things {
		t.Rows = append(t.Rows, []string{thing.Label, text.Grouped(thing.N)})
	}
	return t
}

// Grid is a heat grid: rows and columns of cells, such as days and hours.
type Grid struct {
	Title, Note string
	Rows        []string // names, from the top
	Columns     []string // names, from the left
	Axis        []string // words below, evenly from the left to the right edge; nil: some columns
	Cells       [][]Cell // by row, then by column; what is missing is Unknown
	Keys        []Key    // what the tones mean
}

// Cell is one field of a grid.
type Cell struct {
	Tone  Tone
	Words string // what it says in a table and to a mouse
}

const (
	mostGridRows    = 62
	mostGridColumns = 48

	rowHeight = 20.0 // px, as in the style
)

// HTML draws the grid, its rows named beside it.
func (g Grid) HTML() Markup {
	rows, columns := g.Rows[:min(len(g.Rows), mostGridRows)], g.Columns[:min(len(g.Columns), mostGridColumns)]
	desc := fmt.Sprintf("%s by %s", text.Counted(len(rows), "row"), text.Counted(len(columns), "column"))
	var omitted []string
	if len(rows) < len(g.Rows) || len(columns) < len(g.Columns) {
		omitted = append(omitted, fmt.Sprintf("The table has %d by %d, the drawing the first of them", len(g.Rows), len(g.Columns)))
	}
	return figure(g.Title, g.Note, func(p writer) {
		p.Raw(`<div class="chart-grid"><ol aria-hidden="true">`)
		for _, r := range rows {
			p.El("li", "", text.Visible(r, text.Short))
		}
		p.Raw("</ol>")
		width, height := 10*float64(max(len(columns), 1)), rowHeight*float64(max(len(rows), 1))
		p.svg("chart-cells", width, height, ratio(stretch+` height="`+ratio(sheet.Number(height))+`"`), g.Title, sentences(desc, omitted))
		for i, r := range rows {
			for j, c := range columns {
				cell := g.cell(i, j)
				p.Raw("<g>")
				p.El("title", "", r+", "+c+": "+cell.Words)
				p.rect(cell.Tone, 10*float64(j)+0.5, rowHeight*float64(i)+1, 9, rowHeight-2)
				p.Raw("</g>")
			}
		}
		p.Raw("</svg>")
		p.axis(g.axis(columns))
		p.Raw("</div>")
		var keys []key
		for i, k := range g.Keys[:min(len(g.Keys), mostKeys)] {
			keys = append(keys, key{k.tone(i), k.Name, ""})
		}
		p.legend(keys)
		p.omitted(omitted)
	})
}

func (g Grid) cell(row, column int) Cell {
	if row >= len(g.Cells) || column >= len(g.Cells[row]) {
		return Cell{Unknown, "unknown"}
	}
	return g.Cells[row][column]
}

func (g Grid) axis(columns []string) []string {
	if g.Axis != nil || len(columns) < 4 {
		return append([]string{}, g.Axis...)
	}
	n := len(columns)
	return []string{columns[0], columns[n/4], columns[n/2], columns[3*n/4], columns[n-1]}
}

// Table has the grid's rows and columns.
func (g Grid) Table() Table {
	t := Table{Columns: append([]string{""}, g.Columns...)}
	for i, r := range g.Rows {
		row := []string{r}
		for j := range g.Columns {
			row = append(row, g.cell(i, j).Words)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
