// Package report renders the outcome of a hunt. A Hunt goes in; a terminal
// summary, JSON, NDJSON, CSV, SARIF, OCSF or one self-contained HTML file comes
// out. Renderers are functions of values: they read no clock, no environment and
// no terminal, so the same Hunt gives the same bytes.
//
// Every string that AWS or a log file controls is hostile: it passes Visible
// before a person sees it, and the escaping of its format on top.
package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Schema names the JSON form of Hunt. The number rises when a field changes its
// meaning or goes away; new fields do not raise it.
const Schema = "rootkeep/hunt/1"

// Hunt is everything that one hunt found, and how it was made.
type Hunt struct {
	Version  string    `json:"version"` // of rootkeep
	Started  time.Time `json:"started"` // wall time, given in by the caller
	Finished time.Time `json:"finished"`
	Inputs   []string  `json:"inputs"` // paths as the user named them
	Asked    Asked     `json:"asked"`
	Rules    Rules     `json:"rules"`

	// First and Last are the times of the earliest and latest event read, zero
	// when there was none.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	Seen  []Seen    `json:"seen"`

	// Alerts are sorted most severe first; see Derive.
	Alerts   []rootkeep.Alert `json:"alerts"`
	Sessions []RootSession    `json:"root_sessions"`
	Timeline Timeline         `json:"timeline"`
	Totals   Totals           `json:"totals"`
	Coverage Coverage         `json:"coverage"`
	Problems []Problem        `json:"problems"`
	// Notices say what was not done: geography database absent, learning time not
	// reached, a placeholder without values.
	Notices []string `json:"notices"`
	// Interrupted says that the hunt was stopped before all input was read.
	Interrupted bool `json:"interrupted"`
	// ExitCodes are all exit codes that apply, the one used first.
	ExitCodes []int `json:"exit_codes"`
}

// Asked is what the user narrowed the hunt to.
type Asked struct {
	MinLevel rootkeep.Severity    `json:"min_level"` // alerts below it are not in Alerts
	Since    time.Time            `json:"since,omitzero"`
	Until    time.Time            `json:"until,omitzero"`
	Accounts []rootkeep.AccountID `json:"accounts,omitempty"` // empty: all
}

// Rules counts what the events were compared with.
type Rules struct {
	Single       int `json:"single"`       // rules over one event
	Correlations int `json:"correlations"` // rules over several
	Failed       int `json:"failed"`       // files that did not load; each is a Problem
}

// Seen says that events of one account and Region were read. It does not say
// that all of them were there.
type Seen struct {
	Account rootkeep.AccountID `json:"account"`
	Region  rootkeep.Region    `json:"region"`
	Events  int64              `json:"events"`
	First   time.Time          `json:"first"`
	Last    time.Time          `json:"last"`
}

// MFA answers whether a session was opened with a second factor.
type MFA string

// The answers. Programmatic use of a root access key tells nothing: MFAUnknown.
const (
	MFAUsed    MFA = "yes"
	MFANotUsed MFA = "no"
	MFAUnknown MFA = "unknown"
)

// RootSession is a stretch of activity of one account's root user.
type RootSession struct {
	Account   rootkeep.AccountID `json:"account"`
	Start     time.Time          `json:"start"`
	End       time.Time          `json:"end"`
	MFA       MFA                `json:"mfa"`
	Addresses []rootkeep.Address `json:"addresses"` // most frequent first
	Agents    []string           `json:"agents"`
	Keys      []string           `json:"access_key_ids,omitempty"` // of root, used in the session
	Regions   []rootkeep.Region  `json:"regions"`
	Calls     []Call             `json:"calls"` // most frequent first
	Events    int                `json:"events"`
	Failed    int                `json:"failed"`
	// Approval says what is known of the request behind the session. "approval
	// not checked" until requests exist.
	Approval string   `json:"approval"`
	Alerts   []string `json:"alerts"` // IDs of alerts raised by the session
}

