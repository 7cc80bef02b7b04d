package access

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
	caseof "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/ledger"
)

// Bounds of an override.
const (
	OverrideWindow = access.OverrideWindow // from the signature, or from the beginning of the window that was asked for
	ReviewWithin   = access.ReviewWithin   // from the beginning of its window, by somebody who took no part
)

// OverrideState is where an override stands.
type OverrideState string

// The states.
const (
	Waiting  OverrideState = "waiting" // for a second person: an earlier one is not reviewed yet
	Granted  OverrideState = "granted" // and to be reviewed
	Reviewed OverrideState = "reviewed"
	Void     OverrideState = "void" // the request was edited or decided before a second person agreed
)

// Judgement is what a reviewer says of an override.
type Judgement string

// The judgements.
const (
	Justified    Judgement = "justified"
	NotJustified Judgement = "not-justified"
)

// Override is a use of root that nobody approved.
type Override struct {
	Request  string // RR-...
	Revision int64
	State    OverrideState
	By       string // ID of the person
	Reason   string
	Signed   time.Time
	Record   *approval.Record // what was signed
	Second   string           // RO-...: the request to a second person, "" if none was needed
	Granted  time.Time        // zero before
	Skipped  []string         // IDs of who could have approved it
	Due      time.Time        // of the review; zero before it was granted
	Reviewer string
	Reviewed time.Time
	Verdict  Judgement
	Review   string // what the reviewer wrote
	Late     time.Time
}

// Override lets a request go on without approvals, with what approvals.VerifyOverride found
// good. It is Granted at once, or Waiting for a second person if an earlier override by the
// same person or of one of the accounts is not reviewed yet. It records root.overridden and opens
// the case of the override, or records root.override-asked.
func (d *Desk) Override(ctx context.Context, tx *store.Tx, actor people.Actor, signed *approvals.Overriding) (*Override, error) {
	m, record, err := d.TakeOverride(ctx, tx, signed)
	if err != nil {
		return nil, err
	}
	x, err := get(ctx, &tx.Reader, m.ID, tx.Now())
	if err != nil {
		return nil, err
	}
	skipped, err := d.Could(ctx, &tx.Reader, m)
	if err != nil {
		return nil, err
	}
	o := &Override{Request: x.ID, Revision: 1, State: Waiting, By: actor.ID, Reason: signed.Statement.Reason, Signed: tx.Now(), Record: record, Skipped: approvals.IDs(skipped)}
	before, err := unreviewed(ctx, &tx.Reader, x)
	if err != nil {
		return nil, err
	}
	if before != "" {
		if err := d.askSecond(ctx, tx, actor, x, o, before); err != nil {
			return nil, err
		}
	}
	if err := o.insert(ctx, tx); err != nil {
		return nil, err
	}
	if before != "" {
		return o, x.say(tx, "override-asked", actor.ID, o.told())
	}
	return o, o.grant(ctx, tx, x, d.Changed)
}

// told is what the ledger tells of an override beside what was signed.
func (o *Override) told() any {
	return struct {
		Reason  string   `json:"reason"`
		Second  string   `json:"second,omitempty"`
		Skipped []string `json:"skipped"`
	}{o.Reason, o.Second, o.Skipped}
}

// unreviewed finds an override by the same person, or of one of the accounts, that nobody
// has reviewed; "" if there is none.
func unreviewed(ctx context.Context, r *store.Reader, x *Request) (string, error) {
	found, err := store.Texts(ctx, r, `SELECT o.request FROM root_override o WHERE o.state = 'granted' AND o.request <> $1 AND (o.person = $2
			OR EXISTS (SELECT 1 FROM root_request_account a JOIN root_request_account b ON b.account = a.account WHERE a.request = o.request AND b.request = $1))
		ORDER BY o.request LIMIT 1`, x.ID, x.Requester())
	if err != nil {
		return "", fmt.Errorf("find overrides that were not reviewed: %w", err)
	}
	if len(found) == 0 {
		return "", nil
	}
	return found[0], nil
}

