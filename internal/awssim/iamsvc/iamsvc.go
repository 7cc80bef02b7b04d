// Package iamsvc is the simulated AWS Identity and Access Management: users, groups,
// roles, managed policies, credentials of users and root, the credential report, and
// centralized root access.
//
// Source: IAM API Reference, version 2010-05-08.
package iamsvc

import (
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

// Service lists the operations.
func Service() *cloud.Service {
	s := &cloud.Service{Name: "iam", Version: "2010-05-08", Protocol: cloud.Query, Global: true, Codes: cloud.Codes{Token: "InvalidInput"}}
	for _, list := range [][]*cloud.Operation{userOperations(), credentialOperations(), groupOperations(), roleOperations(), policyOperations(), attachOperations(), accountOperations()} {
		s.Operations = append(s.Operations, list...)
	}
	return s
}

// paged and page are how IAM cuts lists.
type paged struct {
	Marker   string
	MaxItems int
}

type page struct {
	IsTruncated bool
	Marker      string
}

func cut[T any](c *cloud.Call, p paged, all []T) ([]T, page, error) {
	part, next, err := cloud.Page(c, all, p.Marker, p.MaxItems, 100, 1000)
	return part, page{next != "", next}, err
}

func missing(kind, name string) error {
	return cloud.Fail("NoSuchEntity", 404, "The %s with name %s cannot be found.", kind, name)
}

func exists(kind, name string) error {
	return cloud.Fail("EntityAlreadyExists", 409, "%s with name %s already exists.", kind, name)
}

func conflict(format string, args ...any) error {
	return cloud.Fail("DeleteConflict", 409, format, args...)
}

// checkName refuses what IAM does not take as a name.
func checkName(c *cloud.Call, what, name string, limit int) error {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("+=,.@_-", r) {
			return c.Invalid("The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", what)
		}
	}
	if len(name) > limit {
		return c.Invalid("The specified value for %s is longer than %d", what, limit)
	}
	return nil
}

