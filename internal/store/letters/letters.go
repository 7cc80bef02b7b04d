// Package letters keeps the order of notices that are about one thing, what receivers
// call its message, and how the ways of notices do.
package letters

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
)

// Thread is what a way has of the notices about one thing. Its letters are numbered from 1
// in the order in which they were put.
type Thread struct {
	Way, Thread string
	Last        int64 // number of the newest letter, 0 if there is none
	Held        int64 // of the newest that quiet hours hold back
	Tried       int64 // of the newest that was tried
	Sent        int64 // of the newest that the receiver took, 0 if it has none
	Remembered  map[string]string
	Busy        string // job that sends one
	BusyUntil   time.Time
}

const columns = `way, thread, last, held, tried, sent, remembered, busy, busy_until, touched`

// Number gives the next letter of a thread its number, by the ID of its notice. Those after one
// that is held need not wait for it.
func Number(ctx context.Context, tx *store.Tx, way, thread, notice string, until time.Time) (int64, error) {
	var n int64
	err := tx.Row(ctx, `INSERT INTO notice_thread (`+columns+`, notice) VALUES ($1, $2, 1, 0, 0, 0, $3, '', 0, $4, $5)
		ON CONFLICT (way, thread) DO UPDATE SET last = notice_thread.last + 1, touched = $4, notice = $5 RETURNING last`, way, thread, []byte("{}"), store.Micros(tx.Now()), notice).Scan(&n)
	if err == nil && !until.IsZero() {
		err = tx.ExecOne(ctx, `UPDATE notice_thread SET held = $3 WHERE way = $1 AND thread = $2`, way, thread, n)
	}
	if err != nil {
		return 0, fmt.Errorf("number a notice: %w", err)
	}
	return n, nil
}

// Stood notes that a notice of a thread was told with others, as one: there is no letter of it.
func Stood(ctx context.Context, tx *store.Tx, way, thread, notice string) error {
	_, err := tx.Exec(ctx, `INSERT INTO notice_thread (`+columns+`, notice) VALUES ($1, $2, 0, 0, 0, 0, $3, '', 0, $4, $5)
		ON CONFLICT (way, thread) DO UPDATE SET touched = $4, notice = $5`, way, thread, []byte("{}"), store.Micros(tx.Now()), notice)
	if err != nil {
		return fmt.Errorf("note that a notice was told with others: %w", err)
	}
	return nil
}

// Read gives a thread; store.ErrNotFound if there is no letter of it.
func Read(ctx context.Context, r *store.Reader, way, thread string) (*Thread, error) {
	var t Thread
	var until, touched int64
	var remembered []byte
	err := r.Row(ctx, `SELECT `+columns+` FROM notice_thread WHERE way = $1 AND thread = $2 AND last > 0`, way, thread).
		Scan(&t.Way, &t.Thread, &t.Last, &t.Held, &t.Tried, &t.Sent, &remembered, &t.Busy, &until, &touched)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, store.ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(remembered, &t.Remembered)
	}
	if err != nil {
		return nil, fmt.Errorf("notices of %s by %s: %w", thread, way, err)
	}
	t.BusyUntil = store.Time(until)
	return &t, nil
}

// Turn is what a letter may do now.
type Turn int

// The turns.
const (
	Wait      Turn = iota // another of the thread is being sent, or an older one is to be tried first
	Send                  // nobody else of the thread is sent until the lease ends
	Overtaken             // a newer one went in its place, or goes
)

// Claim is a letter that asks for its turn.
type Claim struct {
	Way, Thread string
	Number      int64
	Job         string
	Again       bool          // it was tried before
	Impatient   bool          // it has waited long enough for older ones
	Lease       time.Duration // longer than any attempt
}

// Take asks for the turn of a letter. One that failed before steps back behind a newer one
// that was tried: it says more. The thread is given with every turn.
func Take(ctx context.Context, tx *store.Tx, c Claim) (Turn, *Thread, error) {
	now := tx.Clock()
	// The write comes first: of two servers one waits here for the other.
	_, err := tx.Exec(ctx, `INSERT INTO notice_thread (`+columns+`) VALUES ($1, $2, $3, 0, 0, 0, $4, '', 0, $5) ON CONFLICT (way, thread) DO UPDATE SET touched = $5`,
		c.Way, c.Thread, c.Number, []byte("{}"), store.Micros(tx.Now()))
	if err != nil {
		return Wait, nil, fmt.Errorf("the turn of a notice: %w", err)
	}
	t, err := Read(ctx, &tx.Reader, c.Way, c.Thread)
	if err != nil {
		return Wait, nil, err
	}
	busy := t.Busy != "" && t.Busy != c.Job && t.BusyUntil.After(now) && !t.BusyUntil.After(now.Add(2*c.Lease)) // beyond that the clock was ahead
	switch {
	case c.Number <= t.Sent, c.Again && t.Tried > c.Number:
		return Overtaken, t, nil
	case busy, !c.Impatient && max(t.Tried, t.Held) < c.Number-1:
		return Wait, t, nil
	}
	t.Tried = max(t.Tried, c.Number)
	err = tx.ExecOne(ctx, `UPDATE notice_thread SET busy = $3, busy_until = $4, tried = $5 WHERE way = $1 AND thread = $2`, c.Way, c.Thread, c.Job, store.Micros(now.Add(c.Lease)), t.Tried)
	return Send, t, err
}

