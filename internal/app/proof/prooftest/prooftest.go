// Package prooftest makes the ledger of an organization in which root was used, for tests
// of the evidence about it: as approved, by override, with sessions that rootkeep was
// given, and once by nobody knows whom.
package prooftest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	model "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

// Account is the account in which root is used, Other one in which nothing happens, and of
// which a day is not proven.
const (
	Account = exceptionstest.Account
	Other   = rootkeep.AccountID("444455556666")
)

// Hostile is text that somebody outside writes into a log.
const Hostile = "<script>alert(1)</script>\x1b[31m\u202e"

// Day is the day on which all of it happens.
var Day = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)

// Told is what happened.
type Told struct {
	World    *exceptionstest.World
	Approved string // RR-...: a sign-in that was approved and has a confirmed record
	Override string // RR-...: one without approvals, which was reviewed
	Records  [][]byte

	teller *teller
}

// teller tells the story to a store.
type teller struct {
	*exceptionstest.World
	t    testing.TB
	desk *access.Desk
	gus  *exceptionstest.Person
	told *Told
}

// Clock is the clock that the store has to have.
func Clock() *exceptionstest.World {
	w := &exceptionstest.World{}
	w.At(Day)
	return w
}

// Tell makes the story in a store, whose clock is that of the world.
func Tell(t testing.TB, w *exceptionstest.World, s *store.Store) *Told {
	t.Helper()
	w.Store = s
	w.Open(t, exceptionstest.Site)
	x := &teller{World: w, t: t, told: &Told{World: w}}
	w.Desk.Kinds = append(w.Desk.Kinds, access.Kinds(nil)...)
	var err error
	if x.desk, err = access.New(access.Desk{Desk: w.Desk.Desk}); err != nil {
		t.Fatal(err)
	}
	x.gus = w.Person(t, "Gus", people.Custodian, people.Everywhere)
	x.approved()
	x.override()
	x.scan()
	x.unexplained()
	x.coverage()
	x.told.teller = x
	return x.told
}

// Ask asks for root once more, after the story, and gives the ID of the request.
func Ask(t testing.TB, told *Told) string {
	t.Helper()
	x := *told.teller
	x.t = t
	return x.submitted()
}

func (x *teller) at(hour, minute int) {
	x.At(Day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute))
}

func (x *teller) do(act func(ctx context.Context, tx *store.Tx) error) {
	x.t.Helper()
	if err := x.Change(x.t, act); err != nil {
		x.t.Fatal(err)
	}
}

func (x *teller) request() *model.Request {
	from := x.Now().Truncate(time.Second)
	return &model.Request{
		Accounts: []rootkeep.AccountID{Account}, Changes: []model.Change{}, Custodian: x.gus.ID,
		Checklist: []model.Item{
			{ID: "alone", Phase: model.Environment, Text: "Nobody looks over your shoulder."}, {ID: "signed-out", Phase: model.CleanUp, Text: "Sign out."},
		},
		Events: []string{"account.amazonaws.com CloseAccount", "signin.amazonaws.com *"}, From: from, Until: from.Add(2 * time.Hour), Session: 900,
		Justification: "The account is <b>not needed</b> any more.", Kind: model.Use, Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")},
		Path: model.SignIn, Schema: model.RequestSchema, Task: "close-account", Title: "Close an account",
	}
}

// submitted asks for root as Ann.
func (x *teller) submitted() string {
	var id string
	x.do(func(ctx context.Context, tx *store.Tx) error {
		r, err := x.desk.Submit(ctx, tx, x.Ann.Actor, access.Wanted{Account: Account, Asked: x.request()})
		if err == nil {
			id = r.ID
		}
		return err
	})
	return id
}

// act changes a request as it is.
func (x *teller) act(id string, act func(ctx context.Context, tx *store.Tx, r *access.Request) error) {
	x.t.Helper()
	x.do(func(ctx context.Context, tx *store.Tx) error {
		r, err := access.Read(ctx, &tx.Reader, id, tx.Now())
		if err != nil {
			return err
		}
		return act(ctx, tx, r)
	})
}

func (x *teller) answer(id string, a model.Answer) {
	x.t.Helper()
	x.do(func(ctx context.Context, tx *store.Tx) error {
		_, err := x.desk.Answer(ctx, tx, x.Ann.Actor, id, a)
		return err
	})
}

const device = "arn:aws:iam::111122223333:mfa/root"

