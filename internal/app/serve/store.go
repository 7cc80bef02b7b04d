package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/store"
)

// OpenStore opens the store with the keys that sign its ledger; the first start makes
// both.
func OpenStore(ctx context.Context, c Settings, log *slog.Logger) (*store.Store, *keyfile.Keys, error) {
	return openStore(ctx, c, log, time.Now)
}

func openStore(ctx context.Context, c Settings, log *slog.Logger, now func() time.Time) (*store.Store, *keyfile.Keys, error) {
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
	o, err := storeOptions(keys)
	if err != nil {
		return nil, nil, err
	}
	o.Migrate, o.Log, o.Now, o.Serves = true, log, now, true
	s, err := store.Open(ctx, c.Store, o)
	if err != nil {
		return nil, nil, fmt.Errorf("%w (%s)", err, keys)
	}
	return s, keys, nil
}

// StoreOptions are the address of the server's store and how to open it, for commands
// that work on the store. The key file must be there; the schema is not brought up to
// date.
func (c Settings) StoreOptions() (address string, o store.Options, err error) {
	c.defaults()
	keys, err := keyfile.Open(c.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; hint: --key-file, or --config with the settings of the server", err)
	}
	if err != nil {
		return "", o, err
	}
	o, err = storeOptions(keys)
	return c.Store, o, err
}

func storeOptions(keys *keyfile.Keys) (store.Options, error) {
	signers, err := keys.Signers()
	if err != nil {
		return store.Options{}, err
	}
	known, err := keys.Known()
	return store.Options{Origin: keys.Origin, Signers: signers, Known: known, Now: time.Now}, err
}
