// Package exceptions keeps exceptions to controls: what was asked for, which policy was
// frozen into it, who signed what with which key, and how it ended. Every change writes
// its ledger entry in the same transaction, and every one is a compare-and-set on the
// revision of the row.
package exceptions

import (
	"context"
	"crypto/rand"
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
	"github.com/rootkeep/rootkeep/ledger"
)

// Control is what of a control a request keeps.
type Control struct {
	ID       string
	Title    string
	Severity rootkeep.Severity
}

// Desk is where exceptions are asked for and decided.
type Desk struct {
	Book *approval.Book
	Site approval.Site
	// Control gives a control by its ID.
	Control func(id string) (Control, bool)
	// Place says where an account lies.
	Place func(context.Context, *store.Reader, rootkeep.AccountID) (people.Place, error)
	// Changed, if it is not nil, is called within the transaction in which an exception
	// to a control of the account begins or ends to apply.
	Changed func(context.Context, *store.Tx, rootkeep.AccountID) error
}

// New checks that the desk is complete.
func New(d Desk) (*Desk, error) {
	if d.Book == nil || d.Site.RPID == "" || d.Site.Origin == "" || d.Control == nil || d.Place == nil {
		return nil, errors.New("exceptions: policies, site, controls and places are required")
	}
	return &d, nil
}

// Errors that a caller branches on.
var (
	// ErrNotAllowed is an act that the actor's roles do not allow at the account.
	ErrNotAllowed = errors.New("not allowed at this account")
	// ErrInvalid is a request that could not be granted as it is.
	ErrInvalid = errors.New("cannot be asked for")
	// ErrSigned is a signature that is not good, or that is over something else than
	// what was handed out.
	ErrSigned = errors.New("the signature is not taken")
)

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

// Version is a request as it was between two edits.
type Version struct {
	Request *approval.Request
	Subject *approval.Exception
	Editor  string
	At      time.Time
}

// Exception is an exception with where it stands.
type Exception struct {
	ID       string
	Revision int64
	State    approval.State // as it is at the time of reading
	Decided  time.Time      // zero until then
	Ended    bool           // granted, and over
	Policy   *approval.Policy
	Version
}

// exception makes the subject of a request.
func (d *Desk) exception(w Wanted, now time.Time) (*approval.Exception, error) {
	c, known := d.Control(w.Control)
	if !known {
		return nil, fmt.Errorf("%w: there is no control %q; hint: rootkeep controls list", ErrInvalid, w.Control)
	}
	e := &approval.Exception{
		Account: w.Account, Control: c.ID, Owner: w.Owner, Reason: w.Reason, Region: w.Region, Resource: w.Resource,
		Severity: c.Severity, Title: c.Title, Until: w.Until,
	}
	if err := e.Ready(now); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return e, nil
}

// Submit asks for an exception. It records exception.requested. It is an
// *approval.Shortage if nobody could approve it.
func (d *Desk) Submit(ctx context.Context, tx *store.Tx, actor people.Actor, w Wanted) (*Exception, error) {
	subject, err := d.exception(w, tx.Now())
	if err != nil {
		return nil, err
	}
	policy, err := d.Book.Policy(subject.Policy())
	if err != nil {
		return nil, err
	}
	can, err := d.allowed(ctx, &tx.Reader, actor, w.Account)
	if err != nil {
		return nil, err
	}
	if err := notTooMany(ctx, &tx.Reader, actor.ID); err != nil {
		return nil, err
	}
	request, err := approval.New(approval.Ask{
		ID: rootkeep.NewID("EX", tx.Now(), chance(8)), Kind: approval.ExceptionKind, Account: w.Account,
		Action: subject.Action(), Subject: subject.Bytes(), Requester: actor.ID,
	}, &policy, IDs(can), tx.Now())
	if err != nil {
		return nil, err
	}
	x := &Exception{ID: request.ID, Revision: 1, State: approval.Requested, Policy: &policy, Version: Version{request, subject, actor.ID, tx.Now()}}
	_, err = tx.Exec(ctx, `INSERT INTO exception (id, revision, state, version, account, control, requester, created, expires, decided, until, ended, policy)
		VALUES ($1, 1, $2, 1, $3, $4, $5, $6, $7, 0, $8, 0, $9)`,
		x.ID, string(x.State), string(request.Account), subject.Control, request.Requester, store.Micros(request.Created), store.Micros(request.Expires),
		store.Micros(subject.Until), policy.Bytes())
	if err != nil {
		return nil, fmt.Errorf("keep request %s: %w", x.ID, err)
	}
	return x, x.keep(ctx, tx, "exception.requested")
}

// Bounds of what one person can make others read.
const (
	mostOpen  = 100 // requests of a person at a time
	mostEdits = 50  // of a request
)

