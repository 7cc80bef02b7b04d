package iamsvc

import (
	"slices"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

func roleOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("GetRole", getRole),
		cloud.Op("ListRoles", listRoles),
		cloud.Op("CreateRole", createRole),
		cloud.Op("UpdateRole", updateRole),
		cloud.Op("UpdateAssumeRolePolicy", updateTrust),
		cloud.Op("DeleteRole", deleteRole),
		cloud.Op("ListRoleTags", listRoleTags),
		cloud.Op("TagRole", tagRole),
		cloud.Op("UntagRole", untagRole),
		cloud.Op("PutRolePermissionsBoundary", putRoleBoundary),
		cloud.Op("DeleteRolePermissionsBoundary", deleteRoleBoundary),
		cloud.Op("ListInstanceProfiles", listProfiles),
		cloud.Op("ListInstanceProfilesForRole", listProfilesForRole),
		cloud.Op("CreateInstanceProfile", createProfile),
		cloud.Op("AddRoleToInstanceProfile", addRoleToProfile),
		cloud.Op("RemoveRoleFromInstanceProfile", removeRoleFromProfile),
		cloud.Op("DeleteInstanceProfile", deleteProfile),
	}
}

type roleOut struct{ Role roleShape }

func getRole(c *cloud.Call, in onRole) (roleOut, error) {
	r, err := in.role(c)
	if err != nil {
		return roleOut{}, err
	}
	out := showRole(r)
	out.PermissionsBoundary, out.Tags, out.RoleLastUsed = boundaryOf(&r.Holder), r.Tags, lastUsed(r)
	return roleOut{out}, nil
}

type listRolesOut struct {
	Roles []roleShape
	page
}

func listRoles(c *cloud.Call, in underPath) (out listRolesOut, err error) {
	var all []roleShape
	for _, r := range cloud.Sorted(c.Account.Roles) {
		if in.has(r.Path) {
			all = append(all, showRole(r))
		}
	}
	out.Roles, out.page, err = cut(c, in.paged, all)
	return out, err
}

type createRoleIn struct {
	onRole
	Path, Description, PermissionsBoundary string
	AssumeRolePolicyDocument               string `aws:",must"`
	MaxSessionDuration                     int
	Tags                                   []cloud.Tag
}

func createRole(c *cloud.Call, in createRoleIn) (roleOut, error) {
	if err := checkName(c, "roleName", in.RoleName, 64); err != nil {
		return roleOut{}, err
	}
	if err := checkPath(c, &in.Path); err != nil {
		return roleOut{}, err
	}
	if c.Account.Roles[in.RoleName] != nil {
		return roleOut{}, exists("Role", in.RoleName)
	}
	if err := checkDocument(iam.Resource, in.AssumeRolePolicyDocument); err != nil {
		return roleOut{}, err
	}
	if err := checkBoundary(c, in.PermissionsBoundary); err != nil {
		return roleOut{}, err
	}
	life, err := sessionLimit(c, in.MaxSessionDuration)
	if err != nil {
		return roleOut{}, err
	}
	r := &cloud.Role{
		Holder: cloud.Holder{
			Name: in.RoleName, Path: in.Path, ID: c.Cloud.UniqueID("AROA"), ARN: c.Account.IAM("role" + in.Path + in.RoleName), Created: c.Now,
			Tags: in.Tags, Inline: map[string]string{}, Boundary: in.PermissionsBoundary,
		},
		Trust: in.AssumeRolePolicyDocument, Description: in.Description, MaxSession: life,
	}
	c.Account.Roles[r.Name] = r
	out := showRole(r)
	out.PermissionsBoundary, out.Tags = boundaryOf(&r.Holder), r.Tags
	return roleOut{out}, nil
}

// sessionLimit is how many seconds a role's session may last: 1 to 12 hours.
func sessionLimit(c *cloud.Call, seconds int) (int, error) {
	switch {
	case seconds == 0:
		return 3600, nil
	case seconds < 3600 || seconds > 43200:
		return 0, c.Invalid("MaxSessionDuration must be between 3600 and 43200")
	}
	return seconds, nil
}

type updateRoleIn struct {
	onRole
	Description        *string
	MaxSessionDuration int
}

func updateRole(c *cloud.Call, in updateRoleIn) (cloud.None, error) {
	r, err := in.role(c)
	if err != nil {
		return cloud.None{}, err
	}
	if in.MaxSessionDuration != 0 {
		if r.MaxSession, err = sessionLimit(c, in.MaxSessionDuration); err != nil {
			return cloud.None{}, err
		}
	}
	if in.Description != nil {
		r.Description = *in.Description
	}
	return cloud.None{}, nil
}

type updateTrustIn struct {
	onRole
	PolicyDocument string `aws:",must"`
}

func updateTrust(c *cloud.Call, in updateTrustIn) (cloud.None, error) {
	r, err := in.role(c)
	if err == nil {
		err = checkDocument(iam.Resource, in.PolicyDocument)
	}
	if err == nil {
		r.Trust = in.PolicyDocument
	}
	return cloud.None{}, err
}

func deleteRole(c *cloud.Call, in onRole) (cloud.None, error) {
	r, err := in.role(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case len(r.Attached) > 0:
		return cloud.None{}, conflict("Cannot delete entity, must detach all policies first.")
	case len(r.Inline) > 0:
		return cloud.None{}, conflict("Cannot delete entity, must delete policies first.")
	case len(profilesOf(c, r.Name)) > 0:
		return cloud.None{}, conflict("Cannot delete entity, must remove roles from instance profile first.")
	}
	delete(c.Account.Roles, r.Name)
	return cloud.None{}, nil
}

type rolePaged struct {
	onRole
	paged
}

