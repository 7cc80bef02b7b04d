// Package ask is where root is asked for: the task first, with the way without root, then
// what a request takes, and the request itself. What becomes of it is shown by package root
// above.
package ask

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	requests "github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
)

// Engine plans the changes that a request is for. It changes nothing. Its errors that are
// no *web.Refusal are those of a server that failed.
type Engine interface {
	Kinds() []*change.Kind // by ID
	// PlanFor reads the account and plans a change that belongs to a request, which need
	// not be there yet.
	PlanFor(ctx context.Context, actor people.Actor, request string, account rootkeep.AccountID, kind string, parameters map[string]any) (access.Change, error)
}

// Config is what the area is made of.
type Config struct {
	Store  *store.Store
	Desk   *stored.Desk
	Tasks  []*access.Task // by ID
	Engine Engine
	// Holder says what the newest scan makes of an account; nil: no scans are known.
	Holder func(ctx context.Context, r *store.Reader, account rootkeep.AccountID) (Holding, error)
	Now    func() time.Time
}

// New gives the routes and the operations.
func New(c Config) ([]web.Route, func(*web.API), error) {
	if c.Store == nil || c.Desk == nil || c.Engine == nil || c.Now == nil {
		return nil, nil, errors.New("root: a store, a desk, an engine and a clock are required")
	}
	a := &area{c}
	return []web.Route{
		{Method: "GET", Path: "/root/new", Need: people.Request, Handle: a.compose},
		{Method: "POST", Path: "/root/new", Need: people.Request, Handle: a.submit, Time: planTime, AtOnce: mostPlans},
		{Method: "GET", Path: "/root/tasks", Need: people.Read, Handle: a.tasksPage},
		{Method: "GET", Path: "/root/{id}/edit", Need: people.Request, Handle: a.edit},
		{Method: "POST", Path: "/root/{id}/edit", Need: people.Request, Handle: a.change},
	}, a.api, nil
}

// Of requests for changes each account is read first.
const (
	planTime  = 10 * time.Minute
	mostPlans = 4 // at a time
)

type area struct{ Config }

// view reads the store; update changes it.
func (a *area) view(ctx context.Context, read func(context.Context, *store.Reader) error) error {
	return Told(a.Store.View(ctx, read))
}

func (a *area) update(ctx context.Context, change func(context.Context, *store.Tx) error) error {
	return Told(a.Store.Update(ctx, change))
}

// Told makes errors that a person can do something about refusals with their text.
func Told(err error) error {
	for _, known := range []struct {
		err    error
		status int
		kind   string
	}{
		{stored.ErrUnanswered, http.StatusConflict, "items-unanswered"}, {stored.ErrCustodian, http.StatusUnprocessableEntity, "cannot-hold"},
		{stored.ErrOverlap, http.StatusConflict, "root-overlap"}, {stored.ErrPending, http.StatusConflict, "events-may-come"},
		{stored.ErrState, http.StatusConflict, "root-not-now"}, {requests.ErrUnproven, http.StatusConflict, "root-not-proven"},
		{rootlog.ErrPlace, http.StatusUnprocessableEntity, "invalid"},
	} {
		if errors.Is(err, known.err) {
			return web.Refuse(known.status, known.kind, err.Error())
		}
	}
	return approvals.Told(err)
}
