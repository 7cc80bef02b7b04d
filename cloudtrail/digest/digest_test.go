package digest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
)

// signer is made once: keys take long to make.
var signer = sync.OnceValue(func() *digesttest.Signer {
	s, err := digesttest.NewSigner()
	if err != nil {
		panic(err)
	}
	return s
})

var day = time.Date(2026, 11, 21, 0, 1, 31, 0, time.UTC)

func publicKeys(t testing.TB) digest.Keys {
	t.Helper()
	keys, err := digest.ParseKeys(signer().PublicKeys(day.AddDate(0, -1, 0), day.AddDate(0, 1, 0)))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// trail is a copy of a bucket that a case damages.
type trail struct {
	t     testing.TB
	files map[string][]byte
	gone  []string // listed, but not there when opened
	deny  []string
	pipes []string // are no regular files
}

func (b *trail) add(c digesttest.Chain) *digesttest.Link {
	b.t.Helper()
	files, link, err := c.Files(signer())
	if err != nil {
		b.t.Fatal(err)
	}
	maps.Copy(b.files, files)
	return link
}

func (b *trail) remove(path string) {
	b.t.Helper()
	if _, ok := b.files[path]; !ok {
		b.t.Fatalf("no file %s to remove", path)
	}
	delete(b.files, path)
}

func (b *trail) fsys() fs.FS {
	m := fstest.MapFS{}
	for path, data := range b.files {
		m[path] = &fstest.MapFile{Data: data, Mode: 0o644}
		if slices.Contains(b.pipes, path) {
			m[path].Mode |= fs.ModeNamedPipe
		}
	}
	return faultyFS{m, b.gone, b.deny, b.pipes}
}

// faultyFS lists files that cannot be opened, or not without waiting for ever.
type faultyFS struct {
	fstest.MapFS
	gone, deny, pipes []string
}

func (f faultyFS) Open(name string) (fs.File, error) {
	switch {
	case slices.Contains(f.gone, name):
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case slices.Contains(f.deny, name):
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	case slices.Contains(f.pipes, name):
		panic("a pipe was opened, which waits until somebody writes: " + name)
	}
	return f.MapFS.Open(name)
}

// summary is a report in lines: one for each chain, one for each verdict that is
// not valid, one for each file that no digest accounts for.
func summary(r *digest.Report) []string {
	out := []string{fmt.Sprintf("passed=%v", r.Passed())}
	for _, c := range r.Chains {
		kind := ""
		if c.Backfill {
			kind = " backfill"
		}
		out = append(out, fmt.Sprintf("%s%s %s: digests %d/%d, logs %d/%d, gaps %d", c.Trail, kind, c.Region, c.Digests.Valid, c.Digests.Total(), c.Logs.Valid, c.Logs.Total(), c.Gaps))
		for _, v := range c.Verdicts {
			out = append(out, fmt.Sprintf("  %s %s %s %s", v.Status, v.Reason, v.Kind, objectTime(v.Object)))
		}
	}
	for _, v := range r.Unlisted {
		out = append(out, fmt.Sprintf("stray %s %s %s %s", v.Status, v.Reason, v.Kind, objectTime(v.Object)))
	}
	return out
}

// objectTime is the time in an object's name, enough to tell test objects apart.
func objectTime(object string) string {
	for part := range strings.SplitSeq(object, "_") {
		if strings.HasPrefix(part, "202") {
			return strings.TrimSuffix(part, ".json.gz")
		}
	}
	return object
}

func verify(t *testing.T, b *trail, opt digest.Options) *digest.Report {
	t.Helper()
	r, err := digest.Verify(t.Context(), b.fsys(), opt)
	if err != nil {
		t.Fatal(err)
	}
	b.checkOnePass(t, opt, r)
	return r
}

// TestVerdicts is the list of verdicts of AWS's validator and our own. The
// digests of hour n are named by their end, 0n+1:01:31, its logs 5 and 10 minutes
// after its start.
func TestVerdicts(t *testing.T) {
	four := digesttest.Chain{Hours: 4, Logs: 2}
	three := digesttest.Chain{Hours: 3, Logs: 1}
	for _, tc := range []struct {
		name  string
		build func(b *trail, opt *digest.Options)
		want  []string
	}{
		{"a whole chain is valid", func(b *trail, opt *digest.Options) {
			b.add(four)
		}, []string{"passed=true", "audit us-east-1: digests 4/4, logs 8/8, gaps 0"}},
		{"a quiet chain without any log is valid", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 2})
		}, []string{"passed=true", "audit us-east-1: digests 2/2, logs 0/0, gaps 0"}},
		{"two of four digests gone, one of them the newest", func(b *trail, opt *digest.Options) {
			b.add(four)
			b.gone = []string{four.DigestPath(1), four.DigestPath(3)}
		}, []string{
			"passed=false", "audit us-east-1: digests 2/4, logs 4/4, gaps 0",
			"  missing not-found digest 20261121T040131Z",
			"  missing not-found digest 20261121T020131Z",
			"stray unknown no-digest log 20261121T0106Z", "stray unknown no-digest log 20261121T0111Z",
			"stray unknown no-digest log 20261121T0306Z", "stray unknown no-digest log 20261121T0311Z",
		}},
		{"a digest missing in the middle does not stop the traversal", func(b *trail, opt *digest.Options) {
			b.add(four)
			b.remove(four.DigestPath(2))
		}, []string{
			"passed=false", "audit us-east-1: digests 3/4, logs 6/6, gaps 0",
			"  missing not-found digest 20261121T030131Z",
			"stray unknown no-digest log 20261121T0206Z", "stray unknown no-digest log 20261121T0211Z",
		}},
		{"the first digest missing", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.remove(three.DigestPath(0))
			b.remove(three.LogPath(0, 0))
		}, []string{
			"passed=false", "audit us-east-1: digests 2/3, logs 2/2, gaps 0",
			"  missing not-found digest 20261121T010131Z",
		}},
		{"a copy that begins later passes with a matching start", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.remove(three.DigestPath(0))
			b.remove(three.LogPath(0, 0))
			opt.Since = day.Add(time.Hour + time.Second)
		}, []string{"passed=true", "audit us-east-1: digests 2/2, logs 2/2, gaps 0"}},
		{"a restart of logging is a gap and warns", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 2, Logs: 1})
			b.add(digesttest.Chain{Hours: 2, Logs: 1, Start: day.Add(5 * time.Hour)})
		}, []string{
			"passed=true", "audit us-east-1: digests 4/4, logs 4/4, gaps 1",
			"  warning gap gap 20261121T060131Z",
		}},
		{"a bad signature in the middle does not stop the traversal", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.editMetadata(three.DigestPath(1), func(m map[string]string) { m["signature"] = strings.Repeat("ab", 256) })
		}, []string{
			"passed=false", "audit us-east-1: digests 2/3, logs 2/2, gaps 0",
			"  invalid bad-signature digest 20261121T020131Z",
			"stray unknown no-digest log 20261121T0106Z",
		}},
		{"a digest edited after it was signed", func(b *trail, opt *digest.Options) {
			b.add(three)
			path := three.DigestPath(1)
			b.files[path] = digesttest.Gzip(bytes.Replace(b.inflated(path), []byte("hashValue"), []byte("hashvalue"), 1))
		}, []string{
			"passed=false", "audit us-east-1: digests 2/3, logs 2/2, gaps 0",
			"  invalid bad-signature digest 20261121T020131Z",
			"stray unknown no-digest log 20261121T0106Z",
		}},
		{"a signature that is no hexadecimal", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 1})
			b.editMetadata(four.DigestPath(0), func(m map[string]string) { m["signature"] = "zz" })
		}, []string{
			"passed=false", "audit us-east-1: digests 0/1, logs 0/0, gaps 0",
			"  invalid bad-signature digest 20261121T010131Z",
		}},
		{"no digest in range", func(b *trail, opt *digest.Options) {
			b.add(four)
			opt.Since = day.AddDate(0, 0, 3)
		}, []string{"passed=true"}},
		{"no valid digest in range", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 1})
			b.files[four.DigestPath(0)] = []byte("not gzip")
		}, []string{
			"passed=false", "audit us-east-1: digests 0/1, logs 0/0, gaps 0",
			"  invalid invalid-format digest 20261121T010131Z",
		}},
		{"the end of the range takes the digest of the hour after", func(b *trail, opt *digest.Options) {
			b.add(four)
			opt.Since, opt.Until = day.Add(time.Hour+time.Second), day.Add(2*time.Hour)
		}, []string{"passed=true", "audit us-east-1: digests 2/2, logs 4/4, gaps 0"}},
		{"a log with another content", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.files[three.LogPath(1, 0)] = digesttest.Gzip([]byte(`{"Records":[]}`))
		}, []string{
			"passed=false", "audit us-east-1: digests 3/3, logs 2/3, gaps 0",
			"  invalid hash-mismatch log 20261121T0106Z",
		}},
		{"a deleted log", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.remove(three.LogPath(1, 0))
		}, []string{
			"passed=false", "audit us-east-1: digests 3/3, logs 2/3, gaps 0",
			"  missing not-found log 20261121T0106Z",
		}},
		{"a log that is not gzip", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.files[three.LogPath(1, 0)] = b.inflated(three.LogPath(1, 0))
		}, []string{
			"passed=false", "audit us-east-1: digests 3/3, logs 2/3, gaps 0",
			"  invalid invalid-format log 20261121T0106Z",
		}},
		{"a log cut short", func(b *trail, opt *digest.Options) {
			b.add(three)
			path := three.LogPath(1, 0)
			b.files[path] = b.files[path][:len(b.files[path])/2]
		}, []string{
			"passed=false", "audit us-east-1: digests 3/3, logs 2/3, gaps 0",
			"  invalid invalid-format log 20261121T0106Z",
		}},
		{"a log with a second gzip member", func(b *trail, opt *digest.Options) {
			b.add(three)
			path := three.LogPath(1, 0)
			b.files[path] = append(b.files[path], digesttest.Gzip([]byte(`{"Records":[{"eventName":"Forged"}]}`))...)
		}, []string{
			"passed=false", "audit us-east-1: digests 3/3, logs 2/3, gaps 0",
			"  invalid second-gzip-member log 20261121T0106Z",
		}},
		{"a log with other data behind it", func(b *trail, opt *digest.Options) {
			b.add(three)
			path := three.LogPath(1, 0)
			b.files[path] = append(b.files[path], "appended"...)
		}, []string{
			"passed=false", "audit us-east-1: digests 3/3, logs 2/3, gaps 0",
			"  invalid second-gzip-member log 20261121T0106Z",
		}},
		{"a log that may not be read is unknown", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.deny = []string{three.LogPath(1, 0)}
		}, []string{
			"passed=true", "audit us-east-1: digests 3/3, logs 2/3, gaps 0",
			"  unknown unreadable log 20261121T0106Z",
		}},
		{"a pipe in place of a log is not opened", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.pipes = []string{three.LogPath(1, 0)}
		}, []string{
			"passed=true", "audit us-east-1: digests 3/3, logs 2/3, gaps 0",
			"  unknown unreadable log 20261121T0106Z",
		}},
		{"pipes in place of a digest and of a metadata file are not opened", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.pipes = []string{three.DigestPath(0), three.DigestPath(2) + digest.SidecarSuffix}
		}, []string{
			"passed=true", "audit us-east-1: digests 1/3, logs 1/2, gaps 0",
			"  unknown signature-unknown digest 20261121T030131Z",
			"  unknown unverified-digest log 20261121T0206Z",
			"  unknown unreadable digest 20261121T010131Z",
			"stray unknown no-digest log 20261121T0006Z",
		}},
		{"a log with an unknown hash algorithm", func(b *trail, opt *digest.Options) {
			c := three
			c.Edit = func(hour int, d map[string]any) {
				if hour == 1 {
					d["logFiles"].([]map[string]any)[0]["hashAlgorithm"] = "MD5"
				}
			}
			b.add(c)
		}, []string{
			"passed=true", "audit us-east-1: digests 3/3, logs 2/3, gaps 0",
			"  unknown unsupported-hash log 20261121T0106Z",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &trail{t: t, files: map[string][]byte{}}
			opt := digest.Options{Keys: publicKeys(t), Workers: 2}
			tc.build(b, &opt)
			if diff := cmp.Diff(tc.want, summary(verify(t, b, opt))); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
		})
	}
}

