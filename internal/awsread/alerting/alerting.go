// Package alerting is what AWS is asked about the ways from an event to a person: metric
// filters and alarms, event buses and rules, topics and their subscriptions.
package alerting

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture/eventpattern"
)

// Operations tell of all that leads from an event to a person.
func Operations() []call.Operation { return slices.Concat(alarmOperations(), routeOperations()) }

// routeOperations tell of event buses and their rules, and of the topics that
// alarms and rules send to.
func routeOperations() []call.Operation {
	return []call.Operation{
		{Action: listBuses, Regional: true, Read: eventBuses},
		{Action: listRules, Regional: true, Of: eachBus, ReadOne: eventRules, Needs: listBuses},
		{Action: listTargets, Regional: true, Of: eachRule, ReadOne: ruleTargets, Needs: listRules},
		{Action: topicAttributes, Regional: true, Enter: alertTopics, Of: eachTopic, ReadOne: attributesOf, Needs: listTargets},
		{Action: describeKey, Regional: true, Of: encryptedTopics, ReadOne: keyOfTopic, Needs: topicAttributes},
		{Action: "kms:GetKeyPolicy", Regional: true, Of: topicsOfOwnKeys, ReadOne: keyPolicy, Needs: describeKey},
	}
}

const (
	listBuses       = "events:ListEventBuses"
	listRules       = "events:ListRules"
	listTargets     = "events:ListTargetsByRule"
	topicAttributes = "sns:GetTopicAttributes"
	describeKey     = "kms:DescribeKey"
)

// eventBuses reads the buses of a Region with their policies.
func eventBuses(ctx context.Context, p *call.Place) (any, error) {
	client := eventbridge.NewFromConfig(p.AWS)
	in := &eventbridge.ListEventBusesInput{Limit: aws.Int32(100)}
	all, err := call.Gather(p, func(token *string) ([]eventtypes.EventBus, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListEventBuses, in)
		if err != nil {
			return nil, nil, err
		}
		return out.EventBuses, out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) {
		for _, b := range all {
			f.EventBuses = append(f.EventBuses, facts.EventBus{ARN: aws.ToString(b.Arn), Name: aws.ToString(b.Name), Policy: aws.ToString(b.Policy)})
		}
	}), nil
}

func eachBus(s *facts.Snapshot) []call.Target {
	var out []call.Target
	for _, b := range s.Facts.EventBuses {
		out = append(out, call.Target{Region: call.RegionOf(b.ARN), Key: b.ARN})
	}
	return out
}

// eventRules reads the rules of a bus that could take what CloudTrail delivers; a
// pattern that cannot be read could.
func eventRules(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	client := eventbridge.NewFromConfig(p.AWS)
	in := &eventbridge.ListRulesInput{EventBusName: &t.Key, Limit: aws.Int32(100)}
	all, err := call.Gather(p, func(token *string) ([]eventtypes.Rule, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListRules, in)
		if err != nil {
			return nil, nil, err
		}
		return out.Rules, out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) {
		for _, r := range all {
			text := aws.ToString(r.EventPattern)
			if pattern, err := eventpattern.Parse(text); text == "" || err == nil && !pattern.OfCloudTrail() {
				continue
			}
			f.EventRules = append(f.EventRules, facts.EventRule{
				ARN: aws.ToString(r.Arn), Name: aws.ToString(r.Name), Bus: aws.ToString(r.EventBusName), Pattern: text, State: string(r.State),
			})
		}
	}), nil
}

func eachRule(s *facts.Snapshot) []call.Target {
	var out []call.Target
	for _, r := range s.Facts.EventRules {
		out = append(out, call.Target{Region: call.RegionOf(r.ARN), Key: r.ARN, With: []string{r.Bus, r.Name}})
	}
	return out
}

