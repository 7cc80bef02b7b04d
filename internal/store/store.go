// Package store keeps rootkeep's state and its ledger in one SQL database: SQLite, one
// file, or PostgreSQL. A change of state and the entry that tells of it are written in
// one transaction, and no change is acknowledged before a signed checkpoint covers it.
//
// The package holds what every part of the state shares: opening, migrating, the two
// kinds of transaction, the ledger's tables. Each part has its SQL in a package below.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/rootkeep/rootkeep/internal/store/sanitize"
	"github.com/rootkeep/rootkeep/internal/store/serial"
)

// Errors that callers branch on.
var (
	ErrNotFound = errors.New("not found")
	// ErrConflict is a compare-and-set that lost: somebody changed the row in between.
	ErrConflict = errors.New("changed by somebody else in between; hint: read it again")
	ErrClosed   = errors.New("the store is closed")
	// ErrMoved is a store that is in another database now.
	ErrMoved = errors.New("the store was moved")
)

// Options say how a store is opened.
type Options struct {
	Origin  string         // name of the log, the first line of its checkpoints
	Signers []note.Signer  // keys that sign checkpoints: one, two during a change of keys
	Known   note.Verifiers // keys whose checkpoints are taken for true
	Migrate bool           // bring an older schema up to date, instead of refusing it
	Now     func() time.Time
	Log     *slog.Logger
	Serves  bool // the process stays when the database fails, and goes on when it is back

	unmark bool // of a copy that is restored: it did not move
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	options  Options
	dialect  dialect
	path     string  // of SQLite's file
	write    *sql.DB // SQLite: one connection
	read     *sql.DB // other connections, so that a reader who waits for a change cannot keep it out
	queue    chan *update
	stop     chan struct{} // closed by Close
	stopping sync.Once
	stopped  chan struct{} // closed when no change is under way any more
	writer   string        // random name of this Store in log_writer
	batches  int64         // transactions begun; of commitAll alone
	head     headCache
	ids      serial.Process
	fault    atomic.Pointer[error] // of the last batch, nil if it was written
}

// Open opens the store at an address: sqlite:PATH, a path, or postgres://...; it makes a
// SQLite file that does not exist. The head of the ledger must be signed by a known key,
// and the newest hashes must make that head.
func Open(ctx context.Context, address string, o Options) (*Store, error) {
	s, err := prepare(ctx, address, o)
	if err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(explain(err), s.disconnect())
	}
	go s.commitAll()
	return s, nil
}