// Second is the subject of a request to a second person: its members are in the order of
// their names.
type Second struct {
	Accounts []rootkeep.AccountID `json:"accounts"`
	Before   string               `json:"before"` // the override that is not reviewed, RR-...
	Barred   []string             `json:"parties"`
	Reason   string               `json:"reason"`
	Request  string               `json:"request"` // RR-...
	Content  approval.Hash        `json:"request_sha256"`
	Schema   string               `json:"schema"`
	Until    time.Time            `json:"until"` // of the window of the request
}

// SecondKind is the kind of requests to a second person, SecondSchema names the canonical
// JSON of their subjects.
const (
	SecondKind   = "root-override"
	SecondSchema = "rootkeep/root-override/1"
)

// ParseSecond reads the canonical JSON of such a subject, and nothing else.
func ParseSecond(text []byte) (*Second, error) {
	s := &Second{}
	if err := approval.Parse(text, "second override", s); err != nil {
		return nil, err
	}
	if s.Schema != SecondSchema {
		return nil, fmt.Errorf("second override: schema %q, want %s", s.Schema, SecondSchema)
	}
	return s, nil
}

func secondKind(changed Changed) approvals.Kind {
	return approvals.Kind{
		Name: SecondKind, Noun: "an override", Prefix: "RO", Most: mostOpen,
		Check: func(subject []byte) error { _, err := ParseSecond(subject); return err },
		Parties: func(subject []byte) (approvals.Parties, error) {
			s, err := ParseSecond(subject)
			if err != nil {
				return approvals.Parties{}, err
			}
			return approvals.Parties{Barred: s.Barred, Accounts: s.Accounts}, nil
		},
		Until: func(subject []byte) (time.Time, error) {
			s, err := ParseSecond(subject)
			if err != nil {
				return time.Time{}, err
			}
			return s.Until, nil
		},
		Decided: func(ctx context.Context, tx *store.Tx, m *approvals.Matter) error {
			s, err := ParseSecond(m.Subject)
			if err != nil {
				return err
			}
			if m.State != approval.Approved {
				return voidSecond(ctx, tx, m.ID)
			}
			return grantSecond(ctx, tx, s, m.ID, changed)
		},
	}
}

// askSecond asks another person to agree, by the policy root-override: never a hard block,
// because the emergency may be real.
func (d *Desk) askSecond(ctx context.Context, tx *store.Tx, actor people.Actor, x *Request, o *Override, before string) error {
	first, err := overrideOf(ctx, &tx.Reader, before)
	if err != nil {
		return err
	}
	s := Second{
		Accounts: x.Accounts(), Before: before, Barred: append(x.Parties(), first.By), Reason: o.Reason, Request: x.ID, Content: x.Matter.Request.Hash(), Schema: SecondSchema, Until: x.Ends,
	}
	subject, err := approval.Encode(&s)
	if err != nil {
		return err
	}
	m, err := d.Desk.Submit(ctx, tx, actor, approvals.Wanted{
		Kind: SecondKind, Account: x.Matter.Request.Account, Action: "override " + x.ID + ", with " + before + " not reviewed", Subject: subject, Policy: approval.RootOverride,
	})
	if err != nil {
		return fmt.Errorf("override of %s is not reviewed, and a second person agrees to another one: %w", before, err)
	}
	o.Second = m.ID
	return nil
}

// grantSecond carries out the override that a second person agreed to.
func grantSecond(ctx context.Context, tx *store.Tx, s *Second, by string, changed Changed) error {
	o, err := overrideOf(ctx, &tx.Reader, s.Request)
	if err != nil {
		return err
	}
	x, err := get(ctx, &tx.Reader, s.Request, tx.Now())
	if err != nil {
		return err
	}
	if o.State != Waiting || o.Second != by || x.Matter.Request.Hash() != s.Content {
		return fmt.Errorf("override of %s: %w", s.Request, approval.ErrStale)
	}
	return o.grant(ctx, tx, x, changed)
}

