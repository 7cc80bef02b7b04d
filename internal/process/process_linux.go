package process

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// kernel stands for what process IDs and times of start mean: those of the same are of the same
// machine since it was started, and of the same container.
func kernel() (string, bool) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", false
	}
	pids, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "", false
	}
	times, err := os.Readlink("/proc/self/ns/time")
	if err != nil {
		times = "none" // a kernel before 5.6 has one time
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(string(boot)) + " " + pids + " " + times))
	return hex.EncodeToString(sum[:8]), true
}

// missing says that there is no process of the ID. That is asked of the kernel itself: /proc
// may hide what others run.
func missing(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// begun reads when a process began (proc_pid_stat(5), starttime), and whether it is one that
// has ended and that nobody has asked for yet. It is false if that cannot be read.
func begun(pid int) (start string, dead, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false, false
	}
	// The name of the program, in brackets, may have spaces and brackets itself.
	rest := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const state, starttime = 3 - 3, 22 - 3 // fields of the line, of which rest begins at the third
	if len(rest) <= starttime {
		return "", false, false
	}
	return rest[starttime], strings.ContainsAny(rest[state], "ZXx"), true
}
