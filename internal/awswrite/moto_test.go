package awswrite_test

import (
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/mototest"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
)

// TestMoto changes an account of a simulation that we did not write, and reads it back.
// It is for the services that moto has; what it lacks is not called, nor are alarms, whose
// client speaks a protocol that moto does not know.
func TestMoto(t *testing.T) {
	account := mototest.Start(t, "../..")
	target, err := url.Parse(account.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	simtest.Environment(t, httputil.NewSingleHostReverseProxy(target), account.Key, account.Secret, "")
	w := &world{t: t, called: map[string]bool{}}
	w.open(session.Config{})
	me := w.base.Account()
	for _, s := range []struct {
		name string
		tell func(*world, rootkeep.AccountID)
	}{
		{"IAM", (*world).motoIdentities}, {"storage", (*world).motoStorage}, {"monitoring", (*world).motoMonitoring}, {"organization", (*world).motoOrganization},
	} {
		t.Run(s.name, func(t *testing.T) {
			w.t = t
			s.tell(w, me)
		})
	}
	t.Logf("%d operations", len(w.called))
}

func (w *world) motoIdentities(me rootkeep.AccountID) {
	do := func(operation string, with m) m { w.t.Helper(); return w.at(me, operation, with) }
	w.want(string(me), do("sts:GetCallerIdentity", nil), "Account")
	do("iam:UpdateAccountPasswordPolicy", m{"MinimumPasswordLength": 14, "RequireSymbols": true})
	w.want(int64(14), do("iam:GetAccountPasswordPolicy", nil), "PasswordPolicy", "MinimumPasswordLength")
	do("iam:DeleteAccountPasswordPolicy", nil)
	do("iam:CreateGroup", m{"GroupName": "mfa"})
	do("iam:AddUserToGroup", m{"GroupName": "mfa", "UserName": "alice"})
	w.want("alice", do("iam:GetGroup", m{"GroupName": "mfa"}), "Users", 0, "UserName")
	do("iam:PutGroupPolicy", m{"GroupName": "mfa", "PolicyName": "read", "PolicyDocument": reads})
	w.want(reads, do("iam:GetGroupPolicy", m{"GroupName": "mfa", "PolicyName": "read"}), "PolicyDocument")
	do("iam:DeleteGroupPolicy", m{"GroupName": "mfa", "PolicyName": "read"})
	do("iam:RemoveUserFromGroup", m{"GroupName": "mfa", "UserName": "alice"})
	do("iam:DeleteGroup", m{"GroupName": "mfa"})
	id := in(do("iam:CreateAccessKey", m{"UserName": "alice"}), "AccessKey", "AccessKeyId")
	do("iam:UpdateAccessKey", m{"UserName": "alice", "AccessKeyId": id, "Status": "Inactive"})
	w.want("Inactive", do("iam:ListAccessKeys", m{"UserName": "alice"}), "AccessKeyMetadata", 0, "Status")
	do("iam:DeleteAccessKey", m{"UserName": "alice", "AccessKeyId": id})
	do("iam:DeleteLoginProfile", m{"UserName": "alice"})
	do("iam:PutUserPolicy", m{"UserName": "alice", "PolicyName": "own", "PolicyDocument": reads})
	w.want("own", do("iam:ListUserPolicies", m{"UserName": "alice"}), "PolicyNames", 0)
	do("iam:DeleteUserPolicy", m{"UserName": "alice", "PolicyName": "own"})
	do("iam:CreateRole", m{"RoleName": "audit", "AssumeRolePolicyDocument": trust})
	do("iam:UpdateAssumeRolePolicy", m{"RoleName": "audit", "PolicyDocument": trust})
	w.want(trust, do("iam:GetRole", m{"RoleName": "audit"}), "Role", "AssumeRolePolicyDocument")
	do("iam:DeleteRole", m{"RoleName": "audit"})
	policy := in(do("iam:CreatePolicy", m{"PolicyName": "reader", "PolicyDocument": reads}), "Policy", "Arn")
	do("iam:CreatePolicyVersion", m{"PolicyArn": policy, "PolicyDocument": reads, "SetAsDefault": true})
	w.want(reads, do("iam:GetPolicyVersion", m{"PolicyArn": policy, "VersionId": "v2"}), "PolicyVersion", "Document")
	do("iam:DeletePolicyVersion", m{"PolicyArn": policy, "VersionId": "v1"})
	do("iam:DeletePolicy", m{"PolicyArn": policy})
	if r := w.refusedAt(me, "iam:GetPolicy", m{"PolicyArn": policy}); r.Code != "NoSuchEntity" {
		w.t.Errorf("got %+v", r)
	}
}

func (w *world) motoStorage(me rootkeep.AccountID) {
	do := func(operation string, with m) m { w.t.Helper(); return w.at(me, operation, with) }
	on := func(with m) m { with["Bucket"] = bucket; return with }
	do("s3:CreateBucket", on(m{"ObjectLockEnabledForBucket": true}))
	do("s3:PutBucketPolicy", on(m{"Policy": bucketPolicy}))
	w.want(bucketPolicy, do("s3:GetBucketPolicy", on(m{})), "Policy")
	do("s3:DeleteBucketPolicy", on(m{}))
	if r := w.refusedAt(me, "s3:GetBucketPolicy", on(m{})); r.Code != "NoSuchBucketPolicy" {
		w.t.Errorf("got %+v", r)
	}
	do("s3:PutPublicAccessBlock", on(m{"PublicAccessBlockConfiguration": m{"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true}}))
	w.want(true, do("s3:GetPublicAccessBlock", on(m{})), "PublicAccessBlockConfiguration", "BlockPublicPolicy")
	do("s3:PutBucketVersioning", on(m{"VersioningConfiguration": m{"Status": "Enabled"}}))
	w.want("Enabled", do("s3:GetBucketVersioning", on(m{})), "Status")
	do("s3:PutBucketEncryption", on(m{"ServerSideEncryptionConfiguration": m{"Rules": []any{m{"ApplyServerSideEncryptionByDefault": m{"SSEAlgorithm": "AES256"}}}}}))
	w.want("AES256", do("s3:GetBucketEncryption", on(m{})), "ServerSideEncryptionConfiguration", "Rules", 0, "ApplyServerSideEncryptionByDefault", "SSEAlgorithm")
	do("s3:PutObjectLockConfiguration", on(m{"ObjectLockConfiguration": m{"ObjectLockEnabled": "Enabled", "Rule": m{"DefaultRetention": m{"Mode": "GOVERNANCE", "Days": 400}}}}))
	w.want(int64(400), do("s3:GetObjectLockConfiguration", on(m{})), "ObjectLockConfiguration", "Rule", "DefaultRetention", "Days")
	do("s3control:PutPublicAccessBlock", m{"AccountId": string(me), "PublicAccessBlockConfiguration": m{"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true}})
	w.want(true, do("s3control:GetPublicAccessBlock", m{"AccountId": string(me)}), "PublicAccessBlockConfiguration", "RestrictPublicBuckets")
	do("s3control:DeletePublicAccessBlock", m{"AccountId": string(me)})
	key := in(do("kms:CreateKey", m{"Description": "trail"}), "KeyMetadata", "KeyId")
	do("kms:EnableKeyRotation", m{"KeyId": key})
	w.want(true, do("kms:GetKeyRotationStatus", m{"KeyId": key}), "KeyRotationEnabled")
	do("kms:CreateAlias", m{"AliasName": "alias/trail", "TargetKeyId": key})
	do("kms:DeleteAlias", m{"AliasName": "alias/trail"})
	do("kms:ScheduleKeyDeletion", m{"KeyId": key, "PendingWindowInDays": 7})
	do("ec2:EnableEbsEncryptionByDefault", nil)
	w.want(true, do("ec2:GetEbsEncryptionByDefault", nil), "EbsEncryptionByDefault")
}

func (w *world) motoMonitoring(me rootkeep.AccountID) {
	do := func(operation string, with m) m { w.t.Helper(); return w.at(me, operation, with) }
	trail := in(do("cloudtrail:CreateTrail", m{"Name": "audit", "S3BucketName": bucket, "IsMultiRegionTrail": true}), "TrailARN")
	do("cloudtrail:StartLogging", m{"Name": trail})
	w.want(true, do("cloudtrail:GetTrailStatus", m{"Name": trail}), "IsLogging")
	do("cloudtrail:DeleteTrail", m{"Name": trail})
	do("logs:CreateLogGroup", m{"logGroupName": "audit"})
	do("logs:PutRetentionPolicy", m{"logGroupName": "audit", "retentionInDays": 365})
	w.want(int64(365), do("logs:DescribeLogGroups", m{"logGroupNamePrefix": "audit"}), "logGroups", 0, "retentionInDays")
	do("logs:PutMetricFilter", m{"logGroupName": "audit", "filterName": "root", "filterPattern": `{ $.userIdentity.type = "Root" }`,
		"metricTransformations": []any{m{"metricName": "Root", "metricNamespace": "CIS", "metricValue": "1"}}})
	w.want("root", do("logs:DescribeMetricFilters", m{"logGroupName": "audit"}), "metricFilters", 0, "filterName")
	do("logs:DeleteLogGroup", m{"logGroupName": "audit"})
	topic := in(do("sns:CreateTopic", m{"Name": "wakeup"}), "TopicArn")
	do("sns:SetTopicAttributes", m{"TopicArn": topic, "AttributeName": "DisplayName", "AttributeValue": "Wake"})
	w.want("Wake", do("sns:GetTopicAttributes", m{"TopicArn": topic}), "Attributes", "DisplayName")
	do("sns:DeleteTopic", m{"TopicArn": topic})
	queue := in(do("sqs:CreateQueue", m{"QueueName": "inbox"}), "QueueUrl")
	do("sqs:SetQueueAttributes", m{"QueueUrl": queue, "Attributes": m{"VisibilityTimeout": "60"}})
	w.want("60", do("sqs:GetQueueAttributes", m{"QueueUrl": queue, "AttributeNames": []any{"All"}}), "Attributes", "VisibilityTimeout")
	do("sqs:DeleteQueue", m{"QueueUrl": queue})
	do("events:PutRule", m{"Name": "night", "EventPattern": `{"source":["aws.signin"]}`})
	do("events:PutTargets", m{"Rule": "night", "Targets": []any{m{"Id": "1", "Arn": topic}}})
	w.want(topic, do("events:ListTargetsByRule", m{"Rule": "night"}), "Targets", 0, "Arn")
	do("events:RemoveTargets", m{"Rule": "night", "Ids": []any{"1"}})
	do("events:DeleteRule", m{"Name": "night"})
}

func (w *world) motoOrganization(me rootkeep.AccountID) {
	do := func(operation string, with m) m { w.t.Helper(); return w.at(me, operation, with) }
	root := in(do("organizations:ListRoots", nil), "Roots", 0, "Id")
	deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:CreateUser","Resource":"*"}]}`
	policy := in(do("organizations:CreatePolicy", m{"Name": "no-users", "Description": "none", "Type": "SERVICE_CONTROL_POLICY", "Content": deny}), "Policy", "PolicySummary", "Id")
	do("organizations:AttachPolicy", m{"PolicyId": policy, "TargetId": root})
	w.want(deny, do("organizations:DescribePolicy", m{"PolicyId": policy}), "Policy", "Content")
	do("organizations:DetachPolicy", m{"PolicyId": policy, "TargetId": root})
	do("organizations:DeletePolicy", m{"PolicyId": policy})
	if r := w.refusedAt(me, "organizations:DescribePolicy", m{"PolicyId": policy}); r.Code != "PolicyNotFoundException" {
		w.t.Errorf("got %+v", r)
	}
}
