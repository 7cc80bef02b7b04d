//go:build unix

package serve

import (
	"io/fs"
	"os"
	"syscall"
)

// ownedByCaller says whether the file belongs to the user who runs this.
func ownedByCaller(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}
