package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/ledger"
)

// says checks that an error holds all of some texts.
func says(t *testing.T, err error, want ...string) {
	t.Helper()
	for _, text := range want {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want an error with %q", err, text)
		}
	}
}

func TestADatabaseLockedByAnother(t *testing.T) {
	address := storetest.SQLite(t)
	s := storetest.Open(t, address, storetest.Options(t))
	db := raw(t, address)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(`UPDATE log_head SET at = at`); err != nil { // takes the lock
		t.Fatal(err)
	}
	result := make(chan error)
	go func() { result <- s.Update(context.Background(), record) }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Touch(ctx, func(context.Context, *store.Tx) error { return nil }); err == nil {
		t.Error("a touch was made that had to wait for longer than its caller")
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Errorf("got %v, want the change made once the other is done", err)
	}
}

// TestALockThatStays waits as long as the store does, so it is of the long form.
func TestALockThatStays(t *testing.T) {
	if os.Getenv("ROOTKEEP_LONG") == "" {
		t.Skip("takes more than half a minute: ROOTKEEP_LONG=1")
	}
	address := storetest.SQLite(t)
	s := storetest.Open(t, address, storetest.Options(t))
	tx, err := raw(t, address).Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(`UPDATE log_head SET at = at`); err != nil {
		t.Fatal(err)
	}
	says(t, s.Update(t.Context(), record), "another program holds the database", "hint")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Health(t.Context()); err != nil {
		t.Errorf("health after the lock is gone: %v", err)
	}
}

