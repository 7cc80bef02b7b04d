package proof_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
	"github.com/rootkeep/rootkeep/internal/app/proof"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
	"github.com/rootkeep/rootkeep/ledger"
)

// bucket is a copy of a trail's bucket: six hours from 00:01:31 on, each with a log file
// that has a root event and one that has none.
type bucket struct {
	digesttest.Chain
	files map[string][]byte
	keys  string // file
	given digest.Keys
}

func logOf(key string, at time.Time, caller string) digesttest.Log {
	text := fmt.Appendf(nil, `{"Records":[{"eventVersion":"1.11","eventTime":%q,"eventSource":"iam.amazonaws.com","eventName":"ListUsers","awsRegion":"us-east-1","recipientAccountId":"111122223333","eventID":"%x","userIdentity":{"type":%q}}]}`,
		at.Format(time.RFC3339), sha256.Sum256([]byte(key)), caller)
	return digesttest.Log{Object: key, Sum: sha256.Sum256(text), Gzip: digesttest.Gzip(text)}
}

func newBucket(t *testing.T, c digesttest.Chain) *bucket {
	t.Helper()
	c.Hours, c.Start = 6, time.Date(2026, 11, 21, 0, 1, 31, 0, time.UTC)
	plain := c
	hour := 0
	c.LogsOf = func(start, _ time.Time) []digesttest.Log {
		defer func() { hour++ }()
		return []digesttest.Log{logOf(plain.LogKey(hour, 0), start, "Root"), logOf(plain.LogKey(hour, 1), start, "IAMUser")}
	}
	signer, err := digesttest.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	files, _, err := c.Files(signer)
	if err != nil {
		t.Fatal(err)
	}
	b := &bucket{Chain: plain, files: files, keys: filepath.Join(t.TempDir(), "keys.json")}
	if err := os.WriteFile(b.keys, signer.PublicKeys(c.Start.AddDate(0, -1, 0), c.Start.AddDate(0, 1, 0)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, b.given, err = proof.ReadAWSKeys(b.keys); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bucket) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := digesttest.WriteFiles(dir, b.files); err != nil {
		t.Fatal(err)
	}
	return dir
}

// of the period of two hours, 02:00 to 04:00, digests 2, 3, 4 and 5 tell: those that end
// at 02:01:31, 03:01:31, 04:01:31 and 05:01:31, and one more for its signature.
var trailFrom, trailTo = time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC), time.Date(2026, 11, 21, 4, 0, 0, 0, time.UTC)

// exported makes a bundle of a ledger of two entries.
func exported(t *testing.T, b *book, c proof.TrailConfig) ([]byte, *proof.Bundled) {
	t.Helper()
	var out bytes.Buffer
	done, err := proof.Evidence(t.Context(), b.Store, proof.Export{Keys: b.Keys.Verifier, From: trailFrom, To: trailTo, Trail: &c}, &out)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), done
}

func (b *book) check(text []byte, aws digest.Keys) *evidence.Report {
	return proof.CheckBundle(b.t.Context(), bytes.NewReader(text), int64(len(text)), b.Keys.Verifier, evidence.Trust{AWS: aws})
}

