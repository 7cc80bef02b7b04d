// Package organization is what AWS is asked about the organization around an account.
package organization

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// Operations are what an account asks of its organization for itself.
func Operations() []call.Operation {
	out := []call.Operation{
		{Action: Describe, Read: describe},
		{Action: "organizations:ListDelegatedServicesForAccount"},
		{Action: "organizations:ListTargetsForPolicy"},
		{Action: "organizations:DescribePolicy"},
		{Action: "organizations:ListParents"},
	}
	for _, w := range WideOperations() {
		out = append(out, call.Operation{Action: w.Action, Read: w.ofItself})
	}
	return out
}

const (
	Describe     = "organizations:DescribeOrganization"
	ListFeatures = "iam:ListOrganizationsFeatures"
	ListPolicies = "organizations:ListPolicies"
)

// Wide is an operation of which the answer is good for every member of the
// organization. Only the management account and delegated administrators get one.
type Wide struct {
	Action string
	Read   func(context.Context, *call.Place) (Told, error)
}

// Told gives what an answer tells of one account. path are the IDs from the root of
// the organization down to the account, which is the last.
type Told func(path []string) call.Direct

// WideOperations tell of every member.
func WideOperations() []Wide {
	return []Wide{
		{"organizations:ListRoots", policyTypes},
		{ListFeatures, rootFeatures},
		{"organizations:ListAWSServiceAccessForOrganization", trustedServices},
		{"organizations:ListDelegatedAdministrators", delegatedAdministrators},
		{ListPolicies, guardrails},
	}
}

// ofItself reads what an answer tells of the account that asks.
func (w Wide) ofItself(ctx context.Context, p *call.Place) (any, error) {
	tells, err := w.Read(ctx, p)
	if outside(err) {
		return call.Direct(func(*facts.Facts) {}), nil
	}
	path := []string{string(p.Account)}
	if err == nil && w.Action == ListPolicies {
		path, err = PathTo(ctx, p, p.Account, map[string]string{})
	}
	if err != nil {
		return nil, err
	}
	return tells(path), nil
}

// outside says that the account is in no organization, which is an answer.
func outside(err error) bool {
	var none *orgtypes.AWSOrganizationsNotInUseException
	var noneForIAM *iamtypes.OrganizationNotFoundException
	return errors.As(err, &none) || errors.As(err, &noneForIAM)
}

// describe reads what every member may know; an account may be in none.
func describe(ctx context.Context, p *call.Place) (any, error) {
	out, err := call.Ask(ctx, p, organizations.NewFromConfig(p.AWS).DescribeOrganization, &organizations.DescribeOrganizationInput{})
	switch {
	case outside(err):
		return call.Direct(func(*facts.Facts) {}), nil
	case err != nil:
		return nil, err
	case out.Organization == nil:
		return nil, errors.New("an answer without an organization")
	}
	return call.Direct(func(f *facts.Facts) {
		o, to := out.Organization, &f.Organization
		to.Member, to.ID = true, aws.ToString(o.Id)
		to.Management, to.ManagementEmail = aws.ToString(o.MasterAccountId) == string(p.Account), aws.ToString(o.MasterAccountEmail)
		to.AllFeatures = o.FeatureSet == orgtypes.OrganizationFeatureSetAll
	}), nil
}

// policyTypes reads which types of policy are enabled. An organization has one root.
func policyTypes(ctx context.Context, p *call.Place) (Told, error) {
	client := organizations.NewFromConfig(p.AWS)
	in := &organizations.ListRootsInput{}
	roots, err := call.Gather(p, func(token *string) ([]orgtypes.Root, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListRoots, in)
		if err != nil {
			return nil, nil, err
		}
		return out.Roots, out.NextToken, nil
	})
	if err == nil && len(roots) != 1 {
		err = fmt.Errorf("AWS names %d roots of the organization, want 1", len(roots))
	}
	if err != nil {
		return nil, err
	}
	types := []string{}
	for _, t := range roots[0].PolicyTypes {
		if t.Status == orgtypes.PolicyTypeStatusEnabled {
			types = append(types, string(t.Type))
		}
	}
	return func([]string) call.Direct { return func(f *facts.Facts) { f.Organization.PolicyTypes = types } }, nil
}

