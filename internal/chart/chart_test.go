package chart

import (
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

var update = flag.Bool("update", false, "write the golden files")

var day = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// gallery is one of each chart, with words in every place that takes some.
func gallery(word string) map[string]Chart {
	at := func(hours int) time.Time { return day.Add(time.Duration(hours) * time.Hour) }
	severities := []Key{{"critical" + word, Critical}, {"high" + word, High}, {"low" + word, Low}}
	return map[string]Chart{
		"lines": Lines{Title: "Score" + word, Note: "of three accounts" + word, Unit: "%" + word, Most: 100, Area: true, Series: []Line{
			{Name: "audit" + word, Points: []Point{{at(0), 40}, {at(24), 55}, {at(48), math.NaN()}, {at(72), 71.5}, {at(96), 90}, {at(240), 92}}},
			{Name: "payments" + word, Points: []Point{{at(0), 80}, {at(120), 60}, {at(240), 65}}},
			{Name: "new" + word, Points: []Point{{at(200), 10}}},
		}},
		"spark": Spark{Title: "Failures" + word, Unit: word, Values: []float64{1, 2, 0, math.NaN(), 7, 3}},
		"bars": Bars{Title: "Failed sign-ins" + word, Note: "a bar is a day" + word, Unit: "sign-in" + word, Keys: severities, Bars: []Bar{
			{"11-01" + word, []int64{1, 0, 12}}, {"11-02" + word, []int64{0, 0, 0}}, {"11-03" + word, []int64{0, 3, 900}}, {"11-04" + word, []int64{0, 4}},
		}},
		"shares": Shares{Title: "MFA" + word, Note: "of root" + word, Parts: []Part{{"hardware key" + word, Good, 14}, {"none" + word, Bad, 3}, {"unknown" + word, Unknown, 1}}},
		"ranking": Ranking{Title: "Origins" + word, Unit: "sign-in" + word, Most: 2, Things: []Thing{
			{Label: "aws-cli" + word, N: 3}, {Label: "console" + word, N: 1200, Path: "/hunts?agent=console" + word}, {Label: "boto3" + word, N: 3}, {Label: "nobody" + word},
		}},
		"lanes": Lanes{Title: "Sessions" + word, Note: "one hour" + word, Keys: []Key{{"root" + word, Critical}, {"role" + word, Low}}, Lanes: []Lane{
			{Name: "root of 111122223333" + word, Stretches: []Stretch{{at(0), at(2), Critical, "root session" + word}}, Marks: []Mark{{at(0), Critical, "ConsoleLogin" + word}, {at(1), Low, "AssumeRole" + word}, {at(1), High, "AssumeRole" + word}}},
			{Name: "role Admin" + word, Stretches: []Stretch{{at(1), at(5), Low, "role session" + word}}, Marks: []Mark{{at(4), Low, "GetObject" + word}}},
		}, Edges: []Edge{{0, 1, at(1), "AssumeRole" + word}}},
		"grid": Grid{Title: "Coverage" + word, Note: "by hour" + word, Rows: []string{"11-01" + word, "11-02" + word}, Columns: []string{"00" + word, "06" + word, "12" + word, "18" + word},
			Keys: []Key{{"proven" + word, Good}, {"not" + word, Unknown}}, Cells: [][]Cell{{{Good, "proven" + word}, {Good, "proven" + word}, {Bad, "missing" + word}, {Shade(3, 9), "3" + word}}, {{Good, "proven" + word}}}},
		"world": World{Title: "Sign-ins" + word, Note: "by country" + word, Unit: "sign-in" + word, Countries: []CountryCount{{"DE", 120}, {"US", 9}, {"SG", 2}, {"", 4}, {"(relay)" + word, 1}, {"DE", 1}},
			Points: []Place{{52.5, 13.4, 3, "Berlin" + word}, {math.NaN(), 0, 1, "nowhere" + word}, {-89, 0, 1, "the pole" + word}}},
	}
}

func TestChartsEqualTheGoldenFiles(t *testing.T) {
	for name, c := range gallery("") {
		t.Run(name, func(t *testing.T) {
			got := strings.ReplaceAll(string(Described(c)), ">", ">\n") + "\n"
			for i := range shapes {
				if p := string(shapes[i].path); p != "" {
					got = strings.ReplaceAll(got, p, "{"+shapes[i].code+"}")
				}
			}
			file := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s: got (+) differs from want (-):\n%s", file, diff)
			}
		})
	}
}

// poison is what an attacker who names a role or a user agent would try.
const poison = "<script>alert(1)</script>\" onload=\"alert(2)\"><style>*{}</style></title></desc></svg>\x1b[2J\u202egnp\u200b\u2028\xff&amp;'"

func TestHostileTextStaysText(t *testing.T) {
	for name, c := range gallery(poison) {
		t.Run(name, func(t *testing.T) {
			wellFormed(t, string(Described(c)))
		})
	}
}

