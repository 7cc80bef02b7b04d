// Package changes shows changes of accounts in the console, and is their API.
package changes

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Config is what the area is made of.
type Config struct {
	Store  *store.Store
	Desk   *changes.Desk
	Engine Engine
	Now    func() time.Time
}

// Area is the pages and the API of changes.
func Area(c Config) (web.Area, error) {
	if c.Store == nil || c.Desk == nil || c.Engine == nil || c.Now == nil {
		return web.Area{}, errors.New("changes: a store, a desk, an engine and a clock are required")
	}
	a := &area{c}
	return web.Area{
		Name: "changes", API: a.api,
		Topics:   map[string]web.Sees{approval.ChangeKind: a.sees},
		Nav:      []page.Link{{Text: "Changes", Path: "/changes", Need: people.Read}},
		Problems: problems(), Routes: a.routes(),
	}, nil
}

func (a *area) routes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/changes", Need: people.Read, Handle: a.list},
		{Method: "GET", Path: "/changes/new", Need: people.Request, Handle: a.compose},
		{Method: "POST", Path: "/changes/new", Need: people.Request, Handle: a.submit, Time: batchTime, AtOnce: mostPlans},
		{Method: "GET", Path: "/changes/kinds", Need: people.Read, Handle: a.kindsPage},
		{Method: "GET", Path: "/changes/kinds/{kind}", Need: people.Read, Handle: a.kindPage},
		{Method: "GET", Path: "/changes/{id}", Need: people.Read, Handle: a.detail},
		{Method: "POST", Path: "/changes/{id}/request", Need: people.Request, Handle: a.acts("Others are asked to approve it.", a.askForm)},
		{Method: "POST", Path: "/changes/{id}/apply", Need: people.Apply, Fresh: true, Handle: a.acts("It has begun.", a.applyForm)},
		{Method: "POST", Path: "/changes/{id}/undo", Need: people.Request, Handle: a.acts("The undo is planned. It has to be approved as any change.", a.undoForm), Time: planTime, AtOnce: mostPlans},
		{Method: "POST", Path: "/changes/{id}/replan", Need: people.Request, Handle: a.acts("The account was read again, and the change is planned anew: read the plan.", a.replanForm), Time: planTime, AtOnce: mostPlans},
		{Method: "POST", Path: "/changes/{id}/withdraw", Need: people.Request, Handle: a.acts("The change is withdrawn.", a.withdrawForm)},
		{Method: "POST", Path: "/changes/{id}/give-up", Need: people.Apply, Fresh: true, Handle: a.acts("The change is given up.", a.giveUpForm)},
		{Method: "GET", Path: "/changes/batches", Need: people.Read, Handle: a.batches},
		{Method: "GET", Path: "/changes/batches/{id}", Need: people.Read, Handle: a.batchPage},
		{Method: "POST", Path: "/changes/batches/{id}/request", Need: people.Request, Handle: a.batchActs("Others are asked to approve its changes.", a.askBatch)},
		{Method: "POST", Path: "/changes/batches/{id}/apply", Need: people.Apply, Fresh: true, Handle: a.batchActs("The batch is applied, one change after the other.", a.applyBatch)},
		{Method: "POST", Path: "/changes/batches/{id}/release", Need: people.Apply, Fresh: true, Handle: a.batchActs("The batch can go on: apply it.", a.release)},
		{Method: "POST", Path: "/changes/batches/{id}/undo", Need: people.Request, Handle: a.batchActs("The undo is planned, the last change first. Its changes have to be approved as any.", a.undoWhole), Time: batchTime, AtOnce: mostBatch},
	}
}

// problems says what the area's own kinds of problems mean.
func problems() map[string]string {
	return map[string]string{
		"change-refused":    "What the kind of change requires does not hold. The errors have every reason.",
		"nothing-to-change": "The account is as it should be already: there is nothing to change, or nothing was changed that could be undone.",
		"cannot-be-undone":  "What the change did cannot be undone, or a person does it by hand.",
		"kind-changed":      "The change was planned by another version of its kind. Plan it again.",
		"not-in-this-state": "The state of the change, or of the batch, does not allow the act. Read it again.",
		"other-plan":        "The SHA-256 is not that of the plan that is to be asked for or applied. Read the plan again.",
		"not-approved":      "Too few people, or not the right ones, signed this very plan.",
		"resource-held":     "Another change works at the same resource. The detail names it.",
		"batch-halted":      "The batch halted, or the change waits for another one of it.",
		"applied-elsewhere": "Somebody else goes on with the change now.",
		"aws-refused":       "AWS refused a call that only reads. The detail names the call and AWS's code.",
		"aws-unreachable":   "AWS did not answer, or the server has no credentials to ask it with.",
	}
}

type area struct{ Config }

// sees says whether the actor may learn that a change moved on.
func (a *area) sees(ctx context.Context, r *store.Reader, actor people.Actor, id string) (bool, error) {
	_, err := a.Desk.Get(ctx, r, actor, id, a.Now())
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// view reads the store; update changes it.
func (a *area) view(ctx context.Context, read func(context.Context, *store.Reader) error) error {
	return told(a.Store.View(ctx, read))
}

func (a *area) update(ctx context.Context, change func(context.Context, *store.Tx) error) error {
	return told(a.Store.Update(ctx, change))
}

// told makes errors that a person can do something about refusals with their text.
func told(err error) error {
	var refused *change.Refused
	var aws *change.Refusal
	var held *changes.Held
	refuse := func(status int, kind string) error { return web.Refuse(status, kind, err.Error()) }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		r := web.Refuse(http.StatusUnprocessableEntity, "change-refused", err.Error())
		for _, reason := range refused.Reasons {
			r.Errors = append(r.Errors, client.Fault{Message: reason})
		}
		return r
	case errors.As(err, &aws):
		return refuse(http.StatusBadGateway, "aws-refused")
	case errors.As(err, &held):
		return refuse(http.StatusConflict, "resource-held")
	}
	for _, known := range []struct {
		err    error
		status int
		kind   string
	}{
		{change.ErrNothing, http.StatusConflict, "nothing-to-change"}, {change.ErrFinal, http.StatusConflict, "cannot-be-undone"},
		{changes.ErrUnapproved, http.StatusForbidden, "not-approved"}, {changes.ErrHash, http.StatusConflict, "other-plan"},
		{changes.ErrHalted, http.StatusConflict, "batch-halted"}, {changes.ErrLost, http.StatusConflict, "applied-elsewhere"},
		{changes.ErrState, http.StatusConflict, "not-in-this-state"},
	} {
		if errors.Is(err, known.err) {
			return refuse(known.status, known.kind)
		}
	}
	return approvals.Told(err)
}

// Asked is told of what AWS was asked for: a network in the way is not the server's fault.
// The text of its error is for the log, and for whoever plans.
func Asked(err error) error {
	var network *url.Error // of HTTP, which no database speaks
	if errors.Is(err, ErrAWS) || errors.As(err, &network) {
		return web.Refuse(http.StatusBadGateway, "aws-unreachable", err.Error())
	}
	return told(err)
}

// kind finds a kind of change, nil if there is none.
func (a *area) kind(id string) *change.Kind {
	for _, k := range a.Engine.Kinds() {
		if k.ID == id {
			return k
		}
	}
	return nil
}
