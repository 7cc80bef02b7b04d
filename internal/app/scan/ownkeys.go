package scan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/sweep"
)

// historyDays is how far back CloudTrail's event history shows root (CloudTrail User
// Guide, "Working with CloudTrail event history"), and a day for the clocks.
const historyDays = 91

// ownKeys are the access keys of the root sessions that earlier scans were given, by
// account. CloudTrail shows what they did for 90 days, so that without them a scan a day
// takes those of the day before for a stranger.
type ownKeys map[rootkeep.AccountID][]string

// ownKeys reads the sessions of --earlier and of --since. What is wrong with --since is
// said where it is compared.
func (c Config) ownKeys() (ownKeys, error) {
	out := ownKeys{}
	for id, keys := range c.Keys {
		out[id] = slices.Clone(keys)
	}
	oldest := c.Now.AddDate(0, 0, -historyDays)
	for _, path := range c.Earlier {
		n, err := out.read(path, oldest)
		if err == nil && n == 0 {
			err = fmt.Errorf("%s: no scan of an organization is there; hint: give the folder of its --save, or one that holds such folders", path)
		}
		if err != nil {
			return nil, fmt.Errorf("read earlier scans: %w", err)
		}
	}
	if c.Since != "" {
		_, _ = out.read(c.Since, oldest)
	}
	return out, nil
}

// read takes the sessions of a snapshot, of the folder of a scan, or of the folders in a
// folder. It says how many records of sessions it found.
func (k ownKeys) read(path string, oldest time.Time) (int, error) {
	if !isFolder(path) {
		return 1, k.snapshot(path, oldest)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return 0, err
	}
	dirs := []string{path}
	for _, e := range entries {
		if e.IsDir() {
			dirs = append(dirs, filepath.Join(path, e.Name()))
		}
	}
	n := 0
	for _, dir := range dirs {
		sessions, err := sweep.SessionsIn(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return n, err
		}
		k.add(sessions, oldest)
		n++
	}
	if n > 0 {
		return n, nil
	}
	snapshots, _ := SnapshotsIn(path) // that there is none is not found, which the caller says
	for _, name := range snapshots {
		if err := k.snapshot(name, oldest); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// snapshot takes the sessions of a snapshot; a report has none.
func (k ownKeys) snapshot(path string, oldest time.Time) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var s struct{ Sessions []facts.Session }
	if err := json.NewDecoder(io.LimitReader(f, maxEarlier)).Decode(&s); err != nil {
		return fmt.Errorf("%s: no snapshot: %w", path, err)
	}
	k.add(s.Sessions, oldest)
	return nil
}

func (k ownKeys) add(sessions []facts.Session, oldest time.Time) {
	for _, s := range sessions {
		if s.Root && s.AccessKey != "" && s.End.After(oldest) {
			k[s.Account] = append(k[s.Account], s.AccessKey)
		}
	}
}
