package app

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/stream"
)

// signerOnce is made once: keys take long to make.
var signerOnce = sync.OnceValues(digesttest.NewSigner)

var digested = time.Date(2026, 11, 21, 0, 1, 31, 0, time.UTC) // when digesttest's chains start

// bucket is a copy of a trail's bucket that a case damages.
type bucket struct {
	files map[string][]byte
	link  *digesttest.Link
}

func (b *bucket) add(t testing.TB, c digesttest.Chain) {
	t.Helper()
	signer, err := signerOnce()
	if err != nil {
		t.Fatal(err)
	}
	files, link, err := c.Files(signer)
	if err != nil {
		t.Fatal(err)
	}
	if b.files == nil {
		b.files = map[string][]byte{}
	}
	maps.Copy(b.files, files)
	b.link = link
}

// write puts the copy into a folder of its own, and the keys beside it.
func (b *bucket) write(t testing.TB) (folder, keys string) {
	t.Helper()
	signer, err := signerOnce()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	folder = filepath.Join(dir, "bucket")
	if err := digesttest.WriteFiles(folder, b.files); err != nil {
		t.Fatal(err)
	}
	return folder, file(t, filepath.Join(dir, "keys.json"), string(signer.PublicKeys(digested.AddDate(0, -1, 0), digested.AddDate(0, 1, 0))))
}

