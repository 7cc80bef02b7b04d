// Package s3 is the simulated Amazon S3: buckets with their policies and settings, and
// objects in versions. Names of buckets are of all accounts; addresses are of the path style.
//
// Source: Amazon S3 API Reference, version 2006-03-01.
package s3

import (
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Service lists the operations.
func Service() *cloud.Service {
	s := &cloud.Service{Name: "s3", Version: "2006-03-01", Protocol: cloud.RESTXML}
	for _, list := range [][]*cloud.Operation{bucketOperations(), settingOperations(), objectOperations(), uploadOperations()} {
		s.Operations = append(s.Operations, list...)
	}
	return s
}

// bucket is one bucket.
type bucket struct {
	name, region  string
	owner         *cloud.Account
	created       time.Time
	policy        string
	block         *blockShape // public access block; nil: none
	versioning    versioningShape
	logging       loggingShape
	encryption    []encryptionRule // empty: AES256, S3's default
	lock          *lockShape
	lifecycle     string // XML as it was sent
	ownership     string
	acl           string // canned
	tags          []cloud.Tag
	notifications notifications
	// objects are the versions of each key, the newest last; no key has none.
	objects map[string][]*object
	uploads map[string]*upload // in parts, by their ID
}

// buckets are all buckets by name.
type buckets struct{ byName map[string]*bucket }

func all(c *cloud.Cloud) map[string]*bucket {
	b := cloud.Across[buckets](c)
	if b.byName == nil {
		b.byName = map[string]*bucket{}
	}
	return b.byName
}

// blocks is the public access block of an account.
type blocks struct{ block *blockShape }

// onBucket is the input of an operation on one bucket.
type onBucket struct {
	Bucket string `aws:",uri"`
	Owner  string `aws:"x-amz-expected-bucket-owner,header"`
}

// On is the bucket with its policy.
func (o *onBucket) On(c *cloud.Call) cloud.Resource { return o.resource(c, "") }

func (o *onBucket) resource(c *cloud.Call, key string) cloud.Resource {
	r := cloud.Resource{ARN: "arn:aws:s3:::" + o.Bucket + key}
	b := all(c.Cloud)[o.Bucket]
	if b == nil {
		return r
	}
	r.Owner, r.Facts = b.owner, iam.Facts{RestrictPublicBuckets: b.restricted(), BucketABACOff: true}
	if b.policy != "" {
		r.Policies = []cloud.Text{{Name: "bucket policy", Document: b.policy}}
	}
	return r
}

// restricted says whether RestrictPublicBuckets is on for the bucket or its account.
func (b *bucket) restricted() bool {
	account := cloud.Regional[blocks](b.owner, "").block
	return b.block != nil && b.block.RestrictPublicBuckets || account != nil && account.RestrictPublicBuckets
}

func (o *onBucket) bucket(c *cloud.Call) (*bucket, error) {
	b := all(c.Cloud)[o.Bucket]
	switch {
	case b == nil:
		return nil, cloud.Fail("NoSuchBucket", 404, "The specified bucket does not exist")
	case o.Owner != "" && o.Owner != string(b.owner.ID):
		return nil, cloud.Fail("AccessDenied", 403, "Access Denied")
	}
	return b, nil
}

func bucketOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("ListBuckets", listBuckets, cloud.At("GET /"), cloud.As("s3:ListAllMyBuckets")),
		cloud.Op("CreateBucket", createBucket, cloud.At("PUT /{Bucket}")),
		cloud.Op("HeadBucket", headBucket, cloud.At("HEAD /{Bucket}"), cloud.As("s3:ListBucket")),
		cloud.Op("DeleteBucket", deleteBucket, cloud.At("DELETE /{Bucket}")),
		cloud.Op("GetBucketLocation", getLocation, cloud.At("GET /{Bucket}?location")),
		cloud.Op("GetBucketPolicy", getPolicy, cloud.At("GET /{Bucket}?policy")),
		cloud.Op("GetBucketPolicyStatus", getPolicyStatus, cloud.At("GET /{Bucket}?policyStatus")),
		cloud.Op("PutBucketPolicy", putPolicy, cloud.At("PUT /{Bucket}?policy")),
		cloud.Op("DeleteBucketPolicy", deletePolicy, cloud.At("DELETE /{Bucket}?policy")),
	}
}

type listBucketsIn struct {
	MaxBuckets        int    `aws:"max-buckets,query"`
	ContinuationToken string `aws:"continuation-token,query"`
	Prefix            string `aws:"prefix,query"`
	BucketRegion      string `aws:"bucket-region,query"`
}

type ownerShape struct{ ID, DisplayName string }

// canonical is the canonical user of an account.
func canonical(a *cloud.Account) ownerShape {
	return ownerShape{strings.Repeat(string(a.ID), 6)[:64], a.Name}
}

type bucketShape struct {
	Name         string
	CreationDate time.Time
	BucketRegion string
}

type listBucketsOut struct {
	Result struct {
		Buckets           []bucketShape `aws:",item=Bucket"`
		Owner             ownerShape
		ContinuationToken string
		Prefix            string
	} `aws:"ListAllMyBucketsResult,payload"`
}

func listBuckets(c *cloud.Call, in listBucketsIn) (out listBucketsOut, err error) {
	if c.Account == nil {
		return out, cloud.Fail("AccessDenied", 403, "Access Denied")
	}
	var own []bucketShape
	for _, b := range cloud.Sorted(all(c.Cloud)) {
		if b.owner == c.Account && strings.HasPrefix(b.name, in.Prefix) && (in.BucketRegion == "" || in.BucketRegion == b.region) {
			own = append(own, bucketShape{b.name, b.created, b.region})
		}
	}
	r := &out.Result
	r.Owner, r.Prefix = canonical(c.Account), in.Prefix
	r.Buckets, r.ContinuationToken, err = cloud.Page(c, own, in.ContinuationToken, in.MaxBuckets, 10_000, 10_000)
	return out, err
}

