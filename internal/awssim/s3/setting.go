package s3

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

func settingOperations() []*cloud.Operation {
	at, as, called := cloud.At, cloud.As, cloud.Called
	control := func(o *cloud.Operation) { o.Nested = true } // of S3 Control
	return []*cloud.Operation{
		cloud.Op("GetPublicAccessBlock", getBlock, at("GET /{Bucket}?publicAccessBlock"), as("s3:GetBucketPublicAccessBlock"), called("GetBucketPublicAccessBlock")),
		cloud.Op("PutPublicAccessBlock", putBlock, at("PUT /{Bucket}?publicAccessBlock"), as("s3:PutBucketPublicAccessBlock"), called("PutBucketPublicAccessBlock")),
		cloud.Op("DeletePublicAccessBlock", deleteBlock, at("DELETE /{Bucket}?publicAccessBlock"), as("s3:PutBucketPublicAccessBlock"), called("DeleteBucketPublicAccessBlock")),
		cloud.Op("GetAccountPublicAccessBlock", getAccountBlock, at("GET /v20180820/configuration/publicAccessBlock"), control),
		cloud.Op("PutAccountPublicAccessBlock", putAccountBlock, at("PUT /v20180820/configuration/publicAccessBlock"), control),
		cloud.Op("DeleteAccountPublicAccessBlock", deleteAccountBlock, at("DELETE /v20180820/configuration/publicAccessBlock"), as("s3:PutAccountPublicAccessBlock"), control),
		cloud.Op("GetBucketVersioning", getVersioning, at("GET /{Bucket}?versioning")),
		cloud.Op("PutBucketVersioning", putVersioning, at("PUT /{Bucket}?versioning")),
		cloud.Op("GetBucketLogging", getLogging, at("GET /{Bucket}?logging")),
		cloud.Op("PutBucketLogging", putLogging, at("PUT /{Bucket}?logging")),
		cloud.Op("GetBucketNotificationConfiguration", getNotifications, at("GET /{Bucket}?notification"), as("s3:GetBucketNotification"), called("GetBucketNotification")),
		cloud.Op("PutBucketNotificationConfiguration", putNotifications, at("PUT /{Bucket}?notification"), as("s3:PutBucketNotification"), called("PutBucketNotification")),
		cloud.Op("GetBucketEncryption", getEncryption, at("GET /{Bucket}?encryption"), as("s3:GetEncryptionConfiguration")),
		cloud.Op("PutBucketEncryption", putEncryption, at("PUT /{Bucket}?encryption"), as("s3:PutEncryptionConfiguration")),
		cloud.Op("DeleteBucketEncryption", deleteEncryption, at("DELETE /{Bucket}?encryption"), as("s3:PutEncryptionConfiguration")),
		cloud.Op("GetObjectLockConfiguration", getLock, at("GET /{Bucket}?object-lock"), as("s3:GetBucketObjectLockConfiguration")),
		cloud.Op("PutObjectLockConfiguration", putLock, at("PUT /{Bucket}?object-lock"), as("s3:PutBucketObjectLockConfiguration")),
		cloud.Op("GetBucketLifecycleConfiguration", getLifecycle, at("GET /{Bucket}?lifecycle"), as("s3:GetLifecycleConfiguration"), called("GetBucketLifecycle")),
		cloud.Op("PutBucketLifecycleConfiguration", putLifecycle, at("PUT /{Bucket}?lifecycle"), as("s3:PutLifecycleConfiguration"), called("PutBucketLifecycle")),
		cloud.Op("DeleteBucketLifecycle", deleteLifecycle, at("DELETE /{Bucket}?lifecycle"), as("s3:PutLifecycleConfiguration")),
		cloud.Op("GetBucketOwnershipControls", getOwnership, at("GET /{Bucket}?ownershipControls")),
		cloud.Op("PutBucketOwnershipControls", putOwnership, at("PUT /{Bucket}?ownershipControls")),
		cloud.Op("GetBucketAcl", getACL, at("GET /{Bucket}?acl")),
		cloud.Op("PutBucketAcl", putACL, at("PUT /{Bucket}?acl")),
		cloud.Op("GetBucketTagging", getTagging, at("GET /{Bucket}?tagging")),
		cloud.Op("PutBucketTagging", putTagging, at("PUT /{Bucket}?tagging")),
	}
}

