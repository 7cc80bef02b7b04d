package rule

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// MaxFile bounds one content file, bytes.
const MaxFile = 1 << 20

// ReadFile reads a content file of at most MaxFile bytes.
func ReadFile(fsys fs.FS, name string) ([]byte, error) {
	// A link to a device would never end, a pipe never begin.
	if info, err := fs.Stat(fsys, name); err != nil || !info.Mode().IsRegular() {
		return nil, cmp.Or(err, errors.New("no regular file"))
	}
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err == nil && len(text) > MaxFile {
		err = fmt.Errorf("more than %d bytes, the most that a content file has", MaxFile)
	}
	return text, err
}
