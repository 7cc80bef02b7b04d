package awsread

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	accounttypes "github.com/aws/aws-sdk-go-v2/service/account/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/rootkeep/rootkeep/internal/facts"
)

// direct sets facts that the AWS CLI prints nowhere that intake reads.
type direct func(*facts.Facts)

// identityOperations tell of the account itself and of its IAM.
var identityOperations = []Operation{
	{Action: "iam:GetAccountSummary", read: accountSummary},
	{Action: "iam:GetAccountAuthorizationDetails", read: authorizationDetails},
	{Action: "iam:GenerateCredentialReport"},
	{Action: "iam:GetCredentialReport", read: credentialReport},
	{Action: "iam:GetAccountPasswordPolicy", read: passwordPolicy},
	{Action: "iam:ListVirtualMFADevices", read: virtualDevices},
	{Action: "iam:ListAccountAliases", read: accountAlias},
}

// enabledRegions asks which Regions the account may use.
func enabledRegions(ctx context.Context, p *place) (any, error) {
	client := account.NewFromConfig(p.aws)
	in := &account.ListRegionsInput{
		MaxResults:              aws.Int32(50),
		RegionOptStatusContains: []accounttypes.RegionOptStatus{accounttypes.RegionOptStatusEnabled, accounttypes.RegionOptStatusEnabledByDefault},
	}
	regions, err := gather(p, func(token *string) ([]accounttypes.Region, *string, error) {
		in.NextToken = token
		out, err := ask(ctx, p, client.ListRegions, in)
		if err != nil {
			return nil, nil, err
		}
		return out.Regions, out.NextToken, nil
	})
	if err == nil && len(regions) == 0 {
		err = errors.New("AWS names no enabled Region")
	}
	out := make([]facts.Region, len(regions))
	for i, r := range regions {
		out[i] = facts.Region{Name: aws.ToString(r.RegionName), OptIn: r.RegionOptStatus == accounttypes.RegionOptStatusEnabled}
	}
	return out, err
}

func accountSummary(ctx context.Context, p *place) (any, error) {
	out, err := ask(ctx, p, iam.NewFromConfig(p.aws).GetAccountSummary, &iam.GetAccountSummaryInput{})
	if err != nil {
		return nil, err
	}
	return map[string]any{"SummaryMap": out.SummaryMap}, nil
}

// marker is the token of the next page of IAM, which says apart whether there is one.
func marker(truncated bool, next *string) (*string, error) {
	switch {
	case !truncated:
		return nil, nil
	case aws.ToString(next) == "":
		return nil, errors.New("AWS says that there is more and not where")
	}
	return next, nil
}

// authorizationDetails reads all users, groups, roles and policies, a thousand a call.
func authorizationDetails(ctx context.Context, p *place) (any, error) {
	client := iam.NewFromConfig(p.aws)
	in := &iam.GetAccountAuthorizationDetailsInput{MaxItems: aws.Int32(1000)}
	all := struct {
		UserDetailList  []iamtypes.UserDetail
		GroupDetailList []iamtypes.GroupDetail
		RoleDetailList  []iamtypes.RoleDetail
		Policies        []iamtypes.ManagedPolicyDetail
	}{[]iamtypes.UserDetail{}, []iamtypes.GroupDetail{}, []iamtypes.RoleDetail{}, []iamtypes.ManagedPolicyDetail{}}
	err := p.pages(func(token *string) (*string, error) {
		in.Marker = token
		out, err := ask(ctx, p, client.GetAccountAuthorizationDetails, in)
		if err != nil {
			return nil, err
		}
		all.UserDetailList = append(all.UserDetailList, out.UserDetailList...)
		all.GroupDetailList = append(all.GroupDetailList, out.GroupDetailList...)
		all.RoleDetailList = append(all.RoleDetailList, out.RoleDetailList...)
		all.Policies = append(all.Policies, out.Policies...)
		return marker(out.IsTruncated, out.Marker)
	})
	return all, err
}

const (
	reportPause = 2 * time.Second // between two looks at a report in the making
	reportLooks = 150             // five minutes; IAM needs seconds for a thousand users
)

// credentialReport has IAM make the report, unless one of the last four hours is
// there, and fetches it.
func credentialReport(ctx context.Context, p *place) (any, error) {
	client := iam.NewFromConfig(p.aws)
	for looks := 1; ; looks++ {
		p.reader.plan(1)
		made, err := ask(ctx, p, client.GenerateCredentialReport, &iam.GenerateCredentialReportInput{})
		if err != nil {
			return nil, err
		}
		if made.State == iamtypes.ReportStateTypeComplete {
			break
		}
		if looks == reportLooks {
			return nil, fmt.Errorf("the credential report was not ready after %s", reportLooks*reportPause)
		}
		if err := p.reader.config.Sleep(ctx, reportPause); err != nil {
			return nil, err
		}
	}
	out, err := ask(ctx, p, client.GetCredentialReport, &iam.GetCredentialReportInput{})
	if err != nil {
		return nil, err
	}
	if out.GeneratedTime == nil {
		return nil, errors.New("a credential report without its time")
	}
	return map[string]any{"Content": out.Content, "GeneratedTime": out.GeneratedTime}, nil
}

// passwordPolicy reads the policy; an account without one has AWS's default.
func passwordPolicy(ctx context.Context, p *place) (any, error) {
	out, err := ask(ctx, p, iam.NewFromConfig(p.aws).GetAccountPasswordPolicy, &iam.GetAccountPasswordPolicyInput{})
	var none *iamtypes.NoSuchEntityException
	switch {
	case errors.As(err, &none):
		return direct(func(f *facts.Facts) { f.PasswordPolicy = facts.PasswordPolicy{} }), nil
	case err != nil:
		return nil, err
	case out.PasswordPolicy == nil:
		return nil, errors.New("an answer without a password policy")
	}
	return map[string]any{"PasswordPolicy": out.PasswordPolicy}, nil
}

func virtualDevices(ctx context.Context, p *place) (any, error) {
	client := iam.NewFromConfig(p.aws)
	in := &iam.ListVirtualMFADevicesInput{AssignmentStatus: iamtypes.AssignmentStatusTypeAssigned, MaxItems: aws.Int32(1000)}
	all, err := gather(p, func(token *string) ([]iamtypes.VirtualMFADevice, *string, error) {
		in.Marker = token
		out, err := ask(ctx, p, client.ListVirtualMFADevices, in)
		if err != nil {
			return nil, nil, err
		}
		next, err := marker(out.IsTruncated, out.Marker)
		return out.VirtualMFADevices, next, err
	})
	return map[string]any{"VirtualMFADevices": all}, err
}

// accountAlias reads the alias, of which an account has one at most.
func accountAlias(ctx context.Context, p *place) (any, error) {
	out, err := ask(ctx, p, iam.NewFromConfig(p.aws).ListAccountAliases, &iam.ListAccountAliasesInput{})
	if err != nil {
		return nil, err
	}
	return direct(func(f *facts.Facts) {
		if len(out.AccountAliases) > 0 {
			f.Account.Alias = out.AccountAliases[0]
		}
	}), nil
}
