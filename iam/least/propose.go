package least

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/least/event"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// Input is what a proposal is made of.
type Input struct {
	Log       *Log
	Principal iam.Principal // the user, or the role of the sessions
	// Policies are those of today. Identity nil says that none are given: then the
	// calls alone limit the proposal. Resource is not used.
	Policies iam.Policies
	// Context makes the context of a request from what is known of it. Nil adds what
	// follows from the principal, and takes the rest as not known.
	Context func(known map[string][]string) iam.Context
	// Known are context keys of every request. What a record tells of its own wins.
	Known map[string][]string
	Facts iam.Facts
	Scope Scope
	Base  Base
	// MaxResources is how many resources one action may list; 0 means 20.
	MaxResources int
	// GrantFailed grants calls that failed for another reason than permission, too.
	GrantFailed bool
	Window      Window
}

// Window is what the log covers.
type Window struct {
	First, Last time.Time
	Days        int   // on which the log has any event
	Events      int64 // of anybody
	DataEvents  int64 // of the data plane, of anybody
	Unread      int64 // parts of the log that could not be read
}

// ContextKeys are the context keys, in lower case, that a Log must keep for policies.
func ContextKeys(p iam.Policies) map[string]bool { return conditionKeys(p) }

// Propose makes a proposal. An error means that the policies cannot be compiled; what
// the calls lack is in the proposal.
func Propose(in Input) (*Proposal, error) {
	if in.Log == nil {
		return nil, errors.New("least: a log is required")
	}
	if in.Context == nil {
		in.Context = func(known map[string][]string) iam.Context {
			return iam.PartialContext(overlaid(in.Principal.ContextKeys(), known))
		}
	}
	in.Scope, in.Base = cmp.Or(in.Scope, Exact), cmp.Or(in.Base, NoBase)
	in.MaxResources = cmp.Or(in.MaxResources, 20)
	now, err := newCurrent(&in)
	if err != nil {
		return nil, err
	}
	out := &Proposal{
		Principal: in.Principal.ARN, PoliciesGiven: in.Policies.Identity != nil, Unread: now.unread,
		Scope: in.Scope, Base: in.Base, Log: in.Log.summary(in.Window),
	}
	var g grants
	calls := now.grantCalls(&g, out)
	out.Notes = append(out.Notes, g.settle(in.Scope, in.MaxResources)...)
	if in.Base == ReadOnly {
		now.addBase(&g)
	}
	statements := g.statements()
	for i, ref := range now.denies {
		s := denial(ref)
		s.Sid = fmt.Sprintf("Kept%d", i+1)
		statements = append(statements, s)
		out.Kept++
	}
	out.Policies, out.Oversized = split(statements)
	for _, p := range in.Policies.Identity {
		out.Replaces = append(out.Replaces, p.Name)
	}
	if out.compiled, err = compile(out.Policies); err != nil {
		return nil, fmt.Errorf("least: the proposal is no policy: %w", err)
	}
	if err := now.replay(out, calls); err != nil {
		return nil, err
	}
	if err := now.compare(out); err != nil {
		return nil, err
	}
	out.events(in.Log)
	out.Confidence = confidence(out, in.Window)
	return out, nil
}

// overlaid are keys with others in front of them; case does not tell keys apart.
func overlaid(under, over map[string][]string) map[string][]string {
	out := maps.Clone(over)
	lower := map[string]bool{}
	for k := range over {
		lower[strings.ToLower(k)] = true
	}
	for k, v := range under {
		if !lower[strings.ToLower(k)] {
			if out == nil {
				out = map[string][]string{}
			}
			out[k] = v
		}
	}
	return out
}

