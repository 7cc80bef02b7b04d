// Package backup puts backups of a store into a folder, each verified before it has its name,
// and keeps the newest of them: a job of a server goes in, a file comes out.
package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

// Settings say where jobs put backups of the store.
type Settings struct {
	Folder string `yaml:"folder"` // empty: nowhere
	Keep   string `yaml:"keep"`   // how many lie there at most
}

// Kind is the kind of jobs that back the store up.
const Kind = "backup"

// UsualKeep is how many lie there if nothing else is said.
const UsualKeep = "14"

const mostKeep = 10_000

// backupName is what backups of jobs are called, by the time at which they were asked
// for. No other file in the folder is ever removed.
var backupName = regexp.MustCompile(`^rootkeep-\d{8}T\d{6}Z-[0-9A-Z]+\.db$`)

// keep is how many backups are kept.
func (b Settings) keep() (int, error) {
	n, err := strconv.Atoi(b.Keep)
	if err != nil || n < 1 || n > mostKeep {
		return 0, fmt.Errorf("backup.keep %q: want a number from 1 to %d", b.Keep, mostKeep)
	}
	return n, nil
}

// Check refuses settings that cannot be.
func (b Settings) Check() error {
	if b.Folder != "" && !filepath.IsAbs(b.Folder) {
		return fmt.Errorf("backup.folder %q: want an absolute path", b.Folder)
	}
	_, err := b.keep()
	return err
}

// Maker makes them.
type Maker struct {
	Settings
	Store *store.Store
}

// Run puts a backup into the folder, verified before it gets its name, and removes
// the oldest beyond those that are kept. A job that comes again finds its own.
func (b Maker) Run(ctx context.Context, j *job.Job, say func(string)) error {
	if b.Folder == "" {
		return job.Permanent(errNoFolder)
	}
	keep, err := b.keep()
	if err != nil {
		return job.Permanent(err)
	}
	if err := os.MkdirAll(b.Folder, 0o700); err != nil {
		return err
	}
	name := "rootkeep-" + j.Created.UTC().Format("20060102T150405Z") + "-" + j.ID[len("JO-"):] + ".db"
	path := filepath.Join(b.Folder, name)
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		if err := b.make(ctx, j, path, say); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	kept, removed, err := rotate(b.Folder, keep)
	if err != nil {
		return err
	}
	say(fmt.Sprintf("%s, whose ledger verifies; %s lie there, %d removed", name, text.Counted(kept, "backup"), removed))
	return nil
}

var errNoFolder = errors.New("the server's settings name no folder for backups; hint: the setting backup.folder, see docs/server.md")

// make makes the backup, and tells of it in the ledger.
func (b Maker) make(ctx context.Context, j *job.Job, path string, say func(string)) error {
	// What an attempt of this job left that was killed: nobody else has the name.
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + ".part" + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	v, err := b.Store.Backup(ctx, path, func(what string, done, total int64) { say(fmt.Sprintf("%s: %d of %d", what, done, total)) })
	if err != nil {
		return err
	}
	payload, err := json.Marshal(struct {
		File    string `json:"file"`
		Entries int64  `json:"entries"`
		Root    string `json:"root"` // base64, as the checkpoint has it
	}{filepath.Base(path), v.Head.Size, v.Head.Root.String()})
	if err != nil {
		return err
	}
	return b.Store.Update(ctx, func(_ context.Context, tx *store.Tx) error {
		return tx.Record("store.backed-up", j.ID, people.SystemActor.ID, ledger.NewPayload("backup", payload))
	})
}

// rotate removes the oldest backups of a folder beyond so many.
func rotate(folder string, keep int) (kept, removed int, err error) {
	all, err := os.ReadDir(folder)
	if err != nil {
		return 0, 0, err
	}
	var names []string
	for _, f := range all {
		if f.Type().IsRegular() && backupName.MatchString(f.Name()) {
			names = append(names, f.Name())
		}
	}
	slices.Sort(names) // by time
	for len(names)-removed > keep {
		if err := os.Remove(filepath.Join(folder, names[removed])); err != nil {
			return 0, 0, err
		}
		removed++
	}
	return len(names) - removed, removed, nil
}
