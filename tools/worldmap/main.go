// Command worldmap writes the countries that internal/chart draws its map of: outlines
// out of Natural Earth's 1:110m data, and a point for each country that is too small to
// be drawn at that scale. It reads the files of the npm package world-atlas 2.0.2 (ISC;
// the data is in the public domain), unpacked:
//
//	npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
//	go run ./tools/worldmap -atlas package -out internal/chart/worldshapes.go
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"go/format"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/text/language"

	"github.com/rootkeep/rootkeep/internal/chart"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("worldmap", flag.ContinueOnError)
	flags.SetOutput(stderr)
	atlas := flags.String("atlas", "", "folder of the unpacked package world-atlas")
	out := flags.String("out", "", "Go file to write")
	if err := flags.Parse(args); err != nil {
		return 64
	}
	if err := generate(*atlas, *out); err != nil {
		fmt.Fprintf(stderr, "worldmap: %v\n", err)
		return 1
	}
	return 0
}

// country is one line of the file to write.
type country struct {
	code, name string
	rings      []ring
	at         point
}

func generate(atlas, out string) error {
	outlines, err := readAtlas(filepath.Join(atlas, "countries-110m.json"))
	if err != nil {
		return err
	}
	all, err := readAtlas(filepath.Join(atlas, "countries-50m.json"))
	if err != nil {
		return err
	}
	countries := map[string]country{}
	for _, c := range all {
		c.at = middle(c.rings)
		c.rings = nil
		countries[c.code] = c
	}
	for _, c := range outlines {
		c.at = middle(c.rings)
		countries[c.code] = c
	}
	text, err := source(countries)
	if err != nil {
		return err
	}
	return os.WriteFile(out, text, 0o644)
}

// topology is a TopoJSON file (The TopoJSON Format Specification 1.0): arcs are lists of
// differences, geometries name arcs, ^i for arc i backwards.
type topology struct {
	Arcs      [][][2]float64 `json:"arcs"`
	Transform struct {
		Scale     [2]float64 `json:"scale"`
		Translate [2]float64 `json:"translate"`
	} `json:"transform"`
	Objects struct {
		Countries struct {
			Geometries []geometry `json:"geometries"`
		} `json:"countries"`
	} `json:"objects"`
}

type geometry struct {
	Type       string          `json:"type"`
	ID         string          `json:"id"` // ISO 3166-1 numeric
	Arcs       json.RawMessage `json:"arcs"`
	Properties struct {
		Name string `json:"name"`
	} `json:"properties"`
}

// unnumbered are the areas that Natural Earth draws apart and ISO 3166-1 does not number.
// XK is what databases of addresses use. What is not listed is left out.
var unnumbered = map[string]string{"Somaliland": "SO", "N. Cyprus": "CY", "Kosovo": "XK"}

func readAtlas(file string) ([]country, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var t topology
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	arcs := t.unpacked()
	byCode := map[string]country{}
	for _, g := range t.Objects.Countries.Geometries {
		code := unnumbered[g.Properties.Name]
		if n, err := strconv.Atoi(g.ID); err == nil {
			region, err := language.EncodeM49(n)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", file, g.Properties.Name, err)
			}
			code = region.String()
		}
		if code == "" {
			continue
		}
		rings, err := g.outlines(arcs)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, g.Properties.Name, err)
		}
		c := byCode[code]
		if g.ID != "" || c.name == "" {
			c.code, c.name = code, g.Properties.Name
		}
		c.rings = append(c.rings, rings...)
		byCode[code] = c
	}
	var out []country
	for _, c := range byCode {
		out = append(out, c)
	}
	return out, nil
}

// unpacked are the arcs in degrees.
func (t *topology) unpacked() []ring {
	out := make([]ring, len(t.Arcs))
	for i, arc := range t.Arcs {
		var x, y float64
		for _, d := range arc {
			x, y = x+d[0], y+d[1]
			out[i] = append(out[i], point{x*t.Transform.Scale[0] + t.Transform.Translate[0], y*t.Transform.Scale[1] + t.Transform.Translate[1]})
		}
	}
	return out
}

// outlines are the rings of a geometry in degrees; those of holes, such as Lesotho in South
// Africa, turn the other way.
func (g geometry) outlines(arcs []ring) ([]ring, error) {
	var polygons [][][]int
	switch g.Type {
	case "Polygon":
		polygons = make([][][]int, 1)
		if err := json.Unmarshal(g.Arcs, &polygons[0]); err != nil {
			return nil, err
		}
	case "MultiPolygon":
		if err := json.Unmarshal(g.Arcs, &polygons); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("geometry of type %q: want Polygon or MultiPolygon", g.Type)
	}
	var out []ring
	for _, outline := range slices.Concat(polygons...) {
		var r ring
		for _, n := range outline {
			arc := arcs[max(n, ^n)]
			if n < 0 {
				arc = slices.Clone(arc)
				slices.Reverse(arc)
			}
			if len(r) > 0 {
				arc = arc[1:] // where one ends the next begins
			}
			r = append(r, arc...)
		}
		out = append(out, r.split()...)
	}
	return out, nil
}

// edge is how far a point stays from the lower edge of the map: Antarctica's.
const edge = 12

func source(countries map[string]country) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintln(&b, "// Code generated by tools/worldmap from Natural Earth's data (public domain; npm package world-atlas 2.0.2, ISC). DO NOT EDIT.")
	fmt.Fprintln(&b, "\npackage chart\n\n// shapes are the countries by ISO 3166-1 alpha-2 code, in its order.\nvar shapes = [...]shape{")
	sorted := make([]country, 0, len(countries))
	for _, c := range countries {
		sorted = append(sorted, c)
	}
	slices.SortFunc(sorted, func(a, b country) int { return cmp.Compare(a.code, b.code) })
	for _, c := range sorted {
		x, y := chart.Project(c.at.lat, c.at.lon)
		fmt.Fprintf(&b, "{%q, %q, %.0f, %.0f, %q},\n", c.code, c.name, x, min(y, chart.MapHeight-edge), path(c.rings))
	}
	fmt.Fprintln(&b, "}")
	return format.Source(b.Bytes())
}
