package iamsvc

import (
	"slices"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

func userOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("GetUser", getUser),
		cloud.Op("ListUsers", listUsers),
		cloud.Op("CreateUser", createUser),
		cloud.Op("UpdateUser", updateUser),
		cloud.Op("DeleteUser", deleteUser),
		cloud.Op("ListUserTags", listUserTags),
		cloud.Op("TagUser", tagUser),
		cloud.Op("UntagUser", untagUser),
		cloud.Op("PutUserPermissionsBoundary", putUserBoundary),
		cloud.Op("DeleteUserPermissionsBoundary", deleteUserBoundary),
	}
}

type userOut struct{ User userShape }

func getUser(c *cloud.Call, in onSelf) (userOut, error) {
	s, err := in.subject(c)
	if err != nil {
		return userOut{}, err
	}
	if s.user == nil {
		return userOut{rootShape(c.Account)}, nil
	}
	out := showUser(s.user)
	out.PermissionsBoundary, out.Tags = boundaryOf(&s.user.Holder), s.user.Tags
	return userOut{out}, nil
}

// rootShape is the root user, which has neither a name nor a path.
func rootShape(a *cloud.Account) userShape {
	return userShape{UserId: string(a.ID), Arn: a.IAM("root"), CreateDate: a.Root.Created, PasswordLastUsed: a.Root.Password.Used}
}

type listUsersOut struct {
	Users []userShape
	page
}

type onUsers struct{ underPath }

// On are the users under the path.
func (o *onUsers) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.Account.IAM("user" + orSlash(o.PathPrefix))}
}

