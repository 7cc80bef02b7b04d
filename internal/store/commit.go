package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/store/fault"
	"github.com/rootkeep/rootkeep/internal/store/prepared"
)

const mostTogether = 64 // updates in one transaction

// update is one change that waits for its turn.
type update struct {
	ctx    context.Context
	change func(context.Context, *Tx) error
	err    error // its own, or that of the transaction
	late   bool  // it ran too long: it is not made again
	done   chan struct{}
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
		s.commit(s.gather(batch))
	}
}

// gather adds to a batch whoever waits. Those that the last commit woke are let run
// first: they often have the next change in hand.
func (s *Store) gather(batch []*update) []*update {
	for idle := 0; idle < 3 && len(batch) < mostTogether; {
		select {
		case u := <-s.queue:
			batch = append(batch, u)
			idle = 0
		default:
			idle++
			runtime.Gosched()
		}
	}
	return batch
}

// commit makes the changes of a batch and wakes whoever waits for them. It gives the
// error of the last transaction.
func (s *Store) commit(batch []*update) error {
	n, err := s.persist(batch)
	if err != nil && len(batch) > 1 && classify(err) == fault.Other {
		return s.commitEach(batch)
	}
	made := slices.ContainsFunc(batch[:n], func(u *update) bool { return u.err == nil })
	if err = s.explainBy(err, err); err == nil && made {
		s.fault.Store(nil)
	} else if classify(err) != fault.Other {
		s.fault.Store(&err)
	}
	for _, u := range batch[:n] {
		u.end(err)
	}
	if n < len(batch) {
		return s.commit(batch[n:])
	}
	return err
}

// commitEach makes changes of which one may have spoilt it for the others, such as by
// running too long, each in a transaction of its own.
func (s *Store) commitEach(batch []*update) (err error) {
	for _, u := range batch {
		if classify(err) != fault.Other {
			u.end(err) // the database itself: the next would wait for it as long
			continue
		}
		err = s.commit([]*update{u})
	}
	return err
}

// over says whether the update is not to be made: it ran too long before, or its caller
// has gone.
func (u *update) over() bool {
	if !u.late {
		u.err = u.ctx.Err()
	}
	return u.err != nil
}

// end wakes whoever waits for the update. err is that of its transaction.
func (u *update) end(err error) {
	if u.err == nil {
		u.err = err
	}
	close(u.done)
}

// persist makes the changes of a batch, again if the database asks for that or was gone
// for a moment, and gives how many of them it made, or tried to. They are never made
// again while the first try may still come true.
func (s *Store) persist(batch []*update) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), longestBatch)
	defer cancel()
	const again = 3 // after the database was gone
	for try := 0; ; try++ {
		n, err := s.together(ctx, batch)
		switch {
		case err == nil || errors.Is(err, errUnsettled):
			return n, err
		case ctx.Err() != nil:
			return len(batch), fmt.Errorf("%w: %w", errSilent, err)
		}
		if kind := classify(err); kind != fault.Busy && (kind != fault.Lost || try >= again) || !pause(ctx, try) {
			return len(batch), err
		}
	}
}

// errSilent is a database that let the time of a transaction pass.
var errSilent = fmt.Errorf("write the store: not done within %v", longestBatch)

// pause waits before another try, longer each time. It is false if there is no time left.
func pause(ctx context.Context, try int) bool {
	t := time.NewTimer(min(10*time.Millisecond<<min(try, 10), time.Second))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// together makes the first changes of a batch in one transaction, and gives how many:
// all, if they are quick. The error is that of the whole transaction; the error of a
// single change is left in it, and the others go on.
func (s *Store) together(ctx context.Context, batch []*update) (n int, err error) {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return n, fmt.Errorf("write the store: %w", err)
	}
	defer tx.Rollback() // does nothing once committed
	all := &Tx{Reader: s.reader(tx), tx: tx, known: prepared.Begin(s.dialect.rereads), ids: s.ids.Change()}
	head, err := s.lockHead(ctx, &all.Reader)
	if err != nil {
		return n, err
	}
	all.clock = s.options.Now().UTC().Truncate(time.Millisecond)
	all.now = all.clock
	if all.now.Before(head.at) {
		all.now = head.at
	}
	for start := time.Now(); n < len(batch) && (n == 0 || time.Since(start) < longestShare); n++ {
		make := s.apart
		if len(batch) == 1 {
			make = s.alone
		}
		if batch[n].over() {
			continue
		}
		if err := make(ctx, all, batch[n]); err != nil {
			return n, fmt.Errorf("write the store: %w", err)
		}
	}
	if len(batch) == 1 && batch[0].err != nil {
		return n, nil // there is nothing to commit
	}
	next, edge, err := s.append(ctx, all, head)
	if err != nil {
		return n, err
	}
	if err := writeNotices(ctx, all, all.notices); err != nil {
		return n, err
	}
	if err := s.sign(ctx, all); err != nil {
		return n, err
	}
	if err := tx.Commit(); err != nil {
		if err := s.settle(err); err != nil {
			return n, err
		}
	}
	s.head.set(next, edge)
	return n, nil
}

