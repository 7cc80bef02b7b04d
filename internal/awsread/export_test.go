package awsread

import (
	"context"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/organization"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// TellMembers reads the organization once and tells each member of it.
func TellMembers(ctx context.Context, c Config, members ...rootkeep.AccountID) ([]*facts.Snapshot, error) {
	r := newReader(c, 1, nil)
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	if err := r.identify(ctx); err != nil {
		return nil, err
	}
	wide := r.organizationWide(ctx)
	parents := map[string]string{}
	var out []*facts.Snapshot
	for _, id := range members {
		path, err := organization.PathTo(ctx, r.place(r.aws.Region), id, parents)
		if err != nil {
			return nil, err
		}
		s := &facts.Snapshot{Account: id}
		wide.tell(s, path)
		out = append(out, s)
	}
	return out, nil
}
