package awswrite

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awsread/ec2"
	"github.com/rootkeep/rootkeep/internal/awsread/invoke"
)

// logging are the operations of CloudTrail. A trail that writes to a log group needs
// iam:PassRole as well. Source: AWS CloudTrail API Reference, version 2013-11-01.
func logging() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(cloudtrail.NewFromConfig, (*cloudtrail.Client).CreateTrail),
		invoke.Op(cloudtrail.NewFromConfig, (*cloudtrail.Client).UpdateTrail),
		invoke.Op(cloudtrail.NewFromConfig, (*cloudtrail.Client).DeleteTrail),
		invoke.Op(cloudtrail.NewFromConfig, (*cloudtrail.Client).StartLogging),
		invoke.Op(cloudtrail.NewFromConfig, (*cloudtrail.Client).StopLogging),
		invoke.Op(cloudtrail.NewFromConfig, (*cloudtrail.Client).PutEventSelectors),
		invoke.Op(cloudtrail.NewFromConfig, (*cloudtrail.Client).PutInsightSelectors),
	}
}

// buckets are the operations of S3 on buckets and on the account, whose actions are not
// called as the operations are. Source: Service Authorization Reference, "Amazon S3";
// Amazon S3 User Guide, "Required permissions for Amazon S3 API operations".
func buckets() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(s3.NewFromConfig, (*s3.Client).CreateBucket),
		invoke.Op(s3.NewFromConfig, (*s3.Client).DeleteBucket),
		invoke.Op(s3.NewFromConfig, (*s3.Client).PutBucketPolicy),
		invoke.Op(s3.NewFromConfig, (*s3.Client).DeleteBucketPolicy),
		invoke.Op(s3.NewFromConfig, (*s3.Client).PutPublicAccessBlock, invoke.By("s3:PutBucketPublicAccessBlock")),
		invoke.Op(s3.NewFromConfig, (*s3.Client).DeletePublicAccessBlock, invoke.By("s3:PutBucketPublicAccessBlock")),
		invoke.Op(s3.NewFromConfig, (*s3.Client).PutBucketVersioning),
		invoke.Op(s3.NewFromConfig, (*s3.Client).PutBucketEncryption, invoke.By("s3:PutEncryptionConfiguration")),
		invoke.Op(s3.NewFromConfig, (*s3.Client).PutObjectLockConfiguration, invoke.By("s3:PutBucketObjectLockConfiguration")),
		invoke.Op(s3.NewFromConfig, (*s3.Client).PutBucketLogging),
		invoke.Op(s3.NewFromConfig, (*s3.Client).PutBucketNotificationConfiguration, invoke.By("s3:PutBucketNotification")),
		invoke.Op(s3.NewFromConfig, (*s3.Client).PutBucketLifecycleConfiguration, invoke.By("s3:PutLifecycleConfiguration")),
		invoke.Op(s3.NewFromConfig, (*s3.Client).DeleteBucketLifecycle, invoke.By("s3:PutLifecycleConfiguration")),
		invoke.Op(s3.NewFromConfig, (*s3.Client).PutBucketOwnershipControls),
		invoke.Op(call.Control, (*s3control.Client).PutPublicAccessBlock, invoke.By("s3:PutAccountPublicAccessBlock")),
		invoke.Op(call.Control, (*s3control.Client).DeletePublicAccessBlock, invoke.By("s3:PutAccountPublicAccessBlock")),
	}
}

// keys are the operations of KMS, of the rotation of secrets, and of the encryption of new
// volumes. Source: AWS KMS API Reference, version 2014-11-01; AWS Secrets Manager API
// Reference, version 2017-10-17; Amazon EC2 API Reference, version 2016-11-15.
func keys() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(kms.NewFromConfig, (*kms.Client).CreateKey),
		invoke.Op(kms.NewFromConfig, (*kms.Client).PutKeyPolicy),
		invoke.Op(kms.NewFromConfig, (*kms.Client).EnableKey),
		invoke.Op(kms.NewFromConfig, (*kms.Client).EnableKeyRotation),
		invoke.Op(kms.NewFromConfig, (*kms.Client).DisableKeyRotation),
		invoke.Op(kms.NewFromConfig, (*kms.Client).CreateAlias),
		invoke.Op(kms.NewFromConfig, (*kms.Client).DeleteAlias),
		invoke.Op(kms.NewFromConfig, (*kms.Client).ScheduleKeyDeletion),
		invoke.Op(kms.NewFromConfig, (*kms.Client).CancelKeyDeletion),
		invoke.Op(secretsmanager.NewFromConfig, (*secretsmanager.Client).RotateSecret),
		invoke.Op(secretsmanager.NewFromConfig, (*secretsmanager.Client).CancelRotateSecret),
		volumes("EnableEbsEncryptionByDefault"),
		volumes("DisableEbsEncryptionByDefault"),
	}
}

func volumes(operation string) invoke.Operation {
	return invoke.Own("ec2:"+operation, func(ctx context.Context, p *call.Place) (*ec2.Encryption, error) { return ec2.Ask(ctx, p, operation) })
}
