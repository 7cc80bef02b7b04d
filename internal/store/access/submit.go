package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
)

// Wanted is what somebody asks for.
type Wanted struct {
	ID string // "" makes one; changes that are planned for the request need it before
	// Account is that of the approval: the one account of the request, or the management
	// account of a request over several.
	Account rootkeep.AccountID
	Asked   *access.Request
	// Urgent asks also if nobody could approve it, or somebody else signs in at that time:
	// who asks is about to override it.
	Urgent bool
}

// Policy is the ID of the policy that decides requests of a kind.
func Policy(k access.Kind) string {
	if k == access.Drill {
		return approval.RootDrill
	}
	return approval.RootUse
}

// Submit asks for root. It records root.requested. It is an *approval.Shortage if nobody
// could approve it: the way without approvals is Override.
func (d *Desk) Submit(ctx context.Context, tx *store.Tx, actor people.Actor, w Wanted) (*Request, error) {
	if w.Asked == nil {
		return nil, fmt.Errorf("%w: nothing is asked for", approvals.ErrInvalid)
	}
	if err := d.fit(ctx, tx, actor, w, ""); err != nil {
		return nil, err
	}
	subject, err := w.Asked.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	m, err := d.Desk.Submit(ctx, tx, actor, approvals.Wanted{
		Kind: access.RequestKind, ID: w.ID, Account: w.Account, Action: w.Asked.Action(), Subject: subject, Policy: Policy(w.Asked.Kind), Short: w.Urgent,
	})
	if err != nil {
		return nil, err
	}
	x := &Request{ID: m.ID, Revision: m.Revision, State: Requested, Matter: m, Asked: w.Asked, Begins: w.Asked.From, Ends: w.Asked.Until}
	if err := x.insert(ctx, tx); err != nil {
		return nil, err
	}
	return x, d.asked(ctx, tx, m)
}

func (d *Desk) asked(ctx context.Context, tx *store.Tx, m *approvals.Matter) error {
	if d.Asked == nil {
		return nil
	}
	return d.Asked(ctx, tx, m)
}

// Outlook is who would have to approve what somebody is about to ask for, and who could,
// without the custodian and who asks.
func (d *Desk) Outlook(ctx context.Context, r *store.Reader, actor people.Actor, w Wanted) (*approvals.Outlook, error) {
	with := approvals.Parties{Accounts: w.Asked.Accounts}
	if w.Asked.Custodian != "" {
		with.Barred = []string{w.Asked.Custodian}
	}
	return d.LookWith(ctx, r, actor, access.RequestKind, w.Account, Policy(w.Asked.Kind), with)
}

// fit refuses what could not be used as it is asked for. id is that of the request that is
// edited, "" for a new one.
func (d *Desk) fit(ctx context.Context, tx *store.Tx, actor people.Actor, w Wanted, id string) error {
	a := w.Asked
	if err := a.Check(); err != nil {
		return fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	now := tx.Now()
	switch {
	case len(a.Accounts) == 1 && w.Account != a.Accounts[0]:
		return fmt.Errorf("%w: a request for account %s is not decided at account %s", approvals.ErrInvalid, a.Accounts[0], w.Account)
	case !now.Before(a.Until):
		return fmt.Errorf("%w: the window ended %s; hint: a window that is still to come", approvals.ErrInvalid, a.Until.Format(time.RFC3339))
	case a.Until.Sub(now) > access.Ahead:
		return fmt.Errorf("%w: the window ends %s, more than %d days ahead", approvals.ErrInvalid, a.Until.Format(time.RFC3339), access.Ahead/(24*time.Hour))
	}
	if err := d.custodian(ctx, &tx.Reader, w.Account, a, actor.ID); err != nil {
		return err
	}
	if w.Urgent {
		return nil
	}
	return overlap(ctx, &tx.Reader, a, id, now)
}

// custodian refuses one who cannot hand the credential out: whoever asks, somebody who is
// not known or not active, or does not hold it at the account.
func (d *Desk) custodian(ctx context.Context, r *store.Reader, account rootkeep.AccountID, a *access.Request, askers ...string) error {
	id := a.Custodian
	if id == "" {
		return nil
	}
	refuse := func(why string) error { return fmt.Errorf("%s %w of account %s: %s", id, ErrCustodian, account, why) }
	if slices.Contains(askers, id) {
		return refuse("who asks for the credential does not keep it; hint: name another person")
	}
	of, err := stored.ActorOf(ctx, r, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refuse("nobody has this ID")
	case errors.Is(err, stored.ErrSuspended):
		return refuse("the person is suspended")
	case err != nil:
		return err
	}
	place, err := d.Place(ctx, r, account)
	if err != nil {
		return err
	}
	if !of.May(people.Hold, place) {
		return refuse("the person has not the role custodian there; hint: rootkeep people grant " + id + " custodian@account:" + string(account))
	}
	return nil
}

// overlap refuses a sign-in in a window that shares time with that of another one to the
// same root user, drills with them: a sign-in names no request, so of two at once nobody
// could say which one an event belongs to. Sessions of sts:AssumeRoot carry an ID, and the
// resources of their changes are held: they may be at the same time.
func overlap(ctx context.Context, r *store.Reader, a *access.Request, but string, now time.Time) error {
	if a.Path != access.SignIn {
		return nil
	}
	others, err := list(ctx, r, now, query+` JOIN root_request_account o ON o.request = q.id
		WHERE o.account = $1 AND q.path = 'sign-in' AND q.id <> $2 AND q.begins < $3 AND q.ends > $4 AND q.state IN ('requested', 'approved', 'open') ORDER BY q.id LIMIT 20`,
		string(a.Accounts[0]), but, store.Micros(a.Until), store.Micros(a.From))
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.State == Requested || o.State == Approved || o.State == Open {
			return fmt.Errorf("account %s, %s to %s: %w: request %s; hint: another time, or have that one withdrawn", a.Accounts[0], a.From.Format(time.RFC3339), a.Until.Format(time.RFC3339), ErrOverlap, o.ID)
		}
	}
	return nil
}

