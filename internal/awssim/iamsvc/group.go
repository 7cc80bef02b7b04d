package iamsvc

import (
	"slices"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
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
	onGroup
	paged
}

type getGroupOut struct {
	Group groupShape
	Users []userShape
	page
}

func getGroup(c *cloud.Call, in getGroupIn) (out getGroupOut, err error) {
	g, err := in.group(c)
	if err != nil {
		return out, err
	}
	var all []userShape
	for _, u := range cloud.Sorted(c.Account.Users) {
		if slices.Contains(u.Groups, g.Name) {
			all = append(all, showUser(u))
		}
	}
	out.Group = showGroup(g)
	out.Users, out.page, err = cut(c, in.paged, all)
	return out, err
}

type listGroupsOut struct {
	Groups []groupShape
	page
}

func listGroups(c *cloud.Call, in underPath) (out listGroupsOut, err error) {
	var all []groupShape
	for _, g := range cloud.Sorted(c.Account.Groups) {
		if in.has(g.Path) {
			all = append(all, showGroup(g))
		}
	}
	out.Groups, out.page, err = cut(c, in.paged, all)
	return out, err
}

func listGroupsForUser(c *cloud.Call, in listUserTagsIn) (out listGroupsOut, err error) {
	u, err := in.user(c)
	if err != nil {
		return out, err
	}
	var all []groupShape
	for _, name := range u.Groups {
		all = append(all, showGroup(c.Account.Groups[name]))
	}
	out.Groups, out.page, err = cut(c, in.paged, all)
	return out, err
}

type createGroupIn struct {
	onGroup
	Path string
}

type groupOut struct{ Group groupShape }

func createGroup(c *cloud.Call, in createGroupIn) (groupOut, error) {
	if err := checkName(c, "groupName", in.GroupName, 128); err != nil {
		return groupOut{}, err
	}
	if err := checkPath(c, &in.Path); err != nil {
		return groupOut{}, err
	}
	if c.Account.Groups[in.GroupName] != nil {
		return groupOut{}, exists("Group", in.GroupName)
	}
	g := &cloud.Group{Holder: cloud.Holder{
		Name: in.GroupName, Path: in.Path, ID: c.Cloud.UniqueID("AGPA"), ARN: c.Account.IAM("group" + in.Path + in.GroupName), Created: c.Now, Inline: map[string]string{},
	}}
	c.Account.Groups[g.Name] = g
	return groupOut{showGroup(g)}, nil
}

func deleteGroup(c *cloud.Call, in onGroup) (cloud.None, error) {
	g, err := in.group(c)
	if err != nil {
		return cloud.None{}, err
	}
	for _, u := range c.Account.Users {
		if slices.Contains(u.Groups, g.Name) {
			return cloud.None{}, conflict("Cannot delete entity, must remove users from group first.")
		}
	}
	if len(g.Attached) > 0 || len(g.Inline) > 0 {
		return cloud.None{}, conflict("Cannot delete entity, must detach all policies first.")
	}
	delete(c.Account.Groups, g.Name)
	return cloud.None{}, nil
}

type memberIn struct {
	onGroup
	UserName string `aws:",must"`
}

func (in *memberIn) pair(c *cloud.Call) (*cloud.Group, *cloud.User, error) {
	g, err := in.group(c)
	if err != nil {
		return nil, nil, err
	}
	u := c.Account.Users[in.UserName]
	if u == nil {
		return nil, nil, missing("user", in.UserName)
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
	u.Groups = remove(u.Groups, g.Name)
	return cloud.None{}, nil
}
