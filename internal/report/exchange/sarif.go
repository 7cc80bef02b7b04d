// Package exchange writes a hunt or a scan in the formats that other tools read: SARIF
// for code scanning and OCSF for security lakes. A report.Hunt or an
// assessment.Assessment goes in.
package exchange

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// SARIF writes alerts as results of one run (OASIS "Static Analysis Results
// Interchange Format (SARIF) Version 2.1.0"). A result is located at its first
// event; the other events are related locations. A byteOffset counts in the
// inflated file, because a compressed file has no position for a record.
func SARIF(w io.Writer, h *report.Hunt) error {
	rules, index := sarifRules(h.Alerts)
	return writeSarif(w, newSarif(h, rules), func(yield func(any) bool) {
		for i := range h.Alerts {
			if !yield(newResult(&h.Alerts[i], index)) {
				return
			}
		}
	})
}

// writeSarif writes a log of one run with its results, which it makes one by one.
func writeSarif(w io.Writer, run sarifRun, results iter.Seq[any]) error {
	run.Results = []sarifResult{}
	d := text.Document{
		Shell:      sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}},
		Lists:      []text.LongList{{Key: "results", Depth: 3, Each: results}},
		EscapeHTML: true,
	}
	if err := d.Write(w); err != nil {
		return fmt.Errorf("write SARIF: %w", err)
	}
	return nil
}

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver sarifDriver `json:"driver"`
	} `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
	Properties  map[string]string `json:"properties"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version,omitempty"`
	Rules   []sarifRule `json:"rules"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID               string            `json:"id"`
	Name             string            `json:"name,omitempty"`
	ShortDescription sarifText         `json:"shortDescription"`
	FullDescription  *sarifText        `json:"fullDescription,omitempty"`
	Help             *sarifText        `json:"help,omitempty"`
	Properties       map[string]string `json:"properties"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Start         string              `json:"startTimeUtc"`
	End           string              `json:"endTimeUtc"`
	Notifications []sarifNotification `json:"toolExecutionNotifications"`
}

type sarifNotification struct {
	Level      string          `json:"level"`
	Message    sarifText       `json:"message"`
	Locations  []sarifLocation `json:"locations,omitempty"`
	Descriptor *sarifReference `json:"descriptor,omitempty"`
}

type sarifReference struct {
	ID string `json:"id"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Kind         string            `json:"kind,omitempty"` // fail if it is left out
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Related      []sarifLocation   `json:"relatedLocations,omitempty"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	Occurrences  int               `json:"occurrenceCount,omitempty"`
	Suppressions []sarifAcceptance `json:"suppressions,omitempty"`
	Properties   any               `json:"properties"` // sarifProperties or scanProperties
}

type sarifProperties struct {
	Severity  rootkeep.Severity    `json:"severity"`
	State     string               `json:"state,omitempty"`
	Account   string               `json:"account"`
	Accounts  []rootkeep.AccountID `json:"accounts,omitempty"`
	Principal string               `json:"principal"`
	First     string               `json:"first"`
	Last      string               `json:"last"`
	Next      string               `json:"next"`
	Rules     []string             `json:"rules"` // all rules that contributed
	Tags      []string             `json:"tags,omitempty"`
}

// sarifLocation is a place in a file, or a resource that has none.
type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	Message  *sarifText     `json:"message,omitempty"`
}

type sarifPhysical struct {
	Artifact struct {
		URI string `json:"uri"`
	} `json:"artifactLocation"`
	Region *sarifRegion `json:"region,omitempty"`
}

type sarifRegion struct {
	ByteOffset int64 `json:"byteOffset"`
}

func newSarif(h *report.Hunt, rules []sarifRule) sarifRun {
	run := sarifRun{
		Invocations: []sarifInvocation{{
			Successful: !h.Interrupted,
			Start:      h.Started.UTC().Format(time.RFC3339), End: h.Finished.UTC().Format(time.RFC3339),
			Notifications: notifications(h),
		}},
		Properties: map[string]string{"coverage": h.CoverageText(), "byteOffset": "counts in the inflated file"},
	}
	run.Tool.Driver = sarifDriver{Name: "rootkeep", Version: h.Version, Rules: rules}
	return run
}

// sarifRules lists the leading rules of alerts once each, in order of appearance,
// and their place in the list.
func sarifRules(alerts []rootkeep.Alert) ([]sarifRule, map[string]int) {
	rules, index, level := []sarifRule{}, map[string]int{}, map[string]rootkeep.Severity{}
	for i := range alerts {
		a := &alerts[i]
		hit := reason(a)
		at, known := index[hit.ID]
		if !known {
			at = len(rules)
			index[hit.ID] = at
			r := sarifRule{ID: hit.ID, Name: text.Visible(hit.Name, 0), ShortDescription: sarifText{text.Visible(hit.Title, 0)}, Properties: map[string]string{}}
			if hit.Guidance != "" {
				r.Help = &sarifText{text.Visible(hit.Guidance, 0)}
			}
			rules = append(rules, r)
		}
		if !known || a.Level > level[hit.ID] {
			level[hit.ID] = a.Level
			rules[at].Properties["security-severity"] = securitySeverity(a.Level)
		}
	}
	return rules, index
}

