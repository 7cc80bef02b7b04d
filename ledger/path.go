package ledger

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// errName is a name that PathName does not give.
var errName = errors.New("its name is not as rootkeep writes it")

// plain are the bytes that a path and its name in a bundle share. The others, + among
// them, are + and two hexadecimal digits in the name: a zip that is unpacked on any
// system then holds what it should.
func plain(c byte) bool {
	return c == '/' || c == '.' || c == '_' || c == '-' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// PathName is the name under which a bundle holds a copy of a file of that path below a
// folder. The error is of a path that none can have.
func PathName(folder, path string) (string, error) {
	if !fs.ValidPath(path) || path == "." {
		return "", fmt.Errorf("%q is no path inside of a folder", path)
	}
	var b strings.Builder
	b.WriteString(folder + "/")
	for i := range len(path) {
		if c := path[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "+%02X", c)
		}
	}
	if b.Len() > maxName {
		return "", fmt.Errorf("its path takes %d bytes, a bundle has room for %d", b.Len(), maxName)
	}
	return b.String(), nil
}

// pathOf is the path that PathName made a name of. Every path has one name.
func pathOf(folder, name string) (string, error) {
	rest, ok := strings.CutPrefix(name, folder+"/")
	if !ok {
		return "", errName
	}
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		c := rest[i]
		if c == '+' {
			if i+2 >= len(rest) {
				return "", errName
			}
			if _, err := fmt.Sscanf(rest[i+1:i+3], "%02X", &c); err != nil {
				return "", errName
			}
			i += 2
		}
		b.WriteByte(c)
	}
	if again, err := PathName(folder, b.String()); err != nil || again != name {
		return "", errName
	}
	return b.String(), nil
}

// Below gives the files of a folder of the bundle under the paths that PathName made
// their names of, nil if there is none. What is read from it was compared with the
// manifest, or is among the faults.
func (v *Verdict) Below(folder string) (fs.FS, error) {
	if v.files == nil {
		return nil, nil
	}
	files := &zip.Reader{}
	for name, f := range v.files.files {
		if !strings.HasPrefix(name, folder+"/") {
			continue
		}
		path, err := pathOf(folder, name)
		if err != nil {
			return nil, fmt.Errorf("bundle: %s: %w", name, err)
		}
		under := *f
		under.Name = path
		files.File = append(files.File, &under)
	}
	if len(files.File) == 0 {
		return nil, nil
	}
	slices.SortFunc(files.File, func(a, b *zip.File) int { return cmp.Compare(a.Name, b.Name) })
	return files, nil
}
