package permission

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
	"github.com/rootkeep/rootkeep/iam/policy"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// shipped are the techniques of privilege escalation that end at a principal of the
// account; immutable. What merely leads to somewhere else makes nobody administrator.
var shipped = sync.OnceValues(func() ([]*technique.Technique, error) {
	all, err := technique.Load(technique.Source{FS: content.Files, Dir: "escalations", Tested: true})
	return slices.DeleteFunc(all, func(t *technique.Technique) bool {
		return t.Effect == technique.Lead || t.Actor == technique.ActorOutside
	}), err
})

// UserHolds says whether a user is administrator by its own policies and those of its
// groups, inside its boundary. The account's organization takes no part.
func (a *Account) UserHolds(u *facts.User) Answer {
	if gaps := a.lacks(u.ARN, userFacts, groupFacts, documentFacts); len(gaps) > 0 {
		return without(gaps)
	}
	return a.holds(u.ARN)
}

// Locked says whether an inline policy of a user denies everything, as the change
// user-lock has it: then no credential of the user is of use. A policy that was not read,
// or cannot be, locks nobody.
func (a *Account) Locked(u *facts.User) Answer {
	for _, d := range u.InlinePolicies {
		p, err := policy.Parse([]byte(d.Text))
		if err == nil && slices.ContainsFunc(p.Statements, deniesEverything) {
			return Answer{Truth: iam.True}
		}
	}
	return Answer{Truth: iam.False}
}

func deniesEverything(s policy.Statement) bool {
	return s.Denies() && s.Condition == nil && slices.Contains(s.Action.Values(), "*") && slices.Contains(s.Resource.Values(), "*")
}

// RoleHolds is UserHolds for a role.
func (a *Account) RoleHolds(r *facts.Role) Answer {
	if gaps := a.lacks(r.ARN, roleFacts, documentFacts); len(gaps) > 0 {
		return without(gaps)
	}
	return a.holds(r.ARN)
}

// GroupHolds says whether a group alone makes its members administrator.
func (a *Account) GroupHolds(g *facts.Group) Answer {
	if gaps := a.lacks(g.ARN, groupFacts, documentFacts); len(gaps) > 0 {
		return without(gaps)
	}
	a.join()
	if a.standing[g.ARN] == nil {
		i := a.holder(a.inline(g.InlinePolicies, "group "+g.Name)...)
		i.Attached = a.attached(g.AttachedPolicies)
		a.standing[g.ARN] = standingOf(i)
	}
	return a.standing[g.ARN].Answer
}

func (a *Account) holds(arn string) Answer {
	a.join()
	if a.standing[arn] == nil {
		if i := a.holders[arn]; i != nil {
			a.standing[arn] = standingOf(i)
		} else {
			a.standing[arn] = &standing{Answer: undecided("%s is not the ARN of a user or role", one(arn))}
		}
	}
	return a.standing[arn].Answer
}

// Escalates says whether a user or role that is not administrator can become it. What
// needs something of which the snapshot does not tell, such as a function that runs
// with a role, is unknown.
func (a *Account) Escalates(arn string) Answer {
	if a.paths == nil {
		a.search()
	}
	if a.searched.Truth != iam.False {
		return a.searched
	}
	return a.paths[arn]
}

// Privileged says whether a user is administrator or can become it.
func (a *Account) Privileged(u *facts.User) Answer {
	holds := a.UserHolds(u)
	switch {
	case holds.Truth == iam.True, len(holds.Gaps) > 0:
		return holds
	case a.standing[u.ARN].conditional:
		return Answer{Truth: iam.True, Why: holds.Why} // that the condition can hold is all it takes
	}
	if path := a.Escalates(u.ARN); path.Truth != iam.False {
		return path
	}
	return holds
}

// search looks for paths of all principals.
func (a *Account) search() {
	a.paths = map[string]Answer{}
	if gaps := a.lacks("", userFacts, groupFacts, roleFacts, documentFacts, []string{"users.arn", "roles.arn", "roles.trust", "roles.instance_profiles", "policies.other_versions"}); len(gaps) > 0 {
		a.searched = without(gaps)
		return
	}
	techniques, err := shipped()
	if err != nil {
		a.searched = undecided("techniques of escalation: %s", one(err.Error()))
		return
	}
	a.join()
	// The moment of the snapshot, not of the judgement: answers of a snapshot stay.
	r, err := escalate.Search(a.known, escalate.Options{Techniques: techniques, Now: a.snapshot.Taken, Enough: escalate.Conditional})
	if err != nil {
		a.searched = undecided("paths of escalation: %s", one(err.Error()))
		return
	}
	for _, p := range r.Paths {
		a.paths[p.From] = pathAnswer(&p)
	}
	if len(r.Cut) > 0 {
		for _, arn := range r.Unreachable {
			a.paths[arn] = undecided("the search for paths is not whole: %s", strings.Join(r.Cut, "; "))
		}
	}
}

func pathAnswer(p *escalate.Path) Answer {
	steps := make([]string, len(p.Steps))
	for i, s := range p.Steps {
		steps[i] = s.Text
	}
	why := "can become administrator: " + strings.Join(steps, "; then ")
	if len(p.Steps) > 0 && p.Steps[0].Assumes != "" {
		why += " (if " + p.Steps[0].Assumes + ")"
	}
	truth := iam.Unknown
	if p.Certainty == escalate.Certain || p.Certainty == escalate.Conditional {
		truth = iam.True // a condition that can hold is a path
	} else {
		why = fmt.Sprintf("%s: %s", p.Certainty, why)
	}
	return Answer{Truth: truth, Why: one(why)}
}