// grant lets the request go on, in a short window, names who was skipped, and opens the
// case: whoever took no part reviews it.
func (o *Override) grant(ctx context.Context, tx *store.Tx, x *Request, changed Changed) error {
	told, err := json.Marshal(o.told())
	if err != nil {
		return err
	}
	m, err := approvals.Overridden(ctx, tx, x.ID, o.Record, ledger.NewPayload("told", told))
	if err != nil {
		return err
	}
	x.Matter, x.State, x.Granted, x.Override = m, Approved, tx.Now(), true
	if tx.Now().After(x.Begins) {
		x.Begins = tx.Now()
	}
	if end := x.Begins.Add(OverrideWindow); end.Before(x.Ends) {
		x.Ends = end
	}
	if err := x.set(ctx, tx, Requested); err != nil {
		return err
	}
	o.State, o.Granted, o.Due = Granted, tx.Now(), x.Begins.Add(ReviewWithin) // what lies ahead, nobody can review
	if err := o.set(ctx, tx); err != nil {
		return err
	}
	_, _, err = incident.Take(ctx, tx, caseof.Finding{
		Cause: overrideCause(x.ID), Severity: rootkeep.High, Account: x.Matter.Request.Account, Title: "Root without approvals: " + x.ID, Request: x.ID, Parties: x.Parties(),
		About: fmt.Sprintf("%s went on without approvals; to be reviewed by %s", x.ID, o.Due.Format(time.RFC3339)),
	}, nil)
	if err != nil {
		return err
	}
	return x.changed(ctx, tx, changed)
}

func overrideCause(id string) string { return "override " + id }

// overrideHolds is approvals.ErrUnproven unless the signature of the override holds, and
// that of the second person where one was needed.
func (d *Desk) overrideHolds(ctx context.Context, r *store.Reader, x *Request) error {
	refuse := func(why string) error { return fmt.Errorf("request %s: %w: %s", x.ID, approvals.ErrUnproven, why) }
	o, err := overrideOf(ctx, r, x.ID)
	if errors.Is(err, store.ErrNotFound) {
		return refuse("nobody overrode it")
	}
	if err != nil {
		return err
	}
	checked, err := o.Record.Check()
	switch {
	case err != nil:
		return refuse(err.Error())
	case x.Matter.State != approval.Overridden || o.State != Granted && o.State != Reviewed:
		return refuse("its override is " + string(o.State))
	case checked.Statement.Decision != approval.Override || checked.Request.Hash() != x.Matter.Request.Hash() || !bytes.Equal(checked.Subject, x.Matter.Subject):
		return refuse("something else was overridden")
	case o.Record.Site != d.Site:
		return refuse("signed on a page of " + o.Record.Site.Origin)
	case o.Second == "":
		return nil
	}
	m, err := approvals.Final(ctx, r, o.Second, time.Time{})
	if err != nil {
		return err
	}
	s, err := ParseSecond(m.Subject)
	if err != nil || s.Request != x.ID || s.Content != x.Matter.Request.Hash() || m.Policy.ID != approval.RootOverride {
		return refuse(o.Second + " is about something else")
	}
	return d.Proven(ctx, r, m)
}

const overrideColumns = `request, revision, state, person, reason, signed, record, second, granted, skipped, due, reviewer, reviewed, verdict, review, late`

func overrides(ctx context.Context, r *store.Reader, where string, args ...any) ([]*Override, error) {
	var out []*Override
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var o Override
		var signed, granted, due, reviewed, late int64
		var record, skipped []byte
		err := rows.Scan(&o.Request, &o.Revision, &o.State, &o.By, &o.Reason, &signed, &record, &o.Second, &granted, &skipped, &due, &o.Reviewer, &reviewed, &o.Verdict, &o.Review, &late)
		if err != nil {
			return err
		}
		o.Signed, o.Granted, o.Due, o.Reviewed, o.Late = store.Time(signed), store.Time(granted), store.Time(due), store.Time(reviewed), store.Time(late)
		if o.Record, err = approval.ReadRecord(bytes.NewReader(record)); err != nil {
			return fmt.Errorf("%s: %w", o.Request, err)
		}
		out = append(out, &o)
		return json.Unmarshal(skipped, &o.Skipped)
	}, `SELECT `+overrideColumns+` FROM root_override`+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read overrides: %w", err)
	}
	return out, nil
}

