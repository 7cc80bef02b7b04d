// Package live brings records of CloudTrail, and findings of other services, while they
// arrive. A source is started from the mark that its last delivery left, and delivers again
// what was not kept: whoever takes a delivery keeps what it says and its mark together.
package live

import (
	"context"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/alert"
)

// Delivery is one object with records, or findings.
type Delivery struct {
	Source  string           // name of the source
	Arrived time.Time        // when the source saw it
	Input   cloudtrail.Input // to be read before the function that takes the delivery returns; without Open, there is only a mark to keep
	Mark    []byte           // where the source goes on once this is kept; at most 64 KiB
	Lost    string           // why the object that Input names, without Open, is given up; "" if it is not
	// Sightings are alerts that another service tells of by itself, with no records.
	Sightings []alert.Sighting
	// Turns says that the source goes on with other objects while this one is read: where it is
	// large, take ends with an *Unfinished. Where there is only a mark, take does not wait until
	// it is kept.
	Turns bool
	// Ahead gives objects that wait behind this one, each once, and false if there is none now.
	// While take waits, it may look into them for what cannot wait. Nil: none are known.
	Ahead func(context.Context) (cloudtrail.Input, bool)
}

// Health is how a source stands.
type Health struct {
	Source string
	Heard  time.Time // the last answer of what is behind it, zero before the first
	Last   time.Time // when it last delivered something, zero before
	// Complete is up to when all that was there was delivered: it stays while there is more,
	// and while nothing answers. Zero before the first time.
	Complete time.Time
	Delay    time.Duration // how late events come by it at the most, as its nature or AWS's documentation says
	Fault    string        // what is wrong now, "" if nothing is
	Gap      string        // what it cannot see by its nature, "" if nothing
	Places   []Place       // how far it is in each account and Region, sorted; at most MostPlaces
}

// Source brings deliveries until the context ends.
type Source interface {
	Name() string
	// Run goes on from a mark, nil for the beginning, and calls take for one delivery after
	// the other. An error of take ends it.
	Run(ctx context.Context, mark []byte, take func(context.Context, Delivery) error) error
	Health() Health
}

// Shared is a source that keeps by itself what was not taken, such as a queue: it has no
// mark, several processes may read it at once, and Run calls take for several deliveries
// at the same time. A delivery is over once take returned nil; any other comes again.
type Shared interface {
	Source
	Shared() bool
}

// Marked is a source of whose deliveries nothing but the mark says which were kept: it may be
// read on before one is, and is run again from the last mark that was kept if one is not.
type Marked interface {
	Source
	Marked() bool
}
