package correlate

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma"
)

// maxValues is how many values a group of new_value keeps.
const maxValues = 4096

// baseline is the state of a group for new_value.
type baseline struct {
	learn       int64 // learning time, seconds
	first, last int64 // marks of the group
	values      map[string]*firstSight
	full        bool // more than maxValues were seen
}

type firstSight struct {
	t     int64
	event *rootkeep.Event // earliest by compareEvents, may be nil
	told  bool            // fired, or settled as learned
}

func newBaseline(spec *sigma.Correlation) *baseline {
	return &baseline{
		learn: seconds(spec.Timespan),
		first: math.MaxInt64, last: math.MinInt64,
		values: map[string]*firstSight{},
	}
}

func (b *baseline) add(s sighting) {
	b.first, b.last = min(b.first, s.t), max(b.last, s.t)
	v := b.values[string(s.text)]
	if v != nil && v.t < s.t {
		return
	}
	seen := &firstSight{t: s.t}
	if events := s.from.events(); len(events) > 0 {
		seen.event = events[0]
	}
	b.see(string(s.text), seen)
}

// see keeps the earlier of two first sightings of a value.
func (b *baseline) see(value string, seen *firstSight) {
	if v := b.values[value]; v != nil && !seen.before(v) {
		return
	}
	b.values[value] = seen
	if len(b.values) >= 2*maxValues {
		b.trim()
	}
}

func (v *firstSight) before(other *firstSight) bool {
	if v.t != other.t || v.event == nil || other.event == nil {
		return v.t < other.t
	}
	return compareEvents(v.event, other.event) < 0
}

// trim keeps the values seen first. A value dropped here comes back if an earlier
// mark of it is observed, so the outcome does not depend on the order of marks:
// the first mark of a value that belongs to the earliest ones is never dropped,
// since among fewer marks it comes no later in the order.
func (b *baseline) trim() {
	if len(b.values) <= maxValues {
		return
	}
	b.full = true
	byTime := slices.SortedFunc(maps.Keys(b.values), func(x, y string) int {
		return cmp.Or(cmp.Compare(b.values[x].t, b.values[y].t), cmp.Compare(x, y))
	})
	for _, value := range byTime[maxValues:] {
		delete(b.values, value)
	}
}

func (b *baseline) merge(other state) {
	o := other.(*baseline)
	b.first, b.last = min(b.first, o.first), max(b.last, o.last)
	b.full = b.full || o.full
	for value, seen := range o.values {
		own := *seen
		b.see(value, &own)
	}
}

func (b *baseline) settle(s span, silence int64) []Firing {
	firings := b.preview(s, silence)
	for _, v := range b.values {
		if !v.told && v.t <= s.until {
			v.told = true
			v.event = nil // shown, or never to be shown
		}
	}
	return firings
}

func (b *baseline) firing(value string, v *firstSight) Firing {
	f := Firing{
		Start: v.t, Crossed: v.t, End: v.t,
		Count:    1,
		NewValue: strings.Join(decodeTexts(value), ", "),
	}
	if v.event != nil {
		f.Events = []*rootkeep.Event{v.event}
	}
	return f
}

// idle never holds: what was seen once must stay known.
func (b *baseline) idle() bool { return false }

func (b *baseline) learning() bool { return b.last <= b.first+b.learn }

func (b *baseline) saturated() bool { return b.full || len(b.values) > maxValues }