// setting runs a change of a bucket.
func setting(c *cloud.Call, o onBucket, change func(*bucket) error) (cloud.None, error) {
	b, err := o.bucket(c)
	if err == nil {
		err = change(b)
	}
	return cloud.None{}, err
}

type blockShape struct{ BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets bool }

type blockOut struct {
	PublicAccessBlockConfiguration blockShape `aws:",payload"`
}

func showBlock(s *blockShape) (out blockOut, err error) {
	if s == nil {
		return out, cloud.Fail("NoSuchPublicAccessBlockConfiguration", 404, "The public access block configuration was not found")
	}
	return blockOut{*s}, nil
}

func getBlock(c *cloud.Call, in onBucket) (out blockOut, err error) {
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	return showBlock(b.block)
}

type putBlockIn struct {
	onBucket
	PublicAccessBlockConfiguration blockShape `aws:",payload"`
}

func putBlock(c *cloud.Call, in putBlockIn) (cloud.None, error) {
	return setting(c, in.onBucket, func(b *bucket) error { b.block = &in.PublicAccessBlockConfiguration; return nil })
}

func deleteBlock(c *cloud.Call, in onBucket) (noContent, error) {
	_, err := setting(c, in, func(b *bucket) error { b.block = nil; return nil })
	return noContent{204}, err
}

// onAccount is the input of S3 Control: the account's number is in a header.
type onAccount struct {
	AccountId string `aws:"x-amz-account-id,header,must"`
}

func (o onAccount) blocks(c *cloud.Call) (*blocks, error) {
	if c.Account == nil || o.AccountId != string(c.Account.ID) {
		return nil, cloud.Fail("AccessDenied", 403, "Access Denied")
	}
	return cloud.Regional[blocks](c.Account, ""), nil
}

func getAccountBlock(c *cloud.Call, in onAccount) (out blockOut, err error) {
	s, err := in.blocks(c)
	if err != nil {
		return out, err
	}
	return showBlock(s.block)
}

type putAccountBlockIn struct {
	onAccount
	PublicAccessBlockConfiguration blockShape `aws:",payload"`
}

func putAccountBlock(c *cloud.Call, in putAccountBlockIn) (cloud.None, error) {
	s, err := in.blocks(c)
	if err == nil {
		s.block = &in.PublicAccessBlockConfiguration
	}
	return cloud.None{}, err
}

func deleteAccountBlock(c *cloud.Call, in onAccount) (noContent, error) {
	s, err := in.blocks(c)
	if err == nil {
		s.block = nil
	}
	return noContent{204}, err
}

type versioningShape struct{ Status, MfaDelete string }

type versioningOut struct {
	VersioningConfiguration versioningShape `aws:",payload"`
}

func getVersioning(c *cloud.Call, in onBucket) (out versioningOut, err error) {
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	return versioningOut{b.versioning}, nil
}

type putVersioningIn struct {
	onBucket
	MFA                     string          `aws:"x-amz-mfa,header,secret"`
	VersioningConfiguration versioningShape `aws:",payload"`
}

// putVersioning switches versioning. MFA Delete is for the root user alone.
func putVersioning(c *cloud.Call, in putVersioningIn) (cloud.None, error) {
	return setting(c, in.onBucket, func(b *bucket) error {
		v := in.VersioningConfiguration
		switch {
		case v.Status != "Enabled" && v.Status != "Suspended":
			return cloud.Fail("MalformedXML", 400, "Status must be Enabled or Suspended")
		case b.lock != nil && v.Status == "Suspended":
			return cloud.Fail("InvalidBucketState", 409, "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.")
		case v.MfaDelete != "" && c.Caller.ARN != b.owner.IAM("root"):
			return cloud.Fail("AccessDenied", 403, "This operation may only be performed by the bucket owner's root user")
		}
		if v.MfaDelete == "" {
			v.MfaDelete = b.versioning.MfaDelete
		}
		b.versioning = v
		return nil
	})
}

type loggingShape struct {
	LoggingEnabled *struct{ TargetBucket, TargetPrefix string }
}

type loggingOut struct {
	BucketLoggingStatus loggingShape `aws:",payload"`
}

func getLogging(c *cloud.Call, in onBucket) (out loggingOut, err error) {
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	return loggingOut{b.logging}, nil
}

type putLoggingIn struct {
	onBucket
	BucketLoggingStatus loggingShape `aws:",payload"`
}

