package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/ledger"
)

// TestManyServersOneHead lets several stores, as several processes have them, read and
// write the same counter: no change is lost, and the log neither forks nor has a gap.
func TestManyServersOneHead(t *testing.T) {
	storetest.EachEmpty(t, func(t *testing.T, address string) {
		o := storetest.Options(t)
		var servers []*store.Store
		opened := make(chan *store.Store, 3)
		var all sync.WaitGroup
		for range cap(opened) { // all at once on an empty database: one of them migrates it
			all.Go(func() {
				s, err := store.Open(t.Context(), address, o)
				if err != nil {
					t.Error(err)
					return
				}
				opened <- s
			})
		}
		all.Wait()
		close(opened)
		for s := range opened {
			servers = append(servers, s)
			t.Cleanup(func() { s.Close() })
		}
		if t.Failed() {
			return
		}
		table(t, servers[0])
		change(t, servers[0], `INSERT INTO thing (id, n) VALUES ('a', 0)`)
		const writers, each = 4, 12
		for i, s := range servers {
			for w := range writers {
				all.Go(func() {
					for n := range each {
						if err := s.Update(t.Context(), increment(fmt.Sprintf("TE-%d-%d-%d", i, w, n))); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		all.Wait()
		want := int64(len(servers) * writers * each)
		for _, s := range servers {
			if n := number(t, s, `SELECT n FROM thing`); n != want {
				t.Errorf("got %d, want %d: a change was lost", n, want)
			}
			v, err := s.VerifyLedger(t.Context(), nil)
			if err != nil || v.Head.Size != want {
				t.Errorf("got %+v, %v, want %d entries", v, err, want)
			}
		}
		if n := number(t, servers[0], `SELECT COUNT(DISTINCT subject) FROM log_entry`); n != want {
			t.Errorf("got %d subjects, want %d", n, want)
		}
	})
}

// increment reads a counter, writes one more, and says so in the ledger.
func increment(subject string) func(context.Context, *store.Tx) error {
	return func(ctx context.Context, tx *store.Tx) error {
		var n int64
		if err := tx.Row(ctx, `SELECT n FROM thing WHERE id = 'a'`).Scan(&n); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE thing SET n = $1 WHERE id = 'a'`, n+1); err != nil {
			return err
		}
		tx.Announce("thing", subject)
		return tx.Record("test.made", subject, "system", ledger.NewPayload("n", fmt.Append(nil, n+1)))
	}
}

// TestADeadlockIsTriedAgain lets touches and changes take the same rows in the other
// order.
func TestADeadlockIsTriedAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		table(t, s)
		change(t, s, `INSERT INTO thing (id, n) VALUES ('a', 0), ('b', 0)`)
		var all sync.WaitGroup
		const rounds = 3
		more := func(ctx context.Context, tx *store.Tx, ids ...string) error {
			for _, id := range ids {
				if err := tx.ExecOne(ctx, `UPDATE thing SET n = n + 1 WHERE id = $1`, id); err != nil {
					return err
				}
			}
			return nil
		}
		for range 3 {
			all.Go(func() {
				for range rounds {
					err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						tx.Announce("thing", "b") // takes the head last
						return more(ctx, tx, "b", "a")
					})
					if err != nil {
						t.Error("touch:", err)
					}
				}
			})
			all.Go(func() {
				for range rounds {
					err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						if err := record(ctx, tx); err != nil {
							return err
						}
						return more(ctx, tx, "a", "b") // has the head first
					})
					if err != nil {
						t.Error("update:", err)
					}
				}
			})
		}
		all.Wait()
		if a, b := number(t, s, `SELECT n FROM thing WHERE id = 'a'`), number(t, s, `SELECT n FROM thing WHERE id = 'b'`); a != 6*rounds || b != 6*rounds {
			t.Errorf("got %d and %d, want %d", a, b, 6*rounds)
		}
		if n := entries(t, s); n != 3*rounds {
			t.Errorf("got %d entries, want %d", n, 3*rounds)
		}
	})
}

// Chance alone gives hundreds of IDs twice here.
func TestNoIDOfOneChangeIsMadeTwice(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	err := s.Update(t.Context(), func(_ context.Context, tx *store.Tx) error {
		seen := map[string]bool{}
		for range 200_000 {
			id := tx.NewID("JO")
			if seen[id] {
				return fmt.Errorf("%s is made twice, as the last of %d", id, len(seen)+1)
			}
			seen[id] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
