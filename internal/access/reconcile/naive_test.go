package reconcile_test

import (
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
)

// naive judges one event at a time by looking through everything, and again for each event
// that the first depends on.
type naive struct{ in reconcile.Input }

const (
	no     = rootkeep.Unexplained
	late   = rootkeep.OutOfWindow
	beside = rootkeep.OutOfScope
)

func yes(r reconcile.Request) rootkeep.Verdict {
	if r.Kind == access.Drill {
		return rootkeep.Drill
	}
	return rootkeep.Explained
}

// mildest is the best verdict of several, no if there is none.
func mildest(all []rootkeep.Verdict) rootkeep.Verdict {
	for _, v := range []rootkeep.Verdict{rootkeep.Explained, rootkeep.Drill, beside, late} {
		if slices.Contains(all, v) {
			return v
		}
	}
	return no
}

func (n naive) verdict(e reconcile.Event) rootkeep.Verdict {
	if e.Time.IsZero() || e.Time.After(n.in.Now.Add(reconcile.Skew)) || e.Ambiguous {
		return no
	}
	switch e.Kind {
	case rootkeep.RootByService:
		return rootkeep.ByService
	case rootkeep.RootAssumed:
		return n.assume(e)
	case rootkeep.AssumedRootCall:
		return n.member(e)
	case rootkeep.RootGovernance:
		return n.governance(e)
	case rootkeep.RootCredential:
		if e.Source != "signin.amazonaws.com" {
			return n.governance(e)
		}
	case rootkeep.RootCall, rootkeep.RootKeyCall:
		if n.rootKey(e.AccessKey) {
			return n.member(e)
		}
	}
	return n.person(e)
}

// rootKey says whether a key is of a session of AssumeRoot, as far as anything tells.
func (n naive) rootKey(key string) bool {
	if key == "" {
		return false
	}
	for _, r := range n.in.Requests {
		if slices.Contains(r.Keys, key) {
			return true
		}
	}
	return slices.ContainsFunc(n.in.Scans, func(s reconcile.Scan) bool { return s.AccessKey == key }) || len(n.openings(key)) > 0
}

func (n naive) openings(key string) (out []reconcile.Event) {
	for _, e := range n.in.Events {
		if key != "" && e.Kind == rootkeep.RootAssumed && !e.Failed && e.IssuedKey == key {
			out = append(out, e)
		}
	}
	return out
}

// open says whether a request was open at a moment, to people or to rootkeep's sessions.
func open(r reconcile.Request, t time.Time, toPeople bool) bool {
	if t.Before(r.From.Add(-reconcile.Skew)) || !t.Before(r.Until.Add(reconcile.Skew)) {
		return false
	}
	if r.Path == access.SignIn && !toPeople {
		return true
	}
	if r.Opened.IsZero() && (r.Path == access.SignIn || len(r.Keys) == 0) {
		return false
	}
	return !t.Before(r.Opened.Add(-reconcile.Skew)) && (r.Closed.IsZero() || t.Before(r.Closed.Add(reconcile.Skew)))
}

func takes(events []string, e reconcile.Event) bool {
	return slices.Contains(events, e.Source+" "+e.Name)
}

const deletes, gets = "iam.amazonaws.com DeleteLoginProfile", "iam.amazonaws.com GetUser"

func (n naive) assume(e reconcile.Event) rootkeep.Verdict {
	var all []rootkeep.Verdict
	known := false
	for _, r := range n.in.Requests {
		recorded := !e.Failed && e.IssuedKey != "" && slices.Contains(r.Keys, e.IssuedKey) || n.refusal(r, e)
		fits := e.TaskPolicy == auditTask || e.TaskPolicy == deleteTask && slices.Contains(r.Events, deletes)
		if recorded {
			known = true
			switch {
			case r.Accounts[0] != e.Of || e.SourceIdentity != "" && e.SourceIdentity != r.ID:
			case !open(r, e.Time, false):
				all = append(all, late)
			case !fits:
				all = append(all, beside)
			default:
				all = append(all, yes(r))
			}
		}
	}
	for _, s := range n.in.Scans {
		if s.AccessKey != "" && s.AccessKey == e.IssuedKey && !e.Failed {
			known = true
			if n.ofScan(s, e) && e.TaskPolicy == auditTask {
				all = append(all, rootkeep.Explained)
			}
		}
		if e.Failed && s.AccessKey == "" && e.TaskPolicy == auditTask && s.Name == e.SourceIdentity && s.Account == e.Of && within(s.Start, s.End, e.Time) {
			all = append(all, rootkeep.Explained)
		}
	}
	if known {
		return mildest(all)
	}
	for _, r := range n.in.Requests {
		fits := e.TaskPolicy == auditTask || e.TaskPolicy == deleteTask && slices.Contains(r.Events, deletes)
		if r.ID == e.SourceIdentity && r.Path == access.Assumed && r.Accounts[0] == e.Of && fits && open(r, e.Time, false) && !r.Recorded && len(r.Keys) == 0 {
			all = append(all, yes(r))
		}
	}
	return mildest(all)
}

