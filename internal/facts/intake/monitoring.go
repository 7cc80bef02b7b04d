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
	}
	subscription struct{ TopicArn, Protocol, SubscriptionArn string }
)

// trails is cloudtrail describe-trails. Whether a trail is logging is not in it, nor
// anything of its bucket and its keys but their names.
func (f *file) trails(list []trail) {
	all := &f.snapshot.Facts
	all.Trails = []facts.Trail{}
	for _, t := range list {
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
		statistic := a.Statistic
		if statistic == "" {
			statistic = a.ExtendedStatistic
		}
		*out = append(*out, facts.Alarm{
			ARN: a.AlarmArn, Name: a.AlarmName, Namespace: a.Namespace, Metric: a.MetricName, Statistic: statistic, Dimensions: len(a.Dimensions), Period: a.Period,
			EvaluationPeriods: a.EvaluationPeriods, DatapointsToAlarm: a.DatapointsToAlarm, Threshold: a.Threshold, Comparison: a.ComparisonOperator,
			MissingData: a.TreatMissingData, ActionsEnabled: a.ActionsEnabled, Actions: a.AlarmActions,
		})
	}
	f.observe("cloudwatch:DescribeAlarms", "alarms")
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
