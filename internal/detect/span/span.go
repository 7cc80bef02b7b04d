// Package span holds the runs of events that become alerts: matches of one group
// go in, in any order; runs without a long gap come out, with what their events
// say of themselves and the earliest of them as evidence.
package span

import (
	"math"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
)

const (
	// Gap ends a group: a match later than this after the last one starts a
	// new alert. It ends a root session as well: a console session may idle longer,
	// but an hour without one root event is the end of what a reader calls a visit.
	Gap = int64(3600)

	// Untimed stands for the time of a record whose eventTime cannot be read: it is
	// the zero time.Time, far from every other, so that such records meet only each
	// other.
	Untimed = int64(-62135596800)

	Evidence = 10 // events that an alert shows
	MaxNotes = 50 // different notes of an alert
)

// Call is what several events have in common that are counted at once.
type Call struct {
	Action, Region, Address, Agent, AccessKey tally.Number // of their texts

	Failed bool
	MFA    MFA
	Count  int
}

// Span is a run of events of one group without a gap longer than Gap. Each
// event counts once, whichever rules matched it.
type Span struct {
	First, Last int64 // Unix seconds
	Rules       []RuleCount
	Names       tally.Texts // service:EventName, as IAM writes actions
	Failed      tally.Texts // the same for calls that failed
	Regions     tally.Texts
	Addresses   tally.Texts
	Agents      tally.Texts
	Keys        tally.Texts // access key IDs; of root sessions only
	MFA         MFA
	Notes       []string // sorted
	MoreNotes   bool     // some were left out
	Events      []Piece  // earliest first
	wholes      int      // of them, those that are whole
	charged     int64    // bytes, see Grown
}

// RuleCount is what one rule contributed to a span.
type RuleCount struct {
	Rule            int32
	Level           rootkeep.Severity // highest
	Count, Attempts int
}

// MFA collects what the records say of multi-factor authentication.
type MFA uint8

// The bits of MFA.
const (
	NoMFA MFA = 1 << iota
	WithMFA
)

// String is the worst that was said: one sign-in without MFA is what a reader
// must know, whatever another one had.
func (m MFA) String() string {
	switch {
	case m&NoMFA != 0:
		return "no"
	case m&WithMFA != 0:
		return "yes"
	}
	return "not said"
}

// Hit adds the matches of a rule with the events of a call.
func (r *Span) Hit(number int32, level rootkeep.Severity, by *Call) {
	i := slices.IndexFunc(r.Rules, func(c RuleCount) bool { return c.Rule == number })
	if i < 0 {
		i = len(r.Rules)
		r.Rules = append(r.Rules, RuleCount{Rule: number})
	}
	c := &r.Rules[i]
	c.Level = max(c.Level, level)
	c.Count += by.Count
	if by.Failed {
		c.Attempts += by.Count
	}
}

// Describe counts what the events of a call say of themselves; when memory is full
// only under texts that are there.
func (r *Span) Describe(c *Call, full bool) {
	add := (*tally.Texts).Add
	if full {
		add = (*tally.Texts).AddKnown
	}
	add(&r.Names, c.Action, c.Count)
	if c.Failed {
		add(&r.Failed, c.Action, c.Count)
	}
	add(&r.Regions, c.Region, c.Count)
	add(&r.Addresses, c.Address, c.Count)
	add(&r.Agents, c.Agent, c.Count)
	add(&r.Keys, c.AccessKey, c.Count)
	r.MFA |= c.MFA
}

func (r *Span) texts() [6]*tally.Texts {
	return [...]*tally.Texts{&r.Names, &r.Failed, &r.Regions, &r.Addresses, &r.Agents, &r.Keys}
}

// Grown is how many bytes the run takes more than when it was last asked.
func (r *Span) Grown() int64 {
	const run, piece, event, text = 1 << 10, 1 << 8, 1 << 10, 48 // with the slices and maps around them
	size := int64(run + piece*len(r.Events) + event*r.wholes)
	for _, c := range r.texts() {
		size += int64(text * c.Len())
	}
	more := size - r.charged
	r.charged = size
	return more
}

// Renumber gives all texts, which have numbers of from, the numbers that to has for those.
func (r *Span) Renumber(from *tally.Names, to []tally.Number) {
	for _, c := range r.texts() {
		c.Renumber(to)
	}
	for i := range r.Events {
		r.Events[i].renumber(from, to)
	}
}

