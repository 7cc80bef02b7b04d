package cloudformation_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/deploy"
	"github.com/rootkeep/rootkeep/internal/deploy/deploytest"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/rule"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// shipped are the controls, read once: that takes longer than judging.
var shipped = sync.OnceValues(func() ([]*posture.Control, []error) {
	bases, err := rule.LoadBases(content.Files, "events")
	if err != nil {
		return nil, []error{err}
	}
	return posture.Load(bases, rule.Source{FS: content.Files, Dir: "controls", Tested: true})
})

// controls are those of the IDs.
func controls(t testing.TB, wanted ...string) []*posture.Control {
	t.Helper()
	all, problems := shipped()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	out := slices.DeleteFunc(slices.Clone(all), func(c *posture.Control) bool { return !slices.Contains(wanted, c.ID) })
	if len(out) != len(wanted) {
		t.Fatalf("got %d of the controls %v", len(out), wanted)
	}
	return out
}

// made is an account in which the templates were created in their Regions, and a third
// one.
func made(t testing.TB, templates map[string]string) *facts.Snapshot {
	t.Helper()
	s := &facts.Snapshot{Format: facts.Format, Account: accountID, Taken: now}
	for place, region := range map[string]string{"home": "eu-west-1", "signin": "us-east-1", "regions": "eu-west-3"} {
		create(t, region, templates[place]).facts(&s.Facts)
	}
	// What other Regions have, the one of sign-ins has too.
	create(t, "us-east-1", templates["regions"]).services(&s.Facts)
	s.Facts.Regions = slices.DeleteFunc(s.Facts.Regions, func(r facts.Region) bool { return r.Name == "us-east-1" && len(r.Recorders) == 0 })
	s.Observe("test", now, "", "trails", "buckets", "keys", "log_groups", "metric_filters", "alarms", "composite_alarms", "log_alarms", "event_buses", "event_rules", "topics", "subscriptions", "queues",
		"regions", "finding_aggregator", "organization")
	return s
}

func TestControlsPassOnWhatTheTemplatesMake(t *testing.T) {
	organization := deploytest.Options()["organization"]
	organization.Account, organization.Management = accountID, ""
	for name, o := range map[string]deploy.Options{"account": deploytest.Options()["elsewhere"], "organization": organization} {
		for _, f := range posture.Evaluate(made(t, render(t, o)), controls(t, deploytest.Passing...), posture.Setting{Now: now}) {
			if f.Status != rootkeep.Pass {
				t.Errorf("%s: %s of %s: got %s: %s %v", name, f.Control, f.Resource, f.Status, f.Detail, f.Missing)
			}
		}
	}
}

// With an account for logs, what the home stack has is judged in the account that makes
// the trail, and bucket and key are in the one that keeps them.
func TestControlsPassWhereAnotherAccountKeepsTheTrail(t *testing.T) {
	o := deploytest.Options()["archive"]
	o.Account, o.Management = accountID, ""
	templates := render(t, o)
	here := made(t, templates)
	there := &facts.Snapshot{Format: facts.Format, Account: archiveID, Taken: now, Facts: facts.Facts{Trails: slices.Clone(here.Facts.Trails)}}
	createIn(t, archiveID, "eu-west-1", templates["archive"]).kept(&there.Facts)
	there.Observe("test", now, "", "trails", "buckets", "keys", "log_groups", "organization")
	here.Facts.Decided.LogArchiveAccounts = []string{archiveID}
	peer := func(id rootkeep.AccountID) *facts.Snapshot {
		return map[rootkeep.AccountID]*facts.Snapshot{accountID: here, archiveID: there}[id]
	}
	kept := []string{"CT-13", "CT-14", "CT-15", "CT-16", "CT-18", "CT-19", "CT-22"}
	passed := 0
	for _, s := range []*facts.Snapshot{here, there} {
		ids := deploytest.Passing
		if s == there {
			ids = kept
		}
		for _, f := range posture.Evaluate(s, controls(t, ids...), posture.Setting{Now: now, Peer: peer}) {
			switch {
			case f.Status == rootkeep.NotApplicable && s == here && slices.Contains(kept, f.Control):
			case f.Status != rootkeep.Pass:
				t.Errorf("%s: %s of %s: got %s: %s %v", s.Account, f.Control, f.Resource, f.Status, f.Detail, f.Missing)
			default:
				passed++
			}
		}
	}
	if passed < len(deploytest.Passing) {
		t.Errorf("%d pass, want at least %d", passed, len(deploytest.Passing))
	}
}

