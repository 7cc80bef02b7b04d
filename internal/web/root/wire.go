package root

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
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
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

func (o *outlook) wire(t *access.Task) client.RootOutlook {
	out := client.RootOutlook{Needs: []client.RootOutlookNeed{}, Could: o.could, Custodians: o.custodians, Short: o.short, Task: taskOf(t, o.advice.Holder)}
	if o.policy != nil {
		out.Policy = o.policy.ID
		for _, n := range o.policy.Require {
			out.Needs = append(out.Needs, client.RootOutlookNeed{Group: n.Group, Name: n.Name, Count: n.Count})
		}
	}
	return out
}

// requestOf is a request as the API tells it.
func requestOf(x *stored.Request) client.RootRequest {
	a, m := x.Asked, x.Matter
	out := client.RootRequest{
		ID: x.ID, Revision: x.Revision, State: string(x.State), Outcome: string(x.Outcome), Override: x.Override, Kind: string(a.Kind), Path: string(a.Path), Task: a.Task, Title: a.Title,
		Accounts: []string{}, Decided: string(m.Request.Account), Changes: []client.RootChange{}, Networks: []string{}, Justification: a.Justification, Ticket: a.Ticket,
		Requester: x.Requester(), Editors: m.Request.Editors, Custodian: a.Custodian, Session: a.Session, From: x.Begins, Until: x.Ends, Created: m.Request.Created, Expires: m.Request.Expires,
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

// EventOf is an event as the API tells it.
func EventOf(e *rootlog.Event) client.RootEvent {
	return client.RootEvent{
		Key: e.Key, ID: e.ID, Time: e.Time, Arrived: e.Arrived, Account: string(e.Account), Region: string(e.Region), Kind: string(e.Kind), Source: e.Source, Name: e.Name,
		Address: e.Address, Error: e.Error, Verdict: string(e.Verdict), Rule: e.Rule, Why: e.Why, Request: e.Request, Session: e.Session, Deliveries: e.Delivered, Sources: slices.Clone(e.Sources),
	}
}

func eventsOf(list []*rootlog.Event) []client.RootEvent {
	out := []client.RootEvent{}
	for _, e := range list {
		out = append(out, EventOf(e))
	}
	return out
}

// wire is the folder as the API tells it.
func (f *folder) wire(actor people.Actor) (*client.RootRequestDetail, error) {
	out := &client.RootRequestDetail{
		RootRequest: requestOf(f.Request), Now: f.now, Before: f.items(beforeSession), After: f.items(afterSession), Scope: f.Asked.Events, Events: eventsOf(f.events), Left: f.all - len(f.events),
		Cases: []string{}, Needs: f.signing.WireNeeds(), Approvals: f.signing.WireApprovals(), Documents: f.signing.WireDocuments(), May: f.may(actor),
	}
	for _, c := range f.cases {
		out.Cases = append(out.Cases, c.ID)
	}
	var err error
	if out.Overridden, err = f.overrideWire(actor); err != nil {
		return nil, err
	}
	if f.record != nil {
		out.Record = &client.RootRecord{Text: string(f.record), SHA256: f.recordHash(), From: f.confirmFrom(), Confirmed: f.Activity != ""}
	}
	return out, nil
}

// overrideWire is the override as the API tells it, nil if there is none. What was signed is
// for who may read evidence.
func (f *folder) overrideWire(actor people.Actor) (*client.RootOverride, error) {
	o := f.override
	if o == nil {
		return nil, nil
	}
	out := &client.RootOverride{
		Revision: o.Revision, State: string(o.State), By: o.By, Reason: o.Reason, Signed: o.Signed, Second: o.Second, Granted: o.Granted, Skipped: append([]string{}, o.Skipped...),
		Due: o.Due, Late: !o.Late.IsZero(), Reviewer: o.Reviewer, Reviewed: o.Reviewed, Verdict: string(o.Verdict), Review: o.Review,
	}
	if !actor.May(people.ReadEvidence, f.signing.Place) {
		return out, nil
	}
	var err error
	out.Record, err = o.Record.Bytes()
	return out, err
}

// claimOf is a count of uses as the API tells it.
func claimOf(n *rootlog.Number) client.RootClaim {
	return client.RootClaim{
		Since: n.Since, Until: n.Until, Explained: n.Explained, Drills: n.Drills, Unexplained: n.Unexplained, Unjudged: n.Unjudged,
		Accounts: n.Coverage.Accounts, Hours: n.Coverage.Hours, Proven: n.Coverage.Proven, Claim: n.Claim(), Words: Words(n),
	}
}
