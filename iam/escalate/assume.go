package escalate

import (
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
	"github.com/rootkeep/rootkeep/iam/escalate/witness"
)

// trust is a role's trust policy, ready for questions about any caller: what it says
// when the caller's own policies allow everything, and when they allow nothing.
type trust struct {
	full, alone *iam.Set
	callers     bool // it names principals of AWS accounts at all
	direct      bool // it may name others than whole accounts
}

func (g *graph) trustOf(p *iam.Policy) (*trust, error) {
	if t := g.trusts[p]; t != nil {
		return t, nil
	}
	full, err := g.compile(iam.Policies{Identity: []*iam.Policy{g.all}, Resource: []*iam.Policy{p}, RCPs: g.o.Guardrails.RCPs})
	if err != nil {
		return nil, err
	}
	alone, err := g.compile(iam.Policies{Identity: []*iam.Policy{g.none}, Resource: []*iam.Policy{p}, RCPs: g.o.Guardrails.RCPs})
	if err != nil {
		return nil, err
	}
	t := &trust{full: full, alone: alone}
	for _, text := range witness.Trusted(p) {
		t.callers = t.callers || !strings.Contains(text, "-provider/")
		t.direct = t.direct || !(strings.HasSuffix(text, ":root") || isAccountID(text))
	}
	g.trusts[p] = t
	return t, nil
}

const assumeAction = "sts:AssumeRole"

func isAccountID(text string) bool {
	_, err := rootkeep.ParseAccountID(text)
	return err == nil
}

// assume says how certain it is that a state gets a session of a role. One Set for
// each pair would be too many: where the trust policy leaves the decision to the
// account, its answer and that of the caller's own policies are joined; only a caller
// whom it names, or who is of another account, gets a Set of its own.
func (g *graph) assume(s *state, role *account.Identity, how technique.Assume) ([]answer, *iam.Set, error) {
	t := &target{identity: role}
	arn := role.Principal.ARN
	region := g.regions[0]
	if how == technique.Rewritten {
		if s.open == nil {
			p := s.policies
			p.Resource = []*iam.Policy{g.trustsAll}
			set, err := g.compile(p)
			if err != nil {
				return nil, nil, err
			}
			s.open = set
		}
		return []answer{g.inAnyRegion(s, s.open, arn, t)}, s.open, nil
	}
	trust, err := g.trustOf(role.Trust)
	if err != nil {
		return nil, nil, err
	}
	if !trust.callers {
		return nil, nil, nil
	}
	here := s.who.Principal.Account == role.Principal.Account
	if here && !trust.direct && !s.may.Has(g.assumeCall.Number) {
		return nil, nil, nil
	}
	by := g.call(s, trust.full, &g.assumeCall, arn, region, t)
	if by.certainty == None {
		return nil, nil, nil
	}
	if !here || trust.direct && g.call(s, trust.alone, &g.assumeCall, arn, region, t).certainty != None {
		set, err := g.pair(s, role)
		if err != nil {
			return nil, nil, err
		}
		return []answer{g.inAnyRegion(s, set, arn, t)}, set, nil
	}
	a := g.inAnyRegion(s, s.set, arn, t)
	a.certainty = max(a.certainty, by.certainty)
	return []answer{a}, s.set, nil
}

// pair is the Set of a caller and a role.
func (g *graph) pair(s *state, role *account.Identity) (*iam.Set, error) {
	p := s.policies
	p.Resource = []*iam.Policy{role.Trust}
	return g.compile(p)
}

// inAnyRegion asks for a session where STS may be called.
func (g *graph) inAnyRegion(s *state, set *iam.Set, arn string, t *target) answer {
	best := answer{certainty: None}
	for _, region := range g.regions {
		a := g.call(s, set, &g.assumeCall, arn, region, t)
		a.shown = arn
		if a.certainty < best.certainty {
			best = a
		}
		if best.certainty == Certain {
			break
		}
	}
	return best
}

// trustsPrincipal says how certain it is that a role lets somebody act as it whose own
// policies do not count, or allow everything.
func (g *graph) trustsPrincipal(role *account.Identity, p iam.Principal, action string, context map[string][]string) (Certainty, iam.Request, *iam.Set, error) {
	r := iam.Request{
		Action: action, Resource: role.Principal.ARN, ResourceAccount: role.Principal.Account,
		Principal: p, Context: iam.PartialContext(context), Facts: g.o.Guardrails.Facts(),
	}
	trust, err := g.trustOf(role.Trust)
	if err != nil {
		return None, r, nil, err
	}
	return g.certaintyOf(trust.full, &r), r, trust.full, nil
}

// serving says how certain it is that a service can run as a role. Whoever drives
// the service does so from within the role's account.
func (g *graph) serving(role *account.Identity, service string) (Certainty, error) {
	key := servedRole{role, service}
	if c, ok := g.served[key]; ok {
		return c, nil
	}
	p, err := iam.ParsePrincipal(service)
	if err != nil {
		return None, err
	}
	context := map[string][]string{
		"aws:SourceAccount": {string(role.Principal.Account)}, "aws:PrincipalIsAWSService": {"true"}, "aws:PrincipalServiceName": {service},
	}
	action := "sts:AssumeRole"
	if p.Kind == iam.Provider { // an identity pool of Cognito hands out sessions of its own
		action, context = "sts:AssumeRoleWithWebIdentity", map[string][]string{}
		witness.Audience(role.Trust, service, context)
	}
	c, _, _, err := g.trustsPrincipal(role, p, action, context)
	g.served[key] = c
	return c, err
}

type servedRole struct {
	role    *account.Identity
	service string
}
