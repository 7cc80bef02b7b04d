package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web/signin"
)

// Recovered is an administrator made on the host.
type Recovered struct {
	Person  string    // ID
	Name    string    // as it was given
	Link    string    // enrols their key, once
	Expires time.Time // of the link
}

// Recover makes an administrator, for when the keys of all are lost. Whoever may do so
// owns the data: the files must be theirs. The ledger tells of it, and so does every page
// of the console until somebody else has acknowledged it.
func Recover(ctx context.Context, c Settings, name string) (Recovered, error) {
	if err := c.resolve(); err != nil {
		return Recovered{}, err
	}
	if err := c.owned(); err != nil {
		return Recovered{}, err
	}
	u, err := ParseURL(c.URL)
	if err != nil {
		return Recovered{}, err
	}
	address, o, err := c.StoreOptions()
	if err != nil {
		return Recovered{}, err
	}
	s, err := store.Open(ctx, address, o)
	if err != nil {
		return Recovered{}, err
	}
	var p persons.Person
	var secret persons.Secret
	expires := s.Now().Add(persons.RecoveryLife)
	err = s.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		p, secret, err = persons.Recover(ctx, tx, name)
		return err
	})
	if err := errors.Join(err, s.Close()); err != nil {
		return Recovered{}, fmt.Errorf("recover an administrator: %w", err)
	}
	return Recovered{p.ID, p.Name, signin.EnrolAddress(u, secret), expires}, nil
}

// owned refuses files that are not there, so that no empty store is made by mistake, and
// those of somebody else.
func (c *Settings) owned() error {
	files := []string{c.KeyFile}
	if !strings.Contains(c.Store, "://") {
		files = append(files, strings.TrimPrefix(c.Store, "sqlite:"))
	}
	for _, path := range files {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s is not there; hint: --store and --key-file, or --config with the server's settings", path)
		case err != nil:
			return err
		case !keyfile.Own(info):
			return fmt.Errorf("%s belongs to somebody else; hint: run this as the user whose data it is", path)
		}
	}
	return nil
}