// Call counts one API call within a session.
type Call struct {
	Name   string `json:"name"`   // eventName
	Source string `json:"source"` // eventSource
	Count  int    `json:"count"`
	Failed int    `json:"failed"`
}

// Levels counts alerts by severity.
type Levels struct {
	Critical      int `json:"critical"`
	High          int `json:"high"`
	Medium        int `json:"medium"`
	Low           int `json:"low"`
	Informational int `json:"informational"`
}

// Add counts one alert; a severity out of range counts as critical.
func (l *Levels) Add(s rootkeep.Severity) {
	switch s {
	case rootkeep.Informational:
		l.Informational++
	case rootkeep.Low:
		l.Low++
	case rootkeep.Medium:
		l.Medium++
	case rootkeep.High:
		l.High++
	default:
		l.Critical++
	}
}

// Of is the count of one severity.
func (l Levels) Of(s rootkeep.Severity) int {
	return [...]int{l.Informational, l.Low, l.Medium, l.High, l.Critical}[min(s, rootkeep.Critical)]
}

// Total is the count over all severities.
func (l Levels) Total() int { return l.Critical + l.High + l.Medium + l.Low + l.Informational }

// Totals are the counts of a hunt.
type Totals struct {
	Objects       int64 `json:"objects"` // files, zip members, standard input
	StoredBytes   int64 `json:"stored_bytes"`
	InflatedBytes int64 `json:"inflated_bytes"`
	GzipObjects   int64 `json:"gzip_objects"` // objects that were compressed
	GzipMembers   int64 `json:"gzip_members"` // in those
	Events        int64 `json:"events"`       // duplicates removed
	Duplicates    int64 `json:"duplicates"`
	// DedupApproximateFrom names the file from which on Events and Duplicates are
	// approximate because the memory for event IDs was used up; empty: exact.
	DedupApproximateFrom string `json:"dedup_approximate_from,omitempty"`
	Matches              int64  `json:"matches"` // of rules, before grouping
	Alerts               Levels `json:"alerts"`
	// Hidden counts the alerts below Asked.MinLevel.
	Hidden Levels `json:"hidden_alerts"`
	// Unread counts the problems that cost something, listed or not: events that
	// were not read, rules that were not used.
	Unread int64 `json:"unread"`
}

// Coverage says whether the log is proven complete for the period.
type Coverage struct {
	Proven bool `json:"proven"`
	// Detail says what was proven or what is missing, in one sentence.
	Detail string `json:"detail,omitempty"`
}

// Problem is input that could not be read or a rule that could not be loaded.
// The rest was processed.
type Problem struct {
	File string `json:"file"`
	// Offset is the position in the inflated file, bytes; -1 when there is none.
	Offset int64  `json:"offset"`
	Kind   string `json:"kind"`             // truncated, corrupt, not-json, second-member, ...
	Detail string `json:"detail"`           // what was found and what was expected
	Notice bool   `json:"notice,omitempty"` // nothing was lost, as with an empty file
}

// Timeline counts alerts by the time of their first event.
type Timeline struct {
	Seconds int64    `json:"bucket_seconds"` // 3600 or 86400 or a multiple of it
	Buckets []Bucket `json:"buckets"`        // without gaps, earliest first
}

// Bucket is one bar of a Timeline.
type Bucket struct {
	Start  time.Time `json:"start"`
	Alerts Levels    `json:"alerts"`
}

// Reaches says whether any alert, shown or hidden, is at or above a level.
func (h *Hunt) Reaches(level rootkeep.Severity) bool {
	for s := level; s <= rootkeep.Critical; s++ {
		if h.Totals.Alerts.Of(s)+h.Totals.Hidden.Of(s) > 0 {
			return true
		}
	}
	return false
}