// wellFormed wants markup of the elements and attributes that charts are made of, with
// nothing in it that a reader cannot see.
func wellFormed(t *testing.T, markup string) {
	t.Helper()
	for _, r := range markup {
		if !text.Shown(r) {
			t.Fatalf("got %U, want visible characters only", r)
		}
	}
	elements := strings.Fields("figure figcaption b span div svg title desc path rect circle g ul ol li p a details summary table thead tbody tr th td")
	attributes := strings.Fields("class viewBox preserveAspectRatio role aria-label aria-hidden tabindex d x y width height cx cy r vector-effect scope href")
	dec := xml.NewDecoder(strings.NewReader("<all>" + markup + "</all>"))
	open := []string{}
	for {
		token, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("got markup that does not parse: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if open = append(open, e.Name.Local); len(open) > 1 && !slices.Contains(elements, e.Name.Local) {
				t.Errorf("got element %s, want only those of a chart", e.Name.Local)
			}
			for _, a := range e.Attr {
				if !slices.Contains(attributes, a.Name.Local) {
					t.Errorf("got attribute %s of %s, want only those of a chart", a.Name.Local, e.Name.Local)
				}
			}
			if e.Name.Local == "svg" && !strings.Contains(fmt.Sprint(e.Attr), "{ role} img") {
				t.Errorf("got an svg without the role img: %v", e.Attr)
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
}

func TestChartsAreBounded(t *testing.T) {
	const many = 20_000
	points, bars, things, marks, cells := make([]Point, many), make([]Bar, many), make([]Thing, many), make([]Mark, many), make([][]Cell, 400)
	lines, lanes, edges := make([]Line, 100), make([]Lane, 100), make([]Edge, many)
	names := make([]string, 400)
	places := make([]Place, many)
	for i := range many {
		at := day.Add(time.Duration(i) * time.Minute)
		points[i], bars[i] = Point{at, float64(i % 97)}, Bar{fmt.Sprint(i), []int64{int64(i), 1}}
		things[i], marks[i] = Thing{Label: fmt.Sprint(i), N: int64(i)}, Mark{At: at, Words: "event"}
		edges[i], places[i] = Edge{i % 2, 1 - i%2, at, "edge"}, Place{Label: "here"}
	}
	stretches := make([]Stretch, many)
	for i := range stretches {
		stretches[i] = Stretch{From: day, To: day.Add(time.Hour), Words: "session"}
	}
	for i := range 100 {
		lines[i], lanes[i] = Line{Name: "l", Points: points}, Lane{Name: "l", Marks: marks, Stretches: stretches}
	}
	for i := range 400 {
		cells[i], names[i] = make([]Cell, 400), fmt.Sprint(i)
	}
	for name, c := range map[string]struct {
		chart Chart
		said  string // in the description
	}{
		"lines":   {Lines{Series: lines}, "Of up to 20,000 values, the lowest and highest of each span are drawn. 92 more series are not drawn."},
		"spark":   {Spark{Values: make([]float64, many)}, "the lowest and highest of each span drawn"},
		"bars":    {Bars{Unit: "x", Keys: make([]Key, 20), Bars: bars}, "Each bar stands for 167 of 20,000 in the table. 12 more parts of the bars are not drawn."},
		"shares":  {Shares{Parts: make([]Part, many)}, ""},
		"ranking": {Ranking{Unit: "x", Things: things}, "19,989 others"},
		"lanes":   {Lanes{Lanes: lanes, Edges: edges}, "60 lanes more not drawn. 792,000 sessions more not drawn. 19,800 edges more not drawn."},
		"grid":    {Grid{Rows: names, Columns: names, Cells: cells}, "62 rows by 48 columns. The table has 400 by 400, the drawing the first of them."},
		"world":   {World{Unit: "x", Points: places}, "19,500 points of 20,000 not drawn."},
	} {
		t.Run(name, func(t *testing.T) {
			html := string(c.chart.HTML())
			if len(html) > 1<<21 {
				t.Errorf("got %d bytes, want at most 2 MiB", len(html))
			}
			if !strings.Contains(html, c.said) {
				t.Errorf("got a description without %q:\n%s", c.said, html[:min(len(html), 2000)])
			}
		})
	}
}

func TestEmptyChartsAreWhole(t *testing.T) {
	for name, c := range map[string]Chart{"lines": Lines{}, "spark": Spark{}, "bars": Bars{}, "shares": Shares{}, "ranking": Ranking{}, "lanes": Lanes{}, "grid": Grid{}, "world": World{}} {
		t.Run(name, func(t *testing.T) {
			wellFormed(t, string(Described(c)))
		})
	}
}

// TestThinnedLinesKeepTheirPeaks compares with the plain minimum and maximum.
func TestThinnedLinesKeepTheirPeaks(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(-1e6, 1e6), rapid.Just(math.NaN())), 1, 2000).Draw(t, "values")
		points := make([]Point, len(values))
		low, high := math.Inf(1), math.Inf(-1)
		for i, v := range values {
			points[i] = Point{day.Add(time.Duration(i) * time.Second), v}
			if !math.IsNaN(v) {
				low, high = min(low, v), max(high, v)
			}
		}
		drawn := thin(points)
		gotLow, gotHigh := math.Inf(1), math.Inf(-1)
		for i, p := range drawn {
			if i > 0 && p.At.Before(drawn[i-1].At) {
				t.Fatalf("got point %d before the one before it", i)
			}
			if p.known() {
				gotLow, gotHigh = min(gotLow, p.Value), max(gotHigh, p.Value)
			}
		}
		if len(drawn) > mostPoints || gotLow != low || gotHigh != high {
			t.Fatalf("got %d points from %g to %g, want at most %d from %g to %g", len(drawn), gotLow, gotHigh, mostPoints, low, high)
		}
	})
}

