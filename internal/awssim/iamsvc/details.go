package iamsvc

import (
	"maps"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/entity"
	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

type detailsIn struct {
	Filter []string
	entity.Paged
}

type inlineShape struct {
	PolicyName     string
	PolicyDocument wire.Encoded
}

// The shapes of GetAccountAuthorizationDetails.
type (
	userDetail struct {
		Path, UserName, UserId, Arn string
		CreateDate                  time.Time
		UserPolicyList              []inlineShape `aws:",omit"`
		GroupList                   []string
		AttachedManagedPolicies     []entity.AttachedShape
		PermissionsBoundary         *entity.BoundaryShape
		Tags                        []cloud.Tag
	}
	groupDetail struct {
		Path, GroupName, GroupId, Arn string
		CreateDate                    time.Time
		GroupPolicyList               []inlineShape
		AttachedManagedPolicies       []entity.AttachedShape
	}
	roleDetail struct {
		Path, RoleName, RoleId, Arn string
		CreateDate                  time.Time
		AssumeRolePolicyDocument    wire.Encoded
		InstanceProfileList         []entity.ProfileShape
		RolePolicyList              []inlineShape
		AttachedManagedPolicies     []entity.AttachedShape
		PermissionsBoundary         *entity.BoundaryShape
		Tags                        []cloud.Tag
		RoleLastUsed                *entity.LastUsedShape
	}
	policyDetail struct {
		policyShape
		PolicyVersionList []versionShape
	}
	detailsOut struct {
		UserDetailList  []userDetail
		GroupDetailList []groupDetail
		RoleDetailList  []roleDetail
		Policies        []policyDetail
		entity.Page
	}
)

func showInline(h *cloud.Holder) []inlineShape {
	var out []inlineShape
	for _, name := range slices.Sorted(maps.Keys(h.Inline)) {
		out = append(out, inlineShape{name, wire.Encoded(h.Inline[name])})
	}
	return out
}

// getDetails pages through users, groups, roles and policies as one list. Of AWS's
// policies those that are in use are part of it.
func getDetails(c *cloud.Call, in detailsIn) (out detailsOut, err error) {
	if err := checkFilter(c, in.Filter); err != nil {
		return out, err
	}
	part, p, err := entity.Cut(c, in.Paged, everyone(c.Account, in.Filter))
	if err != nil {
		return out, err
	}
	out.Page = p
	for _, e := range part {
		switch e := e.(type) {
		case *cloud.User:
			out.UserDetailList = append(out.UserDetailList, showUserDetail(c, e))
		case *cloud.Group:
			out.GroupDetailList = append(out.GroupDetailList, groupDetail{e.Path, e.Name, e.ID, e.ARN, e.Created, showInline(&e.Holder), entity.ShowAttached(c, e.Attached)})
		case *cloud.Role:
			out.RoleDetailList = append(out.RoleDetailList, showRoleDetail(c, e))
		case *cloud.Policy:
			out.Policies = append(out.Policies, policyDetail{showPolicy(c.Account, e), newestFirst(e, true)})
		}
	}
	return out, nil
}

// everyone lists what the filter asks for, all if it is empty.
func everyone(a *cloud.Account, filter []string) []any {
	wanted := func(kind string) bool { return len(filter) == 0 || slices.Contains(filter, kind) }
	var out []any
	if wanted("User") {
		for _, u := range cloud.Sorted(a.Users) {
			out = append(out, u)
		}
	}
	if wanted("Group") {
		for _, g := range cloud.Sorted(a.Groups) {
			out = append(out, g)
		}
	}
	if wanted("Role") {
		for _, r := range cloud.Sorted(a.Roles) {
			out = append(out, r)
		}
	}
	for _, p := range a.AllPolicies() {
		s := showPolicy(a, p)
		if p.AWS() && wanted("AWSManagedPolicy") && s.AttachmentCount+s.PermissionsBoundaryUsageCount > 0 || !p.AWS() && wanted("LocalManagedPolicy") {
			out = append(out, p)
		}
	}
	return out
}

func showUserDetail(c *cloud.Call, u *cloud.User) userDetail {
	return userDetail{u.Path, u.Name, u.ID, u.ARN, u.Created, showInline(&u.Holder), u.Groups, entity.ShowAttached(c, u.Attached), entity.BoundaryOf(&u.Holder), u.Tags}
}

func showRoleDetail(c *cloud.Call, r *cloud.Role) roleDetail {
	return roleDetail{
		r.Path, r.Name, r.ID, r.ARN, r.Created, wire.Encoded(r.Trust), profilesOf(c, r.Name), showInline(&r.Holder), entity.ShowAttached(c, r.Attached),
		entity.BoundaryOf(&r.Holder), r.Tags, entity.LastUsed(r),
	}
}
