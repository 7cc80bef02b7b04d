package posture

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture/filterpattern"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Watch asks for proof that an alarm reaches a person: some metric filter has to
// match each of the events and none of the others, and what it publishes for one
// event alone has to take an alarm to a confirmed subscriber.
type Watch struct {
	Events []rule.Patch `yaml:"events"` // that must raise the alarm
	Others []rule.Patch `yaml:"others"` // that must not

	events, others []sample
}

// sample is one event with what it is called.
type sample struct {
	name string // service:Event and its base event
	text []byte
}

// build makes the events from the base events.
func (w *Watch) build(bases rule.Bases) error {
	if len(w.Events) == 0 || len(w.Others) == 0 {
		return fmt.Errorf("watch: want events and others")
	}
	for _, list := range []struct {
		patches []rule.Patch
		to      *[]sample
	}{{w.Events, &w.events}, {w.Others, &w.others}} {
		for _, p := range list.patches {
			event, err := p.Apply(bases)
			if err != nil {
				return fmt.Errorf("watch: %w", err)
			}
			text, err := json.Marshal(event)
			if err != nil {
				return fmt.Errorf("watch: %w", err)
			}
			service, _, _ := strings.Cut(fmt.Sprint(event["eventSource"]), ".")
			*list.to = append(*list.to, sample{fmt.Sprintf("%s:%v (%s)", service, event["eventName"], p.Base), text})
		}
	}
	return nil
}

// step is how far one way from an event to a person goes.
type step struct {
	links int // that hold
	truth filterpattern.Truth
	says  string
}

// watchFacts are what a proof rests on.
var watchFacts = []string{"metric_filters.pattern", "alarms.metric", "subscriptions.confirmed", "trails.log_group"}

// watch judges a control with a Watch: one way that holds is enough; of those that
// break, the one that goes furthest is told.
func (j *judge) watch(c *Control) rootkeep.Finding {
	f := j.start(c, c.views[0], "")
	var gaps []facts.Gap
	for _, path := range watchFacts {
		if g, ok := j.unknown[path]; ok {
			gaps = append(gaps, g)
		}
	}
	gaps = append(gaps, j.unheard()...)
	if len(gaps) > 0 {
		f.lack(gaps)
		return f.Finding
	}
	best := step{says: "no metric filter matches these events"}
	unsure := step{}
	for i := range j.snapshot.Facts.MetricFilters {
		for _, s := range j.ways(c.Watch, &j.snapshot.Facts.MetricFilters[i]) {
			switch {
			case s.truth == filterpattern.True:
				f.Status, f.Detail = rootkeep.Pass, s.says
				return f.Finding
			case s.truth == filterpattern.Unknown:
				unsure = s
			case s.links > best.links:
				best = s
			}
		}
	}
	if unsure.says == "" && best.links == 0 {
		unsure.says = j.elsewhere()
	}
	if unsure.says != "" {
		f.Missing = []string{unsure.says}
		return f.Finding
	}
	f.Status, f.Detail = rootkeep.Fail, best.says
	return f.Finding
}

// unheard are the trails of which AWS was asked in vain whether they are logging. What
// was never asked, because no file tells it, is no gap.
func (j *judge) unheard() []facts.Gap {
	var out []facts.Gap
	const path = "trails.logging"
	if g, ok := j.unknown[path]; ok && g.Permission != "" {
		out = append(out, g)
	}
	for _, g := range j.partly {
		if g.Path == path {
			out = append(out, g)
		}
	}
	return out
}

// elsewhere says where the alarm may be, if an organization trail delivers to
// another account.
func (j *judge) elsewhere() string {
	for _, t := range j.snapshot.Facts.Trails {
		a, err := rootkeep.ParseARN(t.LogGroup)
		if t.Organization && (err != nil || a.Account != j.snapshot.Account) {
			where := "the account that owns it"
			if err == nil {
				where = "account " + string(a.Account)
			}
			return fmt.Sprintf("organization trail %s delivers to %s, whose alarms are not in these facts", t.Name, where)
		}
	}
	return ""
}

// ways follows one metric filter to every alarm on its metrics.
func (j *judge) ways(w *Watch, m *facts.MetricFilter) []step {
	name := fmt.Sprintf("metric filter %q of log group %s", m.Name, m.LogGroup)
	pattern, err := filterpattern.Parse(m.Pattern)
	if err != nil {
		return []step{{0, filterpattern.Unknown, fmt.Sprintf("%s: %v", name, err)}}
	}
	if s := w.filter(pattern, name); s.truth != filterpattern.True {
		return []step{s}
	}
	trail, fed := j.feeds(m)
	if !fed {
		return []step{{2, filterpattern.False, fmt.Sprintf("%s matches, but no trail of all Regions delivers there", name)}}
	}
	var out []step
	for _, t := range m.Transformations {
		alarmed := false
		for i := range j.snapshot.Facts.Alarms {
			a := &j.snapshot.Facts.Alarms[i]
			if a.Metric == t.Metric && a.Namespace == t.Namespace && sameRegion(a.ARN, trail.LogGroup) {
				alarmed = true
				out = append(out, j.alarm(name, &t, a))
			}
		}
		if !alarmed {
			out = append(out, step{3, filterpattern.False, fmt.Sprintf("%s matches, but no alarm watches its metric %s in namespace %s", name, t.Metric, t.Namespace)})
		}
	}
	return out
}

