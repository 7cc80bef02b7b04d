// Package past is the folder that the past of a demonstration is kept in. It knows whose the
// folder is, and when its past is too old to go on with.
package past

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// keep is how long a past is used again: after it the newest scan would look old.
const keep = 12 * time.Hour

// The file that says whose the folder is, and whether its past is whole. Its time is when
// the past was.
const (
	file  = "rootkeep-demo.txt"
	half  = "The past is being made. rootkeep demo removes what lies here when it makes it anew.\n"
	whole = "The past is whole. rootkeep demo removes what lies here when it makes it anew.\n"
)

// Folder is the path of one.
type Folder string

func (f Folder) file() string { return filepath.Join(string(f), file) }

// Take says whether the folder holds a past to go on with, unless a fresh one is wanted. If
// not, it is empty afterwards: what was half made, or is old, goes, and what is somebody
// else's is an error.
func (f Folder) Take(fresh bool) (kept bool, err error) {
	text, err := os.ReadFile(f.file())
	switch {
	case err == nil:
		is, err := os.Stat(f.file())
		if err == nil && string(text) == whole && !fresh && time.Since(is.ModTime()) < keep {
			return true, nil
		}
		if err := errors.Join(err, f.empty()); err != nil {
			return false, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	default:
		if others, err := os.ReadDir(string(f)); err == nil && len(others) > 0 {
			return false, fmt.Errorf("%s: other files lie there, and the demonstration would remove them; hint: --folder with the name of a new one", f)
		}
	}
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return false, err
	}
	return false, os.WriteFile(f.file(), []byte(half), 0o600)
}

// empty removes what lies in the folder, the file that says whose it is last: an empty
// that was interrupted can go on.
func (f Folder) empty() error {
	all, err := os.ReadDir(string(f))
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.Name() != file {
			if err := os.RemoveAll(filepath.Join(string(f), e.Name())); err != nil {
				return err
			}
		}
	}
	return os.Remove(f.file())
}

// Keep notes that the past is whole.
func (f Folder) Keep() error { return os.WriteFile(f.file(), []byte(whole), 0o600) }
