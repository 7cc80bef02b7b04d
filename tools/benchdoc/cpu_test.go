package benchdoc

import (
	"testing"
	"time"
)

func TestCPUTimeIsReadFromWhatTheSystemTells(t *testing.T) {
	for _, c := range []struct {
		name, stat string
		want       time.Duration
	}{
		{"a name with brackets and spaces", "12 (a) b (c) S 1 12 12 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 4242 0 0", 3 * time.Second},
		{"a line that is cut off", "12 (rootkeep) S 1 12", 0},
		{"nothing", "", 0},
	} {
		if got := cpuTimeOf(c.stat); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
