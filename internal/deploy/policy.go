package deploy

import "slices"

// equals and like are conditions of one value.
func equals(key string, value Text) Condition {
	return Condition{"StringEquals", key, []Text{value}}
}

// tlsOnly refuses requests without TLS.
func tlsOnly(action string, resources ...Text) Statement {
	return Statement{Sid: "TLSOnly", Deny: true, Everybody: true, Actions: []string{action}, Resources: resources, Conditions: []Condition{{"Bool", "aws:SecureTransport", []Text{"false"}}}}
}

func bucketARN(name Text) Text { return "arn:${partition}:s3:::" + name }

// trailPolicy lets this trail alone write.
//
// Source: CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail".
func (o *Options) trailPolicy() Policy {
	arn := bucketARN(o.bucketName("trail"))
	cloudtrail := []Text{"cloudtrail.amazonaws.com"}
	from := equals("aws:SourceArn", o.trailARN())
	keys := []Text{arn + "/AWSLogs/" + o.owner() + "/*"}
	if o.Organization != "" {
		keys = append(keys, arn+Text("/AWSLogs/"+o.Organization+"/*"))
	}
	return Policy{
		{Sid: "TrailChecksACL", Services: cloudtrail, Actions: []string{"s3:GetBucketAcl"}, Resources: []Text{arn}, Conditions: []Condition{from}},
		{Sid: "TrailWrites", Services: cloudtrail, Actions: []string{"s3:PutObject"}, Resources: keys, Conditions: []Condition{from, equals("s3:x-amz-acl", "bucket-owner-full-control")}},
		tlsOnly("s3:*", arn, arn+"/*"),
	}
}

// recordsPolicy lets S3 write the access log of the trail's bucket, and AWS Config what
// it records.
//
// Source: Amazon S3 User Guide, "Enabling Amazon S3 server access logging"; AWS Config
// Developer Guide, "Permissions for the Amazon S3 bucket for the delivery channel".
func (o *Options) recordsPolicy() Policy {
	arn := bucketARN(o.bucketName("records"))
	var out Policy
	if o.has(Trail) {
		out = append(out, Statement{Sid: "AccessLog", Services: []Text{"logging.s3.amazonaws.com"}, Actions: []string{"s3:PutObject"}, Resources: []Text{arn + "/access/*"}, Conditions: []Condition{
			{"ArnLike", "aws:SourceArn", []Text{bucketARN(o.bucketName("trail"))}}, equals("aws:SourceAccount", o.keeper())}})
	}
	if o.has(Config) {
		config := []Text{"config.amazonaws.com"}
		from := equals("aws:SourceAccount", o.account())
		if o.Organization != "" {
			from = equals("aws:SourceOrgID", Text(o.Organization))
		}
		out = append(out,
			Statement{Sid: "ConfigLooks", Services: config, Actions: []string{"s3:GetBucketAcl", "s3:ListBucket"}, Resources: []Text{arn}, Conditions: []Condition{from}},
			Statement{Sid: "ConfigWrites", Services: config, Actions: []string{"s3:PutObject"}, Resources: []Text{arn + "/config/AWSLogs/*/Config/*"}, Conditions: []Condition{from, equals("s3:x-amz-acl", "bucket-owner-full-control")}})
	}
	return append(out, tlsOnly("s3:*", arn, arn+"/*"))
}

