package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Keeper is the job.Keeper of a store.
type Keeper struct{ Store *store.Store }

var _ job.Keeper = Keeper{}

// due is a job that may be claimed at $1.
const due = `(state = 'waiting' AND run_at <= $1 OR state = 'running' AND lease < $1)`

// Claim leases the next job that is due.
func (k Keeper) Claim(ctx context.Context, owner string, kinds []string, lease time.Duration) (*job.Job, error) {
	if len(kinds) == 0 {
		return nil, nil
	}
	names := make([]string, len(kinds))
	args := []any{nil, owner, nil}
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
		args[0], args[2] = store.Micros(tx.Now()), store.Micros(tx.Now().Add(lease))
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
	var late []*job.Schedule
	err := k.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		late, err = schedules(ctx, r, ` WHERE enabled = 1 AND next_run <= $1`, store.Micros(k.Store.Now()))
		return err
	})
	if err != nil {
		return fmt.Errorf("read the schedules: %w", err)
	}
	var failed []error
	for _, s := range late {
		err := k.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error { return fire(ctx, tx, s) })
		if err != nil && !errors.Is(err, store.ErrConflict) { // another server made its job
			failed = append(failed, fmt.Errorf("schedule %s: %w", s.ID, err))
		}
	}
	return errors.Join(failed...)
}

// fire makes the job of a schedule and sets its next time, after now: what was missed is
// made up for by this one job.
func fire(ctx context.Context, tx *store.Tx, s *job.Schedule) error {
	next, err := s.After(tx.Now())
	if err != nil {
		return err
	}
	if err := tx.ExecOne(ctx, `UPDATE schedule SET next_run = $1 WHERE id = $2 AND next_run = $3 AND enabled = 1`, store.Micros(next), s.ID, store.Micros(s.Next)); err != nil {
		return err
	}
	_, _, err = Add(ctx, tx, job.Job{Kind: s.Kind, Key: s.ID + "@" + s.Next.Format(time.RFC3339), Payload: s.Payload, Schedule: s.ID})
	return err
}
