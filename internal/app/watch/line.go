package watch

import (
	"context"
	"sync"
	"time"
)

// patientAhead is how many parcels are ahead, at most, when a large object adds one.
const patientAhead = 2

// line has what one reading of a source brings kept in its order, while the source is read
// on. After one parcel that is not kept no other is: the source is read again from the mark
// that was kept last.
type line struct {
	stop  func()    // ends the reading
	floor time.Time // up to when the source was complete before
	stale time.Time // and what it said then, of parcels perhaps that were not kept

	mu      sync.Mutex // guards what follows
	ahead   int        // parcels that are not kept yet
	weight  int        // of them
	size    int        // bytes of their records
	since   time.Time  // up to when the source was complete before the first of them
	err     error      // of the first that was not kept
	changed chan struct{}
}

// next is the line of the reading that follows; of the first, l is nil. read is up to when the
// source says that all was read.
func (l *line) next(read time.Time, stop func()) *line {
	floor := read
	if l != nil {
		floor = l.complete(read)
	}
	return &line{stop: stop, floor: floor, stale: read, changed: make(chan struct{})}
}

// add takes one more parcel in, once there is room: a store that is slower than its source
// holds it up. Meanwhile otherwise is called, until it says that there is nothing more to do.
func (l *line) add(ctx context.Context, s *parcel, read time.Time, otherwise func() bool) error {
	for {
		l.mu.Lock()
		changed, err, room := l.changed, l.err, l.room(s)
		if err == nil && room {
			l.take(s, read)
		}
		l.mu.Unlock()
		if err != nil || room {
			return err
		}
		if ctx.Err() == nil && otherwise() {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// room says whether one more parcel may be ahead. A large object has one that is kept and one
// that is next, so that a small one never stands behind more of it.
func (l *line) room(s *parcel) bool {
	most := parcelsAtOnce
	if s.patient {
		most = patientAhead
	}
	return l.ahead == 0 || l.ahead < most && l.weight < eventsAtOnce && l.size < bytesAtOnce
}

func (l *line) take(s *parcel, read time.Time) {
	if l.ahead == 0 {
		l.since = l.upTo(read)
	}
	s.line, s.counted, s.bytes = l, s.weight(), s.size
	l.ahead, l.weight, l.size = l.ahead+1, l.weight+s.counted, l.size+s.bytes
}

// left takes one parcel out that was kept, or was not.
func (l *line) left(s *parcel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ahead, l.weight, l.size = l.ahead-1, l.weight-s.counted, l.size-s.bytes
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *line) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
		l.stop()
	}
}

func (l *line) failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// wait waits until nothing is ahead any more, and says what the first parcel had that was not
// kept. A change has its own time, so that this has an end.
func (l *line) wait() error {
	for {
		l.mu.Lock()
		changed, ahead, err := l.changed, l.ahead, l.err
		l.mu.Unlock()
		if ahead == 0 {
			return err
		}
		<-changed
	}
}

// complete is up to when all that happened was read and kept, when the source says that all
// up to a moment was read. That has to be asked before: what is taken in since does not count.
func (l *line) complete(read time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ahead > 0 || l.err != nil {
		return l.since
	}
	return l.upTo(read)
}

func (l *line) upTo(read time.Time) time.Time {
	if !read.After(l.stale) {
		return l.floor
	}
	return read
}