// rootFeatures reads what of centralized root access is on. Without trusted access, or
// with consolidated billing alone, nothing can be.
func rootFeatures(ctx context.Context, p *call.Place) (Told, error) {
	out, err := call.Ask(ctx, p, iam.NewFromConfig(p.AWS).ListOrganizationsFeatures, &iam.ListOrganizationsFeaturesInput{})
	var untrusted *iamtypes.ServiceAccessNotEnabledException
	var billing *iamtypes.OrganizationNotInAllFeaturesModeException
	features := []string{}
	switch {
	case errors.As(err, &untrusted) || errors.As(err, &billing):
	case err != nil:
		return nil, err
	default:
		for _, f := range out.EnabledFeatures {
			features = append(features, string(f))
		}
	}
	return func([]string) call.Direct { return func(f *facts.Facts) { f.Organization.RootFeatures = features } }, nil
}

func trustedServices(ctx context.Context, p *call.Place) (Told, error) {
	client := organizations.NewFromConfig(p.AWS)
	in := &organizations.ListAWSServiceAccessForOrganizationInput{}
	services, err := call.Gather(p, func(token *string) ([]string, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListAWSServiceAccessForOrganization, in)
		if err != nil {
			return nil, nil, err
		}
		var names []string
		for _, s := range out.EnabledServicePrincipals {
			names = append(names, aws.ToString(s.ServicePrincipal))
		}
		return names, out.NextToken, nil
	})
	return func([]string) call.Direct { return func(f *facts.Facts) { f.Organization.TrustedServices = services } }, err
}

// delegatedAdministrators reads the accounts, and of each one its services.
func delegatedAdministrators(ctx context.Context, p *call.Place) (Told, error) {
	client := organizations.NewFromConfig(p.AWS)
	in := &organizations.ListDelegatedAdministratorsInput{}
	all, err := call.Gather(p, func(token *string) ([]facts.DelegatedAdministrator, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListDelegatedAdministrators, in)
		if err != nil {
			return nil, nil, err
		}
		var accounts []facts.DelegatedAdministrator
		for _, a := range out.DelegatedAdministrators {
			accounts = append(accounts, facts.DelegatedAdministrator{Account: aws.ToString(a.Id)})
		}
		return accounts, out.NextToken, nil
	})
	for i := 0; err == nil && i < len(all); i++ {
		all[i].Services, err = delegatedServices(ctx, p, client, all[i].Account)
	}
	return func(path []string) call.Direct {
		return func(f *facts.Facts) {
			f.Organization.DelegatedAdministrators, f.Organization.DelegatedServices = all, []string{}
			for _, a := range all {
				if a.Account == path[len(path)-1] {
					f.Organization.DelegatedServices = a.Services
				}
			}
		}
	}, err
}

func delegatedServices(ctx context.Context, p *call.Place, client *organizations.Client, account string) ([]string, error) {
	p.Plan(1)
	in := &organizations.ListDelegatedServicesForAccountInput{AccountId: &account}
	return call.Gather(p, func(token *string) ([]string, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListDelegatedServicesForAccount, in)
		if err != nil {
			return nil, nil, err
		}
		var names []string
		for _, s := range out.DelegatedServices {
			names = append(names, aws.ToString(s.ServicePrincipal))
		}
		return names, out.NextToken, nil
	})
}

// attached are policies by the ID of what they are attached to.
type attached map[string][]facts.Document

// guardrails reads all SCPs and RCPs of the organization with where they are attached.
func guardrails(ctx context.Context, p *call.Place) (Told, error) {
	client := organizations.NewFromConfig(p.AWS)
	scps, err := policiesOf(ctx, p, client, orgtypes.PolicyTypeServiceControlPolicy)
	if err != nil {
		return nil, err
	}
	p.Plan(1)
	rcps, err := policiesOf(ctx, p, client, orgtypes.PolicyTypeResourceControlPolicy)
	return func(path []string) call.Direct {
		return func(f *facts.Facts) {
			f.Organization.SCPs, f.Organization.RCPs = scps.levels(path), rcps.levels(path)
		}
	}, err
}

