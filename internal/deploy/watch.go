package deploy

import (
	"fmt"
	"strings"
)

// Watched is an event that the CIS benchmark wants an alarm for (CIS AWS Foundations
// Benchmark 7.0, 5.1 to 5.15).
type Watched struct {
	Control string // that proves the alarm, such as MF-03
	Name    string
	About   string
	Pattern string // of a metric filter
	// Thresholds are the sums at which alarms fire, 1 among them.
	Thresholds []int
}

// Watches are all of them. Console sign-ins that fail have three alarms: every one, and,
// for who has no rootkeep watching, the guide's five and ten in one period. Windows by
// the clock may split a burst, so that these two are no more than that.
func Watches() []Watched {
	each := []int{1}
	return []Watched{
		{"MF-01", "unauthorized-calls", "calls that were not allowed", `{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }`, each},
		{"MF-02", "signin-without-mfa", "console sign-ins without MFA",
			`{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && ($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }`, each},
		{"MF-03", "root-use", "every use of the root user",
			`{ ($.userIdentity.type = "Root") && ($.userIdentity.invokedBy NOT EXISTS) && ($.eventType != "AwsServiceEvent") }`, each},
		{"MF-04", "iam-policy-change", "changes of IAM policies", calls("iam",
			"DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy", "PutGroupPolicy", "PutRolePolicy", "PutUserPolicy", "CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion",
			"AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy", "DetachUserPolicy", "AttachGroupPolicy", "DetachGroupPolicy"), each},
		{"MF-05", "trail-change", "changes of CloudTrail", calls("cloudtrail", "CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"), each},
		{"MF-06", "signin-failure", "console sign-ins that failed", `{ ($.eventName = "ConsoleLogin") && ($.errorMessage = "Failed authentication") }`, []int{1, 5, 10}},
		{"MF-07", "key-disabled", "KMS keys that are disabled or to be deleted", calls("kms", "DisableKey", "ScheduleKeyDeletion"), each},
		{"MF-08", "bucket-policy-change", "changes of who may use an S3 bucket", calls("s3",
			"PutBucketAcl", "PutBucketPolicy", "PutBucketCors", "PutBucketLifecycle", "PutBucketReplication", "DeleteBucketPolicy", "DeleteBucketCors", "DeleteBucketLifecycle", "DeleteBucketReplication"), each},
		{"MF-09", "config-change", "changes of AWS Config", calls("config", "StopConfigurationRecorder", "DeleteDeliveryChannel", "PutDeliveryChannel", "PutConfigurationRecorder"), each},
		{"MF-10", "security-group-change", "changes of security groups", calls("ec2",
			"AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress", "CreateSecurityGroup", "DeleteSecurityGroup"), each},
		{"MF-11", "network-acl-change", "changes of network ACLs", calls("ec2",
			"CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl", "DeleteNetworkAclEntry", "ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation"), each},
		{"MF-12", "gateway-change", "changes of network gateways", calls("ec2",
			"CreateCustomerGateway", "DeleteCustomerGateway", "AttachInternetGateway", "CreateInternetGateway", "DeleteInternetGateway", "DetachInternetGateway"), each},
		{"MF-13", "route-table-change", "changes of route tables", calls("ec2",
			"CreateRoute", "CreateRouteTable", "ReplaceRoute", "ReplaceRouteTableAssociation", "DeleteRouteTable", "DeleteRoute", "DisassociateRouteTable"), each},
		{"MF-14", "vpc-change", "changes of VPCs", calls("ec2",
			"CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "AcceptVpcPeeringConnection", "CreateVpcPeeringConnection", "DeleteVpcPeeringConnection", "RejectVpcPeeringConnection",
			"AttachClassicLinkVpc", "DetachClassicLinkVpc", "DisableVpcClassicLink", "EnableVpcClassicLink"), each},
		{"MF-15", "organization-change", "changes of the organization", calls("organizations",
			"AcceptHandshake", "AttachPolicy", "CreateAccount", "CreateOrganizationalUnit", "CreatePolicy", "DeclineHandshake", "DeleteOrganization", "DeleteOrganizationalUnit", "DeletePolicy",
			"DetachPolicy", "DisablePolicyType", "EnablePolicyType", "InviteAccountToOrganization", "LeaveOrganization", "MoveAccount", "RemoveAccountFromOrganization", "UpdatePolicy",
			"UpdateOrganizationalUnit"), each},
	}
}

