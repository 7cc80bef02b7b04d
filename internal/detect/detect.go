// Package detect turns CloudTrail records into alerts: records go in, in any
// order and over any number of workers; grouped alerts, root sessions and
// counts come out. What it knows it reads from detections (Sigma rules with
// settings under the key rootkeep).
package detect

import (
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/inventory"
	"github.com/rootkeep/rootkeep/internal/detect/origin"
	"github.com/rootkeep/rootkeep/internal/detect/seen"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
)

// Options say what a hunt looks at.
type Options struct {
	// Since and Until are the period that alerts are asked for, half-open [Since, Until);
	// zero is open. What came before teaches windows, sessions and baselines, and an alert
	// belongs to the period if its last event does.
	Since, Until time.Time
	ReadFrom     time.Time            // logs delivered before may be left out unread; zero: none is
	Accounts     []rootkeep.AccountID // empty: all
	Inventory    inventory.List       // watched resources known beforehand
	Scans        *inventory.Scans     // sessions of rootkeep's own scans, which are no intruder's
	Atlas        *origin.Atlas        // countries, networks, lists; nil knows nothing
	DedupMemory  int                  // bytes of the set of seen event IDs; 0 is DefaultDedupMemory
	// Observed is up to when the log is known to have been watched, so that silence
	// can be judged up to there; zero: up to its last event.
	Observed time.Time
	// OnTrial, when set, names rules whose matches are grouped apart from others'.
	OnTrial func(rule string) bool
	// OnMatch, when set, is called for every rule match, from any worker.
	OnMatch func(Match)
}

// DefaultDedupMemory holds more than eleven million event IDs.
const DefaultDedupMemory = 256 << 20

// maxGroups bounds the groups of alerts with their evidence, in bytes. A forged log
// can begin a group with every event.
const maxGroups = 256 << 20

// PrincipalField is the number of the field that names who made the call, in the view of
// a record that a worker has observed: the role, the user or the root, never a session.
func (h *Hunt) PrincipalField() int { return len(h.Fields()) + dPrincipal }

// CountryField is likewise that of the country of the source address, ISO 3166-1 alpha-2,
// without a value when it is not known and (relay) for an address on a relay list.
func (h *Hunt) CountryField() int { return len(h.Fields()) + dCountry }

// Match is one rule that matched one event.
type Match struct {
	Rule  string            `json:"rule"` // the rule's name, or its ID
	Title string            `json:"title"`
	Level rootkeep.Severity `json:"level"`
	Event *rootkeep.Event   `json:"event"`
}

// Hunt is one run over a set of records.
type Hunt struct {
	pack    *Pack
	options Options
	seen    *seen.Set
	since   int64        // Unix seconds, inclusive
	until   int64        // exclusive
	within  waiting      // deferred records of the asked period, over all workers
	before  waiting      // and those from before it
	room    atomic.Int64 // bytes left for groups, over all workers
	trial   []bool       // by rule number; nil for none
}

// waiting counts deferred records.
type waiting struct {
	held    atomic.Int64 // bytes
	dropped atomic.Int64 // records that were not deferred for want of room
}

// NewHunt prepares a run; the pack may serve several.
func NewHunt(pack *Pack, o Options) (*Hunt, error) {
	if pack == nil || pack.Set == nil {
		return nil, errors.New("detect: a compiled pack is required")
	}
	if o.DedupMemory == 0 {
		o.DedupMemory = DefaultDedupMemory
	}
	if o.Atlas == nil {
		o.Atlas = &origin.Atlas{}
	}
	h := &Hunt{pack: pack, options: o, seen: seen.New(o.DedupMemory), since: math.MinInt64, until: math.MaxInt64}
	h.room.Store(maxGroups)
	if o.OnTrial != nil {
		for _, r := range pack.Set.Rules() {
			h.trial = append(h.trial, o.OnTrial(RuleName(&r.Header)))
		}
	}
	if !o.Since.IsZero() {
		h.since = o.Since.Unix()
	}
	if !o.Until.IsZero() {
		h.until = o.Until.Unix()
	}
	return h, nil
}

func (h *Hunt) onTrial(rule int32) bool { return h.trial != nil && h.trial[rule] }

// Result is what a hunt found. The JSON form is stable.
type Result struct {
	Alerts   []rootkeep.Alert `json:"alerts"`   // most severe first
	Sessions []Session        `json:"sessions"` // root sessions, earliest first
	Totals   Totals           `json:"totals"`
	Places   []tally.Place    `json:"places"`            // accounts and Regions with events
	Hours    []tally.Hour     `json:"hours"`             // events over time
	Altered  []rootkeep.Event `json:"altered,omitempty"` // see Totals.Altered; at most 100 of each worker
	Notices  []string         `json:"notices"`
}

// Totals count what a hunt read. Approximate, when not empty, names the file
// from which on duplicates of events that matched nothing may be counted twice.
type Totals struct {
	Events      int64     `json:"events"` // duplicates removed
	Duplicates  int64     `json:"duplicates"`
	Altered     int64     `json:"altered"` // share an ID with an event that rules judge differently
	Before      int64     `json:"before"`  // before the asked period: learned from
	Outside     int64     `json:"outside"` // after the asked period, or not in the asked accounts
	Untimed     int64     `json:"untimed"` // eventTime missing or unreadable
	Matches     int64     `json:"matches"`
	Scans       int64     `json:"own_scans"` // events of own scans that rules matched: explained
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	Approximate string    `json:"approximate_from,omitempty"`
}

// Action counts the calls of one name in a session.
type Action struct {
	Source string `json:"source"` // service prefix, such as iam
	Name   string `json:"name"`
	Count  int    `json:"count"`
	Failed int    `json:"failed"`
}

// Session is one visit of a root user: its events with no gap of an hour.
type Session struct {
	Account   rootkeep.AccountID `json:"account"`
	Actor     rootkeep.Actor     `json:"actor"`
	Start     time.Time          `json:"start"`
	End       time.Time          `json:"end"`
	Events    int                `json:"events"`
	Failed    int                `json:"failed"`
	MFA       string             `json:"mfa"` // yes, no, or not said
	Actions   []Action           `json:"actions"`
	Keys      []string           `json:"access_key_ids,omitempty"`
	Regions   []rootkeep.Region  `json:"regions"`
	Addresses []rootkeep.Address `json:"addresses"`
	Agents    []string           `json:"agents"`
	AlertID   string             `json:"alert_id"`
	Approval  string             `json:"approval"` // "approval not checked" until requests exist
}
