package alter

import (
	"context"
	"fmt"

	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	web "github.com/rootkeep/rootkeep/internal/web/changes"
)

// Undo plans how a change is undone that belongs to no request for root. Of one that was
// undone in part it plans the rest.
func (e *Engine) Undo(ctx context.Context, actor people.Actor, id string) (*changes.Change, error) {
	return e.UndoFor(ctx, actor, id, "")
}

// UndoFor plans how a change is undone, under a request for root that will name the undo.
// It is never that which approved the change: that one approved another plan.
func (e *Engine) UndoFor(ctx context.Context, actor people.Actor, id, request string) (*changes.Change, error) {
	of, err := e.get(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	if err := e.mayPlan(ctx, actor, of.Account); err != nil {
		return nil, err
	}
	p, err := e.planUndo(ctx, actor, newID("CH", e.Now()), request, of)
	if err != nil {
		return nil, err
	}
	return e.keep(ctx, actor, p)
}

// get reads a change that the actor may read.
func (e *Engine) get(ctx context.Context, actor people.Actor, id string) (*changes.Change, error) {
	var c *changes.Change
	err := e.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		c, err = e.Desk.Get(ctx, r, actor, id, e.Now())
		return err
	})
	return c, err
}

// planUndo plans under an ID how a change is undone, for a request for root or "".
func (e *Engine) planUndo(ctx context.Context, actor people.Actor, id, request string, of *changes.Change) (*change.Plan, error) {
	if of.Undoes == "" && !of.Undoable() {
		return nil, fmt.Errorf("change %s is %s, and is not undone: %w", of.ID, of.State, changes.ErrState)
	}
	k, plan, err := e.of(of)
	if err != nil {
		return nil, err
	}
	if err := mayBeRoot(k, request); err != nil {
		return nil, err
	}
	made, err := e.made(ctx, of.ID)
	if err != nil {
		return nil, err
	}
	after, err := of.Left()
	if err != nil {
		return nil, err
	}
	if of.State == changes.Partial {
		after = nil // what the change left is not what its undo left
	}
	_, reader, err := e.read(ctx, actor, id, k)
	if err != nil {
		return nil, err
	}
	defer reader.End()
	return k.Undo(ctx, reader, id, request, plan, made, of.Doubt, after, e.Now())
}

// made are the calls of a change, with those that were undone.
func (e *Engine) made(ctx context.Context, id string) (made []change.Made, err error) {
	err = e.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		if made, err = changes.Calls(ctx, r, id); err != nil {
			return err
		}
		undone, err := changes.UndoneCalls(ctx, r, id)
		for i := range made {
			_, made[i].Undone = undone[made[i].Number]
		}
		return err
	})
	return made, err
}

// Replan reads the account again and plans a change anew: under its own ID while nobody
// has approved it for good, otherwise as a change in the place of one that lapsed.
func (e *Engine) Replan(ctx context.Context, actor people.Actor, id string, revision int64) (*changes.Change, error) {
	c, err := e.get(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	if err := e.mayPlan(ctx, actor, c.Account); err != nil {
		return nil, err
	}
	switch {
	case c.Revision != revision:
		return nil, fmt.Errorf("change %s: %w", id, store.ErrConflict)
	case c.Replaced != "":
		return nil, fmt.Errorf("change %s was planned again as %s: %w", id, c.Replaced, changes.ErrState)
	case !c.Open() && !c.Lapsed():
		return nil, fmt.Errorf("change %s is %s, and is not planned again: %w", id, c.State, changes.ErrState)
	}
	under, keep := id, e.Desk.Replan
	if !c.Open() {
		under, keep = newID("CH", e.Now()), e.Desk.Replace
	}
	p, err := e.planLike(ctx, actor, under, c)
	if err != nil {
		return nil, err
	}
	err = e.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		c, err = keep(ctx, tx, actor, id, revision, p)
		return err
	})
	return c, err
}

// planLike plans under an ID what another plan was for, with its parameters.
func (e *Engine) planLike(ctx context.Context, actor people.Actor, id string, c *changes.Change) (*change.Plan, error) {
	if c.Undoes != "" {
		of, err := e.get(ctx, actor, c.Undoes)
		if err != nil {
			return nil, err
		}
		return e.planUndo(ctx, actor, id, c.For, of)
	}
	p, err := c.Parsed()
	if err != nil {
		return nil, err
	}
	return e.plan(ctx, actor, id, web.Wanted{Kind: p.Kind, Account: p.Account, Region: p.Region, Parameters: p.Parameters, For: p.For})
}
