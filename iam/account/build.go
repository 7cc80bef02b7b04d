package account

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
)

// builder collects the parts of a dump, whatever their order, and joins them.
type builder struct {
	account *Account
	any     bool
	texts   map[string]*iam.Policy // by name and text: many roles carry the same
	managed map[string]*Managed
	groups  map[groupKey]*Group
	owners  map[rootkeep.AccountID]int // principals of each account
	users   []userDetail
	roles   []roleDetail
	circles []groupDetail
}

// groupKey is what a group is known by: of its members a dump gives the name alone.
type groupKey struct {
	name    string
	account rootkeep.AccountID
}

func (b *builder) user(u userDetail)   { b.users = append(b.users, u) }
func (b *builder) role(r roleDetail)   { b.roles = append(b.roles, r) }
func (b *builder) group(g groupDetail) { b.circles = append(b.circles, g) }

func (b *builder) problem(where, format string, args ...any) {
	b.account.Problems = append(b.account.Problems, Problem{where, fmt.Sprintf(format, args...)})
}

func (b *builder) policy(p policyDetail) {
	m := &Managed{ARN: p.Arn}
	for _, v := range p.PolicyVersionList {
		standard := v.IsDefaultVersion || v.VersionId == p.DefaultVersionId && v.VersionId != ""
		if len(v.Document) == 0 {
			continue
		}
		policy := b.compile(p.Arn, p.Arn+" "+v.VersionId, iam.Identity, v.Document)
		m.Versions = append(m.Versions, Version{v.VersionId, standard, policy})
		if standard {
			m.Policy = policy
		}
	}
	if m.Policy == nil {
		b.unread(m, "the text of its default version is not in the dump")
	}
	if b.managed[m.ARN] == nil {
		b.account.Policies = append(b.account.Policies, m)
		b.managed[m.ARN] = m
	}
}

func (b *builder) unread(m *Managed, reason string) {
	m.Policy, m.Unread = iam.Unread(m.ARN, iam.Identity), true
	b.problem(m.ARN, "%s: answers about its principals are conditional", reason)
}

// compile reads one policy; one that is no policy is a problem and stands as unread.
func (b *builder) compile(name, where string, layer iam.Layer, text document) *iam.Policy {
	key := name + "\x00" + string(text)
	if p, ok := b.texts[key]; ok {
		return p
	}
	p, err := iam.Parse(name, text)
	if err == nil {
		_, err = iam.NewSet(inLayer(layer, p))
	}
	if err != nil {
		b.problem(where, "not a policy: %v", err)
		p = iam.Unread(name, layer)
	}
	b.texts[key] = p
	return p
}

func inLayer(l iam.Layer, p *iam.Policy) iam.Policies {
	if l == iam.Resource {
		return iam.Policies{Resource: []*iam.Policy{p}}
	}
	return iam.Policies{Identity: []*iam.Policy{p}}
}

// attached finds a managed policy, or makes one that is not read.
func (b *builder) attached(arn string) *Managed {
	m, ok := b.managed[arn]
	if !ok {
		m = &Managed{ARN: arn}
		b.unread(m, "attached, but its text is not in the dump; hint: get-account-authorization-details without --filter")
		b.managed[arn] = m
		b.account.Policies = append(b.account.Policies, m)
	}
	return m
}

func (b *builder) allAttached(list []attachedPolicy) []*Managed {
	var out []*Managed
	for _, a := range list {
		out = append(out, b.attached(a.PolicyArn))
	}
	return out
}

func (b *builder) allInline(owner string, list []inlinePolicy) []*iam.Policy {
	var out []*iam.Policy
	for _, p := range list {
		name := p.PolicyName + " of " + owner
		out = append(out, b.compile(name, name, iam.Identity, p.PolicyDocument))
	}
	return out
}

func (b *builder) boundary(p boundary) *Managed {
	if p.PermissionsBoundaryArn == "" {
		return nil
	}
	return b.attached(p.PermissionsBoundaryArn)
}

