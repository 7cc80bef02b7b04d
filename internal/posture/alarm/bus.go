package alarm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture/eventpattern"
)

// byBus follows an event that a rule passes on to another bus, of this account or
// another, to the rules of that bus. EventBridge passes an event on once: from there it
// goes to no third bus. Source: Amazon EventBridge User Guide, "Sending and receiving
// events between event buses".
func (p *Prover) byBus(r *eventRule, e record, t facts.Target, bus rootkeep.ARN) Way {
	at := p.other(bus.Account)
	if at == nil {
		return Way{Link: Acts, Truth: unknown, Says: fmt.Sprintf("%s: it passes the event on to %s, whose rules are not in these facts: scan account %s too", r.name, t.ARN, bus.Account)}
	}
	if let := p.passes(at, t); let.may != yes {
		return Way{Link: Acts, Truth: let.may, Gaps: let.gaps, Says: r.name + ": " + let.why}
	}
	best := Way{Link: Fires, Says: fmt.Sprintf("%s: it passes the event on to %s, where no rule takes %s", r.name, t.ARN, e.name)}
	for i := range at.EventRules {
		fact := &at.EventRules[i]
		arn, err := rootkeep.ParseARN(fact.ARN)
		if err != nil || arn.Region != bus.Region || "event-bus/"+fact.Bus != bus.Resource {
			continue
		}
		second := &eventRule{EventRule: fact, pattern: p.eventPattern(fact.Pattern), name: fmt.Sprintf("%s, then %srule %q of %s", r.name, p.within(at), fact.Name, t.ARN)}
		best = better(best, p.byPassed(at, second, e))
	}
	gaps, _ := at.lacksAll("event_rules.pattern", "event_rules.state")
	if lost := inRegion(gaps, string(bus.Region)); best.Truth == no && len(lost) > 0 {
		return Way{Link: Acts, Truth: unknown, Gaps: lost, Says: r.name + ": not all rules of " + t.ARN + " were read"}
	}
	return best
}

// byPassed follows an event that was passed on through one rule of the second bus.
func (p *Prover) byPassed(at *account, r *eventRule, e record) Way {
	if r.pattern == nil {
		return Way{Link: Acts, Truth: unknown, Says: r.name + ": its pattern cannot be read"}
	}
	switch takes := r.takes(e); {
	case takes == no:
		return Way{}
	case takes == unknown:
		return Way{Link: Acts, Truth: unknown, Says: r.name + ": whether it takes the event hangs on what AWS does not say of patterns"}
	case r.State == "DISABLED":
		return Way{Link: Acts, Says: r.name + " is disabled"}
	case r.State == "ENABLED" && eventpattern.ReadOnly(e.fields):
		return Way{Link: Acts, Truth: unknown, Says: r.name + ": whether its state ENABLED leaves out a call that only reads and was passed on, AWS does not say"}
	}
	gaps, _ := at.lacks("event_rules.targets")
	if gaps = of(gaps, r.ARN); len(gaps) > 0 {
		return Way{Link: Acts, Truth: unknown, Gaps: gaps, Says: r.name + ": its targets were not read"}
	}
	best := Way{Link: Acts, Says: r.name + " takes it and has no target but another bus, to which EventBridge does not pass it on again"}
	if len(r.Targets) == 0 {
		best.Says = r.name + " takes it and tells nobody: it has no target"
	}
	for _, t := range r.Targets {
		if arn, err := rootkeep.ParseARN(t.ARN); err == nil && arn.Service == "events" {
			continue // a third bus
		}
		best = better(best, p.byTarget(at, r, t))
	}
	return best
}

// passes says whether the role of a target may put events on a bus: by its own policies,
// and for a bus of another account by that bus's policy as well.
func (p *Prover) passes(at *account, t facts.Target) permission {
	i := slices.IndexFunc(p.home.Roles, func(r facts.Role) bool { return r.ARN == t.Role })
	principal, err := iam.ParsePrincipal(t.Role)
	if i < 0 || err != nil {
		gaps, _ := p.home.lacks("roles.arn")
		return permission{unknown, fmt.Sprintf("it passes the event on to %s as %q, a role that was not read", t.ARN, t.Role), gaps}
	}
	policies := iam.Policies{Identity: p.home.identity(&p.home.Roles[i])}
	if boundary := p.home.Roles[i].Boundary; boundary != "" {
		policies.Boundary = []*iam.Policy{p.home.managed(boundary, iam.Boundary)}
	}
	if b := slices.IndexFunc(at.EventBuses, func(b facts.EventBus) bool { return b.ARN == t.ARN }); b < 0 {
		policies.Resource = []*iam.Policy{iam.Unread(t.ARN, iam.Resource)}
	} else if text := at.EventBuses[b].Policy; text != "" {
		policies.Resource = []*iam.Policy{parsed(t.ARN, text, iam.Resource)}
	}
	context := iam.PartialContext(principal.ContextKeys())
	if id := p.home.Organization.ID; id != "" {
		context = context.With("aws:PrincipalOrgID", id)
	}
	d, err := iam.Evaluate(&iam.Request{Action: "events:PutEvents", Resource: t.ARN, Principal: principal, Context: context}, policies)
	switch {
	case err == nil && d.Allowed():
		return permission{may: yes}
	case err != nil || d.Outcome == iam.Conditional:
		return permission{may: unknown, why: fmt.Sprintf("whether %s may put events on %s is not decided", t.Role, t.ARN)}
	}
	return permission{may: no, why: fmt.Sprintf("%s may not put events on %s", t.Role, t.ARN)}
}

// identity are the policies of a role.
func (a *account) identity(r *facts.Role) []*iam.Policy {
	var out []*iam.Policy
	for _, d := range r.InlinePolicies {
		out = append(out, parsed(d.Name, d.Text, iam.Identity))
	}
	for _, arn := range r.AttachedPolicies {
		out = append(out, a.managed(arn, iam.Identity))
	}
	return out
}

// managed is a managed policy by its ARN; one that was not read may say anything.
func (a *account) managed(arn string, layer iam.Layer) *iam.Policy {
	i := slices.IndexFunc(a.Policies, func(p facts.Policy) bool { return p.ARN == arn })
	if i < 0 || strings.TrimSpace(a.Policies[i].Document.Text) == "" {
		return iam.Unread(arn, layer)
	}
	return parsed(arn, a.Policies[i].Document.Text, layer)
}

// parsed is a policy; one that cannot be read may say anything.
func parsed(name, text string, layer iam.Layer) *iam.Policy {
	p, err := iam.Parse(name, []byte(text))
	if err != nil {
		return iam.Unread(name, layer)
	}
	return p
}
