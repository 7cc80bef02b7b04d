package rootless

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	pages "github.com/rootkeep/rootkeep/internal/web/root/rootless"
)

// Survey orders the members that the actor may read, by the newest scans of the server.
func (r *Runner) Survey(ctx context.Context, actor people.Actor, c pages.Chosen) (*client.RootlessPlan, error) {
	o, err := r.organization(ctx, actor, c.Management)
	if err != nil {
		return nil, err
	}
	p, err := o.Outline(Chosen{Accounts: c.Accounts, First: c.First, OldAfter: c.OldAfter}, r.Engine.Now())
	if err != nil {
		return nil, told(fmt.Errorf("%w: %w", approvals.ErrInvalid, err))
	}
	return p, nil
}

// organization is what the newest scans know of an organization.
func (r *Runner) organization(ctx context.Context, actor people.Actor, management rootkeep.AccountID) (o *Organization, err error) {
	err = r.Engine.Store.View(ctx, func(ctx context.Context, read *store.Reader) error {
		o, err = r.organizationIn(ctx, read, actor, management)
		return err
	})
	return o, told(err)
}

func (r *Runner) organizationIn(ctx context.Context, read *store.Reader, actor people.Actor, management rootkeep.AccountID) (*Organization, error) {
	s, err := posture.SightOf(ctx, read, actor)
	if err != nil {
		return nil, err
	}
	v := &Inventory{}
	if err := v.fromStore(ctx, read, s); err != nil {
		return nil, err
	}
	o, err := v.Of(management)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	return o, nil
}

// fromStore reads the newest snapshot of each account in sight, one after the other.
func (v *Inventory) fromStore(ctx context.Context, r *store.Reader, s sight.Sight) error {
	left, err := posture.LeftOut(ctx, r, s)
	if err != nil {
		return err
	}
	why := map[rootkeep.AccountID]*posture.Row{}
	for _, a := range left {
		why[a.ID] = a
	}
	for after := ""; ; {
		rows, next, err := posture.Accounts(ctx, r, s, posture.AccountFilter{}, posture.Page{After: after, Limit: Most})
		if err != nil {
			return err
		}
		for _, a := range rows {
			if err := v.row(ctx, r, a, why[a.ID]); err != nil {
				return err
			}
			delete(why, a.ID)
		}
		if after = next; next == "" {
			break
		}
	}
	for _, a := range left {
		if why[a.ID] != nil { // no scan has ever read it
			v.Add(Member{Account: a.ID, Name: a.Name, Suspended: suspended(a)}, nil, a.Problem)
		}
	}
	return nil
}

// suspended says of an account that was not to be read whether AWS answers for it at all.
func suspended(left *posture.Row) bool {
	return left != nil && strings.HasPrefix(left.Problem, "its state is ")
}

func (v *Inventory) row(ctx context.Context, r *store.Reader, a, left *posture.Row) error {
	m := Member{Account: a.ID, Name: a.Name, Suspended: suspended(left)}
	s, err := snapshot(ctx, r, a)
	if errors.Is(err, store.ErrNotFound) {
		v.Add(m, nil, a.Problem)
		return nil
	}
	if err != nil {
		return err
	}
	v.Add(m, s, "")
	return nil
}

// snapshot is the newest of an account; store.ErrNotFound if it was never read, or too long
// ago for its facts to be kept.
func snapshot(ctx context.Context, r *store.Reader, a *posture.Row) (*facts.Snapshot, error) {
	if a.Scan == "" {
		return nil, store.ErrNotFound
	}
	return posture.Snapshot(ctx, r, a.Scan, a.ID)
}
