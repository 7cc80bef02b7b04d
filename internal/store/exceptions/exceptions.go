// Package exceptions keeps exceptions to controls: requests of internal/store/approvals
// with the control that they are about and the day on which they end.
package exceptions

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/register"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
)

// Control is what of a control a request keeps.
type Control struct {
	ID       string
	Title    string
	Severity rootkeep.Severity
}

// Changed is called within the transaction in which an exception to a control of the
// account begins or ends to apply.
type Changed func(context.Context, *store.Tx, rootkeep.AccountID) error

// mostOpen is how many requests one person can make others read at a time.
const mostOpen = 100

// Kind is the kind of requests for exceptions. changed may be nil.
func Kind(changed Changed) approvals.Kind {
	return approvals.Kind{
		Name: approval.ExceptionKind, Noun: "an exception", Prefix: "EX", Most: mostOpen,
		Check: func(subject []byte) error {
			_, err := approval.ParseException(subject)
			return err
		},
		Until: func(subject []byte) (time.Time, error) {
			e, err := approval.ParseException(subject)
			if err != nil {
				return time.Time{}, err
			}
			return e.Until, nil
		},
		Decided: func(ctx context.Context, tx *store.Tx, m *approvals.Matter) error {
			if m.State != approval.Approved || changed == nil {
				return nil
			}
			return changed(ctx, tx, m.Request.Account)
		},
	}
}

// Desk is where exceptions are asked for. They are decided where all requests are, by
// what it embeds.
type Desk struct {
	*approvals.Desk
	// Control gives a control by its ID.
	Control func(id string) (Control, bool)
}

// New checks that the desk is complete.
func New(d Desk) (*Desk, error) {
	if d.Desk == nil || d.Control == nil {
		return nil, errors.New("exceptions: the desk of requests and controls are required")
	}
	return &d, nil
}

// Wanted is what somebody asks for.
type Wanted struct {
	Account  rootkeep.AccountID
	Control  string
	Region   rootkeep.Region // "" for all
	Resource string          // "" for all
	Owner    string
	Reason   string
	Until    time.Time
}

// Exception is an exception with where it stands.
type Exception struct {
	*approvals.Matter
	Subject *approval.Exception
	Ended   bool // granted, and over
}

// exception is the request with its subject parsed. ended is that of the row.
func exception(m *approvals.Matter, ended bool, now time.Time) (*Exception, error) {
	subject, err := approval.ParseException(m.Subject)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.ID, err)
	}
	return &Exception{m, subject, m.State == approval.Approved && (ended || !now.Before(subject.Until))}, nil
}

