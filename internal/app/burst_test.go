package app

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
)

const minute = time.Minute

// failures are failed root sign-ins, evenly spread.
func failures(n int, at, every time.Duration) step {
	return step{base: "root-signin-failure", at: at, times: n, every: every}
}

func with(s step, field string, value any) step {
	s.set = map[string]any{field: value}
	return s
}

func TestFailureBursts(t *testing.T) {
	other := map[string]any{"recipientAccountId": "444455556666", "userIdentity.accountId": "444455556666"}
	elsewhere := failures(3, 0, minute)
	elsewhere.set = other
	tests := []struct {
		name  string
		steps []step
		rule  string
		want  rootkeep.Severity
		count int // 0: no alert
		state string
	}{
		{"five in 4:59 alert", []step{failures(4, 0, minute), failures(1, 299*time.Second, 0)}, "root-signin-failures", rootkeep.High, 5, "open"},
		{"five of which the last comes exactly 5:00 after the first stay quiet", []step{failures(4, 0, minute), failures(1, 300*time.Second, 0)}, "root-signin-failures", 0, 0, ""},
		{"four stay quiet", []step{failures(4, 0, time.Second)}, "root-signin-failures", 0, 0, ""},
		{"five in one second alert", []step{failures(5, 0, 0)}, "root-signin-failures", rootkeep.High, 5, "open"},
		{"five a minute and a quarter apart stay quiet", []step{failures(20, 0, 75*time.Second)}, "root-signin-failures", 0, 0, ""},
		{"nine do not escalate", []step{failures(9, 0, 20*time.Second)}, "root-signin-failures", rootkeep.High, 9, "open"},
		{"ten escalate", []step{failures(10, 0, 20*time.Second)}, "root-signin-failures", rootkeep.Critical, 10, "escalated"},
		{"two addresses count together for an account", []step{failures(3, 0, minute), with(failures(2, 30*time.Second, minute), "sourceIPAddress", "198.51.100.7")}, "root-signin-failures", rootkeep.High, 5, "open"},
		{"two addresses count apart by address", []step{failures(3, 0, minute), with(failures(2, 30*time.Second, minute), "sourceIPAddress", "198.51.100.7")}, "root-signin-failures-by-address", 0, 0, ""},
		{"two accounts count together for an address", []step{failures(2, 0, minute), elsewhere}, "root-signin-failures-by-address", rootkeep.High, 5, "open"},
		{"two accounts count apart by account", []step{failures(2, 0, minute), elsewhere}, "root-signin-failures", 0, 0, ""},
		{"failures of a user are not root's", []step{failures(3, 0, minute), {base: "user-signin-failure", times: 4, every: minute}}, "root-signin-failures", 0, 0, ""},
		{"failures of root are not a user's", []step{failures(9, 0, time.Second)}, "user-login-failures", 0, 0, ""},
		{"a user's failures alert one level lower than root's", []step{{base: "user-signin-failure", times: 5, every: minute}}, "user-login-failures", rootkeep.Medium, 5, "open"},
		{"a user's ten failures escalate", []step{{base: "user-signin-failure", times: 10, every: time.Second}}, "user-login-failures", rootkeep.High, 10, "escalated"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := logFile(t, filepath.Join(t.TempDir(), "log.json"), records(t, 1, tt.steps...))
			expectBurst(t, of(hunted(t, HuntConfig{Paths: []string{log}}), tt.rule), tt.want, tt.count, tt.state)
		})
	}
}

func expectBurst(t *testing.T, got []rootkeep.Alert, level rootkeep.Severity, count int, state string) {
	t.Helper()
	switch {
	case count == 0 && len(got) == 0:
	case count == 0:
		t.Errorf("got an alert %q with %d events, want none", got[0].Title, got[0].Count)
	case len(got) != 1:
		t.Errorf("got %d alerts, want 1", len(got))
	case got[0].Level != level || got[0].Count != count || got[0].State != state:
		t.Errorf("got %s, %d events, %s; want %s, %d, %s", got[0].Level, got[0].Count, got[0].State, level, count, state)
	}
}

// TestABurstOverSeveralFiles delivers the same failures in ways that S3 and
// CloudTrail do.
func TestABurstOverSeveralFiles(t *testing.T) {
	five := records(t, 1, failures(4, 0, minute), failures(1, 299*time.Second, 0))
	backwards := slices.Clone(five)
	slices.Reverse(backwards)
	four := records(t, 1, failures(4, 0, minute))
	tests := []struct {
		name  string
		files [][]map[string]any
		count int
	}{
		{"in one file", [][]map[string]any{five}, 5},
		{"in one file, latest first", [][]map[string]any{backwards}, 5},
		{"one event a file, latest file first", [][]map[string]any{backwards[:1], backwards[1:2], backwards[2:3], backwards[3:4], backwards[4:]}, 5},
		{"the last failure in the first file", [][]map[string]any{five[4:], five[:4]}, 5},
		{"every failure delivered twice", [][]map[string]any{five, five}, 5},
		{"four failures delivered twice are no eight", [][]map[string]any{four, four}, 0},
		{"deliveries that overlap", [][]map[string]any{five[:3], five[1:4], five[2:]}, 5},
	}
	for _, tt := range tests {
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, %d workers", tt.name, workers), func(t *testing.T) {
				dir := t.TempDir()
				for i, records := range tt.files {
					logFile(t, filepath.Join(dir, fmt.Sprintf("%d.json", i)), records)
				}
				h := hunted(t, HuntConfig{Paths: []string{dir}, Workers: workers})
				expectBurst(t, of(h, "root-signin-failures"), rootkeep.High, tt.count, "open")
			})
		}
	}
}

func TestEscalationIsAStateOfTheSameAlert(t *testing.T) {
	dir := t.TempDir()
	first := logFile(t, filepath.Join(dir, "1.json"), records(t, 1, failures(5, 0, 20*time.Second)))
	more := logFile(t, filepath.Join(dir, "2.json"), records(t, 2, failures(5, 100*time.Second, 20*time.Second)))
	open := of(hunted(t, HuntConfig{Paths: []string{first}}), "root-signin-failures")
	escalated := of(hunted(t, HuntConfig{Paths: []string{first, more}}), "root-signin-failures")
	if len(open) != 1 || len(escalated) != 1 {
		t.Fatalf("got %d and %d alerts, want one each", len(open), len(escalated))
	}
	if open[0].State != "open" || escalated[0].State != "escalated" || open[0].ID != escalated[0].ID {
		t.Errorf("got %s %s, then %s %s; want open, then escalated, under one ID", open[0].ID, open[0].State, escalated[0].ID, escalated[0].State)
	}
	if !says(escalated[0].Notes, "passed 10 at 2026-03-02T10:03:00Z") {
		t.Errorf("notes: got %q, want one that says when the tenth came", escalated[0].Notes)
	}
}
