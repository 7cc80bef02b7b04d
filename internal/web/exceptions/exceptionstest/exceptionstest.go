// Package exceptionstest is a small organization for tests: people with security keys in
// software, who ask for exceptions and approve them.
package exceptionstest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/web/signin/authtest"
)

// Account is the account of the tests.
const Account = rootkeep.AccountID("111122223333")

// Start is when tests with a clock of their own begin, Site where their pages are.
var (
	Start = time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	Site  = approval.Site{RPID: "root.example.com", Origin: "https://root.example.com"}
)

// Person is somebody of the tests, with a key.
type Person struct {
	people.Actor
	Key authtest.Key
}

// World is a store with people in it: Ann asks, Bob, Cid and Dan approve: Bob everywhere,
// Cid in the unit of the account, Dan in the account of the tests; Eve approves elsewhere,
// Fay only reads there.
type World struct {
	Store                        *store.Store
	Desk                         *exceptions.Desk
	Clock                        atomic.Int64 // microseconds
	Changed                      atomic.Int64 // how often exceptions began or ended to apply
	Ann, Bob, Cid, Dan, Eve, Fay *Person
}

// Each runs a test in a new world on each database.
func Each(t *testing.T, test func(t *testing.T, w *World)) {
	t.Helper()
	storetest.EachAddress(t, func(t *testing.T, address string) {
		w := &World{}
		w.At(Start)
		o := storetest.Options(t)
		o.Now = w.Now
		w.Store = storetest.Open(t, address, o)
		w.Open(t, Site)
		test(t, w)
	})
}

