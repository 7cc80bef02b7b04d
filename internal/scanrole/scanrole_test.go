package scanrole_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awsrole/awsroletest"
	"github.com/rootkeep/rootkeep/internal/scanrole"
)

// role is that of the operations that a scan calls.
func role(broker bool) scanrole.Role {
	r := scanrole.Role{Broker: broker}
	for _, o := range awsread.Operations() {
		r.Actions = append(r.Actions, o.Action)
	}
	if broker {
		for _, o := range awsread.OrganizationOperations() {
			r.Actions = append(r.Actions, o.Action)
		}
	}
	return r
}

func text(t *testing.T, r scanrole.Role, format string) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

type policy struct {
	Version   string
	Statement []struct {
		Effect    string
		Action    any
		Resource  string
		Condition map[string]map[string]string
	}
}

func TestThePolicyIsWhatAScanCalls(t *testing.T) {
	var p policy
	if err := json.Unmarshal([]byte(text(t, role(false), "policy")), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Statement) != 1 || p.Statement[0].Effect != "Allow" {
		t.Fatalf("got %+v", p)
	}
	allowed, called := map[string]bool{}, map[string]bool{}
	for _, a := range p.Statement[0].Action.([]any) {
		allowed[a.(string)] = true
	}
	for _, o := range awsread.Operations() {
		taken := o.Action == "sts:AssumeRole" || o.Action == "sts:AssumeRoot" || o.Action == "sts:GetCallerIdentity"
		if allowed[o.Action] == taken {
			t.Errorf("%s: allowed %v, want %v", o.Action, allowed[o.Action], !taken)
		}
		called[o.Action] = true
	}
	maps.DeleteFunc(allowed, func(action string, _ bool) bool { return called[action] })
	if len(allowed) > 0 {
		t.Errorf("allowed and never called: %v", allowed)
	}
}

// Which is what the controls of sts:AssumeRoot ask of everybody who may call it.
func TestRootSessionsAreOfTheAuditTaskOnlyAndNamed(t *testing.T) {
	var p policy
	if err := json.Unmarshal([]byte(text(t, role(true), "policy")), &p); err != nil {
		t.Fatal(err)
	}
	last := p.Statement[len(p.Statement)-1]
	if last.Action != "sts:AssumeRoot" || last.Resource != "arn:aws:iam::*:root" || last.Condition["StringEquals"]["sts:TaskPolicyArn"] != "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials" ||
		last.Condition["StringLike"]["aws:SourceIdentity"] != "SC-*" {
		t.Errorf("got %+v", last)
	}
}

// A scan of an organization begins with the broker: all that it then calls is allowed.
func TestTheBrokerMayBeginAScan(t *testing.T) {
	r := role(true)
	r.Partition = "aws-us-gov"
	var p policy
	if err := json.Unmarshal([]byte(text(t, r, "policy")), &p); err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{"sts:GetCallerIdentity": true} // which nothing has to allow
	for _, s := range p.Statement {
		actions, ok := s.Action.([]any)
		if !ok {
			actions = []any{s.Action}
		}
		for _, a := range actions {
			allowed[a.(string)] = true
		}
		if s.Resource != "*" && !strings.HasPrefix(s.Resource, "arn:aws-us-gov:iam::*:") {
			t.Errorf("resource: got %s", s.Resource)
		}
	}
	for _, o := range awsread.OrganizationOperations() {
		if !allowed[o.Action] {
			t.Errorf("%s is not allowed", o.Action)
		}
	}
}

// An inline policy of a role holds 10,240 characters without white space (IAM User
// Guide, "IAM and AWS STS quotas").
func TestThePolicyFitsARole(t *testing.T) {
	if n := len(strings.Join(strings.Fields(text(t, role(true), "policy")), "")); n > 10240 {
		t.Errorf("got %d characters", n)
	}
}

func TestAHostileNameIsRefused(t *testing.T) {
	for _, name := range []string{"a b", "x\"\n}", strings.Repeat("x", 65), "${x}"} {
		if err := (scanrole.Role{Name: name}).Write(&bytes.Buffer{}, "terraform"); err == nil {
			t.Errorf("%q: want an error", name)
		}
	}
	if err := role(false).Write(&bytes.Buffer{}, "pulumi"); err == nil || !strings.Contains(err.Error(), "cloudformation, policy, terraform") {
		t.Errorf("another format: got %v", err)
	}
}

// AWS's own linter has nothing to say, and moto makes a role of the template whose
// policy is ours.
func TestCloudFormationTakesTheTemplate(t *testing.T) {
	made := awsroletest.CloudFormation(t, "../..", text(t, role(true), "cloudformation"), scanrole.Name,
		map[string]string{"ScannerArn": "arn:aws:iam::111122223333:role/scanner", "ExternalId": "secret"})
	if want := text(t, role(true), "policy"); !awsroletest.Same(t, made.Policy, []byte(want)) {
		t.Errorf("the role's policy: got %s, want %s", made.Policy, want)
	}
	for _, part := range []string{`"sts:SourceIdentity":"SC-*"`, `"sts:ExternalId":"secret"`, "arn:aws:iam::111122223333:role/scanner"} {
		if !strings.Contains(compact(t, made.Trust), part) {
			t.Errorf("trust: no %s in %s", part, made.Trust)
		}
	}
}

func TestTerraformReadsTheFile(t *testing.T) {
	got := awsroletest.Terraform(t, "../..", text(t, role(true), "terraform"))
	if want := text(t, role(true), "policy"); !awsroletest.Same(t, got, []byte(want)) {
		t.Errorf("the role's policy: got %s, want %s", got, want)
	}
}

// compact is JSON without white space.
func compact(t *testing.T, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
