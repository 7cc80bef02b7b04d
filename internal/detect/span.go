package detect

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
)

const (
	// groupGap ends a group: a match later than this after the last one starts a
	// new alert. It ends a root session as well: a console session may idle longer,
	// but an hour without one root event is the end of what a reader calls a visit.
	groupGap = int64(3600)

	// untimed stands for the time of a record whose eventTime cannot be read: it is
	// the zero time.Time, far from every other, so that such records meet only each
	// other.
	untimed = int64(-62135596800)

	evidenceEvents = 10 // events that an alert shows
)

// groupKey is what matches are grouped by while files are read.
type groupKey struct {
	tactic  int32  // number of the tactic in the pack
	session bool   // root activity, whatever its tactic
	who     uint32 // worker-local number of account and principal
}

// span is a run of events of one group without a gap longer than groupGap. Each
// event counts once, whichever rules matched it.
type span struct {
	first, last int64 // Unix seconds
	rules       []ruleCount
	names       tally.Texts // service:EventName, as IAM writes actions
	failed      tally.Texts // the same for calls that failed
	regions     tally.Texts
	addresses   tally.Texts
	agents      tally.Texts
	keys        tally.Texts // access key IDs; of root sessions only
	mfa         mfaSaid
	notes       []string
	events      []*rootkeep.Event // earliest first
	latest      int64             // time of the last event of evidence, once there are evidenceEvents
	charged     int64             // bytes, see grown
}

// ruleCount is what one rule contributed to a span.
type ruleCount struct {
	rule            int32
	level           rootkeep.Severity // highest
	count, attempts int
}

// mfaSaid collects what the records say of multi-factor authentication.
type mfaSaid uint8

const (
	mfaNo mfaSaid = 1 << iota
	mfaYes
)

// String is the worst that was said: one sign-in without MFA is what a reader
// must know, whatever another one had.
func (m mfaSaid) String() string {
	switch {
	case m&mfaNo != 0:
		return "no"
	case m&mfaYes != 0:
		return "yes"
	}
	return "not said"
}

// hit adds the matches of a rule with the events of a call.
func (r *span) hit(number int32, level rootkeep.Severity, by *call) {
	i := slices.IndexFunc(r.rules, func(c ruleCount) bool { return c.rule == number })
	if i < 0 {
		i = len(r.rules)
		r.rules = append(r.rules, ruleCount{rule: number})
	}
	c := &r.rules[i]
	c.level = max(c.level, level)
	c.count += by.count
	if by.failed {
		c.attempts += by.count
	}
}

// describe counts what the events of a call say of themselves; when memory is full
// only under texts that are there.
func (r *span) describe(c *call, full bool) {
	add := (*tally.Texts).Add
	if full {
		add = (*tally.Texts).AddKnown
	}
	add(&r.names, c.action, c.count)
	if c.failed {
		add(&r.failed, c.action, c.count)
	}
	add(&r.regions, c.region, c.count)
	add(&r.addresses, c.address, c.count)
	add(&r.agents, c.agent, c.count)
	add(&r.keys, c.accessKey, c.count)
	r.mfa |= c.mfa
}

func (r *span) texts() [6]*tally.Texts {
	return [...]*tally.Texts{&r.names, &r.failed, &r.regions, &r.addresses, &r.agents, &r.keys}
}

// grown is how many bytes the run takes more than when it was last asked.
func (r *span) grown() int64 {
	const run, event, text = 1 << 10, 1 << 10, 48 // with the slices and maps around them
	size := int64(run + event*len(r.events))
	for _, c := range r.texts() {
		size += int64(text * c.Len())
	}
	more := size - r.charged
	r.charged = size
	return more
}

// renumber gives all texts the numbers that to has for their own.
func (r *span) renumber(to []tally.Number) {
	for _, c := range r.texts() {
		c.Renumber(to)
	}
}

