package app

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/stream"
)

// reading is a hunt's reading of all input, with what it keeps for the proof.
func reading(t testing.TB, c HuntConfig) (*pass, *proof) {
	t.Helper()
	hunt, err := c.hunt(shipped(t))
	if err != nil {
		t.Fatal(err)
	}
	paths, err := stream.Open(c.Paths, c.Stdin)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := c.proof()
	if err != nil {
		t.Fatal(err)
	}
	p := &pass{audience: &hunting{Hunt: hunt}, source: paths, config: c}
	if proof != nil {
		p.sums = proof.sums
	}
	return p, proof
}

// TestOneReadingTellsWhatTwoDo compares hunts that hash what they read with trail
// verify, which reads for itself, for each kind of damage and for mixtures of them.
func TestOneReadingTellsWhatTwoDo(t *testing.T) {
	whole := &bucket{}
	whole.add(t, digesttest.Chain{Hours: 4, Logs: 2})
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			b := &bucket{files: maps.Clone(whole.files)}
			damage(b, b.paths("/CloudTrail/")[3], b.paths("/CloudTrail-Digest/")[1])
			folder, keys := b.write(t)
			for _, workers := range []int{1, 4} {
				checkOneReading(t, HuntConfig{Paths: []string{folder}, Keys: []string{keys}, Workers: workers})
			}
		})
	}
	const mixtures = 16
	proven := 0
	for seed := range uint64(mixtures) {
		b, told := randomBucket(t, seed)
		folder, keys := b.write(t)
		t.Run(fmt.Sprintf("%d: %s", seed, told), func(t *testing.T) {
			c := HuntConfig{Paths: []string{folder}, Keys: []string{keys}, Workers: 1 + int(seed%2)*3}
			if seed%3 == 0 {
				c.Since, c.Until = digested.Add(time.Minute), digested.Add(150*time.Minute)
			}
			proven += checkOneReading(t, c)
		})
	}
	if proven == 0 || proven > mixtures/2 {
		t.Errorf("%d of %d copies are proven complete, want some of each kind", proven, mixtures)
	}
}

// checkOneReading returns 1 if the log is proven.
func checkOneReading(t *testing.T, c HuntConfig) (proven int) {
	until := c.Until
	if !until.IsZero() {
		until = until.Add(deliveryTime)
	}
	want, err := Verify(t.Context(), VerifyConfig{Folder: c.Paths[0], Keys: c.Keys, Since: c.Since, Until: until})
	if err != nil {
		t.Fatal(err)
	}
	p, proof := reading(t, c)
	if err := p.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := proof.verify(t.Context(), c.Paths[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-trail verify +one pass):\n%s", diff)
	}

	one := hunted(t, c)
	twice := *proof
	twice.sums = nil // forgets what was read
	two := *one
	two.Coverage = report.Coverage{}
	twice.conclude(t.Context(), &two)
	if diff := cmp.Diff(two.Coverage, one.Coverage); diff != "" {
		t.Errorf("coverage (-two readings +one):\n%s", diff)
	}
	if one.Coverage.Proven {
		proven++
	}
	if c.Workers > 1 {
		return proven // which of two events with one ID comes first is chance
	}
	c.Keys = nil
	plain := hunted(t, c)
	ignore := cmpopts.IgnoreFields(report.Hunt{}, "Coverage", "Notices", "Started", "Finished", "Totals.InflatedBytes")
	if diff := cmp.Diff(plain, one, ignore, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the rest of the hunt (-without keys +with):\n%s", diff)
	}
	return proven
}

