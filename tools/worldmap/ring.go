package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/chart"
)

// point is a place in degrees.
type point struct{ lon, lat float64 }

// ring is a closed outline; its last point may repeat the first.
type ring []point

// split cuts a ring where it crosses the antimeridian, so that each piece lies between
// -180 and 180 degrees: Russia, Fiji, Antarctica.
func (r ring) split() []ring {
	r, turns := r.unwrapped()
	var out []ring
	for _, turn := range turns {
		middle := 360 * turn
		piece := r.beyond(middle-180, 1).beyond(middle+180, -1)
		for i := range piece {
			piece[i].lon -= middle
		}
		if len(piece) > 2 {
			out = append(out, piece)
		}
	}
	return out
}

// unwrapped lets longitudes run on beyond 180, so that neighbours are never more than
// half a turn apart, and says on which turns something of the ring may lie. A ring that
// goes around a pole is closed by way of the pole; one turn holds all of it.
func (r ring) unwrapped() (out ring, turns []float64) {
	out = ring{r[0]}
	for _, p := range r[1:] {
		last := out[len(out)-1].lon
		p.lon = last + math.Remainder(p.lon-last, 360)
		out = append(out, p)
	}
	first, last := out[0], out[len(out)-1]
	round := last.lon - first.lon
	if math.Abs(round) < 180 {
		return out, []float64{-1, 0, 1}
	}
	// One turn more on each side fills the whole width, wherever the ring began.
	pole := math.Copysign(90, first.lat)
	var wide ring
	for k := -1.0; k <= 1; k++ {
		for _, p := range out {
			wide = append(wide, point{p.lon + k*round, p.lat})
		}
	}
	return append(wide, point{wide[len(wide)-1].lon, pole}, point{wide[0].lon, pole}), []float64{0}
}

// beyond clips a ring to the longitudes on one side of a meridian: above it for a side of
// 1, below it for -1 (Sutherland and Hodgman, "Reentrant polygon clipping").
func (r ring) beyond(meridian, side float64) ring {
	var out ring
	for i, p := range r {
		before := r[(i+len(r)-1)%len(r)]
		in, was := side*(p.lon-meridian) >= 0, side*(before.lon-meridian) >= 0
		if in != was {
			share := (meridian - before.lon) / (p.lon - before.lon)
			out = append(out, point{meridian, before.lat + share*(p.lat-before.lat)})
		}
		if in {
			out = append(out, p)
		}
	}
	return out
}

// moment is the signed area of a ring in square degrees, and its centre of mass.
func (r ring) moment() (area float64, centre point) {
	for i, p := range r {
		before := r[(i+len(r)-1)%len(r)]
		cross := before.lon*p.lat - p.lon*before.lat
		area += cross / 2
		centre.lon += (before.lon + p.lon) * cross / 6
		centre.lat += (before.lat + p.lat) * cross / 6
	}
	if area != 0 {
		centre.lon, centre.lat = centre.lon/area, centre.lat/area
	}
	return area, centre
}

// middle is the centre of the largest ring.
func middle(rings []ring) point {
	var largest float64
	var at point
	for _, r := range rings {
		if area, centre := r.moment(); math.Abs(area) > largest {
			largest, at = math.Abs(area), centre
		}
	}
	return at
}

// path writes rings as SVG path data of whole numbers. What lies below the map is left out.
func path(rings []ring) string {
	var b strings.Builder
	for _, r := range rings {
		var xs, ys []int
		for _, p := range r {
			fx, fy := chart.Project(p.lat, p.lon)
			x, y := int(math.Round(fx)), int(math.Round(min(fy, chart.MapHeight)))
			if n := len(xs); n == 0 || xs[n-1] != x || ys[n-1] != y {
				xs, ys = append(xs, x), append(ys, y)
			}
		}
		if len(xs) < 3 || slices.Min(ys) >= chart.MapHeight {
			continue
		}
		fmt.Fprintf(&b, "M%d %dl", xs[0], ys[0])
		for i := 1; i < len(xs); i++ {
			step := fmt.Sprintf("%d %d", xs[i]-xs[i-1], ys[i]-ys[i-1])
			if i > 1 && step[0] != '-' {
				b.WriteByte(' ')
			}
			b.WriteString(strings.Replace(step, " -", "-", 1))
		}
		b.WriteByte('z')
	}
	return b.String()
}
