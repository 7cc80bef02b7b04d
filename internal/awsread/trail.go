package awsread

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/intake"
)

// trailOperations tell of each trail, its key and its log group.
var trailOperations = []Operation{
	{Action: "cloudtrail:GetTrailStatus", Regional: true, of: eachTrail, readOne: trailStatus},
	{Action: "cloudtrail:GetEventSelectors", Regional: true, of: eachTrail, readOne: trailSelectors},
	{Action: "cloudtrail:GetInsightSelectors", Regional: true, of: eachTrail, readOne: trailInsights},
	{Action: describeKey, Regional: true, of: eachKey, readOne: keyState},
	{Action: "kms:GetKeyRotationStatus", Regional: true, needs: describeKey, of: eachKey, readOne: keyRotation},
	{Action: "logs:DescribeLogGroups", Regional: true, of: eachLogGroup, readOne: logGroup},
}

// eachTrail is about every trail. By its ARN any Region that sees a trail answers.
func eachTrail(s *facts.Snapshot) []target {
	var out []target
	for _, t := range s.Facts.Trails {
		out = append(out, target{region: t.Region, key: t.ARN})
	}
	return out
}

// ofTrail is what sets facts of one trail.
func ofTrail(arn string, set func(*facts.Trail)) direct {
	return func(f *facts.Facts) {
		set(&f.Trails[slices.IndexFunc(f.Trails, func(t facts.Trail) bool { return t.ARN == arn })])
	}
}

// trailStatus asks whether a trail is logging, and how it delivers.
func trailStatus(ctx context.Context, p *place, t target) (any, error) {
	out, err := ask(ctx, p, cloudtrail.NewFromConfig(p.aws).GetTrailStatus, &cloudtrail.GetTrailStatusInput{Name: &t.key})
	if err != nil {
		return nil, err
	}
	return ofTrail(t.key, func(trail *facts.Trail) {
		trail.Logging, trail.Asked = aws.ToBool(out.IsLogging), p.at
		trail.Delivered, trail.DeliveryError = aws.ToTime(out.LatestDeliveryTime).UTC(), aws.ToString(out.LatestDeliveryError)
		trail.DigestDelivered, trail.DigestError = aws.ToTime(out.LatestDigestDeliveryTime).UTC(), aws.ToString(out.LatestDigestDeliveryError)
		trail.LogGroupDelivered, trail.LogGroupError = aws.ToTime(out.LatestCloudWatchLogsDeliveryTime).UTC(), aws.ToString(out.LatestCloudWatchLogsDeliveryError)
	}), nil
}

func trailSelectors(ctx context.Context, p *place, t target) (any, error) {
	out, err := ask(ctx, p, cloudtrail.NewFromConfig(p.aws).GetEventSelectors, &cloudtrail.GetEventSelectorsInput{TrailName: &t.key})
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	selectors, err := intake.Selectors(text)
	if err != nil {
		return nil, err
	}
	return ofTrail(t.key, func(trail *facts.Trail) { trail.Selectors = selectors }), nil
}

// trailInsights asks for the kinds of Insights. To a trail without any AWS has an error.
func trailInsights(ctx context.Context, p *place, t target) (any, error) {
	out, err := ask(ctx, p, cloudtrail.NewFromConfig(p.aws).GetInsightSelectors, &cloudtrail.GetInsightSelectorsInput{TrailName: &t.key})
	var none *trailtypes.InsightNotEnabledException
	kinds := []string{}
	switch {
	case errors.As(err, &none):
	case err != nil:
		return nil, err
	default:
		for _, s := range out.InsightSelectors {
			kinds = append(kinds, string(s.InsightType))
		}
	}
	return ofTrail(t.key, func(trail *facts.Trail) { trail.Insights = kinds }), nil
}

func eachKey(s *facts.Snapshot) []target {
	var out []target
	for _, k := range s.Facts.Keys {
		out = append(out, target{region: regionOf(k.ARN), key: k.ARN})
	}
	return out
}

// ours refuses the resource of another account, and what is no ARN.
func (p *place) ours(arn string) error {
	a, err := rootkeep.ParseARN(arn)
	if err == nil && a.Account == p.reader.account {
		return nil
	}
	p.reader.count(1, 0) // the call was planned, and is not made
	p.at = p.reader.config.Now().UTC()
	if err != nil {
		return err
	}
	return elsewhere(arn + " belongs to account " + string(a.Account) + ": scan that account as well")
}

func ofKey(arn string, set func(*facts.Key)) direct {
	return func(f *facts.Facts) {
		set(&f.Keys[slices.IndexFunc(f.Keys, func(k facts.Key) bool { return k.ARN == arn })])
	}
}

func keyState(ctx context.Context, p *place, t target) (any, error) {
	if err := p.ours(t.key); err != nil {
		return nil, err
	}
	out, err := ask(ctx, p, kms.NewFromConfig(p.aws).DescribeKey, &kms.DescribeKeyInput{KeyId: &t.key})
	switch {
	case err != nil:
		return nil, err
	case out.KeyMetadata == nil:
		return nil, errors.New("an answer without a key")
	}
	m := out.KeyMetadata
	return ofKey(t.key, func(k *facts.Key) {
		k.State = string(m.KeyState)
		k.Rotatable = m.KeySpec == kmstypes.KeySpecSymmetricDefault && m.Origin == kmstypes.OriginTypeAwsKms
	}), nil
}

// keyRotation asks whether KMS rotates a key; it refuses to speak of one that it cannot.
func keyRotation(ctx context.Context, p *place, t target) (any, error) {
	out, err := ask(ctx, p, kms.NewFromConfig(p.aws).GetKeyRotationStatus, &kms.GetKeyRotationStatusInput{KeyId: &t.key})
	var cannot *kmstypes.UnsupportedOperationException
	switch {
	case errors.As(err, &cannot):
		return ofKey(t.key, func(k *facts.Key) { k.Rotation = false }), nil
	case err != nil:
		return nil, err
	}
	return ofKey(t.key, func(k *facts.Key) { k.Rotation = out.KeyRotationEnabled }), nil
}

func eachLogGroup(s *facts.Snapshot) []target {
	var out []target
	for _, g := range s.Facts.LogGroups {
		out = append(out, target{region: regionOf(g.ARN), key: g.ARN})
	}
	return out
}

// logGroup reads one log group. The listing has no way to ask for one name; of those
// that begin with it, it is the first.
func logGroup(ctx context.Context, p *place, t target) (any, error) {
	if err := p.ours(t.key); err != nil {
		return nil, err
	}
	_, name, _ := strings.Cut(t.key, ":log-group:") // AWS refuses an empty one
	out, err := ask(ctx, p, cloudwatchlogs.NewFromConfig(p.aws).DescribeLogGroups, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name, Limit: aws.Int32(1)})
	if err != nil {
		return nil, err
	}
	return direct(func(f *facts.Facts) {
		g := &f.LogGroups[slices.IndexFunc(f.LogGroups, func(g facts.LogGroup) bool { return g.ARN == t.key })]
		for _, found := range out.LogGroups {
			if aws.ToString(found.LogGroupName) == name {
				g.Exists, g.RetentionDays, g.Key = true, int(aws.ToInt32(found.RetentionInDays)), aws.ToString(found.KmsKeyId)
			}
		}
	}), nil
}
