package escalate

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate/plan"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
	"github.com/rootkeep/rootkeep/iam/escalate/witness"
)

// state is a principal, as the account has it or as a path has changed it.
type state struct {
	who      *account.Identity
	changes  []string // sorted; none for the account as it is
	policies iam.Policies
	groups   []*account.Group
	granted  bool // its policies allow everything
	retagged bool // its tags are what the actor likes

	may      plan.Bits    // actions that some identity policy may allow
	becoming []*plan.Plan // candidates that become another principal; nil before they are asked for
	set      *iam.Set
	open     *iam.Set      // set, for a role whose trust policy names everyone
	contexts []iam.Context // nil before they are asked for
	byCall   map[callKey][]iam.Context
	written  []string          // resource patterns of its policies
	fixed    map[int]Certainty // by the number of the plan; nil before one is asked about
	// asked holds, by need.same and number of the principal, one more than the certainty.
	asked [][]uint8
	named map[namedKey]Certainty // of what is no principal

	administrator Certainty // by what it may do
	resolved      bool
	certainty     Certainty // of the best path, when resolved
	steps         int
	via           *edge
	ends          bool               // the path ends where via leads
	edges         []*edge            // to changed states, and to administrator
	best          [certainties]*edge // to other principals: the shortest of each certainty
}

// edge is a technique that leads from one state to another, or two of which the first
// makes the target of the second what it is.
type edge struct {
	plan      *plan.Plan
	target    target
	certainty Certainty
	to        *state
	before    *edge // a change of the target that comes first; nil for none
	tail      int   // of an edge to another principal: steps from there
}

// length is how many steps an edge is.
func (e *edge) length() int {
	if e.before != nil {
		return 2
	}
	return 1
}

// target is what a technique is used on.
type target struct {
	identity *account.Identity // another principal
	group    *account.Group
	managed  *account.Managed
	version  *account.Version
	policies []*iam.Policy // that Drop and Replace take away
	provider string
}

