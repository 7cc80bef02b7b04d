package escalate

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/escalate/plan"
	"github.com/rootkeep/rootkeep/iam/escalate/witness"
)

type accountID = rootkeep.AccountID

// expand fills in the names of a text.
func (g *graph) expand(text string, s *state, t *target) string {
	if !strings.Contains(text, "$") {
		return text
	}
	who := &s.who.Principal
	switch text {
	case "$actor":
		return who.ARN
	case "$target":
		return t.arn(s)
	case "$policy":
		return t.managed.ARN
	case "$group":
		return t.group.ARN
	case "$provider":
		return t.provider
	}
	key := formKey{text, who.Account, partition(who.ARN)}
	out, ok := g.forms[key]
	if !ok {
		out = strings.ReplaceAll(strings.ReplaceAll(text, "$account", string(who.Account)), "$partition", key.partition)
		g.forms[key] = out
	}
	if t == nil || !strings.Contains(out, "$") {
		return strings.ReplaceAll(out, "$actor", who.ARN)
	}
	pairs := []string{"$actor", who.ARN}
	if t.managed != nil {
		pairs = append(pairs, "$policy", t.managed.ARN)
	}
	if t.group != nil {
		pairs = append(pairs, "$group", t.group.ARN)
	}
	return strings.NewReplacer(append(pairs, "$provider", t.provider, "$target", t.arn(s))...).Replace(out)
}

// formKey is what a text without names of a target depends on.
type formKey struct {
	text      string
	account   accountID
	partition string
}

// arn is what $target stands for.
func (t *target) arn(s *state) string {
	switch {
	case t.identity != nil:
		return t.identity.Principal.ARN
	case t.group != nil:
		return t.group.ARN
	case t.managed != nil && t.managed != s.who.Boundary:
		return t.managed.ARN
	}
	return s.who.Principal.ARN
}

// partition is the second part of an ARN.
func partition(arn string) string {
	_, rest, _ := strings.Cut(arn, ":")
	name, _, _ := strings.Cut(rest, ":")
	return name
}

// answer is how certain something is, and the request that showed it.
type answer struct {
	certainty Certainty
	request   iam.Request
	shown     string // the resource as the policies write it
}

// ask says how certain it is that a state may do all calls of a need on one resource.
// Who asks with patterns leaves the choice of names to the actor.
func (g *graph) ask(s *state, set *iam.Set, n *plan.Need, t *target, patterns []string) []answer {
	on := g.expand(n.On, s, t)
	tried := g.witnesses(on, patterns, s.who.Principal.Name)
	if len(tried) >= witness.Max {
		g.cut["policies write more names of one kind of resource than were tried"] = true
	}
	var best []answer
	worstOfBest := None
	for i := range tried {
		for _, region := range g.regionsOf(n, &tried[i]) {
			answers := make([]answer, 0, len(n.Calls))
			worst := Certain
			for k := range n.Calls {
				a := g.call(s, set, &n.Calls[k], tried[i].In(region), region, t)
				a.shown = tried[i].Shown
				answers = append(answers, a)
				if worst = max(worst, a.certainty); worst >= worstOfBest {
					break
				}
			}
			if worst < worstOfBest {
				best, worstOfBest = answers, worst
			}
			if worst == Certain {
				return best
			}
		}
	}
	return best
}

// witnesses are the names that are tried. Without patterns they hang on the form alone.
func (g *graph) witnesses(form string, patterns []string, user string) []witness.Witness {
	if len(patterns) > 0 {
		return witness.Of(form, patterns, user)
	}
	known, ok := g.free[form]
	if !ok {
		known = witness.Of(form, nil, user)
		g.free[form] = known
	}
	return known
}

// askNamed is ask for a need on something that has a name already.
func (g *graph) askNamed(s *state, n *plan.Need, t *target) Certainty {
	w := witness.Witness{ARN: g.expand(n.On, s, t)}
	best := None
	for _, region := range g.regionsOf(n, &w) {
		worst := Certain
		for k := range n.Calls {
			if worst = max(worst, g.call(s, s.set, &n.Calls[k], w.ARN, region, t).certainty); worst >= best {
				break
			}
		}
		if best = min(best, worst); best == Certain {
			break
		}
	}
	return best
}

