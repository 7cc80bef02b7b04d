package folder

import (
	"io/fs"
	"syscall"
	"time"
)

// changed is the later of when the file was made and written: tools that copy set the
// latter to that of the original.
func changed(info fs.FileInfo) time.Time {
	d, ok := info.Sys().(*syscall.Win32FileAttributeData)
	if !ok {
		return info.ModTime()
	}
	if made := time.Unix(0, d.CreationTime.Nanoseconds()); made.After(info.ModTime()) {
		return made
	}
	return info.ModTime()
}
