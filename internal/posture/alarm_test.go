package posture_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

const rootPattern = `{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }`

// monitored is an account whose root alarm reaches a person.
func monitored() *facts.Snapshot {
	s := &facts.Snapshot{Format: facts.Format, Account: "111122223333"}
	s.Facts.Trails = []facts.Trail{{ARN: "arn:aws:cloudtrail:us-east-1:111122223333:trail/org", Name: "org", MultiRegion: true, Logging: true, LogGroup: "arn:aws:logs:us-east-1:111122223333:log-group:trail:*",
		Selectors: []facts.Selector{{Category: "Management", Reads: true, Writes: true}}}}
	s.Facts.MetricFilters = []facts.MetricFilter{{
		Name: "root", LogGroup: "trail", Pattern: rootPattern, Transformations: []facts.Transformation{{Namespace: "CIS", Metric: "RootUse", Value: "1"}},
	}}
	s.Facts.Alarms = []facts.Alarm{{
		ARN: "arn:aws:cloudwatch:us-east-1:111122223333:alarm:root", Name: "root", Namespace: "CIS", Metric: "RootUse", Statistic: "Sum", Period: 300,
		EvaluationPeriods: 1, Threshold: 1, Comparison: "GreaterThanOrEqualToThreshold", ActionsEnabled: true, Actions: []string{"arn:aws:sns:us-east-1:111122223333:alerts"},
	}}
	s.Facts.Subscriptions = []facts.Subscription{{Topic: "arn:aws:sns:us-east-1:111122223333:alerts", Protocol: "email", Confirmed: true}}
	s.Facts.Topics = []facts.Topic{{ARN: "arn:aws:sns:us-east-1:111122223333:alerts", Policy: topicPolicy("cloudwatch.amazonaws.com")}}
	s.Facts.Regions = []facts.Region{{Name: "eu-west-3"}, {Name: "us-east-1"}}
	s.Observe("test", now, "", "trails", "metric_filters", "alarms", "subscriptions", "topics", "event_buses", "event_rules", "composite_alarms", "log_alarms", "regions")
	return s
}

// topicPolicy lets services publish.
func topicPolicy(services ...string) string {
	return `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": ["` + strings.Join(services, `", "`) + `"]}, "Action": "sns:Publish", "Resource": "*"}}`
}

func rootAlarm(t *testing.T, s *facts.Snapshot, controls []*posture.Control) rootkeep.Finding {
	t.Helper()
	return rootAlarmOf(t, s, controls, nil)
}

func rootAlarmOf(t *testing.T, s *facts.Snapshot, controls []*posture.Control, peer func(rootkeep.AccountID) *facts.Snapshot) rootkeep.Finding {
	t.Helper()
	i := slices.IndexFunc(controls, func(c *posture.Control) bool { return c.ID == "MF-03" })
	if i < 0 {
		t.Fatal("no control MF-03")
	}
	found := posture.Evaluate(s, controls[i:i+1], posture.Setting{Now: now, Peer: peer})
	if len(found) != 1 {
		t.Fatalf("got %d findings of MF-03, want 1", len(found))
	}
	return found[0]
}

