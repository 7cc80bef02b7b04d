package iamsvc

import (
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/entity"
	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

func policyOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("GetPolicy", getPolicy),
		cloud.Op("ListPolicies", listPolicies),
		cloud.Op("GetPolicyVersion", getPolicyVersion),
		cloud.Op("ListPolicyVersions", listPolicyVersions),
		cloud.Op("ListEntitiesForPolicy", listEntities),
		cloud.Op("CreatePolicy", createPolicy),
		cloud.Op("CreatePolicyVersion", createPolicyVersion),
		cloud.Op("SetDefaultPolicyVersion", setDefaultVersion),
		cloud.Op("DeletePolicyVersion", deletePolicyVersion),
		cloud.Op("DeletePolicy", deletePolicy),
	}
}

// checkDocument refuses what is not a policy of a layer.
func checkDocument(layer iam.Layer, text string) error {
	if err := cloud.CheckPolicy(layer, text); err != nil {
		return cloud.Fail("MalformedPolicyDocument", 400, "%v", err)
	}
	return nil
}

type policyShape struct {
	PolicyName, PolicyId, Arn, Path, DefaultVersionId, Description string
	AttachmentCount, PermissionsBoundaryUsageCount                 int
	IsAttachable                                                   bool
	CreateDate, UpdateDate                                         time.Time
	Tags                                                           []cloud.Tag `aws:",omit"`
}

func showPolicy(a *cloud.Account, p *cloud.Policy) policyShape {
	users, groups, roles := a.Holders(p.ARN, false)
	bounded, _, boundedRoles := a.Holders(p.ARN, true)
	return policyShape{
		PolicyName: p.Name, PolicyId: p.ID, Arn: p.ARN, Path: p.Path, DefaultVersionId: p.Default().ID, AttachmentCount: len(users) + len(groups) + len(roles),
		PermissionsBoundaryUsageCount: len(bounded) + len(boundedRoles), IsAttachable: true, CreateDate: p.Created, UpdateDate: p.Updated,
	}
}

type policyOut struct{ Policy policyShape }

func getPolicy(c *cloud.Call, in entity.OnPolicy) (policyOut, error) {
	p, err := in.Policy(c)
	if err != nil {
		return policyOut{}, err
	}
	out := showPolicy(c.Account, p)
	out.Description, out.Tags = p.Description, p.Tags
	return policyOut{out}, nil
}

type listPoliciesIn struct {
	entity.UnderPath
	Scope, PolicyUsageFilter string
	OnlyAttached             bool
}

type listPoliciesOut struct {
	Policies []policyShape
	entity.Page
}

func listPolicies(c *cloud.Call, in listPoliciesIn) (out listPoliciesOut, err error) {
	if !slices.Contains([]string{"", "All", "AWS", "Local"}, in.Scope) {
		return out, c.Invalid("Scope must be All, AWS or Local")
	}
	if !slices.Contains([]string{"", "PermissionsPolicy", "PermissionsBoundary"}, in.PolicyUsageFilter) {
		return out, c.Invalid("PolicyUsageFilter must be PermissionsPolicy or PermissionsBoundary")
	}
	var all []policyShape
	for _, p := range c.Account.AllPolicies() {
		s := showPolicy(c.Account, p)
		used := s.AttachmentCount > 0
		if in.PolicyUsageFilter == "PermissionsBoundary" {
			used = s.PermissionsBoundaryUsageCount > 0
		}
		switch {
		case !in.Has(p.Path), in.Scope == "AWS" && !p.AWS(), in.Scope == "Local" && p.AWS(), (in.OnlyAttached || in.PolicyUsageFilter == "PermissionsBoundary") && !used:
			continue
		}
		all = append(all, s)
	}
	out.Policies, out.Page, err = entity.Cut(c, in.Paged, all)
	return out, err
}

type versionShape struct {
	Document         wire.Encoded
	VersionId        string
	IsDefaultVersion bool
	CreateDate       time.Time
}

