package ask

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/web"
)

// asked is what somebody asks for, read: what of it does not parse is a refusal.
type asked struct {
	task *access.Task
	way  *access.Requirement
	ask  access.Ask
	at   rootkeep.AccountID // where it is decided

	standing *stored.Standing // what the accounts are
}

// Invalid is a refusal of what does not parse.
func Invalid(format string, args ...any) error {
	return web.Refuse(http.StatusUnprocessableEntity, "invalid", fmt.Sprintf(format, args...))
}

// task finds a task by its ID.
func (a *area) task(id string) (*access.Task, error) {
	if t := access.Find(a.Tasks, id); t != nil {
		return t, nil
	}
	return nil, Invalid("there is no task %q; hint: rootkeep root tasks list", id)
}

func parseHolder(s string) (access.Holder, error) {
	if h := access.Holder(s); slices.Contains(access.Holders(), h) {
		return h, nil
	}
	return "", Invalid("holder %q: want one of %v", s, access.Holders())
}

// read reads what somebody asks for.
func (a *area) read(in client.RootAsk) (*asked, error) {
	t, err := a.task(in.Task)
	if err != nil {
		return nil, err
	}
	q := &asked{task: t, at: rootkeep.AccountID(in.Decided), ask: access.Ask{
		Custodian: in.Custodian, From: in.From, Until: in.Until, Justification: in.Justification, Kind: access.Kind(in.Kind),
		Session: time.Duration(in.Session) * time.Second, Ticket: in.Ticket,
	}}
	for _, s := range in.Accounts {
		account, err := rootkeep.ParseAccountID(s)
		if err != nil {
			return nil, Invalid("%s", err)
		}
		q.ask.Accounts = append(q.ask.Accounts, account)
	}
	for _, s := range in.Networks {
		n, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, Invalid("network %q: want a range such as 198.51.100.0/24", s)
		}
		q.ask.Networks = append(q.ask.Networks, n)
	}
	return q, q.place()
}

// hold finds out what the accounts are to their organization. What needs no root of such a
// holder ends here, with what to do instead.
func (a *area) hold(ctx context.Context, q *asked, said string) error {
	var err error
	if q.standing, err = a.standing(ctx, q.ask.Accounts, said); err != nil {
		return err
	}
	advice := q.task.Advise(q.standing.Holder)
	if advice.Needs == nil {
		return web.Refuse(http.StatusUnprocessableEntity, "root-not-needed", advice.Says+" "+advice.Instead)
	}
	q.ask.Holder, q.way = q.standing.Holder, advice.Needs
	return nil
}

// place says at which account the request is decided.
func (q *asked) place() error {
	switch n := len(q.ask.Accounts); {
	case n == 0:
		return Invalid("no account is named")
	case n > 1 && q.at == "":
		return Invalid("a request over %d accounts is decided at the management account, which is not named; hint: decided_at", n)
	case n > 1:
		if _, err := rootkeep.ParseAccountID(string(q.at)); err != nil {
			return Invalid("decided_at: %s", err)
		}
	case q.at != "" && q.at != q.ask.Accounts[0]:
		return Invalid("a request for one account is decided there")
	default:
		q.at = q.ask.Accounts[0]
	}
	return nil
}

// prepare makes the request; what the task does not allow is a refusal.
func (q *asked) prepare(now time.Time) (*access.Request, error) {
	r, err := q.task.Prepare(q.ask, now)
	if err != nil {
		return nil, web.Refuse(http.StatusUnprocessableEntity, "cannot-be-asked", err.Error())
	}
	return r, nil
}

// try prepares the request with stand-ins for its changes, so that what is wrong with it is
// told before an account is read.
func (q *asked) try(kind string, now time.Time) error {
	if kind == "" {
		_, err := q.prepare(now)
		return err
	}
	with := *q
	with.ask.Changes = nil
	for i, account := range q.ask.Accounts {
		with.ask.Changes = append(with.ask.Changes, access.Change{Account: account, ID: fmt.Sprint("CH-", i), Plan: approval.Sum(nil)})
	}
	_, err := with.prepare(now)
	return err
}

// askFor asks for root: the changes are planned first, if it is for any.
func (a *area) askFor(ctx context.Context, in client.RootAsk) (*stored.Request, error) {
	q, err := a.read(in)
	if err != nil {
		return nil, err
	}
	if err := a.mayAsk(ctx, q); err != nil {
		return nil, err
	}
	if err := a.hold(ctx, q, in.Holder); err != nil {
		return nil, err
	}
	if err := q.try(q.way.Change, a.Now()); err != nil {
		return nil, err
	}
	id := newID(a.Now())
	if err := a.plan(ctx, q, id, in.Parameters); err != nil {
		return nil, err
	}
	r, err := q.prepare(a.Now())
	if err != nil {
		return nil, err
	}
	var x *stored.Request
	err = a.update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		x, err = a.Desk.Submit(ctx, tx, web.ActorOf(ctx), stored.Wanted{ID: id, Account: q.at, Asked: r, Urgent: in.Urgent})
		if err != nil {
			return err
		}
		return q.standing.Keep(tx, id, web.ActorOf(ctx).ID)
	})
	return x, err
}

