package detect

import (
	"cmp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect/attack"
	"github.com/rootkeep/rootkeep/internal/detect/field"
	"github.com/rootkeep/rootkeep/sigma"
)

// Detection is one thing that may alert, as catalogues list it.
type Detection struct {
	Name       string               `json:"name"`
	ID         string               `json:"id"`
	Title      string               `json:"title"`
	Level      rootkeep.Severity    `json:"level"`
	Kind       string               `json:"kind"` // event, or the kind of correlation
	Tactic     string               `json:"tactic,omitempty"`
	Techniques []rootkeep.Technique `json:"techniques,omitempty"`
	Tags       []string             `json:"-"` // as its file has them
	Author     string               `json:"author,omitempty"`
	Opens      string               `json:"opens,omitempty"`
	Guide      string               `json:"guide,omitempty"` // the indicator of the guide that it serves
	Number     int                  `json:"number,omitempty"`
	File       string               `json:"file"`
}

// Catalogue lists the detections that alert, by name.
func (p *Pack) Catalogue() []Detection {
	out := []Detection{}
	for i, r := range p.Set.Rules() {
		if r.Alerts {
			out = append(out, p.detection(&r.Header, p.rules[i], "event"))
		}
	}
	for i, c := range p.Set.Correlations() {
		if c.Alerts {
			out = append(out, p.detection(&c.Header, p.correlations[i], string(c.Type)))
		}
	}
	slices.SortFunc(out, func(a, b Detection) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.File, b.File)) })
	return out
}

func (p *Pack) detection(h *sigma.Header, s settings, kind string) Detection {
	return Detection{
		Name: RuleName(h), ID: h.ID, Title: h.Title, Level: h.Level, Kind: kind, Tactic: attack.Tactic(h.Tags), Techniques: p.renumbered.Of(h.Tags, s.AttackVersion), Tags: h.Tags,
		Author: h.Author, Opens: s.Opens, Guide: s.Guide, Number: s.Number, File: h.File,
	}
}

// Tested is a rule or correlation and what it is tested by.
type Tested struct {
	Header *sigma.Header
	Cases  ast.Node // nil if it has none
	// Alerts is false for one that only feeds correlations: no case of its own can fire.
	Alerts bool
}

// Tests lists every rule and correlation.
func (p *Pack) Tests() []Tested {
	var out []Tested
	for i, r := range p.Set.Rules() {
		out = append(out, Tested{&r.Header, p.rules[i].cases, r.Alerts})
	}
	for i, c := range p.Set.Correlations() {
		out = append(out, Tested{&c.Header, p.correlations[i].cases, c.Alerts})
	}
	return out
}

// RuleNumber finds a single-event rule by name, ID or title.
func (p *Pack) RuleNumber(rule string) (int, bool) {
	for i, r := range p.Set.Rules() {
		if rule != "" && (strings.EqualFold(rule, r.Name) || strings.EqualFold(rule, r.ID) || strings.EqualFold(rule, r.Title)) {
			return i, true
		}
	}
	return 0, false
}

// Explain says why one rule matches a record or does not, with the record's
// event ID.
func (w *Worker) Explain(rec *cloudtrail.Record, rule int) (eventID string, why sigma.Explanation) {
	w.begin(rec, "")
	return string(rec.View.Text(field.ID)), w.hunt.pack.Set.Explain(rule, rec.View)
}
