package store_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// What many read at once takes connections, each with pages of its own in memory: they are let
// go when nobody needs them any more.
func TestConnectionsThatNobodyReadsWithAreLetGo(t *testing.T) {
	path := storetest.SQLite(t)
	o := storetest.Options(t)
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), path, o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		const many = 6
		var all, met sync.WaitGroup
		met.Add(many)
		for range many {
			all.Go(func() {
				err := s.View(t.Context(), func(context.Context, *store.Reader) error {
					met.Done()
					met.Wait()
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := store.Readers(s); got < many {
			t.Fatalf("got %d connections that read, want %d at least", got, many)
		}
		time.Sleep(time.Hour)
		if got := store.Readers(s); got != 0 {
			t.Errorf("an hour later: got %d connections that read, want none", got)
		}
	})
}
