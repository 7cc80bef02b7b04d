package rootlog

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/store"
)

// RecordChange keeps a session of a role that a change is applied in, before it is used:
// what it does about root users, such as a guardrail that it detaches, is explained by it.
// c has one access key. The ledger has the session by the change's own entry. It tells
// what Judge has to look at.
func RecordChange(ctx context.Context, tx *store.Tx, c reconcile.Change) (Touched, error) {
	c.Start, c.End = c.Start.UTC(), c.End.UTC()
	if len(c.Keys) != 1 || !c.Start.Before(c.End) {
		return nil, fmt.Errorf("session of change %s: want one access key, and an end behind its start", c.ID)
	}
	for name, text := range map[string]string{"access key": c.Keys[0], "change": c.ID} {
		if err := approval.CheckText(name, text, shortText); err != nil {
			return nil, fmt.Errorf("session of change %s: %w", c.ID, err)
		}
	}
	if _, err := rootkeep.ParseAccountID(string(c.Account)); err != nil {
		return nil, fmt.Errorf("session of change %s: %w", c.ID, err)
	}
	events, err := json.Marshal(c.Events)
	if err != nil {
		return nil, err
	}
	n, err := tx.Exec(ctx, `INSERT INTO change_session (access_key, change, account, events, starts, ends) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (access_key) DO NOTHING`,
		c.Keys[0], c.ID, string(c.Account), events, store.Micros(c.Start), store.Micros(c.End))
	if err != nil {
		return nil, fmt.Errorf("keep the session of change %s: %w", c.ID, err)
	}
	if n == 0 {
		return nil, sameChange(ctx, tx, &c)
	}
	return Touched{c.Account: Span{c.Start, c.End}}, nil
}

func sameChange(ctx context.Context, tx *store.Tx, c *reconcile.Change) error {
	var id, account string
	err := tx.Row(ctx, `SELECT change, account FROM change_session WHERE access_key = $1`, c.Keys[0]).Scan(&id, &account)
	if err != nil {
		return fmt.Errorf("read the session of change %s: %w", c.ID, err)
	}
	if id != c.ID || account != string(c.Account) {
		return fmt.Errorf("session of change %s: its access key is that of another session: %w", c.ID, store.ErrConflict)
	}
	return nil
}

// Changes are the sessions of changes of an account that share time with a span, a change
// for each, by their start. cut says that there are more than are read at once.
func Changes(ctx context.Context, r *store.Reader, account rootkeep.AccountID, at Span) (out []reconcile.Change, cut bool, err error) {
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		c := reconcile.Change{Account: account, Keys: []string{""}}
		var events []byte
		var starts, ends int64
		if err := rows.Scan(&c.Keys[0], &c.ID, &events, &starts, &ends); err != nil {
			return err
		}
		c.Start, c.End = store.Time(starts), store.Time(ends)
		out = append(out, c)
		if err := json.Unmarshal(events, &out[len(out)-1].Events); err != nil {
			return fmt.Errorf("what change %s does: %w", c.ID, err)
		}
		return nil
	}, `SELECT access_key, change, events, starts, ends FROM change_session WHERE account = $1 AND starts <= $2 AND ends >= $3 ORDER BY starts, access_key LIMIT $4`,
		string(account), store.Micros(at.Last), store.Micros(at.First), mostSessions+1)
	if err != nil {
		return nil, false, fmt.Errorf("read sessions of changes in account %s: %w", account, err)
	}
	return out[:min(len(out), mostSessions)], len(out) > mostSessions, nil
}