// Each link from root's sign-in to a person is broken in the template in turn; each break
// is caught.
func TestEveryBrokenLinkOfATemplateIsCaught(t *testing.T) {
	o := deploytest.Options()["elsewhere"]
	whole := render(t, o)
	for _, c := range []struct{ name, old, new, control string }{
		{"the guide's alarm: greater than 1", `"GreaterThanOrEqualToThreshold"`, `"GreaterThanThreshold"`, "AL-03"},
		{"a threshold of 2", "Threshold: 1\n", "Threshold: 2\n", "AL-03"},
		{"an average of no datapoints", `Statistic: "Sum"`, `Statistic: "p90"`, "AL-03"},
		{"two periods", "EvaluationPeriods: 1", "EvaluationPeriods: 2", "AL-03"},
		{"missing data breaching", `"notBreaching"`, `"breaching"`, "AL-03"},
		{"missing data ignored", `"notBreaching"`, `"ignore"`, "AL-03"},
		{"another namespace", `      Namespace: "rootkeep"`, `      Namespace: "other"`, "AL-06"},
		{"another metric", "\n      MetricName: \"RootUse\"", "\n      MetricName: \"Other\"", "AL-06"},
		{"actions off", "ActionsEnabled: true", "ActionsEnabled: false", "AL-04"},
		{"a filter with a clause too many", `{ ($.userIdentity.type = \"Root\")`, `{ ($.eventName = \"ConsoleLogin\") && ($.userIdentity.type = \"Root\")`, "AL-02"},
		{"a filter with a clause too few", ` && ($.userIdentity.invokedBy NOT EXISTS)`, ``, "AL-02"},
		{"a filter that is none", `{ ($.userIdentity.type`, `{ (userIdentity.type`, "AL-01"},
		{"a filter of another log group", `      LogGroupName: "rootkeep-trail"` + "\n" + `      FilterPattern: "{ ($.userIdentity.type = \"Root\")`, `      LogGroupName: "other"` + "\n" + `      FilterPattern: "{ ($.userIdentity.type = \"Root\")`, "AL-06"},
		{"a trail of one Region", "IsMultiRegionTrail: true", "IsMultiRegionTrail: false", "AL-06"},
		{"a trail that does not log", "IsLogging: true", "IsLogging: false", "AL-06"},
		{"a trail of writes alone", `ReadWriteType: "All"`, `ReadWriteType: "None"`, "AL-06"},
		{"a topic that takes no alarm", `"cloudwatch.amazonaws.com"` + "\n            Action: \"sns:Publish\"", `"backup.amazonaws.com"` + "\n            Action: \"sns:Publish\"", "AL-07"},
		{"a key that takes no alarm", `- "cloudwatch.amazonaws.com"`, `- "backup.amazonaws.com"`, "AL-07"},
		{"nobody subscribes", `Type: "AWS::SNS::Subscription"`, `Type: "AWS::SNS::Other"`, "AL-05"},
	} {
		t.Run(c.name, func(t *testing.T) {
			templates := map[string]string{}
			for place, text := range whole {
				templates[place] = text
			}
			if templates["home"] = strings.ReplaceAll(whole["home"], c.old, c.new); templates["home"] == whole["home"] {
				t.Fatalf("%q is not in the template", c.old)
			}
			broken := func(id string) bool {
				return slices.ContainsFunc(posture.Evaluate(made(t, templates), controls(t, id), posture.Setting{Now: now}), func(f rootkeep.Finding) bool { return f.Status != rootkeep.Pass })
			}
			if !broken(c.control) {
				t.Errorf("%s passes", c.control)
			}
			if c.control != "AL-04" && !broken("MF-03") {
				t.Error("MF-03 passes")
			}
		})
	}
}

// The same for the rules of EventBridge where root signs in.
func TestEveryBrokenLinkOfARuleIsCaught(t *testing.T) {
	whole := render(t, deploytest.Options()["elsewhere"])
	for _, c := range []struct{ name, old, new string }{
		{"disabled", `State: "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"`, `State: "DISABLED"`},
		{"of users", `- "Root"`, `- "IAMUser"`},
		{"of another kind of event", "AWS Console Sign In via CloudTrail", "AWS API Call via CloudTrail"},
		{"a topic that takes no rule", `"events.amazonaws.com"` + "\n            Action: \"sns:Publish\"", `"backup.amazonaws.com"` + "\n            Action: \"sns:Publish\""},
		{"a key that takes no rule", `- "events.amazonaws.com"`, `- "backup.amazonaws.com"`},
		{"nobody subscribes", `Type: "AWS::SNS::Subscription"`, `Type: "AWS::SNS::Other"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			templates := map[string]string{"home": whole["home"], "regions": whole["regions"], "signin": strings.ReplaceAll(whole["signin"], c.old, c.new)}
			if templates["signin"] == whole["signin"] {
				t.Fatalf("%q is not in the template", c.old)
			}
			found := posture.Evaluate(made(t, templates), controls(t, "AL-08"), posture.Setting{Now: now})
			if len(found) == 0 || found[0].Status == rootkeep.Pass {
				t.Errorf("got %+v, want AL-08 not to pass", found)
			}
		})
	}
}

// What stands in a template is the same each time.
func TestTemplatesAreTheSameEachTime(t *testing.T) {
	for name, o := range deploytest.Options() {
		first := render(t, o)
		for range 3 {
			for place, text := range render(t, o) {
				if text != first[place] {
					t.Errorf("%s, %s: got another text", name, place)
				}
			}
		}
	}
}
