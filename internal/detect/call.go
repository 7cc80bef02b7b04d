package detect

import (
	"bytes"
	"math"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/field"
	"github.com/rootkeep/rootkeep/internal/detect/seen"
	"github.com/rootkeep/rootkeep/internal/detect/span"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
)

// call is what matching records one after another have in common: who called what
// from where, with which outcome, and the rules that matched. CloudTrail comes in
// bursts, so such records are counted here and enter their groups together.
type call struct {
	identity uint64 // cloudtrail.Record.Identity, 0 when records cannot be compared
	early    bool   // its records lie before the asked period
	raised   bool   // a threat list names the address or user agent
	matched  []int32
	texts    tally.Row // of the constants below

	span.Call // what of it the groups count; Count are events that are not in them yet

	groups []*span.Spans // by index in matched, nil for a rule that does not alert
	mark   seen.Mark     // of its records, 0 while it is not known

	first, last int64 // of Count events, with no gap longer than span.Gap between any two

	// An event from since to until and later than shown joins runs that are there
	// and is not among their evidence: only its count is new.
	since, until, shown int64

	waiting int  // events that wait for their verdict
	retired bool // the worker is at another call
}

// The texts of a call.
const (
	tAccount = iota
	tSource
	tName
	tRegion
	tAddress
	tAgent
)

// groupKey is what matches are grouped by while files are read.
type groupKey struct {
	tactic  int32  // number of the tactic in the pack
	session bool   // root activity, whatever its tactic
	trial   bool   // of rules on trial
	who     uint32 // worker-local number of account and principal
}

// GroupKey is what matches are grouped by.
type GroupKey struct {
	Tactic  string // of the rules; "" of a session, which has root activity of any
	Session bool
	Trial   bool   // of rules on trial, which never raise an alert of others
	Who     string // account, a zero byte, principal
}

func (w *Worker) keyOf(k groupKey) GroupKey {
	joint := GroupKey{Session: k.session, Trial: k.trial, Who: w.who.Pair(k.who)}
	if !k.session {
		joint.Tactic = w.hunt.pack.tactics[k.tactic]
	}
	return joint
}

// callOf is the call that the record belongs to, with w.matched, w.failed and
// w.threats as they are.
func (w *Worker) callOf(v *rootkeep.View) *call {
	mfa := multiFactor(v)
	if w.call.identity != 0 && w.repeats(v) && w.call.MFA == mfa {
		return w.call
	}
	before := w.call
	if n := len(w.spare); n > 0 {
		w.call, w.spare = w.spare[n-1], w.spare[:n-1]
	} else {
		w.call = &call{}
	}
	w.call.MFA = mfa
	w.beginCall(v, before)
	before.retired = true
	w.release(before)
	return w.call
}

// repeats says that the record belongs to the last call.
func (w *Worker) repeats(v *rootkeep.View) bool {
	c := w.call
	return w.record.Identity == c.identity && w.early == c.early && w.failed == c.Failed && len(w.threats) > 0 == c.raised &&
		slices.Equal(w.matched, c.matched) &&
		bytes.Equal(v.Text(field.Name), c.texts.At(tName)) && bytes.Equal(v.Text(field.Source), c.texts.At(tSource)) &&
		bytes.Equal(v.Text(field.Address), c.texts.At(tAddress)) && bytes.Equal(v.Text(field.Agent), c.texts.At(tAgent)) &&
		bytes.Equal(v.Text(field.Region), c.texts.At(tRegion)) && bytes.Equal(w.account(v), c.texts.At(tAccount))
}

// beginCall makes w.call the call of the record at hand. It often shares something
// with the call before it.
func (w *Worker) beginCall(v *rootkeep.View, before *call) {
	c := w.call
	*c = call{
		identity: w.record.Identity, early: w.early, raised: len(w.threats) > 0, Call: span.Call{Failed: w.failed, MFA: c.MFA},
		matched: append(c.matched[:0], w.matched...), texts: c.texts.Emptied(), groups: c.groups[:0],
	}
	account := w.account(v)
	c.texts.Append(account)
	c.texts.Append(v.Text(field.Source))
	c.texts.Append(v.Text(field.Name))
	c.Action = w.action(v)
	c.Region = w.number(c, before, tRegion, v.Text(field.Region), before.Region)
	c.Address = w.number(c, before, tAddress, v.Text(field.Address), before.Address)
	c.Agent = w.number(c, before, tAgent, v.Text(field.Agent), before.Agent)
	who := w.who.Number(account, w.principalOf(v))
	for _, number := range c.matched {
		var list *span.Spans
		if w.hunt.pack.Set.Rules()[number].Alerts && (!c.early || w.hunt.pack.rules[number].Session) {
			key := groupKey{tactic: w.hunt.pack.rules[number].tactic, trial: w.hunt.onTrial(number), who: who}
			if w.hunt.pack.rules[number].Session {
				key.session, key.tactic = true, 0
				c.AccessKey = w.names.Number(v.Text(field.AccessKey))
			}
			list = w.group(key)
		}
		c.groups = append(c.groups, list)
	}
	w.learn(c, w.time)
}

