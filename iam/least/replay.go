package least

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// replay asks the proposal about each call that it must allow.
func (c *current) replay(out *Proposal, calls []need) error {
	set, err := c.with(out.compiled)
	if err != nil {
		return fmt.Errorf("least: the proposal cannot be compiled: %w", err)
	}
	for i := range calls {
		n := &calls[i]
		then := set.Decide(c.request(n.entry.action.String(), n.entry.resource, n.context))
		out.Replay.Checked++
		switch {
		case then.Outcome == iam.Allowed:
			out.Replay.Allowed++
		case n.today.Outcome != iam.Allowed && then.Outcome <= n.today.Outcome:
			out.Replay.AsToday++
		default:
			o := n.entry.observation()
			o.Reason = fmt.Sprintf("%s under the proposal, %s today", then.Outcome, n.today.Outcome)
			out.Replay.Lost = append(out.Replay.Lost, o)
		}
	}
	return nil
}

// compare counts the actions that are allowed on some resource, before and after.
func (c *current) compare(out *Proposal) error {
	before, err := c.reach(c.input.Policies.Identity)
	if err != nil {
		return err
	}
	after, err := c.reach(out.compiled)
	if err != nil {
		return err
	}
	r := &out.Removed
	r.ByLevel = map[string]int{}
	request := iam.Request{Resource: "*", ResourceAccount: c.input.Principal.Account, Principal: c.input.Principal, Context: c.input.Context(c.input.Known)}
	for _, a := range metadata.MatchActions("*") {
		request.Action = a.String()
		if !before.has(&request) {
			continue // nor does the proposal allow it: it is made of today's statements
		}
		r.Before++
		risk := c.input.Log.set.Finder.Table().Risk(request.Action)
		if after.has(&request) {
			r.After++
			if risk != "" {
				r.Kept = append(r.Kept, RiskyAction{request.Action, risk, a.Access})
			}
			continue
		}
		r.Removed++
		r.ByLevel[a.Access.String()]++
		if risk != "" {
			r.Risky = append(r.Risky, RiskyAction{request.Action, risk, a.Access})
		}
	}
	for _, list := range [][]RiskyAction{r.Risky, r.Kept} {
		slices.SortStableFunc(list, func(a, b RiskyAction) int { return cmp.Compare(b.access, a.access) })
	}
	return nil
}

// reach tells which actions policies allow on some resource, in some context.
type reach struct {
	layers [][]*iam.Policy // each must have an Allow
	deny   *iam.Set        // Deny statements about every resource, beside an Allow of everything
}

// has says whether an Allow of each layer covers the action and no Deny without a
// condition covers it on every resource. The request's resource is "*".
func (r *reach) has(request *iam.Request) bool {
	for _, list := range r.layers {
		if !mayAllow(list, request.Action) {
			return false
		}
	}
	return r.deny.Decide(request).Outcome != iam.ExplicitlyDenied
}

// reach prepares the question. Identity policies that are not given allow everything.
func (c *current) reach(identity []*iam.Policy) (*reach, error) {
	p := c.input.Policies
	p.Identity = identity
	if m := c.input.Facts.ManagementAccount; m != "" && m == c.input.Principal.Account {
		p.SCPs = nil // they do not limit it
	}
	denies, err := denyEverywhere(p)
	if err != nil {
		return nil, err
	}
	all, err := iam.Parse("all", []byte(everything))
	if err != nil {
		return nil, err
	}
	if identity == nil {
		identity = []*iam.Policy{all}
	}
	deny, err := iam.NewSet(iam.Policies{Identity: append(denies, all)})
	if err != nil {
		return nil, err
	}
	layers := [][]*iam.Policy{identity}
	if p.Boundary != nil {
		layers = append(layers, p.Boundary)
	}
	return &reach{append(layers, p.SCPs...), deny}, nil
}

func mayAllow(list []*iam.Policy, action string) bool {
	return slices.ContainsFunc(list, func(p *iam.Policy) bool { return p.MayAllow(action) })
}

// confidence weighs the log.
func confidence(p *Proposal, w Window) Confidence {
	out := Confidence{Level: "high"}
	lower := func(level, format string, args ...any) {
		if level == "low" || out.Level == "high" {
			out.Level = level
		}
		out.Reasons = append(out.Reasons, fmt.Sprintf(format, args...))
	}
	switch {
	case w.Days < 30:
		lower("low", "days with events in the log: %d; what happens once a month or a quarter is not in it", w.Days)
	case w.Days < 90:
		lower("medium", "days with events in the log: %d; what happens once a quarter may not be in it", w.Days)
	}
	if w.DataEvents == 0 {
		lower("medium", "the log has no data events: calls on objects, items, messages and functions do not show, and what only they need is taken away")
	}
	if w.Unread > 0 {
		lower("low", "parts of the log that could not be read: %d", w.Unread)
	}
	if len(p.Unmapped) > 0 {
		lower("medium", "events of which no action is known, and which are not granted: %d", len(p.Unmapped))
	}
	if len(p.Unread) > 0 {
		lower("low", "policies of which the text is not known, and which are not in the proposal: %d", len(p.Unread))
	}
	if !p.PoliciesGiven {
		lower("low", "no current policies are given: nothing says that the principal may do what the log shows")
	}
	if p.Log.Dropped > 0 {
		lower("medium", "observations that found no room in memory: %d", p.Log.Dropped)
	}
	if len(p.Observed) == 0 {
		lower("low", "the log has no successful call of the principal")
	}
	return out
}
