// Package folder is a live source: new objects of a folder tree, such as a copy of the
// bucket that trails deliver to. A folder goes in, whatever appears below it comes out,
// each object once it has been left alone for a moment.
//
// Objects are told apart by their path and by when they were last changed, which writing,
// renaming and a change of permissions set anew and copying tools cannot set back. They
// come in that order, so that a position and the last objects before it say which of a
// million were delivered.
package folder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/layout"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

const (
	usualEvery  = time.Second
	usualSettle = 1500 * time.Millisecond
	usualDays   = 7
	atOnce      = 8192             // objects found by one look; the rest by the next
	retryAfter  = 30 * time.Second // an object that could not be opened
	mostRefused = 4096             // such objects that are tried again
	// trailDelay is within what AWS delivers to a bucket: about five minutes on average,
	// without a promise (CloudTrail User Guide, "How CloudTrail works").
	trailDelay = 15 * time.Minute
)

// Config says what to watch.
type Config struct {
	Name   string
	Path   string        // of the folder
	Days   int           // of CloudTrail's key layout that are looked at, back from today; 0 is 7
	Every  time.Duration // between two looks; 0 is a second
	Settle time.Duration // without a change, after which an object is taken to be whole; 0 is 1.5 s
	Now    func() time.Time
	// Changed is when a file was last changed; nil asks the system.
	Changed func(fs.FileInfo) time.Time
}

// Source watches a folder.
type Source struct {
	config Config

	mu       sync.Mutex // guards health
	health   live.Health
	progress live.Progress

	// of Run alone
	refused map[entry]refusal
}

// refusal is an object that could not be opened.
type refusal struct {
	object
	err   error
	again time.Time
}

// taker takes a delivery.
type taker = func(context.Context, live.Delivery) error

// New makes a source. The folder need not be there yet: that is a fault of its health.
func New(c Config) (*Source, error) {
	switch {
	case c.Name == "" || c.Now == nil:
		return nil, errors.New("folder: name and clock are required")
	case !filepath.IsAbs(c.Path):
		return nil, fmt.Errorf("source %s: folder %q: want an absolute path", c.Name, c.Path)
	case c.Days < 0 || c.Every < 0 || c.Settle < 0:
		return nil, fmt.Errorf("source %s: a negative time", c.Name)
	}
	c.Days, c.Every, c.Settle = cmp.Or(c.Days, usualDays), cmp.Or(c.Every, usualEvery), cmp.Or(c.Settle, usualSettle)
	if c.Changed == nil {
		c.Changed = changed
	}
	return &Source{
		config: c, refused: map[entry]refusal{},
		health: live.Health{Source: c.Name, Delay: trailDelay, Gap: fmt.Sprintf("links are not followed; days of CloudTrail's layout are looked at %d days back; what stays unreadable until %d newer objects came is given up", c.Days, mostSeen)},
	}, nil
}

// Name is that of the configuration.
func (s *Source) Name() string { return s.config.Name }

// Health is how the source stands.
func (s *Source) Health() live.Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.health
	h.Places = s.progress.Places()
	return h
}

