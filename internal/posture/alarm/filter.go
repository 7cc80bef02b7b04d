package alarm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture/filterpattern"
)

// filterFacts are what the route of metric filters rests on.
var filterFacts = []string{"metric_filters.pattern", "alarms.metric"}

// byFilter follows the metric filters of this account, and those of the accounts that
// keep the log of its organization's trails.
func (p *Prover) byFilter(t *task) ([]Way, []facts.Gap) {
	gaps, wholly := p.home.lacksAll("trails.log_group")
	if wholly {
		return nil, gaps
	}
	ways, lost := p.filtersOf(t, p.home)
	gaps = append(gaps, lost...)
	for _, keeper := range p.keepers() {
		if keeper.account == nil {
			ways = append(ways, Way{Truth: unknown, Says: keeper.says})
			continue
		}
		more, lost := p.filtersOf(t, keeper.account)
		ways, gaps = append(ways, more...), append(gaps, lost...)
	}
	return ways, gaps
}

// keeper is an account that keeps the log of a trail of this one.
type keeper struct {
	*account
	says string // why it cannot be judged, if it has no snapshot
}

// keepers are the other accounts that trails deliver to, each once.
func (p *Prover) keepers() []keeper {
	var out []keeper
	if p.home.id == "" && len(p.home.MetricFilters) > 0 {
		return nil // files that do not say whose they are: the filters are those of the trail
	}
	seen := map[rootkeep.AccountID]bool{p.home.id: true}
	for i := range p.home.Trails {
		t := &p.home.Trails[i]
		if t.LogGroup == "" && !t.Organization {
			continue
		}
		group, _, ok := groupOf(t.LogGroup)
		if !ok && ownTrail(t, p.home.id) || seen[group.Account] {
			continue
		}
		seen[group.Account] = true
		where := "the account that owns it, whose alarms are not in these facts"
		if ok {
			where = fmt.Sprintf("account %s, whose alarms are not in these facts: scan that account too", group.Account)
		}
		out = append(out, keeper{p.other(group.Account), fmt.Sprintf("organization trail %s delivers to %s", t.Name, where)})
	}
	return out
}

// ownTrail says whether the account made the trail, and so sees where it delivers.
func ownTrail(t *facts.Trail, id rootkeep.AccountID) bool {
	a, err := rootkeep.ParseARN(t.ARN)
	return !t.Organization || err == nil && a.Account == id
}

// filtersOf follows the metric filters of one account, which trails of this one feed.
func (p *Prover) filtersOf(t *task, at *account) ([]Way, []facts.Gap) {
	gaps, wholly := at.lacksAll(filterFacts...)
	if wholly {
		return nil, gaps
	}
	var out []Way
	for i := range at.MetricFilters {
		out = append(out, p.byOneFilter(t, at, &at.MetricFilters[i])...)
	}
	return out, gaps
}

// byOneFilter follows one metric filter to every alarm on its metrics.
func (p *Prover) byOneFilter(t *task, at *account, m *facts.MetricFilter) []Way {
	name := fmt.Sprintf("%smetric filter %q of log group %s", p.within(at), m.Name, m.LogGroup)
	group, fed := p.feeds(t, at, name, m.LogGroup, m.Region)
	pattern, err := p.filter(m.Pattern)
	switch {
	case err != nil && fed.Truth == no:
		return nil // whatever it matches in another log
	case err != nil:
		return []Way{{Truth: unknown, Says: fmt.Sprintf("%s: %v", name, err)}}
	}
	way := t.match(name, func(r record) Truth { return pattern.MatchValue(r.text, r.fields) })
	if way.Truth != yes {
		return []Way{way}
	}
	if fed.Truth != yes {
		return []Way{fed}
	}
	var out []Way
	for i := range m.Transformations {
		out = append(out, p.byMetric(at, name, group, &m.Transformations[i])...)
	}
	return out
}

// filter parses a pattern once.
func (p *Prover) filter(text string) (*filterpattern.Pattern, error) {
	if pattern := p.filters[text]; pattern != nil {
		return pattern, nil
	}
	pattern, err := filterpattern.Parse(text)
	p.filters[text] = pattern
	return pattern, err
}

