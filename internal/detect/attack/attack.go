// Package attack reads MITRE ATT&CK out of a rule's tags: its tactic, and its
// techniques under the IDs of the version that the rule was written for and of the
// latest one.
package attack

import (
	"strings"

	"github.com/rootkeep/rootkeep"
)

// Renumbering maps technique IDs of one ATT&CK version to those of a later one.
type Renumbering struct {
	Source     string            `yaml:"source"`
	Date       string            `yaml:"date"`
	From       string            `yaml:"from"`
	To         string            `yaml:"to"`
	Techniques map[string]string `yaml:"techniques"`
}

// Tactic is the first tactic of a rule's tags, such as credential-access.
func Tactic(tags []string) string {
	for _, tag := range tags {
		if name, ok := strings.CutPrefix(tag, "attack."); ok && !isTechnique(name) {
			return name
		}
	}
	return ""
}

// Of lists the techniques of tags that follow a version of ATT&CK.
func (r Renumbering) Of(tags []string, version string) []rootkeep.Technique {
	var out []rootkeep.Technique
	for _, tag := range tags {
		if name, ok := strings.CutPrefix(tag, "attack."); ok && isTechnique(name) {
			t := rootkeep.Technique{ID: strings.ToUpper(name), Version: version}
			if version == r.From {
				t.Now = r.Techniques[t.ID]
			}
			out = append(out, t)
		}
	}
	return out
}

// Line is the techniques in one line, by their IDs.
func Line(techniques []rootkeep.Technique) string {
	var ids []string
	for _, t := range techniques {
		ids = append(ids, t.ID)
	}
	return strings.Join(ids, " ")
}

// isTechnique knows t1078 and t1078.004 from tactic, group (g0007) and software
// (s0002) tags.
func isTechnique(name string) bool {
	return len(name) >= 5 && (name[0] == 't' || name[0] == 'T') && name[1] >= '0' && name[1] <= '9'
}
