package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
)

// fates says what became of the requests, from the verdicts of the events.
func (j *judge) fates(judged []Judged) []Fate {
	by := map[string]*Fate{}
	for i := range judged {
		e := &judged[i]
		if e.Request == "" || !e.uses() || len(j.byID[e.Request]) == 0 {
			continue
		}
		f := by[e.Request]
		if f == nil {
			f = &Fate{Request: e.Request, Outcome: Used, First: e.Time}
			by[e.Request] = f
		}
		f.Uses, f.Last = f.Uses+1, e.Time
	}
	cover := newCover(j.input.Coverage, judged)
	out := []Fate{}
	for _, r := range ordered(j.input.Requests) {
		f := by[r.ID]
		if f == nil {
			f = &Fate{Request: r.ID}
			f.Outcome, f.Missing = r.unused(j.now, cover)
		}
		out = append(out, *f)
	}
	slices.SortStableFunc(out, func(a, b Fate) int { return cmp.Compare(a.Request, b.Request) })
	return slices.CompactFunc(out, func(a, b Fate) bool { return a.Request == b.Request })
}

// uses says whether something was done with root, or about it: not a sign-in that failed.
func (e *Judged) uses() bool {
	switch e.Kind {
	case rootkeep.RootAssumed, rootkeep.RootCredential, rootkeep.RootGovernance:
		return !e.Failed
	}
	return e.Kind.Used()
}

// unused says what it means that no use of a request was seen.
func (r *Request) unused(now time.Time, c cover) (Outcome, []string) {
	end := r.Until
	if !r.Closed.IsZero() && r.Closed.Before(end) {
		end = r.Closed
	}
	if now.Before(end.Add(Delay)) {
		return Pending, nil
	}
	var missing []string
	for _, a := range r.Accounts {
		missing = append(missing, c.lacks(a, r.From, end, nil)...)
	}
	if len(missing) > 0 || len(r.Accounts) == 0 {
		return NoCoverage, missing
	}
	return Unused, nil
}

// cover is the coverage of a trail by account, with the Regions that its events name.
type cover struct {
	proven map[rootkeep.AccountID]map[rootkeep.Region][]digest.Span // joined where they touch
	seen   map[rootkeep.AccountID]map[rootkeep.Region]bool
}

func newCover(all digest.Coverage, judged []Judged) cover {
	c := cover{map[rootkeep.AccountID]map[rootkeep.Region][]digest.Span{}, map[rootkeep.AccountID]map[rootkeep.Region]bool{}}
	for _, r := range all {
		if c.proven[r.Account] == nil {
			c.proven[r.Account] = map[rootkeep.Region][]digest.Span{}
		}
		c.proven[r.Account][r.Region] = joined(append(c.proven[r.Account][r.Region], r.Spans...))
	}
	for i := range judged {
		e := &judged[i]
		if c.seen[e.Account] == nil {
			c.seen[e.Account] = map[rootkeep.Region]bool{}
		}
		c.seen[e.Account][e.Region] = true
	}
	return c
}

