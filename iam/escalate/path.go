package escalate

import (
	"maps"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/escalate/plan"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
)

// standing tells on what it hangs that a state is administrator.
func (g *graph) standing(s *state) Standing {
	out := Standing{Principal: s.who.Principal.ARN, Certainty: s.administrator}
	if s.administrator == Certain {
		return out
	}
	for i := range g.probes {
		for _, a := range g.ask(s, s.set, &g.probes[i], nil, nil) {
			if a.certainty == s.administrator {
				e := s.set.Residual(&a.request)
				out.If = &e
				return out
			}
		}
	}
	return out
}

func (g *graph) path(s *state) (Path, error) {
	p := Path{From: s.who.Principal.ARN, Certainty: s.certainty, Steps: []Step{}}
	end := s
	for at := s; at.via != nil; at = end {
		for _, e := range []*edge{at.via.before, at.via} {
			if e == nil {
				continue
			}
			step, err := g.step(at, e)
			if err != nil {
				return p, err
			}
			p.Steps = append(p.Steps, step)
		}
		if end = at.via.to; at.ends {
			break
		}
	}
	p.Ends = g.standing(end)
	var err error
	p.Others, err = g.firstSteps(s)
	return p, err
}

// firstSteps are the techniques beside the one of the best path that begin a path as
// short: closing one way is not enough while they are open.
func (g *graph) firstSteps(s *state) ([]string, error) {
	found := map[string]bool{}
	for _, e := range s.edges {
		if e.before != nil && e.to.resolved && e.to.steps+e.length() <= s.steps {
			found[e.before.plan.ID] = true
		}
	}
	for _, p := range g.plans {
		if found[p.ID] || p.Effect == technique.Lead || !s.candidate(p) || g.fixed(s, p) == None {
			continue
		}
		if !p.Becomes {
			ok, err := g.changesAtOnce(s, p)
			if err != nil {
				return nil, err
			}
			if ok {
				found[p.ID] = true
			}
			continue
		}
		pool, err := g.atDistance(s.steps - 1).of(p)
		if err != nil {
			return nil, err
		}
		e, err := g.tryAll(s, p, pool.list, None)
		if err != nil {
			return nil, err
		}
		if e != nil {
			found[p.ID] = true
		}
	}
	first := s.via
	if first.before != nil {
		first = first.before
	}
	delete(found, first.plan.ID)
	return append([]string{}, slices.Sorted(maps.Keys(found))...), nil
}

// changesAtOnce says whether a plan that changes the actor itself makes it an
// administrator at once.
func (g *graph) changesAtOnce(s *state, p *plan.Plan) (bool, error) {
	if s.steps != 1 || p.Others {
		return false, nil
	}
	for _, t := range g.ownTargets(s, p.Target) {
		if g.bound(s, p, &t) == None {
			continue
		}
		to, err := g.changed(s, p.Effect, &t)
		if err != nil {
			return false, err
		}
		if to != nil && to.administrator != None {
			return true, nil
		}
	}
	return false, nil
}

// atDistance are the principals that are so many steps from administrator.
func (g *graph) atDistance(steps int) *pools {
	if g.distant[steps] == nil {
		ps := &pools{g: g, lists: map[poolKey]*pool{}}
		for _, s := range g.states {
			if near := s.resolved && s.steps == steps || steps == 0 && s.administrator != None; near && len(s.changes) == 0 {
				ps.states = append(ps.states, s)
			}
		}
		g.distant[steps] = ps
	}
	return g.distant[steps]
}

// step tells one edge with all that it uses.
func (g *graph) step(s *state, e *edge) (Step, error) {
	out := Step{
		Technique: e.plan.Technique, ID: e.plan.ID, Actor: s.who.Principal.ARN, Certainty: e.certainty,
		Text: g.sentence(s, e.plan, &e.target), Assumes: g.short(e.plan.Assumes, s, &e.target), Uses: g.uses(s, e.plan, &e.target),
	}
	if e.target.identity != nil || e.target.group != nil || e.target.managed != nil {
		out.Target = e.target.arn(s)
	}
	if e.plan.Assume != technique.NoSession {
		if s.who.Principal.Kind == iam.Role {
			out.Note = "role chaining: the session lasts an hour at most"
		}
		answers, set, err := g.assume(s, e.target.identity, e.plan.Assume)
		if err != nil {
			return out, err
		}
		if e.plan.Assume == technique.AsTrusted {
			// The answer may have been joined from two; it is told from the whole.
			if set, err = g.pair(s, e.target.identity); err != nil {
				return out, err
			}
		}
		for i := range answers {
			out.Uses = append(out.Uses, g.use(set, &answers[i]))
		}
	}
	return out, nil
}

