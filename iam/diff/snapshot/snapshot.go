// Package snapshot tells what changed between two reads of one account: two dumps of
// GetAccountAuthorizationDetails go in, read by package account; out come the users,
// roles, groups and managed policies that were added, removed or changed, and for each
// principal what it may do now and could not before, with the reason in the dump.
//
// Permissions are those of the principal's own policies, groups and boundary; what the
// policies of resources and of the organization add or take is not in a dump. A
// principal of whom a policy could not be read is never said to be unchanged.
package snapshot

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/diff"
)

// Event is what happened to a thing.
type Event string

// Events.
const (
	Added   Event = "added"
	Removed Event = "removed"
	Changed Event = "changed"
	Unread  Event = "unread" // nothing is seen to have changed, but not all could be read
)

// Report is what changed in an account.
type Report struct {
	Account    rootkeep.AccountID `json:"account"`
	Principals []Principal        `json:"principals"` // that changed, or could not be read
	Same       int                `json:"principals_unchanged"`
	Groups     []Thing            `json:"groups"`
	Policies   []Thing            `json:"policies"`
	Problems   []string           `json:"problems"` // what could not be read of the dumps
}

// Thing is a group or a managed policy.
type Thing struct {
	ARN   string `json:"arn"`
	Event Event  `json:"event"`
}

// Principal is a user or role that is not the same in both reads.
type Principal struct {
	ARN   string   `json:"arn"`
	Event Event    `json:"event"`
	Why   []string `json:"why"` // attachments, groups, boundary and the like that changed
	// New and Lost are its permissions; Trust, of a role, is who may assume it.
	New   diff.Access  `json:"new"`
	Lost  diff.Access  `json:"lost"`
	Trust *diff.Report `json:"trust,omitempty"`
	// Unread are policies that could not be read: Answers are unknown at best.
	Unread []string `json:"unread,omitempty"`
}

// comparer compares principals; policy sets that repeat are compared once.
type comparer struct {
	texts map[*iam.Policy]string
	done  map[string]*diff.Report
}

// Compare compares two reads of one account. The error says that they are of
// different accounts.
func Compare(old, new *account.Account) (*Report, error) {
	if old.ID != new.ID && old.ID != "" && new.ID != "" {
		return nil, fmt.Errorf("the old dump is of account %s, the new one of %s: want one account", old.ID, new.ID)
	}
	r := &Report{Account: new.ID, Principals: []Principal{}, Groups: []Thing{}, Policies: []Thing{}, Problems: []string{}}
	if r.Account == "" {
		r.Account = old.ID
	}
	for _, side := range []struct {
		name     string
		problems []account.Problem
	}{{"old", old.Problems}, {"new", new.Problems}} {
		for _, p := range side.problems {
			r.Problems = append(r.Problems, side.name+": "+p.String())
		}
	}
	c := comparer{map[*iam.Policy]string{}, map[string]*diff.Report{}}
	before, after := byARN(old), byARN(new)
	for _, arn := range arns(before, after) {
		p, differs, err := c.principal(before[arn], after[arn])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", arn, err)
		}
		if p.ARN = arn; differs {
			r.Principals = append(r.Principals, *p)
		} else {
			r.Same++
		}
	}
	r.Groups = things(c.groups(old), c.groups(new))
	r.Policies = things(c.managed(old), c.managed(new))
	slices.SortStableFunc(r.Principals, func(a, b Principal) int { return a.rank() - b.rank() })
	return r, nil
}

func byARN(a *account.Account) map[string]*account.Identity {
	out := map[string]*account.Identity{}
	for _, i := range a.Identities() {
		out[i.Principal.ARN] = i
	}
	return out
}

// arns are the keys of both, sorted.
func arns[V any](a, b map[string]V) []string {
	var out []string
	for k := range a {
		out = append(out, k)
	}
	for k := range b {
		if _, both := a[k]; !both {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// rank puts first what a person should read first: who may do more, or be assumed by
// more; then what is not known; then the rest.
func (p *Principal) rank() int {
	trust := diff.No
	if p.Trust != nil {
		trust = p.Trust.New.Answer
	}
	switch {
	case p.New.Answer == diff.Yes || trust == diff.Yes:
		return 0
	case p.New.Answer == diff.Unknown || trust == diff.Unknown:
		return 1
	case p.Lost.Answer != diff.No:
		return 2
	}
	return 3
}

// things compares groups or managed policies by ARN and text.
func things(old, new map[string]string) []Thing {
	out := []Thing{}
	for _, arn := range arns(old, new) {
		before, was := old[arn]
		after, is := new[arn]
		switch {
		case !was:
			out = append(out, Thing{arn, Added})
		case !is:
			out = append(out, Thing{arn, Removed})
		case before != after:
			out = append(out, Thing{arn, Changed})
		case strings.Contains(before, unreadText):
			out = append(out, Thing{arn, Unread})
		}
	}
	return out
}

// unreadText stands for the text of a policy that could not be read.
const unreadText = "\x00unread"

// text is a policy in one notation, worked out once.
func (c *comparer) text(p *iam.Policy) string {
	if p == nil {
		return ""
	}
	text, ok := c.texts[p]
	if !ok {
		if text = string(p.Document.Compact()); isUnread(p) {
			text = unreadText
		}
		c.texts[p] = text
	}
	return text
}

// isUnread says whether a policy stands for one that could not be read.
func isUnread(p *iam.Policy) bool {
	if p.Statements() == 0 {
		return false
	}
	tests := iam.Ref{Policy: p}.Tests()
	return len(tests) > 0 && tests[0].Leaf().Unread != ""
}

func (c *comparer) groups(a *account.Account) map[string]string {
	out := map[string]string{}
	for _, g := range a.Groups {
		out[g.ARN] = c.group(g)
	}
	return out
}

// group is what membership brings, as text.
func (c *comparer) group(g *account.Group) string {
	return c.list(labels{}.attached("", g.Attached).inline("", g.Inline))
}

func (c *comparer) managed(a *account.Account) map[string]string {
	out := map[string]string{}
	for _, m := range a.Policies {
		out[m.ARN] = c.text(m.Policy)
	}
	return out
}
