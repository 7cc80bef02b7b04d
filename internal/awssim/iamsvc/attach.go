package iamsvc

import (
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/entity"
	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

func attachOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("ListAttachedUserPolicies", listAttached[userPolicies]),
		cloud.Op("ListAttachedGroupPolicies", listAttached[groupPolicies]),
		cloud.Op("ListAttachedRolePolicies", listAttached[rolePolicies]),
		cloud.Op("AttachUserPolicy", attach[userAttach]),
		cloud.Op("AttachGroupPolicy", attach[groupAttach]),
		cloud.Op("AttachRolePolicy", attach[roleAttach]),
		cloud.Op("DetachUserPolicy", detach[userAttach]),
		cloud.Op("DetachGroupPolicy", detach[groupAttach]),
		cloud.Op("DetachRolePolicy", detach[roleAttach]),
		cloud.Op("ListUserPolicies", listInline[userInlines]),
		cloud.Op("ListGroupPolicies", listInline[groupInlines]),
		cloud.Op("ListRolePolicies", listInline[roleInlines]),
		cloud.Op("GetUserPolicy", getInline[userInline]),
		cloud.Op("GetGroupPolicy", getInline[groupInline]),
		cloud.Op("GetRolePolicy", getInline[roleInline]),
		cloud.Op("PutUserPolicy", putInline[userPut]),
		cloud.Op("PutGroupPolicy", putInline[groupPut]),
		cloud.Op("PutRolePolicy", putInline[rolePut]),
		cloud.Op("DeleteUserPolicy", deleteInline[userInline]),
		cloud.Op("DeleteGroupPolicy", deleteInline[groupInline]),
		cloud.Op("DeleteRolePolicy", deleteInline[roleInline]),
	}
}

// holding is an input that names a user, group or role.
type holding interface {
	Holder(*cloud.Call) (*cloud.Holder, error)
}

// The inputs of each operation for users, groups and roles.
type (
	underPaths struct{ entity.UnderPath }
	pages      struct{ entity.Paged }
	attachment struct {
		PolicyArn string `aws:",must"`
	}
	inlineName struct {
		PolicyName string `aws:",must"`
	}
	inlineText struct {
		PolicyName     string `aws:",must"`
		PolicyDocument string `aws:",must"`
	}
	userPolicies struct {
		entity.OnUser
		underPaths
	}
	groupPolicies struct {
		entity.OnGroup
		underPaths
	}
	rolePolicies struct {
		entity.OnRole
		underPaths
	}
	userAttach struct {
		entity.OnUser
		attachment
	}
	groupAttach struct {
		entity.OnGroup
		attachment
	}
	roleAttach struct {
		entity.OnRole
		attachment
	}
	userInlines struct {
		entity.OnUser
		pages
	}
	groupInlines struct {
		entity.OnGroup
		pages
	}
	roleInlines struct {
		entity.OnRole
		pages
	}
	userInline struct {
		entity.OnUser
		inlineName
	}
	groupInline struct {
		entity.OnGroup
		inlineName
	}
	roleInline struct {
		entity.OnRole
		inlineName
	}
	userPut struct {
		entity.OnUser
		inlineText
	}
	groupPut struct {
		entity.OnGroup
		inlineText
	}
	rolePut struct {
		entity.OnRole
		inlineText
	}
)

func (u underPaths) prefix() entity.UnderPath { return u.UnderPath }
func (p pages) cutBy() entity.Paged           { return p.Paged }
func (a attachment) arn() string              { return a.PolicyArn }
func (n inlineName) inline() string           { return n.PolicyName }
func (t inlineText) put() (name, text string) { return t.PolicyName, t.PolicyDocument }

type listAttachedOut struct {
	AttachedPolicies []entity.AttachedShape
	entity.Page
}

