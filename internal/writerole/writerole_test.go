package writerole_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/awsrole/awsroletest"
	"github.com/rootkeep/rootkeep/internal/awswrite"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/writerole"
)

const broker = "arn:aws:iam::111122223333:role/rootkeep"

// services are what the operations of a class are of, for roles that are as large as they
// can become.
var services = map[string][]string{
	change.Identity: {"iam", "account"}, change.Logging: {"cloudtrail", "s3", "kms", "logs"}, change.Detection: {"cloudwatch", "sns", "sqs", "events", "config", "guardduty", "securityhub", "access-analyzer"},
	change.Protection: {"s3", "ec2", "account"}, change.Organization: {"organizations"}, change.Root: {"iam"},
}

// largest are the roles of all classes with every action that an operation of rootkeep
// could need.
func largest() []writerole.Role {
	var out []writerole.Role
	for _, class := range change.Classes() {
		r := writerole.Role{Class: class, Broker: broker}
		for _, name := range awswrite.Operations() {
			o, _ := awswrite.Operation(name)
			if prefix, _, _ := strings.Cut(o.Actions[0], ":"); slices.Contains(services[class], prefix) {
				r.Actions = append(r.Actions, o.Actions...)
			}
		}
		if class == change.Logging || class == change.Detection {
			r.Actions = append(r.Actions, "iam:PassRole", "iam:CreateServiceLinkedRole")
		}
		if class == change.Identity { // which is for services of the other classes
			r.Actions = slices.DeleteFunc(r.Actions, func(a string) bool { return a == "iam:CreateServiceLinkedRole" })
		}
		if class == change.Root {
			r.Actions = slices.DeleteFunc(r.Actions, func(a string) bool {
				return !slices.Contains([]string{"iam:DeleteAccessKey", "iam:DeleteLoginProfile", "iam:CreateLoginProfile", "iam:EnableOrganizationsRootSessions"}, a)
			})
		}
		out = append(out, r)
	}
	return out
}

func policyOf(t *testing.T, r writerole.Role) []byte {
	t.Helper()
	p, err := r.Policy()
	if err != nil {
		t.Fatal(err)
	}
	return p.JSON()
}

func TestTheLinterFindsNothing(t *testing.T) {
	for _, r := range largest() {
		found, _ := lint.Source(policyOf(t, r), lint.Options{})
		for _, f := range found {
			t.Errorf("%s: %+v", r.Class, f)
		}
	}
}

// asked is a request for an action by the role, about a resource of each type that the
// action is for, with all that a condition of the role looks at.
func asked(action, resource string) *iam.Request {
	service, task := "config.amazonaws.com", "arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"
	who, err := iam.ParsePrincipal("arn:aws:iam::444455556666:role/RootkeepWriteTest")
	if err != nil {
		panic(err)
	}
	return &iam.Request{Action: action, Resource: resource, ResourceAccount: "444455556666", Principal: who, Context: iam.NewContext(map[string][]string{
		"iam:PassedToService": {service}, "iam:AWSServiceName": {service}, "sts:TaskPolicyArn": {task}, "aws:SourceIdentity": {"RR-1M8C41CHRWC8MF"},
	})}
}

// resources are examples of what an action can be about, by the types of its service.
func resources(a *metadata.Action, types []metadata.ResourceType) []string {
	var out []string
	required := false
	for _, r := range a.Resources {
		required = required || r.Required
		for _, t := range types {
			if t.Name == r.Type {
				arn := strings.NewReplacer("${Partition}", "aws", "${Region}", "eu-west-1", "${Account}", "444455556666").Replace(t.ARN)
				for strings.Contains(arn, "${") {
					from, to := strings.Index(arn, "${"), strings.Index(arn, "}")
					arn = arn[:from] + "example" + arn[to+1:]
				}
				out = append(out, arn)
			}
		}
	}
	if !required || len(out) == 0 {
		return []string{"*"}
	}
	return out
}

func decide(t *testing.T, p *iam.Set, r *iam.Request) iam.Outcome {
	t.Helper()
	return p.Decide(r).Outcome
}

