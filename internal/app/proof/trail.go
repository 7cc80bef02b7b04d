package proof

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/layout"
	"github.com/rootkeep/rootkeep/cloudtrail/rootevent"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
	"github.com/rootkeep/rootkeep/internal/stream"
	"github.com/rootkeep/rootkeep/ledger"
)

// Bounds of what a bundle holds of CloudTrail. Digests go in first: without them nothing
// else of it is proven.
const (
	mostTrailFiles = 50_000
	mostTrailBytes = 512 << 20 // stored
	mostTrailFile  = 64 << 20  // stored, of one file
	mostNamed      = 100       // files that are named in each list of aws/trail.json
)

// TrailConfig says where the files of CloudTrail are that a bundle takes its part of.
type TrailConfig struct {
	Paths     []string // folders and zips that are copies of buckets, single files
	Keys      []string // files of AWS's public keys
	MostFiles int      // that go in; 0: 50,000
	MostBytes int64    // of them as stored; 0: 512 MiB
}

// chosen is one file that belongs in the bundle.
type chosen struct {
	folder, path string // of the copy, and in it
	open         func() (io.ReadCloser, error)
	digest       bool // a digest, or the metadata of one
	undecided    bool // a log file that could not be read whole
}

// chosenTrail is what goes into a bundle of CloudTrail, before its bounds.
type chosenTrail struct {
	evidence.Trail
	files []chosen
	keys  [][]byte
}

// choose finds the digests of a period, and the log files of it that have root events.
func (c TrailConfig) choose(ctx context.Context, from, to time.Time) (*chosenTrail, error) {
	if slices.Contains(c.Paths, "-") {
		return nil, errors.New("standard input is no copy of a bucket; hint: name its folder")
	}
	if len(c.Paths) > evidence.MaxCopies {
		return nil, fmt.Errorf("%d paths, at most %d; hint: name the folder above", len(c.Paths), evidence.MaxCopies)
	}
	t := &chosenTrail{Trail: evidence.Trail{
		Schema: evidence.TrailSchema, From: from.UTC().Truncate(time.Millisecond), To: to.UTC().Truncate(time.Millisecond), Copies: []string{}, Keys: []evidence.KeyFile{}, Undecided: []string{}, Named: []evidence.Left{},
		MostFiles: cmp.Or(c.MostFiles, mostTrailFiles), MostBytes: cmp.Or(c.MostBytes, mostTrailBytes),
	}}
	if err := t.readKeys(c.Keys); err != nil {
		return nil, err
	}
	for i, given := range c.Paths {
		t.Copies = append(t.Copies, filepath.Base(given))
		if err := t.read(ctx, folderOf(i, given), given); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(t.files, func(a, b chosen) int {
		return cmp.Or(digestsFirst(a.digest, b.digest), cmp.Compare(a.folder, b.folder), cmp.Compare(a.path, b.path))
	})
	return t, nil
}

// folderOf is the folder of the bundle for the files of one path. Single files share one:
// a digest names log files that lie beside it.
func folderOf(i int, given string) string {
	info, err := os.Stat(given)
	if err != nil || info.Mode().IsRegular() && !strings.EqualFold(filepath.Ext(given), ".zip") {
		return "files"
	}
	return strconv.Itoa(i)
}

func digestsFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func (t *chosenTrail) readKeys(files []string) error {
	if len(files) > evidence.MaxKeyFiles {
		return fmt.Errorf("more than %d files of AWS's keys", evidence.MaxKeyFiles)
	}
	for i, file := range files {
		text, _, err := ReadAWSKeys(file)
		if err != nil {
			return err
		}
		t.keys = append(t.keys, text)
		t.Keys = append(t.Keys, evidence.KeyFile{File: fmt.Sprintf("%s/%d", evidence.TrailKeys, i), Source: "the file " + filepath.Base(file) + ", given to rootkeep evidence export, which did not ask AWS"})
	}
	return nil
}

// ReadAWSKeys reads a file of AWS's public keys, as aws cloudtrail list-public-keys
// prints it or PEM, and gives its text as well.
func ReadAWSKeys(file string) ([]byte, digest.Keys, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, evidence.MaxKeyFile+1))
	if err == nil && len(text) > evidence.MaxKeyFile {
		err = fmt.Errorf("more than %d KiB", evidence.MaxKeyFile>>10)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	keys, err := digest.ParseKeys(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return text, keys, nil
}

// read looks at every file of one path, with a worker for each processor.
func (t *chosenTrail) read(ctx context.Context, folder, given string) error {
	paths, err := stream.Open([]string{given}, nil)
	if err != nil {
		return err
	}
	sorter, err := rootevent.New(rootevent.Paths())
	if err != nil {
		return err
	}
	fields, err := cloudtrail.CompileFields(rootevent.Paths())
	if err != nil {
		return err
	}
	objects := make(chan stream.Object)
	s := &sieve{trail: t, folder: folder, given: given, sorter: sorter}
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			r := cloudtrail.NewReader(fields, cloudtrail.Options{})
			for o := range objects {
				s.object(ctx, r, o)
			}
		})
	}
	paths.Send(ctx, objects)
	workers.Wait()
	return ctx.Err()
}

