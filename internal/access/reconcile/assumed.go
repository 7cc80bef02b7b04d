package reconcile

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
)

// opening is an AssumeRoot that gave a key, with what was decided about it.
type opening struct {
	of     rootkeep.AccountID
	at     time.Time
	ruling ruling
}

// mostOpenings bounds what is kept of one key, which AWS issues once: a forged log may
// have it as often as it likes, and then the first of them decide.
const mostOpenings = 64

func (j *judge) open(e *Event, r ruling) {
	known := j.issued[e.IssuedKey]
	if e.IssuedKey == "" || e.Failed || e.Doubtful || len(known) >= mostOpenings ||
		slices.ContainsFunc(known, func(o opening) bool { return o.of == e.Of && o.ruling == r }) {
		return
	}
	j.issued[e.IssuedKey] = append(known, opening{e.Of, e.Time, r})
}

// assumed says whether a key is one of a session of AssumeRoot.
func (j *judge) assumed(key string) bool {
	o := j.keys[key]
	return key != "" && (len(j.issued[key]) > 0 || o != nil && len(o.requests)+len(o.scans) > 0)
}

// assume judges an AssumeRoot, as the account of the caller tells it.
func (j *judge) assume(e *Event) ruling {
	if o := j.keys[e.IssuedKey]; o != nil && e.IssuedKey != "" && !e.Failed {
		var all []ruling
		for _, r := range o.requests {
			all = append(all, r.opens(e, true))
		}
		for _, s := range o.scans {
			all = append(all, j.scanOpens(s, e))
		}
		if len(all) > 0 {
			return best(all)
		}
	}
	name := e.SourceIdentity
	switch {
	case name == "":
		return unexplained(NoRequest, "The caller has no source identity, and rootkeep was not given the access key that STS issued.")
	case strings.HasPrefix(name, "SC-"):
		return j.scanNamed(e)
	}
	var all []ruling
	for _, r := range j.byID[name] {
		all = append(all, r.opens(e, r.asked(e)))
	}
	if len(all) == 0 {
		return unexplained(BySourceIdentity, "The name %s belongs to no request that rootkeep knows: whoever called chose it.", quoted(name))
	}
	return best(all)
}

// asked says whether a call that was refused is one that rootkeep recorded for the request,
// or was made in a session that was: whoever else knows the name is not who holds it.
func (r *Request) asked(e *Event) bool {
	return e.Failed && (e.AccessKey != "" && slices.Contains(r.Keys, e.AccessKey) ||
		slices.ContainsFunc(r.Refusals, func(f Refusal) bool { return f.Account == e.Of && within(f.Start, f.End, e.Time) }))
}

// opens judges an AssumeRoot under a request whose name it has, or whose key it issued.
// recorded says that rootkeep wrote it down.
func (r *Request) opens(e *Event, recorded bool) ruling {
	rule := BySourceIdentity
	if recorded {
		rule = ByRecordedKey
	}
	if refused := r.notOf(e, rule); refused != nil {
		return *refused
	}
	switch {
	case !recorded && e.Failed && r.keyed():
		return unexplained(rule, "It has the name of %s and was refused, and rootkeep recorded no such refusal: somebody else tried, or the name is forged.", r.ID)
	case !recorded && r.keyed():
		return unexplained(rule, "It has the name of %s, but rootkeep was not given the access key %s for it: the name is forged or used again.", r.ID, quoted(e.IssuedKey))
	case !r.lets(e.Time) && !recorded:
		return unexplained(rule, "It has the name of %s, at a time at which nobody was to use it (%s): the name is forged or used again.", r.ID, r.times())
	case !r.lets(e.Time):
		return r.under(rootkeep.OutOfWindow, rule, "The session was asked for under %s outside its time (%s).", r.ID, r.times())
	case !r.policyFits(e.TaskPolicy) && !recorded:
		return unexplained(rule, "It has the name of %s, whose task has no use for the task policy %s.", r.ID, quoted(e.TaskPolicy))
	case !r.policyFits(e.TaskPolicy):
		return r.under(rootkeep.OutOfScope, rule, "The task of %s has no use for the task policy %s.", r.ID, quoted(e.TaskPolicy))
	case recorded && e.Failed:
		return r.under(rootkeep.Explained, rule, "The session was asked for under %s and refused%s.", r.ID, r.bypassed())
	case recorded:
		return r.under(rootkeep.Explained, rule, "Rootkeep was given the access key for %s%s.", r.ID, r.bypassed())
	case e.Failed:
		return r.under(rootkeep.Explained, rule, "%s asked for the session and was refused%s.", r.ID, r.bypassed())
	}
	return r.under(rootkeep.Explained, rule, "It has the name of %s; account, time and task policy agree%s.", r.ID, r.bypassed())
}

