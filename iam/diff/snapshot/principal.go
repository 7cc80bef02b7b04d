package snapshot

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/diff"
)

// labels name the policies of a principal by where they come from.
type labels map[string]*iam.Policy

func (l labels) attached(from string, list []*account.Managed) labels {
	for _, m := range list {
		l["policy "+m.ARN+from] = m.Policy
	}
	return l
}

func (l labels) inline(from string, list []*iam.Policy) labels {
	for _, p := range list {
		l["inline policy "+p.Name+from] = p
	}
	return l
}

// list is the policies with their texts, in one order.
func (c *comparer) list(l labels) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(l)) {
		fmt.Fprintf(&b, "%s\n%s\n", name, c.text(l[name]))
	}
	return b.String()
}

// labelsOf are all policies that grant to a principal; nil has none.
func labelsOf(i *account.Identity) labels {
	out := labels{}
	if i == nil {
		return out
	}
	out.attached("", i.Attached).inline("", i.Inline)
	for _, g := range i.Groups {
		from := " of group " + g.Name
		out.attached(from, g.Attached)
		for _, p := range g.Inline {
			out["inline policy "+p.Name] = p // its name tells the group
		}
	}
	return out
}

// principal compares one principal; one side is nil if it was added or removed.
func (c *comparer) principal(old, new *account.Identity) (p *Principal, differs bool, err error) {
	p = &Principal{Event: Changed, New: nothing(), Lost: nothing()}
	switch {
	case old == nil:
		p.Event = Added
	case new == nil:
		p.Event = Removed
	}
	before, after := labelsOf(old), labelsOf(new)
	p.Why = c.why(old, new, before, after)
	p.Unread = unreadOf(old, new, before, after)
	grants := c.list(before) != c.list(after) || c.boundary(old) != c.boundary(new)
	tags := old != nil && new != nil && !slices.Equal(old.Tags, new.Tags)
	trust := c.trust(old) != c.trust(new)
	if p.Event == Changed && len(p.Why) == 0 && !grants && !tags && !trust {
		p.Event = Unread
		doubt(&p.New, p.grants())
		doubt(&p.Lost, p.grants())
		return p, len(p.Unread) > 0, nil
	}
	report, err := c.permissions(old, new, before, after)
	if err != nil {
		return nil, false, err
	}
	p.New, p.Lost = report.New, report.Lost
	doubt(&p.New, p.grants())
	doubt(&p.Lost, p.grants())
	if trust {
		p.Trust, err = compareTrust(old, new)
	}
	return p, true, err
}

func nothing() diff.Access {
	return diff.Access{Answer: diff.No, Changes: []diff.Change{}, Open: []diff.Change{}}
}

// doubt turns what was found without the policies that could not be read into what may
// be: an unread policy may have allowed or denied it all along.
func doubt(a *diff.Access, unread []string) {
	if len(unread) == 0 {
		return
	}
	for _, ch := range a.Changes {
		ch.Example, ch.Reason = nil, "could not be read: "+strings.Join(unread, ", ")
		a.Open = append(a.Open, ch)
	}
	a.Answer, a.Changes = diff.Unknown, []diff.Change{}
}

// trustPolicy is how Unread names the policy of a role.
const trustPolicy = "trust policy"

// grants are the unread policies on which the permissions hang.
func (p *Principal) grants() []string {
	return slices.DeleteFunc(slices.Clone(p.Unread), func(name string) bool { return name == trustPolicy })
}

// unreadOf names the policies of either read that could not be read.
func unreadOf(old, new *account.Identity, before, after labels) (out []string) {
	for _, l := range []labels{before, after} {
		for name, p := range l {
			if isUnread(p) {
				out = append(out, name)
			}
		}
	}
	for _, i := range []*account.Identity{old, new} {
		if i != nil && i.Boundary != nil && isUnread(i.Boundary.Policy) {
			out = append(out, "boundary "+i.Boundary.ARN)
		}
		if i != nil && i.Trust != nil && isUnread(i.Trust) {
			out = append(out, trustPolicy)
		}
	}
	sort.Strings(out)
	return slices.Compact(out)
}

func (c *comparer) boundary(i *account.Identity) string {
	if i == nil || i.Boundary == nil {
		return ""
	}
	return i.Boundary.ARN + "\n" + c.text(i.Boundary.Policy)
}

func (c *comparer) trust(i *account.Identity) string {
	if i == nil {
		return ""
	}
	return c.text(i.Trust)
}

