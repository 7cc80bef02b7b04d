// Package hunts is the area of what hunts found: hunts, each event of a root user, sign-ins
// and where they came from. It takes hunts that are sent; it does not hunt. Their alerts are
// in internal/web/alerts.
package hunts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Config is what the area is made of.
type Config struct {
	Store *store.Store
	Now   func() time.Time
}

type area struct{ Config }

// atOnce is how many hunts are taken at a time: each may need a few hundred megabytes.
const atOnce = 2

// Area gives the routes.
func Area(c Config) web.Area {
	a := &area{c}
	read := func(path string, handle web.Handler) web.Route {
		return web.Route{Method: "GET", Path: path, Need: people.Read, Handle: handle}
	}
	return web.Area{
		Name: "hunts",
		Nav: []page.Link{
			{Path: "/root-uses", Text: "Root uses", Need: people.Read},
			{Path: "/sign-ins", Text: "Sign-ins", Need: people.Read}, {Path: "/hunts", Text: "Hunts", Need: people.Read},
		},
		Routes: []web.Route{
			read("/hunts", a.list), read("/hunts/{id}", a.show),
			read("/root-uses", a.uses), read("/root-uses/{id}", a.use),
			read("/sign-ins", a.signIns),
		},
		API:    a.register,
		Topics: map[string]web.Sees{"hunt": seesHunt},
	}
}

func seesHunt(ctx context.Context, r *store.Reader, actor people.Actor, ref string) (bool, error) {
	return sees(ctx, r, actor, func(s hunts.Sight) error {
		_, err := hunts.ByID(ctx, r, s, ref)
		return err
	})
}

func sees(ctx context.Context, r *store.Reader, actor people.Actor, read func(hunts.Sight) error) (bool, error) {
	s, err := hunts.SightOf(ctx, r, actor)
	if err == nil {
		err = read(s)
	}
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// view reads with what the actor of the request may see.
func (a *area) view(ctx context.Context, read func(context.Context, *store.Reader, hunts.Sight) error) error {
	err := a.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		s, err := hunts.SightOf(ctx, r, web.ActorOf(ctx))
		if err != nil {
			return err
		}
		return read(ctx, r, s)
	})
	return told(err)
}

// told makes errors of the store whose text a client may see into refusals.
func told(err error) error {
	if errors.Is(err, hunts.ErrUnfit) || errors.Is(err, hunts.ErrCursor) {
		return web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
	}
	return err
}

// mayOperate refuses an actor who may not act for one of the accounts. What they may not
// even see they are not told of.
func mayOperate(ctx context.Context, r *store.Reader, actor people.Actor, accounts ...rootkeep.AccountID) error {
	if actor.May(people.Operate, people.Place{}) {
		return nil
	}
	for _, id := range accounts {
		at := people.Place{}
		if id != "" {
			var err error
			if at, err = posture.PlaceOf(ctx, r, id); err != nil {
				return err
			}
		}
		if !actor.May(people.Operate, at) {
			return web.Refuse(http.StatusForbidden, "forbidden", fmt.Sprintf("this needs the permission %s for account %s", people.Operate, rootkeepAccount(id)))
		}
	}
	return nil
}

func rootkeepAccount(id rootkeep.AccountID) string {
	if id == "" {
		return "(none named)"
	}
	return string(id)
}
