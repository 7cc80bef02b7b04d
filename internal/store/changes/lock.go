package changes

import (
	"context"
	"fmt"

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
