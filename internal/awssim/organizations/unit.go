package organizations

import (
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

func unitOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("ListRoots", listRoots),
		cloud.Op("ListOrganizationalUnitsForParent", listUnits),
		cloud.Op("DescribeOrganizationalUnit", describeUnit),
		cloud.Op("CreateOrganizationalUnit", createUnit),
		cloud.Op("DeleteOrganizationalUnit", deleteUnit),
		cloud.Op("ListAccountsForParent", listAccountsForParent),
		cloud.Op("ListChildren", listChildren),
		cloud.Op("ListParents", listParents),
		cloud.Op("ListTagsForResource", listTags),
		cloud.Op("TagResource", tagResource),
		cloud.Op("UntagResource", untagResource),
	}
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }

func isParent(o *cloud.Organization, id string) bool { return id == o.RootID || o.Units[id] != nil }

func noParent() error {
	return cloud.Fail("ParentNotFoundException", 400, "We can't find a root or OU with the ParentId that you specified.")
}

type rootShape struct {
	Id, Arn, Name string
	PolicyTypes   []typeStatus
}

func showRoot(o *cloud.Organization) rootShape {
	r := rootShape{Id: o.RootID, Arn: o.ARN("root", o.RootID), Name: "Root"}
	for _, t := range policyTypes {
		if o.Types[t] {
			r.PolicyTypes = append(r.PolicyTypes, typeStatus{t, "ENABLED"})
		}
	}
	return r
}

type rootsOut struct {
	Roots     []rootShape
	NextToken string
}

func listRoots(c *cloud.Call, in paged) (out rootsOut, err error) {
	o, err := reading(c)
	if err != nil {
		return out, err
	}
	out.Roots, out.NextToken, err = cut(c, in, []rootShape{showRoot(o)})
	return out, err
}

type unitShape struct{ Id, Arn, Name string }

func showUnit(o *cloud.Organization, u *cloud.Unit) unitShape {
	return unitShape{u.ID, o.ARN("ou", u.ID), u.Name}
}

type parentIn struct {
	ParentId string `aws:",must"`
	paged
}

// reading gives the organization, if it has the parent that is asked about.
func (in parentIn) reading(c *cloud.Call) (*cloud.Organization, error) {
	o, err := reading(c)
	if err == nil && !isParent(o, in.ParentId) {
		err = noParent()
	}
	return o, err
}

type unitsOut struct {
	OrganizationalUnits []unitShape
	NextToken           string
}

