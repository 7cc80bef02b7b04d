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
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate"
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

// group makes alerts: matches of one principal with one tactic and no gap of an
// hour belong together; root activity belongs to its session.
func (h *Hunt) group(hits []*tallied) ([]rootkeep.Alert, []Session) {
	type key struct {
		account, principal, tactic string
		session                    bool
	}
	groups := map[key][]part{}
	for _, t := range hits {
		s := h.pack.rules[t.rule]
		k := key{t.account, t.principal, tactic(&h.pack.Set.Rules()[t.rule].Header), s.Session}
		if s.Session {
			k.tactic = ""
		}
		for _, run := range t.runs.runs {
			groups[k] = append(groups[k], part{t, run})
		}
	}
	var alerts []rootkeep.Alert
	var sessions []Session
	for k, parts := range groups {
		for _, cluster := range clusters(parts) {
			a, whole := h.alert(cluster)
			a.Tactic = or(k.tactic, a.Tactic)
			a.ID = alertID("group", k.account, k.principal, k.tactic, fmt.Sprint(k.session), a.First.Format(time.RFC3339))
			if k.session {
				a.Kind = "session"
				a.Notes = append(a.Notes, approvalUnknown)
				sessions = append(sessions, session(a, whole))
			}
			alerts = append(alerts, a)
		}
	}
	slices.SortFunc(sessions, func(a, b Session) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Account, b.Account), cmp.Compare(a.AlertID, b.AlertID))
	})
	return alerts, sessions
}

// part is one run of one rule.
type part struct {
	of  *tallied
	run *span
}

// clusters sorts runs by time and cuts where a gap is longer than the group's.
func clusters(parts []part) [][]part {
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.run.first, b.run.first), cmp.Compare(a.of.rule, b.of.rule), cmp.Compare(a.of.level, b.of.level))
	})
	var out [][]part
	end := int64(0)
	for i, p := range parts {
		if i == 0 || p.run.first-end > p.of.gap {
			out = append(out, nil)
			end = p.run.last
		}
		end = max(end, p.run.last)
		out[len(out)-1] = append(out[len(out)-1], p)
	}
	return out
}

// alert sums up one cluster. An event that several rules matched counts once for
// each of them, so over all rules the figure of each call is the largest of
// theirs, and the alert counts the calls.
func (h *Hunt) alert(parts []part) (rootkeep.Alert, *span) {
	a := rootkeep.Alert{Kind: "group", State: "open"}
	hits := map[int32]*rootkeep.RuleHit{}
	sums := map[int32]*span{}
	for _, p := range parts {
		number := p.of.rule
		if hits[number] == nil {
			hits[number] = h.ruleHit(&h.pack.Set.Rules()[number].Header, h.pack.rules[number])
			sums[number] = &span{first: p.run.first, last: p.run.last}
		}
		hit := hits[number]
		hit.Level = max(hit.Level, p.of.level)
		hit.Count += p.run.count
		sums[number].absorb(p.run)
		if p.of.attempt {
			hit.Attempts += p.run.count
			sums[number].failed.merge(&p.run.names)
		}
	}
	whole := &span{first: parts[0].run.first, last: parts[0].run.last}
	for number, hit := range hits {
		a.Rules = append(a.Rules, *hit)
		whole.overlay(sums[number])
		for _, t := range h.pack.techniques(&h.pack.Set.Rules()[number].Header, h.pack.rules[number].AttackVersion) {
			if !slices.Contains(a.Techniques, t) {
				a.Techniques = append(a.Techniques, t)
			}
		}
	}
	a.Count, a.Attempts = whole.names.total(), whole.failed.total()
	h.describe(&a, whole)
	return a, whole
}

