package chart

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/internal/report/sheet"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Bars are stacked counts, a bar for each span of time or each thing in a row.
type Bars struct {
	Title, Note string
	Unit        string // what is counted, singular: alert
	Keys        []Key  // of what a bar is stacked of, the foot first: lengths compare best there
	Bars        []Bar
	Axis        []string // words below, evenly from the left to the right edge; nil: labels of some bars
}

// Key names one part of every bar.
type Key struct {
	Name string
	Tone Tone // Plain: one by its place in the list
}

// Bar is one bar: a count for each key. Counts below 0 are none.
type Bar struct {
	Label  string
	Counts []int64
}

const (
	mostBars = 120 // of more, neighbours are put together
	mostKeys = 8
)

// HTML draws the bars.
func (b Bars) HTML() Markup {
	bars, together := b.joined()
	most := int64(1)
	for _, bar := range bars {
		most = max(most, bar.total())
	}
	omitted := b.omitted(together)
	return figure(b.Title, b.Note, func(p writer) {
		p.legend(b.legend())
		p.Raw(`<div class="chart-plot">`)
		p.El("span", "chart-most", text.Grouped(most))
		p.svg("chart-bars", barStep*float64(max(len(bars), 1)), plotHeight, stretch, b.Title, sentences(b.parts(), omitted))
		for i, bar := range bars {
			if bar.total() > 0 {
				p.bar(b.words(bar), bar, b.Keys, barStep*float64(i), most)
			}
		}
		p.Raw("</svg></div>")
		p.axis(b.axis(bars))
		p.omitted(omitted)
	})
}

const barStep = 10.0

// bar stacks the counts of one bar. A count that would be too low to see is given some
// height all the same: one failure among thousands is what somebody looks for.
func (p writer) bar(title string, bar Bar, keys []Key, x float64, most int64) {
	const least = 2.5
	p.Raw("<g>")
	p.El("title", "", title)
	y := plotHeight
	for i, n := range bar.Counts[:min(len(bar.Counts), len(keys), mostKeys)] {
		if n > 0 {
			height := max(plotHeight*float64(n)/float64(most), least)
			y -= height
			p.rect(keys[i].tone(i), x+1, max(y, 0), barStep-2, height)
		}
	}
	p.Raw("</g>")
}

func (k Key) tone(i int) Tone {
	if k.Tone == Plain {
		return Series(i)
	}
	return k.Tone
}

func (b Bars) legend() []key {
	var out []key
	for i, k := range b.Keys[:min(len(b.Keys), mostKeys)] {
		var sum int64
		for _, bar := range b.Bars {
			sum += bar.count(i)
		}
		if sum > 0 {
			out = append(out, key{k.tone(i), k.Name, text.Grouped(sum)})
		}
	}
	return out
}

// parts are the sums of the keys in words.
func (b Bars) parts() string {
	var words []string
	for _, k := range b.legend() {
		words = append(words, k.more+" "+k.name)
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

func (b Bars) omitted(together int) (out []string) {
	if together > 1 {
		out = append(out, fmt.Sprintf("Each bar stands for %d of %s in the table", together, text.Grouped(len(b.Bars))))
	}
	if n := len(b.Keys) - mostKeys; n > 0 {
		out = append(out, fmt.Sprintf("%d more parts of the bars are not drawn", n))
	}
	return out
}

// words are a bar as its tooltip says it.
func (b Bars) words(bar Bar) string {
	var parts []string
	for i, k := range b.Keys {
		if n := bar.count(i); n > 0 {
			parts = append(parts, text.Grouped(n)+" "+k.Name)
		}
	}
	return bar.Label + ": " + strings.Join(parts, ", ")
}

func (b Bar) count(i int) int64 {
	if i >= len(b.Counts) {
		return 0
	}
	return max(b.Counts[i], 0)
}

func (b Bar) total() int64 {
	var sum int64
	for i := range b.Counts {
		sum += b.count(i)
	}
	return sum
}

// joined puts as many neighbours together as it takes to stay below mostBars.
func (b Bars) joined() (bars []Bar, together int) {
	together = (len(b.Bars) + mostBars - 1) / mostBars
	if together <= 1 {
		return b.Bars, together
	}
	for i := 0; i < len(b.Bars); i += together {
		run := b.Bars[i:min(i+together, len(b.Bars))]
		sum := Bar{Label: run[0].Label + " to " + run[len(run)-1].Label, Counts: make([]int64, len(b.Keys))}
		for _, bar := range run {
			for k := range sum.Counts {
				sum.Counts[k] += bar.count(k)
			}
		}
		bars = append(bars, sum)
	}
	return bars, together
}

func (b Bars) axis(bars []Bar) []string {
	switch {
	case b.Axis != nil:
		return b.Axis
	case len(bars) < 3:
		out := []string{}
		for _, bar := range bars {
			out = append(out, bar.Label)
		}
		return out
	}
	return []string{b.Bars[0].Label, b.Bars[len(b.Bars)/2].Label, b.Bars[len(b.Bars)-1].Label}
}

// Table has a row for each bar.
func (b Bars) Table() Table {
	t := Table{Columns: []string{"Bar"}}
	for _, k := range b.Keys {
		t.Columns = append(t.Columns, k.Name)
	}
	for _, bar := range b.Bars {
		row := []string{bar.Label}
		for i := range b.Keys {
			row = append(row, text.Grouped(bar.count(i)))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// Shares is one bar that shows what a whole is made of. It does what a gauge or a ring
// does, in a line's height, and lengths compare better than angles.
type Shares struct {
	Title, Note string
	Parts       []Part
}

// Part is one share. Counts below 0 are none.
type Part struct {
	Name string
	Tone Tone // Plain: one by its place in the list
	N    int64
}

// HTML draws the bar with its legend.
func (s Shares) HTML() Markup {
	return figure(s.Title, s.Note, func(p writer) {
		p.Raw(s.Bar())
		var keys []key
		for i, part := range s.Parts[:min(len(s.Parts), mostKeys)] {
			keys = append(keys, key{part.key().tone(i), part.Name, text.Grouped(max(part.N, 0))})
		}
		p.legend(keys)
	})
}

func (p Part) key() Key { return Key{p.Name, p.Tone} }

// Bar is the bar alone, without a frame.
func (s Shares) Bar() Markup {
	total := 0.0
	for _, part := range s.Parts {
		total += float64(max(part.N, 0))
	}
	var words []string
	for _, row := range s.Table().Rows {
		words = append(words, row[0]+" "+row[1]+" ("+row[2]+")")
	}
	return render(func(p writer) {
		p.svg("chart-shares", plotWidth, 10, stretch, s.Title, strings.Join(words[:min(len(words), mostKeys)], ", ")+".")
		x := 0.0
		for i, part := range s.Parts[:min(len(s.Parts), mostKeys)] {
			if part.N > 0 {
				width := plotWidth * float64(part.N) / total
				p.rect(part.key().tone(i), x, 0, max(width-4, 2), 10)
				x += width
			}
		}
		p.Raw("</svg>")
	})
}

// Table lists the parts with their share of the whole.
func (s Shares) Table() Table {
	t := Table{Columns: []string{"Part", "Count", "Share"}}
	total := 0.0
	for _, part := range s.Parts {
		total += float64(max(part.N, 0))
	}
	for _, part := range s.Parts {
		percent := "-"
		if total > 0 {
			percent = string(sheet.Number(100*float64(max(part.N, 0))/total)) + " %"
		}
		t.Rows = append(t.Rows, []string{part.Name, text.Grouped(max(part.N, 0)), percent})
	}
	return t
}
