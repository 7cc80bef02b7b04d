package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"

	"github.com/rootkeep/rootkeep/internal/store/fault"
)

// dialect is what SQLite and PostgreSQL do not share.
type dialect struct {
	name            string
	goose           goose.Dialect
	viewIsolation   sql.IsolationLevel
	lockHead        string // query of the head that keeps other writers out until the end of the transaction
	hold            string // statement that lets a transaction wait for long; "" if any may
	arrays, rereads bool   // see Reader.Arrays; its driver reads a statement anew each time that it is run
	beside, apart   string // statements that keep changes beside the head, and a move, from being made at once; "" if none are
}

var sqliteDialect = dialect{
	name: "SQLite", goose: goose.DialectSQLite3, rereads: true,
	// A transaction of SQLite takes the only write lock when it begins.
	lockHead: readHead,
}

const (
	readers = 8 // connections that read
	// idle is how long one of them is kept that nobody reads with: it remembers up to 2 MiB of
	// pages.
	idle = 5 * time.Minute
)

func (s *Store) connectSQLite(ctx context.Context, path string) error {
	if path == "" {
		return errors.New("open SQLite: no path")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("open SQLite: %w", err)
	}
	if err := createPrivate(path); err != nil {
		return explain(fmt.Errorf("open SQLite: %w", err))
	}
	s.dialect, s.path = sqliteDialect, path
	// FULL: a commit is on the disk when it returns. secure_delete: what was erased is
	// overwritten. fullfsync: macOS leaves data in the disk's cache without it. Changes of
	// thousands of rows, as of detections, touch as many pages: 16 MiB of them are remembered,
	// which take twice as much, as the allocator has a page and what is known of it take the room
	// of two. Twice as many made no change faster. Pages that were touched often are written into
	// the file once for 32 MiB of the journal.
	s.write, err = openSQLite(path, "_txlock=immediate", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)", "_pragma=fullfsync(1)",
		"_pragma=secure_delete(1)", "_pragma=journal_size_limit(67108864)", "_pragma=cache_size(-16384)", "_pragma=wal_autocheckpoint(8000)")
	if err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if err := s.write.PingContext(ctx); err != nil {
		return errors.Join(explain(fmt.Errorf("open SQLite %s: %w", path, whyNot(path, err))), s.write.Close())
	}
	if s.read, err = openSQLite(path, "_txlock=deferred", "_pragma=query_only(1)"); err != nil {
		return errors.Join(err, s.write.Close())
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	s.read.SetConnMaxIdleTime(idle)
	return nil
}

// whyNot says why a database cannot be opened, if the reason is that nothing can be
// written beside it: SQLite does not tell that from other reasons.
func whyNot(path string, failed error) error {
	if classify(failed) != fault.Denied {
		return failed
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".rootkeep-*")
	if err != nil {
		return err
	}
	return errors.Join(failed, f.Close(), os.Remove(f.Name()))
}

// createPrivate makes the file for its owner alone: SQLite would make it readable for
// everybody. One that exists is not opened, because closing it would end the locks that
// another connection of this process holds on it.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

func openSQLite(path string, settings ...string) (*sql.DB, error) {
	// Locks that no close of another descriptor of the file can end, where the system
	// has them; the error says that it has not.
	_, _ = sqlite.OFDLocking(true)
	// A wait for another's lock cannot be interrupted: it is short, and tried again.
	settings = append([]string{"_pragma=busy_timeout(1000)", "_pragma=foreign_keys(1)", "_defensive=1"}, settings...)
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: strings.Join(settings, "&")}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("open SQLite %s: %w", path, err)
	}
	return db, nil
}
