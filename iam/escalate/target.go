package escalate

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate/plan"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
)

// ownTargets are the targets of a plan that belong to the actor, or to nobody.
func (g *graph) ownTargets(s *state, kind technique.Target) []target {
	var out []target
	switch kind {
	case technique.TargetSelf, technique.TargetAccount:
		out = append(out, target{})
	case technique.TargetGuardrails:
		if len(s.policies.SCPs) > 0 {
			out = append(out, target{})
		}
	case technique.TargetOwnBoundary:
		if len(s.policies.Boundary) > 0 {
			out = append(out, target{managed: s.who.Boundary})
		}
	case technique.TargetOwnGroup:
		for _, grp := range s.groups {
			out = append(out, target{group: grp})
		}
	case technique.TargetOtherGroup:
		for _, grp := range g.groups {
			if !slices.Contains(s.groups, grp) && accountOf(grp.ARN) == s.who.Principal.Account {
				out = append(out, target{group: grp})
			}
		}
	case technique.TargetOwnPolicy:
		for _, m := range s.managed() {
			out = append(out, target{managed: m, policies: []*iam.Policy{m.Policy}})
		}
	case technique.TargetOwnVersion:
		for _, m := range s.managed() {
			for i := range m.Versions {
				if !m.Versions[i].Default {
					out = append(out, target{managed: m, version: &m.Versions[i], policies: []*iam.Policy{m.Policy}})
				}
			}
		}
	default:
		out = s.denying(kind)
	}
	return out
}

func accountOf(arn string) accountID {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return accountID(parts[4])
}

// managed are the customer managed policies that apply to a state.
func (s *state) managed() []*account.Managed {
	var out []*account.Managed
	add := func(list []*account.Managed) {
		for _, m := range list {
			if !m.AWS() && slices.Contains(s.policies.Identity, m.Policy) && !slices.Contains(out, m) {
				out = append(out, m)
			}
		}
	}
	add(s.who.Attached)
	for _, grp := range s.groups {
		add(grp.Attached)
	}
	return out
}

// denying are the policies of the actor that only deny, one target each. A policy that
// allows as well is given up only by somebody who has everything already.
func (s *state) denying(kind technique.Target) []target {
	var out []target
	worth := func(ps []*iam.Policy) bool {
		denies := false
		for _, p := range ps {
			if !slices.Contains(s.policies.Identity, p) {
				return false
			}
			d, a := effectsOf(p)
			if a && !s.granted {
				return false
			}
			denies = denies || d
		}
		return denies
	}
	switch kind {
	case technique.TargetOwnDeny:
		for _, m := range s.who.Attached {
			if ps := []*iam.Policy{m.Policy}; worth(ps) {
				out = append(out, target{managed: m, policies: ps})
			}
		}
	case technique.TargetInlineDeny:
		for _, p := range s.who.Inline {
			if ps := []*iam.Policy{p}; worth(ps) {
				out = append(out, target{policies: ps})
			}
		}
	case technique.TargetGroupDeny:
		for _, grp := range s.groups {
			if ps := groupPolicies(grp); worth(ps) {
				out = append(out, target{group: grp, policies: ps})
			}
		}
	}
	return out
}

func effectsOf(p *iam.Policy) (denies, allows bool) {
	for i := range p.Document.Statements {
		if p.Document.Statements[i].Denies() {
			denies = true
		} else {
			allows = true
		}
	}
	return denies, allows
}

// others are the ways in which a plan can be used on another principal: usually one,
// none if it is not such a target.
func (g *graph) others(p *plan.Plan, i *account.Identity) ([]target, Certainty, error) {
	user := i.Principal.Kind == iam.User
	plain := []target{{identity: i}}
	switch p.Target {
	case technique.TargetUser, technique.TargetUserGroup: // with which groups is seen when it is tried
		return when(user, plain), Certain, nil
	case technique.TargetRole:
		return when(!user, plain), Certain, nil
	case technique.TargetUserPolicy, technique.TargetRolePolicy:
		var out []target
		for _, m := range i.Attached {
			if user == (p.Target == technique.TargetUserPolicy) && !m.AWS() {
				out = append(out, target{identity: i, managed: m, policies: []*iam.Policy{m.Policy}})
			}
		}
		return out, Certain, nil
	case technique.TargetServiceRole, technique.TargetInstanceRole:
		if user || p.Target == technique.TargetInstanceRole && len(i.Profiles) == 0 {
			return nil, None, nil
		}
		c, err := g.serving(i, p.Service)
		return when(c != None, plain), c, err
	case technique.TargetSAMLRole, technique.TargetOIDCRole:
		if user {
			return nil, None, nil
		}
		return g.federated(i, p.Target)
	}
	return nil, None, nil
}

func when(ok bool, list []target) []target {
	if !ok {
		return nil
	}
	return list
}

// federated are the providers of the account that a role trusts.
func (g *graph) federated(role *account.Identity, kind technique.Target) ([]target, Certainty, error) {
	var out []target
	best := None
	for _, e := range g.entriesOf(role) {
		arn, want := e.principal.ARN, ":oidc-provider/"
		if kind == technique.TargetSAMLRole {
			want = ":saml-provider/"
		}
		if !strings.Contains(arn, want) || accountOf(arn) != role.Principal.Account {
			continue
		}
		// Who controls the provider makes it say what the trust policy asks for.
		if e.certainty != Unknown {
			best = Certain
		} else {
			best = min(best, Unknown)
		}
		out = append(out, target{identity: role, provider: e.principal.ARN})
	}
	return out, best, nil
}
