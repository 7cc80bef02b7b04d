package escalate

import (
	"strings"

	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate/plan"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
)

// candidate says whether a plan is worth a try: the actor is of its kind and its own
// policies may allow what it asks for.
func (s *state) candidate(p *plan.Plan) bool {
	switch p.Actor {
	case technique.ActorUser, technique.ActorRole:
		if s.who.Principal.Kind.String() != string(p.Actor) {
			return false
		}
	}
	return p.Asks.Within(s.may)
}

// change finds what a state can turn itself into, or others, whoever is administrator;
// and its leads. A change that could not be part of a better path than one that is
// found is left out.
func (g *graph) change(s *state) error {
	if s.administrator == Certain {
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
		case p.Effects[0] == technique.Lead:
			g.lead(s, p, fixed)
		case fixed >= s.oneStep():
		case p.Others:
			err = g.changeOthers(s, p, fixed)
		default:
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

// oneStep is how certain it is that the state is administrator, or is made one by a
// change at once.
func (s *state) oneStep() Certainty {
	best := s.administrator
	for _, e := range s.edges {
		best = min(best, max(e.certainty, e.to.administrator))
	}
	return best
}

// changeOwn makes the edges of a plan that is used on what the actor has.
func (g *graph) changeOwn(s *state, p *plan.Plan, fixed Certainty) error {
	for _, t := range g.ownTargets(s, p.Target) {
		c := max(fixed, g.bound(s, p, &t))
		if c >= s.oneStep() {
			continue
		}
		to, err := g.changed(s, p.Effects[0], &t)
		if err != nil {
			return err
		}
		if to != nil && to != s {
			s.edges = append(s.edges, &edge{p, t, c, to})
		}
	}
	return nil
}

// maxChangedOthers bounds how many other principals one technique changes for one
// actor without any becoming administrator by it.
const maxChangedOthers = 16

// changeOthers makes the edges of a plan that changes another principal and becomes it.
func (g *graph) changeOthers(s *state, p *plan.Plan, fixed Certainty) error {
	list, err := g.everyone.of(p)
	if err != nil {
		return err
	}
	n, enough := 0, s.oneStep()
	for i := range list {
		if list[i].to.who == s.who || list[i].to.who.Principal.Account != s.who.Principal.Account {
			continue
		}
		for k := range list[i].targets {
			t := &list[i].targets[k]
			c := max(fixed, list[i].trusted)
			if c < enough {
				c = max(c, g.bound(s, p, t))
			}
			if c >= enough {
				continue
			}
			session, err := g.session(s, p, t.identity)
			if err != nil {
				return err
			}
			if c = max(c, session); c >= enough {
				continue
			}
			to, err := g.changed(list[i].to, p.Effects[1], t)
			if err != nil {
				return err
			}
			if to == nil || to == list[i].to {
				continue
			}
			s.edges = append(s.edges, &edge{p, *t, c, to})
			if enough = min(enough, max(c, to.administrator)); enough <= fixed {
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

func (g *graph) session(s *state, p *plan.Plan, i *account.Identity) (Certainty, error) {
	if p.Assume == technique.NoSession {
		return Certain, nil
	}
	answers, _, err := g.assume(s, i, p.Assume)
	return worst(answers), err
}

func worst(answers []answer) Certainty {
	if len(answers) == 0 {
		return None
	}
	c := Certain
	for i := range answers {
		c = max(c, answers[i].certainty)
	}
	return c
}

// fixed is the part of a plan that is the same for every target.
func (g *graph) fixed(s *state, p *plan.Plan) Certainty {
	c, ok := s.fixed[p.Number]
	if !ok {
		if p.Assumes != "" {
			c = Possible
		}
		for i := range p.Fixed {
			if c = max(c, worst(g.ask(s, s.set, &p.Fixed[i], nil, s.patterns()))); c == None {
				break
			}
		}
		s.fixed[p.Number] = c
	}
	return c
}

// bound is the part of a plan that depends on the target.
func (g *graph) bound(s *state, p *plan.Plan, t *target) Certainty {
	c := Certain
	for i := range p.Bound {
		if c = max(c, g.boundNeed(s, &p.Bound[i], t)); c == None {
			break
		}
	}
	return c
}

// boundNeed asks about one need of a target. Techniques share what they ask of another
// principal (may the actor pass this role to that service), so answers are kept.
func (g *graph) boundNeed(s *state, n *plan.Need, t *target) Certainty {
	if n.Same < 0 || t.identity == nil {
		if !strings.HasPrefix(n.On, "$") {
			return worst(g.ask(s, s.set, n, t, s.patterns()))
		}
		return g.askNamed(s, n, t)
	}
	for len(s.asked) <= n.Same {
		s.asked = append(s.asked, nil)
	}
	if s.asked[n.Same] == nil {
		s.asked[n.Same] = make([]uint8, len(g.identities))
	}
	kept := &s.asked[n.Same][g.index[t.identity]]
	if *kept == 0 {
		*kept = 1 + uint8(g.askNamed(s, n, t))
	}
	return Certainty(*kept - 1)
}

// solve finds the shortest path of every state that has one of this certainty and none
// that is better, going back from the states that are resolved. Each pair of a state
// and another principal is tried once, when that principal is resolved.
func (g *graph) solve(c Certainty) error {
	fresh := make([][]*state, g.o.MaxSteps+1) // resolved in this round, by steps
	resolve := func(s *state, steps int, via *edge) {
		s.resolved, s.certainty, s.steps, s.via = true, c, steps, via
		if len(s.changes) == 0 { // becoming a principal does not change it
			fresh[steps] = append(fresh[steps], s)
		}
	}
	for _, s := range g.states {
		if !s.resolved && s.administrator == c {
			resolve(s, 0, nil)
		}
	}
	for steps := 0; steps < g.o.MaxSteps; steps++ {
		pools := pools{g: g, states: fresh[steps], lists: map[string]pool{}}
		for _, s := range g.states {
			if s.resolved {
				continue
			}
			if err := g.reach(s, &pools, c); err != nil {
				return err
			}
			if e := s.next(c, steps); e != nil {
				resolve(s, steps+1, e)
			}
		}
	}
	return nil
}

// next is the simplest edge of at most this certainty to a state so far from
// administrator.
func (s *state) next(c Certainty, steps int) *edge {
	var out *edge
	take := func(e *edge) {
		if e != nil && e.certainty <= c && e.to.resolved && e.to.certainty <= c && e.to.steps == steps && (out == nil || e.plan.Number < out.plan.Number) {
			out = e
		}
	}
	for _, e := range s.best {
		take(e)
	}
	for _, e := range s.edges {
		take(e)
	}
	return out
}

// pools are the targets among some states, by kind of target.
type pools struct {
	g      *graph
	states []*state
	lists  map[string]pool
}

type pool []pooled

// pooled is a state that some technique can be used on.
type pooled struct {
	to      *state
	targets []target
	trusted Certainty
}

// of are the states that a plan can be used on. That a role trusts a service, or has a
// provider, does not depend on who asks.
func (ps *pools) of(p *plan.Plan) (pool, error) {
	key := string(p.Target) + " " + p.Service + " " + string(p.Assume)
	list, ok := ps.lists[key]
	if ok {
		return list, nil
	}
	for _, to := range ps.states {
		found, trusted, err := ps.g.others(p, to.who)
		if err != nil {
			return nil, err
		}
		if p.Assume == technique.AsTrusted && len(found) > 0 {
			trust, err := ps.g.trustOf(to.who.Trust)
			if err != nil {
				return nil, err
			}
			if !trust.callers {
				continue
			}
		}
		if len(found) > 0 {
			list = append(list, pooled{to, found, trusted})
		}
	}
	ps.lists[key] = list
	return list, nil
}

// reach tries the techniques of a state that end at one of the pooled states. It stops
// at the first that is as certain as this round asks for.
func (g *graph) reach(s *state, ps *pools, c Certainty) error {
	if s.becoming == nil {
		s.becoming = []*plan.Plan{}
		for _, p := range g.plans {
			if p.Becomes && s.candidate(p) {
				s.becoming = append(s.becoming, p)
			}
		}
	}
	for _, p := range s.becoming {
		list, err := ps.of(p)
		if err != nil {
			return err
		}
		e, err := g.tryAll(s, p, list, c)
		if err != nil {
			return err
		}
		if e == nil {
			continue
		}
		if old := s.best[e.certainty]; old == nil || e.to.steps < old.to.steps {
			s.best[e.certainty] = e
		}
		if e.certainty <= c {
			return nil
		}
	}
	return nil
}

// tryAll is the most certain edge of a plan to one of a pool; the first that is as
// certain as is asked for will do, and none that is no more certain than that the state
// is administrator already.
func (g *graph) tryAll(s *state, p *plan.Plan, list pool, c Certainty) (*edge, error) {
	if len(list) == 0 {
		return nil, nil
	}
	fixed := g.fixed(s, p)
	var best *edge
	for i := range list {
		if fixed >= s.administrator || best != nil && best.certainty <= max(c, fixed) {
			break
		}
		e, err := g.try(s, p, &list[i], fixed)
		if err != nil {
			return nil, err
		}
		if e != nil && (best == nil || e.certainty < best.certainty) {
			best = e
		}
	}
	return best, nil
}

// try judges one technique on one principal.
func (g *graph) try(s *state, p *plan.Plan, to *pooled, fixed Certainty) (*edge, error) {
	if to.to.who == s.who || p.Assume == technique.NoSession && to.to.who.Principal.Account != s.who.Principal.Account {
		return nil, nil
	}
	var best *edge
	for i := range to.targets {
		c := max(fixed, to.trusted)
		if c < s.administrator {
			c = max(c, g.bound(s, p, &to.targets[i]))
		}
		if c < s.administrator && (best == nil || c < best.certainty) {
			best = &edge{p, to.targets[i], c, to.to}
		}
	}
	if best == nil {
		return nil, nil
	}
	session, err := g.session(s, p, to.to.who)
	if best.certainty = max(best.certainty, session); err != nil || best.certainty == None {
		return nil, err
	}
	return best, nil
}
