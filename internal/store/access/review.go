package access

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
	caseof "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/incident"
)

// Review says what an override was, once its session is over or nobody can open it any
// more: what is yet to be done, nobody can have looked at. Somebody does who took no part
// in it and may approve at all of its accounts. It records root.reviewed, and notes it in
// the case.
func (d *Desk) Review(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, verdict Judgement, text string) (*Override, error) {
	x, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	o, err := overrideOf(ctx, &tx.Reader, id)
	if err != nil {
		return nil, err
	}
	if err := d.MayReview(ctx, &tx.Reader, actor, x, o); err != nil {
		return nil, err
	}
	switch {
	case o.Revision != revision:
		return nil, fmt.Errorf("override of %s: %w", id, store.ErrConflict)
	case o.State != Granted:
		return nil, fmt.Errorf("override of %s is %s: %w", id, o.State, ErrState)
	case x.State == Approved || x.State == Open:
		return nil, fmt.Errorf("override of %s: its session is not over: %w; hint: review it once it is closed, or after %s", id, ErrState, cmp.Or(x.Due, x.Ends).Format(time.RFC3339))
	case verdict != Justified && verdict != NotJustified:
		return nil, fmt.Errorf("%w: verdict %q, want %s or %s", approvals.ErrInvalid, verdict, Justified, NotJustified)
	}
	if err := approval.CheckText("review", text, 2000); err != nil {
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	o.State, o.Reviewer, o.Reviewed, o.Verdict, o.Review = Reviewed, actor.ID, tx.Now(), verdict, text
	if err := o.set(ctx, tx); err != nil {
		return nil, err
	}
	if err := incident.Tell(ctx, tx, caseof.ID(overrideCause(id)), fmt.Sprintf("%s reviewed the override: %s", actor.ID, verdict)); err != nil {
		return nil, err
	}
	return o, x.say(tx, "reviewed", actor.ID, struct {
		Review  string    `json:"review"`
		Verdict Judgement `json:"verdict"`
	}{text, verdict})
}

// MayReview refuses who took part in the override, as whoever had approved the request, or
// agreed to go on without approvals, did too, and who may not approve at its accounts.
func (d *Desk) MayReview(ctx context.Context, r *store.Reader, actor people.Actor, x *Request, o *Override) error {
	took := x.Parties()
	for _, request := range []string{x.ID, o.Second} {
		signed, err := approvals.Approvals(ctx, r, request)
		if err != nil {
			return err
		}
		for i := range signed {
			took = append(took, signed[i].Statement.Approver)
		}
	}
	return d.independent(ctx, r, actor, x, took)
}

// independent refuses who took part in a request, and who may not approve at all of its
// accounts.
func (d *Desk) independent(ctx context.Context, r *store.Reader, actor people.Actor, x *Request, took []string) error {
	if actor.Kind != people.Person || slices.Contains(took, actor.ID) {
		return fmt.Errorf("judge request %s: somebody does who took no part in it: %w", x.ID, approvals.ErrNotAllowed)
	}
	for _, a := range x.Accounts() {
		place, err := d.Place(ctx, r, a)
		if err != nil {
			return err
		}
		if !actor.May(people.Approve, place) {
			return fmt.Errorf("judge request %s in account %s: %w; hint: the role approver", x.ID, a, approvals.ErrNotAllowed)
		}
	}
	return nil
}

// LateReviews writes down which reviews are late, and gives their overrides: for a notice.
// As long as there are any there may be more. It records root.review-late.
func LateReviews(ctx context.Context, tx *store.Tx) ([]*Override, error) {
	late, err := overrides(ctx, &tx.Reader, ` WHERE state = 'granted' AND late = 0 AND due <= $1 ORDER BY request LIMIT $2`, store.Micros(tx.Now()), mostAtOnce)
	if err != nil {
		return nil, err
	}
	for _, o := range late {
		o.Late = tx.Now()
		if err := o.set(ctx, tx); err != nil {
			return nil, err
		}
		if err := tx.Record(access.RequestKind+".review-late", o.Request, people.SystemActor.ID); err != nil {
			return nil, err
		}
	}
	return late, nil
}

// Unreviewed says why the case of an override cannot be closed yet: for incident.Desk.
func Unreviewed(ctx context.Context, r *store.Reader, c *incident.Case) error {
	if c.Request == "" || c.Cause != overrideCause(c.Request) {
		return nil
	}
	o, err := overrideOf(ctx, r, c.Request)
	if err != nil {
		return err
	}
	if o.State != Reviewed {
		return fmt.Errorf("case %s: the override of %s is not reviewed: %w; hint: rootkeep root review %s", c.ID, c.Request, caseof.ErrState, c.Request)
	}
	return nil
}
