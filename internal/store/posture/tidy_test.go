package posture_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

func TestOldFactsAreForgottenAndFindingsAreNot(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for n, id := range []string{"SC-1", "SC-2", "SC-3"} {
			scan(t, s, id, account(alpha, day1.AddDate(0, 0, n)), []string{"RT-01"}, finding(alpha, "RT-01", "root", rootkeep.Fail))
		}
		scan(t, s, "SC-4", account(beta, day1), []string{"RT-01"}) // nothing newer is known of this account
		var went int64
		update(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			went, err = posture.Forget(ctx, tx, day1.AddDate(0, 0, 2))
			return err
		})
		if went != 2 {
			t.Errorf("got %d texts forgotten, want the snapshots of two scans", went)
		}
		view(t, s, func(ctx context.Context, r *store.Reader) error {
			for _, c := range []struct {
				scan    string
				account rootkeep.AccountID
				there   bool
			}{{"SC-1", alpha, false}, {"SC-2", alpha, false}, {"SC-3", alpha, true}, {"SC-4", beta, true}} {
				_, err := posture.Snapshot(ctx, r, c.scan, c.account)
				if (err == nil) != c.there || err != nil && !errors.Is(err, store.ErrNotFound) {
					t.Errorf("facts of %s: got %v, want them there: %v", c.scan, err, c.there)
				}
			}
			return nil
		})
		if got := all(t, s, admin, posture.Filter{}, posture.ByUrgency); len(got) != 1 {
			t.Errorf("got %d findings, want the one that there was", len(got))
		}
		update(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			went, err = posture.Forget(ctx, tx, day1.AddDate(0, 0, 2))
			return err
		})
		if went != 0 {
			t.Errorf("again: got %d forgotten, want none", went)
		}
	})
}

func TestAScanWhoseSenderIsGoneEnds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			return posture.Start(ctx, tx, posture.Begin{ID: "SC-1", Source: posture.Sent, Actor: "TK-1", State: posture.Receiving})
		})
		for _, c := range []struct {
			name   string
			before time.Time
			want   int
		}{{"one that is new goes on", time.Now().Add(-time.Hour), 0}, {"one that is old ends", time.Now().Add(time.Hour), 1}, {"once", time.Now().Add(time.Hour), 0}} {
			var n int
			update(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
				n, err = posture.Abandon(ctx, tx, c.before)
				return err
			})
			if n != c.want {
				t.Errorf("%s: got %d, want %d", c.name, n, c.want)
			}
		}
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return posture.Receive(ctx, tx, "SC-1", "", &posture.PackedSnapshot{Account: alpha}, posture.Counts{})
		})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("sending on: got %v, want a conflict", err)
		}
	})
}

// What a database holds is checked when it is read: nobody judges by other facts than
// those of the digest in the ledger.
func TestBrokenSnapshotsAreSaid(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	scan(t, s, "SC-1", account(alpha, day1), nil)
	other := account(beta, day1)
	other.Facts.Users = []facts.User{{ARN: "forged"}}
	scan(t, s, "SC-2", other, nil)
	for _, c := range []struct{ name, statement string }{
		{"bytes that are no Zstandard", `UPDATE kept_text SET data = 'nonsense'`},
		{"the facts of another snapshot", `UPDATE kept_text SET data = (SELECT data FROM kept_text WHERE digest = (SELECT snapshot FROM scan_account WHERE scan = 'SC-2'))`},
	} {
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.Exec(ctx, c.statement); err != nil {
				return err
			}
			if _, err := posture.Snapshot(ctx, &tx.Reader, "SC-1", alpha); err == nil {
				t.Errorf("%s: got facts, want an error", c.name)
			}
			return errors.New("undo")
		})
		if err == nil || err.Error() != "undo" {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}
