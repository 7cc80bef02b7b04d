// Package alarm proves that an event would reach a person. The facts of an account and
// sample events go in; the ways from the events to a person come out, each with how far
// it goes and where it breaks. There are three routes: a metric filter, its alarm and a
// topic; a rule of EventBridge and its target; a log alarm on a scheduled query.
//
// A way holds only if every link was read and computed. A way that may hold is Unknown,
// with what is missing.
package alarm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture/eventpattern"
	"github.com/rootkeep/rootkeep/internal/posture/filterpattern"
	"github.com/rootkeep/rootkeep/internal/posture/logquery"
)

// Truth is a three-valued answer.
type Truth = filterpattern.Truth

// The values that others ask about.
const (
	True    = filterpattern.True
	Unknown = filterpattern.Unknown
)

const (
	no      = filterpattern.False
	unknown = filterpattern.Unknown
	yes     = filterpattern.True
)

// Route is a kind of way.
type Route string

// The three routes, by the names that controls use.
const (
	MetricFilter Route = "metric-filter"
	EventRule    Route = "event-rule"
	LogAlarm     Route = "log-alarm"
)

// Routes are all of them.
func Routes() []Route { return []Route{MetricFilter, EventRule, LogAlarm} }

// Link is a link of a way. A way's Link is the last that holds.
type Link int

// Links, from the event to the person. A route that has no use for a link has it.
const (
	None      Link = iota
	Parses         // pattern or query can be read
	Matches        // takes the events and none of the others
	Fed            // a live trail brings the events there
	Watched        // an alarm watches the metric of the filter
	Fires          // one event alone reaches ALARM
	Acts           // there is an action, and it is switched on
	Publishes      // the topic and its key let it publish
	Heard          // a person's subscription is confirmed
)

var linkNames = map[string]Link{
	"parses": Parses, "matches": Matches, "fed": Fed, "watched": Watched, "fires": Fires, "acts": Acts, "publishes": Publishes, "heard": Heard,
}

// ParseLink reads a link's name, such as fires.
func ParseLink(s string) (Link, error) {
	l, ok := linkNames[s]
	if !ok {
		return None, fmt.Errorf("link %q: want one of parses, matches, fed, watched, fires, acts, publishes, heard", s)
	}
	return l, nil
}

// Sample is a CloudTrail record that a person should hear of, or should not.
type Sample struct {
	Name string // for a person: service:Event and where it is from
	text []byte
}

// sampleAccount is the account in the samples. Where they are judged, it is replaced by
// the account whose facts they meet, because patterns may name it.
const sampleAccount = "111122223333"

// NewSample makes a sample of a record.
func NewSample(name string, record map[string]any) (Sample, error) {
	text, err := json.Marshal(record)
	return Sample{name, text}, err
}

// Watch is what has to be heard of, and what is another thing.
type Watch struct{ Events, Others []Sample }

// Way is one way from the events towards a person.
type Way struct {
	Route
	Link         // the last that holds
	Truth        // whether the way holds to its end
	Says  string // for a person: how far it goes, and what breaks
	Gaps  []facts.Gap
}

// Proof is all ways of a watch.
type Proof struct {
	Ways []Way
	// Gaps are facts that were not read and may hide a way, by route.
	Gaps map[Route][]facts.Gap
}

// Peer finds the snapshot of another account, nil if there is none.
type Peer func(rootkeep.AccountID) *facts.Snapshot

// Prover judges watches over one account.
type Prover struct {
	home  *account
	peer  Peer
	peers map[rootkeep.AccountID]*account
	// What was worked out once: patterns by their text, nil if they cannot be read.
	filters  map[string]*filterpattern.Pattern
	patterns map[string]*eventpattern.Pattern
	queries  map[string]*logquery.Query
	mail     map[posting]permission
}

// New makes a prover of an account. peer may be nil.
func New(s *facts.Snapshot, peer Peer) *Prover {
	return &Prover{
		home: newAccount(s), peer: peer, peers: map[rootkeep.AccountID]*account{}, filters: map[string]*filterpattern.Pattern{}, patterns: map[string]*eventpattern.Pattern{},
		queries: map[string]*logquery.Query{}, mail: map[posting]permission{},
	}
}

// Prove finds the ways of a watch.
func (p *Prover) Prove(w *Watch) Proof {
	t := p.task(w)
	out := Proof{Gaps: map[Route][]facts.Gap{}}
	for _, route := range []struct {
		name Route
		walk func(*task) ([]Way, []facts.Gap)
		ends []string // facts at the end of the route
	}{
		{MetricFilter, p.byFilter, []string{"composite_alarms.rule"}}, {EventRule, p.byRule, []string{"event_rules.targets"}}, {LogAlarm, p.byLogAlarm, nil},
	} {
		ways, gaps := route.walk(t)
		gaps = append(gaps, p.refused(append(route.ends, "trails.logging", "trails.selectors", "subscriptions.confirmed", "topics.policy", "topics.key_enabled", "topics.key_policy"))...)
		for i := range ways {
			ways[i].Route = route.name
		}
		out.Ways = append(out.Ways, ways...)
		out.Gaps[route.name] = gaps
	}
	return out
}