func (x *teller) open(id string) {
	x.t.Helper()
	x.answer(id, model.Answer{Item: "alone"})
	x.act(id, func(ctx context.Context, tx *store.Tx, r *access.Request) error {
		_, err := x.desk.Open(ctx, tx, x.Ann.Actor, id, r.Revision, device)
		return err
	})
}

// approved is a sign-in from the request to its confirmed record.
func (x *teller) approved() {
	x.at(1, 0)
	id := x.submitted()
	x.told.Approved = id
	for _, p := range []*exceptionstest.Person{x.Bob, x.Cid} {
		if _, err := x.Decide(x.t, p, id, approval.Approve); err != nil {
			x.t.Fatal(err)
		}
	}
	x.at(1, 10)
	x.open(id)
	x.at(1, 20)
	x.arrive(signIn(1, 11, "198.51.100.7"), call(1, 12, "198.51.100.7", "account.amazonaws.com", "CloseAccount"))
	x.answer(id, model.Answer{Item: "signed-out", Skipped: "The browser was closed."})
	x.act(id, func(ctx context.Context, tx *store.Tx, r *access.Request) error {
		_, err := x.desk.Close(ctx, tx, x.Ann.Actor, id, r.Revision)
		return err
	})
	x.at(2, 0)
	x.act(id, func(ctx context.Context, tx *store.Tx, r *access.Request) error {
		a, err := access.ActivityOf(ctx, &tx.Reader, r)
		if err != nil {
			return err
		}
		text, err := a.Bytes()
		if err != nil {
			return err
		}
		_, err = x.desk.Confirm(ctx, tx, x.Ann.Actor, id, r.Revision, approval.Sum(text))
		return err
	})
}

// override is a sign-in that nobody approved, and that Dan judges to be justified.
func (x *teller) override() {
	x.at(5, 0)
	id := x.submitted()
	x.told.Override = id
	var s *approval.Statement
	err := x.Store.Touch(x.t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		s, err = x.desk.IssueOverride(ctx, tx, x.Ann.Actor, id, "production is down")
		return err
	})
	if err != nil {
		x.t.Fatal(err)
	}
	signed, err := x.desk.VerifyOverride(x.t.Context(), x.Store, x.Ann.Actor, id, s.Nonce, x.Ann.Sign(x.t, s, exceptionstest.Site))
	if err != nil {
		x.t.Fatal(err)
	}
	var revision int64
	x.do(func(ctx context.Context, tx *store.Tx) error {
		o, err := x.desk.Override(ctx, tx, x.Ann.Actor, signed)
		if err == nil {
			revision = o.Revision
		}
		return err
	})
	x.at(5, 5)
	x.open(id)
	x.at(5, 12)
	x.arrive(signIn(5, 6, "198.51.100.8"), call(5, 7, "198.51.100.8", "iam.amazonaws.com", "CreateAccessKey"))
	x.at(9, 0)
	x.do(func(ctx context.Context, tx *store.Tx) error {
		_, err := x.desk.Review(ctx, tx, x.Dan.Actor, id, revision, access.Justified, "The outage was real.")
		return err
	})
}

// scan is a session that a scan was given, and what it read in it.
func (x *teller) scan() {
	x.at(12, 0)
	var touched rootlog.Touched
	x.do(func(ctx context.Context, tx *store.Tx) (err error) {
		touched, err = rootlog.RecordSession(ctx, tx, rootlog.Session{
			AccessKey: "ASIASCANSCANSCANSCAN", Account: Account, Name: "SC-7K3F", Policy: "IAMAuditRootUserCredentials", Start: x.Now(), End: x.Now().Add(15 * time.Minute),
		})
		if err == nil {
			_, err = access.Judge(ctx, tx, touched)
		}
		return err
	})
	x.at(12, 30)
	x.arrive(record(12, 1, "203.0.113.4", "iam.amazonaws.com", "ListAccessKeys", map[string]any{"readOnly": true}, map[string]any{
		"accessKeyId": "ASIASCANSCANSCANSCAN", "sessionContext": map[string]any{"sourceIdentity": "SC-7K3F", "assumedRoot": "true", "attributes": map[string]any{"creationDate": stamp(12, 0), "mfaAuthenticated": "false"}},
	}))
}

// unexplained is what nobody asked for.
func (x *teller) unexplained() {
	x.at(15, 30)
	x.arrive(signIn(15, 0, "203.0.113.66"), call(15, 1, "203.0.113.66", "iam.amazonaws.com", "CreateAccessKey"))
}

