package hunts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
)

// Hunt is a hunt in a list. To who does not see everything, counts are those of the
// accounts in sight, and Unread is 1 for any number: it may lie in another account.
type Hunt struct {
	ID, Actor, Version       string
	Taken, Started, Finished time.Time
	First, Last              time.Time
	Accounts                 int
	Events, Unread           int64
	Interrupted, Proven      bool
	Detail                   string // "" unless everything is in sight: it may name accounts
	Rules                    Rules
	Digest                   string // SHA-256, hexadecimal
}

const (
	huntColumns = `h.id, h.actor, h.version, h.taken, h.started, h.finished, h.interrupted, h.proven, h.detail, h.rules, h.digest, h.unread`
	huntSums    = `COUNT(*), COALESCE(SUM(c.events), 0), COALESCE(MIN(c.first), 0), COALESCE(MAX(c.last), 0)`
)

type huntPlace struct {
	Taken int64  `json:"t"`
	ID    string `json:"i"`
}

// ErrCursor is a cursor that no list gave.
var ErrCursor = errors.New("the cursor is not one that this list gave")

// List lists hunts that read an account in sight, the latest first. next is the cursor
// of the page after it, "" on the last.
func List(ctx context.Context, r *store.Reader, s Sight, cursor string, most int) (list []*Hunt, next string, err error) {
	w := &clause.Where{}
	if cursor != "" {
		var at huntPlace
		if !clause.Place(cursor, &at) {
			return nil, "", ErrCursor
		}
		w.And("(h.taken < ? OR h.taken = ? AND h.id < ?)", at.Taken, at.Taken, at.ID)
	}
	if list, err = read(ctx, r, s, w, most+1); err != nil {
		return nil, "", fmt.Errorf("list hunts: %w", err)
	}
	if len(list) > most {
		list = list[:most]
		next = clause.Cursor(huntPlace{store.Micros(list[most-1].Taken), list[most-1].ID})
	}
	return list, next, nil
}

func read(ctx context.Context, r *store.Reader, s Sight, w *clause.Where, most int) ([]*Hunt, error) {
	join := "LEFT JOIN" // a hunt that read nothing is one as well
	if !s.Everything() {
		join = "JOIN"
		s.Keep(w, "c.account")
	}
	var out []*Hunt
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var h Hunt
		var taken, started, finished, interrupted, proven, first, last int64
		var rules string
		err := rows.Scan(&h.ID, &h.Actor, &h.Version, &taken, &started, &finished, &interrupted, &proven, &h.Detail, &rules, &h.Digest, &h.Unread, &h.Accounts, &h.Events, &first, &last)
		if err != nil {
			return err
		}
		h.Taken, h.Started, h.Finished, h.First, h.Last = store.Time(taken), store.Time(started), store.Time(finished), store.Time(first), store.Time(last)
		h.Interrupted, h.Proven = interrupted == 1, proven == 1
		if !s.Everything() {
			h.Detail, h.Digest, h.Unread = "", "", min(h.Unread, 1)
		}
		out = append(out, &h)
		return json.Unmarshal([]byte(rules), &h.Rules)
	}, `SELECT `+huntColumns+`, `+huntSums+` FROM hunt h `+join+` hunt_account c ON c.hunt = h.id`+w.String()+
		` GROUP BY `+huntColumns+` ORDER BY h.taken DESC, h.id DESC LIMIT `+w.Next(most), w.Args...)
	return out, err
}

// ByID reads a hunt that read an account in sight.
func ByID(ctx context.Context, r *store.Reader, s Sight, id string) (*Hunt, error) {
	w := &clause.Where{}
	w.And("h.id = ?", id)
	list, err := read(ctx, r, s, w, 1)
	if err == nil && len(list) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("hunt %s: %w", id, err)
	}
	return list[0], nil
}

// Summary is the report of a hunt without its alerts, JSON. It tells of every account of
// the hunt, so it is for who sees everything; others get ErrNotFound.
func Summary(ctx context.Context, r *store.Reader, s Sight, id string) ([]byte, error) {
	if !s.Everything() {
		return nil, fmt.Errorf("report of hunt %s: %w", id, store.ErrNotFound)
	}
	var out []byte
	err := r.Row(ctx, `SELECT summary FROM hunt WHERE id = $1`, id).Scan(&out)
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("report of hunt %s: %w", id, err)
	}
	return out, nil
}

// AccountsOf are the accounts in sight that a hunt read, those with the most events first.
func AccountsOf(ctx context.Context, r *store.Reader, s Sight, id string, most int) ([]Account, error) {
	w := &clause.Where{}
	w.And("hunt = ?", id)
	s.Keep(w, "account")
	var out []Account
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var a Account
		var first, last int64
		err := rows.Scan(&a.ID, &a.Events, &first, &last)
		a.First, a.Last = store.Time(first), store.Time(last)
		out = append(out, a)
		return err
	}, `SELECT account, events, first, last FROM hunt_account`+w.String()+` ORDER BY events DESC, account LIMIT `+w.Next(most), w.Args...)
	if err != nil {
		return nil, fmt.Errorf("accounts of hunt %s: %w", id, err)
	}
	return out, nil
}

// ReadSpan is what a hunt read of an account: no more is said of what lies between.
type ReadSpan struct {
	Account     rootkeep.AccountID
	First, Last time.Time // events
}

// ReadSpans visits what hunts read of accounts in sight with an event in a time. An empty
// account is all.
func ReadSpans(ctx context.Context, r *store.Reader, s Sight, account rootkeep.AccountID, since, until time.Time, visit func(ReadSpan)) error {
	w := &clause.Where{}
	s.Keep(w, "account")
	if account != "" {
		w.And("account = ?", string(account))
	}
	w.And("last >= ? AND first < ? AND account <> ''", store.Micros(since), store.Micros(until))
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var x ReadSpan
		var first, last int64
		err := rows.Scan(&x.Account, &first, &last)
		x.First, x.Last = store.Time(first), store.Time(last)
		if err == nil {
			visit(x)
		}
		return err
	}, `SELECT DISTINCT account, first, last FROM hunt_account`+w.String(), w.Args...)
	if err != nil {
		return fmt.Errorf("read what hunts read: %w", err)
	}
	return nil
}

// Touches lists the accounts that a result tells anything of: who sends it must be
// allowed to in each. An empty one stands for records that name none.
func (h *Result) Touches() []rootkeep.AccountID {
	met := map[rootkeep.AccountID]bool{}
	var out []rootkeep.AccountID
	add := func(id rootkeep.AccountID) {
		if !met[id] {
			met[id] = true
			out = append(out, id)
		}
	}
	for _, a := range h.Accounts {
		add(a.ID)
	}
	for i := range h.Alerts {
		of := alert.Accounts(&h.Alerts[i])
		for _, id := range of {
			add(id)
		}
		if len(of) == 0 || h.Alerts[i].AccountsOmitted > 0 {
			add("")
		}
	}
	for i := range h.Uses {
		add(h.Uses[i].Account)
	}
	for i := range h.SignIns {
		add(h.SignIns[i].Account)
	}
	for _, s := range h.Hours {
		add(s.Account)
	}
	return out
}
