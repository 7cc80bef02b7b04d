package posture_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

// regional is an account of its own in one Region, where everything is on and well.
func regional() *facts.Snapshot {
	s := account()
	var controls []facts.HubControl
	for _, id := range []string{"IAM.4", "IAM.6", "IAM.9", "CloudWatch.1"} {
		controls = append(controls, facts.HubControl{ID: id, Standard: "cis-aws-foundations-benchmark/v/5.0.0", Enabled: true})
	}
	s.Facts.Regions = []facts.Region{{
		Name:           "eu-west-1",
		Recorders:      []facts.Recorder{{AllSupported: true, IncludeGlobal: true, Frequency: "CONTINUOUS", Role: "arn:aws:iam::111122223333:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"}},
		RecorderStates: []facts.RecorderState{{Recording: true, Status: "success", Started: now.AddDate(-1, 0, 0)}},
		Deliveries:     []facts.Delivery{{History: "success", Stream: "not_applicable"}},
		ConfigRules: facts.ConfigRules{
			Identifiers: []string{"IAM_ROOT_ACCESS_KEY_CHECK", "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS", "CLOUD_TRAIL_ENABLED", "S3_BUCKET_SSL_REQUESTS_ONLY"},
			Managed:     []string{"iam-root-access-key-check", "mfa", "trail", "tls"},
		},
		Aggregators: []facts.ConfigAggregator{{Name: "mine", AllRegions: true}},
		Hub:         facts.Hub{Enabled: true, Generator: "SECURITY_CONTROL"}, HubV2: facts.HubV2{Enabled: true}, HubControls: controls,
		Standards: []facts.Standard{{Name: "aws-foundational-security-best-practices/v/1.0.0", Status: "READY"}, {Name: "cis-aws-foundations-benchmark/v/5.0.0", Status: "READY"}},
		Detectors: []string{"d"}, Detector: facts.Detector{Status: "ENABLED", Features: []facts.DetectorFeature{{Name: "S3_DATA_EVENTS", Enabled: true}}},
		Analyzers: []facts.Analyzer{{Type: "ACCOUNT", Status: "ACTIVE"}, {Type: "ACCOUNT_UNUSED_ACCESS", Status: "ACTIVE"}},
	}}
	return s
}

// ofRegions are the controls over what the services of Regions say.
func ofRegions(t *testing.T) []*posture.Control {
	t.Helper()
	return slices.DeleteFunc(shipped(t), func(c *posture.Control) bool {
		area, _, _ := strings.Cut(c.ID, "-")
		return !slices.Contains([]string{"CO", "SH", "GD", "AA"}, area)
	})
}

func ids(s *facts.Snapshot, controls []*posture.Control, status rootkeep.Status) string {
	var out []string
	for _, f := range posture.Evaluate(s, controls, posture.Setting{Now: now}) {
		if f.Status == status {
			out = append(out, f.Control)
		}
	}
	return strings.Join(out, " ")
}

