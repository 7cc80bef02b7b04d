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
		if s.fixed == nil {
			s.fixed = map[int]Certainty{}
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

// boundNeed asks about one need of a target. Techniques share what they ask (may the
// actor pass this role to that service), so answers are kept.
func (g *graph) boundNeed(s *state, n *plan.Need, t *target) Certainty {
	switch {
	case n.Same < 0 && !strings.HasPrefix(n.On, "$"):
		return worst(g.ask(s, s.set, n, t, s.patterns()))
	case n.Same < 0:
		return g.askNamed(s, n, t)
	case n.On != "$target" || t.identity == nil:
		key := namedKey{n.Same, g.expand(n.On, s, t)}
		c, ok := s.named[key]
		if !ok {
			c = g.askNamed(s, n, t)
			if s.named == nil {
				s.named = map[namedKey]Certainty{}
			}
			s.named[key] = c
		}
		return c
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

// namedKey is what an answer about a group, policy or provider depends on.
type namedKey struct {
	same int
	on   string
}

// solve finds the shortest path of every state that has one of this certainty and none
// that is better, going back from the administrators. From the state that an edge leads
// to, a path goes on by the best path of that state, or ends if it is administrator with
// this certainty. Each pair of a state and another principal is tried once, when that
// principal is found to be so near.
func (g *graph) solve(c Certainty) error {
	fresh := make([][]*state, g.o.MaxSteps+1) // found in this round, by steps
	add := func(s *state, steps int) {
		if len(s.changes) == 0 { // becoming a principal does not change it
			fresh[steps] = append(fresh[steps], s)
		}
	}
	for _, s := range g.states {
		if s.administrator == c {
			add(s, 0)
			if !s.resolved {
				s.resolved, s.certainty = true, c
			}
		}
	}
	for steps := 0; steps < g.o.MaxSteps; steps++ {
		pools := pools{g: g, states: fresh[steps], steps: steps, lists: map[poolKey]*pool{}}
		for _, s := range g.states {
			if s.resolved || s.administrator <= g.o.Enough {
				continue
			}
			if err := g.reach(s, &pools, c); err != nil {
				return err
			}
			if e := s.next(c, steps); e != nil {
				s.resolved, s.certainty, s.steps, s.via, s.ends = true, c, steps+1, e, e.to.administrator <= c
				add(s, steps+1)
			}
		}
	}
	return nil
}

// next is the simplest edge of at most this certainty that makes a path of one step
// more.
func (s *state) next(c Certainty, steps int) *edge {
	var out *edge
	take := func(e *edge, tail int) {
		if tail+e.length() == steps+1 && e.certainty <= c && (out == nil || e.plan.Number < out.plan.Number) {
			out = e
		}
	}
	for _, e := range s.best {
		if e != nil {
			take(e, e.tail)
		}
	}
	for _, e := range s.edges {
		switch {
		case e.to.administrator <= c:
			take(e, 0)
		case e.to.resolved && e.to.certainty <= c:
			take(e, e.to.steps)
		}
	}
	return out
}

// pools are the targets among some states, by kind of target.
type pools struct {
	g      *graph
	states []*state
	steps  int // how far they are from administrator
	lists  map[poolKey]*pool
}

// poolKey is what the targets of a plan depend on.
type poolKey struct {
	target  technique.Target
	service string
	assume  technique.Assume
}

type pool struct {
	list []pooled
	at   map[*account.Identity]int // where a principal is in the list
}

// pooled is a state that some technique can be used on.
type pooled struct {
	to      *state
	targets []target
	trusted Certainty
}

// of are the states that a plan can be used on. That a role trusts a service, or has a
// provider, does not depend on who asks.
func (ps *pools) of(p *plan.Plan) (*pool, error) {
	key := poolKey{p.Target, p.Service, p.Assume}
	if out := ps.lists[key]; out != nil {
		return out, nil
	}
	out := &pool{at: map[*account.Identity]int{}}
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
			out.at[to.who] = len(out.list)
			out.list = append(out.list, pooled{to, found, trusted})
		}
	}
	ps.lists[key] = out
	return out, nil
}

// reach tries the techniques of a state that end at one of the pooled states. It stops
// at the first that is as certain as this round asks for.
func (g *graph) reach(s *state, ps *pools, c Certainty) error {
	for _, p := range g.becoming(s) {
		pool, err := ps.of(p)
		if err != nil {
			return err
		}
		e, err := g.tryAll(s, p, pool.list, c)
		if err != nil {
			return err
		}
		if e == nil {
			continue
		}
		e.tail = ps.steps
		if old := s.best[e.certainty]; old == nil || e.tail < old.tail {
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
func (g *graph) tryAll(s *state, p *plan.Plan, list []pooled, c Certainty) (*edge, error) {
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
	best, at := None, -1
	for i := range to.targets {
		c := max(fixed, to.trusted)
		if c < s.administrator {
			c = max(c, g.bound(s, p, &to.targets[i]))
		}
		if c < s.administrator && c < best {
			best, at = c, i
		}
	}
	if at < 0 {
		return nil, nil
	}
	session, err := g.session(s, p, to.to.who)
	if best = max(best, session); err != nil || best == None {
		return nil, err
	}
	return &edge{plan: p, target: to.targets[at], certainty: best, to: to.to}, nil
}
