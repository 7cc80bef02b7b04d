package main

import (
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/tools/evalbench/large"
)

// The account has the size that the target is about, and each figure is there. No test
// fails by the clock.
func TestTheAccountIsJudged(t *testing.T) {
	now := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	s := large.Snapshot(now)
	f := &s.Facts
	if len(f.Users) != 77 || len(f.Roles) != 723 || len(f.Groups) != 9 || len(f.Policies) != 63 {
		t.Errorf("got %d users, %d roles, %d groups, %d policies, want 77, 723, 9, 63", len(f.Users), len(f.Roles), len(f.Groups), len(f.Policies))
	}
	m, err := measure(s, now, 1)
	if err != nil {
		t.Fatal(err)
	}
	if m.controls < 100 || m.findings < 10_000 || m.loading <= 0 || m.first <= 0 || m.evaluating <= 0 || m.allocated == 0 || m.allocations == 0 {
		t.Errorf("got %+v, want every figure", m)
	}
}

func TestTarget(t *testing.T) {
	if got := (&measured{clock: mostEvaluating}).verdict(); got != "at most 100 ms" {
		t.Errorf("at the target: got %q", got)
	}
	if got := (&measured{clock: mostEvaluating + time.Millisecond}).verdict(); got != "at most 100 ms: MISSED" {
		t.Errorf("beyond it: got %q", got)
	}
}

func TestRounds(t *testing.T) {
	var errs strings.Builder
	if code := run([]string{"-rounds", "0"}, &errs, &errs); code != 2 || !strings.Contains(errs.String(), "want at least 1") {
		t.Errorf("got %d, %s", code, &errs)
	}
}
