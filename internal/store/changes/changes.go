// Package changes keeps what is remembered of changes of accounts: the plan, where it
// stands, which calls were made, which resources it holds. Requests and signatures are
// those of internal/store/approvals, under the ID of the change.
//
// Every transition is one compare-and-set on the revision of the row and writes its
// ledger entry in the same transaction. Nothing is applied but the plan whose SHA-256
// approvers signed.
package changes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/ledger"
)

// State is where a change stands.
type State string

// The states. A change goes from Planned over Requested and Approved to Applying, and
// ends Applied or Unverified; Stopped can be gone on with, given up or undone. An undo
// ends Partial where some calls cannot be undone; what it undid is Partial as well then,
// and where an undo was given up in the middle: the rest can be undone by another one.
const (
	Planned    State = "planned"
	Requested  State = "requested"
	Approved   State = "approved"
	Applying   State = "applying"
	Stopped    State = "stopped"    // in the middle: it says where and why
	Applied    State = "applied"    // and reading back shows it
	Partial    State = "partial"    // undone in part: it says which calls were, and which were not
	Unverified State = "unverified" // what was done is not proven
	Undoing    State = "undoing"    // by another change, that has begun
	Undone     State = "undone"
	Refused    State = "refused" // the state of the account was not the planned one any more; nothing was done
	Denied     State = "denied"
	Expired    State = "expired"
	Withdrawn  State = "withdrawn"
)

// States lists them in the order in which pages show them.
func States() []State {
	return []State{Planned, Requested, Approved, Applying, Stopped, Applied, Partial, Unverified, Undoing, Undone, Refused, Denied, Expired, Withdrawn}
}

// ParseState reads a state.
func ParseState(s string) (State, error) {
	if v := State(s); slices.Contains(States(), v) {
		return v, nil
	}
	return "", fmt.Errorf("state %q: want one of %v", s, States())
}

// Errors that a caller branches on, beside those of approvals.
var (
	// ErrState is an act that the change's state does not allow.
	ErrState = errors.New("not in this state")
	// ErrHash is a plan other than the one that was approved.
	ErrHash = errors.New("this is not the plan that was approved")
	// ErrUnapproved is a change whose signatures do not suffice, whatever its row says.
	ErrUnapproved = errors.New("the approvals do not hold")
	// ErrLost is a run whose lease somebody else holds now.
	ErrLost = errors.New("the change is applied by somebody else now")
	// ErrHalted is a change of a batch that halted, or that waits for another of it.
	ErrHalted = errors.New("its batch does not go on")
)

// Held is a resource that another change holds.
type Held struct {
	Resource string // hostile text
	By       string // ID of a change
}

// Error names the other change.
func (h *Held) Error() string {
	return fmt.Sprintf("%q is held by change %s; hint: wait until that one has ended, or give it up", h.Resource, h.By)
}

// Bounds of time.
const (
	planValid = 7 * 24 * time.Hour // from the plan to the request
	within    = 24 * time.Hour     // from the approval to the beginning, if a Desk does not say otherwise
	mostOpen  = 500                // requests of one person
)

// Desk is where changes are planned, asked for and begun.
type Desk struct {
	*approvals.Desk
	Within time.Duration // from the last approval to the beginning; 0 is a day
	// Stands, if it is not nil, says why nothing may be done under a request for root that
	// was approved, such as that it was closed. What only takes away is done all the same.
	Stands func(context.Context, *store.Reader, *approvals.Matter, time.Time) error
	// Overridden says why the signatures do not hold by which a request for root went
	// without approvals; under a Desk without it nothing is done for such a request.
	Overridden func(context.Context, *store.Reader, *approvals.Matter, time.Time) error
}

// New checks that the desk is complete.
func New(d Desk) (*Desk, error) {
	if d.Desk == nil || d.Within < 0 {
		return nil, errors.New("changes: the desk of requests and a time that is not negative are required")
	}
	if d.Within == 0 {
		d.Within = within
	}
	return &d, nil
}

// Kind is the kind of requests to apply changes. within is that of the Desk; 0 is a day.
func Kind(valid time.Duration) approvals.Kind {
	if valid == 0 {
		valid = within
	}
	return approvals.Kind{
		Name: approval.ChangeKind, Noun: "a change", Prefix: "CH", Most: mostOpen, Check: approval.CheckPlan,
		Decided: func(ctx context.Context, tx *store.Tx, m *approvals.Matter) error { return decided(ctx, tx, m, valid) },
	}
}

// decided brings the change to where its request has come. The entry is the request's.
func decided(ctx context.Context, tx *store.Tx, m *approvals.Matter, valid time.Duration) error {
	c, err := get(ctx, &tx.Reader, m.ID, tx.Now())
	if err != nil {
		return err
	}
	c.State = map[approval.State]State{
		approval.Approved: Approved, approval.Denied: Denied, approval.Expired: Expired, approval.Withdrawn: Withdrawn,
	}[m.State]
	c.Expires, c.Ended = time.Time{}, tx.Now()
	if c.State == Approved {
		c.Approved, c.Expires, c.Ended = tx.Now(), tx.Now().Add(valid), time.Time{}
	}
	return c.set(ctx, tx, Requested)
}

