// Package entries reads the ledger's tables: entries by what they tell of, their
// payloads, and the whole log in order.
package entries

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

// ErrNotFound is an entry that the ledger does not have.
var ErrNotFound = errors.New("no such entry of the ledger")

// Entry is an entry with its number and its leaf.
type Entry struct {
	N    int64
	Leaf []byte
	ledger.Entry
}

// Filter says which entries. Its zero value is all of them.
type Filter struct {
	Type     string // exact, or all that begin with it if it ends in a dot: exception.
	Subject  string
	Actor    string
	From, To time.Time // From on, before To
	Before   int64     // only entries of smaller numbers; 0: all
	Limit    int       // at most so many, 0: 50
}

const (
	usualLimit = 50
	mostLimit  = 1000
)

// List gives the newest entries first. The next page is Before the last of them.
func List(ctx context.Context, r *store.Reader, f Filter) ([]Entry, error) {
	var where []string
	var args []any
	and := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	switch {
	case strings.HasSuffix(f.Type, "."):
		and("SUBSTR(type, 1, LENGTH(CAST($%[1]d AS TEXT))) = $%[1]d", f.Type)
	case f.Type != "":
		and("type = $%d", f.Type)
	}
	if f.Subject != "" {
		and("subject = $%d", f.Subject)
	}
	if f.Actor != "" {
		and("actor = $%d", f.Actor)
	}
	if !f.From.IsZero() {
		and("at >= $%d", store.Micros(f.From))
	}
	if !f.To.IsZero() {
		and("at < $%d", store.Micros(f.To))
	}
	if f.Before > 0 {
		and("n < $%d", f.Before)
	}
	query := `SELECT n, leaf FROM log_entry`
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, " AND ")
	}
	if f.Limit <= 0 {
		f.Limit = usualLimit
	}
	query += fmt.Sprintf(` ORDER BY n DESC LIMIT %d`, min(f.Limit, mostLimit))
	var out []Entry
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		e := Entry{}
		if err := rows.Scan(&e.N, &e.Leaf); err != nil {
			return err
		}
		if err := e.parse(); err != nil {
			return err
		}
		out = append(out, e)
		return nil
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list entries of the ledger: %w", err)
	}
	return out, nil
}

// parse takes what the leaf says, not what the columns beside it say: only the leaf is
// proven.
func (e *Entry) parse() error {
	parsed, err := ledger.ParseEntry(e.Leaf)
	if err != nil {
		return &ledger.Fault{Entry: e.N, Reason: err.Error()}
	}
	e.Entry = *parsed
	return nil
}

// Get reads one entry.
func Get(ctx context.Context, r *store.Reader, n int64) (*Entry, error) {
	e := &Entry{N: n}
	err := r.Row(ctx, `SELECT leaf FROM log_entry WHERE n = $1`, n).Scan(&e.Leaf)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("entry %d: %w", n, ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("read entry %d of the ledger: %w", n, err)
	}
	return e, e.parse()
}

// Payload is what lies beside an entry.
type Payload struct {
	ledger.Payload
	Erased time.Time // zero if it is there
}

// Payloads reads what lies beside an entry, in the order of names.
func Payloads(ctx context.Context, r *store.Reader, n int64) ([]Payload, error) {
	var out []Payload
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		p := Payload{}
		var salt []byte
		var erased sql.NullInt64
		if err := rows.Scan(&p.Name, &salt, &p.Data, &erased); err != nil {
			return err
		}
		if p.Erased = store.Time(erased.Int64); len(salt) != len(p.Salt) && p.Erased.IsZero() {
			return &ledger.Fault{Entry: n, Reason: fmt.Sprintf("payload %s has no salt", p.Name)}
		}
		copy(p.Salt[:], salt)
		out = append(out, p)
		return nil
	}, `SELECT name, salt, data, erased FROM log_payload WHERE n = $1 ORDER BY name`, n)
	if err != nil {
		return nil, fmt.Errorf("read payloads of entry %d: %w", n, err)
	}
	return out, nil
}

// There are the payloads of an entry that were not erased, as proofs take them.
func There(list []Payload) []ledger.Payload {
	var out []ledger.Payload
	for _, p := range list {
		if p.Erased.IsZero() {
			out = append(out, p.Payload)
		}
	}
	return out
}

// Period gives the numbers of the first entry from a time on, and of the first at or
// after another, which may be the size of the log. The times of entries never go back.
func Period(ctx context.Context, r *store.Reader, size int64, from, to time.Time) (first, end int64, err error) {
	for _, bound := range []struct {
		n  *int64
		at time.Time
	}{{&first, from}, {&end, to}} {
		if err := r.Row(ctx, `SELECT COALESCE(MIN(n), $1) FROM log_entry WHERE at >= $2`, size, store.Micros(bound.at)).Scan(bound.n); err != nil {
			return 0, 0, fmt.Errorf("find the entries of a period: %w", err)
		}
	}
	return first, end, nil
}

// Log reads a whole log in order, many rows at a time. It is good inside the view that
// its reader is of.
type Log struct {
	ctx    context.Context // of the view: the callbacks of ledger take none
	r      *store.Reader
	leaves ahead[[]byte]
	hashes ahead[tlog.Hash]
}

// ahead holds rows that were read before they were asked for.
type ahead[T any] struct {
	first int64
	rows  []T
}

const rowsAhead = 4096

// NewLog reads the log that the reader sees.
func NewLog(ctx context.Context, r *store.Reader) *Log { return &Log{ctx: ctx, r: r} }

// Leaf gives the leaf of an entry.
func (l *Log) Leaf(n int64) ([]byte, error) {
	return l.leaves.get(n, "no leaf of entry", func(from int64) ([][]byte, error) {
		return rows(l, `SELECT n, leaf FROM log_entry WHERE n >= $1 AND n < $2 ORDER BY n`, from, func(b []byte) ([]byte, error) { return b, nil })
	})
}

// Hash gives a stored hash.
func (l *Log) Hash(index int64) (tlog.Hash, error) {
	return l.hashes.get(index, "no stored hash", func(from int64) ([]tlog.Hash, error) {
		return rows(l, `SELECT i, h FROM log_hash WHERE i >= $1 AND i < $2 ORDER BY i`, from, func(b []byte) (tlog.Hash, error) {
			if len(b) != tlog.HashSize {
				return tlog.Hash{}, fmt.Errorf("a stored hash of %d bytes", len(b))
			}
			return tlog.Hash(b), nil
		})
	})
}

func (a *ahead[T]) get(n int64, missing string, read func(int64) ([]T, error)) (row T, err error) {
	if n < a.first || n >= a.first+int64(len(a.rows)) {
		if a.rows, err = read(n); err != nil {
			return row, err
		}
		a.first = n
	}
	if len(a.rows) == 0 {
		return row, &ledger.Fault{Entry: -1, Reason: fmt.Sprintf("%s %d", missing, n)}
	}
	return a.rows[n-a.first], nil
}

// rows reads rows from a number on, as far as their numbers have no gap.
func rows[T any](l *Log, query string, from int64, as func([]byte) (T, error)) ([]T, error) {
	var out []T
	next, gap := from, false
	err := store.Each(l.ctx, l.r, func(rows *sql.Rows) error {
		var n int64
		var b []byte
		if err := rows.Scan(&n, &b); err != nil {
			return err
		}
		if gap = gap || n != next; gap {
			return nil
		}
		next++
		row, err := as(b)
		out = append(out, row)
		return err
	}, query, from, from+rowsAhead)
	return out, err
}
