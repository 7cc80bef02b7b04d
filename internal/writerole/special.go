package writerole

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/awsrole"
)

// passes are the services that roles are passed to, by the action that does it.
var passes = map[string]string{
	"cloudtrail:CreateTrail": "cloudtrail.amazonaws.com", "cloudtrail:UpdateTrail": "cloudtrail.amazonaws.com",
	"config:PutConfigurationRecorder": "config.amazonaws.com", "config:PutConfigurationAggregator": "config.amazonaws.com",
	"events:PutRule": "events.amazonaws.com", "events:PutTargets": "events.amazonaws.com",
}

// roleOf are the services whose own role is made, by the action that does it.
var roleOf = map[string]string{
	"access-analyzer:CreateAnalyzer": "access-analyzer.amazonaws.com", "cloudtrail:CreateTrail": "cloudtrail.amazonaws.com",
	"config:PutConfigRule": "config.amazonaws.com", "config:PutConfigurationRecorder": "config.amazonaws.com", "config:PutConfigurationAggregator": "config.amazonaws.com",
	"guardduty:CreateDetector": "guardduty.amazonaws.com", "guardduty:EnableOrganizationAdminAccount": "guardduty.amazonaws.com",
	"organizations:EnableAWSServiceAccess": "organizations.amazonaws.com",
	"securityhub:EnableSecurityHubV2":      "securityhubv2.amazonaws.com",
	"securityhub:EnableSecurityHub":        "securityhub.amazonaws.com", "securityhub:EnableOrganizationAdminAccount": "securityhub.amazonaws.com",
}

// services are those that the actions of the role are of, in a table by action.
func (r Role) services(by map[string]string) []string {
	found := map[string]bool{}
	for _, action := range r.Actions {
		if s := by[action]; s != "" {
			found[s] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// special are the statements of the actions that no role may have without a condition.
func (r Role) special(tasks []string) ([]awsrole.Statement, error) {
	var out []awsrole.Statement
	arn := "arn:" + r.partition()
	allow := func(sid, action, resource, key string, values []string) error {
		if len(values) == 0 {
			return fmt.Errorf("class %s: %s is listed, and none of the other actions needs it", r.Class, action)
		}
		out = append(out, awsrole.Statement{Sid: sid, Effect: "Allow", Action: action, Resource: resource, Condition: map[string]map[string]any{"StringEquals": {key: values}}})
		return nil
	}
	if slices.Contains(r.Actions, passRole) {
		if err := allow("PassRoles", passRole, arn+":iam::*:role/*", "iam:PassedToService", r.services(passes)); err != nil {
			return nil, err
		}
	}
	if slices.Contains(r.Actions, serviceRole) {
		if err := allow("MakeServiceRoles", serviceRole, arn+":iam::*:role/aws-service-role/*", "iam:AWSServiceName", r.services(roleOf)); err != nil {
			return nil, err
		}
	}
	if slices.Contains(r.Actions, assumeRoot) || len(tasks) > 0 {
		var policies []string
		for _, task := range tasks {
			policies = append(policies, arn+":iam::aws:policy/root-task/"+task)
		}
		if err := allow("RootSessionsOfMembers", assumeRoot, arn+":iam::*:root", "sts:TaskPolicyArn", policies); err != nil {
			return nil, err
		}
		// STS is asked for no source identity then: it is that of the role's own session.
		sources := slices.DeleteFunc(r.sources(), func(s string) bool { return s == ofChange })
		out[len(out)-1].Condition["StringLike"] = map[string]any{"aws:SourceIdentity": awsrole.One(sources)}
	}
	return out, nil
}

// blinding are the actions that end what a trail records.
var blinding = []string{"cloudtrail:DeleteTrail", "cloudtrail:PutEventSelectors", "cloudtrail:StopLogging", "cloudtrail:UpdateTrail"}

// never is what the role is refused whatever another policy, such as one of a resource,
// allows it: rootkeep's own roles, which it could widen, and the trails that show what it
// does, unless its class of change is about them.
func (r Role) never() []awsrole.Statement {
	own := []string{"Rootkeep*"} // the usual names of all
	if before, _, found := strings.Cut(r.Template, "{class}"); found && before != "" && !strings.HasPrefix(before, "Rootkeep") {
		own = append(own, before+"*")
	} else if r.Template != "" && !found {
		own = append(own, r.Name())
	}
	var arns []string
	for _, name := range own {
		for _, path := range []string{"", "*/"} {
			arns = append(arns, "arn:"+r.partition()+":iam::*:role/"+path+name)
		}
	}
	out := []awsrole.Statement{{Sid: "KeepRootkeepsRoles", Effect: "Deny", Action: "iam:*", Resource: arns}}
	blind := slices.DeleteFunc(slices.Clone(blinding), func(a string) bool { return slices.Contains(r.Actions, a) })
	if len(blind) > 0 {
		out = append(out, awsrole.Statement{Sid: "KeepTrails", Effect: "Deny", Action: blind, Resource: "*"})
	}
	return out
}
