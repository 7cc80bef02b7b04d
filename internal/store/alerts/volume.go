package alerts

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
)

// AddVolume adds to what rules came to in hours.
func AddVolume(ctx context.Context, tx *store.Tx, list []alert.Volume) error {
	type place struct {
		rule string
		hour int64
	}
	var order []place
	sums := map[place]*alert.Volume{}
	for _, v := range list { // one statement cannot change a row twice
		at := place{store.Kept(v.Rule, short), v.Hour}
		if sums[at] == nil {
			order, sums[at] = append(order, at), &alert.Volume{Rule: at.rule, Hour: at.hour}
		}
		sums[at].Matches += v.Matches
		sums[at].Alerts += v.Alerts
	}
	// In one order: other processes count the same rules meanwhile.
	slices.SortFunc(order, func(a, b place) int { return cmp.Or(cmp.Compare(a.hour, b.hour), strings.Compare(a.rule, b.rule)) })
	if tx.Arrays() {
		rules, hours, matches, alerts := make([]string, len(order)), make([]int64, len(order)), make([]int64, len(order)), make([]int64, len(order))
		for i, at := range order {
			rules[i], hours[i], matches[i], alerts[i] = at.rule, at.hour, int64(sums[at].Matches), int64(sums[at].Alerts)
		}
		return addVolume(ctx, tx, `SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])`, rules, hours, matches, alerts)
	}
	for part := range slices.Chunk(order, clause.Most) {
		var rows clause.Rows
		for _, at := range part {
			rows.Add(at.rule, at.hour, int64(sums[at].Matches), int64(sums[at].Alerts))
		}
		if err := addVolume(ctx, tx, `VALUES `+rows.String(), rows.Args...); err != nil {
			return err
		}
	}
	return nil
}

func addVolume(ctx context.Context, tx *store.Tx, rows string, args ...any) error {
	_, err := tx.Exec(ctx, `INSERT INTO rule_volume (rule, hour, matches, alerts) `+rows+`
		ON CONFLICT (rule, hour) DO UPDATE SET matches = rule_volume.matches + excluded.matches, alerts = rule_volume.alerts + excluded.alerts`, args...)
	if err != nil {
		return fmt.Errorf("count what rules come to: %w", err)
	}
	return nil
}

// Volumes sums what each rule came to from a time on until before another, by name.
func Volumes(ctx context.Context, r *store.Reader, since, until time.Time) ([]alert.Volume, error) {
	var out []alert.Volume
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var v alert.Volume
		err := rows.Scan(&v.Rule, &v.Matches, &v.Alerts)
		out = append(out, v)
		return err
	}, `SELECT rule, CAST(SUM(matches) AS BIGINT), CAST(SUM(alerts) AS BIGINT) FROM rule_volume WHERE hour >= $1 AND hour < $2 GROUP BY rule ORDER BY rule`, hour(since), hour(until))
	if err != nil {
		return nil, fmt.Errorf("sum what rules come to: %w", err)
	}
	return out, nil
}

// ByHour gives what one rule came to, by the hour, without hours in which it was quiet.
func ByHour(ctx context.Context, r *store.Reader, rule string, since, until time.Time) ([]alert.Volume, error) {
	var out []alert.Volume
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		v := alert.Volume{Rule: rule}
		err := rows.Scan(&v.Hour, &v.Matches, &v.Alerts)
		out = append(out, v)
		return err
	}, `SELECT hour, matches, alerts FROM rule_volume WHERE rule = $1 AND hour >= $2 AND hour < $3 ORDER BY hour`, rule, hour(since), hour(until))
	if err != nil {
		return nil, fmt.Errorf("read what rule %s comes to: %w", rule, err)
	}
	return out, nil
}

// Spread sums what each rule came to in steps of whole hours from a time on: by name, a
// volume for each step. Volume.Hour is the first hour of the step.
func Spread(ctx context.Context, r *store.Reader, since time.Time, hours, steps int) (map[string][]alert.Volume, error) {
	first := hour(since)
	out := map[string][]alert.Volume{}
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var rule string
		var step, matches, found int64
		if err := rows.Scan(&rule, &step, &matches, &found); err != nil {
			return err
		}
		list := out[rule]
		if list == nil {
			list = make([]alert.Volume, steps)
			for i := range list {
				list[i] = alert.Volume{Rule: rule, Hour: first + int64(i*hours)}
			}
			out[rule] = list
		}
		list[step].Matches, list[step].Alerts = int(matches), int(found)
		return nil
	}, `SELECT rule, step, CAST(SUM(matches) AS BIGINT), CAST(SUM(alerts) AS BIGINT) FROM (
			SELECT rule, (hour - CAST($1 AS BIGINT)) / CAST($2 AS BIGINT) AS step, matches, alerts FROM rule_volume WHERE hour >= CAST($1 AS BIGINT) AND hour < CAST($3 AS BIGINT)
		) AS steps GROUP BY rule, step`, first, int64(hours), first+int64(hours*steps))
	if err != nil {
		return nil, fmt.Errorf("sum what rules come to in steps: %w", err)
	}
	return out, nil
}

// Fired says in which hour each rule last matched, as far back as volumes are kept.
func Fired(ctx context.Context, r *store.Reader) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var rule string
		var last int64
		err := rows.Scan(&rule, &last)
		out[rule] = time.Unix(last*3600, 0).UTC()
		return err
	}, `SELECT rule, MAX(hour) FROM rule_volume WHERE matches > 0 GROUP BY rule`)
	if err != nil {
		return nil, fmt.Errorf("read when rules last matched: %w", err)
	}
	return out, nil
}

// ForgetVolume removes what rules came to before a time, and says how many hours of rules.
func ForgetVolume(ctx context.Context, tx *store.Tx, before time.Time) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM rule_volume WHERE hour < $1`, hour(before))
	if err != nil {
		return 0, fmt.Errorf("forget what rules came to: %w", err)
	}
	return n, nil
}

func hour(t time.Time) int64 { return t.Unix() / 3600 }
