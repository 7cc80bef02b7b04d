package organizations

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// policyTypes are the types of policy that an organization may enable.
var policyTypes = []string{
	cloud.ServiceControl, cloud.ResourceControl, "TAG_POLICY", "BACKUP_POLICY", "AISERVICES_OPT_OUT_POLICY", "CHATBOT_POLICY", "DECLARATIVE_POLICY_EC2",
	"SECURITYHUB_POLICY", "INSPECTOR_POLICY", "UPGRADE_ROLLOUT_POLICY", "BEDROCK_POLICY", "S3_POLICY", "NETWORK_SECURITY_DIRECTOR_POLICY", "GUARDDUTY_POLICY",
}

func policyOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("ListPolicies", listPolicies),
		cloud.Op("DescribePolicy", describePolicy),
		cloud.Op("ListTargetsForPolicy", listTargets),
		cloud.Op("ListPoliciesForTarget", listPoliciesForTarget),
		cloud.Op("DescribeEffectivePolicy", describeEffective),
		cloud.Op("CreatePolicy", createPolicy),
		cloud.Op("UpdatePolicy", updatePolicy),
		cloud.Op("DeletePolicy", deletePolicy),
		cloud.Op("AttachPolicy", attachPolicy),
		cloud.Op("DetachPolicy", detachPolicy),
		cloud.Op("EnablePolicyType", enableType),
		cloud.Op("DisablePolicyType", disableType),
	}
}

type policySummary struct {
	Id, Arn, Name, Description, Type string
	AwsManaged                       bool
}

func showPolicy(o *cloud.Organization, p *cloud.Guardrail) policySummary {
	kind := strings.ToLower(p.Type)
	arn := o.ARN("policy", kind+"/"+p.ID)
	if p.AWS {
		arn = "arn:aws:organizations::aws:policy/" + kind + "/" + p.ID
	}
	return policySummary{p.ID, arn, p.Name, p.Description, p.Type, p.AWS}
}

func checkType(c *cloud.Call, t string) error {
	if !slices.Contains(policyTypes, t) {
		return c.Invalid("%q is no type of policy", t)
	}
	return nil
}

type listPoliciesIn struct {
	Filter string `aws:",must"`
	paged
}

type policiesOut struct {
	Policies  []policySummary
	NextToken string
}

