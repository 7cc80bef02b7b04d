// Package approvals keeps requests that security keys decide, of whatever kind: what was
// asked for, which policy was frozen into it, which statements were handed out, who signed
// what with which key, and how it ended. Every change writes its ledger entry in the same
// transaction, and every one is a compare-and-set on the revision of the row.
//
// What is asked for is the subject: canonical JSON that only its kind understands.
package approvals

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

// Kind is what has to be known of one kind of request.
type Kind struct {
	Name   string // that of approval.Request.Kind, of the topic of events, and the first word of ledger entries: exception
	Noun   string // for people: an exception
	Prefix string // two letters that IDs of its requests begin with: EX
	Most   int    // requests of one person that are open at a time
	Check  func(subject []byte) error
	// Parties, if it is not nil, says who takes part in what is asked for, and where.
	Parties func(subject []byte) (Parties, error)
	// Until, if it is not nil, is when what is asked for is over: it is not decided then.
	Until func(subject []byte) (time.Time, error)
	// Decided, if it is not nil, is called within the transaction in which a request of
	// the kind is approved, denied, expired, withdrawn or overridden; the request has its new state.
	Decided func(context.Context, *store.Tx, *Matter) error
}

// Parties are who takes part in what is asked for beside the requester, and never decides
// it, such as a custodian; and the accounts, beside that of the request, at all of which
// whoever reads, asks or decides has to be allowed to.
type Parties struct {
	Barred   []string // IDs of persons
	Accounts []rootkeep.AccountID
}

// Desk is where requests are decided.
type Desk struct {
	Book *approval.Book
	Site approval.Site
	// Place says where an account lies.
	Place func(context.Context, *store.Reader, rootkeep.AccountID) (people.Place, error)
	Kinds []Kind
}

