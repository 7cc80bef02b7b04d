package intake

import (
	"bytes"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/internal/facts"
)

const authorizationCall = "iam:GetAccountAuthorizationDetails"

// authorization reads iam get-account-authorization-details.
func (f *file) authorization(text []byte) error {
	a, err := account.Read(bytes.NewReader(text))
	if err != nil {
		return err
	}
	if a.ID != "" { // only AWS's own policies tell of no account
		if err := f.account(a.ID); err != nil {
			return err
		}
	}
	members := map[string]int{}
	for _, u := range a.Users {
		f.intake.detailed[u.Principal.ARN] = true
		f.detail(u)
		for _, g := range u.Groups {
			members[g.Name]++
		}
	}
	s := f.snapshot
	s.Facts.Groups, s.Facts.Roles, s.Facts.Policies = []facts.Group{}, []facts.Role{}, []facts.Policy{}
	for _, g := range a.Groups {
		s.Facts.Groups = append(s.Facts.Groups, facts.Group{
			ARN: g.ARN, Name: g.Name, Members: members[g.Name], AttachedPolicies: arns(g.Attached),
			InlinePolicies: f.documents(g.Inline, "groups.inline_policies", g.ARN),
		})
	}
	uses := map[string]int{}
	for _, r := range a.Roles {
		s.Facts.Roles = append(s.Facts.Roles, f.role(r))
	}
	for _, i := range a.Identities() {
		for _, m := range i.Attached {
			uses[m.ARN]++
		}
	}
	for _, g := range a.Groups {
		for _, m := range g.Attached {
			uses[m.ARN]++
		}
	}
	for _, m := range a.Policies {
		p := facts.Policy{ARN: m.ARN, Name: m.Name(), AWS: m.AWS(), Attachments: uses[m.ARN], Document: f.document(m.Policy, "policies.document", m.ARN), Versions: []facts.Document{}}
		for _, v := range m.Versions {
			if !v.Default {
				d := f.document(v.Policy, "policies.other_versions", m.ARN)
				p.Versions = append(p.Versions, facts.Document{Name: v.ID, Text: d.Text})
			}
		}
		s.Facts.Policies = append(s.Facts.Policies, p)
	}
	f.observe(authorizationCall, "users.arn", "users.name", "users.created", "groups", "roles", "policies")
	f.observe(authorizationCall, detailPaths...)
	return nil
}

// detailPaths are the facts of users that authorization details tell and a
// credential report does not.
var detailPaths = []string{"users.groups", "users.attached_policies", "users.inline_policies", "users.boundary", "users.tags"}

func (f *file) detail(i *account.Identity) {
	u := f.user(i.Principal.ARN)
	u.Name, u.Created = i.Principal.Name, i.Created
	u.Groups = []string{}
	for _, g := range i.Groups {
		u.Groups = append(u.Groups, g.Name)
	}
	u.AttachedPolicies, u.Tags = arns(i.Attached), tags(i.Tags)
	u.InlinePolicies = f.documents(i.Inline, "users.inline_policies", u.ARN)
	if i.Boundary != nil {
		u.Boundary = i.Boundary.ARN
	}
}

func (f *file) role(i *account.Identity) facts.Role {
	r := facts.Role{
		ARN: i.Principal.ARN, Name: i.Principal.Name, Path: i.Path, Created: i.Created, LastUsed: i.LastUsed, Trust: f.document(i.Trust, "roles.trust", i.Principal.ARN),
		AttachedPolicies: arns(i.Attached), InlinePolicies: f.documents(i.Inline, "roles.inline_policies", i.Principal.ARN), Tags: tags(i.Tags),
		Profiles: append([]string{}, i.Profiles...),
	}
	if i.Boundary != nil {
		r.Boundary = i.Boundary.ARN
	}
	return r
}

func arns(list []*account.Managed) []string {
	out := make([]string, len(list))
	for i, m := range list {
		out[i] = m.ARN
	}
	return out
}

// document is a policy's text. One that could not be read leaves a gap.
func (f *file) document(p *iam.Policy, path, resource string) facts.Document {
	if p.Unread {
		f.snapshot.Gaps = append(f.snapshot.Gaps, facts.Gap{Path: path, Resource: resource, Reason: "policy " + p.Name + " could not be read from the authorization details"})
		return facts.Document{Name: p.Name}
	}
	return facts.Document{Name: p.Name, Text: string(p.Document.Compact())}
}

func (f *file) documents(list []*iam.Policy, path, resource string) []facts.Document {
	out := make([]facts.Document, len(list))
	for i, p := range list {
		out[i] = f.document(p, path, resource)
	}
	return out
}

func tags(list []account.Tag) []facts.Tag {
	out := make([]facts.Tag, len(list))
	for i, t := range list {
		out[i] = facts.Tag{Key: t.Key, Value: t.Value}
	}
	return out
}
