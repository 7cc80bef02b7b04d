package register

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam/pattern"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Use is a register applied to the accounts of one scan. It is for one goroutine.
type Use struct {
	register *Register
	now      time.Time
	chosen   map[int]bool     // attestations that told some account something, or would have
	covered  map[int]count    // of each exception
	about    map[string][]int // exceptions of each control
}

// count is how many findings an exception covers, by their status.
type count struct{ fail, unknown, other int }

// Use begins to apply the register at a time.
func (r *Register) Use(now time.Time) *Use {
	return &Use{register: r, now: now, chosen: map[int]bool{}, covered: map[int]count{}, about: map[string][]int{}}
}

// Apply adds to a snapshot what was decided and what was attested of its account. Of
// several attestations of one fact an account's own goes before one of all accounts,
// then the latest; if it has expired, the fact is not known, and the gap says who has
// to attest again.
func (u *Use) Apply(s *facts.Snapshot) {
	r := u.register
	decided := reflect.ValueOf(&s.Facts.Decided).Elem()
	for _, d := range r.decisions {
		decided.Field(d.field).Set(d.value)
		s.Observe("decision", r.at, r.file, "decided."+d.name)
	}
	attested := reflect.ValueOf(&s.Facts.Attested).Elem()
	for _, i := range u.choose(s.Account) {
		a := &r.attestations[i]
		u.chosen[i] = true
		path := "attested." + a.fact.name
		if !u.now.Before(a.Expires) {
			s.Gaps = append(s.Gaps, facts.Gap{Path: path, Reason: a.expired()})
			continue
		}
		attested.Field(a.fact.field).Set(a.fact.value)
		s.Observe("attestation", a.On, fmt.Sprintf("%s:%d", r.file, a.line), path)
	}
}

// choose gives the attestation that counts of each fact of the account.
func (u *Use) choose(account rootkeep.AccountID) []int {
	best := map[string]int{}
	own := func(a *attestation) int {
		if account != "" && slices.Contains(a.Account, string(account)) {
			return 1
		}
		return 0
	}
	for i := range u.register.attestations {
		a := &u.register.attestations[i]
		if own(a) == 0 && !slices.Contains(a.Account, "*") {
			continue
		}
		j, found := best[a.fact.name]
		if b := &u.register.attestations[j]; !found || cmp.Or(cmp.Compare(own(a), own(b)), a.On.Compare(b.On)) >= 0 {
			best[a.fact.name] = i
		}
	}
	var out []int
	for _, i := range best {
		out = append(out, i)
	}
	slices.Sort(out)
	return out
}

func (a *attestation) expired() string {
	return fmt.Sprintf("attested by %s on %s, expired %s: attest again", a.By, day(a.On), day(a.Expires))
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Except marks the failures that an exception covers as excepted, by the first one that
// has not expired.
func (u *Use) Except(findings []rootkeep.Finding) {
	for i := range findings {
		f := &findings[i]
		status := f.Status
		for _, n := range u.of(f) {
			e := &u.register.exceptions[n]
			if !matches(e.account, string(f.Account)) || !matches(e.region, string(f.Region)) || !matches(e.resource, f.Resource) {
				continue
			}
			c := u.covered[n]
			switch status {
			case rootkeep.Fail:
				c.fail++
			case rootkeep.Unknown:
				c.unknown++
			default:
				c.other++
			}
			u.covered[n] = c
			if f.Status == rootkeep.Fail && u.now.Before(e.Expires) {
				f.Status, f.Exception = rootkeep.Excepted, &rootkeep.Exception{Owner: e.Owner, Reason: e.Reason, Until: e.Expires}
			}
		}
	}
}

// of gives the exceptions that are about the finding's control.
func (u *Use) of(f *rootkeep.Finding) []int {
	out, known := u.about[f.Control]
	if !known {
		for n := range u.register.exceptions {
			if slices.ContainsFunc(u.register.exceptions[n].control, func(p pattern.Pattern) bool { return concerns(&p, f.Control) }) {
				out = append(out, n)
			}
		}
		u.about[f.Control] = out
	}
	return out
}

// concerns says whether a pattern covers a control. What covers all controls was not
// written with the root user in mind.
func concerns(p *pattern.Pattern, control string) bool {
	return p.Match(control) && (!strings.HasPrefix(control, rootkeep.RootControls) || strings.HasPrefix(literal(p), rootkeep.RootControls))
}

// literal is a pattern's text before its first wildcard.
func literal(p *pattern.Pattern) string {
	if t := p.Tokens(); len(t) > 0 && t[0].Kind == pattern.Literal {
		return t[0].Text
	}
	return ""
}

func matches(list []pattern.Pattern, s string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(p pattern.Pattern) bool { return p.Match(s) })
}

