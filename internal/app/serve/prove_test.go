package serve

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
	"github.com/rootkeep/rootkeep/internal/app/alerting"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/app/rootproof"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// hours are bits of a mask, from one hour to another, both included.
func hours(from, to int) (mask int64) {
	for h := from; h <= to; h++ {
		mask |= 1 << h
	}
	return mask
}

func TestHoursAreProvenByTheirDigests(t *testing.T) {
	const account = "111122223333"
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	now := day.Add(36 * time.Hour)
	chain := digesttest.Chain{Hours: 30, Logs: 1}
	signer, err := digesttest.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		harm func(dir string) error
		want map[string]int64 // by Region and day
		said string
		used int
	}{
		{"a whole chain proves its hours, and in all Regions those that were delivered", func(string) error { return nil },
			map[string]int64{"us-east-1 21": hours(1, 23), " 21": hours(1, 23), "us-east-1 22": hours(0, 5), " 22": hours(0, 4)}, "4 days", 0},
		{"a log that is missing costs its own hours", func(dir string) error { return os.Remove(filepath.Join(dir, chain.LogPath(10, 0))) },
			map[string]int64{"us-east-1 21": hours(1, 9) | hours(12, 23), " 21": hours(1, 8) | hours(12, 23), "us-east-1 22": hours(0, 5), " 22": hours(0, 4)}, "1 file invalid", 0},
		{"a planted log costs its own, and what is in it is judged", func(dir string) error {
			path := filepath.Join(dir, filepath.FromSlash(chain.LogPath(10, 0)))
			return os.WriteFile(strings.TrimSuffix(path, "0.json.gz")+"9.json.gz", digesttest.Gzip([]byte(rootSignIn)), 0o644)
		}, map[string]int64{"us-east-1 21": hours(1, 9) | hours(12, 23), " 21": hours(1, 8) | hours(12, 23), "us-east-1 22": hours(0, 5), " 22": hours(0, 4)}, "1 file invalid", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := digesttest.WriteChain(dir, chain, signer); err != nil {
				t.Fatal(err)
			}
			keys := filepath.Join(t.TempDir(), "keys.json")
			if err := os.Rename(filepath.Join(dir, digesttest.KeysFile), keys); err != nil {
				t.Fatal(err)
			}
			if err := test.harm(dir); err != nil {
				t.Fatal(err)
			}
			places := write(t, filepath.Join(t.TempDir(), "hunts.yaml"), fmt.Sprintf("hunts:\n  - {name: trail, paths: [%q], keys: [%q]}\n  - {name: bare, paths: [%q]}\n", dir, keys, dir))
			h := dwell(t, Settings{Hunts: places}, func() time.Time { return now })
			for range 2 { // at least once
				said, err := h.do(t, job.Job{ID: "JO-1", Kind: rootproof.Kind, Payload: []byte("{}")})
				if err != nil || !strings.Contains(said, test.said) {
					t.Fatalf("got %q, %v, want it to say %q", said, err, test.said)
				}
			}
			got := map[string]int64{}
			err := h.store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
				list, err := rootlog.CoverageOf(ctx, r, account, day, now)
				for _, c := range list {
					got[fmt.Sprintf("%s %d", c.Region, c.Day.Day())] = c.Mask
				}
				if err != nil {
					return err
				}
				events, err := rootlog.Events(ctx, r, sight.All(), rootlog.EventFilter{Limit: 10})
				if len(events) != test.used {
					t.Errorf("got %d events of root users, want %d", len(events), test.used)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("proven hours (-want +got):\n%s", diff)
			}
		})
	}
}

// Days of the bucket's layout that lie before what is asked for are not read, and what has
// no such layout is.
func TestAProofReadsTheDaysThatItIsAskedFor(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	chain := digesttest.Chain{Hours: 30, Logs: 1}
	signer, err := digesttest.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	dir, keys := t.TempDir(), filepath.Join(t.TempDir(), "keys.json")
	if err := digesttest.WriteChain(dir, chain, signer); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, digesttest.KeysFile), keys); err != nil {
		t.Fatal(err)
	}
	old := strings.ReplaceAll(filepath.FromSlash(chain.LogPath(1, 0)), filepath.FromSlash("2026/11/21"), filepath.FromSlash("2026/11/02"))
	write(t, filepath.Join(dir, strings.ReplaceAll(old, "20261121T", "20261102T")), string(digesttest.Gzip([]byte(rootSignIn))))
	places := write(t, filepath.Join(t.TempDir(), "hunts.yaml"), fmt.Sprintf("hunts: [{name: trail, paths: [%q], keys: [%q]}]\n", dir, keys))
	h := dwell(t, Settings{Hunts: places}, func() time.Time { return now })
	for _, test := range []struct {
		days, want int
	}{{2, 0}, {19, 1}, {30, 1}} {
		if said, err := h.do(t, job.Job{ID: "JO-1", Kind: rootproof.Kind, Payload: fmt.Appendf(nil, `{"days":%d}`, test.days)}); err != nil || !strings.Contains(said, "4 days") {
			t.Fatalf("%d days: got %q, %v", test.days, said, err)
		}
		err := h.store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			events, err := rootlog.Events(ctx, r, sight.All(), rootlog.EventFilter{Limit: 10})
			if len(events) != test.want {
				t.Errorf("%d days: got %d events of root users, want %d", test.days, len(events), test.want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAProofNeedsKeys(t *testing.T) {
	h := dwell(t, Settings{}, time.Now)
	for payload, want := range map[string]string{`{}`: "hint: keys of a place", `{"days": -1}`: "days -1", `{"path": "/"}`: "unknown field", `{} {}`: "more than one"} {
		if _, err := h.do(t, job.Job{ID: "JO-1", Kind: rootproof.Kind, Payload: []byte(payload)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", payload, err, want)
		}
	}
}

func TestASourceThatNobodyReadsIsTold(t *testing.T) {
	now := time.Now()
	secret := write(t, filepath.Join(t.TempDir(), "secret"), strings.Repeat("s", 32))
	if err := os.Chmod(secret, 0o600); err != nil {
		t.Fatal(err)
	}
	g := &guarded{house: dwell(t, Settings{
		Watch:  Watch{Sources: write(t, filepath.Join(t.TempDir(), "sources.yaml"), fmt.Sprintf("sources: [{name: trail, folder: %s}]\n", t.TempDir()))},
		Notify: outbox.Settings{Ways: write(t, filepath.Join(t.TempDir(), "ways.yaml"), fmt.Sprintf("ways: [{name: desk, notifier: webhook, settings: {url: 'http://localhost:1'}, secret_files: {secret: %s}}]\n", secret))},
	}, func() time.Time { return now })}
	err := g.store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return rootlog.KeepHealth(ctx, tx, "a", []rootlog.Health{{Source: "trail", Fault: "denied"}, {Source: "gone"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	before := g.letters(t)
	tick := func() {
		t.Helper()
		if _, err := g.do(t, job.Job{ID: "JO-9", Kind: alerting.Kind, Payload: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	if tick(); g.letters(t) != before {
		t.Errorf("a source that was read just now: got %d notices more, want none", g.letters(t)-before)
	}
	now = now.Add(11 * time.Minute)
	for range 2 {
		tick()
	}
	if got := g.letters(t) - before; got != 1 {
		t.Errorf("one that nobody reads for eleven minutes: got %d notices more, want one, and none of a source that is not configured any more", got)
	}
}
