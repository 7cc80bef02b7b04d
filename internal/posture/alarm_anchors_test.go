package posture_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/eventpattern"
	"github.com/rootkeep/rootkeep/internal/posture/filterpattern"
)

// The tests of this file take what other scanners decide about root alarms, as it was
// recorded of them and written anew here, and show where it is wrong and we are not.

// by is a scanner's judgement of an account.
type by struct {
	name  string
	judge func(*facts.Facts) bool
}

var (
	inOrder = regexp.MustCompile(`\$\.userIdentity\.type\s*=\s*.?Root.+\$\.userIdentity\.invokedBy NOT EXISTS.+\$\.eventType\s*!=\s*.?AwsServiceEvent`)
	quoted  = regexp.MustCompile(`\$\.userIdentity\.type\s*=\s*"Root".+\$\.userIdentity\.invokedBy NOT EXISTS.+\$\.eventType\s*!=\s*"AwsServiceEvent"`)
	exactly = `{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }`
)

func squeezed(s string) string { return strings.ReplaceAll(s, " ", "") }

// texts are the ways to judge a filter by its text.
var texts = []by{
	{"an expression with its clauses in one order", func(f *facts.Facts) bool { return inOrder.MatchString(f.MetricFilters[0].Pattern) }},
	{"an expression that wants quotation marks", func(f *facts.Facts) bool { return quoted.MatchString(f.MetricFilters[0].Pattern) }},
	{"equality", func(f *facts.Facts) bool { return f.MetricFilters[0].Pattern == exactly }},
	{"a part of the text without its blanks", func(f *facts.Facts) bool {
		return strings.Contains(squeezed(f.MetricFilters[0].Pattern), strings.Trim(squeezed(exactly), "{}"))
	}},
}

// named links filter and alarm by the metric's name alone.
func named(f *facts.Facts) bool {
	return slices.ContainsFunc(f.Alarms, func(a facts.Alarm) bool { return a.Metric == f.MetricFilters[0].Transformations[0].Metric })
}

// subscribed wants any row of a subscription beside the name, confirmed or not.
func subscribed(f *facts.Facts) bool {
	return named(f) && slices.ContainsFunc(f.Subscriptions, func(s facts.Subscription) bool { return slices.Contains(f.Alarms[0].Actions, s.Topic) })
}

// atHome looks at trails whose log group is in the account that is scanned, and at
// metric filters alone.
func atHome(f *facts.Facts) bool {
	return len(f.MetricFilters) > 0 && slices.ContainsFunc(f.Trails, func(t facts.Trail) bool { return strings.Contains(t.LogGroup, ":111122223333:") })
}

func TestD4AFilterIsJudgedByWhatItMatches(t *testing.T) {
	controls := shipped(t)
	for _, c := range []struct {
		name, pattern string
		want          rootkeep.Status
		wrong         []int // of texts
	}{
		{"CIS's filter", exactly, rootkeep.Pass, nil},
		{"other clauses first", `{ $.eventType != "AwsServiceEvent" && $.userIdentity.invokedBy NOT EXISTS && $.userIdentity.type = "Root" }`, rootkeep.Pass, []int{0, 1, 2, 3}},
		{"without quotation marks, as CIS prints it", `{$.userIdentity.type = Root && $.userIdentity.invokedBy NOT EXISTS && $.eventType != AwsServiceEvent}`, rootkeep.Pass, []int{1, 2, 3}},
		{"in parentheses", `{ ($.userIdentity.type = "Root") && ($.userIdentity.invokedBy NOT EXISTS) && ($.eventType != "AwsServiceEvent") }`, rootkeep.Pass, []int{2, 3}},
		{"one blank less", strings.Replace(exactly, `= "Root"`, `="Root"`, 1), rootkeep.Pass, []int{2}},
		{"a clause that leaves keys out", strings.Replace(exactly, " }", ` && $.userIdentity.accessKeyId NOT EXISTS }`, 1), rootkeep.Fail, []int{0, 1, 3}},
		{"a clause that leaves everything out", strings.Replace(exactly, " }", ` && $.eventName = "None" }`, 1), rootkeep.Fail, []int{0, 1, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := monitored()
			s.Facts.MetricFilters[0].Pattern = c.pattern
			if f := rootAlarm(t, s, controls); f.Status != c.want {
				t.Errorf("got %s %s %v, want %s", f.Status, f.Detail, f.Missing, c.want)
			}
			for i, other := range texts {
				if wrong := other.judge(&s.Facts) != (c.want == rootkeep.Pass); wrong != slices.Contains(c.wrong, i) {
					t.Errorf("%s: wrong is %t, want %t", other.name, wrong, !wrong)
				}
			}
		})
	}
}

