package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

const scheduleColumns = `id, kind, payload, cron, zone, next_run, enabled, version`

func schedules(ctx context.Context, r *store.Reader, where string, args ...any) ([]*job.Schedule, error) {
	var out []*job.Schedule
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var s job.Schedule
		var next, enabled int64
		if err := rows.Scan(&s.ID, &s.Kind, &s.Payload, &s.Cron, &s.Zone, &next, &enabled, &s.Version); err != nil {
			return err
		}
		s.Next, s.Enabled = store.Time(next), enabled == 1
		out = append(out, &s)
		return nil
	}, `SELECT `+scheduleColumns+` FROM schedule`+where+` ORDER BY id`, args...)
	return out, err
}

// Schedules lists all schedules.
func Schedules(ctx context.Context, r *store.Reader) ([]*job.Schedule, error) {
	out, err := schedules(ctx, r, ``)
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	return out, nil
}

// Schedule reads one schedule.
func Schedule(ctx context.Context, r *store.Reader, id string) (*job.Schedule, error) {
	out, err := schedules(ctx, r, ` WHERE id = $1`, id)
	if err == nil && len(out) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("schedule %s: %w", id, err)
	}
	return out[0], nil
}

// SetSchedule makes a schedule, if its Version is 0, or changes it if it still has that
// version; store.ErrConflict otherwise. Its next time is computed anew.
func SetSchedule(ctx context.Context, tx *store.Tx, actor string, s job.Schedule) error {
	if err := s.Check(); err != nil {
		return err
	}
	next, err := s.After(tx.Clock())
	if err != nil {
		return err
	}
	enabled := 0
	if s.Enabled {
		enabled = 1
	}
	if s.Version == 0 {
		err = tx.ExecOne(ctx, `INSERT INTO schedule (`+scheduleColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, 1) ON CONFLICT (id) DO NOTHING`,
			s.ID, s.Kind, s.Payload, s.Cron, s.Zone, store.Micros(next), enabled)
	} else {
		err = tx.ExecOne(ctx, `UPDATE schedule SET kind = $2, payload = $3, cron = $4, zone = $5, next_run = $6, enabled = $7, version = version + 1 WHERE id = $1 AND version = $8`,
			s.ID, s.Kind, s.Payload, s.Cron, s.Zone, store.Micros(next), enabled, s.Version)
	}
	if err != nil {
		return fmt.Errorf("schedule %s: %w", s.ID, err)
	}
	state := "off"
	if s.Enabled {
		state = "on"
	}
	tx.Announce("schedule", s.ID)
	return tx.Record("schedule.changed", s.ID, actor, ledger.NewPayload("schedule", fmt.Appendf(nil, "%s %s %q %s\n%s\n", state, s.Kind, s.Cron, s.Zone, s.Payload)))
}

// RemoveSchedule removes a schedule; jobs that it made stay.
func RemoveSchedule(ctx context.Context, tx *store.Tx, actor, id string) error {
	err := tx.ExecOne(ctx, `DELETE FROM schedule WHERE id = $1`, id)
	if errors.Is(err, store.ErrConflict) {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("schedule %s: %w", id, err)
	}
	tx.Announce("schedule", id)
	return tx.Record("schedule.removed", id, actor)
}
