package large

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/rootkeep/rootkeep/iam/account"
)

// Company is an account of n principals, half of them users, as companies have them:
// groups with a few policies, roles for services and for people, one in twenty users
// with a way up, and conditions.
func Company(n int) (*account.Account, error) {
	attached := func(names ...string) []any {
		out := []any{}
		for _, name := range names {
			out = append(out, map[string]any{"PolicyArn": arn("policy", name)})
		}
		return out
	}
	groups := []any{}
	for i := range 60 {
		groups = append(groups, map[string]any{"GroupName": fmt.Sprint("team", i), "Arn": arn("group", fmt.Sprint("team", i)), "AttachedManagedPolicies": attached(fmt.Sprint("team", i), "mfa")})
	}
	users, roles := []any{}, []any{}
	for i := range n / 2 {
		u := map[string]any{"UserName": fmt.Sprint("u", i), "Arn": arn("user", fmt.Sprint("u", i)), "GroupList": []string{fmt.Sprint("team", i%60)}}
		switch {
		case i%100 == 0:
			u["AttachedManagedPolicies"] = attached("admin")
		case i%20 == 1:
			u["UserPolicyList"] = []any{map[string]any{"PolicyName": "more", "PolicyDocument": policy(allow("*", "iam:*", "ec2:*", "lambda:*", "cloudformation:*", "ecs:*", "glue:*", "sts:AssumeRole"))}}
		}
		users = append(users, u)
		who := any(map[string]any{"Service": []string{"lambda.amazonaws.com", "ec2.amazonaws.com", "ecs-tasks.amazonaws.com", "glue.amazonaws.com"}[i%4]})
		if i%3 == 0 {
			who = map[string]any{"AWS": "arn:aws:iam::" + Account + ":root"}
		}
		name := fmt.Sprintf("team%d-r%d", i%60, i)
		r := map[string]any{"RoleName": name, "Path": "/", "Arn": arn("role", name), "AttachedManagedPolicies": attached(fmt.Sprint("team", i%60)),
			"AssumeRolePolicyDocument": policy(map[string]any{"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"})}
		if i%50 == 0 {
			r["AttachedManagedPolicies"] = attached("admin")
		}
		roles = append(roles, r)
	}
	text, err := json.Marshal(map[string]any{"UserDetailList": users, "RoleDetailList": roles, "GroupDetailList": groups, "Policies": companyPolicies()})
	if err != nil {
		return nil, err
	}
	return account.Read(bytes.NewReader(text))
}

func arn(kind, name string) string { return "arn:aws:iam::" + Account + ":" + kind + "/" + name }

func policy(statements ...any) any {
	return map[string]any{"Version": "2012-10-17", "Statement": statements}
}

func allow(resource string, actions ...string) any {
	return map[string]any{"Effect": "Allow", "Action": actions, "Resource": resource}
}

// companyPolicies are admin, mfa, and one policy a team.
func companyPolicies() []any {
	var managed []any
	add := func(name string, document any) {
		managed = append(managed, map[string]any{"Arn": arn("policy", name), "PolicyVersionList": []any{map[string]any{"VersionId": "v1", "IsDefaultVersion": true, "Document": document}}})
	}
	add("admin", policy(allow("*", "*")))
	add("mfa", policy(map[string]any{"Effect": "Deny", "NotAction": []string{"iam:ListMFADevices", "iam:EnableMFADevice"}, "Resource": "*",
		"Condition": map[string]any{"BoolIfExists": map[string]any{"aws:MultiFactorAuthPresent": "false"}}}))
	for i := range 60 {
		add(fmt.Sprint("team", i), policy(
			allow(fmt.Sprintf("arn:aws:s3:::team%d-*", i), "s3:Get*", "s3:Put*", "s3:List*"),
			allow("*", "ec2:Describe*", "cloudwatch:*", "logs:*", "tag:Get*"),
			allow(fmt.Sprintf("arn:aws:lambda:*:%s:function:team%d-*", Account, i), "lambda:*"),
			allow(arn("role", fmt.Sprintf("team%d-*", i)), "iam:PassRole", "sts:AssumeRole"),
		))
	}
	return managed
}