// absorb adds a span of other events.
func (r *Span) absorb(o *Span) {
	r.First, r.Last = min(r.First, o.First), max(r.Last, o.Last)
	r.charged += o.charged
	for _, theirs := range o.Rules {
		i := slices.IndexFunc(r.Rules, func(c RuleCount) bool { return c.Rule == theirs.Rule })
		if i < 0 {
			r.Rules = append(r.Rules, theirs)
			continue
		}
		mine := &r.Rules[i]
		mine.Level = max(mine.Level, theirs.Level)
		mine.Count += theirs.Count
		mine.Attempts += theirs.Attempts
	}
	r.Names.Merge(&o.Names)
	r.Failed.Merge(&o.Failed)
	r.Regions.Merge(&o.Regions)
	r.Addresses.Merge(&o.Addresses)
	r.Agents.Merge(&o.Agents)
	r.Keys.Merge(&o.Keys)
	r.MFA |= o.MFA
	r.MoreNotes = r.MoreNotes || o.MoreNotes
	for _, note := range o.Notes {
		r.Note(note)
	}
	for _, e := range o.Events {
		r.Keep(e)
	}
}

// Note keeps a text once. Texts may quote hostile records: of very many the first
// few in order of the alphabet stay, which does not depend on the order of files.
func (r *Span) Note(text string) {
	i, found := slices.BinarySearch(r.Notes, text)
	if text == "" || found {
		return
	}
	r.Notes = slices.Insert(r.Notes, i, text)
	if len(r.Notes) > MaxNotes {
		r.Notes, r.MoreNotes = r.Notes[:MaxNotes], true
	}
}

// Spans are the runs of one group, by time. Files arrive in any order, so a new
// event may extend, begin or join runs.
type Spans struct {
	Runs    []*Span
	current int  // index of the run that took the last event
	Rest    bool // of callers and times that are not told apart
}

// At returns the run that holds the events from first to last, of which no two
// have a gap longer than Gap between them, making or joining runs as needed.
func (s *Spans) At(first, last int64) *Span {
	if s.current < len(s.Runs) {
		if r := s.Runs[s.current]; first >= r.First && last <= r.Last {
			return r
		}
	}
	return s.cover(first, last)
}

// Merge takes over the runs of another worker.
func (s *Spans) Merge(other *Spans) {
	for _, o := range other.Runs {
		s.cover(o.First, o.Last).absorb(o)
	}
}

// Holding returns the run that an event at time t would join, nil if none.
func (s *Spans) Holding(t int64) *Span {
	if s.current < len(s.Runs) {
		if r := s.Runs[s.current]; t >= r.First && t <= r.Last {
			return r
		}
	}
	if i := s.search(t); i < len(s.Runs) && s.Runs[i].First <= t+Gap {
		return s.Runs[i]
	}
	return nil
}

// Only returns the one run of a group that tells no times apart.
func (s *Spans) Only(first, last int64) *Span {
	if len(s.Runs) == 0 {
		return s.cover(first, last)
	}
	r := s.Runs[0]
	r.First, r.Last = min(r.First, first), max(r.Last, last)
	return r
}

// search returns the index of the first run that does not end before everything
// that an event at time t would join.
func (s *Spans) search(t int64) int {
	i, _ := slices.BinarySearchFunc(s.Runs, t, func(r *Span, t int64) int {
		if r.Last < t-Gap {
			return -1
		}
		return 1
	})
	return i
}

// cover returns the run that holds everything from first to last, joining all
// that is no further than Gap from it.
func (s *Spans) cover(first, last int64) *Span {
	i := s.search(first)
	j := i
	for j < len(s.Runs) && s.Runs[j].First <= last+Gap {
		j++
	}
	if i == j {
		s.Runs = slices.Insert(s.Runs, i, &Span{First: math.MaxInt64, Last: math.MinInt64})
		j++
	}
	r := s.Runs[i]
	for _, later := range s.Runs[i+1 : j] {
		r.absorb(later)
	}
	s.Runs = slices.Delete(s.Runs, i+1, j)
	r.First, r.Last = min(r.First, first), max(r.Last, last)
	s.current = i
	return r
}
