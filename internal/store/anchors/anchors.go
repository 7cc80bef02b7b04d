// Package anchors is the memory of checkpoints that were put outside the database, and
// of changes of the ledger's key. None of it makes entries of the ledger: it tells of the
// ledger as a whole, and an entry about each anchor would need an anchor again.
package anchors

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

// Anchor is a checkpoint that a place holds.
type Anchor struct {
	Place  string // name
	Kind   string
	Size   int64
	Signed []byte
	Proof  []byte // what the place gave, by kind
	At     time.Time
}

// Place is where checkpoints go, and how it went.
type Place struct {
	Name     string
	Kind     string
	Target   string // without secrets
	Tried    time.Time
	Failure  string // "" if it went; may hold what a server said: hostile
	Failures int64  // one after the other
}

// maxFailure bounds what is kept of a failure, bytes.
const maxFailure = 2000

// Tried notes how an attempt went. a is the anchor, nil if it failed.
func Tried(ctx context.Context, s *store.Store, p Place, a *Anchor) error {
	p.Failure = kept(p.Failure)
	return s.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		if a != nil {
			if _, err := tx.Exec(ctx, `INSERT INTO anchor (place, size, kind, signed, proof, at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (place, size) DO NOTHING`,
				a.Place, a.Size, a.Kind, a.Signed, notNil(a.Proof), store.Micros(a.At)); err != nil {
				return fmt.Errorf("note an anchor: %w", err)
			}
		}
		failed := 0
		if p.Failure != "" {
			failed = 1
		}
		_, err := tx.Exec(ctx, `INSERT INTO anchor_place (place, kind, target, tried, failure, failures) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (place) DO UPDATE SET kind = excluded.kind, target = excluded.target, tried = excluded.tried, failure = excluded.failure,
			failures = CASE WHEN excluded.failures = 0 THEN 0 ELSE anchor_place.failures + 1 END`,
			p.Name, p.Kind, p.Target, store.Micros(p.Tried), p.Failure, failed)
		if err != nil {
			return fmt.Errorf("note an attempt to anchor: %w", err)
		}
		return nil
	})
}

// kept is text that every database takes.
func kept(text string) string {
	text = text[:min(len(text), maxFailure)]
	return strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Places lists the places that were ever tried, by name.
func Places(ctx context.Context, r *store.Reader) ([]Place, error) {
	var out []Place
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var p Place
		var tried int64
		if err := rows.Scan(&p.Name, &p.Kind, &p.Target, &tried, &p.Failure, &p.Failures); err != nil {
			return err
		}
		p.Tried = store.Time(tried)
		out = append(out, p)
		return nil
	}, `SELECT place, kind, target, tried, failure, failures FROM anchor_place ORDER BY place`)
	if err != nil {
		return nil, fmt.Errorf("list places of anchors: %w", err)
	}
	return out, nil
}

const columns = `place, kind, size, signed, proof, at`

// All calls each with every anchor, the oldest first.
func All(ctx context.Context, r *store.Reader, each func(Anchor) error) error {
	return list(ctx, r, each, `SELECT `+columns+` FROM anchor ORDER BY size, place`)
}

// Newest gives the newest anchor of each place, by name.
func Newest(ctx context.Context, r *store.Reader) ([]Anchor, error) {
	var out []Anchor
	err := list(ctx, r, func(a Anchor) error { out = append(out, a); return nil },
		`SELECT `+columns+` FROM anchor WHERE NOT EXISTS (SELECT 1 FROM anchor newer WHERE newer.place = anchor.place AND newer.size > anchor.size) ORDER BY place`)
	return out, err
}

// Around gives of each place the newest anchor at or below a size, and the first above
// it: what stands behind the entries up to there.
func Around(ctx context.Context, r *store.Reader, size int64) ([]Anchor, error) {
	var out []Anchor
	err := list(ctx, r, func(a Anchor) error { out = append(out, a); return nil },
		`SELECT `+columns+` FROM anchor WHERE
		size = (SELECT MAX(other.size) FROM anchor other WHERE other.place = anchor.place AND other.size <= $1) OR
		size = (SELECT MIN(other.size) FROM anchor other WHERE other.place = anchor.place AND other.size > $1) ORDER BY place, size`, size)
	return out, err
}

func list(ctx context.Context, r *store.Reader, each func(Anchor) error, query string, args ...any) error {
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var a Anchor
		var at int64
		if err := rows.Scan(&a.Place, &a.Kind, &a.Size, &a.Signed, &a.Proof, &at); err != nil {
			return err
		}
		a.At = store.Time(at)
		return each(a)
	}, query, args...)
	if err != nil {
		return fmt.Errorf("read anchors: %w", err)
	}
	return nil
}

// Key is a verifier key that took over from another.
type Key struct {
	Verifier string
	Entry    int64  // that names it
	Signed   []byte // checkpoint that covers the entry, signed by the key before
}

// AddKey notes a change of keys, once.
func AddKey(ctx context.Context, s *store.Store, k Key) error {
	return s.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO log_key (verifier, n, signed) VALUES ($1, $2, $3) ON CONFLICT (verifier) DO NOTHING`, k.Verifier, k.Entry, k.Signed); err != nil {
			return fmt.Errorf("note a change of the ledger's key: %w", err)
		}
		return nil
	})
}

// Keys lists the changes of keys, the oldest first.
func Keys(ctx context.Context, r *store.Reader) ([]Key, error) {
	var out []Key
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var k Key
		if err := rows.Scan(&k.Verifier, &k.Entry, &k.Signed); err != nil {
			return err
		}
		out = append(out, k)
		return nil
	}, `SELECT verifier, n, signed FROM log_key ORDER BY n`)
	if err != nil {
		return nil, fmt.Errorf("read changes of the ledger's key: %w", err)
	}
	return out, nil
}

// NamedBy finds the entry that names a key: its number, and whether there is one.
func NamedBy(ctx context.Context, r *store.Reader, keyID string) (int64, bool, error) {
	var n int64
	err := r.Row(ctx, `SELECT n FROM log_entry WHERE subject = $1 AND type = $2 ORDER BY n LIMIT 1`, keyID, ledger.KeyEntry).Scan(&n)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("find the entry of key %s: %w", keyID, err)
	}
	return n, true, nil
}

// Standing is how a place stands.
type Standing struct {
	Place
	Size int64     // entries of its newest checkpoint, 0: none
	At   time.Time // of that
}

// Standings says of every place that was ever tried how it stands, by name.
func Standings(ctx context.Context, r *store.Reader) ([]Standing, error) {
	newest, err := Newest(ctx, r)
	if err != nil {
		return nil, err
	}
	places, err := Places(ctx, r)
	if err != nil {
		return nil, err
	}
	out := []Standing{}
	for _, p := range places {
		s := Standing{Place: p}
		for _, a := range newest {
			if a.Place == p.Name {
				s.Size, s.At = a.Size, a.At
			}
		}
		out = append(out, s)
	}
	return out, nil
}