// Change is a change with where it stands.
type Change struct {
	ID       string
	Revision int64
	State    State // as it is at the time of reading
	Account  rootkeep.AccountID
	Kind     string
	Class    approval.Class
	Final    bool   // it cannot wholly be undone, or its risk is high
	Plan     []byte // as change.ParsePlan reads it
	Hash     string // SHA-256 of the plan, hexadecimal
	Planner  string // ID of a person
	Created  time.Time
	Expires  time.Time // when one that is planned, requested or approved is so no more; else zero
	Approved time.Time // zero before
	Begun    time.Time
	Ended    time.Time
	For      string // ID of the request for root that it belongs to, or ""
	Undoes   string // ID of a change, or ""
	UndoneBy string // ID of the change that undoes it, or ""
	before   State  // of one that is being undone
	kept     State  // in the row: one that ran out of time may not be written down yet
	Batch    string // or ""
	Place    int    // in the batch, from 1
	Canary   bool
	Run      int // how often it was begun or gone on with
	Owner    string
	Lease    time.Time
	Why      string // hostile text
	Doubt    bool   // the call after the last that was made may have been made
	After    []byte // JSON of the state as it was read last, or nil
	Replaced string // ID of the change that was planned in its place, or ""
}

// Done says whether every call of the plan was made and nothing speaks against it. Of an
// undo that is Partial, people signed what it leaves.
func (c *Change) Done() bool { return c.State == Applied || c.State == Partial }

// Policy is the ID of the policy that decides it; under a request for root, that of a use of
// root, unless the request is an exercise.
func (c *Change) Policy() string {
	if c.For != "" {
		return approval.RootUse
	}
	return c.Class.Policy(approval.Gravity(c.Final))
}

// Action is the line that statements carry.
func (c *Change) Action() string {
	return change.ActionOf(c.Kind, c.Undoes)
}

// Parsed is its plan.
func (c *Change) Parsed() (*change.Plan, error) { return change.ParsePlan(c.Plan) }

