package awsread

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	configtypes "github.com/aws/aws-sdk-go-v2/service/configservice/types"

	"github.com/rootkeep/rootkeep/internal/facts"
)

const (
	describeRecorders = "config:DescribeConfigurationRecorders"
	describeRules     = "config:DescribeConfigRules"
)

// configOperations tell of AWS Config: three calls in a Region that has no recorder.
var configOperations = []Operation{
	{Action: describeRecorders, Regional: true, read: everywhere(recorders)},
	{Action: "config:DescribeConfigurationRecorderStatus", Regional: true, of: eachRegion(hasRecorder), readOne: there(recorderStates), needs: describeRecorders},
	{Action: "config:DescribeDeliveryChannelStatus", Regional: true, of: eachRegion(hasRecorder), readOne: there(deliveries), needs: describeRecorders},
	{Action: describeRules, Regional: true, read: everywhere(configRules)},
	{Action: "config:DescribeConfigRuleEvaluationStatus", Regional: true, of: eachRegion(hasRules), readOne: there(ruleEvaluations), needs: describeRules},
	{Action: "config:DescribeConfigurationAggregators", Regional: true, read: everywhere(configAggregators)},
}

func hasRecorder(r *facts.Region) ([]string, bool) { return nil, len(r.Recorders) > 0 }
func hasRules(r *facts.Region) ([]string, bool)    { return nil, len(r.ConfigRules) > 0 }

func recorders(ctx context.Context, p *place, _ []string) (func(*facts.Region), error) {
	out, err := ask(ctx, p, configservice.NewFromConfig(p.aws).DescribeConfigurationRecorders, &configservice.DescribeConfigurationRecordersInput{})
	if err != nil {
		return nil, err
	}
	list := []facts.Recorder{}
	for _, r := range out.ConfigurationRecorders {
		list = append(list, recorderOf(r))
	}
	return func(r *facts.Region) { r.Recorders = list }, nil
}

func recorderOf(r configtypes.ConfigurationRecorder) facts.Recorder {
	out := facts.Recorder{Name: aws.ToString(r.Name), Role: aws.ToString(r.RoleARN)}
	if g := r.RecordingGroup; g != nil {
		out.AllSupported, out.IncludeGlobal, out.Types = g.AllSupported, g.IncludeGlobalResourceTypes, texts(g.ResourceTypes)
		if g.RecordingStrategy != nil {
			out.Strategy = string(g.RecordingStrategy.UseOnly)
		}
		if g.ExclusionByResourceTypes != nil {
			out.Excluded = texts(g.ExclusionByResourceTypes.ResourceTypes)
		}
	}
	if m := r.RecordingMode; m != nil {
		out.Frequency = string(m.RecordingFrequency)
		for _, o := range m.RecordingModeOverrides {
			out.Overrides = append(out.Overrides, facts.Override{Frequency: string(o.RecordingFrequency), Types: texts(o.ResourceTypes)})
		}
	}
	return out
}

// texts are AWS's words as text.
func texts[T ~string](in []T) []string {
	var out []string
	for _, t := range in {
		out = append(out, string(t))
	}
	return out
}

func recorderStates(ctx context.Context, p *place, _ []string) (func(*facts.Region), error) {
	out, err := ask(ctx, p, configservice.NewFromConfig(p.aws).DescribeConfigurationRecorderStatus, &configservice.DescribeConfigurationRecorderStatusInput{})
	if err != nil {
		return nil, err
	}
	list := []facts.RecorderState{}
	for _, s := range out.ConfigurationRecordersStatus {
		// AWS documents Success and sends SUCCESS.
		list = append(list, facts.RecorderState{Name: aws.ToString(s.Name), Recording: s.Recording, Status: strings.ToLower(string(s.LastStatus)), Started: aws.ToTime(s.LastStartTime)})
	}
	return func(r *facts.Region) { r.RecorderStates = list }, nil
}

