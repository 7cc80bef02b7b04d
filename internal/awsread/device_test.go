package awsread_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// user adds a user with MFA devices and managed policies.
func (w *world) user(name string, console bool, devices []*cloud.Device, policies ...string) *cloud.User {
	u := &cloud.User{Holder: cloud.Holder{
		Name: name, Path: "/", ID: w.UniqueID("AIDA"), ARN: w.account.IAM("user/" + name), Created: w.Now(), Inline: map[string]string{}, Attached: policies,
	}}
	u.Password = cloud.Password{Set: console, Created: w.Now(), Changed: w.Now()}
	u.MFA, w.account.Users[name] = devices, u
	return u
}

func TestDevicesOfUsers(t *testing.T) {
	w := newWorld(t)
	of := func(form string) *cloud.Device {
		return &cloud.Device{Serial: form, Owner: w.account.IAM("user/x"), Enabled: w.Now()}
	}
	w.user("phone", true, []*cloud.Device{of(w.account.IAM("mfa/phone")), of(w.account.IAM("sms-mfa/phone"))})
	w.user("token", true, []*cloud.Device{of("GAHT12345678")})
	w.user("key", true, []*cloud.Device{w.key("key", map[string]string{"FIDO": "L1"})})
	w.user("program", false, nil)
	w.user("caller", false, []*cloud.Device{of(w.account.IAM("mfa/caller"))})
	s := w.collect()
	got := map[string][]string{}
	certified := map[string][]facts.Certification{}
	for _, u := range s.Facts.Users {
		got[u.Name] = []string{}
		for _, d := range u.Devices {
			got[u.Name] = append(got[u.Name], d.Kind)
		}
		certified[u.Name] = u.Certifications
	}
	want := map[string][]string{"admin": {"fido"}, "phone": {"virtual", "sms"}, "token": {"hardware"}, "key": {"fido"}, "program": {}, "caller": {"virtual"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kinds of devices (-want +got):\n%s", diff)
	}
	serial := w.account.IAM("u2f/user/admin/key-EXAMPLE")
	if diff := cmp.Diff([]facts.Certification{{Serial: serial, Scheme: "FIDO", Level: "L1"}, {Serial: serial, Scheme: "FIPS-140-3", Level: "L2"}}, certified["admin"]); diff != "" {
		t.Errorf("certifications of the administrator's key (-want +got):\n%s", diff)
	}
	if len(certified["key"]) != 0 {
		t.Errorf("the key of a user without privileges was asked about: %v", certified["key"])
	}
	calls := map[string]int{}
	for _, r := range w.Requests() {
		calls[r.Operation] += r.Calls
	}
	if calls["ListMFADevices"] != 5 || calls["GetMFADevice"] != 1 {
		t.Errorf("got %d ListMFADevices and %d GetMFADevice, want 5 (all but the program) and 1", calls["ListMFADevices"], calls["GetMFADevice"])
	}
}

func TestDevicesAreAskedForWhereTheReportIsMissing(t *testing.T) {
	w := newWorld(t)
	w.user("phone", true, []*cloud.Device{{Serial: w.account.IAM("mfa/phone"), Owner: w.account.IAM("user/phone"), Enabled: w.Now()}})
	w.AddFault(cloud.Fault{Kind: cloud.Deny, Service: "iam", Operation: "GetCredentialReport"})
	for _, u := range w.collect().Facts.Users {
		if len(u.Devices) != 1 {
			t.Errorf("%s: got %d devices, want 1", u.Name, len(u.Devices))
		}
	}
}

// The size of issue 813 of elastic/cloudbeat, where other collectors need thousands of
// calls: 77 users, 723 roles, 9 groups, 63 policies. Every user can sign in, each has a key.
func TestALargeAccountTakesFewCalls(t *testing.T) {
	w := newWorld(t)
	for i := range 76 { // and the administrator
		name := fmt.Sprintf("u%d", i)
		policies := []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}
		if i%6 == 0 {
			policies = append(policies, "arn:aws:iam::aws:policy/AdministratorAccess")
		}
		w.user(name, true, []*cloud.Device{w.key(name, nil)}, policies...)
	}
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}`
	for i := range 723 {
		w.call("iam", "CreateRole", map[string]any{"RoleName": fmt.Sprintf("r%d", i), "AssumeRolePolicyDocument": trust})
	}
	for i := range 9 {
		w.call("iam", "CreateGroup", map[string]any{"GroupName": fmt.Sprintf("g%d", i)})
	}
	for i := range 61 { // and the two of AWS
		w.call("iam", "CreatePolicy", map[string]any{"PolicyName": fmt.Sprintf("p%d", i),
			"PolicyDocument": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`})
	}
	w.ResetRequests()
	s := w.collect()
	if f := s.Facts; len(f.Users) != 77 || len(f.Roles) != 723 || len(f.Groups) != 9 || len(f.Policies) != 63 || len(s.Gaps) > 0 {
		t.Errorf("got %d users, %d roles, %d groups, %d policies and gaps %v", len(f.Users), len(f.Roles), len(f.Groups), len(f.Policies), s.Gaps)
	}
	calls := 0
	for _, r := range w.Requests() {
		if r.Service == "iam" {
			calls += r.Calls
		}
	}
	if calls > 150 || calls < 77+14 {
		t.Errorf("calls of IAM: got %d, want 150 at most, and one for each user and administrator's key", calls)
	}
	t.Logf("%d calls of IAM", calls)
}