// Each link of the chain is broken in turn; each break is caught and told.
func TestEveryBrokenLinkOfAnAlarmIsCaught(t *testing.T) {
	controls := shipped(t)
	for _, c := range []struct {
		name   string
		mutate func(*facts.Facts)
		want   rootkeep.Status
		says   string
	}{
		{"whole", func(*facts.Facts) {}, rootkeep.Pass, "reaches a confirmed subscriber"},
		{"the guide's alarm: greater than 1", func(f *facts.Facts) { f.Alarms[0].Comparison = "GreaterThanThreshold" }, rootkeep.Fail,
			"one event gives a sum of 1, which is not greater than 1"},
		{"a threshold of 2", func(f *facts.Facts) { f.Alarms[0].Threshold = 2 }, rootkeep.Fail, "not at least 2"},
		{"greater than zero", func(f *facts.Facts) { f.Alarms[0].Comparison, f.Alarms[0].Threshold = "GreaterThanThreshold", 0 }, rootkeep.Pass, ""},
		{"less than", func(f *facts.Facts) { f.Alarms[0].Comparison = "LessThanThreshold" }, rootkeep.Fail, "not less than 1"},
		{"another namespace", func(f *facts.Facts) { f.Alarms[0].Namespace = "Other" }, rootkeep.Fail, "no alarm watches its metric RootUse in namespace CIS"},
		{"another metric", func(f *facts.Facts) { f.Alarms[0].Metric = "Other" }, rootkeep.Fail, "no alarm watches its metric"},
		{"dimensions", func(f *facts.Facts) { f.Alarms[0].Dimensions = 1 }, rootkeep.Fail, "with dimensions"},
		{"another Region", func(f *facts.Facts) { f.Alarms[0].ARN = "arn:aws:cloudwatch:eu-west-3:111122223333:alarm:root" }, rootkeep.Fail, "no alarm watches"},
		{"no alarm", func(f *facts.Facts) { f.Alarms = nil }, rootkeep.Fail, "no alarm watches"},
		{"two periods, missing data not breaching", func(f *facts.Facts) { f.Alarms[0].EvaluationPeriods, f.Alarms[0].MissingData = 2, "notBreaching" }, rootkeep.Fail, "2 periods have to breach"},
		{"two periods, missing data missing", func(f *facts.Facts) { f.Alarms[0].EvaluationPeriods = 2 }, rootkeep.Unknown, "AWS decides by earlier data"},
		{"one of three periods", func(f *facts.Facts) { f.Alarms[0].EvaluationPeriods, f.Alarms[0].DatapointsToAlarm = 3, 1 }, rootkeep.Pass, ""},
		{"missing data breaching", func(f *facts.Facts) { f.Alarms[0].MissingData = "breaching" }, rootkeep.Fail, "always in ALARM"},
		{"average with a default value", func(f *facts.Facts) {
			f.Alarms[0].Statistic, f.MetricFilters[0].Transformations[0].Default = "Average", true
		}, rootkeep.Unknown, "default value"},
		{"a percentile", func(f *facts.Facts) { f.Alarms[0].Statistic = "p90" }, rootkeep.Unknown, "p90"},
		{"actions off", func(f *facts.Facts) { f.Alarms[0].ActionsEnabled = false }, rootkeep.Fail, "switched off"},
		{"no action", func(f *facts.Facts) { f.Alarms[0].Actions = nil }, rootkeep.Fail, "tells nobody"},
		{"an action that is no topic", func(f *facts.Facts) {
			f.Alarms[0].Actions = []string{"arn:aws:lambda:us-east-1:111122223333:function:f"}
		}, rootkeep.Unknown, "no SNS topic"},
		{"a pending subscription", func(f *facts.Facts) { f.Subscriptions[0].Confirmed = false }, rootkeep.Fail, "no confirmed subscriber"},
		{"a subscription of another topic", func(f *facts.Facts) { f.Subscriptions[0].Topic += "2" }, rootkeep.Fail, "no confirmed subscriber"},
		{"another log group", func(f *facts.Facts) { f.MetricFilters[0].LogGroup = "other" }, rootkeep.Fail, "no trail of all Regions delivers there"},
		{"a log group of the same name in another Region", func(f *facts.Facts) { f.MetricFilters[0].Region = "eu-west-3" }, rootkeep.Fail, "no trail of all Regions delivers there"},
		{"a filter whose Region is told", func(f *facts.Facts) { f.MetricFilters[0].Region = "us-east-1" }, rootkeep.Pass, ""},
		{"a trail of one Region", func(f *facts.Facts) { f.Trails[0].MultiRegion = false }, rootkeep.Fail, "no trail of all Regions"},
		{"a trail that does not log", func(f *facts.Facts) { f.Trails[0].Logging = false }, rootkeep.Fail, "no trail of all Regions"},
		{"a trail of data events alone", func(f *facts.Facts) { f.Trails[0].Selectors[0].Category = "Data" }, rootkeep.Fail, "trail org does not record signin:ConsoleLogin"},
		{"a trail of reads alone", func(f *facts.Facts) { f.Trails[0].Selectors[0].Writes = false }, rootkeep.Fail, "trail org does not record signin:ConsoleLogin"},
		{"a trail of writes alone", func(f *facts.Facts) { f.Trails[0].Selectors[0].Reads = false }, rootkeep.Fail, "trail org does not record"},
		{"a trail that records nothing", func(f *facts.Facts) { f.Trails[0].Selectors = nil }, rootkeep.Fail, "does not record"},
		{"a trail that leaves out sources of other events", func(f *facts.Facts) {
			f.Trails[0].Selectors[0].Excluded = []string{"kms.amazonaws.com", "rdsdata.amazonaws.com"}
		}, rootkeep.Pass, ""},
		{"a trail that leaves out the source", func(f *facts.Facts) { f.Trails[0].Selectors[0].Excluded = []string{"signin.amazonaws.com"} }, rootkeep.Fail, "does not record signin:ConsoleLogin"},
		{"what one selector leaves out another takes", func(f *facts.Facts) {
			f.Trails[0].Selectors = []facts.Selector{{Category: "Management", Reads: true, Writes: true, Excluded: []string{"signin.amazonaws.com"}}, {Category: "Management", Writes: true}}
		}, rootkeep.Pass, ""},
		{"a trail under further conditions", func(f *facts.Facts) { f.Trails[0].Selectors[0].Only = []string{"eventName equals X"} }, rootkeep.Unknown, "hangs on conditions of its selectors"},
		{"a filter without a clause", func(f *facts.Facts) { f.MetricFilters[0].Pattern = `{ $.userIdentity.type = "Root" }` }, rootkeep.Fail, "as well, which is another thing"},
		{"a filter with a clause too many", func(f *facts.Facts) {
			f.MetricFilters[0].Pattern = strings.Replace(rootPattern, "{", `{ $.eventName = "ConsoleLogin" && `, 1)
		}, rootkeep.Fail, "does not match"},
		{"a filter that cannot be read", func(f *facts.Facts) { f.MetricFilters[0].Pattern = "{ root }" }, rootkeep.Unknown, "want a property"},
		{"a filter of another log that cannot be read", func(f *facts.Facts) {
			f.MetricFilters[0].LogGroup, f.MetricFilters[0].Pattern = "other", "{ root }"
		}, rootkeep.Fail, "no metric filter"},
		{"no filter", func(f *facts.Facts) { f.MetricFilters = nil }, rootkeep.Fail, "no metric filter"},
		{"the alarm in another account", func(f *facts.Facts) {
			f.MetricFilters = nil
			f.Trails[0].Organization, f.Trails[0].LogGroup = true, "arn:aws:logs:us-east-1:444455556666:log-group:trail:*"
		}, rootkeep.Unknown, "delivers to account 444455556666"},
		{"a second alarm that works", func(f *facts.Facts) {
			f.Alarms = append(f.Alarms, f.Alarms[0])
			f.Alarms[0].Threshold = 5
		}, rootkeep.Pass, ""},
		{"a second filter that works", func(f *facts.Facts) {
			f.MetricFilters = append([]facts.MetricFilter{{Name: "broken", Pattern: "{"}}, f.MetricFilters...)
		}, rootkeep.Pass, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := monitored()
			s.Facts.Alarms = slices.Clone(s.Facts.Alarms)
			c.mutate(&s.Facts)
			f := rootAlarm(t, s, controls)
			told := f.Detail + strings.Join(f.Missing, " ")
			if f.Status != c.want || !strings.Contains(told, c.says) {
				t.Errorf("got %s: %s\nwant %s: %s", f.Status, told, c.want, c.says)
			}
		})
	}
}

