package s3

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

func objectOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("ListObjectsV2", listObjects, cloud.At("GET /{Bucket}?list-type=2"), cloud.As("s3:ListBucket"), cloud.Called("ListObjects"), cloud.Data),
		cloud.Op("ListObjectVersions", listVersions, cloud.At("GET /{Bucket}?versions"), cloud.As("s3:ListBucketVersions"), cloud.Data),
		cloud.Op("PutObject", putObject, cloud.At("PUT /{Bucket}/{Key+}"), cloud.Data),
		cloud.Op("GetObject", getObject, cloud.At("GET /{Bucket}/{Key+}"), cloud.Data, cloud.Open),
		cloud.Op("HeadObject", headObject, cloud.At("HEAD /{Bucket}/{Key+}"), cloud.As("s3:GetObject"), cloud.Data, cloud.Open),
		cloud.Op("DeleteObject", deleteObject, cloud.At("DELETE /{Bucket}/{Key+}"), cloud.Data, cloud.Open),
	}
}

type onObject struct {
	onBucket
	Key string `aws:",uri"`
}

// On is the object under its bucket's policy.
func (o *onObject) On(c *cloud.Call) cloud.Resource { return o.resource(c, "/"+o.Key) }

type putObjectIn struct {
	onObject
	Body        []byte            `aws:",payload"`
	ContentType string            `aws:"Content-Type,header"`
	IfNoneMatch string            `aws:"If-None-Match,header"`
	LockMode    string            `aws:"x-amz-object-lock-mode,header"`
	LockUntil   string            `aws:"x-amz-object-lock-retain-until-date,header"`
	Metadata    map[string]string `aws:"x-amz-meta-,prefix"`
}

type putObjectOut struct {
	ETag      string `aws:",header"`
	VersionId string `aws:"x-amz-version-id,header,omit"`
}

func putObject(c *cloud.Call, in putObjectIn) (out putObjectOut, err error) {
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	if err := b.mayCreate(in.Key, in.IfNoneMatch); err != nil {
		return out, err
	}
	sum := md5.Sum(in.Body)
	o := &object{body: in.Body, etag: quoted(sum[:], ""), kind: in.ContentType, metadata: in.Metadata, modified: c.Now}
	if err := in.retain(c, b, o); err != nil {
		return out, err
	}
	b.put(c.Cloud, in.Key, o)
	b.announce(c.Cloud, in.Key, o, "Put")
	return putObjectOut{o.etag, b.shown(o)}, nil
}

