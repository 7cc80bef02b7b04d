package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/store/fault"
	"github.com/rootkeep/rootkeep/internal/store/prepared"
	"github.com/rootkeep/rootkeep/internal/store/sanitize"
	"github.com/rootkeep/rootkeep/internal/store/serial"
	"github.com/rootkeep/rootkeep/ledger"
)

// Tx changes the store. It is good inside the function it was given to.
type Tx struct {
	Reader
	tx      *sql.Tx
	known   prepared.Statements
	now     time.Time
	clock   time.Time
	ids     serial.Change
	entries []pending
	notices []notice
}

// pending is an entry that the end of the transaction appends.
type pending struct {
	entry    ledger.Entry
	leaf     []byte
	payloads []ledger.Payload
}

type notice struct{ topic, ref string }

// Now is the time of the change, to the millisecond as entries have it: never before the
// newest entry of the ledger, even if the clock was set back.
func (t *Tx) Now() time.Time { return t.now }

// Clock is what the clock says, to the millisecond: before Now if it was set back, or ran
// ahead for a while. What lasts for a time, and is held to it by the clock, counts from it.
func (t *Tx) Clock() time.Time { return t.clock }

// NewID makes an ID of the change's time, see rootkeep.NewID: no two of one change are alike,
// and of two changes of one process the later one's sort later.
func (t *Tx) NewID(prefix string) string { return t.ids.ID(prefix, t.now) }

// Exec runs a statement and gives how many rows it changed. After a statement that failed
// no other is run, and the change fails, on both databases.
func (t *Tx) Exec(ctx context.Context, statement string, args ...any) (int64, error) {
	if t.failed != nil {
		return 0, t.failed
	}
	result, err := t.known.Exec(ctx, t.tx, statement, sanitize.Args(args))
	if err != nil {
		return 0, t.note(err)
	}
	return result.RowsAffected()
}

// ExecOne runs a statement that must change one row: it is ErrConflict if it changes none.
func (t *Tx) ExecOne(ctx context.Context, statement string, args ...any) error {
	n, err := t.Exec(ctx, statement, args...)
	if err == nil && n == 0 {
		err = ErrConflict
	}
	return err
}

// MaxPayload bounds a payload, bytes: as much as an evidence bundle carries in one file.
const MaxPayload = 256 << 20

// Record adds an entry to the ledger. Its time is the change's, its payloads are those
// given.
func (t *Tx) Record(kind, subject, actor string, payloads ...ledger.Payload) error {
	e := ledger.Entry{Type: kind, Subject: subject, Actor: actor, Time: t.now}
	for _, p := range payloads {
		if len(p.Data) > MaxPayload {
			return fmt.Errorf("ledger entry %s of %s: payload %s has %d bytes, at most %d", kind, subject, p.Name, len(p.Data), MaxPayload)
		}
		e.Payloads = append(e.Payloads, p.Digest())
	}
	leaf, err := e.Leaf() // what is not fit must fail this change, not all of its batch
	if err != nil {
		return err
	}
	t.entries = append(t.entries, pending{e, leaf, payloads})
	return nil
}

// Announce tells whoever listens that something changed: topic names the kind, ref the
// thing by its ID.
func (t *Tx) Announce(topic, ref string) { t.notices = append(t.notices, notice{topic, ref}) }

// Limits of time. A change that runs longer fails; those that share its transaction are
// made again without it.
const (
	longestChange = 10 * time.Second
	longestShare  = 2 * time.Second  // after which a transaction takes no more changes in
	longestBatch  = 30 * time.Second // of one transaction, its retries included
)

var (
	errTooLong = fmt.Errorf("change of the store: not done after %v, and undone", longestChange)
	errWithin  = errors.New("change of the store: from within another, which it would wait for for ever")
)

// within marks the context of a change.
type within struct{}

// Update makes a change: everything that change does, with its entries, or nothing. All
// changes of all servers are made one after the other, so change sees what it decides
// on. It may be called again, from the start, if the database asks for that; it must not
// wait for anything but the database, nor use its Tx after it returned. When Update
// returns nil, the change is durable and a signed checkpoint covers its entries.
func (s *Store) Update(ctx context.Context, change func(context.Context, *Tx) error) error {
	if ctx.Value(within{}) == s {
		return errWithin
	}
	u := &update{ctx: ctx, change: change, done: make(chan struct{})}
	select {
	case s.queue <- u:
	case <-s.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	<-u.done // not ctx.Done: once under way, whether it was made must be known
	return u.err
}

// Touch makes a change that the ledger does not tell of, such as when a session was last
// seen. Changes of other servers may be made at the same time: it must compare and set.
// Like that of an Update, change may be called again.
func (s *Store) Touch(ctx context.Context, change func(context.Context, *Tx) error) error {
	switch {
	case ctx.Value(within{}) == s:
		return errWithin
	case s.closed():
		return ErrClosed
	}
	ctx, cancel := context.WithTimeoutCause(context.WithValue(ctx, within{}, s), longestChange, errTooLong)
	defer cancel()
	for try := 0; ; try++ {
		err, database := s.touch(ctx, change)
		if classify(database) != fault.Busy || !pause(ctx, try) {
			return s.explainBy(err, database)
		}
	}
}

// Beside is Touch for what must not be lost, such as what was taken from a broker: no move of
// the store is under way meanwhile, and after one it is ErrMoved.
func (s *Store) Beside(ctx context.Context, change func(context.Context, *Tx) error) error {
	return s.Touch(ctx, func(ctx context.Context, tx *Tx) error {
		if s.dialect.beside != "" {
			if _, err := tx.Exec(ctx, s.dialect.beside); err != nil {
				return fmt.Errorf("write the store: %w", err)
			}
		}
		var moved string // the head itself is not checked: nothing is appended to it
		if err := tx.Row(ctx, `SELECT moved FROM log_head WHERE id = 1`).Scan(&moved); err != nil || moved != "" {
			return cmp.Or(err, movedTo(moved))
		}
		return change(ctx, tx)
	})
}

// touch tries once. database is what the database said, if the error comes from it.
func (s *Store) touch(ctx context.Context, change func(context.Context, *Tx) error) (err, database error) {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write the store: %w", err), err
	}
	defer tx.Rollback() // does nothing once committed
	t := &Tx{Reader: s.reader(tx), tx: tx, ids: s.ids.Change(), clock: s.options.Now().UTC().Truncate(time.Millisecond)}
	t.now = t.clock
	if err := change(ctx, t); err != nil || t.failed != nil {
		return cmp.Or(err, t.failed), t.failed
	}
	if len(t.entries) > 0 {
		return errors.New("write the store: a change with entries is an Update"), nil
	}
	if len(t.notices) > 0 {
		if _, err := s.lockHead(ctx, &t.Reader); err != nil { // notices are numbered one after the other
			return err, t.failed
		}
		if err := writeNotices(ctx, t, t.notices); err != nil {
			return err, t.failed
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("write the store: %w", err), err
	}
	return nil, nil
}
