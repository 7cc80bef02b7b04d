package rootlog

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
)

// longest bounds how long a server can have a source without a word: a lease that ends later
// was given by a clock that ran ahead.
const longest = time.Hour

// Hold gives a source to a server for a while, or for longer to the one that has it. It is
// false while another has it: two that read the same would ask AWS twice, and set each
// other's mark back. anew says that it did not have it before: another may have, since it
// last did.
func Hold(ctx context.Context, tx *store.Tx, source, owner string, lease time.Duration) (held, anew bool, err error) {
	now := tx.Clock()
	until := store.Micros(now.Add(lease))
	n, err := tx.Exec(ctx, `UPDATE root_source SET held = $3 WHERE name = $1 AND owner = $2`, source, owner, until)
	if err == nil && n == 0 {
		anew = true
		n, err = tx.Exec(ctx, `INSERT INTO root_source (name, mark, heard, taken, owner, held) VALUES ($1, $2, 0, 0, $3, $4)
			ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, held = excluded.held WHERE root_source.held <= $5 OR root_source.held > $6`,
			source, []byte{}, owner, until, store.Micros(now), store.Micros(now.Add(longest)))
	}
	if err != nil {
		return false, false, fmt.Errorf("hold source %s: %w", source, err)
	}
	return n > 0, anew && n > 0, nil
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
	Taken int64     // how many deliveries were kept, by anybody
}

// Holders says who reads which source, or did last, by the name of the source.
func Holders(ctx context.Context, r *store.Reader) (map[string]Holder, error) {
	out := map[string]Holder{}
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var name string
		var h Holder
		var held int64
		err := rows.Scan(&name, &h.Owner, &held, &h.Taken)
		h.Until = store.Time(held)
		out[name] = h
		return err
	}, `SELECT name, owner, held, taken FROM root_source`)
	if err != nil {
		return nil, fmt.Errorf("read who reads live sources: %w", err)
	}
	return out, nil
}
