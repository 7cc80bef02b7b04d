// Package access keeps requests for root users: what approvers signed
// (internal/store/approvals), then the session, its checklists and its record; the events
// that arrive, with a verdict for each, and the cases that verdicts open.
//
// Every transition is one compare-and-set on the revision of the row, writes its ledger
// entry, root.VERB, in the same transaction, and tells listeners of the topic root.
// Requester, approvers and custodian are distinct persons.
package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
)

// State is where a request for root stands.
type State string

// The states. A request goes from Requested over Approved, Open and Closing to Closed.
// One that went without approvals is Approved too, and Request.Override says so.
const (
	Requested State = "requested"
	Approved  State = "approved"
	Open      State = "open"    // the session runs
	Closing   State = "closing" // the session is over; answers, or the confirmation, are missing
	Closed    State = "closed"
	Lapsed    State = "lapsed" // nobody opened it within its window
	Denied    State = "denied"
	Expired   State = "expired"
	Withdrawn State = "withdrawn"
)

// States lists them in the order in which pages show them.
func States() []State {
	return []State{Requested, Approved, Open, Closing, Closed, Lapsed, Denied, Expired, Withdrawn}
}

// ParseState reads a state.
func ParseState(s string) (State, error) {
	if v := State(s); slices.Contains(States(), v) {
		return v, nil
	}
	return "", fmt.Errorf("state %q: want one of %v", s, States())
}

// Topic is that of what listeners are told.
const Topic = access.RequestKind

// Errors that a caller branches on, beside those of approvals.
var (
	// ErrState is an act that the state of the request, or the time, does not allow.
	ErrState = errors.New("not in this state")
	// ErrUnanswered is a session that is opened or closed while items wait for an answer.
	ErrUnanswered = errors.New("items of the checklist wait for an answer")
	// ErrCustodian is a custodian who cannot be one, or cannot be one any more.
	ErrCustodian = errors.New("cannot be the custodian")
	// ErrOverlap is a second sign-in to one root user at the same time.
	ErrOverlap = errors.New("somebody else signs in to this root user at that time")
)

// mostOpen is how many requests of one person wait for approvals at a time.
const mostOpen = 50

// Changed is called within the transaction in which a request comes to be approved,
// overridden, denied, expired, withdrawn or lapsed: the changes that it is for go with it.
type Changed func(context.Context, *store.Tx, *Request) error

// Desk is where root users are asked for, used and accounted for.
type Desk struct {
	*approvals.Desk
	// Changed may be nil. It is that of Kinds.
	Changed Changed
	// Asked, if it is not nil, is called within the transaction in which a request is made
	// or edited: changes that it names are looked at.
	Asked func(context.Context, *store.Tx, *approvals.Matter) error
}

// New checks that the desk is complete.
func New(d Desk) (*Desk, error) {
	if d.Desk == nil {
		return nil, errors.New("access: the desk of requests is required")
	}
	return &d, nil
}

// Kinds are the kinds of requests to use root: with approvals, and once more without any.
// changed may be nil.
func Kinds(changed Changed) []approvals.Kind {
	return []approvals.Kind{
		{
			Name: access.RequestKind, Noun: "root", Prefix: access.Prefix, Most: mostOpen,
			Check:   func(subject []byte) error { _, err := access.ParseRequest(subject); return err },
			Parties: parties,
			Until: func(subject []byte) (time.Time, error) {
				r, err := access.ParseRequest(subject)
				if err != nil {
					return time.Time{}, err
				}
				return r.Until, nil
			},
			Decided: func(ctx context.Context, tx *store.Tx, m *approvals.Matter) error {
				return decided(ctx, tx, m, changed)
			},
		},
		secondKind(changed),
	}
}

// parties of a request are its custodian, who decides nothing, and all of its accounts.
func parties(subject []byte) (approvals.Parties, error) {
	r, err := access.ParseRequest(subject)
	if err != nil {
		return approvals.Parties{}, err
	}
	p := approvals.Parties{Accounts: r.Accounts}
	if r.Custodian != "" {
		p.Barred = []string{r.Custodian}
	}
	return p, nil
}

// decided brings the request to where its approval has come. The entry is the approval's.
func decided(ctx context.Context, tx *store.Tx, m *approvals.Matter, changed Changed) error {
	x, err := get(ctx, &tx.Reader, m.ID, tx.Now())
	if err != nil {
		return err
	}
	x.State = map[approval.State]State{
		approval.Approved: Approved, approval.Denied: Denied, approval.Expired: Expired, approval.Withdrawn: Withdrawn,
	}[m.State]
	if x.State == Approved {
		x.Granted = tx.Now()
	} else {
		x.Ended = tx.Now()
	}
	if err := x.set(ctx, tx, Requested); err != nil {
		return err
	}
	if err := voidOverride(ctx, tx, x.ID); err != nil {
		return err
	}
	return x.changed(ctx, tx, changed)
}

// changed tells of a new state: events are judged by it from then on.
func (x *Request) changed(ctx context.Context, tx *store.Tx, changed Changed) error {
	if !x.Granted.IsZero() {
		if _, err := JudgeRequest(ctx, tx, x); err != nil {
			return err
		}
	}
	if changed == nil {
		return nil
	}
	return changed(ctx, tx, x)
}

// Request is a request for root with where it stands.
type Request struct {
	ID       string
	Revision int64
	State    State // as it is at the time of reading
	Matter   *approvals.Matter
	Asked    *access.Request
	Begins   time.Time // of the window that holds: an override has a short one
	Ends     time.Time // the first moment behind it
	Granted  time.Time // approved or overridden; zero before, as all that follow
	Override bool      // it went without approvals
	Opened   time.Time
	Due      time.Time // the session is over by then
	Over     time.Time // the session was over
	Overrun  time.Time // it was seen that nobody had closed the session in time
	Sealed   time.Time // somebody said that all is put back
	Ended    time.Time // nothing more was to come
	Device   string    // MFA device that was handed out, "" if nobody said
	Outcome  reconcile.Outcome
	Activity string // SHA-256 of the record that was confirmed, hexadecimal

	kept State // in the row: what time did may not be written down yet
	own  int64 // revision of the row, a part of Revision
}

// Requester is the ID of who asked.
func (x *Request) Requester() string { return x.Matter.Request.Requester }

// Decidable is the first moment at which the request cannot be approved any more, if it is
// not before: it expires, or its window is over.
func (x *Request) Decidable() time.Time {
	if x.Asked.Until.Before(x.Matter.Request.Expires) {
		return x.Asked.Until
	}
	return x.Matter.Request.Expires
}

// Accounts are those whose root users the request is for.
func (x *Request) Accounts() []rootkeep.AccountID { return x.Asked.Accounts }

// Parties are the persons who took part: they neither approve nor review it.
func (x *Request) Parties() []string {
	out := append([]string{x.Requester()}, x.Matter.Request.Editors...)
	if x.Asked.Custodian != "" {
		out = append(out, x.Asked.Custodian)
	}
	return out
}
