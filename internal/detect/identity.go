package detect

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate"
)

// Identity stands for what the windows of a correlation mean: see identity,
// to which it adds what the settings of its rules leave out.
func (p *Pack) Identity(correlation int) [sha256.Size]byte {
	h := sha256.New()
	own := identity(p.Set, correlation)
	h.Write(own[:])
	p.leavesOut(correlation, func(s *settings) {
		fmt.Fprintf(h, "%q", s.Attempt)
		if s.Watched != nil {
			fmt.Fprintf(h, " watched %q %q %t", s.Watched.Field, s.Watched.Kind, s.Watched.Unless)
		}
		if s.Judge != nil {
			fmt.Fprintf(h, " judge %q %q", s.Judge.Field, s.Judge.By)
		}
		fmt.Fprintln(h)
	})
	return [sha256.Size]byte(h.Sum(nil))
}

func (p *Pack) leavesOut(correlation int, visit func(*settings)) {
	for _, in := range p.Set.Correlations()[correlation].Inputs {
		if in.Rule >= 0 {
			visit(&p.rules[in.Rule])
			continue
		}
		p.leavesOut(in.Correlation, visit)
	}
}

// identity stands for what the state of a correlation's groups means: its name, its
// type and timespan, what it groups by and counts, and what its inputs match. Rules
// that differ in nothing but thresholds, levels or texts share it.
func identity(set *sigma.Set, number int) [sha256.Size]byte {
	c := set.Correlations()[number]
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %d %q %q %t\n", cmp.Or(c.ID, c.Name, c.Title), c.Type, c.Timespan, c.GroupBy, c.Fields, c.Percentile != 0)
	if len(c.Needs) > 0 { // rows from before there was such a thing are still right
		fmt.Fprintf(h, "needs %q\n", c.Needs)
	}
	for _, alias := range slices.Sorted(maps.Keys(c.Aliases)) {
		fmt.Fprintf(h, "%q", alias)
		for _, in := range c.Inputs {
			fmt.Fprintf(h, " %q", c.Aliases[alias][in.Name])
		}
	}
	for _, in := range c.Inputs {
		if in.Rule >= 0 {
			rule := &set.Rules()[in.Rule].Header
			digest := set.Digest(in.Rule)
			fmt.Fprintf(h, "rule %q %x\n", cmp.Or(rule.ID, rule.Name, rule.Title), digest)
			continue
		}
		digest := identity(set, in.Correlation)
		fmt.Fprintf(h, "correlation %x %x\n", digest, correlate.Thresholds(set.Correlations()[in.Correlation]))
	}
	return [sha256.Size]byte(h.Sum(nil))
}
