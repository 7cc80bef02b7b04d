// Package root is where root users are asked for, used and accounted for: pages and API
// of tasks, requests, overrides and events. What they show and change is that of
// internal/store/access; who signs for a request does so in internal/web/approvals.
package root

import (
	"context"
	"errors"
	"strings"

	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/root/ask"
)

// Config is what the area is made of.
type Config = ask.Config

// Area is the pages and the API of root users.
func Area(c Config) (web.Area, error) {
	routes, asking, err := ask.New(c)
	if err != nil {
		return web.Area{}, err
	}
	a := &area{c}
	return web.Area{
		Name: "root", API: func(api *web.API) { asking(api); a.api(api) },
		Topics:   map[string]web.Sees{stored.Topic: a.sees, stored.SecondKind: a.sees},
		Nav:      []page.Link{{Text: "Root", Path: "/root", Need: people.Read}},
		Problems: problems(), Routes: append(routes, a.routes()...),
	}, nil
}

func (a *area) routes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/root", Need: people.Read, Handle: a.list},
		{Method: "GET", Path: "/root-events", Need: people.Read, Handle: a.eventsPage},
		{Method: "GET", Path: "/root-events/{key}", Need: people.Read, Handle: a.eventPage},
		{Method: "GET", Path: "/root-overrides", Need: people.Read, Handle: a.overrides},
		{Method: "GET", Path: "/root-overrides/{id}", Need: people.Read, Handle: a.secondPage},
		{Method: "GET", Path: "/root/{id}", Need: people.Read, Handle: a.detail},
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
	return ask.Told(a.Store.View(ctx, read))
}

func (a *area) update(ctx context.Context, change func(context.Context, *store.Tx) error) error {
	return ask.Told(a.Store.Update(ctx, change))
}

func (a *area) touch(ctx context.Context, change func(context.Context, *store.Tx) error) error {
	return ask.Told(a.Store.Touch(ctx, change))
}
