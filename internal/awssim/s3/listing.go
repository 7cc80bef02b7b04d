package s3

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

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

type prefixShape struct{ Prefix string }

type listObjectsOut struct {
	Result struct {
		Name, Prefix, Delimiter, StartAfter, EncodingType string
		MaxKeys, KeyCount                                 int
		IsTruncated                                       bool
		ContinuationToken, NextContinuationToken          string
		Contents                                          []objectShape `aws:",flat"`
		CommonPrefixes                                    []prefixShape `aws:",flat"`
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
			r.CommonPrefixes = append(r.CommonPrefixes, prefixShape{encode(strings.TrimSuffix(e, "\x00"), in.EncodingType)})
			continue
		}
		o := b.newest(e)
		shape := objectShape{encode(e, in.EncodingType), o.modified, o.etag, len(o.body), "STANDARD", nil}
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
		if !ok || b.newest(key) == nil || key <= in.StartAfter && in.StartAfter != "" {
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

func encode(key, encoding string) string {
	if encoding != "url" {
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

type listVersionsIn struct {
	onBucket
	Prefix          string `aws:"prefix,query"`
	Delimiter       string `aws:"delimiter,query"`
	KeyMarker       string `aws:"key-marker,query"`
	VersionIdMarker string `aws:"version-id-marker,query"`
	MaxKeys         int    `aws:"max-keys,query"`
	EncodingType    string `aws:"encoding-type,query"`
}

// On is the bucket, with what is listed as context keys.
func (in *listVersionsIn) On(c *cloud.Call) cloud.Resource {
	return (&listObjectsIn{onBucket: in.onBucket, Prefix: in.Prefix, Delimiter: in.Delimiter}).On(c)
}

type versionShape struct {
	Key, VersionId string
	IsLatest       bool
	LastModified   time.Time
	ETag           string `aws:",omit"` // a delete marker has none of these
	Size           *int
	StorageClass   string `aws:",omit"`
	Owner          ownerShape
}

type listVersionsOut struct {
	Result struct {
		Name, Prefix, KeyMarker, VersionIdMarker string
		Delimiter                                string `aws:",omit"`
		EncodingType                             string `aws:",omit"`
		MaxKeys                                  int
		IsTruncated                              bool
		NextKeyMarker                            string         `aws:",omit"`
		NextVersionIdMarker                      string         `aws:",omit"`
		Version                                  []versionShape `aws:",flat"`
		DeleteMarker                             []versionShape `aws:",flat"`
		CommonPrefixes                           []prefixShape  `aws:",flat"`
	} `aws:"ListVersionsResult,payload"`
}

// listVersions lists versions and delete markers, the newest of a key first. A page
// goes on behind the key and version with which the last one ended.
func listVersions(c *cloud.Call, in listVersionsIn) (out listVersionsOut, err error) {
	b, err := in.bucket(c)
	switch {
	case err != nil:
		return out, err
	case c.Account == nil:
		return out, cloud.Fail("AccessDenied", 403, "Access Denied")
	case in.MaxKeys < 0 || in.VersionIdMarker != "" && in.KeyMarker == "":
		return out, cloud.Fail("InvalidArgument", 400, "A version-id marker cannot be specified without a key marker.")
	case in.VersionIdMarker != "" && b.version(in.KeyMarker, in.VersionIdMarker) == nil:
		return out, cloud.Fail("InvalidArgument", 400, "Invalid version id specified")
	}
	r := &out.Result
	r.Name, r.Prefix, r.Delimiter, r.EncodingType = b.name, encode(in.Prefix, in.EncodingType), in.Delimiter, in.EncodingType
	r.KeyMarker, r.VersionIdMarker, r.MaxKeys = encode(in.KeyMarker, in.EncodingType), in.VersionIdMarker, min(cmp.Or(in.MaxKeys, maxListed), maxListed)
	all := in.entries(b)
	if len(all) > r.MaxKeys {
		all = all[:r.MaxKeys]
		last := all[len(all)-1]
		r.IsTruncated, r.NextKeyMarker = true, encode(last.key, in.EncodingType)
		if last.object != nil {
			r.NextVersionIdMarker = last.object.version
		}
	}
	for _, e := range all {
		if e.object == nil {
			r.CommonPrefixes = append(r.CommonPrefixes, prefixShape{encode(e.key, in.EncodingType)})
			continue
		}
		o := e.object
		shape := versionShape{Key: encode(e.key, in.EncodingType), VersionId: o.version, IsLatest: e.latest, LastModified: o.modified, Owner: canonical(b.owner)}
		if o.marker {
			r.DeleteMarker = append(r.DeleteMarker, shape)
			continue
		}
		size := len(o.body)
		shape.ETag, shape.Size, shape.StorageClass = o.etag, &size, "STANDARD"
		r.Version = append(r.Version, shape)
	}
	return out, nil
}

// versionEntry is one version in a listing, or a common prefix without an object.
type versionEntry struct {
	key    string
	object *object
	latest bool
}

// entries are what is listed behind the markers.
func (in *listVersionsIn) entries(b *bucket) []versionEntry {
	var out []versionEntry
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		rest, ok := strings.CutPrefix(key, in.Prefix)
		if !ok || key < in.KeyMarker || key == in.KeyMarker && in.VersionIdMarker == "" && in.KeyMarker != "" {
			continue
		}
		if i := strings.Index(rest, in.Delimiter); in.Delimiter != "" && i >= 0 {
			prefix := in.Prefix + rest[:i+len(in.Delimiter)]
			// A marker that is a prefix, or lies in one, has listed it.
			if !strings.HasPrefix(in.KeyMarker, prefix) && (len(out) == 0 || out[len(out)-1].key != prefix) {
				out = append(out, versionEntry{key: prefix})
			}
			continue
		}
		versions := b.objects[key]
		skip := key == in.KeyMarker && in.VersionIdMarker != ""
		for i := len(versions) - 1; i >= 0; i-- {
			if !skip {
				out = append(out, versionEntry{key, versions[i], i == len(versions)-1})
			}
			skip = skip && versions[i].version != in.VersionIdMarker
		}
	}
	return out
}
