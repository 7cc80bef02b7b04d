package chart

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/report/sheet"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Lines shows values over time, one line for each series.
type Lines struct {
	Title, Note string
	Unit        string    // of the values, behind them: %, or none
	From, To    time.Time // of the axis; zero: as far as the points go
	Most        float64   // upper end of the scale; 0: the highest value
	Area        bool      // fill what lies below a line
	Series      []Line
}

// Line is one series. Its points are in order of time.
type Line struct {
	Name   string
	Tone   Tone // Plain: one by its place in the list
	Points []Point
}

// Point is a value at a time. NaN is not known: the line has a gap there.
type Point struct {
	At    time.Time
	Value float64
}

const (
	mostSeries = 8
	mostPoints = 240 // of one line; of more, the lowest and highest of each span are drawn

	plotWidth, plotHeight = 1000.0, 100.0
)

// HTML draws the lines.
func (l Lines) HTML() Markup {
	series := l.Series[:min(len(l.Series), mostSeries)]
	from, to := l.period(series)
	low, high := l.scale(series)
	thinned := 0
	traces := make([]trace, len(series))
	keys := make([]key, len(series))
	for i, s := range series {
		points := within(s.Points, from, to)
		drawn := thin(points)
		if len(drawn) < len(points) {
			thinned = max(thinned, len(points))
		}
		traces[i] = traceOf(drawn, from, to, low, high)
		keys[i] = key{s.tone(i), s.Name, latest(points, l.Unit)}
	}
	words := make([]string, len(keys))
	for i, k := range keys {
		words[i] = k.name + ", last " + k.more
	}
	omitted := l.omitted(thinned)
	return figure(l.Title, l.Note, func(p writer) {
		p.legend(keys)
		p.Raw(`<div class="chart-plot">`)
		p.El("span", "chart-most", number(high, l.Unit))
		p.svg("chart-lines", plotWidth, plotHeight, stretch, l.Title, sentences(strings.Join(words, "; "), omitted))
		for i := range series {
			if l.Area {
				p.Raw(`<path class="chart-area `, keys[i].tone.class(), `" d="`, traces[i].area, `"/>`)
			}
			p.trace(keys[i].tone, traces[i])
		}
		p.Raw("</svg></div>")
		p.axis(Times(from, to))
		p.omitted(omitted)
	})
}

func (l Lines) omitted(thinned int) (out []string) {
	if thinned > 0 {
		out = append(out, fmt.Sprintf("Of up to %s, the lowest and highest of each span are drawn", text.Counted(thinned, "value")))
	}
	if n := len(l.Series) - mostSeries; n > 0 {
		out = append(out, fmt.Sprintf("%d more series are not drawn", n))
	}
	return out
}

func (s Line) tone(i int) Tone {
	if s.Tone == Plain {
		return Series(i)
	}
	return s.Tone
}

// known says whether the value can be drawn.
func (p Point) known() bool { return !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) }

// latest is the last value in words.
func latest(points []Point, unit string) string {
	if len(points) == 0 {
		return "no value"
	}
	return number(points[len(points)-1].Value, unit)
}

// period is that of the axis.
func (l Lines) period(series []Line) (from, to time.Time) {
	from, to = l.From, l.To
	for _, s := range series {
		for _, p := range s.Points {
			if l.From.IsZero() && (from.IsZero() || p.At.Before(from)) {
				from = p.At
			}
			if l.To.IsZero() && p.At.After(to) {
				to = p.At
			}
		}
	}
	return from, to
}

// scale begins at nothing, or at the lowest value below it.
func (l Lines) scale(series []Line) (low, high float64) {
	high = l.Most
	for _, s := range series {
		for _, p := range s.Points {
			if p.known() {
				low = min(low, p.Value)
				if l.Most == 0 {
					high = max(high, p.Value)
				}
			}
		}
	}
	if high <= low {
		high = low + 1
	}
	return low, high
}

func within(points []Point, from, to time.Time) []Point {
	return slices.DeleteFunc(slices.Clone(points), func(p Point) bool { return p.At.Before(from) || p.At.After(to) })
}