// notOf refuses what cannot be of the request at all, whatever it is called.
func (r *Request) notOf(e *Event, rule string) *ruling {
	var u ruling
	switch {
	case r.Path != access.Assumed && rule == BySourceIdentity:
		u = unexplained(rule, "%s is for a sign-in: only a key that rootkeep was given for it makes a session of sts:AssumeRoot its own.", r.ID)
	case !slices.Contains(r.Accounts, e.Of):
		u = unexplained(rule, "%s is not for account %s: the name or the key of the request was used elsewhere.", r.ID, quoted(string(e.Of)))
	case e.SourceIdentity != "" && e.SourceIdentity != r.ID:
		u = unexplained(rule, "The event has the name %s, but the session is of %s.", quoted(e.SourceIdentity), r.ID)
	default:
		return nil
	}
	return &u
}

// inSession judges a call in a session of AssumeRoot, as the account of its root tells it.
func (j *judge) inSession(e *Event) ruling {
	start, opened := j.started(e), j.issued[e.AccessKey]
	for _, o := range opened {
		switch {
		case o.of != e.Of:
			return unexplained(ByIssuedKey, "AssumeRoot issued the access key for account %s.", quoted(string(o.of)))
		case !o.ruling.verdict.Harmless():
			return ruling{o.ruling.verdict, ByIssuedKey, "It follows from its session. " + o.ruling.why, o.ruling.request}
		}
	}
	var all []ruling
	if o := j.keys[e.AccessKey]; o != nil {
		for _, s := range o.scans {
			all = append(all, j.scanCalls(s, e))
		}
		for _, r := range o.requests {
			all = append(all, r.calls(e, ByRecordedKey, start))
		}
	}
	if len(all) == 0 && len(opened) > 0 {
		for _, r := range j.byID[opened[0].ruling.request] {
			all = append(all, r.calls(e, ByIssuedKey, start))
		}
	}
	if len(all) == 0 {
		return j.byName(e, start)
	}
	return best(all)
}

// byName judges a call of which nothing but the source identity is known.
func (j *judge) byName(e *Event, start time.Time) ruling {
	name := e.SourceIdentity
	switch {
	case name == "":
		return unexplained(NoRequest, "No AssumeRoot that gave the access key %s was seen, and rootkeep was not given it.", quoted(e.AccessKey))
	case strings.HasPrefix(name, "SC-"):
		return unexplained(ByScan, "It has the name %s, but no recorded scan was given the access key %s: a name alone explains nothing.", quoted(name), quoted(e.AccessKey))
	case len(j.byID[name]) == 0:
		return unexplained(BySourceIdentity, "The name %s belongs to no request that rootkeep knows: whoever called chose it.", quoted(name))
	}
	var all []ruling
	for _, r := range j.byID[name] {
		if r.keyed() {
			all = append(all, unexplained(BySourceIdentity, "It has the name of %s, but rootkeep was not given the access key %s for it.", r.ID, quoted(e.AccessKey)))
			continue
		}
		all = append(all, r.calls(e, BySourceIdentity, start))
	}
	return best(all)
}

// calls judges a call in a session that began under the request.
func (r *Request) calls(e *Event, rule string, start time.Time) ruling {
	if refused := r.notOf(e, rule); refused != nil {
		return *refused
	}
	switch {
	case rule == BySourceIdentity && !r.lets(start):
		return unexplained(rule, "It has the name of %s, at a time at which nobody was to use it (%s): the name is forged or used again.", r.ID, r.times())
	case !r.lets(start) || !r.lets(e.Time):
		return r.under(rootkeep.OutOfWindow, rule, "The session is of %s, and the call outside its time (%s).", r.ID, r.times())
	case r.over(e, start):
		return r.under(rootkeep.OutOfWindow, rule, "The session of %s began at %s and was to last %s.", r.ID, stamp(start), r.Session)
	case !r.inScope(e):
		return r.under(rootkeep.OutOfScope, rule, "The session is of %s, whose task does not need this call.", r.ID)
	case rule == BySourceIdentity:
		return r.under(rootkeep.Explained, rule, "It has the name of %s; account, time and task agree%s.", r.ID, r.bypassed())
	}
	return r.under(rootkeep.Explained, rule, "The session was opened for %s%s.", r.ID, r.bypassed())
}

