package awsread_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/analyzer"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/config"
	"github.com/rootkeep/rootkeep/internal/awssim/guardduty"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

const home = "us-east-1"

// guarded turns on in a Region what the services of Regions have.
func (w *world) guarded(region string) {
	in := func(service, operation string, parameters map[string]any) map[string]any {
		return w.callIn(region, service, operation, parameters)
	}
	in("config", "PutConfigurationRecorder", map[string]any{"ConfigurationRecorder": map[string]any{
		"name": "default", "roleARN": w.account.IAM("role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"),
		"recordingGroup": map[string]any{"allSupported": true, "includeGlobalResourceTypes": region == home},
	}})
	in("config", "PutDeliveryChannel", map[string]any{"DeliveryChannel": map[string]any{"name": "default", "s3BucketName": "logs-of-example"}})
	in("config", "StartConfigurationRecorder", map[string]any{"ConfigurationRecorderName": "default"})
	in("config", "PutConfigRule", map[string]any{"ConfigRule": map[string]any{"ConfigRuleName": "root-access-key-check", "Source": map[string]any{"Owner": "AWS", "SourceIdentifier": "IAM_ROOT_ACCESS_KEY_CHECK"}}})
	in("securityhub", "EnableSecurityHub", nil)
	if region == home {
		in("securityhub", "CreateFindingAggregator", map[string]any{"RegionLinkingMode": "ALL_REGIONS"})
	}
	in("securityhub", "EnableSecurityHubV2", nil)
	id := in("guardduty", "CreateDetector", map[string]any{"enable": true})["detectorId"]
	in("guardduty", "CreateFilter", map[string]any{"DetectorId": id, "name": "scanner", "action": "ARCHIVE", "findingCriteria": criteria("type", "eq", []string{"Recon:EC2/Portscan"})})
	in("access-analyzer", "CreateAnalyzer", map[string]any{"analyzerName": "external", "type": "ACCOUNT"})
}

func criteria(field, operator string, value any) map[string]any {
	return map[string]any{"criterion": map[string]any{field: map[string]any{operator: value}}}
}

func (w *world) callIn(region, service, operation string, parameters map[string]any) map[string]any {
	w.t.Helper()
	out, err := w.Invoke(cloud.Invocation{Caller: cloud.UserCaller(w.account, w.admin), Region: region, Service: service, Operation: operation, Parameters: parameters})
	if err != nil {
		w.t.Fatalf("%s %s: %v", service, operation, err)
	}
	return out
}

