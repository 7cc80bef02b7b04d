package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver sqlite
)

// dialect is what SQLite and PostgreSQL do not share.
type dialect struct {
	name          string
	goose         goose.Dialect
	viewIsolation sql.IsolationLevel
	lockHead      string // query of the head that keeps other writers out until the end of the transaction
}

var (
	sqlite = dialect{
		name: "SQLite", goose: goose.DialectSQLite3,
		// A transaction of SQLite takes the only write lock when it begins.
		lockHead: `SELECT size, signed, at FROM log_head WHERE id = 1`,
	}
	postgres = dialect{
		name: "PostgreSQL", goose: goose.DialectPostgres, viewIsolation: sql.LevelRepeatableRead,
		lockHead: `SELECT size, signed, at FROM log_head WHERE id = 1 FOR UPDATE`,
	}
)

const readers = 8 // connections that read SQLite, or that use PostgreSQL

// connect opens the handles.
func (s *Store) connect(ctx context.Context, address string) error {
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		return s.connectPostgres(ctx, address)
	}
	return s.connectSQLite(ctx, strings.TrimPrefix(address, "sqlite:"))
}

func (s *Store) connectPostgres(ctx context.Context, address string) error {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return errors.New("open PostgreSQL: the address does not parse; hint: postgres://user@host/database") // the driver's error may hold the password
	}
	db.SetMaxOpenConns(2 * readers)
	if err := db.PingContext(ctx); err != nil {
		return errors.Join(fmt.Errorf("open PostgreSQL: %w", err), db.Close())
	}
	s.dialect, s.write, s.read = postgres, db, db
	return nil
}

func (s *Store) connectSQLite(ctx context.Context, path string) error {
	if path == "" {
		return errors.New("open SQLite: no path")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("open SQLite: %w", err)
	}
	// SQLite would make the file readable for everybody.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open SQLite: %w", err)
	}
	f.Close()
	s.dialect = sqlite
	if s.write, err = openSQLite(path, "_txlock=immediate", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)"); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if err := s.write.PingContext(ctx); err != nil {
		return errors.Join(fmt.Errorf("open SQLite %s: %w", path, err), s.write.Close())
	}
	if s.read, err = openSQLite(path, "_txlock=deferred", "_pragma=query_only(1)"); err != nil {
		return errors.Join(err, s.write.Close())
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	return nil
}

func openSQLite(path string, settings ...string) (*sql.DB, error) {
	settings = append(settings, "_pragma=busy_timeout(5000)", "_pragma=foreign_keys(1)")
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: strings.Join(settings, "&")}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("open SQLite %s: %w", path, err)
	}
	return db, nil
}

//go:embed schema/*.sql
var schema embed.FS

// migrate brings the schema up to date, if it may. A database of a newer program is
// refused.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(schema, "schema")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(s.dialect.goose, s.write, files, goose.WithSlog(s.options.Log))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	have, want, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("migrations: %w", err)
	case have > want:
		return fmt.Errorf("the store has schema %d, this program knows %d; hint: use a newer rootkeep", have, want)
	case have < want && !s.options.Migrate:
		return fmt.Errorf("the store has schema %d, this program wants %d; hint: rootkeep migrate", have, want)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}
