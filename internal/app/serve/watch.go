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

// Watch names the file of live sources, empty: none, and nothing is watched; and the file that
// says which detections run, empty: the shipped ones.
type Watch struct {
	Sources    string `yaml:"sources"`
	Detections string `yaml:"detections"`
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
	w, err := watch.New(watch.Config{Sources: sources, Store: h.store, Judge: access.Judge, Detector: h.detector, Outbox: h.outbox, Owner: h.owner(), Link: h.url.String(), Now: h.now, Log: h.log})
	if err != nil {
		return err
	}
	following := make(chan struct{})
	go func() {
		defer close(following)
		h.detector.Follow(ctx, h.detections, h.sayReloaded)
	}()
	defer func() { <-following }()
	return w.Run(ctx)
}

// newDetector loads the detections. Those that cannot be used are named in the log, and left
// out.
func (h *house) newDetector() (err error) {
	if h.detections, err = detector.Read(h.settings.Watch.Detections); err != nil {
		return err
	}
	rules, err := h.detections.Load()
	if err != nil {
		return err
	}
	for _, p := range rules.Pack.Problems {
		h.log.Warn("detections", "problem", p.String())
	}
	guarded := guards.In(rules.Pack.Catalogue())
	keeper, err := alerts.New(alert.Default(), func(rule string) bool { return guarded(rule) })
	if err != nil {
		return err
	}
	h.alerts = &alerts.Desk{Keeper: keeper}
	h.detector, err = detector.New(detector.Config{Rules: rules, Alerts: keeper, Tell: func(context.Context, *store.Tx, *alerts.Changes) error { return nil }, Log: h.log})
	return err
}

func (h *house) sayReloaded(err error) {
	if err != nil {
		h.log.Error("detections: the files changed and cannot be used; those that were loaded before hold", "error", err)
		return
	}
	h.log.Info("detections: loaded again", "detections", len(h.detector.Catalogue()))
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
	return h.store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		known, err := rootlog.HealthOf(ctx, &tx.Reader)
		if err != nil {
			return err
		}
		for _, n := range watch.Unwatched(sources, known, h.now(), h.url.String()) {
			if err := h.outbox.Put(ctx, tx, n); err != nil {
				return err
			}
		}
		return nil
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
