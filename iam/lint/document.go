package lint

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/rootkeep/rootkeep/iam/policy"
)

// Quotas in characters (IAM User Guide, "IAM and AWS STS quotas"; Organizations
// User Guide, "Quotas for AWS Organizations"). White space between elements does
// not count.
const (
	identityQuota = 10_240 // the largest: all inline policies of a role
	managedQuota  = 6_144
	resourceQuota = 20_480 // an S3 bucket policy; other resources take less or more
	trustQuota    = 2_048  // default; 8,192 at most
	scpQuota      = 10_240
	oldSCPQuota   = 5_120
	rcpQuota      = 5_120
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
	if int(c.doc.Span.End-c.doc.Span.Start) <= trustQuota {
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
		if !over("POLICY_SIZE_EXCEEDS_SCP_QUOTA", scpQuota) {
			over("RK_SCP_SIZE", oldSCPQuota)
		}
	case RCP:
		over("POLICY_SIZE_EXCEEDS_RCP_QUOTA", rcpQuota)
	case Trust:
		over("POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA", trustQuota)
	case Resource:
		over("POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA", resourceQuota)
	default:
		if !over("POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", identityQuota) && c.managed {
			over("RK_MANAGED_POLICY_SIZE", managedQuota)
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
		text := fingerprint(s.Statement)
		if first, ok := seen[text]; ok {
			f := &statement{Statement: &c.doc.Statements[first], index: first}
			c.add("REDUNDANT_STATEMENT", fmt.Sprintf("statement %d says the same as statement %d", i+1, first+1), f.whole(), s.whole())
			continue
		}
		seen[text] = i
	}
	c.shadowed()
	c.selfProtection()
}

// fingerprint is a statement without its Sid, so that two that say the same are
// equal.
func fingerprint(s *policy.Statement) string {
	plain := *s
	plain.Sid = policy.Text{}
	d := policy.Document{Statements: []policy.Statement{plain}}
	return strings.Clone(string(d.Compact()))
}
