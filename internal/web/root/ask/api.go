package ask

import (
	"cmp"
	"context"
	"net/http"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/people"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/web"
)

const tag = "root"

func (a *area) api(api *web.API) {
	web.Register(api, web.Operation{
		ID: "list-root-tasks", Method: "GET", Path: "/root/tasks", Summary: "Tasks that people ask root for, and what to do without root", Tag: tag, Need: people.Read,
	}, a.apiTasks)
	web.Register(api, web.Operation{
		ID: "get-root-task", Method: "GET", Path: "/root/tasks/{id}", Summary: "What a task needs at an account, who has to approve it and who could", Tag: tag, Need: people.Request,
		Description: "Without an account, who could approve is left out.",
	}, a.apiTask)
	web.Register(api, web.Operation{
		ID: "ask-root", Method: "POST", Path: "/root/requests", Summary: "Ask for root", Tag: tag, Need: people.Request, Status: http.StatusCreated, Time: planTime, AtOnce: mostPlans,
		Description: "Refused as `root-not-needed`, with what to do instead, if the task needs no root. A task that is done by changes has one planned for each account first. A machine cannot ask.",
	}, a.apiAsk)
	web.Register(api, web.Operation{
		ID: "edit-root-request", Method: "PUT", Path: "/root/requests/{id}", Summary: "Change an open request", Tag: tag, Need: people.Request,
		Description: "Voids all approvals. Accounts, kind, path and changes stay. Wants `If-Match`.",
	}, a.apiEdit)
}

type holderInput struct {
	Holder string `query:"holder" enum:"member,management,standalone" doc:"All of them if it is left out"`
}

type tasksOutput struct{ Body client.RootTasks }

func (a *area) apiTasks(_ context.Context, in *holderInput) (*tasksOutput, error) {
	out := &tasksOutput{client.RootTasks{Tasks: []client.RootTask{}}}
	for _, t := range a.Tasks {
		out.Body.Tasks = append(out.Body.Tasks, taskOf(t, holders(in.Holder)...))
	}
	return out, nil
}

// holders are the one that was named, or all.
func holders(named string) []access.Holder {
	if named == "" {
		return access.Holders()
	}
	return []access.Holder{access.Holder(named)}
}

type taskInput struct {
	ID        string `path:"id" maxLength:"63"`
	Holder    string `query:"holder" enum:"member,management,standalone" doc:"Left out with an account, it is what the newest scan says"`
	Account   string `query:"account" pattern:"^[0-9]{12}$" doc:"Where it is decided"`
	Of        string `query:"of" pattern:"^[0-9]{12}$" doc:"Whose root user it is of, if that is another one"`
	Kind      string `query:"kind" enum:"use,drill"`
	Custodian string `query:"custodian" maxLength:"64" doc:"ID of the person who would hand the credential out, and cannot approve"`
}

type outlookOutput struct{ Body client.RootOutlook }

func (a *area) apiTask(ctx context.Context, in *taskInput) (*outlookOutput, error) {
	t := access.Find(a.Tasks, in.ID)
	if t == nil {
		return nil, web.NotFound("such task")
	}
	if in.Account == "" {
		h, err := parseHolder(in.Holder)
		if err != nil {
			return nil, err
		}
		o := &outlook{advice: t.Advise(h), could: []client.RootPerson{}, custodians: []client.RootPerson{}}
		return &outlookOutput{o.wire(t, h)}, nil
	}
	at, of := rootkeep.AccountID(in.Account), rootkeep.AccountID(cmp.Or(in.Of, in.Account))
	if err := a.mayAsk(ctx, &asked{at: at, ask: access.Ask{Accounts: []rootkeep.AccountID{of}}}); err != nil {
		return nil, err
	}
	s, err := a.standing(ctx, []rootkeep.AccountID{of}, in.Holder)
	if err != nil {
		return nil, err
	}
	o, err := a.look(ctx, t, s.Holder, access.Kind(in.Kind), at, []rootkeep.AccountID{of}, in.Custodian)
	if err != nil {
		return nil, err
	}
	out := o.wire(t, s.Holder)
	out.Standing = s.Words()
	return &outlookOutput{out}, nil
}

type askInput struct{ Body client.RootAsk }

func (a *area) apiAsk(ctx context.Context, in *askInput) (*OneOutput, error) {
	return OneOf(a.askFor(ctx, in.Body))
}

type editInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match"`
	Body    client.RootAsk
}

func (a *area) apiEdit(ctx context.Context, in *editInput) (*OneOutput, error) {
	x, err := a.get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := web.IfMatch(in.IfMatch, x.Revision); err != nil {
		return nil, err
	}
	return OneOf(a.edited(ctx, in.ID, x.Revision, in.Body))
}

// OneOutput is a request with its version.
type OneOutput struct {
	ETag string `header:"ETag"`
	Body client.RootRequest
}

// OneOf is a request as an operation answers with it.
func OneOf(x *stored.Request, err error) (*OneOutput, error) {
	if err != nil {
		return nil, err
	}
	return &OneOutput{web.ETag(x.Revision), RequestOf(x)}, nil
}
