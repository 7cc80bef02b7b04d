// Package identity is what AWS is asked about an account itself: its Regions, the users,
// roles and policies of IAM, MFA devices, contacts, and its root user where a root session
// is there to ask.
package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	accounttypes "github.com/aws/aws-sdk-go-v2/service/account/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// Operations tell of the account itself, of its IAM and of whom AWS writes to.
func Operations() []call.Operation {
	return slices.Concat(operations(), deviceOperations(), contactOperations())
}

// operations tell of the account itself and of its IAM.
func operations() []call.Operation {
	return []call.Operation{
		{Action: "iam:GetAccountSummary", Read: accountSummary},
		{Action: "iam:GetAccountAuthorizationDetails", Read: authorizationDetails},
		{Action: "iam:GenerateCredentialReport"},
		{Action: "iam:GetCredentialReport", Read: credentialReport},
		{Action: "iam:GetAccountPasswordPolicy", Read: passwordPolicy},
		{Action: "iam:ListVirtualMFADevices", Read: virtualDevices},
		{Action: "iam:ListAccountAliases", Read: accountAlias},
	}
}

// Regions asks which Regions the account may use.
func Regions(ctx context.Context, p *call.Place) (any, error) {
	client := account.NewFromConfig(p.AWS)
	in := &account.ListRegionsInput{
		MaxResults:              aws.Int32(50),
		RegionOptStatusContains: []accounttypes.RegionOptStatus{accounttypes.RegionOptStatusEnabled, accounttypes.RegionOptStatusEnabledByDefault},
	}
	regions, err := call.Gather(p, func(token *string) ([]accounttypes.Region, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListRegions, in)
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

func accountSummary(ctx context.Context, p *call.Place) (any, error) {
	out, err := call.Ask(ctx, p, iam.NewFromConfig(p.AWS).GetAccountSummary, &iam.GetAccountSummaryInput{})
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
func authorizationDetails(ctx context.Context, p *call.Place) (any, error) {
	client := iam.NewFromConfig(p.AWS)
	in := &iam.GetAccountAuthorizationDetailsInput{MaxItems: aws.Int32(1000)}
	all := struct {
		UserDetailList  []iamtypes.UserDetail
		GroupDetailList []iamtypes.GroupDetail
		RoleDetailList  []iamtypes.RoleDetail
		Policies        []iamtypes.ManagedPolicyDetail
	}{[]iamtypes.UserDetail{}, []iamtypes.GroupDetail{}, []iamtypes.RoleDetail{}, []iamtypes.ManagedPolicyDetail{}}
	err := p.Pages(func(token *string) (*string, error) {
		in.Marker = token
		out, err := call.Ask(ctx, p, client.GetAccountAuthorizationDetails, in)
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
func credentialReport(ctx context.Context, p *call.Place) (any, error) {
	client := iam.NewFromConfig(p.AWS)
	for looks := 1; ; looks++ {
		p.Plan(1)
		made, err := call.Ask(ctx, p, client.GenerateCredentialReport, &iam.GenerateCredentialReportInput{})
		if err != nil {
			return nil, err
		}
		if made.State == iamtypes.ReportStateTypeComplete {
			break
		}
		if looks == reportLooks {
			return nil, fmt.Errorf("the credential report was not ready after %s", reportLooks*reportPause)
		}
		if err := p.Sleep(ctx, reportPause); err != nil {
			return nil, err
		}
	}
	out, err := call.Ask(ctx, p, client.GetCredentialReport, &iam.GetCredentialReportInput{})
	if err != nil {
		return nil, err
	}
	if out.GeneratedTime == nil {
		return nil, errors.New("a credential report without its time")
	}
	return map[string]any{"Content": out.Content, "GeneratedTime": out.GeneratedTime}, nil
}

// passwordPolicy reads the policy; an account without one has AWS's default.
func passwordPolicy(ctx context.Context, p *call.Place) (any, error) {
	out, err := call.Ask(ctx, p, iam.NewFromConfig(p.AWS).GetAccountPasswordPolicy, &iam.GetAccountPasswordPolicyInput{})
	var none *iamtypes.NoSuchEntityException
	switch {
	case errors.As(err, &none):
		return call.Direct(func(f *facts.Facts) { f.PasswordPolicy = facts.PasswordPolicy{} }), nil
	case err != nil:
		return nil, err
	case out.PasswordPolicy == nil:
		return nil, errors.New("an answer without a password policy")
	}
	return map[string]any{"PasswordPolicy": out.PasswordPolicy}, nil
}

func virtualDevices(ctx context.Context, p *call.Place) (any, error) {
	client := iam.NewFromConfig(p.AWS)
	in := &iam.ListVirtualMFADevicesInput{AssignmentStatus: iamtypes.AssignmentStatusTypeAssigned, MaxItems: aws.Int32(1000)}
	all, err := call.Gather(p, func(token *string) ([]iamtypes.VirtualMFADevice, *string, error) {
		in.Marker = token
		out, err := call.Ask(ctx, p, client.ListVirtualMFADevices, in)
		if err != nil {
			return nil, nil, err
		}
		next, err := marker(out.IsTruncated, out.Marker)
		return out.VirtualMFADevices, next, err
	})
	return map[string]any{"VirtualMFADevices": all}, err
}

// accountAlias reads the alias, of which an account has one at most.
func accountAlias(ctx context.Context, p *call.Place) (any, error) {
	out, err := call.Ask(ctx, p, iam.NewFromConfig(p.AWS).ListAccountAliases, &iam.ListAccountAliasesInput{})
	if err != nil {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) {
		if len(out.AccountAliases) > 0 {
			f.Account.Alias = out.AccountAliases[0]
		}
	}), nil
}
