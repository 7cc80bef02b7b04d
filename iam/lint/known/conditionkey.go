package known

import (
	"strings"
)

// NeedsTagKey says whether a condition key lacks the tag's name.
func NeedsTagKey(lower string) bool {
	switch strings.TrimSuffix(lower, "/") {
	case "aws:resourcetag", "aws:requesttag", "aws:principaltag", "ec2:resourcetag", "iam:resourcetag", "ssm:resourcetag",
		"secretsmanager:resourcetag", "s3:existingobjecttag", "s3:requestobjecttag", "ecr:resourcetag", "ecs:resourcetag":
		return true
	}
	return false
}

// DocumentedKey says whether AWS documents a condition key outside the table.
func DocumentedKey(lower string) bool {
	for _, p := range []string{"aws:principaltag/", "aws:requesttag/", "aws:resourcetag/", "secretsmanager:resourcetag/", "saml:", "sdb:"} {
		if strings.HasPrefix(lower, p) && len(lower) > len(p) {
			return true
		}
	}
	switch lower {
	case "aws:sourceowner", "aws:principalorgmasteraccountid":
		return true
	}
	return false
}

// Sensitive says whether a key keeps strangers out and has no use for patterns
// (IAM User Guide, "AWS global condition context keys", "Sensitive condition keys").
func Sensitive(lower string) bool {
	switch lower {
	case "aws:principalaccount", "aws:principalorgid", "aws:resourceaccount", "aws:resourceorgid", "aws:sourceaccount",
		"aws:sourceorgid", "aws:sourcevpc", "aws:sourcevpce", "aws:vpceaccount", "aws:vpceorgid":
		return true
	}
	return false
}

// Prefixed says whether a pattern for the key needs a beginning: an organization's
// id, or what stands before the variable part of an ARN.
func Prefixed(lower string) bool {
	switch lower {
	case "aws:principalorgpaths", "aws:sourceorgpaths", "aws:resourceorgpaths", "aws:vpceorgpaths":
		return true
	}
	return false
}

// EndpointService says whether a service sends the keys about the owner of a VPC
// endpoint (the same page, "aws:VpceAccount").
func EndpointService(prefix string) bool { return strings.Contains(endpointServices, " "+prefix+" ") }

const endpointServices = " apprunner discovery athena servicediscovery applicationinsights cloudformation comprehendmedical compute-optimizer " +
	"ecr ecs kinesisanalytics route53 datasync dynamodb ebs scheduler firehose gamelift medical-imaging healthlake omics iam iotfleetwise " +
	"iotwireless kms lambda payment-cryptography polly acm-pca rbin rekognition servicequotas s3 shield storagegateway ssm-contacts " +
	"textract transcribe transfer "

// NotSentByServices says whether a key is about an IAM principal, so that a call by
// a service principal does not carry it.
func NotSentByServices(lower string) bool {
	switch lower {
	case "aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn", "aws:principaltype", "aws:username",
		"aws:userid", "aws:multifactorauthpresent", "aws:multifactorauthage", "aws:tokenissuetime", "aws:federatedprovider":
		return true
	}
	return strings.HasPrefix(lower, "aws:principaltag/")
}

// RunsWithRoles says whether resources of the service run a caller's code with a role
// (reference: the escalation techniques of update rather than of creation).
func RunsWithRoles(service string) bool {
	switch service {
	case "lambda", "ec2", "cloudformation", "ecs", "glue", "codebuild", "ssm", "sagemaker", "datapipeline", "elasticmapreduce":
		return true
	}
	return false
}

// TiesRequest says whether a condition key, in lower case, says who may ask: an
// account, an organization, a network, a principal, a claim of an identity provider.
func TiesRequest(lower string) bool {
	switch lower {
	case "aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn", "aws:sourcearn", "aws:sourceaccount",
		"aws:sourceorgid", "aws:sourceorgpaths", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn", "aws:vpceaccount", "aws:vpceorgid",
		"aws:vpceorgpaths", "aws:sourceip", "aws:userid", "aws:username", "aws:sourceowner", "kms:calleraccount", "sts:externalid",
		"s3:dataaccesspointaccount", "s3:dataaccesspointarn", "aws:principalservicename", "lambda:functionurlauthtype", "aws:principaltype":
		return true
	}
	return strings.HasPrefix(lower, "aws:principaltag/") || strings.Contains(lower, ".")
}

// ExampleAccount says whether AWS's documentation uses the account as an example.
func ExampleAccount(account string) bool {
	switch account {
	case "123456789012", "111122223333", "444455556666", "777788889999", "111111111111", "222222222222", "333333333333",
		"000000000000", "999999999999", "012345678901", "123456789010":
		return true
	}
	return false
}

// AccountWord says whether text stands where an account's number belongs and is a word
// for one, such as ACCOUNT-ID or <account>.
func AccountWord(text string) bool {
	lower := strings.ToLower(text)
	word := strings.Contains(lower, "account") || strings.Contains(lower, "xxxx") || strings.ContainsAny(text, "<>[]")
	return word && !strings.Contains(text, "${")
}
