package security

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	configtypes "github.com/aws/aws-sdk-go-v2/service/configservice/types"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/facts"
)

const (
	describeRecorders = "config:DescribeConfigurationRecorders"
	describeRules     = "config:DescribeConfigRules"
)

// configOperations tell of AWS Config: three calls in a Region that has no recorder.
func configOperations() []call.Operation {
	return []call.Operation{
		{Action: describeRecorders, Regional: true, Read: everywhere(recorders)},
		{Action: "config:DescribeConfigurationRecorderStatus", Regional: true, Of: eachRegion(hasRecorder), ReadOne: there(recorderStates), Needs: describeRecorders},
		{Action: "config:DescribeDeliveryChannelStatus", Regional: true, Of: eachRegion(hasRecorder), ReadOne: there(deliveries), Needs: describeRecorders},
		{Action: describeRules, Regional: true, Read: everywhere(configRules)},
		{Action: "config:DescribeConfigRuleEvaluationStatus", Regional: true, Of: eachRegion(hasRules), ReadOne: there(failingRules), Needs: describeRules},
		{Action: "config:DescribeConfigurationAggregators", Regional: true, Read: everywhere(configAggregators)},
	}
}

func hasRecorder(r *facts.Region) ([]string, bool) { return nil, len(r.Recorders) > 0 }
func hasRules(r *facts.Region) ([]string, bool) {
	return nil, len(r.ConfigRules.Managed)+len(r.ConfigRules.Own) > 0
}

func recorders(ctx context.Context, p *call.Place, _ []string) (func(*facts.Region), error) {
	out, err := call.Ask(ctx, p, configservice.NewFromConfig(p.AWS).DescribeConfigurationRecorders, &configservice.DescribeConfigurationRecordersInput{})
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

func recorderStates(ctx context.Context, p *call.Place, _ []string) (func(*facts.Region), error) {
	out, err := call.Ask(ctx, p, configservice.NewFromConfig(p.AWS).DescribeConfigurationRecorderStatus, &configservice.DescribeConfigurationRecorderStatusInput{})
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

func deliveries(ctx context.Context, p *call.Place, _ []string) (func(*facts.Region), error) {
	out, err := call.Ask(ctx, p, configservice.NewFromConfig(p.AWS).DescribeDeliveryChannelStatus, &configservice.DescribeDeliveryChannelStatusInput{})
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

func configRules(ctx context.Context, p *call.Place, _ []string) (func(*facts.Region), error) {
	client := configservice.NewFromConfig(p.AWS)
	var all facts.ConfigRules
	err := p.Pages(func(token *string) (*string, error) {
		out, err := call.Ask(ctx, p, client.DescribeConfigRules, &configservice.DescribeConfigRulesInput{NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, r := range out.ConfigRules {
			if r.Source == nil || r.Source.Owner != configtypes.OwnerAws {
				all.Own = append(all.Own, aws.ToString(r.ConfigRuleName))
				continue
			}
			all.Managed = append(all.Managed, aws.ToString(r.ConfigRuleName))
			works := r.ConfigRuleState == configtypes.ConfigRuleStateActive || r.ConfigRuleState == configtypes.ConfigRuleStateEvaluating
			if id := aws.ToString(r.Source.SourceIdentifier); works && !slices.Contains(all.Identifiers, id) {
				all.Identifiers = append(all.Identifiers, id)
			}
		}
		return out.NextToken, nil
	})
	return func(r *facts.Region) { r.ConfigRules = all }, err
}

func failingRules(ctx context.Context, p *call.Place, _ []string) (func(*facts.Region), error) {
	client := configservice.NewFromConfig(p.AWS)
	list, err := call.Gather(p, func(token *string) ([]facts.FailingRule, *string, error) {
		out, err := call.Ask(ctx, p, client.DescribeConfigRuleEvaluationStatus, &configservice.DescribeConfigRuleEvaluationStatusInput{Limit: 150, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		var page []facts.FailingRule
		for _, s := range out.ConfigRulesEvaluationStatus {
			failed := later(s.LastFailedInvocationTime, s.LastFailedEvaluationTime)
			if failed.After(later(s.LastSuccessfulInvocationTime, s.LastSuccessfulEvaluationTime)) {
				page = append(page, facts.FailingRule{Name: aws.ToString(s.ConfigRuleName), Failed: failed, Error: aws.ToString(s.LastErrorCode)})
			}
		}
		return page, out.NextToken, nil
	})
	return func(r *facts.Region) { r.FailingRules = list }, err
}

func later(a, b *time.Time) time.Time {
	if x, y := aws.ToTime(a), aws.ToTime(b); x.After(y) {
		return x
	}
	return aws.ToTime(b)
}

func configAggregators(ctx context.Context, p *call.Place, _ []string) (func(*facts.Region), error) {
	client := configservice.NewFromConfig(p.AWS)
	list, err := call.Gather(p, func(token *string) ([]facts.ConfigAggregator, *string, error) {
		out, err := call.Ask(ctx, p, client.DescribeConfigurationAggregators, &configservice.DescribeConfigurationAggregatorsInput{NextToken: token})
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
