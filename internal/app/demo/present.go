package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Acts are the last ones, for whoever looks on. The zero value has none.
type Acts struct {
	mu   sync.Mutex // guards list
	list []Act      // the newest last
}

// shownActs is how many are kept.
const shownActs = 3

// Add keeps an act.
func (a *Acts) Add(x Act) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, x)
	a.list = a.list[max(0, len(a.list)-shownActs):]
}

// Lines are sentences about them, the newest first.
func (a *Acts) Lines() (out []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, x := range slices.Backward(a.list) {
		out = append(out, x.At.UTC().Format("15:04:05")+" UTC: "+x.What+".")
	}
	return out
}

// Settings writes what a server needs to watch the present of a folder, which is absolute:
// a file of live sources, and one of places of logs whose digests are verified.
func Settings(folder string) (sources, hunts string, err error) {
	sources, hunts = filepath.Join(folder, "sources.yaml"), filepath.Join(folder, "hunts.yaml")
	logs := filepath.Join(folder, Trail)
	return sources, hunts, errors.Join(
		os.WriteFile(sources, fmt.Appendf(nil, "sources:\n  - {name: organization-trail, folder: %q}\n", filepath.Join(folder, Live)), 0o600),
		os.WriteFile(hunts, fmt.Appendf(nil, "hunts:\n  - {name: organization-trail, paths: [%q], keys: [%q]}\n", logs, KeysOf(logs)), 0o600),
	)
}
