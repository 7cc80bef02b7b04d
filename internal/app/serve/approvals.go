package serve

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// book reads the policies of approval; without a file they are the defaults.
func (c *Settings) book() (*approval.Book, error) {
	if c.Approvals == "" {
		return approval.NewBook(approval.Configuration{})
	}
	folder, name := filepath.Split(c.Approvals)
	b, err := approval.ReadBook(rule.Source{FS: os.DirFS(filepath.Clean(folder)), Dir: ".", Name: folder}, name) // Clean makes no folder this one
	if err != nil {
		return nil, fmt.Errorf("approvals: %w", err)
	}
	return b, nil
}
