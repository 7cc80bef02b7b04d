// Package serial makes the IDs of what one process keeps in a store: a change and the time
// that it has go in. Chance alone would give two of some thousands of one millisecond, in any
// order.
package serial

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Process makes the IDs of a process: what they end in counts up within a millisecond, from a
// random start.
type Process struct {
	mu     sync.Mutex // guards what follows
	at     int64      // milliseconds
	newest uint32
}

// What IDs of a millisecond may end in. They begin in the lower half; those of changes that lag
// behind begin in the last quarter. Either has room for four million.
const (
	space = 1 << 25
	late  = space / 4 * 3
)

// next is what an ID of a moment ends in, false if there are later ones.
func (p *Process) next(now time.Time) (n uint32, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := now.UnixMilli()
	if at < p.at {
		return 0, false
	}
	if at > p.at {
		p.at, p.newest = at, rand.Uint32N(space/2)
	}
	p.newest++
	return p.newest, true
}

// Change makes the IDs of one change.
type Change struct {
	process *Process
	behind  uint32 // what its newest ID ends in that the process did not give; 0: there is none
}

// Change begins one.
func (p *Process) Change() Change { return Change{process: p} }

// ID makes an ID of a moment, see rootkeep.NewID. No two of one change are alike, and of two
// that a process makes of one moment the later one sorts later.
func (c *Change) ID(prefix string, now time.Time) string {
	n, ok := c.process.next(now)
	if !ok {
		if c.behind == 0 {
			c.behind = late + rand.Uint32N(space/8)
		}
		c.behind++
		n = c.behind
	}
	return rootkeep.NewID(prefix, now, []byte{byte(n >> 20), byte(n >> 15), byte(n >> 10), byte(n >> 5), byte(n)})
}
