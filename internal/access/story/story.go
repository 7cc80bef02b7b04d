// Package story tells what became of root users in a period: entries of a ledger with
// their payloads go in; requests with who signed them, verdicts, sessions, what is proven
// of logs, cases, and where absence may be claimed, come out. It is told from the entries
// alone, so whoever has them can tell it again and compare.
package story

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/ledger"
)

// Margin is how long before a period and behind it entries bear on what root did in it: a
// request is made at most access.Ahead before the end of its window, and events, answers,
// reviews and proofs of logs come behind.
const Margin = access.Ahead + 24*time.Hour

// MostPeriod is how long the period of a story is at most.
const MostPeriod = 400 * 24 * time.Hour

// Bounds of one story. Entries may come from anybody.
const (
	MostVerdicts = 100_000 // changes of verdicts count, too
	MostPayload  = 64 << 20
	mostRequests = 10_000
	mostSessions = 100_000
	mostCases    = 10_000
	mostLines    = 200_000 // of cases, answers, signatures and histories
	mostDays     = 500_000 // that coverage is told of
	mostGaps     = 1000
)

// Entry is an entry of the ledger with the payloads that are there.
type Entry struct {
	N int64
	*ledger.Entry
	Payloads map[string][]byte
}

// Story is what became of root users. Texts of events are as delivered: hostile.
type Story struct {
	From, To time.Time // of the period
	AsOf     time.Time // time of the newest entry
	First    int64     // numbers of the entries that it is told from, both included
	Last     int64
	Requests []*Request // whose window shares time with the period, or that were made in it
	Verdicts []*Verdict // of events of the period, the earliest first
	Sessions []Session
	Coverage []Covered
	Changes  []*Change // that verdicts of the period name
	Cases    []*Case
	Claims   []Claim // one for each account
	Gaps     []Gap   // what could not be told

	known *Reader
}

// Gap is something that an entry ought to tell and does not.
type Gap struct {
	Entry int64  `json:"entry"`
	Text  string `json:"text"`
}

// Reader reads entries in their order. New makes one.
type Reader struct {
	from, to    time.Time
	asOf        time.Time
	first, last int64
	requests    map[string]*Request
	seconds     map[string]*Request // to a second person, by RO-...
	verdicts    map[string]*Verdict
	sessions    []Session
	coverage    map[day]int64
	changes     map[string]*Change
	cases       map[string]*Case
	gaps        []Gap
	told        int // verdicts, with those that were changed
	lines       int
	full        bool
}

// New makes a reader for the story of a period, from a time on and before another.
func New(from, to time.Time) *Reader {
	return &Reader{
		from: from.UTC(), to: to.UTC(), first: -1, last: -1, requests: map[string]*Request{}, seconds: map[string]*Request{}, verdicts: map[string]*Verdict{},
		coverage: map[day]int64{}, changes: map[string]*Change{}, cases: map[string]*Case{},
	}
}

// Wants says whether the payloads of entries of a type have to be given.
func Wants(kind string) bool {
	return changePayloads[kind] != "" || strings.HasPrefix(kind, "root.") || strings.HasPrefix(kind, "root-override.") || strings.HasPrefix(kind, "incident.")
}

// Add takes the next entry. What it does not tell, though it ought to, is a gap.
func (r *Reader) Add(e Entry) {
	if r.first < 0 {
		r.first = e.N
	}
	r.last, r.asOf = e.N, e.Time
	verb := e.Type[strings.IndexByte(e.Type, '.')+1:]
	switch {
	case !Wants(e.Type):
	case strings.HasPrefix(e.Type, "incident."):
		r.addCase(e)
	case changePayloads[e.Type] != "":
		r.addChange(e)
	case strings.HasPrefix(e.Type, "root-override."):
		r.addRequest(e, r.seconds, verb)
	case verb == "verdict":
		r.addVerdicts(e)
	case verb == "session":
		r.addSession(e)
	case verb == "coverage":
		r.addCoverage(e)
	case strings.HasPrefix(e.Subject, access.Prefix+"-"):
		r.addRequest(e, r.requests, verb)
	}
}

// Full says that entries told of more than a story holds.
func (r *Reader) Full() bool { return r.full }

func (r *Reader) gap(e Entry, text string) {
	if len(r.gaps) < mostGaps {
		r.gaps = append(r.gaps, Gap{e.N, text})
	}
}

// room says whether there is room for more of something. The first time that there is
// none is a gap.
func (r *Reader) room(e Entry, have, most int, what string) bool {
	if have < most {
		return true
	}
	if !r.full {
		r.full = true
		r.gap(e, "more "+what+" than a story holds: these and later ones are not told of")
	}
	return false
}

// payload gives a payload that an entry of its type always has; nil is a gap.
func (r *Reader) payload(e Entry, name string) []byte {
	text, there := e.Payloads[name]
	switch {
	case !there:
		r.gap(e, "its payload "+name+" is not there")
	case len(text) > MostPayload:
		r.gap(e, "its payload "+name+" is too large")
	default:
		return text
	}
	return nil
}

// unread is the gap of a payload that is not as rootkeep writes it. It does not say more:
// the same entries give the same story, whatever words a library has.
func (r *Reader) unread(e Entry, name string) {
	r.gap(e, "its payload "+name+" is not as rootkeep writes it")
}

// Story tells what was read. The reader must not be used any more.
func (r *Reader) Story() *Story {
	s := &Story{From: r.from, To: r.to, AsOf: r.asOf, First: r.first, Last: r.last, known: r}
	for _, id := range slices.Sorted(maps.Keys(r.requests)) {
		x := r.requests[id]
		if x.request == nil {
			continue // its entries told of it before they told what it asks for: a gap
		}
		x.finish(r)
		if x.bearsOn(r.from, r.to) {
			s.Requests = append(s.Requests, x)
		}
	}
	for _, v := range r.verdicts {
		if v.in(r.from, r.to) {
			s.Verdicts = append(s.Verdicts, v)
		}
	}
	slices.SortFunc(s.Verdicts, func(a, b *Verdict) int {
		return cmp.Or(a.Event.Time.Compare(b.Event.Time), cmp.Compare(a.Key, b.Key))
	})
	s.Changes = r.changesOf(s.Verdicts)
	for _, x := range r.sessions {
		if !x.End.Before(r.from) && x.Start.Before(r.to) {
			s.Sessions = append(s.Sessions, x)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.cases)) {
		if c := r.cases[id]; c.bearsOn(r.from, r.to) {
			s.Cases = append(s.Cases, c)
		}
	}
	s.Coverage, s.Gaps = r.covered(), r.gaps
	s.Claims = s.claims()
	return s
}