// Notice is something about an entry that its owner should look at.
type Notice struct {
	Line int    `json:"line"`         // of the entry in the register; 0 of a granted exception
	ID   string `json:"id,omitempty"` // of a granted exception
	Kind string `json:"kind"`         // expired, expiring, unused, unneeded, undecided
	Text string `json:"text"`
}

// Notices tells, after all accounts, which entries have expired or will within 30 days,
// and which exceptions cover no failure. They come in the order of the file.
func (u *Use) Notices() []Notice {
	out := []Notice{}
	for i := range u.register.attestations {
		if a := &u.register.attestations[i]; u.chosen[i] {
			switch left := a.Expires.Sub(u.now); {
			case left <= 0:
				out = append(out, Notice{a.line, "", "expired", a.fact.name + ": " + a.expired()})
			case left <= soon:
				out = append(out, Notice{a.line, "", "expiring", fmt.Sprintf("%s: attested by %s, expires %s", a.fact.name, a.By, day(a.Expires))})
			}
		}
	}
	for i := range u.register.exceptions {
		// Of the granted ones only what was judged is told: the others are other accounts'.
		if e := &u.register.exceptions[i]; e.id != "" && u.covered[i] == (count{}) {
			continue
		}
		if n, ok := u.register.exceptions[i].notice(u.now, u.covered[i]); ok {
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b Notice) int { return cmp.Compare(a.Line, b.Line) })
	return out
}

func (e *exception) notice(now time.Time, c count) (Notice, bool) {
	name := fmt.Sprintf("exception of %s, owner %s", strings.Join(e.Control, ", "), e.Owner)
	left := e.Expires.Sub(now)
	switch {
	case left <= 0 && c.fail > 0:
		return Notice{e.line, e.id, "expired", fmt.Sprintf("%s: expired %s and no longer applies; %d that it covered fail", name, day(e.Expires), c.fail)}, true
	case left <= 0:
		return Notice{e.line, e.id, "expired", fmt.Sprintf("%s: expired %s and no longer applies; it covers no failure", name, day(e.Expires))}, true
	case c == count{}:
		return Notice{e.line, e.id, "unused", name + ": matches nothing that was judged; hint: a pattern without RT- in front covers no root control"}, true
	case c.fail == 0 && c.unknown > 0:
		return Notice{e.line, e.id, "undecided", fmt.Sprintf("%s: of %d that it covers it is not known whether they fail", name, c.unknown)}, true
	case c.fail == 0:
		return Notice{e.line, e.id, "unneeded", name + ": what it covers does not fail; it can go"}, true
	case left <= soon:
		return Notice{e.line, e.id, "expiring", fmt.Sprintf("%s: expires %s", name, day(e.Expires))}, true
	}
	return Notice{}, false
}

// Entry is a line of a register for a person.
type Entry struct {
	Line    int       `json:"line"`
	Kind    string    `json:"kind"` // attestation or exception
	What    string    `json:"what"`
	Who     string    `json:"who"` // attested it, or owns the exception
	Expires time.Time `json:"expires"`
	State   string    `json:"state"` // valid, expiring or expired
}

// Entries lists the attestations and exceptions, the next to expire first.
func (r *Register) Entries(now time.Time) []Entry {
	out := []Entry{}
	add := func(line int, kind, what, who string, expires time.Time) {
		state := "valid"
		switch left := expires.Sub(now); {
		case left <= 0:
			state = "expired"
		case left <= soon:
			state = "expiring"
		}
		out = append(out, Entry{line, kind, what, who, expires, state})
	}
	for _, a := range r.attestations {
		add(a.line, "attestation", a.fact.name+" of "+strings.Join(a.Account, ", "), a.By, a.Expires)
	}
	for _, e := range r.exceptions {
		add(e.line, "exception", strings.Join(e.Control, ", "), e.Owner, e.Expires)
	}
	slices.SortStableFunc(out, func(a, b Entry) int { return a.Expires.Compare(b.Expires) })
	return out
}

// Strangers are the exceptions whose pattern covers none of these controls, each an error
// with file and line.
func (r *Register) Strangers(controls []string) []error {
	var out []error
	for i := range r.exceptions {
		e := &r.exceptions[i]
		for n := range e.control {
			if !slices.ContainsFunc(controls, func(id string) bool { return concerns(&e.control[n], id) }) {
				out = append(out, &rule.Error{File: r.file, Line: e.line, Column: 1, Msg: fmt.Sprintf("no control is covered by %q; hint: root controls need a pattern that begins with RT-", e.Control[n])})
			}
		}
	}
	return out
}
