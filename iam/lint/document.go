package lint

import (
	"fmt"
	"regexp"
	"sync"
	"unicode/utf8"

	"github.com/rootkeep/rootkeep/iam/lint/form"
	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// document judges the policy as a whole.
func (c *checker) document() {
	if !c.doc.Version.Present() && len(c.doc.Statements) > 0 {
		c.add("MISSING_VERSION", "", place{c.doc.Span, ""})
	}
	c.size()
	c.sids()
}

func (c *checker) size() {
	if int(c.doc.Span.End-c.doc.Span.Start) <= known.TrustQuota {
		return
	}
	n := utf8.RuneCount(c.doc.Compact())
	over := func(code string, quota int) bool {
		if n <= quota {
			return false
		}
		c.add(code, fmt.Sprintf("the policy has %d characters, the quota is %d", n, quota), place{c.doc.Span, ""})
		return true
	}
	switch c.typ {
	case SCP:
		if !over("POLICY_SIZE_EXCEEDS_SCP_QUOTA", known.SCPQuota) {
			over("RK_SCP_SIZE", known.OldSCPQuota)
		}
	case RCP:
		over("POLICY_SIZE_EXCEEDS_RCP_QUOTA", known.RCPQuota)
	case Trust:
		over("POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA", known.TrustQuota)
	case Resource:
		over("POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA", known.ResourceQuota)
	default:
		if !over("POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", known.IdentityQuota) && c.managed {
			over("RK_MANAGED_POLICY_SIZE", known.ManagedQuota)
		}
	}
}

var alphanumeric = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9]*$`) })

func (c *checker) sids() {
	seen := map[string]int{}
	for i := range c.doc.Statements {
		s := &statement{Statement: &c.doc.Statements[i], index: i}
		if !s.Sid.Present() {
			continue
		}
		at := place{s.Sid.Span, s.path("Sid")}
		if s.Sid.Value == "" {
			c.add("EMPTY_SID_VALUE", "", at)
			continue
		}
		if c.typ != Resource && !alphanumeric().MatchString(s.Sid.Value) && !jsonMarker(s.Sid.Value) {
			c.add("UNSUPPORTED_SID", fmt.Sprintf("the Sid %q has characters other than letters and digits", s.Sid.Value), at)
		}
		if first, ok := seen[s.Sid.Value]; ok {
			code := "UNIQUE_SIDS_REQUIRED"
			if c.typ == Resource || c.typ == SCP || c.typ == RCP {
				code = "UNIQUE_SIDS_RECOMMENDED"
			}
			c.add(code, fmt.Sprintf("the Sid %q stands already in statement %d", s.Sid.Value, first+1), at)
			continue
		}
		seen[s.Sid.Value] = i
	}
}

// elements judges which elements a statement of the policy's type has.
func (c *checker) elements() {
	s := c.st
	for _, e := range []struct {
		code, name string
		list       *policy.Texts
	}{
		{"EMPTY_ARRAY_ACTION", "Action", s.Action}, {"EMPTY_ARRAY_ACTION", "NotAction", s.NotAction},
		{"EMPTY_ARRAY_RESOURCE", "Resource", s.Resource}, {"EMPTY_ARRAY_RESOURCE", "NotResource", s.NotResource},
	} {
		if e.list != nil && len(e.list.Items) == 0 && !e.list.Single {
			c.add(e.code, "", place{e.list.Span, s.path(e.name)})
		}
	}
	list, name := s.resources()
	switch {
	case c.typ == Trust && list != nil:
		c.add("ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", "", place{list.Span, s.path(name)})
	case c.typ != Trust && list == nil:
		c.add("MISSING_RESOURCE", "", s.whole())
	}
	if (c.typ == Resource || c.typ == Trust || c.typ == RCP) && s.Principal == nil && s.NotPrincipal == nil {
		c.add("MISSING_PRINCIPAL", "", s.whole())
	}
}

// pairs judges statements against each other.
func (c *checker) pairs() {
	seen := map[string]int{}
	for i := range c.doc.Statements {
		s := &statement{Statement: &c.doc.Statements[i], index: i}
		text := form.Fingerprint(s.Statement)
		if first, ok := seen[text]; ok {
			f := &statement{Statement: &c.doc.Statements[first], index: first}
			c.add("REDUNDANT_STATEMENT", fmt.Sprintf("statement %d says the same as statement %d", i+1, first+1), f.whole(), s.whole())
			continue
		}
		seen[text] = i
	}
	c.shadowed()
	c.selfProtection()
	c.denyLists()
}