// Open makes the desk and the people of a world whose Store and Clock are set.
func (w *World) Open(t testing.TB, at approval.Site) {
	t.Helper()
	book, err := approval.NewBook(approval.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	requests, err := approvals.New(approvals.Desk{
		Book: book, Site: at,
		Place: func(_ context.Context, _ *store.Reader, id rootkeep.AccountID) (people.Place, error) {
			return people.Place{Account: id, Path: []string{"r-abcd", "ou-abcd-11111111"}}, nil
		},
		Kinds: []approvals.Kind{exceptions.Kind(w.CountChange)},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Desk, err = exceptions.New(exceptions.Desk{
		Desk: requests,
		Control: func(id string) (exceptions.Control, bool) {
			for _, c := range Controls() {
				if c.ID == id {
					return c, true
				}
			}
			return exceptions.Control{}, false
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Ann = w.Person(t, "Ann", people.Requester, people.Everywhere)
	w.Bob = w.Person(t, "Bob", people.Approver, people.Everywhere)
	w.Cid = w.Person(t, "Cid", people.Approver, "ou:ou-abcd-11111111")
	w.Dan = w.Person(t, "Dan", people.Approver, "account:111122223333")
	w.Eve = w.Person(t, "Eve", people.Approver, "account:999988887777")
	w.Fay = w.Person(t, "Fay", people.Viewer, "account:999988887777")
}

// CountChange counts how often exceptions began or ended to apply.
func (w *World) CountChange(context.Context, *store.Tx, rootkeep.AccountID) error {
	w.Changed.Add(1)
	return nil
}

// Controls are those of the tests: one of root, critical, and another one.
func Controls() []exceptions.Control {
	return []exceptions.Control{
		{ID: "PW-08", Title: "Passwords expire", Severity: rootkeep.Medium}, {ID: "RT-01", Title: "Root user has MFA", Severity: rootkeep.Critical},
	}
}

// At sets the clock.
func (w *World) At(t time.Time) { w.Clock.Store(t.UnixMicro()) }

// Now reads it.
func (w *World) Now() time.Time { return time.UnixMicro(w.Clock.Load()).UTC() }

// Change makes a change of the store.
func (w *World) Change(t testing.TB, change func(ctx context.Context, tx *store.Tx) error) error {
	t.Helper()
	return w.Store.Update(t.Context(), change)
}

// View reads the store.
func (w *World) View(t testing.TB, read func(ctx context.Context, r *store.Reader) error) {
	t.Helper()
	if err := w.Store.View(t.Context(), read); err != nil {
		t.Fatal(err)
	}
}

// Person adds somebody with a role and a key.
func (w *World) Person(t testing.TB, name string, role people.Role, scope people.Scope) *Person {
	t.Helper()
	p := &Person{}
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		added, err := stored.Add(ctx, tx, "system", name, "")
		if err != nil {
			return err
		}
		grant := people.Grant{Role: role, Scope: scope}
		p.Actor = added.Actor([]people.Grant{grant})
		return stored.Grant(ctx, tx, "system", added.ID, grant)
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Enrol(t, p)
	return p
}

// Enrol gives a person a new key, which signs from then on. The old one stays good.
func (w *World) Enrol(t testing.TB, p *Person) {
	t.Helper()
	p.Key = authtest.Key{}
	options, err := json.Marshal(map[string]any{"publicKey": map[string]any{
		"rp": map[string]any{"id": w.Desk.Site.RPID}, "user": map[string]any{"id": "dXNlcg"}, "challenge": base64.RawURLEncoding.EncodeToString(make([]byte, 32)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	created, err := p.Key.Create(w.Desk.Site.Origin, options)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(created)
	if err != nil {
		t.Fatal(err)
	}
	data := parsed.Response.AttestationObject.AuthData
	err = w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		_, err := stored.AddKey(ctx, tx, p.ID, stored.Key{
			Person: p.ID, Credential: data.AttData.CredentialID, PublicKey: data.AttData.CredentialPublicKey, AAGUID: data.AttData.AAGUID,
			AttestationType: "none", AttestationFormat: "none", Attestation: []byte{0xa0}, ClientData: []byte("{}"), Name: p.Name + "'s key",
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Wanted is a request for an exception to a control of the account.
func (w *World) Wanted(control string) exceptions.Wanted {
	return exceptions.Wanted{Account: Account, Control: control, Owner: "jane@example.com", Reason: "the key arrives in December", Until: w.Now().Truncate(24*time.Hour).AddDate(0, 1, 0)}
}

// Submit asks as Ann.
func (w *World) Submit(t testing.TB, control string) *exceptions.Exception {
	t.Helper()
	var x *exceptions.Exception
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) (err error) {
		x, err = w.Desk.Submit(ctx, tx, w.Ann.Actor, w.Wanted(control))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Issue hands a statement out to a person.
func (w *World) Issue(t testing.TB, p *Person, id string, d approval.Decision) (*approval.Statement, error) {
	t.Helper()
	var s *approval.Statement
	err := w.Store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		s, err = w.Desk.Issue(ctx, tx, p.Actor, id, d)
		return err
	})
	return s, err
}

// Sign has the person's key sign a statement on a page of the site.
func (p *Person) Sign(t testing.TB, s *approval.Statement, at approval.Site) []byte {
	t.Helper()
	challenge := s.Challenge()
	options, err := json.Marshal(map[string]any{"publicKey": map[string]any{"rpId": at.RPID, "challenge": base64.RawURLEncoding.EncodeToString(challenge[:])}})
	if err != nil {
		t.Fatal(err)
	}
	assertion, err := p.Key.Get(at.Origin, options)
	if err != nil {
		t.Fatal(err)
	}
	return assertion
}

// Decide takes a person through the whole way: statement, key, decision.
func (w *World) Decide(t testing.TB, p *Person, id string, d approval.Decision) (*approvals.Matter, error) {
	t.Helper()
	s, err := w.Issue(t, p, id, d)
	if err != nil {
		return nil, err
	}
	return w.Desk.Decide(t.Context(), w.Store, p.Actor, id, s.Nonce, p.Sign(t, s, w.Desk.Site))
}

// Read reads an exception as who asked for it.
func (w *World) Read(t testing.TB, id string) *exceptions.Exception {
	t.Helper()
	var x *exceptions.Exception
	w.View(t, func(ctx context.Context, r *store.Reader) (err error) {
		x, err = w.Desk.Get(ctx, r, w.Ann.Actor, id, w.Now())
		return err
	})
	return x
}

// Entries are the types of the ledger's entries about a subject, in their order.
func (w *World) Entries(t testing.TB, id string) []string {
	t.Helper()
	var out []string
	w.View(t, func(ctx context.Context, r *store.Reader) error {
		rows, err := r.Query(ctx, `SELECT type FROM log_entry WHERE subject = $1 ORDER BY n`, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var kind string
			if err := rows.Scan(&kind); err != nil {
				return err
			}
			out = append(out, kind)
		}
		return rows.Err()
	})
	return out
}

// RevokeKey revokes the key of a person.
func (w *World) RevokeKey(t testing.TB, of string) {
	t.Helper()
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		keys, err := stored.GoodKeys(ctx, &tx.Reader, of)
		if err != nil {
			return err
		}
		return stored.RevokeKey(ctx, tx, "system", keys[0].ID)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Record is the first approval of an exception, as it is saved.
func (w *World) Record(t testing.TB, id string) *approval.Record {
	t.Helper()
	var record *approval.Record
	w.View(t, func(ctx context.Context, r *store.Reader) error {
		x, err := w.Desk.Get(ctx, r, w.Ann.Actor, id, w.Now())
		if err != nil {
			return err
		}
		list, err := approvals.Approvals(ctx, r, id)
		if err == nil {
			record = list[0].Record(x.Version, x.Policy)
		}
		return err
	})
	return record
}