// coverage is proven of the quarter, but for one day of the other account.
func (x *teller) coverage() {
	x.At(time.Date(2026, 10, 2, 8, 0, 0, 0, time.UTC))
	x.do(func(ctx context.Context, tx *store.Tx) error {
		var all []rootlog.Covered
		for day := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC); day.Before(time.Date(2026, 10, 2, 0, 0, 0, 0, time.UTC)); day = day.AddDate(0, 0, 1) {
			all = append(all, rootlog.Covered{Account: Account, Day: day, Mask: 1<<24 - 1})
			mask := int64(1<<24 - 1)
			if day.Equal(time.Date(2026, 8, 15, 0, 0, 0, 0, time.UTC)) {
				mask = 1<<12 - 1
			}
			all = append(all, rootlog.Covered{Account: Other, Region: "us-east-1", Day: day, Mask: mask})
		}
		touched, err := rootlog.Cover(ctx, tx, "system", all)
		if err == nil {
			_, err = access.Judge(ctx, tx, touched)
		}
		return err
	})
}

// arrive has a source deliver records, and judges their events.
func (x *teller) arrive(raw ...[]byte) {
	x.t.Helper()
	var events []reconcile.Event
	for _, text := range raw {
		e, err := Event(text)
		if err != nil {
			x.t.Fatal(err)
		}
		events = append(events, e)
	}
	x.told.Records = append(x.told.Records, raw...)
	x.do(func(ctx context.Context, tx *store.Tx) error {
		touched, err := rootlog.Arrive(ctx, tx, "folder", nil, events)
		if err == nil {
			_, err = access.Judge(ctx, tx, touched)
		}
		return err
	})
}

// Event is the event that a record tells.
func Event(raw []byte) (e reconcile.Event, err error) {
	in, err := reconcile.NewIntake()
	if err != nil {
		return e, err
	}
	fields, err := cloudtrail.CompileFields(in.Fields())
	if err != nil {
		return e, err
	}
	text := slices.Concat([]byte(`{"Records":[`), raw, []byte("]}"))
	object := cloudtrail.Input{Name: "record", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }}
	found := false
	stats := cloudtrail.NewReader(fields, cloudtrail.Options{}).Read(context.Background(), object, func(rec *cloudtrail.Record) error {
		e, found = in.Event(rec)
		return nil
	})
	if stats.Err == nil && !found {
		return e, fmt.Errorf("no event of a root user: %s", raw)
	}
	return e, stats.Err
}

func stamp(hour, minute int) string {
	return Day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute).Format(time.RFC3339)
}

// record is a record of CloudTrail about root of the account.
func record(hour, minute int, address, source, name string, more, caller map[string]any) []byte {
	identity := map[string]any{"type": "Root", "principalId": string(Account), "arn": "arn:aws:iam::" + string(Account) + ":root", "accountId": string(Account)}
	for k, v := range caller {
		identity[k] = v
	}
	all := map[string]any{
		"eventVersion": "1.11", "userIdentity": identity, "eventTime": stamp(hour, minute), "eventSource": source, "eventName": name, "awsRegion": "us-east-1",
		"sourceIPAddress": address, "userAgent": Hostile, "eventID": fmt.Sprintf("00000000-0000-4000-8000-%06d%06d", hour, minute), "eventType": "AwsApiCall",
		"managementEvent": true, "recipientAccountId": string(Account), "eventCategory": "Management", "readOnly": false,
	}
	for k, v := range more {
		all[k] = v
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // maps of strings
	}
	return text
}

func signIn(hour, minute int, address string) []byte {
	return record(hour, minute, address, "signin.amazonaws.com", "ConsoleLogin", map[string]any{
		"eventType": "AwsConsoleSignIn", "responseElements": map[string]any{"ConsoleLogin": "Success"},
		"additionalEventData": map[string]any{"MFAUsed": "Yes", "MFAIdentifier": device, "LoginTo": "https://console.aws.amazon.com/"},
	}, nil)
}

// call is one in the session of a sign-in a minute before.
func call(hour, minute int, address, source, name string) []byte {
	return record(hour, minute, address, source, name, nil, map[string]any{
		"accessKeyId": fmt.Sprintf("ASIA%016d", hour), "sessionContext": map[string]any{"attributes": map[string]any{"creationDate": stamp(hour, minute-1), "mfaAuthenticated": "true"}},
	})
}

// Missed is the record of something that root did, and that no source delivered.
func Missed() []byte { return call(20, 1, "203.0.113.99", "iam.amazonaws.com", "DeleteUser") }
