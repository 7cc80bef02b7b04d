package livestate_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/livestate"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

func TestStateIsSavedLoadedAndPruned(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		save := func(rows ...livestate.Row) {
			t.Helper()
			if err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error { return livestate.Save(ctx, tx, rows) }); err != nil {
				t.Fatal(err)
			}
		}
		check := func(step string, want map[string][]byte, keys ...string) {
			t.Helper()
			err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
				got, err := livestate.Load(ctx, r, keys)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", step, diff)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		const many = 1234
		var rows []livestate.Row
		var keys []string
		all := map[string][]byte{}
		for i := range many {
			key := fmt.Sprintf("k%d", i)
			rows, keys, all[key] = append(rows, livestate.Row{Key: key, Data: []byte{byte(i), 0, 255}, Until: int64(i), Due: int64(2 * i)}), append(keys, key), []byte{byte(i), 0, 255}
		}
		save(rows...)
		check("all of them", all, keys...)
		save(livestate.Row{Key: "k1", Data: []byte("first")}, livestate.Row{Key: "k2", Data: nil}, livestate.Row{Key: "k1", Data: []byte("last"), Until: 9000}, livestate.Row{Key: "k3", Data: []byte{}, Until: 9000},
			livestate.Row{Key: "k4", Data: []byte("x")}, livestate.Row{Key: "k4"}, livestate.Row{Key: "k5"}, livestate.Row{Key: "k5", Data: []byte("back"), Until: 9000})
		check("what changed", map[string][]byte{"k1": []byte("last"), "k3": {}, "k5": []byte("back")}, "k1", "k2", "k3", "k4", "k5", "never")
		check("nothing asked", map[string][]byte{})
		err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			const all, portion = many - 1 - 5, 1000 // k1, k3 and k5 end later, k2 and k4 are gone
			for _, want := range []int64{portion, all - portion, 0} {
				n, err := livestate.Prune(ctx, tx, many-1, portion)
				if n != want || err != nil {
					t.Errorf("pruned: got %d, %v, want %d", n, err, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		due := func(now int64, after string, limit int) (out []string) {
			t.Helper()
			err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
				out, err = livestate.Due(ctx, r, now, after, limit)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		if diff := cmp.Diff([]string{"k1", "k3"}, due(0, "", 2)); diff != "" {
			t.Errorf("due (-want +got):\n%s", diff)
		}
		if got := due(0, "k3", 2); len(got) != 1 || got[0] != "k5" {
			t.Errorf("due beyond k3: got %q, want k5", got)
		}
		err = s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			got, err := livestate.Under(ctx, r, "k12")
			if diff := cmp.Diff(map[string][]byte{"k1233": {209, 0, 255}}, got); diff != "" {
				t.Errorf("under k12 (-want +got):\n%s", diff)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		check("what is left", map[string][]byte{"k1": []byte("last"), "k3": {}, "k5": []byte("back"), "k1233": {209, 0, 255}}, keys...)
		err = s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return livestate.Forget(ctx, tx, []string{"k12", "k_", "%"})
		})
		if err != nil {
			t.Fatal(err)
		}
		check("what was not forgotten", map[string][]byte{"k1": []byte("last"), "k3": {}, "k5": []byte("back")}, keys...)
	})
}

// TestDueReadsNoMoreThanWhatIsDue asks SQLite how it would read: every step of detections asks,
// beside millions of rows that are not due.
func TestDueReadsNoMoreThanWhatIsDue(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		var plan []string
		err := store.Each(ctx, r, func(rows *sql.Rows) error {
			var id, parent, unused int
			var detail string
			err := rows.Scan(&id, &parent, &unused, &detail)
			plan = append(plan, detail)
			return err
		}, `EXPLAIN QUERY PLAN `+livestate.DueQuery, 0, "", 500)
		if text := strings.Join(plan, "\n"); !strings.Contains(text, "live_state_due (due<?)") || strings.Contains(text, "(key>?)") {
			t.Errorf("got the plan\n%s\nwant the index of what is due", text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func BenchmarkSave(b *testing.B) {
	for name, address := range map[string]func(testing.TB) string{"SQLite": storetest.SQLite, "PostgreSQL": storetest.PostgreSQL} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, address(b), storetest.Options(b))
			rows := make([]livestate.Row, 2000)
			for i := range rows {
				rows[i] = livestate.Row{Key: fmt.Sprintf("arn:aws:iam::111122223333:role/some-role-%d", i), Data: make([]byte, 400), Until: int64(i)}
			}
			for b.Loop() {
				if err := s.Touch(b.Context(), func(ctx context.Context, tx *store.Tx) error { return livestate.Save(ctx, tx, rows) }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(rows)*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// The database keeps plans of statements: one that was made while a table was small must not
// stay when it has grown, which statistics tell a minute later.
func TestRowsAreFoundByTheirKeysInATableThatGrew(t *testing.T) {
	s := storetest.Open(t, storetest.PostgreSQL(t), storetest.Options(t))
	var keys []string
	var rows []livestate.Row
	for i := range 20_000 {
		rows = append(rows, livestate.Row{Key: fmt.Sprintf("k%d", i), Data: make([]byte, 100)})
		if i < 100 {
			keys = append(keys, fmt.Sprintf("none-%d", i))
		}
	}
	err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		load := func(times int) {
			for range times {
				if _, err := livestate.Load(ctx, &tx.Reader, keys); err != nil {
					t.Fatal(err)
				}
			}
		}
		read := func() (n int64) { // rows, by reading all of the table
			if err := tx.Row(ctx, `SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'live_state'`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if err := livestate.Save(ctx, tx, rows[:60]); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `ANALYZE live_state`); err != nil {
			return err
		}
		load(20) // more than it takes for a plan to be kept
		if err := livestate.Save(ctx, tx, rows); err != nil {
			return err
		}
		before := read()
		load(10)
		if n := read() - before; n > 0 {
			t.Errorf("%d rows were read to find none", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
