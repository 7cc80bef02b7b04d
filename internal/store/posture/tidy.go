package posture

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
)

// Abandon ends scans that were begun before a time and are still receiving: whoever sent
// them is gone. It says how many.
func Abandon(ctx context.Context, tx *store.Tx, before time.Time) (int, error) {
	var ids []string
	err := store.Each(ctx, &tx.Reader, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT id FROM scan WHERE state = $1 AND began < $2 ORDER BY id`, Receiving, store.Micros(before))
	if err != nil {
		return 0, fmt.Errorf("find abandoned scans: %w", err)
	}
	for _, id := range ids {
		if _, err := Finish(ctx, tx, End{ID: id, Actor: "system", Error: "its sender did not complete it"}); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// Forget drops the facts of scans from before a time, but those that what is known of an
// account now rests on. Findings, changes and digests stay. The ledger tells that it was
// done; it says how many snapshots went.
func Forget(ctx context.Context, tx *store.Tx, before time.Time) (int64, error) {
	const needed = ` FROM scan_account sa LEFT JOIN account a ON a.id = sa.account AND a.scan = sa.scan WHERE sa.taken >= $1 OR sa.state = 'received' OR a.id IS NOT NULL`
	n, err := tx.Exec(ctx, `DELETE FROM kept_text WHERE digest NOT IN (SELECT sa.snapshot`+needed+` UNION SELECT sa.vouched`+needed+`)`, store.Micros(before))
	if err != nil {
		return 0, fmt.Errorf("forget old snapshots: %w", err)
	}
	if n == 0 {
		return 0, nil
	}
	return n, tx.Record("scan.facts-forgotten", "before:"+before.UTC().Format(time.DateOnly), "system")
}
