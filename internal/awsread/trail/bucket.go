package trail

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/s3control"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/facts"
)

const listBuckets = "s3:ListAllMyBuckets"

// bucketOperations tell of the buckets that trails deliver to, and of no others. Whose
// a bucket is and where has to be known before its settings are asked for.
func bucketOperations() []call.Operation {
	return []call.Operation{
		{Action: "s3:GetAccountPublicAccessBlock", Read: accountBlock},
		{Action: listBuckets, Of: eachBucket, ReadOne: bucketOwner},
		{Action: "s3:GetBucketPublicAccessBlock", Needs: listBuckets, Of: eachBucket, ReadOne: inBucket(bucketBlock)},
		{Action: "s3:GetBucketPolicy", Needs: listBuckets, Of: eachBucket, ReadOne: inBucket(bucketPolicy)},
		{Action: "s3:GetBucketPolicyStatus", Needs: listBuckets, Of: eachBucket, ReadOne: inBucket(bucketPublic)},
		{Action: "s3:GetBucketAcl", Needs: listBuckets, Of: eachBucket, ReadOne: inBucket(bucketACL)},
		{Action: "s3:GetBucketVersioning", Needs: listBuckets, Of: eachBucket, ReadOne: inBucket(bucketVersioning)},
		{Action: "s3:GetBucketLogging", Needs: listBuckets, Of: eachBucket, ReadOne: inBucket(bucketLogging)},
		{Action: "s3:GetBucketObjectLockConfiguration", Needs: listBuckets, Of: eachBucket, ReadOne: inBucket(bucketLock)},
		{Action: "s3:GetLifecycleConfiguration", Needs: listBuckets, Of: eachBucket, ReadOne: inBucket(bucketExpiry)},
	}
}

// accountBlock reads the public access block of the account; it may have none.
func accountBlock(ctx context.Context, p *call.Place) (any, error) {
	account := string(p.Account)
	out, err := call.Ask(ctx, p, call.Control(p.AWS).GetPublicAccessBlock, &s3control.GetPublicAccessBlockInput{AccountId: &account})
	block := facts.PublicAccess{}
	switch {
	case call.Code(err) == noBlock:
	case err != nil:
		return nil, err
	case out.PublicAccessBlockConfiguration != nil:
		c := out.PublicAccessBlockConfiguration
		block = publicAccess(c.BlockPublicAcls, c.IgnorePublicAcls, c.BlockPublicPolicy, c.RestrictPublicBuckets)
	}
	return call.Direct(func(f *facts.Facts) { f.Account.PublicAccess = block }), nil
}

// noBlock is how S3 says that there is no public access block.
const noBlock = "NoSuchPublicAccessBlockConfiguration"

func eachBucket(s *facts.Snapshot) []call.Target {
	var out []call.Target
	for _, b := range s.Facts.Buckets {
		out = append(out, call.Target{Region: b.Region, Key: b.ARN, With: b.Trails})
	}
	return out
}

