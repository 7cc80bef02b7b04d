package changes

import (
	"context"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

// Waiting is the owner of a run that was begun and that nobody works at yet.
const Waiting = "waiting"

// Read reads a change for rootkeep itself, which asks nobody; ErrNotFound if there is
// none.
func Read(ctx context.Context, r *store.Reader, id string, now time.Time) (*Change, error) {
	return get(ctx, r, id, now)
}

// Start lets somebody work at a run that waits; ErrLost if it does not wait, or is not the
// newest one. It is for Store.Touch.
func Start(ctx context.Context, tx *store.Tx, id string, run int, by Hold) error {
	n, err := tx.Exec(ctx, `UPDATE change SET owner = $3, lease = $4 WHERE id = $1 AND run = $2 AND state = 'applying' AND owner = $5`,
		id, int64(run), by.Owner, store.Micros(by.Lease), Waiting)
	if err != nil {
		return fmt.Errorf("start change %s: %w", id, err)
	}
	if n == 0 {
		return fmt.Errorf("change %s, run %d: %w", id, run, ErrLost)
	}
	return nil
}

// Entered writes down a session that a run was given, before the run uses it; ErrLost if
// the run is not the newest one. It records change.entered.
func Entered(ctx context.Context, tx *store.Tx, id string, run int, s facts.Session) error {
	c, err := running(ctx, tx, id, run)
	if err != nil {
		return err
	}
	if c.For != "" {
		w, err := c.Window(ctx, &tx.Reader, tx.Now())
		if err != nil {
			return err
		}
		if err := w.holds(c, tx.Now()); err != nil {
			return err
		}
	}
	return noted(tx, id, people.SystemActor.ID, s)
}

// Looked writes down a session that somebody was given to plan the change of an ID, which
// need not be there: it may not come to a plan. It records change.entered.
func Looked(tx *store.Tx, id string, actor people.Actor, s facts.Session) error {
	return noted(tx, id, actor.ID, s)
}

func noted(tx *store.Tx, id, actor string, s facts.Session) error {
	text, err := encode(s)
	if err != nil {
		return err
	}
	return tx.Record(approval.ChangeKind+".entered", id, actor, ledger.NewPayload("session", text))
}

// MayPlan refuses who may not plan changes of an account.
func (d *Desk) MayPlan(ctx context.Context, r *store.Reader, actor people.Actor, account rootkeep.AccountID) error {
	return d.mayAsk(ctx, r, actor, account)
}

// MayApply refuses who may not apply changes of an account.
func (d *Desk) MayApply(ctx context.Context, r *store.Reader, actor people.Actor, account rootkeep.AccountID) error {
	return d.may(ctx, r, actor, account, people.Apply, "apply a change of")
}
