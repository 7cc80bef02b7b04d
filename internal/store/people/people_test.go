package people_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

var admin = people.Grant{Role: people.Admin, Scope: people.Everywhere}

// db is a store with the shapes that the tests write often.
type db struct {
	t *testing.T
	*store.Store
}

// do makes a change that must go well.
func (d db) do(change func(context.Context, *store.Tx) error) {
	d.t.Helper()
	if err := d.Update(d.t.Context(), change); err != nil {
		d.t.Fatal(err)
	}
}

// refused makes a change that must fail with the error.
func (d db) refused(want error, change func(context.Context, *store.Tx) error) {
	d.t.Helper()
	if err := d.Update(d.t.Context(), change); !errors.Is(err, want) {
		d.t.Errorf("got %v, want %v", err, want)
	}
}

func (d db) see(read func(context.Context, *store.Reader) error) {
	d.t.Helper()
	if err := d.View(d.t.Context(), read); err != nil {
		d.t.Fatal(err)
	}
}

// person adds somebody with grants and as many keys.
func (d db) person(name string, keys int, grants ...people.Grant) (persons.Person, []persons.Key) {
	d.t.Helper()
	var p persons.Person
	var made []persons.Key
	d.do(func(ctx context.Context, tx *store.Tx) (err error) {
		made = nil
		if p, err = persons.Add(ctx, tx, "system", name, ""); err != nil {
			return err
		}
		for _, g := range grants {
			if err := persons.Grant(ctx, tx, "system", p.ID, g); err != nil {
				return err
			}
		}
		for i := range keys {
			k, err := persons.AddKey(ctx, tx, p.ID, key(p.ID, fmt.Sprintf("%s%d", name, i)))
			if err != nil {
				return err
			}
			made = append(made, k)
		}
		return nil
	})
	return p, made
}

func key(person, credential string) persons.Key {
	return persons.Key{
		Person: person, Credential: []byte(credential), PublicKey: []byte("public"), AAGUID: make([]byte, 16), AttestationType: "none",
		AttestationFormat: "none", Attestation: []byte("object"), ClientData: []byte("client"), Transports: []string{"usb", "nfc"}, SignCount: 1,
	}
}

// entries reads the types of all entries in the ledger, with their subjects.
func (d db) entries() []string {
	d.t.Helper()
	var out []string
	d.see(func(ctx context.Context, r *store.Reader) error {
		return store.Each(ctx, r, func(rows *sql.Rows) error {
			var kind, subject string
			err := rows.Scan(&kind, &subject)
			out = append(out, kind+" "+subject[:2])
			return err
		}, `SELECT type, subject FROM log_entry ORDER BY n`)
	})
	return out
}

func TestEveryChangeHasItsEntry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		boss, _ := d.person("Boss", 1, admin)
		ada, keys := d.person("Ada", 2, people.Grant{Role: people.Viewer, Scope: "account:111122223333"})
		before := len(d.entries())
		d.do(func(ctx context.Context, tx *store.Tx) error {
			tok, _, err := persons.IssueToken(ctx, tx, boss.ID, "nightly scan", []people.Grant{{Role: people.Responder, Scope: "*"}}, time.Hour)
			if err != nil {
				return err
			}
			link, err := persons.NewLink(ctx, tx, boss.ID, ada.ID, time.Hour)
			if err != nil {
				return err
			}
			_, err = persons.UseLink(ctx, tx, link.Reveal())
			id := persons.Identity{Issuer: "https://idp.example", Subject: "42"}
			session := persons.Session{ID: "SE-1", Person: ada.ID, Key: keys[0].ID, Begun: tx.Now(), Seen: tx.Now(), Deadline: tx.Now().Add(time.Hour)}
			g := people.Grant{Role: people.Viewer, Scope: "account:111122223333"}
			return errors.Join(err,
				persons.Rename(ctx, tx, ada.ID, ada.ID, "Ada L", "Ada@Example.com"),
				persons.Identify(ctx, tx, boss.ID, ada.ID, id.Issuer, id.Subject),
				persons.Unidentify(ctx, tx, boss.ID, ada.ID, id),
				persons.BeginSession(ctx, tx, "cookie1", session),
				persons.RenewSession(ctx, tx, "cookie2", session),
				persons.EndSession(ctx, tx, ada.ID, ada.ID, "SE-1"),
				persons.DoubtKey(ctx, tx, keys[0].ID, 1),
				persons.RevokeKey(ctx, tx, ada.ID, keys[0].ID),
				persons.Revoke(ctx, tx, boss.ID, ada.ID, g),
				persons.RevokeToken(ctx, tx, boss.ID, tok.ID),
				persons.Suspend(ctx, tx, boss.ID, ada.ID),
				persons.Restore(ctx, tx, boss.ID, ada.ID))
		})
		want := []string{
			"token.issued TK", "link.issued PE", "person.renamed PE", "identity.linked PE", "identity.unlinked PE", "session.begun SE", "session.verified SE",
			"session.ended SE", "key.doubted KE", "key.revoked KE", "role.revoked PE", "token.revoked TK", "person.suspended PE", "person.restored PE",
		}
		if diff := cmp.Diff(want, d.entries()[before:]); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
	})
}

func TestNamesAndAddressesAreInPayloadsOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		d.do(func(ctx context.Context, tx *store.Tx) error {
			_, err := persons.Add(ctx, tx, "system", "Zebulon Quux", "zebulon@example.com")
			return err
		})
		d.see(func(ctx context.Context, r *store.Reader) error {
			var leaf, data []byte
			if err := r.Row(ctx, `SELECT e.leaf, p.data FROM log_entry e JOIN log_payload p ON p.n = e.n`).Scan(&leaf, &data); err != nil {
				return err
			}
			if strings.Contains(strings.ToLower(string(leaf)), "zebulon") {
				t.Errorf("the leaf tells who it is: %s", leaf)
			}
			if want := `{"name":"Zebulon Quux","email":"zebulon@example.com"}`; string(data) != want {
				t.Errorf("payload: got %s, want %s", data, want)
			}
			return nil
		})
	})
}

func TestTheLastAdministratorWithAKeyStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		first, keys := d.person("First", 1, admin)
		d.person("No key yet", 0, admin)
		d.person("Only of an account", 1, people.Grant{Role: people.Admin, Scope: "account:111122223333"})
		ways := map[string]func(context.Context, *store.Tx) error{
			"suspend": func(ctx context.Context, tx *store.Tx) error { return persons.Suspend(ctx, tx, "system", first.ID) },
			"revoke the role": func(ctx context.Context, tx *store.Tx) error {
				return persons.Revoke(ctx, tx, "system", first.ID, admin)
			},
			"revoke the key": func(ctx context.Context, tx *store.Tx) error { return persons.RevokeKey(ctx, tx, "system", keys[0].ID) },
		}
		before := len(d.entries())
		for _, change := range ways {
			d.refused(persons.ErrLastAdmin, change)
		}
		if got := len(d.entries()); got != before {
			t.Errorf("got %d entries of refused changes, want none", got-before)
		}
		d.person("Second", 1, admin)
		d.do(ways["suspend"])
	})
}

func TestTwoAdministratorsCannotRemoveEachOtherAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		a, _ := d.person("A", 1, admin)
		b, _ := d.person("B", 1, admin)
		var all sync.WaitGroup
		var gone atomic.Int32
		for _, pair := range [][2]string{{a.ID, b.ID}, {b.ID, a.ID}} {
			all.Go(func() {
				err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return persons.Suspend(ctx, tx, pair[0], pair[1]) })
				if err == nil {
					gone.Add(1)
				} else if !errors.Is(err, persons.ErrLastAdmin) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if gone.Load() != 1 {
			t.Errorf("got %d suspended, want one", gone.Load())
		}
	})
}

func TestNobodyChangesTheirOwnRoles(t *testing.T) {
	d := db{t, storetest.Open(t, storetest.SQLite(t), storetest.Options(t))}
	boss, _ := d.person("Boss", 1, admin)
	d.refused(persons.ErrSelf, func(ctx context.Context, tx *store.Tx) error {
		return persons.Grant(ctx, tx, boss.ID, boss.ID, people.Grant{Role: people.Approver, Scope: "*"})
	})
	d.refused(persons.ErrSelf, func(ctx context.Context, tx *store.Tx) error { return persons.Restore(ctx, tx, boss.ID, boss.ID) })
}