// Each thing is spoilt in turn; the controls that fail are those about it and no other.
func TestWhatIsSpoiltInARegionFails(t *testing.T) {
	controls := ofRegions(t)
	if len(controls) < 28 {
		t.Fatalf("got %d controls", len(controls))
	}
	for _, c := range []struct {
		name  string
		spoil func(*facts.Region)
		want  string
	}{
		{"nothing", func(*facts.Region) {}, ""},
		{"the recorder is stopped", func(r *facts.Region) { r.RecorderStates[0].Recording = false }, "CO-01"},
		{"the recorder has another role", func(r *facts.Region) { r.Recorders[0].Role = "arn:aws:iam::111122223333:role/config" }, "CO-03"},
		{"IAM is not recorded", func(r *facts.Region) { r.Recorders[0].IncludeGlobal = false }, "CO-02"},
		{"everything is recorded daily", func(r *facts.Region) { r.Recorders[0].Frequency = "DAILY" }, "CO-08"},
		{"history is refused", func(r *facts.Region) { r.Deliveries[0].History = "failure" }, "CO-04"},
		{"no aggregator", func(r *facts.Region) { r.Aggregators = nil }, "CO-05"},
		{"a rule fails", func(r *facts.Region) { r.FailingRules = []facts.FailingRule{{Name: "tls", Failed: now}} }, "CO-07"},
		{"E5: the root rule under the guide's name", func(r *facts.Region) { r.ConfigRules.Managed[0] = "root-access-key-check" }, ""},
		{"E5: a rule of one's own under the guide's name", func(r *facts.Region) {
			r.ConfigRules.Identifiers, r.ConfigRules.Own = r.ConfigRules.Identifiers[1:], []string{"root-access-key-check"}
		}, "CO-06"},
		{"Security Hub is off", func(r *facts.Region) { r.Hub, r.Standards, r.HubControls = facts.Hub{}, nil, nil }, "SH-01"},
		{"the newer Security Hub is off", func(r *facts.Region) { r.HubV2.Enabled = false }, "SH-02"},
		{"E26: all standards", func(r *facts.Region) {
			for _, name := range []string{"cis-aws-foundations-benchmark/v/1.4.0", "nist-800-53/v/5.0.0", "pci-dss/v/4.0.1"} {
				r.Standards = append(r.Standards, facts.Standard{Name: name, Status: "READY"})
			}
		}, "SH-03"},
		{"E26: a finding for each standard", func(r *facts.Region) { r.Hub.Generator = "STANDARD_CONTROL" }, "SH-06"},
		{"a root control is off", func(r *facts.Region) { r.HubControls[1].Enabled = false }, "SH-07"},
		{"a root control's finding is suppressed", func(r *facts.Region) { r.HubFindings.Suppressed = []string{"IAM.9"} }, "SH-07"},
		{"a critical finding is old", func(r *facts.Region) { r.HubFindings.OldestCritical = now.AddDate(0, 0, -8) }, "SH-09"},
		{"no detector", func(r *facts.Region) { r.Detectors, r.Detector = nil, facts.Detector{} }, "GD-01"},
		{"a suspended detector", func(r *facts.Region) { r.Detector.Status = "DISABLED" }, "GD-02 GD-05"},
		{"E29: malware protection instead of S3 protection", func(r *facts.Region) { r.Detector.Features[0].Name = "EBS_MALWARE_PROTECTION" }, "GD-05"},
		{"a high finding", func(r *facts.Region) { r.HighFindings.N = 1 }, "GD-11"},
		{"E8: low findings are archived", func(r *facts.Region) {
			r.Filters = []facts.Filter{{Name: "noise", Archives: true, Criteria: []facts.Criterion{{Field: "severity", Bounds: []facts.Bound{{Operator: "lt", Value: 4}}}}}}
		}, "GD-12"},
		{"an analyzer that failed", func(r *facts.Region) { r.Analyzers[0].Status = "FAILED" }, "AA-01"},
		{"no analyzer of unused access", func(r *facts.Region) { r.Analyzers = r.Analyzers[:1] }, "AA-03"},
		{"access from outside", func(r *facts.Region) { r.ActiveFindings.N = 3 }, "AA-04"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := regional()
			c.spoil(&s.Facts.Regions[0])
			if got := ids(s, controls, rootkeep.Fail); got != c.want {
				t.Errorf("fails: got %q, want %q", got, c.want)
			}
			if got := ids(s, controls, rootkeep.Unknown); got != "" {
				t.Errorf("unknown: got %q", got)
			}
		})
	}
}

func TestTheWrongNameOfTheRootRuleIsSaid(t *testing.T) {
	s := regional()
	s.Facts.Regions[0].ConfigRules.Managed[0] = "root-access-key-check"
	for _, f := range posture.Evaluate(s, ofRegions(t), posture.Setting{Now: now}) {
		if f.Control == "CO-06" && (f.Status != rootkeep.Pass || !strings.Contains(f.Detail, "root-access-key-check is taken for iam-root-access-key-check")) {
			t.Errorf("got %s, %q", f.Status, f.Detail)
		}
	}
}

