package idempotency_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/idempotency"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

var key = idempotency.Key{Actor: "PE-1", Route: "POST /api/v1/things", Token: "k", Request: [32]byte{1}}

func TestOneOfManyGetsTheKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var first, without atomic.Int64
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				a, err := idempotency.Begin(t.Context(), s, key)
				switch {
				case err == nil && a == nil:
					first.Add(1)
				case errors.Is(err, idempotency.ErrNoAnswer):
					without.Add(1)
				default:
					t.Errorf("got %v, %v", a, err)
				}
			})
		}
		all.Wait()
		if first.Load() != 1 || without.Load() != 31 {
			t.Errorf("got %d that may do it and %d that may not, want 1 and 31", first.Load(), without.Load())
		}
	})
}

func TestAnswersAreKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		begin := func(k idempotency.Key) *idempotency.Answer {
			t.Helper()
			a, err := idempotency.Begin(t.Context(), s, k)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		if begin(key) != nil {
			t.Fatal("got an answer to a new key")
		}
		want := idempotency.Answer{Status: 201, Headers: `{"Location":"/x"}`, Body: []byte(`{}`), Whole: true}
		if err := idempotency.End(t.Context(), s, key, want); err != nil {
			t.Fatal(err)
		}
		if got := begin(key); got == nil || got.Status != 201 || got.Headers != want.Headers || string(got.Body) != "{}" || !got.Whole {
			t.Errorf("got %+v, want what was kept", got)
		}
		if err := idempotency.End(t.Context(), s, key, want); !errors.Is(err, store.ErrConflict) {
			t.Errorf("got %v, want a second answer refused", err)
		}
		other := key
		other.Request[0]++
		if _, err := idempotency.Begin(t.Context(), s, other); !errors.Is(err, idempotency.ErrOtherRequest) {
			t.Errorf("got %v for another body", err)
		}
		if err := idempotency.Forget(t.Context(), s, key); err != nil || begin(key) == nil {
			t.Errorf("got %v, want a key with an answer to stay", err)
		}
		for _, k := range []idempotency.Key{{Actor: "PE-2", Route: key.Route, Token: key.Token}, {Actor: key.Actor, Route: "POST /other", Token: key.Token}, {Actor: key.Actor, Route: key.Route, Token: "l"}} {
			if begin(k) != nil {
				t.Errorf("%+v: got an answer of another key", k)
			}
			if err := idempotency.Forget(t.Context(), s, k); err != nil || begin(k) != nil {
				t.Errorf("%+v: got %v, want a key that was forgotten to be new", k, err)
			}
			empty := idempotency.Answer{Status: 204, Headers: "{}", Whole: true}
			if err := idempotency.End(t.Context(), s, k, empty); err != nil {
				t.Fatal(err)
			}
			if got := begin(k); got == nil || !got.Whole || len(got.Body) > 0 {
				t.Errorf("%+v: got %+v, want an empty body, which is not one that was not kept", k, got)
			}
		}
	})
}

func TestKeysAreForgottenAfterADay(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		o := storetest.Options(t)
		o.Now = func() time.Time { return now }
		s := storetest.Open(t, address, o)
		if _, err := idempotency.Begin(t.Context(), s, key); err != nil {
			t.Fatal(err)
		}
		now = now.Add(idempotency.Kept)
		if _, err := idempotency.Begin(t.Context(), s, key); !errors.Is(err, idempotency.ErrNoAnswer) {
			t.Errorf("got %v, want the key to be known for a day", err)
		}
		now = now.Add(time.Second)
		if a, err := idempotency.Begin(t.Context(), s, key); a != nil || err != nil {
			t.Errorf("got %v, %v, want a new key", a, err)
		}
		var rows int
		err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			return r.Row(ctx, `SELECT COUNT(*) FROM idempotency`).Scan(&rows)
		})
		if err != nil || rows != 1 {
			t.Errorf("got %d rows, %v, want the old one gone", rows, err)
		}
	})
}
