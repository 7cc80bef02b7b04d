package iamsvc

import (
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/entity"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/provider"
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

type userOut struct{ User entity.UserShape }

func getUser(c *cloud.Call, in entity.OnSelf) (userOut, error) {
	s, err := in.Subject(c)
	if err != nil {
		return userOut{}, err
	}
	if s.User == nil {
		return userOut{entity.RootShape(c.Account)}, nil
	}
	out := entity.ShowUser(s.User)
	out.PermissionsBoundary, out.Tags = entity.BoundaryOf(&s.User.Holder), s.User.Tags
	return userOut{out}, nil
}

type listUsersOut struct {
	Users []entity.UserShape
	entity.Page
}

type onUsers struct{ entity.UnderPath }

// On are the users under the path.
func (o *onUsers) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.Account.IAM("user" + entity.OrSlash(o.PathPrefix))}
}

func listUsers(c *cloud.Call, in onUsers) (out listUsersOut, err error) {
	var all []entity.UserShape
	for _, u := range cloud.Sorted(c.Account.Users) {
		if in.Has(u.Path) {
			all = append(all, entity.ShowUser(u))
		}
	}
	out.Users, out.Page, err = entity.Cut(c, in.Paged, all)
	return out, err
}

type createUserIn struct {
	entity.OnUser
	Path, PermissionsBoundary string
	Tags                      []cloud.Tag
}

func createUser(c *cloud.Call, in createUserIn) (userOut, error) {
	if err := entity.CheckName(c, "userName", in.UserName, 64); err != nil {
		return userOut{}, err
	}
	if err := entity.CheckPath(c, &in.Path); err != nil {
		return userOut{}, err
	}
	if c.Account.Users[in.UserName] != nil {
		return userOut{}, entity.Exists("User", in.UserName)
	}
	if err := checkBoundary(c, in.PermissionsBoundary); err != nil {
		return userOut{}, err
	}
	u := &cloud.User{Holder: cloud.Holder{
		Name: in.UserName, Path: in.Path, ID: c.Cloud.UniqueID("AIDA"), ARN: c.Account.IAM("user" + in.Path + in.UserName), Created: c.Now,
		Tags: in.Tags, Inline: map[string]string{}, Boundary: in.PermissionsBoundary,
	}}
	c.Account.Users[u.Name] = u
	out := entity.ShowUser(u)
	out.PermissionsBoundary, out.Tags = entity.BoundaryOf(&u.Holder), u.Tags
	return userOut{out}, nil
}

func checkBoundary(c *cloud.Call, arn string) error {
	if arn != "" && c.Account.Find(arn) == nil {
		return cloud.Fail("NoSuchEntity", 404, "Scope ARN: %s does not exist or is not attachable.", arn)
	}
	return nil
}

type updateUserIn struct {
	entity.OnUser
	NewPath, NewUserName string
}

func updateUser(c *cloud.Call, in updateUserIn) (cloud.None, error) {
	u, err := in.User(c)
	if err != nil {
		return cloud.None{}, err
	}
	path, name := u.Path, u.Name
	if in.NewPath != "" {
		if err := entity.CheckPath(c, &in.NewPath); err != nil {
			return cloud.None{}, err
		}
		path = in.NewPath
	}
	if in.NewUserName != "" && in.NewUserName != name {
		if err := entity.CheckName(c, "newUserName", in.NewUserName, 64); err != nil {
			return cloud.None{}, err
		}
		if c.Account.Users[in.NewUserName] != nil {
			return cloud.None{}, entity.Exists("User", in.NewUserName)
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

func deleteUser(c *cloud.Call, in entity.OnUser) (cloud.None, error) {
	u, err := in.User(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case u.Password.Set:
		return cloud.None{}, entity.Conflict("Cannot delete entity, must delete login profile first.")
	case len(u.Keys) > 0:
		return cloud.None{}, entity.Conflict("Cannot delete entity, must delete access keys first.")
	case len(u.MFA) > 0:
		return cloud.None{}, entity.Conflict("Cannot delete entity, must delete MFA device first.")
	case len(u.Certificates) > 0:
		return cloud.None{}, entity.Conflict("Cannot delete entity, must delete signing certificates first.")
	case len(u.Groups) > 0:
		return cloud.None{}, entity.Conflict("Cannot delete entity, must entity.Remove users from group first.")
	case provider.Holds(c.Account, u):
		return cloud.None{}, entity.Conflict("Cannot delete entity, must delete SSH public keys and service specific credentials first.")
	case len(u.Attached) > 0:
		return cloud.None{}, entity.Conflict("Cannot delete entity, must detach all policies first.")
	case len(u.Inline) > 0:
		return cloud.None{}, entity.Conflict("Cannot delete entity, must delete policies first.")
	}
	delete(c.Account.Users, u.Name)
	return cloud.None{}, nil
}

type tagsOut struct {
	Tags []cloud.Tag
	entity.Page
}

type listUserTagsIn struct {
	entity.OnUser
	entity.Paged
}

func listUserTags(c *cloud.Call, in listUserTagsIn) (out tagsOut, err error) {
	u, err := in.User(c)
	if err != nil {
		return out, err
	}
	out.Tags, out.Page, err = entity.Cut(c, in.Paged, u.Tags)
	return out, err
}

type tagUserIn struct {
	entity.OnUser
	Tags []cloud.Tag
}

func tagUser(c *cloud.Call, in tagUserIn) (cloud.None, error) {
	u, err := in.User(c)
	if err == nil {
		u.Tags = cloud.SetTags(u.Tags, in.Tags)
	}
	return cloud.None{}, err
}

type untagUserIn struct {
	entity.OnUser
	TagKeys []string
}

func untagUser(c *cloud.Call, in untagUserIn) (cloud.None, error) {
	u, err := in.User(c)
	if err == nil {
		u.Tags = cloud.DropTags(u.Tags, in.TagKeys)
	}
	return cloud.None{}, err
}

type putUserBoundaryIn struct {
	entity.OnUser
	PermissionsBoundary string `aws:",must"`
}

func putUserBoundary(c *cloud.Call, in putUserBoundaryIn) (cloud.None, error) {
	u, err := in.User(c)
	if err == nil {
		err = checkBoundary(c, in.PermissionsBoundary)
	}
	if err == nil {
		u.Boundary = in.PermissionsBoundary
	}
	return cloud.None{}, err
}

func deleteUserBoundary(c *cloud.Call, in entity.OnUser) (cloud.None, error) {
	u, err := in.User(c)
	if err == nil {
		u.Boundary = ""
	}
	return cloud.None{}, err
}