// A suppression rule is judged by what it matches. E8: the names that guides give for
// findings about root do not exist.
func TestSuppressionRulesAreJudgedByTheirCriteria(t *testing.T) {
	controls := ofRegions(t)
	const long, short = "Policy:IAMUser/RootCredentialUsage", "Policy:IAMUser/ShortTermRootCredentialUsage"
	is := func(field string, values ...string) facts.Criterion {
		return facts.Criterion{Field: field, Equals: values}
	}
	not := func(field string, values ...string) facts.Criterion {
		return facts.Criterion{Field: field, NotEquals: values}
	}
	like := func(field string, values ...string) facts.Criterion {
		return facts.Criterion{Field: field, Matches: values}
	}
	bound := func(field, operator string, value int64) facts.Criterion {
		return facts.Criterion{Field: field, Bounds: []facts.Bound{{Operator: operator, Value: value}}}
	}
	for _, c := range []struct {
		name     string
		criteria []facts.Criterion
		want     rootkeep.Status
	}{
		{"no criteria match everything", nil, rootkeep.Fail},
		{"the type", []facts.Criterion{is("type", long)}, rootkeep.Fail},
		{"the newer type among others", []facts.Criterion{is("type", "Recon:EC2/Portscan", short)}, rootkeep.Fail},
		{"names that no finding has", []facts.Criterion{is("type", "RootCredentials", "UnauthorizedAPICall", "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration")}, rootkeep.Pass},
		{"a pattern over policy findings", []facts.Criterion{like("type", "Policy:*")}, rootkeep.Fail},
		{"a pattern over findings of EC2", []facts.Criterion{like("type", "*:EC2/*")}, rootkeep.Pass},
		{"all but both types", []facts.Criterion{not("type", long, short)}, rootkeep.Pass},
		{"all but the older type", []facts.Criterion{not("type", long)}, rootkeep.Fail},
		{"all but a pattern over both", []facts.Criterion{{Field: "type", NotMatches: []string{"*RootCredentialUsage"}}}, rootkeep.Pass},
		{"severity below 4", []facts.Criterion{bound("severity", "lt", 4)}, rootkeep.Fail},
		{"severity up to 1", []facts.Criterion{bound("severity", "lte", 1)}, rootkeep.Fail},
		{"severity below 1", []facts.Criterion{bound("severity", "lt", 1)}, rootkeep.Pass},
		{"severity 4 and more", []facts.Criterion{bound("severity", "gte", 4)}, rootkeep.Pass},
		{"severity above 3, below 4", []facts.Criterion{bound("severity", "gt", 3), bound("severity", "lt", 4)}, rootkeep.Fail},
		{"severity 2 in words", []facts.Criterion{is("severity", "2.0")}, rootkeep.Fail},
		{"severity 8 in words", []facts.Criterion{is("severity", "8")}, rootkeep.Pass},
		{"low findings of a scanner's instance", []facts.Criterion{bound("severity", "lt", 4), is("resource.instanceDetails.imageId", "ami-1")}, rootkeep.Pass},
		{"low findings from one address", []facts.Criterion{bound("severity", "lt", 4), is("service.action.awsApiCallAction.remoteIpDetails.ipAddressV4", "192.0.2.1")}, rootkeep.Fail},
		{"one user's calls", []facts.Criterion{is("resource.accessKeyDetails.userName", "ci-bot")}, rootkeep.Pass},
		{"everybody's but one user's", []facts.Criterion{not("resource.accessKeyDetails.userName", "ci-bot")}, rootkeep.Fail},
		{"the root user's calls", []facts.Criterion{is("resource.accessKeyDetails.userType", "Root")}, rootkeep.Fail},
		{"roles' calls", []facts.Criterion{is("resource.accessKeyDetails.userType", "AssumedRole", "Role")}, rootkeep.Pass},
		{"port scans", []facts.Criterion{is("service.action.actionType", "PORT_PROBE")}, rootkeep.Pass},
		{"archived ones already", []facts.Criterion{is("service.archived", "true")}, rootkeep.Pass},
		{"low and not archived", []facts.Criterion{is("service.archived", "false"), bound("severity", "lte", 3)}, rootkeep.Fail},
		{"a field that is not known", []facts.Criterion{is("service.novelty", "x")}, rootkeep.Unknown},
		{"no instance of a kind", []facts.Criterion{not("resource.instanceDetails.imageId", "ami-1")}, rootkeep.Unknown},
		{"a field that is not known, of high findings", []facts.Criterion{is("service.novelty", "x"), bound("severity", "gte", 7)}, rootkeep.Pass},
		{"an operator that is not known", []facts.Criterion{bound("severity", "about", 2)}, rootkeep.Unknown},
		{"a bound on a text", []facts.Criterion{bound("resource.resourceType", "lt", 2)}, rootkeep.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := regional()
			s.Facts.Regions[0].Filters = []facts.Filter{{Name: "saved", Criteria: c.criteria}, {Name: "rule", Archives: true, Criteria: c.criteria}}
			for _, f := range posture.Evaluate(s, controls, posture.Setting{Now: now}) {
				if f.Control != "GD-12" {
					continue
				}
				if f.Status != c.want {
					t.Errorf("got %s, %s %v, want %s", f.Status, f.Detail, f.Missing, c.want)
				}
				if f.Status == rootkeep.Fail && f.Detail != "rules that hide them: rule" {
					t.Errorf("detail: got %q", f.Detail)
				}
			}
		})
	}
}

// With each call denied in one Region that Region is unknown, and nothing passes that
// did not.
func TestADeniedCallInOneRegionNeverMakesAPass(t *testing.T) {
	controls := ofRegions(t)
	two := func() *facts.Snapshot {
		s := regional()
		other := regional().Facts.Regions[0]
		other.Name = "us-east-1"
		other.RecorderStates[0].Recording, other.Detector.Status, other.Hub.Enabled, other.Analyzers[0].Status = false, "DISABLED", false, "FAILED"
		s.Facts.Regions = append(s.Facts.Regions, other)
		return s
	}
	type key struct{ control, region string }
	verdicts := func(s *facts.Snapshot) map[key]rootkeep.Status {
		out := map[key]rootkeep.Status{}
		for _, f := range posture.Evaluate(s, controls, posture.Setting{Now: now}) {
			out[key{f.Control, string(f.Region)}] = f.Status
		}
		return out
	}
	before := verdicts(two())
	for _, p := range facts.Paths() {
		if !strings.HasPrefix(p.Name, "regions.") || p.Call == "account:ListRegions" {
			continue
		}
		s := two()
		s.Gaps = []facts.Gap{{Path: p.Name, Resource: "us-east-1", Permission: p.Call, Reason: "denied"}}
		for k, status := range verdicts(s) {
			if status == rootkeep.Pass && before[k] != rootkeep.Pass {
				t.Errorf("%s denied: %v passes, was %s", p.Call, k, before[k])
			}
			if k.region == "eu-west-1" && status != before[k] {
				t.Errorf("%s denied elsewhere: %v is %s, was %s", p.Call, k, status, before[k])
			}
		}
	}
}
