package sweep_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/sweep"
)

var (
	start  = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	usual  = sweep.Parameters{Role: "reader"}
	people = []sweep.Account{{ID: "111111111111", Name: "one"}, {ID: "222222222222", Name: "two"}, {ID: "333333333333", Name: "three", Left: "its state is SUSPENDED"}}
)

func id() string { return "SC-TEST" }

func open(t *testing.T, dir string) *sweep.Sweep {
	t.Helper()
	s, err := sweep.Open(dir, id, start, usual, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// begun is a scan of which account one is read.
func begun(t *testing.T) (string, *sweep.Sweep) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "new", "scan")
	s := open(t, dir)
	left, err := s.Begin("o-1", people)
	if err != nil || !slices.Equal(left, []rootkeep.AccountID{"111111111111", "222222222222"}) {
		t.Fatalf("left to read: got %v, %v, want one and two", left, err)
	}
	put(t, s, "111111111111")
	return dir, s
}

func put(t *testing.T, s *sweep.Sweep, account rootkeep.AccountID) {
	t.Helper()
	if err := s.Put(&facts.Snapshot{Format: facts.Format, Account: account, Taken: start}); err != nil {
		t.Fatal(err)
	}
}

// ended lets the folder go, as the end of a process does.
func ended(t *testing.T, s *sweep.Sweep) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, text string, path ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(path...), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAScanIsTakenUpWhereItWas(t *testing.T) {
	dir, s := begun(t)
	ended(t, s)
	write(t, "{", dir, ".part-123") // as a scan that was killed leaves it
	write(t, `{"account": "111111111111", "access_key": "ASIA1"}`+"\n"+`{"account": "22`, dir, "sessions.jsonl")
	s, err := sweep.Open(dir, func() string { return "SC-OTHER" }, start.Add(time.Hour), usual, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	left, err := s.Begin("o-1", people)
	if err != nil || !slices.Equal(left, []rootkeep.AccountID{"222222222222"}) || s.State.Scan != "SC-TEST" || !s.State.Started.Equal(start) {
		t.Errorf("got %v of %+v, %v, want account two of the first scan", left, s.State, err)
	}
	put(t, s, "222222222222")
	if sessions, err := s.Sessions(); err != nil || len(sessions) != 1 || sessions[0].AccessKey != "ASIA1" {
		t.Errorf("sessions: got %v, %v, want the one that is whole", sessions, err)
	}
	if err := s.Entered(facts.Session{Account: "222222222222", AccessKey: "ASIA2"}); err != nil {
		t.Fatal(err)
	}
	if sessions, err := s.Sessions(); err != nil || len(sessions) != 2 || sessions[1].AccessKey != "ASIA2" {
		t.Errorf("sessions: got %v, %v, want two", sessions, err)
	}
	if err := s.Finish(start.Add(2 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	var names []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v, want that only its owner can read it", e.Name(), info.Mode(), err)
		}
		names = append(names, e.Name())
	}
	if want := []string{"111111111111.json", "222222222222.json", "scan.json", "scan.lock", "sessions.jsonl"}; !slices.Equal(names, want) {
		t.Errorf("files: got %v, want %v", names, want)
	}
}

func TestFoldersThatAreNotTakenUp(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*testing.T, string, *sweep.Sweep) error
		want string
	}{
		{"a scan that is too old", func(_ *testing.T, dir string, _ *sweep.Sweep) error {
			_, err := sweep.Open(dir, id, start.Add(61*time.Minute), usual, time.Hour)
			return err
		}, "which is 1h1m0s old; hint: --resume-within 2h0m0s"},
		{"other parameters", func(_ *testing.T, dir string, _ *sweep.Sweep) error {
			_, err := sweep.Open(dir, id, start, sweep.Parameters{Role: "writer"}, time.Hour)
			return err
		}, "other parameters (--role reader); hint: give the same"},
		{"fewer accounts", func(_ *testing.T, dir string, _ *sweep.Sweep) error {
			_, err := sweep.Open(dir, id, start, sweep.Parameters{Role: "reader", Accounts: []rootkeep.AccountID{"111111111111"}}, time.Hour)
			return err
		}, "other parameters"},
		{"another organization", func(_ *testing.T, dir string, _ *sweep.Sweep) error {
			s, err := sweep.Open(dir, id, start, usual, time.Hour)
			if err != nil {
				return err
			}
			_, err = s.Begin("o-2", people)
			return err
		}, "of organization o-1, and these credentials are of o-2; hint: "},
		{"a scan that is finished", func(t *testing.T, dir string, s *sweep.Sweep) error {
			put(t, s, "222222222222")
			if err := s.Finish(start); err != nil {
				return err
			}
			_, err := sweep.Open(dir, id, start, usual, time.Hour)
			return err
		}, "holds a finished scan of 2026-11-20T09:00:00Z; hint: --snapshot "},
		{"a folder with other things", func(t *testing.T, dir string, _ *sweep.Sweep) error {
			if err := os.Remove(filepath.Join(dir, "scan.json")); err != nil {
				return err
			}
			_, err := sweep.Open(dir, id, start, usual, time.Hour)
			return err
		}, "is not empty and holds no scan; hint: name a new folder"},
		{"a state of a newer version", func(t *testing.T, dir string, _ *sweep.Sweep) error {
			write(t, `{"format": 2, "new": true}`, dir, "scan.json")
			_, err := sweep.Open(dir, id, start, usual, time.Hour)
			return err
		}, "scan of format 2, this program reads up to 1; hint: use the version that wrote it"},
		{"half a state", func(t *testing.T, dir string, _ *sweep.Sweep) error {
			write(t, `{"format": 1,`, dir, "scan.json")
			_, err := sweep.Open(dir, id, start, usual, time.Hour)
			return err
		}, "scan.json, offset "},
		{"a state whose account is a path", func(t *testing.T, dir string, _ *sweep.Sweep) error {
			write(t, `{"format": 1, "accounts": [{"id": "../../etc/passwd"}]}`, dir, "scan.json")
			_, err := sweep.Open(dir, id, start, usual, time.Hour)
			return err
		}, "scan.json: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, s := begun(t)
			ended(t, s)
			if err := c.do(t, dir, s); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// A scan that did not find its organization has nothing that is worth keeping to.
func TestAScanThatDidNotBeginTakesNewParameters(t *testing.T) {
	dir := t.TempDir()
	ended(t, open(t, dir))
	later := start.AddDate(0, 0, 9)
	s, err := sweep.Open(dir, id, later, sweep.Parameters{Role: "other"}, time.Hour)
	if err != nil || s.State.Parameters.Role != "other" || !s.State.Started.Equal(later) {
		t.Errorf("got %+v, %v, want the other role", s, err)
	}
}

func TestBrokenSessionsAreNamed(t *testing.T) {
	dir, s := begun(t)
	write(t, "{}\n{\n", dir, "sessions.jsonl")
	if _, err := s.Sessions(); err == nil || !strings.Contains(err.Error(), "sessions.jsonl, line 2") {
		t.Errorf("got %v, want an error that names the line", err)
	}
}

// What could not be read is read again, even after the scan came to its end.
func TestAFinishedScanReadsWhatFailed(t *testing.T) {
	dir, s := begun(t)
	s.Fail("222222222222", "role cannot be entered")
	if err := s.Finish(start); err != nil {
		t.Fatal(err)
	}
	ended(t, s)
	s = open(t, dir)
	if got := s.State.Accounts[1].Problem; got != "role cannot be entered" {
		t.Errorf("the problem: got %q", got)
	}
	if left, err := s.Begin("o-1", people); err != nil || !slices.Equal(left, []rootkeep.AccountID{"222222222222"}) || s.State.Accounts[1].Problem != "" {
		t.Errorf("got %v, %v, want account two without its problem", left, err)
	}
}

func TestSnapshotsOfAFolder(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
	}{
		{"of a newer version", `{"format": 9}`, "snapshot of format 9, this program reads up to 1"},
		{"of another account", `{"format": 1, "account": "444444444444"}`, "a snapshot of account 444444444444"},
		{"cut", `{"format": 1,`, "offset "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, s := begun(t)
			write(t, c.text, dir, "222222222222.json")
			_, err := s.Snapshot("222222222222")
			if err == nil || !strings.Contains(err.Error(), "222222222222.json") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q that names the file", err, c.want)
			}
			if s.Peer("222222222222") != nil {
				t.Error("a broken snapshot is somebody's peer")
			}
		})
	}
	_, s := begun(t)
	if _, err := s.Snapshot("222222222222"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an account that was not read: got %v, want fs.ErrNotExist", err)
	}
}

