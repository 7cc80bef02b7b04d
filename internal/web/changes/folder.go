package changes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
)

// folder is everything that is known of one change.
type folder struct {
	*changes.Change
	plan    *change.Plan
	made    []change.Made
	undone  map[int]string    // which change has undone which of the calls that were made
	request *approvals.Folder // nil until it is asked for
	place   people.Place
	planner string // name, "" if it is not known
}

// open reads a folder that the actor of the request may read.
func (a *area) open(ctx context.Context, id string) (*folder, error) {
	f := &folder{}
	err := a.view(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		if f.Change, err = a.Desk.Get(ctx, r, web.ActorOf(ctx), id, a.Now()); err != nil {
			return err
		}
		if f.place, err = a.Desk.Desk.Place(ctx, r, f.Account); err != nil {
			return err
		}
		if f.made, err = changes.Calls(ctx, r, id); err != nil {
			return err
		}
		if f.undone, err = changes.UndoneCalls(ctx, r, id); err != nil {
			return err
		}
		if f.planner, err = name(ctx, r, f.Planner); err != nil {
			return err
		}
		f.request, err = approvals.Open(ctx, r, a.Desk.Desk, web.ActorOf(ctx), id, a.Now())
		if errors.Is(err, store.ErrNotFound) {
			f.request, err = nil, nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	f.plan, err = f.Parsed()
	return f, err
}

// name is the name of a person, "" if there is none.
func name(ctx context.Context, r *store.Reader, id string) (string, error) {
	p, err := stored.Get(ctx, r, id)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return p.Name, err
}

// Acts of a change and of a batch, as the API names them.
const (
	actRequest  = "request"
	actWithdraw = "withdraw"
	actApprove  = "approve"
	actApply    = "apply"
	actGiveUp   = "give-up"
	actUndo     = "undo"
	actRelease  = "release"
	actReplan   = "replan"
)

// may lists what the actor may do with the change now.
func (f *folder) may(actor people.Actor) []string {
	out := []string{}
	if actor.Kind != people.Person {
		return out
	}
	add := func(act string, yes bool) {
		if yes {
			out = append(out, act)
		}
	}
	own, in := actor.ID == f.Planner, f.State
	add(actRequest, own && in == changes.Planned && f.For == "" && actor.May(people.Request, f.place))
	add(actApprove, f.request != nil && f.request.MayDecide(actor))
	add(actApply, (in == changes.Approved || in == changes.Stopped) && actor.May(people.Apply, f.place))
	add(actGiveUp, in == changes.Stopped && actor.May(people.Apply, f.place))
	// An undo of what was done as root needs a request for root of its own, and what such a
	// request asks for is edited with it.
	add(actUndo, f.undoable() && f.For == "" && actor.May(people.Request, f.place))
	add(actReplan, (f.Lapsed() && f.For == "" || f.Open() && (own || in == changes.Requested) && (f.For == "" || in == changes.Planned)) && actor.May(people.Request, f.place))
	add(actWithdraw, own && (in == changes.Planned || in == changes.Requested && f.For == "" || in == changes.Approved))
	return out
}

// undoable says whether an undo of it can be planned: whether it then has anything to do
// is found out by planning.
func (f *folder) undoable() bool {
	back := f.Doubt || slices.ContainsFunc(f.made, func(m change.Made) bool {
		return m.Number < len(f.plan.Calls) && f.plan.Calls[m.Number].Final == "" && f.undone[m.Number] == ""
	})
	return back && f.Undoable()
}

// undo plans how a change is undone.
func (a *area) undo(ctx context.Context, id string) (*changes.Change, error) {
	f, err := a.open(ctx, id)
	if err != nil {
		return nil, err
	}
	k := a.kind(f.Kind)
	switch {
	case f.Undoes != "":
		return nil, web.Refuse(http.StatusConflict, "cannot-be-undone", fmt.Sprintf("change %s is an undo itself; hint: plan %s again", id, f.Kind))
	case k == nil || k.Hash() != f.plan.KindHash:
		return nil, web.Refuse(http.StatusConflict, "kind-changed", fmt.Sprintf("change %s was planned by another version of %s; hint: its plan shows the state before", id, f.Kind))
	case !f.Undoable():
		return nil, told(fmt.Errorf("change %s is %s, and is not undone: %w", id, f.State, changes.ErrState))
	}
	c, err := a.Engine.Undo(ctx, web.ActorOf(ctx), id)
	return c, asked(err)
}

// ask asks for the approval of a plan; hash is that of the one that was read.
func (a *area) ask(ctx context.Context, id, hash string) (c *changes.Change, err error) {
	err = a.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		read, err := a.Desk.Get(ctx, &tx.Reader, web.ActorOf(ctx), id, tx.Now())
		if err != nil {
			return err
		}
		if hash != read.Hash {
			return web.Refuse(http.StatusConflict, "other-plan", fmt.Sprintf("the plan of change %s has the SHA-256 %s, not %q; hint: read it again", id, read.Hash, hash))
		}
		c, err = a.Desk.Request(ctx, tx, web.ActorOf(ctx), id, hash)
		return err
	})
	return c, err
}

// apply begins a change, or goes on with it.
func (a *area) apply(ctx context.Context, id, hash string) (*changes.Change, error) {
	c, err := a.Engine.Apply(ctx, web.ActorOf(ctx), id, hash)
	return c, told(err)
}

// withdraw takes a change back, giveUp ends one that stopped; held says which version it
// may be.
func (a *area) withdraw(ctx context.Context, id string, held func(revision int64) error) (*changes.Change, error) {
	return a.end(ctx, id, held, a.Desk.Withdraw)
}

func (a *area) giveUp(ctx context.Context, id string, held func(revision int64) error) (*changes.Change, error) {
	return a.end(ctx, id, held, a.Desk.GiveUp)
}

func (a *area) end(ctx context.Context, id string, held func(int64) error, do func(context.Context, *store.Tx, people.Actor, string, int64) (*changes.Change, error)) (c *changes.Change, err error) {
	err = a.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		read, err := a.Desk.Get(ctx, &tx.Reader, web.ActorOf(ctx), id, tx.Now())
		if err != nil {
			return err
		}
		if err := held(read.Revision); err != nil {
			return err
		}
		c, err = do(ctx, tx, web.ActorOf(ctx), id, read.Revision)
		return err
	})
	return c, err
}

// replan plans a change anew; held says which version it may be.
func (a *area) replan(ctx context.Context, id string, held func(revision int64) error) (*changes.Change, error) {
	f, err := a.open(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := held(f.Revision); err != nil {
		return nil, err
	}
	c, err := a.Engine.Replan(ctx, web.ActorOf(ctx), id, f.Revision)
	return c, asked(err)
}

// plan plans a change.
func (a *area) plan(ctx context.Context, w Wanted) (*changes.Change, error) {
	c, err := a.Engine.Plan(ctx, web.ActorOf(ctx), w)
	return c, asked(err)
}

// find reads one more than a page, so that it shows whether there is a next one.
func (a *area) find(ctx context.Context, f changes.Filter, after string, limit int) (found []*changes.Change, err error) {
	before, err := web.ReadCursor(after, 1)
	if err != nil {
		return nil, err
	}
	if before != nil {
		f.Before = before[0]
	}
	f.Limit = limit + 1
	err = a.view(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		found, err = a.Desk.List(ctx, r, web.ActorOf(ctx), f, a.Now())
		return err
	})
	return found, err
}

// cursor is that of the list behind a change.
func cursor(c *changes.Change) string { return web.Cursor(c.ID) }
