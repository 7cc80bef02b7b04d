package policyfile

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam/template"
)

// LoadTemplates reads the shipped policy templates and, unless dir is empty, those of
// DIR/policies. Sound templates come back beside an error about others.
func LoadTemplates(dir string) (template.Templates, error) {
	sources := []template.Source{{FS: content.Files, Dir: "policies"}}
	if dir != "" {
		sources = append(sources, policyFolder(dir))
	}
	return template.Load(sources...)
}

// LoadOwnTemplates reads the policy templates of DIR/policies alone.
func LoadOwnTemplates(dir string) (template.Templates, error) {
	own := policyFolder(dir)
	ts, err := template.Load(own)
	if err == nil && len(ts) == 0 {
		err = fmt.Errorf("no template in %s: a template ends in .yaml", own.Name)
	}
	return ts, err
}

func policyFolder(dir string) template.Source {
	return template.Source{FS: os.DirFS(dir), Dir: "policies", Name: filepath.Join(dir, "policies")}
}
