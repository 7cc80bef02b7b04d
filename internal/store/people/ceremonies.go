package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
)

// CeremonyLife is how long somebody has to touch a key, or to come back from a provider.
const CeremonyLife = 5 * time.Minute

// maxCeremonies bounds those of a kind that are under way: anybody can begin to sign in,
// and must not keep those who are signed in from proving their key again.
const maxCeremonies = 5000

// ErrBusy is too many ceremonies under way.
var ErrBusy = errors.New("too many sign-ins are under way; hint: try again in a few minutes")

// BeginCeremony keeps what a ceremony of a kind has to come back with, and gives the
// handle under which it is taken. It is for Store.Touch.
func BeginCeremony(ctx context.Context, tx *store.Tx, kind string, data []byte) (string, error) {
	if _, err := tx.Exec(ctx, `DELETE FROM ceremony WHERE expires <= $1`, store.Micros(tx.Now())); err != nil {
		return "", fmt.Errorf("remove ceremonies that are over: %w", err)
	}
	var n int
	if err := tx.Row(ctx, `SELECT COUNT(*) FROM ceremony WHERE kind = $1`, kind).Scan(&n); err != nil {
		return "", fmt.Errorf("count ceremonies: %w", err)
	}
	if n >= maxCeremonies {
		return "", ErrBusy
	}
	handle := letters.EncodeToString(chance(secretSize))
	_, err := tx.Exec(ctx, `INSERT INTO ceremony (hash, kind, data, expires) VALUES ($1, $2, $3, $4)`,
		digest(handle), kind, data, store.Micros(tx.Now().Add(CeremonyLife)))
	if err != nil {
		return "", fmt.Errorf("begin a ceremony: %w", err)
	}
	return handle, nil
}

// TakeCeremony takes what was kept under the handle: one who comes gets it, all later
// ones ErrNotFound. It is for Store.Touch.
func TakeCeremony(ctx context.Context, tx *store.Tx, kind, handle string) ([]byte, error) {
	var data []byte
	var expires int64
	err := tx.Row(ctx, `DELETE FROM ceremony WHERE hash = $1 AND kind = $2 RETURNING data, expires`, digest(handle), kind).Scan(&data, &expires)
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && !tx.Now().Before(store.Time(expires)):
		return nil, fmt.Errorf("ceremony: %w", store.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("take a ceremony: %w", err)
	}
	return data, nil
}
