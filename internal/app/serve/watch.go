package serve

import (
	"errors"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/app/watch"
)

// Watch names the file of live sources. Empty: none, and nothing is watched.
type Watch struct {
	Sources string `yaml:"sources"`
}

// Outbox opens the ways of notices alone, to list and to try them.
func (c Settings) Outbox() (*outbox.Outbox, error) {
	return outbox.Open(c.Notify, time.Now, nil, nil)
}

// watchRole is the role that reads live sources.
const watchRole = "watch"

// checkWatch refuses sources and ways that cannot be.
func (c *Settings) checkWatch() error {
	if _, err := c.Outbox(); err != nil {
		return err
	}
	if c.Watch.Sources == "" {
		for _, r := range c.Roles {
			if r == watchRole {
				return errors.New("role watch: there is no source to watch; hint: the setting watch.sources, see docs/watch.md")
			}
		}
		return nil
	}
	_, err := watch.ReadSources(c.Watch.Sources)
	return err
}