func TestAKeyOnlyCountsUp(t *testing.T) {
	tests := []struct {
		name string
		kept uint32
		got  uint32
		want error
	}{
		{"up", 5, 6, nil},
		{"the same", 5, 5, persons.ErrCount},
		{"back", 5, 4, persons.ErrCount},
		{"back to nothing", 5, 0, persons.ErrCount},
		{"a key that never counts", 0, 0, nil},
		{"a key that begins to count", 0, 1, nil},
		{"the largest", 4294967294, 4294967295, nil},
		{"around the end", 4294967295, 0, persons.ErrCount},
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		ada, _ := d.person("Ada", 0)
		for i, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				k := key(ada.ID, fmt.Sprint(i))
				k.SignCount = test.kept
				d.do(func(ctx context.Context, tx *store.Tx) (err error) {
					k, err = persons.AddKey(ctx, tx, ada.ID, k)
					return err
				})
				err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error { return persons.KeyUsed(ctx, tx, k.ID, test.got, true) })
				if !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
			})
		}
	})
}

func TestALinkIsGoodOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		ada, _ := d.person("Ada", 0)
		link := func(life time.Duration) (out string) {
			d.do(func(ctx context.Context, tx *store.Tx) error {
				l, err := persons.NewLink(ctx, tx, "system", ada.ID, life)
				out = l.Reveal()
				return err
			})
			return out
		}
		use := func(text string) error {
			return s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { _, err := persons.UseLink(ctx, tx, text); return err })
		}
		good := link(time.Hour)
		var wins atomic.Int32
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if use(good) == nil {
					wins.Add(1)
				}
			})
		}
		all.Wait()
		if wins.Load() != 1 {
			t.Errorf("got %d uses of one link, want one", wins.Load())
		}
		late, replaced := link(-time.Second), link(time.Hour)
		newest := link(time.Hour)
		for name, text := range map[string]string{"used": good, "expired": late, "replaced": replaced, "empty": "", "a token's prefix": "rk_" + newest[5:], "another's": newest[:20] + "aaaa" + newest[24:]} {
			if err := use(text); !errors.Is(err, persons.ErrSpent) {
				t.Errorf("%s: got %v, want ErrSpent", name, err)
			}
		}
		d.do(func(ctx context.Context, tx *store.Tx) error { return persons.Suspend(ctx, tx, "system", ada.ID) })
		if err := use(newest); !errors.Is(err, persons.ErrSpent) {
			t.Errorf("of a suspended person: got %v, want ErrSpent", err)
		}
	})
}

func TestSecretsDoNotShow(t *testing.T) {
	d := db{t, storetest.Open(t, storetest.SQLite(t), storetest.Options(t))}
	var s persons.Secret
	d.do(func(ctx context.Context, tx *store.Tx) (err error) {
		_, s, err = persons.IssueToken(ctx, tx, "system", "x", []people.Grant{{Role: people.Viewer, Scope: "*"}}, time.Hour)
		return err
	})
	if text := fmt.Sprintf("%s %v %+v %#v", s, s, s, s); strings.Contains(text, s.Reveal()[3:]) {
		t.Errorf("printed: %s", text)
	}
	if b, err := json.Marshal(s); err == nil {
		t.Errorf("marshalled: %s", b)
	}
	d.see(func(ctx context.Context, r *store.Reader) error {
		for _, query := range []string{`SELECT CAST(hash AS TEXT) FROM machine_token`, `SELECT CAST(data AS TEXT) FROM log_payload`, `SELECT prefix FROM machine_token`} {
			var kept string
			if err := r.Row(ctx, query).Scan(&kept); err != nil {
				return err
			}
			if strings.Contains(kept, s.Reveal()) {
				t.Errorf("%s: the store keeps the secret", query)
			}
		}
		return nil
	})
}

