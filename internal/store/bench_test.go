package store_test

import (
	"context"
	"sync"
	"testing"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/ledger"
)

// BenchmarkUpdate is one change with an entry and a payload; tools/storebench measures
// the same beside what the disk can do.
func BenchmarkUpdate(b *testing.B) {
	for name, address := range map[string]func(testing.TB) string{"SQLite": storetest.SQLite, "PostgreSQL": storetest.PostgreSQL} {
		for _, writers := range []int{1, 32} {
			b.Run(name+"/"+map[int]string{1: "one writer", 32: "32 writers"}[writers], func(b *testing.B) {
				s := storetest.Open(b, address(b), storetest.Options(b))
				b.ResetTimer()
				each(b, s, writers, b.N)
			})
		}
	}
}

// each makes n changes by so many writers.
func each(t testing.TB, s *store.Store, writers, n int) {
	t.Helper()
	work := make(chan int)
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range work {
				err := s.Update(context.Background(), func(_ context.Context, tx *store.Tx) error {
					return tx.Record("test.made", "TE-1", "system", ledger.NewPayload("body", []byte("text")))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	all.Wait()
}

func BenchmarkVerify(b *testing.B) {
	s := storetest.Open(b, storetest.SQLite(b), storetest.Options(b))
	const n = 10_000
	err := s.Update(b.Context(), func(_ context.Context, tx *store.Tx) error {
		for range n {
			if err := tx.Record("test.made", "TE-1", "system", ledger.NewPayload("body", []byte("text"))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.VerifyLedger(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/entry")
}