// Peers are found in the scan alone, and the one that all ask for is read once.
func TestPeers(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var many []sweep.Account
	for i := range 9 {
		many = append(many, sweep.Account{ID: rootkeep.AccountID(fmt.Sprintf("%012d", i))})
	}
	if _, err := s.Begin("o-1", many); err != nil {
		t.Fatal(err)
	}
	for _, a := range many {
		put(t, s, a.ID)
	}
	first := s.Peer(many[0].ID)
	for _, a := range many {
		if got := s.Peer(a.ID); got == nil || got.Account != a.ID {
			t.Errorf("%s: got %v", a.ID, got)
		}
		if s.Peer(many[0].ID) != first {
			t.Errorf("after %s the first peer was read again", a.ID)
		}
	}
	put(t, s, "555555555555")
	for _, stranger := range []rootkeep.AccountID{"555555555555", "../scan", ""} {
		if s.Peer(stranger) != nil {
			t.Errorf("%q is a peer and is not of the scan", stranger)
		}
	}
}

func TestAFailedWriteLeavesNothing(t *testing.T) {
	dir, s := begun(t)
	bad := &facts.Snapshot{Account: "222222222222", Taken: time.Date(99999, 1, 1, 0, 0, 0, 0, time.UTC)} // JSON has no such year
	if err := s.Put(bad); err == nil {
		t.Error("a snapshot that cannot be written: got no error")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("got %v, %v, want the state, its lock and one snapshot", entries, err)
	}
}

func TestIDsSortByTime(t *testing.T) {
	last := ""
	for _, at := range []time.Time{start, start.Add(time.Millisecond), start.Add(time.Hour), start.AddDate(900, 0, 0)} {
		got := sweep.ID(at, []byte{255, 0, 31, 32, 7})
		if got <= last || len(got) != 17 || !strings.HasPrefix(got, "SC-") || !strings.HasSuffix(got, "Z0Z07") {
			t.Errorf("%s: got %s after %s", at, got, last)
		}
		last = got
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"format": 1, "scan": "SC-1", "organization": "o-1", "parameters": {"role": "r"}, "accounts": [{"id": "111111111111", "name": "x"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "scan.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := sweep.Load(dir)
		if err != nil {
			return
		}
		for _, a := range s.State.Accounts {
			if _, err := rootkeep.ParseAccountID(string(a.ID)); err != nil {
				t.Errorf("%q is no account", a.ID)
			}
		}
	})
}
