// Package incident keeps cases: what internal/incident makes of them, with their events
// and their history. Every act writes its ledger entry, incident.ACT, in the same
// transaction, and is a compare-and-set on the revision of the row.
package incident

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/ledger"
)

// Topic is that of what listeners are told, and the first word of ledger entries.
const Topic = "incident"

// ErrNotAllowed is an act that the actor's roles do not allow at the account.
var ErrNotAllowed = errors.New("not allowed at this account")

// Case is a case as it is kept. Its History are the newest lines, at most MostLines.
type Case struct {
	incident.Case
	Revision int64
	lines    int // of the whole history
}

// MostLines is how many lines of its history are read with a case.
const MostLines = 2000

const columns = `id, revision, cause, state, severity, account, title, request, owner, opened, closed, reason,
	(SELECT COUNT(*) FROM incident_event e WHERE e.incident = incident.id)`

func scan(row interface{ Scan(...any) error }) (*Case, error) {
	var c Case
	var opened, closed int64
	err := row.Scan(&c.ID, &c.Revision, &c.Cause, &c.State, &c.Severity, &c.Account, &c.Title, &c.Request, &c.Owner, &opened, &closed, &c.Reason, &c.Events)
	c.Opened, c.Closed = store.Time(opened), store.Time(closed)
	return &c, err
}

// get reads a case with its parties and its history; ErrNotFound if there is none.
func get(ctx context.Context, r *store.Reader, id string) (*Case, error) {
	c, err := scan(r.Row(ctx, `SELECT `+columns+` FROM incident WHERE id = $1`, id))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("case %s: %w", id, store.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("read case: %w", err)
	}
	if c.Parties, err = store.Texts(ctx, r, `SELECT person FROM incident_party WHERE incident = $1 ORDER BY person`, id); err != nil {
		return nil, fmt.Errorf("read who took part in case %s: %w", id, err)
	}
	if err := r.Row(ctx, `SELECT COUNT(*) FROM incident_history WHERE incident = $1`, id).Scan(&c.lines); err != nil {
		return nil, fmt.Errorf("read the history of case %s: %w", id, err)
	}
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		var l incident.Line
		var at int64
		err := rows.Scan(&at, &l.By, &l.Act, &l.About)
		l.At = store.Time(at)
		c.History = append(c.History, l)
		return err
	}, `SELECT at, person, act, about FROM incident_history WHERE incident = $1 AND number > $2 ORDER BY number`, id, int64(c.lines-MostLines))
	if err != nil {
		return nil, fmt.Errorf("read the history of case %s: %w", id, err)
	}
	return c, nil
}

// Read reads a case for rootkeep itself, which asks nobody; ErrNotFound if there is none.
func Read(ctx context.Context, r *store.Reader, id string) (*Case, error) { return get(ctx, r, id) }

// keep writes the case as it is after acts that added lines from the number on.
func (c *Case) keep(ctx context.Context, tx *store.Tx, had int) error {
	err := tx.ExecOne(ctx, `UPDATE incident SET revision = revision + 1, state = $3, severity = $4, title = $5, request = $6, owner = $7, closed = $8, reason = $9 WHERE id = $1 AND revision = $2`,
		c.ID, c.Revision, string(c.State), int64(c.Severity), c.Title, c.Request, c.Owner, store.Micros(c.Closed), c.Reason)
	if err != nil {
		return fmt.Errorf("change case %s: %w", c.ID, err)
	}
	c.Revision++
	return c.tell(ctx, tx, had)
}

