package ask

import (
	"context"
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	persistent "github.com/rootkeep/rootkeep/internal/store/people"
)

// persons are those active ones with a role for whom it is true.
func persons(ctx context.Context, r *store.Reader, are func(people.Actor) bool, role people.Role) ([]client.RootPerson, error) {
	out := []client.RootPerson{}
	list, err := persistent.List(ctx, r, persistent.Filter{State: persistent.Active, Role: role}, "", mostHolders)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		if are(p.Person.Actor(p.Grants)) {
			out = append(out, client.RootPerson{ID: p.ID, Name: p.Name})
		}
	}
	return out, nil
}

// taskOf is a task as the API tells it, for holders.
func taskOf(t *access.Task, holders ...access.Holder) client.RootTask {
	out := client.RootTask{ID: t.ID, Title: t.Title, Why: t.Why, Need: string(t.Need), Source: t.Source, Checked: t.Checked, SHA256: t.Hash.String(), Advice: []client.RootAdvice{}}
	for _, h := range holders {
		a := t.Advise(h)
		out.Advice = append(out.Advice, client.RootAdvice{
			Holder: string(h), Says: a.Says, Instead: a.Instead, Change: a.Change, Refused: a.Refused, Needs: requirementOf(a.Needs),
		})
	}
	return out
}

func requirementOf(n *access.Requirement) *client.RootRequirement {
	if n == nil {
		return nil
	}
	out := &client.RootRequirement{
		Path: string(n.Path), Change: n.Change, Recovery: n.Recovery, Custodian: n.Custodian, Networks: n.Networks, Policies: map[string]string{}, Accounts: n.Accounts,
		Session: int(n.Session.Seconds()), Window: int(n.Window.Seconds()), Expected: int(n.Expected.Seconds()),
		Before: itemsOf(n.Before), After: itemsOf(n.After), Events: slices.Clone(n.Events), Asks: []client.RootQuestion{},
	}
	for _, k := range slices.Sorted(maps.Keys(n.Policies)) {
		out.Policies[string(k)] = n.Policies[k]
	}
	for _, q := range n.Asks {
		out.Asks = append(out.Asks, client.RootQuestion{Name: q.Name, Text: q.Text, Optional: q.Optional})
	}
	return out
}

func itemsOf(list []access.Item) []client.RootItem {
	out := []client.RootItem{}
	for _, i := range list {
		out = append(out, client.RootItem{ID: i.ID, Phase: string(i.Phase), Text: i.Text})
	}
	return out
}

func (o *outlook) wire(t *access.Task, h access.Holder) client.RootOutlook {
	out := client.RootOutlook{Needs: []client.RootOutlookNeed{}, Could: o.could, Custodians: o.custodians, Short: o.short, Task: taskOf(t, o.advice.Holder), Holder: string(h)}
	if o.policy != nil {
		out.Policy = o.policy.ID
		for _, n := range o.policy.Require {
			out.Needs = append(out.Needs, client.RootOutlookNeed{Group: n.Group, Name: n.Name, Count: n.Count})
		}
	}
	return out
}

// RequestOf is a request as the API tells it.
func RequestOf(x *stored.Request) client.RootRequest {
	a, m := x.Asked, x.Matter
	out := client.RootRequest{
		ID: x.ID, Revision: x.Revision, State: string(x.State), Outcome: string(x.Outcome), Override: x.Override, Kind: string(a.Kind), Path: string(a.Path), Task: a.Task, Title: a.Title,
		Accounts: []string{}, Decided: string(m.Request.Account), Changes: []client.RootChange{}, Networks: []string{}, Justification: a.Justification, Ticket: a.Ticket,
		Requester: x.Requester(), Editors: m.Request.Editors, Custodian: a.Custodian, Session: a.Session, From: x.Begins, Until: x.Ends, Created: m.Request.Created, Expires: x.Decidable(),
		Granted: x.Granted, Opened: x.Opened, Due: x.Due, Over: x.Over, Overrun: x.Overrun, Sealed: x.Sealed, Ended: x.Ended, Device: x.Device, Policy: m.Policy.ID,
	}
	for _, id := range a.Accounts {
		out.Accounts = append(out.Accounts, string(id))
	}
	for _, c := range a.Changes {
		out.Changes = append(out.Changes, client.RootChange{Account: string(c.Account), ID: c.ID, SHA256: c.Plan.String()})
	}
	for _, n := range a.Networks {
		out.Networks = append(out.Networks, n.String())
	}
	return out
}
