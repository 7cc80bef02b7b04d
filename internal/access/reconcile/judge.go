package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
)

// Judge gives every event one verdict and every request its outcome. Copies of an event
// count once.
func Judge(in Input) Result {
	j := newJudge(in)
	// What opens a session decides about what happens in it.
	for i := range j.events {
		if e := &j.events[i]; e.Kind == rootkeep.RootAssumed {
			j.open(e, j.rule(e))
		}
	}
	for i := range j.events {
		if e := &j.events[i]; e.Kind == rootkeep.RootSignIn {
			j.signedIn(e, j.rule(e))
		}
	}
	out := Result{Events: make([]Judged, len(j.events)), Requests: []Fate{}}
	for i := range j.events {
		e := &j.events[i]
		r := j.rule(e)
		out.Events[i] = Judged{Event: *e, Verdict: r.verdict, Rule: r.rule, Why: r.why, Request: r.request, Session: j.sessionOf(e).label}
	}
	out.Requests = j.fates(out.Events)
	return out
}

// judge holds what is known, by what events are looked up with.
type judge struct {
	now    time.Time
	events []Event // distinct, in order

	byID    map[string][]*Request             // on the path Assumed, and others whose name is forged
	signIns map[rootkeep.AccountID][]*Request // on the path SignIn
	scans   map[string][]*Scan                // by name
	keys    map[string]*owners                // by access key ID
	issued  map[string][]opening              // by the access key ID that AssumeRoot gave
	first   map[string]time.Time              // of an access key ID: the earliest event that it made
	beyond  map[string]string                 // of the key of a scan: a call that no scan makes
	console consoles
	input   Input
}

// owners are for what an access key was recorded.
type owners struct {
	requests []*Request
	scans    []*Scan
	changes  []*Change
}

func newJudge(in Input) *judge {
	j := &judge{
		now: in.Now, events: distinct(in.Events), input: in,
		byID: map[string][]*Request{}, signIns: map[rootkeep.AccountID][]*Request{}, scans: map[string][]*Scan{}, keys: map[string]*owners{},
		issued: map[string][]opening{}, first: map[string]time.Time{}, beyond: map[string]string{},
	}
	for _, r := range ordered(in.Requests) {
		j.byID[r.ID] = append(j.byID[r.ID], r)
		for _, k := range r.Keys {
			o := j.owners(k)
			o.requests = append(o.requests, r)
		}
		for _, a := range r.Accounts {
			if r.Path == access.SignIn {
				j.signIns[a] = append(j.signIns[a], r)
			}
		}
	}
	for i := range in.Scans {
		s := &in.Scans[i]
		j.scans[s.Name] = append(j.scans[s.Name], s)
		if s.AccessKey != "" {
			o := j.owners(s.AccessKey)
			o.scans = append(o.scans, s)
		}
	}
	for i := range in.Changes {
		for _, k := range in.Changes[i].Keys {
			o := j.owners(k)
			o.changes = append(o.changes, &in.Changes[i])
		}
	}
	j.look()
	return j
}

// look goes once over the events for what only all of them tell.
func (j *judge) look() {
	for i := range j.events {
		e := &j.events[i]
		if at, met := j.first[e.AccessKey]; e.AccessKey != "" && (!met || e.Time.Before(at)) {
			j.first[e.AccessKey] = e.Time
		}
		if o := j.keys[e.AccessKey]; o != nil && len(o.scans) > 0 && e.Kind.Used() && !audit.reads(e.Source, e.Name) {
			j.beyond[e.AccessKey] = least(j.beyond[e.AccessKey], e.Name)
		}
		j.console.add(e)
	}
	j.console.sort()
}

// least is the first of two names in their order, so that no order of events matters.
func least(a, b string) string {
	if a == "" || b < a {
		return b
	}
	return a
}

func (j *judge) owners(key string) *owners {
	if j.keys[key] == nil {
		j.keys[key] = &owners{}
	}
	return j.keys[key]
}

// ordered gives requests in the order in which they are preferred: opened first, then
// those that nobody opened, by their windows.
func ordered(all []Request) []*Request {
	out := make([]*Request, len(all))
	for i := range all {
		out[i] = &all[i]
	}
	slices.SortStableFunc(out, func(a, b *Request) int {
		unopened := func(r *Request) int {
			if r.Opened.IsZero() {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(unopened(a), unopened(b)), a.Opened.Compare(b.Opened), a.From.Compare(b.From), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// ruling is what a rule says of an event.
type ruling struct {
	verdict            rootkeep.Verdict
	rule, why, request string
}

func unexplained(rule, format string, args ...any) ruling {
	return ruling{verdict: rootkeep.Unexplained, rule: rule, why: fmt.Sprintf(format, args...)}
}

// under is a ruling for a request, which is named.
func (r *Request) under(v rootkeep.Verdict, rule, format string, args ...any) ruling {
	if v == rootkeep.Explained && r.Kind == access.Drill {
		v = rootkeep.Drill
	}
	return ruling{verdict: v, rule: rule, why: fmt.Sprintf(format, args...), request: r.ID}
}

// best is the mildest ruling of several, the first of those that are alike. A request that
// explains an event is not in the way of it because another one does not.
func best(all []ruling) ruling {
	return slices.MinFunc(all, func(a, b ruling) int { return cmp.Compare(severity(a.verdict), severity(b.verdict)) })
}

func severity(v rootkeep.Verdict) int {
	return slices.Index([]rootkeep.Verdict{rootkeep.Explained, rootkeep.Drill, rootkeep.OutOfScope, rootkeep.OutOfWindow, rootkeep.Unexplained}, v)
}

// rule finds the ruling for an event. Every path through it ends in one.
func (j *judge) rule(e *Event) ruling {
	switch {
	case e.Time.IsZero():
		return unexplained(NoTime, "The record has no time that an event can have.")
	case e.Time.After(j.now.Add(Skew)):
		return unexplained(InFuture, "The event is dated %s, which is yet to come.", stamp(e.Time))
	case e.Ambiguous:
		return unexplained(NotClear, "A member of the record is there twice: it is altered or forged.")
	}
	switch e.Kind {
	case rootkeep.RootByService:
		return ruling{verdict: rootkeep.ByService, rule: ByService, why: "An AWS service acted, not a person: " + quoted(cmp.Or(e.Service, e.Type)) + "."}
	case rootkeep.RootAssumed:
		return j.assume(e)
	case rootkeep.AssumedRootCall:
		return j.inSession(e)
	case rootkeep.RootGovernance:
		return j.byOthers(e)
	case rootkeep.RootCredential:
		if e.Source != signInSource {
			return j.byOthers(e)
		}
	case rootkeep.RootCall, rootkeep.RootKeyCall:
		if j.assumed(e.AccessKey) {
			return j.inSession(e) // a record that does not say so
		}
	}
	return j.byPerson(e)
}

const signInSource = "signin.amazonaws.com"

// stamp is a time in a sentence.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// quoted is a text of a record in a sentence: short, and with nothing that a terminal obeys.
func quoted(s string) string {
	const longest = 120
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "")
	}
	return fmt.Sprintf("%+q", s)
}
