package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// A statement that was run before in its transaction is run again from memory: with other values
// each time, and beside a change that fails at it.
func TestAStatementThatIsRunAgainAndAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		table(t, s)
		const put = `INSERT INTO thing (id, n) VALUES ($1, $2)`
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for i := range 5 {
				if n, err := tx.Exec(ctx, put, fmt.Sprint("a", i), i); n != 1 || err != nil {
					return fmt.Errorf("row %d: %d rows, %w", i, n, err)
				}
			}
			if n, err := tx.Exec(ctx, `UPDATE thing SET n = n + 10`); n != 5 || err != nil {
				return fmt.Errorf("%d rows, %w", n, err)
			}
			for i := range 3 {
				if n, err := tx.Exec(ctx, `DELETE FROM thing WHERE id = $1`, fmt.Sprint("a", i+3)); n != int64(min(1, max(0, 2-i))) || err != nil {
					return fmt.Errorf("delete %d: %d rows, %w", i, n, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if rows, sum := number(t, s, `SELECT COUNT(*) FROM thing`), number(t, s, `SELECT SUM(n) FROM thing`); rows != 3 || sum != 33 {
			t.Errorf("got %d rows of sum %d, want 3 of 33", rows, sum)
		}
		err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for i := range 4 { // the last is there
				if _, err := tx.Exec(ctx, put, fmt.Sprint("a", 4-i+1), i); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			t.Error("a row that is there was put again")
		}
		change(t, s, put, "b", 1)
		if rows := number(t, s, `SELECT COUNT(*) FROM thing`); rows != 4 {
			t.Errorf("got %d rows, want nothing of the change that failed", rows)
		}
	})
}