// Derive brings h into the form that the renderers expect: it sorts Alerts and
// Sessions most severe first, and fills Totals.Alerts and Timeline from Alerts.
// Lists without elements become empty, never null in JSON. Call it once
// everything else is set.
func (h *Hunt) Derive() {
	h.Inputs, h.Seen, h.Alerts, h.Sessions = present(h.Inputs), present(h.Seen), present(h.Alerts), present(h.Sessions)
	h.Problems, h.Notices, h.ExitCodes = present(h.Problems), present(h.Notices), present(h.ExitCodes)
	slices.SortStableFunc(h.Alerts, func(a, b rootkeep.Alert) int {
		return cmp.Or(cmp.Compare(b.Level, a.Level), a.First.Compare(b.First), cmp.Compare(a.ID, b.ID))
	})
	worst := h.levels()
	slices.SortStableFunc(h.Sessions, func(a, b RootSession) int {
		return cmp.Or(cmp.Compare(b.level(worst), a.level(worst)), a.Start.Compare(b.Start), cmp.Compare(a.Account, b.Account))
	})
	h.Totals.Alerts = Levels{}
	for i := range h.Alerts {
		h.Totals.Alerts.Add(h.Alerts[i].Level)
	}
	h.Timeline = newTimeline(h.Alerts, h.First, h.Last)
}

func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// levels maps the ID of each alert to its severity.
func (h *Hunt) levels() map[string]rootkeep.Severity {
	byID := map[string]rootkeep.Severity{}
	for i := range h.Alerts {
		byID[h.Alerts[i].ID] = h.Alerts[i].Level
	}
	return byID
}

// level is that of the most severe alert of the session.
func (s RootSession) level(byID map[string]rootkeep.Severity) rootkeep.Severity {
	worst := rootkeep.Informational
	for _, id := range s.Alerts {
		worst = max(worst, byID[id])
	}
	return worst
}

// maxBuckets keeps a bar at least three pixels wide on a telephone.
const maxBuckets = 96

func newTimeline(alerts []rootkeep.Alert, first, last time.Time) Timeline {
	alerts = slices.DeleteFunc(slices.Clone(alerts), func(a rootkeep.Alert) bool { return a.First.IsZero() })
	for i := range alerts {
		at := alerts[i].First
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
	}
	if first.IsZero() {
		return Timeline{Buckets: []Bucket{}}
	}
	width := bucketWidth(last.Sub(first))
	t := Timeline{Seconds: int64(width / time.Second)}
	start := first.UTC().Truncate(width)
	for at := start; !at.After(last); at = at.Add(width) {
		t.Buckets = append(t.Buckets, Bucket{Start: at})
	}
	for i := range alerts {
		t.Buckets[alerts[i].First.Sub(start)/width].Alerts.Add(alerts[i].Level)
	}
	return t
}

// bucketWidth is the shortest of an hour, a day and multiples of 7 days that
// covers span in at most maxBuckets.
func bucketWidth(span time.Duration) time.Duration {
	const day = 24 * time.Hour
	// One bucket is kept in reserve: truncation can add one.
	for _, w := range []time.Duration{time.Hour, day} {
		if span/w < maxBuckets-1 {
			return w
		}
	}
	weeks := span/(7*day*(maxBuckets-1)) + 1
	return weeks * 7 * day
}

// Next is what to do about an alert now: the guidance of its most severe rule,
// or a sentence for its level.
func Next(a *rootkeep.Alert) string {
	if hit := Leading(a); hit != nil && hit.Guidance != "" {
		return hit.Guidance
	}
	switch a.Level {
	case rootkeep.Informational:
		return "Context for other alerts; nothing to do by itself."
	case rootkeep.Low:
		return "Look at it with the daily review."
	case rootkeep.Medium:
		return "Find out within this shift who did this and why."
	case rootkeep.High:
		return "Ask the owner of this identity now, by a channel outside AWS; if nobody stands by it, treat it as an incident."
	default:
		return "Treat it as an incident: keep the logs, reach the owner by a channel outside AWS, be ready to cut the credentials."
	}
}

// Leading is the most severe rule of an alert, the first of equals; nil without
// rules.
func Leading(a *rootkeep.Alert) *rootkeep.RuleHit {
	var top *rootkeep.RuleHit
	for i := range a.Rules {
		if top == nil || a.Rules[i].Level > top.Level {
			top = &a.Rules[i]
		}
	}
	return top
}
