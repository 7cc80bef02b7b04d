package correlate

import "github.com/rootkeep/rootkeep"

// origin is what a mark is made from: a record, or the firing of another
// correlation.
type origin interface {
	// value is the i-th value of a field, false when it has no i-th.
	value(field, i int) (rootkeep.Value, bool)
	// events is the evidence for the mark.
	events() []*rootkeep.Event
}

// record is the event of one Observe. Its evidence is built once for all
// correlations that keep it.
type record struct {
	view     *rootkeep.View
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

// fired is a firing as the input of another correlation: its fields are the
// values of its own group.
type fired struct{ *Firing }

func (f fired) value(field, i int) (rootkeep.Value, bool) {
	if i > 0 || field < 0 || field >= len(f.Group) {
		return rootkeep.Value{}, false
	}
	return rootkeep.Value{Kind: rootkeep.String, Text: []byte(f.Group[field])}, true
}

func (f fired) events() []*rootkeep.Event { return f.Events }
