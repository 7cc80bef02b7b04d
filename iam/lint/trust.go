package lint

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/lint/form"
	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/iam/policy"
)

const (
	assumeRole    = "sts:assumerole"
	assumeSAML    = "sts:assumerolewithsaml"
	assumeWeb     = "sts:assumerolewithwebidentity"
	tagSession    = "sts:tagsession"
	setIdentity   = "sts:setsourceidentity"
	rolesAnywhere = "rolesanywhere.amazonaws.com"
	github        = "token.actions.githubusercontent.com"
)

func (c *checker) trust() {
	c.trustActions()
	c.redundantSessions()
	if !c.st.allows() {
		return
	}
	c.matchingActions()
	c.settingActions()
	c.webIdentity()
	c.externalID()
}

// trustActions are those of STS: a trust policy grants nothing else.
func (c *checker) trustActions() {
	s := c.st
	if s.Action == nil {
		return
	}
	for i, item := range s.Action.Items {
		service, _, ok := strings.Cut(strings.ToLower(item.Value), ":")
		if ok && service != "sts" && known.Service(service) {
			c.add("UNSUPPORTED_ACTION_IN_POLICY", fmt.Sprintf("a trust policy cannot grant %s", item.Value), s.at("Action", s.Action, i))
		}
	}
}

// matchingActions compares the way of assuming the role with the principal.
func (c *checker) matchingActions() {
	s := c.st
	if s.Action == nil || s.Principal == nil {
		return
	}
	for i, item := range s.Action.Items {
		var bad string
		var ok bool
		switch strings.ToLower(item.Value) {
		case assumeSAML:
			bad, ok = s.otherThan(func(kind, v string) bool { return kind == policy.PrincipalFederated && !form.OIDC(v) })
		case assumeWeb:
			bad, ok = s.otherThan(func(kind, v string) bool { return kind == policy.PrincipalFederated && form.OIDC(v) })
		case assumeRole:
			bad, ok = s.otherThan(func(kind, _ string) bool { return kind != policy.PrincipalFederated })
		}
		if ok {
			c.add("MISMATCHED_ACTION_FOR_PRINCIPAL", fmt.Sprintf("%s does not go with the principal %s", item.Value, bad), s.at("Action", s.Action, i))
		}
	}
}

// otherThan is the first named principal that fits refuses, when no other action of
// the statement goes with it.
func (s *statement) otherThan(fits func(kind, value string) bool) (string, bool) {
	if s.Principal.Anyone {
		return "", false
	}
	for i := range s.Principal.Entries {
		e := &s.Principal.Entries[i]
		for _, item := range e.Values.Items {
			if !fits(e.Type.Value, item.Value) && !jsonMarker(item.Value) {
				return item.Value, true
			}
		}
	}
	return "", false
}

// settingActions are the actions that set what a condition compares.
func (c *checker) settingActions() {
	s := c.st
	if _, ok := s.named(policy.PrincipalService, func(v string) bool { return v == rolesAnywhere }); ok {
		for _, action := range []string{assumeRole, setIdentity, tagSession} {
			if _, _, ok := s.coversAction(action); !ok {
				c.add("MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY", fmt.Sprintf("%s is missing for %s", action, rolesAnywhere), s.whole())
				break
			}
		}
	}
	for i := range s.conditions {
		k := &s.conditions[i]
		action, name := "", ""
		switch {
		case k.lower == "sts:sourceidentity":
			action, name = setIdentity, "sts:SetSourceIdentity"
		case k.lower == "sts:transitivetagkeys", k.lower == "aws:tagkeys", strings.HasPrefix(k.lower, "aws:requesttag/"):
			action, name = tagSession, "sts:TagSession"
		default:
			continue
		}
		if _, _, ok := s.coversAction(action); !ok {
			c.add("MISSING_ACTION_FOR_CONDITION_KEY", fmt.Sprintf("%s is set by %s, which the statement does not allow", k.name(), name), k.place())
		}
	}
}

// webIdentity judges what a web identity must show beside a token.
func (c *checker) webIdentity() {
	s := c.st
	provider, ok := s.named(policy.PrincipalFederated, form.OIDC)
	if !ok || jsonMarker(provider) {
		return
	}
	at := place{s.Principal.Span, s.path("Principal")}
	domain := provider
	if _, after, ok := strings.Cut(provider, ":oidc-provider/"); ok {
		domain = after
	}
	domain = strings.ToLower(domain)
	if domain == github || strings.HasPrefix(domain, github+"/") {
		c.githubSubject(domain, at)
		return
	}
	for i := range s.conditions {
		if strings.HasPrefix(s.conditions[i].lower, domain+":") {
			return
		}
	}
	c.add("MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL", fmt.Sprintf("no condition compares a claim of %s", domain), at)
}

func (c *checker) githubSubject(domain string, at place) {
	k := c.st.find(domain + ":sub")
	if k == nil {
		c.add("MISSING_GITHUB_REPO_CONDITION_KEY", fmt.Sprintf("no condition compares %s:sub", domain), at)
		return
	}
	branch := c.st.find(domain+":ref") != nil
	for i, item := range k.key.Values.Items {
		if !k.like() || jsonMarker(item.Value) || !strings.ContainsAny(item.Value, "*?") {
			continue
		}
		if form.OpenSubject(item.Value, branch) {
			c.add("SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED", fmt.Sprintf("%q covers more than one repository and branch", item.Value), k.valueAt(i))
		}
	}
}

// redundantSessions are sessions of a role that is trusted itself.
func (c *checker) redundantSessions() {
	s := c.st
	if s.Principal == nil {
		return
	}
	roles := map[string]bool{}
	s.named(policy.PrincipalAWS, func(v string) bool {
		if p, ok := condition.SplitARN(v); ok && strings.HasPrefix(p[5], "role/") {
			roles[p[4]+"/"+p[5][strings.LastIndexByte(p[5], '/')+1:]] = true
		}
		return false
	})
	for i := range s.Principal.Entries {
		e := &s.Principal.Entries[i]
		for j, item := range e.Values.Items {
			p, ok := condition.SplitARN(item.Value)
			role, ok2 := strings.CutPrefix(p[5], "assumed-role/")
			role, _, _ = strings.Cut(role, "/")
			if ok && ok2 && roles[p[4]+"/"+role] {
				c.add("REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY", fmt.Sprintf("the role %s is trusted already", role), s.at("Principal."+e.Type.Value, &e.Values, j))
			}
		}
	}
}
