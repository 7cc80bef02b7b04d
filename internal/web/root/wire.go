package root

import (
	"slices"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web/root/ask"
)

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
		RootRequest: ask.RequestOf(f.Request), Now: f.now, Before: f.items(beforeSession), After: f.items(afterSession), Scope: f.Asked.Events, Events: eventsOf(f.events), Left: f.all - len(f.events),
		Cases: []string{}, Needs: f.signing.WireNeeds(), Approvals: f.signing.WireApprovals(), Documents: f.signing.WireDocuments(), May: f.may(actor),
	}
	if f.standing != nil {
		out.Standing = f.standing.Words()
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