// overrideOf reads the override of a request; ErrNotFound if there is none.
func overrideOf(ctx context.Context, r *store.Reader, id string) (*Override, error) {
	found, err := overrides(ctx, r, ` WHERE request = $1`, id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("override of %s: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// ReadOverride reads the override of a request for rootkeep itself, which asks nobody.
func ReadOverride(ctx context.Context, r *store.Reader, id string) (*Override, error) {
	return overrideOf(ctx, r, id)
}

// OverrideOf reads the override of a request that the actor may read; ErrNotFound if there
// is none.
func (d *Desk) OverrideOf(ctx context.Context, r *store.Reader, actor people.Actor, id string, now time.Time) (*Override, error) {
	if _, err := d.Desk.Get(ctx, r, actor, id, now); err != nil {
		return nil, err
	}
	return overrideOf(ctx, r, id)
}

// insert writes the override of a request; one that is void gives way.
func (o *Override) insert(ctx context.Context, tx *store.Tx) error {
	record, err := o.Record.Bytes()
	if err != nil {
		return err
	}
	skipped, err := json.Marshal(o.Skipped)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM root_override WHERE request = $1 AND state = 'void'`, o.Request); err != nil {
		return fmt.Errorf("override of %s: %w", o.Request, err)
	}
	n, err := tx.Exec(ctx, `INSERT INTO root_override (`+overrideColumns+`) VALUES ($1, 1, $2, $3, $4, $5, $6, $7, 0, $8, 0, '', 0, '', '', 0) ON CONFLICT (request) DO NOTHING`,
		o.Request, string(o.State), o.By, o.Reason, store.Micros(o.Signed), record, o.Second, skipped)
	if err == nil && n == 0 {
		err = store.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("keep the override of %s: %w", o.Request, err)
	}
	return nil
}

// set writes everything of an override that can change.
func (o *Override) set(ctx context.Context, tx *store.Tx) error {
	err := tx.ExecOne(ctx, `UPDATE root_override SET revision = revision + 1, state = $3, granted = $4, due = $5, reviewer = $6, reviewed = $7, verdict = $8, review = $9, late = $10
		WHERE request = $1 AND revision = $2`,
		o.Request, o.Revision, string(o.State), store.Micros(o.Granted), store.Micros(o.Due), o.Reviewer, store.Micros(o.Reviewed), string(o.Verdict), o.Review, store.Micros(o.Late))
	if err != nil {
		return fmt.Errorf("change the override of %s: %w", o.Request, err)
	}
	o.Revision++
	tx.Announce(Topic, o.Request)
	return nil
}

// voidOverride ends an override that waits for a second person: what it was signed about
// is not open any more, or not the same.
func voidOverride(ctx context.Context, tx *store.Tx, id string) error {
	if _, err := tx.Exec(ctx, `UPDATE root_override SET state = 'void', revision = revision + 1 WHERE request = $1 AND state = 'waiting'`, id); err != nil {
		return fmt.Errorf("void the override of %s: %w", id, err)
	}
	return nil
}

// voidSecond ends the override that waits for a request to a second person. One that was
// signed since waits for another request.
func voidSecond(ctx context.Context, tx *store.Tx, second string) error {
	if _, err := tx.Exec(ctx, `UPDATE root_override SET state = 'void', revision = revision + 1 WHERE second = $1 AND state = 'waiting'`, second); err != nil {
		return fmt.Errorf("void the override that waits for %s: %w", second, err)
	}
	return nil
}
