package changes

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// Member is a change of a batch in a list of batches.
type Member struct {
	ID      string
	Account rootkeep.AccountID
	Kind    string
	State   State // as it is at the time of reading
	Canary  bool
	Why     string // hostile text
}

// Listed is a batch of a list, with those of its changes that the actor may read, in their
// order.
type Listed struct {
	Batch
	Members []Member
}

// Stands says in a word where a batch stands: halted, applying, planned, requested,
// approved (something can be applied), or ended.
func (l *Listed) Stands() string {
	if l.Halted != "" || l.Unseen {
		return "halted"
	}
	for _, s := range []State{Applying, Planned, Requested, Approved} {
		if slices.ContainsFunc(l.Members, func(m Member) bool { return m.State == s }) {
			return string(s)
		}
	}
	return "ended"
}

// BatchFilter says which batches a list holds. Zero fields hold nothing back.
type BatchFilter struct {
	By     string // who planned it
	Halted bool   // only those that halted
	Undoes string // ID of a batch
	Before string // ID of the last one of the page before: newest come first
	Limit  int
}

// ListBatches reads the batches of which the actor may read a change, the newest first.
func (d *Desk) ListBatches(ctx context.Context, r *store.Reader, actor people.Actor, f BatchFilter, now time.Time) ([]*Listed, error) {
	seen, err := d.Sight(ctx, r, actor, `SELECT DISTINCT account FROM change WHERE batch <> ''`)
	if err != nil {
		return nil, err
	}
	var w, inner clause.Where
	inner.And("c.batch = b.id AND c.replaced = ''")
	seen.Keep(&inner, "c.account")
	w.Args = inner.Args // its parameters come first
	w.And("EXISTS (SELECT 1 FROM change c" + inner.String() + ")")
	if f.By != "" {
		w.And("b.planner = ?", f.By)
	}
	if f.Undoes != "" {
		w.And("b.undoes = ?", f.Undoes)
	}
	if f.Halted {
		w.And("b.halted <> ''")
	}
	if f.Before != "" {
		w.And("b.id < ?", f.Before)
	}
	query := `SELECT b.id, b.about, b.planner, b.created, b.halted, b.undoes FROM change_batch b` + w.String() + ` ORDER BY b.id DESC LIMIT ` + w.Next(f.Limit)
	var out []*Listed
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		l := &Listed{}
		var created int64
		err := rows.Scan(&l.ID, &l.About, &l.Planner, &created, &l.Halted, &l.Undoes)
		l.Created = store.Time(created)
		out = append(out, l)
		return err
	}, query, w.Args...)
	if err != nil {
		return nil, fmt.Errorf("list batches: %w", err)
	}
	for _, l := range out {
		if err := l.read(ctx, r, seen, now); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// read reads the changes of a batch, without their plans.
func (l *Listed) read(ctx context.Context, r *store.Reader, seen sight.Sight, now time.Time) error {
	w := clause.Where{}
	w.And("batch = ? AND replaced = ''", l.ID)
	seen.Keep(&w, "account")
	l.Unseen = l.Halted != ""
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var m Member
		var expires, canary int64
		if err := rows.Scan(&m.ID, &m.Account, &m.Kind, &m.State, &expires, &canary, &m.Why); err != nil {
			return err
		}
		m.Canary = canary != 0
		if expires > 0 && store.Micros(now) >= expires {
			m.State = Expired
		}
		l.Unseen = l.Unseen && m.ID != l.Halted
		l.Members = append(l.Members, m)
		return nil
	}, `SELECT id, account, kind, state, expires, canary, why FROM change`+w.String()+` ORDER BY place`, w.Args...)
	if err != nil {
		return fmt.Errorf("read batch %s: %w", l.ID, err)
	}
	if l.Unseen {
		l.Halted = ""
	}
	return nil
}
