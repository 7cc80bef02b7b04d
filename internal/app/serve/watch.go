package serve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/app/watch"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
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

// runWatch reads the live sources until the context ends.
func runWatch(ctx context.Context, h *house) error {
	sources, err := watch.ReadSources(h.settings.Watch.Sources)
	if err != nil {
		return err
	}
	w, err := watch.New(watch.Config{Sources: sources, Store: h.store, Judge: access.Judge, Alerts: h.alerts, Outbox: h.outbox, Owner: h.owner(), Link: h.url.String(), Now: h.now, Log: h.log})
	if err != nil {
		return err
	}
	return w.Run(ctx)
}

// rootTimes is the schedule that sees to what time does to uses of root.
var rootTimes = job.Schedule{ID: rootTimesKind, Kind: rootTimesKind, Cron: "* * * * *", Zone: "UTC", Payload: []byte("{}"), Enabled: true}

const rootTimesKind = "root-times"

// seeTimes writes down which root sessions nobody closed in time, of which the outbox
// tells, which requests nobody opened, what became of those whose time is over, and which
// reviews are late.
func (h *house) seeTimes(ctx context.Context, _ *job.Job, report func(string)) error {
	if err := h.unwatched(ctx); err != nil {
		return err
	}
	var sessions, lapses, outcomes, reviews int
	for {
		n := 0
		err := h.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			over, err := access.Overrun(ctx, tx)
			if err != nil {
				return err
			}
			lapsed, err := h.root.Lapse(ctx, tx)
			if err != nil {
				return err
			}
			settled, err := access.Settle(ctx, tx)
			if err != nil {
				return err
			}
			late, err := access.LateReviews(ctx, tx)
			if err != nil {
				return err
			}
			for _, o := range late {
				notice, err := h.outbox.ReviewLate(ctx, &tx.Reader, o, h.url.String())
				if err != nil {
					return err
				}
				if err := h.outbox.Put(ctx, tx, notice); err != nil {
					return err
				}
			}
			n = len(over) + lapsed + settled + len(late)
			sessions, lapses, outcomes, reviews = sessions+len(over), lapses+lapsed, outcomes+settled, reviews+len(late)
			return nil
		})
		if err != nil {
			return err
		}
		if n == 0 {
			report(fmt.Sprintf("%d sessions over time, %d requests lapsed, %d outcomes, %d reviews late", sessions, lapses, outcomes, reviews))
			return nil
		}
		h.outbox.Wake()
	}
}

// unwatched tells of live sources that no process reads any more: the one that did cannot.
func (h *house) unwatched(ctx context.Context) error {
	if h.settings.Watch.Sources == "" {
		return nil
	}
	sources, err := watch.ReadSources(h.settings.Watch.Sources)
	if err != nil {
		return err
	}
	var known []rootlog.Health
	err = h.store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		known, err = rootlog.HealthOf(ctx, r)
		return err
	})
	worries := watch.Unwatched(sources, known, h.now())
	if err != nil || len(worries) == 0 {
		return err
	}
	var names []string
	for _, w := range worries {
		names = append(names, w.Source)
	}
	return h.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		return h.alerts.Sources(ctx, tx, h.now(), names, worries)
	})
}

// checkWatch refuses sources and ways that cannot be.
func (c *Settings) checkWatch() error {
	if _, err := c.Outbox(); err != nil {
		return err
	}
	if c.Watch.Sources == "" {
		if slices.Contains(c.Roles, watchRole) {
			return errors.New("role watch: there is no source to watch; hint: the setting watch.sources, see docs/watch.md")
		}
		return nil
	}
	_, err := watch.ReadSources(c.Watch.Sources)
	return err
}
