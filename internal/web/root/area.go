// Package root is where root users are asked for, used and accounted for: pages and API
// of tasks, requests, overrides and events. What they show and change is that of
// internal/store/access; who signs for a request does so in internal/web/approvals.
package root

import (
	"context"
	"errors"
	"net/http"
	"strings"
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
	"github.com/rootkeep/rootkeep/internal/web/page"
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
	Now    func() time.Time
}

// Area is the pages and the API of root users.
func Area(c Config) (web.Area, error) {
	if c.Store == nil || c.Desk == nil || c.Engine == nil || c.Now == nil {
		return web.Area{}, errors.New("root: a store, a desk, an engine and a clock are required")
	}
	a := &area{c}
	return web.Area{
		Name: "root", API: a.api,
		Topics:   map[string]web.Sees{stored.Topic: a.sees, stored.SecondKind: a.sees},
		Nav:      []page.Link{{Text: "Root", Path: "/root", Need: people.Read}},
		Problems: problems(), Routes: a.routes(),
	}, nil
}

// Of requests for changes each account is read first.
const (
	planTime  = 10 * time.Minute
	mostPlans = 4 // at a time
)

func (a *area) routes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/root", Need: people.Read, Handle: a.list},
		{Method: "GET", Path: "/root/new", Need: people.Request, Handle: a.compose},
		{Method: "POST", Path: "/root/new", Need: people.Request, Handle: a.submit, Time: planTime, AtOnce: mostPlans},
		{Method: "GET", Path: "/root/tasks", Need: people.Read, Handle: a.tasksPage},
		{Method: "GET", Path: "/root-events", Need: people.Read, Handle: a.eventsPage},
		{Method: "GET", Path: "/root-events/{key}", Need: people.Read, Handle: a.eventPage},
		{Method: "GET", Path: "/root-overrides", Need: people.Read, Handle: a.overrides},
		{Method: "GET", Path: "/root-overrides/{id}", Need: people.Read, Handle: a.secondPage},
		{Method: "GET", Path: "/root/{id}", Need: people.Read, Handle: a.detail},
		{Method: "GET", Path: "/root/{id}/edit", Need: people.Request, Handle: a.edit},
		{Method: "POST", Path: "/root/{id}/edit", Need: people.Request, Handle: a.change},
		{Method: "POST", Path: "/root/{id}/withdraw", Need: people.Request, Handle: a.acts("The request is withdrawn.", a.withdrawForm)},
		{Method: "POST", Path: "/root/{id}/open", Need: people.Request, Fresh: true, Handle: a.acts("The session runs.", a.openForm)},
		// Custodians answer and close too: the desk knows who takes part.
		{Method: "POST", Path: "/root/{id}/answer", Need: people.Read, Handle: a.acts("", a.answerForm)},
		{Method: "POST", Path: "/root/{id}/close", Need: people.Read, Handle: a.acts("The session is over, and all is put back. The record is to be confirmed.", a.closeForm)},
		{Method: "POST", Path: "/root/{id}/confirm", Need: people.Read, Handle: a.acts("The record is confirmed, and in the ledger.", a.confirmForm)},
		{Method: "GET", Path: "/root/{id}/override", Need: people.Request, Handle: a.overridePage},
		{Method: "POST", Path: "/root/{id}/override", Need: people.Request, Handle: a.issueOverride},
		{Method: "GET", Path: "/root/{id}/override/statement", Need: people.Request, Handle: a.overrideStatement},
		{Method: "POST", Path: "/root/{id}/review", Need: people.Approve, Fresh: true, Handle: a.acts("The override is reviewed.", a.reviewForm)},
	}
}

// problems says what the area's own kinds of problems mean.
func problems() map[string]string {
	return map[string]string{
		"root-not-needed":    "The task needs no root user of that holder, or must not be done as root. The detail says what to do instead.",
		"cannot-be-asked":    "What the task requires of a request does not hold. The detail says what.",
		"root-not-now":       "The state of the request, or the time, does not allow the act. Read it again.",
		"items-unanswered":   "Items of the checklist wait for an answer. The detail names them.",
		"cannot-hold":        "The custodian cannot be one, or cannot be one any more. The detail says why.",
		"root-overlap":       "Somebody else signs in to this root user at that time. The detail names the request.",
		"events-may-come":    "Events of the session may still arrive: read the record again later.",
		"root-not-proven":    "The signatures by which the request goes on do not hold.",
		"root-change-failed": "A change that the request is for could not be planned. The detail says why.",
	}
}

type area struct{ Config }

// sees says whether the actor may learn that something about root users changed: a
// request, an event, a session, or what is proven of logs.
func (a *area) sees(ctx context.Context, r *store.Reader, actor people.Actor, ref string) (bool, error) {
	var err error
	switch {
	case strings.HasPrefix(ref, access.Prefix+"-"), strings.HasPrefix(ref, "RO-"):
		_, err = a.Desk.Desk.Get(ctx, r, actor, ref, a.Now())
	case strings.HasPrefix(ref, "RU-"):
		sight, of := a.Desk.EventSight(ctx, r, actor)
		if of != nil {
			return false, of
		}
		_, err = rootlog.EventOf(ctx, r, sight, ref)
	default:
		return actor.May(people.Read, people.Place{}), nil
	}
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// view reads the store; update and touch change it, touch what the ledger does not tell.
func (a *area) view(ctx context.Context, read func(context.Context, *store.Reader) error) error {
	return told(a.Store.View(ctx, read))
}

func (a *area) update(ctx context.Context, change func(context.Context, *store.Tx) error) error {
	return told(a.Store.Update(ctx, change))
}

func (a *area) touch(ctx context.Context, change func(context.Context, *store.Tx) error) error {
	return told(a.Store.Touch(ctx, change))
}

// told makes errors that a person can do something about refusals with their text.
func told(err error) error {
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