func regionOf(t *testing.T, s *facts.Snapshot, name string) facts.Region {
	t.Helper()
	for _, r := range s.Facts.Regions {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("no Region %s", name)
	return facts.Region{}
}

func TestARegionSaysWhatIsOnThere(t *testing.T) {
	w := newWorld(t)
	w.Do(func() {
		config.FailRule(w.account, home, "root-access-key-check", "AccessDenied", w.Now())
		config.FailDelivery(w.account, home, "AccessDenied")
	})
	s := w.collect()
	if len(s.Gaps) > 0 {
		t.Errorf("gaps: got %v", s.Gaps)
	}
	on := regionOf(t, s, home)
	on.RecorderStates[0].Started, on.FailingRules[0].Failed = time.Time{}, time.Time{}
	want := facts.Region{
		Name:           home,
		Recorders:      []facts.Recorder{{Name: "default", Role: w.account.IAM("role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"), Strategy: "ALL_SUPPORTED_RESOURCE_TYPES", AllSupported: true, IncludeGlobal: true, Frequency: "CONTINUOUS"}},
		RecorderStates: []facts.RecorderState{{Name: "default", Recording: true, Status: "success"}},
		Deliveries:     []facts.Delivery{{Name: "default", History: "failure", Stream: "not_applicable", Error: "AccessDenied"}},
		ConfigRules:    facts.ConfigRules{Identifiers: []string{"IAM_ROOT_ACCESS_KEY_CHECK"}, Managed: []string{"root-access-key-check"}},
		FailingRules:   []facts.FailingRule{{Name: "root-access-key-check", Error: "AccessDenied"}},
		Aggregators:    []facts.ConfigAggregator{},
		Hub:            facts.Hub{Enabled: true, Generator: "SECURITY_CONTROL"}, HubV2: facts.HubV2{Enabled: true},
		Standards: []facts.Standard{
			{ARN: "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0", Name: "cis-aws-foundations-benchmark/v/1.2.0", Status: "READY"},
			{ARN: "arn:aws:securityhub:us-east-1::standards/aws-foundational-security-best-practices/v/1.0.0", Name: "aws-foundational-security-best-practices/v/1.0.0", Status: "READY"},
		},
		Detectors: on.Detectors,
		Detector:  facts.Detector{Status: "ENABLED", Frequency: "SIX_HOURS", Features: on.Detector.Features},
		Filters:   []facts.Filter{{Name: "scanner", Archives: true, Criteria: []facts.Criterion{{Field: "type", Equals: []string{"Recon:EC2/Portscan"}}}}},
		Analyzers: []facts.Analyzer{{ARN: "arn:aws:access-analyzer:us-east-1:111111111111:analyzer/external", Type: "ACCOUNT", Status: "ACTIVE"}},
	}
	for _, standard := range want.Standards {
		for _, id := range []string{"IAM.4", "IAM.6", "IAM.9", "CloudWatch.1"} {
			if id != "CloudWatch.1" || strings.HasPrefix(standard.Name, "cis") {
				want.HubControls = append(want.HubControls, facts.HubControl{ID: id, Standard: standard.Name, Enabled: true})
			}
		}
	}
	slices.SortFunc(want.Standards, func(a, b facts.Standard) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(on.Standards, func(a, b facts.Standard) int { return strings.Compare(a.Name, b.Name) })
	byStandard := func(a, b facts.HubControl) int { return strings.Compare(a.Standard+a.ID, b.Standard+b.ID) }
	slices.SortFunc(want.HubControls, byStandard)
	slices.SortFunc(on.HubControls, byStandard)
	if diff := cmp.Diff(want, on); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	off := facts.Region{Name: "ap-south-1", Recorders: []facts.Recorder{}, Aggregators: []facts.ConfigAggregator{}, Detectors: []string{}, Analyzers: []facts.Analyzer{}}
	if diff := cmp.Diff(off, regionOf(t, s, "ap-south-1")); diff != "" {
		t.Errorf("a Region where nothing is on (-want +got):\n%s", diff)
	}
	if want := (facts.FindingAggregator{Home: home, Linking: "ALL_REGIONS"}); !cmp.Equal(s.Facts.FindingAggregator, want) {
		t.Errorf("aggregator: got %+v, want %+v", s.Facts.FindingAggregator, want)
	}
}

// What a Region costs is told in docs/scan.md.
func TestCallsOfARegion(t *testing.T) {
	w := newWorld(t)
	w.collect()
	calls := map[string]map[string]int{}
	for _, r := range w.Requests() {
		if slices.Contains([]string{"config", "securityhub", "guardduty", "access-analyzer"}, r.Service) {
			if calls[r.Region] == nil {
				calls[r.Region] = map[string]int{}
			}
			calls[r.Region][r.Service] += r.Calls
		}
	}
	for region, want := range map[string]map[string]int{
		"ap-south-1": {"config": 3, "securityhub": 2, "guardduty": 1, "access-analyzer": 1},
		// The first Region with a hub tells of the aggregator, which is then asked for at home.
		"eu-west-1": {"config": 6, "securityhub": 8 + 1, "guardduty": 7, "access-analyzer": 2},
		home:        {"config": 6, "securityhub": 8 + 1, "guardduty": 7, "access-analyzer": 2},
	} {
		if diff := cmp.Diff(want, calls[region]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", region, diff)
		}
	}
}

// byRegion are the findings of a control by Region, "" for the account.
func byRegion(s *facts.Snapshot, controls []*posture.Control, id string) map[rootkeep.Region]rootkeep.Finding {
	out := map[rootkeep.Region]rootkeep.Finding{}
	i := slices.IndexFunc(controls, func(c *posture.Control) bool { return c.ID == id })
	for _, f := range posture.Evaluate(s, controls[i:i+1], posture.Setting{Now: time.Now()}) {
		out[f.Region] = f
	}
	return out
}

func TestADeniedRegionIsUnknownAlone(t *testing.T) {
	controls := controls(t)
	w := newWorld(t).in(home, "eu-west-1", "eu-south-1")
	whole := w.collect()
	for _, c := range []struct {
		service, operation, permission string
		controls                       []string // of each Region
	}{
		{"guardduty", "ListDetectors", "guardduty:ListDetectors", []string{"GD-01", "GD-02", "GD-05", "GD-11", "GD-12"}},
		{"guardduty", "ListFilters", "guardduty:ListFilters", []string{"GD-12"}},
		{"guardduty", "GetDetector", "guardduty:GetDetector", []string{"GD-02", "GD-05"}},
		{"securityhub", "DescribeHub", "securityhub:DescribeHub", []string{"SH-01", "SH-03", "SH-06", "SH-09"}},
		{"securityhub", "GetFindings", "securityhub:GetFindings", []string{"SH-09"}},
		{"config", "DescribeConfigurationRecorders", "config:DescribeConfigurationRecorders", []string{"CO-01", "CO-03", "CO-04"}},
		{"config", "DescribeConfigRules", "config:DescribeConfigRules", []string{"CO-07"}},
		{"access-analyzer", "ListAnalyzers", "access-analyzer:ListAnalyzers", []string{"AA-01", "AA-04"}},
	} {
		t.Run(c.permission, func(t *testing.T) {
			w.AddFault(cloud.Fault{Kind: cloud.Deny, Service: c.service, Operation: c.operation, Region: "eu-west-1"})
			s := w.collect()
			w.ClearFaults()
			for _, id := range c.controls {
				before := byRegion(whole, controls, id)
				for region, f := range byRegion(s, controls, id) {
					switch {
					case region != "eu-west-1" && f.Status != before[region].Status:
						t.Errorf("%s in %s: got %s, was %s", id, region, f.Status, before[region].Status)
					case region == "eu-west-1" && (f.Status != rootkeep.Unknown || !slices.Equal(f.Permissions, []string{c.permission})):
						t.Errorf("%s in %s: got %s for want of %v", id, region, f.Status, f.Permissions)
					}
				}
			}
			for _, id := range []string{"SH-07", "CO-06", "AA-03"} { // over all Regions
				if f := byRegion(s, controls, id)[""]; f.Status == rootkeep.Pass && byRegion(whole, controls, id)[""].Status != rootkeep.Pass {
					t.Errorf("%s became pass", id)
				}
			}
		})
	}
}

// A rule fails if its last attempt did.
func TestRulesFailUntilTheyRun(t *testing.T) {
	w := newWorld(t).in(home, "eu-west-1", "eu-south-1")
	failing := func() int { return len(regionOf(t, w.collect(), home).FailingRules) }
	now := w.Now()
	set := func(f func() bool) {
		w.Do(func() {
			if !f() {
				t.Error("no such rule")
			}
		})
	}
	for _, step := range []struct {
		name string
		do   func() bool
		want int
	}{
		{"before it ran", func() bool { return true }, 0},
		{"it failed", func() bool { return config.FailRule(w.account, home, "root-access-key-check", "AccessDenied", now) }, 1},
		{"it ran since", func() bool {
			return config.Comply(w.account, home, "root-access-key-check", "COMPLIANT", now.Add(time.Minute))
		}, 0},
		{"it failed again", func() bool {
			return config.FailRule(w.account, home, "root-access-key-check", "AccessDenied", now.Add(time.Hour))
		}, 1},
	} {
		set(step.do)
		if got := failing(); got != step.want {
			t.Errorf("%s: got %d failing rules, want %d", step.name, got, step.want)
		}
	}
}

func TestCountingEnds(t *testing.T) {
	w := newWorld(t)
	w.Do(func() {
		for i := range 1200 {
			guardduty.Add(w.Cloud, w.account, home, "Impact:IAMUser/AnomalousBehavior", "x", 8, nil, w.Now())
			analyzer.Add(w.Cloud, w.account, home, "external", fmt.Sprint("arn:aws:s3:::b", i), "AWS::S3::Bucket", "*", nil, w.Now())
		}
		guardduty.Add(w.Cloud, w.account, "eu-west-1", "Impact:IAMUser/AnomalousBehavior", "x", 6.9, nil, w.Now())
		guardduty.Add(w.Cloud, w.account, "eu-west-1", "Impact:IAMUser/AnomalousBehavior", "x", 8, nil, w.Now()).Service.Archived = true
		guardduty.Add(w.Cloud, w.account, "eu-west-1", "Impact:IAMUser/AnomalousBehavior", "x", 8, nil, w.Now()).AccountId = "222222222222"
		analyzer.Add(w.Cloud, w.account, "eu-west-1", "external", "arn:aws:s3:::b", "AWS::S3::Bucket", "*", nil, w.Now())
	})
	pages := w.pages("finding")
	s := w.collect()
	for region, want := range map[string][2]facts.Count{home: {{N: 250, More: true}, {N: 500, More: true}}, "eu-west-1": {{N: 0}, {N: 1}}, "ap-south-1": {}} {
		r := regionOf(t, s, region)
		if got := [2]facts.Count{r.HighFindings, r.ActiveFindings}; got != want {
			t.Errorf("%s: got %+v, want %+v", region, got, want)
		}
	}
	for _, service := range []string{"guardduty", "access-analyzer"} {
		if got := len(pages[service+" "+home]); got != 5 {
			t.Errorf("%s: got %d pages, want 5 of them asked for", service, got)
		}
	}
}

// pages notes the bodies of requests whose path has a word, by service and Region. A call
// that is made again, as on a busy machine, has the body that it had.
func (w *world) pages(word string) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	var mu sync.Mutex
	simtest.Environment(w.t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client went away
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		// Credential=key/day/Region/service/aws4_request
		if scope := strings.Split(r.Header.Get("Authorization"), "/"); len(scope) > 3 && strings.Contains(r.URL.Path, word) {
			mu.Lock()
			defer mu.Unlock()
			key := scope[3] + " " + scope[2]
			if out[key] == nil {
				out[key] = map[string]bool{}
			}
			out[key][r.URL.Path+" "+string(body)] = true
		}
		w.ServeHTTP(rw, r)
	}), w.admin.Keys[0].ID, w.admin.Keys[0].Secret, "")
	return out
}

