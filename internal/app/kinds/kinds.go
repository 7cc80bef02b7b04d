// Package kinds loads the kinds of change, those that come with rootkeep and a user's
// own, and tries them on a simulated organization.
package kinds

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/awsread/ask"
	"github.com/rootkeep/rootkeep/internal/awswrite"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Catalogue is the kinds that were loaded.
type Catalogue struct {
	Kinds    []*change.Kind // by ID
	Problems []error        // files that were left out, each with file, line and column
}

// Load reads the shipped kinds and those of the user's folders, which may not take the
// ID of another. With cases they can be tried.
func Load(dirs []string, cases bool) (*Catalogue, error) {
	c := &Catalogue{}
	c.Kinds, c.Problems = change.Load(Known, rule.Source{FS: content.Files, Dir: "changes", Tested: !cases})
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no folder", dir)
		}
		if err != nil {
			return nil, fmt.Errorf("changes: %w", err)
		}
		own, problems := change.Load(Known, rule.Source{FS: os.DirFS(dir), Dir: ".", Name: filepath.Clean(dir)})
		c.Problems = append(c.Problems, problems...)
		for _, k := range own {
			if other := c.Find(k.ID); other != nil {
				c.Problems = append(c.Problems, fmt.Errorf("%s: change %s is already in %s; want another id", k.File(), k.ID, other.File()))
				continue
			}
			c.Kinds = append(c.Kinds, k)
		}
	}
	slices.SortFunc(c.Kinds, func(a, b *change.Kind) int { return strings.Compare(a.ID, b.ID) })
	return c, nil
}

// Deployments reads those that come with rootkeep, with cases or without, which name kinds
// of the catalogue.
func (c *Catalogue) Deployments(cases bool) ([]*change.Deployment, []error) {
	return change.LoadDeployments(c.Find, rule.Source{FS: content.Files, Dir: "deployments", Tested: !cases})
}

// Find is the kind with the ID, nil if there is none.
func (c *Catalogue) Find(id string) *change.Kind {
	for _, k := range c.Kinds {
		if k.ID == id {
			return k
		}
	}
	return nil
}

// Known finds an operation that kinds may call.
func Known(name string) (change.Operation, bool) {
	if o, ok := awswrite.Operation(name); ok {
		return o, true
	}
	return ask.Operation(name)
}
