package root

import (
	"context"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/root/ask"
)

const tag = "root"

func (a *area) api(api *web.API) {
	web.Register(api, web.Operation{
		ID: "list-root-requests", Method: "GET", Path: "/root/requests", Summary: "Requests for root, the newest first", Tag: tag, Need: people.Read,
		Description: "Only those of which you may read all accounts.",
	}, a.apiList)
	web.Register(api, web.Operation{
		ID: "get-root-request", Method: "GET", Path: "/root/requests/{id}", Summary: "A request with its checklist, its events and their verdicts, its record and who approved it", Tag: tag, Need: people.Read,
	}, a.apiGet)
	web.Register(api, web.Operation{
		ID: "withdraw-root-request", Method: "POST", Path: "/root/requests/{id}/withdrawal", Summary: "Take a request back whose session has not begun", Tag: tag, Need: people.Request,
		Description: "Only who made it. Wants `If-Match`.",
	}, a.apiWithdraw)
	web.Register(api, web.Operation{
		ID: "open-root", Method: "POST", Path: "/root/requests/{id}/opening", Summary: "Begin the session", Tag: tag, Need: people.Request, Fresh: true,
		Description: "Only who asked, within the window, once all items before the session are answered. Wants `If-Match`.",
	}, a.apiOpen)
	web.Register(api, web.Operation{
		ID: "answer-root-item", Method: "POST", Path: "/root/requests/{id}/answers", Summary: "Say of an item of the checklist that it is done, or why it is skipped", Tag: tag, Need: people.Read,
		Description: "Who asked, or the custodian.",
	}, a.apiAnswer)
	web.Register(api, web.Operation{
		ID: "close-root", Method: "POST", Path: "/root/requests/{id}/closing", Summary: "End the session: all is put back", Tag: tag, Need: people.Read,
		Description: "Who asked, or the custodian, once all items after the session are answered. Wants `If-Match`.",
	}, a.apiClose)
	web.Register(api, web.Operation{
		ID: "confirm-root", Method: "POST", Path: "/root/requests/{id}/confirmation", Summary: "Confirm the record of the session", Tag: tag, Need: people.Read,
		Description: "Who asked, once events of the session do not arrive any more. Wants `If-Match`.",
	}, a.apiConfirm)
	a.overrideAPI(api)
	a.eventAPI(api)
}

type listInput struct {
	web.Paging
	State    string `query:"state" enum:"requested,approved,open,closing,closed,lapsed,denied,expired,withdrawn"`
	Account  string `query:"account" pattern:"^[0-9]{12}$"`
	Kind     string `query:"kind" enum:"use,drill"`
	Task     string `query:"task" maxLength:"63"`
	By       string `query:"by" maxLength:"64" doc:"ID of the person who asked"`
	Override bool   `query:"override" doc:"Only those that went without approvals"`
}

type listOutput struct {
	Body client.Page[client.RootRequest]
}

func (a *area) apiList(ctx context.Context, in *listInput) (*listOutput, error) {
	f := stored.Filter{State: stored.State(in.State), Account: rootkeep.AccountID(in.Account), Kind: access.Kind(in.Kind), Task: in.Task, By: in.By, Override: in.Override}
	found, err := a.find(ctx, f, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	p := web.PageOf(found, in.Limit, func(x *stored.Request) string { return web.Cursor(x.ID) })
	out := &listOutput{client.Page[client.RootRequest]{Items: []client.RootRequest{}, Next: p.Next}}
	for _, x := range p.Items {
		out.Body.Items = append(out.Body.Items, ask.RequestOf(x))
	}
	return out, nil
}

type oneInput struct {
	ID string `path:"id" maxLength:"64"`
}

type detailOutput struct {
	ETag string `header:"ETag"`
	Body client.RootRequestDetail
}

func (a *area) apiGet(ctx context.Context, in *oneInput) (*detailOutput, error) {
	f, err := a.open(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	body, err := f.wire(web.ActorOf(ctx))
	if err != nil {
		return nil, err
	}
	return &detailOutput{web.ETag(f.Revision), *body}, nil
}

// versioned names a request and the version of it that was read.
type versioned struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match"`
}

// current is the revision that the maker of a change read.
func (v *versioned) current(ctx context.Context, a *area) (revision int64, err error) {
	err = a.view(ctx, func(ctx context.Context, r *store.Reader) error {
		x, err := a.Desk.Get(ctx, r, web.ActorOf(ctx), v.ID, a.Now())
		if err != nil {
			return err
		}
		revision = x.Revision
		return web.IfMatch(v.IfMatch, revision)
	})
	return revision, err
}

// act changes a request that the actor read, as it was then.
func (a *area) act(ctx context.Context, v *versioned, do func(ctx context.Context, tx *store.Tx, revision int64) (*stored.Request, error)) (*ask.OneOutput, error) {
	revision, err := v.current(ctx, a)
	if err != nil {
		return nil, err
	}
	var x *stored.Request
	err = a.update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		x, err = do(ctx, tx, revision)
		return err
	})
	return ask.OneOf(x, err)
}

type actInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match"`
}

func (in *actInput) of() *versioned { return &versioned{in.ID, in.IfMatch} }

func (a *area) apiWithdraw(ctx context.Context, in *actInput) (*ask.OneOutput, error) {
	return a.act(ctx, in.of(), func(ctx context.Context, tx *store.Tx, revision int64) (*stored.Request, error) {
		return a.Desk.Withdraw(ctx, tx, web.ActorOf(ctx), in.ID, revision)
	})
}

type openInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match"`
	Body    client.RootOpening
}

func (a *area) apiOpen(ctx context.Context, in *openInput) (*ask.OneOutput, error) {
	return a.act(ctx, &versioned{in.ID, in.IfMatch}, func(ctx context.Context, tx *store.Tx, revision int64) (*stored.Request, error) {
		return a.Desk.Open(ctx, tx, web.ActorOf(ctx), in.ID, revision, in.Body.Device)
	})
}

type answerInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body client.RootItemAnswer
}

func (a *area) apiAnswer(ctx context.Context, in *answerInput) (*ask.OneOutput, error) {
	var x *stored.Request
	err := a.update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		x, err = a.Desk.Answer(ctx, tx, web.ActorOf(ctx), in.ID, access.Answer{Item: in.Body.Item, Skipped: in.Body.Skipped})
		return err
	})
	return ask.OneOf(x, err)
}

func (a *area) apiClose(ctx context.Context, in *actInput) (*ask.OneOutput, error) {
	return a.act(ctx, in.of(), func(ctx context.Context, tx *store.Tx, revision int64) (*stored.Request, error) {
		return a.Desk.Close(ctx, tx, web.ActorOf(ctx), in.ID, revision)
	})
}

type confirmInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match"`
	Body    client.RootRecordHash
}

func (a *area) apiConfirm(ctx context.Context, in *confirmInput) (*ask.OneOutput, error) {
	hash, err := parseHash(in.Body.SHA256)
	if err != nil {
		return nil, err
	}
	return a.act(ctx, &versioned{in.ID, in.IfMatch}, func(ctx context.Context, tx *store.Tx, revision int64) (*stored.Request, error) {
		return a.Desk.Confirm(ctx, tx, web.ActorOf(ctx), in.ID, revision, hash)
	})
}

// find reads one more than a page, so that it shows whether there is a next one.
func (a *area) find(ctx context.Context, f stored.Filter, cursor string, limit int) ([]*stored.Request, error) {
	before, err := web.ReadCursor(cursor, 1)
	if err != nil {
		return nil, err
	}
	if before != nil {
		f.Before = before[0]
	}
	f.Limit = limit + 1
	var found []*stored.Request
	err = a.view(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		found, err = a.Desk.List(ctx, r, web.ActorOf(ctx), f, a.Now())
		return err
	})
	return found, err
}

// usualClaim is how many days a claim is about unless it is said.
const usualClaim = 90 * 24 * time.Hour