// refused are the gaps of facts that AWS was asked for in vain. A way that breaks before
// them is broken, but that is said only once all was read. What another account keeps
// to itself does not count: nobody here can read it.
func (p *Prover) refused(paths []string) []facts.Gap {
	var out []facts.Gap
	for _, path := range paths {
		gaps, _ := p.home.lacks(path)
		for _, g := range gaps {
			if arn, err := rootkeep.ParseARN(g.Resource); g.Permission != "" && (err != nil || arn.Account == p.home.id) {
				out = append(out, g)
			}
		}
	}
	return out
}

// other is another account, nil without its snapshot.
func (p *Prover) other(id rootkeep.AccountID) *account {
	if id == p.home.id {
		return p.home
	}
	if a, ok := p.peers[id]; ok {
		return a
	}
	var a *account
	if p.peer != nil {
		if s := p.peer(id); s != nil {
			a = newAccount(s)
		}
	}
	p.peers[id] = a
	return a
}

// task is a watch with its samples as this account would log them.
type task struct {
	watch   *Watch
	account rootkeep.AccountID
	logged  *samples            // nil before they are asked for: most accounts have nothing that may take them
	local   map[string]*samples // as EventBridge has them, by Region
}

// samples are the events and the others of one Region.
type samples struct{ events, others []record }

// record is a sample on its way through the facts.
type record struct {
	name   string
	text   []byte
	fields map[string]any
	event  map[string]any // as EventBridge delivers it, if it is of a Region
}

func (p *Prover) task(w *Watch) *task {
	return &task{watch: w, account: p.home.id, local: map[string]*samples{}}
}

// samples are those of the watch, of whatever Region.
func (t *task) samples() *samples {
	if t.logged == nil {
		t.logged = &samples{t.read(t.watch.Events), t.read(t.watch.Others)}
	}
	return t.logged
}

func (t *task) read(list []Sample) []record {
	out := make([]record, len(list))
	for i, s := range list {
		text := s.text
		if t.account != "" {
			text = bytes.ReplaceAll(text, []byte(sampleAccount), []byte(t.account))
		}
		v, _ := eventpattern.Decode(text) // NewSample wrote it
		fields, _ := v.(map[string]any)
		out[i] = record{name: s.Name, text: text, fields: fields}
	}
	return out
}

// in is the samples as a Region would log them.
func (t *task) in(region string) *samples {
	if s := t.local[region]; s != nil {
		return s
	}
	local := func(records []record) []record {
		out := make([]record, len(records))
		for i, r := range records {
			r.fields = maps.Clone(r.fields)
			r.fields["awsRegion"] = region
			r.event = eventpattern.Event(r.fields)
			out[i] = r
		}
		return out
	}
	logged := t.samples()
	s := &samples{local(logged.events), local(logged.others)}
	t.local[region] = s
	return s
}

// match runs the records through a pattern or a query. One that takes some of the
// events was meant for them; one that takes none is about other things and no way.
func (t *task) match(name string, takes func(record) Truth) Way {
	missed := ""
	matched, sure := 0, yes
	for _, e := range t.samples().events {
		m := takes(e)
		if m == no {
			missed = e.name
			continue
		}
		matched++
		sure = min(sure, m)
	}
	switch {
	case matched == 0:
		return Way{}
	case missed != "":
		return Way{Link: Parses, Says: fmt.Sprintf("%s does not match %s", name, missed)}
	}
	for _, e := range t.samples().others {
		if takes(e) == yes {
			return Way{Link: Parses, Says: fmt.Sprintf("%s matches %s as well, which is another thing", name, e.name)}
		}
	}
	if sure == unknown {
		return Way{Link: Parses, Truth: unknown, Says: name + ": whether it matches hangs on how AWS compares a property that is not there"}
	}
	return Way{Link: Matches, Truth: yes}
}

// within says in which other account something is; nothing for the account itself.
func (p *Prover) within(a *account) string {
	if a == p.home {
		return ""
	}
	return "in account " + string(a.id) + ": "
}

// sameRegion says whether two ARNs are of one Region.
func sameRegion(a, b string) bool {
	x, err := rootkeep.ParseARN(a)
	y, err2 := rootkeep.ParseARN(b)
	return err == nil && err2 == nil && x.Region == y.Region
}

// groupOf splits a log group's ARN: arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*.
func groupOf(arn string) (rootkeep.ARN, string, bool) {
	a, err := rootkeep.ParseARN(arn)
	name, _, _ := strings.Cut(strings.TrimPrefix(a.Resource, "log-group:"), ":")
	return a, name, err == nil
}
