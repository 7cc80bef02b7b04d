package changes

import (
	"context"
	"errors"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store/changes"
)

// Wanted is a change that somebody wants planned.
type Wanted struct {
	Kind       string
	Account    rootkeep.AccountID
	Region     string // "" is the home Region of the settings
	Parameters map[string]any
	For        string // ID of the request for root that it will be named by, "" for what writes nothing as root
}

// ErrAWS is that AWS cannot be asked at all, such as without credentials. Its text is
// for whoever plans.
var ErrAWS = errors.New("AWS cannot be asked")

// Engine plans changes from the state of accounts and has them applied. What the actor
// may do is checked by the store's desk. Beside the desk's errors there are
// *change.Refused, change.ErrNothing, change.ErrFinal, ErrAWS and *change.Refusal, which
// is AWS's.
type Engine interface {
	Planner
	Applier
}

// Planner plans. It changes nothing.
type Planner interface {
	Kinds() []*change.Kind // by ID
	Plan(ctx context.Context, actor people.Actor, w Wanted) (*changes.Change, error)
	// PlanBatch plans changes that are applied in their order, the first ones, so many, as
	// canaries.
	PlanBatch(ctx context.Context, actor people.Actor, about string, list []Wanted, canaries int) (*changes.Batch, []*changes.Change, error)
	// Replan plans a change anew that has the revision: under its own ID while it is
	// planned or requested, under another one if it was refused or expired.
	Replan(ctx context.Context, actor people.Actor, id string, revision int64) (*changes.Change, error)
	// Undo plans how a change is undone, and UndoBatch how those of a batch are, without
	// some, the last one first: what stands in the way of one is a *change.Refused.
	Undo(ctx context.Context, actor people.Actor, id string) (*changes.Change, error)
	UndoBatch(ctx context.Context, actor people.Actor, id string, without []string) (*changes.Batch, []*changes.Change, error)
}

// Applier has changes applied, by jobs.
type Applier interface {
	// Apply begins a change that was approved, or goes on with one that stopped. It is
	// done by a job; hash is that of the plan that the actor has read.
	Apply(ctx context.Context, actor people.Actor, id, hash string) (*changes.Change, error)
	// ApplyBatch has a batch applied, one change after the other, until one of them does
	// not end applied, or is not approved.
	ApplyBatch(ctx context.Context, actor people.Actor, id string) (*changes.Batch, error)
}