// Sent writes down that the receiver took a letter, and what is remembered from now on.
func Sent(ctx context.Context, tx *store.Tx, c Claim, remembered map[string]string) error {
	text, err := json.Marshal(remembered)
	if err != nil {
		return err
	}
	return tx.ExecOne(ctx, `UPDATE notice_thread SET sent = $3, remembered = $4, busy = '', busy_until = 0 WHERE way = $1 AND thread = $2 AND sent < $3`, c.Way, c.Thread, c.Number, text)
}

// Release gives the turn back: the letter was not taken, or not all of it. What is remembered
// from now on is nil where that is what it was.
func Release(ctx context.Context, tx *store.Tx, c Claim, remembered map[string]string) error {
	if remembered != nil {
		text, err := json.Marshal(remembered)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE notice_thread SET remembered = $4 WHERE way = $1 AND thread = $2 AND busy = $3`, c.Way, c.Thread, c.Job, text)
		if err != nil {
			return fmt.Errorf("note what a receiver took of a notice: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `UPDATE notice_thread SET busy = '', busy_until = 0 WHERE way = $1 AND thread = $2 AND busy = $3`, c.Way, c.Thread, c.Job)
	return err
}

// Forget removes the threads of which nothing was heard since a moment, but for those of cases
// that are open. A later notice of such a thread is a message of its own.
func Forget(ctx context.Context, tx *store.Tx, before time.Time) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM notice_thread WHERE touched < $1
		AND NOT EXISTS (SELECT 1 FROM incident WHERE incident.id = notice_thread.thread AND incident.state = 'open')`, store.Micros(before))
	if err != nil {
		return 0, fmt.Errorf("forget old threads of notices: %w", err)
	}
	return n, nil
}

// Known says whether a notice was put by a way: there is a job of one of two kinds with its key,
// or it is the newest of its thread, as after the job was forgotten.
func Known(ctx context.Context, r *store.Reader, way, thread, notice, kind, other string) (bool, error) {
	var n int
	err := r.Row(ctx, `SELECT (SELECT COUNT(*) FROM job WHERE key = $1 AND kind IN ($2, $3)) + (SELECT COUNT(*) FROM notice_thread WHERE way = $4 AND thread = $5 AND notice = $6)`,
		way+"/"+notice, kind, other, way, thread, notice).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for a notice: %w", err)
	}
	return n > 0, nil
}

// Told writes down that the receiver got to know of threads up to a number each, in a message
// of its own that is none of theirs. What the receiver took since stays.
func Told(ctx context.Context, tx *store.Tx, way string, numbers map[string]int64) error {
	if len(numbers) == 0 {
		return nil
	}
	threads := slices.Sorted(maps.Keys(numbers)) // all lock in one order
	if tx.Arrays() {
		these := make([]int64, len(threads))
		for i, thread := range threads {
			these[i] = numbers[thread]
		}
		_, err := tx.Exec(ctx, `UPDATE notice_thread SET sent = told.number, tried = GREATEST(tried, told.number) FROM unnest($2::text[], $3::bigint[]) AS told (thread, number)
			WHERE way = $1 AND notice_thread.thread = told.thread AND sent < told.number`, way, threads, these)
		if err != nil {
			return fmt.Errorf("note that %d threads were told by %s: %w", len(threads), way, err)
		}
		return nil
	}
	for _, thread := range threads {
		_, err := tx.Exec(ctx, `UPDATE notice_thread SET sent = $3, tried = MAX(tried, $3) WHERE way = $1 AND thread = $2 AND sent < $3`, way, thread, numbers[thread])
		if err != nil {
			return fmt.Errorf("note that %s was told by %s: %w", thread, way, err)
		}
	}
	return nil
}
