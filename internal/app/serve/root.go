package serve

import (
	"github.com/rootkeep/rootkeep/internal/app/rootless"
	"github.com/rootkeep/rootkeep/internal/app/rootuse"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/incidents"
	"github.com/rootkeep/rootkeep/internal/web/root"
	pages "github.com/rootkeep/rootkeep/internal/web/root/rootless"
)

// rootArea is the pages and the API of root users.
func (h *house) rootArea() (web.Area, error) {
	return root.Area(root.Config{Store: h.store, Desk: h.root, Tasks: h.tasks.Tasks, Engine: rootuse.Planner{Engine: h.engine}, Holder: rootuse.HolderOf, Now: h.now})
}

// newRootless is what takes members their root credentials.
func (h *house) newRootless() (err error) {
	if h.tasks, err = h.settings.Root.Load(h.engine.Catalogue); err != nil {
		return err
	}
	h.rootless, err = rootless.New(rootless.Runner{Engine: h.engine, Root: h.root, Task: h.tasks.Find(rootless.TaskID), Region: h.settings.Changes.Region})
	return err
}

// rootlessArea is the pages and the API of that.
func (h *house) rootlessArea() (web.Area, error) { return pages.Area(pages.Config{Engine: h.rootless}) }

// caseArea is the pages and the API of cases.
func (h *house) caseArea() (web.Area, error) {
	desk, err := incident.New(incident.Desk{Place: posture.PlaceOf, Ready: stored.Unreviewed})
	if err != nil {
		return web.Area{}, err
	}
	return incidents.Area(incidents.Config{Store: h.store, Desk: desk, Now: h.now})
}
