// Package trail is what AWS is asked about CloudTrail: the trails, the buckets, keys and
// log groups that they deliver to, and what root did.
package trail

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
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/intake"
)

// DescribeTrails is answered with a list of the trails that are seen in a Region.
const DescribeTrails = "cloudtrail:DescribeTrails"

const describeKey = "kms:DescribeKey"

// Operations tell of trails, of all that they need, and of what root did. What the first
// reads is a []types.Trail of the SDK: of several Regions the same trail is one.
func Operations() []call.Operation {
	return slices.Concat([]call.Operation{{Action: DescribeTrails, Regional: true, Read: trailsOf}}, activityOperations(), operations(), bucketOperations())
}

// trailsOf reads the trails that are seen in a Region: those at home there, and shadows
// of trails of all Regions and of the organization.
func trailsOf(ctx context.Context, p *call.Place) (any, error) {
	out, err := call.Ask(ctx, p, cloudtrail.NewFromConfig(p.AWS).DescribeTrails, &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	return out.TrailList, nil
}

// operations tell of each trail, its key and its log group.
func operations() []call.Operation {
	return []call.Operation{
		{Action: "cloudtrail:GetTrailStatus", Regional: true, Of: eachTrail, ReadOne: trailStatus},
		{Action: "cloudtrail:GetEventSelectors", Regional: true, Of: eachTrail, ReadOne: trailSelectors},
		{Action: "cloudtrail:GetInsightSelectors", Regional: true, Of: eachTrail, ReadOne: trailInsights},
		{Action: describeKey, Regional: true, Of: eachKey, ReadOne: keyState},
		{Action: "kms:GetKeyRotationStatus", Regional: true, Needs: describeKey, Of: eachKey, ReadOne: keyRotation},
		{Action: "logs:DescribeLogGroups", Regional: true, Of: eachLogGroup, ReadOne: logGroup},
	}
}

// eachTrail is about every trail. By its ARN any Region that sees a trail answers.
func eachTrail(s *facts.Snapshot) []call.Target {
	var out []call.Target
	for _, t := range s.Facts.Trails {
		out = append(out, call.Target{Region: t.Region, Key: t.ARN})
	}
	return out
}

// ofTrail is what sets facts of one trail.
func ofTrail(arn string, set func(*facts.Trail)) call.Direct {
	return func(f *facts.Facts) {
		set(&f.Trails[slices.IndexFunc(f.Trails, func(t facts.Trail) bool { return t.ARN == arn })])
	}
}

// trailStatus asks whether a trail is logging, and how it delivers.
func trailStatus(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	out, err := call.Ask(ctx, p, cloudtrail.NewFromConfig(p.AWS).GetTrailStatus, &cloudtrail.GetTrailStatusInput{Name: &t.Key})
	if err != nil {
		return nil, err
	}
	return ofTrail(t.Key, func(trail *facts.Trail) {
		trail.Logging, trail.Asked = aws.ToBool(out.IsLogging), p.At
		trail.Delivered, trail.DeliveryError = aws.ToTime(out.LatestDeliveryTime).UTC(), aws.ToString(out.LatestDeliveryError)
		trail.DigestDelivered, trail.DigestError = aws.ToTime(out.LatestDigestDeliveryTime).UTC(), aws.ToString(out.LatestDigestDeliveryError)
		trail.LogGroupDelivered, trail.LogGroupError = aws.ToTime(out.LatestCloudWatchLogsDeliveryTime).UTC(), aws.ToString(out.LatestCloudWatchLogsDeliveryError)
	}), nil
}

func trailSelectors(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	out, err := call.Ask(ctx, p, cloudtrail.NewFromConfig(p.AWS).GetEventSelectors, &cloudtrail.GetEventSelectorsInput{TrailName: &t.Key})
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
	return ofTrail(t.Key, func(trail *facts.Trail) { trail.Selectors = selectors }), nil
}

// trailInsights asks for the kinds of Insights. To a trail without any AWS has an error.
func trailInsights(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	out, err := call.Ask(ctx, p, cloudtrail.NewFromConfig(p.AWS).GetInsightSelectors, &cloudtrail.GetInsightSelectorsInput{TrailName: &t.Key})
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
	return ofTrail(t.Key, func(trail *facts.Trail) { trail.Insights = kinds }), nil
}

func eachKey(s *facts.Snapshot) []call.Target {
	var out []call.Target
	for _, k := range s.Facts.Keys {
		out = append(out, call.Target{Region: call.RegionOf(k.ARN), Key: k.ARN})
	}
	return out
}

// ours refuses the resource of another account, and what is no ARN.
func ours(p *call.Place, arn string) error {
	a, err := rootkeep.ParseARN(arn)
	if err == nil && a.Account == p.Account {
		return nil
	}
	p.Skip()
	if err != nil {
		return err
	}
	return call.Elsewhere(arn + " belongs to account " + string(a.Account) + ": scan that account as well")
}

func ofKey(arn string, set func(*facts.Key)) call.Direct {
	return func(f *facts.Facts) {
		set(&f.Keys[slices.IndexFunc(f.Keys, func(k facts.Key) bool { return k.ARN == arn })])
	}
}

func keyState(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	if err := ours(p, t.Key); err != nil {
		return nil, err
	}
	out, err := call.Ask(ctx, p, kms.NewFromConfig(p.AWS).DescribeKey, &kms.DescribeKeyInput{KeyId: &t.Key})
	switch {
	case err != nil:
		return nil, err
	case out.KeyMetadata == nil:
		return nil, errors.New("an answer without a key")
	}
	m := out.KeyMetadata
	return ofKey(t.Key, func(k *facts.Key) {
		k.State = string(m.KeyState)
		k.Rotatable = m.KeySpec == kmstypes.KeySpecSymmetricDefault && m.Origin == kmstypes.OriginTypeAwsKms
	}), nil
}

// keyRotation asks whether KMS rotates a key; it refuses to speak of one that it cannot.
func keyRotation(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	out, err := call.Ask(ctx, p, kms.NewFromConfig(p.AWS).GetKeyRotationStatus, &kms.GetKeyRotationStatusInput{KeyId: &t.Key})
	var cannot *kmstypes.UnsupportedOperationException
	switch {
	case errors.As(err, &cannot):
		return ofKey(t.Key, func(k *facts.Key) { k.Rotation = false }), nil
	case err != nil:
		return nil, err
	}
	return ofKey(t.Key, func(k *facts.Key) { k.Rotation = out.KeyRotationEnabled }), nil
}

func eachLogGroup(s *facts.Snapshot) []call.Target {
	var out []call.Target
	for _, g := range s.Facts.LogGroups {
		out = append(out, call.Target{Region: call.RegionOf(g.ARN), Key: g.ARN})
	}
	return out
}

// logGroup reads one log group. The listing has no way to ask for one name; of those
// that begin with it, it is the first.
func logGroup(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	if err := ours(p, t.Key); err != nil {
		return nil, err
	}
	_, name, _ := strings.Cut(t.Key, ":log-group:") // AWS refuses an empty one
	out, err := call.Ask(ctx, p, cloudwatchlogs.NewFromConfig(p.AWS).DescribeLogGroups, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name, Limit: aws.Int32(1)})
	if err != nil {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) {
		g := &f.LogGroups[slices.IndexFunc(f.LogGroups, func(g facts.LogGroup) bool { return g.ARN == t.Key })]
		for _, found := range out.LogGroups {
			if aws.ToString(found.LogGroupName) == name {
				g.Exists, g.RetentionDays, g.Key = true, int(aws.ToInt32(found.RetentionInDays)), aws.ToString(found.KmsKeyId)
			}
		}
	}), nil
}
