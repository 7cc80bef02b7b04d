package root

import (
	"context"
	"net/http"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	requests "github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/root/ask"
)

func (a *area) overrideAPI(api *web.API) {
	web.Register(api, web.Operation{
		ID: "issue-root-override", Method: "POST", Path: "/root/requests/{id}/override-statements", Summary: "Hand out the statement by which you go on without approvals", Tag: tag, Need: people.Request,
		Status: http.StatusCreated, Description: "Only who asked. It names who could have approved, and is not waited for.",
	}, a.apiIssueOverride)
	web.Register(api, web.Operation{
		ID: "override-root", Method: "POST", Path: "/root/requests/{id}/override", Summary: "Go on without approvals, with a signature", Tag: tag, Need: people.Request,
		Description: "The signature is that of a security key of yours, with user verification, on a page of this server. It opens a case, and somebody else reviews it within 24 hours. " +
			"While an earlier override is not reviewed, a second person has to agree.",
	}, a.apiOverride)
	web.Register(api, web.Operation{
		ID: "review-root-override", Method: "POST", Path: "/root/requests/{id}/review", Summary: "Say what an override was", Tag: tag, Need: people.Approve, Fresh: true,
		Description: "Somebody who took no part in it, and may approve at all of its accounts.",
	}, a.apiReview)
}

type issueInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body client.RootOverrideReason
}

type statementOutput struct {
	Body client.RootOverrideStatement
}

func (a *area) apiIssueOverride(ctx context.Context, in *issueInput) (*statementOutput, error) {
	s, skipped, err := a.handOut(ctx, in.ID, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return &statementOutput{client.RootOverrideStatement{
		ApprovalStatement: client.ApprovalStatement{Statement: string(s.Bytes()), SHA256: s.Challenge().String(), Nonce: s.Nonce, NotAfter: s.NotAfter},
		Skipped:           skipped, Page: "/root/" + in.ID + "/override/statement",
	}}, nil
}

// handOut hands out what the actor signs to go on without approvals, and names who is not
// waited for.
func (a *area) handOut(ctx context.Context, id, reason string) (s *approval.Statement, skipped []client.RootPerson, err error) {
	err = a.touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		x, err := a.Desk.Get(ctx, &tx.Reader, web.ActorOf(ctx), id, tx.Now())
		if err != nil {
			return err
		}
		if skipped, err = a.skipped(ctx, &tx.Reader, x); err != nil {
			return err
		}
		s, err = a.Desk.IssueOverride(ctx, tx, web.ActorOf(ctx), id, reason)
		return err
	})
	return s, skipped, err
}

// skipped are those who could have approved a request.
func (a *area) skipped(ctx context.Context, r *store.Reader, x *stored.Request) ([]client.RootPerson, error) {
	could, err := a.Desk.Could(ctx, r, x.Matter)
	out := []client.RootPerson{}
	for _, p := range could {
		out = append(out, client.RootPerson{ID: p.ID, Name: p.Name})
	}
	return out, err
}

type overrideInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body client.ApprovalSignature
}

func (a *area) apiOverride(ctx context.Context, in *overrideInput) (*detailOutput, error) {
	actor := web.ActorOf(ctx)
	err := a.view(ctx, func(ctx context.Context, r *store.Reader) error {
		_, err := a.Desk.Get(ctx, r, actor, in.ID, a.Now())
		return err
	})
	if err != nil {
		return nil, err
	}
	signed, err := a.Desk.VerifyOverride(ctx, a.Store, actor, in.ID, in.Body.Nonce, in.Body.Credential)
	if err != nil {
		return nil, ask.Told(err)
	}
	err = a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := a.Desk.Override(ctx, tx, actor, signed)
		return err
	})
	if err != nil {
		return nil, ask.Told(signed.DoubtOverride(ctx, a.Store, err))
	}
	return a.apiGet(ctx, &oneInput{in.ID})
}

type reviewInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body client.RootReview
}

func (a *area) apiReview(ctx context.Context, in *reviewInput) (*detailOutput, error) {
	err := a.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := a.Desk.Review(ctx, tx, web.ActorOf(ctx), in.ID, in.Body.Revision, stored.Judgement(in.Body.Verdict), in.Body.Review)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.apiGet(ctx, &oneInput{in.ID})
}

// pending is the override that waits for the signature of the actor, store.ErrNotFound if
// there is none.
func (a *area) pending(ctx context.Context, r *store.Reader, id string) (*approval.Statement, error) {
	s, err := requests.Pending(ctx, r, id, web.ActorOf(ctx).ID)
	if err == nil && s.Decision != approval.Override {
		err = store.ErrNotFound
	}
	return s, err
}
