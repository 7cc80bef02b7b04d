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

const ledgerOrigin = "rootkeep/ledger"

// openStore opens the store with the key that signs its ledger; the first start makes both.
func openStore(ctx context.Context, c Settings, log *slog.Logger) (*store.Store, error) {
	keys, err := keyfile.OpenOrCreate(c.KeyFile, ledgerOrigin)
	if err != nil {
		return nil, err
	}
	o, err := storeOptions(keys)
	if err != nil {
		return nil, err
	}
	o.Migrate, o.Log = true, log
	s, err := store.Open(ctx, c.Store, o)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, keys)
	}
	return s, nil
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