// finish joins what was read. The error names an ARN that is none.
func (b *builder) finish() (*Account, error) {
	for _, g := range b.circles {
		key := groupKey{g.GroupName, ""}
		if arn, err := rootkeep.ParseARN(g.Arn); err == nil {
			key.account = arn.Account
		}
		if b.groups[key] != nil {
			continue
		}
		out := &Group{ARN: g.Arn, Name: g.GroupName, Attached: b.allAttached(g.AttachedManagedPolicies), Inline: b.allInline("group "+g.GroupName, g.GroupPolicyList)}
		b.groups[key] = out
		b.account.Groups = append(b.account.Groups, out)
	}
	seen := map[string]bool{}
	for i := range b.users {
		if err := b.addUser(&b.users[i], seen); err != nil {
			return nil, err
		}
	}
	for i := range b.roles {
		if err := b.addRole(&b.roles[i], seen); err != nil {
			return nil, err
		}
	}
	a := b.account
	a.ID = b.owner()
	byARN := func(x, y *Identity) int { return strings.Compare(x.Principal.ARN, y.Principal.ARN) }
	slices.SortFunc(a.Users, byARN)
	slices.SortFunc(a.Roles, byARN)
	slices.SortFunc(a.Groups, func(x, y *Group) int { return strings.Compare(x.ARN, y.ARN) })
	slices.SortFunc(a.Policies, func(x, y *Managed) int { return strings.Compare(x.ARN, y.ARN) })
	return a, nil
}

func (b *builder) principal(arn string, want iam.PrincipalKind, seen map[string]bool) (p iam.Principal, again bool, err error) {
	if seen[arn] {
		return p, true, nil
	}
	seen[arn] = true
	p, err = iam.ParsePrincipal(arn)
	switch {
	case err != nil:
		return p, false, err
	case p.Kind != want:
		return p, false, fmt.Errorf("%q is a %s, want a %s", arn, p.Kind, want)
	}
	b.owners[p.Account]++
	return p, false, nil
}

// owner is the account of most principals; a dump of one account has no others.
func (b *builder) owner() (id rootkeep.AccountID) {
	ids := slices.Sorted(maps.Keys(b.owners))
	for _, other := range ids {
		if b.owners[other] > b.owners[id] {
			id = other
		}
	}
	for _, other := range ids {
		if other != id {
			b.problem(string(other), "the dump has principals of this account beside those of %s", id)
		}
	}
	return id
}

func (b *builder) addUser(u *userDetail, seen map[string]bool) error {
	p, again, err := b.principal(u.Arn, iam.User, seen)
	if err != nil || again {
		return err
	}
	i := &Identity{
		Principal: p, ID: u.UserId, Path: u.Path, Created: u.CreateDate.Time, Tags: u.Tags,
		Attached: b.allAttached(u.AttachedManagedPolicies), Inline: b.allInline("user "+u.UserName, u.UserPolicyList), Boundary: b.boundary(u.PermissionsBoundary),
	}
	for _, name := range u.GroupList {
		key := groupKey{name, p.Account}
		g, ok := b.groups[key]
		if !ok {
			g = &Group{Name: name, Inline: []*iam.Policy{iam.Unread("group "+name, iam.Identity)}}
			b.groups[key] = g
			b.problem("group "+name, "has members, but is not in the dump: answers about them are conditional")
		}
		i.Groups = append(i.Groups, g)
	}
	b.account.Users = append(b.account.Users, i)
	return nil
}

func (b *builder) addRole(r *roleDetail, seen map[string]bool) error {
	p, again, err := b.principal(r.Arn, iam.Role, seen)
	if err != nil || again {
		return err
	}
	i := &Identity{
		Principal: p, ID: r.RoleId, Path: r.Path, Created: r.CreateDate.Time, Tags: r.Tags, LastUsed: r.RoleLastUsed.LastUsedDate.Time,
		Attached: b.allAttached(r.AttachedManagedPolicies), Inline: b.allInline("role "+r.RoleName, r.RolePolicyList), Boundary: b.boundary(r.PermissionsBoundary),
	}
	i.Trust = b.compile("trust policy of role "+r.RoleName, r.Arn, iam.Resource, r.AssumeRolePolicyDocument)
	for _, profile := range r.InstanceProfileList {
		i.Profiles = append(i.Profiles, profile.Arn)
	}
	b.account.Roles = append(b.account.Roles, i)
	return nil
}
