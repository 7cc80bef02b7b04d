package approvals

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/web"
)

const tag = "approvals"

func (a *area) api(api *web.API) {
	web.Register(api, web.Operation{
		ID: "get-approval", Method: "GET", Path: "/approvals/{id}", Summary: "A request of whatever kind, who has to approve it and who did", Tag: tag, Need: people.Read,
	}, a.apiGet)
	web.Register(api, web.Operation{
		ID: "issue-statement", Method: "POST", Path: "/approvals/{id}/statements", Summary: "Hand out the statement that an approver is to sign", Tag: tag, Need: people.Approve, Status: http.StatusCreated,
		Description: "It takes the place of one handed out to the same approver before.",
	}, a.apiIssue)
	web.Register(api, web.Operation{
		ID: "get-statement", Method: "GET", Path: "/approvals/{id}/statement", Summary: "The statement that waits for your signature", Tag: tag, Need: people.Read,
		Description: "The one handed out to whoever asks, so that they can compare it on another machine.",
	}, a.apiStatement)
	web.Register(api, web.Operation{
		ID: "decide", Method: "POST", Path: "/approvals/{id}/decisions", Summary: "Approve or deny with a signature", Tag: tag, Need: people.Approve,
		Description: "The signature is that of a security key of yours, with user verification, on a page of this server, over the SHA-256 of the statement with the nonce.",
	}, a.apiDecide)
	web.Register(api, web.Operation{
		ID: "list-signatures", Method: "GET", Path: "/approvals/{id}/signatures", Summary: "The signatures, each with all that is needed to check it", Tag: tag, Need: people.ReadEvidence,
	}, a.apiRecords)
}

type oneInput struct {
	ID string `path:"id" maxLength:"64"`
}

type oneOutput struct {
	ETag string `header:"ETag"`
	Body client.ApprovalRequest
}

func (a *area) apiGet(ctx context.Context, in *oneInput) (*oneOutput, error) {
	f, err := a.open(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return a.wire(f), nil
}

// wire is the folder as the API tells it.
func (a *area) wire(f *Folder) *oneOutput {
	r := f.Request
	return &oneOutput{web.ETag(f.Revision), client.ApprovalRequest{
		ID: f.ID, Kind: r.Kind, Revision: f.Revision, State: string(f.State), Account: string(r.Account), Action: r.Action, Requester: r.Requester, Editors: r.Editors,
		Version: r.Version, Created: r.Created, Expires: f.ends, Decided: f.Decided, Policy: f.Policy.ID, Page: a.face(f).path(f.ID),
		Needs: f.WireNeeds(), Approvals: f.WireApprovals(), Documents: f.WireDocuments(),
	}}
}

// WireNeeds are the requirements as the API tells them.
func (f *Folder) WireNeeds() []client.ApprovalNeed {
	out := []client.ApprovalNeed{}
	for _, t := range f.Tally {
		out = append(out, client.ApprovalNeed{Group: t.Group, Name: t.Name, Count: t.Count, By: t.By})
	}
	return out
}

// WireApprovals are the signatures as the API tells them.
func (f *Folder) WireApprovals() []client.ApprovalGiven {
	out := []client.ApprovalGiven{}
	for i := range f.Approvals {
		a := &f.Approvals[i]
		out = append(out, client.ApprovalGiven{
			Approver: a.Statement.Approver, Decision: string(a.Statement.Decision), At: a.At, Version: a.Version,
			Fingerprint: a.Key.Fingerprint().String(), Statement: string(a.Statement.Bytes()), Counts: a.Counts(f.Matter),
		})
	}
	return out
}

// WireDocuments are the documents whose SHA-256 is signed, as the API tells them.
func (f *Folder) WireDocuments() client.ApprovalDocuments {
	return client.ApprovalDocuments{Request: string(f.Request.Bytes()), Subject: string(f.Subject), Policy: string(f.Policy.Bytes())}
}

type issueInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body client.ApprovalDecision
}

type statementOutput struct{ Body client.ApprovalStatement }

func statementOf(s *approval.Statement) *statementOutput {
	return &statementOutput{client.ApprovalStatement{Statement: string(s.Bytes()), SHA256: s.Challenge().String(), Nonce: s.Nonce, NotAfter: s.NotAfter}}
}

func (a *area) apiIssue(ctx context.Context, in *issueInput) (*statementOutput, error) {
	var s *approval.Statement
	err := a.touch(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		s, err = a.Desk.Issue(ctx, tx, web.ActorOf(ctx), in.ID, approval.Decision(in.Body.Decision))
		return err
	})
	if err != nil {
		return nil, err
	}
	return statementOf(s), nil
}

func (a *area) apiStatement(ctx context.Context, in *oneInput) (*statementOutput, error) {
	var s *approval.Statement
	err := a.view(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		if _, err := a.Desk.Get(ctx, r, web.ActorOf(ctx), in.ID, a.Now()); err != nil {
			return err
		}
		s, err = approvals.Pending(ctx, r, in.ID, web.ActorOf(ctx).ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return statementOf(s), nil
}

type decideInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body client.ApprovalSignature
}

func (a *area) apiDecide(ctx context.Context, in *decideInput) (*oneOutput, error) {
	if _, err := a.Desk.Decide(ctx, a.Store, web.ActorOf(ctx), in.ID, in.Body.Nonce, in.Body.Credential); err != nil {
		return nil, Told(err)
	}
	return a.apiGet(ctx, &oneInput{in.ID})
}

type recordsOutput struct{ Body client.ApprovalRecords }

func (a *area) apiRecords(ctx context.Context, in *oneInput) (*recordsOutput, error) {
	f, err := a.evidence(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &recordsOutput{}
	out.Body.Items = []json.RawMessage{}
	for i := range f.Approvals {
		s := &f.Approvals[i]
		text, err := s.Record(f.Versions[s.Version-1], f.Policy).Bytes()
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, text)
	}
	return out, nil
}