// grantCalls derives grants from every call that succeeded and returns them.
func (c *current) grantCalls(g *grants, out *Proposal) (calls []need) {
	wanted := []event.Outcome{event.Succeeded}
	if c.input.GrantFailed {
		wanted = append(wanted, event.Failed)
	}
	log := c.input.Log
	var group []*entry
	flush := func() {
		if len(group) == 0 {
			return
		}
		j := c.judge(group)
		c.derive(g, j)
		if j.leave {
			c.leave(g, group[0].action.String())
			out.Notes = append(out.Notes, fmt.Sprintf("%s: the log had no room for the context of every call; the action stays on the resources that it has today", group[0].action))
		}
		calls = append(calls, j.needs...)
		out.Outside = append(out.Outside, j.outside...)
		group = group[:0]
	}
	for _, e := range log.of(wanted...) {
		if len(group) > 0 && group[0].action != e.action {
			flush()
		}
		group = append(group, e)
		out.Observed = append(out.Observed, e.observation())
		if e.resource.Certainty == event.Untold || e.resource.Certainty == event.Derived {
			out.Untold++
		}
	}
	flush()
	for _, action := range sorted(log.actions) {
		if sum := log.actions[action]; sum.overflow {
			c.leave(g, action)
			out.Notes = append(out.Notes, fmt.Sprintf("%s: the log kept %d resources and had no room for more; the action stays on the resources that it has today", action, sum.resources))
		}
	}
	out.actions(log, wanted)
	return calls
}

// compile reads the proposed policies as AWS would.
func compile(list []Document) ([]*iam.Policy, error) {
	out := make([]*iam.Policy, 0, len(list))
	for i, d := range list {
		p, err := iam.Parse(fmt.Sprintf("proposed policy %d", i+1), d.compact())
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// observation is the entry for people.
func (e *entry) observation() Observation {
	o := Observation{
		Action: e.action.String(), Access: e.action.Access.String(), Resource: e.resource.Text, Certainty: e.resource.Certainty,
		Count: e.count, First: e.first, Last: e.last, PassedTo: e.passedTo, Via: sorted(e.via), Errors: sorted(e.errors),
	}
	if e.resource.Certainty == event.Named {
		o.Resource = e.resource.Literal()
	}
	return o
}

// summary counts what the log holds.
func (l *Log) summary(w Window) LogSummary {
	return LogSummary{
		Window: w, Calls: l.Calls(), Succeeded: l.calls[event.Succeeded], Refused: l.calls[event.Refused], Failed: l.calls[event.Failed],
		ActiveDays: len(l.days), Dropped: l.dropped, Accounts: l.Accounts(),
	}
}

// actions enters the calls that are not granted, and the number of actions seen.
func (p *Proposal) actions(l *Log, granted []event.Outcome) {
	seen := map[string]bool{}
	for _, o := range p.Observed {
		seen[o.Action] = true
	}
	p.Actions = len(seen)
	for _, e := range l.of(event.Refused, event.Failed) {
		switch {
		case slices.Contains(granted, e.outcome):
		case e.outcome == event.Refused:
			p.Refused = append(p.Refused, e.observation())
		default:
			p.Failed = append(p.Failed, e.observation())
		}
	}
}

// events enters what stands for no action.
func (p *Proposal) events(l *Log) {
	for _, key := range sorted(l.events) {
		e := l.events[key]
		ev := Event{Source: e.source, Name: e.name, Count: e.count, Reason: e.meaning.Reason}
		if e.meaning.Nothing {
			p.Nothing = append(p.Nothing, ev)
			continue
		}
		ev.Reason = cmp.Or(ev.Reason, "no action of this name is known")
		p.Unmapped = append(p.Unmapped, ev)
	}
}

// denyEverywhere are the Deny statements about every resource, as policies.
func denyEverywhere(p iam.Policies) ([]*iam.Policy, error) {
	var out []*iam.Policy
	lists := [][]*iam.Policy{p.Identity, p.Boundary, p.Session}
	for _, list := range append(lists, p.SCPs...) {
		for _, from := range list {
			if from.Unread {
				continue
			}
			for i := range from.Document.Statements {
				s := &from.Document.Statements[i]
				if !s.Denies() || !slices.Contains(s.Resource.Values(), "*") {
					continue
				}
				doc := policy.Document{Version: from.Document.Version, Statements: from.Document.Statements[i : i+1]}
				single, err := iam.Parse(from.Name, doc.Compact())
				if err != nil {
					return nil, err
				}
				out = append(out, single)
			}
		}
	}
	return out, nil
}
