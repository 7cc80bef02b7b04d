package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/ledger"
)

// table makes a table for things of a test.
func table(t testing.TB, s *store.Store) {
	t.Helper()
	change(t, s, `CREATE TABLE thing (id TEXT PRIMARY KEY, n BIGINT NOT NULL)`)
}

// change runs one statement.
func change(t testing.TB, s *store.Store, statement string, args ...any) {
	t.Helper()
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, statement, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// number reads one.
func number(t testing.TB, s *store.Store, query string, args ...any) (n int64) {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		return r.Row(ctx, query, args...).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func entries(t testing.TB, s *store.Store) int64 {
	return number(t, s, `SELECT COUNT(*) FROM log_entry`)
}

func record(_ context.Context, tx *store.Tx) error { return tx.Record("test.made", "TE-1", "system") }

// TestAChangeThatFails makes changes that go wrong in every way, each among others that
// share its transaction: it leaves nothing, and they are made.
func TestAChangeThatFails(t *testing.T) {
	own := errors.New("its own error")
	cases := []struct {
		name   string
		change func(context.Context, *store.Tx) error
		want   string
	}{
		{"its own error", func(context.Context, *store.Tx) error { return own }, "its own error"},
		{"a panic", func(context.Context, *store.Tx) error { panic("no") }, "panic: no"},
		{"the end of its goroutine", func(context.Context, *store.Tx) error { runtime.Goexit(); return nil }, "ended its goroutine"},
		{"a statement that does not parse", func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `NO SUCH`)
			return err
		}, "NO"},
		{"a statement whose failure it ignores", func(ctx context.Context, tx *store.Tx) error {
			_, _ = tx.Exec(ctx, `INSERT INTO thing (id, n) VALUES ('taken', 1)`)
			_, _ = tx.Exec(ctx, `INSERT INTO thing (id, n) VALUES ('after it', 1)`)
			return nil
		}, "thing"},
		{"a query whose failure it ignores", func(ctx context.Context, tx *store.Tx) error {
			_ = tx.Row(ctx, `SELECT x FROM nowhere`).Err()
			_, _ = tx.Exec(ctx, `INSERT INTO thing (id, n) VALUES ('after it', 1)`)
			return nil
		}, "nowhere"},
		{"a compare-and-set that lost", func(ctx context.Context, tx *store.Tx) error {
			return tx.ExecOne(ctx, `UPDATE thing SET n = 2 WHERE id = 'taken' AND n = 7`)
		}, "changed by somebody else"},
		{"an entry that is not fit", func(_ context.Context, tx *store.Tx) error { return tx.Record("test made", "TE-1", "system") }, "ledger entry"},
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		table(t, s)
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				for _, name := range []string{"thing", "notice"} {
					change(t, s, `DELETE FROM `+name)
				}
				change(t, s, `INSERT INTO thing (id, n) VALUES ('taken', 1)`)
				before := entries(t, s)
				amongOthers(t, s, c.change, c.want)
				if n := number(t, s, `SELECT COUNT(*) FROM thing`); n != 1+7 {
					t.Errorf("got %d things, want that before and seven", n)
				}
				if n := number(t, s, `SELECT COUNT(*) FROM notice`); n != 7 || entries(t, s)-before != 7 {
					t.Errorf("got %d notices and %d entries, want seven", n, entries(t, s)-before)
				}
			})
		}
	})
}

// amongOthers makes eight changes at once, of which the fourth ends in one that fails.
func amongOthers(t *testing.T, s *store.Store, fails func(context.Context, *store.Tx) error, want string) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if _, err := tx.Exec(ctx, `INSERT INTO thing (id, n) VALUES ($1, 1)`, fmt.Sprint("thing", i)); err != nil {
					return err
				}
				tx.Announce("thing", fmt.Sprint(i))
				if err := record(ctx, tx); err != nil {
					return err
				}
				if i == 3 {
					return fails(ctx, tx)
				}
				return nil
			})
			if i != 3 && err != nil || i == 3 && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("change %d: got %v, the fourth should fail with %q", i, err, want)
			}
		})
	}
	all.Wait()
}

