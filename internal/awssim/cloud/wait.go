package cloud

import (
	"errors"
	"time"
)

// errLater is that an operation has nothing to answer with yet.
var errLater = errors.New("later")

// lookEvery is how often an operation that waits is run again, for what time brings; what
// another call brings wakes it.
const lookEvery = time.Second

// wake has the operations that wait run again.
func (c *Cloud) wake() {
	if c.woken != nil {
		close(c.woken)
		c.woken = nil
	}
}

// Later is for an operation that waits for something to happen, such as a message: its
// error has the operation run again, until it has waited for that long. Nil is to answer
// with what there is. A call that does not come over HTTP never waits.
func (c *Call) Later(longest time.Duration) error {
	if c.waiting == nil || c.waited >= longest {
		return nil
	}
	return errLater
}

// handle runs the operation until it answers. While it waits others are served.
func (c *Call) handle(decode func(any) error) (any, error) {
	for {
		out, err := c.Operation.handle(c, decode)
		if !errors.Is(err, errLater) {
			return out, err
		}
		c.pause()
		c.Cloud.tick(c.Now)
	}
}

// pause lets go of the lock for a while. Whoever asked and went away waits no longer.
func (c *Call) pause() {
	if c.Cloud.woken == nil {
		c.Cloud.woken = make(chan struct{})
	}
	woken, begun := c.Cloud.woken, time.Now()
	c.Cloud.mu.Unlock()
	defer c.Cloud.mu.Lock()
	t := time.NewTimer(lookEvery)
	defer t.Stop()
	select {
	case <-t.C:
	case <-woken:
	case <-c.waiting.Done():
		c.waiting, c.gone = nil, true
	}
	c.waited += time.Since(begun)
	c.Now = c.Cloud.Now()
}

// Gone says that whoever called waits for no answer any more.
func (c *Call) Gone() bool { return c.gone }