// mayAsk refuses who may not ask at all of the accounts, before any of them is read.
func (a *area) mayAsk(ctx context.Context, q *asked) error {
	actor := web.ActorOf(ctx)
	return a.view(ctx, func(ctx context.Context, r *store.Reader) error {
		for _, account := range append([]rootkeep.AccountID{q.at}, q.ask.Accounts...) {
			place, err := a.Desk.Place(ctx, r, account)
			if err != nil {
				return err
			}
			if actor.Kind != people.Person || !actor.May(people.Request, place) {
				return web.Refuse(http.StatusForbidden, "forbidden", "ask for root of account "+string(account)+": not allowed at this account; hint: the role requester")
			}
		}
		return nil
	})
}

// plan plans one change for each account, on the path Assumed. For a sign-in as a member
// whose root user has no password one is planned that lets it be made; one that has a
// password needs none.
func (a *area) plan(ctx context.Context, q *asked, id string, parameters map[string]any) error {
	kind := q.way.Change
	if q.way.Recovery {
		kind = access.RecoveryAllow
	}
	if kind == "" {
		return nil
	}
	for _, account := range slices.Sorted(slices.Values(q.ask.Accounts)) {
		c, err := a.Engine.PlanFor(ctx, web.ActorOf(ctx), id, account, kind, parameters)
		var refused *web.Refusal
		switch {
		case errors.Is(err, change.ErrNothing) && q.way.Recovery:
			continue
		case errors.Is(err, change.ErrNothing):
			return web.Refuse(http.StatusConflict, "root-change-failed", fmt.Sprintf("account %s: %s is done already, and root is not needed; hint: ask for the others", account, kind))
		case errors.As(err, &refused):
			return web.Refuse(refused.Status, refused.Kind, fmt.Sprintf("account %s: %s", account, refused.Detail))
		case err != nil:
			return Told(err)
		}
		q.ask.Changes = append(q.ask.Changes, c)
	}
	return nil
}

// newID is that of a request: changes name it before it is there.
func newID(now time.Time) string {
	var chance [8]byte
	rand.Read(chance[:]) // never fails, see crypto/rand
	return rootkeep.NewID(access.Prefix, now, chance[:])
}

// edited asks for something else by an open request. Changes that it is for stay.
func (a *area) edited(ctx context.Context, id string, revision int64, in client.RootAsk) (*stored.Request, error) {
	q, err := a.read(in)
	if err != nil {
		return nil, err
	}
	holder, err := a.kept(ctx, id, in.Holder)
	if err != nil {
		return nil, err
	}
	if err := a.hold(ctx, q, holder); err != nil {
		return nil, err
	}
	var x *stored.Request
	err = a.update(ctx, func(ctx context.Context, tx *store.Tx) error {
		was, err := a.Desk.Get(ctx, &tx.Reader, web.ActorOf(ctx), id, tx.Now())
		if err != nil {
			return err
		}
		q.ask.Changes = was.Asked.Changes
		r, err := q.prepare(a.Now())
		if err != nil {
			return err
		}
		x, err = a.Desk.Edit(ctx, tx, web.ActorOf(ctx), id, revision, r)
		return err
	})
	return x, err
}

// outlook is what a task comes to at accounts: who would have to approve it, who could,
// and who could hand the credential out.
type outlook struct {
	advice     access.Advice
	kind       access.Kind
	policy     *approval.Policy // nil if no request is taken
	could      []client.RootPerson
	custodians []client.RootPerson
	short      string
}

// look tells before anything is asked what a request would need.
func (a *area) look(ctx context.Context, t *access.Task, h access.Holder, kind access.Kind, at rootkeep.AccountID, accounts []rootkeep.AccountID, custodian string) (*outlook, error) {
	o := &outlook{advice: t.Advise(h), kind: kind, could: []client.RootPerson{}, custodians: []client.RootPerson{}}
	if o.advice.Needs == nil {
		return o, nil
	}
	if o.kind == "" {
		o.kind = t.Requests[0]
	}
	if !t.Takes(o.kind) {
		return nil, Invalid("%s is not asked for as %s", t.ID, o.kind)
	}
	err := a.view(ctx, func(ctx context.Context, r *store.Reader) error {
		asked := &access.Request{Accounts: accounts, Custodian: custodian, Kind: o.kind}
		seen, err := a.Desk.Outlook(ctx, r, web.ActorOf(ctx), stored.Wanted{Account: at, Asked: asked})
		if err != nil {
			return err
		}
		o.policy = &seen.Policy
		for _, p := range seen.Could {
			o.could = append(o.could, client.RootPerson{ID: p.ID, Name: p.Name})
		}
		if seen.Shortage != nil {
			o.short = seen.Shortage.Error()
		}
		if o.advice.Needs.Custodian {
			o.custodians, err = a.custodians(ctx, r, at)
		}
		return err
	})
	return o, err
}

// mostHolders bounds the persons that are looked through for custodians.
const mostHolders = 500

// custodians are who could hand a credential of the account out, without who asks.
func (a *area) custodians(ctx context.Context, r *store.Reader, at rootkeep.AccountID) ([]client.RootPerson, error) {
	place, err := a.Desk.Place(ctx, r, at)
	if err != nil {
		return nil, err
	}
	return persons(ctx, r, func(p people.Actor) bool { return p.ID != web.ActorOf(ctx).ID && p.May(people.Hold, place) }, people.Custodian)
}
