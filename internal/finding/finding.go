// Package finding reads what GuardDuty and Security Hub find. The detail of an event of
// EventBridge goes in; sightings of alerts come out, that name principals as the detections
// of rootkeep do, so that both are found under one name. What root did is never less than
// high: GuardDuty marks it low.
package finding

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// The kinds of events that tell of findings, as EventBridge calls them.
//
// Source: Amazon GuardDuty User Guide, "Processing GuardDuty findings with Amazon
// EventBridge"; AWS Security Hub User Guide, "EventBridge event formats for Security Hub CSPM".
const (
	GuardDutyEvent   = "GuardDuty Finding"
	SecurityHubEvent = "Security Hub Findings - Imported"
)

// The types of findings about root, both low by default (Amazon GuardDuty User Guide,
// "GuardDuty IAM finding types").
const (
	RootUse      = "Policy:IAMUser/RootCredentialUsage"
	ShortRootUse = "Policy:IAMUser/ShortTermRootCredentialUsage" // of a session made by sts:AssumeRoot
)

// Bounds of what a finding says.
const (
	longestText = 1024 // characters of a description
	longestName = 200  // of a title, a type and the name of a principal
	longestID   = 512  // bytes
	mostAtOnce  = 100  // findings of one event: Security Hub sends one
	mostCount   = 1_000_000_000
)

// Is says whether a kind of event tells of findings.
func Is(kind string) bool { return kind == GuardDutyEvent || kind == SecurityHubEvent }

// Read reads the detail of an event. Findings that rootkeep sent itself are left out. The
// error is of a finding that says not what, where, when or how bad: nobody may take it for
// harmless.
func Read(kind string, detail []byte) ([]alert.Sighting, error) {
	switch kind {
	case GuardDutyEvent:
		var d duty
		if err := json.Unmarshal(detail, &d); err != nil {
			return nil, errors.New("an event of GuardDuty whose detail is no finding")
		}
		s, err := d.sighting()
		if err != nil {
			return nil, fmt.Errorf("finding %.100q of GuardDuty: %w", d.ID, err)
		}
		return []alert.Sighting{*s}, nil
	case SecurityHubEvent:
		return readHub(detail)
	}
	return nil, fmt.Errorf("an event of the kind %.80q, which tells of no finding", kind)
}

func readHub(detail []byte) ([]alert.Sighting, error) {
	var d struct{ Findings []hub }
	if err := json.Unmarshal(detail, &d); err != nil || len(d.Findings) == 0 {
		return nil, errors.New("an event of Security Hub whose detail has no findings")
	}
	if len(d.Findings) > mostAtOnce {
		return nil, fmt.Errorf("an event of Security Hub with more than %d findings", mostAtOnce)
	}
	var out []alert.Sighting
	for i := range d.Findings {
		f := &d.Findings[i]
		if f.own() {
			continue
		}
		s, err := f.sighting()
		if err != nil {
			return nil, fmt.Errorf("finding %.100q of Security Hub: %w", f.ID, err)
		}
		out = append(out, *s)
	}
	return out, nil
}

// said is what a finding of either service says.
type said struct {
	id                 string // ARN
	account            string
	region             string
	product            string // who found it
	rule, kind         string // kind is GuardDuty's type, "" for what others found
	title, about       string
	level              rootkeep.Severity
	actor              rootkeep.Actor
	first, last, heard string
	count              int
	over               string // why it is over, "" while it holds
	advice             string
	notes              []string // more that it names
	actions            []rootkeep.Count
	addresses          []rootkeep.Address
}

