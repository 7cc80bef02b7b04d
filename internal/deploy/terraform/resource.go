package terraform

import (
	"fmt"

	"github.com/rootkeep/rootkeep/internal/deploy"
)

// add writes a resource of the stack, which may be several of Terraform's.
func (w *writer) add(r deploy.Resource) error {
	name := snake(r.Ident())
	switch r := r.(type) {
	case deploy.KMSKey:
		w.put("aws_kms_key", name, args("description", r.About, "enable_key_rotation", true, "policy", w.json(r.Policy.JSON())), kept())
		w.put("aws_kms_alias", name, args("name", w.text(r.Alias), "target_key_id", w.of("aws_kms_key", name, "key_id")))
		if w.place.Name == "archive" {
			w.blocks = append(w.blocks, &block{kind: "output", labels: []string{"key_arn"}, body: args("description", "Key of log files, which the trail's configuration asks for", "value", w.keyARN(r.ID))})
		}
	case deploy.Bucket:
		w.bucket(name, r)
	case deploy.CloudTrail:
		w.trail(name, r)
	case deploy.LogGroup:
		w.put("aws_cloudwatch_log_group", name, args("name", w.text(r.Name), "retention_in_days", r.Days, "kms_key_id", w.keyARN(r.Key)), kept())
	case deploy.ServiceRole:
		trust := deploy.Policy{{Sid: "Service", Services: []deploy.Text{r.Service}, Actions: []string{"sts:AssumeRole"}}}
		w.put("aws_iam_role", name, args("name", w.text(r.Name), "assume_role_policy", w.json(trust.JSON())))
		w.put("aws_iam_role_policy", name, args("name", "deliver", "role", w.of("aws_iam_role", name, "id"), "policy", w.json(r.Policy.JSON())))
	case deploy.LinkedRole:
		w.put("aws_iam_service_linked_role", name, args("count", expression(fmt.Sprintf(`var.%s == "true" ? 1 : 0`, snake(r.Parameter))), "aws_service_name", r.Service))
	case deploy.MetricFilter:
		w.put("aws_cloudwatch_log_metric_filter", name, args("name", r.Name, "log_group_name", w.of("aws_cloudwatch_log_group", snake(r.LogID), "name"), "pattern", r.Pattern),
			within("metric_transformation", args("namespace", r.Namespace, "name", r.Metric, "value", "1")))
	case deploy.Alarm:
		w.put("aws_cloudwatch_metric_alarm", name, args("alarm_name", r.Name, "alarm_description", r.About, "namespace", r.Namespace, "metric_name", r.Metric, "statistic", "Sum", "period", r.Period,
			"evaluation_periods", 1, "threshold", r.Threshold, "comparison_operator", "GreaterThanOrEqualToThreshold", "treat_missing_data", "notBreaching", "actions_enabled", true,
			"alarm_actions", list{w.topicARN(r.Topic)}))
	case deploy.Topic:
		w.put("aws_sns_topic", name, args("name", w.text(r.Name), "kms_master_key_id", w.keyARN(r.Key)))
		w.put("aws_sns_topic_policy", name, args("arn", w.topicARN(r.ID), "policy", w.json(r.Policy.JSON())))
	case deploy.Subscription:
		w.put("aws_sns_topic_subscription", name, args("topic_arn", w.topicARN(r.Topic), "protocol", r.Protocol, "endpoint", w.text(r.Endpoint)))
	case deploy.EventRule:
		w.rule(name, r)
	case deploy.SQSQueue:
		w.queue(name, r)
	default:
		return w.addService(name, r)
	}
	return nil
}

