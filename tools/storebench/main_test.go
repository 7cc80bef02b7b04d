package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// Each figure is there, in a run that is far too short to mean anything. No test fails
// by the clock.
func TestEveryFigureIsThere(t *testing.T) {
	var out, errs bytes.Buffer
	err := bench(t.Context(), options{rounds: 1, seconds: 30 * time.Millisecond, entries: 1000, folder: t.TempDir()}, &out, &errs)
	if err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{"| a loop that appends 4 KiB", "| SQLite, 32 writers |", "| SQLite, one writer |", "| in a ledger of 1000 entries", "10 hashes", "| verifying all"} {
		if !strings.Contains(text, want) {
			t.Errorf("got %s\nwant %q in it", text, want)
		}
	}
	if !strings.Contains(text, "| PostgreSQL, 32 writers |") && !strings.Contains(text, "PostgreSQL was not measured: ") {
		t.Errorf("got %s\nwant PostgreSQL measured, or why not", text)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-entries", "1"}, {"-time", "-1s"}, {"-unknown"}} {
		var out, errs strings.Builder
		if code := run(args, &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%v: got exit code %d and %q, want 2 and a reason", args, code, errs.String())
		}
	}
}
