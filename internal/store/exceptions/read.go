package exceptions

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
)

const columns = `e.id, e.revision, e.state, e.decided, e.ended, e.policy, v.request, v.subject, v.editor, v.at`

const newest = ` FROM exception e JOIN exception_version v ON v.id = e.id AND v.version = e.version`

func scan(row interface{ Scan(...any) error }, now time.Time) (*Exception, error) {
	var x Exception
	var decided, ended, at int64
	var policy, request, subject []byte
	err := row.Scan(&x.ID, &x.Revision, &x.State, &decided, &ended, &policy, &request, &subject, &x.Editor, &at)
	if err != nil {
		return nil, err
	}
	x.Decided, x.At = store.Time(decided), store.Time(at)
	if x.Policy, err = approval.ParsePolicy(policy); err != nil {
		return nil, fmt.Errorf("%s: %w", x.ID, err)
	}
	if err := x.parse(request, subject); err != nil {
		return nil, fmt.Errorf("%s: %w", x.ID, err)
	}
	x.State = x.Request.At(x.State, now)
	x.Ended = x.State == approval.Approved && (ended != 0 || !now.Before(x.Subject.Until))
	return &x, nil
}

func (v *Version) parse(request, subject []byte) (err error) {
	if v.Request, err = approval.ParseRequest(request); err != nil {
		return err
	}
	v.Subject, err = approval.ParseException(subject)
	return err
}

// get reads an exception; ErrNotFound if there is none.
func get(ctx context.Context, r *store.Reader, id string, now time.Time) (*Exception, error) {
	x, err := scan(r.Row(ctx, `SELECT `+columns+newest+` WHERE e.id = $1`, id), now)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("exception %s: %w", id, store.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("read exception: %w", err)
	}
	return x, nil
}

// Get reads an exception that the actor may read; ErrNotFound if there is none.
func (d *Desk) Get(ctx context.Context, r *store.Reader, actor people.Actor, id string, now time.Time) (*Exception, error) {
	x, err := get(ctx, r, id, now)
	if err != nil {
		return nil, err
	}
	place, err := d.Place(ctx, r, x.Request.Account)
	if err != nil {
		return nil, err
	}
	if !actor.May(people.Read, place) {
		return nil, fmt.Errorf("exception %s: %w", id, store.ErrNotFound)
	}
	return x, nil
}

// Versions reads every version of a request, the first one first.
func Versions(ctx context.Context, r *store.Reader, id string) ([]Version, error) {
	var out []Version
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var v Version
		var at int64
		var request, subject []byte
		if err := rows.Scan(&v.Editor, &at, &request, &subject); err != nil {
			return err
		}
		v.At = store.Time(at)
		err := v.parse(request, subject)
		out = append(out, v)
		return err
	}, `SELECT editor, at, request, subject FROM exception_version WHERE id = $1 ORDER BY version`, id)
	if err != nil {
		return nil, fmt.Errorf("read versions of %s: %w", id, err)
	}
	return out, nil
}

// Filter says which exceptions a list holds. Zero fields hold nothing back.
type Filter struct {
	State   approval.State // Approved are those that apply; those that ended are Ended
	Ended   bool           // only granted ones that are over
	Account rootkeep.AccountID
	Control string
	By      string // requester
	Before  string // ID of the last one of the page before: newest come first
	Limit   int
}

// List reads the exceptions that the actor may read, the newest first.
func (d *Desk) List(ctx context.Context, r *store.Reader, actor people.Actor, f Filter, now time.Time) ([]*Exception, error) {
	w := where{}
	if err := d.sight(ctx, r, actor, &w); err != nil {
		return nil, err
	}
	w.filter(f, now)
	args := append(w.args, f.Limit)
	var out []*Exception
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		x, err := scan(rows, now)
		out = append(out, x)
		return err
	}, `SELECT `+columns+newest+w.text+fmt.Sprintf(` ORDER BY e.id DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list exceptions: %w", err)
	}
	return out, nil
}

// where is a WHERE clause in the making.
type where struct {
	text string
	args []any
}

// and adds a condition in which each ? is the next of the values.
func (w *where) and(condition string, values ...any) {
	for _, v := range values {
		w.args = append(w.args, v)
		condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(w.args)), 1)
	}
	word := " AND "
	if w.text == "" {
		word = " WHERE "
	}
	w.text += word + condition
}

func (w *where) filter(f Filter, now time.Time) {
	at := store.Micros(now)
	switch {
	case f.Ended:
		w.and("e.state = 'approved' AND e.until <= ?", at)
	case f.State == approval.Requested:
		w.and("e.state = 'requested' AND e.expires > ?", at)
	case f.State == approval.Expired:
		w.and("(e.state = 'expired' OR e.state = 'requested' AND e.expires <= ?)", at)
	case f.State == approval.Approved:
		w.and("e.state = 'approved' AND e.until > ?", at)
	case f.State != "":
		w.and("e.state = ?", string(f.State))
	}
	for _, c := range []struct{ column, value string }{{"e.account", string(f.Account)}, {"e.control", f.Control}, {"e.requester", f.By}} {
		if c.value != "" {
			w.and(c.column+" = ?", c.value)
		}
	}
	if f.Before != "" {
		w.and("e.id < ?", f.Before)
	}
}

// sight keeps to the accounts that the actor may read.
func (d *Desk) sight(ctx context.Context, r *store.Reader, actor people.Actor, w *where) error {
	if actor.May(people.Read, people.Place{}) {
		return nil
	}
	accounts, err := ids(ctx, r, `SELECT DISTINCT account FROM exception ORDER BY account`)
	if err != nil {
		return fmt.Errorf("list accounts with exceptions: %w", err)
	}
	var seen []any
	for _, a := range accounts {
		place, err := d.Place(ctx, r, rootkeep.AccountID(a))
		if err != nil {
			return err
		}
		if actor.May(people.Read, place) {
			seen = append(seen, a)
		}
	}
	if len(seen) == 0 {
		w.and("1 = 0")
		return nil
	}
	w.and("e.account IN ("+strings.TrimSuffix(strings.Repeat("?, ", len(seen)), ", ")+")", seen...)
	return nil
}

// Approver is a person who could approve at a place now: active, with the role there,
// and with a key.
type Approver struct {
	ID   string
	Name string // typed by people: escape it
}

// Approvers lists who could approve at a place now, by ID.
func Approvers(ctx context.Context, r *store.Reader, at people.Place) ([]Approver, error) {
	var out []Approver
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var a Approver
		var g people.Grant
		if err := rows.Scan(&a.ID, &a.Name, &g.Role, &g.Scope); err != nil {
			return err
		}
		known := len(out) > 0 && out[len(out)-1].ID == a.ID
		if !known && (people.Actor{Grants: []people.Grant{g}}).May(people.Approve, at) {
			out = append(out, a)
		}
		return nil
	}, `SELECT p.id, p.name, g.role, g.scope FROM person p JOIN person_grant g ON g.person = p.id
		WHERE p.state = 'active' AND EXISTS (SELECT 1 FROM passkey k WHERE k.person = p.id AND k.revoked = 0) ORDER BY p.id`)
	if err != nil {
		return nil, fmt.Errorf("list approvers: %w", err)
	}
	return out, nil
}

// IDs are the persons' IDs.
func IDs(list []Approver) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.ID
	}
	return out
}
