package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/ledger"
)

func TestChangesAndTheirEntries(t *testing.T) { storetest.Each(t, changesAndTheirEntries) }

func changesAndTheirEntries(t *testing.T, s *store.Store) {
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			err := s.Update(t.Context(), func(_ context.Context, tx *store.Tx) error {
				if err := tx.Record("test.made", "TE-1", "system", ledger.NewPayload("body", []byte("text"))); err != nil {
					return err
				}
				switch i % 10 {
				case 0:
					return errors.New("no")
				case 1:
					panic("no")
				}
				return nil
			})
			if (err != nil) != (i%10 < 2) {
				t.Errorf("change %d: got %v", i, err)
			}
		})
	}
	all.Wait()
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		head, err := s.Head(ctx, r)
		if err != nil {
			return err
		}
		if head.Size != 160 {
			t.Errorf("got %d entries, want those of the 160 changes that were made", head.Size)
		}
		read := store.Hashes(ctx, r)
		receipt, err := ledger.NewReceipt(17, head.Checkpoint, head.Signed, read)
		if err != nil {
			return err
		}
		if receipt.Index != 17 {
			t.Errorf("got a receipt of %d, want 17", receipt.Index)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