func TestFindingsOfSecurityHub(t *testing.T) {
	w := newWorld(t)
	add := func(id, label, control, created string) {
		w.call("securityhub", "BatchImportFindings", map[string]any{"Findings": []any{map[string]any{
			"SchemaVersion": "2018-10-08", "Id": id, "ProductArn": "arn:aws:securityhub:us-east-1:111111111111:product/111111111111/default", "GeneratorId": "x", "AwsAccountId": "111111111111",
			"CreatedAt": created, "UpdatedAt": created, "Severity": map[string]any{"Label": label}, "Title": "x", "Description": "x",
			"Resources": []any{map[string]any{"Type": "AwsAccount", "Id": "x"}}, "Compliance": map[string]any{"Status": "FAILED", "SecurityControlId": control},
		}}})
	}
	workflow := func(id, status string) {
		w.call("securityhub", "BatchUpdateFindings", map[string]any{"Workflow": map[string]any{"Status": status}, "FindingIdentifiers": []any{
			map[string]any{"Id": id, "ProductArn": "arn:aws:securityhub:us-east-1:111111111111:product/111111111111/default"},
		}})
	}
	add("suppressed", "CRITICAL", "IAM.6", "2026-01-01T00:00:00.000Z")
	add("resolved", "CRITICAL", "IAM.9", "2026-02-01T00:00:00.000Z")
	add("older but high", "HIGH", "IAM.21", "2026-03-01T00:00:00.000Z")
	add("newer", "CRITICAL", "EC2.19", "2026-05-01T00:00:00.000Z")
	add("notified", "CRITICAL", "S3.2", "2026-04-01T00:00:00.000Z")
	add("of another control", "LOW", "S3.9", "2026-04-01T00:00:00.000Z")
	workflow("suppressed", "SUPPRESSED")
	workflow("of another control", "SUPPRESSED")
	workflow("resolved", "RESOLVED")
	workflow("notified", "NOTIFIED")
	s := w.collect()
	want := facts.HubFindings{Suppressed: []string{"IAM.6"}, OldestCritical: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}
	if got := regionOf(t, s, home).HubFindings; !cmp.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if f := byRegion(s, controls(t), "SH-07")[""]; f.Status != rootkeep.Fail || !strings.Contains(f.Detail, "suppressed: IAM.6 in us-east-1") {
		t.Errorf("SH-07: got %s, %s", f.Status, f.Detail)
	}
}
