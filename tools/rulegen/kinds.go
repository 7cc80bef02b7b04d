package main

import (
	"fmt"
	"math/rand/v2"
)

func one(r *rand.Rand, list ...string) string { return list[r.IntN(len(list))] }

// source is a service; half of the rules are about the services that record most.
func source(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		return one(r, "iam", "ec2", "s3", "kms", "sts", "lambda", "rds", "cloudtrail", "guardduty", "config")
	}
	return one(r, "ecs", "ecr", "eks", "logs", "monitoring", "ssm", "secretsmanager", "organizations", "sns", "sqs", "dynamodb", "route53",
		"cloudfront", "cloudformation", "glue", "athena", "redshift", "elasticache", "macie2", "securityhub", "wafv2", "sso", "backup", "workspaces")
}

// call is the name of a call as AWS builds them: a verb and a thing.
func call(r *rand.Rand) string {
	verb := one(r, "Create", "Delete", "Update", "Put", "Modify", "Attach", "Detach", "Enable", "Disable", "Get", "List", "Describe", "Start", "Stop", "Associate", "Disassociate")
	thing := one(r, "Policy", "Role", "User", "Instance", "Bucket", "Key", "Snapshot", "Cluster", "Table", "Function", "Detector", "Trail", "Alarm", "Subscription",
		"SecurityGroup", "Endpoint", "Certificate", "Domain", "Queue", "Topic", "Stack", "Permission", "Grant", "Alias", "Version", "Tag", "Rule", "Target", "Stream", "Image")
	return verb + thing
}

// busy is one of the calls that a fleet makes all day, with a parameter of it.
func busy(r *rand.Rand) (source, name, parameter, text string) {
	list := [][4]string{
		{"kms", "Decrypt", "keyId", "key/0"}, {"kms", "GenerateDataKey", "keySpec", "RSA"}, {"sts", "AssumeRole", "roleArn", "role/Admin"},
		{"ssm", "UpdateInstanceInformation", "platformName", "Windows"}, {"ec2", "DescribeInstances", "filterSet", "tag:owner"},
		{"logs", "CreateLogStream", "logGroupName", "/vpn/"}, {"secretsmanager", "GetSecretValue", "secretId", "/root/"},
		{"ecr", "BatchGetImage", "repositoryName", "external/"}, {"dynamodb", "DescribeTable", "tableName", "-vault-"},
	}
	b := list[r.IntN(len(list))]
	return b[0], b[1], b[2], b[3]
}

func agent(r *rand.Rand) string {
	return fmt.Sprintf("%s/%d.", one(r, "pacu", "cloudsplaining", "ScoutSuite", "prowler", "kube-hunter", "rclone", "s3cmd", "cyberduck", "steampipe", "nuclei"), r.IntN(40))
}

func pinned(r *rand.Rand) string {
	return fmt.Sprintf(`  selection:
    eventSource: %s.amazonaws.com
    eventName: %s
  condition: selection
`, source(r), call(r))
}

func succeeded(r *rand.Rand) string {
	return fmt.Sprintf(`  selection:
    eventSource: %s.amazonaws.com
    eventName: %s
    errorCode: null
  condition: selection
`, source(r), call(r))
}

func byTool(r *rand.Rand) string {
	return fmt.Sprintf(`  selection:
    eventSource: %s.amazonaws.com
    eventName: %s
    userAgent|contains: %s
  condition: selection
`, source(r), call(r), agent(r))
}

func byParameter(r *rand.Rand) string {
	source, name, parameter, text := busy(r)
	return fmt.Sprintf(`  selection:
    eventSource: %s.amazonaws.com
    eventName: %s
    requestParameters.%s|contains: '%s%d'
  condition: selection
`, source, name, parameter, text, r.IntN(1000))
}

func byStranger(r *rand.Rand) string {
	source, name, _, _ := busy(r)
	return fmt.Sprintf(`  selection:
    eventSource: %s.amazonaws.com
    eventName: %s
    userIdentity.type: %s
  known:
    userIdentity.arn|contains: '%s-%d'
  condition: selection and not known
`, source, name, one(r, "FederatedUser", "SAMLUser", "AWSAccount", "Unknown"), one(r, "deploy", "scanner", "backup"), r.IntN(100))
}

func tool(r *rand.Rand) string {
	return fmt.Sprintf(`  selection:
    userAgent|contains: %s
  condition: selection
`, agent(r))
}

func byPattern(r *rand.Rand) string {
	return fmt.Sprintf(`  selection:
    userIdentity.arn|re: '^arn:aws:sts::[0-9]{12}:assumed-role/%s-[a-z]+-%d/.*'
  condition: selection
`, one(r, "vendor", "contractor", "audit", "legacy"), r.IntN(1000))
}

func byAddress(r *rand.Rand) string {
	return fmt.Sprintf(`  selection:
    sourceIPAddress|startswith: '203.0.113.%d'
  condition: selection
`, 100+r.IntN(150))
}

func family(r *rand.Rand) string {
	return fmt.Sprintf(`  selection:
    eventName|startswith: %s%s
  condition: selection
`, one(r, "Purge", "Evict", "Reset", "Revoke", "Export", "Transfer"), one(r, "Domain", "Backup", "Vault", "Ledger", "Fleet", "Theme", "Studio"))
}

func rootIn(r *rand.Rand) string {
	return fmt.Sprintf(`  selection:
    userIdentity.type: Root
    eventSource: %s.amazonaws.com
  condition: selection
`, source(r))
}
