package iam

import (
	"bytes"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam/condition"
)

// Request is one authorization question.
type Request struct {
	Action   string // service:Name, in any case
	Resource string // an ARN, or "*" for an action that has no resource type
	// ResourceAccount owns the resource. If it is empty, the account in the ARN is
	// taken; a resource without one (an S3 bucket) then has an unknown owner.
	ResourceAccount rootkeep.AccountID
	Principal       Principal
	Context         Context
	Facts           Facts
}

// Facts are settings of accounts and resources that decide beside the policies.
// The zero Facts is an account that is not the management account and an S3 bucket
// with no public access block and with attribute-based access control.
type Facts struct {
	// ManagementAccount of the organization: SCPs do not limit its principals, RCPs
	// do not protect its resources.
	ManagementAccount rootkeep.AccountID
	// RestrictPublicBuckets of S3 Block Public Access is on for the bucket.
	RestrictPublicBuckets bool
	// BucketABACOff: tags of an S3 bucket are not part of the request.
	BucketABACOff bool
	// AWSManagedKey: the resource is a KMS key that AWS manages.
	AWSManagedKey bool
}

// target is what the evaluation reads of a request again and again, worked out once.
type target struct {
	*Request
	context Context
	lower   []byte // the action in lower case
	colon   int    // where its service ends, -1 if it names none
	parts   [6]string
	isARN   bool
	same    Truth // caller's and resource's account are the same
	rule    rule
}

// actionRoom is the longest action that is lowered without allocation.
const actionRoom = 128

// fill works out everything but what depends on a second action.
func (t *target) fill(r *Request, buf []byte) {
	t.Request = r
	t.setAction(r.Action, buf)
	t.parts, t.isARN = condition.SplitARN(r.Resource)
	t.context = r.Context
	if r.Facts.BucketABACOff && t.bucket() {
		t.context = withoutResourceTags(r.Context)
	}
	owner := t.owner()
	switch {
	case owner == "" && t.isARN:
		t.same = Unknown
	case owner == "" || owner == "aws":
		t.same = True
	default:
		t.same = condition.Is(owner == r.Principal.Account)
	}
	t.rule = t.findRule()
}

func (t *target) setAction(action string, buf []byte) {
	t.lower = append(buf[:0], action...)
	for i, c := range t.lower {
		if c >= 'A' && c <= 'Z' {
			t.lower[i] = c + 'a' - 'A'
		}
	}
	t.colon = bytes.IndexByte(t.lower, ':')
}

// owner is the account of the resource, "" if it is not known.
func (t *target) owner() rootkeep.AccountID {
	if t.ResourceAccount != "" {
		return t.ResourceAccount
	}
	if t.isARN {
		return rootkeep.AccountID(t.parts[4])
	}
	return ""
}

// bucket says whether the resource is an S3 bucket itself.
func (t *target) bucket() bool {
	return t.isARN && t.parts[2] == "s3" && !strings.Contains(t.parts[5], "/")
}

func withoutResourceTags(c Context) Context {
	values := map[string][]string{}
	for _, k := range c.Keys() {
		values[k], _ = c.Values(k)
		if strings.HasPrefix(k, "aws:resourcetag/") || strings.HasPrefix(k, "s3:buckettag/") {
			values[k] = nil
		}
	}
	if c.Complete() {
		return NewContext(values)
	}
	return PartialContext(values)
}
