package posture

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/store"
)

// remembered is how long CloudTrail's event history shows root (CloudTrail User Guide,
// "Working with CloudTrail event history"), and a day for the clocks.
const remembered = 91 * 24 * time.Hour

// KeepSessions notes the root sessions among those that a scan was given in an account.
func KeepSessions(ctx context.Context, tx *store.Tx, id rootkeep.AccountID, sessions []facts.Session) error {
	for _, session := range sessions {
		if !session.Root || session.AccessKey == "" || session.Account != id {
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO scan_session (access_key, account, ended) VALUES ($1, $2, $3) ON CONFLICT (access_key) DO NOTHING`,
			text(session.AccessKey), string(id), store.Micros(session.End)); err != nil {
			return fmt.Errorf("sessions of account %s: %w", id, err)
		}
	}
	return nil
}

// OwnKeys are the access keys of root sessions that scans were given, by account, as far
// back as CloudTrail shows what they did.
func OwnKeys(ctx context.Context, r *store.Reader, now time.Time) (map[rootkeep.AccountID][]string, error) {
	out := map[rootkeep.AccountID][]string{}
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var id rootkeep.AccountID
		var key string
		if err := rows.Scan(&id, &key); err != nil {
			return err
		}
		out[id] = append(out[id], key)
		return nil
	}, `SELECT account, access_key FROM scan_session WHERE ended > $1 ORDER BY account, access_key`, store.Micros(now.Add(-remembered)))
	if err != nil {
		return nil, fmt.Errorf("read the sessions of earlier scans: %w", err)
	}
	return out, nil
}
