package rootlog

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/process"
	"github.com/rootkeep/rootkeep/internal/store"
)

// longest bounds how long a server can have a source without a word: a lease that ends later
// was given by a clock that ran ahead.
const longest = time.Hour

// Hold gives a source to a server for a while, or for longer to the one that has it. It is
// false while another has it: two that read the same would ask AWS twice, and set each
// other's mark back. One that died on this machine has nothing any more. anew says that the
// server did not have it before: another may have, since it last did.
func Hold(ctx context.Context, tx *store.Tx, source, owner string, lease time.Duration) (held, anew bool, err error) {
	now := tx.Clock()
	until := store.Micros(now.Add(lease))
	n, err := tx.Exec(ctx, `UPDATE root_source SET held = $3 WHERE name = $1 AND owner = $2`, source, owner, until)
	if err == nil && n == 0 {
		anew = true
		err = bury(ctx, tx, source)
		if err == nil {
			n, err = tx.Exec(ctx, `INSERT INTO root_source (name, mark, heard, taken, owner, held) VALUES ($1, $2, 0, 0, $3, $4)
				ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, held = excluded.held WHERE root_source.held <= $5 OR root_source.held > $6`,
				source, []byte{}, owner, until, store.Micros(now), store.Micros(now.Add(longest)))
		}
	}
	if err != nil {
		return false, false, fmt.Errorf("hold source %s: %w", source, err)
	}
	return n > 0, anew && n > 0, nil
}

// bury takes a source from a server of this machine that is gone.
func bury(ctx context.Context, tx *store.Tx, source string) error {
	owners, err := store.Texts(ctx, &tx.Reader, `SELECT owner FROM root_source WHERE name = $1 AND held > 0`, source)
	for _, owner := range owners {
		if err == nil && process.Gone(owner) {
			err = Release(ctx, tx, source, owner)
		}
	}
	return err
}

// Release lets others have a source at once, if the server has it.
func Release(ctx context.Context, tx *store.Tx, source, owner string) error {
	if _, err := tx.Exec(ctx, `UPDATE root_source SET held = 0 WHERE name = $1 AND owner = $2`, source, owner); err != nil {
		return fmt.Errorf("release source %s: %w", source, err)
	}
	return nil
}

// Holder is who reads a source.
type Holder struct {
	Owner string    // a process
	Until time.Time // it has the source, unless it says so again
	Taken int64     // how many changes were made for it, by anybody
	Totals
}

// Totals are what a source brought, over all processes. They only grow.
type Totals struct {
	Objects     int64 // that were kept
	Records     int64 // in them
	Unreadable  int64 // objects that were skipped, or not read to their end
	Undecodable int64 // records that detections could not take
	Late        int64 // matching records that came too late for windows, of the detections
}

// Plus is the sum.
func (t Totals) Plus(o Totals) Totals {
	return Totals{t.Objects + o.Objects, t.Records + o.Records, t.Unreadable + o.Unreadable, t.Undecodable + o.Undecodable, t.Late + o.Late}
}

// Minus is the difference.
func (t Totals) Minus(o Totals) Totals {
	return t.Plus(Totals{-o.Objects, -o.Records, -o.Unreadable, -o.Undecodable, -o.Late})
}

// AddTotals adds to what a source brought.
func AddTotals(ctx context.Context, tx *store.Tx, source string, t Totals) error {
	if t == (Totals{}) {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO root_source (name, mark, heard, taken, objects, records, unreadable, undecodable, late) VALUES ($1, $2, 0, 0, $3, $4, $5, $6, $7)
		ON CONFLICT (name) DO UPDATE SET objects = root_source.objects + excluded.objects, records = root_source.records + excluded.records,
			unreadable = root_source.unreadable + excluded.unreadable, undecodable = root_source.undecodable + excluded.undecodable, late = root_source.late + excluded.late`,
		source, []byte{}, t.Objects, t.Records, t.Unreadable, t.Undecodable, t.Late)
	if err != nil {
		return fmt.Errorf("count what source %s brought: %w", source, err)
	}
	return nil
}

// Holders says who reads which source, or did last, by the name of the source.
func Holders(ctx context.Context, r *store.Reader) (map[string]Holder, error) {
	out := map[string]Holder{}
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var name string
		var h Holder
		var held int64
		err := rows.Scan(&name, &h.Owner, &held, &h.Taken, &h.Objects, &h.Records, &h.Unreadable, &h.Undecodable, &h.Late)
		h.Until = store.Time(held)
		out[name] = h
		return err
	}, `SELECT name, owner, held, taken, objects, records, unreadable, undecodable, late FROM root_source`)
	if err != nil {
		return nil, fmt.Errorf("read who reads live sources: %w", err)
	}
	return out, nil
}