// TestEveryLogIsOpenedOnce counts how often the reading opens each log, and then
// destroys them all: the verification must not miss them.
func TestEveryLogIsOpenedOnce(t *testing.T) {
	for _, workers := range []int{1, 4} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			b := &bucket{}
			b.add(t, digesttest.Chain{Hours: 4, Logs: 5})
			b.add(t, digesttest.Chain{Hours: 4, Logs: 5, Region: "eu-west-3"})
			folder, keys := b.write(t)
			c := HuntConfig{Paths: []string{folder}, Keys: []string{keys}, Workers: workers, Now: time.Now}
			p, proof := reading(t, c)
			opened := countedRun(t, p)
			for _, path := range b.paths("/CloudTrail/") {
				full := filepath.Join(folder, filepath.FromSlash(path))
				if opened[full] != 1 {
					t.Errorf("%s was opened %d times, want once", path, opened[full])
				}
				file(t, full, "destroyed")
			}
			if len(opened) != 40 {
				t.Errorf("%d files were opened, want the 40 logs", len(opened))
			}
			r, err := proof.verify(t.Context(), folder, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Digests.Valid != 8 || r.Logs.Valid != 40 || !r.Passed() || r.Planted() != 0 {
				t.Errorf("got digests %+v, logs %+v, want 8 and 40 valid", r.Digests, r.Logs)
			}
		})
	}
}

// countedRun is pass.run with a count of what is opened, by name.
func countedRun(t *testing.T, p *pass) map[string]int {
	fields, err := cloudtrail.CompileFields(p.Fields())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	opened := map[string]int{}
	found, counted := make(chan stream.Object), make(chan stream.Object)
	go p.source.Send(t.Context(), found)
	go func() {
		defer close(counted)
		for o := range found {
			open := o.Input.Open
			o.Input.Open = func() (io.ReadCloser, error) {
				mu.Lock()
				opened[o.Input.Name]++
				mu.Unlock()
				return open()
			}
			counted <- o
		}
	}()
	var wg sync.WaitGroup
	for range p.config.Workers {
		w := p.observer()
		wg.Go(func() { p.work(t.Context(), w, fields, counted) })
	}
	wg.Wait()
	return opened
}

func TestLogsThatComeMeanwhileAreNotClaimed(t *testing.T) {
	three, four := &bucket{}, &bucket{}
	three.add(t, digesttest.Chain{Hours: 3, Logs: 1})
	four.add(t, digesttest.Chain{Hours: 4, Logs: 1})
	folder, keys := three.write(t)
	c := HuntConfig{Paths: []string{folder}, Keys: []string{keys}, Since: digested, Until: digested.Add(2 * time.Hour), Now: time.Now}
	h := hunted(t, c)
	if !h.Coverage.Proven {
		t.Fatalf("got %+v, want it proven while nothing comes", h.Coverage)
	}
	p, proof := reading(t, c)
	if err := p.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := digesttest.WriteFiles(folder, four.files); err != nil { // as a running aws s3 sync does
		t.Fatal(err)
	}
	proof.config.Until = digested.Add(3 * time.Hour)
	proof.conclude(t.Context(), h)
	if h.Coverage.Proven || !strings.Contains(h.Coverage.Detail, "came or changed while the hunt was reading") {
		t.Errorf("got %+v, want no claim about a log that was not read", h.Coverage)
	}
}

func TestWhatHasNoChainIsNotHashed(t *testing.T) {
	b := &bucket{}
	b.add(t, digesttest.Chain{Hours: 2, Logs: 1})
	folder, keys := b.write(t)
	zipped := filepath.Join(t.TempDir(), "bucket.zip")
	zipFolder(t, zipped, folder)
	single := filepath.Join(folder, filepath.FromSlash(b.paths("/CloudTrail/")[0]))
	tests := []struct {
		name  string
		paths []string
		want  string
	}{
		{"a zip", []string{zipped}, zipped},
		{"a file", []string{single}, single},
		{"standard input", []string{"-"}, "-"},
		{"a folder beside a zip", []string{folder, zipped}, zipped},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, workers := range []int{1, 4} {
				c := HuntConfig{Paths: tt.paths, Keys: []string{keys}, Stdin: strings.NewReader("{}"), Workers: workers}
				if _, proof := reading(t, c); proof.sums != nil {
					t.Error("the logs are hashed although nothing can be proven")
				}
				want := report.Coverage{Detail: tt.want + " is no folder, so it has no digest chain to prove it by."}
				if diff := cmp.Diff(want, hunted(t, c).Coverage); diff != "" {
					t.Errorf("coverage (-want +got):\n%s", diff)
				}
			}
		})
	}
	if p, proof := reading(t, HuntConfig{Paths: []string{folder}}); proof != nil || p.sums != nil {
		t.Error("without keys: got a proof, want none and nothing hashed")
	}
}

