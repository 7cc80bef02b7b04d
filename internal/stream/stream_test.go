package stream

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/cloudtrail"
)

const record = `{"Records":[{"eventTime":"2026-03-02T10:00:00Z","eventID":"e-1","eventName":"StopLogging","eventSource":"cloudtrail.amazonaws.com","awsRegion":"eu-west-3","recipientAccountId":"111122223333"}]}`

// write makes a file below dir, with its folders.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// send collects every object of the paths.
func send(t *testing.T, ctx context.Context, paths []string, stdin io.Reader) []Object {
	t.Helper()
	p, err := Open(paths, stdin)
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan Object)
	go p.Send(ctx, out)
	var objects []Object
	for o := range out {
		objects = append(objects, o)
	}
	return objects
}

// told is what comes of reading objects: one line each.
func told(t *testing.T, dir string, objects []Object) []string {
	t.Helper()
	var out []string
	for _, o := range objects {
		name := strings.TrimPrefix(filepath.ToSlash(o.Input.Name), filepath.ToSlash(dir)+"/")
		switch {
		case o.Err != nil:
			name += ": error: " + o.Err.Error()
		case o.Digest:
			name += ": digest"
		default:
			stats := read(t, o.Input)
			if stats.Records == 1 {
				name += ": 1 record"
			}
			for _, p := range stats.Problems {
				name += ": " + string(p.Kind)
			}
		}
		out = append(out, name)
	}
	return out
}

