package changes

import (
	"context"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web"
)

type batchInput struct{ Body client.ChangeBatchWanted }

type batchOutput struct{ Body client.ChangeBatch }

func (a *area) apiPlanBatch(ctx context.Context, in *batchInput) (*batchOutput, error) {
	b, err := a.planBatch(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	return &batchOutput{b.wire(web.ActorOf(ctx))}, nil
}

type batchesInput struct {
	web.Paging
	By     string `query:"by" maxLength:"64" doc:"ID of the person who planned it"`
	Halted bool   `query:"halted" doc:"Only those that halted"`
	Undoes string `query:"undoes" maxLength:"64" doc:"ID of the batch that it undoes"`
}

type batchesOutput struct {
	Body client.Page[client.ChangeBatchListed]
}

func (a *area) apiBatches(ctx context.Context, in *batchesInput) (*batchesOutput, error) {
	found, err := a.findBatches(ctx, changes.BatchFilter{By: in.By, Halted: in.Halted, Undoes: in.Undoes}, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	p := web.PageOf(found, in.Limit, batchCursor)
	out := &batchesOutput{client.Page[client.ChangeBatchListed]{Items: []client.ChangeBatchListed{}, Next: p.Next}}
	for _, l := range p.Items {
		out.Body.Items = append(out.Body.Items, listedOf(l))
	}
	return out, nil
}

type undoBatchInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body *client.ChangeBatchUndo
}

func (a *area) apiUndoBatch(ctx context.Context, in *undoBatchInput) (*batchOutput, error) {
	var without []string
	if in.Body != nil {
		without = in.Body.Without
	}
	b, err := a.undoBatch(ctx, in.ID, without)
	if err != nil {
		return nil, err
	}
	return &batchOutput{b.wire(web.ActorOf(ctx))}, nil
}

func (a *area) apiBatch(ctx context.Context, in *oneInput) (*batchOutput, error) {
	return a.batchAct(a.openBatch)(ctx, in)
}

// batchAct makes an operation of what is done with a batch.
func (a *area) batchAct(act func(context.Context, string) (*bundle, error)) func(context.Context, *oneInput) (*batchOutput, error) {
	return func(ctx context.Context, in *oneInput) (*batchOutput, error) {
		b, err := act(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &batchOutput{b.wire(web.ActorOf(ctx))}, nil
	}
}
