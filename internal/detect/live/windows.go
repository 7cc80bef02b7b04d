package live

import (
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/wire"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate"
)

// window is a group of a correlation at work.
type window struct {
	key  string
	data []byte // of its row as it stands
	way  *way
	*correlate.Group
	told    []told
	altered bool // its thresholds were others when it was kept
	feeds   bool // it gave the outer one something that is not settled
	full    bool // its baseline was, before this step

	firings []correlate.Firing // of its preview
}

const windowVersion = 2 // 1 does not say whom events are of

// slack is a part of the lateness: what is settled more often than that is not worth
// the work.
const slack = 16

// windowOf is the window of a way with a key of Take or Through.
func (s *step) windowOf(w *way, group string) *window {
	key := w.row(group)
	if g := s.windows[key]; g != nil {
		return g
	}
	g := s.readWindow(key, w)
	if g == nil || g.Key() != group {
		g = &window{key: key, data: s.found[key], way: w, Group: correlate.NewGroup(s.e.pack.Set, w.correlation, group, s.before.of(w))}
	}
	s.windows[key] = g
	return g
}

// readWindow reads a row that was found; nil if it was not, or cannot be read.
func (s *step) readWindow(key string, w *way) *window {
	data := s.found[key]
	if data == nil {
		return nil
	}
	r := wire.NewReader(data, 1, windowVersion)
	g := &window{key: key, data: data, way: w, told: readTold(r), feeds: r.Bool()}
	g.Group, g.altered = correlate.ReadGroup(s.e.pack.Set, w.correlation, r)
	if err := r.Close(); err != nil {
		s.unreadable(key, err)
		return nil
	}
	g.full = g.Saturated()
	return g
}

// settleWindow keeps of a window what later events can touch.
func (s *step) settleWindow(g *window) {
	settled := s.settled.of(g.way)
	worth := g.Settled() < settled-int64(s.e.options.Lateness/time.Second)/slack
	if worth || g.Due(g.Settled()) <= settled || g.Spent() <= settled {
		g.Settle(settled)
	}
	if g.Spent() <= settled {
		s.drop(g.key, g.data)
		return
	}
	if g.Saturated() && !g.full {
		s.e.changes.Notices = append(s.e.changes.Notices, s.e.pack.SaturationNotice(correlate.Saturation{Correlation: g.Correlation(), Group: g.Values()}))
	}
	g.told = slices.DeleteFunc(g.told, func(t told) bool { return t.crossed <= g.Settled() && !g.GoesOn(t.start, t.crossed) })
	w := wire.NewWriter(windowVersion)
	writeTold(w, g.told)
	w.Bool(g.feeds)
	g.Write(w)
	row := Row{Key: g.key, Data: w.Bytes(), Until: s.later(g.Spent()), Due: s.later(g.Due(settled))}
	if g.way.silent { // rows end by the time of steps, which may be far ahead: this one goes when it is looked at, spent
		row.Until, row.Due = never, min(row.Due, s.later(g.Spent()))
	}
	s.keep(g.data, row)
}

// later is when, as steps count time, a time is settled.
func (s *step) later(t int64) int64 {
	lateness := int64(s.e.options.Lateness / time.Second)
	if t > never-lateness {
		return never
	}
	return t + lateness
}

// tellWindow tells what fired in a window.
func (s *step) tellWindow(g *window) {
	rest := g.told
	var known []told
	for _, f := range g.firings {
		now := told{start: f.Start, crossed: f.Crossed, end: f.End, value: f.NewValue}
		var continued []told
		rest = slices.DeleteFunc(slices.Clone(rest), func(t told) bool {
			same := s.same(g, &t, &now)
			if same {
				continued = append(continued, t)
			}
			return same
		})
		a := s.e.hunt.FiringAlert(f)
		known = append(known, s.tell(now, continued, a, slices.Concat(g.told, known), "live", g.key, fmt.Sprint(f.Crossed), firstID(&a), f.NewValue))
	}
	for _, t := range rest {
		switch {
		case t.crossed <= g.Settled():
			known = append(known, t) // final
		case !g.altered: // by other thresholds it did hold
			s.takeBack(t)
		}
	}
	g.told = known
}

// same says that one alert is the other, changed: their episodes share time.
func (s *step) same(g *window, a, b *told) bool {
	switch s.e.pack.Set.Correlations()[g.way.correlation].Type {
	case sigma.NewValue:
		return a.value == b.value
	case sigma.Absence:
		return a.start < b.end && b.start < a.end // an event may end one and begin another
	}
	return a.crossed <= b.end && b.crossed <= a.end
}