func (b *trail) inflated(path string) []byte {
	b.t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b.files[path]))
	if err != nil {
		b.t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *trail) editMetadata(path string, edit func(map[string]string)) {
	b.t.Helper()
	path += digest.SidecarSuffix
	var head struct{ Metadata map[string]string }
	if err := json.Unmarshal(b.files[path], &head); err != nil {
		b.t.Fatal(err)
	}
	edit(head.Metadata)
	out, err := json.Marshal(head)
	if err != nil {
		b.t.Fatal(err)
	}
	b.files[path] = out
}

func TestVerifyRefusesARangeThatEndsBeforeItStarts(t *testing.T) {
	_, err := digest.Verify(t.Context(), fstest.MapFS{}, digest.Options{Since: day, Until: day.Add(-time.Hour)})
	if err == nil {
		t.Error("got no error, want one")
	}
}

func TestVerifyReturnsWhatItHasWhenTheContextEnds(t *testing.T) {
	b := &trail{t: t, files: map[string][]byte{}}
	b.add(digesttest.Chain{Hours: 3, Logs: 1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := digest.Verify(ctx, b.fsys(), digest.Options{Keys: publicKeys(t)})
	if !errors.Is(err, context.Canceled) || r == nil || !r.Incomplete {
		t.Errorf("got %+v, %v, want an incomplete report and context.Canceled", r, err)
	}
}

func TestVerifyGivesTheSameReportWithAnyNumberOfWorkers(t *testing.T) {
	b := &trail{t: t, files: map[string][]byte{}}
	for _, region := range []string{"us-east-1", "eu-west-3", "ap-south-1"} {
		c := digesttest.Chain{Hours: 6, Logs: 4, Region: region}
		b.add(c)
		b.remove(c.LogPath(2, 1))
	}
	opt := digest.Options{Keys: publicKeys(t), Valid: true, Workers: 1}
	want := verify(t, b, opt)
	opt.Workers = 8
	opt.Progress = new(digest.Progress)
	got := verify(t, b, opt)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("eight workers (-one +eight):\n%s", diff)
	}
	if got, want := opt.Progress.Logs.Load(), int64(72); got != want {
		t.Errorf("progress: got %d logs, want %d", got, want)
	}
	if got, want := opt.Progress.Digests.Load(), opt.Progress.Found.Load(); got != want {
		t.Errorf("progress: got %d digests judged, want the %d found", got, want)
	}
}
