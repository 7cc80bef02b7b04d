// Package entity is what the operations of IAM on users, roles, groups and policies
// share: the parts of their inputs that say what they are about, the shapes of answers,
// pages and errors.
package entity

import (
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

// Paged and Page are how IAM cuts lists.
type Paged struct {
	Marker   string
	MaxItems int
}

type Page struct {
	IsTruncated bool
	Marker      string
}

func Cut[T any](c *cloud.Call, p Paged, all []T) ([]T, Page, error) {
	part, next, err := cloud.Page(c, all, p.Marker, p.MaxItems, 100, 1000)
	return part, Page{next != "", next}, err
}

func Missing(kind, name string) error {
	return cloud.Fail("NoSuchEntity", 404, "The %s with name %s cannot be found.", kind, name)
}

func Exists(kind, name string) error {
	return cloud.Fail("EntityAlreadyExists", 409, "%s with name %s already Exists.", kind, name)
}

func Conflict(format string, args ...any) error {
	return cloud.Fail("DeleteConflict", 409, format, args...)
}

// CheckStatus refuses what is no status of a credential.
func CheckStatus(c *cloud.Call, status string) error {
	if status != "Active" && status != "Inactive" {
		return c.Invalid("Status must be Active or Inactive")
	}
	return nil
}

// CheckName refuses what IAM does not take as a name.
func CheckName(c *cloud.Call, what, name string, limit int) error {
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

// CheckPath fills in and checks a path.
func CheckPath(c *cloud.Call, path *string) error {
	if *path == "" {
		*path = "/"
	}
	if !strings.HasPrefix(*path, "/") || !strings.HasSuffix(*path, "/") || len(*path) > 512 || strings.ContainsAny(*path, " \t\n") {
		return c.Invalid("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return nil
}

// OnUser is the input of an operation on one user.
type OnUser struct {
	UserName string `aws:",must"`
}

// On is the user's ARN.
func (o *OnUser) On(c *cloud.Call) cloud.Resource { return UserResource(c, o.UserName) }

func UserResource(c *cloud.Call, name string) cloud.Resource {
	if u := c.Account.Users[name]; u != nil {
		return cloud.Resource{ARN: u.ARN, Tags: u.Tags}
	}
	return cloud.Resource{ARN: c.Account.IAM("user/" + name)}
}

func (o *OnUser) User(c *cloud.Call) (*cloud.User, error) {
	u := c.Account.Users[o.UserName]
	if u == nil {
		return nil, Missing("user", o.UserName)
	}
	return u, nil
}

// OnRole is the input of an operation on one role.
type OnRole struct {
	RoleName string `aws:",must"`
}

// On is the role's ARN.
func (o *OnRole) On(c *cloud.Call) cloud.Resource {
	if r := c.Account.Roles[o.RoleName]; r != nil {
		return cloud.Resource{ARN: r.ARN, Tags: r.Tags}
	}
	return cloud.Resource{ARN: c.Account.IAM("role/" + o.RoleName)}
}

func (o *OnRole) Role(c *cloud.Call) (*cloud.Role, error) {
	r := c.Account.Roles[o.RoleName]
	if r == nil {
		return nil, Missing("role", o.RoleName)
	}
	return r, nil
}

// OnGroup is the input of an operation on one group.
type OnGroup struct {
	GroupName string `aws:",must"`
}

// On is the group's ARN.
func (o *OnGroup) On(c *cloud.Call) cloud.Resource {
	if g := c.Account.Groups[o.GroupName]; g != nil {
		return cloud.Resource{ARN: g.ARN}
	}
	return cloud.Resource{ARN: c.Account.IAM("group/" + o.GroupName)}
}

func (o *OnGroup) Group(c *cloud.Call) (*cloud.Group, error) {
	g := c.Account.Groups[o.GroupName]
	if g == nil {
		return nil, Missing("group", o.GroupName)
	}
	return g, nil
}

// OnPolicy is the input of an operation on one managed policy.
type OnPolicy struct {
	PolicyArn string `aws:",must"`
}

// On is the policy's ARN.
func (o *OnPolicy) On(c *cloud.Call) cloud.Resource {
	r := cloud.Resource{ARN: o.PolicyArn}
	if p := c.Account.Find(o.PolicyArn); p != nil {
		r.Tags = p.Tags
	}
	return r
}

func (o *OnPolicy) Policy(c *cloud.Call) (*cloud.Policy, error) {
	p := c.Account.Find(o.PolicyArn)
	if p == nil {
		return nil, cloud.Fail("NoSuchEntity", 404, "Policy %s does not exist or is not attachable.", o.PolicyArn)
	}
	return p, nil
}

// own is like policy, but refuses those of AWS.
func (o *OnPolicy) Own(c *cloud.Call) (*cloud.Policy, error) {
	p, err := o.Policy(c)
	if err == nil && p.AWS() {
		return nil, cloud.Fail("AccessDenied", 403, "Policy %s is managed by AWS and cannot be changed.", o.PolicyArn)
	}
	return p, err
}

// UnderPath is the input of an operation that lists what lies under a path.
type UnderPath struct {
	PathPrefix string
	Paged
}

func (u UnderPath) Has(path string) bool { return strings.HasPrefix(path, u.PathPrefix) }

// Shapes that several answers have.
type (
	BoundaryShape struct{ PermissionsBoundaryType, PermissionsBoundaryArn string }
	AttachedShape struct{ PolicyName, PolicyArn string }
	UserShape     struct {
		Path, UserName, UserId, Arn  string
		CreateDate, PasswordLastUsed time.Time
		PermissionsBoundary          *BoundaryShape
		Tags                         []cloud.Tag `aws:",omit"`
	}
	GroupShape struct {
		Path, GroupName, GroupId, Arn string
		CreateDate                    time.Time
	}
	RoleShape struct {
		Path, RoleName, RoleId, Arn string
		CreateDate                  time.Time
		AssumeRolePolicyDocument    wire.Encoded
		Description                 string
		MaxSessionDuration          int
		PermissionsBoundary         *BoundaryShape
		Tags                        []cloud.Tag    `aws:",omit"`
		RoleLastUsed                *LastUsedShape // of GetRole alone
	}
	LastUsedShape struct {
		LastUsedDate time.Time
		Region       string
	}
	ProfileShape struct {
		Path, InstanceProfileName, InstanceProfileId, Arn string
		CreateDate                                        time.Time
		Roles                                             []RoleShape
	}
)

func BoundaryOf(h *cloud.Holder) *BoundaryShape {
	if h.Boundary == "" {
		return nil
	}
	return &BoundaryShape{"Policy", h.Boundary}
}

func ShowUser(u *cloud.User) UserShape {
	return UserShape{Path: u.Path, UserName: u.Name, UserId: u.ID, Arn: u.ARN, CreateDate: u.Created, PasswordLastUsed: u.Password.Used}
}

func ShowGroup(g *cloud.Group) GroupShape {
	return GroupShape{g.Path, g.Name, g.ID, g.ARN, g.Created}
}

func ShowRole(r *cloud.Role) RoleShape {
	return RoleShape{
		Path: r.Path, RoleName: r.Name, RoleId: r.ID, Arn: r.ARN, CreateDate: r.Created, AssumeRolePolicyDocument: wire.Encoded(r.Trust),
		Description: r.Description, MaxSessionDuration: r.MaxSession,
	}
}

func LastUsed(r *cloud.Role) *LastUsedShape { return &LastUsedShape{r.LastUsed, r.LastRegion} }

func ShowProfile(c *cloud.Call, p *cloud.Profile) ProfileShape {
	out := ProfileShape{Path: p.Path, InstanceProfileName: p.Name, InstanceProfileId: p.ID, Arn: p.ARN, CreateDate: p.Created}
	for _, name := range p.Roles {
		if r := c.Account.Roles[name]; r != nil {
			out.Roles = append(out.Roles, ShowRole(r))
		}
	}
	return out
}

func ShowAttached(c *cloud.Call, arns []string) []AttachedShape {
	var out []AttachedShape
	for _, arn := range arns {
		if p := c.Account.Find(arn); p != nil {
			out = append(out, AttachedShape{p.Name, arn})
		}
	}
	return out
}

// OnSelf is the input of an operation on a user, or on the caller if none is named.
type OnSelf struct{ UserName string }

// On is the ARN of the user or of the caller's own.
func (o *OnSelf) On(c *cloud.Call) cloud.Resource {
	switch {
	case o.UserName != "":
		return UserResource(c, o.UserName)
	case c.Caller.User != nil:
		return UserResource(c, c.Caller.User.Name)
	}
	return cloud.Resource{ARN: c.Account.IAM("root")}
}

// Subject is whose credentials an operation is about: a user, or root.
type Subject struct {
	User         *cloud.User // nil for root
	Who          cloud.Caller
	Password     *cloud.Password
	Keys         *[]*cloud.AccessKey
	Devices      *[]*cloud.Device
	Certificates *[]*cloud.Certificate
}

// name is the user's, "" for root.
func (s *Subject) Name() string {
	if s.User == nil {
		return ""
	}
	return s.User.Name
}

func (o *OnSelf) Subject(c *cloud.Call) (*Subject, error) {
	u := c.Caller.User
	if o.UserName != "" {
		if u = c.Account.Users[o.UserName]; u == nil {
			return nil, Missing("user", o.UserName)
		}
	}
	switch {
	case u != nil:
		return &Subject{u, cloud.UserCaller(c.Account, u), &u.Password, &u.Keys, &u.MFA, &u.Certificates}, nil
	case c.Caller.ARN == c.Account.IAM("root"):
		r := &c.Account.Root
		return &Subject{nil, cloud.RootCaller(c.Account), &r.Password, &r.Keys, &r.MFA, &r.Certificates}, nil
	}
	return nil, c.Invalid("Must specify userName when calling with non-User credentials")
}

func Remove[T comparable](list []T, e T) []T {
	return slices.DeleteFunc(list, func(x T) bool { return x == e })
}

// RootShape is the root user, which has neither a name nor a path.
func RootShape(a *cloud.Account) UserShape {
	return UserShape{UserId: string(a.ID), Arn: a.IAM("root"), CreateDate: a.Root.Created, PasswordLastUsed: a.Root.Password.Used}
}

func OrSlash(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// MaxKeys is the quota of access keys, and of signing certificates, of a user or root.
const MaxKeys = 2

// Holder is the user as one who has policies.
func (o OnUser) Holder(c *cloud.Call) (*cloud.Holder, error) {
	u, err := o.User(c)
	if err != nil {
		return nil, err
	}
	return &u.Holder, nil
}

// Holder is the role as one who has policies.
func (o OnRole) Holder(c *cloud.Call) (*cloud.Holder, error) {
	r, err := o.Role(c)
	if err != nil {
		return nil, err
	}
	return &r.Holder, nil
}

// Holder is the group as one who has policies.
func (o OnGroup) Holder(c *cloud.Call) (*cloud.Holder, error) {
	g, err := o.Group(c)
	if err != nil {
		return nil, err
	}
	return &g.Holder, nil
}

// OrNA is a name, or what IAM writes where there is none.
func OrNA(s string) string {
	if s == "" {
		return "N/A"
	}
	return s
}
