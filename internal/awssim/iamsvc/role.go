package iamsvc

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/entity"
)

func roleOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("GetRole", getRole),
		cloud.Op("ListRoles", listRoles),
		cloud.Op("CreateRole", createRole),
		cloud.Op("CreateServiceLinkedRole", createServiceRole),
		cloud.Op("DeleteServiceLinkedRole", deleteServiceRole),
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

type roleOut struct{ Role entity.RoleShape }

func getRole(c *cloud.Call, in entity.OnRole) (roleOut, error) {
	r, err := in.Role(c)
	if err != nil {
		return roleOut{}, err
	}
	out := entity.ShowRole(r)
	out.PermissionsBoundary, out.Tags, out.RoleLastUsed = entity.BoundaryOf(&r.Holder), r.Tags, entity.LastUsed(r)
	return roleOut{out}, nil
}

type listRolesOut struct {
	Roles []entity.RoleShape
	entity.Page
}

func listRoles(c *cloud.Call, in entity.UnderPath) (out listRolesOut, err error) {
	var all []entity.RoleShape
	for _, r := range cloud.Sorted(c.Account.Roles) {
		if in.Has(r.Path) {
			all = append(all, entity.ShowRole(r))
		}
	}
	out.Roles, out.Page, err = entity.Cut(c, in.Paged, all)
	return out, err
}

type createRoleIn struct {
	entity.OnRole
	Path, Description, PermissionsBoundary string
	AssumeRolePolicyDocument               string `aws:",must"`
	MaxSessionDuration                     int
	Tags                                   []cloud.Tag
}

