package posture

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// File is the file that the control was read from, as errors name it.
func (c *Control) File() string { return c.file }

// Refuse is an error about what the control maps itself to.
func (c *Control) Refuse(reason string) error {
	return &rule.Error{File: c.file, Line: c.mapsAt, Column: 1, Msg: "maps: " + reason}
}

// proofFacts are what the proof of an alarm rests on: of each list the fact that stands
// for it.
var proofFacts = []string{
	"alarms.metric", "composite_alarms.rule", "event_rules.pattern", "log_alarms.query", "metric_filters.pattern", "subscriptions.confirmed", "topics.policy", "trails.log_group",
	"trails.logging", "trails.selectors",
}

// Uses are the facts that decide, sorted by path.
func (c *Control) Uses() []facts.Path {
	var paths []string
	if c.Watch != nil {
		paths = append(paths, proofFacts...)
	}
	for _, held := range c.held {
		for _, p := range held.Uses() {
			paths = append(paths, p.Name)
		}
	}
	for _, v := range c.views {
		if v.branch != "" {
			paths = append(paths, v.branch+"."+v.list.Key)
		}
		for _, e := range []*expression{v.applies, v.passes} {
			if e != nil {
				paths = append(paths, e.uses...)
			}
		}
	}
	out := slices.DeleteFunc(facts.Paths(), func(p facts.Path) bool { return !slices.Contains(paths, p.Name) })
	slices.SortFunc(out, func(a, b facts.Path) int { return strings.Compare(a.Name, b.Name) })
	return out
}
