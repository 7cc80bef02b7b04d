package detect

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect/origin"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate"
)

// Worker reads records for a hunt. Each goroutine has its own; Hunt.Finish puts
// their shares together.
type Worker struct {
	hunt       *Hunt
	matcher    *sigma.Matcher
	correlator *correlate.Correlator
	inventory  Inventory
	totals     Totals
	hits       map[hitKey]*spans
	lastHit    hitKey // bursts repeat rule and caller
	lastSpans  *spans
	who        names
	texts      map[string]string // interned texts of evidence
	places     map[placeKey]*placeCount
	lastPlace  *placeCount
	lastKey    placeKey
	origins    map[string]origin.Origin
	deferred   []deferred
	held       int // bytes in deferred
	dropped    int // records that did not fit in deferred

	identity  uint64 // cloudtrail.Record.Identity that principal was read from
	principal []byte

	// of the record at hand
	record   *cloudtrail.Record
	view     *rootkeep.View
	file     string
	time     int64
	matched  []int32
	kept     []int32
	scratch  []byte
	evidence func() *rootkeep.Event // bound once, so that asking costs nothing
}

// deferred is a record that a rule on watched resources matched: whether the
// resource is watched is known only when all input was read.
type deferred struct {
	raw    []byte
	file   string
	offset int64
}

const (
	maxDeferred = 128 << 20 // bytes of records kept for the inventory
	maxOrigins  = 1 << 16   // addresses remembered
	maxTexts    = 1 << 16   // texts interned
)

// NewWorker makes one worker.
func (h *Hunt) NewWorker() *Worker {
	w := &Worker{
		hunt:       h,
		matcher:    h.pack.Set.NewMatcher(),
		correlator: correlate.New(h.pack.Set),
		inventory:  Inventory{},
		hits:       map[hitKey]*spans{},
		who:        names{of: map[string]uint32{}},
		texts:      map[string]string{},
		places:     map[placeKey]*placeCount{},
		origins:    map[string]origin.Origin{},
	}
	w.evidence = w.event
	return w
}

// Fields are the paths a reader must scan records for.
func (h *Hunt) Fields() []string { return h.pack.Set.Fields() }

// Derived is the number of computed fields a view needs beside them.
func (h *Hunt) Derived() int { return derivedFields }

// Observe judges one record of a file. It keeps nothing of rec.
func (w *Worker) Observe(rec *cloudtrail.Record, file string) {
	v := rec.View
	w.record, w.view, w.file = rec, v, file
	v.Derive = w.derive
	t, ok := cloudtrail.ParseTime(v.Text(fTime))
	w.time = t
	if !w.asked(v, t, ok) {
		w.totals.Outside++
		return
	}
	w.matched = w.matcher.Match(v, w.matched[:0])
	if w.duplicate(v) {
		w.totals.Duplicates++
		return
	}
	w.totals.Events++
	if !ok {
		w.totals.Untimed++
	} else {
		w.count(v, t)
	}
	w.inventory.learn(v, rec.Raw)
	if len(w.matched) > 0 {
		w.take(v, w.watchedLater)
	}
}

