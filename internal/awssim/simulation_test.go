package awssim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// statementOf is a policy of one statement.
func statementOf(effect, action, more string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":%q,"Action":%q,"Resource":"*"%s}]}`, effect, action, more)
}

func TestSimulationsSayWhatDecides(t *testing.T) {
	sim := newCompany(t, cloud.Config{Clock: newClock().Now})
	invoke := func(account *cloud.Account, operation string, with map[string]any) (map[string]any, error) {
		return sim.Invoke(cloud.Invocation{Caller: cloud.UserCaller(account, account.Users["admin"]), Region: "us-east-1", Service: "iam", Operation: operation, Parameters: with})
	}
	must := func(operation string, with map[string]any) {
		if _, err := invoke(sim.member, operation, with); err != nil {
			t.Fatal(err)
		}
	}
	must("CreateGroup", map[string]any{"GroupName": "ops"})
	must("PutGroupPolicy", map[string]any{"GroupName": "ops", "PolicyName": "read", "PolicyDocument": statementOf("Allow", "s3:Get*", "")})
	must("CreateUser", map[string]any{"UserName": "ann"})
	must("CreateRole", map[string]any{"RoleName": "audit", "AssumeRolePolicyDocument": trustsMember, "PermissionsBoundary": "arn:aws:iam::aws:policy/AWSSupportAccess"})
	must("PutRolePolicy", map[string]any{"RoleName": "audit", "PolicyName": "all", "PolicyDocument": statementOf("Allow", "*", "")})
	o := sim.Organization
	o.Policies["p-1"] = &cloud.Guardrail{ID: "p-1", Name: "no queues", Type: cloud.ServiceControl, Content: statementOf("Deny", "sqs:*", "")}
	o.Attached[string(sim.member.ID)] = append(o.Attached[string(sim.member.ID)], "p-1")
	ann, admin, audit := sim.member.IAM("user/ann"), sim.member.IAM("user/admin"), sim.member.IAM("role/audit")
	entry := func(key, kind string, values ...string) []any {
		return []any{map[string]any{"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": values}}
	}
	trusts := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":"ann","Effect":"Allow","Principal":{"AWS":%q},"Action":"s3:GetObject","Resource":"*"}]}`, ann)
	own := statementOf("Allow", "s3:GetObject", `,"Condition":{"StringEquals":{"aws:username":"ann"}}`)
	for _, c := range []struct {
		name   string
		source string // "" for SimulateCustomPolicy
		action string
		more   map[string]any
		want   string // decision, statements, what organization and boundary say; or the error's code
	}{
		{"an administrator may", admin, "s3:GetObject", nil, "allowed AdministratorAccess/aws-managed org=true"},
		{"an SCP denies", admin, "sqs:SendMessage", nil, "explicitDeny no queues/none org=false"},
		{"a user without policies may not", ann, "s3:GetObject", nil, "implicitDeny org=true"},
		{"a policy that is added allows", ann, "s3:GetObject", map[string]any{"PolicyInputList": []string{own}}, "allowed PolicyInputList.1/none org=true"},
		{"a group has its own policies", sim.member.IAM("group/ops"), "s3:GetObject", nil, "allowed read/group org=true"},
		{"a boundary does not allow", audit, "s3:GetObject", nil, "implicitDeny org=true boundary=false"},
		{"a boundary allows", audit, "support:CreateCase", nil, "allowed all/role org=true boundary=true"},
		{"a boundary that is given takes the other's place", audit, "s3:GetObject", map[string]any{"PermissionsBoundaryPolicyInputList": []string{statementOf("Allow", "s3:*", "")}}, "allowed all/role org=true boundary=true"},
		{"a resource policy allows the user that it names", ann, "s3:GetObject", map[string]any{"ResourcePolicy": trusts}, "allowed ResourcePolicy/resource org=true"},
		{"a resource of another account asks for both", ann, "s3:GetObject", map[string]any{"ResourcePolicy": trusts, "ResourceOwner": "222222222222"}, "implicitDeny org=true"},
		{"another caller has the policies of the source", sim.member.IAM("group/ops"), "s3:GetObject", map[string]any{"CallerArn": ann, "ResourcePolicy": trusts}, "allowed ResourcePolicy/resource read/group org=true"},
		{"policies alone know no organization", "", "sqs:SendMessage", map[string]any{"PolicyInputList": []string{statementOf("Allow", "sqs:*", "")}}, "allowed PolicyInputList.1/none"},
		{"a context key that is given is compared", "", "s3:GetObject", map[string]any{"PolicyInputList": []string{own}, "ContextEntries": entry("AWS:UserName", "string", "ann")}, "allowed PolicyInputList.1/none"},
		{"a context key that is not given is missing", "", "s3:GetObject", map[string]any{"PolicyInputList": []string{own}}, "implicitDeny missing=aws:username"},
		{"a resource policy asks for a caller", "", "s3:GetObject", map[string]any{"PolicyInputList": []string{own}, "ResourcePolicy": trusts}, "InvalidInput"},
		{"a role is no caller", ann, "s3:GetObject", map[string]any{"CallerArn": audit}, "InvalidInput"},
		{"a caller must exist", ann, "s3:GetObject", map[string]any{"CallerArn": sim.member.IAM("user/eve")}, "NoSuchEntity"},
		{"an action has no wildcard", ann, "s3:*", nil, "InvalidInput"},
		{"a context entry has a type", ann, "s3:GetObject", map[string]any{"ContextEntries": entry("aws:username", "text", "ann")}, "InvalidInput"},
		{"a single value is no list", ann, "s3:GetObject", map[string]any{"ContextEntries": entry("aws:username", "string", "a", "b")}, "InvalidInput"},
		{"an identity policy has no principal", "", "s3:GetObject", map[string]any{"PolicyInputList": []string{trusts}}, "InvalidInput"},
		{"there is one boundary", ann, "s3:GetObject", map[string]any{"PermissionsBoundaryPolicyInputList": []string{own, own}}, "InvalidInput"},
		{"too much is refused", ann, "s3:GetObject", map[string]any{"ResourceArns": strings.Split(strings.Repeat("*,", 10_000)+"*", ",")}, "InvalidInput"},
	} {
		t.Run(c.name, func(t *testing.T) {
			with, operation := map[string]any{"ActionNames": []string{c.action}}, "SimulateCustomPolicy"
			if c.source != "" {
				with["PolicySourceArn"], operation = c.source, "SimulatePrincipalPolicy"
			}
			for k, v := range c.more {
				with[k] = v
			}
			answer, err := invoke(sim.member, operation, with)
			var failure *cloud.Error
			got := ""
			if errors.As(err, &failure) {
				got = failure.Code
			} else {
				got = decided(answer["EvaluationResults"].([]any)[0].(map[string]any))
			}
			if got != c.want {
				t.Errorf("got %s, want %s (%v)", got, c.want, err)
			}
		})
	}
}

// decided is the text of a result.
func decided(r map[string]any) string {
	out := []string{r["EvalDecision"].(string)}
	for _, s := range r["MatchedStatements"].([]any) {
		m := s.(map[string]any)
		out = append(out, fmt.Sprintf("%s/%s", m["SourcePolicyId"], m["SourcePolicyType"]))
	}
	for _, key := range r["MissingContextValues"].([]any) {
		out = append(out, fmt.Sprintf("missing=%s", key))
	}
	if d, ok := r["OrganizationsDecisionDetail"].(map[string]any); ok {
		out = append(out, fmt.Sprintf("org=%v", d["AllowedByOrganizations"]))
	}
	if d, ok := r["PermissionsBoundaryDecisionDetail"].(map[string]any); ok {
		out = append(out, fmt.Sprintf("boundary=%v", d["AllowedByPermissionsBoundary"]))
	}
	return strings.Join(out, " ")
}
