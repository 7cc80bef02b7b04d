package app

import (
	"cmp"
	"slices"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/cases"
	"github.com/rootkeep/rootkeep/sigma/lint"
)

// LintReport is what the linter has to say about a pack.
type LintReport struct {
	Rules    int            `json:"rules"` // rules and correlations that loaded
	Findings []lint.Finding `json:"findings"`
	// NotYet are the runbooks that detections open and this version does not have.
	NotYet []string `json:"not_yet_available"`
}

// Checks that LintRules makes beside those of the linter itself.
const (
	checkLoad  = "load"  // the document is left out
	checkUse   = "use"   // the document is used, but not all of it
	checkCases = "cases" // the document is used, its cases cannot be
)

// LintRules judges a loaded pack. What Load had to say is part of the report.
func LintRules(pack *detect.Pack) (*LintReport, error) {
	api, err := eventNames()
	if err != nil {
		return nil, err
	}
	r := &LintReport{
		Rules:    len(pack.Set.Rules()) + len(pack.Set.Correlations()),
		Findings: []lint.Finding{},
		NotYet:   []string{},
	}
	for _, p := range pack.Problems {
		check, severity := checkLoad, lint.Error
		if p.Warning {
			check, severity = checkUse, lint.Warning
		}
		r.Findings = append(r.Findings, finding(p, check, severity))
	}
	for _, p := range cases.Check(pack) {
		r.Findings = append(r.Findings, finding(p, checkCases, lint.Error))
	}
	r.Findings = append(r.Findings, lint.Lint(pack.Set, api)...)
	slices.SortStableFunc(r.Findings, func(a, b lint.Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	for _, d := range pack.Catalogue() {
		if d.Opens != "" && !slices.Contains(r.NotYet, d.Opens) {
			r.NotYet = append(r.NotYet, d.Opens)
		}
	}
	slices.Sort(r.NotYet)
	return r, nil
}

// OnlyErrors drops the findings that do not keep a rule from being used.
func (r *LintReport) OnlyErrors() {
	r.Findings = slices.DeleteFunc(r.Findings, func(f lint.Finding) bool { return f.Severity != lint.Error })
}

// Unloaded counts the documents that could not be loaded.
func (r *LintReport) Unloaded() int {
	n := 0
	for _, f := range r.Findings {
		if f.Check == checkLoad {
			n++
		}
	}
	return n
}

// Count counts the findings of a severity, those about loading included.
func (r *LintReport) Count(s lint.Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

func finding(p detect.Problem, check string, s lint.Severity) lint.Finding {
	return lint.Finding{File: p.File, Line: p.Line, Rule: p.Rule, Check: check, Severity: s, Msg: p.Msg}
}

func eventNames() (*lint.API, error) {
	operations, err := content.Files.ReadFile("api/operations.txt")
	if err != nil {
		return nil, err
	}
	events, err := content.Files.ReadFile("api/events.txt")
	if err != nil {
		return nil, err
	}
	return lint.ReadAPI(string(operations), string(events))
}