// refusal says whether it is recorded of the request that somebody was refused.
func (naive) refusal(r reconcile.Request, e reconcile.Event) bool {
	if !e.Failed || r.ID != e.SourceIdentity {
		return false
	}
	return e.AccessKey != "" && slices.Contains(r.Keys, e.AccessKey) || slices.ContainsFunc(r.Refusals, func(f reconcile.Refusal) bool {
		return f.Account == e.Of && within(f.Start, f.End, e.Time)
	})
}

func within(start, end, t time.Time) bool {
	return !t.Before(start.Add(-reconcile.Skew)) && !t.After(end.Add(reconcile.Skew))
}

func (n naive) ofScan(s reconcile.Scan, e reconcile.Event) bool {
	key := e.AccessKey
	if e.Kind == rootkeep.RootAssumed {
		key = e.IssuedKey
	}
	for _, o := range n.in.Events {
		if o.AccessKey == key && o.Kind.Used() && o.Source+" "+o.Name != gets {
			return false
		}
	}
	return s.Account == e.Of && (e.SourceIdentity == "" || e.SourceIdentity == s.Name) && within(s.Start, s.End, e.Time)
}

// begun is when the session of a call began.
func (n naive) begun(e reconcile.Event) time.Time {
	var times []time.Time
	for _, o := range n.openings(e.AccessKey) {
		times = append(times, o.Time)
	}
	if len(times) == 0 && !e.Created.IsZero() {
		return e.Created
	}
	if len(times) == 0 && e.AccessKey != "" {
		for _, o := range n.in.Events {
			if o.AccessKey == e.AccessKey {
				times = append(times, o.Time)
			}
		}
	}
	if len(times) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(times, time.Time.Compare)
}

func (n naive) member(e reconcile.Event) rootkeep.Verdict {
	openings := n.openings(e.AccessKey)
	// The order of the events decides which of several openings speaks first.
	slices.SortStableFunc(openings, func(a, b reconcile.Event) int { return compareOpenings(a, b) })
	for _, o := range openings {
		if o.Of != e.Of {
			return no
		}
		if v := n.verdict(o); !v.Harmless() {
			return v
		}
	}
	var all []rootkeep.Verdict
	known := false
	for _, s := range n.in.Scans {
		if e.AccessKey != "" && s.AccessKey == e.AccessKey {
			known = true
			if n.ofScan(s, e) {
				all = append(all, rootkeep.Explained)
			}
		}
	}
	for _, r := range n.in.Requests {
		if e.AccessKey != "" && slices.Contains(r.Keys, e.AccessKey) {
			known = true
			all = append(all, n.calls(r, e, false))
		}
	}
	if known {
		return mildest(all)
	}
	for _, r := range n.in.Requests {
		switch {
		case len(openings) > 0 && slices.ContainsFunc(openings[:1], func(o reconcile.Event) bool { return o.SourceIdentity == r.ID }):
			all = append(all, n.calls(r, e, false))
		case len(openings) == 0 && e.SourceIdentity == r.ID && r.Path == access.Assumed && !r.Recorded && len(r.Keys) == 0:
			all = append(all, n.calls(r, e, true))
		}
	}
	return mildest(all)
}

func (n naive) calls(r reconcile.Request, e reconcile.Event, byName bool) rootkeep.Verdict {
	start := n.begun(e)
	switch {
	case r.Accounts[0] != e.Of || e.SourceIdentity != "" && e.SourceIdentity != r.ID || byName && !open(r, start, false):
		return no
	case !open(r, start, false) || !open(r, e.Time, false) || e.Time.Sub(start) > r.Session+reconcile.Skew:
		return late
	case !takes(r.Events, e) && e.Source+" "+e.Name != gets:
		return beside
	}
	return yes(r)
}