func orSlash(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

func listUsers(c *cloud.Call, in onUsers) (out listUsersOut, err error) {
	var all []userShape
	for _, u := range cloud.Sorted(c.Account.Users) {
		if in.has(u.Path) {
			all = append(all, showUser(u))
		}
	}
	out.Users, out.page, err = cut(c, in.paged, all)
	return out, err
}

type createUserIn struct {
	onUser
	Path, PermissionsBoundary string
	Tags                      []cloud.Tag
}

func createUser(c *cloud.Call, in createUserIn) (userOut, error) {
	if err := checkName(c, "userName", in.UserName, 64); err != nil {
		return userOut{}, err
	}
	if err := checkPath(c, &in.Path); err != nil {
		return userOut{}, err
	}
	if c.Account.Users[in.UserName] != nil {
		return userOut{}, exists("User", in.UserName)
	}
	if err := checkBoundary(c, in.PermissionsBoundary); err != nil {
		return userOut{}, err
	}
	u := &cloud.User{Holder: cloud.Holder{
		Name: in.UserName, Path: in.Path, ID: c.Cloud.UniqueID("AIDA"), ARN: c.Account.IAM("user" + in.Path + in.UserName), Created: c.Now,
		Tags: in.Tags, Inline: map[string]string{}, Boundary: in.PermissionsBoundary,
	}}
	c.Account.Users[u.Name] = u
	out := showUser(u)
	out.PermissionsBoundary, out.Tags = boundaryOf(&u.Holder), u.Tags
	return userOut{out}, nil
}

func checkBoundary(c *cloud.Call, arn string) error {
	if arn != "" && c.Account.Find(arn) == nil {
		return cloud.Fail("NoSuchEntity", 404, "Scope ARN: %s does not exist or is not attachable.", arn)
	}
	return nil
}

type updateUserIn struct {
	onUser
	NewPath, NewUserName string
}

func updateUser(c *cloud.Call, in updateUserIn) (cloud.None, error) {
	u, err := in.user(c)
	if err != nil {
		return cloud.None{}, err
	}
	path, name := u.Path, u.Name
	if in.NewPath != "" {
		if err := checkPath(c, &in.NewPath); err != nil {
			return cloud.None{}, err
		}
		path = in.NewPath
	}
	if in.NewUserName != "" && in.NewUserName != name {
		if err := checkName(c, "newUserName", in.NewUserName, 64); err != nil {
			return cloud.None{}, err
		}
		if c.Account.Users[in.NewUserName] != nil {
			return cloud.None{}, exists("User", in.NewUserName)
		}
		name = in.NewUserName
	}
	delete(c.Account.Users, u.Name)
	u.Name, u.Path, u.ARN = name, path, c.Account.IAM("user"+path+name)
	c.Account.Users[name] = u
	for _, d := range u.MFA {
		d.Owner = u.ARN
	}
	c.Cloud.Rename(u, c.Account)
	return cloud.None{}, nil
}

func deleteUser(c *cloud.Call, in onUser) (cloud.None, error) {
	u, err := in.user(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case u.Password.Set:
		return cloud.None{}, conflict("Cannot delete entity, must delete login profile first.")
	case len(u.Keys) > 0:
		return cloud.None{}, conflict("Cannot delete entity, must delete access keys first.")
	case len(u.MFA) > 0:
		return cloud.None{}, conflict("Cannot delete entity, must delete MFA device first.")
	case len(u.Certificates) > 0:
		return cloud.None{}, conflict("Cannot delete entity, must delete signing certificates first.")
	case len(u.Groups) > 0:
		return cloud.None{}, conflict("Cannot delete entity, must remove users from group first.")
	case len(u.Attached) > 0:
		return cloud.None{}, conflict("Cannot delete entity, must detach all policies first.")
	case len(u.Inline) > 0:
		return cloud.None{}, conflict("Cannot delete entity, must delete policies first.")
	}
	delete(c.Account.Users, u.Name)
	return cloud.None{}, nil
}

type tagsOut struct {
	Tags []cloud.Tag
	page
}

type listUserTagsIn struct {
	onUser
	paged
}

func listUserTags(c *cloud.Call, in listUserTagsIn) (out tagsOut, err error) {
	u, err := in.user(c)
	if err != nil {
		return out, err
	}
	out.Tags, out.page, err = cut(c, in.paged, u.Tags)
	return out, err
}

type tagUserIn struct {
	onUser
	Tags []cloud.Tag
}

func tagUser(c *cloud.Call, in tagUserIn) (cloud.None, error) {
	u, err := in.user(c)
	if err == nil {
		u.Tags = cloud.SetTags(u.Tags, in.Tags)
	}
	return cloud.None{}, err
}

type untagUserIn struct {
	onUser
	TagKeys []string
}

func untagUser(c *cloud.Call, in untagUserIn) (cloud.None, error) {
	u, err := in.user(c)
	if err == nil {
		u.Tags = cloud.DropTags(u.Tags, in.TagKeys)
	}
	return cloud.None{}, err
}

type putUserBoundaryIn struct {
	onUser
	PermissionsBoundary string `aws:",must"`
}

func putUserBoundary(c *cloud.Call, in putUserBoundaryIn) (cloud.None, error) {
	u, err := in.user(c)
	if err == nil {
		err = checkBoundary(c, in.PermissionsBoundary)
	}
	if err == nil {
		u.Boundary = in.PermissionsBoundary
	}
	return cloud.None{}, err
}

func deleteUserBoundary(c *cloud.Call, in onUser) (cloud.None, error) {
	u, err := in.user(c)
	if err == nil {
		u.Boundary = ""
	}
	return cloud.None{}, err
}

// onSelf is the input of an operation on a user, or on the caller if none is named.
type onSelf struct{ UserName string }

// On is the ARN of the user or of the caller's own.
func (o *onSelf) On(c *cloud.Call) cloud.Resource {
	switch {
	case o.UserName != "":
		return userResource(c, o.UserName)
	case c.Caller.User != nil:
		return userResource(c, c.Caller.User.Name)
	}
	return cloud.Resource{ARN: c.Account.IAM("root")}
}

// subject is whose credentials an operation is about: a user, or root.
type subject struct {
	user         *cloud.User // nil for root
	who          cloud.Caller
	password     *cloud.Password
	keys         *[]*cloud.AccessKey
	devices      *[]*cloud.Device
	certificates *[]*cloud.Certificate
}

// name is the user's, "" for root.
func (s *subject) name() string {
	if s.user == nil {
		return ""
	}
	return s.user.Name
}

func (o *onSelf) subject(c *cloud.Call) (*subject, error) {
	u := c.Caller.User
	if o.UserName != "" {
		if u = c.Account.Users[o.UserName]; u == nil {
			return nil, missing("user", o.UserName)
		}
	}
	switch {
	case u != nil:
		return &subject{u, cloud.UserCaller(c.Account, u), &u.Password, &u.Keys, &u.MFA, &u.Certificates}, nil
	case c.Caller.ARN == c.Account.IAM("root"):
		r := &c.Account.Root
		return &subject{nil, cloud.RootCaller(c.Account), &r.Password, &r.Keys, &r.MFA, &r.Certificates}, nil
	}
	return nil, c.Invalid("Must specify userName when calling with non-User credentials")
}

func remove[T comparable](list []T, e T) []T {
	return slices.DeleteFunc(list, func(x T) bool { return x == e })
}
