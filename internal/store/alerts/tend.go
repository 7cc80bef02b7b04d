package alerts

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
)

// atOnce bounds what one round of Tend does of each kind: the next goes on.
const atOnce = 200

// Tend sees to what time does: snoozes end, what nobody acknowledges escalates, alerts whose
// case is closed end with it, suppressions are about to expire, and root users' events have
// other verdicts since a moment. It gives what people have to be told; calling it again at
// once changes nothing more.
func (k *Keeper) Tend(ctx context.Context, tx *store.Tx, now, since time.Time) (*Changes, error) {
	r, err := k.begin(ctx, tx, now)
	if err != nil {
		return nil, err
	}
	if err := r.judged(ctx, since); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{r.wake, r.escalate, r.follow, r.expire} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return r.end(ctx)
}

// each does something to the alerts of a condition, and keeps those that it changed.
func (r *round) each(ctx context.Context, do func(*Alert) bool, where string, args ...any) error {
	list, err := query(ctx, &r.tx.Reader, where+fmt.Sprintf(" LIMIT %d", atOnce), args...)
	if err != nil {
		return fmt.Errorf("look for alerts whose time has come: %w", err)
	}
	for _, a := range list {
		if !do(a) {
			continue
		}
		if err := r.announce(ctx, a, false); err != nil {
			return err
		}
		if err := a.keep(ctx, r.tx); err != nil {
			return err
		}
	}
	return nil
}

func (r *round) wake(ctx context.Context) error {
	return r.each(ctx, func(a *Alert) bool { return a.Wake(r.now) }, ` WHERE a.until > 0 AND a.until <= $1 AND a.state = 'snoozed' ORDER BY a.until`, store.Micros(r.now))
}

func (r *round) escalate(ctx context.Context) error {
	return r.each(ctx, func(a *Alert) bool {
		a.Escalate(fmt.Sprintf("nobody has acknowledged it since %s", a.Told.Format(time.RFC3339)), r.now)
		return true
	}, ` WHERE a.due > 0 AND a.due <= $1 AND a.state = 'new' ORDER BY a.due`, store.Micros(r.now))
}

// follow ends the alerts that only their case told of, once that is closed.
func (r *round) follow(ctx context.Context) error {
	return r.each(ctx, func(a *Alert) bool { return a.End("case "+a.Case+" is closed", r.now) },
		` WHERE a.muted = 'case' AND a.state <> 'closed' AND a.incident IN (SELECT id FROM incident WHERE state = 'closed') ORDER BY a.id`)
}

// expire finds the suppressions that somebody has to be told of: they expire soon.
func (r *round) expire(ctx context.Context) error {
	err := store.Each(ctx, &r.tx.Reader, func(rows *sql.Rows) error {
		s, err := scanSuppression(rows)
		r.changes.Expiring = append(r.changes.Expiring, s)
		return err
	}, `SELECT `+suppressionColumns+` FROM suppression WHERE ended = 0 AND told = 0 AND expires > $1 AND expires <= $2 ORDER BY expires, id LIMIT $3`,
		store.Micros(r.now), store.Micros(r.now.Add(alert.Expiring)), atOnce)
	if err != nil {
		return fmt.Errorf("look for suppressions that expire: %w", err)
	}
	for _, s := range r.changes.Expiring {
		s.Told = r.now
		if err := r.tx.ExecOne(ctx, `UPDATE suppression SET told = $2 WHERE id = $1`, s.ID, store.Micros(r.now)); err != nil {
			return fmt.Errorf("note that suppression %s expires: %w", s.ID, err)
		}
	}
	return nil
}
