package alarm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture/eventpattern"
)

// byRule follows the rules of EventBridge. A rule sees the events of its own Region, so
// that every event needs a rule wherever it can happen: one of a global service in one
// Region, any other in all that are enabled. The way is as good as the worst of these.
func (p *Prover) byRule(t *task) ([]Way, []facts.Gap) {
	gaps, wholly := p.home.lacksAll("event_rules.pattern", "event_rules.state")
	if buses := p.deniedBuses(); len(buses) > 0 {
		gaps = append(buses, gaps...)
	}
	if wholly {
		return nil, gaps
	}
	rules := p.rules(t)
	if len(rules) == 0 {
		return nil, gaps
	}
	worst := Way{Link: Heard, Truth: yes}
	for i, e := range t.samples().events {
		regions, lost := p.places(e)
		if len(lost) > 0 {
			worst = worse(worst, Way{Link: Parses, Truth: unknown, Gaps: lost, Says: "in which Regions a rule of EventBridge is needed was not read"})
		}
		for _, region := range regions {
			worst = worse(worst, p.heardIn(t.in(region).events[i], region, rules, gaps))
		}
	}
	if worst.Truth == yes {
		worst.Says = p.heardIn(t.in(rules[0].region).events[0], rules[0].region, rules, gaps).Says
	}
	return []Way{worst}, gaps
}

// deniedBuses are the gaps of buses: without them nobody knows of which rules to ask. A
// file of ListRules needs none.
func (p *Prover) deniedBuses() []facts.Gap {
	gaps, _ := p.home.lacks("event_buses.arn")
	return slices.DeleteFunc(gaps, func(g facts.Gap) bool { return g.Permission == "" })
}

// worse is the way that goes less far.
func worse(a, b Way) Way {
	if b.Truth < a.Truth || b.Truth == a.Truth && b.Link < a.Link {
		return b
	}
	return a
}

// eventRule is a rule that takes at least one of the events.
type eventRule struct {
	*facts.EventRule
	pattern *eventpattern.Pattern // nil: cannot be read
	name    string
	region  string
	noise   string // another thing that it takes as well
}

// rules are those of default buses that take one of the events, or may. CloudTrail
// delivers to no other bus.
func (p *Prover) rules(t *task) []*eventRule {
	var out []*eventRule
	for i := range p.home.EventRules {
		fact := &p.home.EventRules[i]
		arn, err := rootkeep.ParseARN(fact.ARN)
		if err != nil || fact.Bus != "default" && fact.Bus != "" {
			continue
		}
		r := &eventRule{EventRule: fact, region: string(arn.Region), name: fmt.Sprintf("EventBridge rule %q in %s", fact.Name, arn.Region)}
		r.pattern = p.eventPattern(fact.Pattern)
		local := t.in(r.region)
		if r.pattern != nil && !slices.ContainsFunc(local.events, func(e record) bool { return r.takes(e) != no }) {
			continue
		}
		for _, e := range local.others {
			if r.pattern != nil && r.takes(e) == yes {
				r.noise = e.name
			}
		}
		out = append(out, r)
	}
	return out
}

// eventPattern parses a pattern once, nil if it cannot be read.
func (p *Prover) eventPattern(text string) *eventpattern.Pattern {
	pattern, ok := p.patterns[text]
	if !ok {
		pattern, _ = eventpattern.Parse(text)
		p.patterns[text] = pattern
	}
	return pattern
}

func (r *eventRule) takes(e record) Truth { return r.pattern.Match(e.event) }

// global are the services whose events CloudTrail has in one Region alone, because the
// service is one for all. Source: CloudTrail User Guide, "Global service events".
var global = []string{"iam.amazonaws.com", "organizations.amazonaws.com", "cloudfront.amazonaws.com", "route53.amazonaws.com"}

// centers are the Regions of global services by the beginning of a Region's name.
var centers = []struct{ prefix, region string }{{"cn-", "cn-north-1"}, {"us-gov-", "us-gov-west-1"}, {"", "us-east-1"}}

// places are the Regions where an event can happen. A sign-in of the root user is one of
// a global service; where others sign in, the Region is theirs.
func (p *Prover) places(e record) ([]string, []facts.Gap) {
	identity, _ := e.fields["userIdentity"].(map[string]any)
	source, _ := e.fields["eventSource"].(string)
	gaps, wholly := p.home.lacks("regions.name")
	if slices.Contains(global, source) || source == "signin.amazonaws.com" && identity["type"] == "Root" {
		example := ""
		if len(p.home.Regions) > 0 {
			example = p.home.Regions[0].Name
		}
		for _, c := range centers {
			if strings.HasPrefix(example, c.prefix) {
				return []string{c.region}, nil
			}
		}
	}
	if wholly {
		return nil, gaps
	}
	if len(p.home.Regions) == 0 {
		return nil, []facts.Gap{{Path: "regions.name", Reason: "no Region is named"}}
	}
	var out []string
	for _, r := range p.home.Regions {
		out = append(out, r.Name)
	}
	return out, nil
}