// join makes the principals from the facts, once.
func (a *Account) join() {
	if a.known != nil {
		return
	}
	f := &a.snapshot.Facts
	a.known, a.holders = &account.Account{ID: a.id}, map[string]*account.Identity{}
	managed := map[string]*account.Managed{}
	for i := range f.Policies {
		p := &f.Policies[i]
		m := &account.Managed{ARN: p.ARN, Policy: a.policy(p.ARN, p.Document.Text)}
		m.Unread = !m.Policy.Readable()
		m.Versions = []account.Version{{ID: "default", Default: true, Policy: m.Policy}}
		for _, v := range p.Versions {
			m.Versions = append(m.Versions, account.Version{ID: v.Name, Policy: a.policy(p.ARN+" "+v.Name, v.Text)})
		}
		managed[p.ARN] = m
		a.known.Policies = append(a.known.Policies, m)
	}
	a.managed = managed
	groups := map[string]*account.Group{}
	for i := range f.Groups {
		g := &f.Groups[i]
		groups[g.Name] = &account.Group{ARN: g.ARN, Name: g.Name, Attached: a.attached(g.AttachedPolicies), Inline: a.inline(g.InlinePolicies, "group "+g.Name)}
		a.known.Groups = append(a.known.Groups, groups[g.Name])
	}
	for i := range f.Users {
		a.joinUser(&f.Users[i], groups)
	}
	for i := range f.Roles {
		a.joinRole(&f.Roles[i])
	}
	byARN := func(x, y *account.Identity) int { return strings.Compare(x.Principal.ARN, y.Principal.ARN) }
	slices.SortFunc(a.known.Users, byARN)
	slices.SortFunc(a.known.Roles, byARN)
}

func (a *Account) joinUser(u *facts.User, groups map[string]*account.Group) {
	p, err := iam.ParsePrincipal(u.ARN)
	if err != nil || p.Kind != iam.User || a.holders[u.ARN] != nil {
		return
	}
	i := &account.Identity{Principal: p, Path: pathOf(u.ARN), Created: u.Created, Tags: tags(u.Tags), Attached: a.attached(u.AttachedPolicies), Inline: a.inline(u.InlinePolicies, "user "+u.Name)}
	if len(a.lacks(u.ARN, userFacts)) > 0 {
		i.Inline = append(i.Inline, iam.Unread("of "+u.ARN, iam.Identity)) // whatever it is
	}
	for _, name := range u.Groups {
		g := groups[name]
		if g == nil {
			g = &account.Group{Name: name, Inline: []*iam.Policy{iam.Unread("group "+name, iam.Identity)}}
			groups[name] = g
		}
		i.Groups = append(i.Groups, g)
	}
	i.Boundary = a.boundary(u.Boundary)
	a.known.Users, a.holders[u.ARN] = append(a.known.Users, i), i
}

func (a *Account) joinRole(r *facts.Role) {
	p, err := iam.ParsePrincipal(r.ARN)
	if err != nil || p.Kind != iam.Role || a.holders[r.ARN] != nil {
		return
	}
	i := &account.Identity{
		Principal: p, Path: pathOf(r.ARN), Created: r.Created, LastUsed: r.LastUsed, Tags: tags(r.Tags), Attached: a.attached(r.AttachedPolicies),
		Inline: a.inline(r.InlinePolicies, "role "+r.Name), Boundary: a.boundary(r.Boundary), Profiles: r.Profiles, Trust: a.trustPolicy(r),
	}
	a.known.Roles, a.holders[r.ARN] = append(a.known.Roles, i), i
}

// pathOf is the path in the ARN of a user or role, such as /aws-service-role/x/.
func pathOf(arn string) string {
	_, rest, _ := strings.Cut(arn, "/")
	return "/" + rest[:strings.LastIndexByte(rest, '/')+1]
}

func tags(list []facts.Tag) []account.Tag {
	out := make([]account.Tag, len(list))
	for i, t := range list {
		out[i] = account.Tag(t)
	}
	return out
}

func (a *Account) inline(list []facts.Document, of string) []*iam.Policy {
	out := make([]*iam.Policy, len(list))
	for i, d := range list {
		out[i] = a.policy(d.Name+" of "+of, d.Text)
	}
	return out
}

func (a *Account) attached(arns []string) []*account.Managed {
	out := make([]*account.Managed, len(arns))
	for i, arn := range arns {
		if a.managed[arn] == nil {
			a.managed[arn] = &account.Managed{ARN: arn, Policy: iam.Unread(arn, iam.Identity), Unread: true}
		}
		out[i] = a.managed[arn]
	}
	return out
}

func (a *Account) boundary(arn string) *account.Managed {
	if arn == "" {
		return nil
	}
	return a.attached([]string{arn})[0]
}

// policy is a document of an identity under a name. One that cannot be judged stands as
// one that may say anything.
func (a *Account) policy(name, text string) *iam.Policy {
	key := facts.Document{Name: name, Text: text}
	p, ok := a.policies[key]
	if ok {
		return p
	}
	d := a.document(name, text)
	p, err := d.policy, d.err
	if err == nil {
		err = p.Fits(iam.Identity)
	}
	switch {
	case err == nil && p.Name != name:
		p = p.Named(name)
	case err != nil:
		p = iam.Unread(name, iam.Identity)
	}
	a.policies[key] = p
	return p
}