// subject makes the subject of a request.
func (d *Desk) subject(w Wanted, now time.Time) (*approval.Exception, error) {
	c, known := d.Control(w.Control)
	if !known {
		return nil, fmt.Errorf("%w: there is no control %q; hint: rootkeep controls list", approvals.ErrInvalid, w.Control)
	}
	e := &approval.Exception{
		Account: w.Account, Control: c.ID, Owner: w.Owner, Reason: w.Reason, Region: w.Region, Resource: w.Resource,
		Severity: c.Severity, Title: c.Title, Until: w.Until,
	}
	if err := e.Ready(now); err != nil {
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	return e, nil
}

// Submit asks for an exception. It records exception.requested. It is an
// *approval.Shortage if nobody could approve it.
func (d *Desk) Submit(ctx context.Context, tx *store.Tx, actor people.Actor, w Wanted) (*Exception, error) {
	subject, err := d.subject(w, tx.Now())
	if err != nil {
		return nil, err
	}
	m, err := d.Desk.Submit(ctx, tx, actor, approvals.Wanted{
		Kind: approval.ExceptionKind, Account: w.Account, Action: subject.Action(), Subject: subject.Bytes(), Policy: subject.Policy(),
	})
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO exception (id, account, control, until, ended) VALUES ($1, $2, $3, $4, 0)`,
		m.ID, string(subject.Account), subject.Control, store.Micros(subject.Until))
	if err != nil {
		return nil, fmt.Errorf("keep exception %s: %w", m.ID, err)
	}
	return &Exception{Matter: m, Subject: subject}, nil
}

// Outlook is who would have to approve what somebody is about to ask for, and who could.
type Outlook struct {
	Control Control
	*approvals.Outlook
}

// Look tells before anything is asked what an exception to a control of an account would
// need.
func (d *Desk) Look(ctx context.Context, r *store.Reader, actor people.Actor, account rootkeep.AccountID, control string) (*Outlook, error) {
	c, known := d.Control(control)
	if !known {
		return nil, fmt.Errorf("%w: there is no control %q; hint: rootkeep controls list", approvals.ErrInvalid, control)
	}
	if _, err := rootkeep.ParseAccountID(string(account)); err != nil {
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	subject := approval.Exception{Control: c.ID, Severity: c.Severity}
	o, err := d.Desk.Look(ctx, r, actor, approval.ExceptionKind, account, subject.Policy())
	if err != nil {
		return nil, err
	}
	return &Outlook{c, o}, nil
}

// Edit changes what an open request asks for; account and control stay. All approvals of
// before are void. Of a request that the actor may not read it is ErrNotFound. It records
// exception.edited.
func (d *Desk) Edit(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, w Wanted) (*Exception, error) {
	x, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	if w.Account != x.Request.Account || w.Control != x.Subject.Control {
		return nil, fmt.Errorf("%w: an edit changes neither account nor control; hint: withdraw it and ask anew", approvals.ErrInvalid)
	}
	subject, err := d.subject(w, tx.Now())
	if err != nil {
		return nil, err
	}
	if subject.Policy() != x.Policy.ID {
		return nil, fmt.Errorf("%w: the control is judged otherwise since; hint: withdraw it and ask anew", approvals.ErrInvalid)
	}
	m, err := d.Desk.Edit(ctx, tx, actor, id, revision, subject.Action(), subject.Bytes())
	if err != nil {
		return nil, err
	}
	if err := tx.ExecOne(ctx, `UPDATE exception SET until = $2 WHERE id = $1`, id, store.Micros(subject.Until)); err != nil {
		return nil, fmt.Errorf("change exception %s: %w", id, err)
	}
	return &Exception{Matter: m, Subject: subject}, nil
}

// mostAtOnce bounds the rows that one End changes.
const mostAtOnce = 200

// End writes down which granted exceptions are over. It records exception.ended, and
// gives how many there were; as long as that is not 0 there may be more. changed may be
// nil.
func End(ctx context.Context, tx *store.Tx, changed Changed) (int, error) {
	accounts := map[rootkeep.AccountID]bool{}
	var ended []string
	err := store.Each(ctx, &tx.Reader, func(rows *sql.Rows) error {
		var id string
		var account rootkeep.AccountID
		err := rows.Scan(&id, &account)
		ended, accounts[account] = append(ended, id), true
		return err
	}, `SELECT e.id, e.account FROM exception e JOIN approval_request r ON r.id = e.id
		WHERE r.state = 'approved' AND e.ended = 0 AND e.until <= $1 ORDER BY e.id LIMIT $2`, store.Micros(tx.Now()), mostAtOnce)
	if err != nil {
		return 0, fmt.Errorf("find exceptions that are over: %w", err)
	}
	for _, id := range ended {
		if err := tx.ExecOne(ctx, `UPDATE exception SET ended = $2 WHERE id = $1 AND ended = 0`, id, store.Micros(tx.Now())); err != nil {
			return 0, fmt.Errorf("end exception %s: %w", id, err)
		}
		tx.Announce(approval.ExceptionKind, id)
		if err := tx.Record("exception.ended", id, people.SystemActor.ID); err != nil {
			return 0, err
		}
	}
	if changed == nil {
		return len(ended), nil
	}
	for _, account := range slices.Sorted(maps.Keys(accounts)) {
		if err := changed(ctx, tx, account); err != nil {
			return 0, err
		}
	}
	return len(ended), nil
}

// Granted gives the exceptions that apply at a time, of one account, or of all if it is
// empty: what register.Register.With takes.
func Granted(ctx context.Context, r *store.Reader, account rootkeep.AccountID, now time.Time) ([]register.Granted, error) {
	var out []register.Granted
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var id string
		var subject []byte
		if err := rows.Scan(&id, &subject); err != nil {
			return err
		}
		e, err := approval.ParseException(subject)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		out = append(out, register.Granted{ID: id, Control: e.Control, Account: e.Account, Region: e.Region, Resource: e.Resource, Owner: e.Owner, Reason: e.Reason, Until: e.Until})
		return nil
	}, `SELECT e.id, v.subject FROM`+approvals.Newest+` JOIN exception e ON e.id = r.id
		WHERE r.state = 'approved' AND e.until > $1 AND (e.account = $2 OR $2 = '') ORDER BY e.id`, store.Micros(now), string(account))
	if err != nil {
		return nil, fmt.Errorf("read the exceptions that apply: %w", err)
	}
	return out, nil
}
