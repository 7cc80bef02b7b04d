package watch

import (
	"strings"
	"testing"
	"time"
)

// The examples of the page "Configuring how CloudWatch alarms treat missing data": X
// breaches, 0 does not, - is missing; three periods are evaluated.
func TestMissingDataIsTreatedAsDocumented(t *testing.T) {
	threshold := 1.0
	for _, c := range []struct {
		points                                   string
		want                                     int    // DatapointsToAlarm
		missing, ignore, breaching, notBreaching string // "" retains the state
	}{
		{"0-X-X", 3, "OK", "OK", "OK", "OK"},
		{"----0", 3, "OK", "OK", "OK", "OK"},
		{"-----", 3, "INSUFFICIENT_DATA", "", "ALARM", "OK"},
		{"0XX-X", 3, "ALARM", "ALARM", "ALARM", "ALARM"},
		{"--X--", 3, "ALARM", "", "ALARM", "OK"},
		{"0-X-X", 2, "ALARM", "ALARM", "ALARM", "ALARM"},
		{"00X0X", 2, "ALARM", "ALARM", "ALARM", "ALARM"},
		{"0-X--", 2, "OK", "OK", "ALARM", "OK"},
		{"----0", 2, "OK", "OK", "ALARM", "OK"},
		{"---X-", 2, "ALARM", "", "ALARM", "OK"},
		{"----X", 2, "", "", "ALARM", "OK"},
	} {
		points := make([]*float64, 0, len(c.points))
		for _, r := range c.points {
			value := map[rune]float64{'X': 1, '0': 0}[r]
			if r == '-' {
				points = append(points, nil)
				continue
			}
			points = append(points, &value)
		}
		for treat, want := range map[string]string{"": c.missing, "missing": c.missing, "ignore": c.ignore, "breaching": c.breaching, "notBreaching": c.notBreaching} {
			m := metricSettings{EvaluationPeriods: 3, DatapointsToAlarm: c.want, Threshold: &threshold, ComparisonOperator: "GreaterThanOrEqualToThreshold", TreatMissingData: treat}
			if want == "" {
				want = "before"
			}
			if got := m.judge(points, "before"); got != want {
				t.Errorf("%s, %d of 3, missing data is %q: got %s, want %s", c.points, c.want, treat, got, want)
			}
		}
	}
}

func TestThresholdsAreComparedAsTheyAreCalled(t *testing.T) {
	threshold := 5.0
	for comparison, want := range map[string]string{
		"GreaterThanOrEqualToThreshold": "no yes yes", "GreaterThanThreshold": "no no yes", "LessThanThreshold": "yes no no", "LessThanOrEqualToThreshold": "yes yes no",
	} {
		m := metricSettings{Threshold: &threshold, ComparisonOperator: comparison}
		var got []string
		for _, v := range []float64{4, 5, 6} {
			got = append(got, map[bool]string{true: "yes", false: "no"}[m.breaches(v)])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s of 4, 5, 6 and 5: got %v, want %s", comparison, got, want)
		}
	}
}

func TestStatisticsOfPeriods(t *testing.T) {
	start := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	m := metrics{map[string]*metric{}}
	for _, d := range []struct {
		minute int
		unit   string
		value  float64
	}{{0, "", 4}, {0, "", 8}, {2, "", 3}, {2, "Count", 1}, {5, "", 100}} {
		m.add("N", "M", []dimension{{"b", "2"}, {"a", "1"}}, d.unit, point{1, d.value, d.value, d.value}, start.Add(time.Duration(d.minute)*time.Minute))
	}
	own := m.byKey[key("N", "M", []dimension{{"a", "1"}, {"b", "2"}})]
	if own == nil {
		t.Fatal("dimensions in another order are another metric")
	}
	for name, want := range map[string][2]float64{"SampleCount": {4, 3}, "Sum": {16, 15}, "Average": {4, 5}, "Minimum": {1, 3}, "Maximum": {8, 8}} {
		for i, unit := range []string{"", "None"} {
			if got := own.during(start, start.Add(5*time.Minute), unit).statistic(name); got != want[i] {
				t.Errorf("%s of unit %q: got %v, want %v", name, unit, got, want[i])
			}
		}
	}
}

func TestSeriesForgetWhatIsOld(t *testing.T) {
	s := series{at: map[int64]point{}}
	for minute := range int64(100_000) {
		s.add(minute, point{1, 1, 1, 1})
	}
	if n := len(s.at); n > 2*int(keepPoints/time.Minute)+1 || n < int(keepPoints/time.Minute) {
		t.Errorf("%d points are kept", n)
	}
}

func TestWhatIsNotOneMetricOverTimeIsNotJudged(t *testing.T) {
	threshold := 1.0
	for _, c := range []struct {
		name   string
		change func(m *metricSettings)
		want   bool
	}{
		{"an alarm on one metric is judged", func(*metricSettings) {}, true},
		{"a sliding window is what there is without one", func(m *metricSettings) { m.EvaluationWindow = map[string]any{"SlidingWindow": map[string]any{}} }, true},
		{"a window of the wall clock is not", func(m *metricSettings) {
			m.EvaluationWindow = map[string]any{"WallClockWindow": map[string]any{"Timezone": "UTC"}}
		}, false},
		{"a window that is not understood is not", func(m *metricSettings) { m.EvaluationWindow = "x" }, false},
		{"a percentile is not", func(m *metricSettings) { m.Statistic, m.ExtendedStatistic = "", "p99" }, false},
		{"an expression is not", func(m *metricSettings) { m.MetricName, m.Metrics = "", []query{{Id: "a"}} }, false},
		{"a band is not", func(m *metricSettings) { m.Threshold, m.ThresholdMetricId = nil, "band" }, false},
		{"a comparison with a band is not", func(m *metricSettings) { m.ComparisonOperator = "GreaterThanUpperThreshold" }, false},
		{"seconds are not", func(m *metricSettings) { m.Period = 30 }, false},
	} {
		m := metricSettings{MetricName: "m", Namespace: "n", Statistic: "Sum", Period: 60, EvaluationPeriods: 1, Threshold: &threshold, ComparisonOperator: "GreaterThanThreshold"}
		c.change(&m)
		if got := m.evaluated(); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}
