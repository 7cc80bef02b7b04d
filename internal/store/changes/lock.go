package changes

import (
	"context"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
)

// hold takes the resources of a change; it is a *Held if another change has one.
func (c *Change) hold(ctx context.Context, tx *store.Tx) error {
	p, err := c.Parsed()
	if err != nil {
		return err
	}
	for _, resource := range p.Resources {
		if _, err := tx.Exec(ctx, `INSERT INTO change_lock (resource, change) VALUES ($1, $2) ON CONFLICT (resource) DO NOTHING`, resource, c.ID); err != nil {
			return fmt.Errorf("hold a resource for %s: %w", c.ID, err)
		}
		var by string
		if err := tx.Row(ctx, `SELECT change FROM change_lock WHERE resource = $1`, resource).Scan(&by); err != nil {
			return fmt.Errorf("hold a resource for %s: %w", c.ID, err)
		}
		if by != c.ID {
			return fmt.Errorf("change %s: %w", c.ID, &Held{resource, by})
		}
	}
	return nil
}

func (c *Change) release(ctx context.Context, tx *store.Tx) error {
	if _, err := tx.Exec(ctx, `DELETE FROM change_lock WHERE change = $1`, c.ID); err != nil {
		return fmt.Errorf("release what %s held: %w", c.ID, err)
	}
	return nil
}

// pass gives what one change holds to another.
func pass(ctx context.Context, tx *store.Tx, from, to string) error {
	if _, err := tx.Exec(ctx, `UPDATE change_lock SET change = $2 WHERE change = $1`, from, to); err != nil {
		return fmt.Errorf("pass what %s held to %s: %w", from, to, err)
	}
	return nil
}

// undo marks the change that another one, which begins, undoes. What it held, if it had
// stopped, is the undo's from now on.
func (d *Desk) undo(ctx context.Context, tx *store.Tx, actor people.Actor, c *Change) error {
	o, err := d.undoable(ctx, &tx.Reader, actor, c, tx.Now())
	if err != nil {
		return err
	}
	from := o.State
	o.State, o.before, o.UndoneBy = Undoing, from, c.ID
	if err := o.set(ctx, tx, from); err != nil {
		return err
	}
	return pass(ctx, tx, o.ID, c.ID)
}

// undid tells the change that was being undone how that ended. It records change.undone.
func (c *Change) undid(ctx context.Context, tx *store.Tx) error {
	o, err := get(ctx, &tx.Reader, c.Undoes, tx.Now())
	if err != nil {
		return err
	}
	if o.State != Undoing || o.UndoneBy != c.ID {
		return fmt.Errorf("change %s is %s by %s, not by %s: %w", o.ID, o.State, o.UndoneBy, c.ID, ErrState)
	}
	verb := ""
	switch c.State {
	case Applied:
		o.State, o.Ended, verb = Undone, tx.Now(), "undone"
	case Refused: // nothing was done: it is where it was
		o.State, o.UndoneBy = o.before, ""
		if o.State == Stopped {
			if err := pass(ctx, tx, c.ID, o.ID); err != nil {
				return err
			}
		}
	default:
		o.State, o.Ended, o.Why, verb = Unverified, tx.Now(), "its undo "+c.ID+" is not verified: "+c.Why, "unverified"
	}
	o.before, o.Lease = "", time.Time{}
	if err := o.set(ctx, tx, Undoing); err != nil || verb == "" {
		return err
	}
	return o.record(tx, verb, people.SystemActor.ID)
}