// tell writes parties and the newest lines of the history, each with its entry.
func (c *Case) tell(ctx context.Context, tx *store.Tx, had int) error {
	tx.Announce(Topic, c.ID)
	for _, p := range c.Parties {
		if _, err := tx.Exec(ctx, `INSERT INTO incident_party (incident, person) VALUES ($1, $2) ON CONFLICT (incident, person) DO NOTHING`, c.ID, p); err != nil {
			return fmt.Errorf("keep who took part in case %s: %w", c.ID, err)
		}
	}
	for _, l := range c.History[had:] {
		c.lines++
		_, err := tx.Exec(ctx, `INSERT INTO incident_history (incident, number, at, person, act, about) VALUES ($1, $2, $3, $4, $5, $6)`,
			c.ID, int64(c.lines), store.Micros(l.At), l.By, string(l.Act), l.About)
		if err != nil {
			return fmt.Errorf("keep the history of case %s: %w", c.ID, err)
		}
		text, err := json.Marshal(struct {
			incident.Line
			Account  rootkeep.AccountID `json:"account"`
			Cause    string             `json:"cause"`
			Events   int                `json:"events"`
			Request  string             `json:"request,omitempty"`
			Severity rootkeep.Severity  `json:"severity"`
			State    incident.State     `json:"state"`
			Title    string             `json:"title"`
		}{l, c.Account, c.Cause, c.Events, c.Request, c.Severity, c.State, c.Title})
		if err != nil {
			return err
		}
		if err := tx.Record(Topic+"."+string(l.Act), c.ID, l.By, ledger.NewPayload("case", text)); err != nil {
			return err
		}
	}
	return nil
}

// Take opens the case of a finding, or adds to it: events are keys of root_event, and what
// the case holds already is not added again. It is false if nothing changed. It records
// incident.opened, incident.added or incident.reopened.
func Take(ctx context.Context, tx *store.Tx, f incident.Finding, events []string) (*Case, bool, error) {
	c, err := get(ctx, &tx.Reader, incident.ID(f.Cause))
	if errors.Is(err, store.ErrNotFound) {
		f.Events = len(events)
		return open(ctx, tx, f, events)
	}
	if err != nil {
		return nil, false, err
	}
	if f.Events, err = c.hold(ctx, tx, events); err != nil {
		return nil, false, err
	}
	had := len(c.History)
	if !c.Take(f, tx.Now()) {
		return c, false, nil
	}
	return c, true, c.keep(ctx, tx, had)
}

func open(ctx context.Context, tx *store.Tx, f incident.Finding, events []string) (*Case, bool, error) {
	c := &Case{Case: *incident.New(f, tx.Now()), Revision: 1}
	_, err := tx.Exec(ctx, `INSERT INTO incident (id, revision, cause, state, severity, account, title, request, owner, opened, closed, reason)
		VALUES ($1, 1, $2, $3, $4, $5, $6, $7, '', $8, 0, '')`,
		c.ID, c.Cause, string(c.State), int64(c.Severity), string(c.Account), c.Title, c.Request, store.Micros(c.Opened))
	if err != nil {
		return nil, false, fmt.Errorf("open case %s: %w", c.ID, err)
	}
	if _, err := c.hold(ctx, tx, events); err != nil {
		return nil, false, err
	}
	return c, true, c.tell(ctx, tx, 0)
}

// hold adds events, and gives how many are new.
func (c *Case) hold(ctx context.Context, tx *store.Tx, events []string) (int, error) {
	fresh := 0
	for from := 0; from < len(events); from += clause.Most {
		var rows clause.Rows
		for _, e := range events[from:min(from+clause.Most, len(events))] {
			rows.Add(c.ID, e, store.Micros(tx.Now()))
		}
		n, err := tx.Exec(ctx, `INSERT INTO incident_event (incident, event, added) VALUES `+rows.String()+` ON CONFLICT (incident, event) DO NOTHING`, rows.Args...)
		if err != nil {
			return 0, fmt.Errorf("add events to case %s: %w", c.ID, err)
		}
		fresh += int(n)
	}
	return fresh, nil
}

// Explain notes that everything a case was opened for is explained, which closes one that
// nobody has taken. It records incident.explained, and incident.closed. It is false if
// nothing changed.
func Explain(ctx context.Context, tx *store.Tx, id, about string) (bool, error) {
	return byItself(ctx, tx, id, func(c *Case) bool { return c.Explain(about, tx.Now()) })
}

// Again opens a closed case again. It records incident.reopened. It is false if it was open.
func Again(ctx context.Context, tx *store.Tx, id, about string) (bool, error) {
	return byItself(ctx, tx, id, func(c *Case) bool { return c.Again(about, tx.Now()) })
}

// Tell notes what happened to what the case is about. It records incident.noted.
func Tell(ctx context.Context, tx *store.Tx, id, about string) error {
	_, err := byItself(ctx, tx, id, func(c *Case) bool { c.Tell(about, tx.Now()); return true })
	return err
}