func TestWhatEndsASession(t *testing.T) {
	ways := map[string]func(ctx context.Context, tx *store.Tx, p persons.Person, k persons.Key) error{
		"its person is suspended": func(ctx context.Context, tx *store.Tx, p persons.Person, _ persons.Key) error {
			return persons.Suspend(ctx, tx, "system", p.ID)
		},
		"its key is revoked": func(ctx context.Context, tx *store.Tx, _ persons.Person, k persons.Key) error {
			return persons.RevokeKey(ctx, tx, "system", k.ID)
		},
		"it is ended": func(ctx context.Context, tx *store.Tx, p persons.Person, _ persons.Key) error {
			return persons.EndSession(ctx, tx, p.ID, p.ID, "SE-1")
		},
		"all are ended": func(ctx context.Context, tx *store.Tx, p persons.Person, _ persons.Key) error {
			_, err := persons.EndSessions(ctx, tx, p.ID, p.ID, "")
			return err
		},
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			d := db{t, storetest.Open(t, storetest.SQLite(t), storetest.Options(t))}
			p, keys := d.person("Ada", 1)
			want := persons.Session{
				ID: "SE-1", Person: p.ID, Key: keys[0].ID, Grants: []people.Grant{admin}, Begun: time.UnixMicro(1).UTC(), Seen: time.UnixMicro(2).UTC(),
				Deadline: time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond), Address: "10.0.0.1", Agent: strings.Repeat("x", 300),
			}
			long := want
			long.Agent += "more"
			d.do(func(ctx context.Context, tx *store.Tx) error { return persons.BeginSession(ctx, tx, "cookie", long) })
			d.see(func(ctx context.Context, r *store.Reader) error {
				got, err := persons.FindSession(ctx, r, "cookie")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("kept (-want +got):\n%s", diff)
				}
				return err
			})
			d.do(func(ctx context.Context, tx *store.Tx) error { return end(ctx, tx, p, keys[0]) })
			err := d.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
				_, err := persons.FindSession(ctx, r, "cookie")
				return err
			})
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("got %v, want that it is gone", err)
			}
		})
	}
}

func TestAKeyThatIsRevokedMeanwhileBeginsNoSession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		p, keys := d.person("Ada", 2)
		other, _ := d.person("Eve", 1)
		session := persons.Session{ID: "SE-1", Person: p.ID, Key: keys[0].ID, Begun: time.Now(), Seen: time.Now(), Deadline: time.Now().Add(time.Hour)}
		d.do(func(ctx context.Context, tx *store.Tx) error { return persons.RevokeKey(ctx, tx, "system", keys[0].ID) })
		d.refused(store.ErrConflict, func(ctx context.Context, tx *store.Tx) error { return persons.BeginSession(ctx, tx, "a", session) })
		session.Person, session.Key = other.ID, keys[1].ID
		d.refused(store.ErrConflict, func(ctx context.Context, tx *store.Tx) error { return persons.BeginSession(ctx, tx, "b", session) })
	})
}

func TestSessionsOfAPersonAreBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		p, _ := d.person("Ada", 1)
		for i := range persons.MaxSessions + 5 {
			d.do(func(ctx context.Context, tx *store.Tx) error {
				at := tx.Now().Add(time.Duration(i) * time.Second)
				return persons.BeginSession(ctx, tx, fmt.Sprint(i), persons.Session{ID: fmt.Sprintf("SE-%02d", i), Person: p.ID, Begun: at, Seen: at, Deadline: at.Add(time.Hour)})
			})
		}
		d.see(func(ctx context.Context, r *store.Reader) error {
			list, err := persons.Sessions(ctx, r, p.ID)
			if len(list) != persons.MaxSessions || list[len(list)-1].ID != "SE-05" {
				t.Errorf("got %d sessions, want the %d newest", len(list), persons.MaxSessions)
			}
			return err
		})
	})
}

func TestACeremonyIsTakenOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var handle string
		begin := func(ctx context.Context, tx *store.Tx) (err error) {
			handle, err = persons.BeginCeremony(ctx, tx, "sign-in", []byte("data"))
			return err
		}
		if err := s.Touch(t.Context(), begin); err != nil {
			t.Fatal(err)
		}
		take := func(kind string) error {
			return s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				data, err := persons.TakeCeremony(ctx, tx, kind, handle)
				if err == nil && string(data) != "data" {
					t.Errorf("got %q, want what was kept", data)
				}
				return err
			})
		}
		if err := take("enrol"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("of another kind: got %v, want ErrNotFound", err)
		}
		var wins atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if take("sign-in") == nil {
					wins.Add(1)
				}
			})
		}
		all.Wait()
		if wins.Load() != 1 {
			t.Errorf("got %d takers, want one", wins.Load())
		}
	})
}

func TestTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		viewer := []people.Grant{{Role: people.Viewer, Scope: "account:111122223333"}}
		for name, make := range map[string]func(context.Context, *store.Tx) error{
			"an approver": func(ctx context.Context, tx *store.Tx) error {
				_, _, err := persons.IssueToken(ctx, tx, "system", "x", []people.Grant{{Role: people.Approver, Scope: "*"}}, time.Hour)
				return err
			},
			"no role": func(ctx context.Context, tx *store.Tx) error {
				_, _, err := persons.IssueToken(ctx, tx, "system", "x", nil, time.Hour)
				return err
			},
			"a scope that is none": func(ctx context.Context, tx *store.Tx) error {
				_, _, err := persons.IssueToken(ctx, tx, "system", "x", []people.Grant{{Role: people.Viewer, Scope: "account:*"}}, time.Hour)
				return err
			},
			"no end": func(ctx context.Context, tx *store.Tx) error {
				_, _, err := persons.IssueToken(ctx, tx, "system", "x", viewer, 400*24*time.Hour)
				return err
			},
			"no name": func(ctx context.Context, tx *store.Tx) error {
				_, _, err := persons.IssueToken(ctx, tx, "system", " ", viewer, time.Hour)
				return err
			},
		} {
			if err := s.Update(t.Context(), make); err == nil {
				t.Errorf("%s: issued, want an error", name)
			}
		}
		var want persons.Token
		var secret persons.Secret
		d.do(func(ctx context.Context, tx *store.Tx) (err error) {
			want, secret, err = persons.IssueToken(ctx, tx, "system", "nightly scan", viewer, time.Hour)
			return err
		})
		d.see(func(ctx context.Context, r *store.Reader) error {
			got, err := persons.FindToken(ctx, r, secret.Reveal())
			if err != nil {
				return err
			}
			if got.ID != want.ID || !reflect.DeepEqual(got.Grants, viewer) || !got.Good(time.Now()) || got.Good(time.Now().Add(2*time.Hour)) {
				t.Errorf("got %+v, want %+v, good for an hour", got, want)
			}
			for _, text := range []string{"", "rk_", secret.Reveal() + "a", strings.ToUpper(secret.Reveal()), "rk_" + strings.Repeat("a", 52)} {
				if _, err := persons.FindToken(ctx, r, text); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%q: got %v, want ErrNotFound", text, err)
				}
			}
			return nil
		})
	})
}

func TestRecoveryIsSeenBySomebodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		var p persons.Person
		d.do(func(ctx context.Context, tx *store.Tx) (err error) {
			p, _, err = persons.Recover(ctx, tx, "Recovered administrator")
			return err
		})
		open := func() (n int) {
			d.see(func(ctx context.Context, r *store.Reader) error {
				list, err := persons.Recoveries(ctx, r)
				n = len(list)
				return err
			})
			return n
		}
		if err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return persons.Acknowledge(ctx, tx, p.ID, p.ID) }); err == nil || open() != 1 {
			t.Errorf("acknowledged by the one recovered: %v, %d open", err, open())
		}
		d.do(func(ctx context.Context, tx *store.Tx) error { return persons.Acknowledge(ctx, tx, "PE-other", p.ID) })
		if open() != 0 {
			t.Errorf("got %d open, want none", open())
		}
		if !slices.Contains(d.entries(), "administrator.recovered PE") {
			t.Errorf("entries %v, want administrator.recovered among them", d.entries())
		}
	})
}

func TestTheFirstLinkIsMadeUntilAKeyIsThere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		first := func() (link persons.Secret, ok bool) {
			d.do(func(ctx context.Context, tx *store.Tx) (err error) {
				link, ok, err = persons.FirstLink(ctx, tx)
				return err
			})
			return link, ok
		}
		one, _ := first()
		two, ok := first()
		if !ok || one.Reveal() == two.Reveal() {
			t.Fatalf("got %v and the same link %v, want a new link at each start", ok, one.Reveal() == two.Reveal())
		}
		d.refused(persons.ErrSpent, func(ctx context.Context, tx *store.Tx) error {
			_, err := persons.UseLink(ctx, tx, one.Reveal())
			return err
		})
		d.do(func(ctx context.Context, tx *store.Tx) error {
			p, err := persons.UseLink(ctx, tx, two.Reveal())
			if err != nil {
				return err
			}
			_, err = persons.AddKey(ctx, tx, p.ID, key(p.ID, "first"))
			return err
		})
		if _, ok := first(); ok {
			t.Error("got a link though a key was enrolled, want none")
		}
		d.see(func(ctx context.Context, r *store.Reader) error {
			list, err := persons.List(ctx, r, persons.Filter{}, "", 10)
			if len(list) != 1 {
				t.Errorf("got %d persons, want one", len(list))
			}
			return err
		})
	})
}

