package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/ledger"
)

// Activity is the record of a session: what AWS's log says was done, written from the
// events, not from what anybody remembers. Its members are in the order of their names.
type Activity struct {
	Accounts []rootkeep.AccountID `json:"accounts"`
	Answers  []Said               `json:"answers"`
	Device   string               `json:"device"`
	Events   []Done               `json:"events"` // of the request, the earliest first
	Left     int                  `json:"left_off"`
	Opened   time.Time            `json:"opened"`
	Outcome  reconcile.Outcome    `json:"outcome"`
	Over     time.Time            `json:"over"`
	Overrun  bool                 `json:"overrun"`
	Request  string               `json:"request"`
	Content  approval.Hash        `json:"request_sha256"`
	Schema   string               `json:"schema"`
	Sealed   time.Time            `json:"sealed"`
}

// ActivitySchema names the canonical JSON of a record.
const ActivitySchema = "rootkeep/root-activity/1"

// mostDone bounds the events that a record lists: Activity.Left says how many there are
// besides.
const mostDone = 2000

// Said is an answer, as a record has it.
type Said struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Item    string    `json:"item"`
	Skipped string    `json:"skipped"`
}

// Done is an event, as a record has it. Its texts are hostile.
type Done struct {
	Account rootkeep.AccountID `json:"account"`
	Address string             `json:"address"`
	At      time.Time          `json:"at"`
	Error   string             `json:"error"`
	Event   string             `json:"event"` // ID that its record has
	Key     string             `json:"key"`   // RU-...
	Name    string             `json:"name"`
	Rule    string             `json:"rule"`
	Source  string             `json:"source"`
	Verdict rootkeep.Verdict   `json:"verdict"`
}

// Bytes is the canonical JSON of the record.
func (a *Activity) Bytes() ([]byte, error) { return approval.Encode(a) }

// ActivityOf writes the record of a request as it is now.
func ActivityOf(ctx context.Context, r *store.Reader, x *Request) (*Activity, error) {
	a := &Activity{
		Accounts: x.Accounts(), Answers: []Said{}, Device: x.Device, Events: []Done{}, Opened: x.Opened, Outcome: x.Outcome, Over: x.Over, Overrun: !x.Overrun.IsZero(),
		Request: x.ID, Content: x.Matter.Request.Hash(), Schema: ActivitySchema, Sealed: x.Sealed,
	}
	answers, err := Answers(ctx, r, x.ID)
	if err != nil {
		return nil, err
	}
	for _, s := range answers {
		a.Answers = append(a.Answers, Said{s.At, s.By, s.Item, s.Skipped})
	}
	found, all, err := rootlog.OfRequest(ctx, r, x.ID, mostDone)
	if err != nil {
		return nil, err
	}
	for _, e := range found {
		a.Events = append(a.Events, Done{e.Account, e.Address, e.Time, e.Error, e.Event.ID, e.Key, e.Name, e.Rule, e.Source, e.Verdict})
	}
	a.Left = all - len(found)
	return a, nil
}

// ErrPending is a record that is confirmed while events of its session may still arrive.
var ErrPending = errors.New("events of the session may still arrive")

// Confirm ends a request that is sealed: who asked confirms the record that they read, of
// which hash is the SHA-256. Events are judged first; while some may still arrive it is
// ErrPending, and store.ErrConflict if the record is another one by now. It records
// root.confirmed, with the record.
func (d *Desk) Confirm(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, hash approval.Hash) (*Request, error) {
	x, err := d.at(ctx, tx, actor, id, revision)
	if err != nil {
		return nil, err
	}
	if err := x.is("confirmed", Closing); err != nil {
		return nil, err
	}
	if x.Sealed.IsZero() {
		return nil, fmt.Errorf("request %s is not sealed: %w; hint: rootkeep root close %s", id, ErrState, id)
	}
	if from := x.Over.Add(reconcile.Delay); tx.Now().Before(from) {
		return nil, fmt.Errorf("confirm request %s: %w; hint: read the record again after %s", id, ErrPending, from.Format(time.RFC3339))
	}
	if err := d.mayConfirm(ctx, tx, actor, x); err != nil {
		return nil, err
	}
	if err := settle(ctx, tx, x); err != nil {
		return nil, err
	}
	a, err := ActivityOf(ctx, &tx.Reader, x)
	if err != nil {
		return nil, err
	}
	text, err := a.Bytes()
	if err != nil {
		return nil, err
	}
	if got := approval.Sum(text); got != hash {
		return nil, fmt.Errorf("request %s: its record has the SHA-256 %s by now: %w", id, got, store.ErrConflict)
	}
	x.State, x.Ended, x.Activity = Closed, tx.Now(), hash.String()
	if err := x.set(ctx, tx, Closing); err != nil {
		return nil, err
	}
	return x, x.record(tx, "confirmed", actor.ID, ledger.NewPayload("activity", text))
}

// mayConfirm refuses who did not ask; if who asked is active no more, whoever took no part
// and may approve at all accounts stands in.
func (d *Desk) mayConfirm(ctx context.Context, tx *store.Tx, actor people.Actor, x *Request) error {
	if actor.Kind == people.Person && actor.ID == x.Requester() {
		return nil
	}
	left, err := d.gone(ctx, tx, x.Requester())
	if err != nil {
		return err
	}
	if left {
		return d.independent(ctx, &tx.Reader, actor, x, x.Parties())
	}
	return fmt.Errorf("confirm the record of %s: only who asked: %w", x.ID, approvals.ErrNotAllowed)
}

// gone says whether a person is active no more.
func (d *Desk) gone(ctx context.Context, tx *store.Tx, id string) (bool, error) {
	_, err := stored.ActorOf(ctx, &tx.Reader, id)
	if errors.Is(err, stored.ErrSuspended) || errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	return false, err
}
