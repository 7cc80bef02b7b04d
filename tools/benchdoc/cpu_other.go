//go:build !unix

package benchdoc

import "time"

var start = time.Now()

// CPUTime is wall time: the system does not tell what a process has used.
func CPUTime() time.Duration { return time.Since(start) }
