package serve

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/store"
)

// OpenStore opens the store with the keys that sign its ledger; the first start makes
// both.
func OpenStore(ctx context.Context, c Settings, log *slog.Logger) (*store.Store, *keyfile.Keys, error) {
	if err := c.resolve(); err != nil {
		return nil, nil, err
	}
	u, err := ParseURL(c.URL)
	if err != nil {
		return nil, nil, err
	}
	keys, err := keyfile.OpenOrCreate(c.KeyFile, u.Hostname()+"/ledger")
	if err != nil {
		return nil, nil, err
	}
	signers, err := keys.Signers()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.KeyFile, err)
	}
	known, err := keys.Known()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.KeyFile, err)
	}
	s, err := store.Open(ctx, c.Store, store.Options{
		Origin: keys.Origin, Signers: signers, Known: known, Migrate: true, Now: time.Now, Log: log,
	})
	return s, keys, err
}