func read(t *testing.T, in cloudtrail.Input) cloudtrail.Stats {
	t.Helper()
	fields, err := cloudtrail.CompileFields([]string{"eventName"})
	if err != nil {
		t.Fatal(err)
	}
	return cloudtrail.NewReader(fields, cloudtrail.Options{}).Read(context.Background(), in, func(*cloudtrail.Record) error { return nil })
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	const key = "AWSLogs/111122223333/CloudTrail/eu-west-3/2026/03/02/111122223333_CloudTrail_eu-west-3_20260302T1000Z_abc.json.gz"
	const digest = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-3/2026/03/02/111122223333_CloudTrail-Digest_eu-west-3_trail_eu-west-3_20260302T100000Z.json.gz"
	write(t, dir, "logs/b.json", record)
	write(t, dir, "logs/a/z.json.gz", gzipped(t, record))
	write(t, dir, "logs/[odd].json", record)
	write(t, dir, "keys/"+key, gzipped(t, record)+gzipped(t, record))
	write(t, dir, "keys/"+digest, gzipped(t, "{}"))
	write(t, dir, "keys/free.json.gz", gzipped(t, record)+gzipped(t, record))
	tests := []struct {
		name  string
		paths []string
		want  []string
	}{
		{"a file", []string{"logs/b.json"}, []string{"logs/b.json: 1 record"}},
		{"a folder is read by name, folders below it too", []string{"logs"}, []string{"logs/[odd].json: 1 record", "logs/a/z.json.gz: 1 record", "logs/b.json: 1 record"}},
		{"a glob", []string{"logs/*.json"}, []string{"logs/[odd].json: 1 record", "logs/b.json: 1 record"}},
		{"a glob that matches a folder reads it", []string{"l*s/a"}, []string{"logs/a/z.json.gz: 1 record"}},
		{"a name with brackets that exists is no glob", []string{"logs/[odd].json"}, []string{"logs/[odd].json: 1 record"}},
		{"several paths keep their order", []string{"logs/b.json", "logs/a"}, []string{"logs/b.json: 1 record", "logs/a/z.json.gz: 1 record"}},
		{"a digest is told by its key; a second member is read only without a key", []string{"keys"}, []string{
			"keys/" + key + ": 1 record: second-member", "keys/" + digest + ": digest", "keys/free.json.gz",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var paths []string
			for _, p := range tt.paths {
				paths = append(paths, filepath.Join(dir, p))
			}
			if diff := cmp.Diff(tt.want, told(t, dir, send(t, context.Background(), paths, nil))); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name, want string
		paths      []string
	}{
		{"a path that does not exist", "open DIR/none: no such file or directory", []string{dir + "/none"}},
		{"a glob without a match", "glob DIR/*.json matches nothing", []string{dir + "/*.json"}},
		{"a glob with a syntax error", "glob DIR/[: syntax error in pattern", []string{dir + "/["}},
		{"standard input twice", "standard input (-) is named twice; it can be read once", []string{"-", "-"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(tt.paths, strings.NewReader(""))
			if err == nil || strings.ReplaceAll(err.Error(), dir, "DIR") != tt.want {
				t.Errorf("got error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestWhatIsThereIsRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		paths        []string
		lost, others int
		err          error
	}{
		{"all is there", []string{"a.json"}, 0, 1, nil},
		{"one path and one glob are not there", []string{"none", "a.json", "*.gz"}, 2, 1, nil},
		{"nothing is there", []string{"none", "*.gz"}, 0, 0, ErrNotThere},
		{"a glob that cannot be", []string{"a.json", "["}, 0, 0, filepath.ErrBadPattern},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i := range c.paths {
				c.paths[i] = filepath.Join(dir, c.paths[i])
			}
			p, err := OpenThere(c.paths, nil)
			if !errors.Is(err, c.err) {
				t.Fatalf("got error %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			lost, others, out := 0, 0, make(chan Object)
			go p.Send(context.Background(), out)
			for o := range out {
				if o.Err != nil {
					lost++
				} else {
					others++
				}
			}
			if lost != c.lost || others != c.others {
				t.Errorf("got %d that cannot be read and %d others, want %d and %d", lost, others, c.lost, c.others)
			}
		})
	}
}

func TestCount(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.json", record)
	write(t, dir, "b/c.json", record)
	zipped(t, filepath.Join(dir, "z.zip"), "in/d.json", record, "in/e.json", record)
	p, err := Open([]string{dir, "-"}, strings.NewReader(record))
	if err != nil {
		t.Fatal(err)
	}
	objects, size := p.Count(context.Background())
	if objects != 5 || size <= int64(2*len(record)) {
		t.Errorf("got %d objects of %d bytes, want 5 of more than %d", objects, size, 2*len(record))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if objects, _ := p.Count(ctx); objects > 1+1 {
		t.Errorf("with an ended context: got %d objects, want it to stop at the first", objects)
	}
}

func TestDaysBeforeATimeAreLeftOut(t *testing.T) {
	dir := t.TempDir()
	const key = "AWSLogs/111122223333/%s/eu-west-1/2026/03/%s/log.json.gz"
	for _, day := range []string{"01", "02", "03"} {
		write(t, dir, fmt.Sprintf(key, "CloudTrail", day), record)
		write(t, dir, fmt.Sprintf(key, "CloudTrail-Digest", day), "{}")
	}
	write(t, dir, "own/2026/03/01/log.json", record)
	write(t, dir, "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/01.json", record)
	for from, want := range map[time.Time]int{
		{}: 8, time.Date(2026, 3, 2, 23, 0, 0, 0, time.UTC): 6, time.Date(2026, 3, 2, 23, 0, 0, 0, time.FixedZone("", 3*60*60)): 6,
		time.Date(2026, 3, 3, 1, 0, 0, 0, time.FixedZone("", 3*60*60)): 6, time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC): 2,
	} {
		p, err := Open([]string{dir}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !from.IsZero() {
			p.From(from)
		}
		out, got := make(chan Object), 0
		go p.Send(t.Context(), out)
		for range out {
			got++
		}
		if got != want {
			t.Errorf("from %s: got %d objects, want %d", from, got, want)
		}
	}
}

func TestSendStopsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.json", "b.json", "c.json"} {
		write(t, dir, name, record)
	}
	p, err := Open([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	out := make(chan Object)
	go p.Send(ctx, out)
	<-out
	cancel()
	more := 0
	for range out { // ends only when Send closes it
		more++
	}
	if more == 2 {
		t.Error("every object came although the context had ended")
	}
}

func TestStandardInput(t *testing.T) {
	t.Run("it is read once", func(t *testing.T) {
		o := send(t, context.Background(), []string{"-"}, strings.NewReader(record))[0]
		if got := read(t, o.Input); got.Records != 1 || o.Input.Name != "standard input" {
			t.Errorf("got %d records of %q, want 1 of standard input", got.Records, o.Input.Name)
		}
		if _, err := o.Input.Open(); err == nil || !strings.Contains(err.Error(), "a second time") {
			t.Errorf("opened again: got error %v, want one that says so", err)
		}
	})
	t.Run("without one there is an error", func(t *testing.T) {
		o := send(t, context.Background(), []string{"-"}, nil)[0]
		if _, err := o.Input.Open(); err == nil {
			t.Error("got no error, want one")
		}
	})
	t.Run("its own error comes through", func(t *testing.T) {
		broken := errors.New("the pipe is broken")
		r, w := io.Pipe()
		w.CloseWithError(broken)
		o := send(t, context.Background(), []string{"-"}, r)[0]
		if got := read(t, o.Input).Problems; len(got) != 1 || !strings.Contains(got[0].Detail, broken.Error()) {
			t.Errorf("problems: got %v, want one that says %q", got, broken)
		}
	})
	t.Run("a silent one does not outlast the context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		silent, w := io.Pipe()
		defer w.Close()
		o := send(t, ctx, []string{"-"}, silent)[0]
		r, err := o.Input.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		cancel()
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("Read: got %v, want %v", err, context.Canceled)
		}
	})
}

func TestAFileThatVanishesOrShrinks(t *testing.T) {
	big := strings.Replace(record, "]}", strings.Repeat(`,{"eventName":"X","eventID":"e"}`, 100_000)+"]}", 1)
	tests := []struct {
		name   string
		text   string
		harm   func(path string) error
		during bool // after the first read instead of before opening
		want   cloudtrail.ProblemKind
	}{
		{"gone between listing and reading", record, os.Remove, false, cloudtrail.Vanished},
		{"cut while it is read", big, func(path string) error { return os.Truncate(path, 1<<20) }, true, cloudtrail.Truncated},
		{"a gzip file cut while it is read", gzipped(t, noise(4<<20)), func(path string) error { return os.Truncate(path, 1<<20) }, true, cloudtrail.Truncated},
		{"emptied before it is opened", record, func(path string) error { return os.Truncate(path, 0) }, false, cloudtrail.Empty},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, t.TempDir(), "log.json", tt.text)
			in := send(t, context.Background(), []string{path}, nil)[0].Input
			if tt.during {
				in.Open = harmedAfterOneRead(in.Open, func() error { return tt.harm(path) })
			} else if err := tt.harm(path); err != nil {
				t.Fatal(err)
			}
			got := read(t, in).Problems
			if len(got) != 1 || got[0].Kind != tt.want {
				t.Errorf("problems: got %+v, want one of kind %s", got, tt.want)
			}
		})
	}
}

// noise is a log whose records hardly compress, so that a cut of the stored
// file falls in their midst.
func noise(size int) string {
	var b strings.Builder
	b.WriteString(`{"Records":[{"eventName":"first"}`)
	for seed := uint64(1); b.Len() < size; {
		b.WriteString(`,{"eventID":"`)
		for range 400 {
			seed = seed*6364136223846793005 + 1442695040888963407
			b.WriteByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[seed>>58])
		}
		b.WriteString(`"}`)
	}
	b.WriteString("]}")
	return b.String()
}

// harmedAfterOneRead lets one Read succeed, then does the harm. Only the first
// opening is harmed: a decoder in doubt may open the object again.
func harmedAfterOneRead(open func() (io.ReadCloser, error), harm func() error) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		return &harmed{ReadCloser: r, harm: harm}, nil
	}
}

