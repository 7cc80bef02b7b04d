package cloud

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
)

// Resource is what a call is about.
type Resource struct {
	ARN      string   // "*" for an action that has no resource type
	Owner    *Account // nil: the caller's account
	Policies []Text   // of the resource itself
	Tags     []Tag
	Keys     map[string][]string // further context keys
	Facts    iam.Facts
}

// Authorize asks the policy evaluator. The error is the service's refusal; its text
// names the layer that decided, as AWS's does.
//
// Source: IAM User Guide, "Troubleshoot access denied error messages".
func (c *Call) Authorize(action string, r Resource) error {
	if c.resource.ARN == "" {
		c.resource = r
	}
	d, err := c.decide(action, r)
	switch {
	case err != nil:
		return Fail("InternalFailure", 500, "%s: %v", action, err)
	case d.Allowed():
		return nil
	}
	return &Error{Code: c.code().Denied, Status: 403, Message: c.refusal(action, r, d)}
}

// decide evaluates. Everything is known about a call, so an answer that hangs on
// something is a gap of the simulator, and not allowed.
func (c *Call) decide(action string, r Resource) (iam.Decision, error) {
	policies, err := c.policies(r)
	if err != nil {
		return iam.Decision{}, err
	}
	request := iam.Request{Action: action, Resource: r.ARN, Principal: c.Caller.Principal, Facts: r.Facts, Context: iam.NewContext(c.context(r))}
	if owner := c.owner(r); owner != nil {
		request.ResourceAccount = owner.ID
	}
	if o := c.Cloud.Organization; o != nil {
		request.Facts.ManagementAccount = o.Management
	}
	return iam.Evaluate(&request, policies)
}

func (c *Call) owner(r Resource) *Account {
	if r.Owner != nil {
		return r.Owner
	}
	return c.Account
}

// policies gathers the layers of a decision.
func (c *Call) policies(r Resource) (iam.Policies, error) {
	var p iam.Policies
	var err error
	w := &c.Caller
	if p.Identity, err = c.Cloud.compile(w.grants(c.Now)); err != nil {
		return p, err
	}
	if text := w.boundary(c.Now); text.Name != "" {
		if p.Boundary, err = c.Cloud.compile([]Text{text}); err != nil {
			return p, err
		}
	}
	if w.Session != nil {
		if p.Session, err = c.Cloud.compile(w.Session.Policies); err != nil {
			return p, err
		}
	}
	if p.Resource, err = c.Cloud.compile(r.Policies); err != nil {
		return p, err
	}
	o := c.Cloud.Organization
	if o == nil {
		return p, nil
	}
	if p.SCPs, err = c.Cloud.compileLevels(o.Guardrails(c.Account, ServiceControl)); err != nil {
		return p, err
	}
	p.RCPs, err = c.Cloud.compileLevels(o.Guardrails(c.owner(r), ResourceControl))
	return p, err
}

// ServiceMay says whether a policy lets an AWS service, such as
// cloudtrail.amazonaws.com, do something to a resource of an account.
func (c *Cloud) ServiceMay(service, action string, r Resource) bool {
	policies, err := c.compile(r.Policies)
	if err != nil || r.Owner == nil {
		return false
	}
	who := iam.Principal{Kind: iam.AWSService, ARN: service}
	keys := who.ContextKeys()
	maps.Copy(keys, r.Keys)
	d, err := iam.Evaluate(&iam.Request{
		Action: action, Resource: r.ARN, ResourceAccount: r.Owner.ID, Principal: who, Context: iam.NewContext(keys),
	}, iam.Policies{Resource: policies})
	return err == nil && d.Allowed()
}

// RoleMay says whether an AWS service may assume a role and the role lets it do
// something to a resource that has no policy of its own.
func (c *Cloud) RoleMay(service, role, action string, r Resource) bool {
	arn, err := rootkeep.ParseARN(role)
	owner := c.accounts[arn.Account]
	if err != nil || owner == nil {
		return false
	}
	in := owner.InForce(c.Now())
	held := in.Roles[role[strings.LastIndexByte(role, '/')+1:]]
	if held == nil || held.ARN != role {
		return false
	}
	assume := Resource{ARN: role, Owner: owner, Policies: []Text{{Name: "trust policy of " + held.Name, Document: held.Trust}}, Keys: map[string][]string{"aws:SourceAccount": {string(owner.ID)}}}
	if !c.ServiceMay(service, "sts:AssumeRole", assume) {
		return false
	}
	as := Call{Cloud: c, Caller: RoleCaller(owner, held, "service"), Account: owner, Now: c.Now()}
	d, err := as.decide(action, r)
	return err == nil && d.Allowed()
}

// Public says whether a bucket policy is public in the sense of S3.
func (c *Cloud) Public(text string) bool {
	policies, err := c.compile([]Text{{Name: "bucket policy", Document: text}})
	return err == nil && iam.Public(policies...)
}

// maxCompiled bounds how many policies are kept compiled.
const maxCompiled = 20_000

