package awsread_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

// shipped reads the controls once for all tests.
var shipped = sync.OnceValues(func() ([]*posture.Control, error) {
	out, problems, err := scan.LoadControls(nil)
	return out, errors.Join(append(problems, err)...)
})

func controls(t *testing.T) []*posture.Control {
	t.Helper()
	out, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(out)
}

func TestAWholeAccount(t *testing.T) {
	w := newWorld(t)
	s := w.collect()
	if len(s.Gaps) > 0 {
		t.Errorf("gaps: got %v, want none", s.Gaps)
	}
	f := s.Facts
	if s.Account != "111111111111" || f.Account.Alias != "example" || !f.Root.MFAEnabled || !f.Root.VirtualMFA || !f.Root.HasPassword {
		t.Errorf("account and root: got %s, %+v, %+v", s.Account, f.Account, f.Root)
	}
	if f.Organization.Member || f.PasswordPolicy.Set {
		t.Errorf("no organization and no password policy: got %+v, %+v", f.Organization, f.PasswordPolicy)
	}
	if len(f.Users) != 1 || f.Users[0].Name != "admin" || len(f.Users[0].AccessKeys) != 1 || len(f.Users[0].AttachedPolicies) != 1 {
		t.Errorf("users: got %+v", f.Users)
	}
	want := []facts.Trail{{
		ARN: "arn:aws:cloudtrail:us-east-1:111111111111:trail/all", Name: "all", Region: "us-east-1", Owner: "111111111111", MultiRegion: true, GlobalEvents: true, Bucket: "logs-of-example",
		LogGroup: "arn:aws:logs:us-east-1:111111111111:log-group:trail:*", Logging: true,
		Selectors: []facts.Selector{{Category: "Management", Reads: true, Writes: true, Types: []string{}, Excluded: []string{}, Only: []string{}}}, Insights: []string{},
	}}
	if len(f.Trails) == 1 && len(f.Keys) == 1 {
		want[0].Key, want[0].Asked = f.Keys[0].ARN, f.Trails[0].Asked // the simulator's to choose
	}
	if o, ok := s.Origin("trails.logging"); !ok || !f.Trails[0].Asked.Equal(o.At) {
		t.Errorf("when the trail was asked about: got %s, want %s", f.Trails[0].Asked, o.At)
	}
	if diff := cmp.Diff(want, f.Trails); diff != "" {
		t.Errorf("18 Regions show one trail (-want +got):\n%s", diff)
	}
	if len(f.MetricFilters) != 1 || f.MetricFilters[0].Region != "us-east-1" || len(f.Alarms) != 1 || len(f.Subscriptions) != 1 || !f.Subscriptions[0].Confirmed {
		t.Errorf("alarm: got %+v, %+v, %+v", f.MetricFilters, f.Alarms, f.Subscriptions)
	}
	bucket := facts.Bucket{
		ARN: "arn:aws:s3:::logs-of-example", Name: "logs-of-example", Trails: []string{want[0].ARN}, Prefixes: []string{"AWSLogs/"}, Account: "111111111111", Region: "us-east-1",
		Block: facts.PublicAccess{BlockACLs: true, BlockPolicy: true}, Policy: logsPolicy, Expiries: []facts.Expiry{},
	}
	if diff := cmp.Diff([]facts.Bucket{bucket}, f.Buckets); diff != "" {
		t.Errorf("the trail's bucket (-want +got):\n%s", diff)
	}
	if len(f.Keys) != 1 || f.Keys[0].State != "Enabled" || !f.Keys[0].Rotatable || f.Keys[0].Rotation || len(f.LogGroups) != 1 || !f.LogGroups[0].Exists {
		t.Errorf("the trail's key and log group: got %+v, %+v", f.Keys, f.LogGroups)
	}
	if len(f.Queues) != 1 || f.Queues[0].ARN != "arn:aws:sqs:us-east-1:111111111111:events" || !f.Queues[0].Encrypted || len(f.Secrets) != 1 || f.Secrets[0].Rotation {
		t.Errorf("queue and secret: got %+v, %+v", f.Queues, f.Secrets)
	}
	if len(f.EventBuses) != 18 || len(f.EventRules) != 1 || len(f.EventRules[0].Targets) != 1 || len(f.Topics) != 1 || !f.Topics[0].KeyCustomer || !f.Topics[0].KeyEnabled {
		t.Errorf("event rules and topics: got %d buses, %+v, %+v", len(f.EventBuses), f.EventRules, f.Topics)
	}
	if topic := f.Topics[0]; !strings.Contains(topic.Policy, "events.amazonaws.com") || !strings.Contains(topic.KeyPolicy, "GenerateDataKey") {
		t.Errorf("policies of the topic and its key: got %+v", topic)
	}
	for _, u := range s.Unknown() {
		// No call of this package tells root's devices and what is in the register, and AWS
		// tells no account that is in no organization with which address its root signs in.
		if u.Path != "root.devices" && !strings.HasSuffix(u.Reason, "in the register") && u.Path != "root.email" {
			t.Errorf("%s: %s", u.Path, u.Reason)
		}
	}
	if want := []time.Duration{2 * time.Second, 2 * time.Second}; !slices.Equal(w.pauses, want) {
		t.Errorf("pauses for the credential report: got %v, want %v", w.pauses, want)
	}
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	if back, err := facts.Read(&b); err != nil || !cmp.Equal(back, s) {
		t.Errorf("the snapshot does not come back as it was: %v", err)
	}
	for _, f := range posture.Evaluate(s, controls(t), posture.Setting{Now: time.Now()}) {
		if f.Control == "MF-03" && f.Status != rootkeep.Pass {
			t.Errorf("the root alarm: got %s, %s %v", f.Status, f.Detail, f.Missing)
		}
	}
}

