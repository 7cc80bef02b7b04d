package demo_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/app/demo"
	"github.com/rootkeep/rootkeep/internal/report"
)

// lived is a world in the present, whose past nobody hunted through.
func lived(t *testing.T) (*demo.World, string) {
	t.Helper()
	w, err := demo.New(1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := w.Live(t.Context(), demo.History{Folder: folder}); err != nil {
		t.Fatal(err)
	}
	return w, folder
}

// logs are the paths of the log files below a folder.
func logs(t *testing.T, folder string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(path, "/CloudTrail/") {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestThePresentBringsEventsAndTellsWhatGoesWrong(t *testing.T) {
	w, folder := lived(t)
	if _, err := os.Stat(filepath.Join(folder, demo.Trail)); err == nil {
		t.Error("got log files of a past that nobody hunted through")
	}
	f := w.Flow(folder)
	var acts []string
	for range 16 {
		act, wait, err := f.Beat()
		if err != nil || wait <= 0 {
			t.Fatalf("got %v, wait %v", err, wait)
		}
		if act != nil {
			acts = append(acts, act.What)
		}
	}
	for i, want := range []string{"fail", "without a request", "stops"} {
		if i >= len(acts) || !strings.Contains(acts[i], want) {
			t.Fatalf("got the acts %q, want three, the one with number %d with %q", acts, i, want)
		}
	}
	live := filepath.Join(folder, demo.Live)
	if got := len(logs(t, live)); got < 16 || got != len(logs(t, filepath.Join(folder, demo.Trail))) {
		t.Errorf("got %d log files, want one for each moment at least, and all of them in both folders", got)
	}
	found := hunted(t, live)
	for _, want := range []string{"root-signin-failures", "root-signin-without-mfa", "trail-stopped"} {
		if !slices.Contains(found, want) {
			t.Errorf("got the rules %q, want %s", found, want)
		}
	}
}

// hunted are the rules of the alerts in a folder.
func hunted(t *testing.T, folder string) (rules []string) {
	t.Helper()
	var h *report.Hunt
	h, err := app.Hunt(t.Context(), app.HuntConfig{Paths: []string{folder}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range h.Problems {
		t.Errorf("problem: %+v", p)
	}
	for _, a := range h.Alerts {
		for _, r := range a.Rules {
			rules = append(rules, r.Name)
		}
	}
	return rules
}
