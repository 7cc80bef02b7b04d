package exchange

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// ScanSARIF writes findings as results of one run, the controls being its rules. A
// resource has no file, so its location is logical. What is not known is of kind open,
// which SARIF has for too little information to decide; what somebody accepts is a
// failure with a suppression (SARIF 2.1.0, sections 3.27.9 and 3.27.23).
func ScanSARIF(w io.Writer, a *assessment.Assessment) error {
	at := a.Judged.UTC().Format(time.RFC3339)
	run := sarifRun{
		Invocations: []sarifInvocation{{Successful: len(a.Problems) == 0, Start: at, End: at, Notifications: []sarifNotification{}}},
		Properties:  map[string]string{"summary": text.Visible(a.Verdict(), 0)},
	}
	for _, p := range a.Problems {
		run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, sarifNotification{
			Level: "error", Message: sarifText{text.Visible(p.File+": "+p.Reason, 0)}, Descriptor: &sarifReference{"not-read"},
		})
	}
	rules, index := scanRules(a)
	run.Tool.Driver = sarifDriver{Name: "rootkeep", Version: a.Version, Rules: rules}
	return writeSarif(w, run, func(yield func(any) bool) {
		for i := range a.Findings {
			if !yield(scanResult(&a.Findings[i], index)) {
				return
			}
		}
	})
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

type sarifAcceptance struct {
	Kind          string          `json:"kind"`
	Status        string          `json:"status"`
	Justification string          `json:"justification"`
	Properties    acceptanceTerms `json:"properties"`
}

type acceptanceTerms struct {
	Owner string    `json:"owner"`
	Until time.Time `json:"until"`
}

type scanProperties struct {
	Status      rootkeep.Status   `json:"status"`
	Severity    rootkeep.Severity `json:"severity"`
	Account     string            `json:"account"`
	Region      string            `json:"region,omitempty"`
	Missing     []string          `json:"missing,omitempty"`
	Permissions []string          `json:"permissions,omitempty"`
}

// scanRules lists the controls of findings once each, in order of appearance, and their
// place in the list.
func scanRules(a *assessment.Assessment) ([]sarifRule, map[string]int) {
	rules, index := []sarifRule{}, map[string]int{}
	for i := range a.Findings {
		f := &a.Findings[i]
		if _, known := index[f.Control]; known {
			continue
		}
		index[f.Control] = len(rules)
		r := sarifRule{ID: text.Visible(f.Control, 0), ShortDescription: sarifText{text.Visible(f.Title, 0)}, Properties: map[string]string{"security-severity": securitySeverity(f.Severity)}}
		if c := a.Control(f.Control); c != nil {
			r.Name, r.FullDescription = text.Visible(c.Name, 0), &sarifText{text.Visible(c.Why, 0)}
			r.Help = &sarifText{text.Visible(cmp.Or(c.Fix.Console, c.Fix.CLI), 0)}
		}
		rules = append(rules, r)
	}
	return rules, index
}

func scanResult(f *rootkeep.Finding, index map[string]int) sarifResult {
	r := sarifResult{
		RuleID: text.Visible(f.Control, 0), RuleIndex: index[f.Control], Level: "none",
		Locations:    []sarifLocation{{Logical: []sarifLogical{{text.Visible(f.Resource, 0), "resource"}}}},
		Fingerprints: map[string]string{"rootkeepFinding/v1": f.ID()},
		Properties:   scanProperties{f.Status, f.Severity, string(f.Account), string(f.Region), f.Missing, f.Permissions},
	}
	switch f.Status {
	case rootkeep.Fail, rootkeep.Excepted:
		r.Kind, r.Level = "fail", sarifLevel(f.Severity)
	case rootkeep.Pass:
		r.Kind = "pass"
	case rootkeep.NotApplicable:
		r.Kind = "notApplicable"
	default:
		r.Kind = "open"
	}
	if e := f.Exception; e != nil {
		r.Suppressions = []sarifAcceptance{{"external", "accepted", text.Visible(e.Reason, 0), acceptanceTerms{text.Visible(e.Owner, 0), e.Until}}}
	}
	r.Message.Text = message(f)
	return r
}

// message is a finding in one line.
func message(f *rootkeep.Finding) string {
	parts := []string{f.Title, f.Status.String()}
	if f.Detail != "" {
		parts = append(parts, f.Detail)
	}
	if len(f.Missing) > 0 {
		parts = append(parts, strings.Join(f.Missing, "; "))
	}
	if e := f.Exception; e != nil {
		parts = append(parts, fmt.Sprintf("accepted by %s until %s", e.Owner, e.Until.UTC().Format(time.DateOnly)))
	}
	return text.Visible(strings.Join(parts, ": "), text.Long)
}
