package digest_test

import (
	"context"
	"crypto/sha256"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
)

// countingFS counts how often each file is opened.
type countingFS struct {
	fs.FS
	mu     sync.Mutex
	opened map[string]int
}

func (c *countingFS) Open(name string) (fs.File, error) {
	c.mu.Lock()
	c.opened[name]++
	c.mu.Unlock()
	return c.FS.Open(name)
}

// Stat keeps fs.Stat from opening the file.
func (c *countingFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(c.FS, name) }

// readOnce reads every file of the copy but the digests for its records, as a hunt
// does, and keeps the sums of those that are whole.
func readOnce(t testing.TB, fsys fs.FS, paths []string) map[string][sha256.Size]byte {
	t.Helper()
	fields, err := cloudtrail.CompileFields([]string{cloudtrail.FieldEventName})
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string][sha256.Size]byte{}
	r := cloudtrail.NewReader(fields, cloudtrail.Options{})
	for _, path := range paths {
		in := cloudtrail.Input{Name: path, OneMember: true, Hash: true, Open: func() (io.ReadCloser, error) { return fsys.Open(path) }}
		stats := r.Read(context.Background(), in, func(*cloudtrail.Record) error { return nil })
		if stats.SHA256 != [sha256.Size]byte{} {
			sums[path] = stats.SHA256
		}
	}
	return sums
}

// checkOnePass verifies again with the sums of the logs from reading their records:
// whatever is wrong with the copy, the report is the same to the letter, and no log
// that was found whole is opened again.
func (b *trail) checkOnePass(t *testing.T, opt digest.Options, want *digest.Report) {
	t.Helper()
	var logs []string
	for path := range b.files {
		if !strings.Contains(path, "/CloudTrail-Digest/") && !slices.Contains(b.pipes, path) {
			logs = append(logs, path)
		}
	}
	sums := readOnce(t, b.fsys(), logs)
	opt.Progress = nil
	opt.Sum = func(path string) ([sha256.Size]byte, bool) {
		sum, ok := sums[path]
		return sum, ok
	}
	counted := &countingFS{FS: b.fsys(), opened: map[string]int{}}
	got, err := digest.Verify(t.Context(), counted, opt)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("with the logs read before (-trail verify +one pass):\n%s", diff)
	}
	for path := range counted.opened {
		if _, known := sums[path]; known {
			t.Errorf("%s was opened again although its sum was known", path)
		}
	}
}

func TestAKnownSumIsComparedWithTheDigest(t *testing.T) {
	b := &trail{t: t, files: map[string][]byte{}}
	c := digesttest.Chain{Hours: 2, Logs: 2}
	b.add(c)
	known := maps.Clone(b.files)
	for path := range known {
		if strings.Contains(path, "/CloudTrail/") {
			delete(b.files, path) // only what was read before tells of them
		}
	}
	sums := readOnce(t, (&trail{t: t, files: known}).fsys(), []string{c.LogPath(0, 0), c.LogPath(0, 1), c.LogPath(1, 0)})
	sums[c.LogPath(0, 1)] = sha256.Sum256([]byte("another content"))
	opt := digest.Options{Keys: publicKeys(t), Sum: func(path string) ([sha256.Size]byte, bool) {
		sum, ok := sums[path]
		return sum, ok
	}}
	r, err := digest.Verify(t.Context(), b.fsys(), opt)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"passed=false", "audit us-east-1: digests 2/2, logs 2/4, gaps 0",
		"  missing not-found log 20261121T0111Z", "  invalid hash-mismatch log 20261121T0011Z",
	}
	if diff := cmp.Diff(want, summary(r)); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}
