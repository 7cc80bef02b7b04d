// Package storetest runs tests on the databases that rootkeep supports: SQLite always,
// PostgreSQL if its programs are on the machine. Where they are not, the test of
// PostgreSQL says so and is skipped.
package storetest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

// Origin is the name of the logs that Options gives.
const Origin = "test.example/ledger"

// Each runs a test on a new store of each kind, as the subtests SQLite and PostgreSQL.
func Each(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	EachAddress(t, func(t *testing.T, address string) {
		test(t, Open(t, address, Options(t)))
	})
}

// EachAddress runs a test with the address of a new database of each kind: for tests
// that open it more than once, or with options of their own. Its schema is up to date.
func EachAddress(t *testing.T, test func(t *testing.T, address string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, PostgreSQL(t)) })
}

// EachEmpty is EachAddress with databases that have no schema yet.
func EachEmpty(t *testing.T, test func(t *testing.T, address string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, emptySQLite(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, emptyPostgreSQL(t)) })
}

// migrated is a file with the schema, made once: migrating takes longer than most tests.
var migrated struct {
	once sync.Once
	file []byte
}

// SQLite gives the address of a database in a folder that goes when the test ends.
func SQLite(t testing.TB) string {
	t.Helper()
	migrated.once.Do(func() {
		first := emptySQLite(t)
		migrate(t, first)
		file, err := os.ReadFile(strings.TrimPrefix(first, "sqlite:"))
		if err != nil {
			t.Fatal(err)
		}
		migrated.file = file
	})
	address := emptySQLite(t)
	if err := os.WriteFile(strings.TrimPrefix(address, "sqlite:"), migrated.file, 0o600); err != nil {
		t.Fatal(err)
	}
	return address
}

func emptySQLite(t testing.TB) string {
	// A name with what a file's address has to escape.
	return "sqlite:" + filepath.Join(t.TempDir(), "a b?%.db")
}

// migrate brings an empty database up to date. Which keys it is opened with does not
// matter: its log is empty.
func migrate(t testing.TB, address string) {
	t.Helper()
	s, err := store.Open(context.Background(), address, Options(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// Options are those of a new store: keys of its own, the machine's clock, migrations.
func Options(t testing.TB) store.Options {
	t.Helper()
	private, public, err := ledger.NewKey(Origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.Signer(private)
	if err != nil {
		t.Fatal(err)
	}
	known, err := ledger.Known(public)
	if err != nil {
		t.Fatal(err)
	}
	return store.Options{Origin: Origin, Signers: []note.Signer{signer}, Known: known, Migrate: true, Now: time.Now}
}

// Open opens a store and closes it when the test ends.
func Open(t testing.TB, address string, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
