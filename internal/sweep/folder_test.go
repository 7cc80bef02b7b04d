package sweep_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/sweep"
)

// Two scans in one folder would remove each other's files.
func TestASecondScanIsKeptOut(t *testing.T) {
	if !slices.Contains([]string{"darwin", "dragonfly", "freebsd", "linux", "netbsd", "openbsd", "windows"}, runtime.GOOS) {
		t.Skip("no lock on " + runtime.GOOS)
	}
	dir, s := begun(t)
	write(t, "half", dir, ".part-1") // what the first is writing
	_, err := sweep.Open(dir, id, start, usual, time.Hour)
	if err == nil || !strings.Contains(err.Error(), dir+": another scan is writing here; hint: ") {
		t.Errorf("got %v, want that another scan is writing", err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".part-1")); err != nil {
		t.Errorf("the second scan touched the first one's file: %v", err)
	}
	read, err := sweep.Load(dir)
	if err != nil || read.Close() != nil {
		t.Errorf("reading beside a scan: got %v", err)
	}
	ended(t, s)
	ended(t, open(t, dir))
}

// A scan that was refused, or killed before it had a state, leaves the lock's file alone.
func TestALockAloneIsAnEmptyFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, "", dir, "scan.lock")
	ended(t, open(t, dir))
}

func TestAFolderOfOtherThingsGetsNoLock(t *testing.T) {
	dir := t.TempDir()
	write(t, "x", dir, "notes.txt")
	if _, err := sweep.Open(dir, id, start, usual, time.Hour); err == nil || !strings.Contains(err.Error(), "is not empty and holds no scan") {
		t.Errorf("got %v, want that the folder holds other things", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v, want the folder as it was", entries, err)
	}
}

func TestWhatIsBrokenInAFinishedFolderIsReadAgain(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, path string)
	}{
		{"a snapshot that was deleted", func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}},
		{"a snapshot that is cut", func(t *testing.T, path string) {
			if err := os.Truncate(path, 20); err != nil {
				t.Fatal(err)
			}
		}},
		{"a snapshot of another account", func(t *testing.T, path string) {
			write(t, `{"format": 1, "account": "111111111111"}`, path)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, s := begun(t)
			put(t, s, "222222222222")
			if err := s.Finish(start); err != nil {
				t.Fatal(err)
			}
			ended(t, s)
			c.spoil(t, filepath.Join(dir, "222222222222.json"))
			s = open(t, dir)
			if left, err := s.Begin("o-1", people); err != nil || !slices.Equal(left, []rootkeep.AccountID{"222222222222"}) {
				t.Fatalf("left to read: got %v, %v, want account two", left, err)
			}
			put(t, s, "222222222222")
			if err := s.Finish(start); err != nil {
				t.Fatal(err)
			}
			ended(t, s)
			if _, err := sweep.Open(dir, id, start, usual, time.Hour); err == nil || !strings.Contains(err.Error(), "holds a finished scan") {
				t.Errorf("after the repair: got %v, want that it is finished", err)
			}
		})
	}
}

func TestASnapshotThatWasReplacedIsReadAnew(t *testing.T) {
	_, s := begun(t)
	if _, err := s.Snapshot("111111111111"); err != nil {
		t.Fatal(err)
	}
	later := start.Add(time.Hour)
	if err := s.Put(&facts.Snapshot{Format: facts.Format, Account: "111111111111", Taken: later}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Snapshot("111111111111"); err != nil || !got.Taken.Equal(later) {
		t.Errorf("got %+v, %v, want the newer one", got, err)
	}
}

// A folder that is only read stays as it is, to the byte: a scan may be writing there.
func TestReadingSessionsWritesNothing(t *testing.T) {
	dir, _ := begun(t)
	text := `{"account": "111111111111", "access_key": "ASIA1"}` + "\n" + `{"account": "22`
	write(t, text, dir, "sessions.jsonl")
	path := filepath.Join(dir, "sessions.jsonl")
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	s, err := sweep.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if sessions, err := s.Sessions(); err != nil || len(sessions) != 1 || sessions[0].AccessKey != "ASIA1" {
		t.Errorf("got %v, %v, want the session that is whole", sessions, err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != text {
		t.Errorf("the file: got %q, %v, want it as it was", got, err)
	}
}