// set are the policies that decide: the role's, and of a resource its own.
func set(t *testing.T, policy []byte, resource ...string) *iam.Set {
	t.Helper()
	parse := func(name, text string) *iam.Policy {
		p, err := iam.Parse(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := iam.Policies{Identity: []*iam.Policy{parse("role", string(policy))}}
	for _, text := range resource {
		p.Resource = append(p.Resource, parse("resource", text))
	}
	s, err := iam.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keyPolicy leaves a key to the account's policies.
const keyPolicy = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"kms:*","Resource":"*"}}`

// special are the actions that hang on more than their resource, and the one that nothing
// has to permit.
var special = []string{"iam:PassRole", "iam:CreateServiceLinkedRole", "sts:AssumeRoot", "sts:GetCallerIdentity"}

// TestARoleMayDoWhatIsListedAndNothingElse asks the evaluator about every action that AWS
// has.
func TestARoleMayDoWhatIsListedAndNothingElse(t *testing.T) {
	for _, r := range largest() {
		p, key := set(t, policyOf(t, r)), set(t, policyOf(t, r), keyPolicy)
		for _, service := range metadata.Services() {
			types := metadata.ResourceTypes(service)
			for _, a := range metadata.Actions(service) {
				if slices.Contains(special, a.String()) || r.Class == change.Root && asRoot(a.String()) {
					continue
				}
				listed := slices.Contains(r.Actions, a.String())
				for _, resource := range resources(&a, types) {
					s := p
					if strings.Contains(resource, ":key/") {
						s = key
					}
					if got := decide(t, s, asked(a.String(), resource)); (got == iam.Allowed) != listed {
						t.Errorf("%s: %s on %s: got %v, listed %v", r.Class, a.String(), resource, got, listed)
					}
				}
			}
		}
	}
}

// asRoot are the actions that the class root does in root sessions.
func asRoot(action string) bool {
	return slices.Contains([]string{"iam:DeleteAccessKey", "iam:DeleteLoginProfile", "iam:CreateLoginProfile"}, action)
}

func TestWhatHangsOnMore(t *testing.T) {
	roles := map[string]writerole.Role{}
	for _, r := range largest() {
		roles[r.Class] = r
	}
	const own, other, linked = "arn:aws:iam::444455556666:role/RootkeepReadOnly", "arn:aws:iam::444455556666:role/trail", "arn:aws:iam::444455556666:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
	const root, delete = "arn:aws:iam::777788889999:root", "arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"
	for _, c := range []struct {
		name, class, action, resource string
		key, value                    string
		want                          iam.Outcome
	}{
		{"a role is passed to a service of the class", change.Logging, "iam:PassRole", other, "iam:PassedToService", "cloudtrail.amazonaws.com", iam.Allowed},
		{"a role is passed to another service", change.Logging, "iam:PassRole", other, "iam:PassedToService", "ec2.amazonaws.com", iam.ImplicitlyDenied},
		{"rootkeep's own role is passed", change.Logging, "iam:PassRole", own, "iam:PassedToService", "cloudtrail.amazonaws.com", iam.ExplicitlyDenied},
		{"no class but those that pass roles does", change.Identity, "iam:PassRole", other, "iam:PassedToService", "cloudtrail.amazonaws.com", iam.ImplicitlyDenied},
		{"a service of the class has its role made", change.Detection, "iam:CreateServiceLinkedRole", linked, "iam:AWSServiceName", "guardduty.amazonaws.com", iam.Allowed},
		{"another service has its role made", change.Detection, "iam:CreateServiceLinkedRole", linked, "iam:AWSServiceName", "eks.amazonaws.com", iam.ImplicitlyDenied},
		{"a member's root user for a task of the class", change.Root, "sts:AssumeRoot", root, "sts:TaskPolicyArn", delete, iam.Allowed},
		{"a member's root user for another task", change.Root, "sts:AssumeRoot", root, "sts:TaskPolicyArn", "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy", iam.ImplicitlyDenied},
		{"root of a member by another class", change.Organization, "sts:AssumeRoot", root, "sts:TaskPolicyArn", delete, iam.ImplicitlyDenied},
		{"root of a member without a request", change.Root, "sts:AssumeRoot", root, "aws:SourceIdentity", "CH-1M8C41CHRWC8MF", iam.ImplicitlyDenied},
		{"root of a member by what only scans", change.Root, "sts:AssumeRoot", root, "aws:SourceIdentity", "SC-1M8C41CHRWC8MF", iam.ImplicitlyDenied},
		{"what root does the role itself does not", change.Root, "iam:DeleteAccessKey", "arn:aws:iam::444455556666:user/ann", "", "", iam.ImplicitlyDenied},
		{"rootkeep's own roles are not widened", change.Identity, "iam:PutRolePolicy", "arn:aws:iam::444455556666:role/RootkeepWriteIdentity", "", "", iam.ExplicitlyDenied},
		{"nor behind a path", change.Identity, "iam:UpdateAssumeRolePolicy", "arn:aws:iam::444455556666:role/ops/RootkeepWriteRoot", "", "", iam.ExplicitlyDenied},
		{"other roles are changed", change.Identity, "iam:UpdateAssumeRolePolicy", other, "", "", iam.Allowed},
		{"trails are stopped by no class but that of trails", change.Identity, "cloudtrail:StopLogging", "arn:aws:cloudtrail:eu-west-1:444455556666:trail/audit", "", "", iam.ExplicitlyDenied},
		{"which undoes what it did", change.Logging, "cloudtrail:StopLogging", "arn:aws:cloudtrail:eu-west-1:444455556666:trail/audit", "", "", iam.Allowed},
		{"another role is entered", change.Organization, "sts:AssumeRole", own, "", "", iam.ImplicitlyDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := asked(c.action, c.resource)
			if c.key != "" {
				keys := map[string][]string{"sts:TaskPolicyArn": {delete}, "aws:SourceIdentity": {"RR-1M8C41CHRWC8MF"}}
				keys[c.key] = []string{c.value}
				r.Context = iam.NewContext(keys)
			}
			if got := decide(t, set(t, policyOf(t, roles[c.class])), r); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// The names that are kept are those that a template of one's own gives.
func TestOwnNamesAreKept(t *testing.T) {
	for template, kept := range map[string]string{"acme-{class}-x": "acme-Logging-x", "{class}": "RootkeepReadOnly", "one": "one", "RootkeepDo{class}": "RootkeepDoRoot"} {
		p := set(t, policyOf(t, writerole.Role{Class: "identity", Actions: []string{"iam:DeleteRole"}, Template: template}))
		if got := decide(t, p, asked("iam:DeleteRole", "arn:aws:iam::444455556666:role/"+kept)); got != iam.ExplicitlyDenied {
			t.Errorf("%s: got %v on %s, want that it is denied", template, got, kept)
		}
		if got := decide(t, p, asked("iam:DeleteRole", "arn:aws:iam::444455556666:role/other")); got != iam.Allowed {
			t.Errorf("%s: got %v on another role, want that it is allowed", template, got)
		}
	}
	if got := writerole.Name(writerole.Template, "a-b"); got != "RootkeepWriteAB" {
		t.Errorf("got %s", got)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	good := writerole.Role{Class: "identity", Actions: []string{"iam:CreateGroup"}, Broker: broker}
	for _, c := range []struct {
		name   string
		change func(*writerole.Role)
		format string
		want   string
	}{
		{"a class that is none", func(r *writerole.Role) { r.Class = "a b" }, "json", `class "a b"`},
		{"no action", func(r *writerole.Role) { r.Actions = nil }, "json", "there is no action that the role could be for"},
		{"everything", func(r *writerole.Role) { r.Actions = []string{"iam:*"} }, "json", `"iam:*" is no action of IAM that is known`},
		{"an action that is not there", func(r *writerole.Role) { r.Actions = []string{"iam:CreateGroups"} }, "json", `"iam:CreateGroups" is no action of IAM that is known`},
		{"a role is passed to nobody", func(r *writerole.Role) { r.Actions = append(slices.Clone(r.Actions), "iam:PassRole") }, "json", "iam:PassRole is listed, and none of the other actions needs it"},
		{"a root session for no task", func(r *writerole.Role) { r.Actions = []string{"sts:AssumeRoot"} }, "json", "sts:AssumeRoot is listed, and none"},
		{"a partition that is none", func(r *writerole.Role) { r.Partition = "mars" }, "json", `partition "mars"`},
		{"a name that is none", func(r *writerole.Role) { r.Template = "a\"\n" }, "terraform", "role name"},
		{"everybody", func(r *writerole.Role) { r.Broker = "*" }, "cloudformation", `broker "*"`},
		{"a broker that breaks out", func(r *writerole.Role) { r.Broker = broker + "\"\nx" }, "cloudformation", "want the ARN of a user, a role or an account"},
		{"a broker with a variable", func(r *writerole.Role) { r.Broker = broker + "${x}" }, "terraform", "want the ARN of a user, a role or an account"},
		{"an external ID that breaks out", func(r *writerole.Role) { r.ExternalID = "a\"b" }, "terraform", "external ID"},
		{"a format that is none", func(*writerole.Role) {}, "policy", `format "policy": want cloudformation, json, terraform`},
		{"nobody in JSON", func(r *writerole.Role) { r.Broker = "" }, "json", "the broker is not named"},
		{"too many actions", func(r *writerole.Role) {
			for _, a := range metadata.Actions("ec2") {
				r.Actions = append(r.Actions, a.String())
			}
		}, "json", "and a role holds 10240"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := good
			c.change(&r)
			var out bytes.Buffer
			if err := r.Write(&out, c.format); err == nil || !strings.Contains(err.Error(), c.want) || out.Len() > 0 {
				t.Errorf("got %v after %d bytes, want %q and nothing written", err, out.Len(), c.want)
			}
		})
	}
}

func write(t *testing.T, r writerole.Role, format string) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Write(&out, format); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestJSONIsTheRoleThatIAMTakes(t *testing.T) {
	var got struct {
		RoleName                 string
		AssumeRolePolicyDocument json.RawMessage
		Policies                 []struct{ PolicyDocument json.RawMessage }
	}
	r := writerole.Role{Class: "identity", Actions: []string{"iam:CreateGroup"}, Broker: broker, ExternalID: "acme-7"}
	if err := json.Unmarshal([]byte(write(t, r, "json")), &got); err != nil {
		t.Fatal(err)
	}
	if got.RoleName != "RootkeepWriteIdentity" || len(got.Policies) != 1 || !awsroletest.Same(t, got.Policies[0].PolicyDocument, policyOf(t, r)) {
		t.Errorf("got %+v", got)
	}
	want := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"AWS": %q}, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"], "Condition": {"StringLike": {"sts:SourceIdentity": "CH-*"}, "StringEquals": {"sts:ExternalId": "acme-7"}}},
		{"Effect": "Allow", "Principal": {"AWS": %[1]q}, "Action": "sts:SetSourceIdentity", "Condition": {"StringLike": {"sts:SourceIdentity": "CH-*"}}}]}`, broker)
	if !awsroletest.Same(t, got.AssumeRolePolicyDocument, []byte(want)) {
		t.Errorf("trust: got %s, want %s", got.AssumeRolePolicyDocument, want)
	}
	// The example account and the example ID are the only things to find.
	trust := strings.NewReplacer("111122223333", "417028953146", "acme-7", "5f0c9be2-6a0e-4a7e-9d0e-2d5a4f5f9c11").Replace(string(got.AssumeRolePolicyDocument))
	if found, _ := lint.Source([]byte(trust), lint.Options{Type: lint.Trust}); len(found) > 0 {
		t.Errorf("trust: the linter found %+v", found)
	}
}