func showVersion(v cloud.Version, document bool) versionShape {
	out := versionShape{VersionId: v.ID, IsDefaultVersion: v.Default, CreateDate: v.Created}
	if document {
		out.Document = wire.Encoded(v.Document)
	}
	return out
}

type versionIn struct {
	entity.OnPolicy
	VersionId string `aws:",must"`
}

// find gives the index of the version.
func (in *versionIn) find(p *cloud.Policy) (int, error) {
	i := slices.IndexFunc(p.Versions, func(v cloud.Version) bool { return v.ID == in.VersionId })
	if i < 0 {
		return 0, cloud.Fail("NoSuchEntity", 404, "Policy %s version %s does not exist or is not attachable.", in.PolicyArn, in.VersionId)
	}
	return i, nil
}

type versionOut struct{ PolicyVersion versionShape }

func getPolicyVersion(c *cloud.Call, in versionIn) (versionOut, error) {
	p, err := in.Policy(c)
	if err != nil {
		return versionOut{}, err
	}
	i, err := in.find(p)
	if err != nil {
		return versionOut{}, err
	}
	return versionOut{showVersion(p.Versions[i], true)}, nil
}

type policyPaged struct {
	entity.OnPolicy
	entity.Paged
}

type listVersionsOut struct {
	Versions []versionShape
	entity.Page
}

// newestFirst shows the versions of a policy in AWS's order.
func newestFirst(p *cloud.Policy, documents bool) []versionShape {
	var all []versionShape
	for _, v := range p.Versions {
		all = append(all, showVersion(v, documents))
	}
	slices.Reverse(all)
	return all
}

func listPolicyVersions(c *cloud.Call, in policyPaged) (out listVersionsOut, err error) {
	p, err := in.Policy(c)
	if err != nil {
		return out, err
	}
	out.Versions, out.Page, err = entity.Cut(c, in.Paged, newestFirst(p, false))
	return out, err
}

type listEntitiesIn struct {
	entity.OnPolicy
	EntityFilter, PathPrefix, PolicyUsageFilter string
	entity.Paged
}

type attachee struct {
	kind, name, id string
}

type listEntitiesOut struct {
	PolicyGroups []struct{ GroupName, GroupId string }
	PolicyUsers  []struct{ UserName, UserId string }
	PolicyRoles  []struct{ RoleName, RoleId string }
	entity.Page
}

func listEntities(c *cloud.Call, in listEntitiesIn) (out listEntitiesOut, err error) {
	if _, err := in.Policy(c); err != nil {
		return out, err
	}
	users, groups, roles := c.Account.Holders(in.PolicyArn, in.PolicyUsageFilter == "PermissionsBoundary")
	var all []attachee
	add := func(kind string, h *cloud.Holder) {
		if (in.EntityFilter == "" || in.EntityFilter == kind) && (entity.UnderPath{PathPrefix: in.PathPrefix}).Has(h.Path) {
			all = append(all, attachee{kind, h.Name, h.ID})
		}
	}
	for _, g := range groups {
		add("Group", &g.Holder)
	}
	for _, u := range users {
		add("User", &u.Holder)
	}
	for _, r := range roles {
		add("Role", &r.Holder)
	}
	part, p, err := entity.Cut(c, in.Paged, all)
	out.Page = p
	for _, e := range part {
		switch e.kind {
		case "Group":
			out.PolicyGroups = append(out.PolicyGroups, struct{ GroupName, GroupId string }{e.name, e.id})
		case "User":
			out.PolicyUsers = append(out.PolicyUsers, struct{ UserName, UserId string }{e.name, e.id})
		default:
			out.PolicyRoles = append(out.PolicyRoles, struct{ RoleName, RoleId string }{e.name, e.id})
		}
	}
	return out, err
}

type createPolicyIn struct {
	PolicyName     string `aws:",must"`
	PolicyDocument string `aws:",must"`
	Path           string
	Description    string
	Tags           []cloud.Tag
}

