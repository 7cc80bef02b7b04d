// Package jobs is the area of the server's own work: what runs, what waits, what died,
// and the schedules that make it.
package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Kind is a kind of jobs that people may ask for.
type Kind struct {
	Name    string
	Title   string // what it does, for a button
	Example string // a payload to begin from; empty if the kind takes none
	// Choices are inputs from which the payload of a form is made, each with the name of
	// its member; nil has people type it.
	Choices func(context.Context, *store.Reader) ([]page.Input, error)
	// Check says what is wrong with a payload; nil takes {} only.
	Check func(payload []byte) error
}

// Config is what the area is made of.
type Config struct {
	Store *store.Store
	Kinds []Kind
	Wake  func() // called when a job was asked for; nil if no job runs in this process
}

type area struct{ Config }

// Area gives the routes.
func Area(c Config) web.Area {
	a := &area{c}
	return web.Area{
		Name: "jobs",
		Nav:  []page.Link{{Path: "/jobs", Text: "Jobs", Need: people.Operate}},
		Routes: []web.Route{
			{Method: "GET", Path: "/jobs", Need: people.Operate, Handle: a.list},
			{Method: "POST", Path: "/jobs", Need: people.Operate, Handle: a.ask},
			{Method: "GET", Path: "/jobs/{id}", Need: people.Operate, Handle: a.show},
			{Method: "POST", Path: "/jobs/{id}/retry", Need: people.Operate, Handle: a.retry},
			{Method: "GET", Path: "/schedules", Need: people.Operate, Handle: a.schedules},
			{Method: "GET", Path: "/schedules/{id}", Need: people.ManageSettings, Handle: a.schedule},
			{Method: "POST", Path: "/schedules", Need: people.ManageSettings, Fresh: true, Handle: a.setSchedule},
			{Method: "POST", Path: "/schedules/{id}/remove", Need: people.ManageSettings, Fresh: true, Handle: a.removeSchedule},
		},
		API: a.register,
	}
}

// everywhere refuses an actor whose role holds in a part of the organization only: a job
// reads all of it.
func everywhere(ctx context.Context, p people.Permission) error {
	if !web.ActorOf(ctx).May(p, people.Place{}) {
		return web.Refuse(http.StatusForbidden, "forbidden", "this needs the permission "+string(p)+" on the whole organization")
	}
	return nil
}

const mostPayload = 64 << 10 // bytes

// check says what is wrong with a job that somebody asks for.
func (a *area) check(kind string, payload []byte) error {
	i := slices.IndexFunc(a.Kinds, func(k Kind) bool { return k.Name == kind })
	var object map[string]json.RawMessage
	switch {
	case i < 0:
		return fmt.Errorf("kind %q: nobody may ask for it", kind)
	case len(payload) > mostPayload:
		return fmt.Errorf("payload: %d bytes, at most %d", len(payload), mostPayload)
	case json.Unmarshal(payload, &object) != nil || object == nil:
		return errors.New("payload: want a JSON object")
	case a.Kinds[i].Check == nil && len(object) > 0:
		return errors.New("payload: this kind takes none")
	case a.Kinds[i].Check != nil:
		return a.Kinds[i].Check(payload)
	}
	return nil
}

// start keeps a job that somebody asks for.
func (a *area) start(ctx context.Context, kind string, payload []byte) (*job.Job, error) {
	if err := everywhere(ctx, people.Operate); err != nil {
		return nil, err
	}
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	if err := a.check(kind, payload); err != nil {
		return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
	}
	var out *job.Job
	err := a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		out, err = jobs.Ask(ctx, tx, web.ActorOf(ctx).ID, job.Job{Kind: kind, Payload: payload})
		return err
	})
	a.wake(err)
	return out, err
}

func (a *area) again(ctx context.Context, id string) error {
	if err := everywhere(ctx, people.Operate); err != nil {
		return err
	}
	err := a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		return jobs.Retry(ctx, tx, web.ActorOf(ctx).ID, id)
	})
	a.wake(err)
	return err
}

func (a *area) wake(err error) {
	if err == nil && a.Wake != nil {
		a.Wake()
	}
}

// read gives one page of jobs with one more, which says that there is a next page.
func (a *area) read(ctx context.Context, f jobs.Filter) ([]*job.Job, error) {
	if err := everywhere(ctx, people.Operate); err != nil {
		return nil, err
	}
	f.Limit++
	var out []*job.Job
	err := a.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		out, err = jobs.List(ctx, r, f)
		return err
	})
	return out, err
}

func (a *area) get(ctx context.Context, id string) (*job.Job, error) {
	if err := everywhere(ctx, people.Operate); err != nil {
		return nil, err
	}
	var out *job.Job
	err := a.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		out, err = jobs.Get(ctx, r, id)
		return err
	})
	return out, err
}

func (a *area) allSchedules(ctx context.Context) ([]*job.Schedule, error) {
	if err := everywhere(ctx, people.Operate); err != nil {
		return nil, err
	}
	var out []*job.Schedule
	err := a.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		out, err = jobs.Schedules(ctx, r)
		return err
	})
	return out, err
}

func (a *area) readSchedule(ctx context.Context, id string) (*job.Schedule, error) {
	if err := everywhere(ctx, people.Operate); err != nil {
		return nil, err
	}
	var out *job.Schedule
	err := a.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		out, err = jobs.Schedule(ctx, r, id)
		return err
	})
	return out, err
}

// keepSchedule makes a schedule, or changes the version that was read.
func (a *area) keepSchedule(ctx context.Context, s job.Schedule) error {
	if err := everywhere(ctx, people.ManageSettings); err != nil {
		return err
	}
	if len(s.Payload) == 0 {
		s.Payload = []byte("{}")
	}
	err := s.Check()
	if err == nil {
		err = a.check(s.Kind, s.Payload)
	}
	if err != nil {
		return web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
	}
	err = a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		return jobs.SetSchedule(ctx, tx, web.ActorOf(ctx).ID, s)
	})
	a.wake(err)
	return err
}

func (a *area) dropSchedule(ctx context.Context, id string) error {
	if err := everywhere(ctx, people.ManageSettings); err != nil {
		return err
	}
	return a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		return jobs.RemoveSchedule(ctx, tx, web.ActorOf(ctx).ID, id)
	})
}
