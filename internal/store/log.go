package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rootkeep/rootkeep/ledger"
)

// Head is the head of the ledger.
type Head struct {
	ledger.Checkpoint
	Signed []byte // empty for an empty log
	at     time.Time
}

// headCache holds the last head whose signature was checked, or made here, and the
// hashes at the right edge of the last log that was extended or checked.
type headCache struct {
	mu   sync.Mutex // guards both
	head Head
	edge edge
}

func (c *headCache) set(h Head, e edge) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head = h
	if e.hashes != nil {
		c.edge = e
	}
}

func (c *headCache) get() (Head, edge) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.head, c.edge
}

const readHead = `SELECT size, signed, at, moved FROM log_head WHERE id = 1`

// Head reads the head of the ledger. It fails if no known key signed it.
func (s *Store) Head(ctx context.Context, r *Reader) (Head, error) {
	return s.headBy(ctx, r, readHead)
}

func (s *Store) lockHead(ctx context.Context, r *Reader) (Head, error) {
	return s.headBy(ctx, r, s.dialect.lockHead)
}

func (s *Store) headBy(ctx context.Context, r *Reader, query string) (Head, error) {
	var size, at int64
	var signed []byte
	var moved string
	if err := r.Row(ctx, query).Scan(&size, &signed, &at, &moved); err != nil {
		return Head{}, fmt.Errorf("read the head of the ledger: %w", err)
	}
	head, err := s.openHead(size, signed)
	switch {
	case err != nil:
		return Head{}, err
	case moved != "":
		return Head{}, movedTo(moved)
	case len(signed) > 0:
		head.at = Time(at)
	}
	return head, nil
}

func movedTo(place string) error {
	return fmt.Errorf("%w to %s: going on here would make a second history of its ledger; hint: put the new address into the settings, or restore a backup to go back", ErrMoved, place)
}

// openHead checks what log_head holds, unless it is what was checked last.
func (s *Store) openHead(size int64, signed []byte) (Head, error) {
	if len(signed) == 0 && size == 0 {
		empty, err := tlog.TreeHash(0, nil)
		return Head{Checkpoint: ledger.Checkpoint{Origin: s.options.Origin, Root: empty}}, err
	}
	if known, _ := s.head.get(); bytes.Equal(known.Signed, signed) && known.Size == size {
		return known, nil
	}
	c, err := ledger.OpenCheckpoint(signed, s.options.Origin, s.options.Known)
	if err != nil {
		return Head{}, fmt.Errorf("head of the ledger: %w; hint: is this the key file of this store?", err)
	}
	if c.Size != size {
		return Head{}, fmt.Errorf("head of the ledger: the checkpoint has %d entries, the store %d", c.Size, size)
	}
	s.head.set(Head{Checkpoint: c, Signed: signed}, edge{})
	return Head{Checkpoint: c, Signed: signed}, nil
}

// edge is the right edge of a log: the hashes of its complete subtrees, by their index.
// They make its root, and all that an append needs.
type edge struct {
	size   int64
	root   tlog.Hash
	hashes map[int64]tlog.Hash
}

// edgeOf lists the indexes of the edge of a log of so many entries: as many as size has
// ones.
func edgeOf(size int64) []int64 {
	var out []int64
	for level, rest := 0, size; rest > 0; level, rest = level+1, rest>>1 {
		if rest&1 == 1 {
			out = append(out, tlog.StoredHashIndex(level, rest-1))
		}
	}
	return out
}

// ReadHashes is that of tlog.HashReader.
func (e edge) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		var ok bool
		if out[i], ok = e.hashes[index]; !ok {
			return nil, fmt.Errorf("hash %d of the ledger is not at the edge of %d entries", index, e.size)
		}
	}
	return out, nil
}

// edge gives the edge of the log of a head, from the database if it is not the one that
// was extended last.
func (s *Store) edge(ctx context.Context, r *Reader, head Head) (edge, error) {
	if _, known := s.head.get(); known.hashes != nil && known.size == head.Size && known.root == head.Root {
		return known, nil
	}
	e, err := readEdge(ctx, r, head)
	if err == nil {
		s.head.set(head, e)
	}
	return e, err
}

