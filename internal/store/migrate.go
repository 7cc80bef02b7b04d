package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/rootkeep/rootkeep/internal/store/fault"
)

//go:embed schema/*.sql
var schema embed.FS

// Migrate brings the schema of a store up to date and gives its version before and after.
func Migrate(ctx context.Context, address string, o Options) (before, after int64, err error) {
	o.Migrate = true
	s, err := prepare(ctx, address, o)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(explain(err), s.disconnect()) }()
	p, err := s.migrations()
	if err != nil {
		return 0, 0, fmt.Errorf("migrations: %w", err)
	}
	if before, _, err = p.GetVersions(ctx); err != nil {
		return 0, 0, fmt.Errorf("migrations: %w", err)
	}
	if err := s.begin(ctx); err != nil {
		return before, before, err
	}
	after, _, err = p.GetVersions(ctx)
	return before, after, err
}

// migrate brings the schema up to date, if it may. A database of a newer program is
// refused. Several servers may start at once.
func (s *Store) migrate(ctx context.Context) error {
	p, err := s.migrations()
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	for try := 0; ; try++ {
		have, want, err := p.GetVersions(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("migrations: %w", err)
		case have > want:
			return fmt.Errorf("the store has schema %d, this program knows %d; hint: use a newer rootkeep", have, want)
		case have < want && !s.options.Migrate:
			return fmt.Errorf("the store has schema %d, this program wants %d; hint: rootkeep migrate", have, want)
		case have == want:
			return nil
		}
		if _, err = p.Up(ctx); err == nil {
			return nil
		}
		if classify(err) == fault.Busy && try < 20 && pause(ctx, try) {
			continue
		}
		// Another process may have made the same step: SQLite has no lock that spans them all.
		if now, _, again := p.GetVersions(ctx); again != nil || now <= have {
			return fmt.Errorf("migrations: %w", err)
		}
	}
}

func (s *Store) migrations() (*goose.Provider, error) {
	files, err := fs.Sub(schema, "schema")
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{goose.WithSlog(s.options.Log)}
	if s.dialect.goose == goose.DialectPostgres {
		l, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(l))
	}
	return goose.NewProvider(s.dialect.goose, s.write, files, options...)
}