func deliveries(ctx context.Context, p *place, _ []string) (func(*facts.Region), error) {
	out, err := ask(ctx, p, configservice.NewFromConfig(p.aws).DescribeDeliveryChannelStatus, &configservice.DescribeDeliveryChannelStatusInput{})
	if err != nil {
		return nil, err
	}
	list := []facts.Delivery{}
	for _, s := range out.DeliveryChannelsStatus {
		d := facts.Delivery{Name: aws.ToString(s.Name)}
		note := func(to *string, status configtypes.DeliveryStatus, code *string) {
			*to = strings.ToLower(string(status))
			if *to == "failure" {
				d.Error = aws.ToString(code)
			}
		}
		if i := s.ConfigSnapshotDeliveryInfo; i != nil {
			note(&d.Snapshot, i.LastStatus, i.LastErrorCode)
		}
		if i := s.ConfigHistoryDeliveryInfo; i != nil {
			note(&d.History, i.LastStatus, i.LastErrorCode)
		}
		if i := s.ConfigStreamDeliveryInfo; i != nil {
			note(&d.Stream, i.LastStatus, i.LastErrorCode)
		}
		list = append(list, d)
	}
	return func(r *facts.Region) { r.Deliveries = list }, nil
}

func configRules(ctx context.Context, p *place, _ []string) (func(*facts.Region), error) {
	client := configservice.NewFromConfig(p.aws)
	list, err := gather(p, func(token *string) ([]facts.ConfigRule, *string, error) {
		out, err := ask(ctx, p, client.DescribeConfigRules, &configservice.DescribeConfigRulesInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		var page []facts.ConfigRule
		for _, r := range out.ConfigRules {
			rule := facts.ConfigRule{Name: aws.ToString(r.ConfigRuleName), State: string(r.ConfigRuleState)}
			if r.Source != nil {
				rule.Owner, rule.Identifier = string(r.Source.Owner), aws.ToString(r.Source.SourceIdentifier)
			}
			page = append(page, rule)
		}
		return page, out.NextToken, nil
	})
	return func(r *facts.Region) { r.ConfigRules = list }, err
}

func ruleEvaluations(ctx context.Context, p *place, _ []string) (func(*facts.Region), error) {
	client := configservice.NewFromConfig(p.aws)
	list, err := gather(p, func(token *string) ([]facts.RuleEvaluation, *string, error) {
		out, err := ask(ctx, p, client.DescribeConfigRuleEvaluationStatus, &configservice.DescribeConfigRuleEvaluationStatusInput{Limit: 150, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		var page []facts.RuleEvaluation
		for _, s := range out.ConfigRulesEvaluationStatus {
			page = append(page, facts.RuleEvaluation{
				Rule: aws.ToString(s.ConfigRuleName), Error: aws.ToString(s.LastErrorCode),
				Succeeded: later(s.LastSuccessfulInvocationTime, s.LastSuccessfulEvaluationTime), Failed: later(s.LastFailedInvocationTime, s.LastFailedEvaluationTime),
			})
		}
		return page, out.NextToken, nil
	})
	return func(r *facts.Region) { r.RuleEvaluations = list }, err
}

func later(a, b *time.Time) time.Time {
	if x, y := aws.ToTime(a), aws.ToTime(b); x.After(y) {
		return x
	}
	return aws.ToTime(b)
}

func configAggregators(ctx context.Context, p *place, _ []string) (func(*facts.Region), error) {
	client := configservice.NewFromConfig(p.aws)
	list, err := gather(p, func(token *string) ([]facts.ConfigAggregator, *string, error) {
		out, err := ask(ctx, p, client.DescribeConfigurationAggregators, &configservice.DescribeConfigurationAggregatorsInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		var page []facts.ConfigAggregator
		for _, a := range out.ConfigurationAggregators {
			one := facts.ConfigAggregator{Name: aws.ToString(a.ConfigurationAggregatorName)}
			if o := a.OrganizationAggregationSource; o != nil {
				one.Organization, one.AllRegions = true, o.AllAwsRegions
			}
			for i, s := range a.AccountAggregationSources {
				one.AllRegions = s.AllAwsRegions && (i == 0 || one.AllRegions)
			}
			page = append(page, one)
		}
		return page, out.NextToken, nil
	})
	return func(r *facts.Region) { r.Aggregators = list }, err
}