func createRole(c *cloud.Call, in createRoleIn) (roleOut, error) {
	if err := entity.CheckName(c, "roleName", in.RoleName, 64); err != nil {
		return roleOut{}, err
	}
	if err := entity.CheckPath(c, &in.Path); err != nil {
		return roleOut{}, err
	}
	if c.Account.Roles[in.RoleName] != nil {
		return roleOut{}, entity.Exists("Role", in.RoleName)
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
	out := entity.ShowRole(r)
	out.PermissionsBoundary, out.Tags = entity.BoundaryOf(&r.Holder), r.Tags
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

// serviceRoles are the names of the roles of services that are known here (Service
// Authorization Reference and the user guides of the services, "Service-linked roles").
var serviceRoles = map[string]string{
	"access-analyzer.amazonaws.com": "AWSServiceRoleForAccessAnalyzer", "cloudtrail.amazonaws.com": "AWSServiceRoleForCloudTrail",
	"config.amazonaws.com": "AWSServiceRoleForConfig", "guardduty.amazonaws.com": "AWSServiceRoleForAmazonGuardDuty",
	"organizations.amazonaws.com": "AWSServiceRoleForOrganizations", "securityhub.amazonaws.com": "AWSServiceRoleForSecurityHub",
}

type createServiceRoleIn struct {
	AWSServiceName string `aws:",must"`
	Description    string
}

// On is the role's path: policies limit it, and the key iam:AWSServiceName (Service
// Authorization Reference, AWS Identity and Access Management).
func (in *createServiceRoleIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.Account.IAM("role/aws-service-role/" + in.AWSServiceName + "/" + serviceRoles[in.AWSServiceName]), Keys: map[string][]string{"iam:AWSServiceName": {in.AWSServiceName}}}
}

func createServiceRole(c *cloud.Call, in createServiceRoleIn) (roleOut, error) {
	name := serviceRoles[in.AWSServiceName]
	switch {
	case name == "":
		return roleOut{}, cloud.Fail("InvalidInput", 400, "Cannot find Service Linked Role template for %s", in.AWSServiceName)
	case c.Account.Roles[name] != nil:
		return roleOut{}, cloud.Fail("InvalidInput", 400, "Service role name %s has been taken in this account, please try a different suffix.", name)
	}
	path := "/aws-service-role/" + in.AWSServiceName + "/"
	r := &cloud.Role{
		Holder:      cloud.Holder{Name: name, Path: path, ID: c.Cloud.UniqueID("AROA"), ARN: c.Account.IAM("role" + path + name), Created: c.Now, Inline: map[string]string{}},
		Trust:       `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["` + in.AWSServiceName + `"]},"Action":["sts:AssumeRole"]}]}`,
		Description: in.Description, MaxSession: 3600,
	}
	c.Account.Roles[name] = r
	return roleOut{entity.ShowRole(r)}, nil
}

type deletionOut struct{ DeletionTaskId string }

// deleteServiceRole deletes at once. AWS does so a while after it has answered, and not
// while the service uses the role.
func deleteServiceRole(c *cloud.Call, in entity.OnRole) (out deletionOut, err error) {
	r, err := in.Role(c)
	switch {
	case err != nil:
		return out, err
	case !strings.HasPrefix(r.Path, "/aws-service-role/"):
		return out, cloud.Fail("InvalidInput", 400, "%s is not a service-linked role", r.Name)
	}
	delete(c.Account.Roles, r.Name)
	return deletionOut{"task" + r.Path + r.Name + "/" + c.Cloud.UUID()}, nil
}

type updateRoleIn struct {
	entity.OnRole
	Description        *string
	MaxSessionDuration int
}

func updateRole(c *cloud.Call, in updateRoleIn) (cloud.None, error) {
	r, err := in.Role(c)
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
	entity.OnRole
	PolicyDocument string `aws:",must"`
}

func updateTrust(c *cloud.Call, in updateTrustIn) (cloud.None, error) {
	r, err := in.Role(c)
	if err == nil {
		err = checkDocument(iam.Resource, in.PolicyDocument)
	}
	if err == nil {
		r.Trust = in.PolicyDocument
	}
	return cloud.None{}, err
}

func deleteRole(c *cloud.Call, in entity.OnRole) (cloud.None, error) {
	r, err := in.Role(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case len(r.Attached) > 0:
		return cloud.None{}, entity.Conflict("Cannot delete entity, must detach all policies first.")
	case len(r.Inline) > 0:
		return cloud.None{}, entity.Conflict("Cannot delete entity, must delete policies first.")
	case len(profilesOf(c, r.Name)) > 0:
		return cloud.None{}, entity.Conflict("Cannot delete entity, must entity.Remove roles from instance profile first.")
	}
	delete(c.Account.Roles, r.Name)
	return cloud.None{}, nil
}

type rolePaged struct {
	entity.OnRole
	entity.Paged
}

func listRoleTags(c *cloud.Call, in rolePaged) (out tagsOut, err error) {
	r, err := in.Role(c)
	if err != nil {
		return out, err
	}
	out.Tags, out.Page, err = entity.Cut(c, in.Paged, r.Tags)
	return out, err
}

type tagRoleIn struct {
	entity.OnRole
	Tags []cloud.Tag
}

func tagRole(c *cloud.Call, in tagRoleIn) (cloud.None, error) {
	r, err := in.Role(c)
	if err == nil {
		r.Tags = cloud.SetTags(r.Tags, in.Tags)
	}
	return cloud.None{}, err
}

type untagRoleIn struct {
	entity.OnRole
	TagKeys []string
}

func untagRole(c *cloud.Call, in untagRoleIn) (cloud.None, error) {
	r, err := in.Role(c)
	if err == nil {
		r.Tags = cloud.DropTags(r.Tags, in.TagKeys)
	}
	return cloud.None{}, err
}

type putRoleBoundaryIn struct {
	entity.OnRole
	PermissionsBoundary string `aws:",must"`
}

func putRoleBoundary(c *cloud.Call, in putRoleBoundaryIn) (cloud.None, error) {
	r, err := in.Role(c)
	if err == nil {
		err = checkBoundary(c, in.PermissionsBoundary)
	}
	if err == nil {
		r.Boundary = in.PermissionsBoundary
	}
	return cloud.None{}, err
}

func deleteRoleBoundary(c *cloud.Call, in entity.OnRole) (cloud.None, error) {
	r, err := in.Role(c)
	if err == nil {
		r.Boundary = ""
	}
	return cloud.None{}, err
}

type listProfilesOut struct {
	InstanceProfiles []entity.ProfileShape
	entity.Page
}

func listProfiles(c *cloud.Call, in entity.UnderPath) (out listProfilesOut, err error) {
	var all []entity.ProfileShape
	for _, p := range cloud.Sorted(c.Account.Profiles) {
		if in.Has(p.Path) {
			all = append(all, entity.ShowProfile(c, p))
		}
	}
	out.InstanceProfiles, out.Page, err = entity.Cut(c, in.Paged, all)
	return out, err
}

func profilesOf(c *cloud.Call, role string) []entity.ProfileShape {
	var out []entity.ProfileShape
	for _, p := range cloud.Sorted(c.Account.Profiles) {
		if slices.Contains(p.Roles, role) {
			out = append(out, entity.ShowProfile(c, p))
		}
	}
	return out
}

func listProfilesForRole(c *cloud.Call, in rolePaged) (out listProfilesOut, err error) {
	r, err := in.Role(c)
	if err != nil {
		return out, err
	}
	out.InstanceProfiles, out.Page, err = entity.Cut(c, in.Paged, profilesOf(c, r.Name))
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

type instanceProfileOut struct{ InstanceProfile entity.ProfileShape }

func createProfile(c *cloud.Call, in createProfileIn) (out instanceProfileOut, err error) {
	name := in.InstanceProfileName
	if err := entity.CheckName(c, "instanceProfileName", name, 128); err != nil {
		return out, err
	}
	if err := entity.CheckPath(c, &in.Path); err != nil {
		return out, err
	}
	if c.Account.Profiles[name] != nil {
		return out, entity.Exists("Instance Profile", name)
	}
	p := &cloud.Profile{Name: name, Path: in.Path, ID: c.Cloud.UniqueID("AIPA"), ARN: c.Account.IAM("instance-profile" + in.Path + name), Created: c.Now}
	c.Account.Profiles[name] = p
	out.InstanceProfile = entity.ShowProfile(c, p)
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
		return cloud.None{}, entity.Missing("role", in.RoleName)
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
		return cloud.None{}, entity.Missing("role", in.RoleName)
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
		return cloud.None{}, entity.Conflict("Cannot delete entity, must entity.Remove roles from instance profile first.")
	}
	delete(c.Account.Profiles, p.Name)
	return cloud.None{}, nil
}
