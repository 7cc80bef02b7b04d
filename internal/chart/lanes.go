package chart

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/report/sheet"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Lanes is a timeline: a lane for each session or account, stretches of time and moments
// on it, and edges from one lane to another.
type Lanes struct {
	Title, Note string
	From, To    time.Time // of the axis; zero: as far as the marks go
	Lanes       []Lane
	Edges       []Edge
	Keys        []Key // what the tones mean
}

// Lane is one row.
type Lane struct {
	Name      string
	Stretches []Stretch
	Marks     []Mark
}

// Stretch is a time on a lane, such as a session.
type Stretch struct {
	From, To time.Time
	Tone     Tone
	Words    string
}

// Mark is a moment on a lane, such as an event.
type Mark struct {
	At    time.Time
	Tone  Tone
	Words string
}

// Edge leads from one lane to another at a moment, such as the assuming of a role. Lanes
// are named by their place in the list.
type Edge struct {
	From, To int
	At       time.Time
	Words    string
}

const (
	mostLanes     = 40
	mostStretches = 200 // on a lane
	mostMarks     = 250 // places on a lane: marks on the same one are drawn as one
	mostEdges     = 200

	laneHeight = 44.0 // px, as in the style: the name above, the marks below
	laneFoot   = 40.0
	laneMiddle = 31.0
)

// HTML draws the lanes, their names above each.
func (l Lanes) HTML() Markup {
	lanes := l.Lanes[:min(len(l.Lanes), mostLanes)]
	from, to := l.period()
	height := laneHeight * float64(max(len(lanes), 1))
	omitted := l.omitted(lanes)
	return figure(l.Title, l.Note, func(p writer) {
		var keys []key
		for i, k := range l.Keys[:min(len(l.Keys), mostKeys)] {
			keys = append(keys, key{k.tone(i), k.Name, ""})
		}
		p.legend(keys)
		p.Raw(`<div class="chart-timeline"><ol aria-hidden="true">`)
		for _, lane := range lanes {
			p.El("li", "", text.Visible(lane.Name, text.Line))
		}
		p.Raw("</ol>")
		p.svg("chart-lanes", plotWidth, height, ratio(stretch+` height="`+ratio(sheet.Number(height))+`"`), l.Title, sentences(l.summary(), omitted))
		for i, lane := range lanes {
			top := laneHeight * float64(i)
			p.Raw(`<path class="chart-rail" vector-effect="non-scaling-stroke" d="M0 `, sheet.Number(top+laneMiddle), `h1000"/>`)
			p.stretches(lane, top, from, to)
		}
		p.edges(l.Edges, len(lanes), from, to)
		for i, lane := range lanes {
			p.marks(lane, laneHeight*float64(i), from, to)
		}
		p.Raw("</svg></div>")
		p.axis(Times(from, to))
		p.omitted(omitted)
	})
}

func (l Lanes) summary() string {
	stretches, marks := 0, 0
	for _, lane := range l.Lanes {
		stretches += len(lane.Stretches)
		marks += len(lane.Marks)
	}
	return fmt.Sprintf("%s with %s and %s; events too close to be told apart are one mark",
		text.Counted(len(l.Lanes), "lane"), text.Counted(stretches, "session"), text.Counted(marks, "event"))
}

func (l Lanes) omitted(lanes []Lane) (out []string) {
	if n := len(l.Lanes) - len(lanes); n > 0 {
		out = append(out, text.Counted(n, "lane")+" more not drawn")
	}
	undrawn := 0
	for _, lane := range lanes {
		undrawn += max(len(lane.Stretches)-mostStretches, 0)
	}
	if undrawn > 0 {
		out = append(out, text.Counted(undrawn, "session")+" more not drawn")
	}
	if n := len(l.Edges) - mostEdges; n > 0 {
		out = append(out, text.Counted(n, "edge")+" more not drawn")
	}
	return out
}

// period is that of the axis. A moment alone gets an hour.
func (l Lanes) period() (from, to time.Time) {
	from, to = l.From, l.To
	see := func(at time.Time) {
		if l.From.IsZero() && (from.IsZero() || at.Before(from)) {
			from = at
		}
		if l.To.IsZero() && at.After(to) {
			to = at
		}
	}
	for _, lane := range l.Lanes {
		for _, s := range lane.Stretches {
			see(s.From)
			see(s.To)
		}
		for _, m := range lane.Marks {
			see(m.At)
		}
	}
	if !from.Before(to) {
		to = from.Add(time.Hour)
	}
	return from, to
}

