package digest

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/rootkeep/rootkeep"
)

// State is how well a time is covered in one Region of one account.
type State uint8

// The states. Absent is the zero value: neither digest nor log.
const (
	Absent State = iota
	// Seen has log files, but no valid digest that accounts for all of them.
	Seen
	// Proven lies in a verified digest, all logs of which were verified: nothing
	// delivered in that time is missing or changed.
	Proven
)

var states = [...]string{"missing", "seen", "proven"}

// String is the word for the state: missing, seen or proven.
func (s State) String() string {
	if int(s) >= len(states) {
		return fmt.Sprintf("state(%d)", uint8(s))
	}
	return states[s]
}

// MarshalText writes the word, so that JSON carries it.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *State) UnmarshalText(b []byte) error {
	for i, word := range states {
		if word == string(b) {
			*s = State(i)
			return nil
		}
	}
	return fmt.Errorf("coverage state %q: want missing, seen or proven", b)
}

// Span is a time of one state, from From up to but not including To.
type Span struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	State State     `json:"state"`
}

// RegionCoverage is the coverage of one Region of one account, by all trails
// together. Its spans follow each other without a hole.
type RegionCoverage struct {
	Account rootkeep.AccountID `json:"account"`
	Region  rootkeep.Region    `json:"region"`
	Spans   []Span             `json:"spans"`
}

// Coverage says what is known about which time, sorted by account and Region.
//
// Times are those of delivery, by which CloudTrail digests its logs. An event is
// typically delivered within 15 minutes, so a claim about the events up to a
// time needs proof for some time more. A trail that leaves events out leaves
// them out of what is proven.
type Coverage []RegionCoverage

// State is the state of one moment; Absent for a Region that is not listed.
func (c Coverage) State(account rootkeep.AccountID, region rootkeep.Region, t time.Time) State {
	for _, r := range c {
		if r.Account == account && r.Region == region {
			i := sort.Search(len(r.Spans), func(i int) bool { return r.Spans[i].To.After(t) })
			if i < len(r.Spans) && !t.Before(r.Spans[i].From) {
				return r.Spans[i].State
			}
		}
	}
	return Absent
}

// Proven reports whether everything from one time up to the other is proven in
// every Region of every account listed. It is false when none is.
func (c Coverage) Proven(from, to time.Time) bool {
	for _, r := range c {
		if !r.Proven(from, to) {
			return false
		}
	}
	return len(c) > 0
}

// Proven reports whether everything from one time up to the other is proven.
func (r RegionCoverage) Proven(from, to time.Time) bool {
	return slices.ContainsFunc(r.Spans, func(s Span) bool {
		return s.State == Proven && !from.Before(s.From) && !to.After(s.To)
	})
}

// Without is the coverage without the hours of files, by their paths in the copy: an hour
// in which a log lies that CloudTrail did not write, or that was not read, is not proven
// by the rest of it. Of a file whose name tells no time it is all of its account and
// Region. strange are the files whose paths tell no account either.
func (c Coverage) Without(paths []string) (out Coverage, strange []string) {
	cut, whole := map[place][]interval{}, map[place]bool{}
	for _, p := range paths {
		at, hour, ok := hourOf(p)
		switch {
		case !ok:
			strange = append(strange, p)
		case hour.from.IsZero():
			whole[at] = true
		default:
			cut[at] = append(cut[at], hour)
		}
	}
	for _, r := range c {
		at := place{r.Account, r.Region}
		if n := len(r.Spans); n > 0 && (whole[at] || cut[at] != nil) {
			var of row
			for _, s := range r.Spans {
				if s.State != Absent {
					of.seen = append(of.seen, interval{s.From, s.To})
				}
				if s.State == Proven && !whole[at] {
					of.proven = append(of.proven, interval{s.From, s.To})
				}
			}
			of.proven = subtract(union(of.proven), union(cut[at]))
			r.Spans = of.spans(r.Spans[0].From, r.Spans[n-1].To)
		}
		out = append(out, r)
	}
	return out, strange
}

// interval is a time from from up to but not including to.
type interval struct{ from, to time.Time }

// union sorts intervals and joins those that overlap or touch.
func union(in []interval) []interval {
	in = slices.Clone(in)
	slices.SortFunc(in, func(a, b interval) int { return cmp.Or(a.from.Compare(b.from), a.to.Compare(b.to)) })
	var out []interval
	for _, v := range in {
		if n := len(out); n > 0 && !v.from.After(out[n-1].to) {
			if v.to.After(out[n-1].to) {
				out[n-1].to = v.to
			}
			continue
		}
		out = append(out, v)
	}
	return out
}

