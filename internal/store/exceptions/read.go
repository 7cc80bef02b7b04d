package exceptions

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/clause"
)

const newest = `SELECT ` + approvals.Columns + `, e.ended FROM` + approvals.Newest + ` JOIN exception e ON e.id = r.id`

func scan(row interface{ Scan(...any) error }, now time.Time) (*Exception, error) {
	var ended int64
	m, err := approvals.Scan(row, now, &ended)
	if err != nil {
		return nil, err
	}
	return exception(m, ended != 0, now)
}

// get reads an exception; ErrNotFound if there is none.
func get(ctx context.Context, r *store.Reader, id string, now time.Time) (*Exception, error) {
	x, err := scan(r.Row(ctx, newest+` WHERE r.id = $1`, id), now)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("exception %s: %w", id, store.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("read exception: %w", err)
	}
	return x, nil
}

// Get reads an exception that the actor may read; ErrNotFound if there is none.
func (d *Desk) Get(ctx context.Context, r *store.Reader, actor people.Actor, id string, now time.Time) (*Exception, error) {
	if _, err := d.Desk.Get(ctx, r, actor, id, now); err != nil {
		return nil, err
	}
	return get(ctx, r, id, now)
}

// Withdraw takes an open request back. Of a request that the actor may not read it is
// ErrNotFound. It records exception.withdrawn.
func (d *Desk) Withdraw(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64) (*Exception, error) {
	if _, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now()); err != nil {
		return nil, err
	}
	m, err := d.Desk.Withdraw(ctx, tx, actor, id, revision)
	if err != nil {
		return nil, err
	}
	return exception(m, false, tx.Now())
}

// Filter says which exceptions a list holds. Zero fields hold nothing back.
type Filter struct {
	State   approval.State // Approved are those that apply; those that ended are Ended
	Ended   bool           // only granted ones that are over
	Account rootkeep.AccountID
	Control string
	By      string // requester
	Before  string // ID of the last one of the page before: newest come first
	Limit   int
}

// List reads the exceptions that the actor may read, the newest first.
func (d *Desk) List(ctx context.Context, r *store.Reader, actor people.Actor, f Filter, now time.Time) ([]*Exception, error) {
	seen, err := d.Sight(ctx, r, actor, `SELECT DISTINCT account FROM exception`)
	if err != nil {
		return nil, err
	}
	w := clause.Where{}
	seen.Keep(&w, "e.account")
	f.conditions(&w, now)
	query := newest + w.String() + ` ORDER BY r.id DESC LIMIT ` + w.Next(f.Limit)
	var out []*Exception
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		x, err := scan(rows, now)
		out = append(out, x)
		return err
	}, query, w.Args...)
	if err != nil {
		return nil, fmt.Errorf("list exceptions: %w", err)
	}
	return out, nil
}

func (f *Filter) conditions(w *clause.Where, now time.Time) {
	switch at := store.Micros(now); {
	case f.Ended:
		w.And("r.state = 'approved' AND e.until <= ?", at)
	case f.State == approval.Approved:
		w.And("r.state = 'approved' AND e.until > ?", at)
	case f.State != "":
		approvals.InState(w, f.State, now)
	}
	for _, c := range []struct{ column, value string }{{"e.account", string(f.Account)}, {"e.control", f.Control}, {"r.requester", f.By}} {
		if c.value != "" {
			w.And(c.column+" = ?", c.value)
		}
	}
	if f.Before != "" {
		w.And("r.id < ?", f.Before)
	}
}
