package security

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	guardtypes "github.com/aws/aws-sdk-go-v2/service/guardduty/types"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/facts"
)

const (
	listDetectors         = "guardduty:ListDetectors"
	detectorAdministrator = "guardduty:GetAdministratorAccount"
)

// detectorOperations tell of GuardDuty: one call in a Region that has no detector.
func detectorOperations() []call.Operation {
	return []call.Operation{
		{Action: listDetectors, Regional: true, Read: everywhere(detectors)},
		{Action: "guardduty:GetDetector", Regional: true, Of: eachRegion(hasDetector), ReadOne: there(detector), Needs: listDetectors},
		{Action: detectorAdministrator, Regional: true, Of: eachRegion(hasDetector), ReadOne: there(administratorOfDetector), Needs: listDetectors},
		{Action: "guardduty:DescribeOrganizationConfiguration", Regional: true, Of: eachRegion(hasOwnDetector), ReadOne: there(detectorOrganization), Needs: detectorAdministrator},
		{Action: "guardduty:ListFilters"},
		{Action: "guardduty:GetFilter", Regional: true, Of: eachRegion(hasDetector), ReadOne: there(filters), Needs: listDetectors},
		{Action: "guardduty:ListFindings", Regional: true, Of: eachRegion(hasDetector), ReadOne: there(highFindings), Needs: listDetectors},
	}
}

func hasDetector(r *facts.Region) ([]string, bool) { return r.Detectors, len(r.Detectors) > 0 }

// hasOwnDetector is a detector that no other account administers.
func hasOwnDetector(r *facts.Region) ([]string, bool) {
	return r.Detectors, len(r.Detectors) > 0 && r.DetectorAdministrator == ""
}

func detectors(ctx context.Context, p *call.Place, _ []string) (func(*facts.Region), error) {
	client := guardduty.NewFromConfig(p.AWS)
	ids, err := call.Gather(p, func(token *string) ([]string, *string, error) {
		out, err := call.Ask(ctx, p, client.ListDetectors, &guardduty.ListDetectorsInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.DetectorIds, out.NextToken, nil
	})
	return func(r *facts.Region) { r.Detectors = ids }, err
}

func detector(ctx context.Context, p *call.Place, ids []string) (func(*facts.Region), error) {
	out, err := call.Ask(ctx, p, guardduty.NewFromConfig(p.AWS).GetDetector, &guardduty.GetDetectorInput{DetectorId: &ids[0]})
	if err != nil {
		return nil, err
	}
	d := facts.Detector{Status: string(out.Status), Frequency: string(out.FindingPublishingFrequency)}
	for _, f := range out.Features {
		d.Features = append(d.Features, facts.DetectorFeature{Name: string(f.Name), Enabled: f.Status == guardtypes.FeatureStatusEnabled})
	}
	return func(r *facts.Region) { r.Detector = d }, nil
}

func administratorOfDetector(ctx context.Context, p *call.Place, ids []string) (func(*facts.Region), error) {
	out, err := call.Ask(ctx, p, guardduty.NewFromConfig(p.AWS).GetAdministratorAccount, &guardduty.GetAdministratorAccountInput{DetectorId: &ids[0]})
	if err != nil {
		return nil, err
	}
	id := ""
	if a := out.Administrator; a != nil && strings.EqualFold(aws.ToString(a.RelationshipStatus), "enabled") {
		id = aws.ToString(a.AccountId)
	}
	return func(r *facts.Region) { r.DetectorAdministrator = id }, nil
}

// detectorOrganization is refused as a bad request to all but the administrator; the
// detector that it names was just listed, so nothing else is bad about it.
func detectorOrganization(ctx context.Context, p *call.Place, ids []string) (func(*facts.Region), error) {
	out, err := call.Ask(ctx, p, guardduty.NewFromConfig(p.AWS).DescribeOrganizationConfiguration, &guardduty.DescribeOrganizationConfigurationInput{DetectorId: &ids[0]})
	var refused *guardtypes.BadRequestException
	switch {
	case errors.As(err, &refused):
		return func(r *facts.Region) { r.DetectorOrganization = facts.DetectorConfiguration{} }, nil
	case err != nil:
		return nil, err
	}
	c := facts.DetectorConfiguration{Administrator: true, Members: string(out.AutoEnableOrganizationMembers)}
	return func(r *facts.Region) { r.DetectorOrganization = c }, nil
}

// filters reads the list of filters, then each: AWS has a hundred at most in a Region.
func filters(ctx context.Context, p *call.Place, ids []string) (func(*facts.Region), error) {
	client := guardduty.NewFromConfig(p.AWS)
	names, err := call.Gather(p, func(token *string) ([]string, *string, error) {
		out, err := call.Ask(ctx, p, client.ListFilters, &guardduty.ListFiltersInput{DetectorId: &ids[0], MaxResults: aws.Int32(50), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.FilterNames, out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	p.Plan(len(names))
	list := make([]facts.Filter, 0, len(names))
	for _, name := range names {
		out, err := call.Ask(ctx, p, client.GetFilter, &guardduty.GetFilterInput{DetectorId: &ids[0], FilterName: &name})
		if err != nil {
			return nil, err
		}
		list = append(list, facts.Filter{Name: name, Archives: out.Action == guardtypes.FilterActionArchive, Criteria: criteriaOf(out.FindingCriteria)})
	}
	return func(r *facts.Region) { r.Filters = list }, nil
}

func criteriaOf(in *guardtypes.FindingCriteria) []facts.Criterion {
	if in == nil {
		return nil
	}
	var out []facts.Criterion
	for _, field := range slices.Sorted(maps.Keys(in.Criterion)) {
		c := in.Criterion[field]
		one := facts.Criterion{
			Field: field, Equals: slices.Concat(c.Eq, c.Equals), NotEquals: slices.Concat(c.Neq, c.NotEquals), Matches: c.Matches, NotMatches: c.NotMatches,
		}
		for _, b := range []struct {
			operator string
			old      *int32 // AWS has an older and a newer name for each
			value    *int64
		}{{"gt", c.Gt, c.GreaterThan}, {"gte", c.Gte, c.GreaterThanOrEqual}, {"lt", c.Lt, c.LessThan}, {"lte", c.Lte, c.LessThanOrEqual}} {
			if b.old != nil {
				one.Bounds = append(one.Bounds, facts.Bound{Operator: b.operator, Value: int64(*b.old)})
			}
			if b.value != nil {
				one.Bounds = append(one.Bounds, facts.Bound{Operator: b.operator, Value: *b.value})
			}
		}
		out = append(out, one)
	}
	return out
}

// highSeverity is where GuardDuty's High begins.
const highSeverity = 7

// highFindings counts the account's own open findings: an administrator sees those of
// its members too, who are judged on their own.
func highFindings(ctx context.Context, p *call.Place, ids []string) (func(*facts.Region), error) {
	client := guardduty.NewFromConfig(p.AWS)
	in := &guardduty.ListFindingsInput{DetectorId: &ids[0], MaxResults: aws.Int32(50), FindingCriteria: &guardtypes.FindingCriteria{Criterion: map[string]guardtypes.Condition{
		"severity": {GreaterThanOrEqual: aws.Int64(highSeverity)}, "service.archived": {Equals: []string{"false"}}, "accountId": {Equals: []string{string(p.Account)}},
	}}}
	n, err := p.Count(func(token *string) (int, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListFindings, in)
		if err != nil {
			return 0, nil, err
		}
		return len(out.FindingIds), out.NextToken, nil
	})
	return func(r *facts.Region) { r.HighFindings = n }, err
}
