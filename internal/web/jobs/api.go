package jobs

import (
	"context"
	"net/http"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/web"
)

type listIn struct {
	web.Paging
	Kind  string `query:"kind" maxLength:"60" doc:"Only jobs of this kind"`
	State string `query:"state" enum:"waiting,running,done,dead" doc:"Only jobs in this state"`
}

type jobOut struct{ Body client.Job }

type idIn struct {
	ID string `path:"id" maxLength:"60" doc:"ID"`
}

type scheduleIn struct {
	ID      string `path:"id" maxLength:"60" doc:"ID"`
	IfMatch string `header:"If-Match" doc:"ETag of the version that is changed; none makes a new schedule"`
	Body    client.Schedule
}

type scheduleOut struct {
	ETag string `header:"ETag"`
	Body client.Schedule
}

func (a *area) register(api *web.API) {
	web.Register(api, web.Operation{ID: "list-jobs", Method: "GET", Path: "/jobs", Tag: "jobs", Need: people.Operate, Summary: "List jobs, the newest first"}, a.apiList)
	web.Register(api, web.Operation{ID: "get-job", Method: "GET", Path: "/jobs/{id}", Tag: "jobs", Need: people.Operate, Summary: "Read a job"}, a.apiGet)
	web.Register(api, web.Operation{ID: "ask-job", Method: "POST", Path: "/jobs", Tag: "jobs", Need: people.Operate, Status: http.StatusAccepted, Summary: "Ask for a job"}, a.apiAsk)
	web.Register(api, web.Operation{ID: "retry-job", Method: "POST", Path: "/jobs/{id}/retry", Tag: "jobs", Need: people.Operate, Summary: "Have a dead job tried again"}, a.apiRetry)
	web.Register(api, web.Operation{ID: "list-schedules", Method: "GET", Path: "/schedules", Tag: "jobs", Need: people.Operate, Summary: "List schedules"}, a.apiSchedules)
	web.Register(api, web.Operation{ID: "get-schedule", Method: "GET", Path: "/schedules/{id}", Tag: "jobs", Need: people.Operate, Summary: "Read a schedule"}, a.apiSchedule)
	web.Register(api, web.Operation{ID: "set-schedule", Method: "PUT", Path: "/schedules/{id}", Tag: "jobs", Need: people.ManageSettings, Fresh: true, Summary: "Make or change a schedule"}, a.apiSetSchedule)
	web.Register(api, web.Operation{ID: "remove-schedule", Method: "DELETE", Path: "/schedules/{id}", Tag: "jobs", Need: people.ManageSettings, Fresh: true, Summary: "Remove a schedule"}, a.apiRemoveSchedule)
}

func wire(j *job.Job) client.Job {
	return client.Job{
		ID: j.ID, Kind: j.Kind, State: string(j.State), Payload: j.Payload, Progress: j.Progress, Error: j.Error, Attempt: j.Attempt,
		RunAt: j.RunAt, Created: j.Created, Started: j.Started, Ended: j.Ended, Schedule: j.Schedule,
	}
}

func wireSchedule(s *job.Schedule) client.Schedule {
	return client.Schedule{ID: s.ID, Kind: s.Kind, Payload: s.Payload, Cron: s.Cron, Zone: s.Zone, Enabled: s.Enabled, Next: s.Next}
}

func (a *area) apiList(ctx context.Context, in *listIn) (*struct{ Body client.Page[client.Job] }, error) {
	after, err := web.ReadCursor(in.Cursor, 1)
	if err != nil {
		return nil, err
	}
	f := jobs.Filter{Kind: in.Kind, State: job.State(in.State), Limit: in.Limit}
	if after != nil {
		f.Before = after[0]
	}
	found, err := a.read(ctx, f)
	if err != nil {
		return nil, err
	}
	p := web.PageOf(found, in.Limit, cursor)
	out := client.Page[client.Job]{Items: []client.Job{}, Next: p.Next}
	for _, j := range p.Items {
		out.Items = append(out.Items, wire(j))
	}
	return &struct{ Body client.Page[client.Job] }{out}, nil
}

func (a *area) apiGet(ctx context.Context, in *idIn) (*jobOut, error) {
	j, err := a.get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &jobOut{wire(j)}, nil
}

func (a *area) apiAsk(ctx context.Context, in *struct{ Body client.NewJob }) (*jobOut, error) {
	j, err := a.start(ctx, in.Body.Kind, in.Body.Payload)
	if err != nil {
		return nil, err
	}
	return &jobOut{wire(j)}, nil
}

func (a *area) apiRetry(ctx context.Context, in *idIn) (*jobOut, error) {
	if err := a.again(ctx, in.ID); err != nil {
		return nil, err
	}
	return a.apiGet(ctx, in)
}

func (a *area) apiSchedules(ctx context.Context, _ *struct{}) (*struct{ Body client.Page[client.Schedule] }, error) {
	all, err := a.allSchedules(ctx)
	if err != nil {
		return nil, err
	}
	out := client.Page[client.Schedule]{Items: []client.Schedule{}}
	for _, s := range all {
		out.Items = append(out.Items, wireSchedule(s))
	}
	return &struct{ Body client.Page[client.Schedule] }{out}, nil
}

func (a *area) apiSchedule(ctx context.Context, in *idIn) (*scheduleOut, error) {
	s, err := a.readSchedule(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &scheduleOut{web.ETag(s.Version), wireSchedule(s)}, nil
}

func (a *area) apiSetSchedule(ctx context.Context, in *scheduleIn) (*scheduleOut, error) {
	if in.Body.ID != in.ID {
		return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", "the ID of the body is not that of the path")
	}
	s := job.Schedule{ID: in.ID, Kind: in.Body.Kind, Payload: in.Body.Payload, Cron: in.Body.Cron, Zone: in.Body.Zone, Enabled: in.Body.Enabled}
	if in.IfMatch != "" {
		var err error
		if s.Version, err = web.Version(in.IfMatch); err != nil {
			return nil, err
		}
	}
	if err := a.keepSchedule(ctx, s); err != nil {
		return nil, err
	}
	return a.apiSchedule(ctx, &idIn{in.ID})
}

func (a *area) apiRemoveSchedule(ctx context.Context, in *idIn) (*struct{}, error) {
	return nil, a.dropSchedule(ctx, in.ID)
}
