// Package rootuse ties requests for root to the changes that are made under them, for a
// server: changes are planned for a request, go where it goes, and the root sessions that
// they are made in are kept.
package rootuse

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/rootkeep/rootkeep"
	model "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/app/alter"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	webchanges "github.com/rootkeep/rootkeep/internal/web/changes"
)

// Planner plans the changes that requests for root are for.
type Planner struct{ *alter.Engine }

// PlanFor is that of web/root.Engine.
func (p Planner) PlanFor(ctx context.Context, actor people.Actor, request string, account rootkeep.AccountID, kind string, parameters map[string]any) (model.Change, error) {
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

// Follow brings the changes of a request for root to where the request has come.
func Follow(ctx context.Context, tx *store.Tx, x *access.Request) error {
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

// Recorded keeps the root sessions that rootkeep was given or refused: what comes of them in
// the logs is told apart by that.
func Recorded(ctx context.Context, tx *store.Tx, name string, s facts.Session) error {
	if !s.Root && strings.HasPrefix(name, "CH-") {
		return applied(ctx, tx, name, s)
	}
	if !s.Root || s.AccessKey == "" && strings.HasPrefix(name, "CH-") {
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
	if err != nil || !p.AppliedIn(s.Role) {
		return err
	}
	touched, err := rootlog.RecordChange(ctx, tx, reconcile.Change{ID: id, Account: s.Account, Events: p.Events(s.Account), Keys: []string{s.AccessKey}, Start: s.Start, End: s.End})
	if err != nil {
		return err
	}
	_, err = access.Judge(ctx, tx, touched)
	return err
}
