package awsread

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// organizationOperations tell of the organization around the account.
var organizationOperations = append([]Operation{
	{Action: describeOrganization, read: organization},
	{Action: "organizations:ListDelegatedServicesForAccount"},
	{Action: "organizations:ListTargetsForPolicy"},
	{Action: "organizations:DescribePolicy"},
	{Action: "organizations:ListParents"},
}, ofOwnOrganization()...)

// wideOperation is a call of which the answer is good for every member of the
// organization. Only the management account and delegated administrators get one.
type wideOperation struct {
	action string
	read   func(context.Context, *place) (told, error)
}

// told gives what an answer tells of one account. path are the IDs from the root of
// the organization down to the account, which is the last.
type told func(path []string) direct

var wideOperations = []wideOperation{
	{"organizations:ListRoots", policyTypes},
	{listFeatures, rootFeatures},
	{"organizations:ListAWSServiceAccessForOrganization", trustedServices},
	{"organizations:ListDelegatedAdministrators", delegatedAdministrators},
	{listPolicies, guardrails},
}

const (
	describeOrganization = "organizations:DescribeOrganization"
	listFeatures         = "iam:ListOrganizationsFeatures"
	listPolicies         = "organizations:ListPolicies"
)

// ofOwnOrganization are the wide operations as the account asks them for itself.
func ofOwnOrganization() []Operation {
	out := make([]Operation, len(wideOperations))
	for i, w := range wideOperations {
		out[i] = Operation{Action: w.action, read: func(ctx context.Context, p *place) (any, error) {
			tells, err := w.read(ctx, p)
			if outside(err) {
				return direct(func(*facts.Facts) {}), nil
			}
			path := []string{string(p.reader.account)}
			if err == nil && w.action == listPolicies {
				path, err = pathTo(ctx, p, p.reader.account, map[string]string{})
			}
			if err != nil {
				return nil, err
			}
			return tells(path), nil
		}}
	}
	return out
}

// outside says that the account is in no organization, which is an answer.
func outside(err error) bool {
	var none *orgtypes.AWSOrganizationsNotInUseException
	var noneForIAM *iamtypes.OrganizationNotFoundException
	return errors.As(err, &none) || errors.As(err, &noneForIAM)
}

// wideFacts is what was read once of an organization, to be told of every member.
type wideFacts struct {
	by      rootkeep.AccountID // the account that was asked
	answers []wideAnswer
}

type wideAnswer struct {
	action string
	at     time.Time
	told   told
	err    error
}

// organizationWide reads what tells of all members. What fails is an error of its
// answer, not of the whole.
func (r *reader) organizationWide(ctx context.Context) *wideFacts {
	w := &wideFacts{by: r.account}
	for _, o := range wideOperations {
		p := r.place(r.aws.Region)
		r.plan(1)
		tells, err := o.read(ctx, p)
		w.answers = append(w.answers, wideAnswer{o.action, p.at, tells, err})
	}
	return w
}

// tell puts into the snapshot of a member what concerns it, with the account that was
// asked as the origin; what could not be read is a gap there.
func (w *wideFacts) tell(s *facts.Snapshot, path []string) {
	lost := &failures{}
	for _, a := range w.answers {
		if a.err != nil {
			lost.add(&task{Operation: Operation{Action: a.action}, err: a.err})
			continue
		}
		a.told(path)(&s.Facts)
		for _, fact := range pathsOf(a.action) {
			s.Origins = append(s.Origins, facts.Origin{Path: fact, Call: a.action, At: a.at, Account: w.by})
		}
	}
	lost.gaps(s)
}

// lose notes that an answer is of no use, if it was given at all.
func (w *wideFacts) lose(action string, err error) {
	for i := range w.answers {
		if w.answers[i].action == action && w.answers[i].err == nil {
			w.answers[i].err = err
		}
	}
}

// features are those of centralized root access, if AWS told them.
func (w *wideFacts) features() (names []string, known bool) {
	for _, a := range w.answers {
		if a.action == listFeatures && a.err == nil {
			f := facts.Facts{}
			a.told(nil)(&f)
			return f.Organization.RootFeatures, true
		}
	}
	return nil, false
}

// isWide says whether an operation asks for what is told of the whole organization.
func isWide(action string) bool {
	return slices.ContainsFunc(wideOperations, func(w wideOperation) bool { return w.action == action })
}

// organization reads what every member may know; an account may be in none.
func organization(ctx context.Context, p *place) (any, error) {
	out, err := ask(ctx, p, organizations.NewFromConfig(p.aws).DescribeOrganization, &organizations.DescribeOrganizationInput{})
	switch {
	case outside(err):
		return direct(func(*facts.Facts) {}), nil
	case err != nil:
		return nil, err
	case out.Organization == nil:
		return nil, errors.New("an answer without an organization")
	}
	return direct(func(f *facts.Facts) {
		o, to := out.Organization, &f.Organization
		to.Member, to.ID = true, aws.ToString(o.Id)
		to.Management, to.ManagementEmail = aws.ToString(o.MasterAccountId) == string(p.reader.account), aws.ToString(o.MasterAccountEmail)
		to.AllFeatures = o.FeatureSet == orgtypes.OrganizationFeatureSetAll
	}), nil
}

