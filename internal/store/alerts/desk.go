package alerts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/posture"
)

// ErrNotAllowed is an act that the actor's roles do not allow at the account.
var ErrNotAllowed = errors.New("not allowed at this account")

// Desk is where people work at alerts. Each act is a compare-and-set on the revision that
// they read.
type Desk struct {
	Keeper *Keeper
	// Tell, if it is not nil, has people told of what was done, in the same transaction.
	Tell func(context.Context, *store.Tx, *Changes) error
}

// told has people told of changes, and passes on what went wrong with them.
func (d *Desk) told(ctx context.Context, tx *store.Tx, c *Changes, err error) error {
	if err != nil || d.Tell == nil {
		return err
	}
	return d.Tell(ctx, tx, c)
}

// Apply is that of the keeper, and has people told.
func (d *Desk) Apply(ctx context.Context, tx *store.Tx, now time.Time, list []alert.Sighting) error {
	c, err := d.Keeper.Apply(ctx, tx, now, list)
	return d.told(ctx, tx, c, err)
}

// Sources is that of the keeper, and has people told.
func (d *Desk) Sources(ctx context.Context, tx *store.Tx, now time.Time, names []string, worries []Worry) error {
	c, err := d.Keeper.Sources(ctx, tx, now, names, worries)
	return d.told(ctx, tx, c, err)
}

// EndSources is that of the keeper, and has people told.
func (d *Desk) EndSources(ctx context.Context, tx *store.Tx, now time.Time, names []string, reason string) error {
	c, err := d.Keeper.EndSources(ctx, tx, now, names, reason)
	return d.told(ctx, tx, c, err)
}

// Tend is that of the keeper, and has people told. It says how many there were.
func (d *Desk) Tend(ctx context.Context, tx *store.Tx, now, since time.Time) (int, error) {
	c, err := d.Keeper.Tend(ctx, tx, now, since)
	if err != nil {
		return 0, err
	}
	return len(c.Alerts) + len(c.Expiring), d.told(ctx, tx, c, nil)
}

// placeOf is where an account lies; the organization as a whole for none.
func placeOf(ctx context.Context, r *store.Reader, account rootkeep.AccountID) (people.Place, error) {
	if account == "" {
		return people.Place{}, nil
	}
	return posture.PlaceOf(ctx, r, account)
}

// may refuses who does not work at alerts of an account.
func may(ctx context.Context, r *store.Reader, actor people.Actor, account rootkeep.AccountID) error {
	at, err := placeOf(ctx, r, account)
	if err != nil {
		return err
	}
	if !actor.May(people.Operate, at) {
		where := "of account " + string(account)
		if account == "" {
			where = "of no single account"
		}
		return fmt.Errorf("work at alerts %s: %w; hint: the role responder", where, ErrNotAllowed)
	}
	return nil
}

// May says whether the actor works at alerts of the account.
func May(ctx context.Context, r *store.Reader, actor people.Actor, account rootkeep.AccountID) (bool, error) {
	err := may(ctx, r, actor, account)
	if errors.Is(err, ErrNotAllowed) {
		return false, nil
	}
	return err == nil, err
}

// Get reads an alert that the actor may read; ErrNotFound if there is none.
func (d *Desk) Get(ctx context.Context, r *store.Reader, actor people.Actor, id string) (*Alert, error) {
	s, err := SightOf(ctx, r, actor)
	if err != nil {
		return nil, err
	}
	return ByID(ctx, r, s, id)
}

// act has somebody change an alert of the revision that they read.
func (d *Desk) act(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, do func(*Alert, time.Time) error) (*Alert, error) {
	a, err := d.Get(ctx, &tx.Reader, actor, id)
	if err != nil {
		return nil, err
	}
	if err := may(ctx, &tx.Reader, actor, a.Found.Account); err != nil {
		return nil, err
	}
	if a.Revision != revision {
		return nil, fmt.Errorf("alert %s: %w", id, store.ErrConflict)
	}
	if err := do(a, moment(tx.Now())); err != nil {
		return nil, err
	}
	did := a.History[len(a.History)-1]
	if err := a.keep(ctx, tx); err != nil {
		return nil, err
	}
	if a.Told.IsZero() || a.Muted == alert.ByStorm || did.Act == alert.Tagged {
		return a, nil // there is no message that would say otherwise, or it is closed
	}
	return a, d.told(ctx, tx, &Changes{Alerts: []Change{{Alert: a, Act: did.Act, By: did.By}}}, nil)
}

