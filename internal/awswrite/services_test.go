package awswrite_test

import "strings"

const (
	bucket     = "logs-of-example"
	accountARN = ":us-east-1:111111111111:"
)

// bucketPolicy lets CloudTrail write.
const bucketPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::logs-of-example"},
	{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::logs-of-example/AWSLogs/*"}]}`

func (w *world) storage() {
	on := func(with m) m {
		out := m{"Bucket": bucket}
		for name, value := range with {
			out[name] = value
		}
		return out
	}
	w.do("s3:CreateBucket", on(m{"ObjectLockEnabledForBucket": true}))
	w.want(bucket, w.do("s3:ListBuckets", m{"Prefix": bucket}), "Buckets", 0, "Name")
	w.want("us-east-1", w.do("s3:HeadBucket", on(nil)), "BucketRegion")
	w.do("s3:GetBucketLocation", on(nil))
	w.do("s3:PutBucketPolicy", on(m{"Policy": bucketPolicy}))
	w.want(bucketPolicy, w.do("s3:GetBucketPolicy", on(nil)), "Policy")
	w.want(false, w.do("s3:GetBucketPolicyStatus", on(nil)), "PolicyStatus", "IsPublic")
	w.do("s3:DeleteBucketPolicy", on(nil))
	block := m{"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": false}
	w.do("s3:PutPublicAccessBlock", on(m{"PublicAccessBlockConfiguration": block}))
	w.want(false, w.do("s3:GetPublicAccessBlock", on(nil)), "PublicAccessBlockConfiguration", "RestrictPublicBuckets")
	w.do("s3:DeletePublicAccessBlock", on(nil))
	w.do("s3:PutBucketVersioning", on(m{"VersioningConfiguration": m{"Status": "Enabled"}}))
	w.want("Enabled", w.do("s3:GetBucketVersioning", on(nil)), "Status")
	w.do("s3:PutBucketEncryption", on(m{"ServerSideEncryptionConfiguration": m{"Rules": []any{m{"ApplyServerSideEncryptionByDefault": m{"SSEAlgorithm": "AES256"}}}}}))
	w.want("AES256", w.do("s3:GetBucketEncryption", on(nil)), "ServerSideEncryptionConfiguration", "Rules", 0, "ApplyServerSideEncryptionByDefault", "SSEAlgorithm")
	w.do("s3:PutObjectLockConfiguration", on(m{"ObjectLockConfiguration": m{"ObjectLockEnabled": "Enabled", "Rule": m{"DefaultRetention": m{"Mode": "GOVERNANCE", "Days": 400}}}}))
	w.want(int64(400), w.do("s3:GetObjectLockConfiguration", on(nil)), "ObjectLockConfiguration", "Rule", "DefaultRetention", "Days")
	w.do("s3:PutBucketLogging", on(m{"BucketLoggingStatus": m{"LoggingEnabled": m{"TargetBucket": bucket, "TargetPrefix": "access/"}}}))
	w.want("access/", w.do("s3:GetBucketLogging", on(nil)), "LoggingEnabled", "TargetPrefix")
	w.do("sqs:CreateQueue", m{"QueueName": "files", "Attributes": m{"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs` + accountARN + `files"}]}`}})
	w.do("s3:PutBucketNotificationConfiguration", on(m{"NotificationConfiguration": m{"QueueConfigurations": []any{
		m{"Id": "files", "QueueArn": "arn:aws:sqs" + accountARN + "files", "Events": []any{"s3:ObjectCreated:*"}, "Filter": m{"Key": m{"FilterRules": []any{m{"Name": "prefix", "Value": "AWSLogs/"}}}}},
	}}}))
	w.want("AWSLogs/", w.do("s3:GetBucketNotificationConfiguration", on(nil)), "QueueConfigurations", 0, "Filter", "Key", "FilterRules", 0, "Value")
	w.do("s3:PutBucketLifecycleConfiguration", on(m{"LifecycleConfiguration": m{"Rules": []any{m{"ID": "old", "Status": "Enabled", "Filter": m{"Prefix": ""}, "Expiration": m{"Days": 800}}}}}))
	w.want(int64(800), w.do("s3:GetBucketLifecycleConfiguration", on(nil)), "Rules", 0, "Expiration", "Days")
	w.do("s3:DeleteBucketLifecycle", on(nil))
	w.do("s3:PutBucketOwnershipControls", on(m{"OwnershipControls": m{"Rules": []any{m{"ObjectOwnership": "BucketOwnerEnforced"}}}}))
	w.want("BucketOwnerEnforced", w.do("s3:GetBucketOwnershipControls", on(nil)), "OwnershipControls", "Rules", 0, "ObjectOwnership")
	w.want("FULL_CONTROL", w.do("s3:GetBucketAcl", on(nil)), "Grants", 0, "Permission")
	w.admin(management, "s3", "PutBucketTagging", on(m{"Tagging": m{"TagSet": []any{m{"Key": "a", "Value": "b"}}}}))
	w.want("b", w.do("s3:GetBucketTagging", on(nil)), "TagSet", 0, "Value")
	w.do("s3:DeleteBucket", on(nil))
	account := m{"AccountId": "111111111111"}
	w.do("s3control:PutPublicAccessBlock", m{"AccountId": "111111111111", "PublicAccessBlockConfiguration": block})
	w.want(true, w.do("s3control:GetPublicAccessBlock", account), "PublicAccessBlockConfiguration", "BlockPublicAcls")
	w.do("s3control:DeletePublicAccessBlock", account)
}

func (w *world) keys() {
	key := in(w.do("kms:CreateKey", m{"Description": "trail", "Tags": []any{m{"TagKey": "a", "TagValue": "b"}}}), "KeyMetadata", "KeyId").(string)
	on := m{"KeyId": key}
	w.do("kms:CreateAlias", m{"AliasName": "alias/trail", "TargetKeyId": key})
	w.want(key, w.do("kms:DescribeKey", m{"KeyId": "alias/trail"}), "KeyMetadata", "KeyId")
	w.want(key, w.do("kms:ListKeys", m{"Limit": 1}), "Keys", 0, "KeyId")
	w.want("alias/trail", w.do("kms:ListAliases", nil), "Aliases", 0, "AliasName")
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"kms:*","Resource":"*"}]}`
	w.do("kms:PutKeyPolicy", m{"KeyId": key, "Policy": policy})
	w.want(policy, w.do("kms:GetKeyPolicy", on), "Policy")
	w.do("kms:EnableKeyRotation", on)
	w.want(true, w.do("kms:GetKeyRotationStatus", on), "KeyRotationEnabled")
	w.do("kms:DisableKeyRotation", on)
	w.want("b", w.do("kms:ListResourceTags", on), "Tags", 0, "TagValue")
	w.do("kms:DeleteAlias", m{"AliasName": "alias/trail"})
	w.want("PendingDeletion", w.do("kms:ScheduleKeyDeletion", m{"KeyId": key, "PendingWindowInDays": 7}), "KeyState")
	w.do("kms:CancelKeyDeletion", on)
	w.do("kms:EnableKey", on)
	w.want("Enabled", w.do("kms:DescribeKey", on), "KeyMetadata", "KeyState")
	secret := m{"SecretId": in(w.admin(management, "secretsmanager", "CreateSecret", m{"Name": "database", "SecretString": "x"}), "ARN")}
	w.do("secretsmanager:RotateSecret", m{"SecretId": "database", "RotationLambdaARN": "arn:aws:lambda" + accountARN + "function:rotate", "RotationRules": m{"AutomaticallyAfterDays": 30}})
	w.want(true, w.do("secretsmanager:DescribeSecret", secret), "RotationEnabled")
	w.do("secretsmanager:CancelRotateSecret", secret)
	w.want(false, w.do("ec2:GetEbsEncryptionByDefault", nil), "EbsEncryptionByDefault")
	w.want(true, w.do("ec2:EnableEbsEncryptionByDefault", nil), "EbsEncryptionByDefault")
	w.want("sse-ebs", w.do("ec2:GetEbsEncryptionByDefault", nil), "SseType")
	w.want(false, w.do("ec2:DisableEbsEncryptionByDefault", nil), "EbsEncryptionByDefault")
}

func (w *world) trails() {
	w.admin(management, "s3", "CreateBucket", m{"Bucket": "trail-of-example"})
	w.admin(management, "s3", "PutBucketPolicy", m{"Bucket": "trail-of-example", "Policy": strings.ReplaceAll(bucketPolicy, bucket, "trail-of-example")})
	arn := in(w.do("cloudtrail:CreateTrail", m{"Name": "audit", "S3BucketName": "trail-of-example", "IsMultiRegionTrail": true, "TagsList": []any{m{"Key": "a", "Value": "b"}}}), "TrailARN")
	w.do("cloudtrail:UpdateTrail", m{"Name": "audit", "EnableLogFileValidation": true})
	w.do("cloudtrail:StartLogging", m{"Name": arn})
	w.want(true, w.do("cloudtrail:GetTrailStatus", m{"Name": arn}), "IsLogging")
	w.want(true, w.do("cloudtrail:DescribeTrails", m{"includeShadowTrails": false}), "trailList", 0, "LogFileValidationEnabled")
	w.want("audit", w.do("cloudtrail:GetTrail", m{"Name": arn}), "Trail", "Name")
	w.want("audit", w.do("cloudtrail:ListTrails", nil), "Trails", 0, "Name")
	selectors := []any{m{"Name": "management", "FieldSelectors": []any{m{"Field": "eventCategory", "Equals": []any{"Management"}}}}}
	w.do("cloudtrail:PutEventSelectors", m{"TrailName": arn, "AdvancedEventSelectors": selectors})
	w.want("Management", w.do("cloudtrail:GetEventSelectors", m{"TrailName": arn}), "AdvancedEventSelectors", 0, "FieldSelectors", 0, "Equals", 0)
	w.do("cloudtrail:PutInsightSelectors", m{"TrailName": arn, "InsightSelectors": []any{m{"InsightType": "ApiCallRateInsight"}}})
	w.want("ApiCallRateInsight", w.do("cloudtrail:GetInsightSelectors", m{"TrailName": arn}), "InsightSelectors", 0, "InsightType")
	w.do("cloudtrail:StopLogging", m{"Name": arn})
	w.do("cloudtrail:DeleteTrail", m{"Name": arn})
}

func (w *world) watching() {
	group := m{"logGroupName": "trail"}
	w.do("logs:CreateLogGroup", m{"logGroupName": "trail", "tags": m{"a": "b"}})
	w.do("logs:PutRetentionPolicy", m{"logGroupName": "trail", "retentionInDays": 365})
	w.want(int64(365), w.do("logs:DescribeLogGroups", nil), "logGroups", 0, "retentionInDays")
	w.do("logs:DeleteRetentionPolicy", group)
	w.do("logs:AssociateKmsKey", m{"logGroupName": "trail", "kmsKeyId": "arn:aws:kms" + accountARN + "key/1"})
	w.want("b", w.do("logs:ListTagsForResource", m{"resourceArn": "arn:aws:logs" + accountARN + "log-group:trail"}), "tags", "a")
	w.do("logs:PutMetricFilter", m{"logGroupName": "trail", "filterName": "root", "filterPattern": `{ $.userIdentity.type = "Root" }`,
		"metricTransformations": []any{m{"metricName": "Root", "metricNamespace": "CIS", "metricValue": "1", "defaultValue": 0.5}}})
	w.want(0.5, w.do("logs:DescribeMetricFilters", nil), "metricFilters", 0, "metricTransformations", 0, "defaultValue")
	w.do("logs:DeleteMetricFilter", m{"logGroupName": "trail", "filterName": "root"})
	w.do("logs:DescribeSubscriptionFilters", group)
	w.do("logs:DeleteLogGroup", group)

	alarm := m{"AlarmNames": []any{"root"}}
	w.do("cloudwatch:PutMetricAlarm", m{"AlarmName": "root", "MetricName": "Root", "Namespace": "CIS", "Statistic": "Sum", "Period": 300, "EvaluationPeriods": 1, "Threshold": 1,
		"ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching", "Tags": []any{m{"Key": "a", "Value": "b"}}})
	w.want(int64(1), w.do("cloudwatch:DescribeAlarms", nil), "MetricAlarms", 0, "Threshold")
	w.want("root", w.do("cloudwatch:DescribeAlarmsForMetric", m{"MetricName": "Root", "Namespace": "CIS"}), "MetricAlarms", 0, "AlarmName")
	w.want("b", w.do("cloudwatch:ListTagsForResource", m{"ResourceARN": "arn:aws:cloudwatch" + accountARN + "alarm:root"}), "Tags", 0, "Value")
	w.do("cloudwatch:DisableAlarmActions", alarm)
	w.want(false, w.do("cloudwatch:DescribeAlarms", nil), "MetricAlarms", 0, "ActionsEnabled")
	w.do("cloudwatch:EnableAlarmActions", alarm)
	w.do("cloudwatch:DeleteAlarms", alarm)
}

func (w *world) messages() {
	topic := in(w.do("sns:CreateTopic", m{"Name": "alerts", "Tags": []any{m{"Key": "a", "Value": "b"}}}), "TopicArn")
	on := m{"TopicArn": topic}
	w.want(topic, w.do("sns:ListTopics", nil), "Topics", 0, "TopicArn")
	w.do("sns:SetTopicAttributes", m{"TopicArn": topic, "AttributeName": "DisplayName", "AttributeValue": "Alerts"})
	w.want("Alerts", w.do("sns:GetTopicAttributes", on), "Attributes", "DisplayName")
	w.want("b", w.do("sns:ListTagsForResource", m{"ResourceArn": topic}), "Tags", 0, "Value")
	subscription := in(w.do("sns:Subscribe", m{"TopicArn": topic, "Protocol": "sms", "Endpoint": "+15550100", "ReturnSubscriptionArn": true}), "SubscriptionArn")
	w.want("+15550100", w.do("sns:ListSubscriptionsByTopic", on), "Subscriptions", 0, "Endpoint")
	w.want(subscription, w.do("sns:ListSubscriptions", nil), "Subscriptions", 0, "SubscriptionArn")
	w.want("sms", w.do("sns:GetSubscriptionAttributes", m{"SubscriptionArn": subscription}), "Attributes", "Protocol")
	w.do("sns:Unsubscribe", m{"SubscriptionArn": subscription})
	w.do("sns:DeleteTopic", on)

	queue := in(w.do("sqs:CreateQueue", m{"QueueName": "events", "tags": m{"a": "b"}}), "QueueUrl")
	w.want(queue, w.do("sqs:ListQueues", nil), "QueueUrls", 0)
	w.want(queue, w.do("sqs:GetQueueUrl", m{"QueueName": "events"}), "QueueUrl")
	w.do("sqs:SetQueueAttributes", m{"QueueUrl": queue, "Attributes": m{"VisibilityTimeout": "60"}})
	w.want("60", w.do("sqs:GetQueueAttributes", m{"QueueUrl": queue, "AttributeNames": []any{"All"}}), "Attributes", "VisibilityTimeout")
	w.want("b", w.do("sqs:ListQueueTags", m{"QueueUrl": queue}), "Tags", "a")
	w.do("sqs:DeleteQueue", m{"QueueUrl": queue})

	rule, target := m{"Name": "root"}, "arn:aws:sns"+accountARN+"alerts"
	w.do("events:PutRule", m{"Name": "root", "EventPattern": `{"detail":{"userIdentity":{"type":["Root"]}}}`})
	w.do("events:DisableRule", rule)
	w.want("DISABLED", w.do("events:DescribeRule", rule), "State")
	w.do("events:EnableRule", rule)
	w.want("ENABLED", w.do("events:ListRules", nil), "Rules", 0, "State")
	w.do("events:PutTargets", m{"Rule": "root", "Targets": []any{m{"Id": "1", "Arn": target}}})
	w.want(target, w.do("events:ListTargetsByRule", m{"Rule": "root"}), "Targets", 0, "Arn")
	w.want("root", w.do("events:ListRuleNamesByTarget", m{"TargetArn": target}), "RuleNames", 0)
	w.do("events:RemoveTargets", m{"Rule": "root", "Ids": []any{"1"}})
	w.do("events:DeleteRule", rule)
	w.do("events:PutPermission", m{"Action": "events:PutEvents", "Principal": "222222222222", "StatementId": "other"})
	w.do("events:RemovePermission", m{"StatementId": "other"})
	w.want("default", w.do("events:ListEventBuses", nil), "EventBuses", 0, "Name")
	w.want("default", w.do("events:DescribeEventBus", nil), "Name")
}

func (w *world) configuration() {
	w.admin(management, "s3", "CreateBucket", m{"Bucket": "config-of-example"})
	role, recorder := "arn:aws:iam::111111111111:role/RootkeepReadOnly", m{"ConfigurationRecorderName": "default"}
	w.do("config:PutConfigurationRecorder", m{"ConfigurationRecorder": m{"name": "default", "roleARN": role, "recordingGroup": m{"allSupported": true, "includeGlobalResourceTypes": true}}})
	w.want(true, w.do("config:DescribeConfigurationRecorders", nil), "ConfigurationRecorders", 0, "recordingGroup", "allSupported")
	w.do("config:PutDeliveryChannel", m{"DeliveryChannel": m{"name": "default", "s3BucketName": "config-of-example"}})
	w.do("config:StartConfigurationRecorder", recorder)
	w.want(true, w.do("config:DescribeConfigurationRecorderStatus", nil), "ConfigurationRecordersStatus", 0, "recording")
	w.want("config-of-example", w.do("config:DescribeDeliveryChannels", nil), "DeliveryChannels", 0, "s3BucketName")
	w.want("default", w.do("config:DescribeDeliveryChannelStatus", nil), "DeliveryChannelsStatus", 0, "name")
	w.do("config:PutConfigRule", m{"ConfigRule": m{"ConfigRuleName": "root-mfa", "Source": m{"Owner": "AWS", "SourceIdentifier": "ROOT_ACCOUNT_MFA_ENABLED"}}})
	w.want("AWS", w.do("config:DescribeConfigRules", nil), "ConfigRules", 0, "Source", "Owner")
	w.want("root-mfa", w.do("config:DescribeComplianceByConfigRule", nil), "ComplianceByConfigRules", 0, "ConfigRuleName")
	w.want("root-mfa", w.do("config:DescribeConfigRuleEvaluationStatus", nil), "ConfigRulesEvaluationStatus", 0, "ConfigRuleName")
	w.do("config:DeleteConfigRule", m{"ConfigRuleName": "root-mfa"})
	w.do("config:PutConfigurationAggregator", m{"ConfigurationAggregatorName": "all", "AccountAggregationSources": []any{m{"AccountIds": []any{"333333333333"}, "AllAwsRegions": true}}})
	w.want("all", w.do("config:DescribeConfigurationAggregators", nil), "ConfigurationAggregators", 0, "ConfigurationAggregatorName")
	w.do("config:DeleteConfigurationAggregator", m{"ConfigurationAggregatorName": "all"})
	w.do("config:StopConfigurationRecorder", recorder)
	w.do("config:DeleteDeliveryChannel", m{"DeliveryChannelName": "default"})
	w.do("config:DeleteConfigurationRecorder", recorder)
	w.do("iam:DeleteServiceLinkedRole", m{"RoleName": "AWSServiceRoleForConfig"})
	if r := w.refusedDo("iam:GetRole", m{"RoleName": "AWSServiceRoleForConfig"}); r.Code != "NoSuchEntity" {
		w.t.Errorf("got %+v, want that the role is gone", r)
	}
	w.do("access-analyzer:CreateAnalyzer", m{"analyzerName": "unused", "type": "ACCOUNT_UNUSED_ACCESS", "configuration": m{"unusedAccess": m{"unusedAccessAge": 90}}})
	w.want(int64(90), w.do("access-analyzer:GetAnalyzer", m{"analyzerName": "unused"}), "analyzer", "configuration", "unusedAccess", "unusedAccessAge")
	w.want("unused", w.do("access-analyzer:ListAnalyzers", nil), "analyzers", 0, "name")
	w.do("access-analyzer:ListArchiveRules", m{"analyzerName": "unused"})
	w.do("access-analyzer:DeleteAnalyzer", m{"analyzerName": "unused"})
}

func (w *world) detectors() {
	d := in(w.at(security, "guardduty:CreateDetector", m{"Enable": true, "FindingPublishingFrequency": "FIFTEEN_MINUTES"}), "DetectorId")
	on := func(more m) m {
		out := m{"DetectorId": d}
		for name, value := range more {
			out[name] = value
		}
		return out
	}
	w.want(d, w.at(security, "guardduty:ListDetectors", nil), "DetectorIds", 0)
	w.at(security, "guardduty:UpdateDetector", on(m{"Features": []any{m{"Name": "RUNTIME_MONITORING", "Status": "ENABLED"}}}))
	w.want("ENABLED", w.at(security, "guardduty:GetDetector", on(nil)), "Status")
	w.at(security, "guardduty:CreateFilter", on(m{"Name": "quiet", "Action": "ARCHIVE", "FindingCriteria": m{"Criterion": m{"type": m{"Eq": []any{"Policy:IAMUser/RootCredentialUsage"}}}}}))
	w.want("quiet", w.at(security, "guardduty:ListFilters", on(nil)), "FilterNames", 0)
	w.want("ARCHIVE", w.at(security, "guardduty:GetFilter", on(m{"FilterName": "quiet"})), "Action")
	w.at(security, "guardduty:DeleteFilter", on(m{"FilterName": "quiet"}))
	p := in(w.at(security, "guardduty:CreatePublishingDestination", on(m{"DestinationType": "S3", "DestinationProperties": m{"DestinationArn": "arn:aws:s3:::x", "KmsKeyArn": "arn:aws:kms:us-east-1:1:key/2"}})), "DestinationId")
	w.want(p, w.at(security, "guardduty:ListPublishingDestinations", on(nil)), "Destinations", 0, "DestinationId")
	w.want("S3", w.at(security, "guardduty:DescribePublishingDestination", on(m{"DestinationId": p})), "DestinationType")
	w.at(security, "guardduty:DeletePublishingDestination", on(m{"DestinationId": p}))
	set := in(w.admin(security, "guardduty", "CreateIPSet", m{"DetectorId": d, "name": "ours", "format": "TXT", "location": "https://s3.amazonaws.com/x/y", "activate": true}), "ipSetId")
	w.want(set, w.at(security, "guardduty:ListIPSets", on(nil)), "IpSetIds", 0)
	w.want("ours", w.at(security, "guardduty:GetIPSet", on(m{"IpSetId": set})), "Name")
	w.do("guardduty:EnableOrganizationAdminAccount", m{"AdminAccountId": "222222222222"})
	w.do("guardduty:DisableOrganizationAdminAccount", m{"AdminAccountId": "222222222222"})
	w.do("guardduty:EnableOrganizationAdminAccount", m{"AdminAccountId": "222222222222"})
	w.want("222222222222", w.do("guardduty:ListOrganizationAdminAccounts", nil), "AdminAccounts", 0, "AdminAccountId")
	of := in(w.at(member, "guardduty:CreateDetector", m{"Enable": true}), "DetectorId")
	w.want("222222222222", w.at(member, "guardduty:GetAdministratorAccount", m{"DetectorId": of}), "Administrator", "AccountId")
	w.want("333333333333", w.at(security, "guardduty:ListMembers", on(nil)), "Members", 0, "AccountId")
	w.at(security, "guardduty:UpdateOrganizationConfiguration", on(m{"AutoEnableOrganizationMembers": "ALL"}))
	w.want("ALL", w.at(security, "guardduty:DescribeOrganizationConfiguration", on(nil)), "AutoEnableOrganizationMembers")
	w.at(member, "guardduty:DeleteDetector", m{"DetectorId": of})
}

func (w *world) hub() {
	w.at(security, "securityhub:EnableSecurityHub", m{"EnableDefaultStandards": false})
	w.at(security, "securityhub:UpdateSecurityHubConfiguration", m{"AutoEnableControls": false})
	w.want(false, w.at(security, "securityhub:DescribeHub", nil), "AutoEnableControls")
	standard := in(w.at(security, "securityhub:DescribeStandards", nil), "Standards", 1, "StandardsArn")
	s := in(w.at(security, "securityhub:BatchEnableStandards", m{"StandardsSubscriptionRequests": []any{m{"StandardsArn": standard}}}), "StandardsSubscriptions", 0, "StandardsSubscriptionArn")
	w.want(s, w.at(security, "securityhub:GetEnabledStandards", nil), "StandardsSubscriptions", 0, "StandardsSubscriptionArn")
	w.want("ENABLED", w.at(security, "securityhub:DescribeStandardsControls", m{"StandardsSubscriptionArn": s}), "Controls", 0, "ControlStatus")
	off := w.at(security, "securityhub:BatchUpdateStandardsControlAssociations", m{"StandardsControlAssociationUpdates": []any{
		m{"StandardsArn": standard, "SecurityControlId": "IAM.4", "AssociationStatus": "DISABLED", "UpdatedReason": "test"}, m{"StandardsArn": standard, "SecurityControlId": "IAM.6", "AssociationStatus": "DISABLED"}}})
	w.want("IAM.6", off, "UnprocessedAssociationUpdates", 0, "StandardsControlAssociationUpdate", "SecurityControlId")
	got := w.at(security, "securityhub:BatchGetStandardsControlAssociations", m{"StandardsControlAssociationIds": []any{m{"StandardsArn": standard, "SecurityControlId": "IAM.4"}}})
	w.want("DISABLED", got, "StandardsControlAssociationDetails", 0, "AssociationStatus")
	a := in(w.at(security, "securityhub:CreateFindingAggregator", m{"RegionLinkingMode": "ALL_REGIONS"}), "FindingAggregatorArn")
	w.want(a, w.at(security, "securityhub:ListFindingAggregators", nil), "FindingAggregators", 0, "FindingAggregatorArn")
	w.want("ALL_REGIONS", w.at(security, "securityhub:GetFindingAggregator", m{"FindingAggregatorArn": a}), "RegionLinkingMode")
	w.at(security, "securityhub:DeleteFindingAggregator", m{"FindingAggregatorArn": a})
	w.do("securityhub:EnableOrganizationAdminAccount", m{"AdminAccountId": "222222222222"})
	w.do("securityhub:DisableOrganizationAdminAccount", m{"AdminAccountId": "222222222222"})
	w.do("securityhub:EnableOrganizationAdminAccount", m{"AdminAccountId": "222222222222"})
	w.want("222222222222", w.do("securityhub:ListOrganizationAdminAccounts", nil), "AdminAccounts", 0, "AccountId")
	w.at(member, "securityhub:EnableSecurityHub", m{"EnableDefaultStandards": false})
	w.want("222222222222", w.at(member, "securityhub:GetAdministratorAccount", nil), "Administrator", "AccountId")
	w.at(member, "securityhub:DisableSecurityHub", nil)
	w.at(security, "securityhub:UpdateOrganizationConfiguration", m{"AutoEnable": true, "AutoEnableStandards": "NONE"})
	w.want("NONE", w.at(security, "securityhub:DescribeOrganizationConfiguration", nil), "AutoEnableStandards")
	w.want("DELETING", w.at(security, "securityhub:BatchDisableStandards", m{"StandardsSubscriptionArns": []any{s}}), "StandardsSubscriptions", 0, "StandardsStatus")
	w.at(security, "securityhub:EnableSecurityHubV2", nil)
	if at, _ := w.at(security, "securityhub:DescribeSecurityHubV2", nil)["SubscribedAt"].(string); !strings.HasSuffix(at, "Z") {
		w.t.Errorf("SubscribedAt: got %q, want a time", at)
	}
	w.at(security, "securityhub:DisableSecurityHubV2", nil)
}