// filter runs the events through the pattern. One that matches some of them was meant
// for them; one that matches none is about other things.
func (w *Watch) filter(p *filterpattern.Pattern, name string) step {
	var missed *sample
	matched, sure := 0, filterpattern.True
	for i := range w.events {
		m := p.Match(w.events[i].text)
		if m == filterpattern.False {
			missed = &w.events[i]
			continue
		}
		matched++
		sure = min(sure, m)
	}
	switch {
	case matched == 0:
		return step{}
	case missed != nil:
		return step{1, filterpattern.False, fmt.Sprintf("%s does not match %s", name, missed.name)}
	}
	for _, event := range w.others {
		if p.Match(event.text) == filterpattern.True {
			return step{1, filterpattern.False, fmt.Sprintf("%s matches %s as well, which is another thing", name, event.name)}
		}
	}
	return step{2, sure, name + ": whether it matches hangs on how AWS compares a property that is not there"}
}

// feeds finds a live trail of all Regions that delivers to the log group. Whether a
// trail is logging may not be known; a trail that is known not to is none.
func (j *judge) feeds(m *facts.MetricFilter) (facts.Trail, bool) {
	_, silent := j.unknown["trails.logging"]
	for _, t := range j.snapshot.Facts.Trails {
		a, err := rootkeep.ParseARN(t.LogGroup)
		if err != nil || !t.MultiRegion || !silent && !t.Logging {
			continue
		}
		// arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*
		if name, _, _ := strings.Cut(strings.TrimPrefix(a.Resource, "log-group:"), ":"); name == m.LogGroup && (m.Region == "" || rootkeep.Region(m.Region) == a.Region) {
			return t, true
		}
	}
	return facts.Trail{}, false
}

func sameRegion(a, b string) bool {
	x, err := rootkeep.ParseARN(a)
	y, err2 := rootkeep.ParseARN(b)
	return err == nil && err2 == nil && x.Region == y.Region
}

// alarm follows the way from one event's datapoint to a subscriber.
func (j *judge) alarm(filter string, t *facts.Transformation, a *facts.Alarm) step {
	name := fmt.Sprintf("%s, alarm %q", filter, a.Name)
	value, err := strconv.ParseFloat(t.Value, 64)
	if err != nil {
		return step{4, filterpattern.Unknown, fmt.Sprintf("%s: the metric is a property of the event (%s), not a count", name, t.Value)}
	}
	if fires, why := fires(a, value, t.Default); fires != filterpattern.True {
		return step{4, fires, name + ": " + why}
	}
	if !a.ActionsEnabled {
		return step{5, filterpattern.False, name + ": it reaches ALARM, but its actions are switched off"}
	}
	topics := 0
	for _, action := range a.Actions {
		if arn, err := rootkeep.ParseARN(action); err != nil || arn.Service != "sns" {
			continue
		}
		topics++
		if slices.ContainsFunc(j.snapshot.Facts.Subscriptions, func(s facts.Subscription) bool { return s.Topic == action && s.Confirmed }) {
			return step{7, filterpattern.True, fmt.Sprintf("%s reaches a confirmed subscriber of %s", name, action)}
		}
	}
	switch {
	case len(a.Actions) == 0:
		return step{5, filterpattern.False, name + ": it reaches ALARM and tells nobody: it has no action"}
	case topics == 0:
		return step{5, filterpattern.Unknown, name + ": its action is no SNS topic, which is not followed"}
	}
	return step{6, filterpattern.False, name + ": its topic has no confirmed subscriber"}
}

// fires says whether one event alone takes the alarm to ALARM: one period then has
// one datapoint of this value, and all others have none. Source: Amazon CloudWatch
// User Guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat
// missing data".
func fires(a *facts.Alarm, value float64, defaults bool) (filterpattern.Truth, string) {
	got := value
	switch a.Statistic {
	case "Sum":
	case "SampleCount":
		if got = 1; defaults {
			return filterpattern.Unknown, "it counts samples, and the filter publishes one for every event"
		}
	case "Average", "Minimum", "Maximum":
		if defaults && a.Statistic != "Maximum" {
			return filterpattern.Unknown, "the filter's default value draws its " + strings.ToLower(a.Statistic) + " down"
		}
	default:
		return filterpattern.Unknown, fmt.Sprintf("statistic %q is not computed", a.Statistic)
	}
	if a.Dimensions > 0 {
		return filterpattern.False, "it watches the metric with dimensions, which the filter does not publish"
	}
	words, holds := compare(a.Comparison, got, a.Threshold)
	number := func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
	switch needed := needed(a); {
	case words == "":
		return filterpattern.Unknown, fmt.Sprintf("comparison %q is not computed", a.Comparison)
	case !holds:
		return filterpattern.False, fmt.Sprintf("one event gives a %s of %s, which is not %s %s", strings.ToLower(a.Statistic), number(got), words, number(a.Threshold))
	case a.MissingData == "breaching":
		return filterpattern.False, "missing data counts as breaching, so it is always in ALARM and an event changes nothing"
	case needed > 1 && a.MissingData == "notBreaching":
		return filterpattern.False, fmt.Sprintf("%d periods have to breach, and one event breaches one", needed)
	case needed > 1:
		return filterpattern.Unknown, fmt.Sprintf("%d periods have to breach, and one event breaches one; AWS decides by earlier data", needed)
	}
	return filterpattern.True, ""
}

// needed is how many periods must breach.
func needed(a *facts.Alarm) int {
	if a.DatapointsToAlarm > 0 {
		return a.DatapointsToAlarm
	}
	return a.EvaluationPeriods
}

// compare gives the words of a comparison and whether it holds; no words for one
// that is not a comparison with a number.
func compare(operator string, a, b float64) (string, bool) {
	switch operator {
	case "GreaterThanOrEqualToThreshold":
		return "at least", a >= b
	case "GreaterThanThreshold":
		return "greater than", a > b
	case "LessThanThreshold":
		return "less than", a < b
	case "LessThanOrEqualToThreshold":
		return "at most", a <= b
	}
	return "", false
}
