package serve

import (
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/alter"
	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/app/rootless"
	"github.com/rootkeep/rootkeep/internal/app/roottask"
	"github.com/rootkeep/rootkeep/internal/app/rootuse"
	"github.com/rootkeep/rootkeep/internal/app/scan/record"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web/signin"
)

// house is what pages, API and jobs of a process share, once its address is known.
type house struct {
	*deps
	url       *url.URL
	recorder  *record.Recorder
	controls  []exceptions.Control
	approvals *approvals.Desk // of every kind
	desk      *exceptions.Desk
	changes   *changes.Desk
	root      *access.Desk
	engine    *alter.Engine
	tasks     *roottask.Catalogue
	rootless  *rootless.Runner
	signIn    *signin.SignIn
	outbox    *outbox.Outbox
	alerts    *alerts.Desk
	detector  *detector.Detector
	detecting detector.Settings
}

// newHouse loads what accounts are judged by and builds what decides.
func newHouse(d *deps, address *url.URL) (*house, error) {
	h := &house{deps: d, url: address}
	var err error
	if h.recorder, err = record.New(record.Recorder{Store: d.store, Version: d.settings.Version, Register: d.settings.Register, Controls: d.settings.Controls, Now: d.now}); err != nil {
		return nil, err
	}
	if h.outbox, err = outbox.Open(d.settings.Notify, d.now, d.store, d.wake); err != nil {
		return nil, err
	}
	if h.desk, err = h.newDesk(); err != nil {
		return nil, err
	}
	h.outbox.Could = h.approvals.Could
	if err := h.newAlerts(); err != nil {
		return nil, err
	}
	if err := h.newEngine(); err != nil {
		return nil, err
	}
	if err := h.newRootless(); err != nil {
		return nil, err
	}
	h.signIn, err = h.newSignIn()
	return h, err
}

func (h *house) newDesk() (*exceptions.Desk, error) {
	book, err := h.settings.book()
	if err != nil {
		return nil, err
	}
	byID := map[string]exceptions.Control{}
	for _, c := range h.recorder.Catalogue() {
		severity, err := rootkeep.ParseSeverity(c.Severity)
		if err != nil {
			return nil, fmt.Errorf("control %s: %w", c.ID, err)
		}
		x := exceptions.Control{ID: c.ID, Title: c.Title, Severity: severity}
		byID[c.ID] = x
		h.controls = append(h.controls, x)
	}
	within, err := h.settings.Changes.within()
	if err != nil {
		return nil, err
	}
	h.approvals, err = approvals.New(approvals.Desk{
		Book: book, Site: approval.SiteOf(h.url), Place: posture.PlaceOf,
		Kinds: append(access.Kinds(rootuse.Follow), exceptions.Kind(h.recorder.Except), changes.Kind(within)),
	})
	if err != nil {
		return nil, err
	}
	if h.root, err = access.New(access.Desk{Desk: h.approvals, Changed: rootuse.Follow, Asked: changes.Asked}); err != nil {
		return nil, err
	}
	if h.changes, err = changes.New(changes.Desk{Desk: h.approvals, Within: within, Stands: h.root.Stands, Overridden: h.root.Overridden}); err != nil {
		return nil, err
	}
	return exceptions.New(exceptions.Desk{
		Desk: h.approvals,
		Control: func(id string) (exceptions.Control, bool) {
			c, ok := byID[id]
			return c, ok
		},
	})
}

// folder is where scans lie while they run.
func (h *house) folder() string { return filepath.Join(filepath.Dir(h.settings.KeyFile), "scans") }
