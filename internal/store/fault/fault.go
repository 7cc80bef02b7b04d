// Package fault tells what kind of fault an error of a database is, and what a person can
// do about it.
package fault

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Kind is what went wrong with the database, as far as it decides what to do.
type Kind int

// The kinds.
const (
	Other  Kind = iota // of one statement
	Busy               // others were in the way: the same may go well now
	Lost               // no answer, or none any more
	Full               // no room
	Disk               // the disk does not read or write
	Sealed             // must not be written
	Broken             // the file is not what was written
	Denied             // the user may not
)

// Hint says what a person can do, "" where nothing is known.
func (k Kind) Hint() string { return hints[k] }

var hints = map[Kind]string{
	Busy:   "another program holds the database; hint: is a second server, a backup or a shell at work on it?",
	Lost:   "the database does not answer; hint: is it running, and the address right?",
	Full:   "no room for the database; hint: free some on its disk: nothing was lost",
	Disk:   "the disk does not read or write; hint: look at the system's log, at its room and at quotas",
	Sealed: "the database must not be written; hint: is the file system mounted read-only, or the PostgreSQL a standby?",
	Broken: "the database file is damaged; hint: stop rootkeep, keep a copy of the file, and rootkeep restore the last backup",
	Denied: "the user may not use the database; hint: check the owner of the file, or the user and password of the address",
}

// Onward says of faults that pass without a person what a server does when they have. It
// is not true of a program that ends with the fault, nor of a server that starts.
func (k Kind) Onward() string { return onward[k] }

var onward = map[Kind]string{
	Lost: "; the server goes on by itself when it is back",
	Full: "; the server goes on by itself when there is",
}

// Classify tells what kind of fault an error is. The database's own codes decide where
// there are any.
func Classify(err error) Kind {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	var dial *pgconn.ConnectError
	var operation *net.OpError
	var name *net.DNSError
	switch {
	case err == nil:
		return Other
	case errors.As(err, &lite):
		return ofSQLite(lite.Code())
	case errors.As(err, &pg):
		return ofPostgres(pg.Code)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return Full
	case errors.Is(err, syscall.EROFS):
		return Sealed
	case errors.Is(err, fs.ErrPermission):
		return Denied
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Other // the caller's, not the database's
	case pgconn.SafeToRetry(err), pgconn.Timeout(err), errors.As(err, &dial), errors.As(err, &operation), errors.As(err, &name), errors.Is(err, driver.ErrBadConn), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return Lost
	}
	return Other
}

func ofSQLite(code int) Kind {
	switch code & 0xff { // the rest says more about it
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return Busy
	case sqlite3.SQLITE_FULL:
		return Full
	case sqlite3.SQLITE_IOERR:
		return Disk
	case sqlite3.SQLITE_READONLY:
		return Sealed
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return Broken
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return Denied
	}
	return Other
}

// ofPostgres goes by SQLSTATE; see the appendix "PostgreSQL Error Codes" of its
// documentation.
func ofPostgres(code string) Kind {
	switch {
	case code == "40001", code == "40P01", code == "55P03": // serialization, deadlock, lock not available
		return Busy
	case code == "53100": // disk full
		return Full
	case code == "25006": // read-only transaction
		return Sealed
	case strings.HasPrefix(code, "28"), code == "42501", code == "3D000": // sign-in, privilege, no such database
		return Denied
	case code == "XX001", code == "XX002": // data or index corrupted
		return Broken
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57P"), strings.HasPrefix(code, "58"), code == "25P03":
		return Lost // connection, resources, shutdown, its system; a session that idled
	}
	return Other
}
