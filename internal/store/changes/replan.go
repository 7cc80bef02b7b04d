package changes

import (
	"context"
	"fmt"

	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/ledger"
)

// Open says whether the plan of a change is replaced under its own ID, by Replan: nobody
// has approved it for good.
func (c *Change) Open() bool { return c.State == Planned || c.State == Requested }

// Lapsed says whether another change can be planned in its place, by Replace: it ended
// without a call, because the account changed or time ran out.
func (c *Change) Lapsed() bool {
	return (c.State == Refused || c.State == Expired) && c.Replaced == ""
}

// Replan replaces the plan of a change that is planned or requested; kind, account and
// what it undoes stay. All approvals of before are void. It records change.planned, and
// change.edited of a request.
func (d *Desk) Replan(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, p *change.Plan) (*Change, error) {
	c, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	next, err := of(p, c.Planner, tx.Now())
	if err != nil {
		return nil, err
	}
	switch {
	case c.Revision != revision:
		return nil, fmt.Errorf("change %s: %w", id, store.ErrConflict)
	case c.State != Planned && c.State != Requested:
		return nil, fmt.Errorf("change %s is %s, and is not planned again: %w; hint: rootkeep change withdraw takes it back", id, c.State, ErrState)
	case next.ID != id || next.Account != c.Account || next.Kind != c.Kind || next.Undoes != c.Undoes || next.For != c.For:
		return nil, fmt.Errorf("%w: a plan keeps ID, account, kind and request for root; hint: plan another change", approvals.ErrInvalid)
	case c.For != "" && c.State == Requested:
		return nil, fmt.Errorf("change %s is asked for by %s: %w; hint: plan another change and edit that request", id, c.For, ErrState)
	case c.State == Planned && actor.ID != c.Planner:
		return nil, fmt.Errorf("plan change %s again: only who planned it: %w", id, approvals.ErrNotAllowed)
	}
	if err := d.mayAsk(ctx, &tx.Reader, actor, c.Account); err != nil {
		return nil, err
	}
	from := c.State
	if from == Requested {
		if next.Policy() != c.Policy() {
			return nil, fmt.Errorf("%w: the new plan is for the policy %s, not %s; hint: withdraw the request and ask anew", approvals.ErrInvalid, next.Policy(), c.Policy())
		}
		m, err := d.Desk.Get(ctx, &tx.Reader, actor, id, tx.Now())
		if err != nil {
			return nil, err
		}
		if _, err := d.Desk.Edit(ctx, tx, actor, id, m.Revision, next.Action(), next.Plan); err != nil {
			return nil, err
		}
	} else {
		c.Expires = next.Expires
	}
	c.Plan, c.Hash, c.Class, c.Final = next.Plan, next.Hash, next.Class, next.Final
	if err := c.set(ctx, tx, from); err != nil {
		return nil, err
	}
	return c, c.record(tx, "planned", actor.ID, ledger.NewPayload("plan", c.Plan))
}

// Replace keeps the plan of a change in the place of one that lapsed: of the same kind and
// account, in the same place of its batch, under an ID of its own, because a request that
// was decided is not asked again. It records change.planned, and change.replaced of the
// one that lapsed.
func (d *Desk) Replace(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, p *change.Plan) (*Change, error) {
	c, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	next, err := of(p, actor.ID, tx.Now())
	if err != nil {
		return nil, err
	}
	switch {
	case c.Revision != revision:
		return nil, fmt.Errorf("change %s: %w", id, store.ErrConflict)
	case c.Replaced != "":
		return nil, fmt.Errorf("change %s was planned again as %s: %w", id, c.Replaced, ErrState)
	case !c.Lapsed():
		return nil, fmt.Errorf("change %s is %s, and none is planned in its place: %w", id, c.State, ErrState)
	case next.Account != c.Account || next.Kind != c.Kind || next.Undoes != c.Undoes || next.For != c.For:
		return nil, fmt.Errorf("%w: a plan keeps account, kind and request for root; hint: plan another change", approvals.ErrInvalid)
	}
	next.Batch, next.Place, next.Canary = c.Batch, c.Place, c.Canary
	if err := d.plan(ctx, tx, actor, next); err != nil {
		return nil, err
	}
	// The state stays as it is in the row: that it expired may still have to be written down.
	if err := tx.ExecOne(ctx, `UPDATE change SET revision = revision + 1, replaced = $3 WHERE id = $1 AND revision = $2 AND replaced = ''`, id, revision, next.ID); err != nil {
		return nil, fmt.Errorf("change %s: %w", id, err)
	}
	if c.Batch != "" { // it goes on once the one in that place is applied
		if _, err := tx.Exec(ctx, `UPDATE change_batch SET halted = $3 WHERE id = $1 AND halted = $2`, c.Batch, id, next.ID); err != nil {
			return nil, fmt.Errorf("batch %s: %w", c.Batch, err)
		}
	}
	return next, c.record(tx, "replaced", actor.ID, ledger.NewPayload("by", []byte(next.ID)))
}
