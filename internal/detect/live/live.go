// Package live detects while events happen: records go in as they come, late, twice
// and out of order; after each step alerts come out, and rows with all that has to be
// remembered. The rules, the verdicts and the alerts are those of a hunt (package
// detect) over the same records.
//
// # Speculative, revised, settled
//
// A group of events is judged as soon as one of its events is there, by all that are
// known. A late event can change that: an alert grows, its start moves, two are one, or
// there never was one. Whoever keeps alerts keeps them under Alert.Key and replaces
// them. What happened Lateness ago is settled: an event that comes later still is in an
// alert of its own group, but no longer in a window, and Changes.Late counts it. Only a
// silence is not told before it is settled, as events on their way look like one, nor
// before everything was observed up to there: see Reach.
//
// # State
//
// The engine keeps nothing that is not in a row. The caller stores the rows of a step,
// its alerts and how far its sources were read in one transaction. If that fails, or
// the process dies, it makes a new Engine, which goes on from the rows: no event is
// lost, and none counts twice. Rows are loaded as their groups are touched and the
// memory for them is bounded.
//
// # Shares
//
// Several engines share the work by groups: Route says which groups a record touches,
// Options.Owns which of them an engine keeps. A row belongs to its group, so groups can
// change hands when no engine has them.
package live

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/inventory"
	"github.com/rootkeep/rootkeep/internal/detect/origin"
)

const (
	// DefaultLateness is how late events may come: CloudTrail delivers most within 15
	// minutes, and sources may have a bad hour.
	DefaultLateness = 2 * time.Hour
	// Redelivery is how long after it came an event is known again; while time is held
	// it counts from when it happened. A folder is looked through for a week.
	Redelivery = 8 * 24 * time.Hour
	// DefaultMemory is for rows that are kept in memory, bytes.
	DefaultMemory = 64 << 20
)

// Options are what an engine needs beside its rules.
type Options struct {
	Lateness  time.Duration    // 0 is DefaultLateness
	Inventory inventory.List   // watched resources known beforehand
	Scans     *inventory.Scans // sessions of rootkeep's own scans
	Atlas     *origin.Atlas    // countries, networks, lists; nil knows nothing
	// DryRun names rules on trial: their alerts are marked and never mix with others.
	DryRun func(rule string) bool
	// Load gives the data of those of the rows that there are.
	Load func(ctx context.Context, keys []string) (map[string][]byte, error)
	// Due gives, in ascending order, at most limit keys beyond after of the rows whose
	// Due is not later than now.
	Due    func(ctx context.Context, now int64, after string, limit int) ([]string, error)
	Memory int // bytes of rows kept; 0 is DefaultMemory
	// Now is the wall clock, from which on copies of an event are known for as long as they
	// may come: steps are behind it while a source has a backlog. Nil: the time of steps.
	Now func() time.Time
	// Owns says which groups are this engine's; nil: all.
	Owns func(hash uint64) bool
	// Part names the engine's own rows where several share the groups; no two of them
	// have the same.
	Part string
}

// Row is state under a key.
type Row struct {
	Key  string
	Data []byte // nil: the row is to be dropped
	// Until is from when on, Unix seconds, the row may be dropped without asking;
	// math.MaxInt64 for never. It is the time that Step is told, not the clock: while
	// that is held, rows of the past are needed.
	Until int64
	// Due is when the row has to be looked at though nothing touches it, Unix seconds;
	// math.MaxInt64 for never.
	Due int64
}

// Alert is an alert as it stands now.
type Alert struct {
	// Key stays while the alert grows and its start moves. It is the alert's ID.
	Key      string
	Absorbed []string // keys of alerts that are part of this one now
	// Gone says that there is no such alert: late events showed that its condition
	// never held. Nothing but Key is set then.
	Gone   bool
	DryRun bool // of rules on trial alone
	rootkeep.Alert
}

// Volume is what one rule added in one hour of events.
type Volume struct {
	Rule    string
	Hour    int64 // its first second, Unix seconds
	Matches int
	Alerts  int // new ones, by the hour of their first event
}

// Changes are what a step comes to.
type Changes struct {
	Alerts []Alert // those that are new or changed
	Rows   []Row   // each key once
	Volume []Volume
	// Stale are prefixes of keys of rows whose rules are gone or were changed.
	Stale []string
	// Notices say what could not be taken over: windows of changed rules, rows that
	// could not be read.
	Notices []string

	Events     int // records observed
	Matches    int // of rules, duplicates removed
	Duplicates int // matching records that had come before
	Altered    int // that share an ID with one that rules judge differently
	Scans      int // that are explained by own scans
	Late       int // that came too late for a window
}

