package letters

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Way is how a way of notices does.
type Way struct {
	Name      string
	Succeeded int64     // notices that it took
	Failures  int64     // attempts that failed
	Taken     time.Time // when it last took one
	Failed    time.Time // when an attempt last failed
	Said      string    // why
}

// Took notes that a way took a notice.
func Took(ctx context.Context, tx *store.Tx, way string) error {
	_, err := tx.Exec(ctx, `INSERT INTO notice_way (way, taken, failed, said, succeeded, failures) VALUES ($1, $2, 0, '', 1, 0)
		ON CONFLICT (way) DO UPDATE SET taken = $2, succeeded = notice_way.succeeded + 1`, way, store.Micros(tx.Now()))
	return err
}

// Failed notes that an attempt failed, and why.
func Failed(ctx context.Context, tx *store.Tx, way, why string) error {
	_, err := tx.Exec(ctx, `INSERT INTO notice_way (way, taken, failed, said, succeeded, failures) VALUES ($1, 0, $2, $3, 0, 1)
		ON CONFLICT (way) DO UPDATE SET failed = $2, said = $3, failures = notice_way.failures + 1`, way, store.Micros(tx.Now()), why)
	return err
}

// Ways lists how the ways do, by name.
func Ways(ctx context.Context, r *store.Reader) (map[string]Way, error) {
	out := map[string]Way{}
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var w Way
		var taken, failed int64
		if err := rows.Scan(&w.Name, &taken, &failed, &w.Said, &w.Succeeded, &w.Failures); err != nil {
			return err
		}
		w.Taken, w.Failed = store.Time(taken), store.Time(failed)
		out[w.Name] = w
		return nil
	}, `SELECT way, taken, failed, said, succeeded, failures FROM notice_way`)
	if err != nil {
		return nil, fmt.Errorf("read the ways of notices: %w", err)
	}
	return out, nil
}

// Count says how many letters stand where, of one kind of jobs.
type Count struct{ Waiting, Held, Dead int }

// Counts counts the letters that are not done, by kind of job. Held are those that wait,
// were never tried and are not due yet.
func Counts(ctx context.Context, r *store.Reader, kind string, now time.Time) (map[string]Count, error) {
	out := map[string]Count{}
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var of, state string
		var held, n int
		if err := rows.Scan(&of, &state, &held, &n); err != nil {
			return err
		}
		c := out[of]
		switch {
		case job.State(state) == job.Dead:
			c.Dead += n
		case held == 1:
			c.Held += n
		default:
			c.Waiting += n
		}
		out[of] = c
		return nil
	}, `SELECT kind, state, CASE WHEN state = 'waiting' AND attempt = 0 AND run_at > created AND run_at > $3 THEN 1 ELSE 0 END AS held, COUNT(*)
		FROM job WHERE (kind = $1 OR substr(kind, 1, $4) = $2) AND state <> 'done' GROUP BY kind, state, held`, kind, kind+"/", store.Micros(now), len(kind)+1)
	if err != nil {
		return nil, fmt.Errorf("count notices: %w", err)
	}
	return out, nil
}

// Adopt moves letters of ways that are configured no more to the kind that gives them up,
// so that they do not wait where nobody looks.
func Adopt(ctx context.Context, tx *store.Tx, kind string, ways []string) (int64, error) {
	where, args := "", []any{kind, kind + "/", len(kind) + 1}
	for _, w := range ways {
		args = append(args, kind+"/"+w)
		where += fmt.Sprintf(" AND kind <> $%d", len(args))
	}
	n, err := tx.Exec(ctx, `UPDATE job SET kind = $1 WHERE substr(kind, 1, $3) = $2 AND state = 'waiting'`+where, args...)
	if err != nil {
		return 0, fmt.Errorf("notices of ways that are gone: %w", err)
	}
	return n, nil
}
