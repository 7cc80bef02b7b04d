package intake_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/intake"
)

const (
	head = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active," +
		"access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service," +
		"access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service," +
		"cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated\n"
	rootRow = "<root_account>,arn:aws:iam::111122223333:root,2019-01-01T00:00:00+00:00,not_supported,2026-10-01T00:00:00Z,not_supported,not_supported,true," +
		"true,2020-01-01T00:00:00+00:00,2026-11-01T00:00:00+00:00,us-east-1,s3,false,2019-02-01T00:00:00Z,N/A,N/A,N/A,false,N/A,false,N/A\n"
	annRow = "ann,arn:aws:iam::111122223333:user/ann,2024-01-01T00:00:00+00:00,true,no_information,2024-01-01T00:00:00+00:00,N/A,false," +
		"false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,true,2024-01-01T00:00:00+00:00,false,N/A\n"
	details = `{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob", "GroupList": []}], "RoleDetailList": [], "GroupDetailList": [],
 "Policies": [{"Arn": "arn:aws:iam::111122223333:policy/lost", "PolicyVersionList": []}]}`
)

var (
	noon  = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	early = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
)

func read(t *testing.T, files ...string) *facts.Snapshot {
	t.Helper()
	in := intake.New(noon)
	for i, text := range files {
		if err := in.Add(strings.NewReader(text), fmt.Sprintf("file%d", i), early); err != nil {
			t.Fatal(err)
		}
	}
	return in.Snapshot()
}

func TestCredentialReport(t *testing.T) {
	s := read(t, head+rootRow+annRow)
	root := s.Facts.Root
	want := []facts.AccessKey{
		{Active: true, Created: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), LastUsed: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), LastUsedRegion: "us-east-1", LastUsedService: "s3"},
		{Created: time.Date(2019, 2, 1, 0, 0, 0, 0, time.UTC)}, // inactive, but it was made
	}
	if diff := cmp.Diff(want, root.AccessKeys); diff != "" {
		t.Errorf("root keys (-want +got):\n%s", diff)
	}
	if !root.MFAEnabled || root.PasswordLastUsed.IsZero() || s.Account != "111122223333" {
		t.Errorf("root: got %+v of account %s", root, s.Account)
	}
	if _, known := s.Origin("root.has_password"); known {
		t.Error("the report does not say whether root has a password, so that must stay unknown")
	}
	ann := s.Facts.Users[0]
	if !ann.HasPassword || ann.MFAEnabled || !ann.PasswordLastUsed.IsZero() || len(ann.AccessKeys) != 0 || ann.Certificates != 1 {
		t.Errorf("ann: got %+v", ann)
	}
}

func TestTheSummaryWinsOverAnOlderReport(t *testing.T) {
	summary := `{"SummaryMap": {"AccountMFAEnabled": 0, "AccountAccessKeysPresent": 1}}`
	encoded := fmt.Sprintf(`{"Content": %q, "GeneratedTime": "2026-11-02T05:00:00Z"}`, base64.StdEncoding.EncodeToString([]byte(head+rootRow)))
	for name, files := range map[string][]string{"report first": {encoded, summary}, "summary first": {summary, encoded}} {
		t.Run(name, func(t *testing.T) {
			s := read(t, files...)
			if s.Facts.Root.MFAEnabled {
				t.Error("MFA: got on, want the summary's off")
			}
			if o, _ := s.Origin("root.access_keys"); o.At.Hour() != 5 {
				t.Errorf("the report's own time: got %v", o.At)
			}
		})
	}
}

func TestAUserThatOneSourceLacksHasGaps(t *testing.T) {
	s := read(t, head+annRow, details)
	if len(s.Facts.Users) != 2 {
		t.Fatalf("got %d users, want 2", len(s.Facts.Users))
	}
	for arn, path := range map[string]string{"arn:aws:iam::111122223333:user/ann": "users.groups", "arn:aws:iam::111122223333:user/bob": "users.has_password"} {
		found := false
		for _, g := range s.GapsOf(arn) {
			found = found || g.Path == path
		}
		if !found {
			t.Errorf("%s: no gap for %s", arn, path)
		}
	}
	if gaps := s.GapsOf("arn:aws:iam::111122223333:policy/lost"); len(gaps) != 1 {
		t.Errorf("a policy without text: got %v, want one gap", gaps)
	}
}

func TestOtherFiles(t *testing.T) {
	s := read(t,
		`{"PasswordPolicy": {"MinimumPasswordLength": 14, "RequireSymbols": true, "ExpirePasswords": false, "PasswordReusePrevention": 24}}`,
		`{"VirtualMFADevices": [{"SerialNumber": "arn:aws:iam::111122223333:mfa/any-name", "User": {"Arn": "arn:aws:iam::111122223333:root"}}]}`)
	if p := s.Facts.PasswordPolicy; !p.Set || p.MinimumLength != 14 || p.RememberedGenerations != 24 {
		t.Errorf("password policy: got %+v", p)
	}
	if !s.Facts.Root.VirtualMFA {
		t.Error("a virtual device of root is known by its user, whatever its name")
	}
}

