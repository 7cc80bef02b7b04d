package changes

import (
	"context"
	"errors"
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
	planner string   // name, "" if it is not known
	undos   []string // IDs of the batches that undo it, the newest first
	next    string   // ID of the change that apply begins, or goes on with
	blocked string   // what stands in the way of apply
}

// mostUndos bounds the batches that are named as the undo of one.
const mostUndos = 10

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
		if b.planner, err = name(ctx, r, b.Planner); err != nil {
			return err
		}
		return a.openNext(ctx, r, b)
	})
	return b, err
}

// openNext reads what comes next of a batch, and which others undo it.
func (a *area) openNext(ctx context.Context, r *store.Reader, b *bundle) error {
	next, err := a.Desk.Next(ctx, r, web.ActorOf(ctx), b.ID, a.Now())
	switch {
	case errors.Is(err, changes.ErrState), errors.Is(err, changes.ErrHalted):
		if b.in(changes.Approved, changes.Stopped) { // else there is nothing to apply yet
			b.blocked = err.Error()
		}
	case err != nil:
		return err
	case next != nil:
		b.next = next.ID
	}
	undos, err := a.Desk.ListBatches(ctx, r, web.ActorOf(ctx), changes.BatchFilter{Undoes: b.ID, Limit: mostUndos}, a.Now())
	for _, u := range undos {
		b.undos = append(b.undos, u.ID)
	}
	return err
}

// waits says of a change whether the actor can ask for it: one that was planned again may
// be somebody else's than its batch, and one under a request for root is asked for by that.
func waits(actor people.Actor) func(*changes.Change) bool {
	return func(c *changes.Change) bool {
		return c.State == changes.Planned && c.For == "" && c.Planner == actor.ID
	}
}

// in says whether a change of the batch is in one of the states.
func (b *bundle) in(states ...changes.State) bool {
	return slices.ContainsFunc(b.changes, func(c *changes.Change) bool { return slices.Contains(states, c.State) })
}

// may lists what the actor may do with the batch now.
func (b *bundle) may(actor people.Actor) []string {
	out := []string{}
	if actor.Kind != people.Person {
		return out
	}
	everywhere := func(p people.Permission) bool {
		for _, at := range b.places {
			if !actor.May(p, at) {
				return false
			}
		}
		return true
	}
	if slices.ContainsFunc(b.changes, waits(actor)) && everywhere(people.Request) {
		out = append(out, actRequest)
	}
	if b.next != "" && everywhere(people.Apply) {
		out = append(out, actApply)
	}
	if i := slices.IndexFunc(b.changes, func(c *changes.Change) bool { return c.ID == b.Halted }); i >= 0 && actor.May(people.Apply, b.places[b.changes[i].Account]) {
		out = append(out, actRelease)
	}
	if b.Undoes == "" && b.in(changes.Applied, changes.Partial, changes.Unverified) && everywhere(people.Request) {
		out = append(out, actUndo)
	}
	return out
}

// findBatches reads one more than a page, so that it shows whether there is a next one.
func (a *area) findBatches(ctx context.Context, f changes.BatchFilter, after string, limit int) (found []*changes.Listed, err error) {
	before, err := web.ReadCursor(after, 1)
	if err != nil {
		return nil, err
	}
	if before != nil {
		f.Before = before[0]
	}
	f.Limit = limit + 1
	err = a.view(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		found, err = a.Desk.ListBatches(ctx, r, web.ActorOf(ctx), f, a.Now())
		return err
	})
	return found, err
}

// batchCursor is that of the list behind a batch.
func batchCursor(l *changes.Listed) string { return web.Cursor(l.ID) }

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

// askBatch asks for the approval of all changes of a batch that the actor planned, all or
// none.
func (a *area) askBatch(ctx context.Context, id string) (*bundle, error) {
	err := a.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, of, err := a.Desk.GetBatch(ctx, &tx.Reader, web.ActorOf(ctx), id, tx.Now())
		if err != nil {
			return err
		}
		asked := 0
		for _, c := range of {
			if !waits(web.ActorOf(ctx))(c) {
				continue
			}
			if _, err := a.Desk.Request(ctx, tx, web.ActorOf(ctx), c.ID, c.Hash); err != nil {
				return err
			}
			asked++
		}
		if asked == 0 {
			return fmt.Errorf("no change of batch %s that you planned waits to be asked for: %w", id, changes.ErrState)
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

// undoBatch plans how a batch is undone, without some of its changes.
func (a *area) undoBatch(ctx context.Context, id string, without []string) (*bundle, error) {
	b, _, err := a.Engine.UndoBatch(ctx, web.ActorOf(ctx), id, without)
	if err != nil {
		return nil, asked(err)
	}
	return a.openBatch(ctx, b.ID)
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
