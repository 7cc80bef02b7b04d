package cloudformation_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

const (
	accountID = "111122223333"
	archiveID = "333344445555"
)

// stack is a template as AWS would make it, in one Region.
type stack struct {
	testing.TB
	account    string
	region     string
	parameters map[string]string
	resources  map[string]map[string]any // Properties and Type by ID
}

// create reads a template and puts what its functions come to in their places.
func create(t testing.TB, region, text string) *stack {
	t.Helper()
	return createIn(t, accountID, region, text)
}

func createIn(t testing.TB, account, region, text string) *stack {
	t.Helper()
	plain, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]map[string]any
	}
	if err := json.Unmarshal(plain, &template); err != nil {
		t.Fatal(err)
	}
	s := &stack{TB: t, account: account, region: region, resources: template.Resources, parameters: map[string]string{"AlertEmail": "security@example.com", "AlertWebhook": "https://example.com/hook", "ThreatListBucket": "lists-of-example",
		"ScannerArn": "arn:aws:iam::" + accountID + ":role/scanner", "ArchiveKeyArn": "arn:aws:kms:" + region + ":" + archiveID + ":key/key"}}
	for _, r := range s.resources {
		r["Properties"] = s.resolve(r["Properties"])
	}
	return s
}

var inText = regexp.MustCompile(`\$\{([A-Za-z:.]+)\}`)

func (s *stack) resolve(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = s.resolve(v[i])
		}
	case map[string]any:
		if id, ok := v["Ref"].(string); ok && len(v) == 1 {
			return s.ref(id)
		}
		if of, ok := v["Fn::GetAtt"].([]any); ok {
			return s.arn(of[0].(string))
		}
		if text, ok := v["Fn::Sub"].(string); ok {
			return inText.ReplaceAllStringFunc(text, func(m string) string { return s.ref(m[2 : len(m)-1]) })
		}
		for k := range v {
			v[k] = s.resolve(v[k])
		}
	}
	return v
}

func (s *stack) ref(id string) string {
	switch id {
	case "AWS::AccountId":
		return s.account
	case "AWS::Region":
		return s.region
	case "AWS::Partition":
		return "aws"
	case "AWS::URLSuffix":
		return "amazonaws.com"
	}
	if v, ok := s.parameters[id]; ok {
		return v
	}
	if s.resources[id]["Type"] == "AWS::S3::Bucket" {
		return s.text(id, "BucketName")
	}
	return s.arn(id)
}

// text is a property that is a text.
func (s *stack) text(id, name string) string {
	properties, ok := s.resources[id]["Properties"].(map[string]any)
	if !ok {
		s.Fatalf("got no resource %s", id)
	}
	v := s.resolve(properties[name])
	text, _ := v.(string)
	return text
}

func (s *stack) arn(id string) string {
	in := func(service, rest string) string {
		return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, s.region, s.account, rest)
	}
	switch kind := s.resources[id]["Type"]; kind {
	case "AWS::GuardDuty::Detector":
		return in("guardduty", "detector/"+strings.ToLower(id))
	case "AWS::KMS::Key":
		return in("kms", "key/"+strings.ToLower(id))
	case "AWS::SNS::Topic":
		return in("sns", s.text(id, "TopicName"))
	case "AWS::SQS::Queue":
		return in("sqs", s.text(id, "QueueName"))
	case "AWS::Logs::LogGroup":
		return in("logs", "log-group:"+s.text(id, "LogGroupName")+":*")
	case "AWS::CloudTrail::Trail":
		return in("cloudtrail", "trail/"+s.text(id, "TrailName"))
	case "AWS::Events::Rule":
		return in("events", "rule/"+s.text(id, "Name"))
	case "AWS::CloudWatch::Alarm":
		return in("cloudwatch", "alarm:"+s.text(id, "AlarmName"))
	case "AWS::IAM::Role":
		return "arn:aws:iam::" + s.account + ":role/" + s.text(id, "RoleName")
	default:
		s.Fatalf("%s of type %v: what its ARN is nobody wrote down", id, kind)
	}
	return ""
}