// addService writes what every Region has of its own.
func (w *writer) addService(name string, r deploy.Resource) error {
	switch r := r.(type) {
	case deploy.Recorder:
		w.recorder(name, r)
	case deploy.ConfigRule:
		w.put("aws_config_config_rule", name, args("name", r.Name), within("source", args("owner", "AWS", "source_identifier", r.Identifier)),
			w.after([2]string{"aws_config_configuration_recorder_status", snake(r.Recorder)}))
	case deploy.Hub:
		w.put("aws_securityhub_account", name, args("enable_default_standards", false, "control_finding_generator", "SECURITY_CONTROL", "auto_enable_controls", true))
		account := [2]string{"aws_securityhub_account", name}
		for i, s := range r.Standards {
			w.put("aws_securityhub_standards_subscription", fmt.Sprintf("%s_standard_%d", name, i+1),
				args("standards_arn", w.text(deploy.Text("arn:${partition}:securityhub:${region}::standards/"+s))), w.after(account))
		}
		if r.Aggregate {
			w.put("aws_securityhub_finding_aggregator", name, args("linking_mode", "ALL_REGIONS"), w.after(account))
		}
	case deploy.Insight:
		var filters [][]entry
		equal := func(name string, values ...string) {
			for _, v := range values {
				filters = append(filters, within(name, args("comparison", "EQUALS", "value", v)))
			}
		}
		equal("type", r.Types...)
		equal("record_state", "ACTIVE")
		equal("workflow_status", "NEW", "NOTIFIED")
		w.put("aws_securityhub_insight", name, args("name", r.Name, "group_by_attribute", r.GroupBy), within("filters", filters...), w.after([2]string{"aws_securityhub_account", snake(r.Hub)}))
	case deploy.Detector:
		w.put("aws_guardduty_detector", name, args("enable", true, "finding_publishing_frequency", "FIFTEEN_MINUTES"))
		for _, f := range r.Features {
			w.put("aws_guardduty_detector_feature", name, args("detector_id", w.of("aws_guardduty_detector", name, "id"), "name", f, "status", "ENABLED"))
		}
	case deploy.ThreatList:
		w.threats(name, r)
	case deploy.AccessAnalyzer:
		w.put("aws_accessanalyzer_analyzer", name, args("analyzer_name", w.text(r.Name), "type", r.Type))
	case deploy.ScanRole:
		w.put("aws_iam_role", name, args("name", r.Name, "description", "Read by rootkeep", "max_session_duration", 3600, "assume_role_policy", w.json(r.Trust().JSON())))
		w.put("aws_iam_role_policy", name, args("name", "read", "role", w.of("aws_iam_role", name, "id"), "policy", w.json(r.Policy.JSON())))
	default:
		return fmt.Errorf("resource %s of type %T has no form in Terraform", r.Ident(), r)
	}
	return nil
}

// threats is a threat list. The AWS provider has no threat entity set, and that of the Cloud
// Control API makes things in one Region: CloudFormation makes it, in a stack of its own.
func (w *writer) threats(name string, r deploy.ThreatList) {
	detector := w.of("aws_guardduty_detector", snake(r.Detector), "id")
	if !r.Entities {
		w.put("aws_guardduty_threatintelset", name, args("name", w.text(r.Name), "activate", true, "format", "TXT", "location", w.text(r.Location), "detector_id", detector))
		return
	}
	set := object{{Name: "Type", Value: "AWS::GuardDuty::ThreatEntitySet"}, {Name: "Properties", Value: object{
		{Name: "Name", Value: r.Name}, {Name: "Activate", Value: true}, {Name: "Format", Value: "TXT"}, {Name: "Location", Value: r.Location},
		{Name: "ExpectedBucketOwner", Value: deploy.Text("${account}")}, {Name: "DetectorId", Value: detector},
	}}}
	w.put("aws_cloudformation_stack", name, args("name", w.text(r.Name), "template_body", w.json(object{{Name: "Resources", Value: object{{Name: r.ID, Value: set}}}})))
}

// kept keeps Terraform from deleting what evidence rests on.
func kept() []entry { return within("lifecycle", args("prevent_destroy", true)) }

// keyARN is the ARN of the place's key, nil without one.
func (w *writer) keyARN(id string) any {
	if id == "" {
		return nil
	}
	return w.of("aws_kms_key", snake(id), "arn")
}

func (w *writer) topicARN(id string) expression { return w.of("aws_sns_topic", snake(id), "arn") }

func (w *writer) bucketID(id string) expression { return w.of("aws_s3_bucket", snake(id), "id") }

func (w *writer) bucket(name string, r deploy.Bucket) {
	id := args("bucket", w.bucketID(r.ID))
	body := args("bucket", w.text(r.Name))
	if r.LockMode != "" {
		body = append(body, args("object_lock_enabled", true)...)
	}
	w.put("aws_s3_bucket", name, body, kept())
	w.put("aws_s3_bucket_versioning", name, id, within("versioning_configuration", args("status", "Enabled")))
	versioned := w.after([2]string{"aws_s3_bucket_versioning", name})
	if r.LockMode != "" {
		w.put("aws_s3_bucket_object_lock_configuration", name, id, within("rule", within("default_retention", args("mode", r.LockMode, "days", r.LockDays))), versioned)
	}
	w.put("aws_s3_bucket_ownership_controls", name, id, within("rule", args("object_ownership", "BucketOwnerEnforced")))
	w.put("aws_s3_bucket_public_access_block", name, id, args("block_public_acls", true, "block_public_policy", true, "ignore_public_acls", true, "restrict_public_buckets", true))
	w.put("aws_s3_bucket_server_side_encryption_configuration", name, id, within("rule", within("apply_server_side_encryption_by_default", args("sse_algorithm", "AES256"))))
	w.put("aws_s3_bucket_lifecycle_configuration", name, id, within("rule", args("id", "expire", "status", "Enabled"), within("filter"), within("expiration", args("days", r.ExpireDays)),
		within("noncurrent_version_expiration", args("noncurrent_days", 30)), within("abort_incomplete_multipart_upload", args("days_after_initiation", 7))), versioned)
	w.put("aws_s3_bucket_policy", name, id, args("policy", w.json(r.Policy.JSON())))
	if r.LogsID != "" {
		w.put("aws_s3_bucket_logging", name, id, args("target_bucket", w.bucketID(r.LogsID), "target_prefix", "access/"), w.after([2]string{"aws_s3_bucket_policy", snake(r.LogsID)}))
	}
	if r.Queue != "" {
		w.put("aws_s3_bucket_notification", name, id, within("queue", args("queue_arn", w.of("aws_sqs_queue", snake(r.Queue), "arn"), "events", list{"s3:ObjectCreated:*"})),
			w.after([2]string{"aws_sqs_queue_policy", snake(r.Queue)}))
	}
}

