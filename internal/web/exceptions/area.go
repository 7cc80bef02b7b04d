// Package exceptions is where exceptions to controls are asked for and approved: pages
// and API. What they show and change is that of internal/store/exceptions.
package exceptions

import (
	"context"
	"errors"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Config is what the area is made of.
type Config struct {
	Store    *store.Store
	Desk     *exceptions.Desk
	Now      func() time.Time
	Controls []exceptions.Control // for the form, in its order
}

// Area is the pages and the API of exceptions.
func Area(c Config) (web.Area, error) {
	if c.Store == nil || c.Desk == nil || c.Now == nil {
		return web.Area{}, errors.New("exceptions: a store, a desk and a clock are required")
	}
	a := &area{c}
	return web.Area{
		Name: "exceptions", API: a.api,
		Topics: map[string]web.Sees{"exception": a.sees},
		Nav:    []page.Link{{Text: "Exceptions", Path: "/exceptions", Need: people.Read}},
		Routes: []web.Route{
			{Method: "GET", Path: "/exceptions", Need: people.Read, Handle: a.list},
			{Method: "GET", Path: "/exceptions/new", Need: people.Request, Handle: a.ask},
			{Method: "POST", Path: "/exceptions/new", Need: people.Request, Handle: a.submit},
			{Method: "GET", Path: "/exceptions/{id}", Need: people.Read, Handle: a.detail},
			{Method: "GET", Path: "/exceptions/{id}/edit", Need: people.Request, Handle: a.edit},
			{Method: "POST", Path: "/exceptions/{id}/edit", Need: people.Request, Handle: a.change},
			{Method: "POST", Path: "/exceptions/{id}/withdraw", Need: people.Request, Handle: a.withdraw},
		},
	}, nil
}

type area struct{ Config }

// sees says whether the actor may learn that an exception changed.
func (a *area) sees(ctx context.Context, r *store.Reader, actor people.Actor, id string) (bool, error) {
	_, err := a.Desk.Get(ctx, r, actor, id, a.Now())
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// view reads the store; update changes it.
func (a *area) view(ctx context.Context, read func(context.Context, *store.Reader) error) error {
	return approvals.Told(a.Store.View(ctx, read))
}

func (a *area) update(ctx context.Context, change func(context.Context, *store.Tx) error) error {
	return approvals.Told(a.Store.Update(ctx, change))
}

// folder is everything that is known of one exception.
type folder struct {
	*exceptions.Exception
	request *approvals.Folder
}

// open reads a folder that the actor may read.
func (a *area) open(ctx context.Context, id string) (*folder, error) {
	var f folder
	err := a.view(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		if f.Exception, err = a.Desk.Get(ctx, r, web.ActorOf(ctx), id, a.Now()); err != nil {
			return err
		}
		f.request, err = approvals.Open(ctx, r, a.Desk.Desk, web.ActorOf(ctx), id, a.Now())
		return err
	})
	return &f, err
}
