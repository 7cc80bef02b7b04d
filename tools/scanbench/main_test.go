package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets this program be the simulator that measure starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-serve" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// Twenty accounts of 17 Regions, with less delay than the benchmark has: what it
// measures is there, and memory is far below its bound. No test fails by the clock.
func TestTwentyAccounts(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "rootkeep")
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/rootkeep").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	m, err := measure(options{bin: bin, sample: 1, delay: 2 * time.Millisecond}, 20)
	if err != nil {
		t.Fatal(err)
	}
	if m.Calls < 20*80 || m.Regions != 17 || m.sequential <= 0 || m.parallel <= 0 {
		t.Errorf("got %+v, want at least 80 calls for each account in 17 Regions", m)
	}
	if m.memory <= 0 || m.memory > 200e6 {
		t.Errorf("memory: got %d bytes, want at most 200 MB", m.memory)
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		name string
		m    measured
		want string
	}{
		{"both are reached", measured{accounts: 200, sequential: 100 * time.Second, parallel: 5 * time.Second, memory: 300e6}, ""},
		{"it is too slow", measured{accounts: 200, sequential: 99 * time.Second, parallel: 5 * time.Second}, "19.8 times as fast, want 20"},
		{"it takes too much memory", measured{accounts: 200, sequential: 100 * time.Second, parallel: time.Second, memory: 301e6}, "301 MB, want at most 300"},
		{"a thousand accounts may take more", measured{accounts: 1000, sequential: 100 * time.Second, parallel: time.Second, memory: 301e6}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.m.missed()
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestNumbersOfAccounts(t *testing.T) {
	for _, list := range []string{"", "7", "200,x", "200,"} {
		var errs strings.Builder
		if code := run([]string{"-accounts", list}, &errs, &errs); code != 2 || !strings.Contains(errs.String(), "want numbers from 8 on") {
			t.Errorf("%q: got %d, %s", list, code, &errs)
		}
	}
}
