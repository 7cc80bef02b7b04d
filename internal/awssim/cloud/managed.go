package cloud

import (
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// managed are the AWS managed policies that the simulator knows, by ARN. Those that
// allow everything are as AWS has them; the others are shorter texts of our own with
// the same intent. The root task policies deny all but the actions that AWS lists for
// the task (IAM User Guide, "AWS managed policies for AssumeRoot").
var managed = sync.OnceValue(func() map[string]*Policy {
	out := map[string]*Policy{}
	add := func(path, name string, statements ...statement) {
		text, err := json.Marshal(document{"2012-10-17", statements})
		if err != nil {
			panic(err) // strings always marshal
		}
		born := time.Date(2015, 2, 6, 18, 0, 0, 0, time.UTC)
		p := &Policy{Name: name, Path: path, ARN: "arn:aws:iam::aws:policy" + path + name, Created: born, Updated: born, Made: 1}
		p.ID = "ANPA" + strings.ToUpper((strings.ReplaceAll(strings.ReplaceAll(name, "-", ""), "_", "") + "AAAAAAAAAAAAAAAAA")[:17])
		p.Versions = []Version{{ID: "v1", Document: string(text), Default: true, Created: born}}
		out[p.ARN] = p
	}
	allow := func(actions ...string) statement { return statement{Effect: "Allow", Action: actions, Resource: "*"} }
	add("/", "AdministratorAccess", allow("*"))
	add("/", "IAMFullAccess", allow("iam:*", "organizations:Describe*", "organizations:List*"))
	add("/", "PowerUserAccess", statement{Effect: "Allow", NotAction: []string{"iam:*", "organizations:*", "account:*"}, Resource: "*"},
		allow("iam:CreateServiceLinkedRole", "iam:ListRoles", "organizations:DescribeOrganization", "account:ListRegions"))
	add("/", "ReadOnlyAccess", allow(append(reads(), "s3:GetObject", "s3:ListBucket")...))
	add("/", "SecurityAudit", allow(reads()...))
	add("/", "AWSCloudShellFullAccess", allow("cloudshell:*"))
	add("/", "AWSSupportAccess", allow("support:*"))
	add("/", "IAMUserChangePassword", allow("iam:ChangePassword", "iam:GetAccountPasswordPolicy"))
	add("/service-role/", "AWS_ConfigRole", allow("config:Put*", "iam:List*", "iam:Get*", "s3:GetBucket*"))
	for name, actions := range rootTasks {
		add("/root-task/", name, statement{Effect: "Deny", NotAction: actions, Resource: "*"})
	}
	return out
})

type document struct {
	Version   string
	Statement []statement
}

type statement struct {
	Effect    string
	Action    []string `json:",omitempty"`
	NotAction []string `json:",omitempty"`
	Resource  string
}

// reads are the actions that read the settings of an account, and no data.
func reads() []string {
	return []string{
		"access-analyzer:Get*", "access-analyzer:List*", "account:Get*", "account:List*", "cloudtrail:Describe*", "cloudtrail:Get*", "cloudtrail:List*",
		"cloudtrail:LookupEvents", "cloudwatch:Describe*", "cloudwatch:List*", "cloudwatch:GetMetric*", "config:Describe*", "config:Get*", "config:List*",
		"ec2:Describe*", "ec2:Get*", "events:Describe*", "events:List*", "guardduty:Get*", "guardduty:List*", "guardduty:Describe*", "iam:Generate*", "iam:Get*",
		"iam:List*", "iam:Simulate*", "kms:Describe*", "kms:GetKey*", "kms:List*", "logs:Describe*", "logs:List*", "organizations:Describe*", "organizations:List*",
		"s3:GetAccountPublicAccessBlock", "s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:ListAllMyBuckets",
		"secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy", "secretsmanager:ListSecret*", "securityhub:Describe*", "securityhub:Get*",
		"securityhub:List*", "sns:Get*", "sns:List*", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueue*", "sts:GetAccessKeyInfo", "sts:GetCallerIdentity",
	}
}

// rootTasks are the actions that each task of sts:AssumeRoot may use.
var rootTasks = map[string][]string{
	"IAMAuditRootUserCredentials": {
		"iam:ListAccessKeys", "iam:ListSigningCertificates", "iam:GetLoginProfile", "iam:ListMFADevices", "iam:GetAccountSummary", "iam:GetUser", "iam:GetAccessKeyLastUsed",
	},
	"IAMDeleteRootUserCredentials": {
		"iam:ListAccessKeys", "iam:ListSigningCertificates", "iam:GetLoginProfile", "iam:ListMFADevices", "iam:GetUser", "iam:GetAccessKeyLastUsed",
		"iam:DeleteAccessKey", "iam:DeleteSigningCertificate", "iam:DeleteLoginProfile", "iam:DeactivateMFADevice", "iam:DeleteVirtualMFADevice",
	},
	"IAMCreateRootUserPassword": {"iam:CreateLoginProfile", "iam:GetLoginProfile"},
	"S3UnlockBucketPolicy":      {"s3:DeleteBucketPolicy", "s3:PutBucketPolicy", "s3:GetBucketPolicy", "s3:ListAllMyBuckets"},
	"SQSUnlockQueuePolicy":      {"sqs:SetQueueAttributes", "sqs:GetQueueAttributes", "sqs:ListQueues", "sqs:GetQueueUrl"},
}

// RootTask finds the ceiling of a task policy of sts:AssumeRoot by its ARN, and whether
// it belongs to the feature RootSessions rather than RootCredentialsManagement.
func RootTask(arn string) (policy Text, sessions, ok bool) {
	name, ok := strings.CutPrefix(arn, "arn:aws:iam::aws:policy/root-task/")
	p := managed()[arn]
	if !ok || p == nil {
		return Text{}, false, false
	}
	return Text{arn, p.Default().Document}, strings.HasSuffix(name, "Policy"), true
}
