package changes

import (
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store/changes"
)

// KindOf is a kind of change as the API tells it.
func KindOf(k *change.Kind) client.ChangeKind {
	v := client.ChangeKind{
		ID: k.ID, Title: k.Title, Why: k.Why, Class: k.Class, Risk: k.Risk, Breaks: k.Breaks, Fixes: k.Fixes, Parameters: []client.ChangeParameter{},
		Reads: k.Operations(false), Calls: k.Operations(true), Guided: len(k.Guide) > 0, Permissions: k.Needs, Final: k.Final(), Source: k.Source, Hash: k.Hash(),
	}
	for _, list := range []*[]string{&v.Fixes, &v.Reads, &v.Calls, &v.Permissions, &v.Final} {
		if *list == nil {
			*list = []string{}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.Parameters)) {
		p := k.Parameters[name]
		v.Parameters = append(v.Parameters, client.ChangeParameter{Name: name, About: p.About, Type: p.Type, Required: p.Required, Default: p.Default, OneOf: p.OneOf})
	}
	return v
}

// changeOf is a change as the API tells it.
func changeOf(c *changes.Change) client.AccountChange {
	return client.AccountChange{
		ID: c.ID, Revision: c.Revision, State: string(c.State), Account: string(c.Account), Kind: c.Kind, Class: string(c.Class), Final: c.Final, SHA256: c.Hash, Policy: c.Policy(),
		Planner: c.Planner, Created: c.Created, Expires: c.Expires, Approved: c.Approved, Begun: c.Begun, Ended: c.Ended, For: c.For, Undoes: c.Undoes, UndoneBy: c.UndoneBy,
		Batch: c.Batch, Place: c.Place, Canary: c.Canary, Run: c.Run, Why: c.Why, Doubt: c.Doubt, Replaced: c.Replaced,
	}
}

// wire is the folder as the API tells it to the actor.
func (f *folder) wire(actor people.Actor) client.AccountChangeDetail {
	d := client.AccountChangeDetail{
		AccountChange: changeOf(f.Change), Plan: string(f.Plan), Made: []client.ChangeCall{}, After: f.After, Needs: []client.ApprovalNeed{}, Approvals: []client.ApprovalGiven{}, May: f.may(actor),
	}
	for _, m := range f.made {
		if m.Number >= len(f.plan.Calls) {
			continue // the store takes none such
		}
		c := f.plan.Calls[m.Number]
		d.Made = append(d.Made, client.ChangeCall{Number: m.Number + 1, At: m.At, Operation: c.Operation, Account: string(c.Account), Region: c.Region, Found: m.Before, Final: c.Final, UndoneBy: f.undone[m.Number]})
	}
	if f.request != nil {
		d.Needs, d.Approvals = f.request.WireNeeds(), f.request.WireApprovals()
	}
	return d
}

// wire is the batch as the API tells it to the actor.
func (b *bundle) wire(actor people.Actor) client.ChangeBatch {
	out := client.ChangeBatch{
		ID: b.ID, About: b.About, Planner: b.Planner, Created: b.Created, Halted: b.Halted, Unseen: b.Unseen, Undoes: b.Undoes, Undos: append([]string{}, b.undos...),
		Next: b.next, Blocked: b.blocked, Changes: []client.AccountChange{}, May: b.may(actor),
	}
	for _, c := range b.changes {
		out.Changes = append(out.Changes, changeOf(c))
	}
	return out
}

// listedOf is a batch of a list as the API tells it.
func listedOf(l *changes.Listed) client.ChangeBatchListed {
	out := client.ChangeBatchListed{
		ID: l.ID, About: l.About, Planner: l.Planner, Created: l.Created, Stands: l.Stands(), Halted: l.Halted, Unseen: l.Unseen, Undoes: l.Undoes, Changes: []client.ChangeBatchMember{},
	}
	for _, m := range l.Members {
		out.Changes = append(out.Changes, client.ChangeBatchMember{ID: m.ID, Account: string(m.Account), Kind: m.Kind, State: string(m.State), Canary: m.Canary, Why: m.Why})
	}
	return out
}