func TestJoinedBarsKeepTheirSum(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.Int64Range(0, 1e6), 0, 1500).Draw(t, "counts")
		b := Bars{Keys: []Key{{Name: "n"}}}
		var want int64
		for _, n := range counts {
			b.Bars = append(b.Bars, Bar{"x", []int64{n}})
			want += n
		}
		bars, _ := b.joined()
		var got int64
		for _, bar := range bars {
			got += bar.total()
		}
		if got != want || len(bars) > mostBars {
			t.Fatalf("got %d bars that sum to %d, want at most %d and %d", len(bars), got, mostBars, want)
		}
	})
}

func TestNoLineCrossesTheMap(t *testing.T) {
	for _, s := range shapes {
		if s.code == "" || s.name == "" || s.x < 0 || s.x > MapWidth || s.y < 0 || s.y > MapHeight {
			t.Errorf("got %q %q at %g, %g, want a name and a point on the map", s.code, s.name, s.x, s.y)
		}
		for _, ring := range strings.Split(string(s.path), "M")[1:] {
			head, steps, ok := strings.Cut(ring, "l")
			var x, y, dx, dy int
			if n, err := fmt.Sscanf(head, "%d %d", &x, &y); !ok || n != 2 || err != nil {
				t.Fatalf("%s: got ring %.40q, want a start and steps", s.code, ring)
			}
			in := strings.NewReader(strings.ReplaceAll(strings.TrimSuffix(steps, "z"), "-", " -"))
			for {
				if _, err := fmt.Fscan(in, &dx, &dy); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("%s: %v", s.code, err)
				}
				if x, y = x+dx, y+dy; x < 0 || x > MapWidth || y < 0 || y > MapHeight || dx > 300 || dx < -300 {
					t.Errorf("%s: got a step of %d, %d to %d, %d, want short ones on the map", s.code, dx, dy, x, y)
				}
			}
		}
	}
	if !slices.IsSortedFunc(shapes[:], func(a, b shape) int { return strings.Compare(a.code, b.code) }) {
		t.Error("got countries out of order, want them sorted by code")
	}
}

func TestCountriesOfTheMap(t *testing.T) {
	for _, c := range []struct {
		name, code string
		known      bool
	}{
		{"a large country is drawn", "DE", true},
		{"a country too small for an outline is a point", "SG", true},
		{"Kosovo has the code that address databases use", "XK", true},
		{"unknown is no country", "", false},
		{"a relay is no country", "(relay)", false},
		{"a code in lower case is no code", "de", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			name, ok := Country(c.code)
			if ok != c.known || ok == (name == "") {
				t.Errorf("got %q, %v, want known %v", name, ok, c.known)
			}
			html := string(World{Unit: "sign-in", Countries: []CountryCount{{c.code, 7}}}.HTML())
			if drawn := strings.Contains(html, ": 7 sign-ins</title>"); drawn != c.known {
				t.Errorf("got drawn %v, want %v", drawn, c.known)
			}
			if told := strings.Contains(html, "Not on the map"); told == c.known {
				t.Errorf("got told beside the map %v, want %v", told, !c.known)
			}
		})
	}
}

func TestTones(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want Tone
	}{
		{"a severity has its own", Level(rootkeep.High), High},
		{"a severity out of range is critical", Level(200), Critical},
		{"the seventh series begins anew", Series(6), Series(0)},
		{"nothing is plain", Shade(0, 10), Plain},
		{"the highest is darkest", Shade(10, 10), shade5},
		{"the lowest is lightest", Shade(1, 100000), shade1},
		{"no number is unknown", Shade(math.NaN(), 10), Unknown},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, c.got, c.want)
		}
	}
}

func TestOnlyLocalPathsAreLinks(t *testing.T) {
	for path, want := range map[string]bool{
		"/alerts?account=1": true, "//evil.example": false, "/\\evil.example": false, "javascript:alert(1)": false, "": false, "https://evil.example/": false, "/\t/evil.example": false,
	} {
		html := string(Ranking{Unit: "x", Things: []Thing{{Label: "a", Path: path, N: 1}}}.HTML())
		if got := strings.Contains(html, "<a href"); got != want {
			t.Errorf("path %q: got a link %v, want %v", path, got, want)
		}
	}
}
