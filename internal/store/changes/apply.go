package changes

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/change/expr"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/ledger"
)

// Hold is who applies a change, and until when others leave it alone.
type Hold struct {
	Owner string // such as the ID of a job
	Lease time.Time
}

// Begin lets an approved change be applied: from now on it holds its resources, and the
// ledger has the intent before the first call is made. hash is that of the plan that
// whoever begins has read. It records change.begun.
//
// What the row says of approvals is not believed: the signatures are checked again.
func (d *Desk) Begin(ctx context.Context, tx *store.Tx, actor people.Actor, id, hash string, by Hold) (*Change, error) {
	c, err := d.mayApply(ctx, tx, actor, id)
	if err != nil {
		return nil, err
	}
	switch {
	case c.State != Approved:
		return nil, fmt.Errorf("change %s is %s, and not begun: %w", id, c.State, ErrState)
	case hash != c.Hash || sum(c.Plan) != c.Hash:
		return nil, fmt.Errorf("change %s: %w: its SHA-256 is %s, not %q", id, ErrHash, c.Hash, hash)
	case c.For == "" && !tx.Now().Before(c.Approved.Add(d.Within)):
		return nil, fmt.Errorf("change %s was approved %s, and was to begin within %s: %w; hint: plan it again", id, c.Approved.Format(time.RFC3339), d.Within, ErrState)
	}
	if err := d.proven(ctx, tx, c); err != nil {
		return nil, err
	}
	if err := d.inTurn(ctx, &tx.Reader, actor, c, tx.Now()); err != nil {
		return nil, err
	}
	if c.Undoes != "" {
		if err := d.undo(ctx, tx, actor, c); err != nil {
			return nil, err
		}
	}
	if err := c.hold(ctx, tx); err != nil {
		return nil, err
	}
	c.Begun = tx.Now()
	return c, c.run(ctx, tx, Approved, by, "begun", actor.ID)
}

// mayApply reads a change that the actor may apply.
func (d *Desk) mayApply(ctx context.Context, tx *store.Tx, actor people.Actor, id string) (*Change, error) {
	c, err := d.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	return c, d.may(ctx, &tx.Reader, actor, c.Account, people.Apply, "apply a change of")
}

// run makes a change applying, once more than before.
func (c *Change) run(ctx context.Context, tx *store.Tx, from State, by Hold, verb, actor string) error {
	if by.Owner == "" || !by.Lease.After(tx.Now()) {
		return fmt.Errorf("change %s: who applies it, and a lease in the future, are required", c.ID)
	}
	c.State, c.Expires, c.Run, c.Owner, c.Lease = Applying, time.Time{}, c.Run+1, by.Owner, by.Lease
	if err := c.set(ctx, tx, from); err != nil {
		return err
	}
	intent, err := encode(map[string]any{"plan_sha256": c.Hash, "run": c.Run, "owner": c.Owner})
	if err != nil {
		return err
	}
	return c.record(tx, verb, actor, ledger.NewPayload("intent", intent))
}

// refuse is ErrUnapproved, and says why.
func (c *Change) refuse(why string) error {
	return fmt.Errorf("change %s: %w: %s", c.ID, ErrUnapproved, why)
}

