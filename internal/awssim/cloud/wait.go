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

// Later is for an operation that waits for something to happen, such as a message: its
// error has the operation run again, until it has waited for that long. Nil is to answer
// with what there is. A call that does not come over HTTP never waits.
func (c *Call) Later(longest time.Duration) error {
	if c.waiting == nil || c.waited >= longest {
		return nil
	}
	return errLater
}

// Gone says that whoever called waits for no answer any more.
func (c *Call) Gone() bool { return c.waiting != nil && c.waiting.Err() != nil }

// handle runs the operation until it answers. While it waits others are served.
func (c *Call) handle(decode func(any) error) (any, error) {
	for {
		out, err := c.Operation.handle(c, decode)
		if !errors.Is(err, errLater) {
			return out, err
		}
		d, _ := c.Cloud.bell.Wait(c.waiting, &c.Cloud.mu, lookEvery) // the operation asks whether it is Gone
		c.waited += d
		c.Now = c.Cloud.Now()
		c.Cloud.tick(c.Now)
	}
}
