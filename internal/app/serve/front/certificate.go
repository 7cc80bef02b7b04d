package front

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Certificate is the server's certificate, read again when its files change.
type Certificate struct {
	files [2]string // certificate with its chain, key
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex // guards the fields below
	current *tls.Certificate
	seen    [2]time.Time // when the files were changed
	checked time.Time
}

// CheckEvery is how often the files are looked at, at most.
const CheckEvery = 5 * time.Second

// ReadCertificate reads the PEM files of the certificate with its chain, and of its key;
// the first pair must be good.
func ReadCertificate(cert, key string, log *slog.Logger, now func() time.Time) (*Certificate, error) {
	c := &Certificate{files: [2]string{cert, key}, log: log, now: now}
	if err := c.read(); err != nil {
		return nil, err
	}
	c.checked = now()
	return c, nil
}

// Get is for tls.Config.GetCertificate. A new pair that is not good is logged, and the
// old one goes on.
func (c *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked) >= CheckEvery {
		c.checked = now
		if times, err := c.times(); err != nil || times != c.seen {
			if err := c.read(); err != nil {
				c.log.Error("certificate not read again: the old one goes on", "error", err.Error())
			} else {
				c.log.Info("certificate read again", "ends", c.current.Leaf.NotAfter)
			}
		}
	}
	return c.current, nil
}

func (c *Certificate) times() (out [2]time.Time, err error) {
	for i, path := range c.files {
		info, err := os.Stat(path)
		if err != nil {
			return out, err
		}
		out[i] = info.ModTime()
	}
	return out, nil
}

func (c *Certificate) read() error {
	times, err := c.times()
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(c.files[0], c.files[1])
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", c.files[0], c.files[1], err)
	}
	c.current, c.seen = &pair, times
	return nil
}
