package events

import (
	"slices"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// target is where a rule sends what it matches; settings of kinds of target that the
// simulator does not read are kept as they came.
type target struct {
	Id                                                                     string `aws:",must"`
	Arn                                                                    string `aws:",must"`
	RoleArn, Input, InputPath                                              string
	InputTransformer, SqsParameters, DeadLetterConfig, RetryPolicy         any
	EcsParameters, KinesisParameters, HttpParameters, RunCommandParameters any
}

type onTargets struct {
	Rule         string `aws:",must"`
	EventBusName string
}

// On is the rule's ARN.
func (o *onTargets) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: ruleARN(c, o.EventBusName, o.Rule)}
}

type putTargetsIn struct {
	onTargets
	Targets []target `aws:",must"`
}

type failed struct{ TargetId, ErrorCode, ErrorMessage string }

type failedOut struct {
	FailedEntryCount int
	FailedEntries    []failed
}

// maxTargets is the quota of targets of a rule.
const maxTargets = 5

func putTargets(c *cloud.Call, in putTargetsIn) (out failedOut, err error) {
	_, r, err := findRule(c, in.EventBusName, in.Rule)
	if err != nil {
		return out, err
	}
	next := slices.Clone(r.targets)
	for _, t := range in.Targets {
		if t.Id == "" || t.Arn == "" {
			return out, c.Invalid("every target needs Id and Arn")
		}
		if i := slices.IndexFunc(next, func(o target) bool { return o.Id == t.Id }); i >= 0 {
			next[i] = t
			continue
		}
		next = append(next, t)
	}
	if len(next) > maxTargets {
		return out, cloud.Fail("LimitExceededException", 400, "The requested resource exceeds the maximum number allowed.")
	}
	r.targets = next
	return out, nil
}

type listTargetsIn struct {
	onTargets
	paged
}

type targetsOut struct {
	Targets   []target
	NextToken string
}

func listTargets(c *cloud.Call, in listTargetsIn) (out targetsOut, err error) {
	_, r, err := findRule(c, in.EventBusName, in.Rule)
	if err != nil {
		return out, err
	}
	out.Targets, out.NextToken, err = cut(c, in.paged, r.targets)
	return out, err
}

type byTargetIn struct {
	TargetArn    string `aws:",must"`
	EventBusName string
	paged
}

// On are the rules of the bus.
func (in *byTargetIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: ruleARN(c, in.EventBusName, "*")}
}

type ruleNamesOut struct {
	RuleNames []string
	NextToken string
}

func listByTarget(c *cloud.Call, in byTargetIn) (out ruleNamesOut, err error) {
	b, err := find(c, in.EventBusName)
	if err != nil {
		return out, err
	}
	var all []string
	for _, r := range cloud.Sorted(b.rules) {
		if slices.ContainsFunc(r.targets, func(t target) bool { return t.Arn == in.TargetArn }) {
			all = append(all, r.shape.Name)
		}
	}
	out.RuleNames, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type removeTargetsIn struct {
	onTargets
	Ids   []string `aws:",must"`
	Force bool
}

func removeTargets(c *cloud.Call, in removeTargetsIn) (out failedOut, err error) {
	_, r, err := findRule(c, in.EventBusName, in.Rule)
	if err != nil {
		return out, err
	}
	r.targets = slices.DeleteFunc(slices.Clone(r.targets), func(t target) bool { return slices.Contains(in.Ids, t.Id) })
	return out, nil
}