// absorb adds a span of other events.
func (r *span) absorb(o *span) {
	r.first, r.last = min(r.first, o.first), max(r.last, o.last)
	r.charged += o.charged
	for _, theirs := range o.rules {
		i := slices.IndexFunc(r.rules, func(c ruleCount) bool { return c.rule == theirs.rule })
		if i < 0 {
			r.rules = append(r.rules, theirs)
			continue
		}
		mine := &r.rules[i]
		mine.level = max(mine.level, theirs.level)
		mine.count += theirs.count
		mine.attempts += theirs.attempts
	}
	r.names.Merge(&o.names)
	r.failed.Merge(&o.failed)
	r.regions.Merge(&o.regions)
	r.addresses.Merge(&o.addresses)
	r.agents.Merge(&o.agents)
	r.keys.Merge(&o.keys)
	r.mfa |= o.mfa
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
func (r *span) wants(t int64) bool { return t <= r.shown() }

// shown is the time up to which events would be among the evidence.
func (r *span) shown() int64 {
	if len(r.events) < evidenceEvents {
		return math.MaxInt64
	}
	return r.latest
}

// keep files one event of evidence: the earliest stay, ties by ID, so that the
// order of files does not show.
func (r *span) keep(e *rootkeep.Event) {
	i, found := slices.BinarySearchFunc(r.events, e, compareEvents)
	if found || i == evidenceEvents {
		return
	}
	r.events = slices.Insert(r.events, i, e)
	if len(r.events) >= evidenceEvents {
		r.events = r.events[:evidenceEvents]
		r.latest = r.events[evidenceEvents-1].Time.Unix()
	}
}

func compareEvents(a, b *rootkeep.Event) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID), cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset))
}

// spans are the runs of one group, by time. Files arrive in any order, so a new
// event may extend, begin or join runs.
type spans struct {
	runs    []*span
	current int  // index of the run that took the last event
	rest    bool // of callers and times that are not told apart
}

// at returns the run that holds the events from first to last, of which no two
// have a gap longer than groupGap between them, making or joining runs as needed.
func (s *spans) at(first, last int64) *span {
	if s.current < len(s.runs) {
		if r := s.runs[s.current]; first >= r.first && last <= r.last {
			return r
		}
	}
	return s.cover(first, last)
}

// merge takes over the runs of another worker.
func (s *spans) merge(other *spans) {
	for _, o := range other.runs {
		s.cover(o.first, o.last).absorb(o)
	}
}

// holding returns the run that an event at time t would join, nil if none.
func (s *spans) holding(t int64) *span {
	if s.current < len(s.runs) {
		if r := s.runs[s.current]; t >= r.first && t <= r.last {
			return r
		}
	}
	if i := s.search(t); i < len(s.runs) && s.runs[i].first <= t+groupGap {
		return s.runs[i]
	}
	return nil
}

// only returns the one run of a group that tells no times apart.
func (s *spans) only(first, last int64) *span {
	if len(s.runs) == 0 {
		return s.cover(first, last)
	}
	r := s.runs[0]
	r.first, r.last = min(r.first, first), max(r.last, last)
	return r
}

// search returns the index of the first run that does not end before everything
// that an event at time t would join.
func (s *spans) search(t int64) int {
	i, _ := slices.BinarySearchFunc(s.runs, t, func(r *span, t int64) int {
		if r.last < t-groupGap {
			return -1
		}
		return 1
	})
	return i
}

// cover returns the run that holds everything from first to last, joining all
// that is no further than groupGap from it.
func (s *spans) cover(first, last int64) *span {
	i := s.search(first)
	j := i
	for j < len(s.runs) && s.runs[j].first <= last+groupGap {
		j++
	}
	if i == j {
		s.runs = slices.Insert(s.runs, i, &span{first: math.MaxInt64, last: math.MinInt64})
		j++
	}
	r := s.runs[i]
	for _, later := range s.runs[i+1 : j] {
		r.absorb(later)
	}
	s.runs = slices.Delete(s.runs, i+1, j)
	r.first, r.last = min(r.first, first), max(r.last, last)
	s.current = i
	return r
}

func unix(t int64) time.Time { return time.Unix(t, 0).UTC() }
