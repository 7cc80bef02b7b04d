package organization

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
)

// Paths finds for every account the IDs from the root of the organization down to it.
// It goes down the tree, two calls for each unit: asking each account for its parents
// is what Organizations throttles.
func Paths(ctx context.Context, p *call.Place) (map[rootkeep.AccountID][]string, error) {
	client := organizations.NewFromConfig(p.AWS)
	p.Plan(1)
	roots, err := call.Ask(ctx, p, client.ListRoots, &organizations.ListRootsInput{})
	switch {
	case err != nil:
		return nil, err
	case len(roots.Roots) != 1:
		return nil, fmt.Errorf("AWS names %d roots of the organization, want 1", len(roots.Roots))
	}
	out := map[rootkeep.AccountID][]string{}
	queue := [][]string{{aws.ToString(roots.Roots[0].Id)}}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		if len(path) == maxDepth {
			return nil, fmt.Errorf("more than %d levels above unit %s", maxDepth, path[maxDepth-1])
		}
		parent := path[len(path)-1]
		accounts, units, err := children(ctx, p, client, parent)
		if err != nil {
			return nil, err
		}
		for _, a := range accounts {
			id := aws.ToString(a.Id)
			out[rootkeep.AccountID(id)] = append(slices.Clone(path), id)
		}
		for _, u := range units {
			queue = append(queue, append(slices.Clone(path), aws.ToString(u.Id)))
		}
	}
	return out, nil
}

// children are the accounts and the units right below a unit or the root.
func children(ctx context.Context, p *call.Place, client *organizations.Client, parent string) ([]orgtypes.Account, []orgtypes.OrganizationalUnit, error) {
	p.Plan(2)
	accountsOf := &organizations.ListAccountsForParentInput{ParentId: &parent}
	accounts, err := call.Gather(p, func(token *string) ([]orgtypes.Account, *string, error) {
		accountsOf.NextToken = token
		out, err := call.Ask(ctx, p, client.ListAccountsForParent, accountsOf)
		if err != nil {
			return nil, nil, err
		}
		return out.Accounts, out.NextToken, nil
	})
	if err != nil {
		return nil, nil, err
	}
	unitsOf := &organizations.ListOrganizationalUnitsForParentInput{ParentId: &parent}
	units, err := call.Gather(p, func(token *string) ([]orgtypes.OrganizationalUnit, *string, error) {
		unitsOf.NextToken = token
		out, err := call.Ask(ctx, p, client.ListOrganizationalUnitsForParent, unitsOf)
		if err != nil {
			return nil, nil, err
		}
		return out.OrganizationalUnits, out.NextToken, nil
	})
	return accounts, units, err
}
