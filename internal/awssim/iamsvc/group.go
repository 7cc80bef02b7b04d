package iamsvc

import (
	"slices"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/entity"
)

func groupOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("GetGroup", getGroup),
		cloud.Op("ListGroups", listGroups),
		cloud.Op("ListGroupsForUser", listGroupsForUser),
		cloud.Op("CreateGroup", createGroup),
		cloud.Op("DeleteGroup", deleteGroup),
		cloud.Op("AddUserToGroup", addUserToGroup),
		cloud.Op("RemoveUserFromGroup", removeUserFromGroup),
	}
}

type getGroupIn struct {
	entity.OnGroup
	entity.Paged
}

type getGroupOut struct {
	Group entity.GroupShape
	Users []entity.UserShape
	entity.Page
}

func getGroup(c *cloud.Call, in getGroupIn) (out getGroupOut, err error) {
	g, err := in.Group(c)
	if err != nil {
		return out, err
	}
	var all []entity.UserShape
	for _, u := range cloud.Sorted(c.Account.Users) {
		if slices.Contains(u.Groups, g.Name) {
			all = append(all, entity.ShowUser(u))
		}
	}
	out.Group = entity.ShowGroup(g)
	out.Users, out.Page, err = entity.Cut(c, in.Paged, all)
	return out, err
}

type listGroupsOut struct {
	Groups []entity.GroupShape
	entity.Page
}

func listGroups(c *cloud.Call, in entity.UnderPath) (out listGroupsOut, err error) {
	var all []entity.GroupShape
	for _, g := range cloud.Sorted(c.Account.Groups) {
		if in.Has(g.Path) {
			all = append(all, entity.ShowGroup(g))
		}
	}
	out.Groups, out.Page, err = entity.Cut(c, in.Paged, all)
	return out, err
}

func listGroupsForUser(c *cloud.Call, in listUserTagsIn) (out listGroupsOut, err error) {
	u, err := in.User(c)
	if err != nil {
		return out, err
	}
	var all []entity.GroupShape
	for _, name := range u.Groups {
		all = append(all, entity.ShowGroup(c.Account.Groups[name]))
	}
	out.Groups, out.Page, err = entity.Cut(c, in.Paged, all)
	return out, err
}

type createGroupIn struct {
	entity.OnGroup
	Path string
}

type groupOut struct{ Group entity.GroupShape }

func createGroup(c *cloud.Call, in createGroupIn) (groupOut, error) {
	if err := entity.CheckName(c, "groupName", in.GroupName, 128); err != nil {
		return groupOut{}, err
	}
	if err := entity.CheckPath(c, &in.Path); err != nil {
		return groupOut{}, err
	}
	if c.Account.Groups[in.GroupName] != nil {
		return groupOut{}, entity.Exists("Group", in.GroupName)
	}
	g := &cloud.Group{Holder: cloud.Holder{
		Name: in.GroupName, Path: in.Path, ID: c.Cloud.UniqueID("AGPA"), ARN: c.Account.IAM("group" + in.Path + in.GroupName), Created: c.Now, Inline: map[string]string{},
	}}
	c.Account.Groups[g.Name] = g
	return groupOut{entity.ShowGroup(g)}, nil
}

func deleteGroup(c *cloud.Call, in entity.OnGroup) (cloud.None, error) {
	g, err := in.Group(c)
	if err != nil {
		return cloud.None{}, err
	}
	for _, u := range c.Account.Users {
		if slices.Contains(u.Groups, g.Name) {
			return cloud.None{}, entity.Conflict("Cannot delete entity, must entity.Remove users from group first.")
		}
	}
	if len(g.Attached) > 0 || len(g.Inline) > 0 {
		return cloud.None{}, entity.Conflict("Cannot delete entity, must detach all policies first.")
	}
	delete(c.Account.Groups, g.Name)
	return cloud.None{}, nil
}

type memberIn struct {
	entity.OnGroup
	UserName string `aws:",must"`
}

func (in *memberIn) pair(c *cloud.Call) (*cloud.Group, *cloud.User, error) {
	g, err := in.Group(c)
	if err != nil {
		return nil, nil, err
	}
	u := c.Account.Users[in.UserName]
	if u == nil {
		return nil, nil, entity.Missing("user", in.UserName)
	}
	return g, u, nil
}

func addUserToGroup(c *cloud.Call, in memberIn) (cloud.None, error) {
	g, u, err := in.pair(c)
	if err == nil && !slices.Contains(u.Groups, g.Name) {
		u.Groups = append(u.Groups, g.Name)
	}
	return cloud.None{}, err
}

func removeUserFromGroup(c *cloud.Call, in memberIn) (cloud.None, error) {
	g, u, err := in.pair(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case !slices.Contains(u.Groups, g.Name):
		return cloud.None{}, cloud.Fail("NoSuchEntity", 404, "User %s is not in group %s.", u.Name, g.Name)
	}
	u.Groups = entity.Remove(u.Groups, g.Name)
	return cloud.None{}, nil
}
