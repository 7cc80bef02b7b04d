package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/livestate"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/ledger"
)

func TestABackupIsMadeWhileOthersWrite(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		o := storetest.Options(t)
		s := storetest.Open(t, address, o)
		fill(t, s, 50)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan int64)
		go func() {
			n := int64(0)
			for ; ctx.Err() == nil; n++ {
				if err := s.Update(context.WithoutCancel(ctx), record); err != nil {
					t.Error(err)
					break
				}
			}
			ended <- n
		}()
		folder := t.TempDir()
		var last *store.Verified
		for i := range 3 {
			path := filepath.Join(folder, fmt.Sprintf("it's backup %d.db", i))
			v, err := s.Backup(t.Context(), path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if last != nil && v.Head.Size < last.Head.Size || len(v.Erased) != 1 {
				t.Errorf("got %+v after %+v", v, last)
			}
			last = v
			copied, err := store.Open(t.Context(), path, o)
			if err != nil {
				t.Fatal(err)
			}
			if n := entries(t, copied); n != v.Head.Size {
				t.Errorf("the copy has %d entries, want %d", n, v.Head.Size)
			}
			copied.Close()
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("got %v, %v, want a file for its owner alone", info.Mode(), err)
			}
		}
		stop()
		if n := <-ended; n == 0 {
			t.Error("nobody wrote while the backups were made")
		}
		left(t, folder, "it's backup 0.db", "it's backup 1.db", "it's backup 2.db")
	})
}

// left checks what lies in a folder.
func left(t *testing.T, folder string, want ...string) {
	t.Helper()
	var got []string
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		got = append(got, f.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got files %q, want %q", got, want)
	}
}

func TestABackupThatFailsLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fill(t, s, 10)
		folder := t.TempDir()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Backup(ended, filepath.Join(folder, "a.db"), nil); err == nil {
			t.Error("a backup was made for a caller who had gone")
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, err := s.Backup(ctx, filepath.Join(folder, "a.db"), func(string, int64, int64) { cancel() })
		if err == nil {
			t.Error("a backup was made for a caller who went")
		}
		left(t, folder)
		for _, name := range []string{"a.db", "a.db-wal", "a.db.part"} {
			path := filepath.Join(folder, name)
			if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := s.Backup(t.Context(), filepath.Join(folder, "a.db"), nil)
			says(t, err, name, "exists", "hint")
			if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
				t.Errorf("%s: got %q, %v, want it untouched", name, text, err)
			}
			os.Remove(path)
		}
		left(t, folder)
		if err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE log_payload SET name = 'other' WHERE n = 3 AND name = 'body'`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		var fault *ledger.Fault
		if _, err := s.Backup(t.Context(), filepath.Join(folder, "a.db"), nil); !errors.As(err, &fault) || fault.Entry != 3 {
			t.Errorf("a store that was tampered with: got %v, want a fault of entry 3", err)
		}
		left(t, folder)
	})
}

func TestARestore(t *testing.T) {
	o := storetest.Options(t)
	s := storetest.Open(t, storetest.SQLite(t), o)
	fill(t, s, 20)
	signed := func() []byte {
		var out []byte
		err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			head, err := s.Head(ctx, r)
			out = head.Signed
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := signed()
	backup := filepath.Join(t.TempDir(), "backup.db")
	if _, err := s.Backup(t.Context(), backup, nil); err != nil {
		t.Fatal(err)
	}
	same := signed()
	for range 4 {
		if err := s.Update(t.Context(), record); err != nil {
			t.Fatal(err)
		}
	}
	newer := signed()
	another := storetest.Open(t, storetest.SQLite(t), o) // another history, of the same key
	fill(t, another, 15)
	var other []byte
	if err := another.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		head, err := another.Head(ctx, r)
		other = head.Signed
		return err
	}); err != nil {
		t.Fatal(err)
	}
	targets := map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "restored.db") },
		"PostgreSQL": func(t *testing.T) string { return storetest.PostgreSQL(t) },
	}
	for kind, target := range targets {
		for _, c := range []struct {
			name   string
			newest []byte
			accept bool
			lost   int64
			want   string
		}{
			{"without a checkpoint", nil, false, 0, ""},
			{"with an older checkpoint", first, false, 0, ""},
			{"with the checkpoint of the backup", same, false, 0, ""},
			{"with a newer checkpoint", newer, false, 0, "it has 21 entries, the checkpoint 25"},
			{"with a newer checkpoint, the loss accepted", newer, true, 4, ""},
			{"with the checkpoint of another history", other, true, 0, "another history"},
			{"with a checkpoint that nobody signed", []byte("none"), true, 0, "checkpoint"},
		} {
			t.Run(kind+" "+c.name, func(t *testing.T) {
				address := target(t)
				r, err := store.Restore(t.Context(), backup, address, o, c.newest, c.accept, nil)
				if c.want != "" {
					says(t, err, c.want)
					if errors.Is(err, store.ErrOlder) != strings.Contains(c.name, "newer") {
						t.Errorf("got %v, ErrOlder should be for newer checkpoints alone", err)
					}
					if kind == "SQLite" {
						left(t, filepath.Dir(address))
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if r.Lost != c.lost || r.Head.Size != 21 || len(r.Erased) != 1 {
					t.Errorf("got %+v, want 21 entries, %d lost", r, c.lost)
				}
				restored := storetest.Open(t, address, o)
				v, err := restored.VerifyLedger(t.Context(), nil)
				if err != nil || v.Head.Size != 22 {
					t.Errorf("got %+v, %v, want one entry more, which tells of it", v, err)
				}
				if n := number(t, restored, `SELECT COUNT(*) FROM log_entry WHERE type = 'store.restored'`); n != 1 {
					t.Errorf("got %d entries of the restore, want one", n)
				}
				if err := restored.Update(t.Context(), record); err != nil {
					t.Error(err)
				}
				_, err = store.Restore(t.Context(), backup, address, o, nil, false, nil)
				says(t, err, map[string]string{"SQLite": "exists", "PostgreSQL": "has a ledger of 23 entries"}[kind])
			})
		}
	}
	damaged, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(damaged, []byte("secret text 3"))
	if at < 0 {
		t.Fatal("the backup has no payload 3")
	}
	damaged[at] ^= 1
	path := filepath.Join(t.TempDir(), "damaged.db")
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	_, err = store.Restore(t.Context(), path, filepath.Join(folder, "restored.db"), o, nil, false, nil)
	says(t, err, "ledger: entry 3: payload body is not the one")
	_, err = store.Restore(t.Context(), backup, filepath.Join(folder, "restored.db"), storetest.Options(t), nil, false, nil)
	says(t, err, "key file")
	left(t, folder)
}

// TestAMoveThereAndBack fills every table, moves all to PostgreSQL and back, and compares.
func TestAMoveThereAndBack(t *testing.T) {
	from, there, back := storetest.SQLite(t), storetest.PostgreSQL(t), filepath.Join(t.TempDir(), "back.db")
	o := storetest.Options(t)
	s := storetest.Open(t, from, o)
	fill(t, s, 300)
	filled := fillTables(t, s)
	want := dumpAll(t, s)
	kept := filepath.Join(t.TempDir(), "kept.db")
	if _, err := s.Backup(t.Context(), kept, nil); err != nil {
		t.Fatal(err)
	}
	progress := map[string]bool{}
	v, err := store.Move(t.Context(), from, there, o, func(what string, done, total int64) {
		progress[what] = progress[what] || done == total
	})
	if err != nil || v.Head.Size != 301 {
		t.Fatalf("got %+v, %v, want 301 entries", v, err)
	}
	if !progress["copy table log_entry, rows"] || !progress["verify the ledger, entries"] {
		t.Errorf("got progress %v, want that of tables and of the ledger", progress)
	}
	_, err = store.Move(t.Context(), kept, there, o, nil)
	says(t, err, "has a ledger of 301 entries")
	isMoved(t, s, from, o, "PostgreSQL database")
	running := storetest.Open(t, there, o)
	if _, err := store.Move(t.Context(), there, back, o, nil); err != nil {
		t.Fatal(err)
	}
	isMoved(t, running, there, o, "SQLite file "+back)
	returned := storetest.Open(t, back, o)
	if got := dumpAll(t, returned); got != want {
		t.Errorf("%d tables were filled, and not all came back as they were", filled)
	}
	if err := returned.Update(t.Context(), record); err != nil {
		t.Error(err)
	}
	for _, c := range [][2]string{{from, back + "2"}, {there, there}} {
		_, err := store.Move(t.Context(), c[0], c[1], o, nil)
		says(t, err, "from SQLite to PostgreSQL or back")
	}
	_, err = store.Move(t.Context(), from, there, store.Options{Origin: o.Origin, Signers: []note.Signer{storetest.Options(t).Signers[0]}, Known: storetest.Options(t).Known, Now: o.Now}, nil)
	says(t, err, "key file")
}

// isMoved checks that nobody works on a store that went elsewhere, neither a server that
// still runs nor one that starts.
func isMoved(t *testing.T, running *store.Store, address string, o store.Options, where string) {
	t.Helper()
	err := running.Update(t.Context(), record)
	if says(t, err, where, "second history", "hint"); !errors.Is(err, store.ErrMoved) {
		t.Errorf("a server that runs: got %v, want that it was moved", err)
	}
	if _, err := running.Health(t.Context()); !errors.Is(err, store.ErrMoved) {
		t.Errorf("its health: got %v, want that it was moved", err)
	}
	_, err = store.Open(t.Context(), address, o)
	if says(t, err, where); !errors.Is(err, store.ErrMoved) {
		t.Errorf("a server that starts: got %v, want that it was moved", err)
	}
}

func TestNobodyChangesAStoreThatIsBeingMoved(t *testing.T) {
	file := func(t *testing.T) string { return storetest.SQLite(t) }
	none := func(t *testing.T) string { return filepath.Join(t.TempDir(), "new.db") }
	database := func(t *testing.T) string { return storetest.PostgreSQL(t) }
	update := func(s *store.Store) error { return s.Update(context.Background(), record) }
	beside := func(s *store.Store) error {
		return s.Beside(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			return livestate.Save(ctx, tx, []livestate.Row{{Key: "late", Data: []byte("lost")}})
		})
	}
	for _, c := range []struct {
		name     string
		from, to func(*testing.T) string
		change   func(*store.Store) error
	}{
		{"a change from a file", file, database, update}, {"one from a database", database, none, update},
		{"one beside the ledger, from a file", file, database, beside}, {"one beside the ledger, from a database", database, none, beside},
	} {
		t.Run(c.name, func(t *testing.T) {
			from, there := c.from(t), c.to(t)
			o := storetest.Options(t)
			s := storetest.Open(t, from, o)
			fill(t, s, 300)
			said := make(chan error, 1)
			begun := false
			_, err := store.Move(t.Context(), from, there, o, func(string, int64, int64) {
				if !begun {
					begun = true
					go func() { said <- c.change(s) }()
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := <-said; !errors.Is(err, store.ErrMoved) {
				t.Errorf("a change during the move: got %v, want that the store was moved", err)
			}
			if n := entries(t, storetest.Open(t, there, o)); n != 301 {
				t.Errorf("got %d entries in the new database, want 301", n)
			}
		})
	}
}

func TestAMovedStoreCanBeRestored(t *testing.T) {
	from, there := storetest.SQLite(t), storetest.PostgreSQL(t)
	o := storetest.Options(t)
	s, err := store.Open(t.Context(), from, o)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, 10)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Move(t.Context(), from, there, o, nil); err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(t.TempDir(), "again.db")
	if _, err := store.Restore(t.Context(), strings.TrimPrefix(from, "sqlite:"), again, o, nil, false, nil); err != nil {
		t.Fatal(err)
	}
	if err := storetest.Open(t, again, o).Update(t.Context(), record); err != nil {
		t.Errorf("got %v, want that the restored store goes on", err)
	}
	if _, err := store.Open(t.Context(), from, o); !errors.Is(err, store.ErrMoved) {
		t.Errorf("the old file: got %v, want it marked as before", err)
	}
}

func TestAFileThatLacksItsJournalIsNotPutInPlace(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "a.db")
	err := store.InPlace(path, func(part string) error {
		return errors.Join(os.WriteFile(part, []byte("older pages"), 0o600), os.WriteFile(part+"-wal", []byte("the newest"), 0o600))
	})
	says(t, err, "-wal", "hint")
	left(t, folder)
	err = store.InPlace(path, func(part string) error {
		return errors.Join(os.WriteFile(part, []byte("pages"), 0o600), os.WriteFile(part+"-wal", nil, 0o600))
	})
	if err != nil {
		t.Error(err)
	}
	left(t, folder, "a.db")
}

// fillTables puts two rows into every table outside the log: all texts are x1 and x2, all
// numbers 1 and 2, so that what refers to another row finds it. It says how many it could
// fill.
func fillTables(t *testing.T, s *store.Store) (filled int) {
	t.Helper()
	left := column(t, s, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%' AND name NOT LIKE 'log_%'`)
	for progress := true; progress; {
		progress = false
		for _, table := range slices.Clone(left) {
			if fillTable(t, s, table) {
				left = slices.DeleteFunc(left, func(name string) bool { return name == table })
				filled++
				progress = true
			}
		}
	}
	if len(left) > 0 {
		t.Errorf("tables %q could not be filled", left)
	}
	return filled
}

