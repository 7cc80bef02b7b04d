package posture

import (
	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
)

func wireCounts(c *kept.Counts) client.Counts {
	return client.Counts{
		Fail: c.Of(rootkeep.Fail), Unknown: c.Of(rootkeep.Unknown), Excepted: c.Of(rootkeep.Excepted), Pass: c.Of(rootkeep.Pass), NotApplicable: c.Of(rootkeep.NotApplicable),
	}
}

func wireAccount(a *kept.Row) client.Account {
	s := &a.Summary
	out := client.Account{
		ID: string(a.ID), Name: a.Name, Alias: a.Alias, Path: append([]string{}, a.Path...), Scan: a.Scan, Taken: a.Taken, Problem: a.Problem,
		Counts: wireCounts(&s.Counts), Failing: map[string]int{}, Risk: float64(s.Risk) / 10, Stale: s.Stale, Bands: []client.Band{},
		MFA: client.MFA{Known: s.MFA.Known, Users: s.MFA.Users, With: s.MFA.With, Root: s.MFA.Root},
	}
	if out.MFA.Root == "" {
		out.MFA.Root = "unknown" // it was never read
	}
	for severity := rootkeep.Informational; severity <= rootkeep.Critical; severity++ {
		out.Failing[severity.String()] = failing(&s.Counts, severity)
	}
	for _, b := range s.Bands {
		out.Bands = append(out.Bands, client.Band(b))
	}
	return out
}

func wireFinding(f *kept.Finding) client.Finding {
	out := client.Finding{
		ID: f.ID, Control: f.Control, Title: f.Title, Severity: f.Severity.String(), Status: f.Status.String(), Account: string(f.Account), Region: string(f.Region),
		Resource: f.Resource, Detail: f.Detail, Missing: f.Missing, Permissions: f.Permissions, FirstSeen: f.FirstSeen, Changed: f.Changed, LastSeen: f.LastSeen,
	}
	if x := f.Exception; x != nil {
		out.Exception = &client.Acceptance{Owner: x.Owner, Reason: x.Reason, Until: x.Until}
	}
	return out
}

func wireFix(c *posture.Control) client.Fix {
	if c == nil {
		return client.Fix{}
	}
	return client.Fix{Console: c.Fix.Console, CLI: c.Fix.CLI, Effort: c.Fix.Effort}
}

func wireDetail(v *findingView) client.FindingDetail {
	out := client.FindingDetail{Finding: wireFinding(v.Finding), Fix: wireFix(v.Control), Facts: []client.Fact{}, FactsMissing: v.NoBasis, History: []client.Change{}}
	if v.Control != nil {
		out.Why = v.Control.Why
	}
	for _, b := range v.Basis {
		out.Facts = append(out.Facts, wireFact(b))
	}
	for _, c := range v.Changes {
		change := client.Change{Finding: c.ID, At: c.At, Scan: c.Scan, Kind: c.Kind}
		if c.Was >= 0 {
			change.Was = statusWord(c.Was)
		}
		if c.Now >= 0 {
			change.Now = statusWord(c.Now)
		}
		out.History = append(out.History, change)
	}
	return out
}

func wireFact(b facts.Basis) client.Fact {
	out := client.Fact{Path: b.Path, Call: told(b), Values: []client.FactValue{}, More: b.More, From: from(b)}
	if b.Origin != nil {
		out.At = b.Origin.At
	}
	for _, v := range b.Values {
		out.Values = append(out.Values, client.FactValue{Of: v.Of, JSON: v.Text})
	}
	for _, g := range b.Gaps {
		out.Gaps = append(out.Gaps, gapWords(g))
	}
	return out
}

func wireControl(c judged) client.Control {
	out := client.Control{ID: c.ControlCount.Control, Title: c.Title, Severity: c.Severity.String(), Fix: wireFix(c.Control), Counts: client.Counts{
		Fail: c.By[rootkeep.Fail], Unknown: c.By[rootkeep.Unknown], Excepted: c.By[rootkeep.Excepted], Pass: c.By[rootkeep.Pass], NotApplicable: c.By[rootkeep.NotApplicable],
	}}
	if c.Control != nil {
		out.Why = c.Control.Why
	}
	return out
}

func wireScan(s *kept.Scan) client.Scan {
	out := client.Scan{ID: s.ID, Source: s.Source, Actor: s.Actor, State: s.State, Error: s.Error, Began: s.Began, Ended: s.Ended, Digest: s.Digest}
	for i := range s.Accounts {
		a := &s.Accounts[i]
		out.Accounts = append(out.Accounts, client.ScanAccount{ID: string(a.Account), Name: a.Name, State: a.State, Problem: a.Problem, Taken: a.Taken, Counts: wireCounts(&a.Summary.Counts)})
	}
	return out
}