func (n naive) governance(e reconcile.Event) rootkeep.Verdict {
	var all []rootkeep.Verdict
	for _, r := range n.in.Requests {
		if e.AccessKey == "" || !slices.Contains(r.Keys, e.AccessKey) || e.SourceIdentity != "" && e.SourceIdentity != r.ID {
			continue
		}
		if e.Of != e.Account && r.Accounts[0] != e.Of {
			continue
		}
		all = append(all, graded(open(r, e.Time, false), takes(r.Events, e), yes(r)))
	}
	for _, c := range n.in.Changes {
		if slices.Contains(c.Keys, e.AccessKey) && c.Account == e.Account && (e.SourceIdentity == "" || e.SourceIdentity == c.ID) {
			all = append(all, graded(within(c.Start, c.End, e.Time), takes(c.Events, e), rootkeep.Explained))
		}
	}
	return mildest(all)
}

func graded(inTime, inScope bool, v rootkeep.Verdict) rootkeep.Verdict {
	switch {
	case !inTime:
		return late
	case !inScope:
		return beside
	}
	return v
}

func (n naive) person(e reconcile.Event) rootkeep.Verdict {
	if e.Source == "signin.amazonaws.com" && e.Of != e.Account {
		return no
	}
	start := n.console(e)
	if e.Kind.Used() && e.Kind != rootkeep.RootSignIn && n.refused(e.Of, start, !e.Created.IsZero() || e.AccessKey == "") {
		return no
	}
	var all []rootkeep.Verdict
	for _, r := range n.in.Requests {
		if r.Path != access.SignIn || r.Accounts[0] != e.Of || r.From.Add(-reconcile.Skew).After(e.Time) {
			continue
		}
		if !r.Until.Add(reconcile.Skew).After(e.Time) && !open(r, start, true) {
			continue
		}
		other := e.Kind == rootkeep.RootSignIn && r.Device != "" && r.Device != e.Device
		switch inTime := open(r, e.Time, true) && open(r, start, true) && e.Time.Sub(start) <= r.Session+reconcile.Skew; {
		case e.Address != office || other:
		case !inTime:
			all = append(all, late)
		case e.Kind == rootkeep.RootCall && e.Source+" "+e.Name == gets && e.ReadOnly || e.Source == "signin.amazonaws.com" && e.Name == "CheckMfa":
			all = append(all, yes(r))
		default:
			all = append(all, graded(true, takes(r.Events, e), yes(r)))
		}
	}
	return mildest(all)
}

// console is when the session of an event of a person began.
func (n naive) console(e reconcile.Event) time.Time {
	switch {
	case e.Kind == rootkeep.RootSignIn:
		return n.nearest(e.Of, e.Time)
	case e.Kind == rootkeep.RootSignInStep || e.Kind == rootkeep.RootFailedSignIn:
		next := time.Time{}
		for _, o := range n.in.Events {
			gap := o.Time.Sub(e.Time)
			if o.Kind == rootkeep.RootSignIn && o.Of == e.Of && o.Address == e.Address && gap >= 0 && gap <= 5*time.Minute && (next.IsZero() || o.Time.Before(next)) {
				next = o.Time
			}
		}
		if !next.IsZero() {
			return n.nearest(e.Of, next)
		}
	case e.Kind == rootkeep.RootCall && !e.Created.IsZero():
		return e.Created
	case e.Kind == rootkeep.RootCall && e.AccessKey != "":
		return n.begun(e)
	}
	return e.Time
}

// nearest is the console session of an account that was created closest to a moment.
func (n naive) nearest(of rootkeep.AccountID, t time.Time) time.Time {
	best := time.Time{}
	for _, o := range n.in.Events {
		if o.Kind != rootkeep.RootCall || o.Of != of || o.Created.IsZero() {
			continue
		}
		gap := o.Created.Sub(t).Abs()
		if gap <= 5*time.Minute && (best.IsZero() || gap < best.Sub(t).Abs() || gap == best.Sub(t).Abs() && o.Created.Before(best)) {
			best = o.Created
		}
	}
	if best.IsZero() {
		return t
	}
	return best
}

// refused says whether a sign-in that nothing explains began the session. One that is
// known by its key alone was begun by none.
func (n naive) refused(of rootkeep.AccountID, start time.Time, dated bool) bool {
	return dated && slices.ContainsFunc(n.in.Events, func(o reconcile.Event) bool {
		return o.Kind == rootkeep.RootSignIn && o.Of == of && n.nearest(of, o.Time).Equal(start) && n.verdict(o) == no
	})
}

func compareOpenings(a, b reconcile.Event) int {
	if c := a.Time.Compare(b.Time); c != 0 {
		return c
	}
	if c := strings.Compare(string(a.Account), string(b.Account)); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}
