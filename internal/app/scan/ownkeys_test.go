package scan

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// TestEarlierScansExplainTheirRootSessions has RT-10 meet an event of yesterday's scan.
func TestEarlierScansExplainTheirRootSessions(t *testing.T) {
	now := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	yesterday := now.AddDate(0, 0, -1)
	s := &facts.Snapshot{Format: facts.Format, Account: "111111111111", Taken: now}
	s.Facts.Root.ActivitySince = now.AddDate(0, 0, -90)
	s.Facts.Root.Activity = []facts.RootEvent{{Name: "GetLoginProfile", Time: yesterday, AccessKey: "ASIAOLD", Session: facts.SessionAssumeRoot}}
	s.Observe("cloudtrail:LookupEvents", now, "", "root.activity", "root.activity_since")
	today := filepath.Join(t.TempDir(), "today.json")
	if err := saveSnapshot(today, s); err != nil {
		t.Fatal(err)
	}
	own := facts.Session{Account: "111111111111", Root: true, AccessKey: "ASIAOLD", Start: yesterday, End: yesterday.Add(5 * time.Minute)}
	with := func(change func(*facts.Session)) facts.Session {
		out := own
		change(&out)
		return out
	}
	for name, c := range map[string]struct {
		session facts.Session
		since   bool   // by --since, not --earlier
		kind    string // of what is given: sessions, snapshot, or scans of several days
		want    rootkeep.Status
	}{
		"the sessions of a scan":              {own, false, "sessions", rootkeep.Pass},
		"a snapshot":                          {own, false, "snapshot", rootkeep.Pass},
		"scans of several days":               {own, false, "days", rootkeep.Pass},
		"the scan that is compared":           {own, true, "sessions", rootkeep.Pass},
		"another key is a stranger's":         {with(func(s *facts.Session) { s.AccessKey = "ASIANEW" }), false, "sessions", rootkeep.Unknown},
		"another account's session":           {with(func(s *facts.Session) { s.Account = "222222222222" }), false, "sessions", rootkeep.Unknown},
		"a role's session is none of root":    {with(func(s *facts.Session) { s.Root = false }), false, "sessions", rootkeep.Unknown},
		"a session before all that is judged": {with(func(s *facts.Session) { s.End = now.AddDate(0, -4, 0) }), false, "sessions", rootkeep.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			config := Config{Snapshot: today, Now: now, Earlier: []string{dir}}
			if c.since {
				config.Earlier, config.Since = nil, dir
			}
			switch c.kind {
			case "days":
				for _, day := range []string{"24", "25"} {
					write(t, filepath.Join(dir, day, "sessions.jsonl"), c.session)
				}
			case "snapshot":
				if err := saveSnapshot(filepath.Join(dir, "111111111111.json"), &facts.Snapshot{Format: facts.Format, Account: "111111111111", Taken: yesterday, Sessions: []facts.Session{c.session}}); err != nil {
					t.Fatal(err)
				}
			default:
				write(t, filepath.Join(dir, "sessions.jsonl"), c.session)
			}
			if c.since { // a folder without a snapshot cannot be compared
				if err := saveSnapshot(filepath.Join(dir, "111111111111.json"), &facts.Snapshot{Format: facts.Format, Account: "111111111111", Taken: yesterday}); err != nil {
					t.Fatal(err)
				}
			}
			a, err := Run(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(a.Findings, func(f rootkeep.Finding) bool { return f.Control == "RT-10" })
			if i < 0 || a.Findings[i].Status != c.want {
				t.Errorf("RT-10: got finding %d of %+v, want %s", i, a.Findings[max(i, 0)], c.want)
			}
		})
	}
}

// write writes a line of a scan's record of sessions, and one that a scan that was
// killed left half written.
func write(t *testing.T, path string, s facts.Session) {
	t.Helper()
	line, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(line, "\n{\"acc"...), 0o400); err != nil {
		t.Fatal(err)
	}
}

func TestEarlierScansThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"an empty folder":    {"notes.txt", "nothing", "no scan of an organization is there; hint"},
		"a broken record":    {"sessions.jsonl", "{}\n{]\n", "sessions.jsonl, line 2"},
		"a broken snapshot":  {"111111111111.json", "{", "111111111111.json: no snapshot"},
		"no folder whatever": {"", "", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "scans")
			if c.file != "" {
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			config := Config{Now: time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC), Earlier: []string{dir}}
			if _, err := config.ownKeys(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
