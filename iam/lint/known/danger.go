package known

// RemovesEvidence is the action of a service that removes logs or stops detection,
// empty if there is none.
func RemovesEvidence(service string) string {
	switch service {
	case "access-analyzer":
		return "access-analyzer:DeleteAnalyzer"
	case "cloudtrail":
		return "cloudtrail:StopLogging"
	case "config":
		return "config:StopConfigurationRecorder"
	case "ec2":
		return "ec2:DeleteFlowLogs"
	case "guardduty":
		return "guardduty:DeleteDetector"
	case "logs":
		return "logs:DeleteLogGroup"
	case "s3":
		return "s3:DeleteObject"
	case "securityhub":
		return "securityhub:DisableSecurityHub"
	}
	return ""
}

// ChangesIdentities are the actions that make a user or role that is there into
// another one, which whoever denies making them also means.
func ChangesIdentities() []string {
	return []string{
		"iam:AttachRolePolicy", "iam:AttachUserPolicy", "iam:CreateAccessKey", "iam:CreatePolicyVersion",
		"iam:PutRolePolicy", "iam:PutUserPolicy", "iam:UpdateAssumeRolePolicy", "iam:UpdateLoginProfile",
	}
}
