package people_test

import (
	"context"
	"errors"
	"fmt"
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

// TestStrangersDoNotTakeThePlaceOfOthers fills what anybody may begin.
func TestStrangersDoNotTakeThePlaceOfOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		begin := func(kind string) error {
			return s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := persons.BeginCeremony(ctx, tx, kind, []byte("data"))
				return err
			})
		}
		for from := 0; from < 5000; from += 250 { // one change with all may take longer than changes may
			err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				for i := range 250 {
					if _, err := tx.Exec(ctx, `INSERT INTO ceremony (hash, kind, data, expires) VALUES ($1, 'sign-in', $1, $2)`,
						fmt.Append(nil, from+i), store.Micros(tx.Now().Add(time.Hour))); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := begin("sign-in"); !errors.Is(err, persons.ErrBusy) {
			t.Errorf("one more of the same kind: got %v, want ErrBusy", err)
		}
		if err := begin("again"); err != nil {
			t.Errorf("of another kind: got %v, want that it begins", err)
		}
	})
}
