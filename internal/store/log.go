package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
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

// headCache holds the last head whose signature was checked, or made here.
type headCache struct {
	mu   sync.Mutex // guards head
	head Head
}

func (c *headCache) set(h Head) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head = h
}

func (c *headCache) get() Head {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.head
}

// Head reads the head of the ledger. It fails if no known key signed it.
func (s *Store) Head(ctx context.Context, r *Reader) (Head, error) {
	return s.readHead(ctx, r, `SELECT size, signed, at FROM log_head WHERE id = 1`)
}

func (s *Store) lockHead(ctx context.Context, r *Reader) (Head, error) {
	return s.readHead(ctx, r, s.dialect.lockHead)
}

func (s *Store) readHead(ctx context.Context, r *Reader, query string) (Head, error) {
	var size, at int64
	var signed []byte
	if err := r.Row(ctx, query).Scan(&size, &signed, &at); err != nil {
		return Head{}, fmt.Errorf("read the head of the ledger: %w", err)
	}
	if len(signed) == 0 && size == 0 {
		empty, err := tlog.TreeHash(0, nil)
		return Head{Checkpoint: ledger.Checkpoint{Origin: s.options.Origin, Root: empty}}, err
	}
	if known := s.head.get(); bytes.Equal(known.Signed, signed) && known.Size == size {
		known.at = Time(at)
		return known, nil
	}
	c, err := ledger.OpenCheckpoint(signed, s.options.Origin, s.options.Known)
	if err != nil {
		return Head{}, fmt.Errorf("head of the ledger: %w; hint: is this the key file of this store?", err)
	}
	if c.Size != size {
		return Head{}, fmt.Errorf("head of the ledger: the checkpoint has %d entries, the store %d", c.Size, size)
	}
	head := Head{c, signed, Time(at)}
	s.head.set(head)
	return head, nil
}

// append adds the entries of a batch to the log, with their hashes and the new head.
func (s *Store) append(ctx context.Context, t *Tx, head Head) (Head, error) {
	if len(t.entries) == 0 {
		return head, nil
	}
	leaves := make([][]byte, len(t.entries))
	for i, p := range t.entries {
		var err error
		if leaves[i], err = p.entry.Leaf(); err != nil {
			return Head{}, err
		}
	}
	added, err := ledger.Append(head.Checkpoint, leaves, hashes{ctx, &t.Reader})
	if err != nil {
		return Head{}, err
	}
	for i, p := range t.entries {
		if err := writeEntry(ctx, t, head.Size+int64(i), leaves[i], p); err != nil {
			return Head{}, fmt.Errorf("append to the ledger: %w", err)
		}
	}
	if err := writeHashes(ctx, t, added); err != nil {
		return Head{}, fmt.Errorf("append to the ledger: %w", err)
	}
	signed, err := added.Head.Sign(s.options.Signers...)
	if err != nil {
		return Head{}, err
	}
	if _, err := t.Exec(ctx, `UPDATE log_head SET size = $1, signed = $2, at = $3 WHERE id = 1`, added.Head.Size, signed, Micros(t.now)); err != nil {
		return Head{}, fmt.Errorf("append to the ledger: %w", err)
	}
	return Head{added.Head, signed, t.now}, nil
}

func writeEntry(ctx context.Context, t *Tx, n int64, leaf []byte, p pending) error {
	if _, err := t.Exec(ctx, `INSERT INTO log_entry (n, leaf, type, subject, actor, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		n, leaf, p.entry.Type, p.entry.Subject, p.entry.Actor, Micros(p.entry.Time)); err != nil {
		return err
	}
	for _, load := range p.payloads {
		if _, err := t.Exec(ctx, `INSERT INTO log_payload (n, name, salt, data) VALUES ($1, $2, $3, $4)`, n, load.Name, load.Salt[:], load.Data); err != nil {
			return err
		}
	}
	return nil
}

func writeHashes(ctx context.Context, t *Tx, added *ledger.Appended) error {
	var values strings.Builder
	args := make([]any, 0, 2*len(added.Hashes))
	for i := range added.Hashes {
		if i > 0 {
			values.WriteString(", ")
		}
		fmt.Fprintf(&values, "($%d, $%d)", len(args)+1, len(args)+2)
		args = append(args, added.First+int64(i), added.Hashes[i][:])
	}
	_, err := t.Exec(ctx, `INSERT INTO log_hash (i, h) VALUES `+values.String(), args...)
	return err
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

// settle finds out whether a commit that failed was made all the same: the connection
// may have been lost after it. It asks for the head that the commit would have written.
func (s *Store) settle(ctx context.Context, next Head, failed error) error {
	failed = fmt.Errorf("write the store: %w", failed)
	var signed []byte
	err := s.write.QueryRowContext(ctx, `SELECT signed FROM log_head WHERE id = 1`).Scan(&signed)
	switch {
	case err != nil:
		return errors.Join(failed, fmt.Errorf("and whether it was written is not known: %w", err))
	case bytes.Equal(signed, next.Signed):
		s.head.set(next)
		return nil
	}
	return failed
}

const noticesKept = 10_000

// writeNotices numbers the notices and forgets the oldest.
func writeNotices(ctx context.Context, t *Tx, notices []notice) error {
	for _, n := range notices {
		if _, err := t.Exec(ctx, `INSERT INTO notice (seq, topic, ref, at) SELECT COALESCE(MAX(seq), 0) + 1, $1, $2, $3 FROM notice`, n.topic, n.ref, Micros(t.now)); err != nil {
			return fmt.Errorf("write a notice: %w", err)
		}
	}
	if len(notices) == 0 {
		return nil
	}
	_, err := t.Exec(ctx, `DELETE FROM notice WHERE seq <= (SELECT MAX(seq) FROM notice) - $1`, noticesKept)
	return err
}
