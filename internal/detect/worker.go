package detect

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect/field"
	"github.com/rootkeep/rootkeep/internal/detect/grant"
	"github.com/rootkeep/rootkeep/internal/detect/inventory"
	"github.com/rootkeep/rootkeep/internal/detect/origin"
	"github.com/rootkeep/rootkeep/internal/detect/seen"
	"github.com/rootkeep/rootkeep/internal/detect/span"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
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
	groups      map[groupKey]*span.Spans
	lastKey     groupKey // bursts repeat tactic and caller
	lastSpans   *span.Spans
	who         tally.Callers
	names       tally.Names // texts of groups and of their evidence
	places      tally.Places
	batch       *seen.Batch[arrival]
	call        *call   // of the last record that matched
	spare       []*call // to be used again
	records     int64   // looked at so far
	approximate int64   // record number of totals.Approximate
	origins     map[string]origin.Origin
	grants      grant.Judge
	deferred    []deferred
	source      *source // of the last record
	identity    uint64  // cloudtrail.Record.Identity that principal was read from
	principal   []byte
	party       party.Last
	actor       *span.Actor // nil until asked for

	// of the record at hand
	record  *cloudtrail.Record
	view    *rootkeep.View
	file    string
	time    int64
	early   bool // it lies before the asked period
	failed  bool
	threats []string // lists that name its address or user agent
	matched []int32
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
	// Bytes of records kept for the inventory, over all workers: of those within the asked
	// period, and apart, so that they leave it its room, of those from before it.
	maxDeferred = 128 << 20
	maxEarly    = 32 << 20
	maxOrigins  = 1 << 16 // addresses remembered
	maxAltered  = 100     // altered records named by each worker
)

// NewWorker makes one worker.
func (h *Hunt) NewWorker() *Worker {
	w := &Worker{
		hunt:       h,
		matcher:    h.pack.Set.NewMatcher(),
		correlator: correlate.New(h.pack.Set),
		inventory:  &inventory.Index{},
		groups:     map[groupKey]*span.Spans{},
		origins:    map[string]origin.Origin{},
		call:       &call{},
		source:     &source{},
	}
	w.batch = seen.NewBatch(h.seen, w.settle)
	w.evidence, w.deriveBound = w.event, w.derive
	return w
}

// Fields are the paths a reader must scan records for.
func (h *Hunt) Fields() []string { return h.pack.Set.Fields() }

// Derived is the number of computed fields a view needs beside them.
func (h *Hunt) Derived() int { return derivedFields }

// NewReader says that further records come from another Reader, which numbers
// identities anew.
func (w *Worker) NewReader() { w.identity, w.call.identity = 0, 0 }

// Observe judges one record of a file. It keeps nothing of rec.
func (w *Worker) Observe(rec *cloudtrail.Record, file string) {
	v := rec.View
	timed := w.begin(rec, file)
	if string(v.Text(field.Source)) == "cloudtrail.amazonaws.com" && field.Outcome(v) == field.Succeeded {
		w.inventory.Learn(string(v.Text(field.Name)), rec.Raw) // whatever period is asked for
	}
	if !w.asked(v, timed) {
		w.totals.Outside++
		return
	}
	w.match(v)
	if w.early {
		w.learnFrom(v)
		return
	}
	a := w.arrive(v, timed)
	if w.postpone(v, &a) || !w.count(&a, w.verdict(v)) {
		return
	}
	switch {
	case len(w.matched) == 0:
	case w.asksInventory():
		w.hold()
	default:
		w.take(v)
	}
}

// learnFrom shows a record from before the asked period to windows and sessions, which may
// begin there. It counts as nothing else.
func (w *Worker) learnFrom(v *rootkeep.View) {
	w.totals.Before++
	if len(w.matched) == 0 {
		return
	}
	w.source = w.sourceOf(w.account(v))
	switch {
	case w.verdict(v) == seen.Duplicate:
	case w.asksInventory():
		w.hold()
	default:
		w.take(v)
	}
}

