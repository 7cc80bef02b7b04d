package detect

import (
	"bytes"
	"math"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/seen"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
)

// call is what matching records one after another have in common: who called what
// from where, with which outcome, and the rules that matched. CloudTrail comes in
// bursts, so such records are counted here and enter their groups together.
type call struct {
	identity uint64 // cloudtrail.Record.Identity, 0 when records cannot be compared
	failed   bool
	raised   bool // a threat list names the address or user agent
	mfa      mfaSaid
	matched  []int32
	texts    []byte         // one after another
	ends     [callTexts]int // in texts

	action, region, address, agent, accessKey tally.Number // of their texts

	groups []*spans  // by index in matched, nil for a rule that does not alert
	mark   seen.Mark // of its records, 0 while it is not known

	count       int   // events that are not in the groups yet
	first, last int64 // of them, with no gap longer than groupGap between any two

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
	callTexts
)

func (c *call) text(i int) []byte {
	if i == 0 {
		return c.texts[:c.ends[0]]
	}
	return c.texts[c.ends[i-1]:c.ends[i]]
}

func (c *call) keep(i int, text []byte) {
	c.texts = append(c.texts, tally.Cut(text)...)
	c.ends[i] = len(c.texts)
}

// callOf is the call that the record belongs to, with w.matched, w.failed and
// w.threats as they are.
func (w *Worker) callOf(v *rootkeep.View) *call {
	mfa := multiFactor(v)
	if w.call.identity != 0 && w.repeats(v) && w.call.mfa == mfa {
		return w.call
	}
	before := w.call
	if n := len(w.spare); n > 0 {
		w.call, w.spare = w.spare[n-1], w.spare[:n-1]
	} else {
		w.call = &call{}
	}
	w.call.mfa = mfa
	w.beginCall(v, before)
	before.retired = true
	w.release(before)
	return w.call
}

// repeats says that the record belongs to the last call.
func (w *Worker) repeats(v *rootkeep.View) bool {
	c := w.call
	return w.record.Identity == c.identity && w.failed == c.failed && len(w.threats) > 0 == c.raised &&
		slices.Equal(w.matched, c.matched) &&
		bytes.Equal(v.Text(fName), c.text(tName)) && bytes.Equal(v.Text(fSource), c.text(tSource)) &&
		bytes.Equal(v.Text(fAddress), c.text(tAddress)) && bytes.Equal(v.Text(fAgent), c.text(tAgent)) &&
		bytes.Equal(v.Text(fRegion), c.text(tRegion)) && bytes.Equal(w.account(v), c.text(tAccount))
}

// beginCall makes w.call the call of the record at hand. It often shares something
// with the call before it.
func (w *Worker) beginCall(v *rootkeep.View, before *call) {
	c := w.call
	*c = call{
		identity: w.record.Identity, failed: w.failed, raised: len(w.threats) > 0, mfa: c.mfa,
		matched: append(c.matched[:0], w.matched...), texts: c.texts[:0], groups: c.groups[:0],
	}
	account := w.account(v)
	c.keep(tAccount, account)
	c.keep(tSource, v.Text(fSource))
	c.keep(tName, v.Text(fName))
	c.action = w.action(v)
	c.region = w.number(c, before, tRegion, v.Text(fRegion), before.region)
	c.address = w.number(c, before, tAddress, v.Text(fAddress), before.address)
	c.agent = w.number(c, before, tAgent, v.Text(fAgent), before.agent)
	who := w.who.Number(account, w.principalOf(v))
	for _, number := range c.matched {
		var list *spans
		if w.hunt.pack.Set.Rules()[number].Alerts {
			key := groupKey{tactic: w.hunt.pack.rules[number].tactic, who: who}
			if w.hunt.pack.rules[number].Session {
				key = groupKey{session: true, who: who}
				c.accessKey = w.names.Number(v.Text(fAccessKey))
			}
			list = w.group(key)
		}
		c.groups = append(c.groups, list)
	}
	w.learn(c, w.time)
}

