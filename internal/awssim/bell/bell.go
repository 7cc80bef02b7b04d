// Package bell wakes those who wait for something to happen in what a lock guards.
package bell

import (
	"context"
	"sync"
	"time"
)

// Bell is rung when something happened. The zero value is ready; its lock guards it.
type Bell struct{ woken chan struct{} }

// Ring wakes everybody who waits.
func (b *Bell) Ring() {
	if b.woken != nil {
		close(b.woken)
		b.woken = nil
	}
}

// Wait lets go of the lock until the bell rings, for a while at the most, and says how long
// that was. The error is the context's.
func (b *Bell) Wait(ctx context.Context, lock sync.Locker, most time.Duration) (time.Duration, error) {
	if b.woken == nil {
		b.woken = make(chan struct{})
	}
	woken, begun := b.woken, time.Now()
	lock.Unlock()
	defer lock.Lock()
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-t.C:
	case <-woken:
	case <-ctx.Done():
	}
	return time.Since(begun), ctx.Err()
}
