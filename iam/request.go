package iam

import (
	"bytes"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/resource"
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
	room    [actionRoom]byte
	size    int    // of the action in room
	long    []byte // the action, if room is too small
	colon   int    // where the action's service ends, -1 if it names none
	arn     resource.ARN
	same    Truth // caller's and resource's account are the same
	rule    rule
	// resourcePolicy says that the resource has one.
	resourcePolicy bool
	organized      bool   // SCPs or RCPs take part
	active         Layers // that have a say about this caller and resource
}

// actionRoom is the longest action that is lowered without allocation.
const actionRoom = 128

// fill works out everything; Request and context are set.
func (t *target) fill(s *Set) {
	t.resourcePolicy = s.has.Has(Resource)
	t.organized = s.has.Has(SCP) || s.has.Has(RCP)
	t.arn = resource.Split(t.Resource)
	if t.Facts.BucketABACOff && t.bucket() {
		t.context = withoutResourceTags(t.context)
	}
	owner := t.owner()
	switch {
	case owner == "" && t.arn.Is:
		t.same = Unknown
	case owner == "" || owner == "aws":
		t.same = True
	default:
		t.same = condition.Is(owner == t.Principal.Account)
	}
	t.about(t.Action)
}

// about makes the target one of an action, with the rule and layers that hang on it.
func (t *target) about(action string) {
	t.setAction(action)
	t.rule = t.findRule()
	t.active = t.activeLayers()
}

func (t *target) setAction(action string) {
	t.size, t.long = len(action), nil
	if len(action) > actionRoom {
		t.size, t.long = 0, []byte(action)
	}
	copy(t.room[:], action[:t.size])
	lower := t.lower()
	for i, c := range lower {
		if c >= 'A' && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	t.colon = bytes.IndexByte(lower, ':')
}

// lower is the action in lower case.
func (t *target) lower() []byte {
	if t.long != nil {
		return t.long
	}
	return t.room[:t.size]
}

// service and name are the parts of the action before and after its colon, which
// must be there.
func (t *target) service() []byte { return t.lower()[:t.colon] }
func (t *target) name() []byte    { return t.lower()[t.colon+1:] }

// owner is the account of the resource, "" if it is not known.
func (t *target) owner() rootkeep.AccountID {
	if t.ResourceAccount != "" {
		return t.ResourceAccount
	}
	if t.arn.Is {
		return rootkeep.AccountID(t.arn.Parts[4])
	}
	return ""
}

// bucket says whether the resource is an S3 bucket itself.
func (t *target) bucket() bool {
	return t.arn.Is && t.arn.Parts[2] == "s3" && !strings.Contains(t.arn.Parts[5], "/")
}

func withoutResourceTags(c Context) Context {
	prefixes := []string{"aws:resourcetag/", "s3:buckettag/"}
	for _, prefix := range prefixes {
		for _, k := range c.Keys() {
			if strings.HasPrefix(k, prefix) {
				c = c.With(k)
			}
		}
		c = c.Close(prefix)
	}
	return c
}
