// Package account reads what AWS says of the principals of one account: the JSON of
// `aws iam get-account-authorization-details` goes in, users, roles, groups and
// managed policies come out, each policy compiled once however many carry it. With
// the guardrails of the organization they give the iam.Policies and the iam.Context
// of every principal, which is what questions about an account are asked of.
//
// What a dump does not hold, such as the text of an attached policy that was
// filtered out, becomes an iam.Unread policy and a Problem: answers about its
// principals are then conditional, never a plain yes or no that rests on it.
//
// Source: IAM API Reference, GetAccountAuthorizationDetails.
package account

import (
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
)

// Account is one AWS account. Everything in it is sorted by ARN and must not be
// changed.
type Account struct {
	ID       rootkeep.AccountID // "" if there is no principal
	Users    []*Identity
	Roles    []*Identity
	Groups   []*Group
	Policies []*Managed
	Problems []Problem // what could not be read
}

// Identity is a user or a role, told apart by Principal.Kind: iam.User, iam.Role.
type Identity struct {
	Principal iam.Principal
	ID        string // unique ID, AIDA... or AROA...; "" if not known
	Path      string // begins and ends with a slash
	Created   time.Time
	Tags      []Tag
	Attached  []*Managed
	Inline    []*iam.Policy
	Groups    []*Group // of a user
	Boundary  *Managed // nil: none
	// Trust is a role's trust policy; nil for a user.
	Trust    *iam.Policy
	Profiles []string  // ARNs of the instance profiles that hold a role
	LastUsed time.Time // of a role; zero: never in the time that AWS keeps, or not told
}

// Tag is one tag of a user or role.
type Tag struct{ Key, Value string }

// Group is a group of users.
type Group struct {
	ARN      string
	Name     string
	Attached []*Managed
	Inline   []*iam.Policy
}

// Managed is a managed policy in its default version.
type Managed struct {
	ARN    string
	Policy *iam.Policy // the default version; iam.Unread if its text is not there
	// Versions are all versions whose text is known, the default one included.
	Versions []Version
	Unread   bool // Policy stands for a text that is not there
}

// Version is one version of a managed policy.
type Version struct {
	ID      string // v1, v2, ...
	Default bool
	Policy  *iam.Policy
}

// Name is the policy's name, without its path.
func (m *Managed) Name() string { return m.ARN[strings.LastIndexAny(m.ARN, "/:")+1:] }

// AWS says whether the policy is one of AWS's own, which no account can change.
func (m *Managed) AWS() bool {
	a, err := rootkeep.ParseARN(m.ARN)
	return err == nil && a.Account == "aws"
}

// Problem is a part of the input that could not be read.
type Problem struct {
	Where  string // what it is about, such as a policy's ARN
	Reason string
}

// String is where and reason.
func (p Problem) String() string { return fmt.Sprintf("%s: %s", p.Where, p.Reason) }

// Identities are the users and then the roles.
func (a *Account) Identities() []*Identity {
	return append(append(make([]*Identity, 0, len(a.Users)+len(a.Roles)), a.Users...), a.Roles...)
}

// Find returns the user or role with an ARN.
func (a *Account) Find(arn string) (*Identity, bool) {
	for _, i := range a.Identities() {
		if i.Principal.ARN == arn {
			return i, true
		}
	}
	return nil, false
}

// Grants are the identity policies: attached, inline, and those of the groups. The
// list is not nil, so that an identity without policies is denied for want of one.
func (i *Identity) Grants() []*iam.Policy {
	out := make([]*iam.Policy, 0, len(i.Attached)+len(i.Inline))
	for _, m := range i.Attached {
		out = append(out, m.Policy)
	}
	out = append(out, i.Inline...)
	for _, g := range i.Groups {
		for _, m := range g.Attached {
			out = append(out, m.Policy)
		}
		out = append(out, g.Inline...)
	}
	return out
}

// Guardrails are what the organization sets around an account. The zero value is an
// account of which no organization is known.
type Guardrails struct {
	SCPs, RCPs   [][]*iam.Policy // one list per level, from the root down
	Organization string          // o-..., "" if not known
	Management   rootkeep.AccountID
}

// Policies are the policies that limit or allow what the identity does, without
// those of resources.
func (i *Identity) Policies(g Guardrails) iam.Policies {
	p := iam.Policies{Identity: i.Grants(), SCPs: g.SCPs, RCPs: g.RCPs}
	if i.Boundary != nil {
		p.Boundary = []*iam.Policy{i.Boundary.Policy}
	}
	return p
}

// Facts are the settings that the guardrails bring to a request.
func (g Guardrails) Facts() iam.Facts { return iam.Facts{ManagementAccount: g.Management} }