// proven is ErrUnapproved unless enough persons, none of whom asked for the change or
// edited it, signed this very plan with their keys on a page of this server.
func (d *Desk) proven(ctx context.Context, tx *store.Tx, c *Change) error {
	if p, err := c.Parsed(); err != nil {
		return err
	} else if err := belongs(p); err != nil { // kept before there were requests for root
		return c.refuse(err.Error())
	} else if p.For != c.For {
		return c.refuse("its plan belongs to another request")
	}
	if c.For != "" {
		return d.provenUnder(ctx, tx, c)
	}
	refuse := c.refuse
	m, err := approvals.Final(ctx, &tx.Reader, c.ID, tx.Now())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refuse("nobody asked for it")
	case err != nil:
		return err
	}
	switch r := m.Request; {
	case m.State != approval.Approved:
		return refuse("the request is " + string(m.State))
	case r.ID != c.ID || r.Kind != approval.ChangeKind || r.Account != c.Account || r.Action != c.Action():
		return refuse("the request is about something else")
	case r.Subject.String() != c.Hash || !bytes.Equal(m.Subject, c.Plan):
		return fmt.Errorf("change %s: %w", c.ID, ErrHash)
	case r.Policy != approval.Sum(m.Policy.Bytes()) || m.Policy.ID != c.Policy():
		return refuse("another policy than " + c.Policy() + " decided")
	case r.Requester != c.Planner:
		return refuse("somebody else asked for it than who planned it")
	}
	return d.signed(ctx, tx, c, m, func(person string) bool { return person != c.Planner })
}

// signed is ErrUnapproved unless those whose signature counts signed the request, with
// good keys, on a page of this server, as its policy has it.
func (d *Desk) signed(ctx context.Context, tx *store.Tx, c *Change, m *approvals.Matter, counts func(person string) bool) error {
	list, err := approvals.Approvals(ctx, &tx.Reader, m.ID)
	if err != nil {
		return err
	}
	var good []*approval.Statement
	for i := range list {
		a := &list[i]
		if !a.Counts(m) {
			continue
		}
		checked, err := a.Record(m.Version, m.Policy).Check()
		if err != nil {
			return c.refuse(err.Error())
		}
		if a.Site != d.Site {
			return c.refuse("signed on a page of " + a.Site.Origin)
		}
		if checked.Statement.Decision != approval.Approve {
			return c.refuse(checked.Statement.Approver + " denied it")
		}
		good = append(good, checked.Statement)
	}
	if _, met := m.Request.Tally(good, m.Policy, counts); !met {
		return c.refuse("too few signed it")
	}
	return nil
}

// Resume goes on with a change that stopped. It records change.resumed.
func (d *Desk) Resume(ctx context.Context, tx *store.Tx, actor people.Actor, id string, by Hold) (*Change, error) {
	c, err := d.mayApply(ctx, tx, actor, id)
	if err != nil {
		return nil, err
	}
	if c.State != Stopped {
		return nil, fmt.Errorf("change %s is %s, and not gone on with: %w", id, c.State, ErrState)
	}
	if err := d.proven(ctx, tx, c); err != nil {
		return nil, err
	}
	return c, c.run(ctx, tx, Stopped, by, "resumed", actor.ID)
}

// Take goes on with a change whose lease has run out: it is rootkeep's own recovery, and
// asks nobody. It is ErrLost if the lease still holds. It records change.resumed.
func Take(ctx context.Context, tx *store.Tx, id string, by Hold) (*Change, error) {
	c, err := get(ctx, &tx.Reader, id, tx.Now())
	if err != nil {
		return nil, err
	}
	switch {
	case c.State != Applying:
		return nil, fmt.Errorf("change %s is %s: %w", id, c.State, ErrState)
	case tx.Now().Before(c.Lease):
		return nil, fmt.Errorf("change %s, by %s until %s: %w", id, c.Owner, c.Lease.Format(time.RFC3339), ErrLost)
	}
	c.Doubt = c.Doubt || c.Owner != Waiting // whoever worked at it may have died in a call
	return c, c.run(ctx, tx, Applying, by, "resumed", people.SystemActor.ID)
}

// running reads a change that the run applies; ErrLost if it is not the newest one.
func running(ctx context.Context, tx *store.Tx, id string, run int) (*Change, error) {
	c, err := get(ctx, &tx.Reader, id, tx.Now())
	if err != nil {
		return nil, err
	}
	if c.State != Applying || c.Run != run {
		return nil, fmt.Errorf("change %s, run %d: %w", id, run, ErrLost)
	}
	return c, nil
}