// sieve tells the files of one path that belong in a bundle from others.
type sieve struct {
	folder, given string
	sorter        *rootevent.Sorter

	mu    sync.Mutex // guards what follows
	trail *chosenTrail
}

func (s *sieve) object(ctx context.Context, r *cloudtrail.Reader, o stream.Object) {
	t := s.trail
	if o.Err != nil {
		s.count(&t.Unreadable)
		return
	}
	c := chosen{folder: s.folder, path: s.pathOf(o), open: o.Input.Open, digest: o.Digest}
	key, ok := layout.Parse(strings.TrimSuffix(c.path, digest.SidecarSuffix))
	switch {
	case o.Digest && evidence.CarrierOf(key.Delivered, t.From, t.To):
		s.keep(c)
	case o.Digest || !ok || key.Kind != layout.Log || !evidence.LogOf(key.Delivered, t.From, t.To):
		// Of another period, or nothing that a digest of CloudTrail's log files names.
	default:
		root, whole := s.root(ctx, r, o)
		if c.undecided = !whole && !root; c.undecided || root {
			s.keep(c)
		} else {
			s.count(&t.Rootless)
		}
	}
}

func (s *sieve) count(n *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n++
}

func (s *sieve) keep(c chosen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trail.files = append(s.trail.files, c)
}

var errEnough = errors.New("a root event was found")

// root says whether a log file has an event about a root user, and whether all of it
// could be read.
func (s *sieve) root(ctx context.Context, r *cloudtrail.Reader, o stream.Object) (root, whole bool) {
	stats := r.Read(ctx, o.Input, func(rec *cloudtrail.Record) error {
		if s.sorter.Kind(rec.View) != "" {
			return errEnough
		}
		return nil
	})
	return errors.Is(stats.Err, errEnough), stats.Err == nil && len(stats.Problems)+stats.ProblemsOmitted == 0
}

// pathOf is the path of an object in the copy of its bucket. Of a single file it is the
// whole path: where the bucket's own begins in it, only a digest tells.
func (s *sieve) pathOf(o stream.Object) string {
	if rest, err := filepath.Rel(s.given, o.Input.Name); err == nil && rest != "." && filepath.IsLocal(rest) {
		return path.Clean(filepath.ToSlash(rest))
	}
	name := strings.TrimPrefix(o.Input.Name, filepath.VolumeName(o.Input.Name))
	return strings.TrimLeft(path.Clean("/"+filepath.ToSlash(name)), "/")
}

// trail puts what was chosen into the bundle, as far as its bounds go.
func (b *bundle) trail(t *chosenTrail) error {
	files, bytes := 0, int64(0)
	there := map[string]bool{}
	for _, c := range t.files {
		name, err := ledger.PathName(evidence.TrailCopies+"/"+c.folder, c.path)
		if err != nil || there[name] {
			t.leave(c, cmp.Or(err, errors.New("it is there twice")))
			continue
		}
		if files == t.MostFiles {
			t.leave(c, fmt.Errorf("the bundle has %d files of CloudTrail already", files))
			continue
		}
		text, err := c.text(t.MostBytes - bytes)
		if err != nil {
			t.leave(c, err)
			continue
		}
		if err := b.Put(name, text); err != nil {
			return err
		}
		there[name] = true
		files, bytes = files+1, bytes+int64(len(text))
		t.took(c)
	}
	for i, k := range t.Keys {
		if err := b.Put(k.File, t.keys[i]); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(&t.Trail, "", " ")
	if err != nil {
		return err
	}
	b.contents.Trail, b.out.Trail = &t.Trail, &t.Trail
	return b.Put(evidence.TrailFile, text)
}

// took notes a file that is in the bundle. Metadata is counted with its digest.
func (t *chosenTrail) took(c chosen) {
	switch {
	case c.digest && !strings.HasSuffix(c.path, digest.SidecarSuffix):
		t.Digests++
	case !c.digest:
		t.Logs++
	}
	if c.undecided && len(t.Undecided) < mostNamed {
		t.Undecided = append(t.Undecided, c.folder+"/"+c.path)
	}
}

func (t *chosenTrail) leave(c chosen, why error) {
	if t.LeftOut++; len(t.Named) < mostNamed {
		t.Named = append(t.Named, evidence.Left{Path: c.folder + "/" + c.path, Reason: why.Error()})
	}
}

// text reads the file as it is stored.
func (c *chosen) text(room int64) ([]byte, error) {
	in, err := c.open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	most := min(room, mostTrailFile)
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("more than %d bytes, for which there is no room", most)
	}
	return text, err
}