func TestAChangeThatRunsTooLong(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		synctest.Test(t, func(t *testing.T) {
			s := storetest.Open(t, address, storetest.Options(t))
			begun, rest := make(chan struct{}), make(chan struct{})
			var all sync.WaitGroup
			all.Go(func() { // holds the store until all wait
				_ = s.Update(t.Context(), func(context.Context, *store.Tx) error { close(begun); <-rest; return nil })
			})
			<-begun
			var asked atomic.Int64
			for i := range 5 {
				all.Go(func() {
					err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						if i == 2 {
							asked.Add(1)
							<-t.Context().Done() // it does not even look at its own context
						}
						return record(ctx, tx)
					})
					if (err == nil) != (i != 2) || i == 2 && !strings.Contains(err.Error(), "not done after") {
						t.Errorf("change %d: got %v", i, err)
					}
				})
			}
			synctest.Wait()
			close(rest)
			all.Wait()
			if n := entries(t, s); n != 4 || asked.Load() != 1 {
				t.Errorf("got %d entries, want the other four; the long change was tried %d times, want once", n, asked.Load())
			}
		})
	})
}

func TestSlowChangesDoNotShareOneTransaction(t *testing.T) {
	address := storetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		s := storetest.Open(t, address, storetest.Options(t))
		var all sync.WaitGroup
		for range 8 { // twelve seconds of work, more than one change may take
			all.Go(func() {
				err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					time.Sleep(1500 * time.Millisecond)
					return record(ctx, tx)
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n, transactions := entries(t, s), number(t, s, `SELECT MAX(batch) FROM log_writer`); n != 8 || transactions < 4 {
			t.Errorf("got %d entries in %d transactions, want eight in at least four", n, transactions)
		}
	})
}

func TestAChangeWithinAChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		nothing := func(context.Context, *store.Tx) error { return nil }
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(s.Update(ctx, nothing), s.Touch(ctx, nothing))
		})
		if err == nil || strings.Count(err.Error(), "from within another") != 2 {
			t.Errorf("got %v, want both refused", err)
		}
		if err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error { return s.Update(ctx, nothing) }); err == nil {
			t.Error("an update within a touch was not refused")
		}
	})
}

func TestAViewIsOneState(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		table(t, s)
		change(t, s, `INSERT INTO thing (id, n) VALUES ('a', 1)`)
		err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			for range 3 {
				var n int64
				if err := r.Row(ctx, `SELECT n FROM thing WHERE id = 'a'`).Scan(&n); err != nil {
					return err
				}
				if n != 1 {
					t.Errorf("got %d, want the state of the view's beginning", n)
				}
				change(t, s, `UPDATE thing SET n = n + 1 WHERE id = 'a'`)
			}
			_, err := r.Query(ctx, `INSERT INTO thing (id, n) VALUES ('b', 1) RETURNING n`)
			return err
		})
		if err == nil || number(t, s, `SELECT COUNT(*) FROM thing`) != 1 {
			t.Errorf("got %v, want an error of a view that writes, and nothing written", err)
		}
	})
}

func TestAGlanceSeesWhatIsCommittedMeanwhile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		table(t, s)
		change(t, s, `INSERT INTO thing (id, n) VALUES ('a', 1)`)
		err := s.Glance(t.Context(), func(ctx context.Context, r *store.Reader) error {
			for want := range int64(3) {
				var n int64
				if err := r.Row(ctx, `SELECT n FROM thing WHERE id = 'a'`).Scan(&n); err != nil {
					return err
				}
				if n != want+1 {
					t.Errorf("got %d, want %d", n, want+1)
				}
				change(t, s, `UPDATE thing SET n = n + 1 WHERE id = 'a'`)
			}
			_, err := r.Query(ctx, `INSERT INTO thing (id, n) VALUES ('b', 1) RETURNING n`)
			return err
		})
		if err == nil || number(t, s, `SELECT COUNT(*) FROM thing`) != 1 {
			t.Errorf("got %v, want an error of a glance that writes, and nothing written", err)
		}
	})
}

func TestManyReadersDoNotKeepAChangeOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var all sync.WaitGroup
		for range 64 { // more than there are connections
			all.Go(func() {
				err := s.View(t.Context(), func(ctx context.Context, _ *store.Reader) error { return s.Update(ctx, record) })
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := entries(t, s); n != 64 {
			t.Errorf("got %d entries, want 64", n)
		}
	})
}

func TestTextIsTheSameOnBoth(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		table(t, s)
		for text, want := range map[string]string{"a\x00b": "a\uFFFDb", "a\xffb": "a\uFFFDb", "<script>'\"; --": "<script>'\"; --", "": ""} {
			change(t, s, `DELETE FROM thing`)
			change(t, s, `INSERT INTO thing (id, n) VALUES ($1, 1)`, text)
			err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
				var got string
				if err := r.Row(ctx, `SELECT id FROM thing WHERE id = $1`, text).Scan(&got); err != nil {
					return err
				}
				if got != want {
					t.Errorf("%q: got %q, want %q", text, got, want)
				}
				return nil
			})
			if err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

