package notices_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/notices"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

func TestNotices(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		read := func(after int64, limit int) (list []notices.Notice, oldest, newest int64) {
			t.Helper()
			err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
				if oldest, newest, err = notices.Span(ctx, r); err != nil {
					return err
				}
				list, err = notices.After(ctx, r, after, limit)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return list, oldest, newest
		}
		if list, oldest, newest := read(0, 10); len(list) != 0 || oldest != 0 || newest != 0 {
			t.Errorf("got %v, %d to %d, want none", list, oldest, newest)
		}
		for i := range 5 {
			err := s.Update(t.Context(), func(_ context.Context, tx *store.Tx) error {
				tx.Announce("scan", fmt.Sprintf("SC-%d", i))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		list, oldest, newest := read(2, 2)
		if len(list) != 2 || list[0].Seq != 3 || list[0].Ref != "SC-2" || list[0].Topic != "scan" || list[0].At.IsZero() || list[1].Seq != 4 || oldest != 1 || newest != 5 {
			t.Errorf("got %+v, %d to %d, want the third and the fourth of 1 to 5", list, oldest, newest)
		}
	})
}

func TestOldNoticesAreForgotten(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		now := begin
		o := storetest.Options(t)
		o.Now = func() time.Time { return now }
		s := storetest.Open(t, address, o)
		for _, at := range []int{0, 1, 5, 2, 6} { // hours: the clock goes back once
			now = begin.Add(time.Duration(at) * time.Hour)
			err := s.Touch(t.Context(), func(_ context.Context, tx *store.Tx) error {
				tx.Announce("scan", "SC-1")
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			name   string
			before int // hours
			first  int64
		}{
			{"two are old; one that is follows one that is not", 3, 3}, {"again", 3, 3}, {"all are, and the newest stays", 9, 5},
		} {
			err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := notices.Forget(ctx, tx, begin.Add(time.Duration(c.before)*time.Hour))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			err = s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
				oldest, newest, err := notices.Span(ctx, r)
				if oldest != c.first || newest != 5 {
					t.Errorf("%s: got %d to %d, want %d to 5", c.name, oldest, newest, c.first)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
