package watch

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

// A store that is slower than a source, as when a detection matches all of it, must not keep a
// use of root from people: while the source is held up, the objects that wait are looked into
// for events of root users, and these are kept at once. Nothing else of an object is, nor its
// mark: it is read in its turn all the same.
const (
	mostGlanced = 20_000 // records of one object
	mostEarly   = 10_000 // events that are known to be kept when their object is read
)

// errEnough ends the reading of an object of which no more is looked at.
var errEnough = errors.New("enough of the object was looked at")

// early are the events that were kept before their objects were read, by name and record.
type early map[[sha256.Size]byte]bool

func earlyKey(object string, raw []byte) [sha256.Size]byte {
	h := sha256.New()
	io.WriteString(h, object) // a hash takes everything
	h.Write([]byte{0})
	h.Write(raw)
	return [sha256.Size]byte(h.Sum(nil))
}

// kept says, once, that an event was kept already.
func (e early) kept(object string, raw []byte) bool {
	if len(e) == 0 {
		return false
	}
	key := earlyKey(object, raw)
	was := e[key]
	delete(e, key)
	return was
}

// ahead looks into the next object that waits behind a delivery. It is false if there is none.
func (w *Watcher) ahead(ctx context.Context, s *source, d *live.Delivery) bool {
	if d.Ahead == nil {
		return false
	}
	in, ok := d.Ahead(ctx)
	if !ok {
		return false
	}
	events := w.glance(ctx, in)
	if len(events) == 0 {
		return true
	}
	part := &parcel{source: s, events: events}
	w.keepAhead(ctx, part)
	if len(s.early) > mostEarly-len(events) {
		clear(s.early) // those count as delivered twice
	}
	for i := range events {
		if part.err == nil {
			s.early[earlyKey(in.Name, events[i].Raw)] = true
		}
	}
	return true // what was not kept comes in its turn
}

// keepAhead keeps a parcel that waits for no other, and without a mark.
func (w *Watcher) keepAhead(ctx context.Context, s *parcel) {
	ctx, stop := context.WithTimeout(ctx, commitTime)
	defer stop()
	w.keep(ctx, []*parcel{s})
}

// glance gives the events of root users at the beginning of an object. What is wrong with the
// object is told when it is read.
func (w *Watcher) glance(ctx context.Context, in cloudtrail.Input) (events []reconcile.Event) {
	h := w.hands.Get().(*hand)
	defer func() {
		if recover() == nil {
			w.hands.Put(h)
		}
	}()
	n := 0
	h.plain.Read(ctx, in, func(rec *cloudtrail.Record) error {
		if e, ok := w.about(h, rec.Raw); ok {
			events = append(events, e)
		}
		if n++; n >= mostGlanced || len(events) >= atOnce {
			return errEnough
		}
		return nil
	})
	return events
}
