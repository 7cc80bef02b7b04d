package serve

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is the server's certificate, read again when its files change.
type certificate struct {
	files TLS
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex // guards the fields below
	current *tls.Certificate
	seen    [2]time.Time // when the files were changed
	checked time.Time
}

const checkEvery = 5 * time.Second

// newCertificate reads the certificate; the first one must be good.
func newCertificate(files TLS, log *slog.Logger, now func() time.Time) (*certificate, error) {
	c := &certificate{files: files, log: log, now: now}
	if err := c.read(); err != nil {
		return nil, err
	}
	c.checked = now()
	return c, nil
}

// get is for tls.Config.GetCertificate. A new pair that is not good is logged, and the
// old one goes on.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked) >= checkEvery {
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

func (c *certificate) times() (out [2]time.Time, err error) {
	for i, path := range []string{c.files.Cert, c.files.Key} {
		info, err := os.Stat(path)
		if err != nil {
			return out, err
		}
		out[i] = info.ModTime()
	}
	return out, nil
}

func (c *certificate) read() error {
	times, err := c.times()
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", c.files.Cert, c.files.Key, err)
	}
	c.current, c.seen = &pair, times
	return nil
}
