//go:build unix

package benchdoc

import (
	"syscall"
	"time"
)

// CPUTime is what this process has used, user and system.
func CPUTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // the arguments are right, so the kernel answers
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
