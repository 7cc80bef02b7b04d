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

// Uses are the facts that decide, sorted by path.
func (c *Control) Uses() []facts.Path {
	var paths []string
	if c.Watch != nil { // a proof says itself what it lacks of an account of which nothing is known
		for _, f := range Evaluate(&facts.Snapshot{}, []*Control{c}, Setting{}) {
			for _, missing := range f.Missing {
				path, _, _ := strings.Cut(missing, ":")
				paths = append(paths, path)
			}
		}
	}
	if list := collections[c.Each]; list.Each != "" {
		paths = append(paths, c.Each+"."+list.Key)
	}
	for _, e := range []*expression{c.applies, c.passes} {
		if e != nil {
			paths = append(paths, e.uses...)
		}
	}
	out := slices.DeleteFunc(facts.Paths(), func(p facts.Path) bool { return !slices.Contains(paths, p.Name) })
	slices.SortFunc(out, func(a, b facts.Path) int { return strings.Compare(a.Name, b.Name) })
	return out
}