// scanNamed judges an AssumeRoot that has the name of a scan, and a key that was recorded
// for none.
func (j *judge) scanNamed(e *Event) ruling {
	for _, s := range j.scans[e.SourceIdentity] {
		if e.Failed && s.AccessKey == "" && s.Account == e.Of && s.holds(e.Time) && audit.is(e.TaskPolicy) {
			return ruling{rootkeep.Explained, ByScan, "The scan recorded that it asked for the session and was refused.", s.Name}
		}
	}
	if len(j.scans[e.SourceIdentity]) == 0 {
		return unexplained(ByScan, "The name %s belongs to no scan that rootkeep recorded: whoever called chose it.", quoted(e.SourceIdentity))
	}
	return unexplained(ByScan, "It has the name %s, but no recorded session of that scan was given the access key %s: a name alone explains nothing.", quoted(e.SourceIdentity), quoted(e.IssuedKey))
}

// scanOpens judges the AssumeRoot that gave a scan its key.
func (j *judge) scanOpens(s *Scan, e *Event) ruling {
	if refused := j.notOfScan(s, e); refused != nil {
		return *refused
	}
	if !audit.is(e.TaskPolicy) {
		return unexplained(ByScan, "A scan only reads, and the session has the task policy %s.", quoted(e.TaskPolicy))
	}
	return ruling{rootkeep.Explained, ByScan, "A scan was given the access key, and did nothing with it but read.", s.Name}
}

// scanCalls judges a call with the key of a scan.
func (j *judge) scanCalls(s *Scan, e *Event) ruling {
	if refused := j.notOfScan(s, e); refused != nil {
		return *refused
	}
	return ruling{rootkeep.Explained, ByScan, "A scan was given the access key, and did nothing with it but read.", s.Name}
}

func (j *judge) notOfScan(s *Scan, e *Event) *ruling {
	var u ruling
	key := e.AccessKey
	if e.Kind == rootkeep.RootAssumed {
		key = e.IssuedKey
	}
	switch {
	case s.Account != e.Of:
		u = unexplained(ByScan, "The access key was given to %s for account %s, not for %s.", s.Name, s.Account, quoted(string(e.Of)))
	case e.SourceIdentity != "" && e.SourceIdentity != s.Name:
		u = unexplained(ByScan, "The event has the name %s, but the access key was given to %s.", quoted(e.SourceIdentity), s.Name)
	case !s.holds(e.Time):
		u = unexplained(ByScan, "The session of %s was from %s to %s.", s.Name, stamp(s.Start), stamp(s.End))
	case j.beyond[key] != "":
		u = unexplained(ByScan, "The session of %s made the call %s, and a scan makes none but those of %s.", s.Name, quoted(j.beyond[key]), audit.name)
	default:
		return nil
	}
	return &u
}

func (s *Scan) holds(t time.Time) bool { return within(s.Start, s.End, t) }

// within says whether a moment of a record, in whole seconds, is of a session.
func within(start, end, t time.Time) bool {
	return !t.Before(start.Truncate(time.Second).Add(-Skew)) && !t.After(end.Add(Skew))
}

// started is when the session of a call began, as well as that is known.
func (j *judge) started(e *Event) time.Time {
	start := j.first[e.AccessKey]
	if !e.Created.IsZero() {
		start = e.Created
	}
	if all := j.issued[e.AccessKey]; len(all) > 0 {
		start = all[0].at // events come in order
	}
	return start
}

// holds says whether a moment is one at which the request allowed a session.
func (r *Request) holds(t time.Time) bool {
	opened, until := r.Opened, r.Until
	if opened.IsZero() && r.begun() {
		opened = r.From
	}
	if !r.Closed.IsZero() && r.Closed.Before(until) {
		until = r.Closed
	}
	from := r.From
	if opened.After(from) {
		from = opened
	}
	return !opened.IsZero() && !t.Before(from.Truncate(time.Second).Add(-Skew)) && t.Before(until.Add(Skew))
}

