package lint

import (
	"fmt"
	"slices"
	"strconv"
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
			if why := exclude(a, b); why != "" {
				c.add("RK_UNSATISFIABLE_CONDITION", why, a.place(), b.place())
			}
		}
	}
}

// exclude says why two conditions cannot hold together, or nothing.
func exclude(a, b *cond) string {
	if !a.opOK || !b.opOK {
		return ""
	}
	for _, p := range [][2]*cond{{a, b}, {b, a}} {
		x, y := p[0], p[1]
		absent := x.op.Family == condition.Null && x.one("true")
		mfaOff := x.lower == mfaPresent && x.op.Family == condition.Bool && x.one("false")
		switch {
		case absent && x.lower == y.lower && y.op.Family != condition.Null && !y.negatedOrLenient() && y.op.Set != condition.ForAllValues:
			return fmt.Sprintf("%s is to be absent and to have a value", x.name())
		case mfaOff && y.lower == mfaAge && y.op.Family != condition.Null && !y.negatedOrLenient():
			return "aws:MultiFactorAuthAge exists only where aws:MultiFactorAuthPresent is true"
		case x.lower == y.lower && before(x, y):
			return fmt.Sprintf("the bounds of %s leave nothing between them", x.name())
		case x.lower == y.lower && oneOf(x) && !y.op.IfExists && noneOf(y) && subset(x, y):
			return fmt.Sprintf("%s is to be and not to be the same value", x.name())
		}
	}
	return ""
}

func (k *cond) one(value string) bool {
	return len(k.key.Values.Items) == 1 && strings.EqualFold(k.key.Values.Items[0].Value, value)
}

func oneOf(k *cond) bool {
	return k.op.Family == condition.StringEquals && !k.op.Negated && k.op.Set == condition.Single && !k.op.IfExists
}

func noneOf(k *cond) bool {
	return k.op.Family == condition.StringEquals && k.op.Negated && k.op.Set == condition.Single
}

func subset(x, y *cond) bool {
	all := y.key.Values.Values()
	for _, v := range x.key.Values.Values() {
		if !slices.Contains(all, v) || strings.Contains(v, "${") {
			return false
		}
	}
	return len(x.key.Values.Items) > 0
}

// before says whether x is a lower bound that lies at or above the upper bound y.
func before(x, y *cond) bool {
	lowest, ok := bound(x, condition.NumericGreater, condition.NumericGreaterEquals, condition.DateGreater, condition.DateGreaterEquals)
	highest, ok2 := bound(y, condition.NumericLess, condition.NumericLessEquals, condition.DateLess, condition.DateLessEquals)
	if !ok || !ok2 || x.op.IfExists || y.op.IfExists {
		return false
	}
	inclusive := (x.op.Family == condition.NumericGreaterEquals || x.op.Family == condition.DateGreaterEquals) &&
		(y.op.Family == condition.NumericLessEquals || y.op.Family == condition.DateLessEquals)
	return lowest > highest || lowest == highest && !inclusive
}

// bound is the number or time of a comparison with a single value.
func bound(k *cond, families ...condition.Family) (float64, bool) {
	if !slices.Contains(families, k.op.Family) || len(k.key.Values.Items) != 1 {
		return 0, false
	}
	text := k.key.Values.Items[0].Value
	if k.op.Family <= condition.NumericGreaterEquals {
		n, err := strconv.ParseFloat(text, 64)
		return n, err == nil
	}
	when, ok := form.Date(text)
	return float64(when.Unix()), ok
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
		if k.opOK && !k.negatedOrLenient() && k.op.Set != condition.ForAllValues && tiesRequest(k) {
			return
		}
	}
	c.add("RK_ANYONE_WEAK_CONDITION", "", at)
}

// tiesRequest says whether a key, compared with a value that is not just a
// wildcard, says who may ask.
func tiesRequest(k *cond) bool {
	if k.op.Family == condition.Null {
		return false
	}
	for _, item := range k.key.Values.Items {
		if strings.Trim(item.Value, "*") == "" || item.Value == "0.0.0.0/0" || item.Value == "::/0" {
			return false
		}
	}
	return known.TiesRequest(k.lower)
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

// placeholders looks for example accounts in resources and conditions.
func (c *checker) placeholders() {
	if list, name := c.st.resources(); list != nil {
		for i, item := range list.Items {
			if p, ok := condition.SplitARN(item.Value); ok {
				c.placeholderAccount(p[4], c.st.at(name, list, i))
			}
		}
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

// placeholderAccount knows the accounts that AWS's documentation uses.
func (c *checker) placeholderAccount(account string, at place) {
	if known.ExampleAccount(account) {
		c.add("RK_PLACEHOLDER_ACCOUNT", fmt.Sprintf("%s is an example account", account), at)
	}
}