// of are the properties of the resources of a type, decoded, by ID.
func of[T any](s *stack, kind string) map[string]T {
	out := map[string]T{}
	for id, r := range s.resources {
		if r["Type"] != kind {
			continue
		}
		text, err := json.Marshal(r["Properties"])
		if err != nil {
			s.Fatal(err)
		}
		var v T
		if err := json.Unmarshal(text, &v); err != nil {
			s.Fatalf("%s: %v", id, err)
		}
		out[id] = v
	}
	return out
}

// document is a policy of a resource.
type document struct{ PolicyDocument, KeyPolicy, EventPattern json.RawMessage }

// facts adds what a scan would find of the stack. People have confirmed their
// subscriptions.
func (s *stack) facts(f *facts.Facts) {
	s.trails(f)
	s.alerting(f)
	s.services(f)
}

func (s *stack) trails(f *facts.Facts) {
	type trail struct {
		TrailName, S3BucketName, KMSKeyId, CloudWatchLogsLogGroupArn                                            string
		IsLogging, IsMultiRegionTrail, IncludeGlobalServiceEvents, EnableLogFileValidation, IsOrganizationTrail bool
		EventSelectors                                                                                          []struct{ ReadWriteType string }
	}
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for id, t := range of[trail](s, "AWS::CloudTrail::Trail") {
		one := facts.Trail{ARN: s.arn(id), Name: t.TrailName, Region: s.region, Owner: s.account, Organization: t.IsOrganizationTrail, MultiRegion: t.IsMultiRegionTrail, GlobalEvents: t.IncludeGlobalServiceEvents,
			Validation: t.EnableLogFileValidation, Bucket: t.S3BucketName, Key: t.KMSKeyId, LogGroup: t.CloudWatchLogsLogGroupArn, Logging: t.IsLogging, Asked: now, Delivered: now, DigestDelivered: now, LogGroupDelivered: now}
		for _, e := range t.EventSelectors {
			one.Selectors = append(one.Selectors, facts.Selector{Category: "Management", Reads: e.ReadWriteType == "All", Writes: e.ReadWriteType == "All"})
		}
		f.Trails = append(f.Trails, one)
	}
	if f.Buckets != nil || len(f.Trails) == 0 {
		return // in the Region of the trail it was done
	}
	s.kept(f)
}

// kept adds what the trails deliver to and encrypt with.
func (s *stack) kept(f *facts.Facts) {
	f.FollowTrails(rootkeep.AccountID(s.account))
	for i := range f.Buckets {
		s.bucket(&f.Buckets[i])
	}
	for i := range f.Keys {
		f.Keys[i].State, f.Keys[i].Rotatable = "Enabled", true
		for id, k := range of[struct{ EnableKeyRotation bool }](s, "AWS::KMS::Key") {
			if s.arn(id) == f.Keys[i].ARN {
				f.Keys[i].Rotation = k.EnableKeyRotation
			}
		}
	}
	for i := range f.LogGroups {
		for id, g := range of[struct{ RetentionInDays int }](s, "AWS::Logs::LogGroup") {
			if strings.TrimSuffix(s.arn(id), ":*") == f.LogGroups[i].ARN {
				f.LogGroups[i].Exists, f.LogGroups[i].RetentionDays = true, g.RetentionInDays
			}
		}
	}
}

