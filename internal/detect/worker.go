package detect

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect/grant"
	"github.com/rootkeep/rootkeep/internal/detect/inventory"
	"github.com/rootkeep/rootkeep/internal/detect/origin"
	"github.com/rootkeep/rootkeep/internal/detect/seen"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate"
)

// Worker reads records for a hunt. Each goroutine has its own; Hunt.Finish puts
// their shares together.
type Worker struct {
	hunt        *Hunt
	matcher     *sigma.Matcher
	correlator  *correlate.Correlator
	inventory   *inventory.Index
	totals      Totals
	altered     []rootkeep.Event // records that share an ID with another
	groups      map[groupKey]*spans
	lastKey     groupKey // bursts repeat tactic and caller
	lastSpans   *spans
	who         tally.Callers
	texts       map[string]string // interned texts of evidence
	places      tally.Places
	origins     map[string]origin.Origin
	grants      grant.Judge
	deferred    []deferred
	dropped     int // records that did not fit in deferred
	lastNumber  seen.Account
	lastAccount string
	identity    uint64 // cloudtrail.Record.Identity that principal was read from
	principal   []byte
	actor       *rootkeep.Actor // nil until asked for

	// of the record at hand
	record  *cloudtrail.Record
	view    *rootkeep.View
	file    string
	time    int64
	failed  bool
	threats []string // lists that name its address or user agent
	matched []int32
	print   []byte
	scratch []byte
	built   *rootkeep.Event // what event made of the record, once

	// Methods bound once: binding allocates.
	evidence    func() *rootkeep.Event
	deriveBound func(*rootkeep.View, int) rootkeep.Value
}

// deferred is a record that a rule on watched resources matched: whether the
// resource is watched is known only when all input was read.
type deferred struct {
	raw    []byte
	file   string
	offset int64
}

const (
	maxDeferred = 128 << 20 // bytes of records kept for the inventory, over all workers
	maxOrigins  = 1 << 16   // addresses remembered
	maxTexts    = 1 << 16   // texts interned
	maxAltered  = 100       // altered records named by each worker
)

// NewWorker makes one worker.
func (h *Hunt) NewWorker() *Worker {
	w := &Worker{
		hunt:       h,
		matcher:    h.pack.Set.NewMatcher(),
		correlator: correlate.New(h.pack.Set),
		inventory:  &inventory.Index{},
		groups:     map[groupKey]*spans{},
		texts:      map[string]string{},
		origins:    map[string]origin.Origin{},
	}
	w.evidence, w.deriveBound = w.event, w.derive
	return w
}

// Fields are the paths a reader must scan records for.
func (h *Hunt) Fields() []string { return h.pack.Set.Fields() }

// Derived is the number of computed fields a view needs beside them.
func (h *Hunt) Derived() int { return derivedFields }

// Observe judges one record of a file. It keeps nothing of rec.
func (w *Worker) Observe(rec *cloudtrail.Record, file string) {
	v := rec.View
	timed := w.begin(rec, file)
	if string(v.Text(fSource)) == "cloudtrail.amazonaws.com" && outcome(v) == outcomeSuccess {
		w.inventory.Learn(string(v.Text(fName)), rec.Raw) // whatever period is asked for
	}
	if !w.asked(v, timed) {
		w.totals.Outside++
		return
	}
	w.matched = w.matcher.Match(v, w.matched[:0])
	if w.duplicate(v) {
		w.totals.Duplicates++
		return
	}
	w.totals.Events++
	if timed {
		w.places.Count(w.account(v), v.Text(fRegion), w.time)
	} else {
		w.totals.Untimed++
	}
	switch {
	case len(w.matched) == 0:
	case w.asksInventory():
		w.hold()
	default:
		w.take(v)
	}
}

// No event is older than AWS's first service or comes from the next century: such
// a time is as good as none.
const (
	earliest = 1136073600 // 2006-01-01T00:00:00Z
	latest   = 4102444800 // 2100-01-01T00:00:00Z
)

// begin looks at a record for the first time; false when its time cannot be read.
func (w *Worker) begin(rec *cloudtrail.Record, file string) (timed bool) {
	w.record, w.view, w.file, w.built = rec, rec.View, file, nil
	rec.View.Derive = w.deriveBound
	t, ok := cloudtrail.ParseTime(rec.View.Text(fTime))
	if timed = ok && t >= earliest && t < latest; !timed {
		t = untimed
	}
	w.time = t
	return timed
}

// asked says whether the record lies in the asked period and accounts. A record
// without a readable time is always looked at.
func (w *Worker) asked(v *rootkeep.View, timed bool) bool {
	if timed && (w.time < w.hunt.since || w.time >= w.hunt.until) {
		return false
	}
	if len(w.hunt.options.Accounts) == 0 {
		return true
	}
	for _, account := range w.hunt.options.Accounts {
		if string(w.account(v)) == string(account) {
			return true
		}
	}
	return false
}

// account is the account that the record belongs to.
func (w *Worker) account(v *rootkeep.View) []byte {
	if a := v.Text(fRecipient); len(a) > 0 {
		return a
	}
	return v.Text(fAccount)
}

// duplicate says whether the record was met before. A record that shares its ID
// with another but not what rules make of it is judged as well: otherwise a
// harmless record with the ID of a telling one would hide it.
func (w *Worker) duplicate(v *rootkeep.View) bool {
	id := v.Text(fID)
	if len(id) == 0 {
		return false // nothing to compare: better twice than not at all
	}
	w.print = w.print[:0]
	if len(w.matched) > 0 {
		for _, number := range w.matched {
			w.print = binary.LittleEndian.AppendUint32(w.print, uint32(number))
		}
		w.print = append(append(w.print, v.Text(fAddress)...), v.Text(fARN)...)
	}
	switch account := w.account(v); w.hunt.seen.Add(w.numberOf(account), account, id, w.print) {
	case seen.Duplicate:
		return true
	case seen.Altered:
		w.totals.Altered++
		if len(w.altered) < maxAltered {
			w.altered = append(w.altered, *w.event())
		}
	case seen.Unknown:
		if w.totals.Approximate == "" {
			w.totals.Approximate = w.file
		}
	}
	return false
}