func (w *writer) trail(name string, r deploy.CloudTrail) {
	bucket, key, after := w.text(r.Bucket), w.keyARN(r.Key), [][2]string{}
	if r.BucketID != "" {
		bucket, after = w.bucketID(r.BucketID), [][2]string{{"aws_s3_bucket_policy", snake(r.BucketID)}}
	}
	if r.KeyARN != "" {
		key = w.text(r.KeyARN)
	}
	body := args("name", w.text(r.Name), "s3_bucket_name", bucket, "enable_logging", true, "is_multi_region_trail", true, "include_global_service_events", true,
		"enable_log_file_validation", true, "is_organization_trail", r.Organization, "kms_key_id", key)
	if r.LogGroup != "" {
		body = append(body, args("cloud_watch_logs_group_arn", w.text(r.LogGroupARN), "cloud_watch_logs_role_arn", w.of("aws_iam_role", snake(r.LogRole), "arn"))...)
	}
	if r.LogGroup != "" {
		after = append(after, [2]string{"aws_cloudwatch_log_group", snake(r.LogGroup)}, [2]string{"aws_iam_role_policy", snake(r.LogRole)})
	}
	w.put("aws_cloudtrail", name, body, within("event_selector", args("read_write_type", "All", "include_management_events", true)), w.after(after...))
}

func (w *writer) rule(name string, r deploy.EventRule) {
	state := "ENABLED"
	if r.Reads {
		state = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
	}
	w.put("aws_cloudwatch_event_rule", name, args("name", w.text(r.Name), "description", r.About, "state", state, "event_pattern", w.json(r.Pattern)))
	id, target, policy := "topic", w.topicARN(r.Topic), [2]string{"aws_sns_topic_policy", snake(r.Topic)}
	if r.Queue != "" {
		id, target, policy = "queue", w.of("aws_sqs_queue", snake(r.Queue), "arn"), [2]string{"aws_sqs_queue_policy", snake(r.Queue)}
	}
	w.put("aws_cloudwatch_event_target", name, args("rule", w.of("aws_cloudwatch_event_rule", name, "name"), "target_id", id, "arn", target), w.after(policy))
}

func (w *writer) queue(name string, r deploy.SQSQueue) {
	w.put("aws_sqs_queue", name+"_unread", args("name", w.text(r.Name+"-unread"), "message_retention_seconds", 1209600, "sqs_managed_sse_enabled", true))
	w.put("aws_sqs_queue", name, args("name", w.text(r.Name), "message_retention_seconds", 1209600, "visibility_timeout_seconds", 300, "sqs_managed_sse_enabled", true,
		"redrive_policy", call{"jsonencode", object{{Name: "deadLetterTargetArn", Value: w.of("aws_sqs_queue", name+"_unread", "arn")}, {Name: "maxReceiveCount", Value: 5}}}))
	w.put("aws_sqs_queue_policy", name, args("queue_url", w.of("aws_sqs_queue", name, "id"), "policy", w.json(r.Policy.JSON())))
}

func (w *writer) recorder(name string, r deploy.Recorder) {
	body := [][]entry{args("name", w.text(r.Name), "role_arn", w.text(r.Role)), within("recording_group", args("all_supported", true, "include_global_resource_types", r.Global))}
	if r.RoleID != "" {
		body = append(body, w.after([2]string{"aws_iam_service_linked_role", snake(r.RoleID)}))
	}
	w.put("aws_config_configuration_recorder", name, body...)
	bucket := w.text(r.Bucket)
	after := [][2]string{{"aws_config_configuration_recorder", name}}
	if r.BucketID != "" {
		bucket = w.bucketID(r.BucketID)
		after = append(after, [2]string{"aws_s3_bucket_policy", snake(r.BucketID)})
	}
	w.put("aws_config_delivery_channel", name, args("name", w.text(r.Name), "s3_bucket_name", bucket, "s3_key_prefix", r.Prefix), w.after(after...))
	w.put("aws_config_configuration_recorder_status", name, args("name", w.of("aws_config_configuration_recorder", name, "name"), "is_enabled", true),
		w.after([2]string{"aws_config_delivery_channel", name}))
}