func TestD5D6D8D12AndE2WhatOthersPassOrFail(t *testing.T) {
	controls := shipped(t)
	for _, c := range []struct {
		name    string
		account func() *facts.Snapshot
		peer    func(rootkeep.AccountID) *facts.Snapshot
		other   func(*facts.Facts) bool
		says    bool // what the other says, which is wrong
		want    rootkeep.Status
	}{
		{"D5: another namespace", changed(func(f *facts.Facts) { f.Alarms[0].Namespace = "Other" }), nil, named, true, rootkeep.Fail},
		{"D5: a threshold that one event does not reach", changed(func(f *facts.Facts) { f.Alarms[0].Threshold = 100 }), nil, named, true, rootkeep.Fail},
		{"D5: actions off", changed(func(f *facts.Facts) { f.Alarms[0].ActionsEnabled = false }), nil, named, true, rootkeep.Fail},
		{"D5: the second metric of the filter is the one with an alarm", changed(func(f *facts.Facts) {
			f.MetricFilters[0].Transformations = append([]facts.Transformation{{Namespace: "CIS", Metric: "First", Value: "1"}}, f.MetricFilters[0].Transformations...)
		}), nil, named, false, rootkeep.Pass},
		{"D6: a subscription that waits for its confirmation", changed(func(f *facts.Facts) { f.Subscriptions[0].Confirmed = false }), nil, subscribed, true, rootkeep.Fail},
		{"D6: a threshold that is ignored", changed(func(f *facts.Facts) { f.Alarms[0].Threshold = 100 }), nil, subscribed, true, rootkeep.Fail},
		{"D8: a member whose trail is kept elsewhere", organizationMember, keeper(func(*facts.Facts) {}), atHome, false, rootkeep.Pass},
		{"D12: rules of EventBridge", ruled, nil, atHome, false, rootkeep.Pass},
		{"D12: a log alarm", logged, nil, atHome, false, rootkeep.Pass},
		{"E2: the guide's alarm", changed(func(f *facts.Facts) {
			f.Alarms[0] = facts.Alarm{ARN: f.Alarms[0].ARN, Name: "RootAccountLogin", Namespace: "CIS", Metric: "RootUse", Statistic: "Sum", Period: 300, EvaluationPeriods: 1,
				Comparison: "GreaterThanThreshold", Threshold: 1, ActionsEnabled: true, Actions: f.Alarms[0].Actions}
		}), nil, subscribed, true, rootkeep.Fail},
		{"E2: as it has to be", changed(func(f *facts.Facts) { f.Alarms[0].Period, f.Alarms[0].MissingData = 60, "notBreaching" }), nil, func(*facts.Facts) bool { return false }, false, rootkeep.Pass},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.account()
			if got := c.other(&s.Facts); got != c.says {
				t.Errorf("the other scanner: got %t, want %t", got, c.says)
			}
			if f := rootAlarmOf(t, s, controls, c.peer); f.Status != c.want {
				t.Errorf("got %s %s %v, want %s", f.Status, f.Detail, f.Missing, c.want)
			}
		})
	}
}

func changed(change func(*facts.Facts)) func() *facts.Snapshot {
	return func() *facts.Snapshot {
		s := monitored()
		change(&s.Facts)
		return s
	}
}

// organizationMember is an account of an organization whose trail 444455556666 keeps.
func organizationMember() *facts.Snapshot {
	s := monitored()
	s.Facts.MetricFilters, s.Facts.Alarms, s.Facts.Topics, s.Facts.Subscriptions = nil, nil, nil, nil
	s.Facts.Trails[0].Organization = true
	s.Facts.Trails[0].ARN = "arn:aws:cloudtrail:us-east-1:999988887777:trail/org"
	s.Facts.Trails[0].LogGroup = "arn:aws:logs:us-east-1:444455556666:log-group:trail:*"
	return s
}

// keeper is the scan of 444455556666, which has the filters, alarms and topics.
func keeper(change func(*facts.Facts)) func(rootkeep.AccountID) *facts.Snapshot {
	text, err := json.Marshal(monitored())
	if err != nil {
		panic(err)
	}
	var s facts.Snapshot
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "111122223333", "444455556666")), &s); err != nil {
		panic(err)
	}
	s.Facts.Trails = nil
	change(&s.Facts)
	return func(id rootkeep.AccountID) *facts.Snapshot {
		if id != "444455556666" {
			return nil
		}
		return &s
	}
}

