package awsread_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

// apiNames are the operations that the API and IAM name differently, by action.
var apiNames = map[string]string{
	"s3:ListAllMyBuckets": "ListBuckets", "s3:GetBucketPublicAccessBlock": "GetPublicAccessBlock", "s3:GetBucketObjectLockConfiguration": "GetObjectLockConfiguration",
	"s3:GetLifecycleConfiguration": "GetBucketLifecycleConfiguration",
}

// actionOf is the IAM action of a call that the simulator counted.
func actionOf(service, operation string) string {
	for action, name := range apiNames {
		if strings.HasPrefix(action, service+":") && name == operation {
			return action
		}
	}
	return strings.Replace(service, "monitoring", "cloudwatch", 1) + ":" + operation
}

// deny makes the calls that an action permits fail.
func (w *world) deny(action string) {
	service, operation, _ := strings.Cut(action, ":")
	if name, ok := apiNames[action]; ok {
		operation = name
	}
	w.AddFault(cloud.Fault{Kind: cloud.Deny, Service: strings.Replace(service, "cloudwatch", "monitoring", 1), Operation: operation})
}

// statuses of findings by control, Region and resource.
func statuses(s *facts.Snapshot, controls []*posture.Control) map[string]rootkeep.Finding {
	out := map[string]rootkeep.Finding{}
	for _, f := range posture.Evaluate(s, controls, posture.Setting{Now: time.Now()}) {
		out[f.Control+" "+string(f.Region)+" "+f.Resource] = f
	}
	return out
}

// ofOrganization says whether an operation is answered in vain outside an organization.
func ofOrganization(action string) bool {
	return strings.HasPrefix(action, "organizations:") || action == "iam:ListOrganizationsFeatures"
}

// registered fills in what the register would tell, so that it hides no other gap.
func registered(s *facts.Snapshot) *facts.Snapshot {
	s.Facts.Decided.OwnedDomains, s.Facts.Decided.SecurityAccounts = []string{"example.com"}, []string{"333333333333"}
	s.Observe("decision", s.Taken, "", "decided")
	return s
}

// In every Region and every account all that is called is denied in turn with
// ROOTKEEP_LONG=1, which takes minutes; otherwise in as few of them as differ.
func TestADeniedPermissionMakesNothingPass(t *testing.T) {
	long := os.Getenv("ROOTKEEP_LONG") == "1"
	controls := controls(t)
	decides := map[string]bool{} // calls of the organization that some finding rests on
	var working map[string]rootkeep.Finding
	for _, c := range []struct {
		name      string
		spoil     func(*world)
		organized bool
	}{
		{"an account whose alarm works", func(*world) {}, false},
		{"an account whose trail is stopped", func(w *world) { w.call("cloudtrail", "StopLogging", map[string]any{"Name": "all"}) }, false},
		{"a management account", (*world).managing, true},
		{"a delegated administrator", (*world).delegated, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			regions := []string{home, "eu-west-1", "eu-south-1"} // two where services are on, one where they are off
			if c.organized {
				regions = []string{home} // nothing that is denied there is of a Region
			}
			if long {
				regions = nil
			}
			w := newWorld(t).in(regions...)
			c.spoil(w)
			w.ResetRequests()
			whole := statuses(registered(w.collect()), controls)
			denied := w.calledBy(c.organized)
			if working == nil {
				working = whole
			} else if !c.organized && !long {
				denied = behind(denied, controls, working, whole)
			}
			for _, o := range denied {
				w.deny(o.Action)
				s := registered(w.collect())
				w.ClearFaults()
				if !slices.ContainsFunc(s.Gaps, func(g facts.Gap) bool { return g.Permission == o.Action && strings.Contains(g.Reason, "denied") }) {
					t.Errorf("%s denied: no gap names it", o.Action)
				}
				lost := 0
				for name, f := range statuses(s, controls) {
					if f.Status == rootkeep.Pass && whole[name].Status != rootkeep.Pass {
						t.Errorf("%s denied: %s passes, and was %s", o.Action, name, whole[name].Status)
					}
					if f.Status == rootkeep.Unknown && slices.Contains(f.Permissions, o.Action) {
						lost++
					}
				}
				decides[o.Action] = decides[o.Action] || lost > 0
				if lost == 0 && !slices.Contains([]string{"iam:ListAccountAliases", "securityhub:DescribeOrganizationConfiguration"}, o.Action) && !ofOrganization(o.Action) {
					t.Errorf("%s denied: no finding is unknown for it", o.Action)
				}
			}
		})
	}
	for _, o := range awsread.Operations() {
		if ofOrganization(o.Action) && !decides[o.Action] {
			t.Errorf("%s denied: no finding of any account is unknown for it", o.Action)
		}
	}
}

// behind are the operations that tell of what a control judges that comes to something
// else in one account than in another: facts of the lists that it uses, and what these
// need. To other controls the accounts are the same, and need no second look.
func behind(all []call.Operation, controls []*posture.Control, a, b map[string]rootkeep.Finding) []call.Operation {
	lists := map[string]bool{}
	for name, f := range b {
		if f.Status == a[name].Status {
			continue
		}
		i := slices.IndexFunc(controls, func(c *posture.Control) bool { return c.ID == f.Control })
		for _, p := range controls[i].Uses() {
			list, _, _ := strings.Cut(p.Name, ".")
			lists[list] = true
		}
	}
	tells := map[string]bool{"account:ListRegions": true}
	for _, p := range facts.Paths() {
		if list, _, _ := strings.Cut(p.Name, "."); lists[list] {
			tells[p.Call] = true
		}
	}
	for _, o := range slices.Backward(all) { // what is needed comes first
		tells[o.Needs] = tells[o.Needs] || tells[o.Action]
	}
	return slices.DeleteFunc(all, func(o call.Operation) bool { return !tells[o.Action] })
}

// calledBy are the operations that were called so far; of an organization only those
// that are not the same in every account.
func (w *world) calledBy(organized bool) []call.Operation {
	called := map[string]bool{}
	for _, r := range w.Requests() {
		called[strings.Replace(r.Service, "monitoring", "cloudwatch", 1)+":"+r.Operation] = true
	}
	return slices.DeleteFunc(awsread.Operations()[1:], func(o call.Operation) bool { // nothing permits sts:GetCallerIdentity, nothing but SCPs denies it
		return !called[o.Action] || organized && !ofOrganization(o.Action) && o.Action != "account:GetPrimaryEmail"
	})
}
