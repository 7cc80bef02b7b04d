package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rootkeep/rootkeep/internal/store/fault"
	"github.com/rootkeep/rootkeep/ledger"
)

// Verified is what a verification of the ledger went through.
type Verified struct {
	Head     ledger.Checkpoint
	Payloads int64    // that are the ones their entries stand for
	Erased   []Erased // payloads that are gone, each with the entry that tells of it
}

// Erased is a payload that was erased.
type Erased struct {
	Entry int64  // number of the entry it belonged to
	Name  string // of the payload
	By    int64  // number of the entry that tells of the erasure
}

// VerifyLedger recomputes the ledger from what the database holds: the file itself, the
// signature, every entry, hash and payload, the columns that entries are looked up by, and
// that nothing lies beside them. progress, if it is not nil, is called now and then with
// the number of entries done. What is wrong first is a *ledger.Fault, which names the
// entry; another error means that the verification could not be made.
func (s *Store) VerifyLedger(ctx context.Context, progress func(done, total int64)) (*Verified, error) {
	var out *Verified
	file := make(chan error, 1)
	go func() { file <- s.View(ctx, s.checkFile) }() // beside the rest: it takes a fifth of the time
	err := s.View(ctx, func(ctx context.Context, r *Reader) error {
		head, err := s.Head(ctx, r)
		if err != nil {
			return err
		}
		w := &walk{ctx: ctx, r: r, head: head, progress: progress, seen: map[beside]bool{}, told: map[string]int64{}, out: &Verified{Head: head.Checkpoint}}
		if err := ledger.CheckParsed(head.Checkpoint, w.leaf, w.hash); err != nil {
			return err
		}
		out = w.out
		return w.end()
	})
	// What is wrong with the file is why the rest is wrong, too.
	if err := cmp.Or(<-file, err); err != nil {
		return nil, err
	}
	return out, nil
}

// checkFile lets SQLite check its file: a damaged page need not be one that a query
// meets. PostgreSQL checks its pages itself, if it was set up to.
func (s *Store) checkFile(ctx context.Context, r *Reader) error {
	if s.dialect.name != sqliteDialect.name {
		return nil
	}
	var said string
	if err := r.Row(ctx, `PRAGMA integrity_check(1)`).Scan(&said); err != nil {
		return fmt.Errorf("check the database file: %w", err)
	}
	if said != "ok" {
		return &explained{fmt.Errorf("check the database file: %s", said), fault.Broken.Hint()}
	}
	return nil
}

// walk reads the tables of the log from the first entry to the last, some rows at a time:
// one connection can read one table at a time.
type walk struct {
	ctx      context.Context // of the verification: the functions that ledger.Check calls take none
	r        *Reader
	head     Head
	progress func(done, total int64)

	leaves [][]byte // from entry first on
	first  int64
	hashes []tlog.Hash // from index next on
	next   int64
	at     int64 // time of the newest entry so far

	seen map[beside]bool  // payloads of these leaves
	told map[string]int64 // what payload.erased entries tell of, with their numbers
	out  *Verified
}

const (
	leavesAtATime = 256 // of 64 KiB each at most
	hashesAtATime = 1024
)

func (w *walk) leaf(n int64) ([]byte, error) {
	if n-w.first >= int64(len(w.leaves)) {
		if err := w.load(n); err != nil {
			return nil, err
		}
		if w.progress != nil {
			w.progress(n, w.head.Size)
		}
	}
	return w.leaves[n-w.first], nil
}

