package serve

import (
	"errors"

	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/app/scan/record"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/posture"
)

// posture is the area of accounts and findings. What is wrong with a file of a control
// or a framework goes to the log: the others are used.
func (h *house) posture() (web.Area, error) {
	c, err := scan.LoadFrameworks(h.recorder.Catalogue(), h.settings.Frameworks)
	if err != nil {
		return web.Area{}, err
	}
	if err := errors.Join(append(h.recorder.Problems(), c.Problems...)...); err != nil {
		h.log.Warn("content that is left out", "error", err.Error())
	}
	return posture.Area(posture.Config{
		Store: h.store, Controls: h.recorder.Catalogue(), Frameworks: c.Frameworks, Card: h.recorder.Card, Version: h.settings.Version, Now: h.now, Wake: h.wake,
		ScanKind: record.ScanKind, JudgeKind: record.JudgeKind, Ask: "/exceptions/new",
		CheckScan: func(settings []byte) error {
			_, err := record.ParseScanJob(settings)
			return err
		},
	})
}