// TestOthersTakeTheTemplates has the largest role of all read by other programs.
func TestOthersTakeTheTemplates(t *testing.T) {
	roles := largest()
	r := roles[slices.IndexFunc(roles, func(r writerole.Role) bool { return r.Class == change.Detection })]
	made := awsroletest.CloudFormation(t, "../..", write(t, r, "cloudformation"), r.Name(), nil)
	if !awsroletest.Same(t, made.Policy, policyOf(t, r)) || !strings.Contains(string(made.Trust), broker) {
		t.Errorf("CloudFormation: got %s with trust %s", made.Policy, made.Trust)
	}
	r.ExternalID = "acme-7"
	if got := awsroletest.Terraform(t, "../..", write(t, r, "terraform")); !awsroletest.Same(t, got, policyOf(t, r)) {
		t.Errorf("Terraform: got %s", got)
	}
}

// TestTheShippedKindsHaveRoles writes the role of every class as the kinds of change need
// it now.
func TestTheShippedKindsHaveRoles(t *testing.T) {
	c, err := kinds.Load(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.Problems {
		t.Error(p)
	}
	for _, class := range change.Classes() {
		actions, _ := c.Permissions(class)
		if len(actions) == 0 {
			continue
		}
		if found, _ := lint.Source(policyOf(t, writerole.Role{Class: class, Actions: actions}), lint.Options{}); len(found) > 0 {
			t.Errorf("%s: the linter found %+v", class, found)
		}
	}
}

// TestThePlannerOnlyReads asks about every action that AWS has: the role that plans may do
// what kinds read with, and of that nothing changes anything.
func TestThePlannerOnlyReads(t *testing.T) {
	c, err := kinds.Load(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	r := writerole.Role{Class: writerole.Plan, Broker: broker}
	r.Actions, r.Tasks = c.Reading()
	if len(r.Actions) == 0 || len(r.Tasks) == 0 || r.Name() != "RootkeepPlan" {
		t.Fatalf("%s has %d actions and %d tasks", r.Name(), len(r.Actions), len(r.Tasks))
	}
	p, key := set(t, policyOf(t, r)), set(t, policyOf(t, r), keyPolicy)
	for _, service := range metadata.Services() {
		types := metadata.ResourceTypes(service)
		for _, a := range metadata.Actions(service) {
			if slices.Contains(special, a.String()) {
				continue
			}
			listed := slices.Contains(r.Actions, a.String())
			if reads := a.Access == metadata.Read || a.Access == metadata.List; listed && !reads {
				t.Errorf("%s is of the level %s", a.String(), a.Access)
			}
			for _, resource := range resources(&a, types) {
				s := p
				if strings.Contains(resource, ":key/") {
					s = key
				}
				if got := decide(t, s, asked(a.String(), resource)); (got == iam.Allowed) != listed {
					t.Errorf("%s on %s: got %v, listed %v", a.String(), resource, got, listed)
				}
			}
		}
	}
	root := asked("sts:AssumeRoot", "arn:aws:iam::777788889999:root")
	for _, c := range []struct {
		task, source string
		want         iam.Outcome
	}{
		{r.Tasks[0], "SC-1M8C41CHRWC8MF", iam.Allowed}, {r.Tasks[0], "RR-1M8C41CHRWC8MF", iam.Allowed}, {r.Tasks[0], "CH-1M8C41CHRWC8MF", iam.ImplicitlyDenied},
		{"IAMDeleteRootUserCredentials", "RR-1M8C41CHRWC8MF", iam.ImplicitlyDenied}, {"S3UnlockBucketPolicy", "SC-1M8C41CHRWC8MF", iam.ImplicitlyDenied},
	} {
		root.Context = iam.NewContext(map[string][]string{"sts:TaskPolicyArn": {"arn:aws:iam::aws:policy/root-task/" + c.task}, "aws:SourceIdentity": {c.source}})
		if got := decide(t, p, root); got != c.want {
			t.Errorf("a root session for %s as %s: got %v, want %v", c.task, c.source, got, c.want)
		}
	}
	if _, err := (writerole.Role{Class: writerole.Plan, Actions: r.Actions, Tasks: []string{"SQSUnlockQueuePolicy"}, Broker: broker}).Policy(); err == nil || !strings.Contains(err.Error(), "can do more than look") {
		t.Errorf("a task that does more than look: got %v", err)
	}
	if _, err := (writerole.Role{Class: writerole.Plan, Actions: []string{"iam:GetUsers"}, Broker: broker}).Policy(); err == nil || !strings.Contains(err.Error(), `"iam:GetUsers" is no action`) {
		t.Errorf("an action that is not there: got %v", err)
	}
}
