// Package guarded tells the detections whose alerts nobody may suppress: a catalogue goes in,
// a yes or no for a rule's name comes out. Of those that are shipped it says as well what may
// not weaken them.
package guarded

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/sigma"
)

// runbooks are those of what nobody may silence.
var runbooks = []string{"root-compromise", "logging-tampering", "guardrail-removal"}

// In gives a function that says whether alerts of a rule, by its name, may never be
// suppressed. That is so of a detection that is about root users, about what watches or about
// guardrails, as its runbook, its technique or its name say, and of every rule that the
// catalogue does not have.
func In(catalogue []detect.Detection) func(rule string) bool {
	free := map[string]bool{}
	for i := range catalogue {
		d := &catalogue[i]
		before, met := free[d.Name]
		free[d.Name] = !guards(d) && (before || !met)
	}
	return func(rule string) bool { return !free[rule] }
}

func guards(d *detect.Detection) bool {
	return slices.Contains(runbooks, d.Opens) || strings.Contains(strings.ToLower(d.Name), "root") || slices.ContainsFunc(d.Techniques, impairs)
}

// impairs says whether a technique is Impair Defenses (MITRE ATT&CK, T1562) or one below it,
// the firewalls of clouds aside: those are opened every day, and see nothing.
func impairs(t rootkeep.Technique) bool {
	return strings.HasPrefix(t.ID, "T1562") && t.ID != "T1562.007"
}

// Shipped are the detections of a pack that come with rootkeep, and which of them are guarded.
type Shipped struct {
	names map[string]bool // of all: true for guarded ones that alert
	whole map[string]bool // keys of the documents that these rest on, their own among them
	all   map[string]bool // keys of all documents of the pack
}

// Of finds the detections of the pack that is shipped.
func Of(p *detect.Pack) *Shipped {
	s := &Shipped{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	never := In(p.Catalogue())
	for _, r := range p.Set.Rules() {
		s.all[key(&r.Header)] = true
		s.add(&r.Header, r.Alerts && never(detect.RuleName(&r.Header)))
	}
	correlations := p.Set.Correlations()
	for _, c := range correlations {
		s.all[key(&c.Header)] = true
		s.add(&c.Header, c.Alerts && never(detect.RuleName(&c.Header)))
	}
	for _, c := range slices.Backward(correlations) { // what others refer to comes before them
		for _, in := range c.Inputs {
			switch {
			case !s.whole[key(&c.Header)]:
			case in.Rule >= 0:
				s.whole[key(&p.Set.Rules()[in.Rule].Header)] = true
			default:
				s.whole[key(&correlations[in.Correlation].Header)] = true
			}
		}
	}
	return s
}

func (s *Shipped) add(h *sigma.Header, guarded bool) {
	s.names[detect.RuleName(h)] = guarded
	if guarded {
		s.whole[key(h)] = true
	}
}

// key tells documents apart: no two that are loaded together have an ID or a name in common.
func key(h *sigma.Header) string { return cmp.Or(h.ID, h.Name) }

// Has says whether a detection, by its name, is one of them.
func (s *Shipped) Has(name string) bool {
	_, has := s.names[name]
	return has
}

// Guarded says whether a detection, by its name, is one of them that nobody may suppress.
func (s *Shipped) Guarded(name string) bool { return s.names[name] }

// Guards says that a filter or a correlation of somebody's own may not narrow or silence a
// document that one of them rests on.
func (s *Shipped) Guards(document, by *sigma.Header) bool {
	return s.whole[key(document)] && !s.all[key(by)]
}
