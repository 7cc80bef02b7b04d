package app

import (
	"crypto/sha256"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
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
