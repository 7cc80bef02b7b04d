package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// fault is what went wrong with the database, as far as it decides what to do.
type fault int

const (
	faultOther  fault = iota // of one statement
	faultBusy                // others were in the way: the same may go well now
	faultLost                // no answer, or none any more
	faultFull                // no room
	faultDisk                // the disk does not read or write
	faultSealed              // must not be written
	faultBroken              // the file is not what was written
	faultDenied              // the user may not
)

// hints say what a person can do.
var hints = map[fault]string{
	faultBusy:   "another program holds the database; hint: is a second server, a backup or a shell at work on it?",
	faultLost:   "the database does not answer; hint: is it running, and the address right?",
	faultFull:   "no room for the database; hint: free some on its disk: nothing was lost",
	faultDisk:   "the disk does not read or write; hint: look at the system's log, at its room and at quotas",
	faultSealed: "the database must not be written; hint: is the file system mounted read-only, or the PostgreSQL a standby?",
	faultBroken: "the database file is damaged; hint: stop rootkeep, keep a copy of the file, and rootkeep restore the last backup",
	faultDenied: "the user may not use the database; hint: check the owner of the file, or the user and password of the address",
}

// onward says of faults that pass without a person what a server does when they have. It
// is not true of a program that ends with the fault, nor of a server that starts.
var onward = map[fault]string{
	faultLost: "; the server goes on by itself when it is back",
	faultFull: "; the server goes on by itself when there is",
}

// explained is an error with what a person can do about it.
type explained struct {
	err  error
	hint string
}

func (e *explained) Error() string { return fmt.Sprintf("%v: %s", e.err, e.hint) }
func (e *explained) Unwrap() error { return e.err }

// explain adds to an error of the database what it means, once.
func explain(err error) error { return (&Store{}).explainBy(err, err) }

// explainBy adds to the error of a change or of a reader what the statement that failed
// means. Without one the error is the caller's own, and stays as it is.
func (s *Store) explainBy(err, statement error) error {
	if err == nil || errors.As(err, new(*explained)) {
		return err
	}
	kind := classify(statement)
	hint := hints[kind]
	if hint == "" {
		return err
	}
	if s.options.Serves {
		hint += onward[kind]
	}
	return &explained{err, hint}
}

// classify tells what kind of fault an error is. The database's own codes decide where
// there are any.
func classify(err error) fault {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	var dial *pgconn.ConnectError
	var operation *net.OpError
	var name *net.DNSError
	switch {
	case err == nil:
		return faultOther
	case errors.Is(err, errSilent), errors.Is(err, errUnsettled):
		return faultLost
	case errors.As(err, &lite):
		return classifySQLite(lite.Code())
	case errors.As(err, &pg):
		return classifyPostgres(pg.Code)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return faultFull
	case errors.Is(err, syscall.EROFS):
		return faultSealed
	case errors.Is(err, fs.ErrPermission):
		return faultDenied
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return faultOther // the caller's, not the database's
	case pgconn.SafeToRetry(err), pgconn.Timeout(err), errors.As(err, &dial), errors.As(err, &operation), errors.As(err, &name), errors.Is(err, driver.ErrBadConn), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return faultLost
	}
	return faultOther
}

func classifySQLite(code int) fault {
	switch code & 0xff { // the rest says more about it
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return faultBusy
	case sqlite3.SQLITE_FULL:
		return faultFull
	case sqlite3.SQLITE_IOERR:
		return faultDisk
	case sqlite3.SQLITE_READONLY:
		return faultSealed
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return faultBroken
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return faultDenied
	}
	return faultOther
}

// classifyPostgres goes by SQLSTATE; see the appendix "PostgreSQL Error Codes" of its
// documentation.
func classifyPostgres(code string) fault {
	switch {
	case code == "40001", code == "40P01", code == "55P03": // serialization, deadlock, lock not available
		return faultBusy
	case code == "53100": // disk full
		return faultFull
	case code == "25006": // read-only transaction
		return faultSealed
	case strings.HasPrefix(code, "28"), code == "42501", code == "3D000": // sign-in, privilege, no such database
		return faultDenied
	case code == "XX001", code == "XX002": // data or index corrupted
		return faultBroken
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57P"), strings.HasPrefix(code, "58"), code == "25P03":
		return faultLost // connection, resources, shutdown, its system; a session that idled
	}
	return faultOther
}

// Unavailable says whether an error means that the database does not answer now, and may
// soon. For a change it does not say that nothing was changed.
func Unavailable(err error) bool {
	return classify(err) == faultBusy || classify(err) == faultLost
}