// calls is the pattern for calls of a service.
func calls(service string, names ...string) string {
	var any []string
	for _, n := range names {
		any = append(any, "($.eventName = "+n+")")
	}
	return fmt.Sprintf(`{ ($.eventSource = "%s.amazonaws.com") && (%s) }`, service, strings.Join(any, " || "))
}

// rootRules are the patterns of EventBridge for the root user where it signs in. A
// service that acts in root's name is left out.
//
// Source: Amazon EventBridge User Guide, "AWS service events delivered via AWS
// CloudTrail".
func rootRules() []EventRule {
	root := Member{"userIdentity", Object{{"type", List{"Root"}}}}
	direct := Member{"userIdentity", Object{{"type", List{"Root"}}, {"invokedBy", List{Object{{"exists", false}}}}}}
	return []EventRule{
		{Common: Common{"RootSignInRule", Events}, Name: "root-signin", About: "Sign-ins of the root user and attempts", Reads: true,
			Pattern: Object{{"detail-type", List{"AWS Console Sign In via CloudTrail"}}, {"detail", Object{root}}}},
		{Common: Common{"RootCallRule", Events}, Name: "root-call", About: "Calls of the root user in this Region and of global services", Reads: true,
			Pattern: Object{{"detail-type", List{"AWS API Call via CloudTrail"}}, {"detail", Object{direct, {"eventType", List{Object{{"anything-but", List{"AwsServiceEvent"}}}}}}}}},
	}
}

// rootQueueRule is both rules in one, for a queue: what comes to it is read by rootkeep,
// which tells a sign-in from a call.
func rootQueueRule() EventRule {
	direct := Member{"userIdentity", Object{{"type", List{"Root"}}, {"invokedBy", List{Object{{"exists", false}}}}}}
	return EventRule{Common: Common{"RootQueueRule", Queue}, Name: "root-queue", About: "Sign-ins and calls of the root user, for rootkeep to read", Reads: true, Pattern: Object{
		{"detail-type", List{"AWS Console Sign In via CloudTrail", "AWS API Call via CloudTrail"}},
		{"detail", Object{direct, {"eventType", List{Object{{"anything-but", List{"AwsServiceEvent"}}}}}}},
	}}
}

// findingRule tells of GuardDuty's findings about the root user, which it rates low, so
// that no floor of severity may hide them.
//
// Source: Amazon GuardDuty User Guide, "IAM finding types".
func findingRule() EventRule {
	return EventRule{Common: Common{"RootFindingRule", Events}, Name: "root-finding", About: "GuardDuty findings about the root user", Pattern: Object{
		{"source", List{"aws.guardduty"}}, {"detail-type", List{"GuardDuty Finding"}},
		{"detail", Object{{"type", List{"Policy:IAMUser/RootCredentialUsage", "Policy:IAMUser/ShortTermRootCredentialUsage"}}}},
	}}
}

// findingRules bring findings to a queue: all of GuardDuty; of Security Hub those that are
// at least medium or about root, and every one that is over, so that its alert ends. What
// rootkeep itself sent does not come back.
//
// Source: AWS Security Hub User Guide, "EventBridge event formats for Security Hub CSPM".
func findingRules() []EventRule {
	finding := Object{{"ProductName", List{Object{{"anything-but", List{"rootkeep"}}}}}, {"$or", List{
		Object{{"Severity", Object{{"Label", List{"MEDIUM", "HIGH", "CRITICAL"}}}}},
		Object{{"Types", List{Object{{"suffix", "RootCredentialUsage"}}}}},
		Object{{"RecordState", List{"ARCHIVED"}}},
		Object{{"Workflow", Object{{"Status", List{"RESOLVED", "SUPPRESSED"}}}}},
		Object{{"Compliance", Object{{"Status", List{"PASSED"}}}}},
	}}}
	return []EventRule{
		{Common: Common{"GuardDutyQueueRule", Findings}, Name: "guardduty-queue", About: "Findings of GuardDuty, for rootkeep to read", Pattern: Object{
			{"source", List{"aws.guardduty"}}, {"detail-type", List{"GuardDuty Finding"}}}},
		{Common: Common{"HubQueueRule", Findings}, Name: "securityhub-queue", About: "Findings of Security Hub, for rootkeep to read", Pattern: Object{
			{"source", List{"aws.securityhub"}}, {"detail-type", List{"Security Hub Findings - Imported"}}, {"detail", Object{{"findings", finding}}}}},
	}
}
