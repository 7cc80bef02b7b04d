package store_test

import (
	"context"
	"slices"
	"testing"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// TestChangesOfBeforeAreThereStill makes the tables of changes anew under a change with a
// call and what it holds.
func TestChangesOfBeforeAreThereStill(t *testing.T) {
	storetest.EachEmpty(t, func(t *testing.T, address string) {
		o := storetest.Options(t)
		err := store.MigrateTo(t.Context(), address, o, 9,
			`INSERT INTO change_batch (id, about, planner, created, halted) VALUES ('CB-1', 'a', 'PE-1', 1, 'CH-1')`,
			`INSERT INTO change (id, revision, state, account, kind, class, final, plan, plan_sha256, planner, created, expires, approved, begun, ended,
				undoes, undone_by, before, batch, place, canary, run, owner, lease, why, doubt, after)
				VALUES ('CH-1', 3, 'stopped', '111122223333', 'k', 'identity', 0, '{}', 'h', 'PE-1', 1, 0, 2, 3, 0, '', '', '', 'CB-1', 1, 1, 2, '', 0, 'why', 1, '')`,
			`INSERT INTO change_call (change, number, run, at, outcome, answer) VALUES ('CH-1', 0, 1, 4, 'made', '{}')`,
			`INSERT INTO change_lock (resource, change) VALUES ('r', 'CH-1')`,
		)
		if err != nil {
			t.Fatal(err)
		}
		if before, after, err := store.Migrate(t.Context(), address, o); err != nil || before != 9 || after < 10 {
			t.Fatalf("got schema %d to %d, %v", before, after, err)
		}
		s := storetest.Open(t, address, o)
		err = s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			got, err := store.Texts(ctx, r, `SELECT c.id || ' ' || c.state || ' ' || c.why || ' ' || c.batch || c.replaced || ' ' || k.outcome || ' ' || l.resource || ' ' || b.halted || b.undoes
				FROM change c JOIN change_call k ON k.change = c.id JOIN change_lock l ON l.change = c.id JOIN change_batch b ON b.id = c.batch`)
			if want := []string{"CH-1 stopped why CB-1 made r CH-1"}; err == nil && !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, statement := range map[string]string{
			"a state that is none":            `UPDATE change SET state = 'gone'`,
			"a call of a change that is none": `INSERT INTO change_call (change, number, run, at, outcome, answer) VALUES ('CH-2', 0, 1, 4, 'made', '{}')`,
		} {
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, statement)
				return err
			})
			if err == nil {
				t.Errorf("%s: got no error", name)
			}
		}
		err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.ExecOne(ctx, `UPDATE change SET state = 'partial' WHERE id = 'CH-1'`)
		})
		if err != nil {
			t.Errorf("partial: got %v", err)
		}
	})
}

// A source that an older program knew stands as it did until a process says more.
func TestSourcesOfBeforeAreThereStill(t *testing.T) {
	storetest.EachEmpty(t, func(t *testing.T, address string) {
		o := storetest.Options(t)
		err := store.MigrateTo(t.Context(), address, o, 19,
			`INSERT INTO live_source (name, health, noted) VALUES ('trail', '{"source": "trail", "fault": "denied", "places": [{"account": "111122223333", "region": "eu-west-1"}]}', 1000000)`,
			`INSERT INTO root_source (name, mark, heard, taken) VALUES ('trail', 'm', 1, 7)`,
		)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := store.Migrate(t.Context(), address, o); err != nil {
			t.Fatal(err)
		}
		s := storetest.Open(t, address, o)
		err = s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			known, err := rootlog.HealthOf(ctx, r)
			if err != nil {
				return err
			}
			if len(known) != 1 || known[0].Source != "trail" || known[0].Fault != "denied" || len(known[0].Places) != 1 || known[0].Noted.Unix() != 1 || !known[0].Ended.IsZero() {
				t.Errorf("got %+v, want what was known", known)
			}
			holders, err := rootlog.Holders(ctx, r)
			if h := holders["trail"]; h.Taken != 7 || h.Totals != (rootlog.Totals{}) {
				t.Errorf("got %+v, want its deliveries, and totals that begin now", h)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
