package s3

import (
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// object is one version of an object, or the marker of its deletion.
type object struct {
	version  string // "null" in a bucket that keeps no versions
	marker   bool
	body     []byte
	etag     string
	kind     string
	modified time.Time
	metadata map[string]string
	// locked is how the retention of the object's request or of its bucket protects the
	// version until a time: GOVERNANCE, COMPLIANCE, "" for not at all.
	locked string
	until  time.Time
}

// null is the version of what a bucket takes in while it keeps no versions.
const null = "null"

// newest is the object that a key stands for, nil if there is none or it was deleted.
func (b *bucket) newest(key string) *object {
	versions := b.objects[key]
	if len(versions) == 0 || versions[len(versions)-1].marker {
		return nil
	}
	return versions[len(versions)-1]
}

// version finds a version or marker, nil if there is none.
func (b *bucket) version(key, id string) *object {
	for _, o := range b.objects[key] {
		if o.version == id {
			return o
		}
	}
	return nil
}

// drop removes a version for good.
func (b *bucket) drop(key string, o *object) {
	b.objects[key] = slices.DeleteFunc(b.objects[key], func(x *object) bool { return x == o })
	if len(b.objects[key]) == 0 {
		delete(b.objects, key)
	}
}

// put makes an object the newest version of a key. Where versions are not kept, or no
// longer, it takes the place of the one that has no version.
//
// Source: Amazon S3 User Guide, "Adding objects to versioning-suspended buckets".
func (b *bucket) put(c *cloud.Cloud, key string, o *object) *object {
	o.version, o.modified = null, o.modified.Truncate(time.Second)
	if o.kind == "" && !o.marker {
		o.kind = "binary/octet-stream"
	}
	if b.versioning.Status == "Enabled" {
		o.version = c.FileID() + c.FileID()
	} else if old := b.version(key, null); old != nil {
		b.drop(key, old)
	}
	if b.lock != nil && b.lock.Rule != nil && !o.marker && o.locked == "" {
		d := b.lock.Rule.DefaultRetention
		o.locked, o.until = d.Mode, o.modified.AddDate(d.Years, 0, d.Days)
	}
	b.objects[key] = append(b.objects[key], o)
	return o
}

// hide deletes an object where versions are kept by putting a marker before it, which
// it returns; elsewhere the object goes and there is no marker.
func (b *bucket) hide(c *cloud.Cloud, key string, now time.Time) *object {
	if b.versioning.Status == "" {
		delete(b.objects, key)
		return nil
	}
	return b.put(c, key, &object{marker: true, modified: now})
}

// shown is the version of an object as answers give it: not at all in a bucket that
// never kept versions.
func (b *bucket) shown(o *object) string {
	if b.versioning.Status == "" {
		return ""
	}
	return o.version
}

// kept says whether retention forbids to delete the version.
func (o *object) kept(now time.Time, bypassGovernance bool) bool {
	return o.locked != "" && now.Before(o.until) && (o.locked == "COMPLIANCE" || !bypassGovernance)
}

// onVersion is the input of an operation on an object or on one version of it.
type onVersion struct {
	onObject
	VersionId string `aws:"versionId,query"`
}

// authorize asks for the permission, which is another one for a version that is named.
func (o *onVersion) authorize(c *cloud.Call, action string) error {
	r := o.resource(c, "/"+o.Key)
	if o.VersionId != "" {
		action += "Version"
		r.Keys = map[string][]string{"s3:VersionId": {o.VersionId}}
	}
	return c.Authorize(action, r)
}

// find is the version that is named, or the newest.
func (o *onVersion) find(b *bucket) (*object, error) {
	if o.VersionId == "" {
		if found := b.newest(o.Key); found != nil {
			return found, nil
		}
		return nil, cloud.Fail("NoSuchKey", 404, "The specified key does not exist.")
	}
	found := b.version(o.Key, o.VersionId)
	switch {
	case found == nil:
		return nil, cloud.Fail("NoSuchVersion", 404, "The specified version does not exist.")
	case found.marker:
		return nil, cloud.Fail("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
	}
	return found, nil
}
