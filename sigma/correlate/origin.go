package correlate

import (
	"iter"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

// origin is what a mark is made from: a record, or the firing of another
// correlation.
type origin interface {
	// value is the i-th value of a field, false when it has no i-th.
	value(field, i int) (rootkeep.Value, bool)
	// events is the evidence for the mark.
	events() []*rootkeep.Event
	// who is whom the mark is of.
	who() party.Who
}

// record is the event of one Observe. Its evidence is built once for all
// correlations that keep it.
type record struct {
	view     *rootkeep.View
	of       party.Who
	evidence func() *rootkeep.Event
	built    []*rootkeep.Event
}

func (r *record) value(field, i int) (rootkeep.Value, bool) {
	if i > 0 {
		return r.view.More(field, i-1)
	}
	v := r.view.At(field)
	return v, v.Kind != rootkeep.Absent
}

func (r *record) events() []*rootkeep.Event {
	if r.evidence != nil {
		if e := r.evidence(); e != nil {
			r.built = []*rootkeep.Event{e}
		}
		r.evidence = nil
	}
	return r.built
}

func (r *record) who() party.Who { return r.of }

// who is whom a firing is of as one mark: no one in particular if its events are of several.
func (f *Firing) who() party.Who {
	return party.Who{Party: f.Of.One(), Failed: f.Count > 0 && f.Of.Failed == f.Count}
}

// Whose says whom the events are of, by those that it names where that says more.
func (f *Firing) Whose() party.Tally {
	var t party.Tally
	switch partly := f.Of.Unknown+f.Of.Omitted > 0; {
	case len(f.Sample) == 0:
		t.AddEvents(f.Events, f.Count)
	case partly && len(f.Sample) == f.Count:
		t.AddEvents(f.Sample, f.Count)
	default:
		if t = f.Of.Clone(); f.Of.Unknown > 0 {
			for _, e := range f.Sample {
				t.AddEvent(e, 0)
			}
		}
	}
	return t
}

// moments are when a firing counts in a correlation that refers to its own, with the
// evidence for it: where it crossed, or wherever it held for a temporal one, with what
// the sample has of that second.
func (f *Firing) moments(outer *sigma.Correlation) iter.Seq2[int64, []*rootkeep.Event] {
	return func(yield func(int64, []*rootkeep.Event) bool) {
		if f.Held == nil || !outer.Type.Temporal() {
			yield(f.Crossed, f.Events)
			return
		}
		rest := f.Sample // earliest first, as Held is
		for _, t := range f.Held {
			for len(rest) > 0 && rest[0].Time.Unix() < t {
				rest = rest[1:]
			}
			n := 0
			for n < len(rest) && rest[n].Time.Unix() == t {
				n++
			}
			events := rest[:min(n, maxEvents)]
			if t == f.Crossed {
				events = f.Events
			}
			if !yield(t, events) {
				return
			}
		}
	}
}

// Feeds says that the firing may count in an outer correlation later than after.
func (f *Firing) Feeds(after int64) bool {
	return f.Crossed > after || len(f.Held) > 0 && f.Held[len(f.Held)-1] > after
}

// fired is a firing as the input of another correlation: its fields are the
// values of its own group.
type fired struct {
	*Firing
	evidence []*rootkeep.Event
	of       party.Who
}

func (f fired) value(field, i int) (rootkeep.Value, bool) {
	if i > 0 || field < 0 || field >= len(f.Group) {
		return rootkeep.Value{}, false
	}
	return rootkeep.Value{Kind: rootkeep.String, Text: []byte(f.Group[field])}, true
}

func (f fired) events() []*rootkeep.Event { return f.evidence }

func (f fired) who() party.Who { return f.of }
