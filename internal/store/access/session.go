package access

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/ledger"
)

// Open begins the session of an approved request: who asked does, within the window, once
// everything before it is answered. device is the MFA device that the custodian handed
// out, "" if nobody says. It records root.opened.
func (d *Desk) Open(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64, device string) (*Request, error) {
	x, err := d.at(ctx, tx, actor, id, revision)
	if err != nil {
		return nil, err
	}
	if err := d.openable(ctx, tx, actor, x); err != nil {
		return nil, err
	}
	if device != "" {
		if err := approval.CheckText("MFA device", device, 256); err != nil {
			return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
		}
	}
	x.State, x.Opened, x.Device = Open, tx.Now(), device
	x.Due = x.Ends // on the path Assumed there is a session for each change, as short as AWS has it
	if end := x.Opened.Add(time.Duration(x.Asked.Session) * time.Second); x.Asked.Path == access.SignIn && end.Before(x.Due) {
		x.Due = end
	}
	if err := x.set(ctx, tx, Approved); err != nil {
		return nil, err
	}
	err = x.say(tx, "opened", actor.ID, struct {
		Device string    `json:"device"`
		Due    time.Time `json:"due"`
	}{device, x.Due})
	if err != nil {
		return nil, err
	}
	_, err = JudgeRequest(ctx, tx, x)
	return x, err
}

// openable says why the session of a request cannot begin, or nil.
func (d *Desk) openable(ctx context.Context, tx *store.Tx, actor people.Actor, x *Request) error {
	if err := x.is("opened", Approved); err != nil {
		return err
	}
	if now := tx.Now(); now.Before(x.Begins) {
		return fmt.Errorf("request %s: its window begins %s: %w", x.ID, x.Begins.Format(time.RFC3339), ErrState)
	}
	if actor.ID != x.Requester() || actor.Kind != people.Person {
		return fmt.Errorf("open request %s: only who asked: %w", x.ID, approvals.ErrNotAllowed)
	}
	for _, a := range x.Accounts() {
		place, err := d.Place(ctx, &tx.Reader, a)
		if err != nil {
			return err
		}
		if !actor.May(people.Request, place) {
			return fmt.Errorf("open request %s in account %s: %w; hint: the role requester", x.ID, a, approvals.ErrNotAllowed)
		}
	}
	if err := d.Holds(ctx, &tx.Reader, x); err != nil {
		return err
	}
	if err := d.custodian(ctx, &tx.Reader, x.Matter.Request.Account, x.Asked, x.Requester()); err != nil {
		return fmt.Errorf("open request %s: %w; hint: withdraw it and ask anew with another custodian, whom approvers then agree to", x.ID, err)
	}
	if err := d.unanswered(ctx, &tx.Reader, x, beforeSession); err != nil {
		return err
	}
	return alone(ctx, tx, x)
}

// Holds is approvals.ErrUnproven unless the signatures hold by which the request goes on:
// those of approvers, or that of an override.
func (d *Desk) Holds(ctx context.Context, r *store.Reader, x *Request) error {
	m, a := x.Matter, x.Asked
	if m.Request.Kind != access.RequestKind || m.Request.Action != a.Action() || m.Policy.ID != Policy(a.Kind) || len(a.Accounts) == 1 && m.Request.Account != a.Accounts[0] {
		return fmt.Errorf("request %s: %w: it is about something else, or another policy than %s decided", x.ID, approvals.ErrUnproven, Policy(a.Kind))
	}
	if x.Override {
		return d.overrideHolds(ctx, r, x)
	}
	return d.Proven(ctx, r, m)
}

// alone refuses a sign-in while another session runs in the account, except for one that
// was overridden: an emergency does not wait. Events of both are then of the one that was
// opened first.
func alone(ctx context.Context, tx *store.Tx, x *Request) error {
	if x.Asked.Path != access.SignIn || x.Override {
		return nil
	}
	others, err := store.Texts(ctx, &tx.Reader, `SELECT q.id FROM root_request q JOIN root_request_account a ON a.request = q.id
		WHERE a.account = $1 AND q.path = 'sign-in' AND q.state = 'open' AND q.due > $2 AND q.id <> $3 ORDER BY q.id LIMIT 1`, string(x.Asked.Accounts[0]), store.Micros(tx.Now()), x.ID)
	if err != nil {
		return fmt.Errorf("find other sessions in account %s: %w", x.Asked.Accounts[0], err)
	}
	if len(others) > 0 {
		return fmt.Errorf("open request %s: %w: the session of %s runs; hint: have it closed", x.ID, ErrOverlap, others[0])
	}
	return nil
}

