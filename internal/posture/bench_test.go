package posture_test

import (
	"fmt"
	"testing"

	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

// BenchmarkAlarms judges all controls over an account of 17 Regions that has filters,
// alarms, rules and log alarms in numbers, none of which works.
func BenchmarkAlarms(b *testing.B) {
	controls := shipped(b)
	s := monitored()
	f := &s.Facts
	f.Regions, f.Alarms[0].Threshold = nil, 2
	for i := range 17 {
		region := fmt.Sprintf("eu-x-%d", i)
		f.Regions = append(f.Regions, facts.Region{Name: region})
		for n := range 10 {
			f.EventRules = append(f.EventRules, facts.EventRule{
				ARN: fmt.Sprintf("arn:aws:events:%s:111122223333:rule/r%d", region, n), Bus: "default", State: "ENABLED",
				Pattern: fmt.Sprintf(`{"detail": {"eventName": [{"prefix": "Stop"}, "Create%d"]}}`, n), Targets: []facts.Target{{ARN: alertTopic}},
			})
		}
	}
	for i := range 40 {
		m := f.MetricFilters[0]
		m.Name = fmt.Sprint(i)
		m.Transformations = []facts.Transformation{{Namespace: "CIS", Metric: m.Name, Value: "1"}}
		f.MetricFilters = append(f.MetricFilters, m)
		a := f.Alarms[0]
		a.Metric, a.Threshold = m.Name, 2
		f.Alarms = append(f.Alarms, a)
		f.LogAlarms = append(f.LogAlarms, logged().Facts.LogAlarms[0])
	}
	for b.Loop() {
		posture.Evaluate(s, controls, posture.Setting{Now: now})
	}
}