func TestNamesThatNoPageShouldShow(t *testing.T) {
	d := db{t, storetest.Open(t, storetest.SQLite(t), storetest.Options(t))}
	for _, name := range []string{"", " ", "a\nb", "\x1b[31mred", "a\u202eb", "zero\u200bwidth", "\xff", strings.Repeat("x", 101)} {
		err := d.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := persons.Add(ctx, tx, "system", name, "")
			return err
		})
		if err == nil {
			t.Errorf("%q: added, want an error", name)
		}
	}
	for _, email := range []string{"ada", "@example.com", "ada@", "ada lovelace@example.com", "a@b\r\nBcc: c@d"} {
		err := d.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := persons.Add(ctx, tx, "system", "Ada", email)
			return err
		})
		if err == nil {
			t.Errorf("%q: added, want an error", email)
		}
	}
	add := func(ctx context.Context, tx *store.Tx) error {
		_, err := persons.Add(ctx, tx, "system", "Ada", "Ada@example.com")
		return err
	}
	d.do(add)
	if err := d.Update(t.Context(), add); err == nil {
		t.Error("the same address twice: added, want an error")
	}
}

func TestAListIsNarrowed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		viewer := people.Grant{Role: people.Viewer, Scope: "account:111122223333"}
		ada, _ := d.person("Ada 100%", 2, viewer, admin)
		bob, _ := d.person("Bob_1", 1, viewer)
		eve, _ := d.person("Eve 100", 0)
		d.do(func(ctx context.Context, tx *store.Tx) error { return persons.Suspend(ctx, tx, "system", eve.ID) })
		for _, test := range []struct {
			name   string
			filter persons.Filter
			after  string
			want   []string
		}{
			{"nothing asked", persons.Filter{}, "", []string{ada.ID, bob.ID, eve.ID}},
			{"after one", persons.Filter{}, ada.ID, []string{bob.ID, eve.ID}},
			{"a text in any case", persons.Filter{Text: "aDa"}, "", []string{ada.ID}},
			{"a percent sign is one", persons.Filter{Text: "100%"}, "", []string{ada.ID}},
			{"an underscore is one", persons.Filter{Text: "b_"}, "", []string{bob.ID}},
			{"suspended", persons.Filter{State: persons.Suspended}, "", []string{eve.ID}},
			{"a role", persons.Filter{Role: people.Admin}, "", []string{ada.ID}},
		} {
			d.see(func(ctx context.Context, r *store.Reader) error {
				list, err := persons.List(ctx, r, test.filter, test.after, 10)
				var got []string
				for _, p := range list {
					got = append(got, p.ID)
					if p.ID == ada.ID && (p.Keys != 2 || len(p.Grants) != 2) {
						t.Errorf("%s: got %d keys and %v, want two of each", test.name, p.Keys, p.Grants)
					}
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", test.name, diff)
				}
				return err
			})
		}
	})
}

// TestStrangersDoNotTakeThePlaceOfOthers fills what anybody may begin.
func TestStrangersDoNotTakeThePlaceOfOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		begin := func(kind string) error {
			return s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := persons.BeginCeremony(ctx, tx, kind, []byte("data"))
				return err
			})
		}
		err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for i := range 5000 {
				if _, err := tx.Exec(ctx, `INSERT INTO ceremony (hash, kind, data, expires) VALUES ($1, 'sign-in', $1, $2)`,
					fmt.Append(nil, i), store.Micros(tx.Now().Add(time.Minute))); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := begin("sign-in"); !errors.Is(err, persons.ErrBusy) {
			t.Errorf("one more of the same kind: got %v, want ErrBusy", err)
		}
		if err := begin("again"); err != nil {
			t.Errorf("of another kind: got %v, want that it begins", err)
		}
	})
}
