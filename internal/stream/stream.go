// Package stream opens what a user names - files, folders, zips, globs, standard
// input - as objects that a cloudtrail.Reader reads one by one.
package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/layout"
)

// Object is one thing to read. Err is set instead of Input when the object
// cannot even be tried: a broken zip, a folder without permission.
type Object struct {
	Input  cloudtrail.Input
	Size   int64 // stored bytes, -1 when nobody looked
	Digest bool  // its key names a digest file, which holds no records
	// Root is the path that the user named and this file lies at or below; empty
	// for what is no file of its own: an entry of a zip, standard input.
	Root string
	Err  error
}

// Paths is a list of paths, globs and "-" for standard input.
type Paths struct {
	paths []string
	lost  []Object // paths that are not there
	stdin io.Reader
	from  time.Time // days before it are left out; zero leaves none
}

// From leaves out what CloudTrail's S3 keys say was delivered on days before that of a
// time. What has no such key is never left out.
func (p *Paths) From(t time.Time) { p.from = t.UTC().Truncate(24 * time.Hour) }

// before says whether a folder is one of a day that is left out.
func (p *Paths) before(folder string) bool {
	if p.from.IsZero() {
		return false
	}
	key, ok := layout.Parse(filepath.ToSlash(folder) + "/_")
	return ok && key.Day.Before(p.from)
}

// Open checks that every path exists, or is a glob that matches something.
func Open(paths []string, stdin io.Reader) (*Paths, error) {
	p, err := open(paths, stdin)
	if err == nil && len(p.lost) > 0 {
		return nil, p.lost[0].Err
	}
	return p, err
}

// ErrNotThere is the error of paths none of which can be read.
var ErrNotThere = errors.New("nothing to read")

// OpenThere is Open for whoever goes on with what is there: a path that does not exist, or a
// glob that matches nothing, is an object that cannot be read. If none of them can be, that
// is an ErrNotThere.
func OpenThere(paths []string, stdin io.Reader) (*Paths, error) {
	p, err := open(paths, stdin)
	if err == nil && len(p.paths) == 0 && len(p.lost) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrNotThere, p.lost[0].Err)
	}
	return p, err
}

func open(paths []string, stdin io.Reader) (*Paths, error) {
	p := &Paths{stdin: stdin}
	for _, path := range paths {
		if path == "-" {
			if slices.Contains(p.paths, "-") {
				return nil, errors.New("standard input (-) is named twice; it can be read once")
			}
			p.paths = append(p.paths, path)
			continue
		}
		found, err := there(path)
		if errors.Is(err, filepath.ErrBadPattern) {
			return nil, err
		}
		if err != nil {
			p.lost = append(p.lost, Object{Input: cloudtrail.Input{Name: path}, Err: err})
		}
		p.paths = append(p.paths, found...)
	}
	return p, nil
}

// there gives a path that exists, or what a glob matches.
func there(path string) ([]string, error) {
	_, err := os.Stat(path)
	switch {
	case err == nil:
		return []string{path}, nil
	case !strings.ContainsAny(path, "*?["):
		return nil, fmt.Errorf("open %s: %w", path, plain(err))
	}
	found, err := filepath.Glob(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("glob %s: %w", path, err)
	case len(found) == 0:
		return nil, fmt.Errorf("glob %s matches nothing", path)
	}
	return found, nil
}

// plain drops the operation and path that the caller names itself.
func plain(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// Send sends every object to out, in the order of the paths and of the names
// within a folder, and closes it. It stops early when ctx ends.
func (p *Paths) Send(ctx context.Context, out chan<- Object) {
	defer close(out)
	send := func(o Object) bool {
		select {
		case out <- o:
			return true
		case <-ctx.Done():
			return false
		}
	}
	for _, o := range p.lost {
		if !send(o) {
			return
		}
	}
	for _, path := range p.paths {
		if path == "-" {
			in := cloudtrail.Input{Name: "standard input", Open: once(ctx, p.stdin)}
			if !send(Object{Input: in, Size: -1}) {
				return
			}
			continue
		}
		if !p.each(path, send) {
			return
		}
	}
}

// Count is how many objects and stored bytes the paths hold, for a progress bar.
// It looks at names and sizes only.
func (p *Paths) Count(ctx context.Context) (objects int, bytes int64) {
	for _, path := range p.paths {
		if path == "-" {
			objects++
			continue
		}
		p.each(path, func(o Object) bool {
			if !o.Digest && o.Err == nil {
				objects++
				bytes += o.size()
			}
			return ctx.Err() == nil
		})
	}
	return objects, bytes
}

// size is how many bytes are stored, 0 when the object has vanished.
func (o *Object) size() int64 {
	if o.Size >= 0 {
		return o.Size
	}
	info, err := os.Stat(o.Input.Name)
	if err != nil {
		return 0
	}
	return info.Size()
}

// each sends the file, or every file below the folder. It returns false when
// send did.
func (p *Paths) each(path string, send func(Object) bool) bool {
	going := true
	err := filepath.WalkDir(followed(path), func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			going = send(Object{Input: cloudtrail.Input{Name: name}, Err: plain(err)})
		case d.IsDir() && p.before(name):
			return fs.SkipDir
		case d.IsDir():
			return nil
		case d.Type().IsRegular() && !isZip(name):
			going = send(file(path, name, -1)) // its size is of interest to Count alone
		default:
			going = p.file(path, name, send)
		}
		if !going {
			return fs.SkipAll
		}
		return nil
	})
	if err != nil && going {
		going = send(Object{Input: cloudtrail.Input{Name: path}, Err: plain(err)})
	}
	return going
}

// followed makes a walk begin inside the folder that a link leads to: the user
// named it. Links inside a folder are not followed.
func followed(path string) string {
	link, err := os.Lstat(path)
	if err != nil || link.Mode()&fs.ModeSymlink == 0 {
		return path
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return path
	}
	return path + string(filepath.Separator)
}

// file sends one file, or the entries of a zip.
func (p *Paths) file(root, name string, send func(Object) bool) bool {
	info, err := os.Stat(name) // follows a link to its file
	if err != nil {
		return send(Object{Input: cloudtrail.Input{Name: name}, Err: plain(err)})
	}
	if !info.Mode().IsRegular() {
		if info.IsDir() { // a link to a folder: following it could go round in circles
			return send(Object{Input: cloudtrail.Input{Name: name}, Err: errors.New("a link to a folder is not followed; hint: name the folder itself")})
		}
		return send(Object{Input: cloudtrail.Input{Name: name}, Err: errors.New("no regular file; hint: pipe it to standard input (-)")})
	}
	if isZip(name) {
		return p.zip(name, info.Size(), send)
	}
	return send(file(root, name, info.Size()))
}

func isZip(name string) bool { return strings.EqualFold(filepath.Ext(name), ".zip") }

func file(root, name string, size int64) Object {
	o := object(name, size, func() (io.ReadCloser, error) { return os.Open(name) })
	o.Root = root
	return o
}

func object(name string, size int64, open func() (io.ReadCloser, error)) Object {
	// What S3 keeps beside a digest lies beside it under this name, see trail verify.
	key, ok := layout.Parse(strings.TrimSuffix(name, ".metadata.json"))
	return Object{
		Input:  cloudtrail.Input{Name: name, Open: open, OneMember: ok || layout.IsLogName(name)},
		Size:   size,
		Digest: ok && key.Kind == layout.Digest,
	}
}