func byItself(ctx context.Context, tx *store.Tx, id string, act func(*Case) bool) (bool, error) {
	c, err := get(ctx, &tx.Reader, id)
	if err != nil {
		return false, err
	}
	had := len(c.History)
	if !act(c) {
		return false, nil
	}
	return true, c.keep(ctx, tx, had)
}

// Desk is where people work at cases.
type Desk struct {
	// Place says where an account lies.
	Place func(context.Context, *store.Reader, rootkeep.AccountID) (people.Place, error)
	// Ready, if it is not nil, says why a case cannot be closed yet, such as for a review
	// that its request waits for.
	Ready func(context.Context, *store.Reader, *Case) error
}

// New checks that the desk is complete.
func New(d Desk) (*Desk, error) {
	if d.Place == nil {
		return nil, errors.New("incident: places are required")
	}
	return &d, nil
}

// Get reads a case that the actor may read; ErrNotFound if there is none.
func (d *Desk) Get(ctx context.Context, r *store.Reader, actor people.Actor, id string) (*Case, error) {
	c, err := get(ctx, r, id)
	if err != nil {
		return nil, err
	}
	place, err := d.Place(ctx, r, c.Account)
	if err != nil {
		return nil, err
	}
	if !actor.May(people.Read, place) {
		return nil, fmt.Errorf("case %s: %w", id, store.ErrNotFound)
	}
	return c, nil
}

// act has a person change a case of the revision that they read.
func (d *Desk) act(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, do func(*Case) error) (*Case, error) {
	c, err := d.Get(ctx, &tx.Reader, actor, id)
	if err != nil {
		return nil, err
	}
	if err := d.may(ctx, &tx.Reader, actor, c); err != nil {
		return nil, err
	}
	if c.Revision != revision {
		return nil, fmt.Errorf("case %s: %w", id, store.ErrConflict)
	}
	had := len(c.History)
	if err := do(c); err != nil {
		return nil, err
	}
	return c, c.keep(ctx, tx, had)
}

// may refuses who may not work at cases of the account: a person that operates or approves
// there does.
func (d *Desk) may(ctx context.Context, r *store.Reader, actor people.Actor, c *Case) error {
	place, err := d.Place(ctx, r, c.Account)
	if err != nil {
		return err
	}
	if actor.Kind != people.Person || !actor.May(people.Operate, place) && !actor.May(people.Approve, place) {
		return fmt.Errorf("work at case %s of account %s: %w; hint: the role responder or approver", c.ID, c.Account, ErrNotAllowed)
	}
	return nil
}

// Assign gives the case to a person, who may work at it. It records incident.assigned.
func (d *Desk) Assign(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, owner string) (*Case, error) {
	return d.act(ctx, tx, actor, id, revision, func(c *Case) error {
		to, err := stored.ActorOf(ctx, &tx.Reader, owner)
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, stored.ErrSuspended) {
			return fmt.Errorf("case %s: %w: nobody active has the ID %q", id, incident.ErrInvalid, owner)
		}
		if err != nil {
			return err
		}
		if err := d.may(ctx, &tx.Reader, to, c); err != nil {
			return err
		}
		return c.Case.Assign(owner, actor.ID, tx.Now())
	})
}

// Note adds what a person writes. It records incident.noted.
func (d *Desk) Note(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, text string) (*Case, error) {
	return d.act(ctx, tx, actor, id, revision, func(c *Case) error { return c.Case.Note(text, actor.ID, tx.Now()) })
}

// Close ends the case with a reason. It records incident.closed.
func (d *Desk) Close(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, reason string) (*Case, error) {
	return d.act(ctx, tx, actor, id, revision, func(c *Case) error {
		if d.Ready != nil {
			if err := d.Ready(ctx, &tx.Reader, c); err != nil {
				return err
			}
		}
		return c.Case.Close(reason, actor.ID, tx.Now())
	})
}