// raw opens a SQLite file past the store.
func raw(t *testing.T, address string) *sql.DB {
	t.Helper()
	name := url.URL{Scheme: "file", Path: strings.TrimPrefix(address, "sqlite:")}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestNoRoomForTheDatabase(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	fill(t, s, 10)
	pages := number(t, s, `PRAGMA page_count`)
	if err := store.Limit(s, fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
		t.Fatal(err)
	}
	table := func(ctx context.Context, tx *store.Tx) error {
		return tx.Record("test.made", "TE-1", "system", ledger.NewPayload("body", make([]byte, 100_000)))
	}
	says(t, s.Update(t.Context(), table), "no room", "free some", "full")
	if _, err := s.VerifyLedger(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if n := entries(t, s); n != 11 {
		t.Errorf("got %d entries, want the eleven from before", n)
	}
	if err := store.Limit(s, "PRAGMA max_page_count = 100000"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Health(t.Context()); err != nil {
		t.Errorf("health after there was room again: %v", err)
	}
	if err := s.Update(t.Context(), table); err != nil {
		t.Errorf("a change after there was room again: %v", err)
	}
}

func TestFilesThatAreNoDatabase(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for path, want := range map[string]string{
		write("noise", bytes.Repeat([]byte("noise "), 1000)): "damaged",
		write("half", []byte("SQLite format 3\x00")):         "damaged",
		folder: "open SQLite",
		filepath.Join(folder, "missing", "file.db"): "no such file",
		"":                                  "no path",
		"postgres://a:geheim@[/":            "does not parse",
		"postgres://a:geheim@127.0.0.1:1/x": "does not answer",
	} {
		s, err := store.Open(t.Context(), path, storetest.Options(t))
		if err == nil {
			s.Close()
		}
		says(t, err, want)
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("%v: holds the password", err)
		}
	}
}

// TestADamagedFile flips bytes of a database file, one at a time, all over it. Opening or
// verifying says so, or the byte was of no meaning and the log is as it was.
func TestADamagedFile(t *testing.T) {
	address, o := storetest.SQLite(t), storetest.Options(t)
	path := strings.TrimPrefix(address, "sqlite:")
	s := storetest.Open(t, address, o)
	fill(t, s, 60)
	want := dump(t, s)
	s.Close() // empties the journal into the file
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	opened, verified, harmless := 0, 0, 0
	for range 100 {
		damaged := bytes.Clone(whole)
		at := random.IntN(len(damaged))
		for damaged[at] == 0 { // most of a small database is empty
			at = random.IntN(len(damaged))
		}
		damaged[at] ^= byte(1 + random.IntN(255))
		for _, suffix := range []string{"-wal", "-shm"} {
			os.Remove(path + suffix)
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(t.Context(), address, o)
		if err != nil {
			opened++
			continue
		}
		if _, err := s.VerifyLedger(t.Context(), nil); err != nil {
			verified++
		} else if harmless++; dump(t, s) != want {
			t.Errorf("byte %d: the log is another, and nothing said so", at)
		}
		s.Close()
	}
	t.Logf("of 100 flipped bytes opening found %d, verifying %d; %d had no meaning for the log", opened, verified, harmless)
	if opened == 0 || verified < 20 {
		t.Errorf("got %d found by opening and %d by verifying: the test flips nothing that matters", opened, verified)
	}
}

// dump is all that the tables of the log hold.
func dump(t *testing.T, s *store.Store) string {
	t.Helper()
	var out []string
	for _, query := range []string{
		`SELECT n || ' ' || hex(leaf) || type || ' ' || subject || ' ' || actor || ' ' || at FROM log_entry ORDER BY n`,
		`SELECT n || ' ' || name || COALESCE(hex(salt), '-') || COALESCE(hex(data), '-') || COALESCE(erased, '-') FROM log_payload ORDER BY n, name`,
		`SELECT i || hex(h) FROM log_hash ORDER BY i`,
		`SELECT id || ' ' || size || hex(signed) || at FROM log_head`,
	} {
		out = append(out, column(t, s, query)...)
	}
	return strings.Join(out, "\n")
}

// proxy stands between a store and PostgreSQL.
type proxy struct {
	listener net.Listener
	down     atomic.Bool  // no connection gets through
	silent   atomic.Bool  // nothing that is said gets through
	cut      atomic.Int64 // what happens to the next commit, see below
	mu       sync.Mutex   // guards open
	open     []net.Conn
}

// What a proxy does to the next commit.
const (
	commitPasses = iota
	commitLost   // it never arrives
	commitSilent // it arrives, the answer does not
	commitLast   // the same, and nothing gets through afterwards
)

func newProxy(t *testing.T) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			if p.down.Load() {
				client.Close()
				continue
			}
			server, err := net.Dial("unix", storetest.Socket())
			if err != nil {
				client.Close()
				continue
			}
			p.mu.Lock()
			p.open = append(p.open, client, server)
			p.mu.Unlock()
			all.Go(func() { io.Copy(client, server); client.Close() })
			all.Go(func() { p.forward(server, client) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.hangUp()
		all.Wait()
	})
	return p
}

// forward passes on what the client says.
func (p *proxy) forward(server, client net.Conn) {
	defer server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if p.silent.Load() {
			continue
		}
		if bytes.Contains(buffer[:n], []byte("commit\x00")) {
			switch p.cut.Swap(commitPasses) {
			case commitLost:
				client.Close()
				return
			case commitSilent:
				client.Close()
				server.Write(buffer[:n])
				return
			case commitLast:
				p.down.Store(true)
				client.Close()
				server.Write(buffer[:n])
				return
			}
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// hangUp ends all connections.
func (p *proxy) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.open {
		c.Close()
	}
	p.open = nil
}

// through is the address of a database by way of the proxy.
func (p *proxy) through(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return "postgres://rootkeep@" + p.listener.Addr().String() + u.Path + "?sslmode=disable"
}

func TestPostgreSQLGoneAndBack(t *testing.T) {
	address := storetest.PostgreSQL(t)
	p := newProxy(t)
	o := storetest.Options(t)
	o.Serves = true
	s := storetest.Open(t, p.through(t, address), o)
	fill(t, s, 10)
	before := entries(t, s)

	p.hangUp() // as a restart does: every connection is dead, the next is not
	if err := s.Update(t.Context(), record); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	p.down.Store(true)
	p.hangUp()
	says(t, s.Update(t.Context(), record), "does not answer", "goes on by itself")
	_, err := s.Health(t.Context())
	says(t, err, "does not answer")
	_, err = store.Open(t.Context(), p.through(t, address), o)
	if says(t, err, "does not answer", "hint"); strings.Contains(fmt.Sprint(err), "by itself") {
		t.Errorf("at the start, after which nobody goes on: got %v", err)
	}
	says(t, s.Touch(t.Context(), func(context.Context, *store.Tx) error { return nil }), "does not answer")
	p.down.Store(false)
	if _, err := s.Health(t.Context()); err != nil {
		t.Errorf("health after it is back: %v", err)
	}
	if err := s.Update(t.Context(), record); err != nil {
		t.Errorf("after it is back: %v", err)
	}
	if n := entries(t, s); n != before+2 {
		t.Errorf("got %d entries, want those of two changes after %d", n, before)
	}
}

// TestACommitIsCutOff loses a commit, or the answer to it. Another server appends at the
// same time, so that the head does not tell which. The change is made once.
func TestACommitIsCutOff(t *testing.T) {
	for name, how := range map[string]int64{"before it arrives": commitLost, "before its answer": commitSilent} {
		t.Run(name, func(t *testing.T) {
			address, o := storetest.PostgreSQL(t), storetest.Options(t)
			p := newProxy(t)
			s := storetest.Open(t, p.through(t, address), o)
			other := storetest.Open(t, address, o)
			table(t, s)
			change(t, s, `INSERT INTO thing (id, n) VALUES ('a', 0)`)
			ctx, stop := context.WithCancel(t.Context())
			var all sync.WaitGroup
			var others atomic.Int64
			all.Go(func() {
				for ctx.Err() == nil {
					if err := other.Update(context.WithoutCancel(ctx), increment("OT-1")); err != nil {
						t.Error(err)
						return
					}
					others.Add(1)
				}
			})
			const rounds = 8
			for range rounds {
				p.cut.Store(how)
				if err := s.Update(t.Context(), increment("TE-1")); err != nil {
					t.Error(err)
				}
				if p.cut.Load() != commitPasses {
					t.Fatal("the proxy cut nothing off")
				}
			}
			stop()
			all.Wait()
			// With no entry either: what is looked up is the transaction, not the entry.
			p.cut.Store(how)
			change(t, s, `UPDATE thing SET n = n + 1 WHERE id = 'a'`)
			if n, want := number(t, other, `SELECT n FROM thing`), rounds+others.Load()+1; n != want {
				t.Errorf("got %d, want %d: each change once", n, want)
			}
			if n := number(t, other, `SELECT COUNT(*) FROM log_entry WHERE subject = 'TE-1'`); n != rounds {
				t.Errorf("got %d entries, want %d: each change once", n, rounds)
			}
			if _, err := other.VerifyLedger(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestADatabaseThatIsSilent waits as long as the store does, so it is of the long form.
func TestADatabaseThatIsSilent(t *testing.T) {
	if os.Getenv("ROOTKEEP_LONG") == "" {
		t.Skip("takes more than a minute: ROOTKEEP_LONG=1")
	}
	address := storetest.PostgreSQL(t)
	p := newProxy(t)
	s := storetest.Open(t, p.through(t, address), storetest.Options(t))
	fill(t, s, 10)
	p.silent.Store(true)
	start := time.Now()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { says(t, s.Update(t.Context(), record), "does not answer") })
	}
	all.Wait()
	if took := time.Since(start); took > 2*time.Minute {
		t.Errorf("twenty changes were told after %v, want them not to wait one after the other", took)
	}
	p.silent.Store(false)
	p.hangUp()
	if err := s.Update(t.Context(), record); err != nil {
		t.Errorf("after it speaks again: %v", err)
	}
	p.cut.Store(commitLast)
	says(t, s.Update(t.Context(), record), "whether it was made is not known", "look before you try again")
	p.down.Store(false)
	if _, err := s.VerifyLedger(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if n := entries(t, s); n != 11+2 {
		t.Errorf("got %d entries, want that of the commit whose answer was lost as well", n)
	}
}

func TestFilesThatAreMissingAreNoLostDatabase(t *testing.T) {
	folder := t.TempDir()
	_, err := store.Restore(t.Context(), filepath.Join(folder, "none.db"), filepath.Join(folder, "a.db"), storetest.Options(t), nil, false, nil)
	if says(t, err, "none.db", "no such file"); strings.Contains(err.Error(), "does not answer") || store.Unavailable(err) {
		t.Errorf("got %v, want nothing of a database that does not answer", err)
	}
	for name, c := range map[string]struct {
		err  error
		lost bool
	}{
		"a file that is missing":    {&fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, false},
		"a name that is too long":   {&fs.PathError{Op: "open", Path: "x", Err: syscall.ENAMETOOLONG}, false},
		"a connection refused":      {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		"a connection reset":        {fmt.Errorf("read: %w", syscall.ECONNRESET), true},
		"a name nobody knows":       {&net.DNSError{Err: "no such host"}, true},
		"a time that was let pass":  {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, true},
		"an error of somebody else": {errors.New("network"), false},
	} {
		if got := store.Unavailable(c.err); got != c.lost {
			t.Errorf("%s: got %v, want %v", name, got, c.lost)
		}
	}
}
