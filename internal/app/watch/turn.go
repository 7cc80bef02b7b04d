package watch

import (
	"context"
	"errors"
	"iter"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

// What is read of one object before others of its source have their turn: CloudTrail's own
// files have less, but those of the largest accounts. A full parcel ends a turn as well.
const (
	recordsATurn = 5000
	bytesATurn   = 16 << 20 // of records
)

// errLeft ends the reading of an object that its source has left.
var errLeft = errors.New("the object was left")

// reading is an object that is read, in one turn or in several.
type reading struct {
	*Watcher
	source   *source
	delivery live.Delivery

	part    *parcel // what comes to the store next
	later   bool    // the first turn is over
	records int     // of this turn
	size    int     // of them, bytes
	all     int     // records of all turns
	stats   cloudtrail.Stats
	err     error

	resume func() (struct{}, bool) // reads one turn, and says whether there is more
	stop   func()
}

// begin begins to read the object of a delivery.
func (w *Watcher) begin(ctx context.Context, s *source, d live.Delivery) *reading {
	r := &reading{Watcher: w, source: s, delivery: d, part: &parcel{source: s, found: d.Sightings}}
	r.resume, r.stop = iter.Pull(func(yield func(struct{}) bool) {
		r.stats, r.err = r.read(ctx, func() bool { return !d.Turns || yield(struct{}{}) })
	})
	return r
}

// turn reads the object for a turn, and keeps its mark if that was the last.
func (r *reading) turn(ctx context.Context, mark []byte) error {
	r.records, r.size = 0, 0
	if _, more := r.resume(); more {
		r.later = true
		r.source.reads(r)
		return &live.Unfinished{Next: r.turn, Close: r.close}
	}
	r.source.readAll(r)
	return r.end(ctx, mark)
}

func (r *reading) close() {
	r.stop()
	r.source.readAll(r)
}

// took counts a record, and says whether the turn is over.
func (r *reading) took(raw []byte) bool {
	r.records, r.all, r.size = r.records+1, r.all+1, r.size+len(raw)
	return r.records >= recordsATurn || r.size >= bytesATurn
}

// reads notes how far an object is that takes several turns.
func (s *source) reads(r *reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.large == nil {
		s.large = map[*reading]int{}
	}
	s.large[r] = r.all
}

func (s *source) readAll(r *reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.large, r)
}
