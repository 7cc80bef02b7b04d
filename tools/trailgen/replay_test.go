package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/app/serve"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// TestAServerFindsWhatAHuntFinds has a watching server read a trail with the takeover of a
// root user in it, and compares its alerts with those of a hunt by the same detections: of
// 3,000 events, of 220,000 with ROOTKEEP_LONG=1.
func TestAServerFindsWhatAHuntFinds(t *testing.T) {
	o := options{events: 3000, seed: 1, bursts: 72, story: true, out: filepath.Join(t.TempDir(), "trail")}
	if os.Getenv("ROOTKEEP_LONG") != "" {
		o.events = 220_000
	}
	if _, err := generate(o); err != nil {
		t.Fatal(err)
	}
	want := hunted(t, o.out)
	if len(want) < 5 {
		t.Fatalf("the hunt finds %q: too little to compare", want)
	}
	s, stop := watching(t, o.out)
	var got []string
	for end := time.Now().Add(15 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if got = watched(t, s); slices.Equal(got, want) {
			break
		}
	}
	stop()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts (-hunt +server):\n%s", diff)
	}
	if diff := cmp.Diff(want, watched(t, s)); diff != "" {
		t.Errorf("alerts once the server ended (-hunt +server):\n%s", diff)
	}
}

// line is what an alert is compared by: all but its ID.
func line(a *rootkeep.Alert) string {
	var rules, events []string
	for _, hit := range a.Rules {
		rules = append(rules, fmt.Sprint(hit.Name, " ", hit.Count, " ", hit.Attempts))
	}
	for _, e := range a.Events {
		events = append(events, e.ID)
	}
	return fmt.Sprintf("%s %s %s %s %s %s: %d from %s to %s, %s, %s", a.Kind, a.Level, strings.Join(rules, "+"), a.Account, a.Actor.Principal, a.Tactic, a.Count,
		a.First.UTC().Format(time.RFC3339), a.Last.UTC().Format(time.RFC3339), a.State, strings.Join(events, " "))
}

// hunted are the alerts of a hunt, without silences, which time alone tells.
func hunted(t *testing.T, folder string) []string {
	t.Helper()
	settings, err := detector.Read("")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := settings.Load()
	if err != nil {
		t.Fatal(err)
	}
	hunt, err := detect.NewHunt(rules.Pack, detect.Options{DedupMemory: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	fields, err := cloudtrail.CompileFields(hunt.Fields())
	if err != nil {
		t.Fatal(err)
	}
	reader, worker := cloudtrail.NewReader(fields, cloudtrail.Options{Derived: hunt.Derived()}), hunt.NewWorker()
	err = filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		in := cloudtrail.Input{Name: path, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
		return reader.Read(t.Context(), in, func(r *cloudtrail.Record) error { worker.Observe(r, path); return nil }).Err
	})
	if err != nil {
		t.Fatal(err)
	}
	result, err := hunt.Finish([]*detect.Worker{worker})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i := range result.Alerts {
		if result.Alerts[i].Kind != "silence" {
			out = append(out, line(&result.Alerts[i]))
		}
	}
	slices.Sort(out)
	return out
}

// watching starts a server that watches a folder, until stop.
func watching(t *testing.T, folder string) (*store.Store, func()) {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{
		"sources.yaml":  fmt.Sprintf("sources: [{name: trail, folder: %q, days: 3650}]\n", folder),
		"rootkeep.yaml": fmt.Sprintf("store: %q\nkey_file: %q\nroles: [watch, jobs]\nlog: {level: error}\nwatch: {sources: %q}\n", at("rootkeep.db"), at("ledger.key"), at("sources.yaml")),
	} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := serve.ReadSettings(at("rootkeep.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := serve.OpenStore(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve.Run(ctx, c, t.Output(), func(_, _ string) {}) }()
	return s, func() {
		end()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// watched are the alerts that the server has, of what detections found.
func watched(t *testing.T, s *store.Store) (out []string) {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		out = nil
		for cursor := ""; ; {
			list, next, err := alerts.List(ctx, r, sight.All(), alerts.Filter{}, cursor, 100)
			if err != nil {
				return err
			}
			for _, a := range list {
				if !slices.Contains([]string{alerts.StormKind, alerts.SourceKind, alerts.LossKind, "silence"}, a.Found.Kind) {
					out = append(out, line(&a.Found))
				}
			}
			if cursor = next; cursor == "" {
				return nil
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}