// bucketName is the end of a bucket's ARN.
func bucketName(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

func ofBucket(arn string, set func(*facts.Bucket)) call.Direct {
	return func(f *facts.Facts) {
		set(&f.Buckets[slices.IndexFunc(f.Buckets, func(b facts.Bucket) bool { return b.ARN == arn })])
	}
}

// bucketOwner looks for the bucket among those of the account. S3 does not say whose
// another account's is. It is left out if no trail of this account delivers there.
func bucketOwner(ctx context.Context, p *call.Place, t call.Target) (any, error) {
	client, name := s3.NewFromConfig(p.AWS), bucketName(t.Key)
	in := &s3.ListBucketsInput{Prefix: &name, MaxBuckets: aws.Int32(1000)} // without a limit S3 leaves the Regions out
	found, err := call.Gather(p, func(token *string) ([]s3types.Bucket, *string, error) {
		in.ContinuationToken = token
		out, err := call.Ask(ctx, p, client.ListBuckets, in)
		if err != nil {
			return nil, nil, err
		}
		return out.Buckets, out.ContinuationToken, nil
	})
	if err != nil {
		return nil, err
	}
	for _, b := range found {
		if aws.ToString(b.Name) == name {
			return ofBucket(t.Key, func(f *facts.Bucket) { f.Account, f.Region = string(p.Account), aws.ToString(b.BucketRegion) }), nil
		}
	}
	if !slices.ContainsFunc(t.With, func(arn string) bool {
		a, err := rootkeep.ParseARN(arn)
		return err == nil && a.Account == p.Account
	}) {
		return call.Direct(func(f *facts.Facts) {
			f.Buckets = slices.DeleteFunc(f.Buckets, func(b facts.Bucket) bool { return b.ARN == t.Key })
		}), nil
	}
	return nil, call.Elsewhere("bucket " + name + " is not this account's, and S3 does not name its owner: scan that account as well")
}

// inBucket is an operation on a bucket, in its Region. What read gives sets its facts.
func inBucket(read func(context.Context, *call.Place, *s3.Client, *string) (func(*facts.Bucket), error)) func(context.Context, *call.Place, call.Target) (any, error) {
	return func(ctx context.Context, p *call.Place, t call.Target) (any, error) {
		name := bucketName(t.Key)
		set, err := read(ctx, p, s3.NewFromConfig(p.AWS), &name)
		if err != nil {
			return nil, err
		}
		return ofBucket(t.Key, set), nil
	}
}

func bucketBlock(ctx context.Context, p *call.Place, client *s3.Client, name *string) (func(*facts.Bucket), error) {
	out, err := call.Ask(ctx, p, client.GetPublicAccessBlock, &s3.GetPublicAccessBlockInput{Bucket: name})
	block := facts.PublicAccess{}
	switch {
	case call.Code(err) == noBlock:
	case err != nil:
		return nil, err
	case out.PublicAccessBlockConfiguration != nil:
		c := out.PublicAccessBlockConfiguration
		block = publicAccess(c.BlockPublicAcls, c.IgnorePublicAcls, c.BlockPublicPolicy, c.RestrictPublicBuckets)
	}
	return func(b *facts.Bucket) { b.Block = block }, nil
}

func publicAccess(blockACLs, ignoreACLs, blockPolicy, restrict *bool) facts.PublicAccess {
	return facts.PublicAccess{BlockACLs: aws.ToBool(blockACLs), IgnoreACLs: aws.ToBool(ignoreACLs), BlockPolicy: aws.ToBool(blockPolicy), RestrictUses: aws.ToBool(restrict)}
}

// noPolicy is how S3 says that a bucket has no policy.
const noPolicy = "NoSuchBucketPolicy"

func bucketPolicy(ctx context.Context, p *call.Place, client *s3.Client, name *string) (func(*facts.Bucket), error) {
	out, err := call.Ask(ctx, p, client.GetBucketPolicy, &s3.GetBucketPolicyInput{Bucket: name})
	switch {
	case call.Code(err) == noPolicy:
		return func(b *facts.Bucket) { b.Policy = "" }, nil
	case err != nil:
		return nil, err
	}
	return func(b *facts.Bucket) { b.Policy = aws.ToString(out.Policy) }, nil
}

func bucketPublic(ctx context.Context, p *call.Place, client *s3.Client, name *string) (func(*facts.Bucket), error) {
	out, err := call.Ask(ctx, p, client.GetBucketPolicyStatus, &s3.GetBucketPolicyStatusInput{Bucket: name})
	switch {
	case call.Code(err) == noPolicy:
		return func(b *facts.Bucket) { b.Public = false }, nil
	case err != nil:
		return nil, err
	case out.PolicyStatus == nil || out.PolicyStatus.IsPublic == nil:
		return nil, errors.New("an answer without a policy status")
	}
	return func(b *facts.Bucket) { b.Public = *out.PolicyStatus.IsPublic }, nil
}

// bucketACL looks for a grant to everyone or to every AWS account. Source: Amazon S3
// User Guide, "Access control list (ACL) overview", "Amazon S3 predefined groups".
func bucketACL(ctx context.Context, p *call.Place, client *s3.Client, name *string) (func(*facts.Bucket), error) {
	out, err := call.Ask(ctx, p, client.GetBucketAcl, &s3.GetBucketAclInput{Bucket: name})
	if err != nil {
		return nil, err
	}
	public := slices.ContainsFunc(out.Grants, func(g s3types.Grant) bool {
		if g.Grantee == nil {
			return false
		}
		group := aws.ToString(g.Grantee.URI)
		return strings.HasSuffix(group, "/global/AllUsers") || strings.HasSuffix(group, "/global/AuthenticatedUsers")
	})
	return func(b *facts.Bucket) { b.PublicByACL = public }, nil
}

func bucketVersioning(ctx context.Context, p *call.Place, client *s3.Client, name *string) (func(*facts.Bucket), error) {
	out, err := call.Ask(ctx, p, client.GetBucketVersioning, &s3.GetBucketVersioningInput{Bucket: name})
	if err != nil {
		return nil, err
	}
	return func(b *facts.Bucket) {
		b.Versioning, b.MFADelete = out.Status == s3types.BucketVersioningStatusEnabled, out.MFADelete == s3types.MFADeleteStatusEnabled
	}, nil
}

func bucketLogging(ctx context.Context, p *call.Place, client *s3.Client, name *string) (func(*facts.Bucket), error) {
	out, err := call.Ask(ctx, p, client.GetBucketLogging, &s3.GetBucketLoggingInput{Bucket: name})
	if err != nil {
		return nil, err
	}
	to := ""
	if out.LoggingEnabled != nil {
		to = aws.ToString(out.LoggingEnabled.TargetBucket)
	}
	return func(b *facts.Bucket) { b.LogsTo = to }, nil
}

// bucketLock reads what is locked without anybody asking for it: CloudTrail asks for
// no retention when it delivers.
func bucketLock(ctx context.Context, p *call.Place, client *s3.Client, name *string) (func(*facts.Bucket), error) {
	out, err := call.Ask(ctx, p, client.GetObjectLockConfiguration, &s3.GetObjectLockConfigurationInput{Bucket: name})
	mode, days := "", 0
	switch {
	case call.Code(err) == "ObjectLockConfigurationNotFoundError":
	case err != nil:
		return nil, err
	case out.ObjectLockConfiguration != nil && out.ObjectLockConfiguration.Rule != nil && out.ObjectLockConfiguration.Rule.DefaultRetention != nil:
		r := out.ObjectLockConfiguration.Rule.DefaultRetention
		mode, days = string(r.Mode), int(aws.ToInt32(r.Days))+365*int(aws.ToInt32(r.Years))
	}
	return func(b *facts.Bucket) { b.LockMode, b.LockDays = mode, days }, nil
}

// bucketExpiry reads the lifecycle rules that are on and delete objects. A rule that
// picks objects by tag or size as well may pick any.
func bucketExpiry(ctx context.Context, p *call.Place, client *s3.Client, name *string) (func(*facts.Bucket), error) {
	out, err := call.Ask(ctx, p, client.GetBucketLifecycleConfiguration, &s3.GetBucketLifecycleConfigurationInput{Bucket: name})
	expiries := []facts.Expiry{}
	switch {
	case call.Code(err) == "NoSuchLifecycleConfiguration":
	case err != nil:
		return nil, err
	default:
		for _, r := range out.Rules {
			e := r.Expiration
			if r.Status != s3types.ExpirationStatusEnabled || e == nil || e.Days == nil && e.Date == nil {
				continue
			}
			expiries = append(expiries, facts.Expiry{Rule: aws.ToString(r.ID), Prefix: prefixOf(r), Days: int(aws.ToInt32(e.Days))})
		}
	}
	return func(b *facts.Bucket) { b.Expiries = expiries }, nil
}

// prefixOf is the prefix of a rule, in any of the three places that S3 has for it.
func prefixOf(r s3types.LifecycleRule) string {
	switch {
	case r.Filter != nil && r.Filter.And != nil:
		return aws.ToString(r.Filter.And.Prefix)
	case r.Filter != nil:
		return aws.ToString(r.Filter.Prefix)
	}
	return aws.ToString(r.Prefix)
}