type harmed struct {
	io.ReadCloser
	harm func() error
}

func (h *harmed) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	if h.harm != nil && err == nil {
		err = h.harm()
		h.harm = nil
	}
	return n, err
}

func TestUnreadablePlaces(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("skipped: root reads every folder")
	}
	dir := t.TempDir()
	write(t, dir, "open.json", record)
	write(t, dir, "shut/in.json", record)
	secret := write(t, dir, "secret.json", record)
	for _, path := range []string{filepath.Join(dir, "shut"), secret} {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "shut"), 0o755) })
	want := []string{"open.json: 1 record", "secret.json: read-error", "shut: error: permission denied"}
	if diff := cmp.Diff(want, told(t, dir, send(t, context.Background(), []string{dir}, nil))); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func TestLinks(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "real/a.json", record)
	for link, target := range map[string]string{"real/self": ".", "real/file.json": "a.json", "real/nowhere": "gone.json", "named": "real"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Skipf("skipped: no symbolic links here: %v", err)
		}
	}
	tests := []struct {
		name, path string
		want       []string
	}{
		{"a link inside a folder is followed to a file, not to a folder", "real", []string{
			"real/a.json: 1 record", "real/file.json: 1 record", "real/nowhere: error: no such file or directory",
			"real/self: error: a link to a folder is not followed; hint: name the folder itself",
		}},
		{"a link that the user names is followed", "named", []string{
			"named/a.json: 1 record", "named/file.json: 1 record", "named/nowhere: error: no such file or directory",
			"named/self: error: a link to a folder is not followed; hint: name the folder itself",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, told(t, dir, send(t, context.Background(), []string{filepath.Join(dir, tt.path)}, nil))); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlainKeepsOtherErrors(t *testing.T) {
	other := errors.New("other")
	if got := plain(other); got != other {
		t.Errorf("got %v, want %v", got, other)
	}
	if got := plain(&fs.PathError{Op: "open", Path: "x", Err: other}); got != other {
		t.Errorf("of a path error: got %v, want %v", got, other)
	}
}