// contains looks a time up in what union returned.
func contains(sorted []interval, t time.Time) bool {
	i := sort.Search(len(sorted), func(i int) bool { return sorted[i].to.After(t) })
	return i < len(sorted) && !t.Before(sorted[i].from)
}

// subtract removes the intervals of b from those of a, both from union.
func subtract(a, b []interval) []interval {
	var out []interval
	for _, v := range a {
		for _, cut := range b {
			if !cut.to.After(v.from) || !cut.from.Before(v.to) {
				continue
			}
			if cut.from.After(v.from) {
				out = append(out, interval{v.from, cut.from})
			}
			v.from = cut.to
		}
		if v.from.Before(v.to) {
			out = append(out, v)
		}
	}
	return out
}

// provenBy is the time that the chains of one scope prove. A trail proves the
// hours of its good digests, except where a backfill digest of the same trail is
// bad: then a log that was delivered late may be missing.
func provenBy(chains []*chainRun) []interval {
	type trail struct {
		name string
		home rootkeep.Region
	}
	good, bad := map[trail][]interval{}, map[trail][]interval{}
	for _, c := range chains {
		id := trail{c.Trail, c.HomeRegion}
		for _, d := range c.digests {
			ok := d.status == Valid && d.logsOK
			if ok && !c.Backfill {
				good[id] = append(good[id], d.interval)
			}
			if !ok && c.Backfill {
				bad[id] = append(bad[id], d.interval)
			}
		}
	}
	var proven []interval
	for id := range good {
		proven = append(proven, subtract(union(good[id]), union(bad[id]))...)
	}
	return union(proven)
}

// hoursOf are the hours in which the log files lie.
func hoursOf(logs map[string]logName) []interval {
	hours := map[time.Time]bool{}
	for _, l := range logs {
		if !l.minute.IsZero() {
			hours[l.minute.Truncate(time.Hour)] = true
		}
	}
	var out []interval
	for h := range hours {
		out = append(out, interval{h, h.Add(time.Hour)})
	}
	return union(out)
}

// coverBuilder lines up the coverage of all scopes, so that all Regions span the
// same time and one that fell silent shows.
type coverBuilder struct {
	since, until time.Time
	rows         map[place]*row
}

type row struct{ proven, seen []interval }

func newCoverBuilder(since, until time.Time) *coverBuilder {
	return &coverBuilder{since: since, until: until, rows: map[place]*row{}}
}

func (b *coverBuilder) add(o *outcome) {
	b.rows[o.place] = &row{o.proven, o.seen}
}

func (b *coverBuilder) coverage() Coverage {
	from, to := b.bounds()
	cover := Coverage{}
	for at, r := range b.rows {
		cover = append(cover, RegionCoverage{at.account, at.region, r.spans(from, to)})
	}
	slices.SortFunc(cover, func(a, b RegionCoverage) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	return cover
}

// bounds is the requested range, or what the input covers where that is open.
func (b *coverBuilder) bounds() (from, to time.Time) {
	for _, r := range b.rows {
		for _, v := range slices.Concat(r.proven, r.seen) {
			if from.IsZero() || v.from.Before(from) {
				from = v.from
			}
			if v.to.After(to) {
				to = v.to
			}
		}
	}
	if !b.since.IsZero() {
		from = b.since
	}
	if !b.until.IsZero() {
		to = b.until
	}
	return from, to
}

// spans lays proven over seen over missing.
func (r *row) spans(from, to time.Time) []Span {
	if !from.Before(to) {
		return nil
	}
	proven, seen := union(r.proven), union(r.seen)
	edges := []time.Time{from, to}
	for _, v := range slices.Concat(proven, seen) {
		for _, t := range []time.Time{v.from, v.to} {
			if t.After(from) && t.Before(to) {
				edges = append(edges, t)
			}
		}
	}
	slices.SortFunc(edges, time.Time.Compare)
	var spans []Span
	for i := 1; i < len(edges); i++ {
		s := Span{edges[i-1], edges[i], Absent}
		if !s.From.Before(s.To) {
			continue
		}
		switch {
		case contains(proven, s.From):
			s.State = Proven
		case contains(seen, s.From):
			s.State = Seen
		}
		if n := len(spans); n > 0 && spans[n-1].State == s.State {
			spans[n-1].To = s.To
			continue
		}
		spans = append(spans, s)
	}
	return spans
}
