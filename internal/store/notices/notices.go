// Package notices reads what the changes of the store announced.
package notices

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
)

// Notice says that something changed.
type Notice struct {
	Seq   int64 // numbered without a gap, one after the other over all servers
	Topic string
	Ref   string // ID of what changed
	At    time.Time
}

// Span gives the numbers of the oldest notice that is kept and of the newest; both are 0
// if there is none.
func Span(ctx context.Context, r *store.Reader) (oldest, newest int64, err error) {
	if err := r.Row(ctx, `SELECT COALESCE(MIN(seq), 0), COALESCE(MAX(seq), 0) FROM notice`).Scan(&oldest, &newest); err != nil {
		return 0, 0, fmt.Errorf("read the notices: %w", err)
	}
	return oldest, newest, nil
}

// After gives the notices that follow a number, oldest first, at most limit.
func After(ctx context.Context, r *store.Reader, seq int64, limit int) ([]Notice, error) {
	var out []Notice
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var n Notice
		var at int64
		if err := rows.Scan(&n.Seq, &n.Topic, &n.Ref, &at); err != nil {
			return err
		}
		n.At = store.Time(at)
		out = append(out, n)
		return nil
	}, `SELECT seq, topic, ref, at FROM notice WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
	if err != nil {
		return nil, fmt.Errorf("read the notices: %w", err)
	}
	return out, nil
}

// Forget removes the notices before the first one since a moment and says how many. They
// stay without a gap, whatever the clock did, and the newest stays in any case: its
// number is where those that follow go on, and where a stream that was cut off is told
// to begin anew.
func Forget(ctx context.Context, tx *store.Tx, before time.Time) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM notice WHERE seq < COALESCE((SELECT MIN(seq) FROM notice WHERE at >= $1), (SELECT MAX(seq) FROM notice))`, store.Micros(before))
	if err != nil {
		return 0, fmt.Errorf("forget old notices: %w", err)
	}
	return n, nil
}