func (c *Cloud) compile(texts []Text) ([]*iam.Policy, error) {
	out := make([]*iam.Policy, 0, len(texts))
	for _, t := range texts {
		key := t.Name + "\x00" + t.Document
		p, ok := c.compiled[key]
		if !ok {
			var err error
			if p, err = iam.Parse(t.Name, []byte(t.Document)); err != nil {
				return nil, fmt.Errorf("policy %s: %w", t.Name, err)
			}
			if len(c.compiled) >= maxCompiled {
				clear(c.compiled)
			}
			c.compiled[key] = p
		}
		out = append(out, p)
	}
	return out, nil
}

func (c *Cloud) compileLevels(levels [][]Text) ([][]*iam.Policy, error) {
	var out [][]*iam.Policy
	for _, texts := range levels {
		level, err := c.compile(texts)
		if err != nil {
			return nil, err
		}
		out = append(out, level)
	}
	return out, nil
}

// CheckPolicy says why a text is not a policy of a layer.
func CheckPolicy(layer iam.Layer, text string) error {
	p, err := iam.Parse("policy", []byte(text))
	if err != nil {
		return err
	}
	in := iam.Policies{}
	switch list := []*iam.Policy{p}; layer {
	case iam.Resource:
		in.Resource = list
	case iam.SCP:
		in.SCPs = [][]*iam.Policy{list}
	case iam.RCP:
		in.RCPs = [][]*iam.Policy{list}
	default:
		in.Identity = list
	}
	_, err = iam.NewSet(in)
	return err
}

// context are the context keys of the call. The simulator stands for endpoints that
// speak TLS, so aws:SecureTransport is true.
func (c *Call) context(r Resource) map[string][]string {
	w := &c.Caller
	keys := w.ContextKeys()
	set := func(key, value string) { keys[key] = []string{value} }
	set("aws:SourceIp", c.sourceIP)
	set("aws:UserAgent", c.userAgent)
	set("aws:SecureTransport", "true")
	set("aws:CurrentTime", c.Now.Format(time.RFC3339))
	set("aws:EpochTime", strconv.FormatInt(c.Now.Unix(), 10))
	set("aws:RequestedRegion", c.Region)
	set("aws:ViaAWSService", "false")
	if w.UserID != "" {
		set("aws:userid", w.UserID)
	}
	if w.Role != nil {
		set("aws:PrincipalArn", w.Role.ARN)
	}
	for k, v := range w.tags(c.Now) {
		set("aws:PrincipalTag/"+k, v)
	}
	if s := w.Session; s != nil {
		s.context(set, c.Now)
	}
	for _, t := range r.Tags {
		set("aws:ResourceTag/"+t.Key, t.Value)
	}
	if owner := c.owner(r); owner != nil {
		set("aws:ResourceAccount", string(owner.ID))
		c.organizationKeys(owner, "aws:Resource", keys)
	}
	c.organizationKeys(w.Owner, "aws:Principal", keys)
	maps.Copy(keys, r.Keys)
	return keys
}

func (s *Session) context(set func(key, value string), now time.Time) {
	set("aws:TokenIssueTime", s.Issued.Format(time.RFC3339))
	set("aws:MultiFactorAuthPresent", strconv.FormatBool(s.MFA))
	if s.MFA {
		set("aws:MultiFactorAuthAge", strconv.Itoa(int(now.Sub(s.Issued).Seconds())))
	}
	if s.SourceIdentity != "" {
		set("aws:SourceIdentity", s.SourceIdentity)
	}
	if s.AssumedRoot {
		set("aws:AssumedRoot", "true")
	}
}

func (c *Call) organizationKeys(a *Account, prefix string, keys map[string][]string) {
	o := c.Cloud.Organization
	if !o.Member(a) {
		return
	}
	path := o.Path(a)
	keys[prefix+"OrgID"] = []string{o.ID}
	keys[prefix+"OrgPaths"] = []string{o.ID + "/" + strings.Join(path[:len(path)-1], "/") + "/"}
}

// layerNames are AWS's words for layers.
var layerNames = map[iam.Layer]string{
	iam.SCP: "service control policy", iam.RCP: "resource control policy", iam.Resource: "resource-based policy", iam.Identity: "identity-based policy",
	iam.Boundary: "permissions boundary", iam.Session: "session policy",
}

func (c *Call) refusal(action string, r Resource, d iam.Decision) string {
	who := c.Caller.ARN
	if who == "" {
		who = "anonymous"
	}
	text := fmt.Sprintf("User: %s is not authorized to perform: %s", who, action)
	if r.ARN != "*" {
		text += " on resource: " + r.ARN
	}
	layer := ""
	for _, l := range d.By.List() {
		if layer = layerNames[l]; layer != "" {
			break
		}
	}
	switch {
	case d.Outcome == iam.Conditional:
		return text + " because the simulator cannot decide it"
	case layer == "":
		return text
	case d.Outcome == iam.ExplicitlyDenied:
		article := "a"
		if layer[0] == 'i' {
			article = "an"
		}
		return text + " with an explicit deny in " + article + " " + layer
	}
	return text + " because no " + layer + " allows the " + action + " action"
}