func (g *graph) uses(s *state, p *plan.Plan, t *target) []Use {
	out := []Use{}
	for _, list := range [][]plan.Need{p.Fixed, p.Bound} {
		for i := range list {
			for _, a := range g.ask(s, s.set, &list[i], t, s.patterns()) {
				out = append(out, g.use(s.set, &a))
			}
		}
	}
	return out
}

func (g *graph) use(set *iam.Set, a *answer) Use {
	x := set.Explain(&a.request, iam.Matching)
	u := Use{Action: a.request.Action, Resource: a.shown, Decision: x.Outcome, If: x.Residual}
	for _, layer := range []iam.Layer{iam.Identity, iam.Resource} {
		if u.By = g.allowing(x, layer); u.By.Policy != nil {
			u.Statement, u.Line = u.By.String(), u.By.Line()
			break
		}
	}
	return u
}

// allowing is the statement of a layer that allows, or may: the zero Ref if none does.
// What stands for resources without a policy of their own is none.
func (g *graph) allowing(x *iam.Explanation, layer iam.Layer) (best iam.Ref) {
	for i := range x.Layers {
		if x.Layers[i].Layer != layer {
			continue
		}
		for _, st := range x.Layers[i].Statements {
			switch standsIn := st.Ref.Policy == g.delegates[accountOf(x.Principal)]; {
			case standsIn || st.Denies || st.Match == iam.False:
			case st.Match == iam.True:
				return st.Ref
			case x.Outcome == iam.Conditional && best.Policy == nil:
				best = st.Ref
			}
		}
	}
	return best
}

func (g *graph) found(s *state, l *lead) Found {
	return Found{
		Principal: s.who.Principal.ARN, Technique: l.plan.ID, Certainty: l.certainty, Text: g.sentence(s, l.plan, &l.target),
		Assumes: g.short(l.plan.Assumes, s, &l.target), Uses: g.uses(s, l.plan, &l.target),
	}
}

func (g *graph) sentence(s *state, p *plan.Plan, t *target) string {
	return g.name(s.who.Principal.ARN) + " " + g.short(p.Does, s, t)
}

// short fills the names in with short forms.
func (g *graph) short(text string, s *state, t *target) string {
	pairs := []string{"$actor", g.name(s.who.Principal.ARN), "$account", string(s.who.Principal.Account)}
	if t.managed != nil {
		pairs = append(pairs, "$policy", g.name(t.managed.ARN))
	} else if len(t.policies) > 0 {
		pairs = append(pairs, "$policy", "policy "+t.policies[0].Name)
	}
	if t.version != nil {
		pairs = append(pairs, "$version", t.version.ID)
	}
	if t.group != nil {
		name := t.group.ARN
		if name == "" {
			name = "group/" + t.group.Name
		}
		pairs = append(pairs, "$group", g.name(name))
	}
	pairs = append(pairs, "$provider", g.name(t.provider), "$target", g.name(t.arn(s)))
	return strings.NewReplacer(pairs...).Replace(text)
}

// fromOutside adds the paths of strangers: one for each stranger and role, and only
// the best of a stranger that several roles trust.
func (g *graph) fromOutside(r *Report) error {
	best := map[string]Path{}
	for _, i := range g.identities {
		s := g.bases[i]
		if i.Principal.Kind != iam.Role || !s.resolved || s.steps+1 > g.o.MaxSteps {
			continue
		}
		for _, e := range g.entriesOf(i) {
			for _, t := range g.outside {
				if t.Entry != e.kind {
					continue
				}
				p, err := g.outsidePath(&e, t, s)
				if err != nil {
					return err
				}
				if old, ok := best[e.name]; !ok || comparePaths(p, old) < 0 {
					best[e.name] = p
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(best)) {
		r.Outside = append(r.Outside, best[name])
	}
	slices.SortStableFunc(r.Outside, comparePaths)
	return nil
}

func (g *graph) outsidePath(e *entry, t *technique.Technique, s *state) (Path, error) {
	p := Path{From: e.name, Steps: []Step{}, Others: []string{}, Ends: g.standing(s)}
	if s.via != nil {
		var err error
		if p, err = g.path(s); err != nil {
			return p, err
		}
	}
	p.From, p.Certainty, p.Others = e.name, max(e.certainty, s.certainty), []string{}
	to := target{identity: s.who, provider: e.principal.ARN}
	u := g.use(e.set, &answer{e.certainty, e.request, s.who.Principal.ARN})
	if u.By = g.allowing(e.set.Explain(&e.request, iam.Matching), iam.Resource); u.By.Policy != nil {
		u.Statement, u.Line = u.By.String(), u.By.Line()
	}
	first := Step{
		Technique: t, ID: t.ID, Actor: e.name, Target: s.who.Principal.ARN, Certainty: e.certainty,
		Text: e.name + " " + g.short(t.Does, s, &to), Assumes: t.Assumes, Uses: []Use{u},
	}
	p.Steps = append([]Step{first}, p.Steps...)
	return p, nil
}
