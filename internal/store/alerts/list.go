package alerts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// Filter narrows a list of alerts. Zero fields do not.
type Filter struct {
	States   []alert.State
	Account  rootkeep.AccountID // of one, of several of which it is one, or of more than are named
	Least    rootkeep.Severity
	Rule     string // name of one of its rules
	Owner    string
	Of       string // principal, as alerts name it
	Tactic   string
	Tag      string
	Case     string // CS-...
	Hunt     string // HU-...
	Storm    string // AL-...: its members
	Muted    []alert.Mute
	Text     string    // in the title, the principal or the ID
	Since    time.Time // last event
	Until    time.Time // first event
	SeenFrom time.Time // first seen
}

// Inbox are the mutes of alerts that a list shows unless somebody asks for others: those that
// are told, by themselves or by their case, and those of hunts.
func Inbox() []alert.Mute { return []alert.Mute{"", alert.ByCase, alert.ByHunt} }

func (f *Filter) where(s sight.Sight) *clause.Where {
	w := &clause.Where{}
	s.Keep(w, "a.account")
	for _, c := range []struct{ condition, value string }{
		{"a.owner = ?", f.Owner}, {"a.principal = ?", f.Of}, {"a.tactic = ?", f.Tactic}, {"a.incident = ?", f.Case}, {"a.muted_by = ?", f.Storm},
		{"a.id IN (SELECT alert FROM alert_rule WHERE rule = ?)", f.Rule}, {"a.id IN (SELECT alert FROM alert_tag WHERE tag = ?)", f.Tag},
		{"a.id IN (SELECT alert FROM hunt_alert WHERE hunt = ?)", f.Hunt},
	} {
		if c.value != "" {
			w.And(c.condition, store.Kept(c.value, long))
		}
	}
	if f.Account != "" {
		w.And("(a.account = ? OR a.id IN (SELECT alert FROM alert_about WHERE account IN (?, '')))", string(f.Account), string(f.Account))
	}
	if f.Least > 0 {
		w.And("a.level >= ?", int(f.Least))
	}
	if f.States != nil {
		clause.In(w, "a.state", f.States)
	}
	if f.Muted != nil {
		clause.In(w, "a.muted", f.Muted)
	}
	if f.Text != "" {
		like := clause.Like(strings.ToLower(store.Kept(f.Text, short)))
		w.And(`(LOWER(a.title) LIKE ? ESCAPE '\' OR LOWER(a.principal) LIKE ? ESCAPE '\' OR LOWER(a.id) LIKE ? ESCAPE '\')`, like, like, like)
	}
	if !f.Since.IsZero() {
		w.And("a.last >= ?", store.Micros(f.Since))
	}
	if !f.Until.IsZero() {
		w.And("a.first <= ?", store.Micros(f.Until))
	}
	if !f.SeenFrom.IsZero() {
		w.And("a.seen >= ?", store.Micros(f.SeenFrom))
	}
	return w
}

// place is where a page of alerts begins.
type place struct {
	Level int    `json:"l"`
	Last  int64  `json:"t"`
	ID    string `json:"i"`
}

// ErrCursor is a cursor that no list gave.
var ErrCursor = errors.New("the cursor is not one that this list gave")

// List reads alerts in sight, the most severe first, then the latest, without their history.
// next is the cursor of the page after it, "" on the last.
func List(ctx context.Context, r *store.Reader, s sight.Sight, f Filter, cursor string, most int) (list []*Alert, next string, err error) {
	w := f.where(s)
	if cursor != "" {
		var at place
		if !clause.Place(cursor, &at) {
			return nil, "", ErrCursor
		}
		w.And("(a.level < ? OR a.level = ? AND (a.last < ? OR a.last = ? AND a.id > ?))", at.Level, at.Level, at.Last, at.Last, at.ID)
	}
	limit := w.Next(most + 1)
	list, err = query(ctx, r, w.String()+` ORDER BY a.level DESC, a.last DESC, a.id LIMIT `+limit, w.Args...)
	if err != nil {
		return nil, "", fmt.Errorf("list alerts: %w", err)
	}
	if len(list) > most {
		list = list[:most]
		last := list[most-1]
		next = clause.Cursor(place{int(last.Found.Level), store.Micros(last.Found.Last), last.ID})
	}
	return list, next, nil
}

// MostLines is how many lines of its history are read with an alert, the newest.
const MostLines = 500

// ByID reads an alert in sight with its history; ErrNotFound if there is none.
func ByID(ctx context.Context, r *store.Reader, s sight.Sight, id string) (*Alert, error) {
	a, err := get(ctx, r, id)
	if err != nil {
		return nil, err
	}
	if !s.Sees(a.Found.Account) {
		return nil, fmt.Errorf("alert %s: %w", id, store.ErrNotFound)
	}
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		var l alert.Line
		var at int64
		err := rows.Scan(&at, &l.By, &l.Act, &l.About)
		l.At = store.Time(at)
		a.History = append(a.History, l)
		return err
	}, `SELECT at, person, act, about FROM alert_history WHERE alert = $1 ORDER BY number DESC LIMIT $2`, id, MostLines)
	if err != nil {
		return nil, fmt.Errorf("read the history of alert %s: %w", id, err)
	}
	slices.Reverse(a.History)
	a.had = len(a.History)
	return a, nil
}

// Counts says how many alerts there are.
type Counts struct {
	Levels [rootkeep.Critical + 1]int64
	States map[alert.State]int64
}

// Count counts alerts in sight by level and by state.
func Count(ctx context.Context, r *store.Reader, s sight.Sight, f Filter) (Counts, error) {
	c := Counts{States: map[alert.State]int64{}}
	w := f.where(s)
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var state alert.State
		var level, n int64
		if err := rows.Scan(&state, &level, &n); err != nil {
			return err
		}
		c.Levels[min(max(level, 0), int64(rootkeep.Critical))] += n
		c.States[state] += n
		return nil
	}, `SELECT a.state, a.level, COUNT(*) FROM alert a`+w.String()+` GROUP BY a.state, a.level`, w.Args...)
	if err != nil {
		return c, fmt.Errorf("count alerts: %w", err)
	}
	return c, nil
}

// Levels counts the alerts that the actor may read, by level.
func Levels(ctx context.Context, r *store.Reader, actor people.Actor, f Filter) ([rootkeep.Critical + 1]int64, error) {
	s, err := SightOf(ctx, r, actor)
	if err != nil {
		return Counts{}.Levels, err
	}
	c, err := Count(ctx, r, s, f)
	return c.Levels, err
}

// SightOf is what the actor may read of the accounts that alerts are about.
func SightOf(ctx context.Context, r *store.Reader, actor people.Actor) (sight.Sight, error) {
	if actor.May(people.Read, people.Place{}) {
		return sight.All(), nil
	}
	if !actor.MayAnywhere(people.Read) {
		return sight.Sight{}, nil
	}
	all, err := store.Texts(ctx, r, `SELECT DISTINCT account FROM alert WHERE account <> '' ORDER BY account`)
	if err != nil {
		return sight.Sight{}, fmt.Errorf("list the accounts of alerts: %w", err)
	}
	var seen []rootkeep.AccountID
	for _, id := range all {
		at, err := posture.PlaceOf(ctx, r, rootkeep.AccountID(id))
		if err != nil {
			return sight.Sight{}, fmt.Errorf("where account %s lies: %w", id, err)
		}
		if actor.May(people.Read, at) {
			seen = append(seen, rootkeep.AccountID(id))
		}
	}
	return sight.Of(seen), nil
}
