package approvals

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/ledger"
)

// Approval is a signature that was taken.
type Approval struct {
	Statement *approval.Statement
	Version   int
	At        time.Time
	Passkey   string // ID of the key
	Key       approval.Key
	Site      approval.Site
	Assertion []byte
	Revoked   time.Time // of the key, zero while it is good
}

// Counts says whether the approval is one that the request has or had: of this version of
// it, and by a key that was good until it was decided. Whoever signed with a key that was
// revoked since may sign with another one.
func (a *Approval) Counts(x *Matter) bool {
	return a.Version == x.Request.Version && (a.Revoked.IsZero() || !x.Decided.IsZero() && !a.Revoked.Before(x.Decided))
}

// Approvals reads the signatures of a request, those that an edit voided with them, in
// the order in which they came.
func Approvals(ctx context.Context, r *store.Reader, id string) ([]Approval, error) {
	var out []Approval
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var a Approval
		var at, revoked int64
		var statement, credential, public []byte
		err := rows.Scan(&a.Version, &at, &statement, &a.Assertion, &a.Passkey, &credential, &public, &a.Key.AAGUID, &a.Site.RPID, &a.Site.Origin, &revoked)
		if err != nil {
			return err
		}
		a.At, a.Key.ID, a.Key.Public, a.Revoked = store.Time(at), credential, public, store.Time(revoked)
		a.Statement, err = approval.ParseStatement(statement)
		out = append(out, a)
		return err
	}, `SELECT a.version, a.at, a.statement, a.assertion, a.passkey, a.credential, a.public_key, a.aaguid, a.rp_id, a.origin, k.revoked
		FROM approval a JOIN passkey k ON k.id = a.passkey WHERE a.request = $1 ORDER BY a.at, a.approver`, id)
	if err != nil {
		return nil, fmt.Errorf("read approvals of %s: %w", id, err)
	}
	return out, nil
}

// Record is the approval as it is saved and checked offline.
func (a *Approval) Record(v Version, p *approval.Policy) *approval.Record {
	return &approval.Record{
		Schema: approval.RecordSchema, Statement: string(a.Statement.Bytes()), Request: string(v.Request.Bytes()), Subject: string(v.Subject),
		Policy: string(p.Bytes()), Assertion: json.RawMessage(a.Assertion), Key: a.Key, Site: a.Site,
	}
}

// Signed are the statements of the approvals that count.
func (x *Matter) Signed(list []Approval) []*approval.Statement {
	var out []*approval.Statement
	for i := range list {
		if list[i].Counts(x) {
			out = append(out, list[i].Statement)
		}
	}
	return out
}

// Issue hands out the statement that the actor is to sign next. It takes the place of
// one handed out before. It is for Store.Touch.
func (d *Desk) Issue(ctx context.Context, tx *store.Tx, actor people.Actor, id string, decision approval.Decision) (*approval.Statement, error) {
	x, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	if x.State != approval.Requested {
		return nil, fmt.Errorf("request %s is %s: %w", id, x.State, approval.ErrFinal)
	}
	if err := d.mayDecide(ctx, &tx.Reader, x, actor.ID); err != nil {
		return nil, err
	}
	s, err := approval.NewStatement(x.Request, actor.ID, decision, chance(32), tx.Now())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return s, x.handOut(ctx, tx, s)
}

// handOut keeps a statement that somebody is to sign.
func (x *Matter) handOut(ctx context.Context, tx *store.Tx, s *approval.Statement) error {
	_, err := tx.Exec(ctx, `INSERT INTO approval_statement (request, approver, statement, expires) VALUES ($1, $2, $3, $4)
		ON CONFLICT (request, approver) DO UPDATE SET statement = excluded.statement, expires = excluded.expires`,
		x.ID, s.Approver, s.Bytes(), store.Micros(s.NotAfter))
	if err != nil {
		return fmt.Errorf("hand out a statement about %s: %w", x.ID, err)
	}
	return nil
}

// mayDecide says why a person cannot decide the request now, or nil.
func (d *Desk) mayDecide(ctx context.Context, r *store.Reader, x *Matter, person string) error {
	with, err := d.partiesOf(x)
	if err != nil {
		return err
	}
	if slices.Contains(with.Barred, person) {
		return fmt.Errorf("%s takes part in what request %s is for and %w", person, x.ID, approval.ErrMayNot)
	}
	can, err := d.can(ctx, r, x)
	if err != nil {
		return err
	}
	return x.Request.MayDecide(person, x.Policy, can)
}

// Could lists who could decide the request now: who may approve at its account, is in one
// of its groups, and neither asked for it nor edited it.
func (d *Desk) Could(ctx context.Context, r *store.Reader, x *Matter) ([]Approver, error) {
	list, err := d.approvers(ctx, r, x)
	return slices.DeleteFunc(list, func(a Approver) bool {
		return x.Request.MayDecide(a.ID, x.Policy, func(string) bool { return true }) != nil
	}), err
}

