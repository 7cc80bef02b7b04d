package awssim_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/s3"
)

// seen is what a test looks at in an event.
type seen struct {
	EventName, EventSource string
	UserIdentity           struct {
		Type, AccessKeyID string
		SessionContext    struct {
			SourceIdentity, AssumedRoot string
			SessionIssuer               struct{ Type, ARN, UserName string }
		}
	}
	ResponseElements    map[string]any
	AdditionalEventData map[string]any
}

func (c *company) events(t *testing.T, a *cloud.Account) []seen {
	t.Helper()
	var out []seen
	c.Do(func() {
		for _, e := range a.Events("us-east-1") {
			var s seen
			if err := json.Unmarshal(e.JSON, &s); err != nil {
				t.Error(err)
			}
			out = append(out, s)
		}
	})
	return out
}

func TestRootAtTheSignInPages(t *testing.T) {
	sim := newCompany(t, cloud.Config{Clock: newClock().Now})
	before := len(sim.events(t, sim.member))
	k := cloud.Console{Account: sim.member, SourceIP: "198.51.100.7", Device: "arn:aws:iam::222222222222:mfa/root"}
	k.Step(cloud.RecoveryRequested, true)
	k.Step(cloud.RecoveryCompleted, true)
	k.Fail()
	who := k.SignIn()
	for _, operation := range []string{"ListUsers", "ListAccessKeys"} {
		if _, err := sim.Invoke(cloud.Invocation{Caller: who, Region: "us-east-1", Service: "iam", Operation: operation}); err != nil {
			t.Fatal(err)
		}
	}
	k.Device = ""
	k.SignIn()
	got := sim.events(t, sim.member)[before:]
	var names []string
	for _, e := range got {
		names = append(names, e.EventName)
		if e.UserIdentity.Type != "Root" {
			t.Errorf("%s is of %s", e.EventName, e.UserIdentity.Type)
		}
	}
	want := []string{"PasswordRecoveryRequested", "PasswordRecoveryCompleted", "ConsoleLogin", "ConsoleLogin", "ListUsers", "ListAccessKeys", "ConsoleLogin"}
	if d := cmp.Diff(want, names); d != "" {
		t.Fatal(d)
	}
	if got[2].ResponseElements["ConsoleLogin"] != "Failure" || got[3].AdditionalEventData["MFAIdentifier"] != "arn:aws:iam::222222222222:mfa/root" || got[6].AdditionalEventData["MFAUsed"] != "No" {
		t.Errorf("got %+v, %+v, %+v", got[2], got[3], got[6])
	}
	if got[4].UserIdentity.AccessKeyID == "" || got[4].UserIdentity.AccessKeyID != got[5].UserIdentity.AccessKeyID {
		t.Errorf("the calls of a session were made with the keys %q and %q", got[4].UserIdentity.AccessKeyID, got[5].UserIdentity.AccessKeyID)
	}
}

// A federated session says in its events who gave it.
func TestEventsOfFederatedSessions(t *testing.T) {
	sim := newCompany(t, cloud.Config{Clock: newClock().Now})
	admin := sim.member.Users["admin"]
	for _, tt := range []struct {
		giver           cloud.Caller
		kind, arn, name string
	}{
		{cloud.RootCaller(sim.member), "Root", sim.member.IAM("root"), ""},
		{cloud.UserCaller(sim.member, admin), "IAMUser", admin.ARN, "admin"},
	} {
		given, err := sim.Invoke(cloud.Invocation{Caller: tt.giver, Region: "us-east-1", Service: "sts", Operation: "GetFederationToken", Parameters: map[string]any{
			"Name": "guest", "Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
		}})
		if err != nil {
			t.Fatal(err)
		}
		key, _ := given["Credentials"].(map[string]any)["AccessKeyId"].(string)
		var guest cloud.Caller
		sim.Do(func() { guest, _, _ = sim.KeyOwner(key) })
		if _, err := sim.Invoke(cloud.Invocation{Caller: guest, Region: "us-east-1", Service: "sts", Operation: "GetCallerIdentity"}); err != nil {
			t.Fatal(err)
		}
		all := sim.events(t, sim.member)
		got := all[len(all)-1]
		if issuer := got.UserIdentity.SessionContext.SessionIssuer; got.EventName != "GetCallerIdentity" || got.UserIdentity.Type != "FederatedUser" || issuer.Type != tt.kind || issuer.ARN != tt.arn || issuer.UserName != tt.name {
			t.Errorf("%s: got %+v, want the event of a session that %s gave", got.EventName, got.UserIdentity, tt.arn)
		}
	}
}

