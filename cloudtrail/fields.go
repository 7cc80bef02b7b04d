package cloudtrail

import (
	"fmt"
	"strings"
)

// Fields is a set of field paths, compiled once and shared by any number of
// readers. The number of a field is its index in the list it was compiled from.
type Fields struct {
	paths []string
	root  *branch
}

// branch is one key of the trie of paths.
type branch struct {
	field    int // field that ends here, -1 if none
	children map[string]*branch
}

// CompileFields compiles dotted paths such as userIdentity.type. A path crosses
// arrays without naming them. A key that itself contains a dot cannot be asked
// for. Empty keys and repeated paths are errors.
func CompileFields(paths []string) (*Fields, error) {
	f := &Fields{paths: append([]string(nil), paths...), root: &branch{field: -1}}
	for n, path := range f.paths {
		at := f.root
		for key := range strings.SplitSeq(path, ".") {
			if key == "" {
				return nil, fmt.Errorf("cloudtrail: field path %q has an empty key", path)
			}
			at = at.child(key)
		}
		if at.field >= 0 {
			return nil, fmt.Errorf("cloudtrail: field path %q is given twice (fields %d and %d)", path, at.field, n)
		}
		at.field = n
	}
	return f, nil
}

// child finds or makes the branch of a key.
func (b *branch) child(key string) *branch {
	if b.children == nil {
		b.children = make(map[string]*branch)
	}
	c := b.children[key]
	if c == nil {
		c = &branch{field: -1}
		b.children[key] = c
	}
	return c
}