// describe-trails says whether event selectors are the default; if they are not, what
// they are get-event-selectors alone tells.
func TestTheDefaultSelectorsAreKnownFromTheTrail(t *testing.T) {
	for name, c := range map[string]struct {
		trails string
		known  bool
	}{
		"the default":        {`{"HasCustomEventSelectors": false}`, true},
		"its own":            {`{"HasCustomEventSelectors": true}`, false},
		"one of two its own": {`{"HasCustomEventSelectors": false}, {"HasCustomEventSelectors": true}`, false},
		"not told":           {`{"Name": "all"}`, false},
	} {
		s := read(t, `{"trailList": [`+c.trails+`]}`)
		_, known := s.Origin("trails.selectors")
		if selectors := s.Facts.Trails[0].Selectors; known != c.known || known && (len(selectors) != 1 || !selectors[0].Reads || !selectors[0].Writes || selectors[0].Category != "Management") {
			t.Errorf("%s: got known %t, %+v", name, known, selectors)
		}
	}
}

func TestMonitoring(t *testing.T) {
	s := read(t,
		`{"trailList": [{"Name": "all", "TrailARN": "arn:aws:cloudtrail:us-east-1:111122223333:trail/all", "IsMultiRegionTrail": true, "LogFileValidationEnabled": true}]}`,
		`{"metricFilters": [{"filterName": "f", "filterPattern": "{ $.a = 1 }", "logGroupName": "g", "metricTransformations": [{"metricName": "m", "metricNamespace": "n", "metricValue": "1", "defaultValue": 0}]}]}`,
		`{"metricFilters": [{"filterName": "of another Region"}]}`,
		`{"MetricAlarms": [{"AlarmName": "a", "ExtendedStatistic": "p90", "Threshold": 1.5, "Dimensions": [{"Name": "d"}]}], "CompositeAlarms": []}`,
		`{"Subscriptions": [{"TopicArn": "t", "Protocol": "email", "SubscriptionArn": "PendingConfirmation"}, {"TopicArn": "t", "SubscriptionArn": "arn:aws:sns:us-east-1:111122223333:t:1"}]}`)
	f := s.Facts
	if len(f.Trails) != 1 || !f.Trails[0].MultiRegion || !f.Trails[0].Validation {
		t.Errorf("trails: got %+v", f.Trails)
	}
	if _, known := s.Origin("trails.logging"); known {
		t.Error("describe-trails does not say whether a trail is logging")
	}
	if len(f.MetricFilters) != 2 || !f.MetricFilters[0].Transformations[0].Default || f.MetricFilters[0].LogGroup != "g" {
		t.Errorf("metric filters: got %+v", f.MetricFilters)
	}
	if len(f.Alarms) != 1 || f.Alarms[0].Statistic != "p90" || f.Alarms[0].Dimensions != 1 || f.Alarms[0].Threshold != 1.5 {
		t.Errorf("alarms: got %+v", f.Alarms)
	}
	if len(f.Subscriptions) != 2 || f.Subscriptions[0].Confirmed || !f.Subscriptions[1].Confirmed {
		t.Errorf("subscriptions: got %+v", f.Subscriptions)
	}
}

func TestWhatIsNoFactIsNamed(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a picture", "\x89PNG", "none of"},
		{"an empty file", "", "none of"},
		{"other JSON", `{"a": 1}`, "none of"},
		{"half JSON", "{\n \"SummaryMap\": {", "2:17"},
		{"a wrong type", `{"SummaryMap": {"AccountMFAEnabled": "yes"}}`, "1:4"},
		{"a report without columns", "user,arn,x\n", "column password_enabled is missing"},
		{"a report with a wrong date", head + strings.Replace(annRow, "2024-01-01T00:00:00+00:00", "yesterday", 1), "line 2: user_creation_time"},
		{"a report with a wrong word", head + strings.Replace(annRow, "N/A,false,", "N/A,maybe,", 1), "line 2: mfa_active"},
		{"another account", head + strings.ReplaceAll(annRow, "111122223333", "444455556666"), "one account at a time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := intake.New(noon)
			if err := in.Add(strings.NewReader(details), "details", early); err != nil {
				t.Fatal(err)
			}
			err := in.Add(strings.NewReader(c.text), "bad", early)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
			if c.want == "none of" && !errors.Is(err, intake.ErrKind) {
				t.Errorf("got %v, want ErrKind", err)
			}
		})
	}
}