// The sides of a session, for access.Unanswered.
const (
	beforeSession = true
	afterSession  = false
)

func (d *Desk) unanswered(ctx context.Context, r *store.Reader, x *Request, side bool) error {
	given, err := Answers(ctx, r, x.ID)
	if err != nil {
		return err
	}
	var plain []access.Answer
	for _, a := range given {
		plain = append(plain, a.Answer)
	}
	open, err := access.Unanswered(x.Asked.Checklist, plain, side)
	if err != nil || len(open) == 0 {
		return err
	}
	var names []string
	for _, i := range open {
		names = append(names, i.ID)
	}
	return fmt.Errorf("request %s: %w: %s; hint: say that each is done, or why it is skipped", x.ID, ErrUnanswered, strings.Join(names, ", "))
}

// say records an entry with a payload of JSON.
func (x *Request) say(tx *store.Tx, verb, actor string, about any) error {
	text, err := json.Marshal(about)
	if err != nil {
		return err
	}
	return x.record(tx, verb, actor, ledger.NewPayload(verb, text))
}

// Answer is what was said of an item, by whom and when.
type Answer struct {
	access.Answer
	By string
	At time.Time
}

// Answers lists what was said of the items of a request, by item.
func Answers(ctx context.Context, r *store.Reader, id string) ([]Answer, error) {
	var out []Answer
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var a Answer
		var at int64
		err := rows.Scan(&a.Item, &a.Skipped, &a.By, &at)
		a.At = store.Time(at)
		out = append(out, a)
		return err
	}, `SELECT item, skipped, person, at FROM root_answer WHERE request = $1 ORDER BY item`, id)
	if err != nil {
		return nil, fmt.Errorf("read the answers of request %s: %w", id, err)
	}
	return out, nil
}

