package awssim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// An action that the Service Authorization Reference requires a resource of is not
// authorized on "*": a policy that names the type's ARNs would never allow it.
func TestOperationsAreAboutTheResourceThatAWSRequires(t *testing.T) {
	sim, err := awssim.New(cloud.Config{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, s := range sim.Services() {
		for _, o := range s.Operations {
			prefix, name, _ := strings.Cut(o.Action, ":")
			a, ok := metadata.FindAction(prefix, name)
			if !ok {
				t.Errorf("%s %s: AWS has no action %s", s.Name, o.Name, o.Action)
				continue
			}
			for _, r := range a.Resources {
				if !r.Required || o.Open {
					continue
				}
				if asked++; o.Bare {
					t.Errorf("%s %s is about *, want %s", s.Name, o.Name, r.Type)
				}
			}
		}
	}
	if asked < 100 {
		t.Errorf("looked at %d operations, want at least 100", asked)
	}
}

// named is a policy of things that it names.
const named = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":"cloudwatch:*","Resource":"arn:aws:cloudwatch:*:*:alarm:mine"},
	{"Effect":"Allow","Action":"guardduty:*","Resource":"arn:aws:guardduty:*:*:detector/*/filter/mine"},
	{"Effect":"Allow","Action":"config:*","Resource":["arn:aws:config:*:*:config-aggregator/*","arn:aws:config:*:*:configuration-recorder/mine/*"]},
	{"Effect":"Allow","Action":"iam:CreateServiceLinkedRole","Resource":"arn:aws:iam::*:role/aws-service-role/*","Condition":{"StringEquals":{"iam:AWSServiceName":"config.amazonaws.com"}}},
	{"Effect":"Allow","Action":"organizations:*","Resource":["arn:aws:organizations::*:policy/o-*/service_control_policy/p-*","arn:aws:organizations::*:root/o-*/r-*"]}]}`

// What a call is about decides, and of several things each has to be allowed.
func TestPoliciesOfNamedResources(t *testing.T) {
	sim := newCompany(t, cloud.Config{Clock: newClock().Now})
	a := sim.management
	invoke := func(name, service, operation string, with map[string]any) error {
		_, err := sim.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, a.Users[name]), Region: "us-east-1", Service: service, Operation: operation, Parameters: with})
		return err
	}
	if err := invoke("admin", "iam", "CreateUser", map[string]any{"UserName": "ann"}); err != nil {
		t.Fatal(err)
	}
	if err := invoke("admin", "iam", "PutUserPolicy", map[string]any{"UserName": "ann", "PolicyName": "own", "PolicyDocument": named}); err != nil {
		t.Fatal(err)
	}
	type object = map[string]any
	for _, c := range []struct {
		name, service, operation string
		with                     object
		allowed                  bool
	}{
		{"an alarm that is named", "monitoring", "DisableAlarmActions", object{"AlarmNames": []string{"mine"}}, true},
		{"another beside it", "monitoring", "DisableAlarmActions", object{"AlarmNames": []string{"mine", "other"}}, false},
		{"another before it", "monitoring", "DeleteAlarms", object{"AlarmNames": []string{"other", "mine"}}, false},
		{"an alarm is read", "monitoring", "DescribeAlarms", object{"AlarmNames": []string{"mine"}}, true},
		{"all alarms are read", "monitoring", "DescribeAlarms", object{}, false},
		{"the history of an alarm", "monitoring", "DescribeAlarmHistory", object{"AlarmName": "mine"}, true},
		{"the history of all", "monitoring", "DescribeAlarmHistory", object{}, false},
		{"a filter", "guardduty", "DeleteFilter", object{"DetectorId": "d", "FilterName": "mine"}, true},
		{"another filter", "guardduty", "DeleteFilter", object{"DetectorId": "d", "FilterName": "other"}, false},
		{"a filter is made", "guardduty", "CreateFilter", object{"DetectorId": "d", "Name": "mine", "FindingCriteria": object{}}, true},
		{"an aggregator", "config", "DeleteConfigurationAggregator", object{"ConfigurationAggregatorName": "any"}, true},
		{"an aggregator with a role that may not be passed", "config", "PutConfigurationAggregator", object{
			"ConfigurationAggregatorName": "any", "OrganizationAggregationSource": object{"RoleArn": a.IAM("role/any"), "AllAwsRegions": true},
		}, false},
		{"a recorder", "config", "StopConfigurationRecorder", object{"ConfigurationRecorderName": "mine"}, true},
		{"another recorder", "config", "StopConfigurationRecorder", object{"ConfigurationRecorderName": "other"}, false},
		{"the role of a service", "iam", "CreateServiceLinkedRole", object{"AWSServiceName": "config.amazonaws.com"}, true},
		{"the role of another", "iam", "CreateServiceLinkedRole", object{"AWSServiceName": "guardduty.amazonaws.com"}, false},
		{"a policy of a type", "organizations", "CreatePolicy", object{"Name": "a", "Type": "SERVICE_CONTROL_POLICY", "Content": statementOf("Deny", "s3:*", "")}, true},
		{"a policy of another", "organizations", "CreatePolicy", object{"Name": "a", "Type": "TAG_POLICY", "Content": "{}"}, false},
		{"a type of policy", "organizations", "EnablePolicyType", object{"RootId": sim.Organization.RootID, "PolicyType": "TAG_POLICY"}, true},
		{"a unit", "organizations", "DeleteOrganizationalUnit", object{"OrganizationalUnitId": "ou-1"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := invoke("ann", c.service, c.operation, c.with)
			if denied := err != nil && strings.Contains(err.Error(), "is not authorized to perform"); denied == c.allowed {
				t.Errorf("got %v, want it allowed: %t", err, c.allowed)
			}
		})
	}
}