// Sight is what the actor may read of the accounts that cases are about.
func (d *Desk) Sight(ctx context.Context, r *store.Reader, actor people.Actor) (sight.Sight, error) {
	if actor.May(people.Read, people.Place{}) {
		return sight.All(), nil
	}
	all, err := store.Texts(ctx, r, `SELECT DISTINCT account FROM incident`)
	if err != nil {
		return sight.Sight{}, fmt.Errorf("list the accounts of cases: %w", err)
	}
	var seen []rootkeep.AccountID
	for _, a := range all {
		place, err := d.Place(ctx, r, rootkeep.AccountID(a))
		if err != nil {
			return sight.Sight{}, err
		}
		if actor.May(people.Read, place) {
			seen = append(seen, rootkeep.AccountID(a))
		}
	}
	return sight.Of(seen), nil
}

// May says whether the actor may work at the cases of the account of a case.
func (d *Desk) May(ctx context.Context, r *store.Reader, actor people.Actor, c *Case) (bool, error) {
	err := d.may(ctx, r, actor, c)
	if errors.Is(err, ErrNotAllowed) {
		return false, nil
	}
	return err == nil, err
}

// Filter says which cases a list holds. Zero fields hold nothing back.
type Filter struct {
	State   incident.State
	Account rootkeep.AccountID
	Owner   string
	Request string
	Least   rootkeep.Severity
	Opened  time.Time // in this moment or later
	Until   time.Time // opened before
	Before  string    // Cursor of the last one of the page before: newest come first
	Limit   int
}

// Cursor is where a page that begins behind the case goes on.
func (c *Case) Cursor() string { return clause.Cursor(place{store.Micros(c.Opened), c.ID}) }

type place struct {
	Opened int64
	ID     string
}

// List reads the cases in sight, the newest first, without parties and history.
func List(ctx context.Context, r *store.Reader, s sight.Sight, f Filter) ([]*Case, error) {
	w := clause.Where{}
	s.Keep(&w, "account")
	for _, c := range []struct{ column, value string }{{"state", string(f.State)}, {"account", string(f.Account)}, {"owner", f.Owner}, {"request", f.Request}} {
		if c.value != "" {
			w.And(c.column+" = ?", c.value)
		}
	}
	if f.Least > 0 {
		w.And("severity >= ?", int64(f.Least))
	}
	if !f.Opened.IsZero() {
		w.And("opened >= ?", store.Micros(f.Opened))
	}
	if !f.Until.IsZero() {
		w.And("opened < ?", store.Micros(f.Until))
	}
	if f.Before != "" {
		var p place
		if !clause.Place(f.Before, &p) {
			return nil, fmt.Errorf("cases before %q: %w: not a place in the list", f.Before, incident.ErrInvalid)
		}
		w.And("(opened < ? OR opened = ? AND id < ?)", p.Opened, p.Opened, p.ID)
	}
	query := `SELECT ` + columns + ` FROM incident` + w.String() + ` ORDER BY opened DESC, id DESC LIMIT ` + w.Next(f.Limit)
	var out []*Case
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		c, err := scan(rows)
		out = append(out, c)
		return err
	}, query, w.Args...)
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	return out, nil
}

// Events lists the keys of the events of a case, RU-..., in their order, behind one.
func Events(ctx context.Context, r *store.Reader, id, after string, limit int) ([]string, error) {
	out, err := store.Texts(ctx, r, `SELECT event FROM incident_event WHERE incident = $1 AND event > $2 ORDER BY event LIMIT $3`, id, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list the events of case %s: %w", id, err)
	}
	return out, nil
}

// Of lists the cases that hold an event.
func Of(ctx context.Context, r *store.Reader, event string) ([]string, error) {
	out, err := store.Texts(ctx, r, `SELECT incident FROM incident_event WHERE event = $1 ORDER BY incident`, event)
	if err != nil {
		return nil, fmt.Errorf("find the cases of event %s: %w", event, err)
	}
	return out, nil
}

// Count counts the cases in sight that a list would hold; its page changes nothing.
func Count(ctx context.Context, r *store.Reader, s sight.Sight, state incident.State) (int, error) {
	w := clause.Where{}
	s.Keep(&w, "account")
	w.And("state = ?", string(state))
	var n int
	if err := r.Row(ctx, `SELECT COUNT(*) FROM incident`+w.String(), w.Args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count cases: %w", err)
	}
	return n, nil
}
