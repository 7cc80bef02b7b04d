package account

import (
	"maps"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/condition"
)

// Context is what is known of every request of the identity; what depends on the
// moment (address, MFA, time, the resource's tags) is not known. More is given by
// known, whose values win; a key without values is known to be absent.
//
// Source: IAM User Guide, "AWS global condition context keys".
func (i *Identity) Context(g Guardrails, known map[string][]string) iam.Context {
	values := i.Principal.ContextKeys()
	values["aws:AssumedRoot"] = nil // of sessions of a root user only
	values["aws:PrincipalServiceName"] = nil
	values["aws:PrincipalServiceNamesList"] = nil
	if g.Organization != "" {
		values["aws:PrincipalOrgID"] = []string{g.Organization}
	}
	if i.Principal.Kind != iam.User {
		values["aws:username"] = nil
	} else if i.ID != "" {
		values["aws:userid"] = []string{i.ID}
	}
	fixed := i.tagsFixed()
	if fixed {
		for _, t := range i.Tags {
			values["aws:PrincipalTag/"+t.Key] = []string{t.Value}
		}
	}
	maps.Copy(values, known)
	c := condition.PartialContext(values)
	if fixed {
		c = c.Close("aws:PrincipalTag/")
	}
	return c
}

// tagsFixed says whether the tags of a request are those of the identity. Whoever
// assumes a role may bring session tags, which also replace the role's own, if the
// trust policy allows sts:TagSession (IAM User Guide, "Pass session tags in AWS STS").
func (i *Identity) tagsFixed() bool {
	if i.Principal.Kind != iam.Role {
		return true
	}
	return i.Trust != nil && !i.Trust.MayAllow("sts:TagSession")
}