// central gives the company central root access.
func (c *company) central(t *testing.T) {
	t.Helper()
	c.must(t, c.management, "organizations", "EnableAWSServiceAccess", map[string]any{"ServicePrincipal": "iam.amazonaws.com"})
	c.must(t, c.management, "iam", "EnableOrganizationsRootCredentialsManagement", nil)
}

// TestBothBehavioursOfSourceIdentity has a management principal without a source identity
// assume root, and one with it, which the member's events show or not.
func TestBothBehavioursOfSourceIdentity(t *testing.T) {
	for _, tt := range []struct {
		name, source, want string
		faults             []cloud.Fault
	}{
		{"a principal without one", "", "", nil},
		{"events that have it", "RR-1", "RR-1", nil},
		{"events that have it not", "RR-1", "", []cloud.Fault{{Kind: cloud.Unnamed}}},
		{"events of another account that have it not", "RR-1", "RR-1", []cloud.Fault{{Kind: cloud.Unnamed, Account: "111111111111"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sim := newCompany(t, cloud.Config{Clock: newClock().Now})
			sim.central(t)
			for _, f := range tt.faults {
				sim.AddFault(f)
			}
			who := cloud.UserCaller(sim.management, sim.management.Users["admin"])
			who.Session = &cloud.Session{SourceIdentity: tt.source}
			_, err := sim.Invoke(cloud.Invocation{Caller: who, Region: "us-east-1", Service: "sts", Operation: "AssumeRoot", Parameters: map[string]any{
				"TargetPrincipal": string(sim.member.ID), "TaskPolicyArn": map[string]any{"arn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"},
			}})
			if err != nil {
				t.Fatal(err)
			}
			root := cloud.RootCaller(sim.member)
			root.Session = &cloud.Session{AssumedRoot: true, SourceIdentity: tt.source}
			if _, err := sim.Invoke(cloud.Invocation{Caller: root, Region: "us-east-1", Service: "iam", Operation: "ListAccessKeys"}); err != nil {
				t.Fatal(err)
			}
			list := sim.events(t, sim.member)
			last := list[len(list)-1].UserIdentity.SessionContext
			if last.AssumedRoot != "true" || last.SourceIdentity != tt.want {
				t.Errorf("got %+v, want source identity %q", last, tt.want)
			}
			list = sim.events(t, sim.management)
			if got := list[len(list)-1]; got.EventName != "AssumeRoot" || got.UserIdentity.SessionContext.SourceIdentity != tt.source {
				t.Errorf("the management account's event: got %+v", got)
			}
		})
	}
}

func TestEventsThatComeLateAndTwice(t *testing.T) {
	clock := newClock()
	sim := newCompany(t, cloud.Config{Clock: clock.Now})
	sim.must(t, sim.member, "s3", "CreateBucket", map[string]any{"Bucket": "trail-logs"})
	sim.must(t, sim.member, "s3", "PutBucketPolicy", map[string]any{"Bucket": "trail-logs", "Policy": `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":["arn:aws:s3:::trail-logs","arn:aws:s3:::trail-logs/*"]}]}`})
	sim.must(t, sim.member, "cloudtrail", "CreateTrail", map[string]any{"Name": "audit", "S3BucketName": "trail-logs"})
	sim.must(t, sim.member, "cloudtrail", "StartLogging", map[string]any{"Name": "audit"})
	sim.AddFault(cloud.Fault{Kind: cloud.Late, Delay: time.Hour, Account: string(sim.member.ID)})
	sim.AddFault(cloud.Fault{Kind: cloud.Twice, Account: string(sim.member.ID)})
	cloud.Console{Account: sim.member}.SignIn()
	found := func() int {
		out := sim.must(t, sim.member, "cloudtrail", "LookupEvents", map[string]any{"LookupAttributes": []any{map[string]any{"AttributeKey": "EventName", "AttributeValue": "ConsoleLogin"}}})
		list, _ := out["Events"].([]any)
		return len(list)
	}
	delivered := func() int {
		events := map[string]int{}
		for _, o := range s3.Objects(sim.Cloud, "trail-logs") {
			count(t, o.Body, events)
		}
		return events["ConsoleLogin"]
	}
	steps := []struct {
		after            time.Duration
		found, delivered int
	}{{30 * time.Minute, 0, 0}, {45 * time.Minute, 2, 2}, {time.Hour, 2, 2}}
	for _, s := range steps {
		for range int(s.after / (5 * time.Minute)) {
			clock.add(5 * time.Minute)
			sim.Tick()
		}
		if f, d := found(), delivered(); f != s.found || d != s.delivered {
			t.Errorf("after %s more: found %d times, delivered %d times, want %d and %d", s.after, f, d, s.found, s.delivered)
		}
	}
	if !slices.Contains(cloud.FaultKinds(), cloud.Twice) {
		t.Error("a scenario could not say so")
	}
}