// The table of operations is what a read-only role is made from: it must hold what is
// called, all of it and nothing else.
func TestOperationsAreWhatIsCalled(t *testing.T) {
	w, organized := newWorld(t), newWorld(t)
	organized.delegated()
	called := map[string]bool{}
	for _, c := range []struct {
		world *world
		inIAM int            // calls: three of them for the credential report, which takes its time
		more  map[string]int // operations that are called more than once
	}{
		{w, 12, map[string]int{"GetAlternateContact": 3, "GetFindings": 2, "DescribeKey": 2}},
		{organized, 12, map[string]int{
			"GetAlternateContact": 3, "GetFindings": 2, "DescribeKey": 2, "ListPolicies": 2, "ListTargetsForPolicy": 2, "DescribePolicy": 2, "ListParents": 2,
		}},
	} {
		inIAM := 0
		c.world.environment(c.world.admin.Keys[0].ID, c.world.admin.Keys[0].Secret, "")
		c.world.collect()
		for _, r := range c.world.Requests() {
			called[actionOf(r.Service, r.Operation)] = true
			if region, ok := w.account.Region(r.Region); !ok || !region.Enabled() {
				t.Errorf("%s was called in %s, which is not enabled", r.Operation, r.Region)
			}
			switch want := max(c.more[r.Operation], 1); {
			case r.Service == "iam":
				inIAM += r.Calls
			case r.Calls != want:
				t.Errorf("%s in %s: got %d calls, want %d", r.Operation, r.Region, r.Calls, want)
			}
		}
		if inIAM != c.inIAM {
			t.Errorf("calls of IAM: got %d, want %d", inIAM, c.inIAM)
		}
	}
	inTable := map[string]bool{} // one call may be about two kinds of resource
	for _, o := range awsread.Operations() {
		if inTable[o.Action] = true; !called[o.Action] {
			t.Errorf("%s is in the table and was not called", o.Action)
		}
	}
	maps.DeleteFunc(called, func(action string, _ bool) bool { return inTable[action] })
	for action := range called {
		t.Errorf("%s was called and is not in the table", action)
	}
	regions := map[string]bool{}
	for _, r := range w.Requests() {
		if r.Operation == "DescribeTrails" {
			regions[r.Region] = true
		}
	}
	if len(regions) != 18 || !regions["eu-south-1"] {
		t.Errorf("Regions: got %d, want the 17 that every account has and eu-south-1", len(regions))
	}
}

func TestWithoutItsRegionsOneIsRead(t *testing.T) {
	w := newWorld(t)
	w.AddFault(cloud.Fault{Kind: cloud.Deny, Service: "account"})
	s := w.collect()
	for _, r := range w.Requests() {
		if r.Region != "us-east-1" {
			t.Errorf("%s was called in %s", r.Operation, r.Region)
		}
	}
	if len(s.Facts.Alarms) != 1 {
		t.Errorf("the alarm of the Region: got %v", s.Facts.Alarms)
	}
	for _, branch := range []string{"trails.arn", "trails.logging", "metric_filters.pattern", "alarms.metric", "subscriptions.confirmed"} {
		want := facts.Gap{Path: branch, Permission: "account:ListRegions", Reason: "account:ListRegions denied; of all Regions only us-east-1 was read"}
		if !slices.Contains(s.Gaps, want) {
			t.Errorf("%s: no gap, got %v", branch, s.Gaps)
		}
	}
}

