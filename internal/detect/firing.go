package detect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/attack"
	"github.com/rootkeep/rootkeep/internal/detect/crossing"
	"github.com/rootkeep/rootkeep/internal/detect/span"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate"
)

// firings turns crossings of windows into alerts.
func (h *Hunt) firings(firings []correlate.Firing) []rootkeep.Alert {
	var out []rootkeep.Alert
	for _, f := range firings {
		if c := h.pack.Set.Correlations()[f.Correlation]; c.Alerts && h.concerns(c, f) {
			out = append(out, h.FiringAlert(f))
		}
	}
	return out
}

// concerns says that a crossing reaches into the asked period. A silence that begins where
// logs were left out unread may be none.
func (h *Hunt) concerns(c *sigma.Correlation, f correlate.Firing) bool {
	if from := h.options.ReadFrom; c.Type == sigma.Absence && !from.IsZero() && f.Start < from.Unix() {
		return false
	}
	return f.End >= h.since
}

// FiringAlert tells one crossing of a window.
func (h *Hunt) FiringAlert(f correlate.Firing) rootkeep.Alert {
	c, s := h.pack.Set.Correlations()[f.Correlation], &h.pack.correlations[f.Correlation]
	run := &span.Span{First: f.Start, Last: f.End}
	for _, e := range f.Events {
		run.Events = append(run.Events, span.Whole(e))
	}
	var names tally.Names
	of, relay := f.Whose(), ""
	var threats []string
	sample := f.Sample
	if len(sample) == 0 {
		sample = f.Events
	}
	for _, e := range sample {
		action := []byte(strings.TrimSuffix(e.Source, ".amazonaws.com") + ":" + e.Name)
		run.Names.Add(names.Number(action), 1)
		run.Regions.Add(names.Number([]byte(e.Region)), 1)
		run.Addresses.Add(names.Number([]byte(e.Address)), 1)
		run.Agents.Add(names.Number([]byte(e.Agent)), 1)
		from := h.options.Atlas.Of(e.Address, e.Agent, e.Time.Unix())
		threats = append(threats, from.Threats...)
		relay = cmp.Or(relay, from.Relay)
	}
	failed, every, note := crossing.Failures(&f, &of, sample)
	run.Note(note)
	hit := ruleHit(&c.Header, s)
	hit.Level, hit.Count, hit.Attempts, hit.Threshold = c.Level, f.Count, failed, crossing.Threshold(c, &f)
	a := rootkeep.Alert{
		Kind: crossing.Kind(c.Type), State: "open", Tactic: attack.Tactic(c.Header.Tags), Techniques: h.pack.renumbered.Of(c.Header.Tags, s.AttackVersion),
		Count: f.Count, Attempts: failed,
	}
	if n := len(sample); n < f.Count && n > 0 {
		run.Note(fmt.Sprintf("calls, addresses and user agents are counted over %d of the %d events", n, f.Count))
	}
	if every && s.Attempt == attemptLower {
		hit.Level = hit.Level.Lower() // nothing of it succeeded
		run.Note("every call failed")
	}
	if h.onPlaces(c) && f.NewValue == relayPlace {
		hit.Level = hit.Level.Lower()
		run.Note("from " + relay + ", a relay or VPN on your list")
	}
	for _, list := range threats {
		run.Note("on threat list " + list)
	}
	if len(threats) > 0 {
		hit.Level = hit.Level.Raise()
	}
	if s.Escalate != nil && len(f.Steps) > 0 && f.Steps[0] != 0 {
		a.State = "escalated"
		hit.Level = max(hit.Level, s.Escalate.Level)
		run.Note(fmt.Sprintf("passed %v at %s", s.Escalate.GTE, unix(f.Steps[0]).Format(time.RFC3339)))
	}
	a.Rules = []rootkeep.RuleHit{hit}
	h.describe(&a, run, &names)
	of.Tell(&a)
	h.nameGroup(&a, c, f)
	a.ID = AlertID("firing", cmp.Or(c.ID, c.Title), strings.Join(f.Group, "\x00"), a.First.Format(time.RFC3339), f.NewValue)
	return a
}

// nameGroup says what the window was about when its events do not agree on one
// caller.
func (h *Hunt) nameGroup(a *rootkeep.Alert, c *sigma.Correlation, f correlate.Firing) {
	var pairs []string
	for i, value := range f.Group {
		if i < len(c.GroupBy) {
			pairs = append(pairs, c.GroupBy[i]+"="+value)
		}
		switch {
		case value == "" || i >= len(c.GroupBy):
		case c.GroupBy[i] == "recipientAccountId":
			a.Account, a.Accounts, a.AccountsOmitted = rootkeep.AccountID(value), nil, 0
		case c.GroupBy[i] == derivedNames[dPrincipal]:
			a.Several = false
		}
	}
	group := strings.Join(pairs, ", ")
	if len(a.Events) == 0 || a.Several {
		a.Actor = rootkeep.Actor{Principal: group}
	}
	if f.NewValue != "" {
		a.Notes = append(a.Notes, fmt.Sprintf("first seen: %s for %s", f.NewValue, group))
	}
	// Addresses move: every alert that rests on where one is tells the age of what
	// knows it.
	if built := h.options.Atlas.Built(); built != 0 && h.onPlaces(c) {
		a.Notes = append(a.Notes, "address database built "+unix(built).Format(time.DateOnly))
	}
}

// onPlaces says whether a correlation counts countries or networks.
func (h *Hunt) onPlaces(c *sigma.Correlation) bool {
	return slices.ContainsFunc(c.Fields, func(f string) bool {
		return f == derivedNames[dCountry] || f == derivedNames[dASN] || f == derivedNames[dNetwork]
	})
}
