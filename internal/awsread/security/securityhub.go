package security

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	hubtypes "github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/facts"
)

const (
	describeHub      = "securityhub:DescribeHub"
	getStandards     = "securityhub:GetEnabledStandards"
	hubAdministrator = "securityhub:GetAdministratorAccount"
)

// hubOperations tell of Security Hub: two calls in a Region that has neither the older
// nor the newer one.
func hubOperations() []call.Operation {
	return []call.Operation{
		{Action: describeHub, Regional: true, Read: everywhere(hub)},
		{Action: "securityhub:DescribeSecurityHubV2", Regional: true, Read: everywhere(hubV2)},
		{Action: getStandards, Regional: true, Of: eachRegion(hasHub), ReadOne: there(standards), Needs: describeHub},
		{Action: "securityhub:BatchGetStandardsControlAssociations", Regional: true, Of: eachRegion(hasStandards), ReadOne: there(hubControls), Needs: getStandards},
		{Action: "securityhub:GetFindings", Regional: true, Of: eachRegion(hasHub), ReadOne: there(hubFindings), Needs: describeHub},
		{Action: hubAdministrator, Regional: true, Of: eachRegion(hasHub), ReadOne: there(administratorOfHub), Needs: describeHub},
		{Action: "securityhub:DescribeOrganizationConfiguration", Regional: true, Of: eachRegion(hasOwnHub), ReadOne: there(hubOrganization), Needs: hubAdministrator},
		{Action: "securityhub:ListFindingAggregators"},
		{Action: "securityhub:GetFindingAggregator", Regional: true, Of: anyHub, ReadOne: findingAggregator, Needs: describeHub},
	}
}

// rootControls are the controls of Security Hub CSPM about the root user: no access
// key, a hardware MFA device, any MFA device, an alarm on its use.
var rootControls = []string{"IAM.4", "IAM.6", "IAM.9", "CloudWatch.1"}

func hasHub(r *facts.Region) ([]string, bool) { return nil, r.Hub.Enabled }

// hasOwnHub is a hub that no other account administers.
func hasOwnHub(r *facts.Region) ([]string, bool) {
	return nil, r.Hub.Enabled && r.HubAdministrator == ""
}

func hasStandards(r *facts.Region) (arns []string, ok bool) {
	for _, s := range r.Standards {
		arns = append(arns, s.ARN)
	}
	return arns, len(arns) > 0
}

// noAccess is how Security Hub CSPM says that it is off, or that the account is not
// the organization's administrator. A policy that denies is another error.
func noAccess(err error) bool {
	var no *hubtypes.InvalidAccessException
	return errors.As(err, &no)
}

func hub(ctx context.Context, p *call.Place, _ []string) (func(*facts.Region), error) {
	out, err := call.Ask(ctx, p, securityhub.NewFromConfig(p.AWS).DescribeHub, &securityhub.DescribeHubInput{})
	switch {
	case noAccess(err):
		return func(r *facts.Region) { r.Hub = facts.Hub{} }, nil
	case err != nil:
		return nil, err
	}
	return func(r *facts.Region) {
		r.Hub = facts.Hub{Enabled: true, Generator: string(out.ControlFindingGenerator)}
	}, nil
}

func hubV2(ctx context.Context, p *call.Place, _ []string) (func(*facts.Region), error) {
	_, err := call.Ask(ctx, p, securityhub.NewFromConfig(p.AWS).DescribeSecurityHubV2, &securityhub.DescribeSecurityHubV2Input{})
	var none *hubtypes.ResourceNotFoundException
	on := err == nil
	if err != nil && !errors.As(err, &none) {
		return nil, err
	}
	return func(r *facts.Region) { r.HubV2.Enabled = on }, nil
}

