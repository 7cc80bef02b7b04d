package cloudformation_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os/exec"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/deploy/deploytest"
)

// motoAccount is the account that moto has.
const motoAccount = "123456789012"

// lacking are the types that moto makes nothing of. What they come to the proof works out.
var lacking = []string{
	"AWS::AccessAnalyzer::Analyzer", "AWS::CloudTrail::Trail", "AWS::CloudWatch::Alarm", "AWS::Config::ConfigRule", "AWS::Config::ConfigurationRecorder", "AWS::Config::DeliveryChannel", "AWS::GuardDuty::Detector", "AWS::GuardDuty::ThreatEntitySet", "AWS::GuardDuty::ThreatIntelSet",
	"AWS::IAM::ServiceLinkedRole", "AWS::Logs::MetricFilter", "AWS::S3::BucketPolicy", "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::SecurityHub::FindingAggregator",
	"AWS::SecurityHub::Hub", "AWS::SecurityHub::Insight", "AWS::SecurityHub::Standard",
}

// motoStack is what was made of a template.
type motoStack struct {
	Status        string
	Unknown, Left []string
	Made          map[string]map[string]any
}

// inMoto creates the stacks, each in an account of its own.
func inMoto(t *testing.T, stacks []map[string]any) []motoStack {
	t.Helper()
	given, err := json.Marshal(stacks)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(deploytest.Python(t), "testdata/create.py")
	command.Stdin = bytes.NewReader(given)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	var got []motoStack
	if err == nil {
		err = json.Unmarshal(out, &got)
	}
	if err != nil || len(got) != len(stacks) {
		t.Fatalf("moto: got %d stacks, want %d: %v\n%s", len(got), len(stacks), err, stderr.Bytes())
	}
	return got
}

// TestMotoMakesTheStacks creates the templates' stacks in a simulation that we did not
// write: it makes what it knows, with the properties that the proof takes them to have.
func TestMotoMakesTheStacks(t *testing.T) {
	of := deploytest.Options()["archive"]
	of.Archive = motoAccount
	elsewhere := render(t, deploytest.Options()["elsewhere"])
	cases := []struct {
		name, region, template string
		least                  int // resources that are made
	}{
		{"an account", "eu-west-1", elsewhere["home"], 11},
		{"the Region of sign-ins", "us-east-1", elsewhere["signin"], 5},
		{"an account for logs", "eu-west-1", render(t, of)["archive"], 6},
	}
	var stacks []map[string]any
	for _, c := range cases {
		stacks = append(stacks, map[string]any{"Region": c.region, "Parameters": createIn(t, motoAccount, c.region, c.template).parameters, "Template": c.template})
	}
	for i, got := range inMoto(t, stacks) {
		c := cases[i]
		t.Run(c.name, func(t *testing.T) {
			if got.Status != "CREATE_COMPLETE" || len(got.Left) > 0 || len(got.Made) < c.least {
				t.Errorf("got %s, made %d, left %v; want all of at least %d", got.Status, len(got.Made), got.Left, c.least)
			}
			for _, kind := range got.Unknown {
				if !slices.Contains(lacking, kind) {
					t.Errorf("moto does not know %s; hint: is it a type of CloudFormation?", kind)
				}
			}
			want := createIn(t, motoAccount, c.region, c.template)
			for _, id := range slices.Sorted(maps.Keys(got.Made)) {
				properties, _ := want.resources[id]["Properties"].(map[string]any)
				for name, value := range got.Made[id] {
					if diff := cmp.Diff(want.resolve(properties[name]), value); diff != "" {
						t.Errorf("%s.%s (-template +moto):\n%s", id, name, diff)
					}
				}
			}
		})
	}
}