// load reads the next entries, checks their columns, and then their payloads.
func (w *walk) load(from int64) error {
	w.first, w.leaves = from, w.leaves[:0]
	to := min(from+leavesAtATime, w.head.Size)
	var entries []*ledger.Entry
	err := Each(w.ctx, w.r, func(rows *sql.Rows) error {
		var n, at int64
		var leaf []byte
		var kind, subject, actor string
		if err := rows.Scan(&n, &leaf, &kind, &subject, &actor, &at); err != nil {
			return err
		}
		if want := from + int64(len(entries)); n != want {
			return &ledger.Fault{Entry: want, Reason: "it is missing"}
		}
		e, err := ledger.ParseEntry(leaf)
		if err != nil {
			return &ledger.Fault{Entry: n, Reason: err.Error()}
		}
		if kind != e.Type || subject != e.Subject || actor != e.Actor || at != Micros(e.Time) {
			return &ledger.Fault{Entry: n, Reason: "the columns it is looked up by are not what it says"}
		}
		if e.Type == erasedType {
			w.told[e.Subject] = n
		}
		w.at = at
		entries, w.leaves = append(entries, e), append(w.leaves, leaf)
		return nil
	}, `SELECT n, leaf, type, subject, actor, at FROM log_entry WHERE n >= $1 AND n < $2 ORDER BY n`, from, to)
	if err != nil {
		return err
	}
	if missing := from + int64(len(entries)); missing < to {
		return &ledger.Fault{Entry: missing, Reason: "it is missing"}
	}
	return w.payloads(from, to, entries)
}

// payloads checks what lies beside entries.
func (w *walk) payloads(from, to int64, entries []*ledger.Entry) error {
	clear(w.seen)
	err := Each(w.ctx, w.r, func(rows *sql.Rows) error {
		var n int64
		var p stored
		if err := rows.Scan(&n, &p.name, &p.salt, &p.data, &p.empty, &p.erased); err != nil {
			return err
		}
		if n < from || n >= to { // an index of a damaged file leads to other rows than it says
			return &ledger.Fault{Entry: from, Reason: fmt.Sprintf("a payload of entry %d stands where its own belong", n)}
		}
		w.seen[beside{n, p.name}] = true
		all := entries[n-from].Payloads
		own := slices.IndexFunc(all, func(d ledger.Digest) bool { return d.Name == p.name })
		if own < 0 {
			return &ledger.Fault{Entry: n, Reason: fmt.Sprintf("payload %q is not one of its own", p.name)}
		}
		gone, reason := p.check(all[own])
		if reason != "" {
			return &ledger.Fault{Entry: n, Reason: fmt.Sprintf("payload %s %s", p.name, reason)}
		}
		if gone {
			w.out.Erased = append(w.out.Erased, Erased{Entry: n, Name: p.name})
		} else {
			w.out.Payloads++
		}
		return nil
	}, `SELECT n, name, salt, data, data IS NULL, erased FROM log_payload WHERE n >= $1 AND n < $2 ORDER BY n`, from, to)
	if err != nil {
		return err
	}
	for i, e := range entries {
		for _, d := range e.Payloads {
			if n := from + int64(i); !w.seen[beside{n, d.Name}] {
				return &ledger.Fault{Entry: n, Reason: fmt.Sprintf("payload %s is missing", d.Name)}
			}
		}
	}
	return nil
}

// beside names a payload by its entry and its name.
type beside struct {
	n    int64
	name string
}

// stored is a row of log_payload.
type stored struct {
	name       string
	salt, data []byte
	empty      bool // data is NULL: SQLite's driver gives no bytes the same way
	erased     sql.NullInt64
}

// check says whether the payload is gone, or what is wrong with it.
func (p stored) check(d ledger.Digest) (gone bool, reason string) {
	load := ledger.Payload{Name: p.name, Data: p.data}
	switch {
	case p.erased.Valid && p.empty && len(p.salt) == 0:
		return true, ""
	case p.erased.Valid || p.empty:
		return false, "is half erased"
	case len(p.salt) != len(load.Salt):
		return false, "has a salt of another length"
	}
	copy(load.Salt[:], p.salt)
	if !load.Matches(d) {
		return false, "is not the one that the entry stands for"
	}
	return false, ""
}

func (w *walk) hash(index int64) (tlog.Hash, error) {
	if index-w.next >= int64(len(w.hashes)) {
		w.next, w.hashes = index, w.hashes[:0]
		err := Each(w.ctx, w.r, func(rows *sql.Rows) error {
			var i int64
			var b []byte
			if err := rows.Scan(&i, &b); err != nil {
				return err
			}
			if want := index + int64(len(w.hashes)); i != want || len(b) != tlog.HashSize {
				return w.hashFault(want)
			}
			w.hashes = append(w.hashes, tlog.Hash(b))
			return nil
		}, `SELECT i, h FROM log_hash WHERE i >= $1 AND i < $2 ORDER BY i`, index, index+hashesAtATime)
		if err != nil {
			return tlog.Hash{}, err
		}
		if len(w.hashes) == 0 {
			return tlog.Hash{}, w.hashFault(index)
		}
	}
	return w.hashes[index-w.next], nil
}