// prepare connects to the database.
func prepare(ctx context.Context, address string, o Options) (*Store, error) {
	switch {
	case o.Origin == "" || len(o.Signers) == 0 || o.Known == nil:
		return nil, errors.New("store: the ledger's origin and keys are required")
	case o.Now == nil:
		return nil, errors.New("store: a clock is required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{options: o, queue: make(chan *update), stop: make(chan struct{}), stopped: make(chan struct{}), writer: rand.Text()}
	if err := s.connect(ctx, address); err != nil {
		return nil, err
	}
	return s, nil
}

// begin brings the schema up to date and checks the ledger's head.
func (s *Store) begin(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if s.options.unmark {
		if _, err := s.write.ExecContext(ctx, `UPDATE log_head SET moved = ''`); err != nil {
			return fmt.Errorf("take the mark off that the store was moved: %w", err)
		}
	}
	return s.View(ctx, func(ctx context.Context, r *Reader) error {
		head, err := s.Head(ctx, r)
		if err != nil {
			return err
		}
		_, err = s.edge(ctx, r, head)
		return err
	})
}

// connect opens the handles.
func (s *Store) connect(ctx context.Context, address string) error {
	if IsPostgreSQL(address) {
		return s.connectPostgres(ctx, address)
	}
	return s.connectSQLite(ctx, strings.TrimPrefix(address, "sqlite:"))
}

// IsPostgreSQL says whether an address is that of a PostgreSQL database.
func IsPostgreSQL(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// Close waits for the updates under way and closes the database. Updates that come later
// get ErrClosed. A second call does nothing.
func (s *Store) Close() error {
	var err error
	s.stopping.Do(func() {
		close(s.stop)
		<-s.stopped
		err = s.disconnect()
	})
	return err
}

func (s *Store) closed() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

func (s *Store) disconnect() error { return errors.Join(s.read.Close(), s.write.Close()) }

// Kind names the database: SQLite or PostgreSQL.
func (s *Store) Kind() string { return s.dialect.name }

// Now is the store's clock, UTC.
func (s *Store) Now() time.Time { return s.options.Now().UTC() }

// Reader reads one state of the store. It is good inside the function it was given to.
type Reader struct {
	q interface {
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}
	arrays bool
	failed error // the first statement's that failed
}

// Arrays says that the database takes arrays as parameters, and can pass over rows that
// others have locked: it is PostgreSQL.
func (r *Reader) Arrays() bool { return r.arrays }

// reader reads in a transaction.
func (s *Store) reader(tx *sql.Tx) Reader { return Reader{q: tx, arrays: s.dialect.arrays} }

// Query runs a query with numbered parameters, $1 and on.
func (r *Reader) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if r.failed != nil {
		return nil, r.failed
	}
	rows, err := r.q.QueryContext(ctx, query, sanitize.Args(args)...)
	return rows, r.note(err)
}

// Row runs a query for one row; its Scan gives sql.ErrNoRows if there is none.
func (r *Reader) Row(ctx context.Context, query string, args ...any) *sql.Row {
	if r.failed != nil {
		ended, cancel := context.WithCancel(ctx) // a Row with an error can only be had so
		cancel()
		return r.q.QueryRowContext(ended, query)
	}
	row := r.q.QueryRowContext(ctx, query, sanitize.Args(args)...)
	r.note(row.Err())
	return row
}

// note keeps the first error of a statement. After it PostgreSQL refuses all others of
// the transaction, and SQLite may have ended the transaction, so that what follows would
// be written at once and for good: it must not be run.
func (r *Reader) note(err error) error {
	if err != nil && r.failed == nil {
		r.failed = err
	}
	return err
}

// Each runs a query and calls scan for each row.
func Each(ctx context.Context, r *Reader, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := r.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return r.note(rows.Err())
}

// Texts runs a query for rows of one text.
func Texts(ctx context.Context, r *Reader, query string, args ...any) ([]string, error) {
	var out []string
	err := Each(ctx, r, func(rows *sql.Rows) error {
		var text string
		err := rows.Scan(&text)
		out = append(out, text)
		return err
	}, query, args...)
	return out, err
}

// View calls read with one state of the store: what is committed later does not show.
func (s *Store) View(ctx context.Context, read func(context.Context, *Reader) error) error {
	if s.closed() {
		return ErrClosed
	}
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: s.dialect.viewIsolation})
	if err != nil {
		err = fmt.Errorf("read the store: %w", err)
		return s.explainBy(err, err)
	}
	defer tx.Rollback() // nothing was written
	r := s.reader(tx)
	err = read(ctx, &r)
	return s.explainBy(err, r.failed)
}

// Glance is View without one state for all: each statement sees what is committed by then. It
// is for what nobody else changes meanwhile, and asks the database for nothing else.
func (s *Store) Glance(ctx context.Context, read func(context.Context, *Reader) error) error {
	if s.closed() {
		return ErrClosed
	}
	r := &Reader{q: s.read, arrays: s.dialect.arrays}
	err := read(ctx, r)
	return s.explainBy(err, r.failed)
}

// Micros is a time as the store keeps it.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is a kept time, UTC; 0 is the zero time.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// Kept is a text as the store keeps it: PostgreSQL takes neither NUL nor broken UTF-8, and
// what a log says may be without end.
func Kept(s string, most int) string {
	if s = sanitize.Text(s); len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + " (cut)"
	}
	return s
}
