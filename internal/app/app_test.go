package app

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/rule"
)

func TestMain(m *testing.M) {
	code := m.Run()
	// After everything: no hunt may leave a goroutine behind.
	if err := goleak.Find(); code == 0 && err != nil {
		os.Stderr.WriteString("a goroutine stayed behind: " + err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

var shippedOnce = sync.OnceValues(func() (*detect.Pack, error) { return LoadRules(RuleConfig{}) })

// shipped is the shipped pack, loaded once for all tests: that takes longer
// than most hunts.
func shipped(t testing.TB) *detect.Pack {
	t.Helper()
	pack, err := shippedOnce()
	if err != nil {
		t.Fatal(err)
	}
	return pack
}

// step is one event, or several alike, of a made-up log.
type step struct {
	base  string
	at    time.Duration // after monday
	times int           // 0 is once
	every time.Duration
	set   map[string]any
}

var monday = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

var basesOnce = sync.OnceValues(func() (rule.Bases, error) { return rule.LoadBases(content.Files, "events") })

// records are the events of the steps; seed tells the event IDs of one file
// from those of another.
func records(t testing.TB, seed int, steps ...step) []map[string]any {
	t.Helper()
	bases, err := basesOnce()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	for _, s := range steps {
		for i := range max(1, s.times) {
			e, err := rule.Patch{Base: s.base, Set: s.set}.Apply(bases)
			if err != nil {
				t.Fatal(err)
			}
			e["eventTime"] = monday.Add(s.at + time.Duration(i)*s.every).Format(time.RFC3339)
			e["eventID"] = fmt.Sprintf("%08x-0000-4000-8000-%012x", seed, len(out))
			out = append(out, e)
		}
	}
	return out
}

// logFile writes records as a trail does.
func logFile(t testing.TB, path string, records []map[string]any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	return file(t, path, string(text))
}

func file(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hunted fills what a test does not care about and hunts.
func hunted(t testing.TB, c HuntConfig) *report.Hunt {
	t.Helper()
	c.Pack, c.Now, c.DedupMemory = shipped(t), time.Now, 1<<20
	h, err := Hunt(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// of lists the alerts that a rule is part of.
func of(h *report.Hunt, rule string) []rootkeep.Alert {
	var out []rootkeep.Alert
	for _, a := range h.Alerts {
		if slices.ContainsFunc(a.Rules, func(hit rootkeep.RuleHit) bool { return hit.Name == rule }) {
			out = append(out, a)
		}
	}
	return out
}

func says(lines []string, part string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, part) })
}
