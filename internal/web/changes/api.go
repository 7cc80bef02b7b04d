package changes

import (
	"context"
	"net/http"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web"
)

const tag = "changes"

// Bounds of what asks AWS.
const (
	planTime  = time.Minute     // one account
	batchTime = 2 * time.Minute // as long as a client waits
	mostPlans = 8               // at a time
	mostBatch = 2
)

func (a *area) api(api *web.API) {
	register := web.Operation{Tag: tag}
	op := func(id, method, path, summary string, need people.Permission, more ...func(*web.Operation)) web.Operation {
		o := register
		o.ID, o.Method, o.Path, o.Summary, o.Need = id, method, path, summary, need
		for _, f := range more {
			f(&o)
		}
		return o
	}
	says := func(text string) func(*web.Operation) { return func(o *web.Operation) { o.Description = text } }
	asks := func(within time.Duration, most int) func(*web.Operation) {
		return func(o *web.Operation) { o.Status, o.Time, o.AtOnce = http.StatusCreated, within, most }
	}
	fresh := func(o *web.Operation) { o.Fresh = true }
	plans, batches := asks(planTime, mostPlans), asks(batchTime, mostBatch)

	web.Register(api, op("list-change-kinds", "GET", "/changes/kinds", "Kinds of change", people.Read), a.apiKinds)
	web.Register(api, op("get-change-kind", "GET", "/changes/kinds/{kind}", "A kind of change: what it does, may break and needs", people.Read), a.apiKind)
	web.Register(api, op("list-changes", "GET", "/changes", "Changes, the newest first", people.Read, says("Only those of accounts that you may read.")), a.apiList)
	web.Register(api, op("plan-change", "POST", "/changes", "Plan a change", people.Request, plans,
		says("The account is read, and nothing is changed. Refused as `change-refused` with every reason, as `nothing-to-change` where all is as it should be. A machine cannot plan.")), a.apiPlan)
	web.Register(api, op("get-change", "GET", "/changes/{id}", "A change: its plan, where it stands, the calls that were made", people.Read), a.apiGet)
	web.Register(api, op("request-change", "POST", "/changes/{id}/request", "Ask for the approval of a plan", people.Request, says("Only who planned it, of the plan that they read.")), a.apiRequest)
	web.Register(api, op("apply-change", "POST", "/changes/{id}/apply", "Apply an approved change, or go on with one that stopped", people.Apply, fresh,
		says("A job does it; the answer says that it has begun. Refused as `other-plan` unless the SHA-256 is that of the plan that was signed.")), a.apiApply)
	web.Register(api, op("undo-change", "POST", "/changes/{id}/undo", "Plan how a change is undone", people.Request, plans, says("It is a change of its own, which has to be approved.")), a.apiUndo)
	web.Register(api, op("replan-change", "POST", "/changes/{id}/replan", "Read the account again and plan a change anew", people.Request, asks(planTime, mostPlans),
		says("One that is planned or requested keeps its ID and loses its approvals. One that was refused because the account had changed, or that expired, gets another in its place, in its batch too. Wants `If-Match`.")), a.apiReplan)
	web.Register(api, op("withdraw-change", "POST", "/changes/{id}/withdraw", "Take a change back that has not begun", people.Request, says("Only who planned it. Wants `If-Match`.")), a.apiWithdraw)
	web.Register(api, op("give-up-change", "POST", "/changes/{id}/give-up", "End a change that stopped", people.Apply, fresh, says("What was done of it stays. Wants `If-Match`.")), a.apiGiveUp)

	web.Register(api, op("plan-change-batch", "POST", "/changes/batches", "Plan a kind of change for several accounts, or a list of changes", people.Request, batches,
		says("All or none; accounts where there is nothing to change are left out. The canaries are applied first, and the others wait for them.")), a.apiPlanBatch)
	web.Register(api, op("list-change-batches", "GET", "/changes/batches", "Batches, the newest first", people.Read, says("Only those with a change of an account that you may read.")), a.apiBatches)
	web.Register(api, op("get-change-batch", "GET", "/changes/batches/{id}", "A batch with its changes", people.Read), a.apiBatch)
	web.Register(api, op("request-change-batch", "POST", "/changes/batches/{id}/request", "Ask for the approval of all changes of a batch", people.Request), a.batchAct(a.askBatch))
	web.Register(api, op("apply-change-batch", "POST", "/changes/batches/{id}/apply", "Apply a batch, one change after the other", people.Apply, fresh,
		says("A job does it, and halts at the first change that does not end applied. A batch that halted goes on with that change. Refused where something stands in the way, which the detail names.")), a.batchAct(a.applyBatch))
	web.Register(api, op("undo-change-batch", "POST", "/changes/batches/{id}/undo", "Plan how a batch is undone", people.Request, batches,
		says("All or none, the change that was applied last first: it is the canary. The undo is a batch of its own, whose changes have to be approved. What cannot be undone is refused as `change-refused` with every reason.")), a.apiUndoBatch)
	web.Register(api, op("release-change-batch", "POST", "/changes/batches/{id}/release", "Let a batch go on that halted", people.Apply, fresh, says("Canaries are waited for all the same.")), a.batchAct(a.release))
}

