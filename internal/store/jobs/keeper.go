package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/process"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Keeper is the job.Keeper of a store.
type Keeper struct{ Store *store.Store }

var _ job.Keeper = Keeper{}

// horizon is further ahead than any lease or pause between attempts reaches, or the
// moment in which a job was asked for. What lies beyond it was written when the clock was
// ahead: waiting for it could take years.
const horizon = 2 * time.Hour

// due is a job that may be claimed at $1; $4 is the horizon then.
const due = `(state = 'waiting' AND (run_at <= $1 OR run_at > $4 AND (attempt > 0 OR run_at <= created)) OR state = 'running' AND (lease < $1 OR lease > $4))`

// Claim leases the next job that is due, such as one of a server of this machine that is gone.
func (k Keeper) Claim(ctx context.Context, owner string, kinds []string, lease time.Duration) (*job.Job, error) {
	if len(kinds) == 0 {
		return nil, nil
	}
	names := make([]string, len(kinds))
	args := []any{nil, owner, nil, nil}
	for i, kind := range kinds {
		args = append(args, kind)
		names[i] = fmt.Sprintf("$%d", len(args))
	}
	// The condition stands twice: of two servers that picked the same job the second waits
	// for the first, sees the row as it is then, and must not take it.
	statement := `UPDATE job SET state = 'running', owner = $2, lease = $3, started = $1, attempt = attempt + 1
		WHERE ` + due + ` AND id = (SELECT id FROM job WHERE ` + due + ` AND kind IN (` + strings.Join(names, ", ") + `) ORDER BY run_at, id LIMIT 1)
		RETURNING ` + columns
	var out *job.Job
	err := k.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if err := bury(ctx, tx); err != nil {
			return err
		}
		args[0], args[2], args[3] = store.Micros(tx.Now()), store.Micros(tx.Now().Add(lease)), store.Micros(tx.Now().Add(max(horizon, 2*lease)))
		out, err = scan(tx.Row(ctx, statement, args...))
		if errors.Is(err, store.ErrNotFound) {
			out, err = nil, nil
		}
		if out != nil {
			tx.Announce("job", out.ID)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim a job: %w", err)
	}
	return out, nil
}

// bury ends the leases of servers of this machine that are gone.
func bury(ctx context.Context, tx *store.Tx) error {
	owners, err := store.Texts(ctx, &tx.Reader, `SELECT DISTINCT owner FROM job WHERE state = 'running' AND lease > 0`)
	for _, owner := range owners {
		if err == nil && process.Gone(owner) {
			_, err = tx.Exec(ctx, `UPDATE job SET lease = 0 WHERE state = 'running' AND owner = $1`, owner)
		}
	}
	return err
}

// held is the lease of one attempt: another attempt, even of the same server, is not it.
const held = ` WHERE id = $1 AND owner = $2 AND attempt = $3 AND state = 'running'`

// Extend renews the lease and keeps the progress.
func (k Keeper) Extend(ctx context.Context, j *job.Job, lease time.Duration, progress string) error {
	return k.change(ctx, j, "renew the lease of", func(ctx context.Context, tx *store.Tx) error {
		return tx.ExecOne(ctx, `UPDATE job SET lease = $4, progress = $5`+held, j.ID, j.Owner, j.Attempt, store.Micros(tx.Now().Add(lease)), progress)
	})
}

// Finish ends an attempt.
func (k Keeper) Finish(ctx context.Context, j *job.Job, o job.Outcome) error {
	return k.change(ctx, j, "finish", func(ctx context.Context, tx *store.Tx) error {
		attempt, ended, runAt := j.Attempt, store.Micros(tx.Now()), j.RunAt
		if o.State == job.Waiting {
			ended, runAt = 0, o.RunAt
		}
		if o.Kept {
			attempt--
		}
		return tx.ExecOne(ctx, `UPDATE job SET state = $4, run_at = $5, error = $6, ended = $7, attempt = $8, progress = $9, owner = '', lease = 0`+held,
			j.ID, j.Owner, j.Attempt, string(o.State), store.Micros(runAt), o.Error, ended, attempt, j.Progress)
	})
}

func (k Keeper) change(ctx context.Context, j *job.Job, what string, do func(context.Context, *store.Tx) error) error {
	err := k.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		tx.Announce("job", j.ID)
		return do(ctx, tx)
	})
	switch {
	case errors.Is(err, store.ErrConflict):
		return job.ErrLost
	case err != nil:
		return fmt.Errorf("%s job %s: %w", what, j.ID, err)
	}
	return nil
}

// Tick makes the jobs of the schedules that are due.
func (k Keeper) Tick(ctx context.Context) error {
	var all []*job.Schedule
	err := k.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		all, err = schedules(ctx, r, ` WHERE enabled = 1`)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the schedules: %w", err)
	}
	var failed []error
	for _, s := range all {
		var err error
		switch now := k.Store.Now(); {
		case !s.Next.After(now):
			err = k.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error { return fire(ctx, tx, s) })
		case s.Next.After(now.Add(horizon)):
			err = k.recall(ctx, s, now)
		}
		if err != nil && !errors.Is(err, store.ErrConflict) { // another server made its job
			failed = append(failed, fmt.Errorf("schedule %s: %w", s.ID, err))
		}
	}
	return errors.Join(failed...)
}

// recall sets the next time of a schedule anew if it was set when the clock was ahead.
func (k Keeper) recall(ctx context.Context, s *job.Schedule, now time.Time) error {
	next, err := s.After(now)
	if err != nil || s.Next.Sub(next) <= horizon { // servers' clocks differ a little
		return err
	}
	return k.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error { return setNext(ctx, tx, s, next) })
}

func setNext(ctx context.Context, tx *store.Tx, s *job.Schedule, next time.Time) error {
	return tx.ExecOne(ctx, `UPDATE schedule SET next_run = $1 WHERE id = $2 AND next_run = $3 AND enabled = 1`, store.Micros(next), s.ID, store.Micros(s.Next))
}

// fire makes the job of a schedule and sets its next time, after now: what was missed is
// made up for by this one job.
func fire(ctx context.Context, tx *store.Tx, s *job.Schedule) error {
	next, err := s.After(tx.Now())
	if err != nil {
		return err
	}
	if err := setNext(ctx, tx, s, next); err != nil {
		return err
	}
	_, _, err = Add(ctx, tx, job.Job{Kind: s.Kind, Key: s.ID + "@" + s.Next.Format(time.RFC3339), Payload: s.Payload, Schedule: s.ID})
	return err
}
