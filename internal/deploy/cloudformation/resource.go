package cloudformation

import (
	"fmt"

	"github.com/rootkeep/rootkeep/internal/deploy"
)

// add writes a resource of the stack, which may be several of CloudFormation's.
func (t *template) add(r deploy.Resource) error {
	switch r := r.(type) {
	case deploy.KMSKey:
		t.key(r)
	case deploy.Bucket:
		t.bucket(r)
	case deploy.CloudTrail:
		t.trail(r)
	case deploy.LogGroup:
		t.put(r.ID, resource{kind: "AWS::Logs::LogGroup", deletion: "Retain", properties: props("LogGroupName", r.Name, "RetentionInDays", r.Days, "KmsKeyId", attribute(r.Key, "Arn"))})
	case deploy.ServiceRole:
		trust := deploy.Policy{{Sid: "Service", Services: []deploy.Text{r.Service}, Actions: []string{"sts:AssumeRole"}}}
		t.put(r.ID, resource{kind: "AWS::IAM::Role", properties: props("RoleName", r.Name, "AssumeRolePolicyDocument", trust.JSON(),
			"Policies", list{props("PolicyName", "deliver", "PolicyDocument", r.Policy.JSON())})})
	case deploy.LinkedRole:
		t.conditions = append(t.conditions, deploy.Member{Name: r.ID + "IsMade", Value: props("Fn::Equals", list{ref(r.Parameter), "true"})})
		t.put(r.ID, resource{kind: "AWS::IAM::ServiceLinkedRole", condition: r.ID + "IsMade", properties: props("AWSServiceName", r.Service)})
	case deploy.MetricFilter:
		t.put(r.ID, resource{kind: "AWS::Logs::MetricFilter", after: []string{r.LogID}, properties: props("FilterName", r.Name, "LogGroupName", r.LogGroup, "FilterPattern", r.Pattern,
			"MetricTransformations", list{props("MetricNamespace", r.Namespace, "MetricName", r.Metric, "MetricValue", "1")})})
	case deploy.Alarm:
		t.put(r.ID, resource{kind: "AWS::CloudWatch::Alarm", properties: props("AlarmName", r.Name, "AlarmDescription", r.About, "Namespace", r.Namespace, "MetricName", r.Metric,
			"Statistic", "Sum", "Period", r.Period, "EvaluationPeriods", 1, "Threshold", r.Threshold, "ComparisonOperator", "GreaterThanOrEqualToThreshold", "TreatMissingData", "notBreaching",
			"ActionsEnabled", true, "AlarmActions", list{ref(r.Topic)})})
	case deploy.Topic:
		t.put(r.ID, resource{kind: "AWS::SNS::Topic", properties: props("TopicName", r.Name, "KmsMasterKeyId", attribute(r.Key, "Arn"))})
		t.put(r.ID+"Policy", resource{kind: "AWS::SNS::TopicPolicy", properties: props("Topics", list{ref(r.ID)}, "PolicyDocument", r.Policy.JSON())})
		t.output("TopicArn", "Topic of notices", ref(r.ID))
	case deploy.Subscription:
		t.put(r.ID, resource{kind: "AWS::SNS::Subscription", properties: props("TopicArn", ref(r.Topic), "Protocol", r.Protocol, "Endpoint", r.Endpoint)})
	case deploy.EventRule:
		t.rule(r)
	case deploy.SQSQueue:
		t.queue(r)
	default:
		return t.addService(r)
	}
	return nil
}