// checkPath fills in and checks a path.
func checkPath(c *cloud.Call, path *string) error {
	if *path == "" {
		*path = "/"
	}
	if !strings.HasPrefix(*path, "/") || !strings.HasSuffix(*path, "/") || len(*path) > 512 || strings.ContainsAny(*path, " \t\n") {
		return c.Invalid("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return nil
}

// onUser is the input of an operation on one user.
type onUser struct {
	UserName string `aws:",must"`
}

// On is the user's ARN.
func (o *onUser) On(c *cloud.Call) cloud.Resource { return userResource(c, o.UserName) }

func userResource(c *cloud.Call, name string) cloud.Resource {
	if u := c.Account.Users[name]; u != nil {
		return cloud.Resource{ARN: u.ARN, Tags: u.Tags}
	}
	return cloud.Resource{ARN: c.Account.IAM("user/" + name)}
}

func (o *onUser) user(c *cloud.Call) (*cloud.User, error) {
	u := c.Account.Users[o.UserName]
	if u == nil {
		return nil, missing("user", o.UserName)
	}
	return u, nil
}

// onRole is the input of an operation on one role.
type onRole struct {
	RoleName string `aws:",must"`
}

// On is the role's ARN.
func (o *onRole) On(c *cloud.Call) cloud.Resource {
	if r := c.Account.Roles[o.RoleName]; r != nil {
		return cloud.Resource{ARN: r.ARN, Tags: r.Tags}
	}
	return cloud.Resource{ARN: c.Account.IAM("role/" + o.RoleName)}
}

func (o *onRole) role(c *cloud.Call) (*cloud.Role, error) {
	r := c.Account.Roles[o.RoleName]
	if r == nil {
		return nil, missing("role", o.RoleName)
	}
	return r, nil
}

// onGroup is the input of an operation on one group.
type onGroup struct {
	GroupName string `aws:",must"`
}

// On is the group's ARN.
func (o *onGroup) On(c *cloud.Call) cloud.Resource {
	if g := c.Account.Groups[o.GroupName]; g != nil {
		return cloud.Resource{ARN: g.ARN}
	}
	return cloud.Resource{ARN: c.Account.IAM("group/" + o.GroupName)}
}

func (o *onGroup) group(c *cloud.Call) (*cloud.Group, error) {
	g := c.Account.Groups[o.GroupName]
	if g == nil {
		return nil, missing("group", o.GroupName)
	}
	return g, nil
}

// onPolicy is the input of an operation on one managed policy.
type onPolicy struct {
	PolicyArn string `aws:",must"`
}

// On is the policy's ARN.
func (o *onPolicy) On(c *cloud.Call) cloud.Resource {
	r := cloud.Resource{ARN: o.PolicyArn}
	if p := c.Account.Find(o.PolicyArn); p != nil {
		r.Tags = p.Tags
	}
	return r
}

func (o *onPolicy) policy(c *cloud.Call) (*cloud.Policy, error) {
	p := c.Account.Find(o.PolicyArn)
	if p == nil {
		return nil, cloud.Fail("NoSuchEntity", 404, "Policy %s does not exist or is not attachable.", o.PolicyArn)
	}
	return p, nil
}

// own is like policy, but refuses those of AWS.
func (o *onPolicy) own(c *cloud.Call) (*cloud.Policy, error) {
	p, err := o.policy(c)
	if err == nil && p.AWS() {
		return nil, cloud.Fail("AccessDenied", 403, "Policy %s is managed by AWS and cannot be changed.", o.PolicyArn)
	}
	return p, err
}

// underPath is the input of an operation that lists what lies under a path.
type underPath struct {
	PathPrefix string
	paged
}

func (u underPath) has(path string) bool { return strings.HasPrefix(path, u.PathPrefix) }

// Shapes that several answers have.
type (
	boundaryShape struct{ PermissionsBoundaryType, PermissionsBoundaryArn string }
	attachedShape struct{ PolicyName, PolicyArn string }
	userShape     struct {
		Path, UserName, UserId, Arn  string
		CreateDate, PasswordLastUsed time.Time
		PermissionsBoundary          *boundaryShape
		Tags                         []cloud.Tag `aws:",omit"`
	}
	groupShape struct {
		Path, GroupName, GroupId, Arn string
		CreateDate                    time.Time
	}
	roleShape struct {
		Path, RoleName, RoleId, Arn string
		CreateDate                  time.Time
		AssumeRolePolicyDocument    wire.Encoded
		Description                 string
		MaxSessionDuration          int
		PermissionsBoundary         *boundaryShape
		Tags                        []cloud.Tag    `aws:",omit"`
		RoleLastUsed                *lastUsedShape // of GetRole alone
	}
	lastUsedShape struct {
		LastUsedDate time.Time
		Region       string
	}
	profileShape struct {
		Path, InstanceProfileName, InstanceProfileId, Arn string
		CreateDate                                        time.Time
		Roles                                             []roleShape
	}
)

func boundaryOf(h *cloud.Holder) *boundaryShape {
	if h.Boundary == "" {
		return nil
	}
	return &boundaryShape{"Policy", h.Boundary}
}

func showUser(u *cloud.User) userShape {
	return userShape{Path: u.Path, UserName: u.Name, UserId: u.ID, Arn: u.ARN, CreateDate: u.Created, PasswordLastUsed: u.Password.Used}
}

func showGroup(g *cloud.Group) groupShape {
	return groupShape{g.Path, g.Name, g.ID, g.ARN, g.Created}
}

func showRole(r *cloud.Role) roleShape {
	return roleShape{
		Path: r.Path, RoleName: r.Name, RoleId: r.ID, Arn: r.ARN, CreateDate: r.Created, AssumeRolePolicyDocument: wire.Encoded(r.Trust),
		Description: r.Description, MaxSessionDuration: r.MaxSession,
	}
}

func lastUsed(r *cloud.Role) *lastUsedShape { return &lastUsedShape{r.LastUsed, r.LastRegion} }

func showProfile(c *cloud.Call, p *cloud.Profile) profileShape {
	out := profileShape{Path: p.Path, InstanceProfileName: p.Name, InstanceProfileId: p.ID, Arn: p.ARN, CreateDate: p.Created}
	for _, name := range p.Roles {
		if r := c.Account.Roles[name]; r != nil {
			out.Roles = append(out.Roles, showRole(r))
		}
	}
	return out
}

func showAttached(c *cloud.Call, arns []string) []attachedShape {
	var out []attachedShape
	for _, arn := range arns {
		if p := c.Account.Find(arn); p != nil {
			out = append(out, attachedShape{p.Name, arn})
		}
	}
	return out
}