// Answer says of an item that it is done, or why it is skipped: who asked says so, or the
// custodian; of items before the session until it begins, of those after it until all is
// sealed. An answer takes the place of one given before, which the ledger keeps. It
// records root.answered.
func (d *Desk) Answer(ctx context.Context, tx *store.Tx, actor people.Actor, id string, a access.Answer) (*Request, error) {
	x, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	if err := x.part(actor, "answer items of"); err != nil {
		return nil, err
	}
	if _, err := access.Unanswered(x.Asked.Checklist, []access.Answer{a}, beforeSession); err != nil {
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	i := slices.IndexFunc(x.Asked.Checklist, func(i access.Item) bool { return i.ID == a.Item })
	states := []State{Open, Closing}
	if x.Asked.Checklist[i].Phase.Before() {
		states = []State{Approved}
	}
	if err := x.is("answering "+a.Item, states...); err != nil {
		return nil, err
	}
	if x.State == Closing && !x.Sealed.IsZero() {
		return nil, fmt.Errorf("request %s is sealed: %w", id, ErrState)
	}
	_, err = tx.Exec(ctx, `INSERT INTO root_answer (request, item, skipped, person, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (request, item) DO UPDATE SET skipped = excluded.skipped, person = excluded.person, at = excluded.at`,
		id, a.Item, a.Skipped, actor.ID, store.Micros(tx.Now()))
	if err != nil {
		return nil, fmt.Errorf("keep the answer to %s of request %s: %w", a.Item, id, err)
	}
	return x, x.say(tx, "answered", actor.ID, a)
}

// part refuses who neither asked nor is the custodian.
func (x *Request) part(actor people.Actor, verb string) error {
	if actor.Kind == people.Person && (actor.ID == x.Requester() || actor.ID == x.Asked.Custodian) {
		return nil
	}
	return fmt.Errorf("%s request %s: only who asked and the custodian: %w", verb, x.ID, approvals.ErrNotAllowed)
}

// Close ends the session and says that all is put back: who asked does, or the custodian,
// once everything after the session is answered. It records root.sealed, and root.overrun
// if that comes late.
func (d *Desk) Close(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64) (*Request, error) {
	x, err := d.at(ctx, tx, actor, id, revision)
	if err != nil {
		return nil, err
	}
	if err := x.is("closed", Open, Closing); err != nil {
		return nil, err
	}
	if !x.Sealed.IsZero() {
		return nil, fmt.Errorf("request %s is sealed: %w", id, ErrState)
	}
	if err := x.part(actor, "close"); err != nil {
		return nil, err
	}
	if err := d.unanswered(ctx, &tx.Reader, x, afterSession); err != nil {
		return nil, err
	}
	if x.kept == Open && x.State == Closing {
		if err := x.overrun(ctx, tx); err != nil {
			return nil, err
		}
	}
	from := x.kept
	if x.State, x.Sealed = Closing, tx.Now(); x.Over.IsZero() {
		x.Over = tx.Now()
	}
	if err := x.set(ctx, tx, from); err != nil {
		return nil, err
	}
	err = x.say(tx, "sealed", actor.ID, struct {
		Over time.Time `json:"over"`
	}{x.Over})
	if err != nil {
		return nil, err
	}
	_, err = JudgeRequest(ctx, tx, x)
	return x, err
}

// mostAtOnce bounds the rows that one sweep changes.
const mostAtOnce = 200

// Overrun writes down which sessions nobody closed in time, and gives their requests: for
// a notice. As long as there are any there may be more. It records root.overrun.
func Overrun(ctx context.Context, tx *store.Tx) ([]*Request, error) {
	late, err := list(ctx, &tx.Reader, tx.Now(), query+` WHERE q.state = 'open' AND q.due <= $1 ORDER BY q.id LIMIT $2`, store.Micros(tx.Now()), mostAtOnce)
	if err != nil {
		return nil, err
	}
	for _, x := range late {
		if err := x.overrun(ctx, tx); err != nil {
			return nil, err
		}
	}
	return late, nil
}

// overrun ends a session that is over by the time, though nobody said so. What root still
// does is out of its window from then on.
func (x *Request) overrun(ctx context.Context, tx *store.Tx) error {
	x.State, x.Over, x.Overrun = Closing, x.Due, tx.Now()
	if err := x.set(ctx, tx, Open); err != nil {
		return err
	}
	err := x.say(tx, "overrun", people.SystemActor.ID, struct {
		Due time.Time `json:"due"`
	}{x.Due})
	if err != nil {
		return err
	}
	_, err = JudgeRequest(ctx, tx, x)
	return err
}

// Lapse writes down which approved requests nobody opened within their window, and gives
// how many there were; as long as that is not 0 there may be more. It records root.lapsed.
func (d *Desk) Lapse(ctx context.Context, tx *store.Tx) (int, error) {
	late, err := list(ctx, &tx.Reader, tx.Now(), query+` WHERE q.state = 'approved' AND q.ends <= $1 ORDER BY q.id LIMIT $2`, store.Micros(tx.Now()), mostAtOnce)
	if err != nil {
		return 0, err
	}
	for _, x := range late {
		x.State, x.Ended = Lapsed, tx.Now()
		if err := x.set(ctx, tx, Approved); err != nil {
			return 0, err
		}
		if err := x.record(tx, "lapsed", people.SystemActor.ID); err != nil {
			return 0, err
		}
		if err := x.changed(ctx, tx, d.Changed); err != nil {
			return 0, err
		}
	}
	return len(late), nil
}

// Overridden is approvals.ErrUnproven unless the signatures hold by which a request went
// without approvals.
func (d *Desk) Overridden(ctx context.Context, r *store.Reader, m *approvals.Matter, now time.Time) error {
	x, err := get(ctx, r, m.ID, now)
	if err != nil {
		return err
	}
	if !x.Override {
		return fmt.Errorf("request %s: %w: nobody overrode it", x.ID, approvals.ErrUnproven)
	}
	return d.Holds(ctx, r, x)
}

// Stands says why nothing may be done as root under a request now, or nil: its session has
// begun and is not sealed, and who approved or overrode it is proven. What of it may be
// done, and until when, is for who does it to see to.
func (d *Desk) Stands(ctx context.Context, r *store.Reader, m *approvals.Matter, now time.Time) error {
	x, err := get(ctx, r, m.ID, now)
	if err != nil {
		return err
	}
	if x.State == Approved {
		return fmt.Errorf("request %s is not open: %w; hint: rootkeep root open %s", x.ID, ErrState, x.ID)
	}
	if err := x.is("at work", Open, Closing); err != nil {
		return err
	}
	if !x.Sealed.IsZero() {
		return fmt.Errorf("request %s is sealed: %w; hint: ask anew", x.ID, ErrState)
	}
	return d.Holds(ctx, r, x)
}
