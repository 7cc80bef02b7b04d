package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

const ledgerOrigin = "rootkeep/ledger"

// openStore opens the store with the key that signs its ledger; the first start makes both.
func openStore(ctx context.Context, c Settings, log *slog.Logger) (*store.Store, error) {
	private, public, err := ledgerKey(c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("ledger key %s: %w", c.KeyFile, err)
	}
	signer, err := ledger.Signer(private)
	if err != nil {
		return nil, fmt.Errorf("ledger key %s: %w", c.KeyFile, err)
	}
	known, err := ledger.Known(public)
	if err != nil {
		return nil, fmt.Errorf("ledger key %s: %w", c.KeyFile, err)
	}
	return store.Open(ctx, c.Store, store.Options{
		Origin: ledgerOrigin, Signers: []note.Signer{signer}, Known: known, Migrate: true, Now: time.Now, Log: log,
	})
}

// ledgerKey reads the key file, two lines: the private key, the public key. It makes the
// file if there is none.
func ledgerKey(path string) (private, public string, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if private, public, err = ledger.NewKey(ledgerOrigin); err != nil {
			return "", "", err
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return "", "", err
		}
		_, err = fmt.Fprintf(f, "%s\n%s\n", private, public)
		return private, public, errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		return "", "", err
	}
	private, public, ok := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if !ok {
		return "", "", errors.New("want two lines: the private key and the public key")
	}
	return private, public, nil
}