func TestOneRegionThatFailsIsNamed(t *testing.T) {
	w := newWorld(t)
	for _, region := range []string{"us-west-2", "eu-west-1"} {
		w.AddFault(cloud.Fault{Kind: cloud.Deny, Service: "sns", Region: region})
	}
	for i := range 55 {
		w.filter(fmt.Sprintf("more%d", i), rootPattern)
	}
	w.AddFault(cloud.Fault{Kind: cloud.WrongToken, Service: "logs"})
	s := w.collect()
	reasons := map[string]bool{}
	for _, g := range s.Gaps {
		reasons[g.Reason] = true
	}
	if !reasons["sns:ListSubscriptions in eu-west-1, us-west-2 denied"] || len(reasons) != 2 {
		t.Errorf("reasons: got %v", reasons)
	}
	for _, g := range s.Gaps {
		if g.Permission == "logs:DescribeMetricFilters" && !strings.Contains(g.Reason, "in us-east-1 failed: InvalidParameterException") {
			t.Errorf("a list that broke off: got %q", g.Reason)
		}
	}
}

func TestAlarmsOfEveryKindAndRulesOfEveryBus(t *testing.T) {
	w := newWorld(t)
	topic := w.account.ARN("sns", "us-east-1", "alerts")
	w.call("monitoring", "PutMetricAlarm", map[string]any{
		"AlarmName": "clock", "Namespace": "CIS", "MetricName": "root", "Statistic": "Sum", "Period": 300, "EvaluationPeriods": 1, "Threshold": 5,
		"ComparisonOperator": "GreaterThanOrEqualToThreshold", "EvaluationWindow": map[string]any{"WallClockWindow": map[string]any{"Timezone": "UTC"}},
	})
	w.call("monitoring", "PutCompositeAlarm", map[string]any{"AlarmName": "any", "AlarmRule": "ALARM(root)", "AlarmActions": []string{topic}})
	w.call("monitoring", "PutLogAlarm", map[string]any{
		"AlarmName": "log", "ComparisonOperator": "GreaterThanThreshold", "QueryResultsToAlarm": 1, "QueryResultsToEvaluate": 2, "Threshold": 0, "AlarmActions": []string{topic},
		"ScheduledQueryConfiguration": map[string]any{
			"QueryString": `filter userIdentity.type = "Root"`, "AggregationExpression": "count(*)", "ScheduledQueryRoleARN": w.account.IAM("role/query"), "LogGroupIdentifiers": []string{"trail"},
			"ScheduleConfiguration": map[string]any{"ScheduleExpression": "rate(5 minutes)", "StartTimeOffset": 360, "EndTimeOffset": 60},
		},
	})
	w.call("events", "CreateEventBus", map[string]any{"Name": "security"})
	w.call("events", "PutRule", map[string]any{"Name": "passed", "EventBusName": "security", "EventPattern": `{"detail": {"eventName": ["ConsoleLogin"]}}`})
	w.call("events", "PutTargets", map[string]any{"Rule": "passed", "EventBusName": "security", "Targets": []map[string]any{{"Id": "1", "Arn": topic, "RoleArn": w.account.IAM("role/r")}}})
	s := w.collect()
	if len(s.Gaps) > 0 {
		t.Errorf("gaps: got %v, want none", s.Gaps)
	}
	f := s.Facts
	windows := map[string]string{}
	for _, a := range f.Alarms {
		windows[a.Name] = a.Window
	}
	if !cmp.Equal(windows, map[string]string{"root": "sliding", "clock": "wall-clock"}) {
		t.Errorf("windows: got %v", windows)
	}
	want := []facts.LogAlarm{{
		ARN: w.account.ARN("cloudwatch", "us-east-1", "alarm:log"), Name: "log", Query: `filter userIdentity.type = "Root"`, Aggregation: "count(*)", LogGroups: []string{"trail"},
		Schedule: "rate(5 minutes)", From: 360, To: 60, Results: 2, ResultsToAlarm: 1, Comparison: "GreaterThanThreshold", ActionsEnabled: true, Actions: []string{topic},
	}}
	if diff := cmp.Diff(want, f.LogAlarms); diff != "" {
		t.Errorf("log alarms (-want +got):\n%s", diff)
	}
	if len(f.CompositeAlarms) != 1 || f.CompositeAlarms[0].Rule != "ALARM(root)" || !f.CompositeAlarms[0].ActionsEnabled {
		t.Errorf("composite alarms: got %+v", f.CompositeAlarms)
	}
	i := slices.IndexFunc(f.EventRules, func(r facts.EventRule) bool { return r.Name == "passed" })
	if i < 0 || f.EventRules[i].Bus != "security" || !cmp.Equal(f.EventRules[i].Targets, []facts.Target{{ARN: topic, Role: w.account.IAM("role/r")}}) {
		t.Errorf("a rule of another bus: got %+v", f.EventRules)
	}
	if len(f.Topics) != 1 {
		t.Errorf("the topic of all of them: got %+v", f.Topics)
	}
}

