//go:build !unix

package main

import "time"

var start = time.Now()

// cpuTime is wall time: the system does not tell what a process has used.
func cpuTime() time.Duration { return time.Since(start) }