// describe fills what follows from the rules and the sum of the runs.
func (h *Hunt) describe(a *rootkeep.Alert, whole *span) {
	slices.SortFunc(a.Rules, func(x, y rootkeep.RuleHit) int {
		return cmp.Or(cmp.Compare(y.Level, x.Level), cmp.Compare(y.Count, x.Count), cmp.Compare(x.Name, y.Name))
	})
	slices.SortFunc(a.Techniques, func(x, y rootkeep.Technique) int { return cmp.Compare(x.ID, y.ID) })
	lead := a.Rules[0]
	a.Level, a.Title, a.Opens = lead.Level, lead.Title, lead.Opens
	if n := len(a.Rules) - 1; n > 0 {
		a.Title += fmt.Sprintf(" (and %d more)", n)
	}
	a.First, a.Last = unix(whole.first), unix(whole.last)
	a.Actions = whole.names.top(shownActions)
	a.Addresses = h.addresses(&whole.addresses, whole.first)
	for _, c := range whole.regions.top(shownRegions) {
		a.Regions = append(a.Regions, rootkeep.Region(c.Text))
	}
	for _, c := range whole.agents.top(shownAgents) {
		a.Agents = append(a.Agents, c.Text)
	}
	slices.Sort(whole.notes)
	a.Notes = append(a.Notes, whole.notes...)
	for _, e := range whole.events {
		a.Events = append(a.Events, *e)
	}
	if len(a.Events) > 0 {
		a.Actor, a.Account = a.Events[0].Actor, a.Events[0].Account
	}
	a.EventsOmitted = max(0, a.Count-len(a.Events))
}

func (h *Hunt) ruleHit(header *sigma.Header, s settings) *rootkeep.RuleHit {
	return &rootkeep.RuleHit{
		ID: header.ID, Name: ruleName(header), Title: header.Title, Level: rootkeep.Informational,
		Author: header.Author, Opens: s.Opens, Guidance: s.Next,
	}
}

