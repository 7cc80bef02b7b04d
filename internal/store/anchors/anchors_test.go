package anchors_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/anchors"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/ledger"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func tried(t *testing.T, s *store.Store, place string, size int64, failure string) {
	t.Helper()
	var a *anchors.Anchor
	if failure == "" {
		a = &anchors.Anchor{Place: place, Kind: "file", Size: size, Signed: []byte("signed"), At: noon}
	}
	if err := anchors.Tried(t.Context(), s, anchors.Place{Name: place, Kind: "file", Target: "/x", Tried: noon, Failure: failure}, a); err != nil {
		t.Fatal(err)
	}
}

func TestAnAttemptIsRemembered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		tried(t, s, "a", 3, "")
		tried(t, s, "a", 3, "") // the same again
		tried(t, s, "a", 8, "")
		tried(t, s, "b", 5, "")
		tried(t, s, "b", 0, "no answer")
		tried(t, s, "b", 0, strings.Repeat("\x00\xff", 5000))
		err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			places, err := anchors.Places(ctx, r)
			if err != nil {
				return err
			}
			if len(places) != 2 || places[0].Failures != 0 || places[1].Failures != 2 || len(places[1].Failure) > 2000 || !places[1].Tried.Equal(noon) {
				t.Errorf("got %+v", places)
			}
			newest, err := anchors.Newest(ctx, r)
			if err != nil {
				return err
			}
			if len(newest) != 2 || newest[0].Size != 8 || newest[1].Size != 5 || !newest[1].At.Equal(noon) {
				t.Errorf("newest: got %+v", newest)
			}
			around, err := anchors.Around(ctx, r, 4)
			if err != nil {
				return err
			}
			if len(around) != 3 || around[0].Size != 3 || around[1].Size != 8 || around[2].Size != 5 {
				t.Errorf("around 4: got %+v", around)
			}
			n := 0
			err = anchors.All(ctx, r, func(anchors.Anchor) error { n++; return nil })
			if n != 3 {
				t.Errorf("got %d anchors, want 3", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		tried(t, s, "b", 9, "")
		err = s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			places, err := anchors.Places(ctx, r)
			if places[1].Failures != 0 || places[1].Failure != "" {
				t.Errorf("after it went: got %+v", places[1])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAChangeOfKeysIsRemembered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for range 2 {
			if err := anchors.AddKey(t.Context(), s, anchors.Key{Verifier: "k", Entry: 4, Signed: []byte("signed")}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Update(t.Context(), func(_ context.Context, tx *store.Tx) error {
			return tx.Record(ledger.KeyEntry, "log+0011aabb", "system")
		}); err != nil {
			t.Fatal(err)
		}
		err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			keys, err := anchors.Keys(ctx, r)
			if err != nil {
				return err
			}
			if len(keys) != 1 || keys[0].Entry != 4 {
				t.Errorf("got %+v", keys)
			}
			n, found, err := anchors.NamedBy(ctx, r, "log+0011aabb")
			if !found || n != 0 {
				t.Errorf("got %d, %v", n, found)
			}
			if _, found, _ := anchors.NamedBy(ctx, r, "log+00000000"); found {
				t.Error("an entry names a key that there is not")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
