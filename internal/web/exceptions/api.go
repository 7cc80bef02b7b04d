package exceptions

import (
	"context"
	"net/http"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	"github.com/rootkeep/rootkeep/internal/web"
)

const tag = "exceptions"

func (a *area) api(api *web.API) {
	web.Register(api, web.Operation{
		ID: "list-exceptions", Method: "GET", Path: "/exceptions", Summary: "Exceptions, the newest first", Tag: tag, Need: people.Read,
		Description: "Only those of accounts that you may read.",
	}, a.apiList)
	web.Register(api, web.Operation{
		ID: "ask-exception", Method: "POST", Path: "/exceptions", Summary: "Ask for an exception", Tag: tag, Need: people.Request, Status: http.StatusCreated,
		Description: "Refused as `nobody-could-approve` if those who can approve do not suffice. A machine cannot ask.",
	}, a.apiAsk)
	web.Register(api, web.Operation{
		ID: "get-exception", Method: "GET", Path: "/exceptions/{id}", Summary: "An exception, who has to approve it and who did", Tag: tag, Need: people.Read,
	}, a.apiGet)
	web.Register(api, web.Operation{
		ID: "edit-exception", Method: "PUT", Path: "/exceptions/{id}", Summary: "Change an open request", Tag: tag, Need: people.Request,
		Description: "Voids all approvals. Account and control stay. Wants `If-Match`.",
	}, a.apiEdit)
	web.Register(api, web.Operation{
		ID: "withdraw-exception", Method: "POST", Path: "/exceptions/{id}/withdrawal", Summary: "Take an open request back", Tag: tag, Need: people.Request,
		Description: "Only who made it. Wants `If-Match`.",
	}, a.apiWithdraw)
}

type listInput struct {
	web.Paging
	State   string `query:"state" enum:"requested,approved,denied,expired,withdrawn,ended" doc:"approved are those that apply, ended those that did"`
	Account string `query:"account" pattern:"^[0-9]{12}$"`
	Control string `query:"control" maxLength:"64"`
	By      string `query:"by" maxLength:"64" doc:"ID of the person who asked"`
}

type listOutput struct{ Body client.Page[client.Exception] }

func (a *area) apiList(ctx context.Context, in *listInput) (*listOutput, error) {
	f, err := filterOf(in.State, in.Account, in.Control, in.By)
	if err != nil {
		return nil, err
	}
	found, err := a.find(ctx, f, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	p := web.PageOf(found, in.Limit, func(x *exceptions.Exception) string { return web.Cursor(x.ID) })
	out := &listOutput{client.Page[client.Exception]{Items: []client.Exception{}, Next: p.Next}}
	for _, x := range p.Items {
		out.Body.Items = append(out.Body.Items, exceptionOf(x))
	}
	return out, nil
}

type oneInput struct {
	ID string `path:"id" maxLength:"64"`
}

// oneOutput is an exception with its version.
type oneOutput struct {
	ETag string `header:"ETag"`
	Body client.Exception
}

func oneOf(x *exceptions.Exception) *oneOutput {
	return &oneOutput{web.ETag(x.Revision), exceptionOf(x)}
}

type askInput struct{ Body client.ExceptionAsk }

func wantedOf(a client.ExceptionAsk) exceptions.Wanted {
	return exceptions.Wanted{
		Account: rootkeep.AccountID(a.Account), Control: a.Control, Region: rootkeep.Region(a.Region), Resource: a.Resource,
		Owner: a.Owner, Reason: a.Reason, Until: a.Until,
	}
}

func (a *area) apiAsk(ctx context.Context, in *askInput) (*oneOutput, error) {
	var x *exceptions.Exception
	err := a.update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		x, err = a.Desk.Submit(ctx, tx, web.ActorOf(ctx), wantedOf(in.Body))
		return err
	})
	if err != nil {
		return nil, err
	}
	return oneOf(x), nil
}

type detailOutput struct {
	ETag string `header:"ETag"`
	Body client.ExceptionDetail
}

func (a *area) apiGet(ctx context.Context, in *oneInput) (*detailOutput, error) {
	f, err := a.open(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &detailOutput{web.ETag(f.Revision), f.wire()}, nil
}

type editInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match"`
	Body    client.ExceptionAsk
}

// current holds a change to the revision that its maker read.
func (a *area) current(ctx context.Context, tx *store.Tx, id, ifMatch string) (int64, error) {
	x, err := a.Desk.Get(ctx, &tx.Reader, web.ActorOf(ctx), id, tx.Now())
	if err != nil {
		return 0, err
	}
	return x.Revision, web.IfMatch(ifMatch, x.Revision)
}

func (a *area) apiEdit(ctx context.Context, in *editInput) (*oneOutput, error) {
	var x *exceptions.Exception
	err := a.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := a.current(ctx, tx, in.ID, in.IfMatch)
		if err != nil {
			return err
		}
		x, err = a.Desk.Edit(ctx, tx, web.ActorOf(ctx), in.ID, n, wantedOf(in.Body))
		return err
	})
	if err != nil {
		return nil, err
	}
	return oneOf(x), nil
}

type withdrawInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match"`
}

func (a *area) apiWithdraw(ctx context.Context, in *withdrawInput) (*oneOutput, error) {
	var x *exceptions.Exception
	err := a.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := a.current(ctx, tx, in.ID, in.IfMatch)
		if err != nil {
			return err
		}
		x, err = a.Desk.Withdraw(ctx, tx, web.ActorOf(ctx), in.ID, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	return oneOf(x), nil
}

func exceptionOf(x *exceptions.Exception) client.Exception {
	e, r := x.Subject, x.Request
	return client.Exception{
		ID: x.ID, Revision: x.Revision, State: string(x.State), Ended: x.Ended,
		ExceptionAsk: client.ExceptionAsk{
			Account: string(e.Account), Control: e.Control, Region: string(e.Region), Resource: e.Resource, Owner: e.Owner, Reason: e.Reason, Until: e.Until,
		},
		Severity: e.Severity.String(), Title: e.Title, Requester: r.Requester, Editors: r.Editors, Version: r.Version,
		Created: r.Created, Expires: r.Expires, Decided: x.Decided, Policy: x.Policy.ID,
	}
}

// wire is the folder as the API tells it.
func (f *folder) wire() client.ExceptionDetail {
	return client.ExceptionDetail{Exception: exceptionOf(f.Exception), Needs: f.request.WireNeeds(), Approvals: f.request.WireApprovals(), Documents: f.request.WireDocuments()}
}
