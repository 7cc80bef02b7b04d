package folder

import (
	"io/fs"
	"syscall"
	"time"
)

// changed is the inode's time of change: a rename sets it as well, and nobody can set it
// to another time.
func changed(info fs.FileInfo) time.Time {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.ModTime()
	}
	return time.Unix(s.Ctimespec.Sec, s.Ctimespec.Nsec)
}
