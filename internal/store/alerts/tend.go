package alerts

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/store"
)

// atOnce bounds what one round of Tend does of each kind: the next goes on.
const atOnce = 200

// Tend sees to what time does: snoozes end, what nobody acknowledges escalates, alerts whose
// case is closed end with it and open again with it, suppressions are about to expire, and
// root users' events have other verdicts since a moment. It gives what people have to be told;
// calling it again at once changes nothing more.
func (k *Keeper) Tend(ctx context.Context, tx *store.Tx, now, since time.Time) (*Changes, error) {
	r, err := k.begin(ctx, tx, now)
	if err != nil {
		return nil, err
	}
	if err := r.judged(ctx, since); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{r.wake, r.escalate, r.follow, r.revive, r.expire} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return r.end(ctx)
}

// each does something to the alerts of a condition, and keeps those that it changed.
func (r *round) each(ctx context.Context, do func(*Alert) (bool, error), where string, args ...any) error {
	list, err := query(ctx, &r.tx.Reader, where+fmt.Sprintf(" LIMIT %d", atOnce), args...)
	if err != nil {
		return fmt.Errorf("look for alerts whose time has come: %w", err)
	}
	for _, a := range list {
		changed, err := do(a)
		if err != nil {
			return err
		}
		if !changed {
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
	return r.each(ctx, func(a *Alert) (_ bool, err error) {
		a.grave, err = severityOf(ctx, &r.tx.Reader, a.Case)
		return a.Wake(r.now), err
	}, ` WHERE a.until > 0 AND a.until <= $1 AND a.state = 'snoozed' ORDER BY a.until`, store.Micros(r.now))
}

// escalate has those told again that nobody acknowledged. What a case tells of escalates as
// well, by the most severe of its alerts.
func (r *round) escalate(ctx context.Context) error {
	list, err := query(ctx, &r.tx.Reader, overdue+fmt.Sprintf(" LIMIT %d", atOnce), store.Micros(r.now))
	if err != nil {
		return fmt.Errorf("look for alerts that nobody acknowledged: %w", err)
	}
	for _, a := range list {
		had, err := r.inHand(ctx, a)
		if err != nil {
			return err
		}
		switch {
		case had:
			a.Due = time.Time{}
		case a.Muted == alert.ByCase:
			a.Muted = ""
			a.Escalate(fmt.Sprintf("nobody has acknowledged it, or taken %s, since %s", a.Case, a.Opened.Format(time.RFC3339)), r.now)
		default:
			a.Escalate(fmt.Sprintf("nobody has acknowledged it since %s", a.Told.Format(time.RFC3339)), r.now)
		}
		if !had {
			if err := r.announce(ctx, a, false); err != nil {
				return err
			}
		}
		if err := a.keep(ctx, r.tx); err != nil {
			return err
		}
	}
	return nil
}

// overdue finds them by when they are due: of alerts that are new there may be very many, so that
// no index of their state may be taken.
const overdue = ` WHERE a.due > 0 AND a.due <= $1 AND a.state || '' = 'new' ORDER BY a.due, a.level DESC, a.id`

// inHand says whether somebody has the case of an alert. Of alerts that only their case told
// of it is enough that another one was told by itself, or that somebody has that. What was done
// before the case was opened again was done of what was known then.
func (r *round) inHand(ctx context.Context, a *Alert) (bool, error) {
	if a.Case == "" {
		return false, nil
	}
	var state, owner string
	var again int64
	err := r.tx.Row(ctx, `SELECT state, owner, severity, COALESCE((SELECT MAX(h.at) FROM incident_history h WHERE h.incident = i.id AND h.act = 'reopened'), 0)
		FROM incident i WHERE i.id = $1`, a.Case).Scan(&state, &owner, &a.grave, &again)
	if err != nil {
		return false, fmt.Errorf("look who has case %s: %w", a.Case, err)
	}
	had := state == string(incident.Closed) || owner != ""
	if had || a.Muted != alert.ByCase {
		return had, nil
	}
	n := 0
	err = r.tx.Row(ctx, `SELECT COUNT(*) FROM alert WHERE incident = $1 AND id <> $2 AND (told > $3 OR decided >= $3 AND (owner <> '' OR state = 'acknowledged'))`, a.Case, a.ID, again).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for alerts of case %s that were told: %w", a.Case, err)
	}
	return n > 0, nil
}

// follow ends the alerts that their case told of, or that were told beside it, once that is
// closed.
func (r *round) follow(ctx context.Context) error {
	return r.each(ctx, func(a *Alert) (bool, error) { return a.End("case "+a.Case+" is closed", r.now), nil }, followed)
}

// followed finds them among those that are open and have a case, of which there is an index.
const followed = ` WHERE a.incident <> '' AND a.state <> 'closed' AND a.muted IN ('', 'case')
	AND EXISTS (SELECT 1 FROM incident i WHERE i.id = a.incident AND i.state = 'closed' AND (a.muted = 'case' OR a.last <= i.closed)) ORDER BY a.id`

// revive opens those again that ended with a case which is open again: nobody has it, and it
// escalates by those that it tells of.
func (r *round) revive(ctx context.Context) error {
	return r.each(ctx, func(a *Alert) (_ bool, err error) {
		a.grave, err = severityOf(ctx, &r.tx.Reader, a.Case)
		return err == nil && a.Again("case "+a.Case+" is open again", r.now), err
	}, revived)
}

// revived finds them by the few cases that are open and were opened again: of alerts that ended
// with a case there are all that ever did, so that no index of their state may be taken.
const revived = ` WHERE a.incident IN (SELECT i.id FROM incident i JOIN incident_history h ON h.incident = i.id WHERE i.state = 'open' AND h.act = 'reopened')
	AND a.muted || '' IN ('', 'case') AND a.state || '' = 'closed' AND a.decided <> a.closed AND a.reason = 'case ' || a.incident || ' is closed' ORDER BY a.id`

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
