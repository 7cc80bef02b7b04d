package awsread_test

import (
	"fmt"
	"testing"
)

// mostIAMCalls is what an account of the size below may take of IAM.
const mostIAMCalls = 150

// The account in whose like other scanners make thousands of calls: 77 users, 723
// roles, 9 groups, 63 policies.
func TestABigAccountTakesFewCalls(t *testing.T) {
	w := newWorld(t)
	const trust = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}`
	const text = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}`
	for i := range 9 {
		w.call("iam", "CreateGroup", map[string]any{"GroupName": fmt.Sprintf("group-%d", i)})
	}
	for i := range 76 { // and the administrator
		name := fmt.Sprintf("user-%d", i)
		w.call("iam", "CreateUser", map[string]any{"UserName": name})
		w.call("iam", "AddUserToGroup", map[string]any{"UserName": name, "GroupName": fmt.Sprintf("group-%d", i%9)})
		if i%2 == 0 {
			w.call("iam", "CreateAccessKey", map[string]any{"UserName": name})
		}
		if i%3 == 0 {
			w.call("iam", "CreateLoginProfile", map[string]any{"UserName": name, "Password": "Made-up-1-Password"})
		}
	}
	for i := range 63 {
		w.call("iam", "CreatePolicy", map[string]any{"PolicyName": fmt.Sprintf("policy-%d", i), "PolicyDocument": text})
	}
	for i := range 723 {
		name := fmt.Sprintf("role-%d", i)
		w.call("iam", "CreateRole", map[string]any{"RoleName": name, "AssumeRolePolicyDocument": trust})
		w.call("iam", "AttachRolePolicy", map[string]any{"RoleName": name, "PolicyArn": w.account.IAM(fmt.Sprintf("policy/policy-%d", i%63))})
	}
	w.ResetRequests()
	f := w.collect().Facts
	policies := 0
	for _, p := range f.Policies {
		if !p.AWS {
			policies++
		}
	}
	if len(f.Users) != 77 || len(f.Roles) != 723 || len(f.Groups) != 9 || policies != 63 {
		t.Errorf("got %d users, %d roles, %d groups, %d policies", len(f.Users), len(f.Roles), len(f.Groups), policies)
	}
	calls := 0
	for _, r := range w.Requests() {
		if r.Service == "iam" {
			calls += r.Calls
		}
		if region, ok := w.account.Region(r.Region); !ok || !region.Enabled() {
			t.Errorf("%s was called in %s, which is not enabled", r.Operation, r.Region)
		}
	}
	if calls > mostIAMCalls {
		t.Errorf("calls of IAM: got %d, want at most %d", calls, mostIAMCalls)
	}
	t.Logf("%d calls of IAM", calls)
}
