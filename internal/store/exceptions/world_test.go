package exceptions_test

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
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/web/signin/authtest"
)

const account = rootkeep.AccountID("111122223333")

var (
	start = time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	site  = approval.Site{RPID: "root.example.com", Origin: "https://root.example.com"}
)

// person is somebody of the tests, with a key.
type person struct {
	people.Actor
	key authtest.Key
}

// world is a store with people in it: ann asks, bob, cid and dan approve, bob and cid
// everywhere, dan only in the account of the tests, eve elsewhere; fay only reads.
type world struct {
	store                        *store.Store
	clock                        atomic.Int64 // microseconds
	desk                         *exceptions.Desk
	changed                      atomic.Int64 // accounts whose exceptions changed
	ann, bob, cid, dan, eve, fay *person
}

// each runs a test in a new world on each database.
func each(t *testing.T, c approval.Configuration, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.EachAddress(t, func(t *testing.T, address string) {
		w := &world{}
		w.at(start)
		o := storetest.Options(t)
		o.Now = func() time.Time { return time.UnixMicro(w.clock.Load()) }
		w.store = storetest.Open(t, address, o)
		book, err := approval.NewBook(c)
		if err != nil {
			t.Fatal(err)
		}
		w.desk, err = exceptions.New(exceptions.Desk{
			Book: book, Site: site,
			Control: func(id string) (exceptions.Control, bool) {
				c, known := map[string]exceptions.Control{
					"RT-01": {ID: "RT-01", Title: "Root user has MFA", Severity: rootkeep.Critical},
					"PW-08": {ID: "PW-08", Title: "Passwords expire", Severity: rootkeep.Medium},
				}[id]
				return c, known
			},
			Place: func(_ context.Context, _ *store.Reader, id rootkeep.AccountID) (people.Place, error) {
				return people.Place{Account: id, Path: []string{"r-abcd", "ou-abcd-11111111"}}, nil
			},
			Changed: func(context.Context, *store.Tx, rootkeep.AccountID) error { w.changed.Add(1); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		w.ann = w.person(t, "Ann", people.Requester, people.Everywhere)
		w.bob = w.person(t, "Bob", people.Approver, people.Everywhere)
		w.cid = w.person(t, "Cid", people.Approver, "ou:ou-abcd-11111111")
		w.dan = w.person(t, "Dan", people.Approver, "account:111122223333")
		w.eve = w.person(t, "Eve", people.Approver, "account:999988887777")
		w.fay = w.person(t, "Fay", people.Viewer, "account:999988887777")
		test(t, w)
	})
}

func (w *world) at(t time.Time) { w.clock.Store(t.UnixMicro()) }

func (w *world) now() time.Time { return time.UnixMicro(w.clock.Load()).UTC() }

// change makes a change of the store.
func (w *world) change(t testing.TB, change func(ctx context.Context, tx *store.Tx) error) error {
	t.Helper()
	return w.store.Update(t.Context(), change)
}

func (w *world) view(t testing.TB, read func(ctx context.Context, r *store.Reader) error) {
	t.Helper()
	if err := w.store.View(t.Context(), read); err != nil {
		t.Fatal(err)
	}
}

// person adds somebody with a role and a key.
func (w *world) person(t testing.TB, name string, role people.Role, scope people.Scope) *person {
	t.Helper()
	p := &person{}
	options, err := json.Marshal(map[string]any{"publicKey": map[string]any{
		"rp": map[string]any{"id": site.RPID}, "user": map[string]any{"id": "dXNlcg"}, "challenge": base64.RawURLEncoding.EncodeToString(make([]byte, 32)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	created, err := p.key.Create(site.Origin, options)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(created)
	if err != nil {
		t.Fatal(err)
	}
	data := parsed.Response.AttestationObject.AuthData
	err = w.change(t, func(ctx context.Context, tx *store.Tx) error {
		added, err := stored.Add(ctx, tx, "system", name, "")
		if err != nil {
			return err
		}
		grant := people.Grant{Role: role, Scope: scope}
		p.Actor = added.Actor([]people.Grant{grant})
		if err := stored.Grant(ctx, tx, "system", added.ID, grant); err != nil {
			return err
		}
		_, err = stored.AddKey(ctx, tx, added.ID, stored.Key{
			Person: added.ID, Credential: data.AttData.CredentialID, PublicKey: data.AttData.CredentialPublicKey, AAGUID: data.AttData.AAGUID,
			AttestationType: "none", AttestationFormat: "none", Attestation: []byte{0xa0}, ClientData: []byte("{}"), Name: name + "'s key",
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wanted is a request for an exception to a control of the account.
func wanted(control string) exceptions.Wanted {
	return exceptions.Wanted{Account: account, Control: control, Owner: "jane@example.com", Reason: "the key arrives in December", Until: start.AddDate(0, 1, 0)}
}

// submit asks as ann.
func (w *world) submit(t testing.TB, control string) *exceptions.Exception {
	t.Helper()
	var x *exceptions.Exception
	err := w.change(t, func(ctx context.Context, tx *store.Tx) (err error) {
		x, err = w.desk.Submit(ctx, tx, w.ann.Actor, wanted(control))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (w *world) issue(t testing.TB, p *person, id string, d approval.Decision) (*approval.Statement, error) {
	t.Helper()
	var s *approval.Statement
	err := w.store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		s, err = w.desk.Issue(ctx, tx, p.Actor, id, d)
		return err
	})
	return s, err
}

// sign has the person's key sign a statement on a page of the origin.
func (p *person) sign(t testing.TB, s *approval.Statement, origin string) []byte {
	t.Helper()
	challenge := s.Challenge()
	options, err := json.Marshal(map[string]any{"publicKey": map[string]any{"rpId": site.RPID, "challenge": base64.RawURLEncoding.EncodeToString(challenge[:])}})
	if err != nil {
		t.Fatal(err)
	}
	assertion, err := p.key.Get(origin, options)
	if err != nil {
		t.Fatal(err)
	}
	return assertion
}

// decide takes a person through the whole way: statement, key, decision.
func (w *world) decide(t testing.TB, p *person, id string, d approval.Decision) (*exceptions.Exception, error) {
	t.Helper()
	s, err := w.issue(t, p, id, d)
	if err != nil {
		return nil, err
	}
	return w.desk.Decide(t.Context(), w.store, p.Actor, id, s.Nonce, p.sign(t, s, site.Origin))
}

// read reads an exception as who asked for it.
func (w *world) read(t testing.TB, id string) *exceptions.Exception {
	t.Helper()
	var x *exceptions.Exception
	w.view(t, func(ctx context.Context, r *store.Reader) (err error) {
		x, err = w.desk.Get(ctx, r, w.ann.Actor, id, w.now())
		return err
	})
	return x
}

// entries are the types of the ledger's entries about a subject, in their order.
func (w *world) entries(t testing.TB, id string) []string {
	t.Helper()
	var out []string
	w.view(t, func(ctx context.Context, r *store.Reader) error {
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
