package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/lint/form"
	"github.com/rootkeep/rootkeep/iam/lint/known"
)

// ownStatementRules are the RK_ checks of one statement.
func (c *checker) ownStatementRules() {
	c.multiFactor()
	c.sourceAddress()
	c.unsatisfiable()
	c.openToAll()
	c.administrator()
	c.existingCompute()
	c.evidence()
	c.placeholders()
}

const (
	mfaPresent = "aws:multifactorauthpresent"
	mfaAge     = "aws:multifactorauthage"
)

// multiFactor judges what a statement asks of multi-factor authentication. Requests
// with long-term keys carry neither key; age exists only where MFA was used.
func (c *checker) multiFactor() {
	s := c.st
	if a := s.find(mfaAge); a != nil && a.opOK {
		less := a.op.Family == condition.NumericLess || a.op.Family == condition.NumericLessEquals
		greater := a.op.Family == condition.NumericGreater || a.op.Family == condition.NumericGreaterEquals
		if s.Denies() && less || s.allows() && greater {
			c.add("RK_MFA_AGE_INVERTED", "", a.place())
		}
	}
	k := s.find(mfaPresent)
	if k == nil || !k.opOK || k.op.Family != condition.Bool || len(k.key.Values.Items) != 1 {
		return
	}
	wantsMFA := strings.EqualFold(k.key.Values.Items[0].Value, "true")
	if s.allows() {
		if wantsMFA && k.op.IfExists {
			c.add("RK_ALLOW_MFA_IF_EXISTS", "", k.place())
		}
		return
	}
	if wantsMFA || !s.Denies() {
		return
	}
	if !k.op.IfExists && !c.otherwiseDenied(k) {
		c.add("RK_DENY_MISSES_LONG_TERM_KEYS", "", k.place())
	}
	if k.op.IfExists && c.typ == SCP && !s.finds("aws:principaltype", "aws:principalarn", "aws:username", "aws:userid") {
		c.add("RK_DENY_MEETS_ROLE_SESSIONS", "", k.place())
	}
	if c.identity() && s.everyResource() && s.reaches("iam:enablemfadevice") {
		c.add("RK_DENY_BLOCKS_MFA_ENROLMENT", "", s.whole())
	}
}

// otherwiseDenied says whether another statement of the policy denies requests
// without the key.
func (c *checker) otherwiseDenied(k *cond) bool {
	if !c.spend(len(c.doc.Statements) * 16) {
		return true
	}
	for i := range c.doc.Statements {
		o := &statement{Statement: &c.doc.Statements[i], index: i}
		if !o.Denies() || o.index == c.st.index {
			continue
		}
		o.conditions = readConditions(o)
		for j := range o.conditions {
			p := &o.conditions[j]
			if p.lower == k.lower && (p.op.Family == condition.Null || p.op.IfExists) {
				return true
			}
		}
	}
	return false
}

// everyResource says whether the statement speaks of all resources.
func (s *statement) everyResource() bool {
	return s.Resource != nil && slices.Contains(s.Resource.Values(), "*")
}

// reaches says whether the statement speaks of an action, in lower case.
func (s *statement) reaches(action string) bool {
	if s.NotAction != nil {
		return !s.excepts(action)
	}
	_, _, ok := s.coversAction(action)
	return ok
}

// sourceAddress judges network limits by public address.
func (c *checker) sourceAddress() {
	s := c.st
	k := s.find("aws:sourceip")
	if k == nil || !k.opOK || k.op.Family != condition.IPAddress {
		return
	}
	exempt := s.finds("aws:viaawsservice", "aws:sourcevpc", "aws:sourcevpce", "aws:calledvia", "aws:principalisawsservice",
		"aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths", "aws:sourcevpcarn", "aws:viaawsmcpservice")
	switch {
	case exempt:
	case s.Denies() && k.op.Negated:
		c.add("RK_SOURCE_IP_BLOCKS_SERVICES", "", k.place())
	case s.allows() && !k.op.Negated && c.identity():
		c.add("RK_SOURCE_IP_ALLOW", "", k.place())
	}
}

// unsatisfiable looks for two conditions that exclude each other.
func (c *checker) unsatisfiable() {
	s := c.st
	if !c.spend(len(s.conditions) * len(s.conditions)) {
		return
	}
	for i := range s.conditions {
		for j := i + 1; j < len(s.conditions); j++ {
			a, b := &s.conditions[i], &s.conditions[j]
			if why := form.Exclude(a.test(), b.test()); a.opOK && b.opOK && why != "" {
				c.add("RK_UNSATISFIABLE_CONDITION", why, a.place(), b.place())
			}
		}
	}
}

// openToAll judges what everyone is allowed, and what nobody is left to undo.
func (c *checker) openToAll() {
	s := c.st
	if c.typ != Resource && c.typ != Trust || !s.anyone() {
		return
	}
	at := place{s.Principal.Span, s.path("Principal")}
	if s.Denies() {
		wholeService := s.Action != nil && len(s.Action.Items) == 1 && strings.HasSuffix(s.Action.Items[0].Value, "*") && strings.Trim(strings.TrimPrefix(s.Action.Items[0].Value, c.service+":"), "*") == ""
		if wholeService && s.Condition == nil && c.typ == Resource {
			c.add("RK_DENY_EVERYTHING", "", s.whole())
		}
		return
	}
	for i := range s.conditions {
		k := &s.conditions[i]
		if k.opOK && !k.negatedOrLenient() && k.op.Set != condition.ForAllValues && k.test().TiesRequest() {
			return
		}
	}
	c.add("RK_ANYONE_WEAK_CONDITION", "", at)
}

// administrator speaks of grants of everything; a boundary or service control
// policy that allows everything is their usual form.
func (c *checker) administrator() {
	s := c.st
	if !s.allows() || c.typ != Identity || s.Condition != nil || !s.everyResource() || s.Action == nil {
		return
	}
	for i, item := range s.Action.Items {
		lower := strings.ToLower(item.Value)
		if strings.Trim(lower, "*:") == "" && lower != "" || lower == "iam:*" {
			c.add("RK_ADMINISTRATOR", fmt.Sprintf("%s on every resource is administrator access", item.Value), s.at("Action", s.Action, i))
			return
		}
	}
}

// existingCompute speaks of statements that hand over whole compute services: who may
// change the code, the user data or the stack of another acts with its role, and
// needs no iam:PassRole for it. One service alone is the usual form of full access to
// it, so two are asked for.
func (c *checker) existingCompute() {
	s := c.st
	if !s.allows() || c.typ != Identity || s.Condition != nil || !s.everyResource() || s.Action == nil {
		return
	}
	var at []place
	var services []string
	for i, item := range s.Action.Items {
		service, rest, _ := strings.Cut(strings.ToLower(item.Value), ":")
		if rest == "*" && known.RunsWithRoles(service) && !slices.Contains(services, service) {
			services, at = append(services, service), append(at, s.at("Action", s.Action, i))
		}
	}
	if len(services) > 1 {
		c.add("RK_EXISTING_ROLES", strings.Join(services, ", ")+" run what the caller gives them with roles that are there already", at...)
	}
}
