package watch

import (
	"context"
	"errors"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

// lease is how long a source stays with a server that does not say that it still reads.
const lease = 30 * time.Second

var errElsewhere = errors.New("another server reads this source")

// turn reads a source while this server has it: of several that watch, one reads each.
func (w *Watcher) turn(ctx context.Context, s *source) error {
	if err := w.touch(ctx, s); err != nil {
		return err
	}
	s.mu.Lock()
	if s.elsewhere { // only then: what fails and begins again is silent all the while
		s.elsewhere, s.began = false, w.config.Now()
	}
	s.mu.Unlock()
	reading, stop := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.beat(reading, stop, s)
	}()
	err := w.goOn(reading, s)
	if errors.Is(context.Cause(reading), errElsewhere) {
		err = errElsewhere
	}
	stop(nil)
	<-ended
	return errors.Join(err, w.release(ctx, s.Name()))
}

// beat says that the source is still read, until another server has it. What goes wrong
// otherwise needs no word: nothing is kept by a server that does not have the source.
func (w *Watcher) beat(ctx context.Context, stop context.CancelCauseFunc, s *source) {
	for pause(ctx, lease/3) == nil {
		if err := w.touch(ctx, s); errors.Is(err, errElsewhere) {
			stop(errElsewhere)
			return
		}
	}
}

func (w *Watcher) touch(ctx context.Context, s *source) error {
	return w.config.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error { return w.hold(ctx, tx, s) })
}

// hold is for every change that keeps something of the source.
func (w *Watcher) hold(ctx context.Context, tx *store.Tx, s *source) error {
	if w.part != nil {
		if err := w.holdNamed(ctx, tx, Detections); err != nil {
			return err
		}
	}
	if s.shared() {
		return nil
	}
	return w.holdNamed(ctx, tx, s.Name())
}

// shared says that several processes may read the source: what one is given, no other is.
func (s *source) shared() bool {
	many, ok := s.Source.(live.Shared)
	return ok && many.Shared()
}

// Detections is what a server has that detects: no source has such a name. Windows are one
// process's, so that who has them reads all sources.
const Detections = "@detections"

func (w *Watcher) holdNamed(ctx context.Context, tx *store.Tx, name string) error {
	held, anew, err := rootlog.Hold(ctx, tx, name, w.config.Owner, lease)
	if err == nil && !held {
		err = errElsewhere
	}
	if anew && name == Detections {
		w.part.Renew() // before the change is made: once too often does no harm
	}
	return err
}

func (w *Watcher) release(ctx context.Context, name string) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), lease/3) // a server that stops lets the next begin at once
	defer stop()
	return w.config.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		return rootlog.Release(ctx, tx, name, w.config.Owner)
	})
}
