package awsread_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// group is a simulated organization that is read.
type group struct {
	*simtest.Organization
	world *world
	entry awsread.Entry
}

// newGroup makes an organization whose accounts have some Regions, or all.
func newGroup(t *testing.T, accounts int, regions ...string) *group {
	t.Helper()
	o := simtest.Start(t, accounts, simtest.In(regions...))
	return &group{o, &world{Cloud: o.Cloud, t: t}, awsread.Entry{Scan: "SC-TEST", Role: simtest.Role}}
}

// as signs in as the administrator of an account.
func (g *group) as(name string) { g.world.environment(g.Keys[name].ID, g.Keys[name].Secret, "") }

// read reads the accounts: snapshots and errors by account.
func (g *group) read(accounts ...rootkeep.AccountID) (map[rootkeep.AccountID]*facts.Snapshot, map[rootkeep.AccountID]error) {
	t := g.world.t
	t.Helper()
	o, err := awsread.Discover(t.Context(), g.world.config(), g.entry)
	if err != nil {
		t.Fatal(err)
	}
	read, failed := map[rootkeep.AccountID]*facts.Snapshot{}, map[rootkeep.AccountID]error{}
	if err := o.Read(t.Context(), accounts, func(id rootkeep.AccountID, s *facts.Snapshot, err error) error {
		if err != nil {
			failed[id] = err
		} else {
			read[id] = s
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return read, failed
}

func TestAnOrganizationIsReadByItsRoles(t *testing.T) {
	g := newGroup(t, 5)
	read, failed := g.read(g.IDs()...)
	if len(read) != 5 || len(failed) > 0 {
		t.Fatalf("got %d accounts and failures %v, want 5", len(read), failed)
	}
	logs := "arn:aws:s3:::trail-logs-" + string(g.ID("log-archive"))
	for id, s := range read {
		if s.Account != id || len(s.Facts.Users) != 4 || len(s.Facts.Regions) < 17 {
			t.Errorf("%s: got account %s with %d users and %d Regions", id, s.Account, len(s.Facts.Users), len(s.Facts.Regions))
		}
		if diff := cmp.Diff(g.gaps(id, logs), s.Gaps, cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b facts.Gap) bool { return a.Path < b.Path })); diff != "" {
			t.Errorf("%s: gaps (-want +got):\n%s", id, diff)
		}
	}
	for _, r := range g.Requests() {
		if region, ok := g.Account(rootkeep.AccountID(r.Account)).Region(r.Region); !ok || !region.Enabled() {
			t.Errorf("%s was called in %s, which is not enabled for %s", r.Operation, r.Region, r.Account)
		}
	}
}

// gaps are those of an account: the organization's trail is the management account's,
// the bucket that it delivers to another's, which alone is told of it; and nobody gets a
// root session of the management account.
func (g *group) gaps(id rootkeep.AccountID, bucket string) (out []facts.Gap) {
	if id != g.ID("management") {
		return nil
	}
	name := strings.TrimPrefix(bucket, "arn:aws:s3:::")
	for _, field := range []string{"account", "block", "expiries", "lock_days", "lock_mode", "logs_to", "mfa_delete", "policy", "public", "public_by_acl", "region", "versioning"} {
		out = append(out, facts.Gap{Path: "buckets." + field, Resource: bucket, Reason: "bucket " + name + " is not this account's, and S3 does not name its owner: scan that account as well"})
	}
	return append(out, facts.Gap{Path: "root.devices", Reason: "AWS gives no root session of the management account, so only people can attest it"})
}

// A session of the scan is told from an intruder's by what the snapshot says of it.
func TestEachSessionIsOnRecord(t *testing.T) {
	for _, c := range []struct {
		name, as, broker string
		want             []string // account, role and whether it is root's, of app-1's sessions
	}{
		{"from the management account", "management", "", []string{"app-1 role/RootkeepReadOnly", "app-1 root"}},
		{"through a broker", "management", "security", []string{"security role/broker", "app-1 role/RootkeepReadOnly", "app-1 root"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGroup(t, 4)
			g.as(c.as)
			if c.broker != "" {
				g.broker()
			}
			read, failed := g.read(g.ID("app-1"))
			s := read[g.ID("app-1")]
			if s == nil {
				t.Fatal(failed)
			}
			var got []string
			for _, session := range s.Sessions {
				arn, _ := rootkeep.ParseARN(session.Role)
				what := arn.Resource
				if session.Root {
					what = "root"
					if arn.Resource != "policy/root-task/IAMAuditRootUserCredentials" {
						t.Errorf("task policy: got %s", session.Role)
					}
				}
				got = append(got, g.Account(session.Account).Name+" "+what)
				if !strings.HasPrefix(session.AccessKey, "ASIA") || session.Start.IsZero() || !session.End.After(session.Start) {
					t.Errorf("session: got %+v", session)
				}
				if _, _, known := g.KeyOwner(session.AccessKey); !known {
					t.Errorf("%s is no key that AWS gave", session.AccessKey)
				}
				// A user has no source identity that a root session could inherit.
				if want := (session.Root && c.broker == ""); (session.SourceIdentity == "SC-TEST") == want {
					t.Errorf("%s: source identity %q", what, session.SourceIdentity)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("sessions (-want +got):\n%s", diff)
			}
		})
	}
}

// broker makes a role in the security account that may enter others and do nothing else.
func (g *group) broker() {
	g.world.t.Helper()
	security := g.Account(g.ID("security"))
	for _, call := range []struct {
		operation string
		with      map[string]any
	}{
		{"CreateRole", map[string]any{"RoleName": "broker", "AssumeRolePolicyDocument": fmt.Sprintf(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
			"Principal": {"AWS": "arn:aws:iam::%s:root"}, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"], "Condition": {"StringLike": {"sts:SourceIdentity": "SC-*"}}}}`, g.ID("management"))}},
		{"PutRolePolicy", map[string]any{"RoleName": "broker", "PolicyName": "enter", "PolicyDocument": `{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
			"Action": ["organizations:DescribeOrganization", "organizations:ListAccounts", "iam:ListOrganizationsFeatures", "sts:AssumeRole", "sts:SetSourceIdentity", "sts:AssumeRoot"], "Resource": "*"}}`}},
	} {
		if _, err := g.Invoke(cloud.Invocation{Caller: cloud.UserCaller(security, security.Users["admin"]), Region: "us-east-1", Service: "iam", Operation: call.operation, Parameters: call.with}); err != nil {
			g.world.t.Fatal(err)
		}
	}
	// ListAccounts needs the management account or a delegated one; security is one of IAM.
	g.entry.Broker = security.IAM("role/broker")
}

func TestRootUsersOfMembersAreSeen(t *testing.T) {
	g := newGroup(t, 12, home)
	read, failed := g.read(g.IDs()...)
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	all := controls(t)
	kinds := map[string]bool{}
	for id, s := range read {
		var want []string
		for _, d := range g.Account(id).Root.MFA {
			want = append(want, d.Serial)
		}
		var got []string
		for _, d := range s.Facts.Root.Devices {
			got = append(got, d.Serial)
			kinds[d.Kind] = true
		}
		if management := id == g.ID("management"); !management && !slices.Equal(got, want) {
			t.Errorf("%s: devices: got %v, want %v", id, got, want)
		}
		for i, k := range g.Account(id).Root.Keys {
			if got := s.Facts.Root.AccessKeys[i]; got.ID != k.ID || got.Active != k.Active || got.LastUsed.Sub(k.Used).Abs() > time.Second {
				t.Errorf("%s: key: got %+v, want %+v", id, got, k)
			}
		}
		for name, f := range statuses(s, all) {
			control, _, _ := strings.Cut(name, " ")
			asked := slices.Contains([]string{"RT-03", "RT-04", "RT-06", "RT-09"}, control)
			if known := f.Status != rootkeep.Unknown; asked && !known && (id != g.ID("management") || control == "RT-06" || control == "RT-09") {
				t.Errorf("%s of %s: unknown, %v", control, id, f.Missing)
			}
		}
	}
	if !kinds["virtual"] || !kinds["fido"] {
		t.Errorf("kinds: got %v", kinds)
	}
}

func TestWithoutRootSessionsTheRestIsRead(t *testing.T) {
	for _, c := range []struct {
		name, path, permission, reason string
		spoil                          func(*group)
	}{
		{"denied", "root.devices", "sts:AssumeRoot", "sts:AssumeRoot denied", func(g *group) { g.AddFault(cloud.Fault{Kind: cloud.Deny, Service: "sts", Operation: "AssumeRoot"}) }},
		{"not enabled", "root.devices", "", "the organization has not enabled RootCredentialsManagement, so AWS gives no root session", func(g *group) { g.Cloud.Organization.RootCredentials = false }},
		{"whether it is enabled is not known", "organization.root_features", "iam:ListOrganizationsFeatures", "iam:ListOrganizationsFeatures denied", func(g *group) { g.AddFault(cloud.Fault{Kind: cloud.Deny, Operation: "ListOrganizationsFeatures"}) }},
		{"a call in the session denied", "root.devices", "iam:ListMFADevices", "iam:ListMFADevices in a root session denied", func(g *group) { g.AddFault(cloud.Fault{Kind: cloud.Deny, Operation: "ListMFADevices"}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGroup(t, 4, home)
			c.spoil(g)
			read, failed := g.read(g.ID("app-1"))
			s := read[g.ID("app-1")]
			if s == nil {
				t.Fatal(failed)
			}
			var want []facts.Gap
			if c.reason != "" {
				want = []facts.Gap{{Path: c.path, Permission: c.permission, Reason: c.reason}}
			}
			// Users' devices are read by the same call, outside of the session.
			gaps := slices.DeleteFunc(s.Gaps, func(g facts.Gap) bool { return strings.HasPrefix(g.Path, "users.") })
			if diff := cmp.Diff(want, gaps, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRolesThatCannotBeEnteredStopNoOther(t *testing.T) {
	g := newGroup(t, 40, home)
	lost := []rootkeep.AccountID{g.ID("app-3"), g.ID("app-17"), g.ID("app-30")}
	for _, id := range lost {
		delete(g.Account(id).Roles, "RootkeepReadOnly")
	}
	read, failed := g.read(g.IDs()...)
	if len(read) != 37 || len(failed) != 3 {
		t.Fatalf("got %d read and %d failed, want 37 and 3", len(read), len(failed))
	}
	for _, id := range lost {
		text := fmt.Sprint(failed[id])
		for _, want := range []string{"role arn:aws:iam::" + string(id) + ":role/RootkeepReadOnly cannot be entered: sts:AssumeRole denied", "hint: ", "sts:SetSourceIdentity with SC-*", ":user/admin"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in %s", id, want, text)
			}
		}
	}
}

// The account of the credentials is read with them, if the role is not there.
func TestTheOwnAccountNeedsNoRole(t *testing.T) {
	g := newGroup(t, 3)
	id := g.ID("management")
	delete(g.Account(id).Roles, "RootkeepReadOnly")
	read, failed := g.read(id)
	if s := read[id]; s == nil || len(s.Sessions) > 0 || len(s.Facts.Users) != 4 {
		t.Errorf("got %v, %v, want all facts and no session", s, failed)
	}
}

func TestOrganizationsThatCannotBeFound(t *testing.T) {
	for _, c := range []struct {
		name, want string
		spoil      func(*group)
	}{
		{"a member that is no delegated administrator", "hint: use credentials of the management account or of a delegated administrator", func(g *group) { g.as("app-1") }},
		{"an account without an organization", "is in no organization; hint: rootkeep scan --aws without --organization", func(g *group) { g.Cloud.Organization = nil }},
		{"DescribeOrganization denied", "organizations:DescribeOrganization denied; hint:", func(g *group) { g.AddFault(cloud.Fault{Kind: cloud.Deny, Operation: "DescribeOrganization"}) }},
		{"a broker role that is not there", "role/none cannot be entered", func(g *group) { g.entry.Broker = "arn:aws:iam::" + string(g.ID("security")) + ":role/none" }},
		{"a broker that is no role", "no ARN of a role; hint:", func(g *group) { g.entry.Broker = "arn:aws:iam::1:user/x" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGroup(t, 4)
			c.spoil(g)
			_, err := awsread.Discover(t.Context(), g.world.config(), g.entry)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "hint: ") {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestExpiredCredentialsEndTheReadingOfAll(t *testing.T) {
	g := newGroup(t, 8)
	management := g.Account(g.ID("management"))
	who := cloud.UserCaller(management, management.Users["admin"])
	who.Session = &cloud.Session{Issued: g.Now()}
	cred := g.NewSession(who, time.Hour)
	g.world.environment(cred.Key, cred.Secret, cred.Token)
	g.entry.Calls = 4 // one account after the other
	o, err := awsread.Discover(t.Context(), g.world.config(), g.entry)
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	err = o.Read(t.Context(), g.IDs(), func(_ rootkeep.AccountID, s *facts.Snapshot, err error) error {
		if read++; s == nil || read > 1 {
			t.Errorf("account %d: got %v", read, err)
		}
		g.Do(func() { cred.Expires = g.Now().Add(-time.Second) })
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "have expired") || !strings.Contains(err.Error(), "hint: sign in again") {
		t.Errorf("got %v, want that the credentials have expired", err)
	}
}

func TestReadingAnOrganizationEndsAtOnce(t *testing.T) {
	g := newGroup(t, 10)
	ctx, cancel := context.WithCancel(t.Context())
	g.entry.Progress = func(p awsread.Progress) {
		if p.Calls == 40 {
			g.AddFault(cloud.Fault{Kind: cloud.Slow, Delay: time.Minute})
			cancel()
		}
	}
	o, err := awsread.Discover(ctx, g.world.config(), g.entry)
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	err = o.Read(ctx, g.IDs(), func(id rootkeep.AccountID, _ *facts.Snapshot, err error) error {
		if ctx.Err() != nil {
			t.Errorf("%s: told after the end: %v", id, err)
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || time.Since(started) > 30*time.Second { // the slow answers take a minute
		t.Errorf("got %v after %s, want context.Canceled at once", err, time.Since(started))
	}
}

func TestProgressOfAnOrganizationGoesForward(t *testing.T) {
	g := newGroup(t, 6)
	var last awsread.Progress
	g.entry.Progress = func(p awsread.Progress) {
		if p.Done < last.Done || p.Calls < last.Calls || p.Part < 0 || p.Part > 1.000001 {
			t.Errorf("%+v after %+v", p, last)
		}
		last = p
	}
	g.read(g.IDs()...)
	calls := 0
	for _, r := range g.Requests() {
		calls += r.Calls
	}
	if want := (awsread.Progress{Done: 6, Accounts: 6, Calls: calls, Part: 1}); last != want {
		t.Errorf("got %+v, want %+v", last, want)
	}
}

// The operations of an organization are those that are called and not of each account.
func TestOrganizationOperationsAreWhatIsCalled(t *testing.T) {
	g := newGroup(t, 4)
	g.read(g.ID("app-1"))
	var want, got []string
	for _, o := range awsread.OrganizationOperations() {
		want = append(want, o.Action)
	}
	own := map[string]bool{"iam:ListMFADevices": true, "iam:ListAccessKeys": true, "iam:GetAccessKeyLastUsed": true, "iam:GetLoginProfile": true, "iam:ListSigningCertificates": true}
	for _, o := range awsread.Operations() {
		own[o.Action] = true
	}
	for _, r := range g.Requests() {
		action := actionOf(r.Service, r.Operation)
		if r.Account == string(g.ID("management")) && action != "sts:GetCallerIdentity" {
			got = append(got, action)
		} else if !own[action] {
			t.Errorf("%s was called in %s and is in no table", action, r.Account)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
