package approvals

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// Columns and Newest are for the lists of kinds that keep more in rows of their own: they
// SELECT Columns, join with Newest, and give each row to Scan.
const (
	Columns = `r.id, r.revision, r.state, r.decided, r.overridden, r.policy, v.document, v.subject, v.editor, v.at`
	Newest  = ` approval_request r JOIN approval_version v ON v.request = r.id AND v.version = r.version`
)

// Scan reads a row of Columns, and what stands behind them into more.
func Scan(row interface{ Scan(...any) error }, now time.Time, more ...any) (*Matter, error) {
	var x Matter
	var decided, overridden, at int64
	var policy, document []byte
	err := row.Scan(append([]any{&x.ID, &x.Revision, &x.State, &decided, &overridden, &policy, &document, &x.Subject, &x.Editor, &at}, more...)...)
	if err != nil {
		return nil, err
	}
	x.Decided, x.At = store.Time(decided), store.Time(at)
	if overridden != 0 {
		x.State = approval.Overridden
	}
	if x.Policy, err = approval.ParsePolicy(policy); err != nil {
		return nil, fmt.Errorf("%s: %w", x.ID, err)
	}
	if x.Request, err = approval.ParseRequest(document); err != nil {
		return nil, fmt.Errorf("%s: %w", x.ID, err)
	}
	x.State = x.Request.At(x.State, now)
	return &x, nil
}

// get reads a request; ErrNotFound if there is none.
func get(ctx context.Context, r *store.Reader, id string, now time.Time) (*Matter, error) {
	x, err := Scan(r.Row(ctx, `SELECT `+Columns+` FROM`+Newest+` WHERE r.id = $1`, id), now)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("request %s: %w", id, store.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("read request: %w", err)
	}
	return x, nil
}

// Final reads a request for what it lets happen: whoever asks has seen to who may.
func Final(ctx context.Context, r *store.Reader, id string, now time.Time) (*Matter, error) {
	return get(ctx, r, id, now)
}

// Get reads a request that the actor may read; ErrNotFound if there is none.
func (d *Desk) Get(ctx context.Context, r *store.Reader, actor people.Actor, id string, now time.Time) (*Matter, error) {
	x, err := get(ctx, r, id, now)
	if err != nil {
		return nil, err
	}
	with, err := d.partiesOf(x)
	if err != nil {
		return nil, err
	}
	places, err := d.places(ctx, r, x.Request.Account, with)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(places, func(p people.Place) bool { return !actor.May(people.Read, p) }) {
		return nil, fmt.Errorf("request %s: %w", id, store.ErrNotFound)
	}
	return x, nil
}

// Versions reads every version of a request, the first one first.
func Versions(ctx context.Context, r *store.Reader, id string) ([]Version, error) {
	var out []Version
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var v Version
		var at int64
		var document []byte
		if err := rows.Scan(&v.Editor, &at, &document, &v.Subject); err != nil {
			return err
		}
		v.At = store.Time(at)
		var err error
		v.Request, err = approval.ParseRequest(document)
		out = append(out, v)
		return err
	}, `SELECT editor, at, document, subject FROM approval_version WHERE request = $1 ORDER BY version`, id)
	if err != nil {
		return nil, fmt.Errorf("read versions of %s: %w", id, err)
	}
	return out, nil
}

// Sight is what the actor may read of accounts, which a query lists.
func (d *Desk) Sight(ctx context.Context, r *store.Reader, actor people.Actor, accounts string) (sight.Sight, error) {
	if actor.May(people.Read, people.Place{}) {
		return sight.All(), nil
	}
	all, err := store.Texts(ctx, r, accounts)
	if err != nil {
		return sight.Sight{}, fmt.Errorf("list accounts that could be read: %w", err)
	}
	var seen []rootkeep.AccountID
	for _, a := range all {
		place, err := d.Place(ctx, r, rootkeep.AccountID(a))
		if err != nil {
			return sight.Sight{}, err
		}
		if actor.May(people.Read, place) {
			seen = append(seen, rootkeep.AccountID(a))
		}
	}
	return sight.Of(seen), nil
}

// InState keeps a list to requests in a state at a time, whether or not somebody wrote
// down yet that they expired.
func InState(w *clause.Where, state approval.State, now time.Time) {
	switch at := store.Micros(now); state {
	case approval.Requested:
		w.And("r.state = 'requested' AND r.expires > ?", at)
	case approval.Expired:
		w.And("(r.state = 'expired' OR r.state = 'requested' AND r.expires <= ?)", at)
	case approval.Withdrawn:
		w.And("r.state = 'withdrawn' AND r.overridden = 0")
	case approval.Overridden:
		w.And("r.overridden > 0")
	default:
		w.And("r.state = ?", string(state))
	}
}

// Approver is a person who could approve at a place now: active, with the role there,
// and with a key.
type Approver struct {
	ID   string
	Name string // typed by people: escape it
}

// Approvers lists who could approve at a place now, by ID.
func Approvers(ctx context.Context, r *store.Reader, at people.Place) ([]Approver, error) {
	return approvers(ctx, r, []people.Place{at}, nil)
}

// approvers lists who could approve at each of the places now, by ID, without those who
// are barred.
func approvers(ctx context.Context, r *store.Reader, at []people.Place, barred []string) ([]Approver, error) {
	var out []Approver
	var of people.Actor
	take := func() {
		may := func(p people.Place) bool { return of.May(people.Approve, p) }
		if of.ID != "" && !slices.Contains(barred, of.ID) && !slices.ContainsFunc(at, func(p people.Place) bool { return !may(p) }) {
			out = append(out, Approver{of.ID, of.Name})
		}
	}
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var a Approver
		var g people.Grant
		if err := rows.Scan(&a.ID, &a.Name, &g.Role, &g.Scope); err != nil {
			return err
		}
		if a.ID != of.ID {
			take()
			of = people.Actor{ID: a.ID, Name: a.Name}
		}
		of.Grants = append(of.Grants, g)
		return nil
	}, `SELECT p.id, p.name, g.role, g.scope FROM person p JOIN person_grant g ON g.person = p.id
		WHERE p.state = 'active' AND EXISTS (SELECT 1 FROM passkey k WHERE k.person = p.id AND k.revoked = 0) ORDER BY p.id`)
	if err != nil {
		return nil, fmt.Errorf("list approvers: %w", err)
	}
	take()
	return out, nil
}

// IDs are the persons' IDs.
func IDs(list []Approver) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.ID
	}
	return out
}