// addService writes what every Region has of its own.
func (t *template) addService(r deploy.Resource) error {
	switch r := r.(type) {
	case deploy.Recorder:
		t.recorder(r)
	case deploy.ConfigRule:
		t.put(r.ID, resource{kind: "AWS::Config::ConfigRule", after: []string{r.Recorder, r.Recorder + "Channel"}, properties: props("ConfigRuleName", r.Name,
			"Source", props("Owner", "AWS", "SourceIdentifier", r.Identifier))})
	case deploy.Hub:
		t.put(r.ID, resource{kind: "AWS::SecurityHub::Hub", properties: props("EnableDefaultStandards", false, "ControlFindingGenerator", "SECURITY_CONTROL", "AutoEnableControls", true)})
		for i, s := range r.Standards {
			t.put(fmt.Sprintf("%sStandard%d", r.ID, i+1), resource{kind: "AWS::SecurityHub::Standard", after: []string{r.ID},
				properties: props("StandardsArn", deploy.Text("arn:${partition}:securityhub:${region}::standards/"+s))})
		}
		if r.Aggregate {
			t.put(r.ID+"Aggregator", resource{kind: "AWS::SecurityHub::FindingAggregator", after: []string{r.ID}, properties: props("RegionLinkingMode", "ALL_REGIONS")})
		}
	case deploy.Insight:
		equal := func(values ...string) (out list) {
			for _, v := range values {
				out = append(out, props("Comparison", "EQUALS", "Value", v))
			}
			return out
		}
		t.put(r.ID, resource{kind: "AWS::SecurityHub::Insight", after: []string{r.Hub}, properties: props("Name", r.Name, "GroupByAttribute", r.GroupBy,
			"Filters", props("Type", equal(r.Types...), "RecordState", equal("ACTIVE"), "WorkflowStatus", equal("NEW", "NOTIFIED")))})
	case deploy.Detector:
		features := list{}
		for _, f := range r.Features {
			features = append(features, props("Name", f, "Status", "ENABLED"))
		}
		t.put(r.ID, resource{kind: "AWS::GuardDuty::Detector", properties: props("Enable", true, "FindingPublishingFrequency", "FIFTEEN_MINUTES", "Features", features)})
	case deploy.ThreatList:
		kind, owner := "AWS::GuardDuty::ThreatIntelSet", any(nil)
		if r.Entities {
			kind, owner = "AWS::GuardDuty::ThreatEntitySet", deploy.Text("${account}")
		}
		t.put(r.ID, resource{kind: kind, properties: props("Name", r.Name, "Activate", true, "Format", "TXT", "Location", r.Location, "ExpectedBucketOwner", owner, "DetectorId", ref(r.Detector))})
	case deploy.AccessAnalyzer:
		t.put(r.ID, resource{kind: "AWS::AccessAnalyzer::Analyzer", properties: props("AnalyzerName", r.Name, "Type", r.Type)})
	case deploy.ScanRole:
		t.put(r.ID, resource{kind: "AWS::IAM::Role", properties: props("RoleName", r.Name, "Description", "Read by rootkeep", "MaxSessionDuration", 3600, "AssumeRolePolicyDocument", r.Trust().JSON(),
			"Policies", list{props("PolicyName", "read", "PolicyDocument", r.Policy.JSON())})})
		t.output("ScanRoleArn", "Role that rootkeep scan reads with", attribute(r.ID, "Arn"))
	default:
		return fmt.Errorf("resource %s of type %T has no form in CloudFormation", r.Ident(), r)
	}
	return nil
}

func (t *template) key(r deploy.KMSKey) {
	t.put(r.ID, resource{kind: "AWS::KMS::Key", deletion: "Retain", properties: props("Description", r.About, "EnableKeyRotation", true, "KeyPolicy", r.Policy.JSON())})
	t.put(r.ID+"Alias", resource{kind: "AWS::KMS::Alias", properties: props("AliasName", r.Alias, "TargetKeyId", ref(r.ID))})
	if t.place.Name == "archive" {
		t.output("KeyArn", "Key of log files, which the trail's stack asks for", attribute(r.ID, "Arn"))
	}
}

func (t *template) bucket(r deploy.Bucket) {
	var lock, notify any
	if r.LockMode != "" {
		lock = props("ObjectLockEnabled", "Enabled", "Rule", props("DefaultRetention", props("Mode", r.LockMode, "Days", r.LockDays)))
	}
	var after []string
	if r.Queue != "" {
		notify = props("QueueConfigurations", list{props("Event", "s3:ObjectCreated:*", "Queue", attribute(r.Queue, "Arn"))})
		after = []string{r.Queue + "Policy"}
	}
	if r.LogsID != "" {
		after = append(after, r.LogsID+"Policy") // S3 asks the policy when logging is switched on
	}
	days := func(n int) object { return props("Days", n) }
	t.put(r.ID, resource{kind: "AWS::S3::Bucket", deletion: "Retain", after: after, properties: props(
		"BucketName", r.Name,
		"VersioningConfiguration", props("Status", "Enabled"),
		"ObjectLockEnabled", or(lock != nil, true),
		"ObjectLockConfiguration", lock,
		"OwnershipControls", props("Rules", list{props("ObjectOwnership", "BucketOwnerEnforced")}),
		"PublicAccessBlockConfiguration", props("BlockPublicAcls", true, "BlockPublicPolicy", true, "IgnorePublicAcls", true, "RestrictPublicBuckets", true),
		"BucketEncryption", props("ServerSideEncryptionConfiguration", list{props("ServerSideEncryptionByDefault", props("SSEAlgorithm", "AES256"))}),
		"LifecycleConfiguration", props("Rules", list{props("Id", "expire", "Status", "Enabled", "ExpirationInDays", days(r.ExpireDays)[0].Value,
			"NoncurrentVersionExpiration", props("NoncurrentDays", 30), "AbortIncompleteMultipartUpload", props("DaysAfterInitiation", 7))}),
		"LoggingConfiguration", or(r.LogsTo != "", props("DestinationBucketName", r.LogsTo, "LogFilePrefix", "access/")),
		"NotificationConfiguration", notify,
	)})
	t.put(r.ID+"Policy", resource{kind: "AWS::S3::BucketPolicy", properties: props("Bucket", ref(r.ID), "PolicyDocument", r.Policy.JSON())})
	t.output(r.ID+"Name", "Name of the bucket", ref(r.ID))
}