// of makes a change of a plan.
func of(p *change.Plan, planner string, now time.Time) (*Change, error) {
	text, err := p.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	if _, err := change.ParsePlan(text); err != nil { // what is kept can be read back
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	class, err := approval.ParseClass(p.Class)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	if err := approval.CheckPlan(text); err != nil {
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	if _, err := rootkeep.ParseAccountID(string(p.Account)); err != nil {
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	if err := belongs(p); err != nil {
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	return &Change{
		ID: p.ID, Revision: 1, State: Planned, Account: p.Account, Kind: p.Kind, Class: class, Final: p.Grave(), Plan: text, Hash: sum(text),
		Planner: planner, Created: now, Expires: now.Add(planValid), For: p.For, Undoes: p.Undoes,
	}, nil
}

func sum(text []byte) string {
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}

// mayAsk refuses who may not plan and ask for changes of an account.
func (d *Desk) mayAsk(ctx context.Context, r *store.Reader, actor people.Actor, account rootkeep.AccountID) error {
	return d.may(ctx, r, actor, account, people.Request, "plan a change of")
}

func (d *Desk) may(ctx context.Context, r *store.Reader, actor people.Actor, account rootkeep.AccountID, p people.Permission, verb string) error {
	place, err := d.Desk.Place(ctx, r, account)
	if err != nil {
		return err
	}
	if actor.Kind != people.Person || !actor.May(p, place) {
		return fmt.Errorf("%s account %s: %w; hint: a person with the role requester or responder", verb, account, approvals.ErrNotAllowed)
	}
	return nil
}

// Plan keeps a plan. It records change.planned, with the plan.
func (d *Desk) Plan(ctx context.Context, tx *store.Tx, actor people.Actor, p *change.Plan) (*Change, error) {
	c, err := of(p, actor.ID, tx.Now())
	if err != nil {
		return nil, err
	}
	return c, d.plan(ctx, tx, actor, c)
}

func (d *Desk) plan(ctx context.Context, tx *store.Tx, actor people.Actor, c *Change) error {
	if err := d.mayAsk(ctx, &tx.Reader, actor, c.Account); err != nil {
		return err
	}
	k, known := d.KindOf(c.ID)
	if !known || k.Name != approval.ChangeKind {
		return fmt.Errorf("%w: %q: want an ID that begins with CH-", approvals.ErrInvalid, c.ID)
	}
	if c.Undoes != "" {
		if _, err := d.undoable(ctx, &tx.Reader, actor, c, tx.Now()); err != nil {
			return err
		}
	}
	if c.For != "" {
		if err := d.join(ctx, tx, c); err != nil {
			return err
		}
	}
	if err := c.insert(ctx, tx); err != nil {
		return err
	}
	return c.record(tx, "planned", actor.ID, ledger.NewPayload("plan", c.Plan))
}

// undoable reads the change that another one is to undo, and refuses one that cannot be
// undone as it stands.
func (d *Desk) undoable(ctx context.Context, r *store.Reader, actor people.Actor, undo *Change, now time.Time) (*Change, error) {
	o, err := d.Get(ctx, r, actor, undo.Undoes, now)
	if err != nil {
		return nil, err
	}
	switch {
	case o.Account != undo.Account || o.Kind != undo.Kind || o.Undoes != "":
		return nil, fmt.Errorf("%w: %s is no undo of %s", approvals.ErrInvalid, undo.ID, o.ID)
	case !o.Undoable():
		return nil, fmt.Errorf("change %s is %s, and is not undone: %w", o.ID, o.State, ErrState)
	}
	return o, nil
}

// Undoable says whether an undo of it may be planned as it stands.
func (c *Change) Undoable() bool {
	return c.Undoes == "" && slices.Contains([]State{Applied, Partial, Unverified, Stopped}, c.State)
}

// Request asks for the approval of a plan that the actor made: hash is that of the plan
// that was read. It records change.requested. It is an *approval.Shortage if nobody could
// approve it.
func (d *Desk) Request(ctx context.Context, tx *store.Tx, actor people.Actor, id, hash string) (*Change, error) {
	c, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	switch {
	case c.For != "":
		return nil, fmt.Errorf("%w: change %s belongs to the request for root %s, which asks for it; hint: rootkeep root request", approvals.ErrInvalid, id, c.For)
	case c.State != Planned:
		return nil, fmt.Errorf("change %s is %s: %w", id, c.State, ErrState)
	case actor.ID != c.Planner:
		return nil, fmt.Errorf("ask for change %s: only who planned it: %w", id, approvals.ErrNotAllowed)
	case hash != c.Hash:
		return nil, fmt.Errorf("change %s: the plan has the SHA-256 %s, not %q: %w", id, c.Hash, hash, store.ErrConflict)
	}
	m, err := d.Submit(ctx, tx, actor, approvals.Wanted{
		Kind: approval.ChangeKind, ID: id, Account: c.Account, Action: c.Action(), Subject: c.Plan, Policy: c.Policy(),
	})
	if err != nil {
		return nil, err
	}
	c.State, c.Expires = Requested, m.Request.Expires
	return c, c.set(ctx, tx, Planned)
}

// Withdraw takes back a change that has not begun: who planned it does. It records
// change.withdrawn.
func (d *Desk) Withdraw(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64) (*Change, error) {
	c, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	from := c.State
	switch {
	case c.Revision != revision:
		return nil, fmt.Errorf("change %s: %w", id, store.ErrConflict)
	case actor.ID != c.Planner:
		return nil, fmt.Errorf("withdraw change %s: only who planned it: %w", id, approvals.ErrNotAllowed)
	case from == Requested && c.For != "":
		return nil, fmt.Errorf("change %s is asked for by %s: %w; hint: withdraw that request", id, c.For, ErrState)
	case from == Requested:
		m, err := d.Desk.Get(ctx, &tx.Reader, actor, id, tx.Now())
		if err != nil {
			return nil, err
		}
		if _, err := d.Desk.Withdraw(ctx, tx, actor, id, m.Revision); err != nil {
			return nil, err
		}
		return get(ctx, &tx.Reader, id, tx.Now())
	case from != Planned && from != Approved:
		return nil, fmt.Errorf("change %s is %s: %w", id, from, ErrState)
	}
	c.State, c.Expires, c.Ended = Withdrawn, time.Time{}, tx.Now()
	if err := c.set(ctx, tx, from); err != nil {
		return nil, err
	}
	return c, c.record(tx, "withdrawn", actor.ID)
}

// mostAtOnce bounds the rows that one Expire changes.
const mostAtOnce = 200

// Expire writes down which plans nobody asked for, and which approvals nobody used, in
// time; requests that expire are approvals.Desk.Expire's. It records change.expired, and
// gives how many there were; as long as that is not 0 there may be more.
func Expire(ctx context.Context, tx *store.Tx) (int, error) {
	late, err := store.Texts(ctx, &tx.Reader, `SELECT id FROM change WHERE state IN ('planned', 'approved') AND expires <= $1 ORDER BY id LIMIT $2`, store.Micros(tx.Now()), mostAtOnce)
	if err != nil {
		return 0, fmt.Errorf("find changes that expired: %w", err)
	}
	for _, id := range late {
		c, err := get(ctx, &tx.Reader, id, tx.Now())
		if err != nil {
			return 0, err
		}
		from := c.kept
		c.State, c.Expires, c.Ended = Expired, time.Time{}, tx.Now()
		if err := c.set(ctx, tx, from); err != nil {
			return 0, err
		}
		if err := c.record(tx, "expired", people.SystemActor.ID); err != nil {
			return 0, err
		}
	}
	return len(late), nil
}