func TestCorpus(t *testing.T) {
	text, err := os.ReadFile("../../../../shared/corpora/authorization-details/example.json")
	if err != nil {
		t.Skip("skipped: ../shared/corpora/authorization-details is not there")
	}
	s := read(t, string(text))
	if len(s.Facts.Users) != 44 || len(s.Facts.Roles) != 78 {
		t.Errorf("got %d users and %d roles, want 44 and 78", len(s.Facts.Users), len(s.Facts.Roles))
	}
}

func FuzzAdd(f *testing.F) {
	f.Add(head + rootRow + annRow)
	f.Add(details)
	f.Add(`{"SummaryMap": {"AccountMFAEnabled": 1}}`)
	f.Add(`{"VirtualMFADevices": [{}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		in := intake.New(noon)
		if in.Add(strings.NewReader(text), "fuzz", early) == nil {
			in.Snapshot().Unknown()
		}
	})
}

func TestWhatAlarmsAndRulesLeadTo(t *testing.T) {
	s := read(t,
		`{"MetricAlarms": [{"AlarmName": "clock", "EvaluationWindow": {"WallClockWindow": {"Timezone": "UTC"}}},
			{"AlarmName": "long form", "Metrics": [{"Id": "m", "MetricStat": {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}}]},
			{"AlarmName": "sum of two", "Metrics": [{"Id": "e", "Expression": "a + b"}, {"Id": "a", "MetricStat": {"Metric": {"Namespace": "n", "MetricName": "m"}}}]}],
		"CompositeAlarms": [{"AlarmName": "any", "AlarmRule": "ALARM(clock)", "ActionsSuppressor": "s", "ActionsEnabled": true, "AlarmActions": ["t"]}],
		"LogAlarms": [{"AlarmName": "log", "Threshold": 1, "QueryResultsToEvaluate": 3, "QueryResultsToAlarm": 2, "ScheduledQueryConfiguration": {"QueryString": "filter a = 1",
			"AggregationExpression": "count(*)", "LogGroupIdentifiers": ["g"], "ScheduleConfiguration": {"ScheduleExpression": "rate(1 hour)", "StartTimeOffset": 3600, "EndTimeOffset": 60}}}]}`,
		`{"Rules": [{"Name": "r", "Arn": "arn:aws:events:us-east-1:111122223333:rule/r", "EventPattern": "{}", "State": "ENABLED", "EventBusName": "default"},
			{"Name": "every hour", "ScheduleExpression": "rate(1 hour)"}]}`,
		`{"Attributes": {"TopicArn": "arn:aws:sns:us-east-1:111122223333:t", "Policy": "{}", "KmsMasterKeyId": "alias/k"}}`)
	f := s.Facts
	if len(f.Alarms) != 3 || f.Alarms[0].Window != "wall-clock" || f.Alarms[1].Window != "sliding" {
		t.Errorf("windows: got %+v", f.Alarms)
	}
	if a := f.Alarms[1]; a.Namespace != "n" || a.Metric != "m" || a.Statistic != "Sum" || a.Period != 60 || a.Inputs != nil {
		t.Errorf("one metric in the long form: got %+v", a)
	}
	if a := f.Alarms[2]; a.Metric != "" || len(a.Inputs) != 1 || a.Inputs[0] != "n/m" {
		t.Errorf("an expression: got %+v", a)
	}
	if len(f.CompositeAlarms) != 1 || f.CompositeAlarms[0].Rule != "ALARM(clock)" || f.CompositeAlarms[0].Suppressor != "s" || !f.CompositeAlarms[0].ActionsEnabled {
		t.Errorf("composite alarms: got %+v", f.CompositeAlarms)
	}
	if len(f.LogAlarms) != 1 || f.LogAlarms[0].Query != "filter a = 1" || f.LogAlarms[0].From != 3600 || f.LogAlarms[0].To != 60 || f.LogAlarms[0].ResultsToAlarm != 2 {
		t.Errorf("log alarms: got %+v", f.LogAlarms)
	}
	if len(f.EventRules) != 1 || f.EventRules[0].State != "ENABLED" {
		t.Errorf("rules that run by a schedule take no events: got %+v", f.EventRules)
	}
	if len(f.Topics) != 1 || f.Topics[0].Key != "alias/k" {
		t.Errorf("topics: got %+v", f.Topics)
	}
	for path, want := range map[string]bool{"composite_alarms.rule": true, "log_alarms.query": true, "event_rules.state": true, "event_rules.targets": false, "topics.policy": true, "topics.key_policy": false} {
		if _, known := s.Origin(path); known != want {
			t.Errorf("%s: known is %t, want %t", path, known, want)
		}
	}
	unasked := read(t, `{"MetricAlarms": [], "CompositeAlarms": []}`)
	for _, path := range []string{"composite_alarms.rule", "log_alarms.query"} {
		if _, known := unasked.Origin(path); known {
			t.Errorf("%s: AWS tells other alarms only if it is asked for them", path)
		}
	}
}