func (d *Desk) approvers(ctx context.Context, r *store.Reader, x *Matter) ([]Approver, error) {
	with, err := d.partiesOf(x)
	if err != nil {
		return nil, err
	}
	places, err := d.places(ctx, r, x.Request.Account, with)
	if err != nil {
		return nil, err
	}
	return approvers(ctx, r, places, with.Barred)
}

// can says who may approve at the account of the request now.
func (d *Desk) can(ctx context.Context, r *store.Reader, x *Matter) (func(person string) bool, error) {
	list, err := d.approvers(ctx, r, x)
	known := IDs(list)
	return func(person string) bool { return slices.Contains(known, person) }, err
}

// Tally is how far a request's policy is met: of one that is open by those who may
// approve now, of one that is decided by those who signed it.
func (d *Desk) Tally(ctx context.Context, r *store.Reader, x *Matter, signed []*approval.Statement) ([]approval.Tally, error) {
	can := func(string) bool { return true }
	if x.State == approval.Requested {
		var err error
		if can, err = d.can(ctx, r, x); err != nil {
			return nil, err
		}
	}
	tally, _ := x.Request.Tally(signed, x.Policy, can)
	return tally, nil
}

// Pending is the statement handed out to a person, ErrNotFound if there is none.
func Pending(ctx context.Context, r *store.Reader, id, approver string) (*approval.Statement, error) {
	var text []byte
	err := r.Row(ctx, `SELECT statement FROM approval_statement WHERE request = $1 AND approver = $2`, id, approver).Scan(&text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("statement of %s about %s: %w", approver, id, store.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("read statement of %s about %s: %w", approver, id, err)
	}
	return approval.ParseStatement(text)
}

// Decide takes a signature over the statement with the nonce that was handed out to the
// actor. It records KIND.approved or KIND.denied with everything that is needed to check
// it, and KIND.granted with the last approval that is needed.
func (d *Desk) Decide(ctx context.Context, s *store.Store, actor people.Actor, id, nonce string, assertion []byte) (*Matter, error) {
	var taken signature
	err := s.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		taken, err = d.verify(ctx, r, actor, id, nonce, assertion)
		return err
	})
	if err != nil {
		return nil, err
	}
	var x *Matter
	err = s.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		x, err = d.decide(ctx, tx, taken)
		return err
	})
	if errors.Is(err, stored.ErrCount) {
		doubt := s.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			return stored.DoubtKey(ctx, tx, taken.key.ID, taken.signed.Count)
		})
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrSigned, err), doubt)
	}
	return x, err
}

// signature is an assertion over a statement of ours that was found good.
type signature struct {
	signed    *approval.Signed
	assertion []byte
	key       stored.Key
	site      approval.Site
}

// verify checks the signature, which takes the processor too long for a transaction that
// others wait for.
func (d *Desk) verify(ctx context.Context, r *store.Reader, actor people.Actor, id, nonce string, assertion []byte) (signature, error) {
	s, err := pendingOrDecided(ctx, r, id, actor.ID)
	if err != nil {
		return signature{}, err
	}
	return d.check(ctx, r, s, actor, nonce, assertion)
}

// check verifies that a key of the actor signed the statement.
func (d *Desk) check(ctx context.Context, r *store.Reader, s *approval.Statement, actor people.Actor, nonce string, assertion []byte) (signature, error) {
	if s.Nonce != nonce {
		return signature{}, fmt.Errorf("%w: another statement was handed out since; hint: read the request again", ErrSigned)
	}
	credential, err := approval.CredentialOf(assertion)
	if err != nil {
		return signature{}, fmt.Errorf("%w: %w", ErrSigned, err)
	}
	keys, err := stored.GoodKeys(ctx, r, actor.ID)
	if err != nil {
		return signature{}, err
	}
	i := slices.IndexFunc(keys, func(k stored.Key) bool { return bytes.Equal(k.Credential, credential) })
	if i < 0 {
		return signature{}, fmt.Errorf("%w: %s has no such key, or it was revoked", ErrSigned, actor.ID)
	}
	signed, err := approval.Verify(s.Bytes(), assertion, approval.Key{ID: keys[i].Credential, Public: keys[i].PublicKey}, d.Site)
	if err != nil {
		return signature{}, fmt.Errorf("%w: %w", ErrSigned, err)
	}
	return signature{signed, assertion, keys[i], d.Site}, nil
}

