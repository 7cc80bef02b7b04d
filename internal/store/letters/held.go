package letters

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
)

// Letter is one that waits: the job that sends it.
type Letter struct {
	Job     string
	Payload []byte
}

// Held are the letters of a kind that were never tried and wait for exactly a moment, in the
// order in which they were put; at most so many.
func Held(ctx context.Context, r *store.Reader, kind string, until time.Time, most int) ([]Letter, error) {
	var out []Letter
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var l Letter
		err := rows.Scan(&l.Job, &l.Payload)
		out = append(out, l)
		return err
	}, `SELECT id, payload FROM job WHERE kind = $1 AND state = 'waiting' AND attempt = 0 AND run_at = $2 ORDER BY created, id LIMIT $3`, kind, store.Micros(until), most)
	if err != nil {
		return nil, fmt.Errorf("read the notices that are held back: %w", err)
	}
	return out, nil
}

// Fold ends letters that wait and that another one tells of; progress says which.
func Fold(ctx context.Context, tx *store.Tx, letters []string, progress string) error {
	return settle(ctx, tx, letters, `state = 'done', progress = $2, ended = $3`, progress, store.Micros(tx.Now()))
}

// Free has letters that wait sent now.
func Free(ctx context.Context, tx *store.Tx, letters []string) error {
	return settle(ctx, tx, letters, `run_at = $2`, store.Micros(tx.Now()))
}

// settle sets something of letters that wait: all or none. A database that is asked over a
// network is asked once, as two thousand answers take longer than a change may.
func settle(ctx context.Context, tx *store.Tx, letters []string, set string, values ...any) error {
	statement := `UPDATE job SET ` + set + ` WHERE state = 'waiting' AND id = `
	if tx.Arrays() {
		n, err := tx.Exec(ctx, statement+`ANY($1::text[])`, append([]any{letters}, values...)...)
		if err == nil && n != int64(len(letters)) {
			err = store.ErrConflict
		}
		if err != nil {
			return fmt.Errorf("%d notices that were held back: %w", len(letters), err)
		}
		return nil
	}
	for _, id := range letters {
		if err := tx.ExecOne(ctx, statement+`$1`, append([]any{id}, values...)...); err != nil {
			return fmt.Errorf("a notice that was held back, job %s: %w", id, err)
		}
	}
	return nil
}