// regionsOf are the Regions in which a call may be made, if any policy asks.
func (g *graph) regionsOf(n *plan.Need, w *witness.Witness) []string {
	switch {
	case n.Global():
		return g.regions[:1] // their endpoints are in the default Region
	case w.Region != "":
		return []string{w.Region}
	}
	return g.regions
}

// call asks one call in every way in which the state can make it.
func (g *graph) call(s *state, set *iam.Set, c *plan.Call, resource, region string, t *target) answer {
	best := answer{certainty: None}
	r := &g.scratch
	*r = iam.Request{Action: c.Action, Resource: resource, Principal: s.who.Principal, Facts: g.o.Guardrails.Facts()}
	if parts, ok := condition.SplitARN(resource); !ok || parts[4] == "" {
		r.ResourceAccount = s.who.Principal.Account
	}
	for _, r.Context = range g.callContexts(s, c, resource, region, t) {
		if certainty := g.certaintyOf(set, r); certainty < best.certainty {
			best = answer{certainty: certainty, request: *r}
		}
		if best.certainty == Certain {
			break
		}
	}
	return best
}

// certaintyOf turns a decision about a request into a certainty. A policy that could not
// be read may deny anything, so whatever it takes part in and is not denied hangs on it.
func (g *graph) certaintyOf(set *iam.Set, r *iam.Request) Certainty {
	switch set.Decide(r).Outcome {
	case iam.Allowed:
		return Certain
	case iam.Conditional:
		if g.unread[set] {
			return Unknown
		}
		return Conditional
	}
	return None
}

// compile makes a Set and notes whether it has a policy that could not be read.
func (g *graph) compile(p iam.Policies) (*iam.Set, error) {
	set, err := iam.NewSet(p)
	if err != nil {
		return nil, err
	}
	lists := slices.Concat([][]*iam.Policy{p.Identity, p.Boundary, p.Resource}, p.SCPs, p.RCPs)
	for _, list := range lists {
		if slices.ContainsFunc(list, func(p *iam.Policy) bool { return !p.Readable() }) {
			g.unread[set] = true
		}
	}
	return set, nil
}

// callKey is what the context of a call depends on, if not on its target.
type callKey struct {
	call   *plan.Call
	region string
}

func (g *graph) callContexts(s *state, c *plan.Call, resource, region string, t *target) []iam.Context {
	facts := g.resourceFacts(s, resource, t)
	own := c.Refers || len(facts) > 0
	if !g.mentions["aws:requestedregion"] {
		region = ""
	}
	key := callKey{c, region}
	if cached, ok := s.byCall[key]; ok && !own {
		return cached
	}
	contexts := g.contexts(s)
	out := make([]iam.Context, len(contexts))
	for i, ctx := range contexts {
		if region != "" {
			ctx = ctx.With("aws:RequestedRegion", region)
		}
		for name, list := range facts {
			ctx = ctx.With(name, list...)
		}
		if len(facts) > 0 {
			ctx = ctx.Close("iam:resourcetag/").Close("aws:resourcetag/")
		}
		for name, value := range c.Context {
			if value == "" {
				ctx = ctx.With(name) // absent
			} else {
				ctx = ctx.With(name, g.expand(value, s, t))
			}
		}
		out[i] = ctx
	}
	if !own && s.byCall != nil {
		s.byCall[key] = out
	}
	return out
}

// resourceFacts are context keys that tell of the user or role that a call is about,
// if any policy asks: its tags and its boundary.
func (g *graph) resourceFacts(s *state, resource string, t *target) map[string][]string {
	if !g.mentionsResource {
		return nil
	}
	var i *account.Identity
	switch {
	case t != nil && t.identity != nil && t.identity.Principal.ARN == resource:
		i = t.identity
	case s.who.Principal.ARN == resource:
		i = s.who
	default:
		return nil
	}
	out := map[string][]string{"iam:PermissionsBoundary": nil}
	if i.Boundary != nil && (i != s.who || s.policies.Boundary != nil) {
		out["iam:PermissionsBoundary"] = []string{i.Boundary.ARN}
	}
	for _, tag := range i.Tags {
		out["iam:ResourceTag/"+tag.Key] = []string{tag.Value}
		out["aws:ResourceTag/"+tag.Key] = []string{tag.Value}
	}
	return out
}
