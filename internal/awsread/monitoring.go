package awsread

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	watchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

const (
	describeTrails  = "cloudtrail:DescribeTrails"
	describeFilters = "logs:DescribeMetricFilters"
	describeAlarms  = "cloudwatch:DescribeAlarms"
)

// monitoringOperations tell of trails, and of what leads from an event to a person.
var monitoringOperations = []Operation{
	{Action: describeTrails, Regional: true, read: trailsOf},
	{Action: describeFilters, Regional: true, read: metricFilters},
	{Action: describeAlarms, Regional: true, read: alarms},
	{Action: "sns:ListSubscriptions", Regional: true, read: subscriptions},
}

// trailsOf reads the trails that are seen in a Region: those at home there, and shadows
// of trails of all Regions and of the organization.
func trailsOf(ctx context.Context, p *place) (any, error) {
	out, err := ask(ctx, p, cloudtrail.NewFromConfig(p.aws).DescribeTrails, &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	return out.TrailList, nil
}

// seen is a trail once, with the Region to ask about it.
type seen struct {
	trailtypes.Trail
	region string
}

// distinct lists each trail once, however many Regions have its shadow. It is asked
// about at home, if home is a Region that sees it here.
func distinct(tasks []*task) []seen {
	var out []seen
	index := map[string]int{}
	for _, t := range tasks {
		list, _ := t.answer.([]trailtypes.Trail)
		for _, trail := range list {
			arn := aws.ToString(trail.TrailARN)
			i, ok := index[arn]
			if !ok {
				i = len(out)
				index[arn] = i
				out = append(out, seen{trail, t.region})
			}
			if aws.ToString(trail.HomeRegion) == t.region {
				out[i].region = t.region
			}
		}
	}
	return out
}

func metricFilters(ctx context.Context, p *place) (any, error) {
	client := cloudwatchlogs.NewFromConfig(p.aws)
	in := &cloudwatchlogs.DescribeMetricFiltersInput{Limit: aws.Int32(50)}
	all, err := gather(p, func(token *string) ([]logtypes.MetricFilter, *string, error) {
		in.NextToken = token
		out, err := ask(ctx, p, client.DescribeMetricFilters, in)
		if err != nil {
			return nil, nil, err
		}
		return out.MetricFilters, out.NextToken, nil
	})
	return map[string]any{"metricFilters": all}, err
}

// metricAlarm is an alarm with its evaluation window as the AWS CLI prints it: the SDK
// has no JSON for it.
type metricAlarm struct {
	watchtypes.MetricAlarm
	EvaluationWindow map[string]any
}

// inJSON has CloudWatch speak JSON. AWS's model of the service names three protocols:
// CBOR, which the SDK prefers, JSON and the older query protocol. JSON is the one that
// stand-ins of AWS, such as moto, and proxies that log what passes understand too; of a
// hundred alarms a page, the few bytes that CBOR saves are no reason against it.
func inJSON(o *cloudwatch.Options) {
	o.Protocol = awsjson.New10(schemas.GraniteServiceVersion20100801)
}

// alarms reads the alarms of all three kinds; AWS tells only those it is asked for.
func alarms(ctx context.Context, p *place) (any, error) {
	client := cloudwatch.NewFromConfig(p.aws, inJSON)
	in := &cloudwatch.DescribeAlarmsInput{
		AlarmTypes: []watchtypes.AlarmType{watchtypes.AlarmTypeMetricAlarm, watchtypes.AlarmTypeCompositeAlarm, watchtypes.AlarmTypeLogAlarm}, MaxRecords: aws.Int32(100),
	}
	all := struct {
		MetricAlarms    []metricAlarm
		CompositeAlarms []watchtypes.CompositeAlarm
		LogAlarms       []watchtypes.LogAlarm
	}{[]metricAlarm{}, []watchtypes.CompositeAlarm{}, []watchtypes.LogAlarm{}}
	err := p.pages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := ask(ctx, p, client.DescribeAlarms, in)
		if err != nil {
			return nil, err
		}
		for _, a := range out.MetricAlarms {
			shown := metricAlarm{MetricAlarm: a}
			if _, ok := a.EvaluationWindow.(*watchtypes.EvaluationWindowMemberWallClockWindow); ok {
				shown.EvaluationWindow = map[string]any{"WallClockWindow": struct{}{}}
			}
			all.MetricAlarms = append(all.MetricAlarms, shown)
		}
		all.CompositeAlarms = append(all.CompositeAlarms, out.CompositeAlarms...)
		all.LogAlarms = append(all.LogAlarms, out.LogAlarms...)
		return out.NextToken, nil
	})
	return all, err
}

func subscriptions(ctx context.Context, p *place) (any, error) {
	client := sns.NewFromConfig(p.aws)
	in := &sns.ListSubscriptionsInput{}
	all, err := gather(p, func(token *string) ([]snstypes.Subscription, *string, error) {
		in.NextToken = token
		out, err := ask(ctx, p, client.ListSubscriptions, in)
		if err != nil {
			return nil, nil, err
		}
		return out.Subscriptions, out.NextToken, nil
	})
	return map[string]any{"Subscriptions": all}, err
}
