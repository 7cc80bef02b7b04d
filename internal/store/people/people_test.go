package people_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
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
				d.do(func(ctx context.Context, tx *store.Tx) error { return persons.RevokeKey(ctx, tx, "system", k.ID) })
				err = s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error { return persons.KeyUsed(ctx, tx, k.ID, test.got, true) })
				if !errors.Is(err, store.ErrConflict) || errors.Is(err, persons.ErrCount) {
					t.Errorf("once it is revoked: got %v, want ErrConflict", err)
				}
			})
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
