package serve

import (
	"context"
	"errors"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/app/scan/record"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	"github.com/rootkeep/rootkeep/internal/web"
	webapprovals "github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/posture"
	"github.com/rootkeep/rootkeep/internal/web/posture/asked"
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
		ScanKind: record.ScanKind, JudgeKind: record.JudgeKind, Ask: "/exceptions/new", Mend: "/changes/new", Requested: h.requested, Approval: h.approval,
		CheckScan: func(settings []byte) error {
			_, err := record.ParseScanJob(settings)
			return err
		},
	})
}

// mostRequests bounds how many open requests a list of findings knows of. Nobody may have
// that many open at once.
const mostRequests = 1000

// requested lists the open requests for exceptions that the actor may read.
func (h *house) requested(ctx context.Context, r *store.Reader, actor people.Actor, account rootkeep.AccountID) ([]asked.Request, error) {
	list, err := h.desk.List(ctx, r, actor, exceptions.Filter{State: approval.Requested, Account: account, Limit: mostRequests}, h.now())
	if err != nil {
		return nil, err
	}
	out := make([]asked.Request, len(list))
	for i, x := range list {
		s := x.Subject
		out[i] = asked.Request{ID: x.ID, Path: "/exceptions/" + x.ID, Account: s.Account, Control: s.Control, Region: s.Region, Resource: s.Resource}
	}
	return out, nil
}

// approval says who has to approve an exception to a control.
func (h *house) approval(control string, severity rootkeep.Severity) (string, error) {
	p, err := h.desk.Book.Policy((&approval.Exception{Control: control, Severity: severity}).Policy())
	if err != nil {
		return "", err
	}
	return webapprovals.Needs(&p), nil
}