// Acknowledge notes that somebody looks at the alert. It records alert.acknowledged.
func (d *Desk) Acknowledge(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, note string) (*Alert, error) {
	return d.act(ctx, tx, actor, id, revision, func(a *Alert, now time.Time) error {
		return a.Acknowledge(note, actor.ID, actor.Kind == people.Person, now)
	})
}

// Assign gives the alert to a person, who may work at it. It records alert.assigned.
func (d *Desk) Assign(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, owner string) (*Alert, error) {
	return d.act(ctx, tx, actor, id, revision, func(a *Alert, now time.Time) error {
		to, err := activePerson(ctx, &tx.Reader, owner)
		if err != nil {
			return err
		}
		if err := may(ctx, &tx.Reader, to, a.Found.Account); err != nil {
			return fmt.Errorf("give alert %s to %s: %w", id, owner, err)
		}
		return a.Assign(owner, actor.ID, now)
	})
}

func activePerson(ctx context.Context, r *store.Reader, id string) (people.Actor, error) {
	to, err := stored.ActorOf(ctx, r, id)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, stored.ErrSuspended) {
		return to, fmt.Errorf("%w: nobody active has the ID %q; hint: rootkeep people list", alert.ErrInvalid, id)
	}
	return to, err
}

// Snooze has the alert wait until a moment. It records alert.snoozed.
func (d *Desk) Snooze(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, until time.Time, reason string) (*Alert, error) {
	return d.act(ctx, tx, actor, id, revision, func(a *Alert, _ time.Time) error {
		return a.Snooze(moment(until), reason, actor.ID, moment(tx.Clock()))
	})
}

// Close ends the alert with a reason, and with a storm all of its members that nobody has
// taken. It records alert.closed.
func (d *Desk) Close(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, reason string) (*Alert, error) {
	return d.act(ctx, tx, actor, id, revision, func(a *Alert, now time.Time) error {
		if err := a.Close(reason, actor.ID, now); err != nil {
			return err
		}
		if a.Found.Kind == StormKind {
			return closeMembers(ctx, tx, a, actor.ID, now)
		}
		return nil
	})
}

// closeMembers closes the members of a storm that are still new, and nobody's. The entry of the
// storm stands for theirs.
func closeMembers(ctx context.Context, tx *store.Tx, storm *Alert, by string, now time.Time) error {
	about := store.Kept("part of storm "+storm.ID+": "+storm.Reason, long)
	_, err := tx.Exec(ctx, `INSERT INTO alert_history (alert, number, at, person, act, about)
		SELECT a.id, (SELECT COALESCE(MAX(h.number), 0) + 1 FROM alert_history h WHERE h.alert = a.id), CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT)
		FROM alert a WHERE a.muted_by = $1 AND a.state = 'new' AND a.owner = ''`, storm.ID, store.Micros(now), by, string(alert.Ended), about)
	if err == nil {
		_, err = tx.Exec(ctx, `UPDATE alert SET state = 'closed', reason = $2, closed = $3, decided = $3, decided_by = $4, revision = revision + 1 WHERE muted_by = $1 AND state = 'new' AND owner = ''`,
			storm.ID, about, store.Micros(now), by)
	}
	if err != nil {
		return fmt.Errorf("close the members of storm %s: %w", storm.ID, err)
	}
	return nil
}

