package serve

import (
	"context"
	"errors"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/roottask"
	"github.com/rootkeep/rootkeep/internal/app/rootuse"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/incidents"
	"github.com/rootkeep/rootkeep/internal/web/root"
)

// rootArea is the pages and the API of root users.
func (h *house) rootArea() (web.Area, error) {
	tasks, err := roottask.Load("")
	if err := errors.Join(append(tasks.Problems, err)...); err != nil {
		return web.Area{}, err
	}
	return root.Area(root.Config{Store: h.store, Desk: h.root, Tasks: tasks.Tasks, Engine: rootuse.Planner{Engine: h.engine}, Now: h.now})
}

// caseArea is the pages and the API of cases.
func (h *house) caseArea() (web.Area, error) {
	desk, err := incident.New(incident.Desk{Place: posture.PlaceOf, Ready: access.Unreviewed})
	if err != nil {
		return web.Area{}, err
	}
	return incidents.Area(incidents.Config{Store: h.store, Desk: desk, Now: h.now})
}

// rootUses counts for the first page.
func (h *house) rootUses(ctx context.Context, r *store.Reader, actor people.Actor, now time.Time, days int) (*rootlog.Number, error) {
	s, err := h.root.EventSight(ctx, r, actor)
	if err != nil {
		return nil, err
	}
	return rootlog.Lately(ctx, r, s, now, days)
}
