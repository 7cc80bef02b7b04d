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
