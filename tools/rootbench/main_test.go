package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/app"
)

func TestTheYearComesToWhatIsPlanted(t *testing.T) {
	dir := t.TempDir()
	want, err := writeYear(dir, 3)
	if err != nil {
		t.Fatal(err)
	}
	got, err := app.Reconcile(t.Context(), app.ReconcileConfig{
		Paths: []string{filepath.Join(dir, "logs")}, Requests: []string{filepath.Join(dir, "requests")},
		Now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	var n tally
	for _, e := range got.Events {
		n.add(string(e.Verdict))
	}
	if n != want || n.Other > 0 || n.Unexplained != 3 {
		t.Errorf("got %+v, want %+v", n, want)
	}
}