// why lists what changed about a principal in the dump.
func (c *comparer) why(old, new *account.Identity, before, after labels) []string {
	out := []string{}
	for _, name := range arns(before, after) {
		was, is := before[name], after[name]
		switch {
		case was == nil:
			out = append(out, name+" added")
		case is == nil:
			out = append(out, name+" removed")
		case c.text(was) != c.text(is):
			out = append(out, name+" changed")
		}
	}
	if old == nil || new == nil {
		return out
	}
	was, is := groupNames(old), groupNames(new)
	for _, name := range arns(was, is) {
		switch {
		case !was[name]:
			out = append(out, "joined group "+name)
		case !is[name]:
			out = append(out, "left group "+name)
		}
	}
	if c.boundary(old) != c.boundary(new) {
		switch {
		case old.Boundary == nil:
			out = append(out, "boundary "+new.Boundary.ARN+" set")
		case new.Boundary == nil:
			out = append(out, "boundary "+old.Boundary.ARN+" removed")
		case old.Boundary.ARN != new.Boundary.ARN:
			out = append(out, "boundary "+old.Boundary.ARN+" replaced by "+new.Boundary.ARN)
		default:
			out = append(out, "boundary "+new.Boundary.ARN+" changed")
		}
	}
	if c.trust(old) != c.trust(new) {
		out = append(out, "trust policy changed")
	}
	if !slices.Equal(old.Tags, new.Tags) {
		out = append(out, "tags changed")
	}
	if old.ID != new.ID {
		out = append(out, "deleted and created again: its unique ID is another")
	}
	return out
}

func groupNames(i *account.Identity) map[string]bool {
	out := map[string]bool{}
	for _, g := range i.Groups {
		out[g.Name] = true
	}
	return out
}

// permissions compares what was read of the principal's policies.
func (c *comparer) permissions(old, new *account.Identity, before, after labels) (*diff.Report, error) {
	who := new
	if who == nil {
		who = old
	}
	was, is := sideOf(old, before), sideOf(new, after)
	was.Principal, is.Principal = who.Principal, who.Principal
	var key string
	if c.aboutCaller(was) || c.aboutCaller(is) {
		was.Known, is.Known = known(old, who), known(new, who)
	} else {
		key = strings.Join([]string{c.list(before), c.boundary(old), c.list(after), c.boundary(new)}, "\x00")
		if r := c.done[key]; r != nil {
			return forCaller(r, who.Principal.ARN), nil
		}
	}
	r, err := diff.Compare(was, is)
	if err == nil && key != "" {
		c.done[key] = r
	}
	return r, err
}

// sideOf are the policies that were read, without those that were not.
func sideOf(i *account.Identity, l labels) diff.Side {
	s := diff.Side{Kind: diff.Identity}
	for _, name := range slices.Sorted(maps.Keys(l)) {
		if !isUnread(l[name]) {
			s.Policies = append(s.Policies, l[name])
		}
	}
	if i != nil && i.Boundary != nil && !isUnread(i.Boundary.Policy) {
		s.Boundary = []*iam.Policy{i.Boundary.Policy}
	}
	return s
}

func known(i, who *account.Identity) iam.Context {
	if i == nil {
		i = who
	}
	return i.Context(account.Guardrails{}, nil)
}

// aboutCaller says whether the policies look at who the caller is, so that two
// principals with the same policies may differ in what they may do.
func (c *comparer) aboutCaller(s diff.Side) bool {
	for _, p := range append(slices.Clip(s.Policies), s.Boundary...) {
		if strings.Contains(c.text(p), "${") {
			return true
		}
		for i := range p.Statements() {
			for _, t := range (iam.Ref{Policy: p, Index: i}).Tests() {
				key := t.LowerKey()
				if strings.HasPrefix(key, "aws:principal") || strings.HasPrefix(key, "aws:user") || key == "aws:assumedroot" {
					return true
				}
			}
		}
	}
	return false
}

// forCaller is a report on another principal with the same policies.
func forCaller(r *diff.Report, arn string) *diff.Report {
	out := *r
	for _, a := range []*diff.Access{&out.New, &out.Lost} {
		a.Changes = slices.Clone(a.Changes)
		for i := range a.Changes {
			e := *a.Changes[i].Example
			e.Principal = arn
			a.Changes[i].Example = &e
		}
	}
	return &out
}

// compareTrust says who may assume a role now. A role that is new was assumed by
// nobody.
func compareTrust(old, new *account.Identity) (*diff.Report, error) {
	was, is := diff.Side{Kind: diff.Trust}, diff.Side{Kind: diff.Trust}
	if old != nil && old.Trust != nil {
		was.Policies = []*iam.Policy{old.Trust}
	}
	if new != nil && new.Trust != nil {
		is.Policies = []*iam.Policy{new.Trust}
	}
	r, err := diff.Compare(was, is)
	if err != nil {
		return nil, err
	}
	role := new
	if role == nil {
		role = old
	}
	for _, list := range [][]diff.Change{r.New.Changes, r.Lost.Changes} {
		for i := range list {
			list[i].Example.Resource = role.Principal.ARN // a trust policy is about its role
		}
	}
	return r, nil
}