// heardIn is how far an event of one Region comes by the rules there.
func (p *Prover) heardIn(e record, region string, rules []*eventRule, gaps []facts.Gap) Way {
	best := Way{Says: fmt.Sprintf("no rule of EventBridge in %s takes %s", region, e.name)}
	if len(rules) > 0 && rules[0].region != region {
		best.Says = fmt.Sprintf("%s takes it in its own Region; %s", rules[0].name, best.Says)
	}
	for _, r := range rules {
		if r.region == region {
			best = better(best, p.byOneRule(r, e))
		}
	}
	if lost := inRegion(gaps, region); best.Truth == no && len(lost) > 0 {
		return Way{Truth: unknown, Gaps: lost, Says: "not all rules of EventBridge in " + region + " were read"}
	}
	return best
}

// inRegion keeps the gaps that may be about a Region.
func inRegion(gaps []facts.Gap, region string) []facts.Gap {
	return slices.DeleteFunc(slices.Clone(gaps), func(g facts.Gap) bool {
		arn, err := rootkeep.ParseARN(g.Resource)
		return err == nil && string(arn.Region) != region || g.Regions != "" && !slices.Contains(strings.Split(g.Regions, ","), region)
	})
}

// byOneRule follows one event through one rule.
func (p *Prover) byOneRule(r *eventRule, e record) Way {
	if r.pattern == nil {
		return Way{Truth: unknown, Says: r.name + ": its pattern cannot be read"}
	}
	switch takes := r.takes(e); {
	case takes == unknown:
		return Way{Link: Parses, Truth: unknown, Says: fmt.Sprintf("%s: whether it takes %s hangs on what AWS does not say of patterns", r.name, e.name)}
	case takes == no:
		return Way{Link: Parses, Says: fmt.Sprintf("%s does not take %s", r.name, e.name)}
	case r.noise != "":
		return Way{Link: Parses, Says: fmt.Sprintf("%s takes %s as well, which is another thing", r.name, r.noise)}
	case r.State == "DISABLED":
		return Way{Link: Matches, Says: r.name + " is disabled"}
	case r.State == "ENABLED" && eventpattern.ReadOnly(e.fields):
		return Way{Link: Parses, Says: fmt.Sprintf("%s: its state ENABLED leaves out calls that only read, such as %s; ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS does not", r.name, e.name)}
	}
	if fed := p.fedIn(r.region, r.name, e); fed.Truth != yes {
		return fed
	}
	return p.byTargets(r, e)
}

// fedIn says whether a live trail covers a Region and records the event: without one,
// CloudTrail does not deliver it to EventBridge there.
func (p *Prover) fedIn(region, name string, e record) Way {
	if gaps, wholly := p.home.lacksAll("trails.arn", "trails.multi_region"); wholly {
		return Way{Link: Matches, Truth: unknown, Gaps: gaps, Says: name + ": trails were not read"}
	}
	out := Way{Link: Matches, Says: name + " takes it, but without a live trail in that Region EventBridge hears of no call"}
	for i := range p.home.Trails {
		t := &p.home.Trails[i]
		if !t.MultiRegion && t.Region != region {
			continue
		}
		switch carries, why, gaps := p.carries(t, []record{e}); {
		case carries == yes:
			return Way{Link: Fed, Truth: yes}
		case carries == unknown:
			out = Way{Link: Matches, Truth: unknown, Gaps: gaps, Says: name + ": whether trail " + t.Name + " " + why}
		case out.Truth == no:
			out.Says = name + " takes it, but without a live trail in that Region EventBridge hears of no call: trail " + t.Name + " " + why
		}
	}
	return out
}

// byTargets follows a rule to the best of its targets.
func (p *Prover) byTargets(r *eventRule, e record) Way {
	gaps, _ := p.home.lacks("event_rules.targets")
	if gaps = of(gaps, r.ARN); len(gaps) > 0 {
		return Way{Link: Fed, Truth: unknown, Gaps: gaps, Says: r.name + ": its targets were not read"}
	}
	best := Way{Link: Fires, Says: r.name + " takes it and tells nobody: it has no target"}
	for i, t := range r.Targets {
		var way Way
		if bus, err := rootkeep.ParseARN(t.ARN); err == nil && bus.Service == "events" {
			way = p.byBus(r, e, t, bus)
		} else {
			way = p.byTarget(p.home, r, t)
		}
		if i == 0 {
			best = way
		}
		best = better(best, way)
	}
	return best
}

// byTarget follows a target that is no bus. A rule's topic is of the rule's account or
// another.
func (p *Prover) byTarget(at *account, r *eventRule, t facts.Target) Way {
	arn, err := rootkeep.ParseARN(t.ARN)
	switch {
	case err == nil && arn.Service == "sns" && t.Role == "":
		return p.byTopic(at, r.name, sender{"events.amazonaws.com", r.ARN}, arn, t.ARN)
	case err == nil && arn.Service == "sns":
		return Way{Link: Acts, Truth: unknown, Says: fmt.Sprintf("%s: it publishes as %s, and what that role may do is not followed", r.name, t.Role)}
	}
	return Way{Link: Acts, Truth: unknown, Says: fmt.Sprintf("%s: it reaches a machine (%s), and whom that tells is not followed", r.name, machineOf(t.ARN))}
}
