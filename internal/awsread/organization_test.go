package awsread_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/facts"
)

func TestAManagementAccountKnowsItsOrganization(t *testing.T) {
	w := newWorld(t)
	w.managing()
	s := w.collect()
	if len(s.Gaps) > 0 {
		t.Errorf("gaps: got %v, want none", s.Gaps)
	}
	o, got := w.Organization, s.Facts.Organization
	full := facts.Document{Name: "FullAWSAccess", Text: o.Policies[cloud.FullAccess].Content}
	leaving := facts.Document{Name: "leaving", Text: o.Policies["p-leaving0"].Content}
	want := facts.Organization{
		Member: true, ID: o.ID, Management: true, ManagementEmail: "alone@example.com", AllFeatures: true, PolicyTypes: []string{cloud.ServiceControl},
		RootFeatures: []string{"RootCredentialsManagement"}, TrustedServices: []string{"account.amazonaws.com", "iam.amazonaws.com"},
		DelegatedAdministrators: []facts.DelegatedAdministrator{{Account: "333333333333", Services: []string{"account.amazonaws.com", "iam.amazonaws.com"}}},
		DelegatedServices:       []string{}, RCPs: []facts.PolicyLevel{},
		SCPs: []facts.PolicyLevel{{Target: o.RootID, Policies: []facts.Document{full, leaving}}, {Target: "111111111111", Policies: []facts.Document{full}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestADelegatedAdministratorKnowsItsPlace(t *testing.T) {
	w := newWorld(t)
	w.delegated()
	s := w.collect()
	if len(s.Gaps) > 0 {
		t.Errorf("gaps: got %v, want none", s.Gaps)
	}
	f := s.Facts
	if f.Root.Email != "alone@example.com" || f.Organization.ManagementEmail != "management@example.com" {
		t.Errorf("mail addresses: got %q and %q", f.Root.Email, f.Organization.ManagementEmail)
	}
	if !slices.Contains(f.Organization.DelegatedServices, "iam.amazonaws.com") {
		t.Errorf("delegated services: got %v", f.Organization.DelegatedServices)
	}
	var levels []string
	for _, l := range f.Organization.SCPs {
		levels = append(levels, l.Target)
	}
	if want := w.Organization.Path(w.account); !slices.Equal(levels, want) {
		t.Errorf("levels: got %v, want %v", levels, want)
	}
}

// What AWS tells to others alone is a gap, but no permission that is missing: nobody
// could grant it.
func TestAMemberIsNotToldOfItsOrganization(t *testing.T) {
	w := newWorld(t)
	w.delegated()
	delete(w.Organization.Delegated, w.account.ID)
	s := w.collect()
	paths := map[string]bool{}
	for _, g := range s.Gaps {
		if g.Permission != "" || !strings.HasSuffix(g.Reason, "delegated administrators alone") {
			t.Errorf("gap: got %+v", g)
		}
		paths[g.Path] = true
	}
	for _, path := range []string{"policy_types", "root_features", "trusted_services", "delegated_administrators", "delegated_services", "scps", "rcps"} {
		if !paths["organization."+path] {
			t.Errorf("organization.%s: no gap", path)
		}
	}
	if !s.Facts.Organization.Member || len(paths) != 7 {
		t.Errorf("got %v, want the seven that only others are told", paths)
	}
	if o, ok := s.Origin("root.email"); ok {
		t.Errorf("root.email: got an origin %+v, want none: nobody was asked", o)
	}
}

func TestConsolidatedBillingIsNotAllFeatures(t *testing.T) {
	w := newWorld(t)
	w.managing()
	w.Organization.BillingOnly = true
	w.Organization.Types = map[string]bool{}
	w.Organization.Attached = map[string][]string{}
	s := w.collect()
	if o := s.Facts.Organization; len(s.Gaps) > 0 || o.AllFeatures || len(o.RootFeatures) > 0 || len(o.PolicyTypes) > 0 || len(o.SCPs) > 0 {
		t.Errorf("got %+v with gaps %v", o, s.Gaps)
	}
}

func TestContactsThatAreNotThereAreKnown(t *testing.T) {
	w := newWorld(t)
	a := w.collect().Facts.Account
	if a.HasPhone || a.SecurityContact.Set || a.BillingContact.Set || a.OperationsContact.Set {
		t.Errorf("a new account: got %+v", a)
	}
	w.call("account", "PutContactInformation", map[string]any{"ContactInformation": map[string]any{
		"FullName": "Example", "AddressLine1": "1 Main Street", "City": "Paris", "PostalCode": "75001", "CountryCode": "FR", "PhoneNumber": "+15550100",
	}})
	w.call("account", "PutAlternateContact", map[string]any{
		"AlternateContactType": "BILLING", "Name": "Ann", "Title": "Billing", "EmailAddress": "billing@example.com", "PhoneNumber": "+15550101",
	})
	a = w.collect().Facts.Account
	want := facts.Account{Alias: "example", HasPhone: true, BillingContact: facts.Contact{Set: true, Email: "billing@example.com", Phone: "+15550101"}}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatRootDidIsRead(t *testing.T) {
	w := newWorld(t)
	root := cloud.RootCaller(w.account)
	w.SignIn(root, "us-east-1", "198.51.100.7", "browser", true, true)
	w.SignIn(root, "eu-west-1", "198.51.100.7", "browser", false, false)
	key := root
	key.Key = "AKIAEXAMPLE"
	assumed := root
	assumed.Key, assumed.Session = "ASIAEXAMPLE", &cloud.Session{Issued: w.Now(), AssumedRoot: true, Policies: []cloud.Text{}}
	console := root
	console.Key, console.Session = "ASIACONSOLE", &cloud.Session{Issued: w.Now(), MFA: true}
	for _, who := range []cloud.Caller{key, assumed, console} {
		if _, err := w.Invoke(cloud.Invocation{Caller: who, Region: "us-east-1", Service: "iam", Operation: "ListAccountAliases"}); err != nil && who.Session == nil {
			t.Fatal(err)
		}
	}
	s := w.collect()
	got := map[string]facts.RootEvent{}
	for _, e := range s.Facts.Root.Activity {
		got[e.Session] = e
	}
	if len(s.Facts.Root.Activity) != 5 || len(got) != 5 {
		t.Fatalf("got %+v, want five events of five kinds", s.Facts.Root.Activity)
	}
	for session, want := range map[string]facts.RootEvent{
		facts.SessionSignIn:     {Name: "ConsoleLogin", Source: "signin.amazonaws.com", Region: "us-east-1", MFA: true},
		facts.SessionRefused:    {Name: "ConsoleLogin", Source: "signin.amazonaws.com", Region: "eu-west-1", Error: "Failed authentication"},
		facts.SessionKey:        {Name: "ListAccountAliases", Source: "iam.amazonaws.com", Region: "us-east-1", AccessKey: "AKIAEXAMPLE"},
		facts.SessionAssumeRoot: {Name: "ListAccountAliases", Source: "iam.amazonaws.com", Region: "us-east-1", AccessKey: "ASIAEXAMPLE", Error: got[facts.SessionAssumeRoot].Error},
		facts.SessionTemporary:  {Name: "ListAccountAliases", Source: "iam.amazonaws.com", Region: "us-east-1", AccessKey: "ASIACONSOLE", MFA: true},
	} {
		e := got[session]
		want.ID, want.Time, want.Session = e.ID, e.Time, session
		if e != want || e.ID == "" || w.Now().Sub(e.Time) > 10*time.Minute {
			t.Errorf("%s: got %+v, want %+v", session, e, want)
		}
	}
	if age := w.Now().Sub(s.Facts.Root.ActivitySince).Round(time.Hour); age != 90*24*time.Hour {
		t.Errorf("complete since: got %s ago, want 90 days", age)
	}
}

// A root user in daily use has more events than a scan has time for.
func TestALongHistoryIsCutAndSaysSo(t *testing.T) {
	w := newWorld(t)
	root := cloud.RootCaller(w.account)
	first := w.Now()
	for range 2010 {
		w.SignIn(root, "us-east-1", "198.51.100.7", "browser", true, true)
	}
	s := w.collect()
	if n := len(s.Facts.Root.Activity); n != 2000 {
		t.Errorf("got %d events, want 2000", n)
	}
	if since := s.Facts.Root.ActivitySince; since.Before(first.Truncate(time.Second)) {
		t.Errorf("complete since: got %s, want that of the oldest event that was read", since)
	}
}

func TestOneReadingTellsEveryMember(t *testing.T) {
	w := newWorld(t)
	w.managing()
	o := w.Organization
	unit := w.Account("333333333333").Parent
	o.Attached[unit] = append(o.Attached[unit], "p-leaving0")
	other, err := w.AddAccount("444444444444", "other", "other@example.com", w.Now())
	if err != nil {
		t.Fatal(err)
	}
	o.Join(other, unit)
	w.AddFault(cloud.Fault{Kind: cloud.Deny, Service: "organizations", Operation: "ListRoots"})
	c := w.config()
	c.Now = time.Now
	members, err := awsread.TellMembers(t.Context(), c, "333333333333", "444444444444", "111111111111")
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]int{}
	for _, r := range w.Requests() {
		calls[r.Operation] += r.Calls
	}
	// Two members, the unit that they share, and the management account have parents.
	if calls["ListPolicies"] != 2 || calls["DescribePolicy"] != 2 || calls["ListParents"] != 4 {
		t.Errorf("calls: got %v", calls)
	}
	for i, want := range []struct{ levels, delegated int }{{3, 2}, {3, 0}, {2, 0}} {
		s := members[i]
		f := s.Facts.Organization
		if len(f.SCPs) != want.levels || len(f.DelegatedServices) != want.delegated || len(f.DelegatedAdministrators) != 1 {
			t.Errorf("%s: got %d levels, services %v, administrators %v; want %+v", s.Account, len(f.SCPs), f.DelegatedServices, f.DelegatedAdministrators, want)
		}
		if len(f.SCPs) == 3 && len(f.SCPs[1].Policies) != 2 {
			t.Errorf("%s: policies of its unit: got %v, want two", s.Account, f.SCPs[1].Policies)
		}
		if origin, ok := s.Origin("organization.scps"); !ok || origin.Account != "111111111111" || origin.At.IsZero() {
			t.Errorf("%s: origin of SCPs: got %+v, want the account that was asked", s.Account, origin)
		}
		if len(s.Gaps) != 1 || s.Gaps[0].Path != "organization.policy_types" || s.Gaps[0].Permission != "organizations:ListRoots" {
			t.Errorf("%s: gaps: got %v, want that of ListRoots", s.Account, s.Gaps)
		}
	}
}
