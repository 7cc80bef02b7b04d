package chart

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/report/sheet"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// The map is an equirectangular projection that is true at 36 degrees, from 84 degrees
// north to 60 degrees south.
const (
	MapWidth  = 2000.0
	MapHeight = 989.0
	north     = 84.0
	perDegree = MapWidth / 360
	narrowing = 0.80901699437494745 // cosine of 36 degrees
)

// Project gives the place of a latitude and a longitude, degrees, on the map.
func Project(lat, lon float64) (x, y float64) {
	return (lon + 180) * perDegree, (north - lat) * perDegree / narrowing
}

// shape is a country on the map: an outline, or none if it is too small for one, and the
// point that stands for it.
type shape struct {
	code, name string
	x, y       float64
	path       sheet.Markup
}

// Country is the name of a country by its ISO 3166-1 alpha-2 code; ok is false for what
// the map does not know.
func Country(code string) (name string, ok bool) {
	s, ok := shapeOf(code)
	return s.name, ok
}

func shapeOf(code string) (shape, bool) {
	i, ok := slices.BinarySearchFunc(shapes[:], code, func(s shape, code string) int { return cmp.Compare(s.code, code) })
	if !ok {
		return shape{}, false
	}
	return shapes[i], true
}

// World is a map: countries shaded by a number, and points.
type World struct {
	Title, Note string
	Unit        string // what is counted, singular: sign-in
	Countries   []CountryCount
	Points      []Place
}

// CountryCount is a number of a country. Its code may be anything: what is no country on
// the map, the empty code (unknown) too, is told beside it.
type CountryCount struct {
	Code string // ISO 3166-1 alpha-2
	N    int64
}

// Place is a point on the map.
type Place struct {
	Lat, Lon float64 // degrees
	N        int64
	Label    string
}

const mostPlaces = 500 // points drawn

// HTML draws the map.
func (w World) HTML() Markup {
	counts, most := w.summed()
	drawn := w.drawable()
	var omitted []string
	if left := len(w.Points) - len(drawn); left > 0 {
		omitted = append(omitted, fmt.Sprintf("%s of %s not drawn", text.Counted(left, "point"), text.Grouped(len(w.Points))))
	}
	return figure(w.Title, w.Note, func(p writer) {
		p.svg("chart-world", MapWidth, MapHeight, keepRatio, w.Title, sentences(strings.Join(w.strongest(counts), ", "), omitted))
		p.land(counts)
		for _, c := range counts {
			s, ok := shapeOf(c.Code)
			if !ok || c.N <= 0 {
				continue
			}
			p.Raw("<g>")
			p.El("title", "", s.name+": "+text.Counted(c.N, w.Unit))
			tone := Shade(float64(c.N), float64(most))
			if s.path != "" {
				p.Raw(`<path class="`, tone.class(), `" d="`, s.path, `"/>`)
			} else {
				p.dot(tone, s.x, s.y)
			}
			p.Raw("</g>")
		}
		for _, at := range drawn {
			x, y := Project(at.Lat, at.Lon)
			p.Raw("<g>")
			p.El("title", "", at.Label)
			p.dot(Accent, x, y)
			p.Raw("</g>")
		}
		p.Raw("</svg>")
		p.offMap(counts, w.Unit)
		p.omitted(omitted)
	})
}

// land draws the countries that have no number, as one path.
func (p writer) land(counts []CountryCount) {
	p.Raw(`<path class="chart-land" d="`)
	for i := range shapes {
		if !slices.ContainsFunc(counts, func(c CountryCount) bool { return c.Code == shapes[i].code && c.N > 0 }) {
			p.Raw(shapes[i].path)
		}
	}
	p.Raw(`"/>`)
}

func (p writer) dot(tone Tone, x, y float64) {
	p.Raw(`<circle class="`, tone.class(), ` chart-dot" cx="`, sheet.Number(x), `" cy="`, sheet.Number(y), `" r="11"/>`)
}

// offMap tells the numbers that the map cannot show.
func (p writer) offMap(counts []CountryCount, unit string) {
	var rest []string
	for _, c := range counts {
		if _, ok := shapeOf(c.Code); !ok && c.N > 0 {
			rest = append(rest, text.Visible(countryName(c.Code), text.Short)+" "+text.Counted(c.N, unit))
		}
	}
	if len(rest) == 0 {
		return
	}
	const most = 8
	more := ""
	if n := len(rest) - most; n > 0 {
		rest, more = rest[:most], fmt.Sprintf(" and %d more", n)
	}
	p.El("p", "chart-fine", "Not on the map: "+strings.Join(rest, ", ")+more+".")
}

// countryName is the name of a country, or what stands for one.
func countryName(code string) string {
	if name, ok := Country(code); ok {
		return name
	}
	return cmp.Or(code, "unknown country")
}

// summed puts the numbers of each code together, the highest first.
func (w World) summed() (out []CountryCount, most int64) {
	byCode := map[string]int64{}
	for _, c := range w.Countries {
		byCode[c.Code] += max(c.N, 0)
	}
	for code, n := range byCode {
		out = append(out, CountryCount{code, n})
		if _, ok := shapeOf(code); ok {
			most = max(most, n)
		}
	}
	slices.SortFunc(out, func(a, b CountryCount) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Code, b.Code)) })
	return out, most
}

// strongest says the first few numbers in words.
func (w World) strongest(counts []CountryCount) []string {
	const most = 3
	out := []string{}
	for _, c := range counts[:min(most, len(counts))] {
		out = append(out, text.Visible(countryName(c.Code), text.Short)+" "+text.Grouped(c.N))
	}
	if len(counts) == 0 {
		out = append(out, "none")
	}
	if n := len(counts) - most; n > 0 {
		out = append(out, fmt.Sprintf("%d more", n))
	}
	return out
}

// drawable are the points that lie on the map, at most mostPlaces.
func (w World) drawable() []Place {
	var out []Place
	for _, at := range w.Points {
		x, y := Project(at.Lat, at.Lon)
		if !math.IsNaN(x+y) && x >= 0 && x <= MapWidth && y >= 0 && y <= MapHeight && len(out) < mostPlaces {
			out = append(out, at)
		}
	}
	return out
}

// Table lists the countries, the highest number first, then the points.
func (w World) Table() Table {
	counts, _ := w.summed()
	t := Table{Columns: []string{"Where", "Code", w.Unit + "s"}}
	for _, c := range counts {
		t.Rows = append(t.Rows, []string{countryName(c.Code), cmp.Or(c.Code, "-"), text.Grouped(c.N)})
	}
	for _, at := range w.Points {
		t.Rows = append(t.Rows, []string{at.Label, "-", text.Grouped(at.N)})
	}
	return t
}