// paths of the copy whose folder is so named, sorted.
func (b *bucket) paths(part string) []string {
	var out []string
	for path := range b.files {
		if strings.Contains(path, part) && !strings.HasSuffix(path, digest.SidecarSuffix) {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

// damages are what may have happened to a copy: for each verdict on a file at least
// one that brings it about.
var damages = map[string]func(b *bucket, log, digest string){
	"a log is deleted":              func(b *bucket, log, _ string) { delete(b.files, log) },
	"a log has another content":     func(b *bucket, log, _ string) { b.files[log] = digesttest.Gzip([]byte(`{"Records":[]}`)) },
	"a log is not compressed":       func(b *bucket, log, _ string) { b.files[log] = []byte(`{"Records":[]}`) },
	"a log is cut":                  func(b *bucket, log, _ string) { b.files[log] = b.files[log][:len(b.files[log])/2] },
	"a log has a wrong checksum":    func(b *bucket, log, _ string) { b.files[log] = flipped(b.files[log]) },
	"a log is empty":                func(b *bucket, log, _ string) { b.files[log] = nil },
	"a member is appended to a log": func(b *bucket, log, _ string) { b.files[log] = slices.Concat(b.files[log], b.files[log]) },
	"text is appended to a log":     func(b *bucket, log, _ string) { b.files[log] = append(slices.Clip(b.files[log]), "appended"...) },
	"a log is planted":              func(b *bucket, log, _ string) { b.files[strings.Replace(log, "_std", "_plant", 1)] = b.files[log] },
	"a log is copied over another":  func(b *bucket, log, _ string) { b.files[b.paths("/CloudTrail/")[0]] = b.files[log] },
	"a digest is deleted":           func(b *bucket, _, d string) { delete(b.files, d) },
	"a digest is cut":               func(b *bucket, _, d string) { b.files[d] = b.files[d][:len(b.files[d])/2] },
	"a digest has a second member":  func(b *bucket, _, d string) { b.files[d] = slices.Concat(b.files[d], b.files[d]) },
	"a digest is another one":       func(b *bucket, _, d string) { b.files[d] = b.files[b.paths("/CloudTrail-Digest/")[0]] },
	"a digest lost its metadata":    func(b *bucket, _, d string) { delete(b.files, d+digest.SidecarSuffix) },
	"a digest has other metadata": func(b *bucket, _, d string) {
		b.files[d+digest.SidecarSuffix] = []byte(`{"Metadata":{"signature":"00","signature-algorithm":"x"}}`)
	},
	"a metadata file is none":        func(b *bucket, _, d string) { b.files[d+digest.SidecarSuffix] = []byte("<html>") },
	"a zip lies beside the logs":     func(b *bucket, log, _ string) { b.files[log+".zip"] = []byte("PK, not really") },
	"a picture lies beside the logs": func(b *bucket, log, _ string) { b.files[log+".png"] = []byte("\x89PNG") },
	"nothing happened":               func(b *bucket, _, _ string) {},
	"all digests of a Region are off": func(b *bucket, _, d string) {
		maps.DeleteFunc(b.files, func(path string, _ []byte) bool { return filepath.Dir(path) == filepath.Dir(d) })
	},
}

// flipped has one bit of its checksum changed.
func flipped(zipped []byte) []byte {
	out := slices.Clone(zipped)
	out[len(out)-8] ^= 1
	return out
}

// oddLogs are logs that a digest names rightly and a hunt has trouble with.
func oddLogs(c *digesttest.Chain) {
	contents := []string{
		`{"Records":[{"eventName":"Fine","eventID":"1","eventTime":"2026-11-21T00:05:00Z"}]}` + "\n",
		`{"Records":[{"eventName":"Fine","eventID":"2","eventTime":"2026-11-21T00:05:00Z"}]} and more`,
		`{"Records":[{"eventName":}` + strings.Repeat("broken", 200_000),
		"no JSON at all", "",
		`{"Records":[{"eventName":"` + strings.Repeat("x", 5<<20) + `"}]}`,
	}
	c.LogsOf = func(start, _ time.Time) []digesttest.Log {
		hour, out := int(start.Sub(digested)/time.Hour), []digesttest.Log{}
		for i, content := range contents {
			out = append(out, digesttest.Log{Object: c.LogKey(hour, i), Sum: sha256.Sum256([]byte(content)), Gzip: digesttest.Gzip([]byte(content))})
		}
		return out
	}
}

// randomBucket is a copy with some chains and some damage, told in words.
func randomBucket(t testing.TB, seed uint64) (*bucket, string) {
	random := rand.New(rand.NewPCG(seed, 1))
	b := &bucket{}
	for _, region := range []string{"us-east-1", "eu-west-3"} {
		c := digesttest.Chain{Region: region, Hours: 3 + random.IntN(3), Logs: 1 + random.IntN(3), NoMetadata: random.IntN(4) == 0}
		b.add(t, c)
		if random.IntN(3) == 0 { // logging stopped and started again, or moved
			c.Start, c.Folder = digested.Add(time.Duration(c.Hours+random.IntN(2))*time.Hour), "else"
			if c.After = b.link; random.IntN(2) == 0 {
				c.After, c.Folder = nil, ""
			}
			b.add(t, c)
		}
	}
	if random.IntN(3) == 0 {
		c := digesttest.Chain{Region: "sa-east-1", Hours: 1, Backfill: random.IntN(2) == 0}
		oddLogs(&c)
		b.add(t, c)
	}
	var told []string
	names := slices.Sorted(maps.Keys(damages))
	for range random.IntN(4) {
		logs, digests := b.paths("/CloudTrail/"), b.paths("/CloudTrail-Digest/")
		if len(logs) == 0 || len(digests) == 0 {
			break
		}
		name := names[random.IntN(len(names))]
		damages[name](b, logs[random.IntN(len(logs))], digests[random.IntN(len(digests))])
		told = append(told, name)
	}
	return b, strings.Join(told, ", ")
}

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
	p := &pass{hunt: hunt, paths: paths, config: c}
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
	fields, err := cloudtrail.CompileFields(p.hunt.Fields())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	opened := map[string]int{}
	found, counted := make(chan stream.Object), make(chan stream.Object)
	go p.paths.Send(t.Context(), found)
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
		wg.Go(func() { p.work(t.Context(), p.hunt.NewWorker(), fields, counted) })
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

func TestSums(t *testing.T) {
	object := func(root, name string) stream.Object {
		return stream.Object{Root: root, Input: cloudtrail.Input{Name: filepath.FromSlash(name), OneMember: true}}
	}
	of := func(content string) cloudtrail.Stats { return cloudtrail.Stats{SHA256: sha256.Sum256([]byte(content))} }
	tests := []struct {
		name string
		keep func(s *sums)
		root string
		path string
		want [sha256.Size]byte
	}{
		{"a log is found by its path below the folder", func(s *sums) { s.keep(object("in/b", "in/b/c/d"), of("x")) }, "in/b", "c/d", of("x").SHA256},
		{"the folder may be named in any way", func(s *sums) { s.keep(object("./in//b/", "in/b/c"), of("x")) }, "./in//b/", "c", of("x").SHA256},
		{"the current folder", func(s *sums) { s.keep(object(".", "c/d"), of("x")) }, ".", "c/d", of("x").SHA256},
		{"not in another folder", func(s *sums) { s.keep(object("a", "a/c"), of("x")) }, "b", "c", [sha256.Size]byte{}},
		{"folder and path do not run together", func(s *sums) { s.keep(object("a", "a/b/c"), of("x")) }, "a/b", "c", [sha256.Size]byte{}},
		{"an entry of a zip lies in no folder", func(s *sums) { s.keep(object("", "a/z.zip/c"), of("x")) }, "", "a/z.zip/c", [sha256.Size]byte{}},
		{"no sum is kept for what is not whole", func(s *sums) { s.keep(object("a", "a/c"), cloudtrail.Stats{}) }, "a", "c", [sha256.Size]byte{}},
		{"nor for what trail verify would refuse for its size", func(s *sums) {
			s.keep(object("a", "a/c"), cloudtrail.Stats{SHA256: of("x").SHA256, InflatedBytes: digest.MaxLog + 1})
		}, "a", "c", [sha256.Size]byte{}},
		{"read twice and the same", func(s *sums) { s.keep(object("a", "a/c"), of("x")); s.keep(object("a", "a/c"), of("x")) }, "a", "c", of("x").SHA256},
		{"read twice and changed in between", func(s *sums) {
			for _, content := range []string{"x", "y", "x"} {
				s.keep(object("a", "a/c"), of(content))
			}
		}, "a", "c", [sha256.Size]byte{}},
		{"beyond the limit nothing is kept", func(s *sums) {
			for _, name := range []string{"a/1", "a/2", "a/3", "a/c"} {
				s.keep(object("a", name), of("x"))
			}
		}, "a", "c", [sha256.Size]byte{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSums(3)
			tt.keep(s)
			got, ok := s.below(tt.root)(tt.path)
			if got != tt.want || ok != (tt.want != [sha256.Size]byte{}) {
				t.Errorf("got %x, %t, want %x", got, ok, tt.want)
			}
		})
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
