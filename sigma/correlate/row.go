package correlate

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/wire"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

// parties is the version of rows from which on they say whom events are of.
const parties = 2

// mostEvents is how many alike events of one second a row counts.
const mostEvents = 1 << 30

// Write writes the group.
func (g *Group) Write(w *wire.Writer) {
	w.Text(g.key)
	w.Fixed(Thresholds(g.spec))
	w.Int(g.settled)
	g.state.write(w)
	slices.SortFunc(g.chained, func(a, b chained) int {
		return cmp.Or(cmp.Compare(a.t, b.t), cmp.Compare(a.input, b.input), cmp.Compare(a.from, b.from))
	})
	w.Len(len(g.chained))
	for _, c := range g.chained {
		w.Len(c.input)
		w.Text(c.from)
		w.Int(c.t)
		writeEvents(w, c.events)
		c.of.Write(w)
	}
}

// ReadGroup reads what Write wrote of a group of the same Identity. If the thresholds
// of the correlation were others, the marks stay and an episode that was settled under
// them does not: altered says so.
func ReadGroup(set *sigma.Set, number int, r *wire.Reader) (g *Group, altered bool) {
	return readGroup(set.Correlations()[number], number, r)
}

func readGroup(spec *sigma.Correlation, number int, r *wire.Reader) (g *Group, altered bool) {
	g = newGroup(spec, number, r.Text())
	if countTexts(g.key) != len(spec.GroupBy) {
		r.Fail()
		return g, false
	}
	altered = r.Fixed() != Thresholds(spec)
	g.settled = r.Int()
	g.state.read(r)
	for range r.Len() {
		c := chained{input: r.Small(), from: r.Text(), t: readTime(r), events: readEvents(r, maxEvents)}
		if r.Version() >= parties {
			c.of.Read(r)
		}
		if r.Err() != nil || c.input >= len(spec.Inputs) || !g.takes(c) {
			r.Fail()
			break
		}
		g.chained = append(g.chained, c)
	}
	if w, ok := g.state.(*window); ok && w.open != nil {
		if altered {
			w.open = nil
		} else if len(w.open.steps) != len(spec.Steps) {
			r.Fail()
		}
	}
	return g, altered
}

// takes says that the fields which a chained firing is read for are in its key.
func (g *Group) takes(c chained) bool {
	in, n := &g.spec.Inputs[c.input], countTexts(c.from)
	beyond := func(i int) bool { return i >= n }
	return n >= 0 && !slices.ContainsFunc(in.Group, beyond) && !slices.ContainsFunc(in.Fields, beyond)
}

// countTexts is how many texts appendText joined, -1 for what it did not make.
func countTexts(encoded string) int {
	n := 0
	for ; len(encoded) > 0; n++ {
		if len(encoded) < 2 {
			return -1
		}
		end := 2 + int(encoded[0])<<8 + int(encoded[1])
		if end > len(encoded) {
			return -1
		}
		encoded = encoded[end:]
	}
	return n
}

