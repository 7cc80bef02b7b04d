// Package process names processes so that another one on the same machine can tell whether
// the process of a name still runs.
package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Name is a name of this process, unlike any other's and any that it had at another time:
//
//	HOST/PID/KERNEL.START.TIME
//
// KERNEL stands for the run of the kernel and the namespaces that process IDs and times are
// in, START is when the process began, in ticks of the kernel, TIME the given time in
// nanoseconds since 1970. Where the system does not tell, it is HOST/PID/TIME.
func Name(now time.Time) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown" // the rest tells it apart
	}
	host = strings.ReplaceAll(host, "/", "-")
	pid := os.Getpid()
	if start, _, ok := begun(pid); ok {
		if k, ok := kernel(); ok {
			return fmt.Sprintf("%s/%d/%s.%s.%d", host, pid, k, start, now.UnixNano())
		}
	}
	return fmt.Sprintf("%s/%d/%d", host, pid, now.UnixNano())
}

// Short is a name as people read it: HOST/PID.
func Short(name string) string {
	host, rest, _ := strings.Cut(name, "/")
	if pid, _, more := strings.Cut(rest, "/"); more {
		return host + "/" + pid
	}
	return name
}

// Gone says that the process of a name ran in this run of the kernel, under the same process
// IDs, and has ended. It is false of what cannot be known from here, such as a process of
// another machine or container.
func Gone(name string) bool {
	parts := strings.Split(name, "/")
	if len(parts) != 3 {
		return false
	}
	pid, err := strconv.Atoi(parts[1])
	of := strings.Split(parts[2], ".")
	if err != nil || pid <= 0 || len(of) != 3 {
		return false
	}
	if k, ok := kernel(); !ok || k != of[0] {
		return false
	}
	if missing(pid) {
		return true
	}
	start, dead, ok := begun(pid)
	return ok && (dead || start != of[1])
}
