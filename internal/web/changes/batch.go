package changes

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web"
)

// bundle is a batch with those of its changes that the actor may read.
type bundle struct {
	*changes.Batch
	changes []*changes.Change
	places  map[rootkeep.AccountID]people.Place
	planner string // name, "" if it is not known
}

// openBatch reads a batch that the actor of the request may read.
func (a *area) openBatch(ctx context.Context, id string) (*bundle, error) {
	b := &bundle{places: map[rootkeep.AccountID]people.Place{}}
	err := a.view(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		if b.Batch, b.changes, err = a.Desk.GetBatch(ctx, r, web.ActorOf(ctx), id, a.Now()); err != nil {
			return err
		}
		for _, c := range b.changes {
			if b.places[c.Account], err = a.Desk.Desk.Place(ctx, r, c.Account); err != nil {
				return err
			}
		}
		b.planner, err = name(ctx, r, b.Planner)
		return err
	})
	return b, err
}

// may lists what the actor may do with the batch now.
func (b *bundle) may(actor people.Actor) []string {
	out := []string{}
	if actor.Kind != people.Person {
		return out
	}
	in := func(states ...changes.State) bool {
		return slices.ContainsFunc(b.changes, func(c *changes.Change) bool { return slices.Contains(states, c.State) })
	}
	everywhere := func(p people.Permission) bool {
		for _, at := range b.places {
			if !actor.May(p, at) {
				return false
			}
		}
		return true
	}
	under := slices.ContainsFunc(b.changes, func(c *changes.Change) bool { return c.For != "" })
	if actor.ID == b.Planner && in(changes.Planned) && !under && everywhere(people.Request) {
		out = append(out, actRequest)
	}
	if in(changes.Approved, changes.Stopped) && everywhere(people.Apply) {
		out = append(out, actApply)
	}
	if i := slices.IndexFunc(b.changes, func(c *changes.Change) bool { return c.ID == b.Halted }); i >= 0 && actor.May(people.Apply, b.places[b.changes[i].Account]) {
		out = append(out, actRelease)
	}
	return out
}

// planBatch plans one kind of change for several accounts, the canaries first, or a list
// of changes.
func (a *area) planBatch(ctx context.Context, w client.ChangeBatchWanted) (*bundle, error) {
	list, err := ordered(w)
	if err != nil {
		return nil, err
	}
	b, _, err := a.Engine.PlanBatch(ctx, web.ActorOf(ctx), w.About, list, len(w.Canaries))
	if err != nil {
		return nil, asked(err)
	}
	return a.openBatch(ctx, b.ID)
}

// ordered is what a batch is to plan, in its order.
func ordered(w client.ChangeBatchWanted) ([]Wanted, error) {
	several := w.Kind != "" || len(w.Accounts)+len(w.Canaries)+len(w.Parameters) > 0 || w.Region != ""
	switch {
	case several && len(w.Changes) > 0:
		return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", "changes stand for themselves: leave out kind, accounts, canaries, region and parameters")
	case len(w.Changes) > 0:
		list := make([]Wanted, len(w.Changes))
		for i, c := range w.Changes {
			list[i] = Wanted{Kind: c.Kind, Account: rootkeep.AccountID(c.Account), Region: c.Region, Parameters: c.Parameters, For: c.For}
		}
		return list, nil
	case w.Kind == "" || len(w.Accounts) == 0:
		return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", "want a kind and accounts, or changes")
	}
	order := slices.Clone(w.Canaries)
	for _, account := range w.Canaries {
		if !slices.Contains(w.Accounts, account) {
			return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", fmt.Sprintf("the canary %q is none of the accounts", account))
		}
	}
	for _, account := range w.Accounts {
		if !slices.Contains(w.Canaries, account) {
			order = append(order, account)
		}
	}
	list := make([]Wanted, len(order))
	for i, account := range order {
		if slices.Contains(order[:i], account) {
			return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", fmt.Sprintf("the account %q is there twice", account))
		}
		list[i] = Wanted{Kind: w.Kind, Account: rootkeep.AccountID(account), Region: w.Region, Parameters: w.Parameters}
	}
	return list, nil
}

// askBatch asks for the approval of all changes of a batch that are planned, all or none.
func (a *area) askBatch(ctx context.Context, id string) (*bundle, error) {
	err := a.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, of, err := a.Desk.GetBatch(ctx, &tx.Reader, web.ActorOf(ctx), id, tx.Now())
		if err != nil {
			return err
		}
		asked := 0
		for _, c := range of {
			if c.State != changes.Planned {
				continue
			}
			if _, err := a.Desk.Request(ctx, tx, web.ActorOf(ctx), c.ID, c.Hash); err != nil {
				return err
			}
			asked++
		}
		if asked == 0 {
			return fmt.Errorf("no change of batch %s waits to be asked for: %w", id, changes.ErrState)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a.openBatch(ctx, id)
}

// applyBatch has a batch applied.
func (a *area) applyBatch(ctx context.Context, id string) (*bundle, error) {
	if _, err := a.Engine.ApplyBatch(ctx, web.ActorOf(ctx), id); err != nil {
		return nil, told(err)
	}
	return a.openBatch(ctx, id)
}

// release lets a batch go on that halted.
func (a *area) release(ctx context.Context, id string) (*bundle, error) {
	err := a.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := a.Desk.Release(ctx, tx, web.ActorOf(ctx), id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.openBatch(ctx, id)
}