func TestWhatAWSSignedIsInTheBundle(t *testing.T) {
	b := sqliteBook(t)
	for name, c := range map[string]digesttest.Chain{
		"a bucket with metadata":                              {},
		"a copy that lost the signatures":                     {NoMetadata: true},
		"an organization's trail":                             {Organization: "o-exampleorgid"},
		"a prefix of other letters":                           {Prefix: "prê fix+=(1)/x"},
		"a folder for the bucket":                             {Folder: "trail-logs"},
		"the longest prefix and the longest name of a trail":  {Prefix: strings.Repeat("p", 200), Trail: strings.Repeat("t", 128), Organization: "o-exampleorgid"},
		"a trail whose name has what separates names of keys": {Trail: "a_b_c"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newBucket(t, c)
			config := proof.TrailConfig{Paths: []string{k.write(t)}, Keys: []string{k.keys}}
			text, done := exported(t, b, config)
			if again, _ := exported(t, b, config); !bytes.Equal(text, again) {
				t.Error("the same ledger and the same bucket give other bytes")
			}
			if done.Trail.Digests != 5 || done.Trail.Logs != 3 || done.Trail.Rootless != 3 || done.Trail.LeftOut != 0 {
				t.Errorf("exported %+v, want 5 digests, 3 logs, 3 without root events", done.Trail)
			}
			r := b.check(text, k.given)
			if r.State != evidence.Proven || r.AWS.State != evidence.Proven || r.AWS.OwnKeys || r.AWS.Digests < 4 || r.AWS.Logs != 3 || len(r.AWS.Chains) != 1 || !r.AWS.Chains[0].Whole || r.AWS.Absent == 0 {
				t.Errorf("got %s, %+v, %v", r.State, r.AWS, r.Faults)
			}
			if own := b.check(text, nil); own.State != evidence.Unproven || own.AWS.State != evidence.Unproven || !own.AWS.OwnKeys || len(own.AWS.Lacks) > 0 {
				t.Errorf("with the bundle's own keys: got %s, %+v", own.State, own.AWS)
			}
			if strange := b.check(text, newBucket(t, digesttest.Chain{}).given); strange.State != evidence.Unproven || strange.AWS.Digests != 0 || len(strange.AWS.Lacks) == 0 {
				t.Errorf("with other keys: got %s, %+v", strange.State, strange.AWS)
			}
		})
	}
}

// Each kind of damage in the copy that the bundle is made of is seen in the bundle.
func TestDamageOfACopyIsSeenInItsBundle(t *testing.T) {
	b := sqliteBook(t)
	whole := newBucket(t, digesttest.Chain{})
	forged := logOf(whole.LogKey(3, 0), trailFrom, "Root")
	forged = digesttest.Log{Gzip: digesttest.Gzip(append([]byte(" "), inflated(t, forged.Gzip)...))}
	for name, test := range map[string]struct {
		damage func(files map[string][]byte)
		want   evidence.State
		told   string // in a fault or a lack
	}{
		"nothing":                     {func(map[string][]byte) {}, evidence.Proven, ""},
		"a log that was written anew": {func(f map[string][]byte) { f[whole.LogPath(3, 0)] = forged.Gzip }, evidence.Broken, whole.LogKey(3, 0)},
		"a log that cannot be read":   {func(f map[string][]byte) { f[whole.LogPath(3, 1)] = []byte("no gzip") }, evidence.Broken, whole.LogKey(3, 1)},
		"a digest that is gone":       {func(f map[string][]byte) { delete(f, whole.DigestPath(3)) }, evidence.Unproven, whole.DigestKey(3)},
		"a digest that is no digest":  {func(f map[string][]byte) { f[whole.DigestPath(3)] = digesttest.Gzip([]byte("{}")) }, evidence.Broken, whole.DigestKey(3)},
		"metadata with another signature": {func(f map[string][]byte) {
			f[whole.DigestPath(2)+digest.SidecarSuffix] = f[whole.DigestPath(3)+digest.SidecarSuffix]
		}, evidence.Broken, whole.DigestKey(2)},
		"a log that no digest names": {func(f map[string][]byte) { f[strings.Replace(whole.LogPath(3, 0), "std", "planted", 1)] = forged.Gzip },
			evidence.Unproven, "planted"},
		"no digest at all": {func(f map[string][]byte) {
			maps.DeleteFunc(f, func(p string, _ []byte) bool { return strings.Contains(p, "CloudTrail-Digest") })
		}, evidence.Unproven, "no digest file"},
	} {
		t.Run(name, func(t *testing.T) {
			k := *whole
			k.files = maps.Clone(whole.files)
			test.damage(k.files)
			text, _ := exported(t, b, proof.TrailConfig{Paths: []string{k.write(t)}})
			r := b.check(text, k.given)
			told := ""
			for _, f := range r.Faults {
				told += f.Text + "\n"
			}
			for _, l := range r.AWS.Lacks {
				told += l.Object + ": " + l.Text + "\n"
			}
			if r.AWS.State != test.want || r.State != test.want || r.Ledger.State != evidence.Proven || !strings.Contains(told, test.told) {
				t.Errorf("got %s, AWS's %s, the ledger's %s, want %s and a word of %q:\n%s", r.State, r.AWS.State, r.Ledger.State, test.want, test.told, told)
			}
		})
	}
}

