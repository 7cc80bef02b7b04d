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
	maxNotes       = 50 // different notes of an alert
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
	notes       []string          // sorted
	moreNotes   bool              // some were left out
	events      []*rootkeep.Event // earliest first
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

// hit adds one match of a rule to the span.
func (r *span) hit(number int32, level rootkeep.Severity, attempt bool) {
	i := slices.IndexFunc(r.rules, func(c ruleCount) bool { return c.rule == number })
	if i < 0 {
		i = len(r.rules)
		r.rules = append(r.rules, ruleCount{rule: number})
	}
	c := &r.rules[i]
	c.level = max(c.level, level)
	c.count++
	if attempt {
		c.attempts++
	}
}

// absorb adds a span of other events.
func (r *span) absorb(o *span) {
	r.first, r.last = min(r.first, o.first), max(r.last, o.last)
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
	r.moreNotes = r.moreNotes || o.moreNotes
	for _, note := range o.notes {
		r.note(note)
	}
	for _, e := range o.events {
		r.keep(e)
	}
}

// note keeps a text once. Texts may quote hostile records: of very many the first
// few in order of the alphabet stay, which does not depend on the order of files.
func (r *span) note(text string) {
	i, found := slices.BinarySearch(r.notes, text)
	if text == "" || found {
		return
	}
	r.notes = slices.Insert(r.notes, i, text)
	if len(r.notes) > maxNotes {
		r.notes, r.moreNotes = r.notes[:maxNotes], true
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

// spans are the runs of one group, by time. Files arrive in any order, so a new
// event may extend, begin or join runs.
type spans struct {
	runs    []*span
	current int // index of the run that took the last event
}

// at returns the run that holds time t, making or joining runs as needed.
func (s *spans) at(t int64) *span {
	if s.current < len(s.runs) {
		if r := s.runs[s.current]; t >= r.first && t <= r.last {
			return r
		}
	}
	return s.cover(t, t)
}

// merge takes over the runs of another worker.
func (s *spans) merge(other *spans) {
	for _, o := range other.runs {
		s.cover(o.first, o.last).absorb(o)
	}
}

// cover returns the run that holds everything from first to last, joining all
// that is no further than groupGap from it.
func (s *spans) cover(first, last int64) *span {
	i, _ := slices.BinarySearchFunc(s.runs, first, func(r *span, t int64) int {
		if r.last < t-groupGap {
			return -1
		}
		return 1
	})
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