func putLogging(c *cloud.Call, in putLoggingIn) (cloud.None, error) {
	return setting(c, in.onBucket, func(b *bucket) error {
		if l := in.BucketLoggingStatus.LoggingEnabled; l != nil && all(c.Cloud)[l.TargetBucket] == nil {
			return cloud.Fail("InvalidTargetBucketForLogging", 400, "The target bucket for logging does not exist")
		}
		b.logging = in.BucketLoggingStatus
		return nil
	})
}

type encryptionRule struct {
	ApplyServerSideEncryptionByDefault struct{ SSEAlgorithm, KMSMasterKeyID string }
	BucketKeyEnabled                   bool
}

type encryptionShape struct {
	Rule []encryptionRule `aws:",flat"`
}

type encryptionOut struct {
	ServerSideEncryptionConfiguration encryptionShape `aws:",payload"`
}

func getEncryption(c *cloud.Call, in onBucket) (out encryptionOut, err error) {
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	out.ServerSideEncryptionConfiguration.Rule = b.encryption
	if len(b.encryption) == 0 {
		var standard encryptionRule
		standard.ApplyServerSideEncryptionByDefault.SSEAlgorithm = "AES256"
		out.ServerSideEncryptionConfiguration.Rule = []encryptionRule{standard}
	}
	return out, nil
}

type putEncryptionIn struct {
	onBucket
	ServerSideEncryptionConfiguration encryptionShape `aws:",payload"`
}

func putEncryption(c *cloud.Call, in putEncryptionIn) (cloud.None, error) {
	return setting(c, in.onBucket, func(b *bucket) error {
		rules := in.ServerSideEncryptionConfiguration.Rule
		if len(rules) != 1 || !slices.Contains([]string{"AES256", "aws:kms", "aws:kms:dsse"}, rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm) {
			return cloud.Fail("MalformedXML", 400, "want one rule with SSEAlgorithm AES256, aws:kms or aws:kms:dsse")
		}
		b.encryption = rules
		return nil
	})
}

func deleteEncryption(c *cloud.Call, in onBucket) (noContent, error) {
	_, err := setting(c, in, func(b *bucket) error { b.encryption = nil; return nil })
	return noContent{204}, err
}

type lockShape struct {
	ObjectLockEnabled string
	Rule              *lockRule
}

type lockRule struct {
	DefaultRetention struct {
		Mode  string
		Days  int `aws:",omit"`
		Years int `aws:",omit"`
	}
}

type lockOut struct {
	ObjectLockConfiguration lockShape `aws:",payload"`
}

func getLock(c *cloud.Call, in onBucket) (out lockOut, err error) {
	b, err := in.bucket(c)
	switch {
	case err != nil:
		return out, err
	case b.lock == nil:
		return out, cloud.Fail("ObjectLockConfigurationNotFoundError", 404, "Object Lock configuration does not exist for this bucket")
	}
	return lockOut{*b.lock}, nil
}

type putLockIn struct {
	onBucket
	ObjectLockConfiguration lockShape `aws:",payload"`
}