// New checks that the desk is complete.
func New(d Desk) (*Desk, error) {
	if d.Book == nil || d.Site.RPID == "" || d.Site.Origin == "" || d.Place == nil || len(d.Kinds) == 0 {
		return nil, errors.New("approvals: policies, site, places and kinds are required")
	}
	for i, k := range d.Kinds {
		if k.Name == "" || k.Noun == "" || len(k.Prefix) != 2 || k.Most < 1 || k.Check == nil {
			return nil, fmt.Errorf("approvals: kind %q: name, noun, prefix of two letters, bound and check are required", k.Name)
		}
		if slices.ContainsFunc(d.Kinds[:i], func(other Kind) bool { return other.Name == k.Name || other.Prefix == k.Prefix }) {
			return nil, fmt.Errorf("approvals: kind %q or prefix %q twice", k.Name, k.Prefix)
		}
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

// Version is a request as it was between two edits.
type Version struct {
	Request *approval.Request
	Subject []byte // canonical JSON
	Editor  string
	At      time.Time
}

// Matter is a request with where it stands.
type Matter struct {
	ID       string
	Revision int64
	State    approval.State // as it is at the time of reading
	Decided  time.Time      // zero until then
	Policy   *approval.Policy
	Version
}

// kind finds a kind by its name.
func (d *Desk) kind(name string) (*Kind, error) {
	for i := range d.Kinds {
		if d.Kinds[i].Name == name {
			return &d.Kinds[i], nil
		}
	}
	return nil, fmt.Errorf("this server knows no requests of kind %q", name)
}

// KindOf finds the kind of a request by its ID.
func (d *Desk) KindOf(id string) (*Kind, bool) {
	for i := range d.Kinds {
		if strings.HasPrefix(id, d.Kinds[i].Prefix+"-") {
			return &d.Kinds[i], true
		}
	}
	return nil, false
}

// Wanted is what somebody asks for.
type Wanted struct {
	Kind    string
	ID      string // "" makes one; one that is given begins with the prefix of the kind
	Account rootkeep.AccountID
	Action  string // one line
	Subject []byte // canonical JSON
	Policy  string // ID of the policy that decides
	Short   bool   // ask even if nobody could approve it: it is to be overridden
}

// Submit asks for something. It records KIND.requested. It is an *approval.Shortage if
// nobody could approve it.
func (d *Desk) Submit(ctx context.Context, tx *store.Tx, actor people.Actor, w Wanted) (*Matter, error) {
	k, err := d.kind(w.Kind)
	if err != nil {
		return nil, err
	}
	if err := k.Check(w.Subject); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	policy, err := d.Book.At(w.Policy, w.Account)
	if err != nil {
		return nil, err
	}
	parties, err := k.parties(w.Subject)
	if err != nil {
		return nil, err
	}
	can, err := d.allowed(ctx, &tx.Reader, k, actor, w.Account, parties)
	if err != nil {
		return nil, err
	}
	if err := notTooMany(ctx, &tx.Reader, k, actor.ID); err != nil {
		return nil, err
	}
	if w.ID == "" {
		w.ID = tx.NewID(k.Prefix)
	}
	if of, known := d.KindOf(w.ID); !known || of.Name != k.Name {
		return nil, fmt.Errorf("request %s: want an ID that begins with %s-", w.ID, k.Prefix)
	}
	request, err := approval.New(approval.Ask{
		ID: w.ID, Kind: k.Name, Account: w.Account, Action: w.Action, Subject: w.Subject, Requester: actor.ID,
	}, &policy, IDs(can), tx.Now())
	var short *approval.Shortage
	if err != nil && !(w.Short && errors.As(err, &short)) {
		return nil, err
	}
	x := &Matter{ID: request.ID, Revision: 1, State: approval.Requested, Policy: &policy, Version: Version{request, w.Subject, actor.ID, tx.Now()}}
	_, err = tx.Exec(ctx, `INSERT INTO approval_request (id, kind, revision, state, version, account, requester, created, expires, decided, policy)
		VALUES ($1, $2, 1, $3, 1, $4, $5, $6, $7, 0, $8)`,
		x.ID, k.Name, string(x.State), string(request.Account), request.Requester, store.Micros(request.Created), store.Micros(request.Expires), policy.Bytes())
	if err != nil {
		return nil, fmt.Errorf("keep request %s: %w", x.ID, err)
	}
	return x, x.keep(ctx, tx, "requested")
}

// mostEdits is how often a request can be edited.
const mostEdits = 50

func notTooMany(ctx context.Context, r *store.Reader, k *Kind, requester string) error {
	var n int
	if err := r.Row(ctx, `SELECT COUNT(*) FROM approval_request WHERE requester = $1 AND kind = $2 AND state = 'requested'`, requester, k.Name).Scan(&n); err != nil {
		return fmt.Errorf("count the requests of %s: %w", requester, err)
	}
	if n >= k.Most {
		return fmt.Errorf("%w: %d requests of yours are open; hint: withdraw some", ErrInvalid, n)
	}
	return nil
}

// Outlook is who would have to approve what somebody is about to ask for, and who could.
type Outlook struct {
	Policy   approval.Policy
	Could    []Approver // without who asks
	Shortage error      // an *approval.Shortage if they do not suffice
}

// Look tells before anything is asked what a request of the kind would need at the
// account, if the policy with the ID decides it.
func (d *Desk) Look(ctx context.Context, r *store.Reader, actor people.Actor, kind string, account rootkeep.AccountID, policy string) (*Outlook, error) {
	return d.LookWith(ctx, r, actor, kind, account, policy, Parties{})
}

// LookWith is Look for a request in which others take part.
func (d *Desk) LookWith(ctx context.Context, r *store.Reader, actor people.Actor, kind string, account rootkeep.AccountID, policy string, with Parties) (*Outlook, error) {
	k, err := d.kind(kind)
	if err != nil {
		return nil, err
	}
	can, err := d.allowed(ctx, r, k, actor, account, with)
	if err != nil {
		return nil, err
	}
	o := &Outlook{Could: slices.DeleteFunc(can, func(a Approver) bool { return a.ID == actor.ID })}
	if o.Policy, err = d.Book.At(policy, account); err != nil {
		return nil, err
	}
	o.Shortage = o.Policy.Lacking(IDs(o.Could))
	return o, nil
}

// allowed refuses an actor who may not ask at the accounts, and gives who could approve.
func (d *Desk) allowed(ctx context.Context, r *store.Reader, k *Kind, actor people.Actor, account rootkeep.AccountID, with Parties) ([]Approver, error) {
	places, err := d.places(ctx, r, account, with)
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		if actor.Kind != people.Person || !actor.May(people.Request, p) {
			return nil, fmt.Errorf("ask for %s in account %s: %w; hint: the role requester", k.Noun, p.Account, ErrNotAllowed)
		}
	}
	return approvers(ctx, r, places, with.Barred)
}

// parties says who takes part in what a subject asks for.
func (k *Kind) parties(subject []byte) (Parties, error) {
	if k.Parties == nil {
		return Parties{}, nil
	}
	return k.Parties(subject)
}

// partiesOf says who takes part in what a request asks for.
func (d *Desk) partiesOf(x *Matter) (Parties, error) {
	k, err := d.kind(x.Request.Kind)
	if err != nil {
		return Parties{}, err
	}
	return k.parties(x.Subject)
}

// places are where the account of a request and the others that it is about lie.
func (d *Desk) places(ctx context.Context, r *store.Reader, account rootkeep.AccountID, with Parties) ([]people.Place, error) {
	var out []people.Place
	for _, a := range append([]rootkeep.AccountID{account}, with.Accounts...) {
		if len(out) > 0 && a == account {
			continue
		}
		place, err := d.Place(ctx, r, a)
		if err != nil {
			return nil, err
		}
		out = append(out, place)
	}
	return out, nil
}

// keep writes the newest version, and the entry that tells of it.
func (x *Matter) keep(ctx context.Context, tx *store.Tx, verb string) error {
	_, err := tx.Exec(ctx, `INSERT INTO approval_version (request, version, editor, at, document, subject) VALUES ($1, $2, $3, $4, $5, $6)`,
		x.ID, int64(x.Request.Version), x.Editor, store.Micros(x.At), x.Request.Bytes(), x.Subject)
	if err != nil {
		return fmt.Errorf("keep version %d of request %s: %w", x.Request.Version, x.ID, err)
	}
	return x.record(tx, verb, x.Editor, ledger.NewPayload("request", x.Request.Bytes()),
		ledger.NewPayload("subject", x.Subject), ledger.NewPayload("policy", x.Policy.Bytes()))
}

// record writes the entry of the ledger, and tells listeners.
func (x *Matter) record(tx *store.Tx, verb, actor string, payloads ...ledger.Payload) error {
	tx.Announce(x.Request.Kind, x.ID)
	return tx.Record(x.Request.Kind+"."+verb, x.ID, actor, payloads...)
}

// Edit changes what an open request asks for; its account and its policy stay. All
// approvals of before are void. Of a request that the actor may not read it is
// ErrNotFound. It records KIND.edited.
func (d *Desk) Edit(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, action string, subject []byte) (*Matter, error) {
	x, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	k, err := d.kind(x.Request.Kind)
	if err != nil {
		return nil, err
	}
	if x.Request.Version > mostEdits {
		return nil, fmt.Errorf("%w: edited %d times; hint: withdraw it and ask anew", ErrInvalid, mostEdits)
	}
	if err := k.Check(subject); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	parties, err := k.parties(subject)
	if err != nil {
		return nil, err
	}
	can, err := d.allowed(ctx, &tx.Reader, k, actor, x.Request.Account, parties)
	if err != nil {
		return nil, err
	}
	request, err := x.Request.Edit(x.State, actor.ID, action, subject, x.Policy, IDs(can), tx.Now())
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
	return x, x.keep(ctx, tx, "edited")
}

// set writes the state and the version: the compare-and-set that every change goes
// through. A revision that is not the row's is ErrConflict.
func (x *Matter) set(ctx context.Context, tx *store.Tx, revision int64, state approval.State) error {
	if state != approval.Requested {
		x.Decided = tx.Now()
	}
	kept, overridden := state, time.Time{}
	if state == approval.Overridden {
		kept, overridden = approval.Withdrawn, x.Decided // see 0012_root.sql
	}
	err := tx.ExecOne(ctx, `UPDATE approval_request SET revision = revision + 1, state = $3, version = $4, decided = $5, overridden = $6
		WHERE id = $1 AND revision = $2 AND state = 'requested'`,
		x.ID, revision, string(kept), int64(x.Request.Version), store.Micros(x.Decided), store.Micros(overridden))
	if err != nil {
		return fmt.Errorf("change request %s: %w", x.ID, err)
	}
	x.Revision, x.State = revision+1, state
	return nil
}

// decided tells the kind that a request has come to its end.
func (d *Desk) decided(ctx context.Context, tx *store.Tx, x *Matter) error {
	k, err := d.kind(x.Request.Kind)
	if err != nil || k.Decided == nil {
		return err
	}
	return k.Decided(ctx, tx, x)
}

// Withdraw takes an open request back. Of a request that the actor may not read it is
// ErrNotFound. It records KIND.withdrawn.
func (d *Desk) Withdraw(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64) (*Matter, error) {
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
	if err := x.record(tx, "withdrawn", actor.ID); err != nil {
		return nil, err
	}
	return x, d.decided(ctx, tx, x)
}

// mostAtOnce bounds the rows that one Expire changes.
const mostAtOnce = 200

// Expire writes down which requests of any kind ran out of time. It records KIND.expired,
// and gives how many there were; as long as that is not 0 there may be more.
func (d *Desk) Expire(ctx context.Context, tx *store.Tx) (int, error) {
	expired, err := store.Texts(ctx, &tx.Reader, `SELECT id FROM approval_request WHERE state = 'requested' AND expires <= $1 ORDER BY id LIMIT $2`, store.Micros(tx.Now()), mostAtOnce)
	if err != nil {
		return 0, fmt.Errorf("find requests that expired: %w", err)
	}
	for _, id := range expired {
		x, err := get(ctx, &tx.Reader, id, tx.Now())
		if err != nil {
			return 0, err
		}
		if err := x.set(ctx, tx, x.Revision, approval.Expired); err != nil {
			return 0, err
		}
		if err := x.record(tx, "expired", people.SystemActor.ID); err != nil {
			return 0, err
		}
		if err := d.decided(ctx, tx, x); err != nil {
			return 0, err
		}
	}
	return len(expired), nil
}

func chance(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails, see crypto/rand
	return b
}
