package alarm

import (
	"math/rand/v2"
	"testing"

	"github.com/rootkeep/rootkeep/internal/facts"
)

// told replays an alarm period by period, as "Alarm evaluation" of the CloudWatch User
// Guide describes it, with two events far from each other, and says whether each of them
// takes the alarm to ALARM. A filter's default value is 0.
func told(a *facts.Alarm, value float64, defaults bool) bool {
	const periods, first, second = 60, 20, 45
	breaches := func(t int) (breaching, missing bool) {
		if t == first || t == second {
			_, holds := compare(a.Comparison, value, a.Threshold)
			return holds, false
		}
		if defaults {
			_, holds := compare(a.Comparison, 0, a.Threshold)
			return holds, false
		}
		return a.MissingData == "breaching", true
	}
	alarm, seen := false, 0
	for t := a.EvaluationPeriods; t < periods; t++ {
		count, absent := 0, 0
		for i := range a.EvaluationPeriods {
			breaching, missing := breaches(t - i)
			if breaching {
				count++
			}
			if missing {
				absent++
			}
		}
		was := alarm
		switch {
		case absent == a.EvaluationPeriods && a.MissingData == "ignore":
		case absent == a.EvaluationPeriods && a.MissingData == "missing":
			alarm = false // INSUFFICIENT_DATA
		default:
			alarm = count >= needed(a)
		}
		if alarm && !was && (t == first || t == second) {
			seen++
		}
	}
	return seen == 2
}

func TestWhatIsSaidOfAnAlarmIsWhatItDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	decided := map[Truth]int{}
	for range 20_000 {
		a := facts.Alarm{
			Statistic: "Sum", Period: 300, EvaluationPeriods: 1 + random.IntN(4), Threshold: float64(random.IntN(4)) - 1 + 0.5*float64(random.IntN(2)),
			Comparison:  pick("GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"),
			MissingData: pick("notBreaching", "breaching", "ignore", "missing"),
		}
		a.DatapointsToAlarm = random.IntN(a.EvaluationPeriods + 1)
		if a.EvaluationPeriods > 1 && (a.MissingData == "ignore" || a.MissingData == "missing") {
			continue // which datapoints AWS takes then hangs on earlier ones
		}
		value, defaults := float64(1+random.IntN(2)), random.IntN(2) == 0 && a.MissingData != "breaching" // a quiet log has no default values either
		got, why := fires(&a, value, defaults)
		decided[got]++
		if got != unknown && (got == yes) != told(&a, value, defaults) {
			t.Fatalf("%+v, value %g, defaults %t: got %s (%s), and it tells of both events: %t", a, value, defaults, got, why, got != yes)
		}
	}
	if decided[yes] < 1000 || decided[no] < 1000 {
		t.Errorf("decided: got %v, want many of both", decided)
	}
}

func TestRulesOfCompositeAlarms(t *testing.T) {
	a := &facts.Alarm{Name: "root", ARN: "arn:aws:cloudwatch:us-east-1:111122223333:alarm:root"}
	for rule, want := range map[string]bool{
		`ALARM(root)`: true, `ALARM("root")`: true, `ALARM('root')`: true, `ALARM( root ) OR ALARM(keys)`: true, `ALARM(` + a.ARN + `)`: true, `ALARM(keys)`: false,
		`ALARM(root) AND ALARM(keys)`: false, `NOT ALARM(root)`: false, `OK(root)`: false, `(ALARM(root))`: false, `ALARM(root`: false, ``: false, `TRUE`: false,
		`ALARM(root) OR NOT ALARM(keys)`: false,
	} {
		if got := anyOf(rule, a); got != want {
			t.Errorf("%s: got %t, want %t", rule, got, want)
		}
	}
}

func TestSchedules(t *testing.T) {
	for schedule, want := range map[string]int{
		"rate(1 minute)": 60, "rate(5 minutes)": 300, "rate(2 hours)": 7200, "rate(1 day)": 86400, "rate(0 minutes)": 0, "rate(-1 minutes)": 0, "rate(5 weeks)": 0,
		"rate(5)": 0, "cron(0 * * * ? *)": 0, "rate(99999999999999999999 days)": 0, "": 0,
	} {
		if got, err := seconds(schedule); got != want || (err == nil) != (want > 0) {
			t.Errorf("%s: got %d, %v, want %d", schedule, got, err, want)
		}
	}
}