// Run delivers what is there and what comes, until the context ends or take fails.
func (s *Source) Run(ctx context.Context, mark []byte, take taker) error {
	m, err := readMark(mark)
	if err != nil {
		return fmt.Errorf("source %s: %w", s.config.Name, err)
	}
	since := m.last(s.config.Now())
	for {
		begun := s.config.Now()
		w := s.look(ctx, m, begun, since)
		for _, o := range w.found {
			if err := w.deliver(ctx, o, take); err != nil {
				return errors.Join(err, w.close())
			}
		}
		if err := w.close(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err // a look that was cut short says nothing of how the source stands
		}
		s.heard(w, begun)
		wait := s.config.Every
		if len(w.found) == atOnce {
			wait = 0 // there is more
		} else {
			since = begun
			wait = max(wait, s.config.Now().Sub(begun)) // a large tree: half of the time is left to others
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// deliver hands one object over. One that cannot be opened is tried again later, and
// keeps no other waiting.
func (w *walk) deliver(ctx context.Context, o object, take taker) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := w.source
	switch err := w.try(o); {
	case errors.Is(err, fs.ErrNotExist): // it was renamed or removed: the next look sees what became of it
		delete(s.refused, o.entry)
		return nil
	case err != nil:
		if _, known := s.refused[o.entry]; !known && len(s.refused) >= mostRefused {
			return w.giveUp(ctx, o, err, take)
		}
		s.refused[o.entry] = refusal{o, err, s.config.Now().Add(retryAfter)}
		return nil
	}
	if err := w.outrun(ctx, w.mark.with(o.entry).floor, take); err != nil {
		return err
	}
	return w.hand(ctx, o, take)
}

// try opens an object and closes it: what is wrong with what it holds shows when it is
// read.
func (w *walk) try(o object) error {
	f, err := w.open(o)
	if err != nil {
		return err
	}
	return f.Close()
}

func (w *walk) hand(ctx context.Context, o object, take taker) error {
	_, trail := layout.Parse(filepath.Join(w.source.config.Path, o.path))
	return w.give(ctx, o, take, live.Delivery{Input: cloudtrail.Input{
		Name: o.path, OneMember: trail || layout.IsLogName(o.path), Open: func() (io.ReadCloser, error) { return w.open(o) },
	}})
}

// outrun is for the objects that could not be opened, and that a mark with this floor would
// take for delivered: they are tried once more, and given up.
func (w *walk) outrun(ctx context.Context, floor entry, take taker) error {
	refused := w.source.refused
	for _, e := range slices.SortedFunc(maps.Keys(refused), entry.compare) {
		if e.compare(floor) > 0 {
			return nil
		}
		o := refused[e].object
		var err error
		switch bad := w.try(o); {
		case errors.Is(bad, fs.ErrNotExist):
			delete(refused, e)
		case bad != nil:
			err = w.giveUp(ctx, o, bad, take)
		default:
			err = w.hand(ctx, o, take)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// giveUp tells that an object is not read. It comes again when it changes.
func (w *walk) giveUp(ctx context.Context, o object, why error, take taker) error {
	return w.give(ctx, o, take, live.Delivery{Input: cloudtrail.Input{Name: o.path}, Lost: why.Error()})
}

func (w *walk) give(ctx context.Context, o object, take taker, d live.Delivery) error {
	s, next := w.source, w.mark.with(o.entry)
	d.Source, d.Arrived, d.Mark = s.config.Name, s.config.Now(), next.bytes()
	if err := take(ctx, d); err != nil {
		return err
	}
	*w.mark = *next
	if key, ok := layout.Parse(filepath.Join(s.config.Path, o.path)); ok && d.Lost == "" {
		s.progress.SeeKey(key, d.Arrived)
	}
	delete(s.refused, o.entry)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.Last, s.health.Heard = d.Arrived, d.Arrived // many objects take longer than a look
	return nil
}

// open opens a regular file. What took its place since the folder was looked at, such as
// a pipe, must not hold the source up, and no link leads out of the tree.
func (w *walk) open(o object) (*os.File, error) {
	f, err := w.root.OpenFile(o.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, plain(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("no regular file")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// plain drops the operation and the path that the caller names itself.
func plain(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// heard notes what a look came to.
func (s *Source) heard(w *walk, begun time.Time) {
	fault := w.fault
	if len(s.refused) > 0 {
		fault = s.refusals()
	}
	if w.fault != "" && fault != w.fault {
		fault = w.fault + "; " + fault
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.root != nil {
		s.health.Heard = s.config.Now()
		if len(w.found) < atOnce && fault == "" {
			s.health.Complete = begun
		}
	}
	s.health.Fault = fault
}

func (s *Source) refusals() string {
	var first refusal
	for _, r := range s.refused {
		if first.path == "" || r.path < first.path {
			first = r
		}
	}
	return fmt.Sprintf("%d objects cannot be read, such as %q: %v", len(s.refused), first.path, first.err)
}

// forget drops refusals of objects that are there no more.
func (s *Source) forget(there map[entry]bool) {
	for e := range s.refused {
		if !there[e] {
			delete(s.refused, e)
		}
	}
}

// object is a file that was found.
type object struct {
	entry
	path string // below the folder
}

func byArrival(a, b object) int { return a.entry.compare(b.entry) }

// keep holds the first of what was found, in the order of arrival. Twice as many are
// held now and then, so that a million cost one pass and few sorts.
func keep(found []object, o object, most int) []object {
	found = append(found, o)
	if len(found) < 2*most {
		return found
	}
	slices.SortFunc(found, byArrival)
	clear(found[most:])
	return found[:most]
}
