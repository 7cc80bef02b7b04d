package template

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/sigma/yamldoc"
)

// Source is a folder of templates. Name is what messages call it; empty is Dir.
type Source struct {
	FS   fs.FS
	Dir  string
	Name string
}

// Load reads the .yaml and .yml files of each folder, not of folders below. A file
// that cannot be used is left out; the error joins what is wrong with every file, each
// with file and line, and the sound templates come back beside it. An id is given
// once over all sources: the first keeps it.
func Load(sources ...Source) (Templates, error) {
	var out Templates
	var errs []error
	for _, src := range sources {
		entries, err := fs.ReadDir(src.FS, src.Dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("read templates of %s: %w", cmp.Or(src.Name, src.Dir), err))
			continue
		}
		for _, e := range entries {
			if ext := path.Ext(e.Name()); e.IsDir() || ext != ".yaml" && ext != ".yml" {
				continue
			}
			t, err := src.read(e.Name(), out)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(a, b *Template) int {
		return cmp.Or(cmp.Compare(rank(a.Number), rank(b.Number)), cmp.Compare(a.ID, b.ID))
	})
	return out, errors.Join(errs...)
}

// rank puts templates without a number last.
func rank(number int) int {
	if number == 0 {
		return 1 << 30
	}
	return number
}

func (src Source) read(name string, loaded Templates) (*Template, error) {
	shown := path.Join(cmp.Or(src.Name, src.Dir), name)
	text, err := rule.ReadFile(src.FS, path.Join(src.Dir, name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	t, err := Parse(shown, text)
	if err != nil {
		return nil, err
	}
	if want := strings.TrimSuffix(name, path.Ext(name)); t.ID != want {
		return nil, &rule.Error{File: shown, Line: 1, Column: 1, Msg: fmt.Sprintf("id is %q, want the name of the file, %q", t.ID, want)}
	}
	if other, taken := loaded.Find(t.ID); taken {
		return nil, &rule.Error{File: shown, Line: 1, Column: 1, Msg: fmt.Sprintf("id %q is already used by %s", t.ID, other.File)}
	}
	return t, nil
}

// Parse reads one template. The error joins every problem with its line.
func Parse(file string, text []byte) (*Template, error) {
	var t *Template
	var decodeErr error
	err := yamldoc.Read(file, text, func(r *yamldoc.Reader, body ast.Node) {
		if t != nil || decodeErr != nil {
			r.Fail(body, "a file holds one template")
			return
		}
		into := &Template{File: file}
		if decodeErr = rule.Decode(file, body, into); decodeErr != nil {
			return
		}
		t = into
		c := checker{Template: t, reader: r, body: body}
		c.check()
	})
	if err := errors.Join(err, decodeErr); err != nil {
		return nil, err
	}
	return t, nil
}
