// Package need writes a proposal of least privilege as text: what was read, which
// policies are proposed, what the replay says, what goes and what is not granted. Names
// out of a log are made harmless for a terminal.
package need

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/least"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// mostListed is how many lines of one kind the text report shows; JSON has all.
const mostListed = 15

// attachable is how many managed policies a user or role takes by default (IAM User
// Guide, "IAM and AWS STS quotas").
const attachable = 10

// Text is a proposal for people, in lines.
func Text(p *least.Proposal) string {
	var b strings.Builder
	line(&b, "Least privilege of %s", p.Principal)
	b.WriteByte('\n')
	log(&b, p)
	policies(&b, p)
	replay(&b, p)
	removed(&b, p)
	section(&b, "Not granted: today's policies do not allow it", p.Outside, func(o least.Observation) string {
		return fmt.Sprintf("%s on %s, %s: %s", o.Action, o.Resource, text.Counted(o.Count, "call"), o.Reason)
	})
	section(&b, "Not granted: the call was refused", p.Refused, called)
	section(&b, "Not granted: the call failed; hint: --grant-failed", p.Failed, called)
	section(&b, "Not granted: the event's action is not known", p.Unmapped, func(e least.Event) string {
		return fmt.Sprintf("%s %s, %s: %s", e.Source, e.Name, text.Counted(e.Count, "event"), e.Reason)
	})
	section(&b, "Needs no permission", p.Nothing, func(e least.Event) string {
		return fmt.Sprintf("%s %s, %s: %s", e.Source, e.Name, text.Counted(e.Count, "event"), e.Reason)
	})
	b.WriteByte('\n')
	line(&b, "Confidence: %s", p.Confidence.Level)
	for _, r := range p.Confidence.Reasons {
		line(&b, "  %s", r)
	}
	return b.String()
}

// longest is how much of one line is shown.
const longest = 2000

// line writes one line. Names out of a log may hold line ends and worse: they make no
// line of their own.
func line(b *strings.Builder, format string, args ...any) {
	b.WriteString(text.Visible(fmt.Sprintf(format, args...), longest) + "\n")
}

func called(o least.Observation) string {
	return fmt.Sprintf("%s on %s, %s: %s", o.Action, o.Resource, text.Counted(o.Count, "call"), strings.Join(o.Errors, ", "))
}

// section lists up to mostListed things and counts the rest.
func section[T any](b *strings.Builder, title string, list []T, told func(T) string) {
	if len(list) == 0 {
		return
	}
	b.WriteByte('\n')
	line(b, "%s", title)
	for _, v := range list[:min(len(list), mostListed)] {
		line(b, "  %s", told(v))
	}
	if more := len(list) - mostListed; more > 0 {
		line(b, "  and %d more; hint: --output json", more)
	}
}

func log(b *strings.Builder, p *least.Proposal) {
	l := &p.Log
	line(b, "Log: %s in all, %s, %s with any; %s of the data plane",
		text.Counted(l.Events, "event"), text.Period(l.First, l.Last), text.Counted(l.Days, "day"), text.Grouped(l.DataEvents))
	line(b, "Calls: %s on %s: %s succeeded, %s refused, %s failed", text.Counted(l.Calls, "call"), text.Counted(l.ActiveDays, "day"),
		text.Grouped(l.Succeeded), text.Grouped(l.Refused), text.Grouped(l.Failed))
	via := map[string]bool{}
	for _, o := range p.Observed {
		for _, v := range o.Via {
			via[v] = true
		}
	}
	if len(via) > 0 {
		var names []string
		for v := range via {
			names = append(names, v)
		}
		slices.Sort(names)
		line(b, "Some were made by AWS services with the principal's credentials, which needs its permission: %s", some(names, 8))
	}
}

func policies(b *strings.Builder, p *least.Proposal) {
	if len(p.Policies) == 0 {
		b.WriteString("\nProposal: nothing to grant\n")
		return
	}
	b.WriteByte('\n')
	line(b, "Proposal: %s for %s seen (resources %s, base %s)", counted(len(p.Policies), "policy", "policies"), text.Counted(p.Actions, "action"), p.Scope, p.Base)
	if len(p.Replaces) > 0 {
		line(b, "  in place of: %s", some(p.Replaces, 8))
	}
	if len(p.Policies) > attachable {
		line(b, "  more than the %d managed policies that a user or role takes unless its quota is raised; hint: --resources pattern", attachable)
	}
	for i, d := range p.Policies {
		line(b, "  policy %d: %s, %s of %s characters", i+1, text.Counted(len(d.Statement), "statement"), text.Grouped(d.Size()), text.Grouped(least.MaxPolicy))
		for _, s := range d.Statement {
			statement(b, s)
		}
	}
	for _, o := range p.Oversized {
		line(b, "  too long: %s", o)
	}
	for _, n := range p.Notes {
		line(b, "  widened: %s", n)
	}
	if p.Untold > 0 {
		line(b, "  %s: the log does not name the whole resource; it stays as wide as the type, or as today", text.Counted(p.Untold, "observation"))
	}
	b.WriteString("  hint: --output policy prints the policies as JSON\n")
}

func statement(b *strings.Builder, s least.Statement) {
	actions, not := s.Action, ""
	if len(s.NotAction) > 0 {
		actions, not = s.NotAction, "all but "
	}
	line(b, "    %s %s%s", s.Effect, not, some(actions, 8))
	resources, not := s.Resource, ""
	if len(s.NotResource) > 0 {
		resources, not = s.NotResource, "all but "
	}
	line(b, "      on %s%s", not, some(resources, 4))
	var tests []string
	for operator, keys := range s.Condition {
		for key, values := range keys {
			tests = append(tests, fmt.Sprintf("%s %s [%s]", operator, key, some(values, 4)))
		}
	}
	slices.Sort(tests)
	for _, t := range tests {
		line(b, "      if %s", t)
	}
}

// some are the first of a list, and how many more there are.
func some(list []string, most int) string {
	out := strings.Join(list[:min(len(list), most)], ", ")
	if more := len(list) - most; more > 0 {
		out += fmt.Sprintf(" and %d more", more)
	}
	return out
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func replay(b *strings.Builder, p *least.Proposal) {
	r := &p.Replay
	b.WriteByte('\n')
	line(b, "Replay: %s checked, %s allowed, %s as unsettled as today, %s lost",
		text.Counted(r.Checked, "observed call"), text.Grouped(r.Allowed), text.Grouped(r.AsToday), text.Grouped(len(r.Lost)))
	if r.AsToday > 0 {
		b.WriteString("  unsettled: the log does not tell the resource, or a condition asks for what it does not tell\n")
	}
	for _, o := range r.Lost[:min(len(r.Lost), mostListed)] {
		line(b, "  lost: %s on %s: %s; please report this", o.Action, o.Resource, o.Reason)
	}
}

func removed(b *strings.Builder, p *least.Proposal) {
	r := &p.Removed
	today := "today"
	if !p.PoliciesGiven {
		today = "without a policy to compare with"
	}
	b.WriteByte('\n')
	line(b, "Permissions: %s actions %s, %s proposed, %s removed", text.Grouped(r.Before), today, text.Grouped(r.After), text.Grouped(r.Removed))
	for _, level := range []string{"Permissions management", "Write", "Tagging", "Read", "List"} {
		if n := r.ByLevel[level]; n > 0 {
			line(b, "  %-22s %s", level, text.Grouped(n))
		}
	}
	risky := func(a least.RiskyAction) string { return a.Action + ": " + a.Reason }
	section(b, "Removed that matter most", r.Risky, risky)
	section(b, "Kept that matter most", r.Kept, risky)
}
