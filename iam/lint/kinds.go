package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// perType judges what one type of policy alone has.
func (c *checker) perType() {
	switch c.typ {
	case Resource:
		c.servicePrincipals()
		c.attachment()
		c.irrelevantKeys()
	case Trust:
		c.servicePrincipals()
		c.trust()
	case SCP:
		c.scp()
	case RCP:
		c.rcp()
	}
}

// attachment judges actions and resources of another service than the one whose
// resource carries the policy.
func (c *checker) attachment() {
	if !known.WithPolicies(c.service) {
		return
	}
	s := c.st
	if s.Action != nil {
		for i, item := range s.Action.Items {
			service, _, ok := strings.Cut(strings.ToLower(item.Value), ":")
			if ok && known.Service(service) && service != c.service {
				c.add("UNSUPPORTED_ACTION_IN_POLICY", fmt.Sprintf("a policy on a resource of %s cannot grant %s", c.service, item.Value), s.at("Action", s.Action, i))
			}
		}
	}
	list, name := s.resources()
	if list == nil {
		return
	}
	for i, item := range list.Items {
		if p, ok := condition.SplitARN(item.Value); ok && known.Service(p[2]) && p[2] != c.service {
			c.add("UNSUPPORTED_RESOURCE_ARN_IN_POLICY", fmt.Sprintf("a policy on a resource of %s cannot speak of %q", c.service, item.Value), s.at(name, list, i))
		}
	}
}

// irrelevantKeys are keys about the resource, in the resource's own policy.
func (c *checker) irrelevantKeys() {
	for i := range c.st.conditions {
		k := &c.st.conditions[i]
		switch k.lower {
		case "aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths", "s3:resourceaccount":
			c.add("IRRELEVANT_CONDITION_KEY_IN_POLICY", fmt.Sprintf("%s is always the same here", k.name()), k.place())
		}
	}
}

func (c *checker) rcp() {
	s := c.st
	if s.NotPrincipal != nil || s.Principal != nil && !s.anyone() {
		p, name := s.Principal, "Principal"
		if p == nil {
			p, name = s.NotPrincipal, "NotPrincipal"
		}
		c.add("RCP_SYNTAX_ERROR_PRINCIPAL", "", place{p.Span, s.path(name)})
	}
	if s.NotAction != nil {
		c.add("RCP_SYNTAX_ERROR_NOTACTION", "", place{s.NotAction.Span, s.path("NotAction")})
	}
	if s.allows() {
		plain := s.anyone() && s.Condition == nil && s.NotResource == nil && slices.Equal(s.Resource.Values(), []string{"*"})
		if !plain {
			c.add("RCP_SYNTAX_ERROR_ALLOW", "", s.whole())
		}
	}
	if s.Action != nil {
		for i, item := range s.Action.Items {
			service, _, _ := strings.Cut(strings.ToLower(item.Value), ":")
			if !(s.allows() && item.Value == "*") && !slices.Contains(metadata.RCPServices(), service) {
				c.add("RCP_SYNTAX_ERROR_ACTION", fmt.Sprintf("resource control policies do not reach %q", item.Value), s.at("Action", s.Action, i))
			}
		}
	}
	if s.Denies() {
		c.rcpKeys()
	}
}

// rcpKeys judges a Deny of a resource control policy, which meets principals and
// services alike, while each sends only some keys.
func (c *checker) rcpKeys() {
	s := c.st
	if s.finds("aws:principalisawsservice") {
		c.rcpSource()
		return
	}
	for i := range s.conditions {
		k := &s.conditions[i]
		switch k.lower {
		case "aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn":
			c.add("RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY", fmt.Sprintf("%s alone also denies AWS services", k.name()), k.place())
		case "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceaccount", "aws:sourcearn":
			if k.op.Family != condition.Null {
				c.add("RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY", fmt.Sprintf("%s alone also denies your principals", k.name()), k.place())
			}
		}
	}
	c.rcpSource()
}

func (c *checker) rcpSource() {
	s := c.st
	for i := range s.conditions {
		k := &s.conditions[i]
		if k.lower != "aws:sourceorgid" && k.lower != "aws:sourceorgpaths" && k.lower != "aws:sourceaccount" || k.op.Family == condition.Null {
			continue
		}
		for j := range s.conditions {
			n := &s.conditions[j]
			if n.op.Family == condition.Null && (n.lower == "aws:sourceaccount" || n.lower == "aws:sourcearn") {
				return
			}
		}
		c.add("RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK", fmt.Sprintf("calls without any source do not carry %s and are denied", k.name()), k.place())
		return
	}
}
