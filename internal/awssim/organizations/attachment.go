package organizations

import (
	"cmp"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

type attachIn struct {
	onPolicy
	TargetId string `aws:",must"`
}

func (in *attachIn) check(c *cloud.Call) (*cloud.Organization, *cloud.Guardrail, error) {
	o, err := managing(c)
	if err != nil {
		return nil, nil, err
	}
	p, err := in.find(o)
	if err == nil {
		_, err = findTarget(c, o, in.TargetId)
	}
	return o, p, err
}

// maxPerTarget is the quota of policies of a type that one target has.
const maxPerTarget = 5

func attachPolicy(c *cloud.Call, in attachIn) (cloud.None, error) {
	o, p, err := in.check(c)
	if err != nil {
		return cloud.None{}, err
	}
	have := o.Attached[in.TargetId]
	switch {
	case !o.Types[p.Type]:
		return cloud.None{}, cloud.Fail("PolicyTypeNotEnabledException", 400, "The specified policy type isn't currently enabled in this root.")
	case slices.Contains(have, p.ID):
		return cloud.None{}, cloud.Fail("DuplicatePolicyAttachmentException", 400, "The selected policy is already attached to the specified target.")
	case countType(o, have, p.Type) >= maxPerTarget:
		return cloud.None{}, cloud.Fail("ConstraintViolationException", 400, "You have reached the limit of %d policies per target.", maxPerTarget)
	}
	o.Attached[in.TargetId] = append(have, p.ID)
	return cloud.None{}, nil
}

func countType(o *cloud.Organization, ids []string, kind string) (n int) {
	for _, id := range ids {
		if p := o.Policies[id]; p != nil && p.Type == kind {
			n++
		}
	}
	return n
}

func detachPolicy(c *cloud.Call, in attachIn) (cloud.None, error) {
	o, p, err := in.check(c)
	if err != nil {
		return cloud.None{}, err
	}
	have := o.Attached[in.TargetId]
	switch {
	case !slices.Contains(have, p.ID):
		return cloud.None{}, cloud.Fail("PolicyNotAttachedException", 400, "The policy isn't attached to the specified target in the specified root.")
	case p.Type == cloud.ServiceControl && countType(o, have, p.Type) == 1:
		return cloud.None{}, cloud.Fail("ConstraintViolationException", 400, "You can't remove the last SCP from a root, OU, or account.")
	}
	o.Attached[in.TargetId] = slices.DeleteFunc(slices.Clone(have), func(id string) bool { return id == p.ID })
	return cloud.None{}, nil
}

type typeIn struct {
	RootId     string `aws:",must"`
	PolicyType string `aws:",must"`
}

type rootOut struct{ Root rootShape }

// On is the root's ARN.
func (in *typeIn) On(c *cloud.Call) cloud.Resource {
	r := about(c, "root", in.RootId)
	r.Keys = map[string][]string{"organizations:PolicyType": {in.PolicyType}}
	return r
}

func (in *typeIn) check(c *cloud.Call) (*cloud.Organization, error) {
	o, err := managing(c)
	if err == nil {
		err = checkType(c, in.PolicyType)
	}
	if err == nil && in.RootId != o.RootID {
		err = cloud.Fail("RootNotFoundException", 400, "We can't find a root with the RootId that you specified.")
	}
	return o, err
}

func enableType(c *cloud.Call, in typeIn) (out rootOut, err error) {
	o, err := in.check(c)
	if err != nil {
		return out, err
	}
	if o.Types[in.PolicyType] {
		return out, cloud.Fail("PolicyTypeAlreadyEnabledException", 400, "The specified policy type is already enabled in the specified root.")
	}
	o.Types[in.PolicyType] = true
	return rootOut{showRoot(o)}, nil
}

func disableType(c *cloud.Call, in typeIn) (out rootOut, err error) {
	o, err := in.check(c)
	if err != nil {
		return out, err
	}
	if !o.Types[in.PolicyType] {
		return out, cloud.Fail("PolicyTypeNotEnabledException", 400, "The specified policy type isn't currently enabled in this root.")
	}
	delete(o.Types, in.PolicyType)
	return rootOut{showRoot(o)}, nil
}

type effectiveIn struct {
	PolicyType string `aws:",must"`
	TargetId   string
}

// On is the ARN of the account, the caller's if none is given.
func (in *effectiveIn) On(c *cloud.Call) cloud.Resource {
	return about(c, "account", cmp.Or(in.TargetId, string(c.Account.ID)))
}

type effectiveOut struct {
	EffectivePolicy struct {
		PolicyContent, TargetId, PolicyType string
		LastUpdatedTimestamp                time.Time
	}
}

// describeEffective joins the policies of a type from the root down to an account.
func describeEffective(c *cloud.Call, in effectiveIn) (out effectiveOut, err error) {
	o, err := belonging(c)
	if err == nil {
		err = checkType(c, in.PolicyType)
	}
	if err != nil {
		return out, err
	}
	if in.TargetId == "" {
		in.TargetId = string(c.Account.ID)
	}
	if in.TargetId != string(c.Account.ID) {
		if _, err := reading(c); err != nil {
			return out, err
		}
	}
	a, err := find(c, o, in.TargetId)
	switch {
	case err != nil:
		return out, err
	case in.PolicyType == cloud.ServiceControl || in.PolicyType == cloud.ResourceControl:
		return out, c.Invalid("%s has no effective policy", in.PolicyType)
	}
	text, found, err := effective(o.Guardrails(a, in.PolicyType))
	switch {
	case err != nil:
		return out, c.Invalid("%v", err)
	case !found:
		return out, cloud.Fail("EffectivePolicyNotFoundException", 400, "There is no effective policy of this type for the target.")
	}
	e := &out.EffectivePolicy
	e.PolicyContent, e.TargetId, e.PolicyType, e.LastUpdatedTimestamp = text, in.TargetId, in.PolicyType, c.Now
	return out, nil
}
