package folder

import (
	"context"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
)

// mostGiven is how many waiting objects are known to have been given as ahead; of more, some
// are given again.
const mostGiven = 1 << 16

// ahead has the objects that wait while others are delivered.
type ahead struct {
	*walk
	since   time.Time
	wait    time.Duration // between two looks
	looked  time.Time     // when it was last looked
	waiting []object      // that are not given yet
}

// next gives the next object that waits and was not given yet. It looks for what came
// meanwhile, as often as Run does.
func (s *Source) next(ctx context.Context) (cloudtrail.Input, bool) {
	a := &s.ahead
	if len(a.waiting) == 0 && time.Since(a.looked) >= a.wait {
		w := s.look(ctx, a.mark, s.config.Now(), a.since)
		_ = w.close() // nothing was read
		a.waiting, a.looked = w.found, time.Now()
	}
	for len(a.waiting) > 0 {
		o := a.waiting[0]
		a.waiting = a.waiting[1:]
		if s.given[o.entry] || a.mark.done(o.entry) || s.large[o.entry] != nil {
			continue
		}
		if len(s.given) >= mostGiven {
			clear(s.given)
		}
		s.given[o.entry] = true
		return a.input(o), true
	}
	return cloudtrail.Input{}, false
}