// joined are the proven spans among some, in order, those that touch as one.
func joined(spans []digest.Span) []digest.Span {
	all := slices.DeleteFunc(slices.Clone(spans), func(s digest.Span) bool { return s.State != digest.Proven })
	slices.SortFunc(all, func(a, b digest.Span) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) })
	var out []digest.Span
	for _, s := range all {
		if n := len(out); n > 0 && !s.From.After(out[n-1].To) {
			if s.To.After(out[n-1].To) {
				out[n-1].To = s.To
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// lacks names what is not proven of an account from one time up to another, with the time
// that delivery takes behind it: in each Region that has coverage, in those asked for,
// in those that events name, and in the one where root signs in.
func (c cover) lacks(account rootkeep.AccountID, from, to time.Time, regions []rootkeep.Region) []string {
	want := map[rootkeep.Region]bool{}
	for _, r := range regions {
		want[r] = true
	}
	for r := range c.proven[account] {
		want[r] = true
	}
	for r := range c.seen[account] {
		want[r] = true
	}
	var out []string
	if !slices.ContainsFunc(keys(c.proven[account]), logsGlobal) {
		out = append(out, fmt.Sprintf("account %s: no digest of the Region in which root signs in, such as us-east-1", account))
	}
	for _, r := range slices.Sorted(slices.Values(keys(want))) {
		whole := slices.ContainsFunc(c.proven[account][r], func(s digest.Span) bool { return !from.Before(s.From) && !to.Add(Delay).After(s.To) })
		if !whole {
			out = append(out, fmt.Sprintf("account %s, %s: the log is not proven complete from %s to %s", account, quotedRegion(r), stamp(from), stamp(to.Add(Delay))))
		}
	}
	return out
}

func keys[K comparable, V any](m map[K]V) []K {
	out := make([]K, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

func quotedRegion(r rootkeep.Region) string {
	if strings.Trim(string(r), "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && r != "" {
		return string(r)
	}
	return quoted(string(r))
}

// logsGlobal says whether a partition logs the events of global services in the Region
// (CloudTrail User Guide, "Global service events"): root signs in there.
func logsGlobal(r rootkeep.Region) bool {
	return r == "us-east-1" || r == "us-gov-west-1" || strings.HasPrefix(string(r), "cn-north-")
}

// Period is what a claim of absence is about.
type Period struct {
	Accounts []rootkeep.AccountID
	Regions  []rootkeep.Region // that have to be proven beside those with coverage
	From, To time.Time
	Now      time.Time
	Unread   int64 // objects and events that were not read or kept: what they hold is not known
}

// Claim says that no use of root in a period lacks an explanation.
type Claim struct {
	Accounts  []rootkeep.AccountID `json:"accounts"`
	From      time.Time            `json:"from"`
	To        time.Time            `json:"to"`
	Explained int                  `json:"explained"` // events
	Drills    int                  `json:"drills"`
	Services  int                  `json:"services"`
}

// mostMissing is how many reasons a claim that cannot be made is refused with.
const mostMissing = 100

// Absence makes the claim, or says what is missing for it.
func Absence(p Period, judged []Judged, coverage digest.Coverage) (*Claim, []string) {
	claim := &Claim{Accounts: p.Accounts, From: p.From, To: p.To}
	var missing []string
	if len(p.Accounts) == 0 || !p.From.Before(p.To) {
		missing = append(missing, "no account, or no time, to claim anything about")
	}
	if p.Now.Before(p.To.Add(Delay)) {
		missing = append(missing, fmt.Sprintf("events of the period may arrive until %s", stamp(p.To.Add(Delay))))
	}
	if p.Unread > 0 {
		missing = append(missing, fmt.Sprintf("%d objects or events were not read or not kept", p.Unread))
	}
	missing = append(missing, claim.count(p, judged)...)
	c := newCover(coverage, judged)
	for _, a := range p.Accounts {
		missing = append(missing, c.lacks(a, p.From, p.To, p.Regions)...)
	}
	if n := len(missing); n > mostMissing {
		missing = append(missing[:mostMissing:mostMissing], fmt.Sprintf("and %d more", n-mostMissing))
	}
	if len(missing) > 0 {
		return nil, missing
	}
	return claim, nil
}

// count counts the events of the period and names those that stand against the claim. One
// without a time may be of any period.
func (c *Claim) count(p Period, judged []Judged) (against []string) {
	wanted := map[rootkeep.AccountID]bool{}
	for _, a := range p.Accounts {
		wanted[a] = true
	}
	for i := range judged {
		e := &judged[i]
		if !wanted[e.Account] && !wanted[e.Of] || !e.Time.IsZero() && (e.Time.Before(p.From) || !e.Time.Before(p.To)) {
			continue
		}
		switch e.Verdict {
		case rootkeep.Explained:
			c.Explained++
		case rootkeep.Drill:
			c.Drills++
		case rootkeep.ByService:
			c.Services++
		default:
			if len(against) <= mostMissing {
				against = append(against, fmt.Sprintf("event %s is %s", quoted(e.ID), e.Verdict))
			}
		}
	}
	return against
}
