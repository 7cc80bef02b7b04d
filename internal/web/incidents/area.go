// Package incidents is where people work at cases: pages and API. What they show and
// change is that of internal/store/incident.
package incidents

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/client"
	caseof "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Config is what the area is made of.
type Config struct {
	Store *store.Store
	Desk  *incident.Desk
	Now   func() time.Time
}

// Area is the pages and the API of cases.
func Area(c Config) (web.Area, error) {
	if c.Store == nil || c.Desk == nil || c.Now == nil {
		return web.Area{}, errors.New("incidents: a store, a desk and a clock are required")
	}
	a := &area{c}
	return web.Area{
		Name: "incidents", API: a.api,
		Topics: map[string]web.Sees{incident.Topic: a.sees},
		Nav:    []page.Link{{Text: "Cases", Path: "/incidents", Need: people.Read}},
		Problems: map[string]string{
			"case-not-now":    "The state of the case does not allow the act: it is closed already, has no owner, or waits for a review.",
			"case-took-part":  "Whoever took part in what a case is about does not close it.",
			"case-not-worded": "What was written says too little or too much, or the person cannot be given the case.",
		},
		Routes: []web.Route{
			{Method: "GET", Path: "/incidents", Need: people.Read, Handle: a.list},
			{Method: "GET", Path: "/incidents/{id}", Need: people.Read, Handle: a.detail},
			// Responders and approvers work at cases: the desk knows who may.
			{Method: "POST", Path: "/incidents/{id}/owner", Need: people.Read, Handle: a.acts("The case has an owner.", "owner", a.Desk.Assign)},
			{Method: "POST", Path: "/incidents/{id}/note", Need: people.Read, Handle: a.acts("Noted.", "text", a.Desk.Note)},
			{Method: "POST", Path: "/incidents/{id}/close", Need: people.Read, Handle: a.acts("The case is closed.", "text", a.Desk.Close)},
		},
	}, nil
}

type area struct{ Config }

// sees says whether the actor may learn that a case changed.
func (a *area) sees(ctx context.Context, r *store.Reader, actor people.Actor, id string) (bool, error) {
	_, err := a.Desk.Get(ctx, r, actor, id)
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
	for _, known := range []struct {
		err    error
		status int
		kind   string
	}{
		{caseof.ErrParty, http.StatusForbidden, "case-took-part"}, {caseof.ErrState, http.StatusConflict, "case-not-now"},
		{caseof.ErrInvalid, http.StatusUnprocessableEntity, "case-not-worded"}, {incident.ErrNotAllowed, http.StatusForbidden, "forbidden"},
	} {
		if errors.Is(err, known.err) {
			return web.Refuse(known.status, known.kind, err.Error())
		}
	}
	return err
}

// folder is everything that is known of one case.
type folder struct {
	*incident.Case
	events []*rootlog.Event // the newest first
	owners []client.RootPerson
	alerts []*alerts.Alert // of the same use, the most severe first
	works  bool            // the actor may work at it
	ready  bool            // nothing that it waits for keeps it from being closed
	names  map[string]string
}

// Bounds of what a page shows.
const (
	shownEvents = 200
	shownAlerts = 50
	mostOwners  = 500
)

// open reads a folder that the actor of the request may read.
func (a *area) open(ctx context.Context, id string) (*folder, error) {
	f := &folder{owners: []client.RootPerson{}}
	err := a.view(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		actor := web.ActorOf(ctx)
		if f.Case, err = a.Desk.Get(ctx, r, actor, id); err != nil {
			return err
		}
		sight, err := a.Desk.Sight(ctx, r, actor)
		if err != nil {
			return err
		}
		if f.events, err = rootlog.Events(ctx, r, sight, rootlog.EventFilter{Case: id, Limit: shownEvents}); err != nil {
			return err
		}
		if f.alerts, _, err = alerts.List(ctx, r, sight, alerts.Filter{Case: id}, "", shownAlerts); err != nil {
			return err
		}
		if f.works, err = a.Desk.May(ctx, r, actor, f.Case); err != nil {
			return err
		}
		f.ready = a.Desk.Ready == nil || a.Desk.Ready(ctx, r, f.Case) == nil
		if f.works && f.State == caseof.Open {
			if f.owners, err = a.owners(ctx, r, f.Case); err != nil {
				return err
			}
		}
		f.names, err = approvals.Names(ctx, r, f.persons())
		return err
	})
	return f, err
}

// owners are who could be given a case.
func (a *area) owners(ctx context.Context, r *store.Reader, c *incident.Case) ([]client.RootPerson, error) {
	out := []client.RootPerson{}
	list, err := stored.List(ctx, r, stored.Filter{State: stored.Active}, "", mostOwners)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		may, err := a.Desk.May(ctx, r, p.Person.Actor(p.Grants), c)
		if err != nil {
			return nil, err
		}
		if may {
			out = append(out, client.RootPerson{ID: p.ID, Name: p.Name})
		}
	}
	return out, nil
}

func (f *folder) persons() []string {
	out := slices.Clone(f.Parties)
	if f.Owner != "" {
		out = append(out, f.Owner)
	}
	for _, l := range f.History {
		out = append(out, l.By)
		if l.Act == caseof.Assigned {
			out = append(out, l.About)
		}
	}
	return out
}

// who is a person for a page.
func (f *folder) who(id string) string {
	if name := f.names[id]; name != "" {
		return name + " (" + id + ")"
	}
	return id
}

// Acts of a case, as the API names them.
const (
	actAssign = "assign"
	actNote   = "note"
	actClose  = "close"
)

// may lists what the actor may do with the case now.
func (f *folder) may(actor people.Actor) []string {
	out := []string{}
	if !f.works {
		return out
	}
	if f.State == caseof.Open {
		out = append(out, actAssign)
	}
	out = append(out, actNote)
	if f.State == caseof.Open && f.Owner != "" && f.ready && !slices.Contains(f.Parties, actor.ID) {
		out = append(out, actClose)
	}
	return out
}
