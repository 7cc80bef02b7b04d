// Package managed holds the AWS managed policies that the simulator knows.
package managed

import (
	"encoding/json"
	"maps"
	"slices"
)

// Policy is one policy of AWS.
type Policy struct {
	Path, Name string
	Document   string
}

// Tasks is the path of the task policies of sts:AssumeRoot.
const Tasks = "/root-task/"

// Policies are the policies in a fixed order. Those that allow everything are as AWS has
// them; the others are shorter texts of our own with the same intent. The root task
// policies deny all but the actions that AWS lists for the task (IAM User Guide, "AWS
// managed policies for AssumeRoot").
func Policies() []Policy {
	var out []Policy
	add := func(path, name string, statements ...statement) {
		text, err := json.Marshal(document{"2012-10-17", statements})
		if err != nil {
			panic(err) // strings always marshal
		}
		out = append(out, Policy{path, name, string(text)})
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
	for _, name := range slices.Sorted(maps.Keys(rootTasks)) {
		add(Tasks, name, statement{Effect: "Deny", NotAction: rootTasks[name], Resource: "*"})
	}
	return out
}

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
		"secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy", "secretsmanager:ListSecret*", "securityhub:BatchGet*", "securityhub:Describe*", "securityhub:Get*",
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