// The keeper's facts are judged for the member, and every link breaks there as at home.
func TestAMemberIsJudgedWhereItsTrailIsKept(t *testing.T) {
	controls := shipped(t)
	for _, c := range []struct {
		name string
		peer func(rootkeep.AccountID) *facts.Snapshot
		want rootkeep.Status
		says string
	}{
		{"whole", keeper(func(*facts.Facts) {}), rootkeep.Pass, "in account 444455556666: metric filter"},
		{"the keeper was not scanned", nil, rootkeep.Unknown, "scan that account too"},
		{"another account was scanned", func(rootkeep.AccountID) *facts.Snapshot { return nil }, rootkeep.Unknown, "delivers to account 444455556666"},
		{"a filter of one account's events", keeper(func(f *facts.Facts) {
			f.MetricFilters[0].Pattern = strings.Replace(exactly, " }", ` && $.userIdentity.accountId = "444455556666" }`, 1)
		}), rootkeep.Fail, "no metric filter"},
		{"a filter that names this account", keeper(func(f *facts.Facts) {
			f.MetricFilters[0].Pattern = strings.Replace(exactly, " }", ` && $.userIdentity.accountId = "111122223333" }`, 1)
		}), rootkeep.Pass, ""},
		{"another log group", keeper(func(f *facts.Facts) { f.MetricFilters[0].LogGroup = "other" }), rootkeep.Fail, "in account 444455556666: metric filter"},
		{"a threshold of 2", keeper(func(f *facts.Facts) { f.Alarms[0].Threshold = 2 }), rootkeep.Fail, "not at least 2"},
		{"no alarm", keeper(func(f *facts.Facts) { f.Alarms = nil }), rootkeep.Fail, "no alarm watches"},
		{"a policy for its own rules alone", keeper(func(f *facts.Facts) { f.Topics[0].Policy = rulePolicy }), rootkeep.Fail, "does not allow cloudwatch"},
		{"a pending subscription", keeper(func(f *facts.Facts) { f.Subscriptions[0].Confirmed = false }), rootkeep.Fail, "no confirmed subscriber"},
		{"a topic of a third account", keeper(func(f *facts.Facts) {
			f.Topics[0].ARN = "arn:aws:sns:us-east-1:777766665555:alerts"
			f.Alarms[0].Actions = []string{f.Topics[0].ARN}
		}), rootkeep.Unknown, "of account 777766665555"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := rootAlarmOf(t, organizationMember(), controls, c.peer)
			if told := f.Detail + strings.Join(f.Missing, " "); f.Status != c.want || !strings.Contains(told, c.says) {
				t.Errorf("got %s: %s\nwant %s: %s", f.Status, told, c.want, c.says)
			}
		})
	}
}

// E3: what the guide prints as root account logging is no pattern of either language.
func TestE3TheGuidesPatternIsNone(t *testing.T) {
	const guide = `{"eventName": ["ConsoleLogin"], "userIdentity.type": "Root", "errorCode": "SigninFailure", "sourceIPAddress": "*"}`
	if _, err := filterpattern.Parse(guide); err == nil {
		t.Error("as a filter pattern: got no error")
	}
	if _, err := eventpattern.Parse(guide); err == nil {
		t.Error("as an event pattern: got no error")
	}
	if !strings.Contains(guide, "userIdentity.type") || !strings.Contains(guide, "Root") {
		t.Error("a search for words takes it for a pattern on root")
	}
}

// silent replays failures against an alarm for five within five minutes, by windows that
// begin every step: the naive reading of CloudWatch's two kinds of window.
func silent(at []time.Duration, step time.Duration) bool {
	for start := -5 * time.Minute; start <= 10*time.Minute; start += step {
		n := 0
		for _, a := range at {
			if a >= start && a < start+5*time.Minute {
				n++
			}
		}
		if n >= 5 {
			return false
		}
	}
	return true
}

// E4: a burst around a boundary of the clock is three and two, and a wall-clock window
// stays silent at it. Whoever looks at the alarm's name passes both.
func TestE4AWindowByTheClockCutsABurst(t *testing.T) {
	burst := []time.Duration{4 * time.Minute, 4*time.Minute + 20*time.Second, 4*time.Minute + 40*time.Second, 5 * time.Minute, 5*time.Minute + 20*time.Second}
	for _, c := range []struct {
		window string
		step   time.Duration
		silent bool
		want   rootkeep.Status
	}{{"sliding", time.Minute, false, rootkeep.Pass}, {"wall-clock", 5 * time.Minute, true, rootkeep.Fail}} {
		s := monitored()
		s.Facts.Alarms[0].Threshold, s.Facts.Alarms[0].Window = 5, c.window
		if got := silent(burst, c.step); got != c.silent {
			t.Errorf("%s: the burst is silent: got %t, want %t", c.window, got, c.silent)
		}
		if !named(&s.Facts) {
			t.Errorf("%s: the other scanner: got fail, want pass", c.window)
		}
		for _, f := range posture.Evaluate(s, shipped(t), posture.Setting{Now: now}) {
			if f.Control == "AL-10" && f.Status != c.want {
				t.Errorf("%s: got %s %v, want %s", c.window, f.Status, f.Missing, c.want)
			}
		}
	}
}