// sighting is the finding as an alert.
func (s *said) sighting() (*alert.Sighting, error) {
	account, err := rootkeep.ParseAccountID(s.account)
	switch {
	case err != nil:
		return nil, err
	case s.id == "" || len(s.id) > longestID:
		return nil, fmt.Errorf("an ID of %d bytes, want 1 to %d", len(s.id), longestID)
	case s.rule == "" || s.title == "":
		return nil, errors.New("without a type or a title")
	}
	first, last, err := span(s.first, s.last)
	if err != nil {
		return nil, err
	}
	heard, err := moment(s.heard)
	if err != nil {
		return nil, err
	}
	title, count := text.Visible(s.title, longestName), max(1, min(s.count, mostCount))
	hit := rootkeep.RuleHit{ID: text.Visible(s.rule, longestName), Title: title, Count: count, Author: text.Visible(s.product, longestName), Guidance: text.Visible(s.advice, longestText)}
	hit.Name, hit.Level = hit.ID, s.level
	f := rootkeep.Alert{
		Title: title, Kind: alert.FindingKind, State: "open", Account: account, Actor: visible(s.actor), Tactic: tactic(s.kind),
		First: first, Last: last, Count: count, Actions: s.actions, Addresses: s.addresses, EventsOmitted: count,
	}
	if f.Actor.Type == "Root" {
		hit.Level = max(hit.Level, rootkeep.High)
		hit.Opens = "root-compromise"
		f.Techniques = []rootkeep.Technique{{ID: "T1078.004"}}
	}
	f.Level, f.Opens, f.Rules = hit.Level, hit.Opens, []rootkeep.RuleHit{hit}
	if region, err := rootkeep.ParseRegion(s.region); err == nil {
		f.Regions = []rootkeep.Region{region}
	}
	for _, note := range append([]string{s.about, "finding " + s.id}, s.notes...) {
		if note != "" {
			f.Notes = append(f.Notes, text.Visible(note, longestText))
		}
	}
	return &alert.Sighting{Key: "finding/" + s.id, Over: s.over, Heard: heard, Alert: f}, nil
}

// visible makes texts of an actor safe to show: a name under which others are grouped does
// not change by it, because AWS's names have no such characters.
func visible(a rootkeep.Actor) rootkeep.Actor {
	for _, t := range []*string{&a.Type, &a.ARN, &a.Principal, &a.AccessKeyID, &a.Session} {
		*t = text.Visible(*t, longestText)
	}
	if _, err := rootkeep.ParseAccountID(string(a.Account)); err != nil {
		a.Account = ""
	}
	return a
}

func span(first, last string) (time.Time, time.Time, error) {
	a, err := moment(first)
	if err != nil {
		return a, a, err
	}
	b, err := moment(last)
	if b.Before(a) {
		a, b = b, a
	}
	return a, b, err
}

func moment(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() < 2000 || t.Year() > 2200 {
		return time.Time{}, fmt.Errorf("time %.40q: want one such as 2026-11-27T10:00:00Z", text)
	}
	return t.UTC(), nil
}

// duties are GuardDuty's levels, from the severity at which each begins (Amazon GuardDuty
// User Guide, "Severity levels of GuardDuty findings").
var duties = []struct {
	from  float64
	level rootkeep.Severity
}{{9, rootkeep.Critical}, {7, rootkeep.High}, {4, rootkeep.Medium}, {1, rootkeep.Low}, {0, rootkeep.Informational}}

// labels are Security Hub's, and the normalized severity at which each begins (AWS Security
// Hub User Guide, "Severity").
var labels = []struct {
	name  string
	from  float64
	level rootkeep.Severity
}{
	{"CRITICAL", 90, rootkeep.Critical}, {"HIGH", 70, rootkeep.High}, {"MEDIUM", 40, rootkeep.Medium}, {"LOW", 1, rootkeep.Low}, {"INFORMATIONAL", 0, rootkeep.Informational},
}

func dutyLevel(severity *float64) (rootkeep.Severity, error) {
	if severity != nil && *severity <= 10 {
		for _, d := range duties {
			if *severity >= d.from {
				return d.level, nil
			}
		}
	}
	return 0, errors.New("its severity is none from 0 to 10")
}

func hubLevel(label string, normalized *float64) (rootkeep.Severity, error) {
	for _, l := range labels {
		if label == l.name || label == "" && normalized != nil && *normalized >= l.from && *normalized <= 100 {
			return l.level, nil
		}
	}
	return 0, fmt.Errorf("severity %.40q: want INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL", label)
}

// tactics of ATT&CK, by what GuardDuty calls the purpose of a threat (Amazon GuardDuty User
// Guide, "GuardDuty finding format"). Purposes that name an attack, and no tactic, have none.
var tactics = map[string]string{
	"CredentialAccess": "credential-access", "DefenseEvasion": "defense-evasion", "Discovery": "discovery", "Execution": "execution", "Exfiltration": "exfiltration", "Impact": "impact",
	"InitialAccess": "initial-access", "Persistence": "persistence", "PrivilegeEscalation": "privilege-escalation", "Recon": "reconnaissance", "Stealth": "defense-evasion",
	"UnauthorizedAccess": "initial-access",
}

func tactic(kind string) string {
	if kind == RootUse || kind == ShortRootUse {
		return "privilege-escalation"
	}
	purpose, _, _ := strings.Cut(kind, ":")
	return tactics[purpose]
}

// whole is a number that JSON may hold as a fraction.
func whole(n float64) int {
	if math.IsNaN(n) || n < 0 {
		return 0
	}
	return int(min(n, mostCount))
}