// Engine detects. It serves one goroutine. The changes of a step are to be stored
// before the next one; after an error, or if they were not, the engine is of no use any
// more.
type Engine struct {
	pack    *detect.Pack
	options Options
	hunt    *detect.Hunt
	sifter  *detect.Sifter
	ways    *ways
	rules   map[string]int32 // by name
	// generation stands for the rules: under others a record has another verdict.
	generation uint64
	rows       *cache

	started bool
	now     int64  // up to where the last step was told that time goes
	whole   int64  // and up to where everything was observed: silence goes by that
	woken   string // key of the due row that was looked at last, "" to begin with the first
	looked  int64  // up to when all that was due was looked at
	soonest int64  // when one of the rows is due that were changed since
	waiting []pending
	size    int // bytes of waiting, about
	learnt  bool
	changes Changes // of the step to come
	volume  map[volumeKey]*Volume
}

// Reach is how far what happened was observed.
type Reach struct {
	// Time is up to where time goes: what happened Lateness before is settled. It is the
	// wall clock while all sources answer, else what it was when one stopped answering or has
	// a backlog that is not read yet. So an outage settles nothing, and catching up finds all
	// windows open.
	Time time.Time
	// Whole is up to when everything was observed but for what comes late. It is behind Time
	// while time goes on without a source: what that would have brought is not known, and no
	// silence is told of it.
	Whole time.Time
}

type volumeKey struct {
	rule string
	hour int64
}

// New makes an engine that goes on from the rows that Options.Load gives.
func New(pack *detect.Pack, o Options) (*Engine, error) {
	if o.Load == nil || o.Due == nil {
		return nil, errors.New("live: Load and Due are required")
	}
	if o.Lateness == 0 {
		o.Lateness = DefaultLateness
	}
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	hunt, err := detect.NewHunt(pack, detect.Options{
		Inventory: o.Inventory, Scans: o.Scans, Atlas: o.Atlas, OnTrial: o.DryRun, DedupMemory: 1,
	})
	if err != nil {
		return nil, err
	}
	e := &Engine{
		pack: pack, options: o, hunt: hunt, sifter: hunt.NewSifter(), rules: map[string]int32{},
		generation: generation(pack), rows: newCache(o.Memory), now: math.MinInt64, whole: math.MinInt64, looked: math.MinInt64, volume: map[volumeKey]*Volume{},
	}
	for i := range pack.Set.Rules() {
		e.rules[detect.RuleName(&pack.Set.Rules()[i].Header)] = int32(i)
	}
	if e.ways, err = newWays(pack); err != nil {
		return nil, err
	}
	return e, nil
}

// Fields are the paths a reader must scan records for.
func (e *Engine) Fields() []string { return e.hunt.Fields() }

// Derived is the number of computed fields a view needs beside them.
func (e *Engine) Derived() int { return e.hunt.Derived() }

// Waiting is about how many bytes the matches take that wait for a step. A caller
// bounds them by stepping in time.
func (e *Engine) Waiting() int { return e.size }

// settled is up to where time is settled once now is reached.
func (e *Engine) settled(now int64) int64 {
	if now == math.MinInt64 {
		return now
	}
	return now - int64(e.options.Lateness/time.Second)
}

func (e *Engine) owns(hash uint64) bool { return e.options.Owns == nil || e.options.Owns(hash) }

func (e *Engine) ruleName(rule int32) string {
	return detect.RuleName(&e.pack.Set.Rules()[rule].Header)
}

// trial says that a rule or correlation of this name is on trial.
func (e *Engine) trial(name string) bool { return e.options.DryRun != nil && e.options.DryRun(name) }

// Route gives the groups that a record touches, as Options.Owns is asked for them; none
// if nothing matched. everywhere says that the record tells of watched resources, which
// every engine must know. A rule on a watched resource counts as matching.
func (e *Engine) Route(rec *cloudtrail.Record) (groups []uint64, everywhere bool) {
	everywhere = e.sifter.Teaches(rec)
	if sifted, ok := e.sifter.Sift(rec, "", true); ok {
		for _, s := range e.shares(&sifted) {
			groups = append(groups, s.hash)
		}
	}
	e.sifter.Scans()
	if len(e.waiting) == 0 {
		e.sifter.Renew()
	}
	return groups, everywhere
}
