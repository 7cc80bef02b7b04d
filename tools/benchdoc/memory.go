package benchdoc

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Memory is the most that a process had in memory, bytes.
type Memory struct {
	Resident int64 // all of it; pages of the program's file are among it
	Own      int64 // what no file holds: heap, stacks, tables
}

// Watch looks at the memory of a process until stop is called, or the process ends.
// What the system tells at the end of a process will not do on Linux: that counts
// what its parent had in memory when it was started. Both numbers are 0 where there
// is no /proc.
func Watch(pid int) (stop func() Memory) {
	const pause = 5 * time.Millisecond
	var most Memory
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if err != nil {
				return
			}
			now := memoryOf(string(text))
			most.Resident, most.Own = max(most.Resident, now.Resident), max(most.Own, now.Own)
			select {
			case <-done:
				return
			case <-time.After(pause):
			}
		}
	})
	return func() Memory {
		close(done)
		wg.Wait()
		return most
	}
}

// memoryOf reads proc_pid_status(5); a process that has ended has no such lines.
func memoryOf(status string) Memory {
	var m Memory
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		var kib int64
		if _, err := fmt.Sscan(value, &kib); err != nil {
			continue
		}
		switch name {
		case "VmHWM":
			m.Resident = kib << 10
		case "RssAnon":
			m.Own = kib << 10
		}
	}
	return m
}