// securitySeverity is the number by which GitHub code scanning ranks rules, a CVSS-like
// string.
func securitySeverity(s rootkeep.Severity) string {
	return [...]string{"0.0", "3.0", "5.5", "8.0", "9.5"}[min(s, rootkeep.Critical)]
}

// ruleName is the short name of a rule, or its title when it has none.
func ruleName(r rootkeep.RuleHit) string {
	return text.Visible(cmp.Or(r.Name, r.Title), 0)
}

// reason is the leading rule of an alert. An alert without rules is one of
// rootkeep's own; its kind stands for the rule.
func reason(a *rootkeep.Alert) rootkeep.RuleHit {
	hit := report.Leading(a)
	if hit == nil {
		return rootkeep.RuleHit{ID: "rootkeep/" + a.Kind, Title: a.Title, Level: a.Level}
	}
	named := *hit
	if named.ID == "" {
		named.ID = named.Name
	}
	return named
}

func newResult(a *rootkeep.Alert, index map[string]int) sarifResult {
	hit := reason(a)
	about := sarifProperties{
		Severity: a.Level, State: a.State, Account: string(a.Account), Accounts: a.Accounts, Principal: text.Visible(a.Actor.Principal, 0),
		First: a.First.UTC().Format(time.RFC3339), Last: a.Last.UTC().Format(time.RFC3339), Next: text.Visible(report.Next(a), 0),
		Rules: []string{},
	}
	for _, rule := range a.Rules {
		about.Rules = append(about.Rules, ruleName(rule))
	}
	for _, t := range a.Techniques {
		about.Tags = append(about.Tags, "attack."+strings.ToLower(t.ID))
	}
	r := sarifResult{
		RuleID: hit.ID, RuleIndex: index[hit.ID], Level: sarifLevel(a.Level),
		Message: sarifText{fmt.Sprintf("%s: %s, %s, %s", text.Visible(a.Title, text.Line), text.Visible(a.Actor.Principal, text.Line), text.Period(a.First, a.Last),
			text.Counted(a.Count, "event"))},
		Locations:    []sarifLocation{},
		Fingerprints: map[string]string{"rootkeepAlert/v1": a.ID},
		Occurrences:  a.Count,
		Properties:   about,
	}
	for i, e := range a.Events {
		l := location(e.File, e.Offset)
		l.Message = &sarifText{fmt.Sprintf("%s %s, event %s", text.Stamp(e.Time), text.Visible(e.Name, text.Short), text.Visible(e.ID, text.Short))}
		if i == 0 {
			r.Locations = append(r.Locations, l)
		} else {
			r.Related = append(r.Related, l)
		}
	}
	return r
}

// sarifLevel maps severities to the three levels that SARIF has for failures.
func sarifLevel(s rootkeep.Severity) string {
	switch {
	case s >= rootkeep.High:
		return "error"
	case s == rootkeep.Medium:
		return "warning"
	default:
		return "note"
	}
}

func location(file string, offset int64) sarifLocation {
	l := sarifLocation{Physical: &sarifPhysical{}}
	l.Physical.Artifact.URI = fileURI(file)
	if offset >= 0 {
		l.Physical.Region = &sarifRegion{offset}
	}
	return l
}

// fileURI is file as a URI reference (RFC 3986): absolute paths get the scheme
// file, others stay relative. Everything outside unreserved characters and the
// slash is percent-encoded.
func fileURI(file string) string {
	if strings.HasPrefix(file, "s3://") {
		return "s3://" + (&url.URL{Path: strings.TrimPrefix(file, "s3://")}).EscapedPath()
	}
	if strings.HasPrefix(file, "/") {
		return (&url.URL{Scheme: "file", Path: file}).String()
	}
	return (&url.URL{Path: file}).String()
}

func notifications(h *report.Hunt) []sarifNotification {
	out := []sarifNotification{}
	for _, p := range h.Problems {
		severity := "error"
		if p.Notice {
			severity = "note"
		}
		out = append(out, sarifNotification{
			Level: severity, Message: sarifText{text.Visible(p.Detail, 0)},
			Locations:  []sarifLocation{location(p.File, p.Offset)},
			Descriptor: &sarifReference{text.Visible(p.Kind, 0)},
		})
	}
	for _, n := range slices.Concat(h.Notices, interruption(h)) {
		out = append(out, sarifNotification{Level: "note", Message: sarifText{text.Visible(n, 0)}})
	}
	return out
}

func interruption(h *report.Hunt) []string {
	if h.Interrupted {
		return []string{"interrupted: input is unread"}
	}
	return nil
}