// sign leaves the number of the transaction in log_writer.
func (s *Store) sign(ctx context.Context, t *Tx) error {
	s.batches++
	const forgotten = 30 * 24 * time.Hour // rows of servers that are long gone
	if s.batches == 1 {
		if _, err := t.Exec(ctx, `DELETE FROM log_writer WHERE at < $1`, Micros(t.now.Add(-forgotten))); err != nil {
			return fmt.Errorf("write the store: %w", err)
		}
	}
	_, err := t.Exec(ctx, `INSERT INTO log_writer (id, batch, at) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, at = excluded.at`,
		s.writer, s.batches, Micros(t.now))
	if err != nil {
		return fmt.Errorf("write the store: %w", err)
	}
	return nil
}

// errUnsettled is a commit of which nobody knows whether it was made.
var errUnsettled error = &explained{errors.New("the database was gone during the commit"), "whether it was made is not known; hint: look before you try again"}

// settle finds out whether a commit whose answer was lost was made: nil if it was. It
// waits for the lock of the head, which the transaction holds as long as it may still be
// made.
func (s *Store) settle(failed error) error {
	ctx, cancel := context.WithTimeout(context.Background(), longestBatch) // the batch's own may be what ended the commit
	defer cancel()
	failed = fmt.Errorf("write the store: %w", failed)
	for try := 0; ; try++ {
		made, err := s.made(ctx)
		switch {
		case made:
			return nil
		case err == nil:
			return failed
		case !pause(ctx, try):
			return fmt.Errorf("%w (%w; then %w)", errUnsettled, failed, err)
		}
	}
}

// made says whether the last transaction of this Store is in the database.
func (s *Store) made(ctx context.Context) (bool, error) {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback() // nothing was written
	r := s.reader(tx)
	if _, err := s.lockHead(ctx, &r); err != nil {
		return false, err
	}
	found := false
	err = Each(ctx, &r, func(*sql.Rows) error { found = true; return nil }, `SELECT 1 FROM log_writer WHERE id = $1 AND batch = $2`, s.writer, s.batches)
	return found, err
}

// alone makes the only change of a transaction. If it fails, the transaction is not to be
// committed.
func (s *Store) alone(ctx context.Context, all *Tx, u *update) error {
	if err := s.run(ctx, all, u); err != nil {
		return err
	}
	if classify(all.failed) != fault.Other {
		return all.failed // that of the database: some can be tried again
	}
	return nil
}

// apart makes one change inside the transaction of its batch. A change that fails leaves
// its error in the update and is as if it had never been; the error returned ends the
// batch.
func (s *Store) apart(ctx context.Context, all *Tx, u *update) error {
	if _, err := all.Exec(ctx, `SAVEPOINT change`); err != nil {
		return err
	}
	t := &Tx{Reader: s.reader(all.tx), tx: all.tx, known: all.known, ids: s.ids.Change(), now: all.now, clock: all.clock}
	if err := s.run(ctx, t, u); err != nil {
		return err
	}
	if classify(t.failed) != fault.Other {
		return t.failed // that of the database concerns all, and some can be tried again
	}
	if u.err == nil {
		if _, u.err = all.tx.ExecContext(ctx, `RELEASE SAVEPOINT change`); u.err == nil {
			all.entries = append(all.entries, t.entries...)
			all.notices = append(all.notices, t.notices...)
			return nil
		}
	}
	for _, statement := range []string{`ROLLBACK TO SAVEPOINT change`, `RELEASE SAVEPOINT change`} {
		if _, err := all.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%w (%w)", u.err, err) // the first is why there is nothing left to go back to
		}
	}
	return nil
}

// run calls the change and leaves its error in the update. It is called on its own
// goroutine, so that neither a panic nor a wait of it can end or stop the changes of
// others; what it still does after its time finds the transaction over.
func (s *Store) run(ctx context.Context, t *Tx, u *update) error {
	// The values are the caller's, the time is the store's: the caller may give up and
	// the transaction goes on, but not for ever.
	own := context.WithValue(context.WithoutCancel(u.ctx), within{}, s)
	deadline, cause := time.Now().Add(longestChange), errTooLong
	if end, ok := ctx.Deadline(); ok && end.Before(deadline) {
		deadline, cause = end, context.DeadlineExceeded
	}
	own, cancel := context.WithDeadlineCause(own, deadline, cause)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		err := errors.New("change of the store: it ended its goroutine")
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("change of the store: panic: %v\n%s", p, debug.Stack())
			}
			ended <- err
		}()
		err = u.change(own, t)
	}()
	select {
	case u.err = <-ended:
		switch {
		case u.err == nil:
			u.err = t.failed
		case t.failed != nil && !errors.Is(u.err, t.failed):
			u.err = fmt.Errorf("%w; before that: %w", u.err, t.failed)
		}
	case <-own.Done():
	}
	if err := context.Cause(own); err != nil {
		u.err, u.late = err, err == errTooLong
		return err // what it began may be half done: the transaction cannot go on
	}
	return nil
}