// number keeps a text of the call and returns its number.
func (w *Worker) number(c, before *call, i int, text []byte, numberBefore tally.Number) tally.Number {
	c.keep(i, text)
	if bytes.Equal(text, before.text(i)) {
		return numberBefore
	}
	return w.names.Number(text)
}

// action names the call as IAM writes actions, iam:CreateUser.
func (w *Worker) action(v *rootkeep.View) tally.Number {
	service := bytes.TrimSuffix(v.Text(fSource), []byte(".amazonaws.com"))
	w.scratch = append(append(append(w.scratch[:0], service...), ':'), v.Text(fName)...)
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
		run := list.holding(t)
		if run == nil {
			c.shown = math.MaxInt64
			return
		}
		c.since, c.until, c.shown = max(c.since, run.first-groupGap), min(c.until, run.last+groupGap), max(c.shown, run.shown())
	}
}

// adds says that an event at time t changes nothing but counts.
func (c *call) adds(t int64) bool { return t > c.shown && t >= c.since && t <= c.until }

// add counts one event of a call.
func (w *Worker) add(c *call, t int64) {
	if c.count > 0 && (t < c.first-groupGap || t > c.last+groupGap) {
		w.enter(c, nil, nil)
	}
	if c.count == 0 {
		c.first, c.last = t, t
	}
	c.first, c.last = min(c.first, t), max(c.last, t)
	c.count++
}

// release enters what a call has counted and lets go of it, once the worker is at
// another and no event of it waits any more.
func (w *Worker) release(c *call) {
	if c.retired && c.waiting == 0 {
		w.enter(c, nil, nil)
		w.spare = append(w.spare, c)
	}
}

// enter puts the counted events into the group of each of their rules. evidence,
// unless nil, makes an event of the record at hand, which is one of them.
func (w *Worker) enter(c *call, notes []string, evidence func() *rootkeep.Event) {
	if c.count == 0 {
		return
	}
	var entered [8]*span // a record is rarely in more than two groups
	runs := entered[:0]
	full := w.hunt.room.Load() < 0
	for i, number := range c.matched {
		if c.groups[i] == nil {
			continue
		}
		r, s := w.hunt.pack.Set.Rules()[number], &w.hunt.pack.rules[number]
		run := w.runOf(c, i, full)
		run.hit(number, level(r.Level, s, c.failed, c.raised), c)
		if slices.Contains(runs, run) {
			continue
		}
		runs = append(runs, run)
		run.describe(c, full)
		for _, note := range notes {
			run.note(note)
		}
		if evidence != nil && run.wants(w.time) && (!full || len(run.events) == evidenceEvents || c.groups[i].rest) {
			run.keep(evidence())
		}
		if more := run.grown(); more != 0 {
			w.hunt.room.Add(-more)
		}
	}
	c.count = 0
	w.learn(c, c.last)
}

// runOf is the run of one of the call's groups that its events belong to. When
// memory is full no run begins: such events of all callers share one.
func (w *Worker) runOf(c *call, i int, full bool) *span {
	if !full || c.groups[i].holding(c.first) != nil {
		return c.groups[i].at(c.first, c.last)
	}
	c.groups[i] = w.group(groupKey{tactic: w.hunt.pack.rules[c.matched[i]].tactic, who: w.who.Others()})
	c.groups[i].rest = true
	run := c.groups[i].only(c.first, c.last)
	run.note("memory for groups was used up: events of several callers and times are counted together here")
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
func (w *Worker) group(key groupKey) *spans {
	if w.lastSpans == nil || key != w.lastKey {
		list, ok := w.groups[key]
		if !ok {
			list = &spans{}
			w.groups[key] = list
		}
		w.lastKey, w.lastSpans = key, list
	}
	return w.lastSpans
}
