// Package folder is a live source: new objects of a folder tree, such as a copy of the
// bucket that trails deliver to. A folder goes in, whatever appears below it comes out,
// each object once it is whole: it shows that by itself, or has been left alone for a moment.
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
	Settle time.Duration // without a change, after which an object that does not show it is taken to be whole; 0 is 1.5 s
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
	large   map[entry]*large // that are not read to their end
	open    []*large         // those of them that are being read, the next first
	ahead   ahead
	given   map[entry]bool // that wait, and were given as ahead
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
		config: c, refused: map[entry]refusal{}, large: map[entry]*large{}, given: map[entry]bool{},
		health: live.Health{Source: c.Name, Delay: trailDelay, Gap: fmt.Sprintf("links are not followed; days of CloudTrail's layout are looked at %d days back; what stays unreadable until %d newer objects came is given up", c.Days, mostSeen)},
	}, nil
}

// Name is that of the configuration.
func (s *Source) Name() string { return s.config.Name }

// Marked says that the mark alone has what was delivered.
func (s *Source) Marked() bool { return true }

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
	defer s.leave()
	since := m.last(s.config.Now())
	for {
		begun, started := s.config.Now(), time.Now()
		w := s.look(ctx, m, begun, since)
		between := max(s.config.Every, time.Since(started)) // a large tree: half of the time is left to others; the server's clock may jump
		s.ahead = ahead{walk: w, since: since, wait: between, looked: time.Now(), waiting: w.found}
		err := w.deliverAll(ctx, take)
		if err == nil {
			err = w.settle(ctx, take)
		}
		if err == nil {
			err = ctx.Err() // a look that was cut short says nothing of how the source stands
		}
		if err != nil {
			return errors.Join(err, w.close())
		}
		s.heard(w, begun)
		if len(w.found) == atOnce {
			between = 0 // there is more
		} else if len(s.large) == 0 { // those have to be found again, however long they wait
			since = begun
		}
		if err = w.rest(ctx, between, take); err == nil {
			err = w.settle(ctx, take)
		}
		if err = errors.Join(err, w.close()); err != nil {
			return err
		}
	}
}

// deliverAll hands over what a look found, and now and then has a large object read on.
func (w *walk) deliverAll(ctx context.Context, take taker) error {
	for i, o := range w.found {
		if err := w.deliver(ctx, o, take); err != nil {
			return err
		}
		if (i+1)%turnAfter == 0 {
			if err := w.turn(ctx, take); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle has the mark kept once nothing more is there: of what was taken it may be that of an
// object before the last one. Nobody waits until it is.
func (w *walk) settle(ctx context.Context, take taker) error {
	s := w.source
	if w.given == 0 || len(w.found) == atOnce || ctx.Err() != nil {
		return nil
	}
	w.given = 0
	return take(ctx, live.Delivery{Source: s.config.Name, Arrived: s.config.Now(), Mark: w.mark.bytes(), Turns: true})
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
	if s.waits(o.entry) {
		return nil
	}
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
	return w.give(ctx, o, take, live.Delivery{Input: w.input(o), Ahead: w.source.next})
}

func (w *walk) input(o object) cloudtrail.Input {
	_, trail := layout.Parse(filepath.Join(w.source.config.Path, o.path))
	return cloudtrail.Input{Name: o.path, OneMember: trail || layout.IsLogName(o.path), Open: func() (io.ReadCloser, error) { return w.open(o) }}
}

// outrun is for the objects that could not be opened, and that a mark with this floor would
// take for delivered: they are tried once more, and given up.
func (w *walk) outrun(ctx context.Context, floor entry, take taker) error {
	refused := w.source.refused
	for _, e := range slices.SortedFunc(maps.Keys(refused), entry.compare) {
		if e.compare(floor) > 0 {
			return nil
		}
		r, there := refused[e]
		if !there { // a look meanwhile did not find it any more
			continue
		}
		o := r.object
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
	s := w.source
	d.Source, d.Arrived, d.Mark, d.Turns = s.config.Name, s.config.Now(), w.mark.with(o.entry).bytes(), true
	err := take(ctx, d)
	switch rest, more := errors.AsType[*live.Unfinished](err); {
	case more:
		delete(s.refused, o.entry)
		return w.enlarge(ctx, o, d.Arrived, rest)
	case err == nil && d.Lost != "":
		w.done(o)
		s.delivered(true)
		return nil
	}
	return w.took(o, d.Arrived, err)
}

// took notes that an object was delivered to its end, unless that failed.
func (w *walk) took(o object, arrived time.Time, err error) error {
	if err != nil {
		return err
	}
	w.done(o)
	s := w.source
	if key, ok := layout.Parse(filepath.Join(s.config.Path, o.path)); ok {
		s.progress.SeeKey(key, arrived)
	}
	s.delivered(true)
	return nil
}

func (w *walk) done(o object) {
	*w.mark = *w.mark.with(o.entry)
	w.given++
	delete(w.source.refused, o.entry)
	delete(w.source.large, o.entry)
	delete(w.source.given, o.entry)
}

// delivered notes that something was just now: all of an object, or more of a large one. Many
// objects take longer than a look.
func (s *Source) delivered(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.config.Now()
	if s.health.Heard = now; all {
		s.health.Last = now
	}
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
		if len(w.found) < atOnce && fault == "" && len(s.large) == 0 {
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

// forget drops refusals of objects that are there no more, and large ones of them that are not
// being read.
func (s *Source) forget(m *mark, there map[entry]bool) {
	for e := range s.refused {
		if !there[e] {
			delete(s.refused, e)
		}
	}
	for _, e := range m.open {
		known := s.large[e]
		if there[e] || known != nil && known.rest != nil {
			continue
		}
		delete(s.large, e)
		*m = *m.with(e)
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