// match finds the rules that match the record at hand, of one from before the asked
// period those that may tell of the period.
func (w *Worker) match(v *rootkeep.View) {
	w.matched = w.matcher.Match(v, w.matched[:0])
	if w.early {
		w.matched = slices.DeleteFunc(w.matched, func(number int32) bool {
			s := &w.hunt.pack.rules[number]
			return !s.windows && !s.Session
		})
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
	t, ok := cloudtrail.ParseTime(rec.View.Text(field.Time))
	if timed = ok && t >= earliest && t < latest; !timed {
		t = span.Untimed
	}
	w.time, w.early = t, timed && t < w.hunt.since
	return timed
}

// asked says whether the record belongs to the asked accounts and lies before the end of
// the asked period. A record without a readable time is always looked at.
func (w *Worker) asked(v *rootkeep.View, timed bool) bool {
	if timed && w.time >= w.hunt.until {
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
	if a := v.Text(field.Recipient); len(a) > 0 {
		return a
	}
	return v.Text(field.Account)
}

// asksInventory says whether a matching rule is about watched resources.
func (w *Worker) asksInventory() bool {
	return slices.ContainsFunc(w.matched, func(n int32) bool { return w.hunt.pack.rules[n].Watched != nil })
}

// hold keeps a record until all input was read.
func (w *Worker) hold() {
	room, most := &w.hunt.within, int64(maxDeferred)
	if w.early {
		room, most = &w.hunt.before, maxEarly
	}
	if room.held.Add(int64(len(w.record.Raw))) > most {
		room.dropped.Add(1)
		return
	}
	w.deferred = append(w.deferred, deferred{bytes.Clone(w.record.Raw), w.file, w.record.Offset})
}

// take judges the matches of one record, shows them to windows and groups them; false
// when nothing is left of them.
func (w *Worker) take(v *rootkeep.View) bool {
	if w.hunt.options.Scans.Explains(v.Text(field.AccessKey), v.Text(field.Name), w.time, w.record.Raw) {
		if !w.early {
			w.totals.Scans++
		}
		return false
	}
	w.failed = field.Outcome(v) != field.Succeeded
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
			notes = append(notes, RuleName(&w.hunt.pack.Set.Rules()[number].Header)+": "+finding)
		}
		return !bad
	})
	if len(w.matched) == 0 {
		return false
	}
	if !w.early {
		w.totals.Matches += int64(len(w.matched))
	}
	if w.time != span.Untimed {
		w.correlator.Observe(v, w.matched, w.time, party.Who{Party: w.party.Of(w.account(v), w.principalOf(v)), Failed: w.failed}, w.evidence)
	}
	for _, list := range w.threats {
		notes = append(notes, "on threat list "+list)
	}
	c := w.callOf(v)
	w.tell(c)
	w.add(c, w.time)
	w.enter(c, notes, true)
	return true
}

// tell passes every match on to who asked for them.
func (w *Worker) tell(c *call) {
	if w.hunt.options.OnMatch == nil || w.early {
		return
	}
	for _, number := range w.matched {
		r := w.hunt.pack.Set.Rules()[number]
		w.hunt.options.OnMatch(Match{Rule: RuleName(&r.Header), Title: r.Title, Level: level(r.Level, &w.hunt.pack.rules[number], c.Failed, c.raised), Event: w.event()})
	}
}

// RuleName is the name by which alerts tell a detection.
func RuleName(h *sigma.Header) string { return cmp.Or(h.Name, h.ID, h.Title) }

// multiFactor is what the record says of MFA: the sign-in's own word, or the
// session's.
func multiFactor(v *rootkeep.View) span.MFA {
	for _, field := range []int{field.SignInMFA, field.IssuedMFA} {
		switch text := v.Text(field); {
		case bytes.EqualFold(text, []byte("yes")), bytes.EqualFold(text, []byte("true")):
			return span.WithMFA
		case len(text) > 0:
			return span.NoMFA
		}
	}
	return 0
}
