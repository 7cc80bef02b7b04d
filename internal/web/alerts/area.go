// Package alerts is where people work at alerts and suppressions: the inbox, the page of an
// alert with its story, and the API. What it shows and changes is that of
// internal/store/alerts.
package alerts

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Config is what the area is made of.
type Config struct {
	Store *store.Store
	Desk  *alerts.Desk
	Now   func() time.Time
}

// Area is the pages and the API of alerts.
func Area(c Config) (web.Area, error) {
	if c.Store == nil || c.Desk == nil || c.Now == nil {
		return web.Area{}, errors.New("alerts: a store, a desk and a clock are required")
	}
	a := &area{c}
	return web.Area{
		Name: "alerts", API: a.api, Routes: a.routes(), Metrics: metrics{c.Store},
		Nav:    []page.Link{{Text: "Alerts", Path: "/alerts", Need: people.Read}},
		Topics: map[string]web.Sees{alerts.Topic: a.sees, alerts.SuppressionTopic: a.seesSuppression},
		Problems: map[string]string{
			"alert-not-now":        "The state of the alert, or of the suppression, does not allow the act.",
			"alert-not-worded":     "What was written says too little or too much, a time lies too far off, or nobody active has the ID.",
			"alert-never-silenced": "Alerts on root users and on what watches are never suppressed.",
		},
	}, nil
}

type area struct{ Config }

func (a *area) routes() []web.Route {
	out := []web.Route{
		{Method: "GET", Path: "/alerts", Need: people.Read, Handle: a.inbox},
		{Method: "GET", Path: "/alerts/{id}", Need: people.Read, Handle: a.story},
		{Method: "GET", Path: "/suppressions", Need: people.Read, Handle: a.suppressions},
		{Method: "POST", Path: "/alerts/{id}/suppress", Need: people.Operate, Handle: a.suppressForm},
		{Method: "POST", Path: "/suppressions/{id}/end", Need: people.Operate, Handle: a.unsuppressForm},
	}
	for _, f := range a.forms() {
		out = append(out, web.Route{Method: "POST", Path: "/alerts/{id}/" + f.act, Need: people.Operate, Handle: a.acts(f)})
	}
	return out
}

// sees says whether the actor may learn that an alert changed.
func (a *area) sees(ctx context.Context, r *store.Reader, actor people.Actor, id string) (bool, error) {
	_, err := a.Desk.Get(ctx, r, actor, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (a *area) seesSuppression(_ context.Context, _ *store.Reader, actor people.Actor, _ string) (bool, error) {
	return actor.MayAnywhere(people.Read), nil
}

// view reads the store with what the actor of the request may see of alerts.
func (a *area) view(ctx context.Context, read func(context.Context, *store.Reader, sight.Sight) error) error {
	return told(a.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		s, err := alerts.SightOf(ctx, r, web.ActorOf(ctx))
		if err != nil {
			return err
		}
		return read(ctx, r, s)
	}))
}

// told makes errors that a person can do something about refusals with their text.
func told(err error) error {
	for _, known := range []struct {
		err    error
		status int
		kind   string
	}{
		{alert.ErrGuarded, http.StatusForbidden, "alert-never-silenced"}, {alerts.ErrNotAllowed, http.StatusForbidden, "forbidden"},
		{alert.ErrState, http.StatusConflict, "alert-not-now"}, {alert.ErrInvalid, http.StatusUnprocessableEntity, "alert-not-worded"},
		{alerts.ErrCursor, http.StatusUnprocessableEntity, "invalid"},
	} {
		if errors.Is(err, known.err) {
			return web.Refuse(known.status, known.kind, err.Error())
		}
	}
	return err
}

// folder is everything that is known of one alert.
type folder struct {
	*alerts.Alert
	events []*rootlog.Event // of a root user, the newest first
	owners []client.RootPerson
	works  bool // the actor may work at it
}

// Bounds of what is shown with an alert.
const (
	shownEvents = 200
	mostOwners  = 500
)

// open reads an alert that the actor of the request may read.
func (a *area) open(ctx context.Context, id string) (*folder, error) {
	f := &folder{owners: []client.RootPerson{}}
	err := a.view(ctx, func(ctx context.Context, r *store.Reader, s sight.Sight) (err error) {
		if f.Alert, err = alerts.ByID(ctx, r, s, id); err != nil {
			return err
		}
		if f.works, err = alerts.May(ctx, r, web.ActorOf(ctx), f.Found.Account); err != nil {
			return err
		}
		if f.works && f.State != alert.Closed {
			if f.owners, err = owners(ctx, r, f.Found.Account); err != nil {
				return err
			}
		}
		if alert.OfRoot(&f.Found) && f.Found.Account != "" {
			f.events, err = rootlog.Events(ctx, r, sight.Of([]rootkeep.AccountID{f.Found.Account}), rootlog.EventFilter{
				Account: f.Found.Account, Since: f.Found.First, Until: f.Found.Last.Add(time.Microsecond), Limit: shownEvents,
			})
		}
		return err
	})
	return f, err
}

// owners are who could be given an alert of an account.
func owners(ctx context.Context, r *store.Reader, account rootkeep.AccountID) ([]client.RootPerson, error) {
	out := []client.RootPerson{}
	list, err := stored.List(ctx, r, stored.Filter{State: stored.Active}, "", mostOwners)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		may, err := alerts.May(ctx, r, p.Person.Actor(p.Grants), account)
		if err != nil {
			return nil, err
		}
		if may {
			out = append(out, client.RootPerson{ID: p.ID, Name: p.Name})
		}
	}
	return out, nil
}

// may lists what the actor may do with the alert now.
func (f *folder) may() []string {
	switch {
	case !f.works:
		return []string{}
	case f.State == alert.Closed:
		return []string{"reopen", "tag"}
	}
	out := []string{"acknowledge", "assign", "snooze", "close", "reopen", "tag"}
	return slices.DeleteFunc(out, func(act string) bool {
		return act == "reopen" && f.State == alert.New || act == "acknowledge" && f.State == alert.Acknowledged
	})
}