// On is the ARN that the policy will have.
func (in *createPolicyIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.Account.IAM("policy" + entity.OrSlash(in.Path) + in.PolicyName)}
}

func createPolicy(c *cloud.Call, in createPolicyIn) (policyOut, error) {
	if err := entity.CheckName(c, "policyName", in.PolicyName, 128); err != nil {
		return policyOut{}, err
	}
	if err := entity.CheckPath(c, &in.Path); err != nil {
		return policyOut{}, err
	}
	if err := checkDocument(iam.Identity, in.PolicyDocument); err != nil {
		return policyOut{}, err
	}
	p := &cloud.Policy{
		Name: in.PolicyName, Path: in.Path, ID: c.Cloud.UniqueID("ANPA"), ARN: c.Account.IAM("policy" + in.Path + in.PolicyName), Description: in.Description,
		Created: c.Now, Updated: c.Now, Versions: []cloud.Version{{ID: "v1", Document: in.PolicyDocument, Default: true, Created: c.Now}}, Made: 1, Tags: in.Tags,
	}
	for _, other := range c.Account.Policies {
		if other.Name == p.Name {
			return policyOut{}, cloud.Fail("EntityAlreadyExists", 409, "A policy called %s already exists. Duplicate names are not allowed.", p.Name)
		}
	}
	c.Account.Policies[p.ARN] = p
	return policyOut{showPolicy(c.Account, p)}, nil
}

type createVersionIn struct {
	entity.OnPolicy
	PolicyDocument string `aws:",must"`
	SetAsDefault   bool
}

// maxVersions is the quota of versions of a managed policy.
const maxVersions = 5

func createPolicyVersion(c *cloud.Call, in createVersionIn) (versionOut, error) {
	p, err := in.Own(c)
	if err != nil {
		return versionOut{}, err
	}
	if err := checkDocument(iam.Identity, in.PolicyDocument); err != nil {
		return versionOut{}, err
	}
	if len(p.Versions) >= maxVersions {
		return versionOut{}, cloud.Fail("LimitExceeded", 409, "A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
	}
	p.Made++
	v := cloud.Version{ID: fmt.Sprintf("v%d", p.Made), Document: in.PolicyDocument, Created: c.Now}
	p.Versions = append(p.Versions, v)
	p.Updated = c.Now
	if in.SetAsDefault {
		setDefault(p, len(p.Versions)-1)
	}
	return versionOut{showVersion(p.Versions[len(p.Versions)-1], false)}, nil
}

func setDefault(p *cloud.Policy, index int) {
	for i := range p.Versions {
		p.Versions[i].Default = i == index
	}
}

func setDefaultVersion(c *cloud.Call, in versionIn) (cloud.None, error) {
	p, err := in.Own(c)
	if err != nil {
		return cloud.None{}, err
	}
	i, err := in.find(p)
	if err == nil {
		setDefault(p, i)
		p.Updated = c.Now
	}
	return cloud.None{}, err
}

func deletePolicyVersion(c *cloud.Call, in versionIn) (cloud.None, error) {
	p, err := in.Own(c)
	if err != nil {
		return cloud.None{}, err
	}
	i, err := in.find(p)
	switch {
	case err != nil:
		return cloud.None{}, err
	case p.Versions[i].Default:
		return cloud.None{}, entity.Conflict("Cannot delete the default version of a policy.")
	}
	p.Versions = slices.Delete(p.Versions, i, i+1)
	return cloud.None{}, nil
}

func deletePolicy(c *cloud.Call, in entity.OnPolicy) (cloud.None, error) {
	p, err := in.Own(c)
	if err != nil {
		return cloud.None{}, err
	}
	switch s := showPolicy(c.Account, p); {
	case s.AttachmentCount > 0, s.PermissionsBoundaryUsageCount > 0:
		return cloud.None{}, entity.Conflict("Cannot delete a policy attached to entities.")
	case len(p.Versions) > 1:
		return cloud.None{}, entity.Conflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions.")
	}
	delete(c.Account.Policies, p.ARN)
	return cloud.None{}, nil
}
