// Package jobs keeps jobs and schedules in the store. It is the job.Keeper of servers;
// people see and ask for jobs through its functions.
package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/store"
)

const columns = `id, kind, key, payload, state, run_at, attempt, owner, lease, progress, error, created, started, ended, schedule`

func scan(row interface{ Scan(...any) error }) (*job.Job, error) {
	var j job.Job
	var state string
	var runAt, lease, created, started, ended int64
	err := row.Scan(&j.ID, &j.Kind, &j.Key, &j.Payload, &state, &runAt, &j.Attempt, &j.Owner, &lease, &j.Progress, &j.Error, &created, &started, &ended, &j.Schedule)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, store.ErrNotFound
	}
	j.State, j.RunAt, j.Lease = job.State(state), store.Time(runAt), store.Time(lease)
	j.Created, j.Started, j.Ended = store.Time(created), store.Time(started), store.Time(ended)
	return &j, err
}

// Add keeps a job that waits, and gives it. If the kind has a job with the key already,
// that one is given, and added is false. An empty key stands for the job's own ID.
func Add(ctx context.Context, tx *store.Tx, j job.Job) (kept *job.Job, added bool, err error) {
	now := tx.Clock() // by which jobs are claimed
	j.ID = tx.NewID("JO")
	if j.Key == "" {
		j.Key = j.ID
	}
	if j.RunAt.IsZero() {
		j.RunAt = now
	}
	if j.Payload == nil {
		j.Payload = []byte("{}")
	}
	n, err := tx.Exec(ctx, `INSERT INTO job (`+columns+`) VALUES ($1, $2, $3, $4, 'waiting', $5, 0, '', 0, '', '', $6, 0, 0, $7) ON CONFLICT (kind, key) DO NOTHING`,
		j.ID, j.Kind, j.Key, j.Payload, store.Micros(j.RunAt), store.Micros(now), j.Schedule)
	if err != nil {
		return nil, false, fmt.Errorf("keep a job: %w", err)
	}
	kept, err = scan(tx.Row(ctx, `SELECT `+columns+` FROM job WHERE kind = $1 AND key = $2`, j.Kind, j.Key))
	if err != nil {
		return nil, false, fmt.Errorf("keep a job: %w", err)
	}
	tx.Announce("job", kept.ID)
	return kept, n > 0, nil
}

// Ask keeps a job that a person or a machine asked for; the ledger tells of it.
func Ask(ctx context.Context, tx *store.Tx, actor string, j job.Job) (*job.Job, error) {
	kept, added, err := Add(ctx, tx, j)
	if err != nil || !added {
		return kept, err
	}
	return kept, tx.Record("job.requested", kept.ID, actor)
}

// Retry makes a dead job wait again, with all its attempts before it.
func Retry(ctx context.Context, tx *store.Tx, actor, id string) error {
	if _, err := Get(ctx, &tx.Reader, id); err != nil {
		return err
	}
	err := tx.ExecOne(ctx, `UPDATE job SET state = 'waiting', run_at = $1, attempt = 0, ended = 0 WHERE id = $2 AND state = 'dead'`, store.Micros(tx.Clock()), id)
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("job %s is not dead: %w", id, err)
	}
	if err != nil {
		return fmt.Errorf("retry job %s: %w", id, err)
	}
	tx.Announce("job", id)
	return tx.Record("job.retried", id, actor)
}

// Get reads a job.
func Get(ctx context.Context, r *store.Reader, id string) (*job.Job, error) {
	j, err := scan(r.Row(ctx, `SELECT `+columns+` FROM job WHERE id = $1`, id))
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", id, err)
	}
	return j, nil
}

// Filter says which jobs a list holds. The newest come first.
type Filter struct {
	Kind   string    // and the kinds below it, such as notice/desk below notice; empty: all
	State  job.State // empty: all
	About  string    // the key, or what stands before a slash in it; empty: all
	Later  time.Time // those that were never tried and are put off beyond it; zero: all
	Before string    // ID after which the page begins; empty: from the newest
	Limit  int
}

// List reads jobs.
func List(ctx context.Context, r *store.Reader, f Filter) ([]*job.Job, error) {
	where, args := []string{`1 = 1`}, []any{f.Limit}
	if f.Kind != "" {
		args = append(args, f.Kind, f.Kind+"/", len(f.Kind)+1)
		where = append(where, `(kind = $2 OR substr(kind, 1, $4) = $3)`)
	}
	if !f.Later.IsZero() {
		args = append(args, store.Micros(f.Later))
		where = append(where, fmt.Sprintf(`attempt = 0 AND run_at > created AND run_at > $%d`, len(args)))
	}
	for _, c := range []struct{ value, test string }{{string(f.State), `state = `}, {f.Before, `id < `}, {f.About, `key = `}} {
		if c.value != "" {
			args = append(args, c.value)
			where = append(where, fmt.Sprintf("%s$%d", c.test, len(args)))
		}
	}
	if f.About != "" {
		args = append(args, utf8.RuneCountInString(f.About)+1, f.About+"/")
		where[len(where)-1] = fmt.Sprintf("(%s OR substr(key, 1, $%d) = $%d)", where[len(where)-1], len(args)-1, len(args))
	}
	var out []*job.Job
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		j, err := scan(rows)
		out = append(out, j)
		return err
	}, `SELECT `+columns+` FROM job WHERE `+strings.Join(where, ` AND `)+` ORDER BY id DESC LIMIT $1`, args...)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return out, nil
}

// Forget removes jobs that ended well before a moment and says how many. Those that are
// dead stay until somebody has seen to them, and so do those of the last day: their keys
// keep the same work from being asked for twice.
func Forget(ctx context.Context, tx *store.Tx, before time.Time) (int64, error) {
	if day := tx.Now().Add(-24 * time.Hour); before.After(day) {
		before = day
	}
	n, err := tx.Exec(ctx, `DELETE FROM job WHERE state = 'done' AND ended < $1`, store.Micros(before))
	if err != nil {
		return 0, fmt.Errorf("forget old jobs: %w", err)
	}
	return n, nil
}
