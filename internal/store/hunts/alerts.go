package hunts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/ledger"
)

// States of an alert.
const (
	Open         = "open"
	Acknowledged = "acknowledged"
)

// Alert is an alert and what became of it.
type Alert struct {
	rootkeep.Alert
	State   string // Open or Acknowledged
	Seen    time.Time
	By      string    // ID of who decided last, "" for nobody
	Reason  string    // why, in their words
	Decided time.Time // zero for never
}

// standing is what the store knows of an alert when a hunt brings it again.
type standing struct {
	account, state string
	level          rootkeep.Severity
	count          int
}

func (h *Result) takeAlerts(ctx context.Context, tx *store.Tx) error {
	return inParts(h.Alerts, func(part []rootkeep.Alert) error {
		before, err := standings(ctx, tx, part)
		if err != nil {
			return err
		}
		var links clause.Rows
		met := map[string]bool{}
		for i := range part {
			a := &part[i]
			if met[a.ID] {
				continue
			}
			met[a.ID] = true
			if err := h.takeAlert(ctx, tx, a, before[a.ID]); err != nil {
				return err
			}
			links.Add(h.ID, a.ID)
		}
		_, err = tx.Exec(ctx, `INSERT INTO hunt_alert (hunt, alert) VALUES `+links.String()+` ON CONFLICT (hunt, alert) DO NOTHING`, links.Args...)
		return err
	})
}

func standings(ctx context.Context, tx *store.Tx, part []rootkeep.Alert) (map[string]*standing, error) {
	ids := make([]string, len(part))
	for i := range part {
		ids[i] = part[i].ID
	}
	var w clause.Where
	clause.In(&w, "id", ids)
	out := map[string]*standing{}
	err := store.Each(ctx, &tx.Reader, func(rows *sql.Rows) error {
		var id string
		var s standing
		if err := rows.Scan(&id, &s.account, &s.state, &s.level, &s.count); err != nil {
			return err
		}
		out[id] = &s
		return nil
	}, `SELECT id, account, state, level, count FROM alert`+w.String(), w.Args...)
	return out, err
}

// takeAlert keeps an alert. One that is known is replaced by one that tells no less; if
// it tells more than what somebody acknowledged, it is open again.
func (h *Result) takeAlert(ctx context.Context, tx *store.Tx, a *rootkeep.Alert, was *standing) error {
	account := Kept(string(a.Account), short)
	if was != nil && was.account != account {
		return fmt.Errorf("%w: alert %s is known of account %s", ErrUnfit, a.ID, was.account)
	}
	if was != nil && (a.Level < was.level || a.Level == was.level && a.Count <= was.count) {
		return nil
	}
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	tx.Announce("alert", a.ID)
	if was == nil {
		_, err := tx.Exec(ctx, `INSERT INTO alert (id, account, level, title, kind, tactic, principal, first, last, count, seen, state, decided_by, reason, decided, data)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', '', 0, $13)`,
			a.ID, account, int(a.Level), Kept(a.Title, long), Kept(a.Kind, short), Kept(a.Tactic, short), Kept(a.Actor.Principal, long),
			store.Micros(a.First), store.Micros(a.Last), a.Count, store.Micros(tx.Now()), Open, data)
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE alert SET level = $1, title = $2, kind = $3, tactic = $4, principal = $5, first = $6, last = $7, count = $8, state = $9, data = $10 WHERE id = $11`,
		int(a.Level), Kept(a.Title, long), Kept(a.Kind, short), Kept(a.Tactic, short), Kept(a.Actor.Principal, long),
		store.Micros(a.First), store.Micros(a.Last), a.Count, Open, data, a.ID)
	if err != nil || was.state == Open {
		return err
	}
	return tx.Record("alert.reopened", a.ID, h.Actor)
}

// Acknowledge notes that somebody has dealt with an alert, and why it is dealt with.
func Acknowledge(ctx context.Context, tx *store.Tx, id, actor, reason string) error {
	return decide(ctx, tx, id, actor, reason, Open, Acknowledged, "alert.acknowledged")
}

// Reopen takes an acknowledgement back.
func Reopen(ctx context.Context, tx *store.Tx, id, actor, reason string) error {
	return decide(ctx, tx, id, actor, reason, Acknowledged, Open, "alert.reopened")
}

// LongestReason bounds a reason, bytes.
const LongestReason = 1000

func decide(ctx context.Context, tx *store.Tx, id, actor, reason, from, to, entry string) error {
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > LongestReason {
		return fmt.Errorf("%w: a reason of at most %d bytes is required", ErrUnfit, LongestReason)
	}
	err := tx.ExecOne(ctx, `UPDATE alert SET state = $1, decided_by = $2, reason = $3, decided = $4 WHERE id = $5 AND state = $6`,
		to, actor, Kept(reason, LongestReason), store.Micros(tx.Now()), id, from)
	if err != nil {
		return fmt.Errorf("alert %s: %w", id, err)
	}
	tx.Announce("alert", id)
	return tx.Record(entry, id, actor, ledger.NewPayload("reason", []byte(reason)))
}

// AlertFilter narrows a list of alerts. Zero fields do not.
type AlertFilter struct {
	Account  rootkeep.AccountID
	Least    rootkeep.Severity
	State    string
	Tactic   string
	Text     string // in the title, the principal or the ID
	Hunt     string
	Since    time.Time // last event
	SeenFrom time.Time // first sent
}

func (f AlertFilter) where(s Sight) *clause.Where {
	w := &clause.Where{}
	s.Keep(w, "a.account")
	if f.Account != "" {
		w.And("a.account = ?", string(f.Account))
	}
	if f.Least > 0 {
		w.And("a.level >= ?", int(f.Least))
	}
	if f.State != "" {
		w.And("a.state = ?", f.State)
	}
	if f.Tactic != "" {
		w.And("a.tactic = ?", f.Tactic)
	}
	if f.Text != "" {
		like := clause.Like(strings.ToLower(Kept(f.Text, short)))
		w.And(`(LOWER(a.title) LIKE ? ESCAPE '\' OR LOWER(a.principal) LIKE ? ESCAPE '\' OR LOWER(a.id) LIKE ? ESCAPE '\')`, like, like, like)
	}
	if f.Hunt != "" {
		w.And("a.id IN (SELECT alert FROM hunt_alert WHERE hunt = ?)", f.Hunt)
	}
	if !f.Since.IsZero() {
		w.And("a.last >= ?", store.Micros(f.Since))
	}
	if !f.SeenFrom.IsZero() {
		w.And("a.seen >= ?", store.Micros(f.SeenFrom))
	}
	return w
}

const alertColumns = `a.data, a.state, a.seen, a.decided_by, a.reason, a.decided`

func scanAlert(row interface{ Scan(...any) error }) (*Alert, error) {
	var a Alert
	var data []byte
	var state string
	var seen, decided int64
	if err := row.Scan(&data, &state, &seen, &a.By, &a.Reason, &decided); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &a.Alert); err != nil {
		return nil, fmt.Errorf("kept alert: %w", err)
	}
	a.State, a.Seen, a.Decided = state, store.Time(seen), store.Time(decided)
	return &a, nil
}