// begun says whether rootkeep was given a session for a request on the path Assumed:
// somebody began it then.
func (r *Request) begun() bool { return r.Path == access.Assumed && len(r.Keys) > 0 }

// keyed says whether the name of a request alone explains no session: what rootkeep was
// given for it is known.
func (r *Request) keyed() bool { return r.Recorded || len(r.Keys) > 0 }

// lets is holds for sessions that rootkeep opened. Those of a sign-in make its credential
// before anybody can begin, and take it away when everybody is done.
func (r *Request) lets(t time.Time) bool {
	if r.Path == access.SignIn {
		return !t.Before(r.From.Add(-Skew)) && t.Before(r.Until.Add(Skew))
	}
	return r.holds(t)
}

// over says whether a session had lasted too long.
func (r *Request) over(e *Event, start time.Time) bool {
	return e.Time.After(start.Add(r.Session + Skew))
}

// times are the moments of a request in a sentence.
func (r *Request) times() string {
	out := "from " + stamp(r.From) + " to " + stamp(r.Until)
	switch {
	case r.Opened.IsZero() && !r.begun():
		return out + ", never opened"
	case r.Opened.After(r.From):
		out += ", opened " + stamp(r.Opened)
	}
	if !r.Closed.IsZero() {
		out += ", closed " + stamp(r.Closed)
	}
	return out
}

// bypassed says that nobody approved the request, if that is so.
func (r *Request) bypassed() string {
	if r.Overrides {
		return ", an override"
	}
	return ""
}

// byOthers judges calls about root users that somebody else makes: only a session that
// rootkeep was given for it explains them.
func (j *judge) byOthers(e *Event) ruling {
	var all []ruling
	if o := j.keys[e.AccessKey]; o != nil && e.AccessKey != "" {
		for _, r := range o.requests {
			all = append(all, r.governs(e))
		}
		for _, c := range o.changes {
			all = append(all, c.governs(e))
		}
	}
	switch {
	case len(all) > 0:
		return best(all)
	case e.SourceIdentity != "":
		return unexplained(BySourceIdentity, "It has the name %s, but rootkeep was not given the access key: a name alone explains nothing.", quoted(e.SourceIdentity))
	}
	return unexplained(NoRequest, "No request and no change of rootkeep made the call of %s.", quoted(cmp.Or(e.Principal, "nobody that is named")))
}

func (r *Request) governs(e *Event) ruling {
	switch {
	case e.Of != e.Account && !slices.Contains(r.Accounts, e.Of):
		return unexplained(ByRecordedKey, "%s is not for account %s, which the call names.", r.ID, quoted(string(e.Of)))
	case e.SourceIdentity != "" && e.SourceIdentity != r.ID:
		return unexplained(ByRecordedKey, "The event has the name %s, but the access key is of %s.", quoted(e.SourceIdentity), r.ID)
	case !r.lets(e.Time):
		return r.under(rootkeep.OutOfWindow, ByRecordedKey, "The session is of %s, and the call outside its time (%s).", r.ID, r.times())
	case !access.Covers(r.Events, e.Source, e.Name):
		return r.under(rootkeep.OutOfScope, ByRecordedKey, "The session is of %s, whose task does not need this call.", r.ID)
	}
	return r.under(rootkeep.Explained, ByRecordedKey, "The session was opened for %s%s.", r.ID, r.bypassed())
}

func (c *Change) governs(e *Event) ruling {
	with := func(v rootkeep.Verdict, why string) ruling { return ruling{v, ByRecordedKey, why, c.ID} }
	switch {
	case c.Account != e.Account:
		return unexplained(ByRecordedKey, "The access key is of %s, which is for account %s.", c.ID, c.Account)
	case e.SourceIdentity != "" && e.SourceIdentity != c.ID:
		return unexplained(ByRecordedKey, "The event has the name %s, but the access key is of %s.", quoted(e.SourceIdentity), c.ID)
	case !within(c.Start, c.End, e.Time):
		return with(rootkeep.OutOfWindow, "The session is of "+c.ID+", and the call outside its time.")
	case !access.Covers(c.Events, e.Source, e.Name):
		return with(rootkeep.OutOfScope, "The session is of "+c.ID+", whose plan does not have this call.")
	}
	return with(rootkeep.Explained, "The session was opened for "+c.ID+".")
}