// Thresholds stands for when a correlation fires.
func Thresholds(c *sigma.Correlation) uint64 {
	h := sha256.New()
	bounds := c.Condition
	for _, b := range []*float64{bounds.GT, bounds.GTE, bounds.LT, bounds.LTE, bounds.EQ, bounds.NEQ} {
		if b == nil {
			fmt.Fprint(h, "- ")
			continue
		}
		fmt.Fprint(h, *b, " ")
	}
	fmt.Fprint(h, c.Steps, c.Percentile)
	if c.Steady != 0 { // rows from before there was such a thing are still right
		fmt.Fprint(h, c.Steady)
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

func readTime(r *wire.Reader) int64 {
	t := r.Int()
	if t < -farthest || t > farthest {
		r.Fail()
		return 0
	}
	return t
}

func writeEvents(w *wire.Writer, events []*rootkeep.Event) {
	w.Len(len(events))
	for _, e := range events {
		w.Event(e)
	}
}

func readEvents(r *wire.Reader, most int) []*rootkeep.Event {
	n := r.Len()
	if n > most {
		r.Fail()
		return nil
	}
	var events []*rootkeep.Event
	for range n {
		events = append(events, r.Event())
	}
	return events
}

func (p proofs) write(w *wire.Writer) {
	slots := slices.SortedFunc(maps.Keys(p.kept), func(a, b slot) int {
		return cmp.Or(cmp.Compare(a.quarter, b.quarter), cmp.Compare(a.input, b.input))
	})
	n := 0
	for _, s := range slots {
		n += len(p.kept[s])
	}
	w.Len(n)
	for _, s := range slots {
		for _, one := range p.kept[s] {
			w.Len(s.input)
			w.Int(one.t)
			w.Event(one.event)
		}
	}
}

func (p proofs) read(r *wire.Reader, inputs int) {
	for range r.Len() {
		input, one := r.Small(), proof{readTime(r), r.Event()}
		if r.Err() != nil || input >= inputs {
			r.Fail()
			return
		}
		p.insert(slot{p.quarterOf(one.t), input}, one)
	}
}

func (w *window) write(to *wire.Writer) {
	w.compact()
	w.parties.Write(to)
	to.Len(len(w.marks))
	before := int64(0)
	for _, m := range w.marks {
		to.Int(m.t - before)
		before = m.t
		to.Bool(m.bare)
		to.Uint(uint64(m.who))
		to.Bool(m.failed)
		to.Uint(uint64(min(max(m.n, 0), mostEvents)))
		if w.counts() {
			to.Uint(m.key.hi)
			to.Fixed(m.key.lo)
		}
	}
	w.proofs.write(to)
	to.Bool(w.open != nil)
	if w.open != nil {
		w.open.write(to)
	}
}

// counts says that marks have keys.
func (w *window) counts() bool { return w.spec.Type != sigma.EventCount }

func (w *window) read(r *wire.Reader) {
	t, old := int64(0), r.Version() < parties
	if !old {
		w.parties.Read(r)
	}
	for i := range r.Len() {
		t += r.Int()
		m := mark{t: t, bare: r.Bool()}
		if !old {
			who := r.Small()
			m.who, m.failed = party.Number(min(who, w.parties.Len())), r.Bool()
			if who > w.parties.Len() {
				r.Fail()
			}
		}
		m.n = int32(min(r.Uint(), mostEvents+1))
		if w.counts() {
			m.key = key{r.Uint(), r.Fixed()}
		}
		if r.Err() != nil || !w.sane(m) || i > 0 && compareMarks(w.marks[i-1], m) >= 0 {
			r.Fail()
			return
		}
		w.marks = append(w.marks, m)
	}
	w.tidy = len(w.marks)
	w.proofs.read(r, len(w.spec.Inputs))
	if r.Bool() {
		w.open = w.readEpisode(r)
	}
}

// sane says that a mark is one that the correlation can have.
func (w *window) sane(m mark) bool {
	if m.t < -farthest || m.t > farthest || m.n < 0 || m.n > mostEvents {
		return false
	}
	switch w.spec.Type {
	case sigma.Temporal, sigma.TemporalOrdered:
		return m.bare || m.key.hi == 0 && m.key.lo < uint64(len(w.spec.Inputs))
	case sigma.ValueSum, sigma.ValueAvg, sigma.ValuePercentile:
		x := m.key.number()
		return w.spec.Percentile == 0 && w.spec.Type == sigma.ValuePercentile || !math.IsNaN(x) && !math.IsInf(x, 0)
	}
	return true
}

func (e *episode) write(w *wire.Writer) {
	w.Int(e.start)
	w.Int(e.crossed)
	w.Int(e.end)
	w.Len(e.count)
	w.Float(e.value)
	w.Len(len(e.steps))
	for _, t := range e.steps {
		w.Int(t)
	}
	e.chosen.write(w)
	writeEvents(w, e.sample)
	w.Int(e.shown)
	e.of.Write(w)
}

func (w *window) readEpisode(r *wire.Reader) *episode {
	e := &episode{start: readTime(r), crossed: readTime(r), end: readTime(r), count: r.Small(), value: r.Float()}
	for range r.Len() {
		e.steps = append(e.steps, readTime(r))
	}
	e.chosen.read(r, len(w.spec.Inputs))
	e.sample, e.shown = readEvents(r, maxSample), r.Int()
	if e.shown < e.start-1 || e.shown > e.end {
		r.Fail()
	}
	if r.Version() < parties {
		e.of.AddEvents(e.sample, e.count)
	} else {
		e.of.Read(r)
	}
	return e
}

func (k *chosen) write(w *wire.Writer) {
	w.Len(len(k.firsts))
	for _, e := range k.firsts {
		if w.Bool(e != nil); e != nil {
			w.Event(e)
		}
	}
	w.Int(k.after)
	writeEvents(w, k.rest)
	w.Len(k.found)
	w.Bool(k.enough)
}

func (k *chosen) read(r *wire.Reader, inputs int) {
	n := r.Len()
	if n > inputs {
		r.Fail()
	}
	for range n {
		var first *rootkeep.Event
		if r.Bool() {
			first = r.Event()
		}
		if r.Err() != nil {
			return
		}
		k.firsts = append(k.firsts, first)
	}
	k.after, k.rest, k.found, k.enough = readTime(r), readEvents(r, maxEvents), r.Small(), r.Bool()
}

func (b *baseline) write(w *wire.Writer) {
	b.trim()
	w.Int(b.first)
	w.Int(b.last)
	w.Bool(b.full)
	w.Len(len(b.values))
	for _, value := range slices.Sorted(maps.Keys(b.values)) {
		v := b.values[value]
		w.Text(value)
		w.Int(v.t)
		w.Bool(v.told)
		w.Bool(v.event != nil)
		if v.event != nil {
			w.Event(v.event)
		}
	}
}

func (b *baseline) read(r *wire.Reader) {
	b.first, b.last, b.full = r.Int(), r.Int(), r.Bool()
	n := r.Len()
	if n > maxValues || n > 0 && (b.first < -farthest || b.first > farthest) {
		r.Fail()
		return
	}
	for range n {
		value := r.Text()
		v := &firstSight{t: readTime(r), told: r.Bool()}
		if r.Bool() {
			v.event = r.Event()
		}
		if r.Err() != nil || countTexts(value) < 0 {
			r.Fail()
			return
		}
		b.values[value] = v
	}
}

func (a *activity) write(w *wire.Writer) {
	w.Len(len(a.intervals))
	for _, i := range a.intervals {
		w.Int(i.from)
		w.Int(i.to)
	}
	a.proofs.write(w)
}

func (a *activity) read(r *wire.Reader) {
	before := int64(-2 * farthest)
	for range r.Len() {
		i := interval{readTime(r), readTime(r)}
		if r.Err() != nil || i.from > i.to || i.from < before+a.width {
			r.Fail()
			return
		}
		a.intervals, before = append(a.intervals, i), i.to
	}
	a.proofs.read(r, 1) // one for all inputs
}