// keyPolicy lets the account administer the key, and services encrypt with it for these
// parts. Alarms and rules do not tell a key for whom they publish, so that the topic's
// policy says who.
//
// Source: CloudTrail User Guide, "Configure AWS KMS key policies for CloudTrail";
// CloudWatch Logs User Guide, "Encrypt log data using AWS KMS"; SNS Developer Guide,
// "Enable compatibility between event sources from AWS services and encrypted topics".
func (o *Options) keyPolicy(of []Part) Policy {
	out := Policy{{Sid: "Administer", AWS: []Text{"arn:${partition}:iam::${account}:root"}, Actions: []string{"kms:*"}, Resources: []Text{"*"}}}
	cloudtrail := []Text{"cloudtrail.amazonaws.com"}
	if slices.Contains(of, Trail) {
		from := equals("aws:SourceArn", o.trailARN())
		out = append(out,
			Statement{Sid: "TrailEncrypts", Services: cloudtrail, Actions: []string{"kms:GenerateDataKey*"}, Resources: []Text{"*"}, Conditions: []Condition{from,
				{"StringLike", "kms:EncryptionContext:aws:cloudtrail:arn", []Text{"arn:${partition}:cloudtrail:*:" + o.owner() + ":trail/*"}}}},
			Statement{Sid: "TrailDescribes", Services: cloudtrail, Actions: []string{"kms:DescribeKey"}, Resources: []Text{"*"}, Conditions: []Condition{from}})
	}
	if slices.Contains(of, Logs) {
		out = append(out, Statement{Sid: "LogGroupEncrypts", Services: []Text{"logs.${region}.${suffix}"}, Actions: []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"},
			Resources: []Text{"*"}, Conditions: []Condition{{"ArnEquals", "kms:EncryptionContext:aws:logs:arn", []Text{o.logGroupARN()}}}})
	}
	if slices.Contains(of, Notices) {
		out = append(out, Statement{Sid: "NoticesEncrypt", Services: []Text{"cloudwatch.amazonaws.com", "events.amazonaws.com"}, Actions: []string{"kms:Decrypt", "kms:GenerateDataKey*"}, Resources: []Text{"*"}})
	}
	return out
}

// topicPolicy lets alarms of this account publish, and rules. What EventBridge says of
// itself AWS documents in different ways: a condition on it could drop the notice.
func (o *Options) topicPolicy() Policy {
	topic := []Text{"arn:${partition}:sns:${region}:${account}:" + o.name("alerts")}
	return Policy{
		{Sid: "AlarmsPublish", Services: []Text{"cloudwatch.amazonaws.com"}, Actions: []string{"sns:Publish"}, Resources: topic, Conditions: []Condition{equals("aws:SourceAccount", "${account}")}},
		{Sid: "RulesPublish", Services: []Text{"events.amazonaws.com"}, Actions: []string{"sns:Publish"}, Resources: topic},
	}
}

// queuePolicy lets the trail's bucket send.
func (o *Options) queuePolicy() Policy {
	queue := Text("arn:${partition}:sqs:${region}:${account}:" + o.name("trail"))
	return Policy{
		{Sid: "BucketSends", Services: []Text{"s3.amazonaws.com"}, Actions: []string{"sqs:SendMessage"}, Resources: []Text{queue}, Conditions: []Condition{
			{"ArnEquals", "aws:SourceArn", []Text{bucketARN(o.bucketName("trail"))}}, equals("aws:SourceAccount", "${account}")}},
		tlsOnly("sqs:*", queue),
	}
}

// rulesPolicy lets rules send to a queue.
//
// Source: Amazon EventBridge User Guide, "Using resource-based policies for Amazon
// EventBridge".
func rulesPolicy(name Text, rules ...Text) Policy {
	queue := "arn:${partition}:sqs:${region}:${account}:" + name
	var from []Text
	for _, r := range rules {
		from = append(from, "arn:${partition}:events:${region}:${account}:rule/"+r)
	}
	return Policy{
		{Sid: "RuleSends", Services: []Text{"events.amazonaws.com"}, Actions: []string{"sqs:SendMessage"}, Resources: []Text{queue}, Conditions: []Condition{{"ArnEquals", "aws:SourceArn", from}}},
		tlsOnly("sqs:*", queue),
	}
}

// logRolePolicy lets the trail write to its log group. Streams of members have names
// that begin with the organization's.
//
// Source: CloudTrail User Guide, "Role policy document for CloudTrail to use CloudWatch
// Logs for monitoring".
func (o *Options) logRolePolicy() Policy {
	return Policy{{Sid: "Deliver", Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, Resources: []Text{o.logGroupARN() + ":log-stream:*"}}}
}
