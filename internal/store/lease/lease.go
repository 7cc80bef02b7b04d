// Package lease keeps who does which part of a work that several processes share. A lease
// lasts for a while, and longer if its owner holds it; whoever takes it afterwards gets a
// larger fence, so that an owner that lost it without noticing changes nothing more. An owner
// is named as package process does, or its leases last until they end.
package lease

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/process"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Lease is a part of a work in the hands of an owner.
type Lease struct {
	Work, Part string
	Owner      string // a name unlike any other process's
	Fence      int64
}

// ErrLost says that another may have the part by now.
var ErrLost = errors.New("the lease is lost")

// longest bounds how long a lease can last: one that ends later was made by a clock that
// ran ahead.
const longest = time.Hour

// Take gives a part to an owner; false if another has it.
func Take(ctx context.Context, tx *store.Tx, work, part, owner string, lasts time.Duration) (l Lease, taken bool, err error) {
	now := tx.Clock()
	l = Lease{Work: work, Part: part, Owner: owner}
	n, err := tx.Exec(ctx, `INSERT INTO lease (work, part, owner, fence, ends) VALUES ($1, $2, $3, 1, $4)
		ON CONFLICT (work, part) DO UPDATE SET owner = excluded.owner, fence = lease.fence + 1, ends = excluded.ends WHERE lease.ends <= $5 OR lease.ends > $6`,
		work, part, owner, store.Micros(now.Add(lasts)), store.Micros(now), store.Micros(now.Add(longest)))
	if err == nil && n > 0 {
		err = tx.Row(ctx, `SELECT fence FROM lease WHERE work = $1 AND part = $2`, work, part).Scan(&l.Fence)
	}
	if err != nil {
		return l, false, fmt.Errorf("take part %s of %s: %w", part, work, err)
	}
	return l, n > 0, nil
}

// Hold makes a lease last from now on. It belongs into every change that the work keeps:
// together with it, the change is made by the owner or not at all. ErrLost says that
// another has the part.
func Hold(ctx context.Context, tx *store.Tx, l Lease, lasts time.Duration) error {
	err := tx.ExecOne(ctx, `UPDATE lease SET ends = $5 WHERE work = $1 AND part = $2 AND owner = $3 AND fence = $4 AND ends > 0`,
		l.Work, l.Part, l.Owner, l.Fence, store.Micros(tx.Clock().Add(lasts)))
	if errors.Is(err, store.ErrConflict) {
		err = ErrLost
	}
	if err != nil {
		return fmt.Errorf("hold part %s of %s: %w", l.Part, l.Work, err)
	}
	return nil
}

// HoldEach is Hold of several leases of an owner on parts of a work. held says which of them
// the owner still has.
func HoldEach(ctx context.Context, tx *store.Tx, work, owner string, fences map[string]int64, lasts time.Duration) (held []string, err error) {
	parts := slices.Sorted(maps.Keys(fences))
	if !tx.Arrays() {
		for _, part := range parts {
			err := Hold(ctx, tx, Lease{Work: work, Part: part, Owner: owner, Fence: fences[part]}, lasts)
			if err == nil {
				held = append(held, part)
			} else if !errors.Is(err, ErrLost) {
				return nil, err
			}
		}
		return held, nil
	}
	these := make([]int64, len(parts))
	for i, part := range parts {
		these[i] = fences[part]
	}
	held, err = store.Texts(ctx, &tx.Reader, `UPDATE lease SET ends = $5 FROM unnest($3::text[], $4::bigint[]) AS his (part, fence)
		WHERE lease.work = $1 AND lease.owner = $2 AND lease.part = his.part AND lease.fence = his.fence AND lease.ends > 0 RETURNING lease.part`,
		work, owner, parts, these, store.Micros(tx.Clock().Add(lasts)))
	if err != nil {
		return nil, fmt.Errorf("hold %d parts of %s: %w", len(parts), work, err)
	}
	return held, nil
}

// HoldAll makes all leases of an owner on parts of a work last from now on, but for those
// that changes under way hold: each of the two would wait for what the other has locked.
func HoldAll(ctx context.Context, tx *store.Tx, work, owner string, lasts time.Duration) error {
	these := `work = $1 AND owner = $2 AND ends > 0`
	if tx.Arrays() {
		these = `(work, part) IN (SELECT work, part FROM lease WHERE ` + these + ` FOR UPDATE SKIP LOCKED)`
	}
	if _, err := tx.Exec(ctx, `UPDATE lease SET ends = $3 WHERE `+these, work, owner, store.Micros(tx.Clock().Add(lasts))); err != nil {
		return fmt.Errorf("hold the parts of %s: %w", work, err)
	}
	return nil
}

// Release lets others have a part at once, if its owner has it still.
func Release(ctx context.Context, tx *store.Tx, l Lease) error {
	if _, err := tx.Exec(ctx, `UPDATE lease SET ends = 0 WHERE work = $1 AND part = $2 AND owner = $3 AND fence = $4`, l.Work, l.Part, l.Owner, l.Fence); err != nil {
		return fmt.Errorf("release part %s of %s: %w", l.Part, l.Work, err)
	}
	return nil
}

// Bury gives the parts of a work back that processes of this machine had which are gone.
func Bury(ctx context.Context, tx *store.Tx, work string) error {
	owners, err := store.Texts(ctx, &tx.Reader, `SELECT DISTINCT owner FROM lease WHERE work = $1 AND ends > 0`, work)
	for _, owner := range owners {
		if err == nil && process.Gone(owner) {
			_, err = tx.Exec(ctx, `UPDATE lease SET ends = 0 WHERE work = $1 AND owner = $2`, work, owner)
		}
	}
	if err != nil {
		return fmt.Errorf("give back parts of %s that nobody has any more: %w", work, err)
	}
	return nil
}

// Forget removes what is said of parts that nobody has had for a while. Their fences begin
// anew: it is for parts that stand for their owners.
func Forget(ctx context.Context, tx *store.Tx, work string, before time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM lease WHERE work = $1 AND ends <= $2`, work, store.Micros(before)); err != nil {
		return fmt.Errorf("forget parts of %s: %w", work, err)
	}
	return nil
}

// List gives the leases of a work that last at a moment, in the order of their parts.
func List(ctx context.Context, r *store.Reader, work string, at time.Time) ([]Lease, error) {
	var out []Lease
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		l := Lease{Work: work}
		err := rows.Scan(&l.Part, &l.Owner, &l.Fence)
		out = append(out, l)
		return err
	}, `SELECT part, owner, fence FROM lease WHERE work = $1 AND ends > $2 AND ends <= $3 ORDER BY part`, work, store.Micros(at), store.Micros(at.Add(longest)))
	if err != nil {
		return nil, fmt.Errorf("list the parts of %s: %w", work, err)
	}
	return out, nil
}
