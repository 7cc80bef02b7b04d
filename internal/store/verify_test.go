package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/ledger"
)

// fill makes n entries, each with a payload, and erases that of entry 7.
func fill(t testing.TB, s *store.Store, n int) {
	t.Helper()
	err := s.Update(t.Context(), func(_ context.Context, tx *store.Tx) error {
		for i := range n {
			if err := tx.Record("test.made", fmt.Sprintf("TE-%d", i), "system", ledger.NewPayload("body", fmt.Appendf(nil, "secret text %d", i)), ledger.NewPayload("Zeta", nil)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.EraseLoad(t.Context(), 7, "body", "asked for by the person", "PE-1"); err != nil {
		t.Fatal(err)
	}
}

func TestAWholeLedgerIsVerified(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const n = 600
		fill(t, s, n)
		var last int64
		v, err := s.VerifyLedger(t.Context(), func(done, total int64) {
			if done < last || total != n+1 {
				t.Errorf("progress: %d of %d after %d", done, total, last)
			}
			last = done
		})
		if err != nil {
			t.Fatal(err)
		}
		if v.Head.Size != n+1 || v.Payloads != 2*n-1+1 || len(v.Erased) != 1 || v.Erased[0] != (store.Erased{Entry: 7, Name: "body", By: n}) || last != n+1 {
			t.Errorf("got %+v after progress %d", v, last)
		}
	})
}

func TestWhatIsErasedStaysErased(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fill(t, s, 10)
		for name, c := range map[string]struct {
			entry  int64
			load   string
			reason string
			want   error
		}{
			"once more":                {7, "body", "again", store.ErrConflict},
			"an entry that is not":     {99, "body", "none", store.ErrNotFound},
			"a payload that is not":    {7, "other", "none", store.ErrNotFound},
			"without a reason":         {8, "body", " ", nil},
			"the reason of an erasure": {10, "reason", "to hide it", nil},
		} {
			err := s.EraseLoad(t.Context(), c.entry, c.load, c.reason, "PE-1")
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want an error, %v", name, err, c.want)
			}
		}
		if _, err := s.VerifyLedger(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
}

func TestSQLiteKeepsNoByteOfWhatWasErased(t *testing.T) {
	address := storetest.SQLite(t)
	s := storetest.Open(t, address, storetest.Options(t))
	secret := bytes.Repeat([]byte("personal data. "), 3000) // in pages of its own
	err := s.Update(t.Context(), func(_ context.Context, tx *store.Tx) error {
		return tx.Record("test.made", "TE-1", "system", ledger.NewPayload("body", secret))
	})
	if err != nil {
		t.Fatal(err)
	}
	held := func() bool {
		found := false
		path := strings.TrimPrefix(address, "sqlite:")
		for _, path := range []string{path, path + "-wal"} {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found = found || bytes.Contains(data, []byte("personal data"))
		}
		return found
	}
	if !held() {
		t.Fatal("the test finds no payload to begin with")
	}
	if err := s.EraseLoad(t.Context(), 0, "body", "asked for", "PE-1"); err != nil {
		t.Fatal(err)
	}
	if held() {
		t.Error("the file or its journal still holds the payload")
	}
}

// TestEveryChangeOfTheTablesIsFound changes each kind of value in the tables of the log,
// past the store.
func TestEveryChangeOfTheTablesIsFound(t *testing.T) {
	const n = 300
	for _, c := range []struct {
		name, statement string
		entry           int64
	}{
		{"the leaf", `UPDATE log_entry SET leaf = $1 WHERE n = 270`, 270},
		{"the type", `UPDATE log_entry SET type = 'test.nade' WHERE n = 3`, 3},
		{"the subject", `UPDATE log_entry SET subject = 'TE-4' WHERE n = 3`, 3},
		{"the actor", `UPDATE log_entry SET actor = 'tystem' WHERE n = 3`, 3},
		{"the time", `UPDATE log_entry SET at = at + 1 WHERE n = 3`, 3},
		{"the number", `UPDATE log_entry SET n = 1000 WHERE n = 300`, 300},
		{"a number before all", `UPDATE log_entry SET n = -1 WHERE n = 300`, 300},
		{"no entry", `DELETE FROM log_entry WHERE n = 300`, 300},
		{"a payload's data", `UPDATE log_payload SET data = $1 WHERE n = 5 AND name = 'body'`, 5},
		{"a payload's salt", `UPDATE log_payload SET salt = $1 WHERE n = 5 AND name = 'body'`, 5},
		{"a payload's name", `UPDATE log_payload SET name = 'bodz' WHERE n = 5 AND name = 'body'`, 5},
		{"a payload's number", `UPDATE log_payload SET n = 6, name = 'extra' WHERE n = 5 AND name = 'body'`, 6},
		{"no payload", `DELETE FROM log_payload WHERE n = 5 AND name = 'body'`, 5},
		{"a payload erased past the store", `UPDATE log_payload SET data = NULL, salt = NULL, erased = 1 WHERE n = 5 AND name = 'body'`, 5},
		{"half a payload", `UPDATE log_payload SET data = NULL WHERE n = 5 AND name = 'body'`, 5},
		{"an erasure undone", `UPDATE log_payload SET erased = NULL WHERE n = 7 AND name = 'body'`, 7},
		{"a hash of a leaf", `UPDATE log_hash SET h = $2 WHERE i = 0`, 0},
		{"a hash between", `UPDATE log_hash SET h = $2 WHERE i = 2`, 1},
		{"a hash that is cut", `UPDATE log_hash SET h = $1 WHERE i = 2`, 1},
		{"a hash's number", `UPDATE log_hash SET i = 100000 WHERE i = 3`, 2},
		{"no hash", `DELETE FROM log_hash WHERE i = 2`, 1},
		{"a hash more", `INSERT INTO log_hash (i, h) VALUES (100000, $2)`, -1},
		{"the head's time", `UPDATE log_head SET at = at + 1`, 300},
		{"the head's size", `UPDATE log_head SET size = size - 1`, -2},
		{"the head's checkpoint", `UPDATE log_head SET signed = $1`, -2},
		{"no head at all", `UPDATE log_head SET signed = $3, size = 0`, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, o := storetest.SQLite(t), storetest.Options(t)
			s := storetest.Open(t, address, o)
			fill(t, s, n)
			db := raw(t, address)
			if _, err := db.Exec(c.statement, []byte(`{"a":1}`), bytes.Repeat([]byte{7}, 32), []byte{}); err != nil {
				t.Fatal(err)
			}
			v, err := s.VerifyLedger(t.Context(), nil)
			var fault *ledger.Fault
			if err == nil {
				t.Fatalf("got %+v, want a fault", v)
			}
			if c.entry == -2 { // the head itself
				if !strings.Contains(err.Error(), "head of the ledger") {
					t.Errorf("got %v, want the head named", err)
				}
				return
			}
			if !errors.As(err, &fault) || fault.Entry != c.entry {
				t.Errorf("got %v, want a fault of entry %d", err, c.entry)
			}
		})
	}
}

// TestAnyFlippedByteIsFound flips bytes of the log's values one at a time, all over the
// tables, and wants the entry named that each belongs to.
func TestAnyFlippedByteIsFound(t *testing.T) {
	address, o := storetest.SQLite(t), storetest.Options(t)
	s := storetest.Open(t, address, o)
	fill(t, s, 100)
	db := raw(t, address)
	random := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct{ table, column, where string }{
		{"log_entry", "leaf", "n = $1"},
		{"log_payload", "data", "n = $1 AND name = 'body'"},
		{"log_payload", "salt", "n = $1 AND name = 'Zeta'"},
		{"log_hash", "h", "i = $1"},
	} {
		for range 25 {
			row := random.Int64N(100)
			if row == 7 {
				continue // its payload is erased
			}
			var value []byte
			if err := db.QueryRow(`SELECT `+c.column+` FROM `+c.table+` WHERE `+c.where, row).Scan(&value); err != nil {
				t.Fatal(err)
			}
			flipped := bytes.Clone(value)
			at := random.IntN(len(value))
			flipped[at] ^= 1 << random.IntN(8)
			put := func(value []byte) {
				if _, err := db.Exec(`UPDATE `+c.table+` SET `+c.column+` = $2 WHERE `+c.where, row, value); err != nil {
					t.Fatal(err)
				}
			}
			put(flipped)
			want := row
			if c.table == "log_hash" { // the entry whose append wrote it
				level, n := tlog.SplitStoredHashIndex(row)
				want = (n+1)<<level - 1
			}
			_, err := s.VerifyLedger(t.Context(), nil)
			var fault *ledger.Fault
			if !errors.As(err, &fault) || fault.Entry != want {
				t.Errorf("byte %d of %s.%s in row %d: got %v, want a fault of entry %d", at, c.table, c.column, row, err, want)
			}
			put(value)
		}
	}
	if _, err := s.VerifyLedger(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
