package escalate

import (
	"slices"

	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate/plan"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
)

// change finds what a state can turn itself into, or others, whoever is administrator;
// and its leads. A change that could not be part of a better path than one that is
// found is left out.
func (g *graph) change(s *state) error {
	if s.administrator <= g.o.Enough {
		return nil
	}
	for _, p := range g.plans {
		if p.Becomes || !s.candidate(p) {
			continue
		}
		fixed := g.fixed(s, p)
		var err error
		switch {
		case fixed == None:
		case p.Effect == technique.Lead:
			g.lead(s, p, fixed)
		case p.Others:
			err = g.changeOthers(s, p, fixed)
		case fixed < s.atOnce(1):
			err = g.changeOwn(s, p, fixed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *graph) lead(s *state, p *plan.Plan, fixed Certainty) {
	for _, t := range g.ownTargets(s, p.Target) {
		if c := max(fixed, g.bound(s, p, &t)); c != None && len(s.changes) == 0 {
			g.leads[s] = append(g.leads[s], &lead{p, t, c})
			return // the first that it works on stands for all
		}
	}
}

// atOnce is how certain it is that the state is administrator, or is made one in so
// many steps.
func (s *state) atOnce(steps int) Certainty {
	best := s.administrator
	for _, e := range s.edges {
		if e.length() <= steps {
			best = min(best, max(e.certainty, e.to.administrator))
		}
	}
	return best
}

// changeOwn makes the edges of a plan that is used on what the actor has.
func (g *graph) changeOwn(s *state, p *plan.Plan, fixed Certainty) error {
	for _, t := range g.ownTargets(s, p.Target) {
		c := max(fixed, g.bound(s, p, &t))
		if c >= s.atOnce(1) {
			continue
		}
		to, err := g.changed(s, p.Effect, &t)
		if err != nil {
			return err
		}
		if to != nil && to != s {
			s.edges = append(s.edges, &edge{plan: p, target: t, certainty: c, to: to})
		}
	}
	return nil
}

// maxChangedOthers bounds how many other principals one technique changes for one
// actor without any becoming administrator by it.
const maxChangedOthers = 16

// changeOthers makes the edges of a plan that changes another principal, which the
// actor can then become. Once one ends at an administrator only a more certain one is
// looked for.
func (g *graph) changeOthers(s *state, p *plan.Plan, fixed Certainty) error {
	pool, err := g.everyone.of(p)
	if err != nil {
		return err
	}
	n, enough := 0, s.atOnce(2)
	var open []*account.Group
	if p.Target == technique.TargetUserGroup {
		open = g.openGroups(s, p, fixed, enough)
	}
	for i := range pool.list {
		other := &pool.list[i]
		if other.to.who == s.who || other.to.who.Principal.Account != s.who.Principal.Account {
			continue
		}
		targets := other.targets
		if p.Target == technique.TargetUserGroup {
			targets = inGroups(other.to.who, open)
		}
		for k := range targets {
			t := &targets[k]
			c := max(fixed, other.trusted)
			if c < enough {
				c = max(c, g.bound(s, p, t))
			}
			if c >= enough {
				continue
			}
			e, err := g.becomeAny(s, other.to.who, c)
			if err != nil {
				return err
			}
			if e == nil || max(c, e.certainty) >= enough {
				continue
			}
			to, err := g.changed(other.to, p.Effect, t)
			if err != nil {
				return err
			}
			if to == nil || to == other.to {
				continue
			}
			e.before = &edge{plan: p, target: *t, certainty: c, to: to}
			e.certainty, e.to = max(c, e.certainty), to
			s.edges = append(s.edges, e)
			if enough = min(enough, max(e.certainty, to.administrator)); enough <= fixed {
				return nil
			}
			if n++; n == maxChangedOthers {
				g.cut["a technique works on more principals than were followed"] = true
				return nil
			}
		}
	}
	return nil
}

// openGroups are the groups about which a plan asks nothing that makes it useless: every
// user with every group would be too much to try.
func (g *graph) openGroups(s *state, p *plan.Plan, fixed, enough Certainty) []*account.Group {
	var out []*account.Group
	for _, grp := range g.groups {
		c := fixed
		for i := range p.Bound {
			if n := &p.Bound[i]; n.On == "$group" && n.Same >= 0 {
				c = max(c, g.boundNeed(s, n, &target{group: grp}))
			}
		}
		if c < enough && accountOf(grp.ARN) == s.who.Principal.Account {
			out = append(out, grp)
		}
	}
	return out
}

// inGroups are the targets of a user and the groups of a list that it is not in.
func inGroups(user *account.Identity, list []*account.Group) []target {
	var out []target
	for _, grp := range list {
		if !slices.Contains(user.Groups, grp) {
			out = append(out, target{identity: user, group: grp})
		}
	}
	return out
}

// becomeAny is an edge to a principal, as certain as is asked for or the most certain.
func (g *graph) becomeAny(s *state, i *account.Identity, c Certainty) (*edge, error) {
	var best *edge
	for _, p := range g.becoming(s) {
		pool, err := g.everyone.of(p)
		if err != nil {
			return nil, err
		}
		at, ok := pool.at[i]
		fixed := g.fixed(s, p)
		if !ok || fixed == None || best != nil && fixed >= best.certainty {
			continue
		}
		e, err := g.try(s, p, &pool.list[at], fixed)
		if err != nil {
			return nil, err
		}
		if e != nil && (best == nil || e.certainty < best.certainty) {
			best = e
		}
		if best != nil && best.certainty <= c {
			break
		}
	}
	return best, nil
}

// becoming are the plans by which a state may become another principal.
func (g *graph) becoming(s *state) []*plan.Plan {
	if s.becoming == nil {
		s.becoming = []*plan.Plan{}
		for _, p := range g.plans {
			if p.Becomes && s.candidate(p) {
				s.becoming = append(s.becoming, p)
			}
		}
	}
	return s.becoming
}