func TestADeniedRegionTakesNothingFromAProof(t *testing.T) {
	w := newWorld(t)
	for _, service := range []string{"monitoring", "logs", "sns", "events"} {
		w.AddFault(cloud.Fault{Kind: cloud.Deny, Service: service, Region: "eu-west-1"})
	}
	s := w.collect()
	if !slices.ContainsFunc(s.Gaps, func(g facts.Gap) bool { return g.Path == "alarms.metric" && g.Regions == "eu-west-1" }) {
		t.Errorf("gaps: got %v, want one of alarms.metric in eu-west-1", s.Gaps)
	}
	for name, want := range map[string]rootkeep.Status{"MF-03": rootkeep.Pass, "MF-05": rootkeep.Unknown} {
		for _, f := range posture.Evaluate(s, controls(t), posture.Setting{Now: time.Now()}) {
			if f.Control == name && f.Status != want {
				t.Errorf("%s: got %s %s %v, want %s", name, f.Status, f.Detail, f.Missing, want)
			}
		}
	}
}

func TestDocumentationListsThePermissions(t *testing.T) {
	text, err := os.ReadFile("../../docs/scan.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "## Read AWS itself")
	list, _, _ = strings.Cut(list, "\n## ")
	for _, o := range awsread.Operations()[1:] {
		if !strings.Contains(list, "`"+o.Action+"`") {
			t.Errorf("docs/scan.md: %s is missing", o.Action)
		}
	}
	if got, want := strings.Count(list, "`iam:"), 10; got != want {
		t.Errorf("docs/scan.md: got %d actions of IAM, want %d", got, want)
	}
}

func TestManyPagesAreOneList(t *testing.T) {
	w := newWorld(t)
	for i := range 80 {
		w.filter(fmt.Sprintf("more%d", i), rootPattern)
	}
	if got := len(w.collect().Facts.MetricFilters); got != 81 {
		t.Errorf("metric filters: got %d, want 81", got)
	}
}

func TestAUserYoungerThanTheReportHasGapsOnce(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.call("iam", "GenerateCredentialReport", nil)
	}
	w.call("iam", "CreateUser", map[string]any{"UserName": "young"})
	paths := map[string]int{}
	for _, g := range w.collect().GapsOf(w.account.IAM("user/young")) {
		paths[g.Path]++
	}
	if len(paths) != 6 || paths["users.mfa_enabled"] != 1 {
		t.Errorf("gaps: got %v, want each fact of the report once", paths)
	}
	for path, n := range paths {
		if n != 1 {
			t.Errorf("%s: got %d gaps, want 1", path, n)
		}
	}
}

func TestAnOrganizationAndAPasswordPolicy(t *testing.T) {
	w := newWorld(t)
	if _, err := w.NewOrganization(w.account, w.Now()); err != nil {
		t.Fatal(err)
	}
	w.account.Password = &cloud.PasswordPolicy{MinimumLength: 14, Symbols: true}
	f := w.collect().Facts
	if !f.Organization.Member || !f.Organization.Management || f.Organization.ID != w.Organization.ID {
		t.Errorf("organization: got %+v", f.Organization)
	}
	if p := f.PasswordPolicy; !p.Set || p.MinimumLength != 14 || !p.RequireSymbols {
		t.Errorf("password policy: got %+v", p)
	}
}

