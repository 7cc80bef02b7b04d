package alarm

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep/internal/facts"
)

// fires says whether one event alone takes the alarm to ALARM: one period then has
// one datapoint of this value, and all others have none, or the filter's default value.
// A window that slides and one by the clock see a single event alike. Source: Amazon
// CloudWatch User Guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat
// missing data".
func fires(a *facts.Alarm, value float64, defaults bool) (Truth, string) {
	got := value
	switch a.Statistic {
	case "Sum":
	case "SampleCount":
		if got = 1; defaults {
			return unknown, "it counts samples, and the filter publishes one for every event"
		}
	case "Average", "Minimum", "Maximum":
		if defaults && a.Statistic != "Maximum" {
			return unknown, "the filter's default value draws its " + strings.ToLower(a.Statistic) + " down"
		}
	default:
		return unknown, fmt.Sprintf("statistic %q is not computed", a.Statistic)
	}
	if a.Dimensions > 0 {
		return no, "it watches the metric with dimensions, which the filter does not publish"
	}
	words, holds := compare(a.Comparison, got, a.Threshold)
	_, always := compare(a.Comparison, 0, a.Threshold)
	switch needed := needed(a); {
	case words == "":
		return unknown, fmt.Sprintf("comparison %q is not computed", a.Comparison)
	case !holds:
		return no, fmt.Sprintf("one event gives a %s of %s, which is not %s %s", strings.ToLower(a.Statistic), number(got), words, number(a.Threshold))
	case a.MissingData == "breaching":
		return no, "missing data counts as breaching, so it is always in ALARM and an event changes nothing"
	case defaults && always:
		return unknown, "the filter's default value, if it is 0, breaches as well, and then it is always in ALARM"
	case a.MissingData == "ignore" && !defaults:
		return no, "missing data leaves its state as it is, so after the first event it stays in ALARM and tells of no second"
	case needed > 1 && (a.MissingData == "notBreaching" || a.MissingData == "ignore"):
		return no, fmt.Sprintf("%d periods have to breach, and one event breaches one", needed)
	case needed > 1:
		return unknown, fmt.Sprintf("%d periods have to breach, and one event breaches one; AWS decides by earlier data", needed)
	}
	return yes, ""
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

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