func (p writer) stretches(lane Lane, top float64, from, to time.Time) {
	const least = 6
	for _, s := range lane.Stretches[:min(len(lane.Stretches), mostStretches)] {
		if s.To.Before(from) || s.From.After(to) {
			continue
		}
		x := plotWidth * share(s.From, from, to)
		width := max(plotWidth*share(s.To, from, to)-x, least)
		p.Raw("<g>")
		p.El("title", "", s.Words)
		p.rect(s.Tone, min(x, plotWidth-least), top+laneMiddle-6, width, 12)
		p.Raw("</g>")
	}
}

// marks draws the moments of a lane. Of those at the same place the most severe is seen,
// and its words count the others.
func (p writer) marks(lane Lane, top float64, from, to time.Time) {
	at := map[int][]Mark{}
	for _, m := range lane.Marks {
		if !m.At.Before(from) && !m.At.After(to) {
			place := int(mostMarks * share(m.At, from, to))
			at[place] = append(at[place], m)
		}
	}
	places := make([]int, 0, len(at))
	for place := range at {
		places = append(places, place)
	}
	slices.Sort(places)
	for _, place := range places {
		worst := slices.MaxFunc(at[place], func(a, b Mark) int { return cmp.Or(cmp.Compare(a.Tone, b.Tone), b.At.Compare(a.At)) })
		words := worst.Words
		if n := len(at[place]) - 1; n > 0 {
			words += fmt.Sprintf(", and %d more", n)
		}
		p.Raw("<g>")
		p.El("title", "", words)
		x := plotWidth * float64(place) / mostMarks
		p.Raw(`<path class="chart-mark `, worst.Tone.class(), `" vector-effect="non-scaling-stroke" d="M`, sheet.Number(min(max(x, 3), plotWidth-3)), " ",
			sheet.Number(top+laneMiddle-9), "V", sheet.Number(top+laneFoot), `"/>`)
		p.Raw("</g>")
	}
}

func (p writer) edges(edges []Edge, lanes int, from, to time.Time) {
	for _, e := range edges[:min(len(edges), mostEdges)] {
		if e.From < 0 || e.From >= lanes || e.To < 0 || e.To >= lanes || e.From == e.To {
			continue
		}
		x := min(max(plotWidth*share(e.At, from, to), 3), plotWidth-3)
		y := func(lane int) Markup { return sheet.Number(laneHeight*float64(lane) + laneMiddle) }
		p.Raw("<g>")
		p.El("title", "", e.Words)
		p.Raw(`<path class="chart-edge" vector-effect="non-scaling-stroke" d="M`, sheet.Number(x), " ", y(e.From), "V", y(e.To), `"/>`,
			`<path class="chart-end" vector-effect="non-scaling-stroke" d="M`, sheet.Number(x), " ", y(e.To), `h0"/></g>`)
	}
}

// Table lists everything on the lanes in order of time.
func (l Lanes) Table() Table {
	type line struct {
		at  time.Time
		row []string
	}
	var lines []line
	name := func(i int) string {
		if i < 0 || i >= len(l.Lanes) {
			return "unknown"
		}
		return l.Lanes[i].Name
	}
	for _, lane := range l.Lanes {
		for _, s := range lane.Stretches {
			lines = append(lines, line{s.From, []string{text.Period(s.From, s.To), lane.Name, s.Words}})
		}
		for _, m := range lane.Marks {
			lines = append(lines, line{m.At, []string{text.Stamp(m.At), lane.Name, m.Words}})
		}
	}
	for _, e := range l.Edges {
		lines = append(lines, line{e.At, []string{text.Stamp(e.At), name(e.From) + " to " + name(e.To), e.Words}})
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.row[1], b.row[1])) })
	t := Table{Columns: []string{"Time", "Lane", "What"}}
	for _, line := range lines {
		t.Rows = append(t.Rows, line.row)
	}
	return t
}
