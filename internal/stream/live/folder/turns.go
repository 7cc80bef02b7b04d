package folder

import (
	"context"
	"errors"
	"time"

	"github.com/rootkeep/rootkeep/internal/stream/live"
)

const (
	mostOpen  = 4  // large objects that are read at the same time, in turns
	mostLarge = 64 // and with those that wait for that: one more is read to its end at once
	turnAfter = 16 // other objects
)

// large is an object of which one turn did not read all. Others are delivered before it is: a
// mark that has those names it as open.
type large struct {
	object
	arrived time.Time
	rest    *live.Unfinished // nil: it waits until fewer are open
}

// enlarge takes in an object that a turn has not finished.
func (w *walk) enlarge(ctx context.Context, o object, arrived time.Time, rest *live.Unfinished) error {
	s := w.source
	known := s.large[o.entry]
	if known == nil && len(w.mark.without(o.entry).open) > mostLarge {
		err := error(rest)
		for errors.As(err, &rest) {
			err = rest.Next(ctx, w.mark.with(o.entry).bytes())
		}
		return w.took(o, arrived, err)
	}
	if known == nil {
		known = &large{object: o}
		s.large[o.entry] = known
		*w.mark = *w.mark.without(o.entry)
	}
	if len(s.open) >= mostOpen {
		rest.Close()
		return nil
	}
	known.arrived, known.rest = arrived, rest
	s.open = append(s.open, known)
	return nil
}

// waits says that an object is large, and not to be begun now.
func (s *Source) waits(e entry) bool {
	known := s.large[e]
	return known != nil && (known.rest != nil || len(s.open) >= mostOpen)
}

// turn has the next of the large objects read on.
func (w *walk) turn(ctx context.Context, take taker) error {
	s := w.source
	if len(s.open) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	o := s.open[0]
	if err := w.outrun(ctx, w.mark.with(o.entry).floor, take); err != nil { // it may be the last turn
		return err
	}
	err := o.rest.Next(ctx, w.mark.with(o.entry).bytes())
	s.open = s.open[1:]
	if rest, more := errors.AsType[*live.Unfinished](err); more {
		o.rest = rest
		s.open = append(s.open, o)
		s.delivered(false)
		return nil
	}
	return w.took(o.object, o.arrived, err)
}

// rest lets time pass until the next look: large objects are read meanwhile, unless their folder
// is gone.
func (w *walk) rest(ctx context.Context, wait time.Duration, take taker) error {
	until := time.Now().Add(wait)
	for first := true; w.root != nil && len(w.source.open) > 0 && (first || time.Now().Before(until)); first = false {
		if err := w.turn(ctx, take); err != nil {
			return err
		}
	}
	return pause(ctx, time.Until(until))
}

// leave closes what is open: whoever reads the source again begins these anew.
func (s *Source) leave() {
	for _, o := range s.open {
		o.rest.Close()
	}
	s.open = nil
	clear(s.large)
}
