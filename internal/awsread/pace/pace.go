// Package pace keeps calls below what a service takes: before a call goes out it waits
// for its turn. Calls of one kind have a budget with a hard ceiling, which shrinks when
// the service throttles and grows back with what it answers; all calls together share a
// number of slots.
package pace

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// Kind is what has one budget: AWS limits by account, Region and operation, and some
// services as a whole.
type Kind struct{ Account, Region, Call string }

// Limiter is the budgets of one program. Its methods may be called at any time.
type Limiter struct {
	slots   chan struct{}
	ceiling func(call string) float64
	sleep   func(context.Context, time.Duration) error

	mu      sync.Mutex // guards budgets and what they hold
	budgets map[Kind]*budget
}

// New makes a limiter for so many calls at once. ceiling is the most calls a second of
// a kind, by its Call. sleep waits for a time or for the context, whose error it gives.
func New(slots int, ceiling func(call string) float64, sleep func(context.Context, time.Duration) error) *Limiter {
	return &Limiter{slots: make(chan struct{}, max(slots, 1)), ceiling: ceiling, sleep: sleep, budgets: map[Kind]*budget{}}
}

// budget spaces calls out; burst of them may come at once after a time without any.
type budget struct {
	ceiling, rate float64   // calls a second
	next          time.Time // when the next call may go if none is saved up
	lowered       time.Time // when the rate last went down
}

const (
	burst  = 10          // calls at once
	lowest = 0.5         // calls a second, however often a service throttles
	calm   = time.Second // throttling of calls that were under way together counts once
)

// Do waits for the turn of a call and makes it. throttled says of its error whether the
// service wants fewer calls. An error of the context comes back at once.
func (l *Limiter) Do(ctx context.Context, k Kind, call func() error, throttled func(error) bool) error {
	if wait := l.reserve(k, time.Now()); wait > 0 {
		if err := l.sleep(ctx, wait); err != nil {
			return err
		}
	}
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := call()
	<-l.slots
	l.heard(k, err != nil && throttled(err), time.Now())
	return err
}

// Forget drops the budgets of an account that is done, so that memory does not grow
// with the number of accounts.
func (l *Limiter) Forget(account string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range l.budgets {
		if k.Account == account {
			delete(l.budgets, k)
		}
	}
}

// reserve takes the next turn and says how long it is until then.
func (l *Limiter) reserve(k Kind, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.budget(k)
	gap := time.Duration(float64(time.Second) / b.rate)
	saved := time.Duration(burst-1) * gap
	if b.rate < b.ceiling {
		saved = 0 // a service that throttles gets no bursts
	}
	if earliest := now.Add(-saved); b.next.Before(earliest) {
		b.next = earliest
	}
	wait := b.next.Sub(now)
	b.next = b.next.Add(gap)
	return wait
}

func (l *Limiter) budget(k Kind) *budget {
	b := l.budgets[k]
	if b == nil {
		most := cmp.Or(l.ceiling(k.Call), lowest)
		b = &budget{ceiling: most, rate: most}
		l.budgets[k] = b
	}
	return b
}

// heard halves the rate after throttling, and raises it by a twentieth of the ceiling
// with each call that was answered.
func (l *Limiter) heard(k Kind, throttled bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.budget(k)
	switch {
	case !throttled:
		b.rate = min(b.ceiling, b.rate+b.ceiling/20)
	case now.Sub(b.lowered) >= calm:
		b.rate, b.lowered = max(min(lowest, b.ceiling), b.rate/2), now
	}
}
