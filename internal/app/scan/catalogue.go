package scan

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Catalogue is what accounts are judged by, and what that means to frameworks.
type Catalogue struct {
	Controls   []*posture.Control
	Frameworks []*framework.Framework
	Problems   []error // files that were left out
}

// LoadCatalogue reads the shipped controls and frameworks and those of the user's
// folders. A file that is broken is a problem; the others are used.
func LoadCatalogue(controlDirs, frameworkDirs []string) (*Catalogue, error) {
	c := &Catalogue{}
	controls, problems, err := LoadControls(controlDirs)
	if err != nil {
		return nil, err
	}
	c.Controls, c.Problems = controls, problems
	return c, c.loadFrameworks(frameworkDirs)
}

// LoadFrameworks reads the shipped frameworks and those of the user's folders for
// controls that are loaded already. A control that maps itself to what is not there is
// left out of the catalogue.
func LoadFrameworks(controls []*posture.Control, dirs []string) (*Catalogue, error) {
	c := &Catalogue{Controls: slices.Clone(controls)}
	return c, c.loadFrameworks(dirs)
}

func (c *Catalogue) loadFrameworks(dirs []string) error {
	sources, err := folders("frameworks", dirs)
	if err != nil {
		return err
	}
	// A user's framework has every control before it, so that one it names must be there.
	// Of a shipped one whose control is broken the clause is not known when judged.
	all, problems := framework.Load(nil, rule.Source{FS: content.Files, Dir: "frameworks"})
	c.Problems = append(c.Problems, problems...)
	own, problems := framework.Load(c.IDs(), sources...)
	c.Problems = append(c.Problems, problems...)
	for _, f := range own {
		if framework.Find(all, f.ID) != nil {
			c.Problems = append(c.Problems, fmt.Errorf("%s: framework %s comes with rootkeep; want another id", f.File(), f.ID))
			continue
		}
		all = append(all, f)
	}
	c.mapControls(all)
	c.Frameworks, problems = framework.Resolve(all)
	c.Problems = append(c.Problems, problems...)
	return nil
}

// mapControls adds what the user's controls say they answer. A control that names
// what is not there is left out.
func (c *Catalogue) mapControls(all []*framework.Framework) {
	c.Controls = slices.DeleteFunc(c.Controls, func(control *posture.Control) bool {
		err := framework.Map(all, control.ID, control.Title, control.Maps)
		if err != nil {
			c.Problems = append(c.Problems, control.Refuse(err.Error()))
		}
		return err != nil
	})
}

// IDs are the controls by ID.
func (c *Catalogue) IDs() []string {
	out := make([]string, len(c.Controls))
	for i, control := range c.Controls {
		out[i] = control.ID
	}
	return out
}

// ErrNoFramework is of an ID that no framework has.
var ErrNoFramework = errors.New("no such framework")

// Select finds frameworks by ID.
func (c *Catalogue) Select(ids []string) ([]*framework.Framework, error) {
	var out []*framework.Framework
	for _, id := range ids {
		f := framework.Find(c.Frameworks, id)
		if f == nil {
			return nil, fmt.Errorf("%w: %q; hint: rootkeep frameworks list", ErrNoFramework, id)
		}
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out, nil
}

// Keep drops the controls that none of the frameworks maps.
func (c *Catalogue) Keep(chosen []*framework.Framework) {
	var ids []string
	for _, f := range chosen {
		ids = append(ids, f.Controls()...)
	}
	c.Controls = slices.DeleteFunc(c.Controls, func(control *posture.Control) bool { return !slices.Contains(ids, control.ID) })
}

// folders are the user's own content, after a look at whether they are folders.
func folders(kind string, dirs []string) ([]rule.Source, error) {
	var out []rule.Source
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("read %s: %w", kind, err)
		} else if !info.IsDir() {
			return nil, fmt.Errorf("read %s: %s is no folder", kind, dir)
		}
		out = append(out, rule.Source{FS: os.DirFS(dir), Dir: ".", Name: dir})
	}
	return out, nil
}