func listAttached[In interface {
	holding
	prefix() entity.UnderPath
}](c *cloud.Call, in In) (out listAttachedOut, err error) {
	h, err := in.Holder(c)
	if err != nil {
		return out, err
	}
	var all []entity.AttachedShape
	for _, arn := range h.Attached {
		if p := c.Account.Find(arn); p != nil && in.prefix().Has(p.Path) {
			all = append(all, entity.AttachedShape{PolicyName: p.Name, PolicyArn: arn})
		}
	}
	out.AttachedPolicies, out.Page, err = entity.Cut(c, in.prefix().Paged, all)
	return out, err
}

// maxAttached is the default quota of managed policies of one identity.
const maxAttached = 10

func attach[In interface {
	holding
	arn() string
}](c *cloud.Call, in In) (cloud.None, error) {
	h, err := in.Holder(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case c.Account.Find(in.arn()) == nil:
		return cloud.None{}, cloud.Fail("NoSuchEntity", 404, "Policy %s does not exist or is not attachable.", in.arn())
	case slices.Contains(h.Attached, in.arn()):
		return cloud.None{}, nil
	case len(h.Attached) >= maxAttached:
		return cloud.None{}, cloud.Fail("LimitExceeded", 409, "Cannot exceed quota for PoliciesPerIdentity: %d", maxAttached)
	}
	h.Attached = append(h.Attached, in.arn())
	return cloud.None{}, nil
}

func detach[In interface {
	holding
	arn() string
}](c *cloud.Call, in In) (cloud.None, error) {
	h, err := in.Holder(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case !slices.Contains(h.Attached, in.arn()):
		return cloud.None{}, cloud.Fail("NoSuchEntity", 404, "Policy %s was not found.", in.arn())
	}
	h.Attached = entity.Remove(h.Attached, in.arn())
	return cloud.None{}, nil
}

type listInlineOut struct {
	PolicyNames []string
	entity.Page
}

func listInline[In interface {
	holding
	cutBy() entity.Paged
}](c *cloud.Call, in In) (out listInlineOut, err error) {
	h, err := in.Holder(c)
	if err != nil {
		return out, err
	}
	out.PolicyNames, out.Page, err = entity.Cut(c, in.cutBy(), slices.Sorted(maps.Keys(h.Inline)))
	return out, err
}

type inlineOut struct {
	UserName, GroupName, RoleName string
	PolicyName                    string
	PolicyDocument                wire.Encoded
}

func inlineOf(c *cloud.Call, in interface {
	holding
	inline() string
}) (*cloud.Holder, string, error) {
	h, err := in.Holder(c)
	if err != nil {
		return nil, "", err
	}
	text, ok := h.Inline[in.inline()]
	if !ok {
		return nil, "", cloud.Fail("NoSuchEntity", 404, "The policy with name %s cannot be found.", in.inline())
	}
	return h, text, nil
}

func getInline[In interface {
	holding
	inline() string
}](c *cloud.Call, in In) (out inlineOut, err error) {
	h, text, err := inlineOf(c, in)
	if err != nil {
		return out, err
	}
	out = inlineOut{PolicyName: in.inline(), PolicyDocument: wire.Encoded(text)}
	switch any(in).(type) {
	case userInline:
		out.UserName = h.Name
	case groupInline:
		out.GroupName = h.Name
	default:
		out.RoleName = h.Name
	}
	return out, nil
}

func putInline[In interface {
	holding
	put() (name, text string)
}](c *cloud.Call, in In) (cloud.None, error) {
	h, err := in.Holder(c)
	if err != nil {
		return cloud.None{}, err
	}
	name, text := in.put()
	if err := entity.CheckName(c, "policyName", name, 128); err != nil {
		return cloud.None{}, err
	}
	if err := checkDocument(iam.Identity, text); err != nil {
		return cloud.None{}, err
	}
	h.Inline[name] = text
	return cloud.None{}, nil
}

func deleteInline[In interface {
	holding
	inline() string
}](c *cloud.Call, in In) (cloud.None, error) {
	h, _, err := inlineOf(c, in)
	if err == nil {
		delete(h.Inline, in.inline())
	}
	return cloud.None{}, err
}
