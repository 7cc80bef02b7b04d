package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/ledger"
)

const query = `SELECT ` + approvals.Columns + `, q.revision, q.state, q.begins, q.ends, q.granted, q.overridden, q.opened, q.due, q.over, q.overrun, q.sealed, q.ended,
	q.device, q.outcome, q.activity FROM` + approvals.Newest + ` JOIN root_request q ON q.id = r.id`

func scan(row interface{ Scan(...any) error }, now time.Time) (*Request, error) {
	var x Request
	var begins, ends, granted, overridden, opened, due, over, overrun, sealed, ended int64
	m, err := approvals.Scan(row, now, &x.own, &x.kept, &begins, &ends, &granted, &overridden, &opened, &due, &over, &overrun, &sealed, &ended,
		&x.Device, &x.Outcome, &x.Activity)
	if err != nil {
		return nil, err
	}
	if x.Asked, err = access.ParseRequest(m.Subject); err != nil {
		return nil, fmt.Errorf("%s: %w", m.ID, err)
	}
	x.ID, x.Matter, x.Override, x.Revision = m.ID, m, overridden != 0, m.Revision+x.own
	for of, at := range map[*time.Time]int64{
		&x.Begins: begins, &x.Ends: ends, &x.Granted: granted, &x.Opened: opened, &x.Due: due, &x.Over: over, &x.Overrun: overrun, &x.Sealed: sealed, &x.Ended: ended,
	} {
		*of = store.Time(at)
	}
	x.State = x.at(now)
	if x.kept == Open && x.State == Closing {
		x.Over = x.Due
	}
	return &x, nil
}

// at is the state at a time, whether or not somebody wrote down yet what time did.
func (x *Request) at(now time.Time) State {
	switch {
	case x.kept == Requested && x.Matter.State == "expired":
		return Expired
	case x.kept == Approved && !now.Before(x.Ends):
		return Lapsed
	case x.kept == Open && !now.Before(x.Due):
		return Closing
	}
	return x.kept
}

// insert writes the row of a new request.
func (x *Request) insert(ctx context.Context, tx *store.Tx) error {
	a := x.Asked
	_, err := tx.Exec(ctx, `INSERT INTO root_request (id, revision, state, account, requester, custodian, kind, path, task, begins, ends, session,
			granted, overridden, opened, due, over, overrun, sealed, ended, device, outcome, activity)
		VALUES ($1, 0, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 0, 0, 0, 0, 0, 0, '', '', '')`,
		x.ID, string(x.State), string(x.Matter.Request.Account), x.Requester(), a.Custodian, string(a.Kind), string(a.Path), a.Task, store.Micros(x.Begins), store.Micros(x.Ends), int64(a.Session))
	if err != nil {
		return fmt.Errorf("keep request %s: %w", x.ID, err)
	}
	for from := 0; from < len(a.Accounts); from += clause.Most {
		var rows clause.Rows
		for _, account := range a.Accounts[from:min(from+clause.Most, len(a.Accounts))] {
			rows.Add(x.ID, string(account))
		}
		if _, err := tx.Exec(ctx, `INSERT INTO root_request_account (request, account) VALUES `+rows.String(), rows.Args...); err != nil {
			return fmt.Errorf("keep the accounts of request %s: %w", x.ID, err)
		}
	}
	x.kept = x.State
	return nil
}

