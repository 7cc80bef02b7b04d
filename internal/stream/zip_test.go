package stream

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// zipped writes a zip of names and texts in turn.
func zipped(t *testing.T, path string, namesAndTexts ...string) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(namesAndTexts); i += 2 {
		w, err := z.Create(namesAndTexts[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, namesAndTexts[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestZip(t *testing.T) {
	tests := []struct {
		name    string
		entries []string
		want    []string
	}{
		{"folders inside, gzip inside", []string{"a/", "", "a/b/c.json", record, "a/d.json.gz", gzipped(t, record)},
			[]string{"logs.zip/a/b/c.json: 1 record", "logs.zip/a/d.json.gz: 1 record"}},
		{"a name that climbs out stays a text", []string{"../../etc/passwd", record, "/abs.json", record, `..\..\win.json`, record},
			[]string{"logs.zip/../../etc/passwd: 1 record", "logs.zip//abs.json: 1 record", `logs.zip/..\..\win.json: 1 record`}},
		{"the same name twice is read twice", []string{"a.json", record, "a.json", record},
			[]string{"logs.zip/a.json: 1 record", "logs.zip/a.json: 1 record"}},
		{"a zip inside is named, not unpacked", []string{"inner.zip", "PK\x03\x04"}, []string{"logs.zip/inner.zip: not-a-log"}},
		{"a zip without entries", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			zipped(t, filepath.Join(dir, "logs.zip"), tt.entries...)
			got := told(t, dir, send(t, context.Background(), []string{dir}, nil))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*"))
			if err != nil || len(left) != 1 {
				t.Errorf("beside the folder lies %v (%v), want nothing: an entry was written", left, err)
			}
		})
	}
}

func TestHarmfulZips(t *testing.T) {
	good := func(t *testing.T) []byte {
		path := filepath.Join(t.TempDir(), "good.zip")
		zipped(t, path, "a.json", strings.Repeat(record, 100))
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const central = "PK\x01\x02" // signature of a directory entry
	tests := []struct {
		name string
		harm func(zip []byte) []byte
		want string
	}{
		{"no zip at all", func([]byte) []byte { return []byte("not a zip") }, "x.zip: error: read zip: zip: not a valid zip file"},
		{"the directory is cut off", func(z []byte) []byte { return z[:len(z)/2] }, "x.zip: error: read zip: zip: not a valid zip file"},
		{"the data is damaged", func(z []byte) []byte { z[60] ^= 0xff; return z }, "x.zip/a.json: read-error"},
		{"the entry is encrypted", func(z []byte) []byte { z[bytes.Index(z, []byte(central))+8] |= encrypted; return z },
			"x.zip/a.json: error: the entry is encrypted; hint: unzip it with its password first"},
		{"an unknown compression", func(z []byte) []byte { z[bytes.Index(z, []byte(central))+10] = 93; return z }, "x.zip/a.json: read-error"},
		{"an entry larger than the zip", func(z []byte) []byte { z[bytes.Index(z, []byte(central))+22] = 0x7f; return z },
			"x.zip: error: the entries of the zip overlap: a zip bomb; the rest is not read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "x.zip", string(tt.harm(good(t))))
			write(t, dir, "y.json", record)
			got := told(t, dir, send(t, context.Background(), []string{dir}, nil))
			if diff := cmp.Diff([]string{tt.want, "y.json: 1 record"}, got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAZipBombIsStopped(t *testing.T) {
	b := &bounded{ReadCloser: io.NopCloser(endless{}), stored: 1000}
	n, err := io.Copy(io.Discard, b)
	if err == nil || !strings.Contains(err.Error(), "zip bomb") {
		t.Errorf("got error %v, want one that says zip bomb", err)
	}
	if n > bombBytes {
		t.Errorf("%d bytes came through, want at most %d", n, bombBytes)
	}
}

func TestAnOrdinaryLogIsNoBomb(t *testing.T) {
	const size = bombBytes + 1<<20
	b := &bounded{ReadCloser: io.NopCloser(io.LimitReader(endless{}, size)), stored: size / 30}
	if n, err := io.Copy(io.Discard, b); n != size || err != nil {
		t.Errorf("got %d bytes and error %v, want all %d", n, err, size)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
