// Package roottask loads the tasks that people ask root for, those that come with
// rootkeep and a user's own.
package roottask

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Catalogue is the tasks that were loaded.
type Catalogue struct {
	Tasks    []*access.Task // by ID
	Problems []error        // files that were left out, each with file and line
}

// Load reads the shipped tasks and those of DIR/roottasks of some folders, which may name
// the checklists of DIR/checklists and the kinds of change of DIR/changes, and may not take
// the ID of another. The error is that a folder cannot be read.
func Load(dirs ...string) (*Catalogue, error) {
	trees := []fs.FS{content.Files}
	for _, dir := range dirs {
		trees = append(trees, os.DirFS(dir))
	}
	return load(known(trees), dirs)
}

func load(kind func(id string) bool, dirs []string) (*Catalogue, error) {
	lists := []rule.Source{{FS: content.Files, Dir: "checklists", Tested: true}}
	tasks := []rule.Source{{FS: content.Files, Dir: "roottasks", Tested: true}}
	for _, dir := range dirs {
		if err := folder(dir); err != nil {
			return nil, err
		}
		own := os.DirFS(dir)
		lists = append(lists, rule.Source{FS: own, Dir: "checklists", Name: filepath.Join(dir, "checklists")})
		tasks = append(tasks, rule.Source{FS: own, Dir: "roottasks", Name: filepath.Join(dir, "roottasks")})
	}
	read, problems := access.LoadChecklists(lists...)
	c := &Catalogue{}
	c.Tasks, c.Problems = access.LoadTasks(kind, read, tasks...)
	c.Problems = append(problems, c.Problems...)
	return c, nil
}

// Settings are those of a server.
type Settings struct {
	Folders []string `yaml:"folders"` // with own tasks and checklists
}

// Check says what is wrong with them, as far as that is seen without reading the files.
func (s *Settings) Check() error {
	for _, dir := range s.Folders {
		if err := folder(dir); err != nil {
			return err
		}
	}
	return nil
}

// Load reads what root may be asked for. A file that cannot be used, as it names a kind of
// change that the server does not have, is an error: nobody could do the task.
func (s *Settings) Load(changes *kinds.Catalogue) (*Catalogue, error) {
	c, err := load(func(kind string) bool { return changes.Find(kind) != nil }, s.Folders)
	if err != nil {
		return nil, err
	}
	return c, errors.Join(c.Problems...)
}

// folder says why something is no folder of tasks, or nil.
func folder(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder", dir)
	}
	if err != nil {
		return fmt.Errorf("root tasks: %w; hint: name the folder that holds roottasks", err)
	}
	return nil
}

// known says whether there is a file of a kind of change. Whether it is one that works is
// found when it is planned.
func known(trees []fs.FS) func(string) bool {
	return func(id string) bool {
		for _, tree := range trees {
			if info, err := fs.Stat(tree, "changes/"+id+".yaml"); err == nil && info.Mode().IsRegular() {
				return true
			}
		}
		return false
	}
}

// Find is the task with the ID, nil if there is none.
func (c *Catalogue) Find(id string) *access.Task { return access.Find(c.Tasks, id) }