type kindsOutput struct{ Body client.ChangeKinds }

func (a *area) apiKinds(context.Context, *struct{}) (*kindsOutput, error) {
	out := &kindsOutput{client.ChangeKinds{Kinds: []client.ChangeKind{}}}
	for _, k := range a.Engine.Kinds() {
		out.Body.Kinds = append(out.Body.Kinds, KindOf(k))
	}
	return out, nil
}

type kindInput struct {
	Kind string `path:"kind" maxLength:"64"`
}

type kindOutput struct{ Body client.ChangeKind }

func (a *area) apiKind(_ context.Context, in *kindInput) (*kindOutput, error) {
	k := a.kind(in.Kind)
	if k == nil {
		return nil, web.NotFound("such kind of change")
	}
	return &kindOutput{KindOf(k)}, nil
}

type listInput struct {
	web.Paging
	State   string `query:"state" enum:"planned,requested,approved,applying,stopped,applied,partial,unverified,undoing,undone,refused,denied,expired,withdrawn"`
	Account string `query:"account" pattern:"^[0-9]{12}$"`
	Kind    string `query:"kind" maxLength:"64"`
	By      string `query:"by" maxLength:"64" doc:"ID of the person who planned it"`
	Batch   string `query:"batch" maxLength:"64"`
	Undoes  string `query:"undoes" maxLength:"64" doc:"ID of the change that it undoes"`
	For     string `query:"for" maxLength:"64" doc:"ID of the request for root that it belongs to"`
}

type listOutput struct {
	Body client.Page[client.AccountChange]
}

func (a *area) apiList(ctx context.Context, in *listInput) (*listOutput, error) {
	found, err := a.find(ctx, changes.Filter{
		State: changes.State(in.State), Account: rootkeep.AccountID(in.Account), Kind: in.Kind, By: in.By, Batch: in.Batch, Undoes: in.Undoes, For: in.For,
	}, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	p := web.PageOf(found, in.Limit, cursor)
	out := &listOutput{client.Page[client.AccountChange]{Items: []client.AccountChange{}, Next: p.Next}}
	for _, c := range p.Items {
		out.Body.Items = append(out.Body.Items, changeOf(c))
	}
	return out, nil
}

type oneInput struct {
	ID string `path:"id" maxLength:"64"`
}

// oneOutput is a change with its version.
type oneOutput struct {
	ETag string `header:"ETag"`
	Body client.AccountChange
}

func oneOf(c *changes.Change, err error) (*oneOutput, error) {
	if err != nil {
		return nil, err
	}
	return &oneOutput{web.ETag(c.Revision), changeOf(c)}, nil
}

// detailOutput is a change with its version and all that is known of it.
type detailOutput struct {
	ETag string `header:"ETag"`
	Body client.AccountChangeDetail
}

func (a *area) apiGet(ctx context.Context, in *oneInput) (*detailOutput, error) {
	f, err := a.open(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &detailOutput{web.ETag(f.Revision), f.wire(web.ActorOf(ctx))}, nil
}

type planInput struct{ Body client.ChangeWanted }

func (a *area) apiPlan(ctx context.Context, in *planInput) (*detailOutput, error) {
	w := in.Body
	return a.planned(ctx)(a.plan(ctx, Wanted{Kind: w.Kind, Account: rootkeep.AccountID(w.Account), Region: w.Region, Parameters: w.Parameters, For: w.For}))
}

// planned answers with a plan that was just made, whole: its maker is to read it.
func (a *area) planned(ctx context.Context) func(*changes.Change, error) (*detailOutput, error) {
	return func(c *changes.Change, err error) (*detailOutput, error) {
		if err != nil {
			return nil, err
		}
		return a.apiGet(ctx, &oneInput{c.ID})
	}
}

type planHashInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body client.ChangePlan
}

func (a *area) apiRequest(ctx context.Context, in *planHashInput) (*oneOutput, error) {
	return oneOf(a.ask(ctx, in.ID, in.Body.SHA256))
}

func (a *area) apiApply(ctx context.Context, in *planHashInput) (*oneOutput, error) {
	return oneOf(a.apply(ctx, in.ID, in.Body.SHA256))
}

func (a *area) apiUndo(ctx context.Context, in *oneInput) (*detailOutput, error) {
	return a.planned(ctx)(a.undo(ctx, in.ID))
}

func (a *area) apiReplan(ctx context.Context, in *endInput) (*detailOutput, error) {
	return a.planned(ctx)(a.replan(ctx, in.ID, in.held))
}

type endInput struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match"`
}

func (in *endInput) held(revision int64) error { return web.IfMatch(in.IfMatch, revision) }

func (a *area) apiWithdraw(ctx context.Context, in *endInput) (*oneOutput, error) {
	return oneOf(a.withdraw(ctx, in.ID, in.held))
}

func (a *area) apiGiveUp(ctx context.Context, in *endInput) (*oneOutput, error) {
	return oneOf(a.giveUp(ctx, in.ID, in.held))
}