// addresses looks the most frequent origins up for the reader, as the lists
// stood at time at.
func (h *Hunt) addresses(c *counts, at int64) []rootkeep.Address {
	var out []rootkeep.Address
	for _, n := range c.top(shownAddresses) {
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

func session(a rootkeep.Alert, whole *span) Session {
	s := Session{
		Account: a.Account, Actor: a.Actor, Start: a.First, End: a.Last, Events: a.Count, Failed: a.Attempts,
		MFA:     [...]string{notSaid: "not said", saidNo: "no", saidYes: "yes"}[whole.mfa],
		Regions: a.Regions, Addresses: a.Addresses, Agents: a.Agents,
		AlertID: a.ID, Approval: approvalUnknown,
	}
	for _, c := range whole.keys.top(shownAgents) {
		s.Keys = append(s.Keys, c.Text)
	}
	for _, c := range whole.names.top(distinctValues) {
		source, name, _ := strings.Cut(c.Text, ":")
		action := Action{Source: source, Name: name, Count: c.Count}
		if n, ok := whole.failed.of[c.Text]; ok {
			action.Failed = n.Count
		}
		s.Actions = append(s.Actions, action)
	}
	return s
}

// firings turns crossings of windows into alerts.
func (h *Hunt) firings(firings []correlate.Firing) []rootkeep.Alert {
	var out []rootkeep.Alert
	for _, f := range firings {
		c := h.pack.Set.Correlations()[f.Correlation]
		if !c.Alerts {
			continue // it only feeds another correlation
		}
		s := h.pack.correlations[f.Correlation]
		hit := h.ruleHit(&c.Header, s)
		hit.Level, hit.Count, hit.Threshold = c.Level, f.Count, threshold(c, f)
		a := rootkeep.Alert{Kind: kindOf(c.Type), State: "open", Tactic: tactic(&c.Header), Techniques: h.pack.techniques(&c.Header, s.AttackVersion)}
		if f.NewValue == relayCountry {
			hit.Level = hit.Level.Lower()
			a.Notes = append(a.Notes, "from a relay or VPN on your list")
		}
		if s.Escalate != nil && len(f.Steps) > 0 && f.Steps[0] != 0 {
			a.State = "escalated"
			hit.Level = max(hit.Level, s.Escalate.Level)
			a.Notes = append(a.Notes, fmt.Sprintf("passed %v at %s", s.Escalate.GTE, unix(f.Steps[0]).Format(time.RFC3339)))
		}
		whole := &span{first: f.Start, last: f.End, count: f.Count}
		for _, e := range f.Events {
			whole.keep(e)
			whole.names.add([]byte(strings.TrimSuffix(e.Source, ".amazonaws.com") + ":" + e.Name))
			whole.regions.add([]byte(e.Region))
			whole.addresses.add([]byte(e.Address))
			whole.agents.add([]byte(e.Agent))
		}
		for _, c := range []*counts{&whole.names, &whole.regions, &whole.addresses, &whole.agents} {
			c.only(f.Count)
		}
		h.threats(hit, whole)
		a.Rules, a.Count = []rootkeep.RuleHit{*hit}, f.Count
		h.describe(&a, whole)
		h.nameGroup(&a, c, f)
		a.ID = alertID("firing", or(c.ID, c.Title), strings.Join(f.Group, "\x00"), a.First.Format(time.RFC3339), f.NewValue)
		out = append(out, a)
	}
	return out
}

// threats raises the level when an event of the window comes from a listed place.
func (h *Hunt) threats(hit *rootkeep.RuleHit, whole *span) {
	for _, e := range whole.events {
		for _, list := range h.options.Atlas.Of(e.Address, e.Agent, e.Time.Unix()).Threats {
			whole.note("on threat list " + list)
		}
	}
	if len(whole.notes) > 0 {
		hit.Level = hit.Level.Raise()
	}
}

// nameGroup says what the window was about when its events do not agree on one
// caller.
func (h *Hunt) nameGroup(a *rootkeep.Alert, c *sigma.Correlation, f correlate.Firing) {
	var pairs []string
	for i, value := range f.Group {
		if i < len(c.GroupBy) {
			pairs = append(pairs, c.GroupBy[i]+"="+value)
		}
	}
	for _, e := range a.Events {
		if e.Actor.Principal != a.Actor.Principal {
			a.Actor = rootkeep.Actor{Principal: strings.Join(pairs, ", ")}
			break
		}
	}
	if len(a.Events) == 0 {
		a.Actor = rootkeep.Actor{Principal: strings.Join(pairs, ", ")}
	}
	if f.NewValue != "" {
		a.Notes = append(a.Notes, fmt.Sprintf("first seen: %s for %s", f.NewValue, strings.Join(pairs, ", ")), h.databaseAge(c))
	}
	a.Notes = slices.DeleteFunc(a.Notes, func(s string) bool { return s == "" })
}

// databaseAge belongs in every alert that rests on where an address is.
func (h *Hunt) databaseAge(c *sigma.Correlation) string {
	built := h.options.Atlas.Built()
	geographic := slices.ContainsFunc(c.Fields, func(f string) bool { return f == derivedNames[dCountry] || f == derivedNames[dASN] })
	if built == 0 || !geographic {
		return ""
	}
	return "address database built " + unix(built).Format(time.DateOnly)
}

func kindOf(t sigma.CorrelationType) string {
	switch t {
	case sigma.Temporal, sigma.TemporalOrdered:
		return "sequence"
	case sigma.NewValue:
		return "first-seen"
	case sigma.Absence:
		return "silence"
	}
	return "threshold"
}

func threshold(c *sigma.Correlation, f correlate.Firing) string {
	window := rule.Duration(c.Timespan)
	switch c.Type {
	case sigma.NewValue:
		return fmt.Sprintf("first seen after %v of learning", window)
	case sigma.Absence:
		return fmt.Sprintf("silent for %v or longer", window)
	case sigma.EventCount:
		return fmt.Sprintf("%d events, at most %v at once in %v", f.Count, f.Value, window)
	}
	return fmt.Sprintf("%v in %v", f.Value, window)
}

// crockford is base32 without the letters that are misread.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

func alertID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x1f")))
	return "AL-" + crockford.EncodeToString(sum[:])[:13]
}