func TestTouches(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		table(t, s)
		change(t, s, `INSERT INTO thing (id, n) VALUES ('a', 0)`)
		var all sync.WaitGroup
		var made atomic.Int64
		for range 16 {
			all.Go(func() {
				for range 5 {
					err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						var n int64
						if err := tx.Row(ctx, `SELECT n FROM thing WHERE id = 'a'`).Scan(&n); err != nil {
							return err
						}
						tx.Announce("thing", "a")
						return tx.ExecOne(ctx, `UPDATE thing SET n = $1 WHERE id = 'a' AND n = $2`, n+1, n)
					})
					if err == nil {
						made.Add(1)
					} else if !errors.Is(err, store.ErrConflict) {
						t.Error(err)
					}
				}
			})
			all.Go(func() {
				if err := s.Update(t.Context(), record); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := number(t, s, `SELECT n FROM thing`); n != made.Load() || n == 0 {
			t.Errorf("got %d, want the %d touches that were made", n, made.Load())
		}
		if n, last := number(t, s, `SELECT COUNT(*) FROM notice`), number(t, s, `SELECT MAX(seq) FROM notice`); n != made.Load() || last != n {
			t.Errorf("got %d notices up to %d, want one for each touch", n, last)
		}
		if err := s.Touch(t.Context(), record); err == nil {
			t.Error("a touch with an entry was made")
		}
	})
}

func TestOldNoticesAreForgotten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for range 3 {
			err := s.Update(t.Context(), func(_ context.Context, tx *store.Tx) error {
				for range 4000 {
					tx.Announce("thing", "a")
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if n, last := number(t, s, `SELECT COUNT(*) FROM notice`), number(t, s, `SELECT MAX(seq) FROM notice`); n != 10_000 || last != 12_000 {
			t.Errorf("got %d notices up to %d, want 10,000 up to 12,000", n, last)
		}
	})
}

func TestManyEntriesInOneChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const n = 5000
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for range n {
				if err := record(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		v, err := s.VerifyLedger(t.Context(), nil)
		if err != nil || v.Head.Size != n {
			t.Errorf("got %+v, %v, want %d entries", v, err, n)
		}
	})
}

func TestTheClockIsSetBack(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		o := storetest.Options(t)
		var clock atomic.Int64
		o.Now = func() time.Time { return time.Unix(clock.Load(), 123456789) }
		s := storetest.Open(t, address, o)
		var times []time.Time
		for _, at := range []int64{2_000_000_000, 2_000_000_005, 1_900_000_000, 2_000_000_006} {
			clock.Store(at)
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				times = append(times, tx.Now())
				if got := tx.Clock().Unix(); got != at {
					t.Errorf("got a clock at %d, want %d", got, at)
				}
				return record(ctx, tx)
			})
			if err != nil {
				t.Fatal(err)
			}
			h, err := s.Health(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]time.Duration{true: 100_000_005 * time.Second}[at == 1_900_000_000]; h.Behind.Round(time.Second) != want {
				t.Errorf("at %d: the clock is %v behind, want %v", at, h.Behind, want)
			}
		}
		for i := range times[1:] {
			if times[i+1].Before(times[i]) || times[i+1].Nanosecond()%1e6 != 0 {
				t.Errorf("got times %v, want none before the one before it, to the millisecond", times)
			}
		}
		if _, err := s.VerifyLedger(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
}

func TestAfterClose(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Update(ctx, record); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who has gone: got %v", err)
		}
		var all sync.WaitGroup
		var made atomic.Int64
		for range 32 {
			all.Go(func() {
				switch err := s.Update(t.Context(), record); {
				case err == nil:
					made.Add(1)
				case !errors.Is(err, store.ErrClosed):
					t.Error(err)
				}
			})
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Error(err)
		}
		all.Wait()
		for name, err := range map[string]error{
			"update": s.Update(t.Context(), record), "touch": s.Touch(t.Context(), record),
			"view": s.View(t.Context(), func(context.Context, *store.Reader) error { return nil }),
		} {
			if !errors.Is(err, store.ErrClosed) {
				t.Errorf("%s: got %v, want ErrClosed", name, err)
			}
		}
	})
}

