package approvals

import (
	"context"
	"errors"
	"fmt"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/ledger"
)

// IssueOverride hands out the statement by which the actor, who asked, goes on without
// approvals. It is for Store.Touch, and for kinds that allow it: those see to what it takes.
func (d *Desk) IssueOverride(ctx context.Context, tx *store.Tx, actor people.Actor, id, reason string) (*approval.Statement, error) {
	x, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	if x.State != approval.Requested {
		return nil, fmt.Errorf("request %s is %s: %w", id, x.State, approval.ErrFinal)
	}
	if actor.ID != x.Request.Requester {
		return nil, fmt.Errorf("request %s: only who made it overrides it: %s %w", id, actor.ID, approval.ErrMayNot)
	}
	s, err := approval.NewOverride(x.Request, reason, chance(32), tx.Now())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return s, x.handOut(ctx, tx, s)
}

// Overriding is an override whose signature was found good.
type Overriding struct {
	Statement *approval.Statement
	by        signature
}

// VerifyOverride checks the signature of the actor's key over the override that was handed
// out. A key whose count went back is doubted, as with Decide.
func (d *Desk) VerifyOverride(ctx context.Context, s *store.Store, actor people.Actor, id, nonce string, assertion []byte) (*Overriding, error) {
	var by signature
	err := s.View(ctx, func(ctx context.Context, r *store.Reader) error {
		pending, err := Pending(ctx, r, id, actor.ID)
		switch {
		case errors.Is(err, store.ErrNotFound) || err == nil && pending.Decision != approval.Override:
			return fmt.Errorf("%w: no override of %s was handed out to %s, or the request was edited since; hint: read the request again", ErrSigned, id, actor.ID)
		case err != nil:
			return err
		}
		by, err = d.check(ctx, r, pending, actor, nonce, assertion)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Overriding{by.signed.Statement, by}, nil
}

// TakeOverride looks again at everything that could have changed since the signature was
// checked, counts the use of the key and takes the statement back. It gives the request and
// what was signed, which Overridden carries out.
func (d *Desk) TakeOverride(ctx context.Context, tx *store.Tx, o *Overriding) (*Matter, *approval.Record, error) {
	s := o.Statement
	x, err := get(ctx, &tx.Reader, s.Request, tx.Now())
	if err != nil {
		return nil, nil, err
	}
	if err := d.late(x, tx.Now()); err != nil {
		return nil, nil, err
	}
	pending, err := Pending(ctx, &tx.Reader, x.ID, s.Approver)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrSigned, err)
	}
	if pending.Challenge() != s.Challenge() {
		return nil, nil, fmt.Errorf("%w: another statement was handed out since; hint: read the request again", ErrSigned)
	}
	if _, err := x.Request.Override(x.State, s, tx.Now()); err != nil {
		return nil, nil, err
	}
	key := o.by.key
	if err := stored.KeyUsed(ctx, tx, key.ID, o.by.signed.Count, o.by.signed.BackedUp); err != nil {
		return nil, nil, err
	}
	if err := tx.ExecOne(ctx, `DELETE FROM approval_statement WHERE request = $1 AND approver = $2`, x.ID, s.Approver); err != nil {
		return nil, nil, fmt.Errorf("take back the statement about %s: %w", x.ID, err)
	}
	a := Approval{Statement: s, Passkey: key.ID, Key: approval.Key{ID: key.Credential, Public: key.PublicKey, AAGUID: aaguid(key.AAGUID)}, Site: o.by.site, Assertion: o.by.assertion}
	return x, a.Record(x.Version, x.Policy), nil
}

// Overridden ends a request that was open until now: it goes on without approvals, and
// none is taken any more. It records KIND.overridden with what was signed and the other
// payloads. The statement is checked against the request, without its time: it may have
// waited for a second person.
func Overridden(ctx context.Context, tx *store.Tx, id string, record *approval.Record, payloads ...ledger.Payload) (*Matter, error) {
	x, err := get(ctx, &tx.Reader, id, tx.Now())
	if err != nil {
		return nil, err
	}
	if x.State != approval.Requested {
		return nil, fmt.Errorf("request %s is %s: %w", id, x.State, approval.ErrFinal)
	}
	checked, err := record.Check()
	if err != nil {
		return nil, fmt.Errorf("override of %s: %w", id, err)
	}
	if checked.Statement.Decision != approval.Override || checked.Request.Hash() != x.Request.Hash() {
		return nil, fmt.Errorf("override of %s: %w", id, approval.ErrStale)
	}
	text, err := record.Bytes()
	if err != nil {
		return nil, err
	}
	if err := x.set(ctx, tx, x.Revision, approval.Overridden); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM approval_statement WHERE request = $1`, id); err != nil {
		return nil, fmt.Errorf("take back statements about %s: %w", id, err)
	}
	return x, x.record(tx, "overridden", checked.Statement.Approver, append([]ledger.Payload{ledger.NewPayload("override", text)}, payloads...)...)
}

// DoubtOverride marks the key of an override whose count went back, as Decide does; err is
// what TakeOverride said.
func (o *Overriding) DoubtOverride(ctx context.Context, s *store.Store, err error) error {
	if !errors.Is(err, stored.ErrCount) {
		return err
	}
	doubt := s.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		return stored.DoubtKey(ctx, tx, o.by.key.ID, o.by.signed.Count)
	})
	return errors.Join(fmt.Errorf("%w: %w", ErrSigned, err), doubt)
}
