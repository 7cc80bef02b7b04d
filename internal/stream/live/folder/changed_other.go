//go:build !linux && !darwin && !windows

package folder

import (
	"io/fs"
	"time"
)

// changed is the time of the last writing: this system's other times are not asked. Tools
// that copy must not set it back.
func changed(info fs.FileInfo) time.Time { return info.ModTime() }
