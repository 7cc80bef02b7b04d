package store

import (
	"context"
	"database/sql"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/rootkeep/rootkeep/ledger"
)

const (
	mostTogether = 64               // updates in one transaction
	longestBatch = 30 * time.Second // of one transaction
)

// Tx changes the store. It is good inside the function it was given to.
type Tx struct {
	Reader
	tx      *sql.Tx
	now     time.Time
	entries []pending
	notices []notice
}

// pending is an entry that the end of the transaction appends.
type pending struct {
	entry    ledger.Entry
	payloads []ledger.Payload
}

type notice struct{ topic, ref string }

// Now is the time of the change: never before the newest entry of the ledger, even if
// the clock was set back.
func (t *Tx) Now() time.Time { return t.now }

// Exec runs a statement and gives how many rows it changed.
func (t *Tx) Exec(ctx context.Context, statement string, args ...any) (int64, error) {
	result, err := t.tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
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

// Record adds an entry to the ledger. Its time is the change's, its payloads are those
// given.
func (t *Tx) Record(kind, subject, actor string, payloads ...ledger.Payload) error {
	e := ledger.Entry{Type: kind, Subject: subject, Actor: actor, Time: t.now}
	for _, p := range payloads {
		e.Payloads = append(e.Payloads, p.Digest())
	}
	if _, err := e.Leaf(); err != nil { // what is not fit must fail this change, not all of its batch
		return err
	}
	t.entries = append(t.entries, pending{e, payloads})
	return nil
}

// Announce tells whoever listens that something changed: topic names the kind, ref the
// thing by its ID.
func (t *Tx) Announce(topic, ref string) { t.notices = append(t.notices, notice{topic, ref}) }

// update is one change that waits for its turn.
type update struct {
	ctx    context.Context
	change func(context.Context, *Tx) error
	err    error
	done   chan struct{}
}

// Update makes a change: everything that change does, with its entries, or nothing. All
// changes of all servers are made one after the other, so change sees what it decides
// on. It may be called again if the database asks for that, and must not wait for
// anything but the database. When Update returns nil, the change is durable and a signed
// checkpoint covers its entries.
func (s *Store) Update(ctx context.Context, change func(context.Context, *Tx) error) error {
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
func (s *Store) Touch(ctx context.Context, change func(context.Context, *Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write the store: %w", err)
	}
	defer tx.Rollback() // does nothing once committed
	t := &Tx{Reader: Reader{tx}, tx: tx, now: s.options.Now().UTC()}
	if err := change(ctx, t); err != nil {
		return err
	}
	if len(t.entries) > 0 {
		return fmt.Errorf("write the store: a change with entries is an Update")
	}
	if len(t.notices) > 0 {
		if _, err := s.lockHead(ctx, &t.Reader); err != nil { // notices are numbered one after the other
			return err
		}
		if err := writeNotices(ctx, t, t.notices); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// commitAll makes the changes until the store closes. Those that wait at the same time
// share a transaction, and so one write to the disk and one signature.
func (s *Store) commitAll() {
	defer close(s.stopped)
	for {
		var batch []*update
		select {
		case u := <-s.queue:
			batch = append(batch, u)
		case <-s.stop:
			return
		}
		for more := true; more && len(batch) < mostTogether; {
			select {
			case u := <-s.queue:
				batch = append(batch, u)
			default:
				more = false
			}
		}
		s.commit(batch)
	}
}

// commit makes the changes of a batch and wakes whoever waits for them.
func (s *Store) commit(batch []*update) {
	ctx, cancel := context.WithTimeout(context.Background(), longestBatch)
	defer cancel()
	if err := s.together(ctx, batch); err != nil {
		for _, u := range batch {
			if u.err == nil {
				u.err = err
			}
		}
	}
	for _, u := range batch {
		close(u.done)
	}
}

// together makes the changes of a batch in one transaction. The error is that of the
// whole batch; the error of a single change is left in it, and the others go on.
func (s *Store) together(ctx context.Context, batch []*update) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write the store: %w", err)
	}
	defer tx.Rollback() // does nothing once committed
	head, err := s.lockHead(ctx, &Reader{tx})
	if err != nil {
		return err
	}
	now := s.options.Now().UTC()
	if now.Before(head.at) {
		now = head.at
	}
	all := &Tx{Reader: Reader{tx}, tx: tx, now: now}
	for _, u := range batch {
		t := &Tx{Reader: all.Reader, tx: tx, now: now}
		if u.err, err = s.apart(t, u); err != nil {
			return err
		}
		if u.err == nil {
			all.entries = append(all.entries, t.entries...)
			all.notices = append(all.notices, t.notices...)
		}
	}
	next, err := s.append(ctx, all, head)
	if err != nil {
		return err
	}
	if err := writeNotices(ctx, all, all.notices); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		if len(all.entries) == 0 {
			return fmt.Errorf("write the store: %w", err)
		}
		return s.settle(ctx, next, err)
	}
	s.head.set(next)
	return nil
}

// apart makes one change inside the transaction of its batch. failed is the change's own
// error, after which it is as if it had never been; err ends the batch.
func (s *Store) apart(t *Tx, u *update) (failed, err error) {
	if failed := u.ctx.Err(); failed != nil {
		return failed, nil
	}
	// The statements run under the change's own context: the transaction outlives it.
	if _, err := t.tx.ExecContext(context.WithoutCancel(u.ctx), `SAVEPOINT change`); err != nil {
		return nil, fmt.Errorf("write the store: %w", err)
	}
	end := []string{`RELEASE SAVEPOINT change`}
	if failed = guarded(t, u); failed != nil {
		end = []string{`ROLLBACK TO SAVEPOINT change`, `RELEASE SAVEPOINT change`}
	}
	for _, statement := range end {
		if _, err := t.tx.ExecContext(context.WithoutCancel(u.ctx), statement); err != nil {
			return failed, fmt.Errorf("write the store: %w", err)
		}
	}
	return failed, nil
}

// guarded calls the change; a panic is its error, so that it cannot end the changes of
// others.
func guarded(t *Tx, u *update) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("change of the store: panic: %v\n%s", p, debug.Stack())
		}
	}()
	return u.change(context.WithoutCancel(u.ctx), t)
}