func (s *stack) bucket(b *facts.Bucket) {
	type bucket struct {
		BucketName              string
		VersioningConfiguration struct{ Status string }
		ObjectLockConfiguration struct {
			Rule struct {
				DefaultRetention struct {
					Mode string
					Days int
				}
			}
		}
		PublicAccessBlockConfiguration struct{ BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets bool }
		LoggingConfiguration           struct{ DestinationBucketName string }
		LifecycleConfiguration         struct {
			Rules []struct {
				Id               string
				ExpirationInDays int
			}
		}
	}
	for id, v := range of[bucket](s, "AWS::S3::Bucket") {
		if v.BucketName != b.Name {
			continue
		}
		p := v.PublicAccessBlockConfiguration
		b.Account, b.Region = s.account, s.region
		b.Block = facts.PublicAccess{BlockACLs: p.BlockPublicAcls, IgnoreACLs: p.IgnorePublicAcls, BlockPolicy: p.BlockPublicPolicy, RestrictUses: p.RestrictPublicBuckets}
		b.Versioning, b.LogsTo = v.VersioningConfiguration.Status == "Enabled", v.LoggingConfiguration.DestinationBucketName
		b.LockMode, b.LockDays = v.ObjectLockConfiguration.Rule.DefaultRetention.Mode, v.ObjectLockConfiguration.Rule.DefaultRetention.Days
		for _, r := range v.LifecycleConfiguration.Rules {
			b.Expiries = append(b.Expiries, facts.Expiry{Rule: r.Id, Days: r.ExpirationInDays})
		}
		b.Policy = string(of[document](s, "AWS::S3::BucketPolicy")[id+"Policy"].PolicyDocument)
	}
}

func (s *stack) alerting(f *facts.Facts) {
	type filter struct {
		FilterName, LogGroupName, FilterPattern string
		MetricTransformations                   []struct{ MetricNamespace, MetricName, MetricValue string }
	}
	for _, m := range of[filter](s, "AWS::Logs::MetricFilter") {
		one := facts.MetricFilter{Region: s.region, Name: m.FilterName, LogGroup: m.LogGroupName, Pattern: m.FilterPattern}
		for _, t := range m.MetricTransformations {
			one.Transformations = append(one.Transformations, facts.Transformation{Namespace: t.MetricNamespace, Metric: t.MetricName, Value: t.MetricValue})
		}
		f.MetricFilters = append(f.MetricFilters, one)
	}
	type alarm struct {
		AlarmName, Namespace, MetricName, Statistic, ComparisonOperator, TreatMissingData string
		Period, EvaluationPeriods                                                         int
		Threshold                                                                         float64
		ActionsEnabled                                                                    bool
		AlarmActions                                                                      []string
	}
	for id, a := range of[alarm](s, "AWS::CloudWatch::Alarm") {
		f.Alarms = append(f.Alarms, facts.Alarm{ARN: s.arn(id), Name: a.AlarmName, Namespace: a.Namespace, Metric: a.MetricName, Statistic: a.Statistic, Period: a.Period, EvaluationPeriods: a.EvaluationPeriods,
			Threshold: a.Threshold, Comparison: a.ComparisonOperator, MissingData: a.TreatMissingData, ActionsEnabled: a.ActionsEnabled, Actions: a.AlarmActions, Window: "sliding"})
	}
	for id, t := range of[struct{ KmsMasterKeyId string }](s, "AWS::SNS::Topic") {
		one := facts.Topic{ARN: s.arn(id), Key: t.KmsMasterKeyId, KeyARN: t.KmsMasterKeyId, Policy: string(of[document](s, "AWS::SNS::TopicPolicy")[id+"Policy"].PolicyDocument)}
		for key, d := range of[document](s, "AWS::KMS::Key") {
			if s.arn(key) == t.KmsMasterKeyId {
				one.KeyEnabled, one.KeyCustomer, one.KeyPolicy = true, true, string(d.KeyPolicy)
			}
		}
		f.Topics = append(f.Topics, one)
	}
	for _, e := range of[struct{ TopicArn, Protocol string }](s, "AWS::SNS::Subscription") {
		f.Subscriptions = append(f.Subscriptions, facts.Subscription{Topic: e.TopicArn, Protocol: e.Protocol, Confirmed: true})
	}
	type rule struct {
		Name, State  string
		EventPattern json.RawMessage
		Targets      []struct{ Arn string }
	}
	for id, r := range of[rule](s, "AWS::Events::Rule") {
		one := facts.EventRule{ARN: s.arn(id), Name: r.Name, Bus: "default", Pattern: string(r.EventPattern), State: r.State}
		for _, t := range r.Targets {
			one.Targets = append(one.Targets, facts.Target{ARN: t.Arn})
		}
		f.EventRules = append(f.EventRules, one)
	}
}

