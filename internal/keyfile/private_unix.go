//go:build unix

package keyfile

import (
	"io/fs"
	"os"
	"syscall"
)

// private says whether a file is closed to others than this process.
func private(info fs.FileInfo) bool {
	owner := -1
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(s.Uid)
	}
	return closed(info.Mode(), owner, os.Geteuid())
}

// Own says whether the file belongs to the user who runs this.
func Own(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}
