package serve

import (
	"context"
	"errors"
	"time"

	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/roottask"
	"github.com/rootkeep/rootkeep/internal/app/rootuse"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/incidents"
	"github.com/rootkeep/rootkeep/internal/web/root"
)

// Root says what root is asked for.
type Root struct {
	Folders []string `yaml:"folders"` // with own tasks and checklists
}

func (r *Root) check() error {
	for _, dir := range r.Folders {
		if err := roottask.Folder(dir); err != nil {
			return err
		}
	}
	return nil
}

// tasks are those that root may be asked for. One that cannot be used, as it names a kind of
// change that the server does not have, keeps the server from starting.
func (h *house) tasks() ([]*access.Task, error) {
	c, err := roottask.LoadWith(func(kind string) bool { return h.engine.Catalogue.Find(kind) != nil }, h.settings.Root.Folders...)
	if err != nil {
		return nil, err
	}
	return c.Tasks, errors.Join(c.Problems...)
}

// rootArea is the pages and the API of root users.
func (h *house) rootArea() (web.Area, error) {
	tasks, err := h.tasks()
	if err != nil {
		return web.Area{}, err
	}
	return root.Area(root.Config{Store: h.store, Desk: h.root, Tasks: tasks, Engine: rootuse.Planner{Engine: h.engine}, Now: h.now})
}

// caseArea is the pages and the API of cases.
func (h *house) caseArea() (web.Area, error) {
	desk, err := incident.New(incident.Desk{Place: posture.PlaceOf, Ready: stored.Unreviewed})
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
