package detect

import (
	"cmp"
	"slices"

	"github.com/rootkeep/rootkeep"
)

const (
	// groupGap ends a group: the next match later than this starts a new alert.
	groupGap = int64(3600)
	// sessionGap ends a root session. A console session may idle longer, but an
	// hour without one root event is the end of what a reader calls one visit.
	sessionGap = int64(3600)

	evidenceEvents = 10   // events that an alert shows
	distinctValues = 1024 // distinct texts counted by name in one span
)

// hitKey is what matches are summed over while files are read.
type hitKey struct {
	rule    int32
	level   rootkeep.Severity
	attempt bool
	who     uint32 // worker-local number of account and principal
}

// span is a run of matches without a gap longer than its group's.
type span struct {
	first, last int64 // Unix seconds
	count       int
	mfa         tristate
	names       counts // service:EventName, as IAM writes actions
	failed      counts // the same for failed calls; filled when alerts are made
	regions     counts
	addresses   counts
	agents      counts
	keys        counts // access key IDs; of root sessions only
	notes       []string
	events      []*rootkeep.Event // earliest first
}

// tristate is what the records say of multi-factor authentication.
type tristate uint8

const (
	notSaid tristate = iota
	saidNo
	saidYes
)

// spans are the runs of one key, by time. Files arrive in any order, so a new
// match may extend, begin or join runs.
type spans struct {
	runs    []*span
	current int // index of the run that took the last match
}

// at returns the run that holds time t, making or joining runs as needed.
func (s *spans) at(t, gap int64) *span {
	if s.current < len(s.runs) {
		if r := s.runs[s.current]; t >= r.first && t <= r.last {
			return r
		}
	}
	i, _ := slices.BinarySearchFunc(s.runs, t, func(r *span, t int64) int { return cmp.Compare(r.last+gap, t) })
	if i == len(s.runs) || t < s.runs[i].first-gap {
		s.runs = slices.Insert(s.runs, i, &span{first: t, last: t})
	}
	s.current = i
	r := s.runs[i]
	r.first, r.last = min(r.first, t), max(r.last, t)
	if i+1 < len(s.runs) && s.runs[i+1].first-r.last <= gap {
		r.join(s.runs[i+1])
		s.runs = slices.Delete(s.runs, i+1, i+2)
	}
	if i > 0 && r.first-s.runs[i-1].last <= gap {
		s.runs[i-1].join(r)
		s.runs = slices.Delete(s.runs, i, i+1)
		s.current--
	}
	return s.runs[s.current]
}

// merge takes over the runs of another worker.
func (s *spans) merge(other *spans, gap int64) {
	for _, o := range other.runs {
		r := s.at(o.first, gap)
		if o.last != o.first {
			r = s.stretch(r, o.last, gap)
		}
		r.absorb(o)
	}
}

// stretch lengthens run r to time t and joins what it then reaches.
func (s *spans) stretch(r *span, t, gap int64) *span {
	r.last = max(r.last, t)
	i := slices.Index(s.runs, r)
	for i+1 < len(s.runs) && s.runs[i+1].first-r.last <= gap {
		r.join(s.runs[i+1])
		s.runs = slices.Delete(s.runs, i+1, i+2)
	}
	s.current = i
	return r
}

// join appends a later run of the same key.
func (r *span) join(later *span) {
	r.last = max(r.last, later.last)
	r.absorb(later)
}

// absorb adds a run of other events.
func (r *span) absorb(o *span) {
	r.count += o.count
	r.names.merge(&o.names)
	r.failed.merge(&o.failed)
	r.regions.merge(&o.regions)
	r.addresses.merge(&o.addresses)
	r.agents.merge(&o.agents)
	r.keys.merge(&o.keys)
	r.share(o)
}

