package serve

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/alerting"
	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/app/watch"
	configured "github.com/rootkeep/rootkeep/internal/app/watch/sources"
	"github.com/rootkeep/rootkeep/internal/store/access"
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
	sources, err := configured.Read(h.settings.Watch.Sources)
	if err != nil {
		return err
	}
	flow, closeFlow, err := h.settings.NATS.OpenFlow(ctx, h.log)
	if err != nil {
		return err
	}
	if closeFlow != nil {
		defer closeFlow()
	}
	w, err := watch.New(watch.Config{
		Sources: sources, Store: h.store, Judge: access.Judge, Detector: h.detector, Flow: flow, Alerts: h.alerts, Outbox: h.outbox,
		Owner: h.owner(), Link: h.url.String(), Now: h.now, Log: h.log,
	})
	if err != nil {
		return err
	}
	return w.Run(ctx)
}

// newAlerts loads the detections, those that cannot be used left out and named in the log, and
// what becomes of what they find.
func (h *house) newAlerts() (err error) {
	if h.detecting, err = detector.Read(h.settings.Watch.Detections); err != nil {
		return err
	}
	rules, err := h.detecting.Load()
	if err != nil {
		return err
	}
	for _, p := range rules.Pack.Problems {
		h.log.Warn("detections", "problem", p.String())
	}
	has := func(rule string) bool { return h.detector.Has(rule) }
	guarded := alerting.Guards(has, func(rule string) bool { return h.detector.Guards(rule) })
	h.outbox.Guarded = guarded
	tell := h.outbox.Alerts(h.url.String())
	policy, err := alerting.Policy(h.settings.Alerts)
	if err != nil {
		return err
	}
	h.outbox.Tags = alerting.AccountTags(&policy)
	if h.alerts, err = alerting.Desk(policy, guarded, tell); err != nil {
		return err
	}
	h.alerts.Keeper.Own = has
	h.alerts.Keeper.Tags = alerting.Tags(has, func(rule string) []string { return h.detector.Tags(rule) })
	h.detector, err = detector.New(detector.Config{Rules: rules, Alerts: h.alerts.Keeper, Tell: tell, Log: h.log})
	return err
}

func (h *house) sayReloaded(err error) {
	if err != nil {
		h.log.Error("detections: the files changed and cannot be used; those that were loaded before hold", "error", err)
		return
	}
	h.log.Info("detections: loaded again", "detections", len(h.detector.Catalogue()))
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
	_, err := configured.Read(c.Watch.Sources)
	return err
}