// hashFault names the entry whose append wrote a stored hash.
func (w *walk) hashFault(index int64) error {
	level, n := tlog.SplitStoredHashIndex(index)
	return &ledger.Fault{Entry: (n+1)<<level - 1, Reason: fmt.Sprintf("its stored hash of level %d is missing or cut", level)}
}

// end checks what only the whole log can tell.
func (w *walk) end() error {
	for i, e := range w.out.Erased {
		by, ok := w.told[erasedSubject(e.Entry, e.Name)]
		if !ok {
			return &ledger.Fault{Entry: e.Entry, Reason: fmt.Sprintf("payload %s is gone, and no entry tells that it was erased", e.Name)}
		}
		w.out.Erased[i].By = by
	}
	if w.head.Size > 0 && Micros(w.head.at) != w.at {
		return &ledger.Fault{Entry: w.head.Size - 1, Reason: "the head has another time"}
	}
	for table, query := range map[string]string{
		"log_entry":   `SELECT COUNT(*) FROM log_entry WHERE n < 0 OR n >= $1`,
		"log_payload": `SELECT COUNT(*) FROM log_payload WHERE n < 0 OR n >= $1`,
	} {
		if err := w.none(table, query, w.head.Size); err != nil {
			return err
		}
	}
	if err := w.none("log_hash", `SELECT COUNT(*) FROM log_hash WHERE i < 0 OR i >= $1`, tlog.StoredHashCount(w.head.Size)); err != nil {
		return err
	}
	if w.progress != nil {
		w.progress(w.head.Size, w.head.Size)
	}
	return nil
}

func (w *walk) none(table, query string, end int64) error {
	var n int64
	if err := w.r.Row(w.ctx, query, end).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return &ledger.Fault{Entry: -1, Reason: fmt.Sprintf("%d rows of %s are beyond the head", n, table)}
	}
	return nil
}

const erasedType = "payload.erased"

// erasedSubject names a payload: NUMBER/NAME.
func erasedSubject(n int64, name string) string { return fmt.Sprintf("%d/%s", n, name) }

// EraseLoad erases a payload for good, as data protection law asks for, and records that
// with the reason: its data and its salt go, so that nobody can try what it was against
// the digest, and the proof of its entry stays. SQLite overwrites what it held;
// PostgreSQL does when it reuses the room. Backups made before hold it still. The error
// is ErrNotFound if there is no such payload and ErrConflict if it is gone already.
func (s *Store) EraseLoad(ctx context.Context, n int64, name, reason, actor string) error {
	if strings.TrimSpace(reason) == "" {
		return errors.New("erase a payload: a reason is required")
	}
	err := s.Update(ctx, func(ctx context.Context, t *Tx) error {
		var kind string
		err := t.Row(ctx, `SELECT e.type FROM log_payload p JOIN log_entry e ON e.n = p.n WHERE p.n = $1 AND p.name = $2`, n, name).Scan(&kind)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("erase payload %s of entry %d: %w", name, n, ErrNotFound)
		case err != nil:
			return err
		case kind == erasedType:
			return fmt.Errorf("erase payload %s of entry %d: it is the reason of another erasure, which stays", name, n)
		}
		if err := t.ExecOne(ctx, `UPDATE log_payload SET salt = NULL, data = NULL, erased = $1 WHERE n = $2 AND name = $3 AND erased IS NULL`, Micros(t.Now()), n, name); err != nil {
			return fmt.Errorf("erase payload %s of entry %d: %w", name, n, err)
		}
		return t.Record(erasedType, erasedSubject(n, name), actor, ledger.NewPayload("reason", []byte(reason)))
	})
	if err != nil || s.dialect.name != sqliteDialect.name {
		return err
	}
	// The journal holds the pages as they were. A reader may keep it in use for a while:
	// then the next checkpoint overwrites it.
	if _, err := s.write.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return fmt.Errorf("erase payload %s of entry %d: it is erased, but the journal was not emptied: %w", name, n, s.explainBy(err, err))
	}
	return nil
}
