package detect

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/attack"
	"github.com/rootkeep/rootkeep/internal/detect/span"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

const (
	shownAddresses = 16
	shownActions   = 16
	shownAgents    = 8
	shownRegions   = 32
)

// approvalUnknown stands with every root session until requests exist that it
// could be compared with: unknown is not approved.
const approvalUnknown = "approval not checked"

// alerts makes one alert of each run of each group.
func (h *Hunt) alerts(groups []*group, names *tally.Names) ([]rootkeep.Alert, []Session) {
	var alerts []rootkeep.Alert
	sessions := []Session{}
	for _, g := range groups {
		for i, run := range g.Runs {
			if run.Last < h.since && run.Last != span.Untimed {
				continue // a session that ended before the asked period
			}
			a := h.GroupAlert(g.GroupKey, run, names)
			alerts = append(alerts, a)
			if g.Session {
				sessions = append(sessions, session(a, run, names))
			}
			g.Runs[i] = nil // the alert has its evidence
		}
	}
	slices.SortFunc(sessions, func(a, b Session) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Account, b.Account), cmp.Compare(a.AlertID, b.AlertID))
	})
	return alerts, sessions
}

// GroupAlert tells one run of a group. Its texts have numbers of names.
func (h *Hunt) GroupAlert(g GroupKey, run *span.Span, names *tally.Names) rootkeep.Alert {
	a := rootkeep.Alert{Kind: "group", State: "open", Tactic: g.Tactic, Events: slices.Grow([]rootkeep.Event(nil), len(run.Events))}
	for _, c := range run.Rules {
		header, s := &h.pack.Set.Rules()[c.Rule].Header, &h.pack.rules[c.Rule]
		hit := ruleHit(header, s)
		hit.Level, hit.Count, hit.Attempts = c.Level, c.Count, c.Attempts
		a.Rules = append(a.Rules, hit)
		for _, t := range h.pack.renumbered.Of(header.Tags, s.AttackVersion) {
			if !slices.Contains(a.Techniques, t) {
				a.Techniques = append(a.Techniques, t)
			}
		}
	}
	if g.Session {
		a.Kind = "session"
		a.Notes = append(a.Notes, approvalUnknown)
		first := slices.MinFunc(run.Rules, func(x, y span.RuleCount) int { return cmp.Compare(x.Rule, y.Rule) })
		a.Tactic = attack.Tactic(h.pack.Set.Rules()[first.Rule].Header.Tags)
	}
	if run.First == span.Untimed {
		a.Notes = append(a.Notes, "eventTime is missing or unreadable: when this happened is not known")
	}
	a.Count, a.Attempts = run.Names.Total(), run.Failed.Total()
	h.describe(&a, run, names)
	var of party.Tally
	account, principal, _ := strings.Cut(g.Who, "\x00")
	if principal == tally.OthersName {
		for i := range a.Events {
			of.AddEvent(&a.Events[i], 1)
		}
		of.Omitted, of.Several = a.EventsOmitted, true
	} else {
		of.Add(party.Of([]byte(account), []byte(principal)), a.Count, false)
	}
	of.Tell(&a)
	a.ID = AlertID("group", g.Who, g.Tactic, fmt.Sprint(g.Session), a.First.Format(time.RFC3339))
	return a
}

// describe fills what follows from the rules and the run.
func (h *Hunt) describe(a *rootkeep.Alert, run *span.Span, names *tally.Names) {
	slices.SortFunc(a.Rules, func(x, y rootkeep.RuleHit) int {
		return cmp.Or(cmp.Compare(y.Level, x.Level), cmp.Compare(y.Count, x.Count), cmp.Compare(x.Name, y.Name))
	})
	slices.SortFunc(a.Techniques, func(x, y rootkeep.Technique) int {
		return cmp.Or(cmp.Compare(x.ID, y.ID), cmp.Compare(x.Version, y.Version))
	})
	lead := a.Rules[0]
	a.Level, a.Title, a.Opens = lead.Level, lead.Title, lead.Opens
	if n := len(a.Rules) - 1; n > 0 {
		a.Title += fmt.Sprintf(" (and %d more)", n)
	}
	a.First, a.Last = unix(run.First), unix(run.Last)
	a.Actions = run.Names.Top(shownActions, names)
	a.Addresses = h.addresses(run.Addresses.Top(shownAddresses, names), run.First)
	for _, region := range run.Regions.TopTexts(shownRegions, names) {
		a.Regions = append(a.Regions, rootkeep.Region(region))
	}
	a.Agents = run.Agents.TopTexts(shownAgents, names)
	for what, c := range map[string]*tally.Texts{"addresses": &run.Addresses, "user agents": &run.Agents, "calls": &run.Names} {
		if c.More() > 0 {
			run.Note(fmt.Sprintf("more than %d different %s: %d events with further ones are counted, not named", tally.Distinct, what, c.More()))
		}
	}
	a.Notes = append(a.Notes, run.Notes...)
	if run.MoreNotes {
		a.Notes = append(a.Notes, fmt.Sprintf("more than %d different notes: further ones are left out", span.MaxNotes))
	}
	for i := range run.Events {
		a.Events = append(a.Events, run.Events[i].Event(names))
	}
	if len(a.Events) > 0 {
		a.Actor = a.Events[0].Actor
	}
	a.EventsOmitted = max(0, a.Count-len(a.Events))
}

func ruleHit(header *sigma.Header, s *settings) rootkeep.RuleHit {
	return rootkeep.RuleHit{
		ID: header.ID, Name: RuleName(header), Title: header.Title, Author: header.Author, Opens: s.Opens, Guidance: s.Next,
	}
}

// addresses looks the most frequent origins up for the reader, as the lists
// stood at time at.
func (h *Hunt) addresses(top []rootkeep.Count, at int64) []rootkeep.Address {
	var out []rootkeep.Address
	for _, n := range top {
		o := h.options.Atlas.Of(n.Text, "", at)
		a := rootkeep.Address{Text: n.Text, Count: n.Count, Country: o.Place.Country, ASN: o.Place.ASN, Network: o.Place.Network}
		a.Lists = append(a.Lists, o.Threats...)
		if o.Relay != "" {
			a.Lists = append(a.Lists, o.Relay)
		}
		out = append(out, a)
	}
	return out
}

func session(a rootkeep.Alert, run *span.Span, names *tally.Names) Session {
	s := Session{
		Account: a.Account, Actor: a.Actor, Start: a.First, End: a.Last, Events: a.Count, Failed: a.Attempts,
		MFA: run.MFA.String(), Regions: a.Regions, Addresses: a.Addresses, Agents: a.Agents, Keys: run.Keys.TopTexts(shownAgents, names),
		AlertID: a.ID, Approval: approvalUnknown,
	}
	failed := map[string]int{}
	for _, c := range run.Failed.Top(tally.Distinct, names) {
		failed[c.Text] = c.Count
	}
	for _, c := range run.Names.Top(tally.Distinct, names) {
		source, name, _ := strings.Cut(c.Text, ":")
		s.Actions = append(s.Actions, Action{Source: source, Name: name, Count: c.Count, Failed: failed[c.Text]})
	}
	return s
}

// crockford is base32 without the letters that are misread.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// AlertID is the ID of an alert that these texts tell from all others.
func AlertID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x1f")))
	return "AL-" + crockford.EncodeToString(sum[:])[:13]
}

func unix(t int64) time.Time { return time.Unix(t, 0).UTC() }
