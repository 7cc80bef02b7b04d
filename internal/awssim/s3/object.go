package s3

import (
	"crypto/md5"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

func objectOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("ListObjectsV2", listObjects, cloud.At("GET /{Bucket}?list-type=2"), cloud.As("s3:ListBucket"), cloud.Called("ListObjects"), cloud.Data),
		cloud.Op("PutObject", putObject, cloud.At("PUT /{Bucket}/{Key+}"), cloud.Data),
		cloud.Op("GetObject", getObject, cloud.At("GET /{Bucket}/{Key+}"), cloud.Data),
		cloud.Op("HeadObject", headObject, cloud.At("HEAD /{Bucket}/{Key+}"), cloud.As("s3:GetObject"), cloud.Data),
		cloud.Op("DeleteObject", deleteObject, cloud.At("DELETE /{Bucket}/{Key+}"), cloud.Data),
	}
}

type listObjectsIn struct {
	onBucket
	Prefix            string `aws:"prefix,query"`
	Delimiter         string `aws:"delimiter,query"`
	StartAfter        string `aws:"start-after,query"`
	ContinuationToken string `aws:"continuation-token,query"`
	MaxKeys           int    `aws:"max-keys,query"`
	EncodingType      string `aws:"encoding-type,query"`
	FetchOwner        bool   `aws:"fetch-owner,query"`
}

// On is the bucket, with what is listed as context keys.
func (in *listObjectsIn) On(c *cloud.Call) cloud.Resource {
	r := in.resource(c, "")
	r.Keys = map[string][]string{"s3:prefix": {in.Prefix}}
	if in.Delimiter != "" {
		r.Keys["s3:delimiter"] = []string{in.Delimiter}
	}
	return r
}

type objectShape struct {
	Key          string
	LastModified time.Time
	ETag         string
	Size         int
	StorageClass string
	Owner        *ownerShape
}

type listObjectsOut struct {
	Result struct {
		Name, Prefix, Delimiter, StartAfter, EncodingType string
		MaxKeys, KeyCount                                 int
		IsTruncated                                       bool
		ContinuationToken, NextContinuationToken          string
		Contents                                          []objectShape             `aws:",flat"`
		CommonPrefixes                                    []struct{ Prefix string } `aws:",flat"`
	} `aws:"ListBucketResult,payload"`
}

// maxListed is how many keys one answer has at most.
const maxListed = 1000

func listObjects(c *cloud.Call, in listObjectsIn) (out listObjectsOut, err error) {
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	if in.MaxKeys == 0 {
		in.MaxKeys = maxListed
	}
	if c.Account == nil {
		return out, cloud.Fail("AccessDenied", 403, "Access Denied")
	}
	r := &out.Result
	r.Name, r.Prefix, r.Delimiter, r.StartAfter, r.MaxKeys = b.name, in.Prefix, in.Delimiter, in.StartAfter, in.MaxKeys
	r.ContinuationToken, r.EncodingType = in.ContinuationToken, in.EncodingType
	part, next, err := cloud.Page(c, in.entries(b), in.ContinuationToken, min(in.MaxKeys, maxListed), maxListed, maxListed)
	if err != nil {
		return out, err
	}
	r.KeyCount, r.IsTruncated, r.NextContinuationToken = len(part), next != "", next
	for _, e := range part {
		if strings.HasSuffix(e, "\x00") {
			r.CommonPrefixes = append(r.CommonPrefixes, struct{ Prefix string }{in.encode(strings.TrimSuffix(e, "\x00"))})
			continue
		}
		o := b.objects[e]
		shape := objectShape{in.encode(e), o.modified, o.etag, len(o.body), "STANDARD", nil}
		if in.FetchOwner {
			owner := canonical(b.owner)
			shape.Owner = &owner
		}
		r.Contents = append(r.Contents, shape)
	}
	return out, nil
}

// entries are the keys in order; those behind a delimiter are one prefix, which is
// marked by a zero byte at its end.
func (in *listObjectsIn) entries(b *bucket) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		rest, ok := strings.CutPrefix(key, in.Prefix)
		if !ok || key <= in.StartAfter && in.StartAfter != "" {
			continue
		}
		if i := strings.Index(rest, in.Delimiter); in.Delimiter != "" && i >= 0 {
			key = in.Prefix + rest[:i+len(in.Delimiter)] + "\x00"
			if len(out) > 0 && out[len(out)-1] == key {
				continue
			}
		}
		out = append(out, key)
	}
	return out
}

func (in *listObjectsIn) encode(key string) string {
	if in.EncodingType != "url" {
		return key
	}
	return urlEncode(key)
}

// urlEncode is how S3 encodes keys for XML: what is not a plain letter becomes %XX.
func urlEncode(key string) string {
	const upper = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + string(upper[c>>4]) + string(upper[c&15]))
	}
	return b.String()
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
	Metadata    map[string]string `aws:"x-amz-meta-,prefix"`
}

type putObjectOut struct {
	ETag string `aws:",header"`
}

func putObject(c *cloud.Call, in putObjectIn) (out putObjectOut, err error) {
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	o := b.put(in.Key, in.Body, in.ContentType, in.Metadata, c.Now)
	return putObjectOut{o.etag}, nil
}

func (b *bucket) put(key string, body []byte, kind string, metadata map[string]string, now time.Time) *object {
	sum := md5.Sum(body)
	if kind == "" {
		kind = "binary/octet-stream"
	}
	o := &object{body: body, etag: `"` + hex.EncodeToString(sum[:]) + `"`, kind: kind, modified: now.Truncate(time.Second), metadata: metadata}
	b.objects[key] = o
	return o
}

type objectOut struct {
	Body          []byte            `aws:",payload"`
	ContentType   string            `aws:"Content-Type,header"`
	ContentLength int               `aws:"Content-Length,header"`
	ETag          string            `aws:",header"`
	LastModified  time.Time         `aws:"Last-Modified,header"`
	Metadata      map[string]string `aws:"x-amz-meta-,prefix"`
}

func (in *onObject) find(c *cloud.Call) (*object, error) {
	b, err := in.bucket(c)
	if err != nil {
		return nil, err
	}
	o := b.objects[in.Key]
	if o == nil {
		return nil, cloud.Fail("NoSuchKey", 404, "The specified key does not exist.")
	}
	return o, nil
}

type getObjectIn struct {
	onObject
	Range string `aws:",header"`
}

func getObject(c *cloud.Call, in getObjectIn) (out objectOut, err error) {
	if in.Range != "" {
		return out, cloud.Fail("NotImplemented", 501, "The simulator serves whole objects alone")
	}
	o, err := in.find(c)
	if err != nil {
		return out, err
	}
	return objectOut{o.body, o.kind, len(o.body), o.etag, o.modified, o.metadata}, nil
}

func headObject(c *cloud.Call, in getObjectIn) (out objectOut, err error) { return getObject(c, in) }

func deleteObject(c *cloud.Call, in onObject) (noContent, error) {
	b, err := in.bucket(c)
	if err == nil {
		delete(b.objects, in.Key)
	}
	return noContent{204}, err
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
	b.put(key, body, "application/json", metadata, now)
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

// Objects are the objects of a bucket by key; whoever runs the simulation may look at
// them without a call.
func Objects(c *cloud.Cloud, bucket string) map[string]Object {
	out := map[string]Object{}
	if b := all(c)[bucket]; b != nil {
		for key, o := range b.objects {
			out[key] = Object{o.body, o.metadata}
		}
	}
	return out
}
