package awsread_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// organized makes the account the management account of an organization, whose
// services one of its accounts administers in both Regions that are guarded.
func (w *world) organized(administrator cloud.AccountID) {
	o, err := w.NewOrganization(w.account, w.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	other, err := w.AddAccount("222222222222", "security", "security@example.com", w.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	o.Join(other, o.RootID)
	for _, region := range []string{home, "eu-west-1"} {
		w.callIn(region, "guardduty", "EnableOrganizationAdminAccount", map[string]any{"adminAccountId": string(administrator)})
	}
	w.call("securityhub", "EnableOrganizationAdminAccount", map[string]any{"AdminAccountId": string(administrator)})
}

func TestAdministrationOfTheOrganization(t *testing.T) {
	controls := controls(t)
	for _, c := range []struct {
		name          string
		administrator cloud.AccountID
		set           func(*world)
		want          map[string]rootkeep.Status
	}{
		{"another account administers", "222222222222", func(*world) {}, map[string]rootkeep.Status{
			"SH-04": rootkeep.NotApplicable, "SH-05": rootkeep.Pass, "GD-03": rootkeep.Pass, "GD-04": rootkeep.NotApplicable,
		}},
		{"this one administers and leaves the accounts alone", "111111111111", func(*world) {}, map[string]rootkeep.Status{
			"SH-04": rootkeep.Pass, "SH-05": rootkeep.Fail, "GD-03": rootkeep.Pass, "GD-04": rootkeep.Fail,
		}},
		{"this one administers and turns it on for all", "111111111111", func(w *world) {
			for _, region := range []string{home, "eu-west-1"} {
				id := w.callIn(region, "guardduty", "ListDetectors", nil)["detectorIds"].([]any)[0]
				w.callIn(region, "guardduty", "UpdateOrganizationConfiguration", map[string]any{"DetectorId": id, "autoEnableOrganizationMembers": "ALL"})
				w.callIn(region, "securityhub", "UpdateOrganizationConfiguration", map[string]any{"AutoEnable": true})
			}
		}, map[string]rootkeep.Status{"SH-05": rootkeep.Pass, "GD-03": rootkeep.Pass, "GD-04": rootkeep.Pass}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t).in(home, "eu-west-1", "eu-south-1")
			w.organized(c.administrator)
			c.set(w)
			s := w.collect()
			if len(s.Gaps) > 0 {
				t.Errorf("gaps: got %v", s.Gaps)
			}
			for id, want := range c.want {
				found := byRegion(s, controls, id)
				f, ok := found[home]
				if !ok {
					f = found[""] // of the account
				}
				if f.Status != want {
					t.Errorf("%s: got %s, %s %v, want %s", id, f.Status, f.Detail, f.Missing, want)
				}
			}
		})
	}
}

// Some calls matter in an organization alone.
func TestADeniedPermissionMakesNothingPassInAnOrganization(t *testing.T) {
	controls := controls(t)
	w := newWorld(t).in(home, "eu-west-1", "eu-south-1")
	w.organized("111111111111")
	whole := statuses(w.collect(), controls)
	for _, action := range []string{
		"organizations:DescribeOrganization", "securityhub:GetAdministratorAccount", "securityhub:DescribeOrganizationConfiguration",
		"guardduty:GetAdministratorAccount", "guardduty:DescribeOrganizationConfiguration",
	} {
		if !slices.ContainsFunc(awsread.Operations(), func(o call.Operation) bool { return o.Action == action }) {
			t.Errorf("%s is not in the table", action)
		}
		service, operation, _ := strings.Cut(action, ":")
		w.AddFault(cloud.Fault{Kind: cloud.Deny, Service: service, Operation: operation})
		s := w.collect()
		w.ClearFaults()
		if !slices.ContainsFunc(s.Gaps, func(g facts.Gap) bool { return g.Permission == action }) {
			t.Errorf("%s denied: no gap names it", action)
		}
		lost := 0
		for name, f := range statuses(s, controls) {
			if f.Status == rootkeep.Pass && whole[name].Status != rootkeep.Pass {
				t.Errorf("%s denied: %s passes, and was %s", action, name, whole[name].Status)
			}
			if f.Status == rootkeep.Unknown && slices.Contains(f.Permissions, action) {
				lost++
			}
		}
		if lost == 0 {
			t.Errorf("%s denied: no finding is unknown for it", action)
		}
	}
}
