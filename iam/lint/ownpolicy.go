package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/lint/form"
	"github.com/rootkeep/rootkeep/iam/lint/glob"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// shadowed looks for Allow statements that a Deny without condition always beats.
func (c *checker) shadowed() {
	for i := range c.doc.Statements {
		allow := &statement{Statement: &c.doc.Statements[i], index: i}
		if !allow.allows() || allow.Action == nil || allow.Resource == nil && c.typ != Trust {
			continue
		}
		for j := range c.doc.Statements {
			deny := &statement{Statement: &c.doc.Statements[j], index: j}
			if c.beats(deny, allow) {
				c.add("RK_ALLOW_SHADOWED_BY_DENY", fmt.Sprintf("statement %d denies all that statement %d allows", j+1, i+1), allow.whole(), deny.whole())
				break
			}
		}
	}
}

func (c *checker) beats(deny, allow *statement) bool {
	if !deny.Denies() || deny.Condition != nil || deny.Action == nil || deny.NotPrincipal != nil {
		return false
	}
	if deny.Principal != nil && !deny.anyone() || !c.spend(len(deny.Action.Items)*len(allow.Action.Items)) {
		return false
	}
	return coveredBy(allow.Action, deny.Action, true) && (allow.Resource == nil || deny.Resource != nil && coveredBy(allow.Resource, deny.Resource, false))
}

// coveredBy says whether every entry of narrow is covered by one of wide.
func coveredBy(narrow, wide *policy.Texts, lower bool) bool {
	both := glob.Compile(append(wide.Values(), narrow.Values()...), lower)
	all := both[:len(wide.Items)]
	for _, n := range both[len(wide.Items):] {
		if !slices.ContainsFunc(all, func(w glob.Entry) bool { return w.Covers(&n) }) {
			return false
		}
	}
	return len(narrow.Items) > 0
}

// externalID judges who else may come with a trusted account.
func (c *checker) externalID() {
	s := c.st
	if k := s.find("sts:externalid"); k != nil {
		for i, item := range k.key.Values.Items {
			if form.Guessable(item.Value) && !jsonMarker(item.Value) && !strings.Contains(item.Value, "${") {
				c.add("RK_EXTERNAL_ID_GUESSABLE", fmt.Sprintf("the external id %q can be guessed", item.Value), k.valueAt(i))
			}
		}
		return
	}
	if _, _, ok := s.coversAction(assumeRole); !ok || s.finds("aws:principalorgid", "aws:principalorgpaths", "aws:principalarn", "aws:principalaccount") {
		return
	}
	at := place{}
	if s.Principal != nil {
		at = place{s.Principal.Span, s.path("Principal")}
	}
	account, ok := s.named(policy.PrincipalAWS, form.WholeAccount)
	if ok && !s.finds(mfaPresent, mfaAge, "aws:principaltype", "sts:sourceidentity", "sts:rolesessionname", "aws:sourceip", "aws:username") {
		c.add("RK_EXTERNAL_ID_MISSING", fmt.Sprintf("anyone in %s whom it allows may assume the role, for whomever it serves", account), at)
		return
	}
	role, ok := s.named(policy.PrincipalAWS, func(v string) bool {
		return strings.Contains(v, ":role/") && !strings.Contains(v, ":role/aws-reserved/")
	})
	if ok {
		c.add("RK_ROLE_WITHOUT_ORGANIZATION", fmt.Sprintf("nothing says that %s is of your organization", role), at)
	}
}

// scp judges a guardrail's exceptions and what it protects.
func (c *checker) scp() {
	s := c.st
	if !s.Denies() {
		return
	}
	for i := range s.conditions {
		k := &s.conditions[i]
		if k.lower != "aws:principalarn" || !k.opOK || k.op.Family == condition.Null {
			continue
		}
		for j, item := range k.key.Values.Items {
			root := strings.HasSuffix(item.Value, ":root")
			switch {
			case root && !k.op.Negated && !s.finds("aws:assumedroot"):
				c.add("RK_SCP_ROOT_CENTRAL", "", k.valueAt(j))
			case !root && k.op.Negated && c.unprotected(item.Value):
				c.add("RK_SCP_EXEMPTION_UNPROTECTED", fmt.Sprintf("nothing in this policy keeps others from making or changing %q", item.Value), k.valueAt(j))
			}
		}
	}
}

// unprotected says whether no statement denies making and changing the roles that a
// pattern names. AWS itself protects the roles of Identity Center and service-linked
// roles.
func (c *checker) unprotected(arn string) bool {
	if !strings.Contains(arn, ":role/") || strings.Contains(arn, ":role/aws-reserved/") || strings.Contains(arn, ":role/aws-service-role/") {
		return false
	}
	if !c.spend(len(c.doc.Statements) * 16) {
		return false
	}
	for _, action := range []string{"iam:createrole", "iam:updateassumerolepolicy"} {
		found := false
		for i := range c.doc.Statements {
			o := &statement{Statement: &c.doc.Statements[i], index: i}
			if o.Denies() && o.reaches(action) && o.Resource != nil && slices.ContainsFunc(o.Resource.Values(), func(r string) bool { return glob.Meets(r, arn) }) {
				found = true
			}
		}
		if !found {
			return true
		}
	}
	return false
}

// selfProtection judges a Deny that keeps a role from being deleted: whoever may
// change its policies or its trust has it all the same.
func (c *checker) selfProtection() {
	for i := range c.doc.Statements {
		s := &statement{Statement: &c.doc.Statements[i], index: i}
		if !s.Denies() || s.Action == nil || s.Resource == nil || !onlyRoles(s.Resource.Values()) || !s.reaches("iam:deleterole") {
			continue
		}
		var missing []string
		for _, action := range []string{"iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"} {
			if !c.denied(strings.ToLower(action), s.Resource) {
				missing = append(missing, action)
			}
		}
		if len(missing) > 0 {
			c.add("RK_SELF_PROTECTION_GAP", "the roles are kept from deletion, but not from "+strings.Join(missing, ", "), s.whole())
		}
	}
}

func onlyRoles(resources []string) bool {
	for _, r := range resources {
		if !strings.Contains(r, ":role/") || strings.HasSuffix(r, ":role/*") {
			return false
		}
	}
	return len(resources) > 0
}

// denied says whether some statement denies the action on all of the resources.
func (c *checker) denied(action string, resources *policy.Texts) bool {
	for i := range c.doc.Statements {
		s := &statement{Statement: &c.doc.Statements[i], index: i}
		if s.Denies() && s.reaches(action) && s.Resource != nil && coveredBy(resources, s.Resource, false) {
			return true
		}
	}
	return false
}
