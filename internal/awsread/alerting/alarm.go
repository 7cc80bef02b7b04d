package alerting

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	watchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
)

const (
	describeFilters = "logs:DescribeMetricFilters"
	DescribeAlarms  = "cloudwatch:DescribeAlarms"
)

// alarmOperations tell of metric filters, alarms and who hears of them.
func alarmOperations() []call.Operation {
	return []call.Operation{
		{Action: describeFilters, Regional: true, Read: metricFilters},
		{Action: DescribeAlarms, Regional: true, Read: alarms},
		{Action: "sns:ListSubscriptions", Regional: true, Read: subscriptions},
	}
}

func metricFilters(ctx context.Context, p *call.Place) (any, error) {
	client := cloudwatchlogs.NewFromConfig(p.AWS)
	in := &cloudwatchlogs.DescribeMetricFiltersInput{Limit: aws.Int32(50)}
	all, err := call.Gather(p, func(token *string) ([]logtypes.MetricFilter, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.DescribeMetricFilters, in)
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
func alarms(ctx context.Context, p *call.Place) (any, error) {
	client := cloudwatch.NewFromConfig(p.AWS, inJSON)
	in := &cloudwatch.DescribeAlarmsInput{
		AlarmTypes: []watchtypes.AlarmType{watchtypes.AlarmTypeMetricAlarm, watchtypes.AlarmTypeCompositeAlarm, watchtypes.AlarmTypeLogAlarm}, MaxRecords: aws.Int32(100),
	}
	all := struct {
		MetricAlarms    []metricAlarm
		CompositeAlarms []watchtypes.CompositeAlarm
		LogAlarms       []watchtypes.LogAlarm
	}{[]metricAlarm{}, []watchtypes.CompositeAlarm{}, []watchtypes.LogAlarm{}}
	err := p.Pages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.DescribeAlarms, in)
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

func subscriptions(ctx context.Context, p *call.Place) (any, error) {
	client := sns.NewFromConfig(p.AWS)
	in := &sns.ListSubscriptionsInput{}
	all, err := call.Gather(p, func(token *string) ([]snstypes.Subscription, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListSubscriptions, in)
		if err != nil {
			return nil, nil, err
		}
		return out.Subscriptions, out.NextToken, nil
	})
	return map[string]any{"Subscriptions": all}, err
}
