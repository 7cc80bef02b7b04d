package lint

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/lint/glob"
	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// passRole judges statements that let roles be handed to services, and service-
// linked roles be made.
func (c *checker) passRole() {
	if !c.st.allows() || c.typ == Resource || c.typ == Trust || c.typ == SCP || c.typ == RCP {
		return
	}
	c.broadRole("PASS_ROLE", "iam:passrole", c.st.passesToNamedService())
	c.broadRole("CREATE_SLR", "iam:createservicelinkedrole", c.st.namesServiceOfRole())
}

// broadRole reports an action on roles that its statement does not name. narrowed
// says that a condition names the service instead.
func (c *checker) broadRole(family, action string, narrowed bool) {
	s := c.st
	var form string
	var at place
	switch {
	case s.NotAction != nil:
		if s.excepts(action) {
			return
		}
		form, at = "NOT_ACTION", place{s.NotAction.Span, s.path("NotAction")}
	default:
		i, wild, ok := s.coversAction(action)
		if !ok {
			return
		}
		at = s.at("Action", s.Action, i)
		if wild {
			form = "STAR_IN_ACTION"
		}
	}
	if s.NotResource != nil {
		suffix := "NOT_RESOURCE"
		if form != "" {
			suffix = form + "_AND_NOT_RESOURCE"
		}
		c.add(family+"_WITH_"+suffix, "", at, place{s.NotResource.Span, s.path("NotResource")})
		return
	}
	i, ok := s.everyRole()
	if !ok || narrowed {
		return
	}
	suffix := "STAR_IN_RESOURCE"
	switch form {
	case "STAR_IN_ACTION":
		suffix = "STAR_IN_ACTION_AND_RESOURCE"
	case "NOT_ACTION":
		suffix = "STAR_IN_RESOURCE_AND_NOT_ACTION"
	}
	c.add(family+"_WITH_"+suffix, "", at, s.at("Resource", s.Resource, i))
}

// everyRole is the first resource that stands for every role of an account.
func (s *statement) everyRole() (int, bool) {
	if s.Resource == nil {
		return 0, false
	}
	for i, item := range s.Resource.Items {
		if item.Value != "" && strings.Trim(item.Value, "*") == "" {
			return i, true
		}
		p, ok := condition.SplitARN(item.Value)
		if ok && glob.Meets(p[2], "iam") && strings.Trim(strings.TrimPrefix(p[5], "role/"), "*") == "" && p[5] != "role/" && p[5] != "" {
			return i, true
		}
	}
	return 0, false
}

// passesToNamedService says whether iam:PassedToService names the service. AWS also
// takes an IfExists with one value written without brackets for an answer, though
// not one in brackets (its own managed policies show both).
func (s *statement) passesToNamedService() bool {
	for i := range s.conditions {
		k := &s.conditions[i]
		if k.lower != "iam:passedtoservice" || !k.opOK || k.op.Negated || k.op.Family == condition.Null {
			continue
		}
		if k.op.IfExists && !k.key.Values.Single {
			continue
		}
		if !k.test().OpenStart() {
			return true
		}
	}
	return false
}

func (s *statement) namesServiceOfRole() bool {
	for i := range s.conditions {
		k := &s.conditions[i]
		if k.lower == "iam:awsservicename" && k.opOK && !k.op.Negated && k.op.Family != condition.Null && !k.test().OpenStart() {
			return true
		}
	}
	return false
}

// resourceTags judges aws:ResourceTag against actions that do not send it.
func (c *checker) resourceTags() {
	for i := range c.st.conditions {
		k := &c.st.conditions[i]
		if !strings.HasPrefix(k.lower, "aws:resourcetag/") || !k.opOK || k.op.IfExists || k.op.Family == condition.Null {
			continue
		}
		if c.st.allows() && k.op.Negated {
			continue
		}
		c.tagSupport(k)
	}
}

func (c *checker) tagSupport(k *cond) {
	s, effect := c.st, "ALLOW"
	if s.Denies() {
		effect = "DENY"
	}
	if s.NotAction != nil {
		c.add(effect+"_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
			fmt.Sprintf("NotAction hides which actions send no %s", k.name()), place{s.NotAction.Span, s.path("NotAction")}, k.place())
		return
	}
	if s.Action == nil {
		return
	}
	var at []place
	var example string
	for i, item := range s.Action.Items {
		service, _, _ := strings.Cut(strings.ToLower(item.Value), ":")
		if !c.spend(len(metadata.Actions(service))) {
			break
		}
		if name := known.Untagged(item.Value); name != "" {
			at = append(at, s.at("Action", s.Action, i))
			if example == "" {
				example = name
			}
		}
	}
	if len(at) > 0 {
		c.add(effect+"_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
			fmt.Sprintf("%s sends no %s", example, k.name()), append(at, k.place())...)
	}
}
