package entries_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/ledger"
)

// record makes an entry at a time, which the clock of the store tells.
func record(t *testing.T, s *store.Store, kind, subject, actor string, payloads ...ledger.Payload) {
	t.Helper()
	if err := s.Update(t.Context(), func(_ context.Context, tx *store.Tx) error { return tx.Record(kind, subject, actor, payloads...) }); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, s *store.Store, read func(context.Context, *store.Reader) error) {
	t.Helper()
	if err := s.View(t.Context(), read); err != nil {
		t.Fatal(err)
	}
}

// each runs a test with a clock that the test sets.
func each(t *testing.T, test func(t *testing.T, s *store.Store, now *time.Time)) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		o := storetest.Options(t)
		o.Now = func() time.Time { return now }
		test(t, storetest.Open(t, address, o), &now)
	})
}

func TestEntriesAreFoundByWhatTheyTellOf(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, now *time.Time) {
		for i := range 12 {
			*now = now.Add(time.Hour)
			record(t, s, []string{"exception.requested", "exception.approved", "exceptional.thing"}[i%3], fmt.Sprintf("EX-%d", i%4), fmt.Sprintf("PE-%d", i%2))
		}
		midnight := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		for name, tt := range map[string]struct {
			filter entries.Filter
			want   []int64
		}{
			"all, the newest first":            {entries.Filter{}, []int64{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}},
			"a type":                           {entries.Filter{Type: "exception.approved"}, []int64{10, 7, 4, 1}},
			"a family of types ends in a dot":  {entries.Filter{Type: "exception."}, []int64{10, 9, 7, 6, 4, 3, 1, 0}},
			"a wildcard of SQL is a character": {entries.Filter{Type: "exception%"}, nil},
			"a subject":                        {entries.Filter{Subject: "EX-3"}, []int64{11, 7, 3}},
			"an actor and a subject":           {entries.Filter{Actor: "PE-0", Subject: "EX-2"}, []int64{10, 6, 2}},
			"a period, its end not in it":      {entries.Filter{From: midnight.Add(2 * time.Hour), To: midnight.Add(4 * time.Hour)}, []int64{2, 1}},
			"a page":                           {entries.Filter{Before: 5, Limit: 3}, []int64{4, 3, 2}},
			"a quote is no end":                {entries.Filter{Subject: "' OR 1=1 --"}, nil},
		} {
			view(t, s, func(ctx context.Context, r *store.Reader) error {
				list, err := entries.List(ctx, r, tt.filter)
				var got []int64
				for _, e := range list {
					got = append(got, e.N)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
				return err
			})
		}
		view(t, s, func(ctx context.Context, r *store.Reader) error {
			first, end, err := entries.Period(ctx, r, 12, midnight.Add(2*time.Hour), midnight.Add(4*time.Hour))
			if first != 1 || end != 3 {
				t.Errorf("period: got %d to %d, want 1 to 3", first, end)
			}
			if first, end, _ := entries.Period(ctx, r, 12, midnight.AddDate(1, 0, 0), midnight.AddDate(2, 0, 0)); first != 12 || end != 12 {
				t.Errorf("a period to come: got %d to %d, want 12 to 12", first, end)
			}
			return err
		})
	})
}

func TestAnEntryWithItsPayloads(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, now *time.Time) {
		record(t, s, "test.made", "TE-1", "system", ledger.NewPayload("b", []byte("two")), ledger.NewPayload("a", []byte("one")))
		if err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.ExecOne(ctx, `UPDATE log_payload SET salt = NULL, data = NULL, erased = $1 WHERE name = 'b'`, store.Micros(*now))
		}); err != nil {
			t.Fatal(err)
		}
		view(t, s, func(ctx context.Context, r *store.Reader) error {
			e, err := entries.Get(ctx, r, 0)
			if err != nil {
				return err
			}
			payloads, err := entries.Payloads(ctx, r, 0)
			if err != nil {
				return err
			}
			there := entries.There(payloads)
			if len(payloads) != 2 || !payloads[1].Erased.Equal(*now) || len(there) != 1 || !there[0].Matches(e.Payloads[0]) {
				t.Errorf("got %+v", payloads)
			}
			if _, err := entries.Get(ctx, r, 1); !errors.Is(err, entries.ErrNotFound) {
				t.Errorf("entry 1: got %v, want not found", err)
			}
			return nil
		})
	})
}

func TestTheWholeLogIsReadInOrder(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _ *time.Time) {
		for range 20 {
			record(t, s, "test.made", "TE-1", "system")
		}
		view(t, s, func(ctx context.Context, r *store.Reader) error {
			head, err := s.Head(ctx, r)
			if err != nil {
				return err
			}
			l := entries.NewLog(ctx, r)
			if err := ledger.Check(head.Checkpoint, l.Leaf, l.Hash); err != nil {
				t.Error(err)
			}
			return nil
		})
		if err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.ExecOne(ctx, `DELETE FROM log_hash WHERE i = 7`)
		}); err != nil {
			t.Fatal(err)
		}
		view(t, s, func(ctx context.Context, r *store.Reader) error {
			head, err := s.Head(ctx, r)
			if err != nil {
				return err
			}
			l := entries.NewLog(ctx, r)
			var fault *ledger.Fault
			if err := ledger.Check(head.Checkpoint, l.Leaf, l.Hash); !errors.As(err, &fault) {
				t.Errorf("a hash is missing: got %v, want a fault", err)
			}
			return nil
		})
	})
}

func TestALeafThatIsNoneIsNamed(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _ *time.Time) {
		record(t, s, "test.made", "TE-1", "system")
		if err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.ExecOne(ctx, `UPDATE log_entry SET leaf = $1 WHERE n = 0`, []byte("\x1b[31m"))
		}); err != nil {
			t.Fatal(err)
		}
		view(t, s, func(ctx context.Context, r *store.Reader) error {
			var fault *ledger.Fault
			if _, err := entries.List(ctx, r, entries.Filter{}); !errors.As(err, &fault) || fault.Entry != 0 {
				t.Errorf("got %v, want a fault of entry 0", err)
			}
			return nil
		})
	})
}

func TestTheListIsBounded(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _ *time.Time) {
		for range 60 {
			record(t, s, "test.made", "TE-1", "system")
		}
		view(t, s, func(ctx context.Context, r *store.Reader) error {
			list, err := entries.List(ctx, r, entries.Filter{})
			if len(list) != 50 || !slices.IsSortedFunc(list, func(a, b entries.Entry) int { return int(b.N - a.N) }) {
				t.Errorf("got %d, want the newest 50", len(list))
			}
			return err
		})
	})
}