type createBucketIn struct {
	onBucket
	ACL                       string                              `aws:"x-amz-acl,header"`
	ObjectLockEnabled         bool                                `aws:"x-amz-bucket-object-lock-enabled,header"`
	ObjectOwnership           string                              `aws:"x-amz-object-ownership,header"`
	CreateBucketConfiguration struct{ LocationConstraint string } `aws:",payload"`
}

// On is the bucket as the caller's own, also when another account has the name.
func (in *createBucketIn) On(*cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: "arn:aws:s3:::" + in.Bucket}
}

type createBucketOut struct {
	Location string `aws:",header"`
}

func createBucket(c *cloud.Call, in createBucketIn) (out createBucketOut, err error) {
	name := in.Bucket
	if len(name) < 3 || len(name) > 63 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		return out, cloud.Fail("InvalidBucketName", 400, "The specified bucket is not valid.")
	}
	if b := all(c.Cloud)[name]; b != nil {
		if b.owner == c.Account {
			return out, cloud.Fail("BucketAlreadyOwnedByYou", 409, "Your previous request to create the named bucket succeeded and you already own it.")
		}
		return out, cloud.Fail("BucketAlreadyExists", 409, "The requested bucket name is not available.")
	}
	region := in.CreateBucketConfiguration.LocationConstraint
	if region == "" {
		region = "us-east-1"
	}
	if region != c.Region {
		return out, cloud.Fail("IllegalLocationConstraintException", 400, "The %s location constraint is incompatible for the region specific endpoint this request was sent to.", region)
	}
	// Since April 2023 every new bucket blocks public access and has no ACLs.
	b := &bucket{
		name: name, region: region, owner: c.Account, created: c.Now, block: &blockShape{true, true, true, true}, ownership: "BucketOwnerEnforced", acl: "private",
		objects: map[string][]*object{}, uploads: map[string]*upload{},
	}
	if in.ObjectOwnership != "" {
		b.ownership = in.ObjectOwnership
	}
	if in.ACL != "" && in.ACL != "private" {
		if b.ownership == "BucketOwnerEnforced" {
			return out, cloud.Fail("InvalidBucketAclWithObjectOwnership", 400, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
		}
		b.acl = in.ACL
	}
	if in.ObjectLockEnabled {
		b.lock, b.versioning.Status = &lockShape{ObjectLockEnabled: "Enabled"}, "Enabled"
	}
	all(c.Cloud)[name] = b
	return createBucketOut{"/" + name}, nil
}

type headBucketOut struct {
	BucketRegion string `aws:"x-amz-bucket-region,header"`
}

func headBucket(c *cloud.Call, in onBucket) (out headBucketOut, err error) {
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	return headBucketOut{b.region}, nil
}

type noContent struct {
	Status int `aws:",status"`
}

func deleteBucket(c *cloud.Call, in onBucket) (noContent, error) {
	b, err := in.bucket(c)
	switch {
	case err != nil:
		return noContent{}, err
	case len(b.objects) > 0:
		return noContent{}, cloud.Fail("BucketNotEmpty", 409, "The bucket you tried to delete is not empty")
	}
	delete(all(c.Cloud), b.name)
	return noContent{204}, nil
}

type xmlOut struct {
	Body string `aws:",payload"`
}

func getLocation(c *cloud.Call, in onBucket) (out xmlOut, err error) {
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	region := b.region
	if region == "us-east-1" {
		region = "" // S3's oldest Region has no name here
	}
	return xmlOut{`<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` + region + `</LocationConstraint>`}, nil
}

func noPolicy() error {
	return cloud.Fail("NoSuchBucketPolicy", 404, "The bucket policy does not exist")
}

func getPolicy(c *cloud.Call, in onBucket) (out xmlOut, err error) {
	b, err := in.bucket(c)
	switch {
	case err != nil:
		return out, err
	case b.policy == "":
		return out, noPolicy()
	}
	return xmlOut{b.policy}, nil
}

type statusOut struct {
	PolicyStatus struct{ IsPublic bool } `aws:",payload"`
}

func getPolicyStatus(c *cloud.Call, in onBucket) (out statusOut, err error) {
	b, err := in.bucket(c)
	switch {
	case err != nil:
		return out, err
	case b.policy == "":
		return out, noPolicy()
	}
	out.PolicyStatus.IsPublic = c.Cloud.Public(b.policy)
	return out, nil
}

type putPolicyIn struct {
	onBucket
	Policy     string `aws:",payload"`
	RemoveSelf bool   `aws:"x-amz-confirm-remove-self-bucket-access,header"`
}

func putPolicy(c *cloud.Call, in putPolicyIn) (noContent, error) {
	b, err := in.bucket(c)
	if err != nil {
		return noContent{}, err
	}
	if err := cloud.CheckPolicy(iam.Resource, in.Policy); err != nil {
		return noContent{}, cloud.Fail("MalformedPolicy", 400, "%v", err)
	}
	account := cloud.Regional[blocks](b.owner, "").block
	if (b.block != nil && b.block.BlockPublicPolicy || account != nil && account.BlockPublicPolicy) && c.Cloud.Public(in.Policy) {
		return noContent{}, cloud.Fail("AccessDenied", 403, "User: %s is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::%s\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.", c.Caller.ARN, b.name)
	}
	b.policy = in.Policy
	return noContent{204}, nil
}

func deletePolicy(c *cloud.Call, in onBucket) (noContent, error) {
	b, err := in.bucket(c)
	if err == nil {
		b.policy = ""
	}
	return noContent{204}, err
}