func fillTable(t *testing.T, s *store.Store, table string) bool {
	types := column(t, s, `SELECT type FROM pragma_table_info($1) ORDER BY cid`, table)
	names := column(t, s, `SELECT name FROM pragma_table_info($1) ORDER BY cid`, table)
	made := column(t, s, `SELECT sql FROM sqlite_master WHERE name = $1`, table)[0]
	return s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for row := int64(1); row <= 2; row++ {
			var values []any
			var places []string
			for i, kind := range types {
				places = append(places, fmt.Sprintf("$%d", i+1))
				switch kind {
				case "BIGINT":
					values = append(values, row)
				case "TEXT":
					value := fmt.Sprint("x", row)
					if m := regexp.MustCompile(names[i] + ` IN \('(\w+)'`).FindStringSubmatch(made); m != nil {
						value = m[1] // the first that its check allows
					}
					values = append(values, value)
				case "BYTEA": // the second has no byte, which is not NULL
					values = append(values, make([]byte, 2-row))
				default:
					t.Errorf("table %s has a column of type %s, want BIGINT, TEXT or BYTEA", table, kind)
				}
			}
			if _, err := tx.Exec(ctx, `INSERT INTO `+table+` VALUES (`+strings.Join(places, ", ")+`)`, values...); err != nil {
				return err
			}
		}
		return nil
	}) == nil
}

// dumpAll is all that a SQLite store holds, but for the marks of its servers.
func dumpAll(t *testing.T, s *store.Store) string {
	t.Helper()
	var out strings.Builder
	for _, table := range column(t, s, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%' ORDER BY name`) {
		var quoted []string
		for _, name := range column(t, s, `SELECT name FROM pragma_table_info($1) ORDER BY name`, table) {
			quoted = append(quoted, `quote("`+name+`")`)
		}
		rows := column(t, s, `SELECT `+strings.Join(quoted, ` || ' ' || `)+` FROM `+table)
		slices.Sort(rows)
		fmt.Fprintf(&out, "%s\n%s\n", table, strings.Join(rows, "\n"))
	}
	return out.String()
}