func listPolicies(c *cloud.Call, in listPoliciesIn) (out policiesOut, err error) {
	o, err := reading(c)
	if err == nil {
		err = checkType(c, in.Filter)
	}
	if err != nil {
		return out, err
	}
	var all []policySummary
	for _, p := range cloud.Sorted(o.Policies) {
		if p.Type == in.Filter {
			all = append(all, showPolicy(o, p))
		}
	}
	out.Policies, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type onPolicy struct {
	PolicyId string `aws:",must"`
}

// On is the policy's ARN.
func (in *onPolicy) On(c *cloud.Call) cloud.Resource {
	if o := c.Cloud.Organization; o != nil && o.Policies[in.PolicyId] != nil {
		p := o.Policies[in.PolicyId]
		return cloud.Resource{ARN: showPolicy(o, p).Arn, Tags: p.Tags, Keys: map[string][]string{"organizations:PolicyType": {p.Type}}}
	}
	return cloud.Resource{ARN: "*"}
}

func (in *onPolicy) find(o *cloud.Organization) (*cloud.Guardrail, error) {
	if p := o.Policies[in.PolicyId]; p != nil {
		return p, nil
	}
	return nil, cloud.Fail("PolicyNotFoundException", 400, "We can't find a policy with the PolicyId that you specified.")
}

// own refuses AWS's policies.
func (in *onPolicy) own(o *cloud.Organization) (*cloud.Guardrail, error) {
	p, err := in.find(o)
	if err == nil && p.AWS {
		return nil, cloud.Fail("PolicyChangesInProgressException", 400, "AWS managed policies cannot be changed.")
	}
	return p, err
}

type policyOut struct {
	Policy struct {
		PolicySummary policySummary
		Content       string
	}
}

func shown(o *cloud.Organization, p *cloud.Guardrail) (out policyOut) {
	out.Policy.PolicySummary, out.Policy.Content = showPolicy(o, p), p.Content
	return out
}

func describePolicy(c *cloud.Call, in onPolicy) (out policyOut, err error) {
	o, err := reading(c)
	if err != nil {
		return out, err
	}
	p, err := in.find(o)
	if err != nil {
		return out, err
	}
	return shown(o, p), nil
}

type targetShape struct{ TargetId, Arn, Name, Type string }

// findTarget tells what a target is.
func findTarget(c *cloud.Call, o *cloud.Organization, id string) (targetShape, error) {
	if id == o.RootID {
		return targetShape{id, o.ARN("root", id), "Root", "ROOT"}, nil
	}
	if u := o.Units[id]; u != nil {
		return targetShape{id, o.ARN("ou", id), u.Name, "ORGANIZATIONAL_UNIT"}, nil
	}
	if a := c.Cloud.Account(rootkeep.AccountID(id)); o.Member(a) {
		return targetShape{id, o.ARN("account", id), a.Name, "ACCOUNT"}, nil
	}
	return targetShape{}, cloud.Fail("TargetNotFoundException", 400, "We can't find a root, OU, account, or policy with the TargetId that you specified.")
}

type listTargetsIn struct {
	onPolicy
	paged
}

type targetsOut struct {
	Targets   []targetShape
	NextToken string
}

func listTargets(c *cloud.Call, in listTargetsIn) (out targetsOut, err error) {
	o, err := reading(c)
	if err != nil {
		return out, err
	}
	p, err := in.find(o)
	if err != nil {
		return out, err
	}
	var all []targetShape
	for _, t := range targetsOf(o, p.ID) {
		shape, err := findTarget(c, o, t)
		if err != nil {
			return out, err
		}
		all = append(all, shape)
	}
	out.Targets, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

func targetsOf(o *cloud.Organization, policy string) []string {
	var out []string
	for target, ids := range o.Attached {
		if slices.Contains(ids, policy) {
			out = append(out, target)
		}
	}
	slices.Sort(out)
	return out
}

type forTargetIn struct {
	TargetId string `aws:",must"`
	Filter   string `aws:",must"`
	paged
}

func listPoliciesForTarget(c *cloud.Call, in forTargetIn) (out policiesOut, err error) {
	o, err := reading(c)
	if err == nil {
		err = checkType(c, in.Filter)
	}
	if err == nil {
		_, err = findTarget(c, o, in.TargetId)
	}
	if err != nil {
		return out, err
	}
	var all []policySummary
	for _, id := range o.Attached[in.TargetId] {
		if p := o.Policies[id]; p != nil && p.Type == in.Filter {
			all = append(all, showPolicy(o, p))
		}
	}
	out.Policies, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type createPolicyIn struct {
	Content     string `aws:",must"`
	Description string
	Name        string `aws:",must"`
	Type        string `aws:",must"`
	Tags        []cloud.Tag
}

// On is the ARN that the policy will have, as far as it is known.
func (in *createPolicyIn) On(c *cloud.Call) cloud.Resource {
	r := about(c, "policy", strings.ToLower(in.Type)+"/p-*")
	r.Keys = map[string][]string{"organizations:PolicyType": {in.Type}}
	return r
}

// checkContent refuses what is no policy of its type. Policies that are not of IAM's
// language must be JSON.
func checkContent(kind, content string) error {
	var err error
	switch kind {
	case cloud.ServiceControl:
		err = cloud.CheckPolicy(iam.SCP, content)
	case cloud.ResourceControl:
		err = cloud.CheckPolicy(iam.RCP, content)
	default:
		var tree map[string]any
		err = json.Unmarshal([]byte(content), &tree)
	}
	if err != nil {
		return cloud.Fail("MalformedPolicyDocumentException", 400, "The provided policy document doesn't meet the requirements of the specified policy type: %v", err)
	}
	return nil
}

func createPolicy(c *cloud.Call, in createPolicyIn) (out policyOut, err error) {
	o, err := managing(c)
	if err == nil {
		err = checkType(c, in.Type)
	}
	if err == nil {
		err = checkContent(in.Type, in.Content)
	}
	if err != nil {
		return out, err
	}
	for _, p := range o.Policies {
		if p.Name == in.Name && p.Type == in.Type {
			return out, cloud.Fail("DuplicatePolicyException", 400, "A policy with the same name already exists.")
		}
	}
	p := &cloud.Guardrail{ID: "p-" + c.Cloud.Word(8), Name: in.Name, Description: in.Description, Type: in.Type, Content: in.Content, Tags: in.Tags}
	o.Policies[p.ID] = p
	return shown(o, p), nil
}

type updatePolicyIn struct {
	onPolicy
	Name, Description, Content *string
}

func updatePolicy(c *cloud.Call, in updatePolicyIn) (out policyOut, err error) {
	o, err := managing(c)
	if err != nil {
		return out, err
	}
	p, err := in.own(o)
	if err != nil {
		return out, err
	}
	if in.Content != nil {
		if err := checkContent(p.Type, *in.Content); err != nil {
			return out, err
		}
		p.Content = *in.Content
	}
	if in.Name != nil {
		p.Name = *in.Name
	}
	if in.Description != nil {
		p.Description = *in.Description
	}
	return shown(o, p), nil
}

func deletePolicy(c *cloud.Call, in onPolicy) (cloud.None, error) {
	o, err := managing(c)
	if err != nil {
		return cloud.None{}, err
	}
	p, err := in.own(o)
	switch {
	case err != nil:
		return cloud.None{}, err
	case len(targetsOf(o, p.ID)) > 0:
		return cloud.None{}, cloud.Fail("PolicyInUseException", 400, "The policy is attached to one or more entities.")
	}
	delete(o.Policies, p.ID)
	return cloud.None{}, nil
}
