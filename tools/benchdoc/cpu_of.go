package benchdoc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc: USER_HZ is 100 on every Linux that Go runs on.
const tick = time.Second / 100

// CPUTimeOf is what another process has used, user and system; 0 where there is no /proc, or
// no such process.
func CPUTimeOf(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return cpuTimeOf(string(text))
}

// cpuTimeOf reads proc_pid_stat(5), of which the name of the program, in brackets, may have
// spaces and brackets itself.
func cpuTimeOf(stat string) time.Duration {
	rest := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const utime, stime = 14 - 3, 15 - 3 // fields of the line, of which rest begins at the third
	if len(rest) <= stime {
		return 0
	}
	var sum time.Duration
	for _, field := range rest[utime : stime+1] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0
		}
		sum += time.Duration(n) * tick
	}
	return sum
}
