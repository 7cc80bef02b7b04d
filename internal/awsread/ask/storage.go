package ask

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

// logging are what CloudTrail is asked. Source: AWS CloudTrail API Reference, version
// 2013-11-01.
func logging() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(cloudtrail.NewFromConfig, (*cloudtrail.Client).DescribeTrails),
		invoke.Op(cloudtrail.NewFromConfig, (*cloudtrail.Client).ListTrails),
		invoke.Op(cloudtrail.NewFromConfig, (*cloudtrail.Client).GetTrail),
		invoke.Op(cloudtrail.NewFromConfig, (*cloudtrail.Client).GetTrailStatus),
		invoke.Op(cloudtrail.NewFromConfig, (*cloudtrail.Client).GetEventSelectors),
		invoke.Op(cloudtrail.NewFromConfig, (*cloudtrail.Client).GetInsightSelectors),
	}
}

// buckets are what S3 is asked of buckets and of the account. Without a limit S3 does not
// say where buckets are. Source: Service Authorization Reference, "Amazon S3"; Amazon S3
// User Guide, "Required permissions for Amazon S3 API operations".
func buckets() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(s3.NewFromConfig, (*s3.Client).ListBuckets, invoke.By("s3:ListAllMyBuckets"), invoke.Preset("MaxBuckets", 1000)),
		invoke.Op(s3.NewFromConfig, (*s3.Client).HeadBucket, invoke.By("s3:ListBucket")),
		invoke.Op(s3.NewFromConfig, (*s3.Client).GetBucketLocation),
		invoke.Op(s3.NewFromConfig, (*s3.Client).GetBucketPolicy),
		invoke.Op(s3.NewFromConfig, (*s3.Client).GetBucketPolicyStatus),
		invoke.Op(s3.NewFromConfig, (*s3.Client).GetPublicAccessBlock, invoke.By("s3:GetBucketPublicAccessBlock")),
		invoke.Op(s3.NewFromConfig, (*s3.Client).GetBucketVersioning),
		invoke.Op(s3.NewFromConfig, (*s3.Client).GetBucketLogging),
		invoke.Op(s3.NewFromConfig, (*s3.Client).GetBucketNotificationConfiguration, invoke.By("s3:GetBucketNotification")),
		invoke.Op(s3.NewFromConfig, (*s3.Client).GetBucketEncryption, invoke.By("s3:GetEncryptionConfiguration")),
		invoke.Op(s3.NewFromConfig, (*s3.Client).GetObjectLockConfiguration, invoke.By("s3:GetBucketObjectLockConfiguration")),
		invoke.Op(s3.NewFromConfig, (*s3.Client).GetBucketLifecycleConfiguration, invoke.By("s3:GetLifecycleConfiguration")),
		invoke.Op(s3.NewFromConfig, (*s3.Client).GetBucketOwnershipControls),
		invoke.Op(s3.NewFromConfig, (*s3.Client).GetBucketAcl),
		invoke.Op(s3.NewFromConfig, (*s3.Client).GetBucketTagging),
		invoke.Op(call.Control, (*s3control.Client).GetPublicAccessBlock, invoke.By("s3:GetAccountPublicAccessBlock")),
	}
}

// keys are what KMS is asked, Secrets Manager of all but values, and EC2 of the encryption
// of new volumes. Source: AWS KMS API Reference, version 2014-11-01; AWS Secrets Manager
// API Reference, version 2017-10-17; Amazon EC2 API Reference, version 2016-11-15.
func keys() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(kms.NewFromConfig, (*kms.Client).DescribeKey),
		invoke.Op(kms.NewFromConfig, (*kms.Client).ListKeys),
		invoke.Op(kms.NewFromConfig, (*kms.Client).ListAliases),
		invoke.Op(kms.NewFromConfig, (*kms.Client).GetKeyPolicy),
		invoke.Op(kms.NewFromConfig, (*kms.Client).GetKeyRotationStatus),
		invoke.Op(kms.NewFromConfig, (*kms.Client).ListResourceTags),
		invoke.Op(secretsmanager.NewFromConfig, (*secretsmanager.Client).DescribeSecret),
		invoke.Own("ec2:GetEbsEncryptionByDefault", func(ctx context.Context, p *call.Place) (*ec2.Encryption, error) {
			return ec2.Ask(ctx, p, "GetEbsEncryptionByDefault")
		}),
	}
}
