package storetest

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
)

// server is the PostgreSQL of this test program, started by the first test that wants it.
var server struct {
	once     sync.Once
	migrated sync.Once // the database of that name
	*Server
	err   error
	mu    sync.Mutex // guards count
	count int        // of the databases made
}

// PostgreSQL gives the address of a new database that goes when the test ends. It skips
// the test if the machine has no PostgreSQL.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	running(t)
	server.migrated.Do(func() {
		administer(t, "CREATE DATABASE migrated")
		migrate(t, server.Address("migrated"))
	})
	return create(t, "TEMPLATE migrated")
}

func emptyPostgreSQL(t testing.TB) string {
	t.Helper()
	running(t)
	return create(t, "")
}

// running starts the server if this is the first test that wants it.
func running(t testing.TB) {
	t.Helper()
	server.once.Do(func() {
		// Without fsync, because no test cuts the power: a killed server loses nothing.
		server.Server, server.err = start("", "-c fsync=off -c full_page_writes=off -c deadlock_timeout=100ms")
	})
	if server.err != nil {
		t.Skipf("PostgreSQL is not tested: %v", server.err)
	}
}

// create makes a database that goes when the test ends.
func create(t testing.TB, how string) string {
	t.Helper()
	server.mu.Lock()
	server.count++
	name := fmt.Sprintf("test%d", server.count)
	server.mu.Unlock()
	administer(t, "CREATE DATABASE "+name+" "+how)
	t.Cleanup(func() { administer(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	return server.Address(name)
}

// Socket is the path of the server's socket, for a test that puts something between the
// store and the server. A test that calls it has called PostgreSQL.
func Socket() string { return server.folder + "/.s.PGSQL.5432" }

// Server is a PostgreSQL that takes connections over its socket alone.
type Server struct {
	folder string       // of the socket
	hold   *os.File     // the server ends when this is closed
	wait   func() error // until it has
}

// StartDurable starts a server in a new folder of parent, with the settings that a server
// has of itself: a commit is on the disk. It is for measuring; tests use PostgreSQL.
func StartDurable(parent string) (*Server, error) {
	parent, err := filepath.Abs(parent)
	if err != nil {
		return nil, err
	}
	return start(parent, "")
}

// Stop ends the server and removes its folder. The server empties that itself, for tests that
// do not come to stop it, but may be a user who cannot remove it.
func (s *Server) Stop() error {
	return errors.Join(s.hold.Close(), s.wait(), os.RemoveAll(s.folder))
}

// Address is that of a database of the server.
func (s *Server) Address(database string) string {
	return "postgres://rootkeep@/" + database + "?host=" + url.QueryEscape(s.folder)
}

func administer(t testing.TB, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", server.Address("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