func ruleTargets(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	client := eventbridge.NewFromConfig(p.AWS)
	in := &eventbridge.ListTargetsByRuleInput{EventBusName: &t.With[0], Rule: &t.With[1], Limit: aws.Int32(100)}
	all, err := call.Gather(p, func(token *string) ([]eventtypes.Target, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListTargetsByRule, in)
		if err != nil {
			return nil, nil, err
		}
		return out.Targets, out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) {
		i := slices.IndexFunc(f.EventRules, func(r facts.EventRule) bool { return r.ARN == t.Key })
		for _, to := range all {
			f.EventRules[i].Targets = append(f.EventRules[i].Targets, facts.Target{ARN: aws.ToString(to.Arn), Role: aws.ToString(to.RoleArn)})
		}
	}), nil
}

// alertTopics enters the topics that alarms and rules send to, each once.
func alertTopics(f *facts.Facts) {
	var arns []string
	for _, a := range f.Alarms {
		arns = append(arns, a.Actions...)
	}
	for _, a := range f.CompositeAlarms {
		arns = append(arns, a.Actions...)
	}
	for _, a := range f.LogAlarms {
		arns = append(arns, a.Actions...)
	}
	for _, r := range f.EventRules {
		for _, t := range r.Targets {
			arns = append(arns, t.ARN)
		}
	}
	slices.Sort(arns)
	for _, arn := range slices.Compact(arns) {
		if a, err := rootkeep.ParseARN(arn); err == nil && a.Service == "sns" {
			f.Topics = append(f.Topics, facts.Topic{ARN: arn})
		}
	}
}

func eachTopic(s *facts.Snapshot) []call.Target {
	var out []call.Target
	for _, t := range s.Facts.Topics {
		out = append(out, call.Target{Region: call.RegionOf(t.ARN), Key: t.ARN})
	}
	return out
}

func topicOf(f *facts.Facts, arn string) *facts.Topic {
	return &f.Topics[slices.IndexFunc(f.Topics, func(t facts.Topic) bool { return t.ARN == arn })]
}

func attributesOf(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	out, err := call.Ask(ctx, p, sns.NewFromConfig(p.AWS).GetTopicAttributes, &sns.GetTopicAttributesInput{TopicArn: &t.Key})
	if err != nil {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) {
		topic := topicOf(f, t.Key)
		topic.Policy, topic.Key = out.Attributes["Policy"], out.Attributes["KmsMasterKeyId"]
	}), nil
}

// encryptedTopics are those with a KMS key.
func encryptedTopics(s *facts.Snapshot) []call.Target {
	var out []call.Target
	for _, t := range s.Facts.Topics {
		if t.Key != "" {
			out = append(out, call.Target{Region: call.RegionOf(t.ARN), Key: t.ARN, With: []string{t.Key}})
		}
	}
	return out
}

func keyOfTopic(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	out, err := call.Ask(ctx, p, kms.NewFromConfig(p.AWS).DescribeKey, &kms.DescribeKeyInput{KeyId: &t.With[0]})
	switch {
	case err != nil:
		return nil, err
	case out.KeyMetadata == nil:
		return nil, errors.New("an answer without a key")
	}
	return call.Direct(func(f *facts.Facts) {
		topic, key := topicOf(f, t.Key), out.KeyMetadata
		topic.KeyARN, topic.KeyEnabled, topic.KeyCustomer = aws.ToString(key.Arn), key.KeyState == kmstypes.KeyStateEnabled, key.KeyManager == kmstypes.KeyManagerTypeCustomer
	}), nil
}

// topicsOfOwnKeys are those whose key's policy somebody here wrote.
func topicsOfOwnKeys(s *facts.Snapshot) []call.Target {
	var out []call.Target
	for _, t := range s.Facts.Topics {
		if t.KeyCustomer {
			out = append(out, call.Target{Region: call.RegionOf(t.KeyARN), Key: t.ARN, With: []string{t.KeyARN}})
		}
	}
	return out
}

func keyPolicy(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	out, err := call.Ask(ctx, p, kms.NewFromConfig(p.AWS).GetKeyPolicy, &kms.GetKeyPolicyInput{KeyId: &t.With[0], PolicyName: aws.String("default")}) // the one name that there is
	if err != nil {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) { topicOf(f, t.Key).KeyPolicy = aws.ToString(out.Policy) }), nil
}
