package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// evidence speaks of statements that hand over whole services with which logs and
// detection can be removed. One service alone is the usual form of full access to it,
// so two are asked for; what a Deny of the policy keeps does not count.
func (c *checker) evidence() {
	s := c.st
	if !s.allows() || c.typ != Identity || s.Condition != nil || !s.everyResource() || s.Action == nil {
		return
	}
	var at []place
	var removed []string
	for i, item := range s.Action.Items {
		service, rest, _ := strings.Cut(strings.ToLower(item.Value), ":")
		action := known.RemovesEvidence(service)
		if rest != "*" || action == "" || slices.Contains(removed, action) || !c.spend(len(c.doc.Statements)*16) || c.kept(action) {
			continue
		}
		removed, at = append(removed, action), append(at, s.at("Action", s.Action, i))
	}
	if len(removed) > 1 {
		c.add("RK_EVIDENCE_REMOVABLE", strings.Join(removed, ", ")+" are allowed on every resource", at...)
	}
}

// kept says whether some Deny of the policy reaches the action.
func (c *checker) kept(action string) bool {
	for i := range c.doc.Statements {
		s := &statement{Statement: &c.doc.Statements[i], index: i}
		if s.Denies() && (s.Action != nil || s.NotAction != nil) && s.reaches(strings.ToLower(action)) {
			return true
		}
	}
	return false
}

// denyLists judges a Deny that names the making of users and roles: who may still
// change those that are there has what a new one would have had.
func (c *checker) denyLists() {
	if !c.identity() && c.typ != SCP {
		return
	}
	for i := range c.doc.Statements {
		s := &statement{Statement: &c.doc.Statements[i], index: i}
		if !s.Denies() || s.Condition != nil || s.Action == nil || !s.everyResource() || !s.reaches("iam:createuser") || !s.reaches("iam:createrole") {
			continue
		}
		var missing []string
		for _, action := range known.ChangesIdentities() {
			if c.spend(len(c.doc.Statements)*16) && !c.kept(action) {
				missing = append(missing, action)
			}
		}
		if len(missing) > 0 {
			c.add("RK_DENY_LIST_INCOMPLETE", "users and roles cannot be made, but nothing denies "+strings.Join(missing, ", "), s.whole())
		}
	}
}

// stray judges elements of a statement that stand in the policy itself.
func (c *checker) stray() {
	if c.doc.Stray == nil {
		return
	}
	c.st = &statement{Statement: c.doc.Stray, index: -1}
	c.st.conditions = readConditions(c.st)
	c.add("RK_ELEMENT_OUTSIDE_STATEMENT", "", place{c.doc.Stray.Span, ""})
	if len(c.st.conditions) <= maxConditions {
		c.conditionBlocks()
	}
}

// placeholders looks for accounts of examples in principals, resources and conditions.
func (c *checker) placeholders() {
	if p := c.st.Principal; p != nil {
		for i := range p.Entries {
			c.placeholderARNs("Principal."+p.Entries[i].Type.Value, &p.Entries[i].Values)
		}
	}
	if list, name := c.st.resources(); list != nil {
		c.placeholderARNs(name, list)
	}
	for i := range c.st.conditions {
		k := &c.st.conditions[i]
		for j, item := range k.key.Values.Items {
			if strings.HasSuffix(k.lower, "account") {
				c.placeholderAccount(item.Value, k.valueAt(j))
			} else if p, ok := condition.SplitARN(item.Value); ok {
				c.placeholderAccount(p[4], k.valueAt(j))
			}
		}
	}
}

func (c *checker) placeholderARNs(name string, list *policy.Texts) {
	for i, item := range list.Items {
		if p, ok := condition.SplitARN(item.Value); ok {
			c.placeholderAccount(p[4], c.st.at(name, list, i))
		}
	}
}

// placeholderAccount knows the accounts that AWS's documentation uses, and words that
// stand for one.
func (c *checker) placeholderAccount(account string, at place) {
	if known.ExampleAccount(account) || known.AccountWord(account) && !jsonMarker(account) {
		c.add("RK_PLACEHOLDER_ACCOUNT", fmt.Sprintf("%s is an example account", account), at)
	}
}
