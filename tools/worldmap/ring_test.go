package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestRingsAreSplitAtTheAntimeridian(t *testing.T) {
	for _, c := range []struct {
		name string
		ring ring
		want int     // pieces
		area float64 // of all together, square degrees
	}{
		{"a ring far away stays whole", ring{{0, 0}, {10, 0}, {10, 10}, {0, 10}}, 1, 100},
		{"an island on the line becomes two", ring{{175, 0}, {-175, 0}, {-175, 10}, {175, 10}}, 2, 100},
		{"a ring that ends on the line stays whole", ring{{170, 0}, {180, 0}, {180, 10}, {170, 10}}, 1, 100},
		{"a ring around a pole reaches it over the whole width", ring{{-180, -60}, {-90, -60}, {0, -60}, {90, -60}, {-180, -60}}, 1, 360 * 30},
		{"a ring around a pole may begin anywhere", ring{{-100, -60}, {-10, -60}, {80, -60}, {170, -60}, {-100, -60}}, 1, 360 * 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			var area float64
			pieces := 0
			for _, piece := range c.ring.split() {
				a, _ := piece.moment()
				if area += math.Abs(a); math.Abs(a) > 1e-6 {
					pieces++
				}
				for _, p := range piece {
					if p.lon < -180 || p.lon > 180 {
						t.Errorf("got longitude %g, want it between -180 and 180", p.lon)
					}
				}
			}
			if pieces != c.want || math.Abs(area-c.area) > 1e-6 {
				t.Errorf("got %d pieces of %g square degrees, want %d of %g", pieces, area, c.want, c.area)
			}
		})
	}
}

func TestTheCommittedMapIsCurrent(t *testing.T) {
	atlas := os.Getenv("ROOTKEEP_WORLD_ATLAS")
	if atlas == "" {
		t.Skip("skipped: set ROOTKEEP_WORLD_ATLAS to the unpacked package world-atlas to make the map again")
	}
	out := filepath.Join(t.TempDir(), "worldshapes.go")
	if err := generate(atlas, out); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../internal/chart/worldshapes.go")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got another map of %d bytes (%v), want the committed one of %d; hint: run the command in the comment of package main", len(got), err, len(want))
	}
}