func listRoleTags(c *cloud.Call, in rolePaged) (out tagsOut, err error) {
	r, err := in.role(c)
	if err != nil {
		return out, err
	}
	out.Tags, out.page, err = cut(c, in.paged, r.Tags)
	return out, err
}

type tagRoleIn struct {
	onRole
	Tags []cloud.Tag
}

func tagRole(c *cloud.Call, in tagRoleIn) (cloud.None, error) {
	r, err := in.role(c)
	if err == nil {
		r.Tags = cloud.SetTags(r.Tags, in.Tags)
	}
	return cloud.None{}, err
}

type untagRoleIn struct {
	onRole
	TagKeys []string
}

func untagRole(c *cloud.Call, in untagRoleIn) (cloud.None, error) {
	r, err := in.role(c)
	if err == nil {
		r.Tags = cloud.DropTags(r.Tags, in.TagKeys)
	}
	return cloud.None{}, err
}

type putRoleBoundaryIn struct {
	onRole
	PermissionsBoundary string `aws:",must"`
}

func putRoleBoundary(c *cloud.Call, in putRoleBoundaryIn) (cloud.None, error) {
	r, err := in.role(c)
	if err == nil {
		err = checkBoundary(c, in.PermissionsBoundary)
	}
	if err == nil {
		r.Boundary = in.PermissionsBoundary
	}
	return cloud.None{}, err
}

func deleteRoleBoundary(c *cloud.Call, in onRole) (cloud.None, error) {
	r, err := in.role(c)
	if err == nil {
		r.Boundary = ""
	}
	return cloud.None{}, err
}

type listProfilesOut struct {
	InstanceProfiles []profileShape
	page
}

func listProfiles(c *cloud.Call, in underPath) (out listProfilesOut, err error) {
	var all []profileShape
	for _, p := range cloud.Sorted(c.Account.Profiles) {
		if in.has(p.Path) {
			all = append(all, showProfile(c, p))
		}
	}
	out.InstanceProfiles, out.page, err = cut(c, in.paged, all)
	return out, err
}

func profilesOf(c *cloud.Call, role string) []profileShape {
	var out []profileShape
	for _, p := range cloud.Sorted(c.Account.Profiles) {
		if slices.Contains(p.Roles, role) {
			out = append(out, showProfile(c, p))
		}
	}
	return out
}

func listProfilesForRole(c *cloud.Call, in rolePaged) (out listProfilesOut, err error) {
	r, err := in.role(c)
	if err != nil {
		return out, err
	}
	out.InstanceProfiles, out.page, err = cut(c, in.paged, profilesOf(c, r.Name))
	return out, err
}

type onProfile struct {
	InstanceProfileName string `aws:",must"`
}

// On is the instance profile's ARN.
func (o *onProfile) On(c *cloud.Call) cloud.Resource {
	if p := c.Account.Profiles[o.InstanceProfileName]; p != nil {
		return cloud.Resource{ARN: p.ARN}
	}
	return cloud.Resource{ARN: c.Account.IAM("instance-profile/" + o.InstanceProfileName)}
}

func (o *onProfile) profile(c *cloud.Call) (*cloud.Profile, error) {
	p := c.Account.Profiles[o.InstanceProfileName]
	if p == nil {
		return nil, cloud.Fail("NoSuchEntity", 404, "Instance Profile %s cannot be found.", o.InstanceProfileName)
	}
	return p, nil
}

type createProfileIn struct {
	onProfile
	Path string
}

type instanceProfileOut struct{ InstanceProfile profileShape }

func createProfile(c *cloud.Call, in createProfileIn) (out instanceProfileOut, err error) {
	name := in.InstanceProfileName
	if err := checkName(c, "instanceProfileName", name, 128); err != nil {
		return out, err
	}
	if err := checkPath(c, &in.Path); err != nil {
		return out, err
	}
	if c.Account.Profiles[name] != nil {
		return out, exists("Instance Profile", name)
	}
	p := &cloud.Profile{Name: name, Path: in.Path, ID: c.Cloud.UniqueID("AIPA"), ARN: c.Account.IAM("instance-profile" + in.Path + name), Created: c.Now}
	c.Account.Profiles[name] = p
	out.InstanceProfile = showProfile(c, p)
	return out, nil
}

type profileRoleIn struct {
	onProfile
	RoleName string `aws:",must"`
}

func addRoleToProfile(c *cloud.Call, in profileRoleIn) (cloud.None, error) {
	p, err := in.profile(c)
	r := c.Account.Roles[in.RoleName]
	switch {
	case err != nil:
		return cloud.None{}, err
	case r == nil:
		return cloud.None{}, missing("role", in.RoleName)
	case len(p.Roles) > 0:
		return cloud.None{}, cloud.Fail("LimitExceeded", 409, "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	}
	if err := c.Authorize("iam:PassRole", cloud.Resource{ARN: r.ARN, Keys: map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}}}); err != nil {
		return cloud.None{}, err
	}
	p.Roles = []string{r.Name}
	return cloud.None{}, nil
}

func removeRoleFromProfile(c *cloud.Call, in profileRoleIn) (cloud.None, error) {
	p, err := in.profile(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case !slices.Contains(p.Roles, in.RoleName):
		return cloud.None{}, missing("role", in.RoleName)
	}
	p.Roles = nil
	return cloud.None{}, nil
}

func deleteProfile(c *cloud.Call, in onProfile) (cloud.None, error) {
	p, err := in.profile(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case len(p.Roles) > 0:
		return cloud.None{}, conflict("Cannot delete entity, must remove roles from instance profile first.")
	}
	delete(c.Account.Profiles, p.Name)
	return cloud.None{}, nil
}