func TestFactsHaveTheTimeOfTheirAnswer(t *testing.T) {
	w := newWorld(t)
	for range 3 { // a report that is there already
		w.call("iam", "GenerateCredentialReport", nil)
	}
	made := w.Now()
	c := w.config()
	later := made.Add(time.Hour)
	c.Now = func() time.Time { return later }
	s, err := awsread.Collect(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]time.Time{"root.access_keys": made, "users.mfa_enabled": made, "root.has_password": later, "trails.logging": later, "account.alias": later} {
		o, ok := s.Origin(path)
		if age := want.Sub(o.At).Abs(); !ok || age > time.Minute || o.File != "" {
			t.Errorf("%s: got %+v, want the time %s", path, o, want)
		}
	}
}

func TestFaultsThatPassAreSurvived(t *testing.T) {
	w := newWorld(t).in(home, "eu-west-1", "eu-south-1")
	w.AddFault(cloud.Fault{Kind: cloud.Throttle, Service: "logs", Region: "eu-west-1", Times: 1})
	w.AddFault(cloud.Fault{Kind: cloud.Throttle, Service: "iam", Operation: "GetAccountSummary", Times: 1})
	w.AddFault(cloud.Fault{Kind: cloud.Broken, Service: "monitoring", Region: "eu-west-2", Times: 1})
	w.AddFault(cloud.Fault{Kind: cloud.Cut, Service: "sns", Region: "eu-west-3", Times: 1})
	if s := w.collect(); len(s.Gaps) > 0 {
		t.Errorf("gaps: got %v, want none", s.Gaps)
	}
}

func TestCancellationEndsAtOnce(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := w.config()
	c.Progress = func(done, planned int) {
		if done == 5 {
			w.AddFault(cloud.Fault{Kind: cloud.Slow, Delay: time.Minute})
			cancel()
		}
	}
	started := time.Now()
	s, err := awsread.Collect(ctx, c)
	if s != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v, want no snapshot and context.Canceled", s, err)
	}
	if took := time.Since(started); took > 30*time.Second { // the slow answers take a minute
		t.Errorf("took %s", took)
	}
}

func TestProgressEndsAtWhatWasPlanned(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	last, most := 0, 0
	c.Progress = func(done, planned int) {
		if done < last || planned < most || done > planned {
			t.Errorf("%d of %d after %d of %d", done, planned, last, most)
		}
		last, most = done, planned
	}
	if _, err := awsread.Collect(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if last != most || last < 80 {
		t.Errorf("got %d of %d calls", last, most)
	}
}

func TestWhatAPersonHasToMendIsSaid(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*world)
		config awsread.Config
		want   string
	}{
		{"no Region", func(w *world) { w.t.Setenv("AWS_REGION", "") }, awsread.Config{}, "hint: --region"},
		{"no credentials", func(w *world) { w.t.Setenv("AWS_ACCESS_KEY_ID", ""); w.t.Setenv("AWS_SECRET_ACCESS_KEY", "") }, awsread.Config{}, "no AWS credentials"},
		{"a profile that does not exist", func(*world) {}, awsread.Config{Profile: "nobody"}, "hint: aws configure list-profiles"},
		{"a key that does not exist", func(w *world) { w.t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE") }, awsread.Config{}, "does not accept these credentials"},
		{"a Region that is not enabled", func(*world) {}, awsread.Config{Region: "af-south-1"}, "does not accept these credentials in af-south-1"},
		{"credentials that expired", func(w *world) {
			who := cloud.UserCaller(w.account, w.admin)
			who.Session = &cloud.Session{Issued: w.Now().Add(-2 * time.Hour)}
			cred := w.NewSession(who, time.Hour)
			w.environment(cred.Key, cred.Secret, cred.Token)
		}, awsread.Config{}, "have expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.change(w)
			s, err := awsread.Collect(t.Context(), c.config)
			if s != nil || err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "hint:") {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestCredentialsThatExpireOnTheWayEndIt(t *testing.T) {
	w := newWorld(t)
	who := cloud.UserCaller(w.account, w.admin)
	who.Session = &cloud.Session{Issued: w.Now()}
	cred := w.NewSession(who, time.Hour)
	w.environment(cred.Key, cred.Secret, cred.Token)
	c := w.config()
	c.Progress = func(done, _ int) {
		if done == 5 {
			w.Do(func() { cred.Expires = w.Now().Add(-time.Second) })
		}
	}
	if s, err := awsread.Collect(t.Context(), c); s != nil || err == nil || !strings.Contains(err.Error(), "have expired") {
		t.Errorf("got %v, want that the credentials have expired", err)
	}
}