// delegating stands for the policies of resources that are not given: the account
// decides by its identity policies. It is what a trust policy that names the account
// says, and the default policy of a KMS key; for other resources it changes nothing.
func delegating(id rootkeep.AccountID) (*iam.Policy, error) {
	return iam.Parse("the account", fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"*","Resource":"*"}}`, id))
}

// constant policies of a graph.
const (
	allowAll   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	allowNone  = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"rootkeep:None","Resource":"*"}}`
	trustsAll  = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"*"}}`
	maxChanged = 64 // changed states of one principal
)

// constants are allowAll, allowNone and trustsAll, under the names that paths show.
var constants = sync.OnceValues(func() (out [3]*iam.Policy, err error) {
	for i, p := range [...]struct{ name, text string }{{"AdministratorAccess", allowAll}, {"nothing", allowNone}, {"the new trust policy", trustsAll}} {
		if out[i], err = iam.Parse(p.name, []byte(p.text)); err != nil {
			return out, fmt.Errorf("escalate: %w", err)
		}
	}
	return out, nil
})

// base makes the state of a principal as the account has it.
func (g *graph) base(i *account.Identity) (*state, error) {
	s := &state{who: i, policies: i.Policies(g.o.Guardrails), groups: i.Groups}
	return s, g.prepare(s)
}

// newcomer is the state of a principal that does not exist yet and has a policy that
// allows everything: what an account's actor makes, or has made for itself, is limited
// by the organization alone.
func (g *graph) newcomer(id accountID, partition string) (*state, error) {
	if s := g.newcomers[id]; s != nil {
		return s, nil
	}
	arn := "arn:" + partition + ":iam::" + string(id) + ":role/new"
	p, err := iam.ParsePrincipal(arn)
	if err != nil {
		return nil, err
	}
	s := &state{who: &account.Identity{Principal: p, Path: "/"}, changes: []string{"new"}, granted: true,
		policies: iam.Policies{Identity: []*iam.Policy{g.all}, SCPs: g.o.Guardrails.SCPs, RCPs: g.o.Guardrails.RCPs}}
	g.newcomers[id] = s
	return s, g.prepare(s)
}

// prepare compiles what the questions about a state need.
func (g *graph) prepare(s *state) (err error) {
	id := s.who.Principal.Account
	delegate := g.delegates[id]
	if delegate == nil {
		if delegate, err = delegating(id); err != nil {
			return err
		}
		g.delegates[id] = delegate
	}
	p := s.policies
	p.Resource = []*iam.Policy{delegate}
	if s.set, err = g.compile(p); err != nil {
		return fmt.Errorf("policies of %s: %w", s.who.Principal.ARN, err)
	}
	for _, policy := range s.policies.Identity {
		s.may.Add(g.mayOf(policy))
	}
	s.byCall = map[callKey][]iam.Context{}
	s.administrator = g.administrator(s)
	g.states = append(g.states, s)
	return nil
}

// mayOf says which of the numbered actions a policy may allow; worked out once for
// policies that allow the same actions, which many principals do, each on its own
// resources.
func (g *graph) mayOf(p *iam.Policy) plan.Bits {
	b, ok := g.mayBy[p]
	if !ok {
		b = g.mayAlike(p)
		g.mayBy[p] = b
	}
	return b
}

func (g *graph) mayAlike(p *iam.Policy) plan.Bits {
	key := witness.Actions(p)
	b, ok := g.may[key]
	if !ok {
		b = make(plan.Bits, (len(g.actions.Names())+63)/64)
		for i, action := range g.actions.Names() {
			if p.MayAllow(action) {
				b.Set(i)
			}
		}
		g.may[key] = b
	}
	return b
}

// contexts are the ways in which a principal can make a request, as far as its
// policies tell them apart: with credentials of this moment, and for a user with an
// access key, of which no time is told.
func (g *graph) contexts(s *state) []iam.Context {
	if s.contexts == nil {
		s.contexts = g.newContexts(s)
	}
	return s.contexts
}

func (g *graph) newContexts(s *state) []iam.Context {
	c := s.who.Context(g.o.Guardrails, g.o.Context)
	if s.retagged {
		// Not closed: any tag may be there, with any value.
		c = iam.PartialContext(known(c, "aws:principaltag/"))
	}
	if !g.mentions["aws:tokenissuetime"] || g.o.Now.IsZero() {
		return []iam.Context{c}
	}
	out := []iam.Context{c.With("aws:TokenIssueTime", g.o.Now.UTC().Format(time.RFC3339))}
	if s.who.Principal.Kind == iam.User {
		out = append(out, c.With("aws:TokenIssueTime"))
	}
	return out
}

// known copies what a context knows, without the keys of a prefix in lower case.
func known(c iam.Context, without string) map[string][]string {
	out := map[string][]string{}
	for _, key := range c.Keys() {
		if !strings.HasPrefix(key, without) {
			out[key], _ = c.Values(key)
		}
	}
	return out
}

// changed is a state as one effect of a technique leaves it; nil if that is no
// change, or if the principal has been changed in too many ways already.
func (g *graph) changed(s *state, e technique.Effect, t *target) (*state, error) {
	if e == technique.Administrator {
		return g.newcomer(s.who.Principal.Account, partition(s.who.Principal.ARN))
	}
	next := &state{who: s.who, policies: s.policies, groups: s.groups, granted: s.granted, retagged: s.retagged}
	change := string(e)
	switch e {
	case technique.Grant:
		next.granted = true
		next.policies.Identity = append(slices.Clone(s.policies.Identity), g.all)
	case technique.Join:
		change += " " + t.group.ARN
		next.groups = append(slices.Clone(s.groups), t.group)
		next.policies.Identity = append(slices.Clone(s.policies.Identity), groupPolicies(t.group)...)
	case technique.Replace:
		change += " " + t.managed.ARN
		next.granted = true
		next.policies.Identity = append(without(s.policies.Identity, t.policies), g.all)
	case technique.Activate:
		change += " " + t.managed.ARN + " " + t.version.ID
		next.policies.Identity = append(without(s.policies.Identity, t.policies), t.version.Policy)
	case technique.Drop:
		for _, p := range t.policies {
			change += " " + p.Name
		}
		next.policies.Identity = without(s.policies.Identity, t.policies)
	case technique.Unbind:
		next.policies.Boundary = nil
	case technique.Unguard:
		next.policies.SCPs = nil
	case technique.Retag:
		next.retagged = true
	}
	if slices.Contains(s.changes, change) {
		return nil, nil
	}
	next.changes = append(slices.Clone(s.changes), change)
	slices.Sort(next.changes)
	key := s.who.Principal.ARN + "\x00" + strings.Join(next.changes, "\x00")
	if known := g.byChange[key]; known != nil {
		return known, nil
	}
	if g.changedOf[s.who] >= maxChanged {
		g.cut["a principal can be changed in more ways than were followed"] = true
		return nil, nil
	}
	g.changedOf[s.who]++
	g.byChange[key] = next
	return next, g.prepare(next)
}

func groupPolicies(grp *account.Group) []*iam.Policy {
	out := slices.Clone(grp.Inline)
	for _, m := range grp.Attached {
		out = append(out, m.Policy)
	}
	return out
}

func without(list, gone []*iam.Policy) []*iam.Policy {
	out := []*iam.Policy{}
	for _, p := range list {
		if !slices.Contains(gone, p) {
			out = append(out, p)
		}
	}
	return out
}

// patterns are the resource patterns that the state's policies write.
func (s *state) patterns() []string {
	if s.written == nil {
		s.written = append([]string{}, witness.Written(slices.Concat(s.policies.Identity, s.policies.Boundary))...)
	}
	return s.written
}