func TestAnAlarmOfWhichALinkWasNotReadIsUnknown(t *testing.T) {
	controls := shipped(t)
	for _, path := range []string{"metric_filters", "alarms", "subscriptions", "trails"} {
		s := monitored()
		s.Gaps = []facts.Gap{{Path: path, Permission: "denied:" + path, Reason: "denied"}}
		if f := rootAlarm(t, s, controls); f.Status != rootkeep.Unknown || !slices.Contains(f.Permissions, "denied:"+path) {
			t.Errorf("%s: got %s %v", path, f.Status, f.Permissions)
		}
	}
}

// What no file tells is not asked of files; AWS that was asked and did not answer is
// another thing.
func TestATrailThatAWSWasAskedAboutInVainProvesNothing(t *testing.T) {
	controls := shipped(t)
	for _, resource := range []string{"", "arn:aws:cloudtrail:us-east-1:111122223333:trail/org"} {
		for path, permission := range map[string]string{"trails.logging": "cloudtrail:GetTrailStatus", "trails.selectors": "cloudtrail:GetEventSelectors"} {
			s := monitored()
			s.Gaps = []facts.Gap{{Path: path, Resource: resource, Permission: permission, Reason: "denied"}}
			f := rootAlarm(t, s, controls)
			if f.Status != rootkeep.Unknown || !slices.Contains(f.Permissions, permission) {
				t.Errorf("gap of %q: got %s %v, want unknown for want of %s", resource, f.Status, f.Permissions, permission)
			}
		}
	}
}
