package correlate

import (
	"slices"

	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

// window is the state of a group for the types with a sliding window.
type window struct {
	spec   *sigma.Correlation
	width  int64
	marks  []mark // in any order; marks[:tidy] were compacted
	tidy   int
	proofs proofs
	// parties are those of marks.
	parties party.Table
	open    *episode // went on at the last Flush
}

func newWindow(spec *sigma.Correlation) *window {
	width := seconds(spec.Timespan)
	return &window{spec: spec, width: width, proofs: newProofs(width, maxEvents)}
}

func (w *window) add(s sighting) {
	w.proofs.offer(s.t, s.input, s.from)
	of := s.from.who()
	s.who, s.failed = w.parties.Number(of.Party), of.Failed
	if last := len(w.marks) - 1; last >= 0 && compareMarks(w.marks[last], s.mark) == 0 {
		w.marks[last].n += s.n
		return
	}
	w.marks = append(w.marks, s.mark)
	if w.parties.Added() >= party.MaxParties {
		w.forget()
	}
	w.compactIfDoubled()
}

func (w *window) merge(other state) {
	o := other.(*window)
	to := w.parties.Merge(&o.parties)
	for _, m := range o.marks {
		m.who = to[m.who]
		w.marks = append(w.marks, m)
	}
	if w.parties.Added() >= party.MaxParties {
		w.forget()
	}
	w.compactIfDoubled()
	w.proofs.merge(o.proofs)
}

// forget drops parties of which no mark is, and of too many what tells the last apart.
func (w *window) forget() {
	used := make([]bool, w.parties.Len()+1)
	for _, m := range w.marks {
		used[m.who] = true
	}
	to := w.parties.Trim(func(n party.Number) bool { return used[n] })
	for i := range w.marks {
		w.marks[i].who = to[w.marks[i].who]
	}
	w.tidy = 0
	w.compact()
}

func (w *window) compactIfDoubled() {
	if len(w.marks) >= 2*w.tidy+64 {
		w.compact()
	}
}

// compact leaves the marks sorted and as few as exact results allow.
func (w *window) compact() {
	if len(w.marks) == w.tidy {
		return // nothing was appended since
	}
	w.marks = fold(w.marks)
	if w.spec.Type == sigma.ValueCount || w.spec.Type == sigma.Temporal {
		thin(w.marks, w.width)
		w.marks = fold(w.marks)
	}
	w.tidy = len(w.marks)
}

func (w *window) settle(s span, _ int64) []Firing {
	var firings []Firing
	if firings, w.open = w.judge(s, w.open); w.open != nil && w.open.end+w.width <= s.until {
		w.open = nil // whatever comes next begins another
	}
	// Marks at until-width and before are in no window after until.
	old, _ := slices.BinarySearchFunc(w.marks, s.until-w.width+1, func(m mark, t int64) int {
		return compareMarks(m, mark{t: t})
	})
	w.marks = slices.Clone(w.marks[old:]) // frees the array of a past burst
	w.tidy = len(w.marks)
	w.forget()
	w.proofs.drop(s.until - w.width)
	return firings
}

// judge returns what fired within s, and the episode that is still open then.
func (w *window) judge(s span, open *episode) ([]Firing, *episode) {
	if w.parties.Added() > 0 && w.parties.Len() > party.MaxParties {
		w.forget()
	}
	w.compact()
	touched, open := sweep(w.spec, w.marks, &w.parties, s, open)
	firings := make([]Firing, 0, len(touched))
	for _, e := range touched {
		firings = append(firings, w.firing(e))
	}
	return firings, open
}

func (w *window) firing(e *episode) Firing {
	e.chosen.add(w.proofs, choice{
		from:    max(e.start, e.shown+1),
		through: e.crossed,
		to:      e.end,
		inputs:  len(w.spec.Inputs),
		ordered: w.spec.Type == sigma.TemporalOrdered,
		limit:   maxEvents,
	}, e.shown)
	e.sample = w.proofs.sample(e.sample, max(e.start, e.shown+1), e.end, len(w.spec.Inputs), maxSample)
	e.shown = e.end
	return Firing{
		Start: e.start, Crossed: e.crossed, End: e.end,
		Count:  e.count,
		Value:  e.value,
		Steps:  slices.Clone(e.steps),
		Held:   slices.Clone(e.held),
		Events: e.chosen.events(maxEvents),
		Sample: slices.Clone(e.sample),
		Of:     e.of.Clone(),
	}
}

// idle holds once all marks are a timespan old: an open episode is over too, as
// whatever comes next comes a timespan or more after its end.
func (w *window) idle() bool { return len(w.marks) == 0 }
