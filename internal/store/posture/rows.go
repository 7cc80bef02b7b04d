package posture

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Row is an account as it is known now.
type Row struct {
	ID      rootkeep.AccountID
	Name    string // as its organization lists it
	Alias   string
	Path    []string // the root and the units that it lies in, from the root down
	Scan    string   // the newest that judged it, "" for none
	Taken   time.Time
	Tried   time.Time // when a scan last came to it
	Problem string    // why that scan could not read it, "" if it did
	Summary Summary
}

// Place is where the account lies, for what an actor may do there.
func (a *Row) Place() people.Place { return people.Place{Account: a.ID, Path: a.Path} }

const accountColumns = `id, name, alias, path, scan, taken, tried, problem, summary`

func scanAccount(row interface{ Scan(...any) error }) (*Row, error) {
	var a Row
	var path, summary string
	var taken, tried int64
	if err := row.Scan(&a.ID, &a.Name, &a.Alias, &path, &a.Scan, &taken, &tried, &a.Problem, &summary); err != nil {
		return nil, err
	}
	a.Taken, a.Tried = store.Time(taken), store.Time(tried)
	if err := json.Unmarshal([]byte(path), &a.Path); err != nil {
		return nil, fmt.Errorf("path of account %s: %w", a.ID, err)
	}
	if err := json.Unmarshal([]byte(summary), &a.Summary); err != nil {
		return nil, fmt.Errorf("summary of account %s: %w", a.ID, err)
	}
	return &a, nil
}

// readAccount reads an account; an empty Row if it is not known.
func readAccount(ctx context.Context, tx *store.Tx, id rootkeep.AccountID) (*Row, bool, error) {
	a, err := scanAccount(tx.Row(ctx, `SELECT `+accountColumns+` FROM account WHERE id = $1`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return &Row{ID: id}, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read account %s: %w", id, err)
	}
	return a, true, nil
}

// PlaceOf is where an account lies; of one that no scan has seen only its number is known.
func PlaceOf(ctx context.Context, r *store.Reader, id rootkeep.AccountID) (people.Place, error) {
	at := people.Place{Account: id}
	var path string
	err := r.Row(ctx, `SELECT path FROM account WHERE id = $1`, string(id)).Scan(&path)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return at, nil
	case err != nil:
		return at, fmt.Errorf("read account %s: %w", id, err)
	}
	return at, json.Unmarshal([]byte(path), &at.Path)
}

const findingColumns = `f.id, f.account, f.control, f.title, f.severity, f.status, f.region, f.resource, f.detail, f.missing, f.permissions, f.owner, f.reason, f.until,
	f.first_seen, f.changed_at, f.last_seen`

func scanFinding(rows interface{ Scan(...any) error }) (*Finding, error) {
	var f Finding
	var missing, permissions, owner, reason string
	var until, first, changed, last int64
	err := rows.Scan(&f.ID, &f.Account, &f.Control, &f.Title, &f.Severity, &f.Status, &f.Region, &f.Resource, &f.Detail, &missing, &permissions, &owner, &reason, &until,
		&first, &changed, &last)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(missing), &f.Missing); err != nil {
		return nil, fmt.Errorf("finding of %s: %w", f.Control, err)
	}
	if err := json.Unmarshal([]byte(permissions), &f.Permissions); err != nil {
		return nil, fmt.Errorf("finding of %s: %w", f.Control, err)
	}
	if f.Status == rootkeep.Excepted {
		f.Exception = &rootkeep.Exception{Owner: owner, Reason: reason, Until: store.Time(until)}
	}
	f.FirstSeen, f.Changed, f.LastSeen = store.Time(first), store.Time(changed), store.Time(last)
	return &f, nil
}

