package watch

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// clock is the last minute that alarms were evaluated at.
type clock struct{ minute time.Time }

// catchUp bounds how many minutes a jump of the clock brings at once: the newest.
const catchUp = 60

// Evaluate judges the alarms of all accounts at every full minute since the last time;
// the cloud calls it as time goes by.
func Evaluate(c *cloud.Cloud, now time.Time) {
	last := cloud.Across[clock](c)
	minute := now.Truncate(time.Minute)
	if !minute.After(last.minute) {
		return
	}
	first := last.minute.Add(time.Minute)
	if last.minute.IsZero() {
		first = minute
	}
	if earliest := minute.Add(-(catchUp - 1) * time.Minute); first.Before(earliest) {
		first = earliest
	}
	last.minute = minute
	for at := first; !at.After(minute); at = at.Add(time.Minute) {
		for _, a := range c.Accounts() {
			for _, region := range cloud.RegionsOf[alarms](a) {
				p := place{c, a, region, cloud.Regional[alarms](a, region), at}
				for _, alarm := range cloud.Sorted(p.alarms.metric) {
					p.evaluate(alarm)
				}
			}
		}
	}
}

// place is where and when alarms are evaluated.
type place struct {
	cloud   *cloud.Cloud
	account *cloud.Account
	region  string
	alarms  *alarms
	now     time.Time
}

// spare is how many periods more than EvaluationPeriods are looked at for points.
//
// Source: Amazon CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing
// data", whose examples have an evaluation range of five for three periods.
const spare = 2

// evaluated says whether the simulator can judge the alarm: a statistic of one metric
// over whole minutes that slide with the time, held against a fixed threshold.
func (m *metricSettings) evaluated() bool {
	return m.MetricName != "" && slices.Contains(statistics, m.Statistic) && m.Threshold != nil && slices.Contains(comparisons[:4], m.ComparisonOperator) &&
		m.Period >= 60 && m.EvaluationCriteria == nil && m.ThresholdMetricId == "" && m.slides()
}

// slides says whether the periods slide, as they do unless the alarm says otherwise.
func (m *metricSettings) slides() bool {
	window, ok := m.EvaluationWindow.(map[string]any)
	_, sliding := window["SlidingWindow"]
	return m.EvaluationWindow == nil || ok && sliding
}

func (p *place) evaluate(a *metricAlarm) {
	if !a.evaluated() || !a.AlarmConfigurationUpdatedTimestamp.Before(p.now) {
		return
	}
	points := a.points(metricsOf(p.account, p.region).byKey[key(a.Namespace, a.MetricName, a.Dimensions)], p.now)
	state := a.judge(points, a.StateValue)
	if state == a.StateValue {
		return
	}
	recent := []float64{}
	for i := len(points) - 1; i >= 0 && len(recent) < a.EvaluationPeriods; i-- {
		if points[i] != nil {
			recent = append(recent, *points[i])
		}
	}
	reason := fmt.Sprintf("%d of %d datapoints, the newest first: %v; %s is asked of them, and missing data is %s.", len(recent), a.EvaluationPeriods, recent, a.threshold(), a.missing())
	data, _ := json.Marshal(map[string]any{ // numbers and text always marshal
		"version": "1.0", "queryDate": p.now, "statistic": a.Statistic, "period": a.Period, "recentDatapoints": recent, "threshold": *a.Threshold,
	})
	p.change(&a.common, "MetricAlarm", state, reason, string(data))
}

// threshold is the comparison in words.
func (m *metricSettings) threshold() string {
	words := map[string]string{
		"GreaterThanOrEqualToThreshold": "at least", "GreaterThanThreshold": "more than", "LessThanThreshold": "less than", "LessThanOrEqualToThreshold": "at most",
	}
	return fmt.Sprintf("%s %v", words[m.ComparisonOperator], *m.Threshold)
}

func (m *metricSettings) missing() string {
	switch {
	case m.Namespace == "AWS/DynamoDB":
		return "ignore" // whatever the alarm says, by the page named above
	case m.TreatMissingData == "":
		return "missing"
	}
	return m.TreatMissingData
}

// points are the periods that end at a time, the oldest first; nil for one without data.
// Beside the periods that are evaluated there are the spare ones before them.
func (a *metricAlarm) points(m *metric, end time.Time) []*float64 {
	out := make([]*float64, a.EvaluationPeriods+spare)
	if m == nil {
		return out
	}
	period := time.Duration(a.Period) * time.Second
	for i := range out {
		to := end.Add(-time.Duration(len(out)-1-i) * period)
		if p := m.during(to.Add(-period), to, a.Unit); p.count > 0 {
			value := p.statistic(a.Statistic)
			out[i] = &value
		}
	}
	return out
}

func (m *metricSettings) breaches(v float64) bool {
	switch m.ComparisonOperator {
	case "GreaterThanOrEqualToThreshold":
		return v >= *m.Threshold
	case "GreaterThanThreshold":
		return v > *m.Threshold
	case "LessThanThreshold":
		return v < *m.Threshold
	}
	return v <= *m.Threshold
}

// judge gives the state after some periods, the oldest first. If there are as many
// points as are evaluated, the newest of them count and what is missing does not;
// otherwise what is missing is treated as the alarm says.
//
// Source: as for spare; "Avoiding premature transitions to alarm state" on that page.
func (m *metricSettings) judge(points []*float64, before string) string {
	want := m.DatapointsToAlarm
	if want == 0 {
		want = m.EvaluationPeriods
	}
	breaching, healthy, oldest := 0, 0, 0 // oldest: age of the oldest breaching point, 1 for the newest period
	for i := len(points) - 1; i >= 0 && breaching+healthy < m.EvaluationPeriods; i-- {
		switch {
		case points[i] == nil:
		case m.breaches(*points[i]):
			breaching, oldest = breaching+1, len(points)-i
		default:
			healthy++
		}
	}
	absent := m.EvaluationPeriods - breaching - healthy
	if m.missing() == "breaching" {
		breaching += absent
	}
	switch {
	case breaching >= want:
		return "ALARM"
	case healthy > 0 || m.missing() == "breaching" || m.missing() == "notBreaching":
		return "OK"
	case m.missing() == "ignore":
		return before
	case breaching == 0:
		return "INSUFFICIENT_DATA"
	case oldest >= want:
		return "ALARM" // all that is newer breaches or is missing
	}
	return before
}

// change gives an alarm a state, and runs the actions of that state if it is a new one.
func (p *place) change(a *common, kind, state, reason, data string) {
	old := a.StateValue
	a.StateValue, a.StateReason, a.StateReasonData, a.StateUpdatedTimestamp = state, reason, data, p.now
	if old == state {
		return
	}
	a.StateTransitionedTimestamp = p.now
	p.alarms.keep(historyItem{a.AlarmName, kind, "StateUpdate", "Alarm updated from " + old + " to " + state, "{}", p.now})
	actions := map[string][]string{"OK": a.OKActions, "ALARM": a.AlarmActions, "INSUFFICIENT_DATA": a.InsufficientDataActions}[state]
	if !a.ActionsEnabled {
		return
	}
	for _, action := range actions {
		summary := "Successfully executed action " + action
		if err := p.act(a, old, action); err != nil {
			summary = "Failed to execute action " + action + ". Received error: \"" + err.Error() + "\""
		}
		p.alarms.keep(historyItem{a.AlarmName, kind, "Action", summary, "{}", p.now})
	}
}
