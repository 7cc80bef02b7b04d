package changes

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
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/ledger"
)

const columns = `id, revision, state, account, kind, class, final, plan, plan_sha256, planner, created, expires, approved, begun, ended,
	undoes, undone_by, before, batch, place, canary, run, owner, lease, why, doubt, after, replaced, request`

func scan(row interface{ Scan(...any) error }, now time.Time) (*Change, error) {
	var c Change
	var final, created, expires, approved, begun, ended, canary, lease, doubt int64
	err := row.Scan(&c.ID, &c.Revision, &c.kept, &c.Account, &c.Kind, &c.Class, &final, &c.Plan, &c.Hash, &c.Planner, &created, &expires, &approved, &begun, &ended,
		&c.Undoes, &c.UndoneBy, &c.before, &c.Batch, &c.Place, &canary, &c.Run, &c.Owner, &lease, &c.Why, &doubt, &c.After, &c.Replaced, &c.For)
	if err != nil {
		return nil, err
	}
	c.Final, c.Canary, c.Doubt = final != 0, canary != 0, doubt != 0
	c.Created, c.Expires, c.Approved, c.Begun, c.Ended, c.Lease = store.Time(created), store.Time(expires), store.Time(approved), store.Time(begun), store.Time(ended), store.Time(lease)
	if c.State = c.kept; !c.Expires.IsZero() && !now.Before(c.Expires) {
		c.State = Expired
	}
	if len(c.After) == 0 {
		c.After = nil
	}
	return &c, nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// insert writes a new change.
func (c *Change) insert(ctx context.Context, tx *store.Tx) error {
	n, err := tx.Exec(ctx, `INSERT INTO change (`+columns+`)
		VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $18, 0, 0, $12, '', '', $13, $14, $15, 0, '', 0, '', 0, $16, '', $17) ON CONFLICT (id) DO NOTHING`,
		c.ID, string(c.State), string(c.Account), c.Kind, string(c.Class), flag(c.Final), c.Plan, c.Hash, c.Planner, store.Micros(c.Created), store.Micros(c.Expires),
		c.Undoes, c.Batch, int64(c.Place), flag(c.Canary), []byte{}, c.For, store.Micros(c.Approved))
	if err == nil && n == 0 {
		err = store.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("keep change %s: %w", c.ID, err)
	}
	c.kept = c.State
	return nil
}

// set writes everything of a change that can change: the compare-and-set that every
// transition goes through. from is the state that the row must have.
func (c *Change) set(ctx context.Context, tx *store.Tx, from State) error {
	err := tx.ExecOne(ctx, `UPDATE change SET revision = revision + 1, state = $4, class = $5, final = $6, plan = $7, plan_sha256 = $8, expires = $9, approved = $10, begun = $11, ended = $12,
		undone_by = $13, before = $14, run = $15, owner = $16, lease = $17, why = $18, doubt = $19, after = $20 WHERE id = $1 AND revision = $2 AND state = $3`,
		c.ID, c.Revision, string(from), string(c.State), string(c.Class), flag(c.Final), c.Plan, c.Hash, store.Micros(c.Expires), store.Micros(c.Approved), store.Micros(c.Begun), store.Micros(c.Ended),
		c.UndoneBy, string(c.before), int64(c.Run), c.Owner, store.Micros(c.Lease), c.Why, flag(c.Doubt), append([]byte{}, c.After...))
	if err != nil {
		return fmt.Errorf("change %s: %w", c.ID, err)
	}
	c.Revision, c.kept = c.Revision+1, c.State
	tx.Announce(approval.ChangeKind, c.ID)
	return nil
}

// record writes the entry of the ledger, and tells listeners.
func (c *Change) record(tx *store.Tx, verb, actor string, payloads ...ledger.Payload) error {
	tx.Announce(approval.ChangeKind, c.ID)
	return tx.Record(approval.ChangeKind+"."+verb, c.ID, actor, payloads...)
}

// get reads a change; ErrNotFound if there is none.
func get(ctx context.Context, r *store.Reader, id string, now time.Time) (*Change, error) {
	c, err := scan(r.Row(ctx, `SELECT `+columns+` FROM change WHERE id = $1`, id), now)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("change %s: %w", id, store.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("read change: %w", err)
	}
	return c, nil
}

// Get reads a change that the actor may read; ErrNotFound if there is none.
func (d *Desk) Get(ctx context.Context, r *store.Reader, actor people.Actor, id string, now time.Time) (*Change, error) {
	c, err := get(ctx, r, id, now)
	if err != nil {
		return nil, err
	}
	place, err := d.Desk.Place(ctx, r, c.Account)
	if err != nil {
		return nil, err
	}
	if !actor.May(people.Read, place) {
		return nil, fmt.Errorf("change %s: %w", id, store.ErrNotFound)
	}
	return c, nil
}

// Filter says which changes a list holds. Zero fields hold nothing back.
type Filter struct {
	State   State
	Account rootkeep.AccountID
	Kind    string
	By      string // who planned it
	Batch   string
	Undoes  string // ID of a change
	For     string // ID of a request for root
	Before  string // ID of the last one of the page before: newest come first
	Limit   int
}

// List reads the changes that the actor may read, the newest first.
func (d *Desk) List(ctx context.Context, r *store.Reader, actor people.Actor, f Filter, now time.Time) ([]*Change, error) {
	seen, err := d.Sight(ctx, r, actor, `SELECT DISTINCT account FROM change`)
	if err != nil {
		return nil, err
	}
	w := clause.Where{}
	seen.Keep(&w, "account")
	switch at := store.Micros(now); f.State {
	case "":
	case Planned, Requested, Approved:
		w.And("state = ? AND expires > ?", string(f.State), at)
	case Expired:
		w.And("(state = 'expired' OR state IN ('planned', 'requested', 'approved') AND expires <= ?)", at)
	default:
		w.And("state = ?", string(f.State))
	}
	for _, c := range []struct{ column, value string }{{"account", string(f.Account)}, {"kind", f.Kind}, {"planner", f.By}, {"batch", f.Batch}, {"undoes", f.Undoes}, {"request", f.For}} {
		if c.value != "" {
			w.And(c.column+" = ?", c.value)
		}
	}
	if f.Before != "" {
		w.And("id < ?", f.Before)
	}
	query := `SELECT ` + columns + ` FROM change` + w.String() + ` ORDER BY id DESC LIMIT ` + w.Next(f.Limit)
	return list(ctx, r, now, query, w.Args...)
}

func list(ctx context.Context, r *store.Reader, now time.Time, query string, args ...any) ([]*Change, error) {
	var out []*Change
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		c, err := scan(rows, now)
		out = append(out, c)
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list changes: %w", err)
	}
	return out, nil
}

// Orphans lists changes that are applying and whose lease has run out: whoever applied
// them is gone. Take goes on with them.
func Orphans(ctx context.Context, r *store.Reader, now time.Time) ([]*Change, error) {
	return list(ctx, r, now, `SELECT `+columns+` FROM change WHERE state = 'applying' AND lease <= $1 ORDER BY id LIMIT $2`, store.Micros(now), mostAtOnce)
}