// policyTypes reads which types of policy are enabled. An organization has one root.
func policyTypes(ctx context.Context, p *place) (told, error) {
	client := organizations.NewFromConfig(p.aws)
	in := &organizations.ListRootsInput{}
	roots, err := gather(p, func(token *string) ([]orgtypes.Root, *string, error) {
		in.NextToken = token
		out, err := ask(ctx, p, client.ListRoots, in)
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
	return func([]string) direct { return func(f *facts.Facts) { f.Organization.PolicyTypes = types } }, nil
}

// rootFeatures reads what of centralized root access is on. Without trusted access, or
// with consolidated billing alone, nothing can be.
func rootFeatures(ctx context.Context, p *place) (told, error) {
	out, err := ask(ctx, p, iam.NewFromConfig(p.aws).ListOrganizationsFeatures, &iam.ListOrganizationsFeaturesInput{})
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
	return func([]string) direct { return func(f *facts.Facts) { f.Organization.RootFeatures = features } }, nil
}

func trustedServices(ctx context.Context, p *place) (told, error) {
	client := organizations.NewFromConfig(p.aws)
	in := &organizations.ListAWSServiceAccessForOrganizationInput{}
	services, err := gather(p, func(token *string) ([]string, *string, error) {
		in.NextToken = token
		out, err := ask(ctx, p, client.ListAWSServiceAccessForOrganization, in)
		if err != nil {
			return nil, nil, err
		}
		var names []string
		for _, s := range out.EnabledServicePrincipals {
			names = append(names, aws.ToString(s.ServicePrincipal))
		}
		return names, out.NextToken, nil
	})
	return func([]string) direct { return func(f *facts.Facts) { f.Organization.TrustedServices = services } }, err
}

// delegatedAdministrators reads the accounts, and of each one its services.
func delegatedAdministrators(ctx context.Context, p *place) (told, error) {
	client := organizations.NewFromConfig(p.aws)
	in := &organizations.ListDelegatedAdministratorsInput{}
	all, err := gather(p, func(token *string) ([]facts.DelegatedAdministrator, *string, error) {
		in.NextToken = token
		out, err := ask(ctx, p, client.ListDelegatedAdministrators, in)
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
	return func(path []string) direct {
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

func delegatedServices(ctx context.Context, p *place, client *organizations.Client, account string) ([]string, error) {
	p.reader.plan(1)
	in := &organizations.ListDelegatedServicesForAccountInput{AccountId: &account}
	return gather(p, func(token *string) ([]string, *string, error) {
		in.NextToken = token
		out, err := ask(ctx, p, client.ListDelegatedServicesForAccount, in)
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
func guardrails(ctx context.Context, p *place) (told, error) {
	client := organizations.NewFromConfig(p.aws)
	scps, err := policiesOf(ctx, p, client, orgtypes.PolicyTypeServiceControlPolicy)
	if err != nil {
		return nil, err
	}
	p.reader.plan(1)
	rcps, err := policiesOf(ctx, p, client, orgtypes.PolicyTypeResourceControlPolicy)
	return func(path []string) direct {
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

func policiesOf(ctx context.Context, p *place, client *organizations.Client, kind orgtypes.PolicyType) (attached, error) {
	in := &organizations.ListPoliciesInput{Filter: kind}
	list, err := gather(p, func(token *string) ([]orgtypes.PolicySummary, *string, error) {
		in.NextToken = token
		out, err := ask(ctx, p, client.ListPolicies, in)
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
func (a attached) add(ctx context.Context, p *place, client *organizations.Client, summary orgtypes.PolicySummary) error {
	p.reader.plan(1)
	in := &organizations.ListTargetsForPolicyInput{PolicyId: summary.Id}
	targets, err := gather(p, func(token *string) ([]orgtypes.PolicyTargetSummary, *string, error) {
		in.NextToken = token
		out, err := ask(ctx, p, client.ListTargetsForPolicy, in)
		if err != nil {
			return nil, nil, err
		}
		return out.Targets, out.NextToken, nil
	})
	if err != nil || len(targets) == 0 {
		return err
	}
	p.reader.plan(1)
	out, err := ask(ctx, p, client.DescribePolicy, &organizations.DescribePolicyInput{PolicyId: summary.Id})
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

// pathTo finds the IDs from the root of the organization down to an account. parents
// keeps what AWS said, for the next account.
func pathTo(ctx context.Context, p *place, account rootkeep.AccountID, parents map[string]string) ([]string, error) {
	client := organizations.NewFromConfig(p.aws)
	path := []string{string(account)}
	for at := string(account); ; {
		parent, ok := parents[at]
		if !ok {
			p.reader.plan(1)
			out, err := ask(ctx, p, client.ListParents, &organizations.ListParentsInput{ChildId: &at})
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
