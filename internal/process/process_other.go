//go:build !linux

package process

// Elsewhere nobody says of what machine and time a process ID is.

func kernel() (string, bool) { return "", false }

func missing(int) bool { return false }

func begun(int) (start string, dead, ok bool) { return "", false, false }
