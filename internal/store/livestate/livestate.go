// Package livestate keeps what the detection of live events has to remember from one batch
// to the next: rows of bytes by partition and key, each with an end. What they mean is the
// engine's own.
package livestate

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
)

// Row is one thing to remember.
type Row struct {
	Key   string
	Data  []byte // nil: it is forgotten
	Until int64  // Unix seconds, after which nothing asks for it
}

// atOnce is how many rows one statement reads or deletes.
const atOnce = 100

// Save writes the rows of a partition: of two with the same key the later one stays.
func Save(ctx context.Context, tx *store.Tx, partition int, rows []Row) error {
	newest := make(map[string]int, len(rows))
	for i := range rows {
		newest[rows[i].Key] = i
	}
	var gone []string
	var keep []*Row
	for i := range rows {
		switch r := &rows[i]; {
		case newest[r.Key] != i:
		case r.Data == nil:
			gone = append(gone, r.Key)
		default:
			keep = append(keep, r)
		}
	}
	for part := range slices.Chunk(gone, atOnce) {
		w := ofKeys(partition, part)
		if _, err := tx.Exec(ctx, `DELETE FROM live_state`+w.String(), w.Args...); err != nil {
			return fmt.Errorf("forget the state of partition %d: %w", partition, err)
		}
	}
	for part := range slices.Chunk(keep, clause.Most) {
		var values clause.Rows
		for _, r := range part {
			values.Add(int64(partition), r.Key, r.Data, r.Until)
		}
		_, err := tx.Exec(ctx, `INSERT INTO live_state (part, key, data, until) VALUES `+values.String()+`
			ON CONFLICT (part, key) DO UPDATE SET data = excluded.data, until = excluded.until`, values.Args...)
		if err != nil {
			return fmt.Errorf("keep the state of partition %d: %w", partition, err)
		}
	}
	return nil
}

// Load reads the rows of some keys of a partition; keys without a row are not in what it
// gives.
func Load(ctx context.Context, r *store.Reader, partition int, keys []string) (map[string][]byte, error) {
	out := make(map[string][]byte, len(keys))
	for part := range slices.Chunk(keys, atOnce) {
		w := ofKeys(partition, part)
		err := store.Each(ctx, r, func(rows *sql.Rows) error {
			var key string
			var data []byte
			err := rows.Scan(&key, &data)
			out[key] = append([]byte{}, data...) // SQLite gives no bytes as nil
			return err
		}, `SELECT key, data FROM live_state`+w.String(), w.Args...)
		if err != nil {
			return nil, fmt.Errorf("read the state of partition %d: %w", partition, err)
		}
	}
	return out, nil
}

// Prune removes the rows of all partitions that nothing asks for after a moment, Unix
// seconds, and says how many.
func Prune(ctx context.Context, tx *store.Tx, before int64) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM live_state WHERE until < $1`, before)
	if err != nil {
		return 0, fmt.Errorf("prune the state of live detection before %s: %w", time.Unix(before, 0).UTC().Format(time.RFC3339), err)
	}
	return n, nil
}

func ofKeys(partition int, keys []string) *clause.Where {
	w := &clause.Where{}
	w.And("part = ?", int64(partition))
	clause.In(w, "key", keys)
	return w
}
