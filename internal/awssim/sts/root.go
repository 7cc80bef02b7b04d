package sts

import (
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/identity"
)

type assumeRootIn struct {
	TargetPrincipal string `aws:",must"`
	TaskPolicyArn   struct {
		Arn string `aws:"arn,must"`
	} `aws:",must"`
	DurationSeconds *int
}

type assumeRootOut struct {
	Credentials    credentials
	SourceIdentity string
}

// maxRoot is how many seconds a root session lasts at most.
const maxRoot = 900

// everything is the allowance that a task policy, which only denies, cuts down.
const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// assumeRoot makes a session of a member account's root user that can do one task.
func assumeRoot(c *cloud.Call, in assumeRootIn) (out assumeRootOut, err error) {
	if c.AtGlobalEndpoint() {
		return out, cloud.Fail("InvalidAction", 400, "Could not find operation AssumeRoot for version 2011-06-15 at the global endpoint")
	}
	o := c.Cloud.Organization
	refused := func(why string) error {
		return cloud.Fail("AccessDenied", 403, "User: %s is not authorized to perform: sts:AssumeRoot on resource: %s because %s", c.Caller.ARN, in.TargetPrincipal, why)
	}
	if c.Caller.Kind == iam.Root || c.Caller.Kind == iam.FederatedUser {
		return out, refused("only users and roles may assume root")
	}
	a, why := target(c, in.TargetPrincipal)
	r := cloud.Resource{ARN: in.TargetPrincipal, Keys: map[string][]string{"sts:TaskPolicyArn": {in.TaskPolicyArn.Arn}}}
	if a != nil {
		// The target has no policy that could name the caller: the caller's account decides.
		r.ARN, r.Keys["aws:ResourceAccount"] = a.IAM("root"), []string{string(a.ID)}
	}
	if err := c.Authorize("sts:AssumeRoot", r); err != nil {
		return out, err
	}
	task, needsSessions, known := identity.RootTask(in.TaskPolicyArn.Arn)
	switch {
	case !o.Member(c.Account) || !o.Administers(c.Account, "iam.amazonaws.com"):
		return out, refused("the account neither manages the organization nor is delegated administrator for IAM")
	case why != nil:
		return out, refused(why.Error())
	case !known:
		return out, c.Invalid("%s is not a task policy", in.TaskPolicyArn.Arn)
	case o.ServiceAccess["iam.amazonaws.com"].IsZero():
		return out, refused("trusted access for IAM is not enabled")
	case needsSessions && !o.RootSessions:
		return out, refused("the feature RootSessions is not enabled")
	case !needsSessions && !o.RootCredentials:
		return out, refused("the feature RootCredentialsManagement is not enabled")
	}
	seconds := maxRoot
	if in.DurationSeconds != nil {
		seconds = *in.DurationSeconds
	}
	if seconds < 0 || seconds > maxRoot {
		return out, c.Invalid("1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to %d", seconds, maxRoot)
	}
	who := cloud.RootCaller(a)
	who.Session = &cloud.Session{Issued: c.Now, AssumedRoot: true, Policies: []cloud.Text{task, {Name: "root", Document: everything}}}
	if s := c.Caller.Session; s != nil {
		who.Session.SourceIdentity, out.SourceIdentity = s.SourceIdentity, s.SourceIdentity
	}
	out.Credentials = show(c.Cloud.NewSession(who, time.Duration(seconds)*time.Second))
	return out, nil
}