// thin keeps the lowest and the highest point of each of mostPoints/2 runs, and a gap
// where a run knows nothing.
func thin(points []Point) []Point {
	if len(points) <= mostPoints {
		return points
	}
	out := make([]Point, 0, mostPoints)
	const runs = mostPoints / 2
	for i := range runs {
		run := points[i*len(points)/runs : (i+1)*len(points)/runs]
		known := slices.DeleteFunc(slices.Clone(run), func(p Point) bool { return !p.known() })
		if len(known) == 0 {
			out = append(out, run[0])
			continue
		}
		byValue := func(a, b Point) int {
			switch {
			case a.Value < b.Value:
				return -1
			case a.Value > b.Value:
				return 1
			}
			return a.At.Compare(b.At)
		}
		lowest, highest := slices.MinFunc(known, byValue), slices.MaxFunc(known, byValue)
		if highest.At.Before(lowest.At) {
			lowest, highest = highest, lowest
		}
		out = append(out, lowest)
		if highest != lowest {
			out = append(out, highest)
		}
	}
	return out
}

// trace is the path along some points: the line, the area below it, and the points that
// stand alone.
type trace struct{ line, area, dots Markup }

func (p writer) trace(tone Tone, t trace) {
	p.Raw(`<path class="chart-line `, tone.class(), `" vector-effect="non-scaling-stroke" d="`, t.line, `"/>`)
	if t.dots != "" {
		p.Raw(`<path class="chart-point `, tone.class(), `" vector-effect="non-scaling-stroke" d="`, t.dots, `"/>`)
	}
}

func traceOf(points []Point, from, to time.Time, low, high float64) trace {
	var line, area, dots strings.Builder
	var run []string
	var left, right float64
	flush := func() {
		switch len(run) {
		case 0:
		case 1:
			fmt.Fprintf(&dots, "M%sh0", run[0]) // without a length, but with round ends
		default:
			way := strings.Join(run, "L")
			fmt.Fprintf(&line, "M%s", way)
			fmt.Fprintf(&area, "M%s %sL%sL%s %sz", sheet.Number(left), sheet.Number(plotHeight), way, sheet.Number(right), sheet.Number(plotHeight))
		}
		run = run[:0]
	}
	for _, p := range points {
		if !p.known() {
			flush()
			continue
		}
		x := plotWidth * share(p.At, from, to)
		y := plotHeight * (1 - min(max((p.Value-low)/(high-low), 0), 1))
		if len(run) == 0 {
			left = x
		}
		right = x
		run = append(run, string(sheet.Number(x)+" "+sheet.Number(y)))
	}
	flush()
	return trace{Markup(line.String()), Markup(area.String()), Markup(dots.String())}
}

// Table has a row for each time at which a series has a value.
func (l Lines) Table() Table {
	t := Table{Columns: []string{"Time"}}
	byTime := map[int64][]string{}
	var order []int64
	for i, s := range l.Series {
		t.Columns = append(t.Columns, s.Name)
		for _, p := range s.Points {
			at := p.At.UnixMicro()
			if byTime[at] == nil {
				byTime[at] = slices.Repeat([]string{"-"}, len(l.Series))
				order = append(order, at)
			}
			byTime[at][i] = number(p.Value, l.Unit)
		}
	}
	slices.Sort(order)
	for _, at := range order {
		t.Rows = append(t.Rows, append([]string{text.Stamp(time.UnixMicro(at))}, byTime[at]...))
	}
	return t
}

// Spark is a line as small as a word: values at even steps, NaN where one is not known.
type Spark struct {
	Title  string
	Unit   string
	Values []float64
}

// HTML draws the line, without a frame.
func (s Spark) HTML() Markup {
	points := make([]Point, len(s.Values))
	for i, v := range s.Values {
		points[i] = Point{time.Unix(int64(i), 0), v}
	}
	drawn := thin(points)
	one := Lines{Series: []Line{{Points: points}}}
	low, high := one.scale(one.Series)
	from, to := one.period(one.Series)
	desc := text.Counted(len(points), "value") + ", last " + latest(points, s.Unit)
	if len(drawn) < len(points) {
		desc += ", the lowest and highest of each span drawn"
	}
	return render(func(p writer) {
		p.svg("chart-spark", plotWidth, plotHeight, stretch, s.Title, desc+".")
		p.trace(Accent, traceOf(drawn, from, to, low, high))
		p.Raw("</svg>")
	})
}

// Table lists the values.
func (s Spark) Table() Table {
	t := Table{Columns: []string{"Step", s.Title}}
	for i, v := range s.Values {
		t.Rows = append(t.Rows, []string{fmt.Sprint(i + 1), number(v, s.Unit)})
	}
	return t
}