// readEdge reads the edge of the log of a head, and checks that it makes the head's root:
// a log that was tampered with must not be signed again. It also checks that there is no
// entry after the head.
func readEdge(ctx context.Context, r *Reader, head Head) (edge, error) {
	e := edge{size: head.Size, root: head.Root, hashes: map[int64]tlog.Hash{}}
	var last sql.NullInt64
	if err := r.Row(ctx, `SELECT MAX(n) FROM log_entry`).Scan(&last); err != nil {
		return e, fmt.Errorf("read the ledger: %w", err)
	}
	if have := last.Int64 + 1; last.Valid && have != head.Size || !last.Valid && head.Size > 0 {
		return e, &ledger.Fault{Entry: min(last.Int64, head.Size), Reason: fmt.Sprintf("the checkpoint has %d entries, the newest entry is of another number; hint: rootkeep ledger verify", head.Size)}
	}
	indexes := edgeOf(head.Size)
	found, err := Hashes(ctx, r).ReadHashes(indexes)
	if err != nil {
		return e, err
	}
	for i, index := range indexes {
		e.hashes[index] = found[i]
	}
	root, err := tlog.TreeHash(head.Size, e)
	if err != nil {
		return e, fmt.Errorf("head of the ledger: %w", err)
	}
	if root != head.Root {
		return e, &ledger.Fault{Entry: -1, Reason: "the newest hashes do not make the root that was signed; hint: rootkeep ledger verify"}
	}
	return e, nil
}

// after is the edge of the log that an append made.
func (e edge) after(added *ledger.Appended) edge {
	out := edge{size: added.Head.Size, root: added.Head.Root, hashes: map[int64]tlog.Hash{}}
	for _, index := range edgeOf(out.size) {
		if n := index - added.First; n >= 0 {
			out.hashes[index] = added.Hashes[n]
		} else {
			out.hashes[index] = e.hashes[index]
		}
	}
	return out
}

// append adds the entries of a batch to the log, with their hashes and the new head.
func (s *Store) append(ctx context.Context, t *Tx, head Head) (Head, edge, error) {
	e, err := s.edge(ctx, &t.Reader, head)
	if err != nil || len(t.entries) == 0 {
		return head, e, err
	}
	leaves := make([][]byte, len(t.entries))
	for i, p := range t.entries {
		leaves[i] = p.leaf
	}
	added, err := ledger.Append(head.Checkpoint, leaves, e)
	if err != nil {
		return Head{}, e, err
	}
	signed, err := added.Head.Sign(s.options.Signers...)
	if err != nil {
		return Head{}, e, err
	}
	if err := writeLog(ctx, t, head.Size, added, signed); err != nil {
		return Head{}, e, fmt.Errorf("append to the ledger: %w", err)
	}
	return Head{added.Head, signed, t.now}, e.after(added), nil
}

func writeLog(ctx context.Context, t *Tx, first int64, added *ledger.Appended, signed []byte) error {
	entries := rows{into: `INSERT INTO log_entry (n, leaf, type, subject, actor, at) VALUES `, columns: 6}
	loads := rows{into: `INSERT INTO log_payload (n, name, salt, data) VALUES `, columns: 4}
	for i, p := range t.entries {
		n := first + int64(i)
		entries.add(n, p.leaf, p.entry.Type, p.entry.Subject, p.entry.Actor, Micros(p.entry.Time))
		for _, load := range p.payloads {
			loads.add(n, load.Name, load.Salt[:], notNil(load.Data))
		}
	}
	hashes := rows{into: `INSERT INTO log_hash (i, h) VALUES `, columns: 2}
	for i := range added.Hashes {
		hashes.add(added.First+int64(i), added.Hashes[i][:])
	}
	for _, r := range []rows{entries, loads, hashes} { // entries first: payloads refer to them
		if err := r.write(ctx, t); err != nil {
			return err
		}
	}
	_, err := t.Exec(ctx, `UPDATE log_head SET size = $1, signed = $2, at = $3 WHERE id = 1`, added.Head.Size, signed, Micros(t.now))
	return err
}