// retain locks an object as its request asks.
//
// Source: Amazon S3 API Reference, "PutObject"; Amazon S3 User Guide, "Configuring S3
// Object Lock".
func (in *putObjectIn) retain(c *cloud.Call, b *bucket, o *object) error {
	if in.LockMode == "" && in.LockUntil == "" {
		return nil
	}
	if err := c.Authorize("s3:PutObjectRetention", in.resource(c, "/"+in.Key)); err != nil {
		return err
	}
	until, err := time.Parse(time.RFC3339, in.LockUntil)
	switch {
	case b.lock == nil:
		return cloud.Fail("InvalidRequest", 400, "Bucket is missing Object Lock Configuration")
	case in.LockMode == "" || in.LockUntil == "":
		return cloud.Fail("InvalidArgument", 400, "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
	case in.LockMode != "COMPLIANCE" && in.LockMode != "GOVERNANCE":
		return cloud.Fail("InvalidArgument", 400, "Unknown wormMode directive.")
	case err != nil:
		return cloud.Fail("InvalidArgument", 400, "The retain until date must be provided in ISO 8601 format")
	case !until.After(c.Now):
		return cloud.Fail("InvalidArgument", 400, "The retain until date must be in the future!")
	}
	o.locked, o.until = in.LockMode, until
	return nil
}

// mayCreate judges If-None-Match, which can only ask that there be no such object.
func (b *bucket) mayCreate(key, ifNoneMatch string) error {
	switch {
	case ifNoneMatch == "":
		return nil
	case ifNoneMatch != "*":
		return cloud.Fail("NotImplemented", 501, "If-None-Match must be *")
	case b.newest(key) != nil:
		return cloud.Fail("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
	}
	return nil
}

// quoted is an ETag.
func quoted(sum []byte, suffix string) string { return `"` + hex.EncodeToString(sum) + suffix + `"` }

type getObjectIn struct {
	onVersion
	Range   string `aws:",header"`
	IfMatch string `aws:"If-Match,header"`
}

type objectOut struct {
	Status        int               `aws:",status"`
	Body          []byte            `aws:",payload"`
	AcceptRanges  string            `aws:"Accept-Ranges,header"`
	ContentRange  string            `aws:"Content-Range,header,omit"`
	ContentType   string            `aws:"Content-Type,header"`
	ContentLength int               `aws:"Content-Length,header"`
	ETag          string            `aws:",header"`
	LastModified  time.Time         `aws:"Last-Modified,header"`
	VersionId     string            `aws:"x-amz-version-id,header,omit"`
	Metadata      map[string]string `aws:"x-amz-meta-,prefix"`
}

// getObject serves an object or a version of it, whole or a range of its bytes.
func getObject(c *cloud.Call, in getObjectIn) (out objectOut, err error) {
	if err := in.authorize(c, "s3:GetObject"); err != nil {
		return out, err
	}
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	o, err := in.find(b)
	switch {
	case err != nil:
		return out, err
	case in.IfMatch != "" && in.IfMatch != "*" && in.IfMatch != o.etag:
		return out, cloud.Fail("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
	}
	out = objectOut{
		Status: 200, Body: o.body, AcceptRanges: "bytes", ContentType: o.kind, ETag: o.etag, LastModified: o.modified, VersionId: b.shown(o), Metadata: o.metadata,
	}
	first, end, partial, err := byteRange(in.Range, len(o.body))
	if err != nil {
		return out, err
	}
	if partial {
		out.Status, out.Body = 206, o.body[first:end]
		out.ContentRange = fmt.Sprintf("bytes %d-%d/%d", first, end-1, len(o.body))
	}
	out.ContentLength = len(out.Body)
	return out, nil
}

func headObject(c *cloud.Call, in getObjectIn) (out objectOut, err error) { return getObject(c, in) }

// byteRange reads a Range header for a body of a size: where the range begins and ends,
// and whether it is one. What is not of the form, and several ranges at once, ask for
// the whole (RFC 9110, section 14.2; Amazon S3 API Reference, "GetObject").
func byteRange(header string, size int) (first, end int, partial bool, err error) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	from, to, ok2 := strings.Cut(spec, "-")
	if !ok || !ok2 {
		return 0, size, false, nil
	}
	a, aErr := strconv.ParseUint(from, 10, 62)
	z, zErr := strconv.ParseUint(to, 10, 62)
	length := uint64(size)
	switch {
	case from == "" && zErr == nil: // the last bytes
		a, z = length-min(z, length), length
	case aErr == nil && to == "":
		z = length
	case aErr == nil && zErr == nil && a <= z:
		z = min(z+1, length)
	default:
		return 0, size, false, nil
	}
	if a >= length {
		return 0, 0, false, cloud.Fail("InvalidRange", 416, "The requested range is not satisfiable")
	}
	return int(a), int(z), true, nil
}

type deleteObjectIn struct {
	onVersion
	Bypass bool `aws:"x-amz-bypass-governance-retention,header"`
}

type deleteObjectOut struct {
	Status       int    `aws:",status"`
	DeleteMarker bool   `aws:"x-amz-delete-marker,header,omit"`
	VersionId    string `aws:"x-amz-version-id,header,omit"`
}

// deleteObject hides an object behind a marker where versions are kept, and deletes a
// version for good if one is named.
func deleteObject(c *cloud.Call, in deleteObjectIn) (out deleteObjectOut, err error) {
	if err := in.authorize(c, "s3:DeleteObject"); err != nil {
		return out, err
	}
	if in.Bypass {
		if err := c.Authorize("s3:BypassGovernanceRetention", in.resource(c, "/"+in.Key)); err != nil {
			return out, err
		}
	}
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	out.Status = 204
	if in.VersionId == "" {
		if marker := b.hide(c.Cloud, in.Key, c.Now); marker != nil {
			out.DeleteMarker, out.VersionId = true, marker.version
		}
		return out, nil
	}
	o := b.version(in.Key, in.VersionId)
	switch {
	case o == nil:
	case o.kept(c.Now, in.Bypass):
		return out, cloud.Fail("AccessDenied", 403, "Access Denied because object protected by object lock.")
	default:
		b.drop(in.Key, o)
		out.DeleteMarker = o.marker
	}
	out.VersionId = in.VersionId
	return out, nil
}

// Deliver puts an object into a bucket for an AWS service, which the bucket's policy
// must let. The error is a code of S3: NoSuchBucket or AccessDenied.
func Deliver(c *cloud.Cloud, service, name, key string, body []byte, metadata map[string]string, keys map[string][]string, now time.Time) error {
	b := all(c)[name]
	if b == nil {
		return cloud.Fail("NoSuchBucket", 404, "The specified bucket does not exist")
	}
	if !b.lets(c, service, "s3:PutObject", "/"+key, keys) {
		return cloud.Fail("AccessDenied", 403, "Access Denied")
	}
	sum := md5.Sum(body)
	o := b.put(c, key, &object{body: body, etag: quoted(sum[:], ""), kind: "application/json", metadata: metadata, modified: now})
	b.announce(c, key, o, "Put")
	return nil
}

// CheckDelivery says why a service could not deliver below a prefix of a bucket.
func CheckDelivery(c *cloud.Cloud, service, name, key string, keys map[string][]string) error {
	b := all(c)[name]
	switch {
	case b == nil:
		return cloud.Fail("NoSuchBucket", 404, "The specified bucket does not exist")
	case !b.lets(c, service, "s3:GetBucketAcl", "", keys) || !b.lets(c, service, "s3:PutObject", "/"+key, keys):
		return cloud.Fail("AccessDenied", 403, "Access Denied")
	}
	return nil
}

func (b *bucket) lets(c *cloud.Cloud, service, action, key string, keys map[string][]string) bool {
	with := map[string][]string{"s3:x-amz-acl": {"bucket-owner-full-control"}, "aws:SecureTransport": {"true"}}
	maps.Copy(with, keys)
	return b.policy != "" && c.ServiceMay(service, action, cloud.Resource{
		ARN: "arn:aws:s3:::" + b.name + key, Owner: b.owner, Policies: []cloud.Text{{Name: "bucket policy", Document: b.policy}}, Keys: with,
	})
}

// Object is the content of an object with its metadata.
type Object struct {
	Body     []byte
	Metadata map[string]string
}

// Objects are the newest versions of the objects of a bucket by key; whoever runs the simulation may look at
// them without a call.
func Objects(c *cloud.Cloud, bucket string) map[string]Object {
	out := map[string]Object{}
	if b := all(c)[bucket]; b != nil {
		for key := range b.objects {
			if o := b.newest(key); o != nil {
				out[key] = Object{o.body, o.metadata}
			}
		}
	}
	return out
}

// Empty takes the objects out of a bucket, for whoever keeps them elsewhere: a simulation
// that runs for long does not grow by what its trails deliver.
func Empty(c *cloud.Cloud, bucket string) map[string]Object {
	out := Objects(c, bucket)
	if b := all(c)[bucket]; b != nil {
		clear(b.objects)
	}
	return out
}
