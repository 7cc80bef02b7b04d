package alerts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

// SuppressionTopic is that of what listeners are told, and the first word of ledger entries.
const SuppressionTopic = "suppression"

const suppressionColumns = `id, owner, reason, rule, account, principal, addresses, made_by, made, expires, ended, ended_by, hidden, last, told`

func scanSuppression(row interface{ Scan(...any) error }) (*alert.Suppression, error) {
	var s alert.Suppression
	var made, expires, ended, last, told int64
	err := row.Scan(&s.ID, &s.Owner, &s.Reason, &s.Scope.Rule, &s.Scope.Account, &s.Scope.Principal, &s.Scope.Addresses, &s.By, &made, &expires, &ended, &s.EndedBy, &s.Hidden, &last, &told)
	s.Made, s.Expires, s.Ended, s.Last, s.Told = store.Time(made), store.Time(expires), store.Time(ended), store.Time(last), store.Time(told)
	return &s, err
}

func suppressions(ctx context.Context, r *store.Reader, rest string, args ...any) ([]*alert.Suppression, error) {
	var out []*alert.Suppression
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		s, err := scanSuppression(rows)
		out = append(out, s)
		return err
	}, `SELECT `+suppressionColumns+` FROM suppression`+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("read suppressions: %w", err)
	}
	return out, nil
}

// mostActive bounds the suppressions that hide at the same time.
const mostActive = 1000

// active are the suppressions that hide at a moment, the oldest first.
func active(ctx context.Context, r *store.Reader, now time.Time) ([]*alert.Suppression, error) {
	return suppressions(ctx, r, ` WHERE ended = 0 AND expires > $1 ORDER BY made, id LIMIT $2`, store.Micros(now), mostActive)
}

// Never says why an alert is never suppressed, "" for one that may be.
func (d *Desk) Never(f *rootkeep.Alert) string { return alert.Never(f, d.Keeper.guarded) }

// Suppression reads a suppression; ErrNotFound if there is none.
func Suppression(ctx context.Context, r *store.Reader, id string) (*alert.Suppression, error) {
	s, err := scanSuppression(r.Row(ctx, `SELECT `+suppressionColumns+` FROM suppression WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("suppression %s: %w", id, err)
	}
	return s, nil
}

// suppress keeps a suppression. It records suppression.made.
func (k *Keeper) suppress(ctx context.Context, tx *store.Tx, s alert.Suppression) (*alert.Suppression, error) {
	now := moment(tx.Now())
	if err := s.Check(k.rules(), now); err != nil {
		return nil, err
	}
	running, err := active(ctx, &tx.Reader, now)
	if err != nil {
		return nil, err
	}
	if len(running) >= mostActive {
		return nil, fmt.Errorf("%d suppressions are active, and there cannot be more: %w; hint: end some that hide nothing any more", len(running), alert.ErrInvalid)
	}
	s.ID, s.Made, s.Expires = tx.NewID(alert.SuppressionPrefix), now, moment(s.Expires)
	_, err = tx.Exec(ctx, `INSERT INTO suppression (`+suppressionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, '', 0, 0, 0)`,
		s.ID, s.Owner, s.Reason, s.Scope.Rule, string(s.Scope.Account), s.Scope.Principal, s.Scope.Addresses, s.By, store.Micros(now), store.Micros(s.Expires))
	if err != nil {
		return nil, fmt.Errorf("keep suppression %s: %w", s.ID, err)
	}
	return &s, enterSuppression(tx, "made", s.By, &s)
}

// end ends a suppression before its time. It records suppression.ended.
func (k *Keeper) endSuppression(ctx context.Context, tx *store.Tx, id, by string) (*alert.Suppression, error) {
	s, err := Suppression(ctx, &tx.Reader, id)
	if err != nil {
		return nil, err
	}
	now := moment(tx.Now())
	if !s.Active(now) {
		return nil, fmt.Errorf("suppression %s hides nothing any more: %w", id, alert.ErrState)
	}
	s.Ended, s.EndedBy = now, by
	if err := tx.ExecOne(ctx, `UPDATE suppression SET ended = $2, ended_by = $3 WHERE id = $1 AND ended = 0`, id, store.Micros(now), by); err != nil {
		return nil, fmt.Errorf("end suppression %s: %w", id, err)
	}
	return s, enterSuppression(tx, "ended", by, s)
}

func enterSuppression(tx *store.Tx, act, by string, s *alert.Suppression) error {
	tx.Announce(SuppressionTopic, s.ID)
	text, err := json.Marshal(struct {
		Account   rootkeep.AccountID `json:"account,omitempty"`
		Addresses string             `json:"addresses,omitempty"`
		Expires   time.Time          `json:"expires"`
		Hidden    int                `json:"hidden"`
		Owner     string             `json:"owner"`
		Principal string             `json:"principal,omitempty"`
		Reason    string             `json:"reason"`
		Rule      string             `json:"rule,omitempty"`
	}{s.Scope.Account, s.Scope.Addresses, s.Expires, s.Hidden, s.Owner, s.Scope.Principal, s.Reason, s.Scope.Rule})
	if err != nil {
		return err
	}
	return tx.Record(SuppressionTopic+"."+act, s.ID, by, ledger.NewPayload("suppression", text))
}
