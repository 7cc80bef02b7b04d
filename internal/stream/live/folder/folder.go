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

	mu     sync.Mutex // guards health
	health live.Health

	// of Run alone
	refused map[entry]refusal
	given   int // objects up that were refused for good, since the start
}

// refusal is an object that could not be opened.
type refusal struct {
	path  string
	err   error
	again time.Time
}

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
		health: live.Health{Source: c.Name, Delay: trailDelay, Gap: fmt.Sprintf("links are not followed; days of CloudTrail's layout are looked at %d days back; what stays unreadable until %d newer objects came is not read", c.Days, mostSeen)},
	}, nil
}

// Name is that of the configuration.
func (s *Source) Name() string { return s.config.Name }

// Health is how the source stands.
func (s *Source) Health() live.Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health
}

// Run delivers what is there and what comes, until the context ends or take fails.
func (s *Source) Run(ctx context.Context, mark []byte, take func(context.Context, live.Delivery) error) error {
	m, err := readMark(mark)
	if err != nil {
		return fmt.Errorf("source %s: %w", s.config.Name, err)
	}
	for {
		begun := s.config.Now()
		w := s.look(ctx, m, begun)
		for _, o := range w.found {
			if err := s.deliver(ctx, o, m, take); err != nil {
				return err
			}
		}
		s.heard(w)
		wait := s.config.Every
		if len(w.found) == atOnce {
			wait = 0 // there is more
		} else if took := s.config.Now().Sub(begun); took > wait {
			wait = took // a large tree: half of the time is left to others
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
func (s *Source) deliver(ctx context.Context, o object, m *mark, take func(context.Context, live.Delivery) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	path := filepath.Join(s.config.Path, o.path)
	f, err := open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) { // it was renamed or removed: the next look sees what became of it
			delete(s.refused, o.entry)
			return nil
		}
		s.refuse(o, err, m)
		return nil
	}
	_ = f.Close() // nothing was read: what is wrong with it shows when it is
	next := m.with(o.entry)
	_, trail := layout.Parse(path)
	now := s.config.Now()
	err = take(ctx, live.Delivery{
		Source: s.config.Name, Arrived: now, Mark: next.bytes(),
		Input: cloudtrail.Input{Name: o.path, OneMember: trail || layout.IsLogName(path), Open: func() (io.ReadCloser, error) { return open(path) }},
	})
	if err != nil {
		return err
	}
	*m = *next
	delete(s.refused, o.entry)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.Last = now
	return nil
}

// open opens a regular file. What took its place since the folder was looked at, such as
// a pipe, must not hold the source up.
func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
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

// refuse notes an object that cannot be opened. Where there are too many, it is given up,
// and comes again only when it changes.
func (s *Source) refuse(o object, err error, m *mark) {
	if _, known := s.refused[o.entry]; !known && len(s.refused) >= mostRefused {
		*m = *m.with(o.entry)
		s.given++
		return
	}
	s.refused[o.entry] = refusal{o.path, err, s.config.Now().Add(retryAfter)}
}

// heard notes what a look came to.
func (s *Source) heard(w *walk) {
	fault := w.fault
	if n := len(s.refused) + s.given; n > 0 {
		fault = s.refusals(n)
	}
	if w.fault != "" && fault != w.fault {
		fault = w.fault + "; " + fault
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !w.lost {
		s.health.Heard = s.config.Now()
	}
	s.health.Fault = fault
}

func (s *Source) refusals(n int) string {
	var first refusal
	for _, r := range s.refused {
		if first.path == "" || r.path < first.path {
			first = r
		}
	}
	text := fmt.Sprintf("%d objects cannot be read, such as %q: %v", n, first.path, first.err)
	if s.given > 0 {
		text += fmt.Sprintf("; %d of them are tried again only when they change", s.given)
	}
	return text
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