// levels are what binds the account at the end of a path. While a type is enabled AWS
// keeps one policy at every level at least, so none at all means that it is not.
func (a attached) levels(path []string) []facts.PolicyLevel {
	out, any := []facts.PolicyLevel{}, false
	for _, target := range path {
		out = append(out, facts.PolicyLevel{Target: target, Policies: a[target]})
		any = any || len(a[target]) > 0
	}
	if !any {
		return []facts.PolicyLevel{}
	}
	return out
}

// alwaysAttached is the RCP that AWS attaches to everything; it allows everything.
const alwaysAttached = "p-RCPFullAWSAccess"

func policiesOf(ctx context.Context, p *call.Place, client *organizations.Client, kind orgtypes.PolicyType) (attached, error) {
	in := &organizations.ListPoliciesInput{Filter: kind}
	list, err := call.Gather(p, func(token *string) ([]orgtypes.PolicySummary, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListPolicies, in)
		if err != nil {
			return nil, nil, err
		}
		return out.Policies, out.NextToken, nil
	})
	all := attached{}
	for i := 0; err == nil && i < len(list); i++ {
		if aws.ToString(list[i].Id) != alwaysAttached {
			err = all.add(ctx, p, client, list[i])
		}
	}
	return all, err
}

// add reads where a policy is attached, and its text if it is.
func (a attached) add(ctx context.Context, p *call.Place, client *organizations.Client, summary orgtypes.PolicySummary) error {
	p.Plan(1)
	in := &organizations.ListTargetsForPolicyInput{PolicyId: summary.Id}
	targets, err := call.Gather(p, func(token *string) ([]orgtypes.PolicyTargetSummary, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListTargetsForPolicy, in)
		if err != nil {
			return nil, nil, err
		}
		return out.Targets, out.NextToken, nil
	})
	if err != nil || len(targets) == 0 {
		return err
	}
	p.Plan(1)
	out, err := call.Ask(ctx, p, client.DescribePolicy, &organizations.DescribePolicyInput{PolicyId: summary.Id})
	switch {
	case err != nil:
		return err
	case out.Policy == nil:
		return fmt.Errorf("an answer without the policy %s", aws.ToString(summary.Id))
	}
	for _, t := range targets {
		id := aws.ToString(t.TargetId)
		a[id] = append(a[id], facts.Document{Name: aws.ToString(summary.Name), Text: aws.ToString(out.Policy.Content)})
	}
	return nil
}

// maxDepth is how many levels an organization has: the root, five of units, accounts.
const maxDepth = 7

// PathTo finds the IDs from the root of the organization down to an account. parents
// keeps what AWS said, for the next account.
func PathTo(ctx context.Context, p *call.Place, account rootkeep.AccountID, parents map[string]string) ([]string, error) {
	client := organizations.NewFromConfig(p.AWS)
	path := []string{string(account)}
	for at := string(account); ; {
		parent, ok := parents[at]
		if !ok {
			p.Plan(1)
			out, err := call.Ask(ctx, p, client.ListParents, &organizations.ListParentsInput{ChildId: &at})
			switch {
			case err != nil:
				return nil, err
			case len(out.Parents) != 1:
				return nil, fmt.Errorf("AWS names %d parents of %s, want 1", len(out.Parents), at)
			}
			if parent = aws.ToString(out.Parents[0].Id); out.Parents[0].Type != orgtypes.ParentTypeRoot {
				parents[at] = parent
			} else {
				parents[at], parents[parent] = parent, ""
			}
		}
		if parent == "" {
			slices.Reverse(path)
			return path, nil
		}
		if len(path) == maxDepth {
			return nil, fmt.Errorf("more than %d levels above account %s", maxDepth, account)
		}
		path, at = append(path, parent), parent
	}
}