// notNil keeps an empty payload from being written as NULL, which stands for an erased
// one.
func notNil(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

// rows are rows to be inserted by few statements.
type rows struct {
	into    string // INSERT up to VALUES
	columns int
	args    []any
}

func (r *rows) add(values ...any) { r.args = append(r.args, values...) }

// Bounds of a statement: SQLite takes 32,766 parameters, PostgreSQL 65,535 and a
// gigabyte.
const (
	mostParameters = 6 * 64
	mostBytes      = 8 << 20 // but for a single row
)

// next gives how many of the values the next statement takes.
func (r *rows) next(args []any) int {
	n, size := 0, 0
	for n < len(args) && n+r.columns <= mostParameters && (n == 0 || size < mostBytes) {
		for _, a := range args[n : n+r.columns] {
			if b, ok := a.([]byte); ok {
				size += len(b)
			}
		}
		n += r.columns
	}
	return n
}

func (r *rows) write(ctx context.Context, t *Tx) error {
	for args := r.args; len(args) > 0; {
		n := r.next(args)
		var statement strings.Builder
		statement.WriteString(r.into)
		for i := range n {
			switch {
			case i == 0:
				statement.WriteByte('(')
			case i%r.columns == 0:
				statement.WriteString("), (")
			default:
				statement.WriteString(", ")
			}
			fmt.Fprintf(&statement, "$%d", i+1)
		}
		statement.WriteByte(')')
		if _, err := t.Exec(ctx, statement.String(), args[:n]...); err != nil {
			return err
		}
		args = args[n:]
	}
	return nil
}

// hashes reads stored hashes of the log.
type hashes struct {
	ctx context.Context // of the transaction: tlog.HashReader takes none
	r   *Reader
}

// ReadHashes is that of tlog.HashReader.
func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	if len(indexes) == 0 {
		return nil, nil
	}
	list := make([]string, len(indexes))
	args := make([]any, len(indexes))
	for i, index := range indexes {
		list[i], args[i] = fmt.Sprintf("$%d", i+1), index
	}
	found := map[int64]tlog.Hash{}
	err := Each(h.ctx, h.r, func(rows *sql.Rows) error {
		var i int64
		var b []byte
		if err := rows.Scan(&i, &b); err != nil {
			return err
		}
		if len(b) != tlog.HashSize {
			return fmt.Errorf("stored hash %d has %d bytes", i, len(b))
		}
		found[i] = tlog.Hash(b)
		return nil
	}, `SELECT i, h FROM log_hash WHERE i IN (`+strings.Join(list, ", ")+`)`, args...)
	if err != nil {
		return nil, err
	}
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		var ok bool
		if out[i], ok = found[index]; !ok {
			return nil, fmt.Errorf("stored hash %d of the ledger is missing", index)
		}
	}
	return out, nil
}

// Hashes reads stored hashes of the log, for proofs.
func Hashes(ctx context.Context, r *Reader) tlog.HashReader { return hashes{ctx, r} }

const noticesKept = 10_000

// writeNotices numbers the notices and forgets the oldest.
func writeNotices(ctx context.Context, t *Tx, notices []notice) error {
	if len(notices) == 0 {
		return nil
	}
	var last int64
	if err := t.Row(ctx, `SELECT COALESCE(MAX(seq), 0) FROM notice`).Scan(&last); err != nil {
		return fmt.Errorf("write a notice: %w", err)
	}
	all := rows{into: `INSERT INTO notice (seq, topic, ref, at) VALUES `, columns: 4}
	for i, n := range notices {
		all.add(last+1+int64(i), n.topic, n.ref, Micros(t.now))
	}
	if err := all.write(ctx, t); err != nil {
		return fmt.Errorf("write a notice: %w", err)
	}
	if _, err := t.Exec(ctx, `DELETE FROM notice WHERE seq <= $1`, last+int64(len(notices))-noticesKept); err != nil {
		return fmt.Errorf("forget old notices: %w", err)
	}
	return nil
}