// Reopen takes a close, an acknowledgement or a snooze back. It records alert.reopened.
func (d *Desk) Reopen(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, reason string) (*Alert, error) {
	return d.act(ctx, tx, actor, id, revision, func(a *Alert, now time.Time) error {
		err := a.Reopen(reason, actor.ID, now)
		if err != nil || d.Keeper == nil || a.Told.IsZero() && a.Muted != alert.ByCase {
			return err
		}
		severity, err := severityOf(ctx, &tx.Reader, a.Case)
		a.Due = d.Keeper.policy.DueOf(&a.Alert, severity, moment(tx.Clock()))
		return err
	})
}

// severityOf is how severe a case is; 0 for none.
func severityOf(ctx context.Context, r *store.Reader, id string) (severity rootkeep.Severity, err error) {
	if id == "" {
		return 0, nil
	}
	if err = r.Row(ctx, `SELECT severity FROM incident WHERE id = $1`, id).Scan(&severity); err != nil {
		err = fmt.Errorf("look how severe case %s is: %w", id, err)
	}
	return severity, err
}

// Tag adds and removes tags. It records alert.tagged.
func (d *Desk) Tag(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, add, remove []string) (*Alert, error) {
	return d.act(ctx, tx, actor, id, revision, func(a *Alert, now time.Time) error { return a.Tag(add, remove, actor.ID, now) })
}

// Suppress makes a suppression. Whoever makes one, and whoever answers for it, is a person
// who works at alerts there. It records suppression.made.
func (d *Desk) Suppress(ctx context.Context, tx *store.Tx, actor people.Actor, s alert.Suppression) (*alert.Suppression, error) {
	if err := d.maySuppress(ctx, &tx.Reader, actor, s.Scope.Account); err != nil {
		return nil, err
	}
	if s.Owner == "" {
		s.Owner = actor.ID
	}
	to, err := activePerson(ctx, &tx.Reader, s.Owner)
	if err != nil {
		return nil, err
	}
	if err := d.maySuppress(ctx, &tx.Reader, to, s.Scope.Account); err != nil {
		return nil, fmt.Errorf("have %s answer for it: %w", s.Owner, err)
	}
	s.By = actor.ID
	return d.Keeper.suppress(ctx, tx, s)
}

// maySuppress refuses who is no person that works at alerts of the account, or of all if a
// suppression names none.
func (d *Desk) maySuppress(ctx context.Context, r *store.Reader, actor people.Actor, account rootkeep.AccountID) error {
	if actor.Kind != people.Person {
		return fmt.Errorf("suppress alerts: %w; hint: a person does, who answers for it", ErrNotAllowed)
	}
	return may(ctx, r, actor, account)
}

// Unsuppress ends a suppression before its time. It records suppression.ended.
func (d *Desk) Unsuppress(ctx context.Context, tx *store.Tx, actor people.Actor, id string) (*alert.Suppression, error) {
	s, err := Suppression(ctx, &tx.Reader, id)
	if err != nil {
		return nil, err
	}
	if err := may(ctx, &tx.Reader, actor, s.Scope.Account); err != nil {
		return nil, err
	}
	return d.Keeper.endSuppression(ctx, tx, id, actor.ID)
}

// Suppressions lists those that the actor may read, the newest first: those of accounts in
// sight, and those of no account, which may hide alerts of any. ended says whether those
// that hide nothing any more are there too.
func Suppressions(ctx context.Context, r *store.Reader, actor people.Actor, now time.Time, ended bool, most int) ([]*alert.Suppression, error) {
	where := ` WHERE ended = 0 AND expires > $1`
	if ended {
		where = ` WHERE made <= $1`
	}
	all, err := suppressions(ctx, r, where+` ORDER BY made DESC, id LIMIT $2`, store.Micros(now.Add(time.Minute)), most)
	if err != nil {
		return nil, err
	}
	out := []*alert.Suppression{}
	for _, s := range all {
		at, err := placeOf(ctx, r, s.Scope.Account)
		if err != nil {
			return nil, err
		}
		if actor.May(people.Read, at) || s.Scope.Account == "" && actor.MayAnywhere(people.Read) {
			out = append(out, s)
		}
	}
	return out, nil
}
