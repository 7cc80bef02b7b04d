package lint

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/lint/form"
	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/iam/policy"
)

func (c *checker) principals() {
	c.principal("Principal", c.st.Principal)
	c.principal("NotPrincipal", c.st.NotPrincipal)
}

func (c *checker) principal(name string, p *policy.Principal) {
	if p == nil {
		return
	}
	at := place{p.Span, c.st.path(name)}
	switch {
	case c.identity():
		c.add("UNSUPPORTED_PRINCIPAL", "", at)
		return
	case c.typ == SCP:
		c.add("SCP_SYNTAX_ERROR_PRINCIPAL", "", at)
		return
	case c.typ == Trust && name == "NotPrincipal":
		c.add("ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", "", at)
	case c.typ == Trust && p.Anyone:
		c.add("ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL", "", at)
	case name == "NotPrincipal" && c.st.allows():
		c.add("ALLOW_WITH_NOT_PRINCIPAL", "", at)
	}
	if !p.Anyone && len(p.Entries) == 0 {
		c.add("EMPTY_OBJECT_PRINCIPAL", "", at)
	}
	for i := range p.Entries {
		e := &p.Entries[i]
		element := name + "." + e.Type.Value
		if len(e.Values.Items) == 0 && !e.Values.Single {
			c.add("EMPTY_ARRAY_PRINCIPAL", "", place{e.Values.Span, c.st.path(element)})
		}
		if e.Type.Value == policy.PrincipalFederated && c.typ != Trust && len(e.Values.Items) > 0 {
			c.add("FEDERATED_PRINCIPAL_NOT_SUPPORTED", "", place{e.Values.Span, c.st.path(element)})
		}
		for j, item := range e.Values.Items {
			if !jsonMarker(item.Value) {
				c.principalValue(e.Type.Value, item.Value, c.st.at(element, &e.Values, j))
			}
		}
	}
}

func (c *checker) principalValue(kind, text string, at place) {
	wild := strings.ContainsAny(text, "*?")
	switch {
	case wild && (kind != policy.PrincipalAWS || text != "*"):
		c.add("UNSUPPORTED_WILDCARD_IN_PRINCIPAL", fmt.Sprintf("%q: a principal of type %s is no pattern", text, kind), at)
	case wild || strings.Contains(text, "${"):
	case kind == policy.PrincipalAWS:
		c.awsPrincipal(text, at)
	case kind == policy.PrincipalService && !form.ServicePrincipal(text):
		c.add("INVALID_SERVICE_PRINCIPAL_FORMAT", fmt.Sprintf("%q is no service principal, want SERVICE.amazonaws.com", text), at)
	case kind == policy.PrincipalFederated && c.typ == Trust && !form.Provider(text):
		c.add("INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY", fmt.Sprintf("%q is neither a domain nor the ARN of a provider", text), at)
	}
}

func (c *checker) awsPrincipal(text string, at place) {
	switch {
	case known.Account(text):
		c.placeholderAccount(text, at)
	case form.PrincipalARN(text):
		p, _ := condition.SplitARN(text)
		c.placeholderAccount(p[4], at)
	case form.PrincipalID(text) && strings.HasPrefix(text, "AROA"):
		c.add("INVALID_ROLE_REFERENCE", fmt.Sprintf("%s is the id of a role", text), at)
	case form.PrincipalID(text) && strings.HasPrefix(text, "AIDA"):
		c.add("INVALID_USER_REFERENCE", fmt.Sprintf("%s is the id of a user", text), at)
	case form.PrincipalID(text):
	default:
		c.add("INVALID_PRINCIPAL_FORMAT", fmt.Sprintf("%q is neither an account nor the ARN of a root, user, role or session", text), at)
	}
}

// named says whether the statement's Principal has a value of a kind that test
// accepts.
func (s *statement) named(kind string, test func(string) bool) (string, bool) {
	if s.Principal == nil {
		return "", false
	}
	for i := range s.Principal.Entries {
		e := &s.Principal.Entries[i]
		if e.Type.Value != kind {
			continue
		}
		for _, item := range e.Values.Items {
			if test(item.Value) {
				return item.Value, true
			}
		}
	}
	return "", false
}

func anyValue(string) bool { return true }

// anyone says whether everybody is named.
func (s *statement) anyone() bool {
	if s.Principal == nil {
		return false
	}
	_, star := s.named(policy.PrincipalAWS, func(v string) bool { return v == "*" })
	return s.Principal.Anyone || star
}

// servicePrincipals judges what a call by a service carries.
func (c *checker) servicePrincipals() {
	s := c.st
	name, ok := s.named(policy.PrincipalService, anyValue)
	if !ok || !s.allows() {
		return
	}
	for i := range s.conditions {
		k := &s.conditions[i]
		if known.NotSentByServices(k.lower) && !k.op.IfExists {
			c.add("UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", fmt.Sprintf("a call by %s carries no %s", name, k.name()), k.place())
		}
	}
	if c.typ != Resource || s.finds("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths") {
		return
	}
	for _, weak := range []string{"aws:referer", "kms:calleraccount", "aws:sourceowner"} {
		if k := s.find(weak); k != nil {
			c.add("RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", fmt.Sprintf("%s does not say for whom %s acts", k.name(), name), k.place())
			return
		}
	}
	c.add("RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL", fmt.Sprintf("%s may act for any customer", name), place{s.Principal.Span, s.path("Principal")})
}
