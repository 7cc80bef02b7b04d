package intake

import (
	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// The shapes of what leads from an event to a person, as the AWS CLI prints them.
type (
	trail struct {
		TrailARN, Name, HomeRegion, S3BucketName, S3KeyPrefix, KmsKeyId, CloudWatchLogsLogGroupArn    string
		IsMultiRegionTrail, IncludeGlobalServiceEvents, IsOrganizationTrail, LogFileValidationEnabled bool
		HasCustomEventSelectors                                                                       *bool // false: the default, which is all management events
	}
	metricFilter struct {
		FilterName            string `json:"filterName"`
		FilterPattern         string `json:"filterPattern"`
		LogGroupName          string `json:"logGroupName"`
		MetricTransformations []struct {
			MetricName      string   `json:"metricName"`
			MetricNamespace string   `json:"metricNamespace"`
			MetricValue     string   `json:"metricValue"`
			DefaultValue    *float64 `json:"defaultValue"`
		} `json:"metricTransformations"`
	}
	metricAlarm struct {
		AlarmName, AlarmArn, Namespace, MetricName, Statistic, ExtendedStatistic string
		ComparisonOperator, TreatMissingData                                     string
		Period, EvaluationPeriods, DatapointsToAlarm                             int
		Threshold                                                                float64
		ActionsEnabled                                                           bool
		AlarmActions                                                             []string
		Dimensions                                                               []struct{ Name string }
		EvaluationWindow                                                         map[string]any
		Metrics                                                                  []metricQuery
	}
	// metricQuery is one input of an alarm: a metric, or an expression over others.
	metricQuery struct {
		Expression string
		MetricStat *struct {
			Metric struct {
				Namespace, MetricName string
				Dimensions            []struct{ Name string }
			}
			Period int
			Stat   string
		}
	}
	compositeAlarm struct {
		AlarmName, AlarmArn, AlarmRule, ActionsSuppressor string
		ActionsEnabled                                    bool
		AlarmActions                                      []string
	}
	logAlarm struct {
		AlarmName, AlarmArn, ComparisonOperator, TreatMissingData string
		QueryResultsToAlarm, QueryResultsToEvaluate               int
		Threshold                                                 float64
		ActionsEnabled                                            bool
		AlarmActions                                              []string
		ScheduledQueryConfiguration                               struct {
			QueryString, AggregationExpression string
			LogGroupIdentifiers                []string
			ScheduleConfiguration              struct {
				ScheduleExpression             string
				StartTimeOffset, EndTimeOffset int
			}
		}
	}
	eventRule    struct{ Name, Arn, EventPattern, State, EventBusName string }
	subscription struct{ TopicArn, Protocol, SubscriptionArn string }
)

// trails is cloudtrail describe-trails. Whether a trail is logging is not in it, nor
// anything of its bucket and its keys but their names.
func (f *file) trails(list []trail) {
	all := &f.snapshot.Facts
	all.Trails = []facts.Trail{}
	usual := true // no trail has event selectors of its own
	for _, t := range list {
		usual = usual && t.HasCustomEventSelectors != nil && !*t.HasCustomEventSelectors
		arn, _ := rootkeep.ParseARN(t.TrailARN) // of another form it has no owner that is known
		all.Trails = append(all.Trails, facts.Trail{
			ARN: t.TrailARN, Name: t.Name, Region: t.HomeRegion, Owner: string(arn.Account), MultiRegion: t.IsMultiRegionTrail, GlobalEvents: t.IncludeGlobalServiceEvents,
			Organization: t.IsOrganizationTrail, Validation: t.LogFileValidationEnabled, Bucket: t.S3BucketName, Prefix: t.S3KeyPrefix, Key: t.KmsKeyId,
			LogGroup: t.CloudWatchLogsLogGroupArn,
		})
	}
	all.FollowTrails(f.snapshot.Account)
	const call = "cloudtrail:DescribeTrails"
	for _, p := range facts.Paths() {
		if p.Call == call {
			f.observe(call, p.Name)
		}
	}
	if !usual {
		return // what they record GetEventSelectors alone tells
	}
	for i := range all.Trails {
		all.Trails[i].Selectors = []facts.Selector{{Category: "Management", Reads: true, Writes: true, Types: []string{}, Excluded: []string{}, Only: []string{}}}
	}
	f.observe(call, "trails.selectors")
}

// metricFilters is logs describe-metric-filters. Several files, one a Region, add up.
func (f *file) metricFilters(list []metricFilter) {
	out := &f.snapshot.Facts.MetricFilters
	for _, m := range list {
		filter := facts.MetricFilter{Name: m.FilterName, LogGroup: m.LogGroupName, Pattern: m.FilterPattern, Transformations: []facts.Transformation{}}
		for _, t := range m.MetricTransformations {
			filter.Transformations = append(filter.Transformations, facts.Transformation{
				Namespace: t.MetricNamespace, Metric: t.MetricName, Value: t.MetricValue, Default: t.DefaultValue != nil,
			})
		}
		*out = append(*out, filter)
	}
	f.observe("logs:DescribeMetricFilters", "metric_filters")
}

// alarms is cloudwatch describe-alarms. Several files, one a Region, add up.
func (f *file) alarms(list []metricAlarm) {
	out := &f.snapshot.Facts.Alarms
	for _, a := range list {
		*out = append(*out, a.fact())
	}
	f.observe("cloudwatch:DescribeAlarms", "alarms")
}

func (a *metricAlarm) fact() facts.Alarm {
	out := facts.Alarm{
		ARN: a.AlarmArn, Name: a.AlarmName, Namespace: a.Namespace, Metric: a.MetricName, Statistic: a.Statistic, Dimensions: len(a.Dimensions), Period: a.Period,
		EvaluationPeriods: a.EvaluationPeriods, DatapointsToAlarm: a.DatapointsToAlarm, Threshold: a.Threshold, Comparison: a.ComparisonOperator,
		MissingData: a.TreatMissingData, ActionsEnabled: a.ActionsEnabled, Actions: a.AlarmActions, Window: "sliding",
	}
	if out.Statistic == "" {
		out.Statistic = a.ExtendedStatistic
	}
	if _, ok := a.EvaluationWindow["WallClockWindow"]; ok {
		out.Window = "wall-clock"
	}
	for _, m := range a.Metrics {
		switch {
		case m.MetricStat == nil:
		case len(a.Metrics) == 1:
			// One metric and nothing computed: the long form of a plain alarm.
			metric := m.MetricStat.Metric
			out.Namespace, out.Metric, out.Dimensions = metric.Namespace, metric.MetricName, len(metric.Dimensions)
			out.Statistic, out.Period = m.MetricStat.Stat, m.MetricStat.Period
		default:
			out.Inputs = append(out.Inputs, m.MetricStat.Metric.Namespace+"/"+m.MetricStat.Metric.MetricName)
		}
	}
	return out
}

// otherAlarms are those that describe-alarms tells if it is asked for them with
// --alarm-types: an answer without log alarms was not asked, and proves of composite
// alarms only what it holds.
func (f *file) otherAlarms(composite []compositeAlarm, logs *[]logAlarm) {
	out := &f.snapshot.Facts
	for _, a := range composite {
		out.CompositeAlarms = append(out.CompositeAlarms, facts.CompositeAlarm{
			ARN: a.AlarmArn, Name: a.AlarmName, Rule: a.AlarmRule, Suppressor: a.ActionsSuppressor, ActionsEnabled: a.ActionsEnabled, Actions: a.AlarmActions,
		})
	}
	if len(composite) > 0 || logs != nil {
		f.observe("cloudwatch:DescribeAlarms", "composite_alarms")
	}
	if logs == nil {
		return
	}
	for _, a := range *logs {
		q := a.ScheduledQueryConfiguration
		out.LogAlarms = append(out.LogAlarms, facts.LogAlarm{
			ARN: a.AlarmArn, Name: a.AlarmName, Query: q.QueryString, Aggregation: q.AggregationExpression, LogGroups: q.LogGroupIdentifiers,
			Schedule: q.ScheduleConfiguration.ScheduleExpression, From: q.ScheduleConfiguration.StartTimeOffset, To: q.ScheduleConfiguration.EndTimeOffset,
			Results: a.QueryResultsToEvaluate, ResultsToAlarm: a.QueryResultsToAlarm, Threshold: a.Threshold, Comparison: a.ComparisonOperator,
			MissingData: a.TreatMissingData, ActionsEnabled: a.ActionsEnabled, Actions: a.AlarmActions,
		})
	}
	f.observe("cloudwatch:DescribeAlarms", "log_alarms")
}

// rules is events list-rules. Several files, one a Region, add up; the rules' targets
// are not in it.
func (f *file) rules(list []eventRule) {
	out := &f.snapshot.Facts.EventRules
	for _, r := range list {
		if r.EventPattern != "" {
			*out = append(*out, facts.EventRule{ARN: r.Arn, Name: r.Name, Bus: r.EventBusName, Pattern: r.EventPattern, State: r.State})
		}
	}
	for _, p := range []string{"arn", "name", "bus", "pattern", "state"} {
		f.observe("events:ListRules", "event_rules."+p)
	}
}

// topic is sns get-topic-attributes. Several files, one a topic, add up.
func (f *file) topic(attributes map[string]string) {
	out := &f.snapshot.Facts.Topics
	*out = append(*out, facts.Topic{ARN: attributes["TopicArn"], Policy: attributes["Policy"], Key: attributes["KmsMasterKeyId"]})
	for _, p := range []string{"arn", "policy", "key"} {
		f.observe("sns:GetTopicAttributes", "topics."+p)
	}
}

// subscriptions is sns list-subscriptions. One that waits for its confirmation has
// no ARN yet.
func (f *file) subscriptions(list []subscription) {
	out := &f.snapshot.Facts.Subscriptions
	for _, s := range list {
		confirmed := s.SubscriptionArn != "PendingConfirmation" && s.SubscriptionArn != "Deleted" && s.SubscriptionArn != ""
		*out = append(*out, facts.Subscription{Topic: s.TopicArn, Protocol: s.Protocol, Confirmed: confirmed})
	}
	f.observe("sns:ListSubscriptions", "subscriptions")
}