// numberOf remembers the last account: a file is of one.
func (w *Worker) numberOf(account []byte) seen.Account {
	if w.lastNumber == 0 || string(account) != w.lastAccount {
		w.lastNumber, w.lastAccount = w.hunt.seen.Account(account), string(tally.Cut(account))
	}
	return w.lastNumber
}

// asksInventory says whether a matching rule is about watched resources.
func (w *Worker) asksInventory() bool {
	return slices.ContainsFunc(w.matched, func(n int32) bool { return w.hunt.pack.rules[n].Watched != nil })
}

// hold keeps a record until all input was read.
func (w *Worker) hold() {
	if w.hunt.held.Add(int64(len(w.record.Raw))) > maxDeferred {
		w.dropped++
		return
	}
	w.deferred = append(w.deferred, deferred{bytes.Clone(w.record.Raw), w.file, w.record.Offset})
}

// take judges the matches of one record, shows them to windows and groups them.
func (w *Worker) take(v *rootkeep.View) {
	w.failed = outcome(v) != outcomeSuccess
	w.threats = nil
	if !w.hunt.options.Atlas.Threats.Empty() {
		w.threats = w.origin(v).Threats
	}
	var notes []string
	w.matched = slices.DeleteFunc(w.matched, func(number int32) bool {
		s := &w.hunt.pack.rules[number]
		if w.failed && s.Attempt == attemptIgnore {
			return true
		}
		if s.Judge == nil {
			return false
		}
		bad, finding := w.judge(v, s.Judge)
		if bad {
			notes = append(notes, ruleName(&w.hunt.pack.Set.Rules()[number].Header)+": "+finding)
		}
		return !bad
	})
	if len(w.matched) == 0 {
		return
	}
	w.totals.Matches += int64(len(w.matched))
	if w.time != untimed {
		w.correlator.Observe(v, w.matched, w.time, w.evidence)
	}
	for _, list := range w.threats {
		notes = append(notes, "on threat list "+list)
	}
	w.group(v, notes)
}

// group counts the record once in each group that one of its rules belongs to.
func (w *Worker) group(v *rootkeep.View, notes []string) {
	who := uint32(0)
	var added [8]*span // a record is rarely in more than two groups
	spans := added[:0]
	for i, number := range w.matched {
		r := w.hunt.pack.Set.Rules()[number]
		s := &w.hunt.pack.rules[number]
		level := w.level(r.Level, s)
		if w.hunt.options.OnMatch != nil {
			w.hunt.options.OnMatch(Match{Rule: ruleName(&r.Header), Title: r.Title, Level: level, Event: w.event()})
		}
		if !r.Alerts {
			continue
		}
		if i == 0 || len(spans) == 0 {
			who = w.who.Number(w.account(v), w.principalOf(v))
		}
		key := groupKey{tactic: s.tactic, who: who}
		if s.Session {
			key = groupKey{session: true, who: who}
		}
		run := w.run(key)
		run.hit(number, level, w.failed)
		if !slices.Contains(spans, run) {
			spans = append(spans, run)
			w.describe(v, run, s.Session)
			for _, note := range notes {
				run.note(note)
			}
		}
	}
}

// level is what one match is worth: less for an attempt, more from a place on a
// threat list.
func (w *Worker) level(level rootkeep.Severity, s *settings) rootkeep.Severity {
	if w.failed && s.Attempt == attemptLower {
		level = level.Lower()
	}
	if len(w.threats) > 0 {
		level = level.Raise()
	}
	return level
}

// describe counts what the record says of itself.
func (w *Worker) describe(v *rootkeep.View, run *span, session bool) {
	action := w.action(v)
	run.names.Add(action)
	if w.failed {
		run.failed.Add(action)
	}
	run.regions.Add(v.Text(fRegion))
	run.addresses.Add(v.Text(fAddress))
	run.agents.Add(v.Text(fAgent))
	run.mfa |= multiFactor(v)
	if session {
		run.keys.Add(v.Text(fAccessKey))
	}
	if run.wants(w.time) {
		run.keep(w.event())
	}
}

// action names the call as IAM does: iam:CreateUser.
func (w *Worker) action(v *rootkeep.View) []byte {
	service := bytes.TrimSuffix(v.Text(fSource), []byte(".amazonaws.com"))
	w.scratch = append(append(append(w.scratch[:0], service...), ':'), v.Text(fName)...)
	return w.scratch
}

func (w *Worker) run(key groupKey) *span {
	if w.lastSpans == nil || key != w.lastKey {
		list, ok := w.groups[key]
		if !ok {
			list = &spans{}
			w.groups[key] = list
		}
		w.lastKey, w.lastSpans = key, list
	}
	return w.lastSpans.at(w.time)
}

func ruleName(h *sigma.Header) string {
	return or(h.Name, or(h.ID, h.Title))
}

// multiFactor is what the record says of MFA: the sign-in's own word, or the
// session's.
func multiFactor(v *rootkeep.View) mfaSaid {
	for _, field := range []int{fSignInMFA, fIssuedMFA} {
		switch text := v.Text(field); {
		case bytes.EqualFold(text, []byte("yes")), bytes.EqualFold(text, []byte("true")):
			return mfaYes
		case len(text) > 0:
			return mfaNo
		}
	}
	return 0
}