func standards(ctx context.Context, p *call.Place, _ []string) (func(*facts.Region), error) {
	client := securityhub.NewFromConfig(p.AWS)
	list, err := call.Gather(p, func(token *string) ([]facts.Standard, *string, error) {
		out, err := call.Ask(ctx, p, client.GetEnabledStandards, &securityhub.GetEnabledStandardsInput{MaxResults: aws.Int32(100), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		var page []facts.Standard
		for _, s := range out.StandardsSubscriptions {
			arn := aws.ToString(s.StandardsArn)
			page = append(page, facts.Standard{ARN: arn, Name: standardName(arn), Status: string(s.StandardsStatus)})
		}
		return page, out.NextToken, nil
	})
	return func(r *facts.Region) { r.Standards = list }, err
}

// standardName is what an ARN says behind standards/ or, of the oldest, ruleset/.
func standardName(arn string) string {
	resource := arn[strings.LastIndexByte(arn, ':')+1:]
	_, name, _ := strings.Cut(resource, "/")
	return name
}

// maxAssociations is how many pairs of control and standard one call takes.
const maxAssociations = 100

// hubControls asks of every root control whether it is on in each standard.
func hubControls(ctx context.Context, p *call.Place, standards []string) (func(*facts.Region), error) {
	client := securityhub.NewFromConfig(p.AWS)
	var ids []hubtypes.StandardsControlAssociationId
	for _, standard := range standards {
		for _, control := range rootControls {
			ids = append(ids, hubtypes.StandardsControlAssociationId{SecurityControlId: aws.String(control), StandardsArn: aws.String(standard)})
		}
	}
	p.Plan((len(ids) - 1) / maxAssociations)
	list := []facts.HubControl{}
	for batch := range slices.Chunk(ids, maxAssociations) {
		out, err := call.Ask(ctx, p, client.BatchGetStandardsControlAssociations, &securityhub.BatchGetStandardsControlAssociationsInput{StandardsControlAssociationIds: batch})
		if err != nil {
			return nil, err
		}
		for _, d := range out.StandardsControlAssociationDetails {
			list = append(list, facts.HubControl{
				ID: aws.ToString(d.SecurityControlId), Standard: standardName(aws.ToString(d.StandardsArn)), Enabled: d.AssociationStatus == hubtypes.AssociationStatusEnabled,
			})
		}
		for _, u := range out.UnprocessedAssociations {
			// A control that the standard does not have is not found there.
			if u.ErrorCode != hubtypes.UnprocessedErrorCodeNotFound && u.ErrorCode != hubtypes.UnprocessedErrorCodeInvalidInput {
				return nil, fmt.Errorf("a control of a standard was not told: %s %s", u.ErrorCode, aws.ToString(u.ErrorReason))
			}
		}
	}
	return func(r *facts.Region) { r.HubControls = list }, nil
}

// hubFindings asks for suppressed findings of root controls, and for the oldest open
// critical one. An administrator sees its members' findings too, and the home Region
// of an aggregator those of other Regions: only the account's own there are meant.
func hubFindings(ctx context.Context, p *call.Place, _ []string) (func(*facts.Region), error) {
	client := securityhub.NewFromConfig(p.AWS)
	own := func() *hubtypes.AwsSecurityFindingFilters {
		return &hubtypes.AwsSecurityFindingFilters{AwsAccountId: is(string(p.Account)), Region: is(p.AWS.Region), RecordState: is("ACTIVE")}
	}
	var found facts.HubFindings
	in := &securityhub.GetFindingsInput{Filters: own(), MaxResults: aws.Int32(100)}
	in.Filters.ComplianceSecurityControlId, in.Filters.WorkflowStatus = is(rootControls...), is("SUPPRESSED")
	err := p.Pages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.GetFindings, in)
		if err != nil {
			return nil, err
		}
		for _, f := range out.Findings {
			if f.Compliance != nil && !slices.Contains(found.Suppressed, aws.ToString(f.Compliance.SecurityControlId)) {
				found.Suppressed = append(found.Suppressed, aws.ToString(f.Compliance.SecurityControlId))
			}
		}
		return out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	p.Plan(1)
	oldest := &securityhub.GetFindingsInput{
		Filters: own(), MaxResults: aws.Int32(1), SortCriteria: []hubtypes.SortCriterion{{Field: aws.String("CreatedAt"), SortOrder: hubtypes.SortOrderAscending}},
	}
	oldest.Filters.SeverityLabel, oldest.Filters.WorkflowStatus = is("CRITICAL"), is("NEW", "NOTIFIED")
	out, err := call.Ask(ctx, p, client.GetFindings, oldest)
	if err != nil {
		return nil, err
	}
	if len(out.Findings) > 0 {
		if found.OldestCritical, err = time.Parse(time.RFC3339, aws.ToString(out.Findings[0].CreatedAt)); err != nil {
			return nil, fmt.Errorf("a finding's time: %w", err)
		}
	}
	return func(r *facts.Region) { r.HubFindings = found }, nil
}

// is asks for one of several values.
func is(values ...string) []hubtypes.StringFilter {
	var out []hubtypes.StringFilter
	for _, v := range values {
		out = append(out, hubtypes.StringFilter{Comparison: hubtypes.StringFilterComparisonEquals, Value: aws.String(v)})
	}
	return out
}

func administratorOfHub(ctx context.Context, p *call.Place, _ []string) (func(*facts.Region), error) {
	out, err := call.Ask(ctx, p, securityhub.NewFromConfig(p.AWS).GetAdministratorAccount, &securityhub.GetAdministratorAccountInput{})
	if err != nil {
		return nil, err
	}
	id := ""
	if a := out.Administrator; a != nil && strings.EqualFold(aws.ToString(a.MemberStatus), "enabled") {
		id = aws.ToString(a.AccountId)
	}
	return func(r *facts.Region) { r.HubAdministrator = id }, nil
}

func hubOrganization(ctx context.Context, p *call.Place, _ []string) (func(*facts.Region), error) {
	out, err := call.Ask(ctx, p, securityhub.NewFromConfig(p.AWS).DescribeOrganizationConfiguration, &securityhub.DescribeOrganizationConfigurationInput{})
	switch {
	case noAccess(err):
		return func(r *facts.Region) { r.HubOrganization = facts.HubConfiguration{} }, nil
	case err != nil:
		return nil, err
	}
	c := facts.HubConfiguration{Administrator: true, AutoEnable: aws.ToBool(out.AutoEnable)}
	if out.OrganizationConfiguration != nil {
		c.Type = string(out.OrganizationConfiguration.ConfigurationType)
	}
	return func(r *facts.Region) { r.HubOrganization = c }, nil
}

// anyHub is the first Region with a hub: the aggregator is told in each of them.
func anyHub(s *facts.Snapshot) []call.Target {
	for _, r := range s.Facts.Regions {
		if r.Hub.Enabled {
			return []call.Target{{Region: r.Name}}
		}
	}
	return nil
}

// findingAggregator reads the one aggregator, at home.
func findingAggregator(ctx context.Context, p *call.Place, _ call.Target) (any, error) {
	list, err := call.Ask(ctx, p, securityhub.NewFromConfig(p.AWS).ListFindingAggregators, &securityhub.ListFindingAggregatorsInput{})
	switch {
	case err != nil:
		return nil, err
	case len(list.FindingAggregators) == 0:
		return call.Direct(func(f *facts.Facts) { f.FindingAggregator = facts.FindingAggregator{} }), nil
	}
	arn := aws.ToString(list.FindingAggregators[0].FindingAggregatorArn)
	name, err := rootkeep.ParseARN(arn)
	if err != nil {
		return nil, fmt.Errorf("the finding aggregator: %w", err)
	}
	p.Plan(1)
	home := *p
	home.AWS = p.AWS.Copy()
	home.AWS.Region = string(name.Region)
	out, err := call.Ask(ctx, &home, securityhub.NewFromConfig(home.AWS).GetFindingAggregator, &securityhub.GetFindingAggregatorInput{FindingAggregatorArn: &arn})
	if err != nil {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) {
		f.FindingAggregator = facts.FindingAggregator{Home: aws.ToString(out.FindingAggregationRegion), Linking: aws.ToString(out.RegionLinkingMode), Regions: out.Regions}
	}), nil
}
