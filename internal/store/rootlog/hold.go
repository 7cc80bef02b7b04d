package rootlog

import (
	"context"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
)

// Hold gives a source to a server for a while, or for longer to the one that has it. It is
// false while another has it: two that read the same would ask AWS twice, and set each
// other's mark back.
func Hold(ctx context.Context, tx *store.Tx, source, owner string, lease time.Duration) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO root_source (name, mark, heard, taken, owner, held) VALUES ($1, $2, 0, 0, $3, $4)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, held = excluded.held WHERE root_source.owner = excluded.owner OR root_source.held <= $5`,
		source, []byte{}, owner, store.Micros(tx.Now().Add(lease)), store.Micros(tx.Now()))
	if err != nil {
		return false, fmt.Errorf("hold source %s: %w", source, err)
	}
	return n > 0, nil
}

// Release lets others have a source at once, if the server has it.
func Release(ctx context.Context, tx *store.Tx, source, owner string) error {
	if _, err := tx.Exec(ctx, `UPDATE root_source SET held = 0 WHERE name = $1 AND owner = $2`, source, owner); err != nil {
		return fmt.Errorf("release source %s: %w", source, err)
	}
	return nil
}