// services adds what the Region has of its own.
func (s *stack) services(f *facts.Facts) {
	r := facts.Region{Name: s.region}
	type recorder struct {
		Name, RoleARN  string
		RecordingGroup struct{ AllSupported, IncludeGlobalResourceTypes bool }
	}
	for _, c := range of[recorder](s, "AWS::Config::ConfigurationRecorder") {
		r.Recorders = append(r.Recorders, facts.Recorder{Name: c.Name, Role: c.RoleARN, Strategy: "ALL_SUPPORTED_RESOURCE_TYPES", AllSupported: c.RecordingGroup.AllSupported,
			IncludeGlobal: c.RecordingGroup.IncludeGlobalResourceTypes, Frequency: "CONTINUOUS"})
		r.RecorderStates = append(r.RecorderStates, facts.RecorderState{Name: c.Name, Recording: true, Status: "success"})
	}
	for _, c := range of[struct{ Name string }](s, "AWS::Config::DeliveryChannel") {
		r.Deliveries = append(r.Deliveries, facts.Delivery{Name: c.Name, Snapshot: "success", History: "success"})
	}
	for _, c := range of[struct {
		ConfigRuleName string
		Source         struct{ SourceIdentifier string }
	}](s, "AWS::Config::ConfigRule") {
		r.ConfigRules.Identifiers = append(r.ConfigRules.Identifiers, c.Source.SourceIdentifier)
		r.ConfigRules.Managed = append(r.ConfigRules.Managed, c.ConfigRuleName)
	}
	for _, h := range of[struct{ ControlFindingGenerator string }](s, "AWS::SecurityHub::Hub") {
		r.Hub = facts.Hub{Enabled: true, Generator: h.ControlFindingGenerator}
	}
	for _, h := range of[struct{ StandardsArn string }](s, "AWS::SecurityHub::Standard") {
		_, name, _ := strings.Cut(h.StandardsArn, ":standards/")
		r.Standards = append(r.Standards, facts.Standard{ARN: h.StandardsArn, Name: name, Status: "READY"})
	}
	for _, h := range of[struct{ RegionLinkingMode string }](s, "AWS::SecurityHub::FindingAggregator") {
		f.FindingAggregator = facts.FindingAggregator{Home: s.region, Linking: h.RegionLinkingMode}
	}
	type detector struct {
		Enable                     bool
		FindingPublishingFrequency string
		Features                   []struct{ Name, Status string }
	}
	for _, d := range of[detector](s, "AWS::GuardDuty::Detector") {
		r.Detectors = append(r.Detectors, "d")
		r.Detector = facts.Detector{Status: map[bool]string{true: "ENABLED", false: "DISABLED"}[d.Enable], Frequency: d.FindingPublishingFrequency}
		for _, x := range d.Features {
			r.Detector.Features = append(r.Detector.Features, facts.DetectorFeature{Name: x.Name, Enabled: x.Status == "ENABLED"})
		}
	}
	for _, a := range of[struct{ Type string }](s, "AWS::AccessAnalyzer::Analyzer") {
		r.Analyzers = append(r.Analyzers, facts.Analyzer{Type: a.Type, Status: "ACTIVE"})
	}
	for id := range of[struct{}](s, "AWS::SQS::Queue") {
		policy := string(of[document](s, "AWS::SQS::QueuePolicy")[id+"Policy"].PolicyDocument)
		f.Queues = append(f.Queues, facts.Queue{ARN: s.arn(id), Encrypted: true, Policy: policy})
	}
	f.Regions = append(f.Regions, r)
}