func inflated(t *testing.T, packed []byte) []byte {
	t.Helper()
	text, err := gunzip(packed)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Whoever changes a byte of what AWS signed is told of by its file's name; whoever makes
// the manifest fit as well is told of by AWS's signature.
func TestEveryFlippedByteOfWhatAWSSignedIsNamed(t *testing.T) {
	b := sqliteBook(t)
	k := newBucket(t, digesttest.Chain{})
	text, _ := exported(t, b, proof.TrailConfig{Paths: []string{k.write(t)}, Keys: []string{k.keys}})
	z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	flipped := 0
	for _, f := range z.File {
		at, err := f.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(f.Name, "aws/") {
			continue
		}
		size := int64(f.UncompressedSize64)
		for i := int64(0); i < size; i += max(size/7, 1) {
			broken := bytes.Clone(text)
			broken[at+i] ^= 1
			r := b.check(broken, k.given)
			// Of metadata only the manifest knows: the signature in it may be in a digest, too.
			aws := r.AWS.State == evidence.Broken || !strings.HasSuffix(f.Name, ".json.gz")
			if r.State != evidence.Broken || !aws || !slices.ContainsFunc(r.Faults, func(f2 evidence.Fault) bool { return strings.Contains(f2.Text, f.Name) }) {
				t.Fatalf("byte %d of %s: got %s, AWS's %s, %v", i, f.Name, r.State, r.AWS.State, r.Faults)
			}
			flipped++
		}
	}
	if flipped < 50 {
		t.Errorf("%d bytes were flipped, want more", flipped)
	}
}

func TestZipsAndSingleFilesAreCopies(t *testing.T) {
	b := sqliteBook(t)
	k := newBucket(t, digesttest.Chain{NoMetadata: true})
	dir := k.write(t)
	zipped := filepath.Join(t.TempDir(), "bucket.zip")
	f, err := os.Create(zipped)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, err := range []error{z.AddFS(os.DirFS(dir)), z.Close(), f.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var single []string
	for name := range k.files {
		single = append(single, filepath.Join(dir, filepath.FromSlash(name)))
	}
	for name, paths := range map[string][]string{"a zip": {zipped}, "single files": single, "a glob": {dir + "/AWS*"}, "a folder and a zip of the same": {dir, zipped}} {
		text, done := exported(t, b, proof.TrailConfig{Paths: paths})
		if r := b.check(text, k.given); r.AWS.State != evidence.Proven || r.AWS.Logs < 3 || done.Trail.LeftOut > 0 {
			t.Errorf("%s: got %+v, %v, left out %v", name, r.AWS, r.Faults, done.Trail.Named)
		}
	}
}

func TestWhatGoesIntoABundleIsBounded(t *testing.T) {
	b := sqliteBook(t)
	k := newBucket(t, digesttest.Chain{NoMetadata: true})
	dir := k.write(t)
	text, done := exported(t, b, proof.TrailConfig{Paths: []string{dir}, MostFiles: 6})
	if done.Trail.Digests != 5 || done.Trail.Logs != 1 || done.Trail.LeftOut != 2 || len(done.Trail.Named) != 2 || !strings.Contains(done.Trail.Named[0].Reason, "6 files") {
		t.Errorf("six files: got %+v", done.Trail)
	}
	if r := b.check(text, k.given); r.AWS.State != evidence.Proven || r.AWS.Logs != 1 || r.AWS.Claim.LeftOut != 2 {
		t.Errorf("six files: got %+v, %v", r.AWS, r.Faults)
	}
	if _, done := exported(t, b, proof.TrailConfig{Paths: []string{dir}, MostBytes: 100}); done.Trail.Digests+done.Trail.Logs != 0 || done.Trail.LeftOut != 8 {
		t.Errorf("100 bytes: got %+v", done.Trail)
	}
}

func TestAnExportIsRecorded(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		b.add(2)
		from := time.Now().Add(-time.Hour)
		var out bytes.Buffer
		done, err := proof.Evidence(t.Context(), b.Store, proof.Export{Keys: b.Keys.Verifier, From: from, To: from.Add(2 * time.Hour)}, &out)
		if err == nil {
			err = done.Record(t.Context(), b.Store, "host")
		}
		if err != nil {
			t.Fatal(err)
		}
		if r := checked(out.Bytes(), b.Keys.Verifier...); r.Manifest != done.Manifest || len(done.Manifest) != hex.EncodedLen(sha256.Size) {
			t.Errorf("the manifest is %s, the export said %s", r.Manifest, done.Manifest)
		}
		shown, err := b.Show(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{shown.Type, shown.Subject, shown.Actor}
		if diff := cmp.Diff([]string{"evidence.exported", done.Recorded, "host"}, got); diff != "" || !strings.Contains(shown.Payloads[0].Text, done.Manifest) {
			t.Errorf("the entry: %s\n%+v", diff, shown.Payloads)
		}
		if v := b.verify(); v.State != proof.Holds {
			t.Errorf("got %+v", v)
		}
	})
}

// hostileBundle is one that anybody could make up, with files of AWS's part.
func hostileBundle(t *testing.T, files map[string][]byte) (text []byte, public string) {
	t.Helper()
	_, public, err := ledger.NewKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := ledger.NewBundle(&out, origin, []string{public}, time.Now(), 0)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.Put(name, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), public
}

func TestAHostileCopyIsNotBelieved(t *testing.T) {
	k := newBucket(t, digesttest.Chain{})
	const said = `{"schema":"rootkeep/bundle-trail/1","keys":[%s]}`
	copies := map[string][]byte{"aws/trail.json": fmt.Appendf(nil, said, "")}
	for i := range 70 {
		copies[fmt.Sprintf("aws/copy/%d/x", i)] = nil
	}
	many := strings.Repeat(`{"file":"aws/trail.json","source":""},`, 40) + `{"file":"x","source":""}`
	for name, test := range map[string]struct {
		files map[string][]byte
		told  string
	}{
		"copies without end":           {copies, "more than 64 copies of buckets"},
		"no word of what it holds":     {map[string][]byte{"aws/copy/0/" + k.DigestPath(0): k.files[k.DigestPath(0)]}, "aws/trail.json"},
		"a word that there is not":     {map[string][]byte{"aws/trail.json": []byte(`{"schema":"rootkeep/bundle-trail/1","trust":"me"}`)}, `unknown field "trust"`},
		"another schema":               {map[string][]byte{"aws/trail.json": []byte(`{"schema":"x"}`)}, "schema"},
		"keys that are none":           {map[string][]byte{"aws/trail.json": fmt.Appendf(nil, said, `{"file":"aws/keys/0","source":"x"}`), "aws/keys/0": []byte("x")}, "aws/keys/0"},
		"keys that are not there":      {map[string][]byte{"aws/trail.json": fmt.Appendf(nil, said, `{"file":"../keys","source":"x"}`)}, "../keys"},
		"files of keys without end":    {map[string][]byte{"aws/trail.json": fmt.Appendf(nil, said, many)}, "more than 32 files of keys"},
		"a name that nobody gives":     {map[string][]byte{"aws/copy/0/a+41b": nil}, "its name is not as rootkeep writes it"},
		"a name that leads out":        {map[string][]byte{"aws/copy/0+2F+2E+2E": nil}, "its name is not as rootkeep writes it"},
		"a file that is a folder, too": {map[string][]byte{"aws/trail.json": fmt.Appendf(nil, said, ""), "aws/copy/0": nil, "aws/copy/0/x": nil}, "duplicate"},
	} {
		t.Run(name, func(t *testing.T) {
			text, public := hostileBundle(t, test.files)
			r := checked(text, public)
			if r.State != evidence.Broken || r.AWS.State != evidence.Broken || !slices.ContainsFunc(r.Faults, func(f evidence.Fault) bool { return strings.Contains(f.Text, test.told) }) {
				t.Errorf("got %s, %s, %v, want a fault with %q", r.State, r.AWS.State, r.Faults, test.told)
			}
		})
	}
}

// sqliteBook is a ledger of two entries; what is said of CloudTrail does not depend on
// the database.
func sqliteBook(t *testing.T) *book {
	t.Helper()
	b := newBook(t, filepath.Join(t.TempDir(), "rootkeep.db"))
	b.add(2)
	return b
}

func gunzip(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