// Edit changes what an open request asks for; accounts, kind and path stay. All approvals
// of before are void, and an override that waits for a second person too. It records
// root.edited.
func (d *Desk) Edit(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, to *access.Request) (*Request, error) {
	x, err := d.at(ctx, tx, actor, id, revision)
	if err != nil {
		return nil, err
	}
	if err := x.is("edited", Requested); err != nil {
		return nil, err
	}
	if !slices.Equal(to.Accounts, x.Asked.Accounts) || to.Kind != x.Asked.Kind || to.Path != x.Asked.Path {
		return nil, fmt.Errorf("%w: an edit changes neither accounts, kind nor path; hint: withdraw it and ask anew", approvals.ErrInvalid)
	}
	if err := d.fit(ctx, tx, actor, Wanted{Account: x.Matter.Request.Account, Asked: to}, id); err != nil {
		return nil, err
	}
	askers := append([]string{x.Requester(), actor.ID}, x.Matter.Request.Editors...)
	if err := d.custodian(ctx, &tx.Reader, x.Matter.Request.Account, to, askers...); err != nil {
		return nil, err
	}
	subject, err := to.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	m, err := d.Desk.Edit(ctx, tx, actor, id, x.Matter.Revision, to.Action(), subject)
	if err != nil {
		return nil, err
	}
	x.Matter, x.Asked, x.Begins, x.Ends = m, to, to.From, to.Until
	if err := x.set(ctx, tx, Requested); err != nil {
		return nil, err
	}
	if err := voidOverride(ctx, tx, id); err != nil {
		return nil, err
	}
	return x, d.asked(ctx, tx, m)
}

// Withdraw takes back a request whose session has not begun: who asked does. It records
// root.withdrawn.
func (d *Desk) Withdraw(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64) (*Request, error) {
	x, err := d.at(ctx, tx, actor, id, revision)
	if err != nil {
		return nil, err
	}
	if x.State == Requested {
		if _, err := d.Desk.Withdraw(ctx, tx, actor, id, x.Matter.Revision); err != nil {
			return nil, err
		}
		return get(ctx, &tx.Reader, id, tx.Now())
	}
	if err := x.is("withdrawn", Approved); err != nil {
		return nil, err
	}
	if actor.ID != x.Requester() {
		return nil, fmt.Errorf("withdraw request %s: only who asked: %w", id, approvals.ErrNotAllowed)
	}
	x.State, x.Ended = Withdrawn, tx.Now()
	if err := x.set(ctx, tx, Approved); err != nil {
		return nil, err
	}
	if err := x.record(tx, "withdrawn", actor.ID); err != nil {
		return nil, err
	}
	return x, x.changed(ctx, tx, d.Changed)
}
