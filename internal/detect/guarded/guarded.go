// Package guarded tells the detections whose alerts nobody may suppress: a catalogue goes in,
// a yes or no for a rule's name comes out.
package guarded

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect"
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
