package serve

import (
	"context"
	"errors"
	"path"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	model "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/app/alter"
	"github.com/rootkeep/rootkeep/internal/app/roottask"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web"
	webchanges "github.com/rootkeep/rootkeep/internal/web/changes"
	"github.com/rootkeep/rootkeep/internal/web/incidents"
	"github.com/rootkeep/rootkeep/internal/web/root"
)

// planner plans the changes that requests for root are for.
type planner struct{ *alter.Engine }

// PlanFor is that of web/root.Engine.
func (p planner) PlanFor(ctx context.Context, actor people.Actor, request string, account rootkeep.AccountID, kind string, parameters map[string]any) (model.Change, error) {
	c, err := p.Plan(ctx, actor, webchanges.Wanted{Kind: kind, Account: account, Parameters: parameters, For: request})
	switch {
	case errors.Is(err, change.ErrNothing): // what that means is for who asks for root to say
		return model.Change{}, err
	case err != nil:
		return model.Change{}, webchanges.Asked(err)
	}
	out := model.Change{Account: account, ID: c.ID}
	return out, out.Plan.UnmarshalText([]byte(c.Hash))
}

// rootArea is the pages and the API of root users.
func (h *house) rootArea() (web.Area, error) {
	tasks, err := roottask.Load("")
	if err := errors.Join(append(tasks.Problems, err)...); err != nil {
		return web.Area{}, err
	}
	return root.Area(root.Config{Store: h.store, Desk: h.root, Tasks: tasks.Tasks, Engine: planner{h.engine}, Now: h.now})
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
func (h *house) rootUses(ctx context.Context, r *store.Reader, actor people.Actor, since, until time.Time) (*rootlog.Number, error) {
	s, err := h.root.EventSight(ctx, r, actor)
	if err != nil {
		return nil, err
	}
	return rootlog.NumberOf(ctx, r, s, since, until)
}

// follow brings the changes of a request for root to where the request has come.
func follow(ctx context.Context, tx *store.Tx, x *access.Request) error {
	switch {
	case x.Override && x.State == access.Approved:
		return changes.Follow(ctx, tx, x.ID, changes.Approved, x.Ends)
	case x.State == access.Lapsed:
		return changes.Follow(ctx, tx, x.ID, changes.Expired, x.Ends)
	case x.State == access.Withdrawn && !x.Granted.IsZero():
		return changes.Follow(ctx, tx, x.ID, changes.Withdrawn, x.Ends)
	}
	return changes.Decided(ctx, tx, x.Matter)
}

// recorded keeps the root sessions that rootkeep was given, and those that it was refused
// while it only looked: what comes of them in the logs is told apart by that.
func recorded(ctx context.Context, tx *store.Tx, name string, s facts.Session) error {
	if !s.Root && strings.HasPrefix(name, "CH-") {
		return applied(ctx, tx, name, s)
	}
	if !s.Root || s.AccessKey == "" && !strings.HasPrefix(name, "SC-") {
		return nil
	}
	touched, err := rootlog.RecordSession(ctx, tx, rootlog.Session{AccessKey: s.AccessKey, Account: s.Account, End: s.End, Name: name, Policy: path.Base(s.Role), Start: s.Start})
	if err != nil {
		return err
	}
	_, err = access.Judge(ctx, tx, touched)
	return err
}

// applied keeps a session of the role that a change is applied in, with what its plan does
// there: that explains what it does about root users, such as a guardrail that it detaches.
// In sessions of another role it only reads.
func applied(ctx context.Context, tx *store.Tx, id string, s facts.Session) error {
	c, err := changes.Read(ctx, &tx.Reader, id, tx.Now())
	if errors.Is(err, store.ErrNotFound) {
		return nil // it is being planned
	}
	if err != nil {
		return err
	}
	p, err := c.Parsed()
	if err != nil || path.Base(s.Role) != path.Base(p.Role) {
		return err
	}
	does := reconcile.Change{ID: id, Account: s.Account, Events: []string{}, Keys: []string{s.AccessKey}, Start: s.Start, End: s.End}
	for _, call := range p.Calls {
		if service, name, _ := strings.Cut(call.Operation, ":"); call.Root == "" && call.Account == s.Account {
			does.Events = append(does.Events, service+".amazonaws.com "+name)
		}
	}
	touched, err := rootlog.RecordChange(ctx, tx, does)
	if err != nil {
		return err
	}
	_, err = access.Judge(ctx, tx, touched)
	return err
}
