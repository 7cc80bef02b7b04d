package scan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/register"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/sweep"
)

// maxEarlier bounds one earlier report or snapshot, bytes.
const maxEarlier = 1 << 30

// compare notes what has changed since an earlier scan: its JSON report, a snapshot, or
// a folder of snapshots. Facts are judged again as of now, by the controls and the
// register of this scan, so that only what the account did counts as a change.
func (c Config) compare(a *assessment.Assessment, controls []*posture.Control, people *register.Register, own ownKeys) error {
	if c.Since == "" {
		return nil
	}
	paths := []string{c.Since}
	info, err := os.Stat(c.Since)
	if err != nil {
		return fmt.Errorf("read the earlier scan: %w", err)
	}
	if info.IsDir() {
		if paths, err = SnapshotsIn(c.Since); err != nil {
			return fmt.Errorf("read the earlier scan: %w", err)
		}
	}
	var peer peers
	if info.IsDir() {
		if s, err := sweep.Load(c.Since); err == nil { // a folder of a scan of an organization
			peer = s.Peer
		}
	}
	earlier := assessment.New(c.Version, c.Now.UTC(), controls)
	for _, path := range paths {
		report, snapshot, err := readEarlier(path)
		switch {
		case err != nil && !info.IsDir():
			return fmt.Errorf("%s: %w", path, err)
		case err != nil:
			// Its account is then not compared, which the report says.
			a.Problems = append(a.Problems, assessment.Problem{File: path, Reason: reason(err)})
		case report != nil && info.IsDir():
			a.Problems = append(a.Problems, assessment.Problem{File: path, Reason: "a report among snapshots; hint: give it to --since on its own"})
		case report != nil:
			a.Compare(report, path)
			return nil
		default:
			if earlier.Judged.After(snapshot.Taken) {
				earlier.Judged = snapshot.Taken
			}
			earlier.Add(snapshot, Judged(snapshot, controls, people.Use(c.Now), posture.Setting{Now: c.Now, Peer: peer, Keys: own[snapshot.Account]}))
		}
	}
	a.Compare(earlier, c.Since)
	return nil
}

// SnapshotsIn are the snapshots of a folder: all *.json but the state of a scan of an
// organization.
func SnapshotsIn(dir string) ([]string, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	names = slices.DeleteFunc(names, func(name string) bool { return filepath.Base(name) == sweep.StateFile })
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s: no snapshot (*.json) in this folder; hint: give the folder that scan --save wrote to", dir)
	}
	return names, err
}

// readEarlier reads either kind of file.
func readEarlier(path string) (*assessment.Assessment, *facts.Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxEarlier+1))
	switch {
	case err != nil:
		return nil, nil, err
	case len(text) > maxEarlier:
		return nil, nil, fmt.Errorf("more than %d MiB", maxEarlier>>20)
	}
	var kind struct {
		Schema string `json:"schema"`
		Format int    `json:"format"`
	}
	if err := json.Unmarshal(text, &kind); err != nil {
		return nil, nil, fmt.Errorf("no report and no snapshot: %w", err)
	}
	if kind.Schema != "" {
		a, err := assessment.ReadEarlier(bytes.NewReader(text))
		return a, nil, err
	}
	s, err := facts.Read(bytes.NewReader(text))
	return nil, s, err
}