func putLock(c *cloud.Call, in putLockIn) (cloud.None, error) {
	return setting(c, in.onBucket, func(b *bucket) error {
		if b.versioning.Status != "Enabled" {
			return cloud.Fail("InvalidBucketState", 409, "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
		}
		b.lock = &in.ObjectLockConfiguration
		return nil
	})
}

func getLifecycle(c *cloud.Call, in onBucket) (out xmlOut, err error) {
	b, err := in.bucket(c)
	switch {
	case err != nil:
		return out, err
	case b.lifecycle == "":
		return out, cloud.Fail("NoSuchLifecycleConfiguration", 404, "The lifecycle configuration does not exist")
	}
	return xmlOut{b.lifecycle}, nil
}

type putLifecycleIn struct {
	onBucket
	Lifecycle string `aws:",payload"`
}

func putLifecycle(c *cloud.Call, in putLifecycleIn) (cloud.None, error) {
	return setting(c, in.onBucket, func(b *bucket) error {
		tree, err := wire.ParseXML([]byte(in.Lifecycle))
		if rules, ok := tree.(map[string]any); err != nil || !ok || rules["Rule"] == nil {
			return cloud.Fail("MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema")
		}
		b.lifecycle = in.Lifecycle
		return nil
	})
}

func deleteLifecycle(c *cloud.Call, in onBucket) (noContent, error) {
	_, err := setting(c, in, func(b *bucket) error { b.lifecycle = ""; return nil })
	return noContent{204}, err
}

type ownershipShape struct {
	Rule []struct{ ObjectOwnership string } `aws:",flat"`
}

type ownershipOut struct {
	OwnershipControls ownershipShape `aws:",payload"`
}

func getOwnership(c *cloud.Call, in onBucket) (out ownershipOut, err error) {
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	out.OwnershipControls.Rule = []struct{ ObjectOwnership string }{{b.ownership}}
	return out, nil
}

type putOwnershipIn struct {
	onBucket
	OwnershipControls ownershipShape `aws:",payload"`
}

func putOwnership(c *cloud.Call, in putOwnershipIn) (cloud.None, error) {
	return setting(c, in.onBucket, func(b *bucket) error {
		rules := in.OwnershipControls.Rule
		if len(rules) != 1 || !slices.Contains([]string{"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"}, rules[0].ObjectOwnership) {
			return cloud.Fail("MalformedXML", 400, "want one rule with ObjectOwnership BucketOwnerEnforced, BucketOwnerPreferred or ObjectWriter")
		}
		b.ownership = rules[0].ObjectOwnership
		return nil
	})
}

type grantee struct {
	Type                 string `aws:"type,attr"`
	ID, DisplayName, URI string
}

type grant struct {
	Grantee    grantee
	Permission string
}

type aclOut struct {
	AccessControlPolicy struct {
		Owner             ownerShape
		AccessControlList []grant `aws:",item=Grant"`
	} `aws:",payload"`
}

// canned are the grants of canned ACLs beside the owner's own.
var canned = map[string][]grant{
	"private":            nil,
	"public-read":        {{grantee{Type: "Group", URI: "http://acs.amazonaws.com/groups/global/AllUsers"}, "READ"}},
	"authenticated-read": {{grantee{Type: "Group", URI: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}, "READ"}},
	"log-delivery-write": {{grantee{Type: "Group", URI: "http://acs.amazonaws.com/groups/s3/LogDelivery"}, "WRITE"}},
	"public-read-write": {
		{grantee{Type: "Group", URI: "http://acs.amazonaws.com/groups/global/AllUsers"}, "READ"}, {grantee{Type: "Group", URI: "http://acs.amazonaws.com/groups/global/AllUsers"}, "WRITE"},
	},
}

func getACL(c *cloud.Call, in onBucket) (out aclOut, err error) {
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	owner := canonical(b.owner)
	p := &out.AccessControlPolicy
	p.Owner = owner
	p.AccessControlList = append([]grant{{grantee{Type: "CanonicalUser", ID: owner.ID, DisplayName: owner.DisplayName}, "FULL_CONTROL"}}, canned[b.acl]...)
	return out, nil
}

type putACLIn struct {
	onBucket
	ACL string `aws:"x-amz-acl,header,must"`
}

// putACL takes canned ACLs. They are shown; the evaluator judges policies alone.
func putACL(c *cloud.Call, in putACLIn) (cloud.None, error) {
	return setting(c, in.onBucket, func(b *bucket) error {
		_, known := canned[in.ACL]
		switch {
		case !known:
			return cloud.Fail("InvalidArgument", 400, "%s is no canned ACL that the simulator knows", in.ACL)
		case b.ownership == "BucketOwnerEnforced":
			return cloud.Fail("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
		case b.block != nil && b.block.BlockPublicAcls && strings.HasPrefix(in.ACL, "public"):
			return cloud.Fail("AccessDenied", 403, "Access Denied")
		}
		b.acl = in.ACL
		return nil
	})
}

type tagging struct {
	TagSet []cloud.Tag `aws:",item=Tag"`
}

type taggingOut struct {
	Tagging tagging `aws:",payload"`
}

func getTagging(c *cloud.Call, in onBucket) (out taggingOut, err error) {
	b, err := in.bucket(c)
	switch {
	case err != nil:
		return out, err
	case len(b.tags) == 0:
		return out, cloud.Fail("NoSuchTagSet", 404, "The TagSet does not exist")
	}
	return taggingOut{tagging{b.tags}}, nil
}

type putTaggingIn struct {
	onBucket
	Tagging tagging `aws:",payload"`
}

func putTagging(c *cloud.Call, in putTaggingIn) (noContent, error) {
	_, err := setting(c, in.onBucket, func(b *bucket) error { b.tags = in.Tagging.TagSet; return nil })
	return noContent{204}, err
}
