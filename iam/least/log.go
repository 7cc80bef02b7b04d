package least

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/iam/least/event"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// Limits bound the memory of a Log, whatever it is given. Zero means the default.
type Limits struct {
	PerAction int // resources kept for one action: 5,000
	Total     int // observations kept: 200,000
	Contexts  int // contexts kept for one action on one resource: 16
	Bytes     int // of texts kept: 64 MiB
}

// Setting is what a Log is made of.
type Setting struct {
	Finder *event.Finder
	// Keys are the context keys, in lower case, that the policies ask for; of others
	// nothing is kept. See ContextKeys.
	Keys   map[string]bool
	Limits Limits
}

// Log collects the calls of one principal, the same ones once. It is not safe for
// several goroutines.
type Log struct {
	set      Setting
	seed     maphash.Seed
	entries  map[entryKey]*entry
	actions  map[string]*actionEntry
	events   map[string]*eventEntry // by source and name
	days     map[int64]bool         // on which the principal was active
	accounts map[string]int
	dropped  int // observations that found no room
	bytes    int // of texts kept
	calls    [3]int
}

type entryKey struct {
	action, resource string
	outcome          event.Outcome
}

// entry is one action on one resource.
type entry struct {
	action      *metadata.Action
	resource    event.Resource
	outcome     event.Outcome
	count       int
	first, last time.Time
	via         map[string]int // AWS services that called
	contexts    []map[string][]string
	hashes      []uint64 // of contexts
	lost        int      // contexts that found no room
	passedTo    []string // services, of iam:PassRole
	anyReceiver bool     // a role was passed to a service that is not known
	errors      map[string]int
}

// actionEntry sums up one action.
type actionEntry struct {
	resources int
	overflow  bool // resources were dropped
}

// eventEntry is one event that stands for no action, or for none that is known.
type eventEntry struct {
	source, name string
	count        int
	meaning      event.Meaning
}

// NewLog makes an empty log.
func NewLog(s Setting) *Log {
	s.Limits.PerAction = cmp.Or(s.Limits.PerAction, 5_000)
	s.Limits.Total = cmp.Or(s.Limits.Total, 200_000)
	s.Limits.Contexts = cmp.Or(s.Limits.Contexts, 16)
	s.Limits.Bytes = cmp.Or(s.Limits.Bytes, 64<<20)
	return &Log{
		set: s, seed: maphash.MakeSeed(), entries: map[entryKey]*entry{}, actions: map[string]*actionEntry{},
		events: map[string]*eventEntry{}, days: map[int64]bool{}, accounts: map[string]int{},
	}
}

// Add takes one call of the subject.
func (l *Log) Add(c *event.Call) {
	l.calls[c.Outcome()]++
	if !c.Time.IsZero() {
		l.days[c.Time.Unix()/(24*60*60)] = true
	}
	if len(l.accounts) < 100 {
		l.accounts[c.Account]++
	}
	meaning, demands := l.set.Finder.Demands(c)
	if !meaning.Mapped() {
		l.event(c, meaning)
		return
	}
	context := only(c.Context, l.set.Keys)
	for _, d := range demands {
		with := context
		if d.PassedTo != "" {
			with = withKey(context, "iam:PassedToService", d.PassedTo)
		}
		l.observe(c, d, with)
	}
}

func withKey(context map[string][]string, key, v string) map[string][]string {
	out := map[string][]string{key: {v}}
	for k, vs := range context {
		out[k] = vs
	}
	return out
}

// maxEvents is how many different unmapped events are kept apart.
const maxEvents = 2000

func (l *Log) event(c *event.Call, m event.Meaning) {
	key := c.Source + " " + c.Name
	e := l.events[key]
	if e == nil {
		if len(l.events) >= maxEvents {
			l.dropped++
			return
		}
		e = &eventEntry{source: c.Source, name: c.Name, meaning: m}
		l.events[key] = e
	}
	e.count++
}

func (l *Log) observe(c *event.Call, d event.Demand, context map[string][]string) {
	key := entryKey{d.Action.String(), d.Resource.Text, c.Outcome()}
	e := l.entries[key]
	if e == nil {
		if e = l.enter(key, d.Action, d.Resource); e == nil {
			return
		}
	}
	e.count++
	if !c.Time.IsZero() {
		if e.first.IsZero() || c.Time.Before(e.first) {
			e.first = c.Time
		}
		if c.Time.After(e.last) {
			e.last = c.Time
		}
	}
	bump(&e.via, c.Via)
	bump(&e.errors, c.Error)
	if d.PassedTo != "" && !slices.Contains(e.passedTo, d.PassedTo) {
		e.passedTo = append(e.passedTo, d.PassedTo)
	}
	e.anyReceiver = e.anyReceiver || d.PassedTo == ""
	e.note(l, context)
}

// enter makes an entry, or says by nil that there is no room.
func (l *Log) enter(key entryKey, a *metadata.Action, r event.Resource) *entry {
	sum := l.actions[key.action]
	if sum == nil {
		sum = &actionEntry{}
		l.actions[key.action] = sum
	}
	if len(l.entries) >= l.set.Limits.Total || sum.resources >= l.set.Limits.PerAction || l.bytes+len(r.Text) > l.set.Limits.Bytes {
		l.dropped++
		sum.overflow = sum.overflow || key.outcome == event.Succeeded
		return nil
	}
	sum.resources++
	l.bytes += len(r.Text)
	e := &entry{action: a, resource: r, outcome: key.outcome}
	l.entries[key] = e
	return e
}

// bump counts a name, if there is one; a log with endless names does not fill memory.
func bump(m *map[string]int, name string) {
	if name == "" {
		return
	}
	if *m == nil {
		*m = map[string]int{}
	}
	if _, ok := (*m)[name]; ok || len(*m) < 20 {
		(*m)[name]++
	}
}

// note keeps a context that was not seen before.
func (e *entry) note(l *Log, context map[string][]string) {
	var h maphash.Hash
	h.SetSeed(l.seed)
	size := 0
	for _, k := range sorted(context) {
		h.WriteString(k)
		h.WriteByte(0)
		for _, v := range context[k] {
			h.WriteString(v)
			h.WriteByte(1)
			size += len(v)
		}
	}
	sum := h.Sum64()
	if slices.Contains(e.hashes, sum) {
		return
	}
	if len(e.contexts) >= l.set.Limits.Contexts || l.bytes+size > l.set.Limits.Bytes {
		e.lost++
		return
	}
	l.bytes += size
	e.hashes = append(e.hashes, sum)
	e.contexts = append(e.contexts, context)
}

// Accounts are the accounts in which the calls were recorded.
func (l *Log) Accounts() []string { return sorted(l.accounts) }

// Calls is how many calls were added.
func (l *Log) Calls() int {
	return l.calls[event.Succeeded] + l.calls[event.Refused] + l.calls[event.Failed]
}

// of lists the entries of an outcome by action and resource.
func (l *Log) of(wanted ...event.Outcome) []*entry {
	var out []*entry
	for _, e := range l.entries {
		if slices.Contains(wanted, e.outcome) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *entry) int {
		return cmp.Or(strings.Compare(a.action.String(), b.action.String()), strings.Compare(a.resource.Text, b.resource.Text), cmp.Compare(a.outcome, b.outcome))
	})
	return out
}
