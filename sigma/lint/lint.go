// Package lint finds rules that can never match a CloudTrail record, or always
// do, and parts of rules that do nothing. A compiled set and the names of AWS's
// events go in, findings come out. It judges what a rule says, never what a
// record holds: a rule without a finding may still be a bad idea.
package lint

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma"
)

// Severity ranks findings.
type Severity string

// The severities. Error is for what cannot be loaded or evaluated; this package
// reports none itself, because such a document is not in a set.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Finding is one fault of a rule.
type Finding struct {
	File     string   `json:"file"`
	Line     int      `json:"line,omitempty"` // from 1; 0 when unknown
	Rule     string   `json:"rule,omitempty"` // title
	Check    string   `json:"check"`          // kebab-case name of what was checked
	Severity Severity `json:"severity"`
	Msg      string   `json:"message"` // with a hint where there is one
}

// String is file:line: severity: message [check].
func (f Finding) String() string {
	where := f.File
	if f.Line > 0 {
		where = fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	return fmt.Sprintf("%s: %s: %s [%s]", where, f.Severity, f.Msg, f.Check)
}

// Lint judges every rule and correlation of a set. The findings are sorted by
// file and line. Filters are not judged.
func Lint(set *sigma.Set, api *API) []Finding {
	l := &linter{set: set, api: api}
	for i, r := range set.Rules() {
		l.header = &r.Header
		l.describe(r.Alerts)
		l.rule(i)
	}
	for _, i := range set.Unindexed() {
		l.header = &set.Rules()[i].Header
		l.report(l.header.Line, "no-index", Info,
			"no field value is necessary for a match, so the rule is tried on every record; hint: and-in an eventName or eventSource")
	}
	for _, c := range set.Correlations() {
		l.header = &c.Header
		l.describe(c.Alerts)
		l.correlation(c)
	}
	slices.SortStableFunc(l.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return l.findings
}

// linter collects findings about one document after the other.
type linter struct {
	set      *sigma.Set
	api      *API
	header   *sigma.Header // of the document being judged
	findings []Finding
}

func (l *linter) report(line int, check string, sev Severity, format string, args ...any) {
	l.findings = append(l.findings, Finding{l.header.File, line, l.header.Title, check, sev, fmt.Sprintf(format, args...)})
}

// describe judges what stands around the detection.
func (l *linter) describe(alerts bool) {
	h := l.header
	if alerts && h.Level == rootkeep.Informational {
		l.report(h.Line, "no-level", Info, "level is missing or informational, so its alerts rank below all others; hint: low, medium, high or critical")
	}
	for _, tag := range h.Tags {
		if name, ok := strings.CutPrefix(tag, "attack."); ok && !attackName(name) {
			l.report(h.Line, "attack-tag", Warning,
				"tag %s names no ATT&CK technique or tactic; hint: attack.t1078.004, attack.initial-access", tag)
		}
	}
}

// attackID is the form of the IDs of techniques, tactics, groups, software,
// campaigns, mitigations and data sources.
var attackID = regexp.MustCompile(`^(t\d{4}(\.\d{3})?|ta\d{4}|[gscm]\d{4}|ds\d{4})$`)

func attackName(name string) bool {
	switch name {
	case "reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation",
		"defense-evasion", "credential-access", "discovery", "lateral-movement", "collection", "command-and-control",
		"exfiltration", "impact":
		return true
	case "stealth", "defense-impairment": // ATT&CK v19 split defense-evasion
		return true
	}
	return attackID.MatchString(name)
}

func (l *linter) correlation(c *sigma.Correlation) {
	for _, path := range slices.Concat(c.GroupBy, c.Fields) {
		if c.Aliases[path] == nil {
			l.path(path, c.Line)
			continue
		}
		for _, name := range c.Rules { // in the order of the file
			if field := c.Aliases[path][name]; field != "" {
				l.path(field, c.Line)
			}
		}
	}
}

// rule judges the detection of one rule.
func (l *linter) rule(number int) {
	for _, name := range l.set.UnusedSearches(number) {
		l.report(l.header.Line, "unused-selection", Warning, "%s is in no condition; hint: use it or remove it", name)
	}
	logic := l.set.Logic(number)
	j := judge{linter: l, impossible: map[*sigma.Item]bool{}, clashes: map[[2]literal]bool{}}
	for _, it := range items(logic) {
		j.item(it)
	}
	branches, ok := expand(logic)
	if !ok {
		return // too many combinations to judge; no finding beats a wrong one
	}
	j.events(branches)
	j.outcome(branches)
	if inverse, ok := expand(&sigma.Logic{Op: sigma.LogicNot, Of: []*sigma.Logic{logic}}); ok && j.allDead(inverse) {
		l.report(l.header.Line, "always-matches", Warning, "every record satisfies the condition; hint: and the selections instead of negating one of them")
	}
}