// zipFolder packs a folder, names as in it.
func zipFolder(t testing.TB, path, folder string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	if err := z.AddFS(os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAnInterruptedVerificationKeepsTheHunt(t *testing.T) {
	b := &bucket{}
	b.add(t, digesttest.Chain{Hours: 2, Logs: 1})
	folder, keys := b.write(t)
	c := HuntConfig{Paths: []string{folder}, Keys: []string{keys}, Now: time.Now}
	_, proof := reading(t, c)
	h := hunted(t, c)
	h.Coverage = report.Coverage{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	proof.conclude(ctx, h)
	if want := (report.Coverage{Detail: "The digest chain was not verified to its end."}); h.Coverage != want || !h.Interrupted {
		t.Errorf("got coverage %+v, interrupted: %t; want %+v, true", h.Coverage, h.Interrupted, want)
	}
	if h.Totals.Events != 2 {
		t.Errorf("got %d events, want the 2 that were read", h.Totals.Events)
	}
}

func TestAFolderThatVanishesCostsTheProofOnly(t *testing.T) {
	b := &bucket{}
	b.add(t, digesttest.Chain{Hours: 2, Logs: 1})
	folder, keys := b.write(t)
	c := HuntConfig{Paths: []string{folder}, Keys: []string{keys}, Now: time.Now}
	_, proof := reading(t, c)
	h := hunted(t, c)
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	proof.conclude(t.Context(), h)
	if !strings.Contains(h.Coverage.Detail, "could not be verified") || h.Coverage.Proven || h.Totals.Events != 2 {
		t.Errorf("got %+v after %d events, want the 2 and a coverage that could not be verified", h.Coverage, h.Totals.Events)
	}
}

func TestKeysAreReadBeforeTheLogs(t *testing.T) {
	dir := t.TempDir()
	_, err := Hunt(t.Context(), HuntConfig{
		Paths: []string{dir}, Keys: []string{file(t, filepath.Join(t.TempDir(), "keys.json"), "no keys")}, Pack: shipped(t), Now: time.Now,
		Progress: func(report.Progress) { t.Error("the hunt began with keys that nobody can use") },
	})
	if err == nil || !strings.Contains(err.Error(), "keys.json") {
		t.Errorf("got error %v, want one that names the file", err)
	}
}

func TestAnInterruptedHuntWithKeysReportsWhatItFound(t *testing.T) {
	b := &bucket{}
	b.add(t, digesttest.Chain{Hours: 2, Logs: 1})
	folder, keys := b.write(t)
	for i := range 50 {
		logFile(t, filepath.Join(folder, fmt.Sprintf("%02d.json", i)), records(t, i, step{base: "stop-logging"}))
	}
	ctx, cancel := context.WithCancel(t.Context())
	h, err := Hunt(ctx, HuntConfig{
		Paths: []string{folder}, Keys: []string{keys}, Pack: shipped(t), Now: time.Now, Workers: 2, DedupMemory: 1 << 20,
		OnMatch: func(detect.Match) { cancel() }, // Ctrl-C while the first file is read
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(of(h, "trail-stopped")) != 1 || !h.Interrupted || h.Coverage.Proven {
		t.Errorf("got %d alerts of trail-stopped, interrupted: %t, proven: %t; want the one that was found, true, false",
			len(of(h, "trail-stopped")), h.Interrupted, h.Coverage.Proven)
	}
}
