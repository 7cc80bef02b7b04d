package incidents

import (
	"context"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	caseof "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/root"
)

const tag = "incidents"

func (a *area) api(api *web.API) {
	web.Register(api, web.Operation{
		ID: "list-incidents", Method: "GET", Path: "/incidents", Summary: "Cases, the newest first", Tag: tag, Need: people.Read,
		Description: "Only those of accounts that you may read.",
	}, a.apiList)
	web.Register(api, web.Operation{
		ID: "get-incident", Method: "GET", Path: "/incidents/{id}", Summary: "A case with its newest events and its history", Tag: tag, Need: people.Read,
	}, a.apiGet)
	web.Register(api, web.Operation{
		ID: "assign-incident", Method: "PUT", Path: "/incidents/{id}/owner", Summary: "Give a case to a person", Tag: tag, Need: people.Read,
		Description: "Responders and approvers of the account do, and can have it. Wants `If-Match`.",
	}, a.apiAssign)
	web.Register(api, web.Operation{
		ID: "note-incident", Method: "POST", Path: "/incidents/{id}/notes", Summary: "Write a note into the history of a case", Tag: tag, Need: people.Read,
		Description: "Responders and approvers of the account do. Wants `If-Match`.",
	}, a.apiNote)
	web.Register(api, web.Operation{
		ID: "close-incident", Method: "POST", Path: "/incidents/{id}/closing", Summary: "Close a case with a reason", Tag: tag, Need: people.Read,
		Description: "Somebody who took no part in what it is about, once it has an owner, and of an override once that is reviewed. Wants `If-Match`.",
	}, a.apiClose)
}

type listInput struct {
	web.Paging
	State    string `query:"state" enum:"open,closed"`
	Account  string `query:"account" pattern:"^[0-9]{12}$"`
	Owner    string `query:"owner" maxLength:"64" doc:"ID of a person"`
	Request  string `query:"request" maxLength:"64" doc:"RR-..."`
	Severity string `query:"severity" enum:"informational,low,medium,high,critical" doc:"This, or worse"`
}

func (in *listInput) filter() (incident.Filter, error) {
	f := incident.Filter{State: caseof.State(in.State), Account: rootkeep.AccountID(in.Account), Owner: in.Owner, Request: in.Request, Before: in.Cursor, Limit: in.Limit}
	if in.Severity == "" {
		return f, nil
	}
	var err error
	f.Least, err = rootkeep.ParseSeverity(in.Severity)
	return f, err
}

type listOutput struct{ Body client.Page[client.Incident] }

func (a *area) apiList(ctx context.Context, in *listInput) (*listOutput, error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	p, err := a.find(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &listOutput{client.Page[client.Incident]{Items: []client.Incident{}, Next: p.Next}}
	for _, c := range p.Items {
		out.Body.Items = append(out.Body.Items, incidentOf(c))
	}
	return out, nil
}

// find reads a page of cases that the actor may read.
func (a *area) find(ctx context.Context, f incident.Filter) (p client.Page[*incident.Case], err error) {
	limit := f.Limit
	f.Limit++
	err = a.view(ctx, func(ctx context.Context, r *store.Reader) error {
		sight, err := a.Desk.Sight(ctx, r, web.ActorOf(ctx))
		if err != nil {
			return err
		}
		found, err := incident.List(ctx, r, sight, f)
		p = web.PageOf(found, limit, (*incident.Case).Cursor)
		return err
	})
	return p, err
}

type oneInput struct {
	ID string `path:"id" maxLength:"64"`
}

type detailOutput struct {
	ETag string `header:"ETag"`
	Body client.IncidentDetail
}

func (a *area) apiGet(ctx context.Context, in *oneInput) (*detailOutput, error) {
	f, err := a.open(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &detailOutput{web.ETag(f.Revision), client.IncidentDetail{
		Incident: incidentOf(f.Case), Parties: append([]string{}, f.Parties...), Newest: []client.RootEvent{}, History: []client.IncidentLine{}, CouldOwn: f.owners, May: f.may(web.ActorOf(ctx)),
	}}
	for _, e := range f.events {
		out.Body.Newest = append(out.Body.Newest, root.EventOf(e))
	}
	for _, l := range f.History {
		out.Body.History = append(out.Body.History, client.IncidentLine{At: l.At, By: l.By, Act: string(l.Act), About: l.About})
	}
	return out, nil
}

func incidentOf(c *incident.Case) client.Incident {
	return client.Incident{
		ID: c.ID, Revision: c.Revision, State: string(c.State), Severity: c.Severity.String(), Account: string(c.Account), Title: c.Title, Cause: c.Cause, Request: c.Request, Events: c.Events,
		Owner: c.Owner, Opened: c.Opened, Closed: c.Closed, Reason: c.Reason,
	}
}

// act is something that a person does to a case, with a word of theirs.
type act func(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, word string) (*incident.Case, error)

// do changes a case that the actor read, as it was then.
func (a *area) do(ctx context.Context, id, ifMatch, word string, do act) (*detailOutput, error) {
	err := a.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		c, err := a.Desk.Get(ctx, &tx.Reader, web.ActorOf(ctx), id)
		if err != nil {
			return err
		}
		if err := web.IfMatch(ifMatch, c.Revision); err != nil {
			return err
		}
		_, err = do(ctx, tx, web.ActorOf(ctx), id, c.Revision, word)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.apiGet(ctx, &oneInput{id})
}

type ownerInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match"`
	Body    client.IncidentOwner
}

func (a *area) apiAssign(ctx context.Context, in *ownerInput) (*detailOutput, error) {
	return a.do(ctx, in.ID, in.IfMatch, in.Body.Owner, a.Desk.Assign)
}

type textInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match"`
	Body    client.IncidentText
}

func (a *area) apiNote(ctx context.Context, in *textInput) (*detailOutput, error) {
	return a.do(ctx, in.ID, in.IfMatch, in.Body.Text, a.Desk.Note)
}

func (a *area) apiClose(ctx context.Context, in *textInput) (*detailOutput, error) {
	return a.do(ctx, in.ID, in.IfMatch, in.Body.Text, a.Desk.Close)
}