// alertPlace is where a page of alerts begins.
type alertPlace struct {
	Level int    `json:"l"`
	Last  int64  `json:"t"`
	ID    string `json:"i"`
}

// Alerts lists alerts, the most severe first, then the latest. next is the cursor of the
// page after it, "" on the last.
func Alerts(ctx context.Context, r *store.Reader, s Sight, f AlertFilter, cursor string, most int) (list []*Alert, next string, err error) {
	w := f.where(s)
	if cursor != "" {
		var at alertPlace
		if !clause.Place(cursor, &at) {
			return nil, "", ErrCursor
		}
		w.And("(a.level < ? OR a.level = ? AND (a.last < ? OR a.last = ? AND a.id > ?))", at.Level, at.Level, at.Last, at.Last, at.ID)
	}
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		a, err := scanAlert(rows)
		list = append(list, a)
		return err
	}, `SELECT `+alertColumns+` FROM alert a`+w.String()+` ORDER BY a.level DESC, a.last DESC, a.id LIMIT `+w.Next(most+1), w.Args...)
	if err != nil {
		return nil, "", fmt.Errorf("list alerts: %w", err)
	}
	if len(list) > most {
		list = list[:most]
		last := list[most-1]
		next = clause.Cursor(alertPlace{int(last.Level), store.Micros(last.Last), last.ID})
	}
	return list, next, nil
}

// ErrCursor is a cursor that no list gave.
var ErrCursor = errors.New("the cursor is not one that this list gave")

// AlertByID reads an alert in sight.
func AlertByID(ctx context.Context, r *store.Reader, s Sight, id string) (*Alert, error) {
	w := &clause.Where{}
	w.And("a.id = ?", id)
	s.Keep(w, "a.account")
	a, err := scanAlert(r.Row(ctx, `SELECT `+alertColumns+` FROM alert a`+w.String(), w.Args...))
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("alert %s: %w", id, err)
	}
	return a, nil
}

// CountAlerts counts alerts by severity.
func CountAlerts(ctx context.Context, r *store.Reader, s Sight, f AlertFilter) (by [rootkeep.Critical + 1]int64, err error) {
	w := f.where(s)
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		var level, n int64
		if err := rows.Scan(&level, &n); err != nil {
			return err
		}
		by[min(max(level, 0), int64(rootkeep.Critical))] += n
		return nil
	}, `SELECT a.level, COUNT(*) FROM alert a`+w.String()+` GROUP BY a.level`, w.Args...)
	if err != nil {
		return by, fmt.Errorf("count alerts: %w", err)
	}
	return by, nil
}