func listUnits(c *cloud.Call, in parentIn) (out unitsOut, err error) {
	o, err := in.reading(c)
	if err != nil {
		return out, err
	}
	var all []unitShape
	for _, u := range cloud.Sorted(o.Units) {
		if u.Parent == in.ParentId {
			all = append(all, showUnit(o, u))
		}
	}
	out.OrganizationalUnits, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type unitIn struct {
	OrganizationalUnitId string `aws:",must"`
}

// On is the unit's ARN.
func (in *unitIn) On(c *cloud.Call) cloud.Resource { return about(c, "ou", in.OrganizationalUnitId) }

func (in *unitIn) find(o *cloud.Organization) (*cloud.Unit, error) {
	if u := o.Units[in.OrganizationalUnitId]; u != nil {
		return u, nil
	}
	return nil, cloud.Fail("OrganizationalUnitNotFoundException", 400, "We can't find an OU with the OrganizationalUnitId that you specified.")
}

type unitOut struct{ OrganizationalUnit unitShape }

func describeUnit(c *cloud.Call, in unitIn) (out unitOut, err error) {
	o, err := reading(c)
	if err != nil {
		return out, err
	}
	u, err := in.find(o)
	if err != nil {
		return out, err
	}
	return unitOut{showUnit(o, u)}, nil
}

type createUnitIn struct {
	ParentId string `aws:",must"`
	Name     string `aws:",must"`
	Tags     []cloud.Tag
}

// maxUnitDepth is how deep units nest below the root.
const maxUnitDepth = 5

func createUnit(c *cloud.Call, in createUnitIn) (out unitOut, err error) {
	o, err := managing(c)
	switch {
	case err != nil:
		return out, err
	case !isParent(o, in.ParentId):
		return out, noParent()
	}
	for _, u := range o.Units {
		if u.Parent == in.ParentId && u.Name == in.Name {
			return out, cloud.Fail("DuplicateOrganizationalUnitException", 400, "An OU with the same name already exists.")
		}
	}
	depth := 1
	for at := o.Units[in.ParentId]; at != nil; at = o.Units[at.Parent] {
		depth++
	}
	if depth > maxUnitDepth {
		return out, cloud.Fail("ConstraintViolationException", 400, "OUs can be nested %d levels deep.", maxUnitDepth)
	}
	u := o.AddUnit(in.Name, in.ParentId)
	u.Tags = in.Tags
	return unitOut{showUnit(o, u)}, nil
}

func deleteUnit(c *cloud.Call, in unitIn) (cloud.None, error) {
	o, err := managing(c)
	if err != nil {
		return cloud.None{}, err
	}
	u, err := in.find(o)
	if err != nil {
		return cloud.None{}, err
	}
	for _, other := range o.Units {
		if other.Parent == u.ID {
			return cloud.None{}, cloud.Fail("OrganizationalUnitNotEmptyException", 400, "The specified OU is not empty.")
		}
	}
	for _, a := range c.Cloud.Accounts() {
		if a.Parent == u.ID {
			return cloud.None{}, cloud.Fail("OrganizationalUnitNotEmptyException", 400, "The specified OU is not empty.")
		}
	}
	delete(o.Units, u.ID)
	delete(o.Attached, u.ID)
	return cloud.None{}, nil
}

func listAccountsForParent(c *cloud.Call, in parentIn) (out listAccountsOut, err error) {
	o, err := in.reading(c)
	if err != nil {
		return out, err
	}
	out.Accounts, out.NextToken, err = cut(c, in.paged, members(c, o, func(a *cloud.Account) bool { return a.Parent == in.ParentId }))
	return out, err
}

type child struct{ Id, Type string }

type childrenIn struct {
	parentIn
	ChildType string `aws:",must"`
}

type childrenOut struct {
	Children  []child
	NextToken string
}

func listChildren(c *cloud.Call, in childrenIn) (out childrenOut, err error) {
	o, err := in.reading(c)
	if err != nil {
		return out, err
	}
	var all []child
	switch in.ChildType {
	case "ACCOUNT":
		for _, a := range members(c, o, func(a *cloud.Account) bool { return a.Parent == in.ParentId }) {
			all = append(all, child{a.Id, in.ChildType})
		}
	case "ORGANIZATIONAL_UNIT":
		for _, u := range cloud.Sorted(o.Units) {
			if u.Parent == in.ParentId {
				all = append(all, child{u.ID, in.ChildType})
			}
		}
	default:
		return out, c.Invalid("ChildType must be ACCOUNT or ORGANIZATIONAL_UNIT")
	}
	out.Children, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type parentsIn struct {
	ChildId string `aws:",must"`
	paged
}

type parentsOut struct {
	Parents   []child
	NextToken string
}

func listParents(c *cloud.Call, in parentsIn) (out parentsOut, err error) {
	o, err := reading(c)
	if err != nil {
		return out, err
	}
	parent := ""
	if u := o.Units[in.ChildId]; u != nil {
		parent = u.Parent
	} else if a := c.Cloud.Account(rootkeep.AccountID(in.ChildId)); o.Member(a) {
		parent = a.Parent
	} else {
		return out, cloud.Fail("ChildNotFoundException", 400, "We can't find an OU or account with the ChildId that you specified.")
	}
	kind := "ORGANIZATIONAL_UNIT"
	if parent == o.RootID {
		kind = "ROOT"
	}
	out.Parents, out.NextToken, err = cut(c, in.paged, []child{{parent, kind}})
	return out, err
}

type taggedIn struct {
	ResourceId string `aws:",must"`
}

// tags finds the tags of an account, unit or policy.
func (in taggedIn) tags(c *cloud.Call, o *cloud.Organization) (*[]cloud.Tag, error) {
	if u := o.Units[in.ResourceId]; u != nil {
		return &u.Tags, nil
	}
	if p := o.Policies[in.ResourceId]; p != nil {
		return &p.Tags, nil
	}
	if a := c.Cloud.Account(rootkeep.AccountID(in.ResourceId)); o.Member(a) {
		return &a.Tags, nil
	}
	return nil, cloud.Fail("TargetNotFoundException", 400, "We can't find a root, OU, account, or policy with the TargetId that you specified.")
}

type listTagsIn struct {
	taggedIn
	NextToken string
}

type tagsOut struct {
	Tags      []cloud.Tag
	NextToken string
}

func listTags(c *cloud.Call, in listTagsIn) (out tagsOut, err error) {
	o, err := reading(c)
	if err != nil {
		return out, err
	}
	tags, err := in.tags(c, o)
	if err != nil {
		return out, err
	}
	out.Tags, out.NextToken, err = cut(c, paged{NextToken: in.NextToken}, *tags)
	return out, err
}

type tagIn struct {
	taggedIn
	Tags []cloud.Tag `aws:",must"`
}

func tagResource(c *cloud.Call, in tagIn) (cloud.None, error) {
	o, err := managing(c)
	if err != nil {
		return cloud.None{}, err
	}
	tags, err := in.tags(c, o)
	if err == nil {
		*tags = cloud.SetTags(*tags, in.Tags)
	}
	return cloud.None{}, err
}

type untagIn struct {
	taggedIn
	TagKeys []string `aws:",must"`
}

func untagResource(c *cloud.Call, in untagIn) (cloud.None, error) {
	o, err := managing(c)
	if err != nil {
		return cloud.None{}, err
	}
	tags, err := in.tags(c, o)
	if err == nil {
		*tags = cloud.DropTags(*tags, in.TagKeys)
	}
	return cloud.None{}, err
}
