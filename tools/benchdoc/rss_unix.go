//go:build unix

package benchdoc

import (
	"os"
	"runtime"
	"syscall"
)

// MaxRSS is the largest resident size of a process in bytes.
func MaxRSS(p *os.ProcessState) int64 {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(usage.Maxrss) // getrusage(2) counts bytes there, KiB elsewhere
	}
	return int64(usage.Maxrss) << 10
}