func TestWhatOpenRefuses(t *testing.T) {
	storetest.EachEmpty(t, func(t *testing.T, address string) {
		o := storetest.Options(t)
		if s, err := store.Open(t.Context(), address, store.Options{Origin: o.Origin, Signers: o.Signers, Known: o.Known, Now: o.Now}); err == nil {
			s.Close()
			t.Error("an empty database was opened without leave to migrate it")
		}
		s := storetest.Open(t, address, o)
		fill(t, s, 10)
		name := o.Signers[0].Name() + fmt.Sprintf("+%08x", o.Signers[0].KeyHash())
		for _, c := range []struct {
			name, before, after string
			options             store.Options
			want                []string
		}{
			{"the keys of another store", ``, ``, storetest.Options(t), []string{"key file", name}},
			{"another origin", ``, ``, store.Options{Origin: "other.example/ledger", Signers: o.Signers, Known: o.Known, Now: o.Now}, []string{"test.example/ledger", "other.example/ledger"}},
			{"no keys", ``, ``, store.Options{Origin: o.Origin, Known: o.Known, Now: o.Now}, []string{"keys are required"}},
			{"no clock", ``, ``, store.Options{Origin: o.Origin, Signers: o.Signers, Known: o.Known}, []string{"clock"}},
			{"a newer schema", `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, $1)`, `DELETE FROM goose_db_version WHERE version_id = 9999`, o, []string{"9999", "newer rootkeep"}},
			{"an entry after the head", `INSERT INTO log_entry (n, leaf, type, subject, actor, at) SELECT 11, leaf, type, subject, actor, at FROM log_entry WHERE n = 1`, `DELETE FROM log_entry WHERE n = 11`, o, []string{"newest entry"}},
			{"a last entry that is gone", `UPDATE log_head SET size = 11`, ``, o, nil},
		} {
			if c.before != "" {
				if strings.Contains(c.before, "$1") {
					change(t, s, c.before, true)
				} else {
					change(t, s, c.before)
				}
			}
			opened, err := store.Open(t.Context(), address, c.options)
			if c.want == nil {
				if err != nil {
					t.Errorf("%s: %v", c.name, err)
				} else {
					opened.Close()
				}
				continue
			}
			if err == nil {
				opened.Close()
				t.Errorf("%s: was opened", c.name)
				continue
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: got %v, want %q in it", c.name, err, want)
				}
			}
			if c.after != "" {
				change(t, s, c.after)
			}
		}
	})
}

func TestATamperedLogIsNotExtended(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		o := storetest.Options(t)
		s := storetest.Open(t, address, o)
		fill(t, s, 10)
		// Another server reads the edge afresh; this one would find it out at its next start.
		change(t, s, `UPDATE log_hash SET h = (SELECT h FROM log_hash WHERE i = 0) WHERE i = (SELECT MAX(i) FROM log_hash)`)
		opened, err := store.Open(t.Context(), address, o)
		var fault *ledger.Fault
		if !errors.As(err, &fault) {
			t.Errorf("got %v, want a fault", err)
		}
		if err == nil {
			opened.Close()
		}
		if _, err := s.Health(t.Context()); !errors.As(err, &fault) {
			t.Errorf("health: got %v, want a fault", err)
		}
	})
}

func TestCommitsWaitForTheDisk(t *testing.T) {
	ask := map[string]string{"SQLite": `SELECT synchronous FROM pragma_synchronous`, "PostgreSQL": `SHOW synchronous_commit`}
	storetest.EachAddress(t, func(t *testing.T, address string) {
		s := storetest.Open(t, address, storetest.Options(t))
		if s.Kind() == "PostgreSQL" { // a database that says otherwise
			name := number(t, s, `SELECT SUBSTR(current_database(), 5)::bigint`)
			change(t, s, fmt.Sprintf(`ALTER DATABASE test%d SET synchronous_commit = off`, name))
			s = storetest.Open(t, address, storetest.Options(t))
		}
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			var got string
			if err := tx.Row(ctx, ask[s.Kind()]).Scan(&got); err != nil {
				return err
			}
			if got != "2" && got != "on" { // FULL is 2
				t.Errorf("got %s, want commits to wait", got)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestTheFileIsTheOwnersAlone(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "new.db")
	s := storetest.Open(t, address, storetest.Options(t))
	fill(t, s, 10)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(strings.TrimPrefix(address, "sqlite:") + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%q has mode %v, want 0600", suffix, info.Mode())
		}
	}
}

func TestTwoSignersDuringAChangeOfKeys(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		old, next := storetest.Options(t), storetest.Options(t)
		s := storetest.Open(t, address, old)
		fill(t, s, 10)
		s.Close()
		both := old
		both.Signers = []note.Signer{old.Signers[0], next.Signers[0]}
		s = storetest.Open(t, address, both)
		if err := s.Update(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		s.Close()
		s = storetest.Open(t, address, next)
		if _, err := s.VerifyLedger(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
}