func notTooMany(ctx context.Context, r *store.Reader, requester string) error {
	var n int
	if err := r.Row(ctx, `SELECT COUNT(*) FROM exception WHERE requester = $1 AND state = 'requested'`, requester).Scan(&n); err != nil {
		return fmt.Errorf("count the requests of %s: %w", requester, err)
	}
	if n >= mostOpen {
		return fmt.Errorf("%w: %d requests of yours are open; hint: withdraw some", ErrInvalid, n)
	}
	return nil
}

// Outlook is who would have to approve what somebody is about to ask for, and who could.
type Outlook struct {
	Control  Control
	Policy   approval.Policy
	Could    []Approver // without who asks
	Shortage error      // an *approval.Shortage if they do not suffice
}

// Look tells before anything is asked what an exception to a control of an account would
// need.
func (d *Desk) Look(ctx context.Context, r *store.Reader, actor people.Actor, account rootkeep.AccountID, control string) (*Outlook, error) {
	c, known := d.Control(control)
	if !known {
		return nil, fmt.Errorf("%w: there is no control %q; hint: rootkeep controls list", ErrInvalid, control)
	}
	if _, err := rootkeep.ParseAccountID(string(account)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	can, err := d.allowed(ctx, r, actor, account)
	if err != nil {
		return nil, err
	}
	o := &Outlook{Control: c}
	subject := approval.Exception{Control: c.ID, Severity: c.Severity}
	if o.Policy, err = d.Book.Policy(subject.Policy()); err != nil {
		return nil, err
	}
	o.Could = slices.DeleteFunc(can, func(a Approver) bool { return a.ID == actor.ID })
	o.Shortage = o.Policy.Lacking(IDs(o.Could))
	return o, nil
}

// allowed refuses an actor who may not ask at the account, and gives who could approve.
func (d *Desk) allowed(ctx context.Context, r *store.Reader, actor people.Actor, account rootkeep.AccountID) ([]Approver, error) {
	place, err := d.Place(ctx, r, account)
	if err != nil {
		return nil, err
	}
	if actor.Kind != people.Person || !actor.May(people.Request, place) {
		return nil, fmt.Errorf("ask for an exception in account %s: %w; hint: the role requester", account, ErrNotAllowed)
	}
	return Approvers(ctx, r, place)
}

// keep writes the newest version, and the entry that tells of it.
func (x *Exception) keep(ctx context.Context, tx *store.Tx, entry string) error {
	_, err := tx.Exec(ctx, `INSERT INTO exception_version (id, version, editor, at, request, subject) VALUES ($1, $2, $3, $4, $5, $6)`,
		x.ID, int64(x.Request.Version), x.Editor, store.Micros(x.At), x.Request.Bytes(), x.Subject.Bytes())
	if err != nil {
		return fmt.Errorf("keep version %d of request %s: %w", x.Request.Version, x.ID, err)
	}
	tx.Announce("exception", x.ID)
	return tx.Record(entry, x.ID, x.Editor, ledger.NewPayload("request", x.Request.Bytes()),
		ledger.NewPayload("subject", x.Subject.Bytes()), ledger.NewPayload("policy", x.Policy.Bytes()))
}

// Edit changes what an open request asks for; account and control stay. All approvals of
// before are void. Of a request that the actor may not read it is ErrNotFound. It records
// exception.edited.
func (d *Desk) Edit(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, w Wanted) (*Exception, error) {
	x, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	if x.Request.Version > mostEdits {
		return nil, fmt.Errorf("%w: edited %d times; hint: withdraw it and ask anew", ErrInvalid, mostEdits)
	}
	if w.Account != x.Request.Account || w.Control != x.Subject.Control {
		return nil, fmt.Errorf("%w: an edit changes neither account nor control; hint: withdraw it and ask anew", ErrInvalid)
	}
	subject, err := d.exception(w, tx.Now())
	if err != nil {
		return nil, err
	}
	if subject.Policy() != x.Policy.ID {
		return nil, fmt.Errorf("%w: the control is judged otherwise since; hint: withdraw it and ask anew", ErrInvalid)
	}
	can, err := d.allowed(ctx, &tx.Reader, actor, w.Account)
	if err != nil {
		return nil, err
	}
	request, err := x.Request.Edit(x.State, actor.ID, subject.Action(), subject.Bytes(), x.Policy, IDs(can), tx.Now())
	if err != nil {
		return nil, err
	}
	x.Version = Version{request, subject, actor.ID, tx.Now()}
	if err := x.set(ctx, tx, revision, x.State); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM approval_statement WHERE request = $1`, id); err != nil {
		return nil, fmt.Errorf("take back statements about %s: %w", id, err)
	}
	return x, x.keep(ctx, tx, "exception.edited")
}

// set writes the state and the version: the compare-and-set that every change goes
// through. A revision that is not the row's is ErrConflict.
func (x *Exception) set(ctx context.Context, tx *store.Tx, revision int64, state approval.State) error {
	if state != approval.Requested {
		x.Decided = tx.Now()
	}
	err := tx.ExecOne(ctx, `UPDATE exception SET revision = revision + 1, state = $3, version = $4, until = $5, decided = $6
		WHERE id = $1 AND revision = $2 AND state = 'requested'`,
		x.ID, revision, string(state), int64(x.Request.Version), store.Micros(x.Subject.Until), store.Micros(x.Decided))
	if err != nil {
		return fmt.Errorf("change request %s: %w", x.ID, err)
	}
	x.Revision, x.State = revision+1, state
	return nil
}

// Withdraw takes an open request back. Of a request that the actor may not read it is
// ErrNotFound. It records exception.withdrawn.
func (d *Desk) Withdraw(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64) (*Exception, error) {
	x, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	state, err := x.Request.Withdraw(x.State, actor.ID, tx.Now())
	if err != nil {
		return nil, err
	}
	if err := x.set(ctx, tx, revision, state); err != nil {
		return nil, err
	}
	tx.Announce("exception", id)
	return x, tx.Record("exception.withdrawn", id, actor.ID)
}

// mostAtOnce bounds the rows that one Sweep changes.
const mostAtOnce = 200

// Sweep writes down what time has done: requests that expired, and granted exceptions
// that ended. It records exception.expired and exception.ended, and gives how many there
// were; as long as that is not 0 there may be more. changed is that of a Desk.
func Sweep(ctx context.Context, tx *store.Tx, changed func(context.Context, *store.Tx, rootkeep.AccountID) error) (int, error) {
	expired, err := ids(ctx, &tx.Reader, `SELECT id FROM exception WHERE state = 'requested' AND expires <= $1 ORDER BY id LIMIT $2`, store.Micros(tx.Now()), mostAtOnce)
	if err != nil {
		return 0, err
	}
	for _, id := range expired {
		if err := tx.ExecOne(ctx, `UPDATE exception SET revision = revision + 1, state = 'expired', decided = $2 WHERE id = $1 AND state = 'requested'`, id, store.Micros(tx.Now())); err != nil {
			return 0, fmt.Errorf("expire request %s: %w", id, err)
		}
		tx.Announce("exception", id)
		if err := tx.Record("exception.expired", id, people.SystemActor.ID); err != nil {
			return 0, err
		}
	}
	accounts, ended, err := end(ctx, tx)
	if err != nil || changed == nil {
		return len(expired) + ended, err
	}
	for _, account := range slices.Sorted(maps.Keys(accounts)) {
		if err := changed(ctx, tx, account); err != nil {
			return 0, err
		}
	}
	return len(expired) + ended, nil
}

// end marks granted exceptions that are over, and gives their accounts.
func end(ctx context.Context, tx *store.Tx) (map[rootkeep.AccountID]bool, int, error) {
	ended, err := ids(ctx, &tx.Reader, `SELECT id FROM exception WHERE state = 'approved' AND ended = 0 AND until <= $1 ORDER BY id LIMIT $2`, store.Micros(tx.Now()), mostAtOnce)
	if err != nil {
		return nil, 0, err
	}
	accounts := map[rootkeep.AccountID]bool{}
	for _, id := range ended {
		x, err := get(ctx, &tx.Reader, id, tx.Now())
		if err != nil {
			return nil, 0, err
		}
		accounts[x.Request.Account] = true
		if err := tx.ExecOne(ctx, `UPDATE exception SET revision = revision + 1, ended = $2 WHERE id = $1 AND ended = 0`, id, store.Micros(tx.Now())); err != nil {
			return nil, 0, fmt.Errorf("end exception %s: %w", id, err)
		}
		tx.Announce("exception", id)
		if err := tx.Record("exception.ended", id, people.SystemActor.ID); err != nil {
			return nil, 0, err
		}
	}
	return accounts, len(ended), nil
}

func (d *Desk) changed(ctx context.Context, tx *store.Tx, account rootkeep.AccountID) error {
	if d.Changed == nil {
		return nil
	}
	return d.Changed(ctx, tx, account)
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
	}, `SELECT e.id, v.subject FROM exception e JOIN exception_version v ON v.id = e.id AND v.version = e.version
		WHERE e.state = 'approved' AND e.until > $1 AND (e.account = $2 OR $2 = '') ORDER BY e.id`, store.Micros(now), string(account))
	if err != nil {
		return nil, fmt.Errorf("read the exceptions that apply: %w", err)
	}
	return out, nil
}

func ids(ctx context.Context, r *store.Reader, query string, args ...any) ([]string, error) {
	var out []string
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		out = append(out, id)
		return err
	}, query, args...)
	return out, err
}

func chance(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails, see crypto/rand
	return b
}