// feeds finds a live trail of all Regions that records the events and delivers to a log
// group of an account, and gives the group's ARN. A way that does not hold is given back
// as it is.
func (p *Prover) feeds(t *task, at *account, name, group, region string) (string, Way) {
	out := Way{Link: Matches, Says: name + " matches, but no trail of all Regions delivers there"}
	for i := range p.home.Trails {
		trail := &p.home.Trails[i]
		arn, delivers, ok := groupOf(trail.LogGroup)
		if !ok || !trail.MultiRegion || delivers != group || region != "" && rootkeep.Region(region) != arn.Region || arn.Account != at.id && at.id != "" {
			continue
		}
		switch carries, why, gaps := p.carries(trail, t.samples().events); {
		case carries == yes:
			return trail.LogGroup, Way{Link: Fed, Truth: yes}
		case carries == unknown:
			out = Way{Link: Matches, Truth: unknown, Gaps: gaps, Says: name + " matches; whether trail " + trail.Name + " " + why}
		case out.Truth == no:
			out.Says = name + " matches, but no trail of all Regions delivers there: trail " + trail.Name + " " + why
		}
	}
	return "", out
}

// byMetric follows what a filter publishes to the alarms on it.
func (p *Prover) byMetric(at *account, name, group string, t *facts.Transformation) []Way {
	var out []Way
	for i := range at.Alarms {
		a := &at.Alarms[i]
		switch {
		case !sameRegion(a.ARN, group):
		case a.Metric == t.Metric && a.Namespace == t.Namespace:
			out = append(out, p.byAlarm(at, fmt.Sprintf("%s, alarm %q", name, a.Name), t, a)...)
		case slices.Contains(a.Inputs, t.Namespace+"/"+t.Metric):
			out = append(out, Way{Link: Watched, Truth: unknown, Says: fmt.Sprintf("%s, alarm %q: it is on an expression, which is not computed", name, a.Name)})
		}
	}
	if len(out) == 0 {
		out = append(out, Way{Link: Fed, Says: fmt.Sprintf("%s matches, but no alarm watches its metric %s in namespace %s", name, t.Metric, t.Namespace)})
	}
	return out
}

// byAlarm follows an alarm from one event's datapoint to subscribers, by its own actions
// and by those of composite alarms on it.
func (p *Prover) byAlarm(at *account, name string, t *facts.Transformation, a *facts.Alarm) []Way {
	value, err := strconv.ParseFloat(t.Value, 64)
	if err != nil {
		return []Way{{Link: Watched, Truth: unknown, Says: fmt.Sprintf("%s: the metric is a property of the event (%s), not a count", name, t.Value)}}
	}
	if fires, why := fires(a, value, t.Default); fires != yes {
		return []Way{{Link: Watched, Truth: fires, Says: name + ": " + why}}
	}
	out := []Way{p.byActions(at, name, sender{"cloudwatch.amazonaws.com", a.ARN}, a.ActionsEnabled, a.Actions)}
	for i := range at.CompositeAlarms {
		c := &at.CompositeAlarms[i]
		if !sameRegion(c.ARN, a.ARN) || !strings.Contains(c.Rule, a.Name) {
			continue
		}
		name := fmt.Sprintf("%s, composite alarm %q", name, c.Name)
		if c.Suppressor != "" || !anyOf(c.Rule, a) {
			out = append(out, Way{Link: Fires, Truth: unknown, Says: name + ": what its rule comes to with other alarms is not computed"})
			continue
		}
		out = append(out, p.byActions(at, name, sender{"cloudwatch.amazonaws.com", c.ARN}, c.ActionsEnabled, c.Actions))
	}
	if gaps, _ := at.lacks("composite_alarms.rule"); len(of(gaps, a.ARN)) > 0 && out[0].Truth == no && out[0].Link < Acts {
		out = append(out, Way{Link: Fires, Truth: unknown, Gaps: of(gaps, a.ARN), Says: name + ": it has no action itself; composite alarms on it were not read"})
	}
	return out
}

// anyOf says whether the rule of a composite alarm is that one of several alarms, this
// one among them, is in ALARM. Other rules need the states of other alarms.
func anyOf(rule string, a *facts.Alarm) bool {
	found := false
	for term := range strings.SplitSeq(rule, " OR ") {
		name, ok := strings.CutPrefix(strings.TrimSpace(term), "ALARM(")
		name, closed := strings.CutSuffix(name, ")")
		name = strings.Trim(strings.TrimSpace(name), `"'`)
		if !ok || !closed || strings.ContainsAny(name, `()"'`) {
			return false
		}
		found = found || name == a.Name || name == a.ARN
	}
	return found
}