// overlay lays over r another rule's view of partly the same events.
func (r *span) overlay(o *span) {
	r.count = max(r.count, o.count)
	r.names.raise(&o.names)
	r.failed.raise(&o.failed)
	r.regions.raise(&o.regions)
	r.addresses.raise(&o.addresses)
	r.agents.raise(&o.agents)
	r.keys.raise(&o.keys)
	r.share(o)
}

// share takes over what is not counted.
func (r *span) share(o *span) {
	r.first, r.last = min(r.first, o.first), max(r.last, o.last)
	r.mfa = max(r.mfa, o.mfa)
	for _, note := range o.notes {
		r.note(note)
	}
	for _, e := range o.events {
		r.keep(e)
	}
}

func (r *span) note(text string) {
	if text != "" && !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

// wants says whether an event at this time would be among the evidence, so that
// the caller builds only what is kept.
func (r *span) wants(t int64) bool {
	return len(r.events) < evidenceEvents || t <= r.events[len(r.events)-1].Time.Unix()
}

// keep files one event of evidence: the earliest stay, ties by ID, so that the
// order of files does not show.
func (r *span) keep(e *rootkeep.Event) {
	i, found := slices.BinarySearchFunc(r.events, e, compareEvents)
	if found || i == evidenceEvents {
		return
	}
	r.events = slices.Insert(r.events, i, e)
	if len(r.events) > evidenceEvents {
		r.events = r.events[:evidenceEvents]
	}
}

func compareEvents(a, b *rootkeep.Event) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID), cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset))
}

// counts counts texts. Only the first distinctValues texts are kept apart.
type counts struct {
	of   map[string]*rootkeep.Count
	last *rootkeep.Count // of the last call: bursts repeat themselves
	more int             // occurrences of further texts
}

func (c *counts) add(text []byte) {
	if c.last != nil && string(text) == c.last.Text {
		c.last.Count++
		return
	}
	if len(text) == 0 {
		return
	}
	entry, ok := c.of[string(text)] // compiled without a copy of text
	if !ok {
		if entry = c.enter(string(text)); entry == nil {
			c.more++
			return
		}
	}
	entry.Count++
	c.last = entry
}

// enter makes room for one more text, nil when there is none.
func (c *counts) enter(text string) *rootkeep.Count {
	if len(c.of) >= distinctValues {
		return nil
	}
	if c.of == nil {
		c.of = map[string]*rootkeep.Count{}
	}
	entry := &rootkeep.Count{Text: text}
	c.of[text] = entry
	return entry
}

// merge adds the counts of other events.
func (c *counts) merge(o *counts) {
	for text, theirs := range o.of {
		if mine := c.entry(text); mine != nil {
			mine.Count += theirs.Count
		} else {
			c.more += theirs.Count
		}
	}
	c.more += o.more
}

// raise keeps the larger count of each text.
func (c *counts) raise(o *counts) {
	for text, theirs := range o.of {
		if mine := c.entry(text); mine != nil {
			mine.Count = max(mine.Count, theirs.Count)
		} else {
			c.more = max(c.more, theirs.Count)
		}
	}
	c.more = max(c.more, o.more)
}

// entry is the text's count, nil when there is no room for another text.
func (c *counts) entry(text string) *rootkeep.Count {
	if mine, ok := c.of[text]; ok {
		return mine
	}
	return c.enter(text)
}

// only sets the count when there is a single text: a window keeps the first
// events of many, and when they agree they speak for all.
func (c *counts) only(n int) {
	if len(c.of) == 1 {
		for _, entry := range c.of {
			entry.Count = n
		}
	}
}

// total is the number of occurrences of all texts.
func (c *counts) total() int {
	n := c.more
	for _, entry := range c.of {
		n += entry.Count
	}
	return n
}

// top lists the n most frequent texts, ties by text.
func (c *counts) top(n int) []rootkeep.Count {
	out := make([]rootkeep.Count, 0, len(c.of))
	for _, entry := range c.of {
		out = append(out, *entry)
	}
	slices.SortFunc(out, func(a, b rootkeep.Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return out[:min(n, len(out))]
}
