package trail

import (
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/kms"
)

// checkKey looks whether CloudTrail may encrypt with the key, and gives its ARN, which
// is what CloudTrail shows.
//
// Source: CloudTrail User Guide, "Configure AWS KMS key policies for CloudTrail";
// CloudTrail API Reference, UpdateTrail, "Errors".
func checkKey(c *cloud.Call, next trailShape) (arn string, err error) {
	keys := map[string][]string{"aws:SourceArn": {next.TrailARN}, "kms:EncryptionContext:aws:cloudtrail:arn": {next.TrailARN}}
	arn, state, may := kms.ServiceMay(c, service, next.KmsKeyId, "kms:GenerateDataKey", keys)
	switch {
	case arn == "":
		return "", cloud.Fail("KmsKeyNotFoundException", 400, "KMS key %s was not found, or is not in the Region of the bucket.", next.KmsKeyId)
	case state != "Enabled":
		return "", cloud.Fail("KmsException", 400, "KMS key %s is %s.", arn, state)
	case !may:
		return "", cloud.Fail("InsufficientEncryptionPolicyException", 400, "Insufficient permissions to access S3 bucket %s or KMS key %s.", next.S3BucketName, arn)
	}
	return arn, nil
}