// findingsOf are all findings of an account, by ID.
func findingsOf(ctx context.Context, r *store.Reader, id rootkeep.AccountID) (map[string]*Finding, error) {
	out := map[string]*Finding{}
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		f, err := scanFinding(rows)
		if err == nil {
			out[f.ID] = f
		}
		return err
	}, `SELECT `+findingColumns+` FROM finding f WHERE f.account = $1`, string(id))
	return out, err
}

// together is how many rows one statement writes. SQLite's driver finds each parameter by
// its name among all of the statement, so that few rows at a time are the fastest.
const together = 10

// save writes what a scan changed.
func (m *merged) save(ctx context.Context, tx *store.Tx, scan string) error {
	for from := 0; from < len(m.drop); from += together {
		ids := m.drop[from:min(from+together, len(m.drop))]
		args := make([]any, len(ids))
		for i, id := range ids {
			args[i] = id
		}
		if _, err := tx.Exec(ctx, `DELETE FROM finding WHERE id IN (`+list(1, len(ids))+`)`, args...); err != nil {
			return err
		}
	}
	for from := 0; from < len(m.write); from += together {
		if err := m.put(ctx, tx, m.write[from:min(from+together, len(m.write))]); err != nil {
			return err
		}
	}
	return writeChanges(ctx, tx, scan, m.changes)
}

func (m *merged) put(ctx context.Context, tx *store.Tx, ids []string) error {
	v := values{}
	for _, id := range ids {
		f := m.all[id]
		missing, err := json.Marshal(f.Missing)
		if err != nil {
			return err
		}
		permissions, err := json.Marshal(f.Permissions)
		if err != nil {
			return err
		}
		x := f.Exception
		if x == nil {
			x = &rootkeep.Exception{}
		}
		v.row(id, string(f.Account), f.Control, f.Title, int(f.Severity), int(f.Status), place(&f.Finding), string(f.Region), f.Resource, f.Detail, string(missing), string(permissions),
			x.Owner, x.Reason, store.Micros(x.Until), store.Micros(f.FirstSeen), store.Micros(f.Changed), store.Micros(f.LastSeen), searched(&f.Finding))
	}
	_, err := tx.Exec(ctx, `INSERT INTO finding (id, account, control, title, severity, status, place, region, resource, detail, missing, permissions,
			owner, reason, until, first_seen, changed_at, last_seen, search) VALUES `+v.text.String()+`
		ON CONFLICT (id) DO UPDATE SET title = excluded.title, severity = excluded.severity, status = excluded.status, place = excluded.place, detail = excluded.detail,
			missing = excluded.missing, permissions = excluded.permissions, owner = excluded.owner, reason = excluded.reason, until = excluded.until,
			changed_at = excluded.changed_at, last_seen = excluded.last_seen, search = excluded.search`, v.args...)
	return err
}

func writeChanges(ctx context.Context, tx *store.Tx, scan string, changes []Change) error {
	var n int64
	if err := tx.Row(ctx, `SELECT COALESCE(MAX(n), 0) FROM finding_change`).Scan(&n); err != nil {
		return err
	}
	for from := 0; from < len(changes); from += together {
		v := values{}
		for _, c := range changes[from:min(from+together, len(changes))] {
			n++
			f := &c.Finding
			v.row(n, scan, c.ID, store.Micros(c.At), c.Kind, c.Was, c.Now, string(f.Account), f.Control, f.Title, int(f.Severity), string(f.Region), f.Resource)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO finding_change (n, scan, finding, at, kind, was, now, account, control, title, severity, region, resource) VALUES `+v.text.String(), v.args...); err != nil {
			return err
		}
	}
	return nil
}

// values are the rows of one INSERT.
type values struct {
	text strings.Builder
	args []any
}

func (v *values) row(args ...any) {
	if v.text.Len() > 0 {
		v.text.WriteString(", ")
	}
	v.text.WriteString("(" + list(len(v.args)+1, len(args)) + ")")
	v.args = append(v.args, args...)
}

// list is n numbered parameters from the first on: $1, $2.
func list(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", first+i)
	}
	return b.String()
}
