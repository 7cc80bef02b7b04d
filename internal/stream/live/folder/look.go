package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail/layout"
)

const (
	deepest = 64   // folders in each other
	chunk   = 1024 // names of a folder read at once
)

// walk is one look at the tree.
type walk struct {
	source *Source
	mark   *mark
	root   *os.Root // nil if the folder is not there
	now    time.Time
	since  time.Time // days that were over long before are not looked at
	found  []object  // the first that are to be delivered
	young  []object  // the first of those that were not left alone for long enough
	there  map[entry]bool
	fault  string
	given  int // objects that were taken
}

// look finds what is to be delivered next. since is until when everything is known to
// have been looked at.
func (s *Source) look(ctx context.Context, m *mark, now, since time.Time) *walk {
	w := &walk{source: s, mark: m, now: now, since: since, there: map[entry]bool{}}
	var err error
	if w.root, err = os.OpenRoot(s.config.Path); err != nil {
		w.fault = fmt.Sprintf("folder %q: %v", s.config.Path, plain(err))
		return w
	}
	w.folder(ctx, "", 0)
	slices.SortFunc(w.found, byArrival)
	if len(w.found) > atOnce {
		w.found = w.found[:atOnce]
	}
	w.early()
	if w.fault == "" && ctx.Err() == nil { // everything was seen
		s.forget(m, w.there)
	}
	return w
}

func (w *walk) close() error {
	if w.root == nil {
		return nil
	}
	return w.root.Close()
}

// blame keeps the first fault of a look.
func (w *walk) blame(rel string, err error) {
	if w.fault == "" && !errors.Is(err, fs.ErrNotExist) { // what vanished is gone, and no fault
		w.fault = fmt.Sprintf("%q: %v", filepath.Join(w.source.config.Path, rel), plain(err))
	}
}

// folder reads one folder in pieces: it may hold a million names.
func (w *walk) folder(ctx context.Context, rel string, depth int) {
	if depth > deepest {
		w.blame(rel, fmt.Errorf("more than %d folders in each other", deepest))
		return
	}
	d, err := os.Open(filepath.Join(w.source.config.Path, rel))
	if err != nil {
		w.blame(rel, err)
		return
	}
	defer d.Close() // read only
	for ctx.Err() == nil {
		list, err := d.ReadDir(chunk)
		for _, e := range list {
			name := filepath.Join(rel, e.Name())
			switch {
			case e.IsDir() && w.wanted(filepath.ToSlash(name)):
				w.folder(ctx, name, depth+1)
			case e.Type().IsRegular() && isObject(name):
				w.file(name, e)
			}
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			w.blame(rel, err)
			return
		}
	}
}

func (w *walk) file(name string, e fs.DirEntry) {
	info, err := e.Info()
	if err != nil {
		w.blame(name, err)
		return
	}
	at := w.source.config.Changed(info)
	o := object{entryOf(filepath.ToSlash(name), at.UnixNano()), name}
	if w.mark.done(o.entry) {
		return
	}
	if slices.Contains(w.mark.open, o.entry) {
		w.there[o.entry] = true
	}
	if r, ok := w.source.refused[o.entry]; ok {
		w.there[o.entry] = true
		if w.now.Before(r.again) {
			return
		}
	}
	switch quiet := w.now.Sub(at); {
	case quiet < -time.Minute:
		w.blame(name, fmt.Errorf("changed at %s, which is still to come: it waits until then; hint: compare the clocks", at.UTC().Format(time.RFC3339)))
	case quiet >= w.source.config.Settle:
		w.found = keep(w.found, o, atOnce)
	case quiet >= leastQuiet:
		w.young = keep(w.young, o, mostEarly)
	}
}

// isObject says whether a file is one that a trail, or somebody who copies one, leaves:
// not one that is still being copied under a name of its own.
func isObject(name string) bool {
	base := strings.ToLower(filepath.Base(name))
	if strings.HasPrefix(base, ".") || strings.HasSuffix(base, ".metadata.json") || slices.Contains([]string{".tmp", ".part", ".partial", ".zip"}, filepath.Ext(base)) {
		return false
	}
	key, ok := layout.Parse(name)
	return !ok || key.Kind == layout.Log && (strings.HasSuffix(base, ".json.gz") || strings.HasSuffix(base, ".json"))
}

var (
	otherKinds = []string{"CloudTrail-Digest", "CloudTrail-Insight", "CloudTrail-NetworkActivity", "CloudTrail-Aggregated"}
	dated      = regexp.MustCompile(`/CloudTrail/[a-z0-9-]+/([0-9]{4})(?:/([0-9]{2}))?(?:/([0-9]{2}))?$`)
)

// wanted says whether a folder is looked into: not one of other kinds of objects, nor one
// of a year, month or day that is over for long.
func (w *walk) wanted(rel string) bool {
	base := path.Base(rel)
	if slices.Contains(otherKinds, base) {
		return false
	}
	if base[0] < '0' || base[0] > '9' {
		return true
	}
	m := dated.FindStringSubmatch("/" + rel)
	if m == nil {
		return true
	}
	var end time.Time
	switch {
	case m[3] != "":
		t, err := time.Parse("20060102", m[1]+m[2]+m[3])
		if err != nil {
			return true // no day: whatever is in it
		}
		end = t.AddDate(0, 0, 1)
	case m[2] != "":
		t, err := time.Parse("200601", m[1]+m[2])
		if err != nil {
			return true
		}
		end = t.AddDate(0, 1, 0)
	default:
		t, err := time.Parse("2006", m[1])
		if err != nil {
			return true
		}
		end = t.AddDate(1, 0, 0)
	}
	return end.After(w.since.AddDate(0, 0, -w.source.config.Days))
}