// set writes everything of a request that can change: the compare-and-set that every
// transition goes through. from is the state that the row must have.
func (x *Request) set(ctx context.Context, tx *store.Tx, from State) error {
	a := x.Asked
	err := tx.ExecOne(ctx, `UPDATE root_request SET revision = revision + 1, state = $4, custodian = $5, task = $6, begins = $7, ends = $8, session = $9,
			granted = $10, overridden = $11, opened = $12, due = $13, over = $14, overrun = $15, sealed = $16, ended = $17, device = $18, outcome = $19, activity = $20
		WHERE id = $1 AND revision = $2 AND state = $3`,
		x.ID, x.own, string(from), string(x.State), a.Custodian, a.Task, store.Micros(x.Begins), store.Micros(x.Ends), int64(a.Session),
		store.Micros(x.Granted), flag(x.Override), store.Micros(x.Opened), store.Micros(x.Due), store.Micros(x.Over), store.Micros(x.Overrun), store.Micros(x.Sealed), store.Micros(x.Ended),
		x.Device, string(x.Outcome), x.Activity)
	if err != nil {
		return fmt.Errorf("change request %s: %w", x.ID, err)
	}
	x.own, x.kept, x.Revision = x.own+1, x.State, x.Matter.Revision+x.own+1
	tx.Announce(Topic, x.ID)
	return nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// record writes the entry of the ledger, and tells listeners.
func (x *Request) record(tx *store.Tx, verb, actor string, payloads ...ledger.Payload) error {
	tx.Announce(Topic, x.ID)
	return tx.Record(access.RequestKind+"."+verb, x.ID, actor, payloads...)
}

// get reads a request; ErrNotFound if there is none.
func get(ctx context.Context, r *store.Reader, id string, now time.Time) (*Request, error) {
	x, err := scan(r.Row(ctx, query+` WHERE r.id = $1`, id), now)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("request %s: %w", id, store.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("read request: %w", err)
	}
	return x, nil
}

// Read reads a request for rootkeep itself, which asks nobody; ErrNotFound if there is
// none.
func Read(ctx context.Context, r *store.Reader, id string, now time.Time) (*Request, error) {
	return get(ctx, r, id, now)
}

// Get reads a request that the actor may read; ErrNotFound if there is none.
func (d *Desk) Get(ctx context.Context, r *store.Reader, actor people.Actor, id string, now time.Time) (*Request, error) {
	if _, err := d.Desk.Get(ctx, r, actor, id, now); err != nil {
		return nil, err
	}
	return get(ctx, r, id, now)
}

// at reads a request that the actor may read, as it was when they read it.
func (d *Desk) at(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64) (*Request, error) {
	x, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err == nil && x.Revision != revision {
		return nil, fmt.Errorf("request %s: %w", id, store.ErrConflict)
	}
	return x, err
}

// Filter says which requests a list holds. Zero fields hold nothing back.
type Filter struct {
	State    State
	Account  rootkeep.AccountID
	Kind     access.Kind
	Path     access.Path
	Task     string
	By       string // requester
	Override bool   // only those that went without approvals
	Before   string // ID of the last one of the page before: newest come first
	Limit    int
}

// List reads the requests of which the actor may read all accounts, the newest first.
func (d *Desk) List(ctx context.Context, r *store.Reader, actor people.Actor, f Filter, now time.Time) ([]*Request, error) {
	seen, err := d.Sight(ctx, r, actor, `SELECT account FROM root_request UNION SELECT account FROM root_request_account`)
	if err != nil {
		return nil, err
	}
	w := clause.Where{}
	inSight(&w, seen)
	f.conditions(&w, now)
	text := query + w.String() + ` ORDER BY r.id DESC LIMIT ` + w.Next(f.Limit)
	return list(ctx, r, now, text, w.Args...)
}

// EventSight is what the actor may read of the events of root users, and of what is proven
// of their logs.
func (d *Desk) EventSight(ctx context.Context, r *store.Reader, actor people.Actor) (sight.Sight, error) {
	return d.Sight(ctx, r, actor, `SELECT id FROM account UNION SELECT id FROM hunted_account UNION SELECT account FROM root_event`)
}

// inSight keeps a list to requests that are about no account beyond it.
func inSight(w *clause.Where, seen sight.Sight) {
	seen.Keep(w, "q.account")
	if seen.Everything() || len(seen.Accounts()) == 0 {
		return
	}
	var args []any
	for _, a := range seen.Accounts() {
		args = append(args, string(a))
	}
	w.And(`NOT EXISTS (SELECT 1 FROM root_request_account o WHERE o.request = q.id AND o.account NOT IN (`+strings.TrimSuffix(strings.Repeat("?, ", len(args)), ", ")+`))`, args...)
}

func (f *Filter) conditions(w *clause.Where, now time.Time) {
	switch at := store.Micros(now); f.State {
	case "":
	case Requested:
		w.And("q.state = 'requested' AND r.expires > ?", at)
	case Expired:
		w.And("(q.state = 'expired' OR q.state = 'requested' AND r.expires <= ?)", at)
	case Approved:
		w.And("q.state = 'approved' AND q.ends > ?", at)
	case Lapsed:
		w.And("(q.state = 'lapsed' OR q.state = 'approved' AND q.ends <= ?)", at)
	case Open:
		w.And("q.state = 'open' AND q.due > ?", at)
	case Closing:
		w.And("(q.state = 'closing' OR q.state = 'open' AND q.due <= ?)", at)
	default:
		w.And("q.state = ?", string(f.State))
	}
	for _, c := range []struct{ column, value string }{{"q.kind", string(f.Kind)}, {"q.path", string(f.Path)}, {"q.task", f.Task}, {"q.requester", f.By}} {
		if c.value != "" {
			w.And(c.column+" = ?", c.value)
		}
	}
	if f.Account != "" {
		w.And("EXISTS (SELECT 1 FROM root_request_account a WHERE a.request = q.id AND a.account = ?)", string(f.Account))
	}
	if f.Override {
		w.And("q.overridden = 1")
	}
	if f.Before != "" {
		w.And("r.id < ?", f.Before)
	}
}

func list(ctx context.Context, r *store.Reader, now time.Time, text string, args ...any) ([]*Request, error) {
	var out []*Request
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		x, err := scan(rows, now)
		out = append(out, x)
		return err
	}, text, args...)
	if err != nil {
		return nil, fmt.Errorf("list requests for root: %w", err)
	}
	return out, nil
}

// is refuses an act in another state than those.
func (x *Request) is(what string, states ...State) error {
	if slices.Contains(states, x.State) {
		return nil
	}
	return fmt.Errorf("request %s is %s, and is not %s: %w", x.ID, x.State, what, ErrState)
}