// Extend renews the lease of a run; ErrLost if it is not the newest one. It is for
// Store.Touch.
func Extend(ctx context.Context, tx *store.Tx, id string, run int, lease time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE change SET lease = $3 WHERE id = $1 AND run = $2 AND state = 'applying' AND lease < $3`, id, int64(run), store.Micros(lease))
	if err != nil {
		return fmt.Errorf("renew the lease of %s: %w", id, err)
	}
	if n == 0 {
		return fmt.Errorf("change %s, run %d: %w", id, run, ErrLost)
	}
	return nil
}

// Made keeps a call that a run carried out: they come in the plan's order. It records
// change.called, with the call, without the values that were given to it.
func Made(ctx context.Context, tx *store.Tx, id string, run int, m change.Made) error {
	c, err := running(ctx, tx, id, run)
	if err != nil {
		return err
	}
	p, err := c.Parsed()
	if err != nil {
		return err
	}
	var next int
	if err := tx.Row(ctx, `SELECT COUNT(*) FROM change_call WHERE change = $1`, id).Scan(&next); err != nil {
		return fmt.Errorf("count the calls of %s: %w", id, err)
	}
	if m.Number != next || m.Number >= len(p.Calls) {
		return fmt.Errorf("change %s: call %d of %d after %d: %w", id, m.Number+1, len(p.Calls), next, store.ErrConflict)
	}
	answer, err := encode(m.Parts)
	if err != nil {
		return fmt.Errorf("keep call %d of %s: %w", m.Number+1, id, err)
	}
	outcome := "made"
	if m.Before {
		outcome = "found"
	}
	_, err = tx.Exec(ctx, `INSERT INTO change_call (change, number, run, at, outcome, answer) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, int64(m.Number), int64(run), store.Micros(m.At), outcome, answer)
	if err != nil {
		return fmt.Errorf("keep call %d of %s: %w", m.Number+1, id, err)
	}
	call := p.Calls[m.Number].Call
	said, err := encode(map[string]any{
		"number": m.Number + 1, "of": len(p.Calls), "operation": call.Operation, "account": call.Account, "region": call.Region, "outcome": outcome, "run": run, "answer": json.RawMessage(answer),
	})
	if err != nil {
		return err
	}
	return c.record(tx, "called", people.SystemActor.ID, ledger.NewPayload("call", said))
}

// Calls reads the calls of a change that were carried out, in order.
func Calls(ctx context.Context, r *store.Reader, id string) ([]change.Made, error) {
	var out []change.Made
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var m change.Made
		var at int64
		var outcome string
		var answer []byte
		if err := rows.Scan(&m.Number, &at, &outcome, &answer); err != nil {
			return err
		}
		m.At, m.Before = store.Time(at), outcome == "found"
		var err error
		m.Parts, err = decode(answer)
		out = append(out, m)
		return err
	}, `SELECT number, at, outcome, answer FROM change_call WHERE change = $1 ORDER BY number`, id)
	if err != nil {
		return nil, fmt.Errorf("read the calls of %s: %w", id, err)
	}
	return out, nil
}

// Finish ends a run with what came of it. It records change.applied, change.partial,
// change.unverified, change.stopped or change.refused, and change.undone or change.partial
// of the change that it undid.
func Finish(ctx context.Context, tx *store.Tx, id string, run int, o change.Outcome) (*Change, error) {
	c, err := running(ctx, tx, id, run)
	if err != nil {
		return nil, err
	}
	to, known := map[change.State]State{change.Applied: Applied, change.Partial: Partial, change.Unverified: Unverified, change.Stopped: Stopped, change.Drifted: Refused}[o.State]
	if !known {
		return nil, fmt.Errorf("change %s: outcome %q", id, o.State)
	}
	made, err := Calls(ctx, &tx.Reader, id)
	if err != nil {
		return nil, err
	}
	if to == Partial && c.Undoes == "" {
		return nil, fmt.Errorf("change %s is no undo, and ends in whole: %w", id, store.ErrConflict)
	}
	if to == Refused && len(made) > 0 {
		return nil, fmt.Errorf("change %s: refused after %d calls: %w", id, len(made), store.ErrConflict)
	}
	o.Why = told(o.Why)
	text, err := encode(o)
	if err != nil {
		return nil, fmt.Errorf("keep the outcome of %s: %w", id, err)
	}
	if c.After = nil; o.After != nil {
		if c.After, err = encode(o.After); err != nil {
			return nil, fmt.Errorf("keep the outcome of %s: %w", id, err)
		}
	}
	c.State, c.Why, c.Doubt = to, o.Why, o.Doubt
	return c, c.end(ctx, tx, Applying, string(to), people.SystemActor.ID, ledger.NewPayload("outcome", text))
}