// number keeps a text of the call and returns its number.
func (w *Worker) number(c, before *call, i int, text []byte, numberBefore tally.Number) tally.Number {
	c.texts.Append(text)
	if bytes.Equal(text, before.texts.At(i)) {
		return numberBefore
	}
	return w.names.Number(text)
}

// action names the call as IAM writes actions, iam:CreateUser.
func (w *Worker) action(v *rootkeep.View) tally.Number {
	service := bytes.TrimSuffix(v.Text(field.Source), []byte(".amazonaws.com"))
	w.scratch = append(append(append(w.scratch[:0], service...), ':'), v.Text(field.Name)...)
	return w.names.Number(w.scratch)
}

// learn notes which events of the call change nothing but counts, as its groups
// stand around time t.
func (w *Worker) learn(c *call, t int64) {
	c.since, c.until, c.shown = math.MinInt64, math.MaxInt64, math.MinInt64
	for _, list := range c.groups {
		if list == nil {
			continue
		}
		run := list.Holding(t)
		if run == nil {
			c.shown = math.MaxInt64
			return
		}
		c.since, c.until, c.shown = max(c.since, run.First-span.Gap), min(c.until, run.Last+span.Gap), max(c.shown, run.Shown())
	}
}

// adds says that an event at time t changes nothing but counts.
func (c *call) adds(t int64) bool { return t > c.shown && t >= c.since && t <= c.until }

// add counts one event of a call.
func (w *Worker) add(c *call, t int64) {
	if c.Count > 0 && (t < c.first-span.Gap || t > c.last+span.Gap) {
		w.enter(c, nil, false)
	}
	if c.Count == 0 {
		c.first, c.last = t, t
	}
	c.first, c.last = min(c.first, t), max(c.last, t)
	c.Count++
}

// release enters what a call has counted and lets go of it, once the worker is at
// another and no event of it waits any more.
func (w *Worker) release(c *call) {
	if c.retired && c.waiting == 0 {
		w.enter(c, nil, false)
		w.spare = append(w.spare, c)
	}
}

// enter puts the counted events into the group of each of their rules. The record at
// hand, if it is one of them, may be evidence.
func (w *Worker) enter(c *call, notes []string, atHand bool) {
	if c.Count == 0 {
		return
	}
	full := w.hunt.room.Load() < 0
	if full && c.early {
		c.Count = 0 // what room there is goes to the asked period
		return
	}
	var entered [8]*span.Span // a record is rarely in more than two groups
	runs := entered[:0]
	for i, number := range c.matched {
		if c.groups[i] == nil {
			continue
		}
		r, s := w.hunt.pack.Set.Rules()[number], &w.hunt.pack.rules[number]
		run := w.runOf(c, i, full)
		run.Hit(number, level(r.Level, s, c.Failed, c.raised), &c.Call)
		if slices.Contains(runs, run) {
			continue
		}
		runs = append(runs, run)
		run.Describe(&c.Call, full)
		for _, note := range notes {
			run.Note(note)
		}
		if atHand && run.Wants(w.time) && (!full || len(run.Events) == span.Evidence || c.groups[i].Rest) {
			run.Keep(w.piece())
		}
		if more := run.Grown(); more != 0 {
			w.hunt.room.Add(-more)
		}
	}
	c.Count = 0
	w.learn(c, c.last)
}

// runOf is the run of one of the call's groups that its events belong to. When
// memory is full no run begins: such events of all callers share one.
func (w *Worker) runOf(c *call, i int, full bool) *span.Span {
	if !full || c.groups[i].Holding(c.first) != nil {
		return c.groups[i].At(c.first, c.last)
	}
	c.groups[i] = w.group(groupKey{tactic: w.hunt.pack.rules[c.matched[i]].tactic, trial: w.hunt.onTrial(c.matched[i]), who: w.who.Others()})
	c.groups[i].Rest = true
	run := c.groups[i].Only(c.first, c.last)
	run.Note("memory for groups was used up: events of several callers and times are counted together here")
	return run
}

// level is what one match is worth: less for an attempt, more from a place on a
// threat list.
func level(l rootkeep.Severity, s *settings, failed, raised bool) rootkeep.Severity {
	if failed && s.Attempt == attemptLower {
		l = l.Lower()
	}
	if raised {
		l = l.Raise()
	}
	return l
}

// group finds the runs of a group, none for a new one.
func (w *Worker) group(key groupKey) *span.Spans {
	if w.lastSpans == nil || key != w.lastKey {
		list, ok := w.groups[key]
		if !ok {
			list = &span.Spans{}
			w.groups[key] = list
		}
		w.lastKey, w.lastSpans = key, list
	}
	return w.lastSpans
}
