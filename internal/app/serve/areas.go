package serve

import (
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/app/watch"
	configured "github.com/rootkeep/rootkeep/internal/app/watch/sources"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/alerts"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/changes"
	"github.com/rootkeep/rootkeep/internal/web/changes/subject"
	"github.com/rootkeep/rootkeep/internal/web/coverage"
	"github.com/rootkeep/rootkeep/internal/web/exceptions"
	"github.com/rootkeep/rootkeep/internal/web/home"
	"github.com/rootkeep/rootkeep/internal/web/hunts"
	"github.com/rootkeep/rootkeep/internal/web/jobs"
	"github.com/rootkeep/rootkeep/internal/web/notices"
	"github.com/rootkeep/rootkeep/internal/web/people"
	"github.com/rootkeep/rootkeep/internal/web/proposals"
	asked "github.com/rootkeep/rootkeep/internal/web/root/subject"
	"github.com/rootkeep/rootkeep/internal/web/rules"
	"github.com/rootkeep/rootkeep/internal/web/sources"
)

// areas lists the areas of the console and of the API, in the order of the main menu.
func (h *house) areas() ([]web.Area, error) {
	var out []web.Area
	for _, make := range []func() (web.Area, error){
		func() (web.Area, error) {
			return home.Area(home.Config{Store: h.store, Now: h.now, Note: h.story.note, Root: h.root.EventSight}), nil
		},
		h.rootArea, h.rootlessArea,
		h.caseArea,
		h.posture,
		func() (web.Area, error) {
			return alerts.Area(alerts.Config{Store: h.store, Desk: h.alerts, Now: h.now})
		},
		func() (web.Area, error) {
			return rules.Area(rules.Config{Store: h.store, Loaded: func() rules.Loaded { return rules.Loaded(h.detector.Standing()) }, Now: h.now})
		},
		func() (web.Area, error) {
			return sources.Area(sources.Config{
				Store: h.store, Sight: h.root.EventSight, Named: func() ([]string, error) { return configured.Names(h.settings.Watch.Sources) }, Flow: h.settings.NATS.Look, Count: h.settings.NATS.Count, Work: watch.Work, Detections: watch.Detections, Now: h.now,
			})
		},
		func() (web.Area, error) {
			return coverage.Area(coverage.Config{Store: h.store, Sight: h.root.EventSight, Now: h.now})
		},
		func() (web.Area, error) {
			return hunts.Area(hunts.Config{Store: h.store, Now: h.now}), nil
		},
		func() (web.Area, error) {
			return exceptions.Area(exceptions.Config{Store: h.store, Desk: h.desk, Now: h.now, Controls: h.controls})
		},
		func() (web.Area, error) {
			return approvals.Area(approvals.Config{Store: h.store, Desk: h.approvals, Now: h.now, Faces: append(asked.Faces(), exceptions.Face(), subject.Face())})
		},
		func() (web.Area, error) {
			return changes.Area(changes.Config{Store: h.store, Desk: h.changes, Engine: h.engine, Now: h.now})
		},
		func() (web.Area, error) {
			return proposals.Area(proposals.Config{Store: h.store, Controls: h.recorder.Catalogue(), Kinds: h.engine.Kinds()})
		},
		h.ledgerArea,
		func() (web.Area, error) {
			return jobs.Area(jobs.Config{Store: h.store, Kinds: h.askable(), Wake: h.wake}), nil
		},
		func() (web.Area, error) {
			return notices.Area(notices.Config{Store: h.store, Desk: outbox.Desk{Outbox: h.outbox, Link: h.url.String()}, Wake: h.wake})
		},
		func() (web.Area, error) {
			return people.Area(people.Config{URL: h.url, Store: h.store, Now: h.now, SignIn: h.signIn, Issuer: h.settings.OpenID.Issuer, Scopes: scopes})
		},
		func() (web.Area, error) { return h.signIn.Area(), nil },
	} {
		a, err := make()
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}