// pendingOrDecided is Pending, with a better error for a second click.
func pendingOrDecided(ctx context.Context, r *store.Reader, id, approver string) (*approval.Statement, error) {
	s, err := Pending(ctx, r, id, approver)
	if !errors.Is(err, store.ErrNotFound) {
		return s, err
	}
	var n int
	err = r.Row(ctx, `SELECT COUNT(*) FROM approval a JOIN approval_request r ON r.id = a.request AND r.version = a.version
		JOIN passkey k ON k.id = a.passkey AND k.revoked = 0 WHERE a.request = $1 AND a.approver = $2`, id, approver).Scan(&n)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read approvals of %s: %w", id, err)
	case n > 0:
		return nil, fmt.Errorf("%s %w: %s", approver, approval.ErrTwice, id)
	}
	return nil, fmt.Errorf("%w: no statement about %s was handed out to %s, or the request was edited since; hint: read the request again", ErrSigned, id, approver)
}

// decide makes the decision of a good signature: everything that could have changed
// since it was checked is looked at again.
func (d *Desk) decide(ctx context.Context, tx *store.Tx, by signature) (*Matter, error) {
	s := by.signed.Statement
	x, err := get(ctx, &tx.Reader, s.Request, tx.Now())
	if err != nil {
		return nil, err
	}
	if err := d.late(x, tx.Now()); err != nil {
		return nil, err
	}
	pending, err := pendingOrDecided(ctx, &tx.Reader, x.ID, s.Approver)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(pending.Bytes(), s.Bytes()) {
		return nil, fmt.Errorf("%w: another statement was handed out since; hint: read the request again", ErrSigned)
	}
	before, err := Approvals(ctx, &tx.Reader, x.ID)
	if err != nil {
		return nil, err
	}
	can, err := d.can(ctx, &tx.Reader, x)
	if err != nil {
		return nil, err
	}
	state, err := x.Request.Decide(x.State, x.Signed(before), s, x.Policy, can, tx.Now())
	if err != nil {
		return nil, err
	}
	if err := stored.KeyUsed(ctx, tx, by.key.ID, by.signed.Count, by.signed.BackedUp); err != nil {
		return nil, err
	}
	if err := x.set(ctx, tx, x.Revision, state); err != nil {
		return nil, err
	}
	return x, d.keepApproval(ctx, tx, x, by)
}

// Ends is the first moment at which an open request cannot be decided any more: it
// expires, or what it asks for is over.
func (d *Desk) Ends(x *Matter) (time.Time, error) {
	ends := x.Request.Expires
	k, err := d.kind(x.Request.Kind)
	if err != nil || k.Until == nil {
		return ends, err
	}
	until, err := k.Until(x.Subject)
	if err == nil && until.Before(ends) {
		ends = until
	}
	return ends, err
}

// late says why an open request cannot be decided any more, though it is not expired.
func (d *Desk) late(x *Matter, now time.Time) error {
	ends, err := d.Ends(x)
	if err == nil && ends.Before(x.Request.Expires) && !now.Before(ends) {
		err = fmt.Errorf("request %s: what it asks for was to end %s: %w; hint: ask anew", x.ID, ends.Format(time.RFC3339), approval.ErrFinal)
	}
	return err
}

// keepApproval writes the approval, takes the statement back and records both.
func (d *Desk) keepApproval(ctx context.Context, tx *store.Tx, x *Matter, by signature) error {
	s := by.signed.Statement
	a := Approval{s, x.Request.Version, tx.Now(), by.key.ID, approval.Key{ID: by.key.Credential, Public: by.key.PublicKey, AAGUID: aaguid(by.key.AAGUID)}, by.site, by.assertion, time.Time{}}
	_, err := tx.Exec(ctx, `INSERT INTO approval (request, version, approver, decision, at, statement, assertion, passkey, credential, public_key, aaguid, rp_id, origin)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		x.ID, int64(a.Version), s.Approver, string(s.Decision), store.Micros(a.At), s.Bytes(), a.Assertion, a.Passkey, []byte(a.Key.ID), []byte(a.Key.Public), a.Key.AAGUID, a.Site.RPID, a.Site.Origin)
	if err != nil {
		return fmt.Errorf("keep the approval of %s: %w", x.ID, err)
	}
	if err := tx.ExecOne(ctx, `DELETE FROM approval_statement WHERE request = $1 AND approver = $2`, x.ID, s.Approver); err != nil {
		return fmt.Errorf("take back the statement about %s: %w", x.ID, err)
	}
	record, err := a.Record(x.Version, x.Policy).Bytes()
	if err != nil {
		return err
	}
	verb := "approved"
	if s.Decision == approval.Deny {
		verb = "denied"
	}
	if err := x.record(tx, verb, s.Approver, ledger.NewPayload("approval", record)); err != nil {
		return err
	}
	if x.State == approval.Approved {
		if err := x.record(tx, "granted", people.SystemActor.ID); err != nil {
			return err
		}
	}
	if x.State == approval.Requested {
		return nil
	}
	return d.decided(ctx, tx, x)
}

// aaguid is the model of an authenticator as it is written: 8-4-4-4-12.
func aaguid(b []byte) string {
	if len(b) != 16 {
		return ""
	}
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