// asked says whether the record lies in the asked period and accounts. A record
// without a readable time is always looked at.
func (w *Worker) asked(v *rootkeep.View, t int64, timed bool) bool {
	if timed && (t < w.hunt.since || t >= w.hunt.until) {
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

func (w *Worker) duplicate(v *rootkeep.View) bool {
	id := v.Text(fID)
	if len(id) == 0 {
		return false // nothing to compare: better twice than not at all
	}
	switch w.hunt.seen.Add(w.account(v), id, len(w.matched) > 0) {
	case Duplicate:
		return true
	case Unknown:
		if w.totals.Approximate == "" {
			w.totals.Approximate = w.file
		}
	}
	return false
}

// take sorts the matches of one record: judged, deferred, windowed, tallied.
// watched decides about rules on watched resources.
func (w *Worker) take(v *rootkeep.View, watched func(s *settings) bool) {
	w.kept = w.kept[:0]
	by, later := "", false
	for _, number := range w.matched {
		s := &w.hunt.pack.rules[number]
		if s.Judge != nil {
			bad, readable := judgePolicy(s.Judge.By, v.Text(s.Judge.number), string(w.account(v)))
			if !bad {
				continue
			}
			by = "judged by text"
			if !readable {
				by = "the policy document could not be read; taken as bad"
			}
		}
		if s.Watched != nil && !watched(s) {
			later = true
			continue
		}
		w.kept = append(w.kept, number)
	}
	if later {
		w.hold()
	}
	if len(w.kept) == 0 {
		return
	}
	if w.time != 0 {
		w.correlator.Observe(v, w.kept, w.time, w.evidence)
	}
	for _, number := range w.kept {
		w.tally(v, number, by)
	}
}

// watchedLater puts the question off until all input was read.
func (w *Worker) watchedLater(*settings) bool { return false }

func (w *Worker) hold() {
	if w.held += len(w.record.Raw); w.held > maxDeferred {
		w.dropped++
		return
	}
	w.deferred = append(w.deferred, deferred{bytes.Clone(w.record.Raw), w.file, w.record.Offset})
}

// tally adds one match to its run.
func (w *Worker) tally(v *rootkeep.View, number int32, note string) {
	r := w.hunt.pack.Set.Rules()[number]
	s := &w.hunt.pack.rules[number]
	w.totals.Matches++
	level, failed := r.Level, outcome(v) != outcomeSuccess
	if failed && s.Attempt == attemptIgnore {
		return
	}
	if failed && s.Attempt == attemptLower {
		level = level.Lower()
	}
	from := w.origin(v)
	if len(from.Threats) > 0 {
		level = level.Raise()
	}
	if w.hunt.options.OnMatch != nil {
		w.hunt.options.OnMatch(Match{Rule: ruleName(&r.Header), Title: r.Title, Level: level, Event: w.event()})
	}
	if !r.Alerts {
		return
	}
	run := w.run(hitKey{rule: number, level: level, attempt: failed, who: w.who.number(w.account(v), v.Text(w.derivedField(dPrincipal)))}, s)
	run.count++
	run.mfa = max(run.mfa, multiFactor(v))
	run.names.add(w.action(v))
	run.regions.add(v.Text(fRegion))
	run.addresses.add(v.Text(fAddress))
	run.agents.add(v.Text(fAgent))
	if s.Session {
		run.keys.add(v.Text(fAccessKey))
	}
	run.note(note)
	for _, list := range from.Threats {
		run.note("on threat list " + list)
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

func (w *Worker) run(key hitKey, s *settings) *span {
	if w.lastSpans == nil || key != w.lastHit {
		list, ok := w.hits[key]
		if !ok {
			list = &spans{}
			w.hits[key] = list
		}
		w.lastHit, w.lastSpans = key, list
	}
	return w.lastSpans.at(w.time, s.gap())
}

func (s *settings) gap() int64 {
	if s.Session {
		return sessionGap
	}
	return groupGap
}

func ruleName(h *sigma.Header) string {
	return or(h.Name, or(h.ID, h.Title))
}

// multiFactor is what the record says of MFA: the sign-in's own word, or the
// session's.
func multiFactor(v *rootkeep.View) tristate {
	for _, field := range []int{fSignInMFA, fIssuedMFA} {
		switch text := v.Text(field); {
		case bytes.EqualFold(text, []byte("yes")), bytes.EqualFold(text, []byte("true")):
			return saidYes
		case len(text) > 0:
			return saidNo
		}
	}
	return notSaid
}

// names numbers pairs of account and principal.
type names struct {
	of   map[string]uint32
	list []string // account, a zero byte, principal
	last uint32
	key  []byte
}

func (n *names) number(account, principal []byte) uint32 {
	n.key = append(append(append(n.key[:0], account...), 0), principal...)
	if int(n.last) < len(n.list) && n.list[n.last] == string(n.key) {
		return n.last
	}
	i, ok := n.of[string(n.key)]
	if !ok {
		i = uint32(len(n.list))
		text := string(n.key)
		n.of[text] = i
		n.list = append(n.list, text)
	}
	n.last = i
	return i
}

// derive computes the fields that no record carries.
func (w *Worker) derive(v *rootkeep.View, field int) rootkeep.Value {
	if field == w.derivedField(dPrincipal) {
		return rootkeep.Value{Kind: rootkeep.String, Text: w.principalOf(v)}
	}
	var text string
	switch field - len(w.hunt.pack.Set.Fields()) {
	case dCountry:
		o := w.origin(v)
		if text = o.Place.Country; o.Relay != "" {
			text = relayCountry
		}
	case dASN:
		if o := w.origin(v); o.Place.ASN != 0 && o.Relay == "" {
			text = strconv.FormatUint(uint64(o.Place.ASN), 10)
		}
	case dNetwork:
		if o := w.origin(v); o.Relay == "" {
			text = o.Key()
		}
	case dAddress:
		if o := w.origin(v); o.Relay == "" && o.Addr.IsValid() {
			text = o.Addr.String()
		}
	case dOutcome:
		text = outcome(v)
	case dTargetAccount:
		text = string(targetAccount(v))
	}
	if text == "" {
		return rootkeep.Value{}
	}
	return rootkeep.Value{Kind: rootkeep.String, Text: []byte(text)}
}

// principalOf remembers the answer for records with the same userIdentity.
func (w *Worker) principalOf(v *rootkeep.View) []byte {
	if id := w.record.Identity; id == 0 || id != w.identity {
		w.identity, w.principal = id, []byte(principal(v))
	}
	return w.principal
}

// relayCountry stands for every address on a relay list: such an address says
// nothing of a country and must not enter a baseline as one.
const relayCountry = "relay"

func (w *Worker) derivedField(n int) int { return len(w.hunt.pack.Set.Fields()) + n }

// origin judges the source address, remembering the answers.
func (w *Worker) origin(v *rootkeep.View) origin.Origin {
	atlas := w.hunt.options.Atlas
	address := v.Text(fAddress)
	if !atlas.Steady() {
		return atlas.Of(string(address), string(v.Text(fAgent)), w.time)
	}
	if o, ok := w.origins[string(address)]; ok {
		return o
	}
	o := atlas.Of(string(address), "", w.time)
	if len(w.origins) < maxOrigins {
		w.origins[string(address)] = o
	}
	return o
}

// event copies out of the record what an alert shows.
func (w *Worker) event() *rootkeep.Event {
	v := w.view
	e := &rootkeep.Event{
		Time:      time.Unix(w.time, 0).UTC(),
		ID:        string(v.Text(fID)),
		Name:      w.text(v.Text(fName)),
		Source:    w.text(v.Text(fSource)),
		Account:   rootkeep.AccountID(w.text(w.account(v))),
		Region:    rootkeep.Region(w.text(v.Text(fRegion))),
		Actor:     actorOf(v),
		Address:   w.text(v.Text(fAddress)),
		Agent:     w.text(v.Text(fAgent)),
		ErrorCode: w.text(v.Text(fError)),
		Target:    target(w.record.Raw),
		File:      w.file,
		Offset:    w.record.Offset,
	}
	if e.ErrorCode == "" && outcome(v) == outcomeFailure {
		e.ErrorCode = w.text(v.Text(fMessage))
	}
	return e
}

func (w *Worker) text(b []byte) string {
	if s, ok := w.texts[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(w.texts) < maxTexts {
		w.texts[s] = s
	}
	return s
}

// targetKeys name what a call touched, the most telling first.
var targetKeys = []string{
	"userName", "roleName", "groupName", "policyArn", "bucketName", "trailName", "name", "secretId", "keyId", "functionName",
	"instanceId", "groupId", "snapshotId", "imageId", "dBSnapshotIdentifier", "dBInstanceIdentifier", "detectorId", "topicArn",
	"logGroupName", "targetPrincipal", "roleArn", "serialNumber", "accountId", "regionName", "resourceArn", "modelId",
}

const longestTarget = 256 // bytes

// target finds what the call touched in the request; "" when it is not said.
func target(raw []byte) string {
	var record struct {
		Request map[string]json.RawMessage `json:"requestParameters"`
	}
	if json.Unmarshal(raw, &record) != nil {
		return ""
	}
	for _, key := range targetKeys {
		var text string
		if json.Unmarshal(record.Request[key], &text) == nil && text != "" {
			return text[:min(len(text), longestTarget)]
		}
	}
	return ""
}