func (t *template) trail(r deploy.CloudTrail) {
	bucket, key, after := any(r.Bucket), any(r.KeyARN), []string{}
	if r.BucketID != "" {
		bucket, after = ref(r.BucketID), []string{r.BucketID + "Policy"}
	}
	if r.KeyARN == "" {
		key = attribute(r.Key, "Arn")
	}
	t.put(r.ID, resource{kind: "AWS::CloudTrail::Trail", after: after, properties: props(
		"TrailName", r.Name, "S3BucketName", bucket, "IsLogging", true, "IsMultiRegionTrail", true, "IncludeGlobalServiceEvents", true, "EnableLogFileValidation", true,
		"IsOrganizationTrail", or(r.Organization, true),
		"KMSKeyId", key,
		"CloudWatchLogsLogGroupArn", attribute(r.LogGroup, "Arn"),
		"CloudWatchLogsRoleArn", attribute(r.LogRole, "Arn"),
		"EventSelectors", list{props("IncludeManagementEvents", true, "ReadWriteType", "All")},
	)})
	t.output("TrailArn", "The trail", attribute(r.ID, "Arn"))
}

func (t *template) rule(r deploy.EventRule) {
	state := "ENABLED"
	if r.Reads {
		state = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
	}
	id, target := "topic", any(ref(r.Topic))
	if r.Queue != "" {
		id, target = "queue", attribute(r.Queue, "Arn")
	}
	t.put(r.ID, resource{kind: "AWS::Events::Rule", after: []string{r.Topic + r.Queue + "Policy"}, properties: props("Name", r.Name, "Description", r.About, "State", state, "EventPattern", r.Pattern,
		"Targets", list{props("Id", id, "Arn", target)})})
}

func (t *template) queue(r deploy.SQSQueue) {
	t.put(r.ID+"Unread", resource{kind: "AWS::SQS::Queue", deletion: "Delete", properties: props("QueueName", r.Name+"-unread", "MessageRetentionPeriod", 1209600, "SqsManagedSseEnabled", true)})
	t.put(r.ID, resource{kind: "AWS::SQS::Queue", deletion: "Delete", properties: props("QueueName", r.Name, "MessageRetentionPeriod", 1209600, "VisibilityTimeout", 300, "SqsManagedSseEnabled", true,
		"RedrivePolicy", props("deadLetterTargetArn", attribute(r.ID+"Unread", "Arn"), "maxReceiveCount", 5))})
	t.put(r.ID+"Policy", resource{kind: "AWS::SQS::QueuePolicy", properties: props("Queues", list{ref(r.ID)}, "PolicyDocument", r.Policy.JSON())})
	t.output(r.ID+"Url", r.About, ref(r.ID))
}

func (t *template) recorder(r deploy.Recorder) {
	t.put(r.ID, resource{kind: "AWS::Config::ConfigurationRecorder", properties: props("Name", r.Name, "RoleARN", r.Role,
		"RecordingGroup", props("AllSupported", true, "IncludeGlobalResourceTypes", r.Global))})
	bucket := any(r.Bucket)
	after := []string{}
	if r.BucketID != "" {
		bucket, after = ref(r.BucketID), []string{r.BucketID + "Policy"}
	}
	t.put(r.ID+"Channel", resource{kind: "AWS::Config::DeliveryChannel", after: after, properties: props("Name", r.Name, "S3BucketName", bucket, "S3KeyPrefix", r.Prefix)})
}