// maxWhy bounds why a change ended, bytes.
const maxWhy = 4 << 10

// told is a text of AWS as it can be kept: PostgreSQL takes no NUL and no broken UTF-8,
// and a change whose end cannot be kept would never end.
func told(why string) string {
	why = strings.ReplaceAll(strings.ToValidUTF8(why, "\uFFFD"), "\x00", "\uFFFD")
	if len(why) > maxWhy {
		why = strings.ToValidUTF8(why[:maxWhy], "") + "..."
	}
	return why
}

// GiveUp ends a change that stopped and is not gone on with: what was done of it stays,
// unverified, and its resources are free. It records change.abandoned.
func (d *Desk) GiveUp(ctx context.Context, tx *store.Tx, actor people.Actor, id string, revision int64) (*Change, error) {
	c, err := d.mayApply(ctx, tx, actor, id)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Revision != revision:
		return nil, fmt.Errorf("change %s: %w", id, store.ErrConflict)
	case c.State != Stopped:
		return nil, fmt.Errorf("change %s is %s, and not given up: %w", id, c.State, ErrState)
	}
	c.State, c.Why = Unverified, "given up by "+actor.ID+" where it stopped: "+c.Why
	return c, c.end(ctx, tx, Stopped, "abandoned", actor.ID)
}

// end writes an end, or a stop. What has ended holds nothing any more.
func (c *Change) end(ctx context.Context, tx *store.Tx, from State, verb, actor string, payloads ...ledger.Payload) error {
	c.Owner, c.Lease = "", time.Time{}
	if c.State != Stopped {
		c.Ended = tx.Now()
	}
	if err := c.set(ctx, tx, from); err != nil {
		return err
	}
	if err := c.record(tx, verb, actor, payloads...); err != nil {
		return err
	}
	if c.State == Stopped {
		return c.halt(ctx, tx)
	}
	if c.Undoes != "" {
		if err := c.undid(ctx, tx); err != nil {
			return err
		}
	}
	if err := c.release(ctx, tx); err != nil {
		return err
	}
	return c.halt(ctx, tx)
}

// encode is JSON with nothing escaped for HTML, decode reads it as expressions of kinds
// of change see it.
func encode(v any) ([]byte, error) { return expr.Encode(v) }

func decode(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	out := map[string]any{}
	if err := d.Decode(&out); err != nil {
		return nil, err
	}
	_, err := expr.Whole(out, 0)
	return out, err
}

// Left is the state as it was read last, as change.Kind.Undo takes it; nil if it was not
// read.
func (c *Change) Left() (map[string]any, error) {
	if c.After == nil {
		return nil, nil
	}
	return decode(c.After)
}

// Resumed says whether an earlier run may have made a call that Calls does not list, as
// change.Run.Begun takes it. One that stopped at a refusal of AWS made none: the state is
// compared with the plan's again, and what somebody else made since is not taken for ours.
func (c *Change) Resumed() bool { return c.Doubt }

// Journal keeps the calls of a run, for change.Run.
type Journal struct {
	Store *store.Store
	ID    string
	Run   int
}

// Made keeps one call.
func (j Journal) Made(ctx context.Context, m change.Made) error {
	return j.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return Made(ctx, tx, j.ID, j.Run, m) })
}
