package queue

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

const (
	keepEvery   = 30 * time.Second // between two rounds over what waits
	heldFor     = 2 * time.Minute  // a message that waits is hidden, and again in time; it comes so much later to others when its reader dies
	mostHeld    = 1000
	overflowFor = time.Hour // what waits beside them is hidden, and counted when it comes again
	perRound    = 10        // objects of a bucket that refuses, tried in a round
)

// held is a message that waits for its bucket. It stays hidden, so that SQS does not count
// it as received again and again, and no dead-letter queue takes it.
type held struct {
	*message
	bucket                 string
	since, tried, extended time.Time
}

// hold keeps a message whose bucket gives nothing.
func (r *run) hold(ctx context.Context, m *message, why *refused) error {
	now := r.config.Now()
	r.state.refuse(why.bucket, why.err)
	r.mu.Lock()
	full := len(r.waiting) >= mostHeld
	if !full {
		r.waiting[m.id] = &held{m, why.bucket, now, now, now}
	}
	r.state.wait(len(r.waiting))
	r.mu.Unlock()
	if full {
		return r.hide(ctx, m, overflowFor)
	}
	return r.hide(ctx, m, heldFor)
}

func (r *run) release(h *held) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, h.id)
	r.state.wait(len(r.waiting))
}

// inTurn are the messages that wait, the one first that was tried the longest ago.
func (r *run) inTurn() []*held {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Values(r.waiting), func(a, b *held) int {
		return cmp.Or(a.tried.Compare(b.tried), cmp.Compare(a.id, b.id))
	})
}

// keep tries the buckets that refused, and keeps their messages hidden.
func (r *run) keep(ctx context.Context) error {
	for {
		if err := pause(ctx, keepEvery); err != nil {
			return err
		}
		refusals := map[string]int{}
		for _, h := range r.inTurn() {
			if !r.extend(ctx, h) || refusals[h.bucket] >= perRound {
				continue
			}
			again, err := r.retry(ctx, h)
			if err != nil {
				return err
			}
			if again {
				refusals[h.bucket]++
			}
			if r.state.silence(h.bucket) != nil {
				refusals[h.bucket] = perRound // each would be waited for
			}
		}
	}
}

// extend hides a message again, when it is time. It is let go if that cannot be: AWS hides
// none for longer than twelve hours, and it comes again.
func (r *run) extend(ctx context.Context, h *held) bool {
	now := r.config.Now()
	if now.Sub(h.extended) < heldFor/3 {
		return true
	}
	if err := r.hide(ctx, h.message, heldFor); err != nil {
		r.release(h)
		return false
	}
	h.extended = now
	return true
}

// retry tries a message that waits. Its bucket may still refuse; an object that is refused
// while others of the bucket are read is a message that cannot be read.
func (r *run) retry(ctx context.Context, h *held) (again bool, err error) {
	err = r.deliver(ctx, h.message)
	if ctx.Err() != nil && err != nil {
		return false, err
	}
	var bucket *refused
	switch {
	case err == nil:
		r.release(h)
		return false, r.done(ctx, h.message)
	case isTaken(err):
		return false, err
	case errors.As(err, &bucket) && !r.state.goodSince(h.bucket, h.since):
		h.tried = r.config.Now()
		r.state.refuse(h.bucket, bucket.err)
		return true, nil
	}
	r.release(h)
	return false, r.setAside(ctx, h.message, err)
}
